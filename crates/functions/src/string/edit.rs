//! Texts changed: case, trimming, padding, replacing, repeating.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::array::{ArrayRef, BinaryArray, StringArray};
use arrow::datatypes::{DataType as ArrowType, Int64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::functions::{string, unicode};
use datafusion::logical_expr::{Cast, Expr, ScalarUDF};
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::rows::{self, bytes, each, ints, kernels, strict, texts};
use crate::call::Call;
use crate::collection::reverse_array;
use crate::typed::{Typed, default_name};

kernels! {
    INITCAP = "spark_initcap", rows::text, |arrays, count| {
        each::<StringArray, _>(arrays, count, |row| Ok(Some(title_case(texts(&arrays[0]).value(row)))))
    };
    CHAR = "spark_char", rows::text, |arrays, count| {
        let codes = arrays[0].as_primitive::<Int64Type>();
        each::<StringArray, _>(arrays, count, |row| {
            let code = codes.value(row);
            Ok(Some(if code < 0 { String::new() } else { char::from((code & 0xFF) as u8).to_string() }))
        })
    };
    LPAD = "spark_lpad", rows::as_first, |arrays, count| pad_kernel(arrays, count, true);
    RPAD = "spark_rpad", rows::as_first, |arrays, count| pad_kernel(arrays, count, false);
    REPLACE = "spark_replace", rows::text, |arrays, count| {
        each::<StringArray, _>(arrays, count, |row| {
            let (text, from) = (texts(&arrays[0]).value(row), texts(&arrays[1]).value(row));
            let to = texts(&arrays[2]).value(row);
            Ok(Some(if from.is_empty() { text.to_owned() } else { text.replace(from, to) }))
        })
    };
    TRANSLATE = "spark_translate", rows::text, |arrays, count| {
        each::<StringArray, _>(arrays, count, |row| {
            let (from, to) = (texts(&arrays[1]).value(row), texts(&arrays[2]).value(row));
            Ok(Some(translated(texts(&arrays[0]).value(row), from, to)))
        })
    };
    REVERSE_BYTES = "spark_reverse_bytes", rows::binary, |arrays, count| {
        let reversed = |row: usize| bytes(&arrays[0]).value(row).iter().rev().copied().collect::<Vec<u8>>();
        each::<BinaryArray, _>(arrays, count, |row| Ok(Some(reversed(row))))
    };
    SPACE = "spark_space", rows::text, |arrays, count| {
        each::<StringArray, _>(arrays, count, |row| Ok(Some(" ".repeat(ints(&arrays[0]).value(row).max(0) as usize))))
    };
}

pub(super) fn upper(call: &Call<'_>) -> SparkResult<Typed> {
    of_text(call, &string::upper())
}

pub(super) fn lower(call: &Call<'_>) -> SparkResult<Typed> {
    of_text(call, &string::lower())
}

pub(super) fn initcap(call: &Call<'_>) -> SparkResult<Typed> {
    of_text(call, &INITCAP)
}

fn of_text(call: &Call<'_>, function: &Arc<ScalarUDF>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(strict(function, vec![call.string(0)?])?))
}

/// Words begin behind spaces alone.
fn title_case(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut starts = true;
    for letter in text.to_lowercase().chars() {
        if starts {
            out.extend(letter.to_uppercase())
        } else {
            out.push(letter)
        }
        starts = letter == ' ';
    }
    out
}

/// Text, bytes or an array.
pub(super) fn reverse(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    match call.argument(0)?.data_type {
        DataType::Array { .. } => reverse_array(call),
        DataType::Binary => Ok(call.shown(strict(&REVERSE_BYTES, vec![call.binary(0)?])?)),
        _ => of_text(call, &unicode::reverse()),
    }
}

/// `trim(text)`, and `trim(characters, text)` as Spark's functions have it.
pub(super) fn trim(call: &Call<'_>) -> SparkResult<Typed> {
    trimmed(call, &string::btrim(), "BOTH")
}

pub(super) fn ltrim(call: &Call<'_>) -> SparkResult<Typed> {
    trimmed(call, &string::ltrim(), "LEADING")
}

pub(super) fn rtrim(call: &Call<'_>) -> SparkResult<Typed> {
    trimmed(call, &string::rtrim(), "TRAILING")
}

fn trimmed(call: &Call<'_>, function: &Arc<ScalarUDF>, side: &str) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    if !call.has(1) {
        return of_text(call, function);
    }
    let (characters, text) = (call.string(0)?, call.string(1)?);
    let name = format!("TRIM({side} {} FROM {})", characters.name, text.name);
    Ok(strict(function, vec![text, characters])?.named(name))
}

