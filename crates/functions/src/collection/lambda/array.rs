//! `transform`, `filter`, `exists`, `forall` and `zip_with`.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::compute::filter as keep;
use datafusion::common::{Result, internal_datafusion_err};
use datafusion::logical_expr::HigherOrderUDF;
use firesteel_spec::{DataType, SparkResult};

use super::super::coercion::{contains_null, element_of};
use super::super::join::zipped;
use super::super::lists::{Lists, Rows};
use super::invocation::{Flat, Invocation, LambdaUdf};
use super::{higher_order, lambda, lambda_of};
use crate::call::Call;
use crate::typed::Typed;

static TRANSFORM: LazyLock<Arc<HigherOrderUDF>> =
    LazyLock::new(|| LambdaUdf::udf("spark_transform", element_and_position, transform_kernel));
static FILTER: LazyLock<Arc<HigherOrderUDF>> =
    LazyLock::new(|| LambdaUdf::udf("spark_filter", element_and_position, filter_kernel));
static EXISTS: LazyLock<Arc<HigherOrderUDF>> =
    LazyLock::new(|| LambdaUdf::udf("spark_exists", element_and_position, exists_kernel));
static FOR_ALL: LazyLock<Arc<HigherOrderUDF>> =
    LazyLock::new(|| LambdaUdf::udf("spark_forall", element_and_position, for_all_kernel));
static ZIP_WITH: LazyLock<Arc<HigherOrderUDF>> =
    LazyLock::new(|| LambdaUdf::udf("spark_zip_with", two_elements, zip_with_kernel));

pub(super) fn implementations() -> Vec<Arc<HigherOrderUDF>> {
    [&TRANSFORM, &FILTER, &EXISTS, &FOR_ALL, &ZIP_WITH].map(|udf| Arc::clone(udf)).to_vec()
}

fn element_and_position(values: &[DataType]) -> Vec<Vec<(DataType, bool)>> {
    let array = values.first().unwrap_or(&DataType::Null);
    vec![vec![(element_of(array), contains_null(array)), (DataType::Integer, false)]]
}

fn two_elements(values: &[DataType]) -> Vec<Vec<(DataType, bool)>> {
    vec![values.iter().map(|array| (element_of(array), true)).collect()]
}

pub(in super::super) fn transform(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let ((array, _), body) = (call.array(0)?, lambda(call, 1)?);
    let data_type = DataType::array(body.data_type.clone(), body.nullable);
    let nullable = array.nullable;
    Ok(call.shown(higher_order(&TRANSFORM, vec![array], vec![body], data_type, nullable)))
}

fn transform_kernel(call: &Invocation<'_>) -> Result<ArrayRef> {
    let flat = Flat::of(call.value(0)?)?;
    let answers = call.lambda(0)?.evaluate(&[Arc::clone(&flat.elements), flat.positions()], &flat.outer)?;
    flat.ends.list(&answers, call.target)
}

pub(in super::super) fn filter(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let ((array, _), body) = (call.array(0)?, lambda_of(call, 1, &DataType::Boolean)?);
    let (data_type, nullable) = (array.data_type.clone(), array.nullable);
    Ok(call.shown(higher_order(&FILTER, vec![array], vec![body], data_type, nullable)))
}

fn filter_kernel(call: &Invocation<'_>) -> Result<ArrayRef> {
    let array = call.value(0)?;
    let flat = Flat::of(array)?;
    let answers = call.lambda(0)?.evaluate(&[Arc::clone(&flat.elements), flat.positions()], &flat.outer)?;
    let (ends, elements) = kept(array, &flat, &answers)?;
    ends.list(&elements, call.target)
}

/// The elements for which the answer is true.
pub(super) fn kept(array: &ArrayRef, flat: &Flat, answers: &ArrayRef) -> Result<(Rows, ArrayRef)> {
    let answers = truths(answers)?;
    let mut ends = Rows::with_capacity(array.len());
    let (mut count, mut ranges) = (0, flat.ends.ranges());
    for row in 0..array.len() {
        match if array.is_null(row) { None } else { ranges.next() } {
            Some(range) => {
                count += range.filter(|index| answers.is_valid(*index) && answers.value(*index)).count();
                ends.end(count)?;
            }
            None => ends.null(),
        }
    }
    Ok((ends, keep(&flat.elements, answers)?))
}

fn truths(answers: &ArrayRef) -> Result<&BooleanArray> {
    answers.as_boolean_opt().ok_or_else(|| internal_datafusion_err!("a predicate gave {}", answers.data_type()))
}

pub(in super::super) fn exists(call: &Call<'_>) -> SparkResult<Typed> {
    quantified(call, &EXISTS)
}

pub(in super::super) fn for_all(call: &Call<'_>) -> SparkResult<Typed> {
    quantified(call, &FOR_ALL)
}

fn quantified(call: &Call<'_>, function: &Arc<HigherOrderUDF>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let ((array, _), body) = (call.array(0)?, lambda_of(call, 1, &DataType::Boolean)?);
    let nullable = array.nullable || body.nullable;
    Ok(call.shown(higher_order(function, vec![array], vec![body], DataType::Boolean, nullable)))
}

fn exists_kernel(call: &Invocation<'_>) -> Result<ArrayRef> {
    quantify(call, true)
}

fn for_all_kernel(call: &Invocation<'_>) -> Result<ArrayRef> {
    quantify(call, false)
}

/// `decides` if any answer is that, else null if any is null, else the opposite.
fn quantify(call: &Invocation<'_>, decides: bool) -> Result<ArrayRef> {
    let array = call.value(0)?;
    let flat = Flat::of(array)?;
    let answers = call.lambda(0)?.evaluate(&[Arc::clone(&flat.elements), flat.positions()], &flat.outer)?;
    let answers = truths(&answers)?;
    let mut ranges = flat.ends.ranges();
    let quantified: BooleanArray = (0..array.len())
        .map(|row| {
            let range = if array.is_null(row) { None } else { ranges.next() }?;
            if range.clone().any(|index| answers.is_valid(index) && answers.value(index) == decides) {
                return Some(decides);
            }
            if range.into_iter().any(|index| answers.is_null(index)) { None } else { Some(!decides) }
        })
        .collect();
    Ok(Arc::new(quantified))
}

pub(in super::super) fn zip_with(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(3..=3)?;
    let ((left, _), (right, _), body) = (call.array(0)?, call.array(1)?, lambda(call, 2)?);
    let nullable = left.nullable || right.nullable;
    let data_type = DataType::array(body.data_type.clone(), body.nullable);
    Ok(call.shown(higher_order(&ZIP_WITH, vec![left, right], vec![body], data_type, nullable)))
}

fn zip_with_kernel(call: &Invocation<'_>) -> Result<ArrayRef> {
    let lists = call.values.iter().map(Lists::of).collect::<Result<Vec<_>>>()?;
    let (ends, picks) = zipped(&lists, call.rows)?;
    let columns = picks
        .into_iter()
        .zip(&lists)
        .map(|(picks, lists)| picks.take(&[&lists.values], lists.values.data_type()))
        .collect::<Result<Vec<_>>>()?;
    let answers = call.lambda(0)?.evaluate(&columns, &ends.row_numbers())?;
    ends.list(&answers, call.target)
}
