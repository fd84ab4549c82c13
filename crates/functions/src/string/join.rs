//! Several values as one, and one of several: `concat`, `concat_ws`, `elt`.

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, StringArray, StringBuilder, new_null_array};
use arrow::datatypes::DataType as ArrowType;
use datafusion::common::{Result, internal_err};
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::rows::{self, bytes_at, constant_flag, each, ints, kernels, strict, texts};
use crate::call::Call;
use crate::collection::concat_arrays;
use crate::kernel::{nullable, spark_error};
use crate::typed::Typed;

kernels! {
    CONCAT = "spark_concat", rows::as_first, concat_kernel;
    CONCAT_WS = "spark_concat_ws", rows::text_or_null, concat_ws_kernel;
    ELT = "spark_elt", |fields, _| nullable(fields[2].data_type().clone()), elt_kernel;
}

/// Arrays stay arrays, binary values alone stay binary, and all else is text.
pub(super) fn concat(call: &Call<'_>) -> SparkResult<Typed> {
    // `||` is shown by this name too.
    let call = &call.other("concat", call.arguments.clone());
    if call.arguments.iter().any(|argument| matches!(argument.data_type, DataType::Array { .. })) {
        return concat_arrays(call);
    }
    if call.arguments.is_empty() {
        return Ok(call.shown(Typed::string("")));
    }
    let values = texts_or_binaries(call, 0)?;
    Ok(call.shown(strict(&CONCAT, values)?))
}

/// The arguments from `from` on, as binary values if all are, and else as texts.
fn texts_or_binaries(call: &Call<'_>, from: usize) -> SparkResult<Vec<Typed>> {
    let is_binary = call.arguments[from..].iter().all(|argument| argument.data_type == DataType::Binary);
    let to = if is_binary { DataType::Binary } else { DataType::STRING };
    (from..call.arguments.len()).map(|index| call.cast(index, &to)).collect()
}

fn concat_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let is_null = |row: usize| arrays.iter().any(|array| array.is_null(row));
    if arrays.iter().any(|array| *array.data_type() == ArrowType::Binary) {
        let mut joined = BinaryBuilder::new();
        let mut value = Vec::new();
        for row in 0..rows {
            if is_null(row) {
                joined.append_null();
                continue;
            }
            value.clear();
            arrays.iter().for_each(|array| value.extend_from_slice(bytes_at(array, row)));
            joined.append_value(&value);
        }
        return Ok(std::sync::Arc::new(joined.finish()));
    }
    let columns: Vec<&StringArray> = arrays.iter().map(texts).collect();
    let mut joined = StringBuilder::new();
    let mut value = String::new();
    for row in 0..rows {
        if is_null(row) {
            joined.append_null();
            continue;
        }
        value.clear();
        columns.iter().for_each(|column| value.push_str(column.value(row)));
        joined.append_value(&value);
    }
    Ok(std::sync::Arc::new(joined.finish()))
}

/// Texts and arrays of texts, without what is null.
pub(super) fn concat_ws(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=usize::MAX)?;
    let list = DataType::array(DataType::STRING, true);
    let values = (0..call.arguments.len())
        .map(|index| match call.arguments[index].data_type {
            DataType::Array { .. } if index > 0 => call.cast(index, &list),
            _ => call.string(index),
        })
        .collect::<SparkResult<Vec<_>>>()?;
    let nullable = values[0].nullable;
    let mut typed = Typed::call(&CONCAT_WS, values)?;
    typed.nullable = nullable;
    Ok(call.shown(typed))
}

fn concat_ws_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let [separators, values @ ..] = arrays else { return internal_err!("concat_ws takes a separator") };
    each::<StringArray, _>(std::slice::from_ref(separators), rows, |row| {
        let mut parts: Vec<String> = Vec::new();
        for value in values.iter().filter(|value| value.is_valid(row)) {
            match value.data_type() {
                ArrowType::List(_) => {
                    let elements = value.as_list::<i32>().value(row);
                    parts.extend(texts(&elements).iter().flatten().map(str::to_owned));
                }
                _ => parts.push(texts(value).value(row).to_owned()),
            }
        }
        Ok(Some(parts.join(texts(separators).value(row))))
    })
}

/// The `n`th of the other arguments.
pub(super) fn elt(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=usize::MAX)?;
    let mut arguments = vec![Typed::boolean(call.settings.ansi), call.int(0)?];
    arguments.extend(texts_or_binaries(call, 1)?);
    Ok(call.shown(rows::lax(&ELT, arguments)?))
}

fn elt_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let [ansi, indices, values @ ..] = arrays else { return internal_err!("elt takes values") };
    let (ansi, indices) = (constant_flag(ansi), ints(indices));
    // The last source has the nulls.
    let nothing = new_null_array(values[0].data_type(), 1);
    let sources: Vec<&dyn Array> = values.iter().chain([&nothing]).map(|array| &**array).collect();
    let picks = (0..rows).map(|row| {
        if indices.is_null(row) {
            return Ok((values.len(), 0));
        }
        match indices.value(row) {
            index if index >= 1 && index as usize <= values.len() => Ok((index as usize - 1, row)),
            index if ansi => Err(spark_error(out_of_bounds(index, values.len()))),
            _ => Ok((values.len(), 0)),
        }
    });
    Ok(arrow::compute::interleave(&sources, &picks.collect::<Result<Vec<_>>>()?)?)
}

fn out_of_bounds(index: i32, size: usize) -> SparkError {
    SparkError::new(
        "INVALID_ARRAY_INDEX",
        format!("the index {index} is out of bounds: there are {size} elements, counted from 1"),
    )
    .with("indexValue", index.to_string())
    .with("arraySize", size.to_string())
    .with("ansiConfig", "\"spark.sql.ansi.enabled\"")
}
