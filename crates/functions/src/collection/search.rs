//! What arrays hold: `size`, `array_contains`, `array_position`, `arrays_overlap`, `array_min` and `array_max`.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, BooleanArray, Int32Array, Int64Array};
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::{Case, Expr, ScalarUDF};
use firesteel_spec::{DataType, SparkResult};

use super::coercion::{array_and_value, contains_null, expect_order, refuse_null_types, two_arrays};
use super::keys::comparable;
use super::lists::{Lists, Picks};
use super::shape;
use crate::call::Call;
use crate::typed::Typed;

static SIZE: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_collection_size", size_kernel));
static CONTAINS: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_list_contains", contains_kernel));
static POSITION: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_list_position", position_kernel));
static OVERLAP: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_lists_overlap", overlap_kernel));
static MIN: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_list_min", min_kernel));
static MAX: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_list_max", max_kernel));

pub(super) fn implementations() -> Vec<Arc<ScalarUDF>> {
    [&SIZE, &CONTAINS, &POSITION, &OVERLAP, &MIN, &MAX].map(|udf| Arc::clone(udf)).to_vec()
}

/// Of an array or a map. Of null: null with ANSI, else -1.
pub(super) fn size(call: &Call<'_>) -> SparkResult<Typed> {
    let typed = array_size_of(call, true)?;
    if call.settings.ansi {
        return Ok(call.shown(typed));
    }
    let is_null = Expr::IsNull(Box::new(typed.expr.clone()));
    let branch = (Box::new(is_null), Box::new(Typed::int(-1).expr));
    let case = Expr::Case(Case::new(None, vec![branch], Some(Box::new(typed.expr))));
    Ok(call.shown(Typed::new(case, DataType::Integer, false, "")))
}

pub(super) fn array_size(call: &Call<'_>) -> SparkResult<Typed> {
    Ok(call.shown(array_size_of(call, false)?))
}

fn array_size_of(call: &Call<'_>, maps: bool) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let collection = call.argument(0)?;
    let nullable = collection.nullable;
    let collection = match &collection.data_type {
        DataType::Map { .. } if maps => collection,
        DataType::Array { .. } | DataType::Null => call.array(0)?.0,
        other if maps => return Err(call.unexpected(0, other, "(\"ARRAY\" or \"MAP\")")),
        other => return Err(call.unexpected(0, other, "ARRAY")),
    };
    shape::call(&SIZE, vec![collection], DataType::Integer, nullable)
}

fn size_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let ([collection], _) = shape::split(arrays)? else { return internal_err!("size takes 1 argument") };
    let lists = Lists::of(collection)?;
    let sizes: Int32Array = (0..rows).map(|row| lists.range(row).map(|range| range.len() as i32)).collect();
    Ok(Arc::new(sizes))
}

pub(super) fn contains(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    refuse_null_types(call)?;
    let (array, value, element) = array_and_value(call, 0, 1)?;
    expect_order(call, &element)?;
    let nullable = array.nullable || value.nullable || contains_null(&array.data_type);
    Ok(call.shown(shape::call(&CONTAINS, vec![array, value], DataType::Boolean, nullable)?))
}

/// Null if it is not there, but a null is, which might be it.
fn contains_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let ([array, value], _) = shape::split(arrays)? else { return internal_err!("array_contains takes 2 arguments") };
    let lists = Lists::of(array)?;
    let [elements, wanted] = comparable([&lists.values, value])?;
    let found: BooleanArray = (0..rows)
        .map(|row| {
            let range = lists.range(row).filter(|_| value.is_valid(row))?;
            if range.clone().any(|index| elements.row(index) == wanted.row(row)) {
                return Some(true);
            }
            if range.into_iter().any(|index| lists.values.is_null(index)) { None } else { Some(false) }
        })
        .collect();
    Ok(Arc::new(found))
}

/// From 1, and 0 if it is not there.
pub(super) fn position(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    if call.argument(0)?.data_type == DataType::Null {
        refuse_null_types(call)?;
    }
    let (array, value, element) = array_and_value(call, 0, 1)?;
    expect_order(call, &element)?;
    let nullable = array.nullable || value.nullable;
    Ok(call.shown(shape::call(&POSITION, vec![array, value], DataType::Long, nullable)?))
}

