//! The types of variants as texts: `schema_of_variant` and `schema_of_variant_agg`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use datafusion::common::Result;
use firesteel_spec::{DataType, SparkError, SparkResult, StructField};

use super::column::{decimal_type, variant_at};
use super::value::Variant;
use crate::call::Call;
use crate::json::compatible;
use crate::kernel::spark_error;
use crate::lookup;
use crate::string::rows::{each, kernels, strict, text, text_or_null, texts};
use crate::typed::Typed;

kernels! {
    SCHEMA = "spark_schema_of_variant", text, |arrays, rows| {
        each::<StringArray, _>(arrays, rows, |row| Ok(Some(shown(&type_of(&variant_at(&arrays[0], row)?)))))
    };
    TYPE = "spark_variant_type", text, |arrays, rows| {
        each::<StringArray, _>(arrays, rows, |row| Ok(Some(type_of(&variant_at(&arrays[0], row)?).to_json())))
    };
    MERGED = "spark_merged_variant_type", text_or_null, merged_kernel;
}

pub(super) fn schema_of_variant(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(strict(&SCHEMA, vec![super::variant_argument(call, 0)?])?))
}

/// The type that the variants of all rows have in common: of the set of their types.
pub(super) fn schema_of_variant_agg(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let one = strict(&TYPE, vec![super::variant_argument(call, 0)?])?;
    let collect = lookup("collect_set").ok_or_else(|| SparkError::internal("there is no collect_set"))?;
    let types = (collect.build)(&call.other("collect_set", vec![one]))?;
    let mut typed = Typed::call(&MERGED, vec![types])?;
    typed.nullable = false;
    Ok(call.shown(typed))
}

fn merged_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let lists = arrays[0].as_list::<i32>();
    let merged = (0..rows).map(|row| {
        let types = if lists.is_valid(row) { Some(lists.value(row)) } else { None };
        let mut merged = DataType::Null;
        for json in types.iter().flat_map(|types| texts(types).iter().flatten()) {
            merged = compatible(&merged, &DataType::from_json(json).map_err(spark_error)?, &DataType::Variant);
        }
        Ok(Some(shown(&merged)))
    });
    Ok(Arc::new(merged.collect::<Result<StringArray>>()?))
}

fn type_of(value: &Variant) -> DataType {
    match value {
        Variant::Null => DataType::Null,
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
        Variant::Array(elements) => {
            let types = elements.iter().map(type_of);
            DataType::array(types.fold(DataType::Null, |all, one| compatible(&all, &one, &DataType::Variant)), true)
        }
        Variant::Object(fields) => DataType::Struct {
            fields: fields.iter().map(|(key, value)| StructField::new(key, type_of(value), true)).collect(),
        },
    }
}

/// As DDL, with `OBJECT` for structs.
fn shown(data_type: &DataType) -> String {
    match data_type {
        DataType::Array { element, .. } => format!("ARRAY<{}>", shown(element)),
        DataType::Struct { fields } => {
            let fields = fields.iter().map(|field| format!("{}: {}", quoted(&field.name), shown(&field.data_type)));
            format!("OBJECT<{}>", fields.collect::<Vec<_>>().join(", "))
        }
        other => other.sql(),
    }
}

fn quoted(name: &str) -> String {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    if name.starts_with(|first: char| is_word(first) && !first.is_ascii_digit()) && name.chars().all(is_word) {
        return name.to_owned();
    }
    format!("`{}`", name.replace('`', "``"))
}
