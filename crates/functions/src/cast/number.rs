//! Numbers as other numbers, booleans and bytes.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Decimal128Array};
use arrow::compute::cast as arrow_cast;
use arrow::datatypes::{
    DataType as ArrowType, Decimal128Type, DecimalType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type,
};
use datafusion::common::{Result, internal_err};
use firesteel_spec::DataType;

use super::Mode;
use super::error::{each, out_of_range, overflow, refuse};
use super::kernel::Rules;
use super::number_text::java_double;
use crate::types::to_arrow;

pub(super) fn cast(array: &ArrayRef, from: &DataType, to: &DataType, rules: Rules) -> Result<ArrayRef> {
    match (from, to) {
        (DataType::Decimal { scale, .. }, _) => decimal(array, *scale, from, to, rules),
        (from, _) if from.is_integral() => integral(&arrow_cast(array, &ArrowType::Int64)?, from, to, rules),
        _ => floating(array, from, to, rules),
    }
}

/// `longs`, which are of type `from`.
pub(super) fn integral(longs: &ArrayRef, from: &DataType, to: &DataType, rules: Rules) -> Result<ArrayRef> {
    let values = longs.as_primitive::<Int64Type>();
    let fit = |row: usize, least: i64, most: i64| -> Result<Option<i64>> {
        let value = values.value(row);
        if (least..=most).contains(&value) || rules.mode == Mode::Legacy {
            return Ok(Some(value));
        }
        refuse(rules.mode, || overflow(&integer_literal(value, from), from, to))
    };
    // `as` keeps the low bits, as Java does.
    Ok(match to {
        DataType::Byte => Arc::new(each::<Int8Type>(longs, |row| {
            Ok(fit(row, i8::MIN.into(), i8::MAX.into())?.map(|value| value as i8))
        })?),
        DataType::Short => Arc::new(each::<Int16Type>(longs, |row| {
            Ok(fit(row, i16::MIN.into(), i16::MAX.into())?.map(|value| value as i16))
        })?),
        DataType::Integer => Arc::new(each::<Int32Type>(longs, |row| {
            Ok(fit(row, i32::MIN.into(), i32::MAX.into())?.map(|value| value as i32))
        })?),
        DataType::Decimal { precision, scale } => decimals(longs, *precision, *scale, rules.mode, |row| {
            let value = i128::from(values.value(row));
            Ok((rescale(value, 0, *scale), value.to_string()))
        })?,
        other => arrow_cast(longs, &to_arrow(other))?,
    })
}

fn floating(array: &ArrayRef, from: &DataType, to: &DataType, rules: Rules) -> Result<ArrayRef> {
    let doubles = arrow_cast(array, &ArrowType::Float64)?;
    let values = doubles.as_primitive::<Float64Type>();
    let fit = |row: usize, least: f64, most: f64| -> Result<Option<f64>> {
        let value = values.value(row);
        if rules.mode == Mode::Legacy || (value.floor() <= most && value.ceil() >= least) {
            return Ok(Some(value));
        }
        refuse(rules.mode, || overflow(&float_literal(value, from), from, to))
    };
    // `as` gives the nearest number of the type, as Java does; bytes and shorts are made of that int's low bits.
    Ok(match to {
        DataType::Byte => Arc::new(each::<Int8Type>(&doubles, |row| {
            Ok(fit(row, i8::MIN.into(), i8::MAX.into())?.map(|value| value as i32 as i8))
        })?),
        DataType::Short => Arc::new(each::<Int16Type>(&doubles, |row| {
            Ok(fit(row, i16::MIN.into(), i16::MAX.into())?.map(|value| value as i32 as i16))
        })?),
        DataType::Integer => Arc::new(each::<Int32Type>(&doubles, |row| {
            Ok(fit(row, i32::MIN.into(), i32::MAX.into())?.map(|value| value as i32))
        })?),
        DataType::Long => Arc::new(each::<Int64Type>(&doubles, |row| {
            Ok(fit(row, i64::MIN as f64, i64::MAX as f64)?.map(|value| value as i64))
        })?),
        DataType::Decimal { precision, scale } => {
            let values = each::<Decimal128Type>(&doubles, |row| {
                let value = values.value(row);
                if !value.is_finite() {
                    return Ok(None);
                }
                match decimal_of_text(&java_double(value), *precision, *scale) {
                    Decimal::Value(unscaled) => Ok(Some(unscaled)),
                    _ => refuse(rules.mode, || out_of_range(&format!("{value}"), *precision, *scale)),
                }
            })?;
            Arc::new(values.with_precision_and_scale(*precision, *scale)?)
        }
        DataType::Float => Arc::new(each::<Float32Type>(&doubles, |row| Ok(Some(values.value(row) as f32)))?),
        _ => doubles,
    })
}

fn decimal(array: &ArrayRef, scale: i8, from: &DataType, to: &DataType, rules: Rules) -> Result<ArrayRef> {
    let values = array.as_primitive::<Decimal128Type>();
    let text = |row: usize| plain_decimal(values.value(row), scale);
    let whole = |row: usize| -> i128 {
        let value = values.value(row);
        if scale > 0 { value / power(scale.unsigned_abs().into()).unwrap_or(i128::MAX) } else { value }
    };
    let fit = |row: usize, least: i64, most: i64| -> Result<Option<i64>> {
        let value = whole(row);
        if (i128::from(least)..=i128::from(most)).contains(&value) || rules.mode == Mode::Legacy {
            return Ok(Some(value as i64));
        }
        refuse(rules.mode, || overflow(&format!("{}BD", text(row)), from, to))
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
        DataType::Long => Arc::new(each::<Int64Type>(array, |row| fit(row, i64::MIN, i64::MAX))?),
        DataType::Float => {
            Arc::new(each::<Float32Type>(array, |row| Ok(text(row).parse::<f64>().ok().map(|value| value as f32)))?)
        }
        DataType::Double => Arc::new(each::<Float64Type>(array, |row| Ok(text(row).parse().ok()))?),
        DataType::Decimal { precision, scale: target } => decimals(array, *precision, *target, rules.mode, |row| {
            Ok((rescale(values.value(row), scale, *target), text(row)))
        })?,
        other => return internal_err!("no cast of decimals to {other}"),
    })
}

