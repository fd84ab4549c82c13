//! Columns of variants, from columns of other types and as columns of other types.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BinaryBuilder, BooleanArray, Date32Array, Decimal128Array, Float32Array,
    Float64Array, Int64Array, ListArray, MapArray, StringArray, StructArray, TimestampMicrosecondArray, new_null_array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{
    DataType as ArrowType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int64Type, TimestampMicrosecondType,
};
use datafusion::common::{Result, internal_err};
use firesteel_spec::{DataType, SparkError};

use super::value::Variant;
use crate::cast::{Mode, Rules, cast_values};
use crate::datetime::zone::Zone;
use crate::kernel::spark_error;
use crate::types::{UTC, to_arrow};

/// The variant in a row that is not null.
///
/// # Errors
/// `MALFORMED_VARIANT`
pub(crate) fn variant_at(array: &ArrayRef, row: usize) -> Result<Variant> {
    let columns = array.as_struct().columns();
    let [values, metadata] = columns else { return internal_err!("a variant has two columns") };
    let (value, metadata) = (values.as_binary::<i32>().value(row), metadata.as_binary::<i32>().value(row));
    Variant::read(value, metadata).ok_or_else(|| {
        let message = "the variant's bytes cannot be read: check the source of the data";
        spark_error(SparkError::new("MALFORMED_VARIANT", message))
    })
}

/// All variants, `None` for null.
pub(crate) fn variants(array: &ArrayRef) -> Result<Vec<Option<Variant>>> {
    (0..array.len()).map(|row| array.is_valid(row).then(|| variant_at(array, row)).transpose()).collect()
}

/// The column of these variants.
pub(crate) fn column<'a>(variants: impl IntoIterator<Item = Option<&'a Variant>>) -> Result<ArrayRef> {
    let (mut values, mut metadata, mut valid) = (BinaryBuilder::new(), BinaryBuilder::new(), Vec::new());
    for variant in variants {
        let (value, keys) = variant.map(Variant::bytes).unwrap_or_default();
        values.append_value(value);
        metadata.append_value(keys);
        valid.push(variant.is_some());
    }
    let ArrowType::Struct(fields) = to_arrow(&DataType::Variant) else { return internal_err!("no struct") };
    let columns: Vec<ArrayRef> = vec![Arc::new(values.finish()), Arc::new(metadata.finish())];
    Ok(Arc::new(StructArray::try_new(fields, columns, Some(NullBuffer::from(valid)))?))
}

/// May values of the type be variants? Structs and maps with keys of text may only where `nested`.
pub(crate) fn has_variants(data_type: &DataType, nested: bool) -> bool {
    use DataType as T;
    match data_type {
        T::Array { element, .. } => has_variants(element, nested),
        T::Map { key, value, .. } => nested && key.is_string() && has_variants(value, nested),
        T::Struct { fields } => nested && fields.iter().all(|field| has_variants(&field.data_type, nested)),
        T::Null | T::Boolean | T::Binary | T::Date | T::Timestamp | T::TimestampNtz | T::Variant => true,
        other => other.is_numeric() || other.is_string(),
    }
}

