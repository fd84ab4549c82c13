//! `variant_get` and `try_variant_get`: a part of a variant, as a value of a type.

use arrow::array::{Array, ArrayRef, new_null_array};
use datafusion::common::{Result, internal_datafusion_err};
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::column::{Extraction, variants};
use super::path::{Step, parse, walk};
use crate::call::Call;
use crate::datetime::zone::Zone;
use crate::json::with_nulls;
use crate::kernel::{nullable, spark_error};
use crate::string::rows::{constant_flag, constant_text, kernels, texts};
use crate::typed::{Typed, default_name};

kernels! {
    GET = "spark_variant_get", |fields, _| nullable(fields[2].data_type().clone()), get_kernel;
}

/// `variant_get(variant, path[, type])`
pub(super) fn variant_get(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let data_type = match call.has(2) {
        true => {
            let written = call.argument(2)?;
            let text = written.text().ok_or_else(|| no_type(&written))?;
            with_nulls(&firesteel_sql::parse_data_type(text)?)
        }
        false => DataType::Variant,
    };
    let fails = call.name == "variant_get";
    let path = call.string(1)?;
    if let Some(text) = path.text()
        && parse(text).is_none()
    {
        return Err(invalid_path(call.name, text));
    }
    let arguments = vec![
        super::variant_argument(call, 0)?,
        path,
        Typed::null(data_type.clone()),
        Typed::string(&data_type.to_json()),
        Typed::string(&call.settings.time_zone),
        Typed::boolean(fails),
    ];
    let name = default_name(call.name, &call.arguments[..2]);
    let mut typed = Typed::call(&GET, arguments)?;
    (typed.data_type, typed.nullable) = (data_type, true);
    Ok(typed.named(name))
}

fn no_type(written: &Typed) -> SparkError {
    SparkError::new(
        "INVALID_SCHEMA.NON_STRING_LITERAL",
        format!("the type must be a constant text such as 'int', and not {}", written.name),
    )
    .with("inputSchema", format!("\"{}\"", written.name))
}

fn invalid_path(function: &str, path: &str) -> SparkError {
    SparkError::new(
        "INVALID_VARIANT_GET_PATH",
        format!("the path '{path}' of {function} is invalid: it is to be like `$.a['b'][0]`"),
    )
    .with("path", path)
    .with("functionName", format!("`{function}`"))
}

fn get_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let Some(data_type) = constant_text(&arrays[3]) else { return Ok(new_null_array(arrays[2].data_type(), rows)) };
    let data_type = DataType::from_json(data_type).map_err(spark_error)?;
    let zone = constant_text(&arrays[4]).ok_or_else(|| internal_datafusion_err!("variant_get without a time zone"))?;
    let fails = constant_flag(&arrays[5]);
    let values = variants(&arrays[0])?;
    let paths = texts(&arrays[1]);
    let mut last: Option<(&str, Vec<Step>)> = None;
    let mut found = Vec::with_capacity(rows);
    for (row, value) in values.iter().enumerate() {
        let Some(value) = value.as_ref().filter(|_| paths.is_valid(row)) else {
            found.push(None);
            continue;
        };
        let path = paths.value(row);
        let steps = match last.take() {
            Some((known, steps)) if known == path => steps,
            _ => {
                let function = if fails { "variant_get" } else { "try_variant_get" };
                parse(path).ok_or_else(|| spark_error(invalid_path(function, path)))?
            }
        };
        found.push(walk(value, &steps));
        last = Some((path, steps));
    }
    Extraction { fails, zone: Zone::named(zone)? }.column(&found, &data_type)
}
