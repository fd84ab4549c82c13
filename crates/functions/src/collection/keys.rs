//! Values of any type made comparable as Spark compares them: `NaN` equals itself and is greater than all numbers, both
//! zeros are equal, null comes first, nested values go by their parts.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray};
use arrow::datatypes::{DataType as ArrowType, Float32Type, Float64Type};
use arrow::row::{RowConverter, Rows, SortField};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::{Result, internal_err};
use firesteel_spec::SparkError;

use super::lists::{Picks, Rows as Ends, retype};
use crate::kernel::spark_error;

/// The values of each array, which are of one type, as rows that compare with each other. Nulls are equal to each other.
pub(super) fn comparable<const N: usize>(arrays: [&ArrayRef; N]) -> Result<[Rows; N]> {
    let Some(first) = arrays.first() else { return internal_err!("no arrays to compare") };
    let converter = RowConverter::new(vec![SortField::new(first.data_type().clone())])?;
    let mut rows = Vec::with_capacity(N);
    for array in arrays {
        let array = retype(array, first.data_type())?;
        rows.push(converter.convert_columns(&[normalized(&array)?])?);
    }
    match rows.try_into() {
        Ok(rows) => Ok(rows),
        Err(_) => internal_err!("as many rows as arrays"),
    }
}

/// With one kind of zero and one `NaN`.
pub(super) fn normalized(array: &ArrayRef) -> Result<ArrayRef> {
    if !has_floats(array.data_type()) {
        return Ok(Arc::clone(array));
    }
    Ok(match array.data_type() {
        ArrowType::Float32 => {
            let plain = |value: f32| if value.is_nan() { f32::NAN } else { value + 0.0 };
            Arc::new(array.as_primitive::<Float32Type>().unary::<_, Float32Type>(plain))
        }
        ArrowType::Float64 => {
            let plain = |value: f64| if value.is_nan() { f64::NAN } else { value + 0.0 };
            Arc::new(array.as_primitive::<Float64Type>().unary::<_, Float64Type>(plain))
        }
        ArrowType::List(field) => {
            let list = array.as_list::<i32>();
            let values = normalized(list.values())?;
            Arc::new(ListArray::try_new(Arc::clone(field), list.offsets().clone(), values, list.nulls().cloned())?)
        }
        ArrowType::Struct(fields) => {
            let structs = array.as_struct();
            let columns = structs.columns().iter().map(normalized).collect::<Result<_>>()?;
            Arc::new(StructArray::try_new(fields.clone(), columns, structs.nulls().cloned())?)
        }
        ArrowType::Map(field, sorted) => {
            let map = array.as_map();
            let entries: ArrayRef = Arc::new(map.entries().clone());
            let entries = normalized(&entries)?.as_struct().clone();
            let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
            Arc::new(MapArray::try_new(Arc::clone(field), offsets, entries, nulls, *sorted)?)
        }
        other => return internal_err!("{other} has no floats"),
    })
}

fn has_floats(data_type: &ArrowType) -> bool {
    match data_type {
        ArrowType::Float32 | ArrowType::Float64 => true,
        ArrowType::List(field) | ArrowType::Map(field, _) => has_floats(field.data_type()),
        ArrowType::Struct(fields) => fields.iter().any(|field| has_floats(field.data_type())),
        _ => false,
    }
}

/// Keys of maps, one for each range: Spark's errors if one is null or comes twice in its map.
pub(super) fn check_keys(keys: &ArrayRef, maps: impl Iterator<Item = Range<usize>>) -> Result<()> {
    let [rows] = comparable([keys])?;
    let mut seen = HashSet::new();
    let nulls = keys.logical_nulls();
    for range in maps {
        seen.clear();
        for index in range {
            if nulls.as_ref().is_some_and(|nulls| nulls.is_null(index)) {
                return Err(null_key());
            }
            if !seen.insert(rows.row(index)) {
                return Err(duplicated(keys, index));
            }
        }
    }
    Ok(())
}

/// Of maps whose keys lie as `ends` says, each key where it comes first and its value where the key comes last.
pub(super) fn last_entries(keys: &ArrayRef, ends: &Ends) -> Result<(Ends, Picks, Picks)> {
    let [rows] = comparable([keys])?;
    let nulls = keys.logical_nulls();
    let mut kept = Ends::with_capacity(keys.len());
    let (mut firsts, mut lasts) = (Picks::default(), Picks::default());
    let (mut places, mut entries) = (HashMap::new(), Vec::new());
    for range in ends.all() {
        let Some(range) = range else {
            kept.null();
            continue;
        };
        places.clear();
        entries.clear();
        for index in range {
            if nulls.as_ref().is_some_and(|nulls| nulls.is_null(index)) {
                return Err(null_key());
            }
            let place = *places.entry(rows.row(index)).or_insert(entries.len());
            match entries.get_mut(place) {
                Some((_, last)) => *last = index,
                None => entries.push((index, index)),
            }
        }
        for (first, last) in &entries {
            firsts.push(0, *first);
            lasts.push(0, *last);
        }
        kept.end(firsts.len())?;
    }
    Ok((kept, firsts, lasts))
}

fn null_key() -> datafusion::common::DataFusionError {
    spark_error(SparkError::new("NULL_MAP_KEY", "a key of a map can't be null"))
}

fn duplicated(keys: &ArrayRef, index: usize) -> datafusion::common::DataFusionError {
    let key = text(keys, index);
    let error = SparkError::new("DUPLICATED_MAP_KEY", format!("the map has the key {key} twice"));
    spark_error(error.with("key", key).with("mapKeyDedupPolicy", "\"spark.sql.mapKeyDedupPolicy\""))
}

/// A value as an error message shows it.
pub(super) fn text(array: &ArrayRef, index: usize) -> String {
    let options = FormatOptions::default().with_null("null");
    ArrayFormatter::try_new(array, &options)
        .and_then(|format| format.value(index).try_to_string())
        .unwrap_or_else(|_| "?".to_owned())
}