fn position_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let ([array, value], _) = shape::split(arrays)? else { return internal_err!("array_position takes 2 arguments") };
    let lists = Lists::of(array)?;
    let [elements, wanted] = comparable([&lists.values, value])?;
    let found: Int64Array = (0..rows)
        .map(|row| {
            let mut range = lists.range(row).filter(|_| value.is_valid(row))?;
            Some(range.position(|index| elements.row(index) == wanted.row(row)).map_or(0, |at| at as i64 + 1))
        })
        .collect();
    Ok(Arc::new(found))
}

pub(super) fn overlap(call: &Call<'_>) -> SparkResult<Typed> {
    let (left, right, element) = two_arrays(call)?;
    expect_order(call, &element)?;
    let nullable = [&left, &right].iter().any(|array| array.nullable || contains_null(&array.data_type));
    Ok(call.shown(shape::call(&OVERLAP, vec![left, right], DataType::Boolean, nullable)?))
}

/// Null if nothing but nulls could be common, and neither is empty.
fn overlap_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let ([left, right], _) = shape::split(arrays)? else { return internal_err!("arrays_overlap takes 2 arguments") };
    let (left, right) = (Lists::of(left)?, Lists::of(right)?);
    let [left_rows, right_rows] = comparable([&left.values, &right.values])?;
    let mut seen = std::collections::HashSet::new();
    let mut answer = Vec::with_capacity(rows);
    for row in 0..rows {
        let (Some(first), Some(second)) = (left.range(row), right.range(row)) else {
            answer.push(None);
            continue;
        };
        seen.clear();
        seen.extend(first.clone().filter(|index| left.values.is_valid(*index)).map(|index| left_rows.row(index)));
        let common = second.clone().any(|index| right.values.is_valid(index) && seen.contains(&right_rows.row(index)));
        let has_null = !first.is_empty()
            && !second.is_empty()
            && (first.clone().any(|index| left.values.is_null(index))
                || second.clone().any(|index| right.values.is_null(index)));
        answer.push(if common { Some(true) } else { (!has_null).then_some(false) });
    }
    Ok(Arc::new(BooleanArray::from(answer)))
}

pub(super) fn min(call: &Call<'_>) -> SparkResult<Typed> {
    extreme(call, &MIN)
}

pub(super) fn max(call: &Call<'_>) -> SparkResult<Typed> {
    extreme(call, &MAX)
}

fn extreme(call: &Call<'_>, function: &Arc<ScalarUDF>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let (array, element) = call.array(0)?;
    expect_order(call, &element)?;
    if element == DataType::Null {
        // Nothing to compare, and nothing but null to give.
        return Ok(call.shown(Typed::new(
            Expr::Literal(datafusion::common::ScalarValue::Null, None),
            element,
            true,
            "",
        )));
    }
    Ok(call.shown(shape::call(function, vec![array], element, true)?))
}

fn min_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    extreme_kernel(arrays, rows, std::cmp::Ordering::Less)
}

fn max_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    extreme_kernel(arrays, rows, std::cmp::Ordering::Greater)
}

/// The first of the elements than which none lies further; nulls don't count.
fn extreme_kernel(arrays: &[ArrayRef], rows: usize, further: std::cmp::Ordering) -> Result<ArrayRef> {
    let ([array], target) = shape::split(arrays)? else { return internal_err!("array_max takes 1 argument") };
    let lists = Lists::of(array)?;
    let [elements] = comparable([&lists.values])?;
    let mut picks = Picks::default();
    for row in 0..rows {
        let valid = lists.range(row).unwrap_or_default().filter(|index| lists.values.is_valid(*index));
        let best = valid.reduce(
            |best, index| {
                if elements.row(index).cmp(&elements.row(best)) == further { index } else { best }
            },
        );
        picks.push_option(0, best);
    }
    picks.take(&[&lists.values], target)
}
