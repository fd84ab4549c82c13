//! Functions of times of day.

use arrow::array::{ArrayRef, AsArray, PrimitiveArray};
use arrow::datatypes::{Decimal128Type, DurationMicrosecondType, Int64Type, Time64NanosecondType};
use datafusion::common::{Result, ScalarValue};
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::calendar::{NANOS_PER_DAY, NANOS_PER_SECOND, split_day, time_text};
use super::operation::{compute, each, longs, texts};
use super::timestamp::local_now;
use crate::call::Call;
use crate::cast::coerce;
use crate::kernel::spark_error;
use crate::typed::Typed;

const TIME: DataType = DataType::Time { precision: 6 };
/// Nanoseconds as a decimal.
const NANOS: DataType = DataType::Decimal { precision: 38, scale: 9 };

pub(super) fn current_time(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(0..=1)?;
    let precision = if call.has(0) { call.constant_integer(0)? } else { 6 };
    if !(0..=6).contains(&precision) {
        return Err(SparkError::new(
            "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
            format!("a time has 0 to 6 digits of a second, not {precision}"),
        )
        .with("exprName", "precision")
        .with("valueRange", "[0, 6]")
        .with("currentValue", precision.to_string()));
    }
    let unit = 10_i64.pow(6 - precision as u32);
    let us = split_day(local_now(call)?).1 / unit * unit;
    let data_type = DataType::Time { precision: precision as u8 };
    let value = ScalarValue::Time64Nanosecond(Some(us * 1000));
    Ok(Typed::literal(value, data_type, format!("current_time({precision})")))
}

fn unit(name: &str) -> Option<i64> {
    Some(match name.to_ascii_uppercase().as_str() {
        "HOUR" => 3600 * NANOS_PER_SECOND,
        "MINUTE" => 60 * NANOS_PER_SECOND,
        "SECOND" => NANOS_PER_SECOND,
        "MILLISECOND" => 1_000_000,
        "MICROSECOND" => 1000,
        _ => return None,
    })
}

fn checked_unit(name: &str, function: &str) -> Result<i64> {
    unit(name).ok_or_else(|| {
        spark_error(
            SparkError::new("INVALID_PARAMETER_VALUE.TIME_UNIT", format!("{function} knows no unit {name}"))
                .with("functionName", format!("`{function}`"))
                .with("parameter", "`unit`")
                .with("invalidValue", format!("'{name}'")),
        )
    })
}

pub(super) fn time_diff(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(3..=3)?;
    let arguments = [call.string(0)?, call.cast(1, &TIME)?, call.cast(2, &TIME)?];
    Ok(call.shown(compute("time_diff", DataType::Long, true, arguments)?))
}

pub(super) fn diff_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (units, starts, ends) = (texts(&arguments[0]), nanos(&arguments[1]), nanos(&arguments[2]));
    each::<Int64Type>(arguments, rows, |row| {
        let unit = checked_unit(units.value(row), "time_diff")?;
        Ok(Some((ends.value(row) - starts.value(row)) / unit))
    })
}

pub(super) fn time_trunc(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let time = call.cast(1, &TIME)?;
    let result = time.data_type.clone();
    Ok(call.shown(compute("time_trunc", result, true, [call.string(0)?, time])?))
}

pub(super) fn trunc_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (units, values) = (texts(&arguments[0]), nanos(&arguments[1]));
    each::<Time64NanosecondType>(arguments, rows, |row| {
        let unit = checked_unit(units.value(row), "time_trunc")?;
        Ok(Some(values.value(row) / unit * unit))
    })
}

/// `time_from_seconds(n)` and its like.
macro_rules! of_units {
    ($($function:ident: $unit:expr;)*) => {$(
        pub(super) fn $function(call: &Call<'_>) -> SparkResult<Typed> {
            call.expect(1..=1)?;
            let count = call.argument(0)?;
            if !count.data_type.is_numeric() && count.data_type != DataType::Null {
                return Err(call.unexpected(0, &count.data_type, "NUMERIC"));
            }
            let count = coerce(count, &NANOS, call.settings)?;
            Ok(call.shown(compute("time_of_units", TIME, true, [count, Typed::long($unit)])?))
        }
    )*};
}

