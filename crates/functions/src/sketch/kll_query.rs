//! Functions of KLL sketches: counts, quantiles, ranks, merging and the text about one.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BinaryArray, Int64Array, ListArray, PrimitiveArray, StringArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType as ArrowType, Float64Type};
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::ScalarUDF;
use datasketches::common::SearchCriteria;
use datasketches::kll::KllSketch;
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::accumulate::{binary, text as function_of};
use super::error::{KLL, not_constant, refused};
use super::kll::{Values, by_suffix, read};
use super::kll_summary::summary;
use crate::call::Call;
use crate::cast::{Mode, cast};
use crate::kernel::{KernelUdf, null_if_any, spark_error};
use crate::typed::Typed;
use crate::types::to_arrow;

/// `spark_kll_merge(sketch, sketch, function)`
pub(super) static MERGE: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_kll_merge",
        |fields, _| null_if_any(ArrowType::Binary, &fields[..2]),
        |arrays, _| {
            let function = function_of(arrays, 2)?;
            by_suffix!(function, merged(arrays, function))
        },
    )
});

/// `spark_kll_n(sketch, function)`
pub(super) static COUNT: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_kll_n",
        |fields, _| null_if_any(ArrowType::Int64, &fields[..1]),
        |arrays, _| {
            let function = function_of(arrays, 1)?;
            by_suffix!(function, counts(arrays, function))
        },
    )
});

/// `spark_kll_quantile(sketch, rank or ranks, function)`
pub(super) static QUANTILE: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_kll_quantile",
        |fields, constants| {
            let function = constants[2].and_then(|function| function.try_as_str().flatten()).unwrap_or_default();
            let single = by_suffix!(function, value_type());
            null_if_any(like(&single, fields[1].data_type()), &fields[..2])
        },
        |arrays, rows| {
            let function = function_of(arrays, 2)?;
            by_suffix!(function, quantiles(arrays, rows, function))
        },
    )
});

/// `spark_kll_rank(sketch, quantile or quantiles, function)`
pub(super) static RANK: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_kll_rank",
        |fields, _| null_if_any(like(&DataType::Double, fields[1].data_type()), &fields[..2]),
        |arrays, rows| {
            let function = function_of(arrays, 2)?;
            by_suffix!(function, ranks(arrays, rows, function))
        },
    )
});

/// `spark_kll_text(sketch, function)`
pub(super) static TEXT: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_kll_text",
        |fields, _| null_if_any(ArrowType::Utf8, &fields[..1]),
        |arrays, _| {
            let function = function_of(arrays, 1)?;
            by_suffix!(function, texts(arrays, function))
        },
    )
});

pub(super) fn merge(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    Ok(call.shown(Typed::call(&MERGE, vec![call.binary(0)?, call.binary(1)?, Typed::string(call.name)])?))
}

pub(super) fn count(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(Typed::call(&COUNT, vec![call.binary(0)?, Typed::string(call.name)])?))
}

pub(super) fn text(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(Typed::call(&TEXT, vec![call.binary(0)?, Typed::string(call.name)])?))
}

pub(super) fn quantile(call: &Call<'_>) -> SparkResult<Typed> {
    asked(call, &QUANTILE, DataType::Double, "`rank`")
}

pub(super) fn rank(call: &Call<'_>) -> SparkResult<Typed> {
    let value = by_suffix!(call.name, value_type());
    asked(call, &RANK, value, "`quantile`")
}

/// The second argument is one value or an array of them, constant.
fn asked(call: &Call<'_>, function: &Arc<ScalarUDF>, value: DataType, name: &str) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let types = [value.clone(), DataType::array(value.clone(), false)];
    let argument = call.argument(1)?;
    let to = match &argument.data_type {
        DataType::Array { element, contains_null: false } if element.is_numeric() => &types[1],
        found if found.is_numeric() || found.is_string() || *found == DataType::Null => &types[0],
        _ => return Err(refused(call, 1, &types)),
    };
    if argument.folded().is_none() {
        let input_type = format!("\"{}\"", argument.data_type);
        return Err(not_constant(call, &argument, name, &input_type, &format!("\"{}\"", argument.name)));
    }
    let argument = cast(argument, to, Mode::Ansi, call.settings)?;
    Ok(call.shown(Typed::call(function, vec![call.binary(0)?, argument, Typed::string(call.name)])?))
}

fn value_type<V: Values>() -> DataType {
    V::SPARK
}

/// The type of one answer, or of an array of answers where an array was asked.
fn like(answer: &DataType, asked: &ArrowType) -> ArrowType {
    match asked {
        ArrowType::List(_) => to_arrow(&DataType::array(answer.clone(), false)),
        _ => to_arrow(answer),
    }
}

