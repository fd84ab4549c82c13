//! `array_join`, and `arrays_zip`.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder, StructArray};
use arrow::datatypes::DataType as ArrowType;
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::ScalarUDF;
use firesteel_spec::{DataType, SparkResult, StructField};

use super::coercion::{element_of, field_name};
use super::lists::{Lists, Picks, Rows, element_type};
use super::shape;
use crate::call::Call;
use crate::typed::Typed;

static JOIN: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_array_join", join_kernel));
static ZIP: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_arrays_zip", zip_kernel));

pub(super) fn implementations() -> Vec<Arc<ScalarUDF>> {
    vec![Arc::clone(&JOIN), Arc::clone(&ZIP)]
}

/// Nulls are left out unless there is text to put for them.
pub(super) fn join(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let array = call.cast(0, &DataType::array(DataType::STRING, true))?;
    let mut arguments = vec![array, call.text(1)?];
    if call.has(2) {
        arguments.push(call.text(2)?);
    }
    let nullable = arguments.iter().any(|argument| argument.nullable);
    Ok(call.shown(shape::call(&JOIN, arguments, DataType::STRING, nullable)?))
}

fn join_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let ([array, rest @ ..], _) = shape::split(arrays)? else { return internal_err!("array_join takes an array") };
    let texts: Vec<_> = rest.iter().map(|text| text.as_string::<i32>()).collect();
    let Some(delimiters) = texts.first() else { return internal_err!("array_join takes a delimiter") };
    let lists = Lists::of(array)?;
    let values = lists.values.as_string::<i32>();
    let mut joined = StringBuilder::with_capacity(rows, values.value_data().len());
    let mut line = String::new();
    for row in 0..rows {
        let Some(range) = lists.range(row).filter(|_| texts.iter().all(|text| text.is_valid(row))) else {
            joined.append_null();
            continue;
        };
        line.clear();
        let mut is_first = true;
        for index in range {
            let value = if values.is_valid(index) {
                values.value(index)
            } else if let Some(replacement) = texts.get(1) {
                replacement.value(row)
            } else {
                continue;
            };
            if !is_first {
                line.push_str(delimiters.value(row));
            }
            is_first = false;
            line.push_str(value);
        }
        joined.append_value(&line);
    }
    Ok(Arc::new(joined.finish()))
}

/// Structs of the elements at one position, with nulls where an array is too short.
pub(super) fn zip(call: &Call<'_>) -> SparkResult<Typed> {
    let mut arrays = Vec::new();
    let mut fields = Vec::new();
    for index in 0..call.arguments.len() {
        let argument = call.argument(index)?;
        let name = field_name(&argument).unwrap_or_else(|| index.to_string());
        let (array, _) = call.array(index)?;
        fields.push(StructField::new(name, element_of(&array.data_type), true));
        arrays.push(array);
    }
    let nullable = arrays.iter().any(|array| array.nullable);
    let data_type = DataType::array(DataType::Struct { fields }, false);
    Ok(call.shown(shape::call(&ZIP, arrays, data_type, nullable)?))
}

fn zip_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (arrays, target) = shape::split(arrays)?;
    let ArrowType::Struct(fields) = element_type(target)? else {
        return internal_err!("arrays_zip gives arrays of structs");
    };
    let lists = arrays.iter().map(Lists::of).collect::<Result<Vec<_>>>()?;
    let (ends, columns) = zipped(&lists, rows)?;
    let columns = columns
        .into_iter()
        .zip(lists.iter().zip(fields))
        .map(|(picks, (lists, field))| picks.take(&[&lists.values], field.data_type()))
        .collect::<Result<Vec<_>>>()?;
    let length = ends.ranges().map(|range| range.len()).sum();
    let structs = StructArray::try_new_with_length(fields.clone(), columns, None, length)?;
    let structs: ArrayRef = Arc::new(structs);
    ends.list(&structs, target)
}

/// The rows of the zipped arrays, and which elements of each array they take. A row is null where an array is.
pub(super) fn zipped(lists: &[Lists], rows: usize) -> Result<(Rows, Vec<Picks>)> {
    let mut ends = Rows::with_capacity(rows);
    let mut columns: Vec<Picks> = lists.iter().map(|_| Picks::default()).collect();
    let mut elements = 0;
    for row in 0..rows {
        let ranges: Option<Vec<_>> = lists.iter().map(|lists| lists.range(row)).collect();
        let Some(ranges) = ranges else {
            ends.null();
            continue;
        };
        let length = ranges.iter().map(|range| range.len()).max().unwrap_or(0);
        for (picks, range) in columns.iter_mut().zip(&ranges) {
            picks.extend(0, range.clone());
            (range.len()..length).for_each(|_| picks.push_null());
        }
        elements += length;
        ends.end(elements)?;
    }
    Ok((ends, columns))
}