/// The values of type `from` as variants.
pub(crate) fn of_column(array: &ArrayRef, from: &DataType) -> Result<Vec<Option<Variant>>> {
    /// What `$variant` makes of each value of an array of primitives.
    macro_rules! primitive {
        ($array:expr, $arrow:ty, $variant:expr) => {
            $array.as_primitive::<$arrow>().iter().map(|value| value.map($variant)).collect()
        };
    }
    Ok(match from {
        DataType::Null => vec![None; array.len()],
        DataType::Variant => variants(array)?,
        DataType::Boolean => array.as_boolean().iter().map(|value| value.map(Variant::Bool)).collect(),
        integral if integral.is_integral() => {
            primitive!(arrow::compute::cast(array, &ArrowType::Int64)?, Int64Type, Variant::Long)
        }
        DataType::Float => primitive!(array, Float32Type, Variant::Float),
        DataType::Double => primitive!(array, Float64Type, Variant::Double),
        DataType::Decimal { scale, .. } => {
            primitive!(array, Decimal128Type, |value| Variant::decimal(value, scale.unsigned_abs()))
        }
        DataType::Date => primitive!(array, Date32Type, Variant::Date),
        DataType::Timestamp => primitive!(array, TimestampMicrosecondType, Variant::Timestamp),
        DataType::TimestampNtz => primitive!(array, TimestampMicrosecondType, Variant::TimestampNtz),
        DataType::Binary => {
            array.as_binary::<i32>().iter().map(|value| value.map(|value| Variant::Binary(value.to_vec()))).collect()
        }
        text if text.is_string() => {
            let texts = array.as_string::<i32>().iter();
            texts.map(|text| text.map(|text| Variant::String(text.to_owned()))).collect()
        }
        DataType::Array { element, .. } => {
            let lists = array.as_list::<i32>();
            let mut elements = of_column(lists.values(), element)?;
            rows(array, lists.offsets(), |range| {
                Ok(Variant::Array(elements[range].iter_mut().map(|element| taken(element.take())).collect()))
            })?
        }
        DataType::Map { value, .. } => {
            let maps = array.as_map();
            let mut values = of_column(maps.values(), value)?;
            let keys = maps.keys().as_string::<i32>();
            rows(array, maps.offsets(), |range| {
                let fields = range.map(|entry| (keys.value(entry).to_owned(), taken(values[entry].take())));
                object(fields.collect())
            })?
        }
        DataType::Struct { fields } => {
            let columns = array.as_struct().columns().iter().zip(fields);
            let columns = columns.map(|(column, field)| of_column(column, &field.data_type));
            let mut columns = columns.collect::<Result<Vec<_>>>()?;
            let struct_at = |row: usize| {
                let values = columns.iter_mut().zip(fields);
                object(values.map(|(column, field)| (field.name.clone(), taken(column[row].take()))).collect())
            };
            let mut struct_at = struct_at;
            (0..array.len())
                .map(|row| array.is_valid(row).then(|| struct_at(row)).transpose())
                .collect::<Result<_>>()?
        }
        other => return internal_err!("{other} is no variant"),
    })
}

fn taken(value: Option<Variant>) -> Variant {
    value.unwrap_or(Variant::Null)
}

fn object(fields: Vec<(String, Variant)>) -> Result<Variant> {
    Variant::object(fields).ok_or_else(|| {
        let message = "an object of a variant has a key twice";
        spark_error(SparkError::new("VARIANT_DUPLICATE_KEY", message).with("key", ""))
    })
}

fn rows(
    array: &ArrayRef,
    offsets: &OffsetBuffer<i32>,
    mut value: impl FnMut(std::ops::Range<usize>) -> Result<Variant>,
) -> Result<Vec<Option<Variant>>> {
    let range = |row: usize| offsets[row] as usize..offsets[row + 1] as usize;
    (0..array.len()).map(|row| array.is_valid(row).then(|| value(range(row))).transpose()).collect()
}

/// Of an object.
type Fields = [(String, Variant)];

/// How variants become values of another type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extraction {
    /// What has no value of the type is an error, and not null.
    pub fails: bool,
    pub zone: Zone,
}

