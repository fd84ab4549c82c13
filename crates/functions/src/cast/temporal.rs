//! Dates, timestamps and times of day as one another and as numbers.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, PrimitiveArray, new_null_array};
use arrow::compute::cast as arrow_cast;
use arrow::datatypes::{
    DataType as ArrowType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, Time64NanosecondType, TimestampMicrosecondType,
};
use datafusion::common::{Result, internal_err};
use firesteel_spec::DataType;

use super::Mode;
use super::error::{each, invalid_input, overflow, refuse};
use super::kernel::Rules;
use super::number::{decimals, float_literal, rescale};
use crate::datetime::calendar::{NANOS_PER_SECOND, US_PER_DAY, US_PER_SECOND, split_day, time_text, timestamp_text};
use crate::types::{UTC, to_arrow};

pub(super) fn cast(array: &ArrayRef, from: &DataType, to: &DataType, rules: Rules) -> Result<ArrayRef> {
    use DataType as T;
    let zone = rules.zone;
    let clock = || array.as_primitive::<TimestampMicrosecondType>();
    let day = |local: i64| split_day(local).0 as i32;
    Ok(match (from, to) {
        (T::Boolean, T::Timestamp) => {
            let values = array.as_boolean().iter().map(|value| value.map(i64::from));
            Arc::new(values.collect::<PrimitiveArray<TimestampMicrosecondType>>().with_timezone(UTC))
        }
        (T::Timestamp, T::Boolean) => {
            Arc::new(clock().iter().map(|value| value.map(|us| us != 0)).collect::<BooleanArray>())
        }
        // Only in legacy mode, where it is always null.
        (T::Date, T::Boolean) => new_null_array(&ArrowType::Boolean, array.len()),
        (T::Date, to) if to.is_numeric() => new_null_array(&to_arrow(to), array.len()),
        (T::Date, T::TimestampNtz) => {
            let days = array.as_primitive::<Date32Type>();
            Arc::new(days.unary::<_, TimestampMicrosecondType>(|days| i64::from(days) * US_PER_DAY))
        }
        (T::Date, T::Timestamp) => {
            let days = array.as_primitive::<Date32Type>();
            let instants = days
                .unary::<_, TimestampMicrosecondType>(|days| zone.instant(i64::from(days).saturating_mul(US_PER_DAY)));
            Arc::new(instants.with_timezone(UTC))
        }
        (T::Timestamp, T::Date) => Arc::new(clock().unary::<_, Date32Type>(|us| day(zone.local(us)))),
        (T::TimestampNtz, T::Date) => Arc::new(clock().unary::<_, Date32Type>(day)),
        (T::Timestamp, T::TimestampNtz) => Arc::new(clock().unary::<_, TimestampMicrosecondType>(|us| zone.local(us))),
        (T::TimestampNtz, T::Timestamp) => {
            let instants = clock().unary::<_, TimestampMicrosecondType>(|local| zone.instant(local));
            Arc::new(instants.with_timezone(UTC))
        }
        (T::Time { .. }, T::Time { precision }) => {
            let unit = 10_i64.pow(9 - u32::from(*precision).min(9));
            let nanos = array.as_primitive::<Time64NanosecondType>();
            Arc::new(nanos.unary::<_, Time64NanosecondType>(|nanos| nanos / unit * unit))
        }
        (from, T::Timestamp) if from.is_numeric() => number_to_timestamp(array, from, to, rules)?,
        (T::Timestamp, to) if to.is_numeric() => {
            let values = clock();
            let text = |row: usize| format!("TIMESTAMP '{}'", timestamp_text(zone.local(values.value(row))));
            to_number(array, |row| values.value(row), US_PER_SECOND, &text, from, to, rules)?
        }
        (T::Time { .. }, to) if to.is_numeric() => {
            let values = array.as_primitive::<Time64NanosecondType>();
            let text = |row: usize| format!("TIME '{}'", time_text(values.value(row)));
            to_number(array, |row| values.value(row), NANOS_PER_SECOND, &text, from, to, rules)?
        }
        (T::Binary, _) | (_, _) => return internal_err!("no cast of {from} to {to}"),
    })
}

