//! Variants: values that carry their types with them, in Parquet's Variant encoding.

mod column;
mod explode;
mod get;
mod json;
mod path;
mod schema;
mod value;

use arrow::array::{Array, ArrayRef, BooleanArray};
use arrow::datatypes::DataType as ArrowType;
use datafusion::common::Result;
use firesteel_spec::{DataType, SparkError, SparkResult};

pub(crate) use column::{Extraction, column, has_variants, of_column, variant_at, variants};
pub(crate) use value::Variant;

use crate::call::Call;
use crate::kernel::{null_if_any, nullable, spark_error};
use crate::registry::{Family, Function, Implementations};
use crate::string::rows::{constant_flag, constant_text, each, kernels, strict, texts};
use crate::typed::Typed;
use crate::types::to_arrow;

pub(crate) static FAMILY: Family = Family {
    functions: &[
        Function::scalar("parse_json", parse_json),
        Function::scalar("try_parse_json", parse_json),
        Function::scalar("is_variant_null", is_variant_null),
        Function::scalar("is_valid_variant", is_valid_variant),
        Function::scalar("to_variant_object", to_variant_object),
        Function::scalar("variant_get", get::variant_get),
        Function::scalar("try_variant_get", get::variant_get),
        Function::scalar("schema_of_variant", schema::schema_of_variant),
        Function::aggregate("schema_of_variant_agg", schema::schema_of_variant_agg),
        Function::generator("variant_explode", explode::variant_explode),
        Function::generator("variant_explode_outer", explode::variant_explode),
    ],
    implementations: || {
        let own = [implementations(), get::implementations(), schema::implementations(), explode::implementations()];
        Implementations { scalar: own.concat(), ..Implementations::default() }
    },
};

kernels! {
    PARSE_JSON = "spark_parse_json", |_, _| nullable(to_arrow(&DataType::Variant)), |arrays, _| {
        let is_try = constant_flag(&arrays[1]);
        let parsed = texts(&arrays[0]).iter().map(|text| match text.map(|text| (text, Variant::parse_json(text))) {
            Some((text, None)) if !is_try => Err(spark_error(malformed(text))),
            Some((_, variant)) => Ok(variant),
            None => Ok(None),
        });
        let parsed = parsed.collect::<Result<Vec<_>>>()?;
        column(parsed.iter().map(Option::as_ref))
    };
    IS_NULL = "spark_is_variant_null", |_, _| null_if_any(ArrowType::Boolean, &[]), |arrays, rows| {
        let is_null = |row: usize| Ok(arrays[0].is_valid(row) && variant_at(&arrays[0], row)? == Variant::Null);
        Ok(std::sync::Arc::new((0..rows).map(|row| is_null(row).map(Some)).collect::<Result<BooleanArray>>()?))
    };
    IS_VALID = "spark_is_valid_variant", |fields, _| null_if_any(ArrowType::Boolean, fields), |arrays, rows| {
        each::<BooleanArray, _>(arrays, rows, |row| Ok(Some(variant_at(&arrays[0], row).is_ok())))
    };
    OBJECT = "spark_to_variant_object", |_, _| nullable(to_arrow(&DataType::Variant)), object_kernel;
}

fn malformed(text: &str) -> SparkError {
    SparkError::new(
        "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION",
        format!("the record is malformed: {text}; use `try_parse_json` to get NULL instead"),
    )
    .with("badRecord", text)
    .with("failFastMode", "FAILFAST")
}

/// Text alone: nothing is made text of.
fn parse_json(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let text = call.argument(0)?;
    if !text.data_type.is_string() && text.data_type != DataType::Null {
        return Err(call.unexpected(0, &text.data_type, "STRING"));
    }
    let is_try = call.name == "try_parse_json";
    let nullable = text.nullable || is_try;
    let typed = Typed::call(&PARSE_JSON, vec![call.string(0)?, Typed::boolean(is_try)])?;
    Ok(call.shown(Typed { data_type: DataType::Variant, nullable, ..typed }))
}

/// Argument `index`, which must be a variant.
fn variant_argument(call: &Call<'_>, index: usize) -> SparkResult<Typed> {
    let argument = call.argument(index)?;
    match argument.data_type {
        DataType::Variant => Ok(argument),
        DataType::Null => Ok(Typed::null(DataType::Variant)),
        other => Err(call.unexpected(index, &other, "VARIANT")),
    }
}

fn is_variant_null(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(Typed::call(&IS_NULL, vec![variant_argument(call, 0)?])?))
}

fn is_valid_variant(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(strict(&IS_VALID, vec![variant_argument(call, 0)?])?))
}

/// Of structs, arrays and maps with keys of text.
fn to_variant_object(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let value = call.argument(0)?;
    let is_nested = matches!(value.data_type, DataType::Struct { .. } | DataType::Array { .. } | DataType::Map { .. });
    if !is_nested || !has_variants(&value.data_type, true) {
        return Err(SparkError::new(
            "DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION",
            format!("cannot resolve {}: there is no variant of a {}", call.display(), value.data_type),
        )
        .with("sqlExpr", format!("\"{}\"", call.display()))
        .with("srcType", format!("\"{}\"", value.data_type))
        .with("targetType", "\"VARIANT\""));
    }
    let (nullable, json) = (value.nullable, value.data_type.to_json());
    let typed = Typed::call(&OBJECT, vec![value, Typed::string(&json)])?;
    Ok(call.shown(Typed { data_type: DataType::Variant, nullable, ..typed }))
}

fn object_kernel(arrays: &[ArrayRef], _: usize) -> Result<ArrayRef> {
    let Some(data_type) = constant_text(&arrays[1]) else { return column([]) };
    let data_type = DataType::from_json(data_type).map_err(spark_error)?;
    let values = of_column(&arrays[0], &data_type)?;
    column(values.iter().map(Option::as_ref))
}