of_units! {
    time_from_seconds: NANOS_PER_SECOND;
    time_from_millis: 1_000_000;
    time_from_micros: 1000;
}

pub(super) fn of_units_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (counts, unit) = (arguments[0].as_primitive::<Decimal128Type>(), longs(&arguments[1]).value(0));
    each::<Time64NanosecondType>(arguments, rows, |row| {
        let nanos = counts.value(row).saturating_mul(unit.into()) / i128::from(NANOS_PER_SECOND);
        if (0..i128::from(NANOS_PER_DAY)).contains(&nanos) {
            return Ok(Some(nanos as i64));
        }
        let why =
            format!("Invalid TIME value: must be between 00:00:00 and 23:59:59.999999999, but got {nanos} nanoseconds");
        Err(spark_error(
            SparkError::new("DATETIME_FIELD_OUT_OF_BOUNDS.WITHOUT_SUGGESTION", why.clone()).with("rangeMessage", why),
        ))
    })
}

pub(super) fn time_to_seconds(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let result = DataType::Decimal { precision: 14, scale: 6 };
    let us = compute("time_to_units", DataType::Long, true, [call.cast_no_text(0, &TIME)?, Typed::long(1000)])?;
    // Microseconds are the decimal's own digits.
    let us = coerce(us, &DataType::Decimal { precision: 20, scale: 0 }, call.settings)?;
    let million = Typed::literal(
        ScalarValue::Decimal128(Some(1_000_000), 7, 0),
        DataType::Decimal { precision: 7, scale: 0 },
        "",
    );
    let seconds = (crate::registry::lookup("/").ok_or_else(|| SparkError::internal("no division"))?.build)(
        &call.other("/", vec![us, million]),
    )?;
    let mut seconds = coerce(seconds, &result, call.settings)?;
    seconds.nullable = true;
    Ok(call.shown(seconds))
}

pub(super) fn time_to_millis(call: &Call<'_>) -> SparkResult<Typed> {
    to_units(call, 1_000_000)
}

pub(super) fn time_to_micros(call: &Call<'_>) -> SparkResult<Typed> {
    to_units(call, 1000)
}

fn to_units(call: &Call<'_>, unit: i64) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(compute("time_to_units", DataType::Long, true, [call.cast_no_text(0, &TIME)?, Typed::long(unit)])?))
}

pub(super) fn to_units_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (values, unit) = (nanos(&arguments[0]), longs(&arguments[1]).value(0));
    each::<Int64Type>(arguments, rows, |row| Ok(Some(values.value(row) / unit)))
}

/// A time and microseconds, with a sign; beyond the day it fails.
pub(super) fn add_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (values, intervals) = (nanos(&arguments[0]), arguments[1].as_primitive::<DurationMicrosecondType>());
    let (sign, shown) = (longs(&arguments[2]).value(0), texts(&arguments[3]));
    let fails = super::operation::flag(&arguments[4]);
    each::<Time64NanosecondType>(arguments, rows, |row| {
        let moved = intervals.value(row).checked_mul(1000 * sign).and_then(|by| values.value(row).checked_add(by));
        match moved.filter(|moved| (0..NANOS_PER_DAY).contains(moved)) {
            Some(moved) => Ok(Some(moved)),
            None if fails => {
                let verb = if sign > 0 { "add" } else { "subtract" };
                let value = time_text(values.value(row));
                let operation = format!("{verb} {} to the time value TIME '{value}'", shown.value(row));
                Err(spark_error(super::timestamp::datetime_overflow(&operation)))
            }
            None => Ok(None),
        }
    })
}

pub(super) fn nanos(array: &ArrayRef) -> &PrimitiveArray<Time64NanosecondType> {
    array.as_primitive()
}
