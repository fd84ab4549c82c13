//! `aggregate`, also called `reduce`: element by element, but for all rows at once.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, UInt64Array};
use arrow::compute::{interleave, take};
use datafusion::common::Result;
use datafusion::logical_expr::HigherOrderUDF;
use firesteel_spec::{DataType, SparkResult};

use super::super::coercion::{contains_null, element_of, same_type};
use super::super::lists::{Lists, Picks, retype};
use super::invocation::{Invocation, LambdaCall, LambdaUdf};
use super::{higher_order, lambda};
use crate::call::Call;
use crate::typed::Typed;

static AGGREGATE: LazyLock<Arc<HigherOrderUDF>> =
    LazyLock::new(|| LambdaUdf::udf("spark_aggregate", parameters, aggregate_kernel));

pub(super) fn implementations() -> Vec<Arc<HigherOrderUDF>> {
    vec![Arc::clone(&AGGREGATE)]
}

fn parameters(values: &[DataType]) -> Vec<Vec<(DataType, bool)>> {
    let [array, zero] = values else { return Vec::new() };
    vec![vec![(zero.clone(), true), (element_of(array), contains_null(array))], vec![(zero.clone(), true)]]
}

/// `aggregate(array, zero, merge, finish)`: the merged value must have the type of the zero.
pub(in super::super) fn aggregate(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(3..=4)?;
    let ((array, _), zero, merge) = (call.array(0)?, call.argument(1)?, lambda(call, 2)?);
    if !same_type(&zero.data_type, &merge.data_type) {
        return Err(call.unexpected(2, &merge.data_type, &zero.data_type.sql()));
    }
    let mut names: Vec<String> = call.arguments.iter().map(|argument| argument.name.clone()).collect();
    let (mut lambdas, mut data_type) = (vec![merge], zero.data_type.clone());
    let mut nullable = true;
    if call.has(3) {
        let finish = lambda(call, 3)?;
        data_type = finish.data_type.clone();
        nullable = array.nullable || finish.nullable;
        lambdas.push(finish);
    } else {
        names.push("lambdafunction(namedlambdavariable(), namedlambdavariable())".to_owned());
    }
    let name = format!("{}({})", call.name, names.join(", "));
    Ok(higher_order(&AGGREGATE, vec![array, zero], lambdas, data_type, nullable).named(name))
}

fn aggregate_kernel(call: &Invocation<'_>) -> Result<ArrayRef> {
    let (lists, zero) = (Lists::of(call.value(0)?)?, call.value(1)?);
    let merged = merge_all(&lists, zero, call.lambda(0)?)?;
    if !call.has_lambda(1) {
        return retype(&merged, call.target);
    }
    let valid: Vec<usize> = (0..call.rows).filter(|row| !lists.is_null(*row)).collect();
    let outer: UInt64Array = valid.iter().map(|row| *row as u64).collect::<Vec<_>>().into();
    let finished = call.lambda(1)?.evaluate(&[take(&merged, &outer, None)?], &outer)?;
    let mut picks = Picks::default();
    let mut next = 0;
    for row in 0..call.rows {
        let is_valid = !lists.is_null(row);
        picks.push_option(0, is_valid.then_some(next));
        next += usize::from(is_valid);
    }
    picks.take(&[&finished], call.target)
}

/// The value of each row after its last element; null for a null array. In step `n` the rows take part that have
/// more than `n` elements.
fn merge_all(lists: &Lists, zero: &ArrayRef, merge: &LambdaCall<'_>) -> Result<ArrayRef> {
    let rows = lists.rows();
    let null = arrow::array::new_null_array(zero.data_type(), 1);
    let mut pieces = vec![null, Arc::clone(zero)];
    // Where the value of each row stands: in which piece, and where in it.
    let mut places: Vec<(usize, usize)> =
        (0..rows).map(|row| if lists.is_null(row) { (0, 0) } else { (1, row) }).collect();
    let length = |row: usize| lists.range(row).map_or(0, |range| range.len());
    let mut active: Vec<usize> = (0..rows).filter(|row| length(*row) > 0).collect();
    // The first values stay where they are, for the rows without elements.
    let (mut step, mut keep_last) = (0, true);
    while !active.is_empty() {
        let outer: UInt64Array = active.iter().map(|row| *row as u64).collect::<Vec<_>>().into();
        let elements: UInt64Array =
            active.iter().map(|row| lists.range(*row).map(|range| (range.start + step) as u64)).collect();
        // All the values of active rows are in the last piece.
        let places_in_last: UInt64Array = active.iter().map(|row| places[*row].1 as u64).collect::<Vec<_>>().into();
        let last = pieces.len() - 1;
        let columns = [take(&pieces[last], &places_in_last, None)?, take(&lists.values, &elements, None)?];
        let answers = retype(&merge.evaluate(&columns, &outer)?, zero.data_type())?;
        if !keep_last {
            pieces.pop();
        }
        active.iter().enumerate().for_each(|(index, row)| places[*row] = (pieces.len(), index));
        pieces.push(answers);
        step += 1;
        let before = active.len();
        active.retain(|row| length(*row) > step);
        keep_last = active.len() < before;
    }
    let pieces: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
    if places.is_empty() {
        return Ok(arrow::array::new_empty_array(zero.data_type()));
    }
    Ok(interleave(&pieces, &places)?)
}
