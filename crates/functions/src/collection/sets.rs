//! Arrays as sets: `array_distinct`, `array_union`, `array_intersect`, `array_except`. Elements stand in the order in
//! which they first came; a null is equal to a null, and zeros lose their sign.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use arrow::array::ArrayRef;
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::ScalarUDF;
use firesteel_spec::{DataType, SparkResult};

use super::coercion::{contains_null, expect_order, two_arrays};
use super::keys::{comparable, normalized};
use super::lists::{Lists, Picks, Rows, element_type};
use super::shape;
use crate::call::Call;
use crate::typed::Typed;

static DISTINCT: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_list_distinct", distinct_kernel));
static UNION: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_list_union", union_kernel));
static INTERSECT: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_list_intersect", intersect_kernel));
static EXCEPT: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_list_except", except_kernel));

pub(super) fn implementations() -> Vec<Arc<ScalarUDF>> {
    [&DISTINCT, &UNION, &INTERSECT, &EXCEPT].map(|udf| Arc::clone(udf)).to_vec()
}

pub(super) fn distinct(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let (array, element) = call.array(0)?;
    expect_order(call, &element)?;
    let (data_type, nullable) = (array.data_type.clone(), array.nullable);
    Ok(call.shown(shape::call(&DISTINCT, vec![array], data_type, nullable)?))
}

pub(super) fn union(call: &Call<'_>) -> SparkResult<Typed> {
    combine(call, &UNION, |left, right| left || right)
}

pub(super) fn intersect(call: &Call<'_>) -> SparkResult<Typed> {
    combine(call, &INTERSECT, |left, right| left && right)
}

pub(super) fn except(call: &Call<'_>) -> SparkResult<Typed> {
    combine(call, &EXCEPT, |left, _| left)
}

fn combine(call: &Call<'_>, function: &Arc<ScalarUDF>, has_nulls: fn(bool, bool) -> bool) -> SparkResult<Typed> {
    let (left, right, element) = two_arrays(call)?;
    expect_order(call, &element)?;
    let with_null = has_nulls(contains_null(&left.data_type), contains_null(&right.data_type));
    let nullable = left.nullable || right.nullable;
    let typed = shape::call(function, vec![left, right], DataType::array(element, with_null), nullable)?;
    Ok(call.shown(typed))
}

fn distinct_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let ([array], target) = shape::split(arrays)? else { return internal_err!("array_distinct takes 1 argument") };
    let lists = Lists::of(array)?;
    let [elements] = comparable([&lists.values])?;
    let (mut ends, mut picks, mut seen) = (Rows::with_capacity(rows), Picks::default(), HashSet::new());
    for row in 0..rows {
        let Some(range) = lists.range(row) else {
            ends.null();
            continue;
        };
        seen.clear();
        range.filter(|index| seen.insert(elements.row(*index))).for_each(|index| picks.push(0, index));
        ends.end(picks.len())?;
    }
    rows_of(ends, picks, &[&lists.values], target)
}

fn union_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    set_kernel(arrays, rows, Operation::Union)
}

fn intersect_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    set_kernel(arrays, rows, Operation::Intersect)
}

fn except_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    set_kernel(arrays, rows, Operation::Except)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Union,
    Intersect,
    Except,
}

fn set_kernel(arrays: &[ArrayRef], rows: usize, operation: Operation) -> Result<ArrayRef> {
    let ([left, right], target) = shape::split(arrays)? else {
        return internal_err!("a function of two sets takes 2 arguments");
    };
    let (left, right) = (Lists::of(left)?, Lists::of(right)?);
    let [left_rows, right_rows] = comparable([&left.values, &right.values])?;
    let (mut ends, mut picks) = (Rows::with_capacity(rows), Picks::default());
    let (mut seen, mut others) = (HashSet::new(), HashSet::new());
    for row in 0..rows {
        let (Some(first), Some(second)) = (left.range(row), right.range(row)) else {
            ends.null();
            continue;
        };
        seen.clear();
        others.clear();
        if operation != Operation::Union {
            others.extend(second.clone().map(|index| right_rows.row(index)));
        }
        for index in first {
            let element = left_rows.row(index);
            let wanted =
                operation == Operation::Union || others.contains(&element) == (operation == Operation::Intersect);
            if wanted && seen.insert(element) {
                picks.push(0, index);
            }
        }
        if operation == Operation::Union {
            second.filter(|index| seen.insert(right_rows.row(*index))).for_each(|index| picks.push(1, index));
        }
        ends.end(picks.len())?;
    }
    rows_of(ends, picks, &[&left.values, &right.values], target)
}

fn rows_of(ends: Rows, picks: Picks, sources: &[&ArrayRef], target: &arrow::datatypes::DataType) -> Result<ArrayRef> {
    ends.list(&normalized(&picks.take(sources, element_type(target)?)?)?, target)
}
