//! Parts of texts and binary values: `substring` and what is made of it, `split_part`, `overlay`.

use arrow::array::{Array, ArrayRef, BinaryArray, StringArray};
use arrow::datatypes::DataType as ArrowType;
use datafusion::common::Result;
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::rows::{self, bytes, each, ints, kernels, lax, strict, texts};
use super::size::text_or_binary;
use crate::call::Call;
use crate::kernel::spark_error;
use crate::typed::Typed;

kernels! {
    SUBSTRING = "spark_substring", rows::as_first, substring_kernel;
    RIGHT = "spark_right", rows::text, |arrays, count| {
        each::<StringArray, _>(arrays, count, |row| {
            let (text, length) = (texts(&arrays[0]).value(row), ints(&arrays[1]).value(row));
            Ok(Some(if length <= 0 { "" } else { substring_of(text, length.saturating_neg(), i32::MAX) }))
        })
    };
    SUBSTRING_INDEX = "spark_substring_index", rows::text, |arrays, count| {
        each::<StringArray, _>(arrays, count, |row| {
            let (text, delimiter) = (texts(&arrays[0]).value(row), texts(&arrays[1]).value(row));
            Ok(Some(up_to(text, delimiter, ints(&arrays[2]).value(row))))
        })
    };
    SPLIT_PART = "spark_split_part", rows::text_or_null, |arrays, count| {
        each::<StringArray, _>(arrays, count, |row| {
            part(texts(&arrays[0]).value(row), texts(&arrays[1]).value(row), ints(&arrays[2]).value(row)).map(Some)
        })
    };
    OVERLAY = "spark_overlay", rows::as_first, overlay_kernel;
}

/// `UTF8String.substringSQL`: which units of `length` there are from `start`, which counts from 1, or from the end if
/// negative.
fn range(length: usize, start: i32, count: i32) -> (usize, usize) {
    let length = length as i64;
    let from = match start {
        1.. => i64::from(start) - 1,
        0 => 0,
        _ => length + i64::from(start),
    };
    let to = (from + i64::from(count)).clamp(0, length);
    let from = from.clamp(0, length);
    (from as usize, to.max(from) as usize)
}

pub(super) fn substring_of(text: &str, start: i32, count: i32) -> &str {
    if text.is_ascii() {
        let (from, to) = range(text.len(), start, count);
        return &text[from..to];
    }
    let (from, to) = range(text.chars().count(), start, count);
    let offset = |index: usize| text.char_indices().nth(index).map_or(text.len(), |(offset, _)| offset);
    &text[offset(from)..offset(to)]
}

fn substring_of_bytes(value: &[u8], start: i32, count: i32) -> &[u8] {
    let (from, to) = range(value.len(), start, count);
    &value[from..to]
}

fn substring_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (starts, counts) = (ints(&arrays[1]), ints(&arrays[2]));
    if *arrays[0].data_type() == ArrowType::Binary {
        return each::<BinaryArray, _>(arrays, rows, |row| {
            Ok(Some(substring_of_bytes(bytes(&arrays[0]).value(row), starts.value(row), counts.value(row))))
        });
    }
    each::<StringArray, _>(arrays, rows, |row| {
        Ok(Some(substring_of(texts(&arrays[0]).value(row), starts.value(row), counts.value(row))))
    })
}

pub(super) fn substring(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let (value, start) = (text_or_binary(call, 0)?, call.int(1)?);
    let count = if call.has(2) { call.int(2)? } else { Typed::int(i32::MAX) };
    let name = format!("{}({}, {}, {})", call.name, value.name, start.name, count.name);
    Ok(strict(&SUBSTRING, vec![value, start, count])?.named(name))
}

pub(super) fn left(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    Ok(call.shown(strict(&SUBSTRING, vec![text_or_binary(call, 0)?, Typed::int(1), call.int(1)?])?))
}

/// Text, also of a binary value.
pub(super) fn right(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    Ok(call.shown(lax(&RIGHT, vec![call.string(0)?, call.int(1)?])?))
}