fn merged<V: Values>(arrays: &[ArrayRef], function: &str) -> Result<ArrayRef> {
    let merged = binary(arrays, 0)?.iter().zip(binary(arrays, 1)?).map(|pair| {
        let (Some(left), Some(right)) = pair else { return Ok(None) };
        let mut sketch = read::<V>(left, function)?;
        sketch.merge(&read::<V>(right, function)?).map_err(|_| KLL.invalid(function))?;
        Ok(Some(sketch.serialize()))
    });
    Ok(Arc::new(merged.collect::<Result<BinaryArray>>()?))
}

fn counts<V: Values>(arrays: &[ArrayRef], function: &str) -> Result<ArrayRef> {
    let counts = binary(arrays, 0)?.iter().map(|sketch| {
        let Some(bytes) = sketch else { return Ok(None) };
        Ok(i64::try_from(read::<V>(bytes, function)?.n()).ok())
    });
    Ok(Arc::new(counts.collect::<Result<Int64Array>>()?))
}

fn texts<V: Values>(arrays: &[ArrayRef], function: &str) -> Result<ArrayRef> {
    let texts = binary(arrays, 0)?.iter().map(|sketch| {
        let Some(bytes) = sketch else { return Ok(None) };
        Ok(Some(summary::<V>(bytes, &read::<V>(bytes, function)?)))
    });
    Ok(Arc::new(texts.collect::<Result<StringArray>>()?))
}

fn quantiles<V: Values>(arrays: &[ArrayRef], rows: usize, function: &str) -> Result<ArrayRef> {
    answers::<V, Float64Type, V::Arrow>(arrays, rows, function, |sketch, rank| {
        // NaN is neither below 0 nor above 1 to Spark, and gives the least value.
        let rank = if rank.is_nan() { 0.0 } else { rank };
        match sketch.quantile(rank, SearchCriteria::Inclusive) {
            Ok(Some(item)) => Ok(V::value(item)),
            Ok(None) => Err(KLL.invalid(function)),
            Err(_) => Err(spark_error(
                SparkError::new(
                    "KLL_SKETCH_INVALID_QUANTILE_RANGE",
                    format!("{function} takes ranks from 0.0 to 1.0, and not {rank}"),
                )
                .with("functionName", format!("`{function}`")),
            )),
        }
    })
}

fn ranks<V: Values>(arrays: &[ArrayRef], rows: usize, function: &str) -> Result<ArrayRef> {
    answers::<V, V::Arrow, Float64Type>(arrays, rows, function, |sketch, value| {
        let rank = match V::item(value) {
            Some(item) => sketch.rank(&item, SearchCriteria::Inclusive),
            // NaN comes after all numbers.
            None => Some(1.0).filter(|_| !sketch.is_empty()),
        };
        rank.ok_or_else(|| KLL.invalid(function))
    })
}

/// One answer of each sketch for a value `Q`, or an array of them for an array.
fn answers<V: Values, Q: ArrowPrimitiveType, A: ArrowPrimitiveType>(
    arrays: &[ArrayRef],
    rows: usize,
    function: &str,
    answer: impl Fn(&KllSketch<V::Item>, Q::Native) -> Result<A::Native>,
) -> Result<ArrayRef> {
    let sketches = binary(arrays, 0)?;
    let asked = &arrays[1];
    let sketch = |row: usize| {
        let missing = sketches.is_null(row) || asked.is_null(row);
        (!missing).then(|| read::<V>(sketches.value(row), function)).transpose()
    };
    if let Some(values) = asked.as_primitive_opt::<Q>() {
        let single = (0..rows).map(|row| sketch(row)?.map(|sketch| answer(&sketch, values.value(row))).transpose());
        return Ok(Arc::new(single.collect::<Result<PrimitiveArray<A>>>()?));
    }
    let Some(lists) = asked.as_list_opt::<i32>() else {
        return internal_err!("a sketch is not asked by {}", asked.data_type());
    };
    let (mut found, mut lengths, mut valid) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..rows {
        let before = found.len();
        let sketch = sketch(row)?;
        if let Some(sketch) = &sketch {
            let list = lists.value(row);
            for value in list.as_primitive::<Q>().values() {
                found.push(answer(sketch, *value)?);
            }
        }
        lengths.push(found.len() - before);
        valid.push(sketch.is_some());
    }
    let field = Arc::new(arrow::datatypes::Field::new_list_field(A::DATA_TYPE, false));
    let values = Arc::new(PrimitiveArray::<A>::from_iter_values(found));
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(ListArray::try_new(field, offsets, values, Some(NullBuffer::from(valid)))?))
}
