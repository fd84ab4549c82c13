//! Arrays made of the elements of others: `array`, `concat`, `slice`, `array_append` and the like.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType as ArrowType, Int32Type, Int64Type};
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::{ScalarUDF, Volatility};
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::coercion::{array_and_value, contains_null, element_of};
use super::keys::comparable;
use super::lists::{Lists, Picks, Rows, element_type};
use super::shape;
use crate::call::Call;
use crate::cast::coerce;
use crate::coerce::common_type;
use crate::hash::MersenneTwister;
use crate::kernel::{KernelUdf, spark_error};
use crate::typed::Typed;

/// What a kernel of this file gives: rows, and the elements picked from some arrays.
type Edited = (Rows, Picks);

fn edited(sources: &[&ArrayRef], (rows, picks): Edited, target: &ArrowType) -> Result<ArrayRef> {
    rows.list(&picks.take(sources, element_type(target)?)?, target)
}

macro_rules! kernels {
    ($($name:ident = $text:literal, $kernel:expr;)*) => {
        $(static $name: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf($text, $kernel));)*

        pub(super) fn implementations() -> Vec<Arc<ScalarUDF>> {
            vec![$(Arc::clone(&$name),)* Arc::clone(&SHUFFLE)]
        }
    };
}

kernels! {
    ARRAY = "spark_array", array_kernel;
    INSERT = "spark_array_insert", insert_kernel;
    APPEND = "spark_array_append", append_kernel;
    PREPEND = "spark_array_prepend", prepend_kernel;
    REMOVE = "spark_array_remove", remove_kernel;
    COMPACT = "spark_array_compact", compact_kernel;
    CONCAT = "spark_array_concat", concat_kernel;
    FLATTEN = "spark_array_flatten", flatten_kernel;
    SLICE = "spark_array_slice", slice_kernel;
    REVERSE = "spark_array_reverse", reverse_kernel;
    REPEAT = "spark_array_repeat", repeat_kernel;
}

static SHUFFLE: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::with_volatility("spark_array_shuffle", Volatility::Volatile, shape::field, shuffle_kernel)
});

pub(super) fn array(call: &Call<'_>) -> SparkResult<Typed> {
    let (values, element) = call.common(0)?;
    let with_null = values.iter().any(|value| value.nullable);
    let typed = shape::call(&ARRAY, values, DataType::array(element, with_null), false)?;
    Ok(call.shown(typed))
}

fn array_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (values, target) = shape::split(arrays)?;
    let (mut ends, mut picks) = (Rows::with_capacity(rows), Picks::default());
    for row in 0..rows {
        (0..values.len()).for_each(|source| picks.push(source, row));
        ends.end(picks.len())?;
    }
    edited(&values.iter().collect::<Vec<_>>(), (ends, picks), target)
}

pub(super) fn insert(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(3..=3)?;
    let position = call.argument(1)?;
    if !position.data_type.is_integral() {
        return Err(call.unexpected(1, &position.data_type, "INT"));
    }
    let (array, value, element) = array_and_value(call, 0, 2)?;
    let nullable = array.nullable || position.nullable;
    let position = call.int(1)?;
    let typed = shape::call(&INSERT, vec![array, position, value], DataType::array(element, true), nullable)?;
    Ok(call.shown(typed))
}

/// From 1; or from -1, which is after the last. What lies between the array and the position is filled with nulls.
fn insert_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let ([array, position, value], target) = shape::split(arrays)? else {
        return internal_err!("array_insert takes 3 arguments");
    };
    let (lists, positions) = (Lists::of(array)?, position.as_primitive::<Int32Type>());
    let (mut ends, mut picks) = (Rows::with_capacity(rows), Picks::default());
    for row in 0..rows {
        let (Some(range), false) = (lists.range(row), positions.is_null(row)) else {
            ends.null();
            continue;
        };
        let (position, length) = (i64::from(positions.value(row)), range.len() as i64);
        if position == 0 {
            return Err(spark_error(index_of_zero()));
        }
        // How many elements stand before the new one; negative if nulls have to follow it.
        let before = if position > 0 { position - 1 } else { length + position + 1 };
        picks.expect_room(before.abs())?;
        if before < 0 {
            picks.push(1, row);
            (0..-before).for_each(|_| picks.push_null());
            picks.extend(0, range);
        } else {
            let split = range.start + before.min(length) as usize;
            picks.extend(0, range.start..split);
            (length..before).for_each(|_| picks.push_null());
            picks.push(1, row);
            picks.extend(0, split..range.end);
        }
        ends.end(picks.len())?;
    }
    edited(&[&lists.values, value], (ends, picks), target)
}