pub(super) fn substring_index(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(3..=3)?;
    Ok(call.shown(strict(&SUBSTRING_INDEX, vec![call.string(0)?, call.string(1)?, call.int(2)?])?))
}

/// What is before the `count`th delimiter, or behind the `-count`th from the end; occurrences may overlap.
fn up_to<'a>(text: &'a str, delimiter: &str, count: i32) -> &'a str {
    if delimiter.is_empty() || count == 0 {
        return "";
    }
    let (text_bytes, delimiter) = (text.as_bytes(), delimiter.as_bytes());
    let occurs = |at: &usize| text_bytes[*at..].starts_with(delimiter);
    let mut places = 0..(text.len() + 1).saturating_sub(delimiter.len());
    if count > 0 {
        places.by_ref().filter(occurs).nth(count as usize - 1).map_or(text, |at| &text[..at])
    } else {
        let nth = count.unsigned_abs() as usize - 1;
        places.rev().filter(occurs).nth(nth).map_or(text, |at| &text[at + delimiter.len()..])
    }
}

pub(super) fn split_part(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(3..=3)?;
    Ok(call.shown(lax(&SPLIT_PART, vec![call.string(0)?, call.string(1)?, call.int(2)?])?))
}

fn part<'a>(text: &'a str, delimiter: &str, index: i32) -> Result<&'a str> {
    let part = match index {
        0 => {
            return Err(spark_error(SparkError::new(
                "INVALID_INDEX_OF_ZERO",
                "the index 0 is invalid: an index counts from 1, or from the end if it is negative",
            )));
        }
        _ if delimiter.is_empty() => (index == 1 || index == -1).then_some(text),
        1.. => text.split(delimiter).nth(index as usize - 1),
        _ => {
            let parts: Vec<&str> = text.split(delimiter).collect();
            parts.len().checked_sub(index.unsigned_abs() as usize).and_then(|at| parts.get(at).copied())
        }
    };
    Ok(part.unwrap_or(""))
}

/// `overlay(input, replacement, position[, length])`; the length of the replacement if it is negative.
pub(super) fn overlay(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(3..=4)?;
    let binary = call.arguments[..2].iter().all(|argument| argument.data_type == DataType::Binary);
    let (input, replacement) =
        if binary { (call.binary(0)?, call.binary(1)?) } else { (call.string(0)?, call.string(1)?) };
    let length = if call.has(3) { call.int(3)? } else { Typed::int(-1) };
    let position = call.int(2)?;
    let name = format!("{}({}, {}, {}, {})", call.name, input.name, replacement.name, position.name, length.name);
    Ok(strict(&OVERLAY, vec![input, replacement, position, length])?.named(name))
}

fn overlay_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (positions, lengths) = (ints(&arrays[2]), ints(&arrays[3]));
    let bounds = |row: usize, replacement: usize| {
        let position = positions.value(row);
        let length = match lengths.value(row) {
            length @ 0.. => length,
            _ => replacement as i32,
        };
        (position.wrapping_sub(1), position.wrapping_add(length))
    };
    if *arrays[0].data_type() == ArrowType::Binary {
        let (inputs, replacements) = (bytes(&arrays[0]), bytes(&arrays[1]));
        return each::<BinaryArray, _>(arrays, rows, |row| {
            let (input, replacement) = (inputs.value(row), replacements.value(row));
            let (head, tail) = bounds(row, replacement.len());
            let parts = [substring_of_bytes(input, 1, head), replacement, substring_of_bytes(input, tail, i32::MAX)];
            Ok(Some(parts.concat()))
        });
    }
    let (inputs, replacements) = (texts(&arrays[0]), texts(&arrays[1]));
    each::<StringArray, _>(arrays, rows, |row| {
        let (input, replacement) = (inputs.value(row), replacements.value(row));
        let (head, tail) = bounds(row, replacement.chars().count());
        Ok(Some([substring_of(input, 1, head), replacement, substring_of(input, tail, i32::MAX)].concat()))
    })
}
