//! `width_bucket`: the bucket of an equi-width histogram.

use std::sync::{Arc, LazyLock};

use arrow::array::{AsArray, Int64Array};
use arrow::datatypes::{DataType as ArrowType, Int64Type};
use datafusion::common::internal_err;
use datafusion::logical_expr::ScalarUDF;
use firesteel_spec::{DataType, SparkResult};

use super::elementary::doubles;
use crate::call::Call;
use crate::kernel::{KernelUdf, nullable};
use crate::typed::Typed;

pub(super) static WIDTH_BUCKET: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_width_bucket",
        |_, _| nullable(ArrowType::Int64),
        |arrays, _| {
            let [value, low, high, buckets] = arrays else {
                return internal_err!("spark_width_bucket takes 4 arguments");
            };
            let (value, low, high) = (doubles(value)?, doubles(low)?, doubles(high)?);
            let bounds = low.iter().zip(high.iter()).zip(buckets.as_primitive::<Int64Type>());
            let rows = value.iter().zip(bounds);
            let answer = rows.map(|(value, ((low, high), buckets))| bucket(value?, low?, high?, buckets?));
            Ok(Arc::new(answer.collect::<Int64Array>()))
        },
    )
});

pub(super) fn width_bucket(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(4..=4)?;
    let value = call.argument(0)?;
    let numbers = match &value.data_type {
        DataType::YearMonthInterval { .. } => bounds(call, &DataType::YEAR_MONTH)?,
        DataType::DayTimeInterval { .. } => bounds(call, &DataType::DAY_TIME)?,
        _ => bounds(call, &DataType::Double)?,
    };
    Ok(call.shown(Typed::call(&WIDTH_BUCKET, numbers)?))
}

fn bounds(call: &Call<'_>, data_type: &DataType) -> SparkResult<Vec<Typed>> {
    Ok(vec![call.cast(0, data_type)?, call.cast(1, data_type)?, call.cast(2, data_type)?, call.long(3)?])
}

/// 0 and `buckets + 1` are for what lies outside; `low` may be above `high`, to count downwards.
fn bucket(value: f64, low: f64, high: f64, buckets: i64) -> Option<i64> {
    let usable = buckets > 0 && buckets < i64::MAX && !value.is_nan() && low.is_finite() && high.is_finite();
    if !usable || low == high {
        return None;
    }
    let (lower, upper) = (low.min(high), low.max(high));
    let (before, after) = if low < high { (0, buckets + 1) } else { (buckets + 1, 0) };
    if value < lower {
        return Some(before);
    }
    if value > upper {
        return Some(after);
    }
    if value == high {
        return Some(buckets + 1);
    }
    let inside = buckets as f64 * (value - low) / (high - low);
    Some(inside as i64 + 1)
}