impl Extraction {
    /// The variants as a column of another type, as Spark's `VariantGet.cast`.
    pub fn column(self, values: &[Option<&Variant>], to: &DataType) -> Result<ArrayRef> {
        let arrow = to_arrow(to);
        match to {
            DataType::Variant => column(values.iter().copied()),
            DataType::Null => Ok(new_null_array(&arrow, values.len())),
            DataType::Array { element, .. } => {
                let ArrowType::List(field) = arrow else { return internal_err!("{to} is no list") };
                let lists = values.iter().map(|value| match value {
                    Some(Variant::Array(elements)) => Ok(Some(elements.as_slice())),
                    other => self.refuse(*other, to),
                });
                let lists = lists.collect::<Result<Vec<_>>>()?;
                let elements: Vec<_> = lists.iter().flatten().flat_map(|list| list.iter().map(Some)).collect();
                let elements = self.column(&elements, element)?;
                let offsets = OffsetBuffer::from_lengths(lists.iter().map(|list| list.map_or(0, <[Variant]>::len)));
                let nulls = NullBuffer::from_iter(lists.iter().map(Option::is_some));
                Ok(Arc::new(ListArray::try_new(field, offsets, elements, Some(nulls))?))
            }
            DataType::Map { value, .. } => {
                let ArrowType::Map(field, sorted) = arrow else { return internal_err!("{to} is no map") };
                let ArrowType::Struct(fields) = field.data_type() else { return internal_err!("no entries") };
                let objects = self.objects(values, to)?;
                let entries = || objects.iter().flatten().flat_map(|object| object.iter());
                let keys: ArrayRef = Arc::new(entries().map(|(key, _)| Some(key)).collect::<StringArray>());
                let values: Vec<_> = entries().map(|(_, value)| Some(value)).collect();
                let columns = vec![keys, self.column(&values, value)?];
                let entries = StructArray::try_new(fields.clone(), columns, None)?;
                let offsets = OffsetBuffer::from_lengths(objects.iter().map(|object| object.map_or(0, <[_]>::len)));
                let nulls = NullBuffer::from_iter(objects.iter().map(Option::is_some));
                Ok(Arc::new(MapArray::try_new(field, offsets, entries, Some(nulls), sorted)?))
            }
            DataType::Struct { fields } => {
                let ArrowType::Struct(arrow_fields) = arrow else { return internal_err!("{to} is no struct") };
                let objects = self.objects(values, to)?;
                let columns = fields.iter().map(|field| {
                    let values = objects.iter().map(|object| {
                        object
                            .and_then(|object| object.iter().find(|(key, _)| *key == field.name))
                            .map(|found| &found.1)
                    });
                    self.column(&values.collect::<Vec<_>>(), &field.data_type)
                });
                let columns = columns.collect::<Result<Vec<_>>>()?;
                let nulls = NullBuffer::from_iter(objects.iter().map(Option::is_some));
                Ok(Arc::new(StructArray::try_new_with_length(arrow_fields, columns, Some(nulls), values.len())?))
            }
            leaf => self.leaves(values, leaf),
        }
    }

