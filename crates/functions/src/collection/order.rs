//! Sorted arrays: `sort_array`, and `array_sort` in the natural order.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::ScalarUDF;
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::coercion::expect_order;
use super::keys::comparable;
use super::lists::{Lists, Picks, Rows, element_type};
use super::shape;
use crate::call::Call;
use crate::typed::Typed;

static SORT: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_list_sort", sort_kernel));

pub(super) fn implementations() -> Vec<Arc<ScalarUDF>> {
    vec![Arc::clone(&SORT)]
}

/// Ascending with nulls first, or descending with nulls last.
pub(super) fn sort_array(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let (array, element) = call.array(0)?;
    expect_order(call, &element)?;
    let ascending = if call.has(1) { call.argument(1)? } else { Typed::boolean(true) };
    let ascending = match ascending.data_type {
        DataType::Null => Typed::null(DataType::Boolean),
        _ => ascending,
    };
    if ascending.data_type != DataType::Boolean {
        return Err(call.unexpected(1, &ascending.data_type, "BOOLEAN"));
    }
    let name = format!("{}({}, {})", call.name, array.name, ascending.name);
    let is_ascending = match ascending.folded() {
        Some(ScalarValue::Boolean(Some(is_ascending))) => is_ascending,
        Some(ScalarValue::Boolean(None)) => return Ok(Typed::null(array.data_type).named(name)),
        _ => return Err(order_is_no_constant(call, &ascending.name)),
    };
    Ok(sorted(array, is_ascending, is_ascending)?.named(name))
}

fn order_is_no_constant(call: &Call<'_>, ascending: &str) -> SparkError {
    SparkError::new(
        "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
        format!("cannot resolve {}: the order must be a constant, and {ascending} is none", call.display()),
    )
    .with("sqlExpr", format!("\"{}\"", call.display()))
    .with("inputName", "`ascendingOrder`")
    .with("inputType", "\"BOOLEAN\"")
    .with("inputExpr", format!("\"{ascending}\""))
}

/// `array_sort` without a comparator: ascending with nulls last. Spark shows the comparator that it makes up.
pub(super) fn array_sort(call: &Call<'_>) -> SparkResult<Typed> {
    const SHOWN: &str = "lambdafunction((IF(((namedlambdavariable() IS NULL) AND (namedlambdavariable() IS NULL)), 0, \
        (IF((namedlambdavariable() IS NULL), 1, (IF((namedlambdavariable() IS NULL), -1, \
        (IF((namedlambdavariable() < namedlambdavariable()), -1, \
        (IF((namedlambdavariable() > namedlambdavariable()), 1, 0)))))))))), \
        namedlambdavariable(), namedlambdavariable())";
    let (array, element) = call.array(0)?;
    expect_order(call, &element)?;
    let name = format!("{}({}, {SHOWN})", call.name, array.name);
    Ok(sorted(array, true, false)?.named(name))
}

fn sorted(array: Typed, ascending: bool, nulls_first: bool) -> SparkResult<Typed> {
    let (data_type, nullable) = (array.data_type.clone(), array.nullable);
    let arguments = vec![array, Typed::boolean(ascending), Typed::boolean(nulls_first)];
    shape::call(&SORT, arguments, data_type, nullable)
}

fn sort_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let ([array, ascending, nulls_first], target) = shape::split(arrays)? else {
        return internal_err!("sort_array takes 3 arguments");
    };
    let lists = Lists::of(array)?;
    let [elements] = comparable([&lists.values])?;
    let (ascending, nulls_first) = (ascending.as_boolean(), nulls_first.as_boolean());
    let (mut ends, mut picks) = (Rows::with_capacity(rows), Picks::default());
    for row in 0..rows {
        let Some(range) = lists.range(row) else {
            ends.null();
            continue;
        };
        let (nulls, mut values): (Vec<usize>, Vec<usize>) = range.partition(|index| lists.values.is_null(*index));
        if ascending.value(row) {
            values.sort_by(|left, right| elements.row(*left).cmp(&elements.row(*right)));
        } else {
            values.sort_by(|left, right| elements.row(*right).cmp(&elements.row(*left)));
        }
        let (first, second) = if nulls_first.value(row) { (nulls, values) } else { (values, nulls) };
        first.into_iter().chain(second).for_each(|index| picks.push(0, index));
        ends.end(picks.len())?;
    }
    ends.list(&picks.take(&[&lists.values], element_type(target)?)?, target)
}
