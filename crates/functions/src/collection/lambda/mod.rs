//! Functions that take functions. The resolver asks [`lambda_parameters`] for the types of a lambda's parameters,
//! resolves its body with them, and hands it over as an argument whose expression is an `Expr::Lambda`.

mod array;
mod fold;
mod invocation;
mod map;
mod sort;

use std::sync::Arc;

use datafusion::logical_expr::expr::{HigherOrderFunction, Lambda};
use datafusion::logical_expr::{Expr, HigherOrderUDF};
use firesteel_spec::{DataType, SparkError, SparkResult};

pub(super) use array::{exists, filter, for_all, transform, zip_with};
pub(super) use fold::aggregate;
pub(super) use map::{map_filter, map_zip_with, transform_keys, transform_values};
pub(super) use sort::array_sort;

use super::coercion::{contains_null, element_of, wider_without_strings};
use super::shape;
use crate::call::Call;
use crate::cast::implicit_cast;
use crate::typed::Typed;

pub(super) fn implementations() -> Vec<Arc<HigherOrderUDF>> {
    [array::implementations(), fold::implementations(), map::implementations(), sort::implementations()].concat()
}

/// The types of the parameters of a lambda, and whether they may be null.
///
/// `arguments` are those of the call, `None` where a lambda stands; the lambda is the one at `index`, with `count`
/// parameters.
pub fn lambda_parameters(
    name: &str,
    arguments: &[Option<Typed>],
    index: usize,
    count: usize,
) -> SparkResult<Vec<(DataType, bool)>> {
    let value = |index: usize| -> DataType {
        arguments.get(index).and_then(Option::as_ref).map_or(DataType::Null, |value| value.data_type.clone())
    };
    let element = |index: usize, or_null: bool| {
        let array = value(index);
        (element_of(&array), or_null || contains_null(&array) || array == DataType::Null)
    };
    let entry = |index: usize| match value(index) {
        DataType::Map { key, value, value_contains_null } => (*key, *value, value_contains_null),
        _ => (DataType::Null, DataType::Null, true),
    };
    let position = (DataType::Integer, false);
    let accumulator = || (value(1), true);
    let (expected, parameters) = match (name, index) {
        ("transform" | "filter", 1) if count == 2 => (2..=2, vec![element(0, false), position]),
        ("transform" | "filter", 1) => (1..=2, vec![element(0, false)]),
        ("exists" | "forall" | "any" | "all", 1) => (1..=1, vec![element(0, false)]),
        ("aggregate" | "reduce", 2) => (2..=2, vec![accumulator(), element(0, false)]),
        ("aggregate" | "reduce", 3) => (1..=1, vec![accumulator()]),
        ("zip_with", 2) => (2..=2, vec![element(0, true), element(1, true)]),
        ("array_sort", 1) => (2..=2, vec![element(0, false), element(0, false)]),
        ("transform_keys" | "transform_values" | "map_filter", 1) => {
            let (key, value, with_null) = entry(0);
            (2..=2, vec![(key, false), (value, with_null)])
        }
        ("map_zip_with", 2) => {
            let ((left_key, left, _), (right_key, right, _)) = (entry(0), entry(1));
            // What has no common type is refused with the call.
            let key = wider_without_strings(&left_key, &right_key, true).unwrap_or(left_key);
            (3..=3, vec![(key, false), (left, true), (right, true)])
        }
        _ => return Err(takes_no_lambda(name)),
    };
    if expected.contains(&count) {
        return Ok(parameters);
    }
    let error = SparkError::new(
        "INVALID_LAMBDA_FUNCTION_CALL.NUM_ARGS_MISMATCH",
        format!("the function that {name} takes has {} parameters, not {count}", expected.end()),
    );
    Err(error.with("expectedNumArgs", count.to_string()).with("actualNumArgs", expected.end().to_string()))
}

fn takes_no_lambda(name: &str) -> SparkError {
    SparkError::new(
        "INVALID_LAMBDA_FUNCTION_CALL.PARAMETER_DOES_NOT_ACCEPT_LAMBDA_FUNCTION",
        format!("{name} takes no function there"),
    )
}

/// A call with values and lambdas, of a function that gives `data_type`.
fn higher_order(
    function: &Arc<HigherOrderUDF>,
    values: Vec<Typed>,
    lambdas: Vec<Typed>,
    data_type: DataType,
    nullable: bool,
) -> Typed {
    let constants = shape::constants(&data_type, nullable);
    let args = values.into_iter().chain(constants).chain(lambdas).map(|argument| argument.expr).collect();
    let expr = Expr::HigherOrderFunction(HigherOrderFunction::new(Arc::clone(function), args));
    Typed::new(expr, data_type, nullable, "")
}

/// Argument `index`, which must be a lambda.
fn lambda(call: &Call<'_>, index: usize) -> SparkResult<Typed> {
    if call.argument(0)?.data_type == DataType::Null {
        let is_of_maps = call.name.starts_with("map_") || call.name.starts_with("transform_");
        return Err(call.unexpected(0, &DataType::Null, if is_of_maps { "MAP" } else { "ARRAY" }));
    }
    let argument = call.argument(index)?;
    match argument.expr {
        Expr::Lambda(_) => Ok(argument),
        _ => Err(call.unexpected(index, &argument.data_type, "LAMBDA")),
    }
}

/// The lambda with its body cast to a type, if Spark does that without being asked.
fn lambda_of(call: &Call<'_>, index: usize, to: &DataType) -> SparkResult<Typed> {
    let argument = lambda(call, index)?;
    let Expr::Lambda(inner) = argument.expr else { return Err(SparkError::internal("a lambda is one")) };
    let found = argument.data_type;
    let body = Typed::new(*inner.body, found.clone(), argument.nullable, "");
    // Nothing but a bare null becomes the type of a lambda.
    let body = if found == *to || found == DataType::Null { implicit_cast(body, to, call.settings) } else { None };
    let body = body.ok_or_else(|| call.unexpected(index, &found, &to.sql()))?;
    let expr = Expr::Lambda(Lambda { params: inner.params, body: Box::new(body.expr) });
    Ok(Typed::new(expr, to.clone(), body.nullable, argument.name))
}
