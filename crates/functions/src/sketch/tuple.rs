//! Functions of tuple sketches: estimates, summaries, and sets of them and of theta sketches.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Float64Array};
use arrow::datatypes::{DataType as ArrowType, Int32Type};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::ScalarUDF;
use datasketches::tuple::{TupleANotB, TupleIntersection, TupleUnion, TupleUnionBuilder};
use firesteel_spec::{DataType, SparkResult};

use super::accumulate::{binary, text};
use super::argument::{checked_size, exact, small, with_defaults};
use super::error::{LG_ENTRIES, TUPLE, constant, failed_check};
use super::theta::LG_ENTRIES_DEFAULT;
use super::tuple_sketch::{Compact, Mode, Number, Rule, read, read_theta, written};
use crate::call::Call;
use crate::kernel::{KernelUdf, null_if_any, spark_error};
use crate::typed::Typed;

/// `spark_tuple_query(sketch, function)`
pub(super) static QUERY: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_tuple_query",
        |fields, _| null_if_any(ArrowType::Float64, &fields[..1]),
        |arrays, _| {
            let (sketches, function) = (binary(arrays, 0)?, text(arrays, 1)?);
            let answers = sketches.iter().map(|sketch| {
                let Some(bytes) = sketch else { return Ok(None) };
                let answer = if is_integer(function) {
                    queried::<i32>(bytes, function)?
                } else {
                    queried::<f64>(bytes, function)?
                };
                Ok(Some(answer))
            });
            Ok(Arc::new(answers.collect::<Result<Float64Array>>()?))
        },
    )
});

/// `spark_tuple_summary(sketch, mode, function)`
pub(super) static SUMMARY: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_tuple_summary",
        |fields, constants| {
            let function = constants[2].and_then(|function| function.try_as_str().flatten());
            let answer = if function.is_some_and(is_integer) { i32::SUMMARY } else { f64::SUMMARY };
            null_if_any(answer, &fields[..1])
        },
        |arrays, _| {
            let function = text(arrays, 2)?;
            if is_integer(function) { summaries::<i32>(arrays, function) } else { summaries::<f64>(arrays, function) }
        },
    )
});

/// `spark_tuple_combine(sketch, sketch, lg entries, mode, function)`
pub(super) static COMBINE: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_tuple_combine",
        |fields, _| null_if_any(ArrowType::Binary, &fields[..2]),
        |arrays, rows| {
            let function = text(arrays, 4)?;
            if is_integer(function) {
                combinations::<i32>(arrays, rows, function)
            } else {
                combinations::<f64>(arrays, rows, function)
            }
        },
    )
});

/// `tuple_sketch_estimate_…` and `tuple_sketch_theta_…`
pub(super) fn query(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let sketch = exact(call, 0, &[DataType::Binary])?;
    Ok(call.shown(Typed::call(&QUERY, vec![sketch, Typed::string(call.name)])?))
}

pub(super) fn summary(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let call = with_defaults(call, &[(1, Typed::string("sum"))]);
    let sketch = call.binary(0)?;
    let mode = checked_mode(&call, 1)?;
    Ok(call.shown(Typed::call(&SUMMARY, vec![sketch, mode, Typed::string(call.name)])?))
}

pub(super) fn union(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=4)?;
    let call = with_defaults(call, &[(2, small(LG_ENTRIES_DEFAULT)), (3, Typed::string("sum"))]);
    let lg = checked_size(&call, 2, "lgNomEntries", LG_ENTRIES)?;
    combination(&call, lg, checked_mode(&call, 3)?)
}

pub(super) fn intersection(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let call = with_defaults(call, &[(2, Typed::string("sum"))]);
    combination(&call, LG_ENTRIES_DEFAULT, checked_mode(&call, 2)?)
}

pub(super) fn difference(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    combination(call, LG_ENTRIES_DEFAULT, Typed::string("sum"))
}

fn combination(call: &Call<'_>, lg: u8, mode: Typed) -> SparkResult<Typed> {
    let arguments = vec![call.binary(0)?, call.binary(1)?, small(lg), mode, Typed::string(call.name)];
    Ok(call.shown(Typed::call(&COMBINE, arguments)?))
}

