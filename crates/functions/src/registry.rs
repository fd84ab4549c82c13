//! Spark's functions by name, and DataFusion's functions by which they are computed.
//!
//! A [`Function`] turns a [`Call`] with resolved arguments into an expression; a session of the driver knows it by name.
//! What the expression calls is a DataFusion function, which both the driver and the functions register: all of
//! [`Implementations`], and nothing by hand.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use datafusion::logical_expr::{AggregateUDF, HigherOrderUDF, ScalarUDF, WindowUDF};
use firesteel_spec::SparkResult;

use crate::call::Call;
use crate::typed::Typed;

pub type Build = fn(&Call<'_>) -> SparkResult<Typed>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Scalar,
    /// Builds an `Expr::AggregateFunction`, or an expression over several.
    Aggregate,
    /// Builds an `Expr::WindowFunction` without its window, which the resolver adds.
    Window,
    /// Builds an array of structs whose fields are the columns; null or empty gives no rows.
    Generator,
}

#[derive(Debug, Clone, Copy)]
pub struct Function {
    /// In lower case.
    pub name: &'static str,
    pub kind: Kind,
    pub build: Build,
}

impl Function {
    pub const fn scalar(name: &'static str, build: Build) -> Self {
        Self { name, kind: Kind::Scalar, build }
    }

    pub const fn aggregate(name: &'static str, build: Build) -> Self {
        Self { name, kind: Kind::Aggregate, build }
    }

    pub const fn window(name: &'static str, build: Build) -> Self {
        Self { name, kind: Kind::Window, build }
    }

    pub const fn generator(name: &'static str, build: Build) -> Self {
        Self { name, kind: Kind::Generator, build }
    }
}

/// What a family of functions calls, beyond DataFusion's own.
#[derive(Debug, Clone, Default)]
pub struct Implementations {
    pub scalar: Vec<Arc<ScalarUDF>>,
    pub higher_order: Vec<Arc<HigherOrderUDF>>,
    pub aggregate: Vec<Arc<AggregateUDF>>,
    pub window: Vec<Arc<WindowUDF>>,
}

/// One family: the names that it defines, and what computes them.
pub struct Family {
    pub functions: &'static [Function],
    pub implementations: fn() -> Implementations,
}

static FUNCTIONS: LazyLock<HashMap<&'static str, Function>> = LazyLock::new(|| {
    crate::FAMILIES.iter().flat_map(|family| family.functions).map(|function| (function.name, *function)).collect()
});

/// The function of this name, in lower case.
pub fn lookup(name: &str) -> Option<Function> {
    FUNCTIONS.get(name).copied()
}

/// All names, sorted.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = FUNCTIONS.keys().copied().collect();
    names.sort_unstable();
    names
}

/// All that the families call beyond DataFusion's own functions.
pub fn implementations() -> Implementations {
    let mut all = Implementations::default();
    for family in crate::FAMILIES {
        let own = (family.implementations)();
        all.scalar.extend(own.scalar);
        all.higher_order.extend(own.higher_order);
        all.aggregate.extend(own.aggregate);
        all.window.extend(own.window);
    }
    all
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_name_is_defined_once() {
        let mut names: Vec<_> =
            crate::FAMILIES.iter().flat_map(|family| family.functions).map(|own| own.name).collect();
        names.sort_unstable();
        let twice: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
        assert!(twice.is_empty(), "{twice:?}");
    }
}