pub(super) fn index_of_zero() -> SparkError {
    SparkError::new("INVALID_INDEX_OF_ZERO", "the index 0 is invalid: the first element has index 1, the last -1")
}

pub(super) fn append(call: &Call<'_>) -> SparkResult<Typed> {
    add_one(call, &APPEND)
}

pub(super) fn prepend(call: &Call<'_>) -> SparkResult<Typed> {
    add_one(call, &PREPEND)
}

fn add_one(call: &Call<'_>, function: &Arc<ScalarUDF>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let (array, value, element) = array_and_value(call, 0, 1)?;
    let nullable = array.nullable;
    let typed = shape::call(function, vec![array, value], DataType::array(element, true), nullable)?;
    Ok(call.shown(typed))
}

fn append_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    add_one_kernel(arrays, rows, true)
}

fn prepend_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    add_one_kernel(arrays, rows, false)
}

fn add_one_kernel(arrays: &[ArrayRef], rows: usize, last: bool) -> Result<ArrayRef> {
    let ([array, value], target) = shape::split(arrays)? else {
        return internal_err!("array_append takes 2 arguments");
    };
    let lists = Lists::of(array)?;
    let (mut ends, mut picks) = (Rows::with_capacity(rows), Picks::default());
    for row in 0..rows {
        let Some(range) = lists.range(row) else {
            ends.null();
            continue;
        };
        if last {
            picks.extend(0, range);
            picks.push(1, row);
        } else {
            picks.push(1, row);
            picks.extend(0, range);
        }
        ends.end(picks.len())?;
    }
    edited(&[&lists.values, value], (ends, picks), target)
}

pub(super) fn remove(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let (array, value, _) = array_and_value(call, 0, 1)?;
    let (data_type, nullable) = (array.data_type.clone(), array.nullable || value.nullable);
    Ok(call.shown(shape::call(&REMOVE, vec![array, value], data_type, nullable)?))
}

fn remove_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let ([array, value], target) = shape::split(arrays)? else {
        return internal_err!("array_remove takes 2 arguments");
    };
    let lists = Lists::of(array)?;
    let [elements, removed] = comparable([&lists.values, value])?;
    let (mut ends, mut picks) = (Rows::with_capacity(rows), Picks::default());
    for row in 0..rows {
        let (Some(range), false) = (lists.range(row), value.is_null(row)) else {
            ends.null();
            continue;
        };
        range.filter(|index| elements.row(*index) != removed.row(row)).for_each(|index| picks.push(0, index));
        ends.end(picks.len())?;
    }
    edited(&[&lists.values], (ends, picks), target)
}

pub(super) fn compact(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let (array, element) = call.array(0)?;
    let nullable = array.nullable;
    Ok(call.shown(shape::call(&COMPACT, vec![array], DataType::array(element, false), nullable)?))
}

fn compact_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let ([array], target) = shape::split(arrays)? else { return internal_err!("array_compact takes 1 argument") };
    let lists = Lists::of(array)?;
    let (mut ends, mut picks) = (Rows::with_capacity(rows), Picks::default());
    let nulls = lists.values.logical_nulls();
    for row in 0..rows {
        let Some(range) = lists.range(row) else {
            ends.null();
            continue;
        };
        let valid = |index: &usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(*index));
        range.filter(valid).for_each(|index| picks.push(0, index));
        ends.end(picks.len())?;
    }
    edited(&[&lists.values], (ends, picks), target)
}