    fn objects<'v>(self, values: &[Option<&'v Variant>], to: &DataType) -> Result<Vec<Option<&'v Fields>>> {
        let object = |value: &Option<&'v Variant>| match value {
            Some(Variant::Object(fields)) => Ok(Some(fields.as_slice())),
            other => self.refuse(*other, to),
        };
        values.iter().map(object).collect()
    }

    /// Null, if the variant is null or nulls stand for what is refused.
    fn refuse<T>(self, value: Option<&Variant>, to: &DataType) -> Result<Option<T>> {
        match value {
            None | Some(Variant::Null) => Ok(None),
            Some(_) if !self.fails => Ok(None),
            Some(value) => {
                let json = value.to_json(self.zone);
                let message =
                    format!("the variant {json} cannot be cast to {to}; use `try_variant_get` to get NULL instead");
                let error = SparkError::new("INVALID_VARIANT_CAST", message);
                Err(spark_error(error.with("value", json).with("dataType", format!("\"{to}\""))))
            }
        }
    }

    /// Values of one type after another are cast together, and put back into their rows.
    fn leaves(self, values: &[Option<&Variant>], to: &DataType) -> Result<ArrayRef> {
        let mut groups: Vec<(DataType, Vec<&Variant>)> = Vec::new();
        // The group and the place in it, for each row.
        let mut places = Vec::with_capacity(values.len());
        for value in values {
            let Some((value, from)) = value.and_then(|value| Some((value, scalar_type(value, to)?))) else {
                self.refuse::<()>(*value, to)?;
                places.push((0, 0));
                continue;
            };
            let group = match groups.iter().position(|(known, _)| *known == from) {
                Some(group) => group,
                None => {
                    groups.push((from, Vec::new()));
                    groups.len() - 1
                }
            };
            places.push((group + 1, groups[group].1.len()));
            groups[group].1.push(value);
        }
        let mut columns = vec![new_null_array(&to_arrow(to), 1)];
        for (from, values) in &groups {
            let source = self.scalars(values, from)?;
            // Casts that a user could not write give nothing.
            let is_castable = from == to || crate::cast::can_cast_ansi(from, to);
            let cast = if is_castable {
                cast_values(&source, from, to, Rules { mode: Mode::Try, zone: self.zone })?
            } else {
                new_null_array(&to_arrow(to), values.len())
            };
            for (row, value) in values.iter().enumerate().filter(|(row, _)| cast.is_null(*row)) {
                if source.is_valid(row) {
                    self.refuse::<()>(Some(value), to)?;
                }
            }
            columns.push(cast);
        }
        let columns: Vec<&dyn Array> = columns.iter().map(|column| &**column).collect();
        Ok(arrow::compute::interleave(&columns, &places)?)
    }

    /// Values that all are of type `from`.
    fn scalars(self, values: &[&Variant], from: &DataType) -> Result<ArrayRef> {
        /// The array of what `$pattern` finds in the values.
        macro_rules! gather {
            ($array:ty, $pattern:pat => $value:expr) => {
                values.iter().map(|value| if let $pattern = value { Some($value) } else { None }).collect::<$array>()
            };
        }
        Ok(match from {
            DataType::Boolean => Arc::new(gather!(BooleanArray, Variant::Bool(value) => *value)),
            DataType::Long => Arc::new(gather!(Int64Array, Variant::Long(value) => *value)),
            DataType::Float => Arc::new(gather!(Float32Array, Variant::Float(value) => *value)),
            DataType::Double => Arc::new(gather!(Float64Array, Variant::Double(value) => *value)),
            DataType::Decimal { precision, scale } => {
                let values = gather!(Decimal128Array, Variant::Decimal { unscaled, .. } => *unscaled);
                Arc::new(values.with_precision_and_scale(*precision, *scale)?)
            }
            DataType::Date => Arc::new(gather!(Date32Array, Variant::Date(value) => *value)),
            DataType::Timestamp => {
                Arc::new(gather!(TimestampMicrosecondArray, Variant::Timestamp(value) => *value).with_timezone(UTC))
            }
            DataType::TimestampNtz => {
                Arc::new(gather!(TimestampMicrosecondArray, Variant::TimestampNtz(value) => *value))
            }
            DataType::Binary => Arc::new(gather!(BinaryArray, Variant::Binary(value) => value.as_slice())),
            _ => {
                let texts = values.iter().map(|value| match value {
                    Variant::String(text) => text.clone(),
                    Variant::Uuid(bytes) => uuid::Uuid::from_bytes(*bytes).to_string(),
                    other => other.to_json(self.zone),
                });
                Arc::new(StringArray::from_iter_values(texts))
            }
        })
    }
}

/// Spark's type of a value; what is nested is JSON where text is wanted.
fn scalar_type(value: &Variant, to: &DataType) -> Option<DataType> {
    Some(match value {
        Variant::Array(_) | Variant::Object(_) if to.is_string() => DataType::STRING,
        Variant::Null | Variant::Array(_) | Variant::Object(_) => return None,
        Variant::Bool(_) => DataType::Boolean,
        Variant::Long(_) => DataType::Long,
        Variant::Float(_) => DataType::Float,
        Variant::Double(_) => DataType::Double,
        Variant::Decimal { unscaled, scale } => decimal_type(*unscaled, *scale),
        Variant::Date(_) => DataType::Date,
        Variant::Timestamp(_) => DataType::Timestamp,
        Variant::TimestampNtz(_) => DataType::TimestampNtz,
        Variant::Binary(_) => DataType::Binary,
        Variant::String(_) | Variant::Uuid(_) => DataType::STRING,
    })
}

/// Of the fewest digits.
pub(super) fn decimal_type(unscaled: i128, scale: u8) -> DataType {
    let digits = unscaled.unsigned_abs().to_string().len() as u8;
    DataType::Decimal { precision: digits.max(scale), scale: scale as i8 }
}
