//! Values on their way from a text into a column of any type.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Float64Array, Int64Array, ListArray, MapArray, StringArray,
    StructArray, TimestampMicrosecondArray, new_null_array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::DataType as ArrowType;
use datafusion::common::{Result, internal_err};
use firesteel_spec::{DataType, StructField};

use super::formats::Formats;
use crate::cast::{Mode, cast_array};
use crate::types::{UTC, to_arrow};
use crate::variant::{self, Variant};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Bool(bool),
    Long(i64),
    Double(f64),
    /// Of a text, or of what is read from one: a date, a decimal.
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Cell>),
    /// Keys, and values.
    Map(Vec<Cell>, Vec<Cell>),
    Struct(Vec<Cell>),
    Variant(Variant),
}

/// The type with nulls allowed everywhere.
pub(crate) fn with_nulls(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Array { element, .. } => DataType::array(with_nulls(element), true),
        DataType::Map { key, value, .. } => DataType::map(with_nulls(key), with_nulls(value), true),
        DataType::Struct { fields } => DataType::Struct {
            fields: fields
                .iter()
                .map(|field| StructField { data_type: with_nulls(&field.data_type), nullable: true, ..field.clone() })
                .collect(),
        },
        other => other.clone(),
    }
}

/// The cells as a column; what is no value of the type is null.
pub(crate) fn column(cells: &[&Cell], data_type: &DataType, formats: &Formats<'_>) -> Result<ArrayRef> {
    let arrow = to_arrow(data_type);
    Ok(match data_type {
        DataType::Null => new_null_array(&arrow, cells.len()),
        DataType::Variant => {
            variant::column(cells.iter().map(|cell| if let Cell::Variant(value) = cell { Some(value) } else { None }))?
        }
        DataType::Boolean => Arc::new(
            cells
                .iter()
                .map(|cell| if let Cell::Bool(value) = cell { Some(*value) } else { None })
                .collect::<BooleanArray>(),
        ),
        integral if integral.is_integral() => {
            let longs = cells.iter().map(|cell| if let Cell::Long(value) = cell { Some(*value) } else { None });
            arrow::compute::cast(&longs.collect::<Int64Array>(), &arrow)?
        }
        DataType::Float | DataType::Double => {
            let doubles = cells.iter().map(|cell| match cell {
                Cell::Double(value) => Some(*value),
                _ => None,
            });
            arrow::compute::cast(&doubles.collect::<Float64Array>(), &arrow)?
        }
        DataType::Binary => {
            let values =
                cells.iter().map(|cell| if let Cell::Bytes(value) = cell { Some(value.as_slice()) } else { None });
            Arc::new(values.collect::<BinaryArray>())
        }
        DataType::Array { .. } | DataType::Map { .. } | DataType::Struct { .. } => nested(cells, data_type, formats)?,
        other => {
            let texts = cells.iter().map(|cell| if let Cell::Text(text) = cell { Some(text.as_str()) } else { None });
            let texts: StringArray = texts.collect();
            match by_pattern(&texts, other, formats) {
                Some(values) => values,
                None if other.is_string() => Arc::new(texts),
                None => {
                    let texts: ArrayRef = Arc::new(texts);
                    cast_array(&texts, &DataType::STRING, other, Mode::Try, formats.zone_name)?
                }
            }
        }
    })
}

/// As [`column`], of arrays, maps and structs.
fn nested(cells: &[&Cell], data_type: &DataType, formats: &Formats<'_>) -> Result<ArrayRef> {
    let arrow = to_arrow(data_type);
    let nulls = || Some(NullBuffer::from_iter(cells.iter().map(|cell| **cell != Cell::Null)));
    Ok(match data_type {
        DataType::Array { element, .. } => {
            let ArrowType::List(field) = arrow else { return internal_err!("{data_type} is no list") };
            let lists =
                cells.iter().map(|cell| if let Cell::List(elements) = cell { elements.as_slice() } else { &[] });
            let offsets = OffsetBuffer::from_lengths(lists.clone().map(<[Cell]>::len));
            let elements: Vec<&Cell> = lists.flatten().collect();
            Arc::new(ListArray::try_new(field, offsets, column(&elements, element, formats)?, nulls())?)
        }
        DataType::Map { key, value, .. } => {
            let ArrowType::Map(field, sorted) = arrow else { return internal_err!("{data_type} is no map") };
            let ArrowType::Struct(fields) = field.data_type() else { return internal_err!("a map without entries") };
            let none: (&[Cell], &[Cell]) = (&[], &[]);
            let maps = cells.iter().map(|cell| {
                if let Cell::Map(keys, values) = cell { (keys.as_slice(), values.as_slice()) } else { none }
            });
            let offsets = OffsetBuffer::from_lengths(maps.clone().map(|(keys, _)| keys.len()));
            let keys: Vec<&Cell> = maps.clone().flat_map(|(keys, _)| keys).collect();
            let values: Vec<&Cell> = maps.flat_map(|(_, values)| values).collect();
            let columns = vec![column(&keys, key, formats)?, column(&values, value, formats)?];
            let entries = StructArray::try_new(fields.clone(), columns, None)?;
            Arc::new(MapArray::try_new(field, offsets, entries, nulls(), sorted)?)
        }
        DataType::Struct { fields } => {
            let ArrowType::Struct(arrow_fields) = arrow else { return internal_err!("{data_type} is no struct") };
            let columns = fields
                .iter()
                .enumerate()
                .map(|(index, field)| {
                    let cells: Vec<&Cell> = cells
                        .iter()
                        .map(|cell| if let Cell::Struct(values) = cell { &values[index] } else { &Cell::Null })
                        .collect();
                    column(&cells, &field.data_type, formats)
                })
                .collect::<Result<_>>()?;
            Arc::new(StructArray::try_new_with_length(arrow_fields, columns, nulls(), cells.len())?)
        }
        other => return internal_err!("{other} is not nested"),
    })
}

/// Dates and times, if an option says how they are written.
fn by_pattern(texts: &StringArray, data_type: &DataType, formats: &Formats<'_>) -> Option<ArrayRef> {
    // Without a pattern no text is read at all.
    Some(match data_type {
        DataType::Date => {
            formats.read_date("")?;
            let read = |text: &str| formats.read_date(text).flatten();
            Arc::new(texts.iter().map(|text| text.and_then(read)).collect::<Date32Array>())
        }
        DataType::Timestamp => {
            formats.read_timestamp("")?;
            let read = |text: &str| formats.read_timestamp(text).flatten();
            let values = texts.iter().map(|text| text.and_then(read)).collect::<TimestampMicrosecondArray>();
            Arc::new(values.with_timezone(UTC))
        }
        DataType::TimestampNtz => {
            formats.read_timestamp_ntz("")?;
            let read = |text: &str| formats.read_timestamp_ntz(text).flatten();
            Arc::new(texts.iter().map(|text| text.and_then(read)).collect::<TimestampMicrosecondArray>())
        }
        _ => return None,
    })
}