/// `btrim(text, characters)`
pub(super) fn btrim(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let mut arguments = vec![call.string(0)?];
    if call.has(1) {
        arguments.push(call.string(1)?);
    }
    Ok(call.shown(strict(&string::btrim(), arguments)?))
}

/// The character of the number's lowest byte.
pub(super) fn char(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(strict(&CHAR, vec![call.long(0)?])?))
}

pub(super) fn space(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(strict(&SPACE, vec![call.int(0)?])?))
}

pub(super) fn repeat(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let count = call.int(1)?;
    let count = crate::cast::coerce(count, &DataType::Long, call.settings)?;
    Ok(call.shown(strict(&string::repeat(), vec![call.string(0)?, count])?))
}

pub(super) fn replace(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let with = if call.has(2) { call.string(2)? } else { Typed::string("") };
    let arguments = vec![call.string(0)?, call.string(1)?, with];
    let name = default_name(call.name, &arguments);
    Ok(strict(&REPLACE, arguments)?.named(name))
}

pub(super) fn translate(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(3..=3)?;
    Ok(call.shown(strict(&TRANSLATE, vec![call.string(0)?, call.string(1)?, call.string(2)?])?))
}

/// A character is replaced by the one at its first place in `from`; without one there it goes, as it does for `\0`.
fn translated(text: &str, from: &str, to: &str) -> String {
    text.chars()
        .filter_map(|letter| match from.chars().position(|candidate| candidate == letter) {
            Some(index) => to.chars().nth(index).filter(|letter| *letter != '\0'),
            None => Some(letter),
        })
        .collect()
}

pub(super) fn lpad(call: &Call<'_>) -> SparkResult<Typed> {
    pad(call, &LPAD)
}

pub(super) fn rpad(call: &Call<'_>) -> SparkResult<Typed> {
    pad(call, &RPAD)
}

/// With spaces, or zero bytes for a binary value.
fn pad(call: &Call<'_>, function: &Arc<ScalarUDF>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let is_binary = call.argument(0)?.data_type == DataType::Binary
        && (!call.has(2) || call.argument(2)?.data_type == DataType::Binary);
    let value = if is_binary { call.binary(0)? } else { call.string(0)? };
    let padding = match (call.has(2), is_binary) {
        (true, true) => call.binary(2)?,
        (true, false) => call.string(2)?,
        (false, true) => Typed::literal(ScalarValue::Binary(Some(vec![0])), DataType::Binary, "X'00'"),
        (false, false) => Typed::string(" "),
    };
    let arguments = vec![value, call.int(1)?, padding];
    let name = default_name(call.name, &arguments);
    Ok(strict(function, arguments)?.named(name))
}

fn pad_kernel(arrays: &[ArrayRef], rows: usize, leading: bool) -> Result<ArrayRef> {
    let lengths = ints(&arrays[1]);
    let length_at = |row: usize| lengths.value(row).max(0) as usize;
    if *arrays[0].data_type() == ArrowType::Binary {
        return each::<BinaryArray, _>(arrays, rows, |row| {
            Ok(Some(padded(bytes(&arrays[0]).value(row), length_at(row), bytes(&arrays[2]).value(row), leading)))
        });
    }
    each::<StringArray, _>(arrays, rows, |row| {
        let value: Vec<char> = texts(&arrays[0]).value(row).chars().collect();
        let padding: Vec<char> = texts(&arrays[2]).value(row).chars().collect();
        Ok(Some(padded(&value, length_at(row), &padding, leading).into_iter().collect::<String>()))
    })
}

fn padded<T: Copy>(value: &[T], length: usize, padding: &[T], leading: bool) -> Vec<T> {
    if length <= value.len() {
        return value[..length].to_vec();
    }
    let fill = padding.iter().cycle().take(length - value.len()).copied();
    if leading { fill.chain(value.iter().copied()).collect() } else { value.iter().copied().chain(fill).collect() }
}

/// The name of the collation, of which there is one.
pub(super) fn collation(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    call.text(0)?;
    Ok(call.shown(Typed::string("SYSTEM.BUILTIN.UTF8_BINARY")))
}

/// `collate(text, 'UTF8_BINARY')`
pub(super) fn collate(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let collation = call.constant_text(1)?;
    let name = collation.to_ascii_uppercase();
    if name.rsplit('.').next() != Some("UTF8_BINARY") {
        return Err(SparkError::unsupported(format!("the collation {collation}")));
    }
    let text = call.string(0)?;
    // A column as it is would keep its own name.
    let expr = Expr::Cast(Cast::new(Box::new(text.expr), ArrowType::Utf8));
    Ok(call.shown(Typed::new(expr, DataType::STRING, text.nullable, "")))
}
