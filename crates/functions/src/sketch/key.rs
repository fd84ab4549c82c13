//! [`Key`]: a value as DataSketches hashes it.

use std::hash::{Hash, Hasher};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType as ArrowType, Float32Type, Float64Type, Int32Type, Int64Type};
use datafusion::common::{Result, internal_err};
use datasketches::hash::value::{canonical_float, raw_bytes};

#[derive(Debug, Clone, Copy)]
pub(super) enum Key<'a> {
    Long(i64),
    Double(f64),
    Bytes(&'a [u8]),
}

impl Hash for Key<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Long(value) => state.write(&value.to_le_bytes()),
            Self::Double(value) => canonical_float::from_f64(*value).hash(state),
            Self::Bytes(bytes) => raw_bytes::from_slice(bytes).hash(state),
        }
    }
}

/// Calls `take` with each row's number and key. Nulls, and what is empty, have none.
pub(super) fn for_each(column: &ArrayRef, mut take: impl FnMut(usize, Key<'_>)) -> Result<()> {
    let mut bytes = |row: usize, bytes: Option<&[u8]>| {
        if let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) {
            take(row, Key::Bytes(bytes));
        }
    };
    match column.data_type() {
        ArrowType::Utf8 => {
            let values = column.as_string::<i32>();
            values.iter().enumerate().for_each(|(row, value)| bytes(row, value.map(str::as_bytes)));
        }
        ArrowType::Binary => {
            let values = column.as_binary::<i32>();
            values.iter().enumerate().for_each(|(row, value)| bytes(row, value));
        }
        ArrowType::List(_) => {
            for (row, list) in column.as_list::<i32>().iter().enumerate() {
                let elements = list.as_ref().map(elements).transpose()?;
                bytes(row, elements.as_deref());
            }
        }
        _ => return for_each_number(column, take),
    }
    Ok(())
}

fn for_each_number(column: &ArrayRef, mut take: impl FnMut(usize, Key<'_>)) -> Result<()> {
    let mut number = |row: usize, key: Option<Key<'_>>| key.into_iter().for_each(|key| take(row, key));
    match column.data_type() {
        ArrowType::Int32 => {
            let values = column.as_primitive::<Int32Type>().iter().enumerate();
            values.for_each(|(row, value)| number(row, value.map(|value| Key::Long(i64::from(value)))));
        }
        ArrowType::Int64 => {
            let values = column.as_primitive::<Int64Type>().iter().enumerate();
            values.for_each(|(row, value)| number(row, value.map(Key::Long)));
        }
        ArrowType::Float32 => {
            let values = column.as_primitive::<Float32Type>().iter().enumerate();
            values.for_each(|(row, value)| number(row, value.map(|value| Key::Double(f64::from(value)))));
        }
        ArrowType::Float64 => {
            let values = column.as_primitive::<Float64Type>().iter().enumerate();
            values.for_each(|(row, value)| number(row, value.map(Key::Double)));
        }
        other => return internal_err!("a sketch takes no {other}"),
    }
    Ok(())
}

/// The numbers of an array, one after the other; null is 0, as it is to Spark.
fn elements(list: &ArrayRef) -> Result<Vec<u8>> {
    match list.data_type() {
        ArrowType::Int32 => {
            Ok(list.as_primitive::<Int32Type>().iter().flat_map(|value| value.unwrap_or(0).to_le_bytes()).collect())
        }
        ArrowType::Int64 => {
            Ok(list.as_primitive::<Int64Type>().iter().flat_map(|value| value.unwrap_or(0).to_le_bytes()).collect())
        }
        other => internal_err!("a sketch takes no array of {other}"),
    }
}
