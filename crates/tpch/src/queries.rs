//! The 22 queries with the validation parameters of the TPC-H specification.

/// One query.
#[derive(Debug, Clone, Copy)]
pub struct Query {
    /// `q01` to `q22`.
    pub name: &'static str,
    pub sql: &'static str,
}

macro_rules! queries {
    ($($name:literal),*) => {
        [$(Query { name: $name, sql: include_str!(concat!("../../../examples/sql/tpch/", $name, ".sql")) }),*]
    };
}

/// All 22, in order.
pub fn queries() -> [Query; 22] {
    queries![
        "q01", "q02", "q03", "q04", "q05", "q06", "q07", "q08", "q09", "q10", "q11", "q12", "q13", "q14", "q15", "q16",
        "q17", "q18", "q19", "q20", "q21", "q22"
    ]
}