/// `concat` of arrays, for the `concat` of all types.
pub(crate) fn concat_arrays(call: &Call<'_>) -> SparkResult<Typed> {
    let types: Vec<DataType> = call.arguments.iter().map(|argument| argument.data_type.clone()).collect();
    let common = common_type(&types, call.settings.ansi).ok_or_else(|| call.data_diff_types(&types))?;
    let nullable = call.arguments.iter().any(|argument| argument.nullable);
    let arrays = call
        .arguments
        .iter()
        .map(|array| {
            let to = DataType::array(element_of(&common), contains_null(&array.data_type));
            coerce(array.clone(), &to, call.settings)
        })
        .collect::<SparkResult<Vec<_>>>()?;
    Ok(call.shown(shape::call(&CONCAT, arrays, common, nullable)?))
}

fn concat_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (arrays, target) = shape::split(arrays)?;
    let lists = arrays.iter().map(Lists::of).collect::<Result<Vec<_>>>()?;
    let (mut ends, mut picks) = (Rows::with_capacity(rows), Picks::default());
    for row in 0..rows {
        if lists.iter().any(|lists| lists.is_null(row)) {
            ends.null();
            continue;
        }
        for (source, lists) in lists.iter().enumerate() {
            picks.extend(source, lists.range(row).unwrap_or_default());
        }
        ends.end(picks.len())?;
    }
    edited(&lists.iter().map(|lists| &lists.values).collect::<Vec<_>>(), (ends, picks), target)
}

pub(super) fn flatten(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let (array, inner) = call.array(0)?;
    let DataType::Array { element, contains_null: inner_null } = inner else {
        return Err(call.unexpected(0, &array.data_type, "ARRAY\" of \"ARRAY"));
    };
    let nullable = array.nullable || contains_null(&array.data_type);
    Ok(call.shown(shape::call(&FLATTEN, vec![array], DataType::array(*element, inner_null), nullable)?))
}

/// Null if any of the arrays in the array is.
fn flatten_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let ([array], target) = shape::split(arrays)? else { return internal_err!("flatten takes 1 argument") };
    let outer = Lists::of(array)?;
    let inner = Lists::of(&outer.values)?;
    let (mut ends, mut picks) = (Rows::with_capacity(rows), Picks::default());
    for row in 0..rows {
        match outer.range(row) {
            Some(range) if !range.clone().any(|index| inner.is_null(index)) => {
                range.for_each(|index| picks.extend(0, inner.range(index).unwrap_or_default()));
                ends.end(picks.len())?;
            }
            _ => ends.null(),
        }
    }
    edited(&[&inner.values], (ends, picks), target)
}

pub(super) fn slice(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(3..=3)?;
    let (array, _) = call.array(0)?;
    let (start, length) = (call.int(1)?, call.int(2)?);
    let (data_type, nullable) = (array.data_type.clone(), array.nullable || start.nullable || length.nullable);
    Ok(call.shown(shape::call(&SLICE, vec![array, start, length], data_type, nullable)?))
}

fn slice_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let ([array, start, length], target) = shape::split(arrays)? else {
        return internal_err!("slice takes 3 arguments");
    };
    let (starts, lengths) = (start.as_primitive::<Int32Type>(), length.as_primitive::<Int32Type>());
    let lists = Lists::of(array)?;
    let (mut ends, mut picks) = (Rows::with_capacity(rows), Picks::default());
    for row in 0..rows {
        let (Some(range), false) = (lists.range(row), starts.is_null(row) || lengths.is_null(row)) else {
            ends.null();
            continue;
        };
        let (start, length) = (i64::from(starts.value(row)), i64::from(lengths.value(row)));
        if start == 0 {
            let message = "slice starts at 1, or at -1 from the end, and not at 0";
            return Err(spark_error(invalid_slice("START", "start", message)));
        }
        if length < 0 {
            let error = invalid_slice("LENGTH", "length", "slice takes a length of 0 or more");
            return Err(spark_error(error.with("length", length.to_string())));
        }
        let from = if start > 0 { start - 1 } else { range.len() as i64 + start };
        if from >= 0 {
            let from = (range.start as i64 + from).min(range.end as i64);
            let to = (from + length).min(range.end as i64);
            picks.extend(0, from as usize..to as usize);
        }
        ends.end(picks.len())?;
    }
    edited(&[&lists.values], (ends, picks), target)
}