/// Decimals of unscaled values that are already at the target's scale, each with the text that an error shows.
pub(super) fn decimals(
    array: &ArrayRef,
    precision: u8,
    scale: i8,
    mode: Mode,
    value: impl Fn(usize) -> Result<(Option<i128>, String)>,
) -> Result<ArrayRef> {
    let bound = power(precision.into()).unwrap_or(i128::MAX);
    let values = each::<Decimal128Type>(array, |row| {
        let (unscaled, text) = value(row)?;
        match unscaled {
            Some(unscaled) if unscaled.abs() < bound => Ok(Some(unscaled)),
            _ => refuse(mode, || out_of_range(&text, precision, scale)),
        }
    })?;
    Ok(Arc::new(Decimal128Array::with_precision_and_scale(values, precision, scale)?))
}

/// An unscaled value at another scale, halves away from zero; none beyond what fits.
pub(super) fn rescale(value: i128, from: i8, to: i8) -> Option<i128> {
    let shift = i32::from(to) - i32::from(from);
    let factor = power(shift.unsigned_abs());
    if shift >= 0 {
        return if value == 0 { Some(0) } else { value.checked_mul(factor?) };
    }
    let Some(factor) = factor else { return Some(0) };
    let (whole, rest) = (value / factor, value % factor);
    let up = rest.unsigned_abs() >= factor.unsigned_abs().div_ceil(2);
    Some(if up { whole + value.signum() } else { whole })
}

pub(super) fn power(exponent: u32) -> Option<i128> {
    10_i128.checked_pow(exponent)
}

pub(crate) enum Decimal {
    Value(i128),
    Malformed,
    Overflow,
}

/// A number such as `-1.5e3` at a scale, halves away from zero.
pub(crate) fn decimal_of_text(text: &str, precision: u8, scale: i8) -> Decimal {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => match exponent.parse::<i32>() {
            Ok(exponent) => (mantissa, exponent),
            Err(_) => return Decimal::Malformed,
        },
        None => (text, 0),
    };
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
        return Decimal::Malformed;
    }
    let digits = all.trim_start_matches('0');
    let Some(shift) = exponent.checked_sub(fraction.len() as i32).and_then(|shift| shift.checked_add(scale.into()))
    else {
        return Decimal::Overflow;
    };
    if digits.is_empty() {
        return Decimal::Value(0);
    }
    let length = digits.len() as i64 + i64::from(shift);
    if length > 38 {
        return Decimal::Overflow;
    }
    let (kept, rounded_up) = match usize::try_from(length) {
        Err(_) => ("", false),
        Ok(kept) if kept >= digits.len() => (digits, false),
        Ok(kept) => (&digits[..kept], digits.as_bytes()[kept] >= b'5'),
    };
    let zeros = if shift > 0 { shift.unsigned_abs() } else { 0 };
    let value = if kept.is_empty() { Some(0) } else { kept.parse::<i128>().ok() };
    let value = value.and_then(|value| value.checked_mul(power(zeros)?)).map(|value| value + i128::from(rounded_up));
    match value {
        Some(value) if value < power(precision.into()).unwrap_or(i128::MAX) => {
            Decimal::Value(if negative { -value } else { value })
        }
        _ => Decimal::Overflow,
    }
}

/// A decimal without an exponent.
pub(crate) fn plain_decimal(unscaled: i128, scale: i8) -> String {
    Decimal128Type::format_decimal(unscaled, 38, scale)
}

/// True but for zero.
pub(super) fn to_boolean(array: &ArrayRef) -> Result<ArrayRef> {
    let values: BooleanArray = match array.data_type() {
        ArrowType::Decimal128(..) => {
            array.as_primitive::<Decimal128Type>().iter().map(|value| value.map(|value| value != 0)).collect()
        }
        _ => {
            let doubles = arrow_cast(array, &ArrowType::Float64)?;
            doubles.as_primitive::<Float64Type>().iter().map(|value| value.map(|value| value != 0.0)).collect()
        }
    };
    Ok(Arc::new(values))
}

/// The bytes of an integer, the highest first.
pub(super) fn to_binary(array: &ArrayRef) -> Result<ArrayRef> {
    let width = array.data_type().primitive_width().unwrap_or(8);
    let longs = arrow_cast(array, &ArrowType::Int64)?;
    let values = longs.as_primitive::<Int64Type>().iter();
    let bytes: BinaryArray = values.map(|value| value.map(|value| value.to_be_bytes()[8 - width..].to_vec())).collect();
    Ok(Arc::new(bytes))
}

/// An integer as SQL writes it.
pub(super) fn integer_literal(value: i64, data_type: &DataType) -> String {
    let suffix = match data_type {
        DataType::Byte => "Y",
        DataType::Short => "S",
        DataType::Long => "L",
        _ => "",
    };
    format!("{value}{suffix}")
}

pub(super) fn float_literal(value: f64, data_type: &DataType) -> String {
    let text = java_double(value);
    match data_type {
        _ if !value.is_finite() => text,
        DataType::Float => format!("CAST({text} AS FLOAT)"),
        _ => format!("{text}D"),
    }
}