fn number_to_timestamp(array: &ArrayRef, from: &DataType, to: &DataType, rules: Rules) -> Result<ArrayRef> {
    let values = match from {
        DataType::Decimal { scale, .. } => {
            let values = array.as_primitive::<Decimal128Type>();
            each::<TimestampMicrosecondType>(array, |row| {
                // What is finer than a microsecond is dropped.
                let scaled = values.value(row).checked_mul(1_000_000);
                let us = scaled.map(|scaled| scaled / 10_i128.pow(u32::from(scale.unsigned_abs())));
                Ok(us.map(|us| us as i64))
            })?
        }
        from if from.is_integral() => {
            let longs = arrow_cast(array, &ArrowType::Int64)?;
            longs
                .as_primitive::<Int64Type>()
                .unary::<_, TimestampMicrosecondType>(|seconds| seconds.saturating_mul(US_PER_SECOND))
        }
        _ => {
            let doubles = arrow_cast(array, &ArrowType::Float64)?;
            let values = doubles.as_primitive::<Float64Type>();
            each::<TimestampMicrosecondType>(&doubles, |row| {
                let seconds = values.value(row);
                if !seconds.is_finite() {
                    return refuse(rules.mode, || invalid_input(&float_literal(seconds, from), from, to));
                }
                let us = seconds * 1e6;
                // Beyond 64 bits the cast below gives the nearest that there is.
                if rules.mode != Mode::Legacy && !(-9.223_372_036_854_776e18..9.223_372_036_854_776e18).contains(&us) {
                    return refuse(rules.mode, || overflow(&float_literal(seconds, from), from, to));
                }
                Ok(Some(us as i64))
            })?
        }
    };
    Ok(Arc::new(values.with_timezone(UTC)))
}

/// Seconds of which `per` units are one.
fn to_number(
    array: &ArrayRef,
    units: impl Fn(usize) -> i64,
    per: i64,
    text: &dyn Fn(usize) -> String,
    from: &DataType,
    to: &DataType,
    rules: Rules,
) -> Result<ArrayRef> {
    let fit = |row: usize, least: i64, most: i64| -> Result<Option<i64>> {
        let seconds = units(row).div_euclid(per);
        if (least..=most).contains(&seconds) {
            return Ok(Some(seconds));
        }
        refuse(rules.mode, || overflow(&text(row), from, to))
    };
    Ok(match to {
        DataType::Byte => Arc::new(each::<Int8Type>(array, |row| {
            Ok(fit(row, i8::MIN.into(), i8::MAX.into())?.map(|value| value as i8))
        })?),
        DataType::Short => Arc::new(each::<Int16Type>(array, |row| {
            Ok(fit(row, i16::MIN.into(), i16::MAX.into())?.map(|value| value as i16))
        })?),
        DataType::Integer => Arc::new(each::<Int32Type>(array, |row| {
            Ok(fit(row, i32::MIN.into(), i32::MAX.into())?.map(|value| value as i32))
        })?),
        DataType::Long => Arc::new(each::<Int64Type>(array, |row| Ok(Some(units(row).div_euclid(per))))?),
        DataType::Float => {
            Arc::new(each::<Float32Type>(array, |row| Ok(Some((units(row) as f64 / per as f64) as f32)))?)
        }
        DataType::Double => Arc::new(each::<Float64Type>(array, |row| Ok(Some(units(row) as f64 / per as f64)))?),
        DataType::Decimal { precision, scale } => {
            let digits = if per == US_PER_SECOND { 6 } else { 9 };
            decimals(array, *precision, *scale, rules.mode, |row| {
                Ok((rescale(units(row).into(), digits, *scale), text(row)))
            })?
        }
        other => return internal_err!("no cast of {from} to {other}"),
    })
}