/// The mode that argument `index` says, in the words that [`Mode::named`] knows.
pub(super) fn checked_mode(call: &Call<'_>, index: usize) -> SparkResult<Typed> {
    let argument = call.string(index)?.named(call.argument(index)?.name);
    let name = match constant(call, &argument, "mode")? {
        ScalarValue::Utf8(Some(name)) => name,
        other => other.to_string(),
    };
    Mode::named(&name, call.name).map_err(|error| failed_check(call, &error))?;
    Ok(Typed::string(&name.to_lowercase()))
}

/// Functions for numbers of either type are told apart by their names.
pub(super) fn is_integer(function: &str) -> bool {
    function.ends_with("_integer")
}

fn queried<N: Number>(bytes: &[u8], function: &str) -> Result<f64> {
    let sketch = read::<N>(bytes, function)?;
    Ok(if function.starts_with("tuple_sketch_theta") { sketch.theta() } else { sketch.estimate() })
}

fn summaries<N: Number>(arrays: &[ArrayRef], function: &str) -> Result<ArrayRef> {
    let sketches = binary(arrays, 0)?;
    let mode = text(arrays, 1)?;
    let mode = if mode.is_empty() { Mode::Sum } else { Mode::named(mode, function).map_err(spark_error)? };
    let numbers = sketches.iter().map(|sketch| {
        let Some(bytes) = sketch else { return Ok(None) };
        let sketch = read::<N>(bytes, function)?;
        Ok(Some(sketch.iter().map(|entry| entry.summary().number).collect()))
    });
    N::summaries(numbers, mode)
}

fn combinations<N: Number>(arrays: &[ArrayRef], rows: usize, function: &str) -> Result<ArrayRef> {
    let (left, right, lg) = (binary(arrays, 0)?, binary(arrays, 1)?, arrays[2].as_primitive::<Int32Type>());
    if rows == 0 {
        return Ok(Arc::new(BinaryArray::from_iter_values(std::iter::empty::<&[u8]>())));
    }
    let mode = Mode::named(text(arrays, 3)?, function).map_err(spark_error)?;
    let lg = LG_ENTRIES.check(lg.value(0), function).map_err(spark_error)?;
    let combined = (0..rows).map(|row| {
        if left.is_null(row) || right.is_null(row) {
            return Ok(None);
        }
        let left = read::<N>(left.value(row), function)?;
        let right = if function.contains("_theta_") {
            read_theta::<N>(right.value(row), mode, function)?
        } else {
            read::<N>(right.value(row), function)?
        };
        combined(&left, &right, lg, mode, function).map(|sketch| Some(written(&sketch)))
    });
    Ok(Arc::new(combined.collect::<Result<BinaryArray>>()?))
}

fn combined<N: Number>(
    left: &Compact<N>,
    right: &Compact<N>,
    lg: u8,
    mode: Mode,
    function: &str,
) -> Result<Compact<N>> {
    let invalid = |_| TUPLE.invalid(function);
    if function.starts_with("tuple_union") {
        let mut union = new_union::<N>(lg, mode)?;
        union.update(left).map_err(invalid)?;
        union.update(right).map_err(invalid)?;
        return Ok(union.to_sketch(false));
    }
    if function.starts_with("tuple_difference") {
        return TupleANotB::default().compute(left, right, false).map_err(invalid);
    }
    let mut intersection = TupleIntersection::new(Rule::<N>::new(mode));
    intersection.update(left).map_err(invalid)?;
    intersection.update(right).map_err(invalid)?;
    match intersection.to_sketch(false) {
        Some(sketch) => Ok(sketch),
        None => internal_err!("an intersection of two sketches is undefined"),
    }
}

pub(super) fn new_union<N: Number>(lg: u8, mode: Mode) -> Result<TupleUnion<Rule<N>>> {
    TupleUnionBuilder::new(Rule::new(mode)).lg_k(lg).build().or_else(|error| internal_err!("{error}"))
}
