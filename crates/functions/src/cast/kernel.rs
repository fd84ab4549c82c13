//! The kernel of casts: which rule casts which types, and nested values element by element.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray, new_null_array};
use arrow::compute::cast as arrow_cast;
use arrow::datatypes::DataType as ArrowType;
use datafusion::common::{Result, internal_err};
use firesteel_spec::DataType;

use super::text::{Style, text_array};
use super::{Mode, from_string, interval, number, temporal};
use crate::datetime::zone::Zone;
use crate::types::to_arrow;
use crate::variant::{self, Extraction, variants};

/// What a cast's answer depends on beside the value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub mode: Mode,
    /// Instants are shown and read here.
    pub zone: Zone,
}

/// The values of type `from` as type `to`.
pub(crate) fn cast_array(array: &ArrayRef, from: &DataType, to: &DataType, mode: Mode, zone: &str) -> Result<ArrayRef> {
    cast_values(array, from, to, Rules { mode, zone: Zone::named(zone)? })
}

pub(crate) fn cast_values(array: &ArrayRef, from: &DataType, to: &DataType, rules: Rules) -> Result<ArrayRef> {
    use DataType as T;
    match (from, to) {
        (T::UserDefined { sql_type, .. }, to) if from != to => cast_values(array, sql_type, to, rules),
        (from, T::UserDefined { sql_type, .. }) if from != to => cast_values(array, from, sql_type, rules),
        (T::Null, to) => Ok(new_null_array(&to_arrow(to), array.len())),
        (from, to) if from == to => Ok(Arc::clone(array)),
        (from, to) if from.is_string() && to.is_string() => Ok(Arc::clone(array)),
        (T::Variant, to) => {
            let values = variants(array)?;
            let values: Vec<_> = values.iter().map(Option::as_ref).collect();
            Extraction { fails: rules.mode != Mode::Try, zone: rules.zone }.column(&values, to)
        }
        (from, T::Variant) => variant::column(variant::of_column(array, from)?.iter().map(Option::as_ref)),
        (_, to) if to.is_string() => Ok(Arc::new(text_array(array, from, Style::Cast, rules.zone)?)),
        (from, to) if from.is_string() => from_string::cast(array.as_string::<i32>(), to, rules),
        (T::Array { element: from, .. }, T::Array { element, .. }) => {
            let lists = array.as_list::<i32>();
            let values = cast_values(lists.values(), from, element, rules)?;
            let ArrowType::List(field) = to_arrow(to) else { return internal_err!("{to} is no list") };
            Ok(Arc::new(ListArray::try_new(field, lists.offsets().clone(), values, lists.nulls().cloned())?))
        }
        (T::Map { key: k1, value: v1, .. }, T::Map { key: k2, value: v2, .. }) => {
            map(array, (k1, v1), (k2, v2), to, rules)
        }
        (T::Struct { fields: f1 }, T::Struct { fields: f2 }) => {
            let source = array.as_struct();
            let columns = source.columns().iter().zip(f1.iter().zip(f2));
            let columns = columns
                .map(|(column, (from, to))| cast_values(column, &from.data_type, &to.data_type, rules))
                .collect::<Result<Vec<_>>>()?;
            let ArrowType::Struct(fields) = to_arrow(to) else { return internal_err!("{to} is no struct") };
            let nulls = source.nulls().cloned();
            Ok(Arc::new(StructArray::try_new_with_length(fields, columns, nulls, source.len())?))
        }
        (from, T::Boolean) if from.is_numeric() => number::to_boolean(array),
        (T::Boolean, to) if to.is_numeric() => {
            let longs = arrow_cast(array, &ArrowType::Int64)?;
            number::integral(&longs, &T::Integer, to, rules)
        }
        (from, to) if from.is_numeric() && to.is_numeric() => number::cast(array, from, to, rules),
        (from, T::Binary) if from.is_integral() => number::to_binary(array),
        (from, T::YearMonthInterval { .. } | T::DayTimeInterval { .. }) => {
            interval::to_interval(array, from, to, rules)
        }
        (T::YearMonthInterval { .. } | T::DayTimeInterval { .. }, to) => interval::to_number(array, from, to, rules),
        (from, to) => temporal::cast(array, from, to, rules),
    }
}

fn map(
    array: &ArrayRef,
    from: (&DataType, &DataType),
    to: (&DataType, &DataType),
    whole: &DataType,
    rules: Rules,
) -> Result<ArrayRef> {
    let maps = array.as_map();
    let keys = cast_values(maps.keys(), from.0, to.0, rules)?;
    let values = cast_values(maps.values(), from.1, to.1, rules)?;
    let ArrowType::Map(field, sorted) = to_arrow(whole) else { return internal_err!("{whole} is no map") };
    let ArrowType::Struct(fields) = field.data_type() else { return internal_err!("{whole} has no entries") };
    let entries = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
    Ok(Arc::new(MapArray::try_new(field, maps.offsets().clone(), entries, maps.nulls().cloned(), sorted)?))
}
