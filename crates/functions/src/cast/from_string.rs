//! Texts as values of other types.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, BooleanArray, StringArray};
use arrow::datatypes::{
    Date32Type, Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalYearMonthType, Time64NanosecondType,
    TimestampMicrosecondType,
};
use datafusion::common::{Result, internal_err};
use firesteel_spec::DataType;

use super::Mode;
use super::error::{each, malformed, out_of_range, refuse, refuse_always};
use super::kernel::Rules;
use super::number::{Decimal, decimal_of_text};
use crate::datetime::interval::{invalid_format, read_calendar, read_day_time, read_year_month};
use crate::datetime::reading::{read_date, read_instant, read_time, read_timestamp, trim};
use crate::types::UTC;

pub(super) fn cast(texts: &StringArray, to: &DataType, rules: Rules) -> Result<ArrayRef> {
    let array: ArrayRef = Arc::new(texts.clone());
    let mode = rules.mode;
    /// What `$read` makes of each text, or a refusal.
    macro_rules! read {
        ($arrow:ty, $read:expr) => {
            each::<$arrow>(&array, |row| match $read(texts.value(row)) {
                Some(value) => Ok(Some(value)),
                None => refuse(mode, || malformed(texts.value(row), to)),
            })?
        };
    }
    macro_rules! integer {
        ($arrow:ty, $native:ty) => {
            Arc::new(read!($arrow, |text| integer(text, mode).and_then(|value| <$native>::try_from(value).ok())))
        };
    }
    Ok(match to {
        DataType::Byte => integer!(Int8Type, i8),
        DataType::Short => integer!(Int16Type, i16),
        DataType::Integer => integer!(Int32Type, i32),
        DataType::Long => integer!(Int64Type, i64),
        DataType::Float => Arc::new(read!(Float32Type, |text| float(text).and_then(|text| text.parse().ok()))),
        DataType::Double => Arc::new(read!(Float64Type, |text| float(text).and_then(|text| text.parse().ok()))),
        DataType::Decimal { precision, scale } => {
            let values = each::<Decimal128Type>(&array, |row| {
                let text = trim(texts.value(row));
                match decimal_of_text(text, *precision, *scale) {
                    Decimal::Value(value) => Ok(Some(value)),
                    Decimal::Malformed => refuse(mode, || malformed(texts.value(row), to)),
                    Decimal::Overflow => refuse(mode, || out_of_range(text, *precision, *scale)),
                }
            })?;
            Arc::new(values.with_precision_and_scale(*precision, *scale)?)
        }
        DataType::Boolean => {
            let values = texts.iter().map(|text| match text.map(|text| (text, boolean(text))) {
                Some((_, Some(value))) => Ok(Some(value)),
                Some((text, None)) => refuse(mode, || malformed(text, to)),
                None => Ok(None),
            });
            Arc::new(values.collect::<Result<BooleanArray>>()?)
        }
        DataType::Binary => Arc::new(texts.iter().map(|text| text.map(str::as_bytes)).collect::<BinaryArray>()),
        DataType::Date => Arc::new(read!(Date32Type, read_date)),
        DataType::Timestamp => {
            let values = read!(TimestampMicrosecondType, |text| read_instant(text, rules.zone));
            Arc::new(values.with_timezone(UTC))
        }
        DataType::TimestampNtz => {
            Arc::new(read!(TimestampMicrosecondType, |text| read_timestamp(text).map(|(local, _)| local)))
        }
        DataType::Time { .. } => Arc::new(read!(Time64NanosecondType, read_time)),
        DataType::CalendarInterval => Arc::new(each::<IntervalMonthDayNanoType>(&array, |row| {
            let parts = read_calendar(texts.value(row));
            Ok(parts.and_then(|parts| {
                Some(IntervalMonthDayNano::new(parts.months, parts.days, parts.us.checked_mul(1000)?))
            }))
        })?),
        DataType::YearMonthInterval { start, end } => Arc::new(each::<IntervalYearMonthType>(&array, |row| {
            match read_year_month(texts.value(row), *start, *end) {
                Some(months) => Ok(Some(months)),
                None => refuse_always(mode, || invalid_format(texts.value(row), &to.simple_string())),
            }
        })?),
        DataType::DayTimeInterval { start, end } => Arc::new(each::<DurationMicrosecondType>(&array, |row| {
            match read_day_time(texts.value(row), *start, *end) {
                Some(us) => Ok(Some(us)),
                None => refuse_always(mode, || invalid_format(texts.value(row), &to.simple_string())),
            }
        })?),
        other => return internal_err!("no cast of texts to {other}"),
    })
}

/// Digits with a sign; in legacy mode with a fraction too, which is dropped.
fn integer(text: &str, mode: Mode) -> Option<i64> {
    let text = trim(text);
    if mode != Mode::Legacy {
        let plain = text.strip_prefix('+').filter(|rest| !rest.starts_with('-')).unwrap_or(text);
        return if plain.starts_with('+') { None } else { plain.parse().ok() };
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let only_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if digits.is_empty() || !only_digits(whole) || !only_digits(fraction) {
        return None;
    }
    if whole.is_empty() {
        return Some(0);
    }
    let sign = if text.starts_with('-') { "-" } else { "" };
    format!("{sign}{whole}").parse().ok()
}

/// A number of Java's (`1.5`, `1e5`, `.5f`, `Infinity`) as Rust reads it.
fn float(text: &str) -> Option<String> {
    let lower = trim(text).to_ascii_lowercase();
    match lower.as_str() {
        "inf" | "+inf" | "infinity" | "+infinity" => return Some("inf".to_owned()),
        "-inf" | "-infinity" => return Some("-inf".to_owned()),
        "nan" => return Some("NaN".to_owned()),
        _ => {}
    }
    let number = lower.strip_suffix(['f', 'd']).unwrap_or(&lower);
    let valid = number.bytes().all(|byte| byte.is_ascii_digit() || b"+-.e".contains(&byte));
    (valid && number.ends_with(|last: char| last.is_ascii_digit() || last == '.')).then(|| number.to_owned())
}

fn boolean(text: &str) -> Option<bool> {
    match trim(text).to_ascii_lowercase().as_str() {
        "t" | "true" | "y" | "yes" | "1" => Some(true),
        "f" | "false" | "n" | "no" | "0" => Some(false),
        _ => None,
    }
}
