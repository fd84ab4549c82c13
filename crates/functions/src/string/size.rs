//! Numbers about texts: lengths, positions, distances.

use arrow::array::Int32Array;
use arrow::compute::kernels::length;
use datafusion::functions::{string, unicode};
use firesteel_spec::{DataType, SparkResult};

use super::rows::{self, each, ints, kernels, strict, texts};
use crate::call::Call;
use crate::typed::Typed;

kernels! {
    OCTET_LENGTH = "spark_octet_length", rows::int, |arrays, _| Ok(length::length(&arrays[0])?);
    BIT_LENGTH = "spark_bit_length", rows::int, |arrays, _| Ok(length::bit_length(&arrays[0])?);
    LOCATE = "spark_locate", rows::int, |arrays, count| {
        each::<Int32Array, _>(arrays, count, |row| {
            Ok(Some(locate_from(texts(&arrays[0]).value(row), texts(&arrays[1]).value(row), ints(&arrays[2]).value(row))))
        })
    };
    FIND_IN_SET = "spark_find_in_set", rows::int, |arrays, count| {
        each::<Int32Array, _>(arrays, count, |row| {
            let (word, set) = (texts(&arrays[0]).value(row), texts(&arrays[1]).value(row));
            Ok(Some(set.split(',').position(|member| member == word).map_or(0, |index| index as i32 + 1)))
        })
    };
    LEVENSHTEIN = "spark_levenshtein", rows::int, |arrays, count| {
        each::<Int32Array, _>(arrays, count, |row| {
            let distance = distance(texts(&arrays[0]).value(row), texts(&arrays[1]).value(row));
            let is_above = arrays.get(2).is_some_and(|limits| distance > ints(limits).value(row));
            Ok(Some(if is_above { -1 } else { distance }))
        })
    };
}

/// The argument as it is if binary, and as text otherwise.
pub(super) fn text_or_binary(call: &Call<'_>, index: usize) -> SparkResult<Typed> {
    match call.argument(index)?.data_type {
        DataType::Binary => call.binary(index),
        _ => call.string(index),
    }
}

pub(super) fn ascii(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(strict(&string::ascii(), vec![call.string(0)?])?))
}

pub(super) fn octet_length(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(strict(&OCTET_LENGTH, vec![text_or_binary(call, 0)?])?))
}

pub(super) fn bit_length(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(strict(&BIT_LENGTH, vec![text_or_binary(call, 0)?])?))
}

/// In characters, or in bytes of a binary value.
pub(super) fn char_length(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let value = text_or_binary(call, 0)?;
    let typed = match value.data_type {
        DataType::Binary => strict(&OCTET_LENGTH, vec![value])?,
        _ => strict(&unicode::character_length(), vec![value])?,
    };
    Ok(call.shown(typed))
}

pub(super) fn instr(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    Ok(call.shown(strict(&unicode::strpos(), vec![call.string(0)?, call.string(1)?])?))
}

/// Where the first text starts in the second, from a position on. A null position is 0, and finds nothing.
pub(super) fn locate(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let (part, whole) = (call.string(0)?, call.string(1)?);
    let start = if call.has(2) { call.int(2)? } else { Typed::int(1) };
    let name = format!("{}({}, {}, {})", call.name, part.name, whole.name, start.name);
    let start = match start.value() {
        Some(value) if value.is_null() => Typed::int(0),
        _ => start,
    };
    let is_nullable = part.nullable || whole.nullable;
    let mut typed = strict(&LOCATE, vec![part, whole, start])?;
    typed.nullable = is_nullable || typed.nullable;
    Ok(typed.named(name))
}

/// From 1; 0 if there is none.
fn locate_from(part: &str, whole: &str, start: i32) -> i32 {
    if start < 1 {
        return 0;
    }
    if part.is_empty() {
        return 1;
    }
    let Some((offset, _)) = whole.char_indices().nth(start as usize - 1) else { return 0 };
    whole[offset..].find(part).map_or(0, |at| start + whole[offset..offset + at].chars().count() as i32)
}

pub(super) fn find_in_set(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    Ok(call.shown(strict(&FIND_IN_SET, vec![call.string(0)?, call.string(1)?])?))
}

/// -1 if the distance is above the third argument.
pub(super) fn levenshtein(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let mut arguments = vec![call.string(0)?, call.string(1)?];
    if call.has(2) {
        arguments.push(call.int(2)?);
    }
    Ok(call.shown(strict(&LEVENSHTEIN, arguments)?))
}

fn distance(left: &str, right: &str) -> i32 {
    let right: Vec<char> = right.chars().collect();
    let mut costs: Vec<i32> = (0..=right.len() as i32).collect();
    for (row, from) in left.chars().enumerate() {
        let mut diagonal = costs[0];
        costs[0] = row as i32 + 1;
        for (column, to) in right.iter().enumerate() {
            let replaced = diagonal + i32::from(from != *to);
            diagonal = costs[column + 1];
            costs[column + 1] = replaced.min(costs[column] + 1).min(diagonal + 1);
        }
    }
    costs[right.len()]
}
