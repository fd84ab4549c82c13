//! Intervals as numbers, numbers as intervals, and intervals as those of other fields.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::cast as arrow_cast;
use arrow::datatypes::{
    DataType as ArrowType, Decimal128Type, DurationMicrosecondType, Int8Type, Int16Type, Int32Type, Int64Type,
    IntervalYearMonthType,
};
use datafusion::common::{Result, internal_err};
use firesteel_spec::{DataType, DayTimeField, YearMonthField};

use super::Mode;
use super::error::{each, overflow, refuse_always};
use super::kernel::Rules;
use super::number::{decimals, integer_literal, plain_decimal, rescale};
use crate::datetime::calendar::{US_PER_DAY, US_PER_HOUR, US_PER_MINUTE, US_PER_SECOND};
use crate::literal::{day_time_text, year_month_text};

fn unit_us(field: DayTimeField) -> i64 {
    match field {
        DayTimeField::Day => US_PER_DAY,
        DayTimeField::Hour => US_PER_HOUR,
        DayTimeField::Minute => US_PER_MINUTE,
        DayTimeField::Second => US_PER_SECOND,
    }
}

fn unit_months(field: YearMonthField) -> i64 {
    if field == YearMonthField::Year { 12 } else { 1 }
}

/// Of a number: as many of the interval's last field. Of an interval: without what is finer than its last field.
pub(super) fn to_interval(array: &ArrayRef, from: &DataType, to: &DataType, rules: Rules) -> Result<ArrayRef> {
    let too_large = |value: String| overflow(&value, from, to);
    let mode = rules.mode;
    match (from, to) {
        (DataType::YearMonthInterval { .. }, DataType::YearMonthInterval { end, .. }) => {
            let (values, unit) = (array.as_primitive::<IntervalYearMonthType>(), unit_months(*end) as i32);
            Ok(Arc::new(values.unary::<_, IntervalYearMonthType>(|months| months / unit * unit)))
        }
        (DataType::DayTimeInterval { .. }, DataType::DayTimeInterval { end, .. }) => {
            let (values, unit) = (array.as_primitive::<DurationMicrosecondType>(), unit_us(*end));
            let kept = |us: i64| if *end == DayTimeField::Second { us } else { us / unit * unit };
            Ok(Arc::new(values.unary::<_, DurationMicrosecondType>(kept)))
        }
        (DataType::Decimal { scale, .. }, DataType::YearMonthInterval { end, .. }) => {
            let values = array.as_primitive::<Decimal128Type>();
            Ok(Arc::new(each::<IntervalYearMonthType>(array, |row| {
                let value = values.value(row).checked_mul(unit_months(*end).into());
                let months = value.and_then(|value| rescale(value, *scale, 0)).and_then(|value| value.try_into().ok());
                months.map_or_else(
                    || refuse_always(mode, || too_large(plain_decimal(values.value(row), *scale))),
                    |months| Ok(Some(months)),
                )
            })?))
        }
        (DataType::Decimal { scale, .. }, DataType::DayTimeInterval { end, .. }) => {
            let values = array.as_primitive::<Decimal128Type>();
            Ok(Arc::new(each::<DurationMicrosecondType>(array, |row| {
                let value = values.value(row).checked_mul(unit_us(*end).into());
                let us = value.and_then(|value| rescale(value, *scale, 0)).and_then(|value| value.try_into().ok());
                us.map_or_else(
                    || refuse_always(mode, || too_large(plain_decimal(values.value(row), *scale))),
                    |us| Ok(Some(us)),
                )
            })?))
        }
        (_, DataType::YearMonthInterval { end, .. }) => {
            let longs = arrow_cast(array, &ArrowType::Int64)?;
            let values = longs.as_primitive::<Int64Type>();
            Ok(Arc::new(each::<IntervalYearMonthType>(array, |row| {
                let months = values.value(row).checked_mul(unit_months(*end)).and_then(|value| value.try_into().ok());
                months.map_or_else(
                    || refuse_always(mode, || too_large(integer_literal(values.value(row), from))),
                    |months| Ok(Some(months)),
                )
            })?))
        }
        (_, DataType::DayTimeInterval { end, .. }) => {
            let longs = arrow_cast(array, &ArrowType::Int64)?;
            let values = longs.as_primitive::<Int64Type>();
            Ok(Arc::new(each::<DurationMicrosecondType>(array, |row| {
                let us = values.value(row).checked_mul(unit_us(*end));
                us.map_or_else(
                    || refuse_always(mode, || too_large(integer_literal(values.value(row), from))),
                    |us| Ok(Some(us)),
                )
            })?))
        }
        _ => internal_err!("no cast of {from} to {to}"),
    }
}

type OfRow<'a, T> = Box<dyn Fn(usize) -> T + 'a>;

/// How many of its last field an interval has.
pub(super) fn to_number(array: &ArrayRef, from: &DataType, to: &DataType, rules: Rules) -> Result<ArrayRef> {
    let (count, per, text): (OfRow<'_, i64>, i64, OfRow<'_, String>) = match from {
        DataType::YearMonthInterval { start, end } => {
            let values = array.as_primitive::<IntervalYearMonthType>();
            let text = move |row: usize| year_month_text(values.value(row), *start, *end);
            (Box::new(|row| values.value(row).into()), unit_months(*end), Box::new(text))
        }
        DataType::DayTimeInterval { start, end } => {
            let values = array.as_primitive::<DurationMicrosecondType>();
            let text = move |row: usize| day_time_text(values.value(row), *start, *end);
            (Box::new(|row| values.value(row)), unit_us(*end), Box::new(text))
        }
        other => return internal_err!("{other} is no interval"),
    };
    let fit = |row: usize, least: i64, most: i64| -> Result<Option<i64>> {
        let value = count(row) / per;
        if (least..=most).contains(&value) {
            return Ok(Some(value));
        }
        refuse_always(rules.mode, || overflow(&text(row), from, to))
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
        DataType::Long => Arc::new(each::<Int64Type>(array, |row| Ok(Some(count(row) / per)))?),
        DataType::Decimal { precision, scale } => {
            let mode = if rules.mode == Mode::Try { Mode::Try } else { Mode::Ansi };
            decimals(array, *precision, *scale, mode, |row| {
                // At seven digits more, which hold a second's and a day's parts as far as Spark has them.
                let exact = i128::from(count(row)).checked_mul(10_i128.pow(18)).map(|value| value / i128::from(per));
                Ok((exact.and_then(|value| rescale(value, 18, *scale)), text(row)))
            })?
        }
        other => return internal_err!("no cast of intervals to {other}"),
    })
}
