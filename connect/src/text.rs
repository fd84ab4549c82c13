//! All that is text within a plan: SQL, names, and types. The parser of SQL is another crate's; this is the only file
//! that knows it.

use std::collections::BTreeMap;

use firesteel_spec::{DataType, Expr, Name, Plan, SparkError, SparkResult};

/// Values for the markers `:name` and `?` of SQL text.
#[derive(Debug, Default)]
pub(crate) enum Parameters {
    #[default]
    None,
    Named(BTreeMap<String, Expr>),
    Positional(Vec<Expr>),
}

pub(crate) fn statement(_text: &str, _parameters: Parameters) -> SparkResult<Plan> {
    Err(SparkError::unsupported("SQL text"))
}

pub(crate) fn expression(_text: &str) -> SparkResult<Expr> {
    Err(SparkError::unsupported("SQL text"))
}

pub(crate) fn data_type(_text: &str) -> SparkResult<DataType> {
    Err(SparkError::unsupported("SQL text"))
}

/// A type or a table's columns, as DDL or as JSON.
pub(crate) fn schema(text: &str) -> SparkResult<DataType> {
    DataType::from_json(text)
}

/// A table's or a function's name in up to several parts.
pub(crate) fn name(text: &str) -> SparkResult<Name> {
    Ok(text.split('.').map(str::to_owned).collect())
}

/// A column's name in parts.
pub(crate) fn attribute_name(text: &str) -> SparkResult<Name> {
    Ok(text.split('.').map(str::to_owned).collect())
}
