//! `array_sort` with a comparator: a merge sort from the bottom up, in which all runs of all rows are merged at once, so
//! that the comparator is called with whole columns. Its calls are about as many as twice the longest array is long.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, UInt64Array};
use arrow::compute::take;
use arrow::datatypes::Int32Type;
use datafusion::common::Result;
use datafusion::logical_expr::HigherOrderUDF;
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::super::coercion::{contains_null, element_of};
use super::super::keys::text;
use super::super::order;
use super::invocation::{Flat, Invocation, LambdaUdf};
use super::{higher_order, lambda, lambda_of};
use crate::call::Call;
use crate::kernel::spark_error;
use crate::typed::Typed;

static SORT: LazyLock<Arc<HigherOrderUDF>> =
    LazyLock::new(|| LambdaUdf::udf("spark_array_sort_by", two_elements, sort_kernel));

pub(super) fn implementations() -> Vec<Arc<HigherOrderUDF>> {
    vec![Arc::clone(&SORT)]
}

fn two_elements(values: &[DataType]) -> Vec<Vec<(DataType, bool)>> {
    let array = values.first().unwrap_or(&DataType::Null);
    let element = (element_of(array), contains_null(array));
    vec![vec![element.clone(), element]]
}

pub(in super::super) fn array_sort(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    if !call.has(1) {
        return order::array_sort(call);
    }
    let (array, _) = call.array(0)?;
    let found = lambda(call, 1)?;
    if found.data_type != DataType::Integer {
        return Err(no_integer(call, &found));
    }
    let body = lambda_of(call, 1, &DataType::Integer)?;
    let (data_type, nullable) = (array.data_type.clone(), array.nullable);
    Ok(call.shown(higher_order(&SORT, vec![array], vec![body], data_type, nullable)))
}

fn no_integer(call: &Call<'_>, body: &Typed) -> SparkError {
    SparkError::new(
        "DATATYPE_MISMATCH.UNEXPECTED_RETURN_TYPE",
        format!("cannot resolve {}: a comparator gives an INT, not {}", call.display(), body.data_type),
    )
    .with("sqlExpr", format!("\"{}\"", call.display()))
    .with("functionName", "`lambdafunction`")
    .with("expectedType", "\"INT\"")
    .with("actualType", format!("\"{}\"", body.data_type))
}

/// Two sorted runs that are being merged into one place.
struct Merge {
    left: usize,
    left_end: usize,
    right: usize,
    right_end: usize,
    to: usize,
}

fn sort_kernel(call: &Invocation<'_>) -> Result<ArrayRef> {
    let flat = Flat::of(call.value(0)?)?;
    let ranges: Vec<_> = flat.ends.ranges().collect();
    let longest = ranges.iter().map(|range| range.len()).max().unwrap_or(0);
    let mut order: Vec<usize> = (0..flat.elements.len()).collect();
    let mut width = 1;
    while width < longest {
        let mut merged = order.clone();
        let mut merges: Vec<Merge> = Vec::new();
        for range in &ranges {
            for start in range.clone().step_by(2 * width) {
                let middle = (start + width).min(range.end);
                let end = (start + 2 * width).min(range.end);
                merges.push(Merge { left: start, left_end: middle, right: middle, right_end: end, to: start });
            }
        }
        loop {
            // What is left of the longer run already stands in order.
            merges.retain_mut(|merge| {
                if merge.left < merge.left_end && merge.right < merge.right_end {
                    return true;
                }
                let rest: Vec<usize> = order[merge.left..merge.left_end]
                    .iter()
                    .chain(&order[merge.right..merge.right_end])
                    .copied()
                    .collect();
                merged[merge.to..merge.to + rest.len()].copy_from_slice(&rest);
                false
            });
            if merges.is_empty() {
                break;
            }
            let pairs = merges.iter().map(|merge| (order[merge.left], order[merge.right]));
            let takes_right = compare(call, &flat, &pairs.collect::<Vec<_>>())?;
            for (merge, takes_right) in merges.iter_mut().zip(takes_right) {
                let from = if takes_right { &mut merge.right } else { &mut merge.left };
                merged[merge.to] = order[*from];
                *from += 1;
                merge.to += 1;
            }
        }
        order = merged;
        width *= 2;
    }
    let indices: UInt64Array = order.into_iter().map(|index| index as u64).collect::<Vec<_>>().into();
    let sorted = take(&flat.elements, &indices, None)?;
    flat.ends.list(&sorted, call.target)
}

/// For each pair, is the first greater than the second?
fn compare(call: &Invocation<'_>, flat: &Flat, pairs: &[(usize, usize)]) -> Result<Vec<bool>> {
    let left: UInt64Array = pairs.iter().map(|pair| pair.0 as u64).collect::<Vec<_>>().into();
    let right: UInt64Array = pairs.iter().map(|pair| pair.1 as u64).collect::<Vec<_>>().into();
    let outer = take(&flat.outer, &left, None)?;
    let columns = [take(&flat.elements, &left, None)?, take(&flat.elements, &right, None)?];
    let answers = call.lambda(0)?.evaluate(&columns, outer.as_primitive())?;
    let answers = answers.as_primitive::<Int32Type>();
    if let Some(pair) = pairs.iter().zip(answers).find_map(|(pair, answer)| answer.is_none().then_some(pair)) {
        let (first, second) = (text(&flat.elements, pair.0), text(&flat.elements, pair.1));
        let message = format!("the comparator gave NULL for {first} and {second}; it has to give an INT");
        let error = SparkError::new("COMPARATOR_RETURNS_NULL", message);
        return Err(spark_error(error.with("firstValue", first).with("secondValue", second)));
    }
    Ok(answers.values().iter().map(|answer| *answer > 0).collect())
}