fn invalid_slice(class: &str, parameter: &str, message: &str) -> SparkError {
    SparkError::new(format!("INVALID_PARAMETER_VALUE.{class}"), message)
        .with("parameter", format!("`{parameter}`"))
        .with("functionName", "`slice`")
}

/// `reverse` of an array, for the `reverse` of all types.
pub(crate) fn reverse_array(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let (array, _) = call.array(0)?;
    let (data_type, nullable) = (array.data_type.clone(), array.nullable);
    Ok(call.shown(shape::call(&REVERSE, vec![array], data_type, nullable)?))
}

fn reverse_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let ([array], target) = shape::split(arrays)? else { return internal_err!("reverse takes 1 argument") };
    let lists = Lists::of(array)?;
    let (mut ends, mut picks) = (Rows::with_capacity(rows), Picks::default());
    for row in 0..rows {
        match lists.range(row) {
            Some(range) => {
                range.rev().for_each(|index| picks.push(0, index));
                ends.end(picks.len())?;
            }
            None => ends.null(),
        }
    }
    edited(&[&lists.values], (ends, picks), target)
}

pub(super) fn repeat(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let given = call.argument(1)?.data_type;
    if !given.is_integral() && given != DataType::Null {
        return Err(call.unexpected(1, &given, "INT"));
    }
    let (value, count) = (call.argument(0)?, call.int(1)?);
    let data_type = DataType::array(value.data_type.clone(), value.nullable);
    let nullable = count.nullable;
    Ok(call.shown(shape::call(&REPEAT, vec![value, count], data_type, nullable)?))
}

fn repeat_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let ([value, count], target) = shape::split(arrays)? else {
        return internal_err!("array_repeat takes 2 arguments");
    };
    let counts = count.as_primitive::<Int32Type>();
    let (mut ends, mut picks) = (Rows::with_capacity(rows), Picks::default());
    for row in 0..rows {
        if counts.is_null(row) {
            ends.null();
            continue;
        }
        picks.expect_room(counts.value(row).max(0).into())?;
        (0..counts.value(row)).for_each(|_| picks.push(0, row));
        ends.end(picks.len())?;
    }
    edited(&[value], (ends, picks), target)
}

/// Without a seed, the time of the query is one, so that no two queries shuffle alike.
pub(super) fn shuffle(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let (array, _) = call.array(0)?;
    let seed = if call.has(1) { call.constant_integer(1)? } else { call.settings.now_us };
    let (data_type, nullable) = (array.data_type.clone(), array.nullable);
    let typed = shape::call(&SHUFFLE, vec![array, Typed::long(seed)], data_type, nullable)?;
    Ok(typed.named(crate::typed::default_name(call.name, &call.arguments[..1])))
}

fn shuffle_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let ([array, seed], target) = shape::split(arrays)? else { return internal_err!("shuffle takes 2 arguments") };
    let seeds = seed.as_primitive::<Int64Type>();
    let lists = Lists::of(array)?;
    let (mut ends, mut picks) = (Rows::with_capacity(rows), Picks::default());
    let mut random = MersenneTwister::new(if rows == 0 { 0 } else { seeds.value(0) });
    for row in 0..rows {
        let Some(range) = lists.range(row) else {
            ends.null();
            continue;
        };
        random.order(range.len()).into_iter().for_each(|index| picks.push(0, range.start + index));
        ends.end(picks.len())?;
    }
    edited(&[&lists.values], (ends, picks), target)
}
