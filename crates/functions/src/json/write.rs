//! `to_json`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{Date32Type, Float32Type, Float64Type, TimestampMicrosecondType};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use datafusion::common::{Result, internal_err};
use firesteel_spec::{DataType, SparkResult};

use super::formats::{FORMATS, Formats};
use super::options::Options;
use super::read::invalid_schema;
use super::value::{Json, Lax, write_string};
use crate::call::Call;
use crate::cast::{Mode, cast_array};
use crate::kernel::spark_error;
use crate::string::rows::{constant_flag, constant_text, kernels, text_or_null, texts};
use crate::typed::{Typed, default_name};
use crate::variant::{Variant, variants};

kernels! {
    TO_JSON = "spark_to_json", text_or_null, |arrays, rows| {
        let Some(data_type) = constant_text(&arrays[1]) else { return Ok(Arc::new(StringArray::new_null(rows))) };
        let data_type = DataType::from_json(data_type).map_err(spark_error)?;
        let (skips_nulls, is_pretty) = (constant_flag(&arrays[2]), constant_flag(&arrays[3]));
        let formats = Formats::for_writing(&arrays[4..])?;
        let mut written = written(&arrays[0], &data_type, &formats, skips_nulls)?;
        if is_pretty {
            written.iter_mut().flatten().for_each(pretty);
        }
        Ok(Arc::new(StringArray::from(written)))
    };
}

/// `to_json(value[, options])`
pub(super) fn to_json(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let value = call.argument(0)?;
    if value.data_type == DataType::Null {
        return Ok(call.shown(Typed::null(DataType::STRING)));
    }
    if !matches!(
        value.data_type,
        DataType::Struct { .. } | DataType::Array { .. } | DataType::Map { .. } | DataType::Variant
    ) {
        return Err(invalid_schema(call, &value.data_type));
    }
    let options = Options::of(call, 1, &[&["ignorenullfields", "pretty"], &FORMATS[..]].concat())?;
    let skips_nulls = options.is_not_off("ignorenullfields");
    let data_type = value.data_type.to_json();
    let mut arguments = vec![value, Typed::string(&data_type), Typed::boolean(skips_nulls)];
    arguments.push(Typed::boolean(options.is_on("pretty")));
    arguments.extend(Formats::arguments(&options, &call.settings.time_zone));
    let mut typed = Typed::call(&TO_JSON, arguments)?;
    typed.nullable = true;
    Ok(typed.named(default_name(call.name, &call.arguments[..1])))
}

/// Over several lines.
fn pretty(text: &mut String) {
    if let Some(json) = Json::parse(text, Lax::default()) {
        text.clear();
        json.write_pretty(0, text);
    }
}

/// The values as JSON, `None` for null.
fn written(
    array: &ArrayRef,
    data_type: &DataType,
    formats: &Formats<'_>,
    skips_nulls: bool,
) -> Result<Vec<Option<String>>> {
    let rows = 0..array.len();
    let of_rows = |text: &dyn Fn(usize) -> String| {
        rows.clone().map(|row| array.is_valid(row).then(|| text(row))).collect::<Vec<_>>()
    };
    Ok(match data_type {
        DataType::Null => vec![None; array.len()],
        DataType::Struct { .. } | DataType::Array { .. } | DataType::Map { .. } => {
            nested(array, data_type, formats, skips_nulls)?
        }
        DataType::Variant => {
            let json = |value: Option<Variant>| value.map(|value| value.to_json(formats.zone));
            variants(array)?.into_iter().map(json).collect()
        }
        DataType::UserDefined { sql_type, .. } => written(array, sql_type, formats, skips_nulls)?,
        DataType::Binary => of_rows(&|row| quoted(&BASE64_STANDARD.encode(array.as_binary::<i32>().value(row)))),
        DataType::Date | DataType::Timestamp | DataType::TimestampNtz => {
            let texts = plain_texts(array, data_type, formats)?;
            texts.into_iter().map(|text| text.map(|text| quoted(&text))).collect()
        }
        plain => {
            let plain_texts = cast_array(array, plain, &DataType::STRING, Mode::Legacy, formats.zone_name)?;
            let is_bare = |row: usize| match plain {
                DataType::Float => array.as_primitive::<Float32Type>().value(row).is_finite(),
                DataType::Double => array.as_primitive::<Float64Type>().value(row).is_finite(),
                other => other.is_numeric() || *other == DataType::Boolean,
            };
            of_rows(&|row| {
                let text = texts(&plain_texts).value(row);
                if is_bare(row) { text.to_owned() } else { quoted(text) }
            })
        }
    })
}

/// As [`written`], of structs, arrays and maps.
fn nested(
    array: &ArrayRef,
    data_type: &DataType,
    formats: &Formats<'_>,
    skips_nulls: bool,
) -> Result<Vec<Option<String>>> {
    let rows = 0..array.len();
    let of_rows = |text: &dyn Fn(usize) -> String| {
        rows.clone().map(|row| array.is_valid(row).then(|| text(row))).collect::<Vec<_>>()
    };
    let null = || "null".to_owned();
    Ok(match data_type {
        DataType::Struct { fields } => {
            let columns = array
                .as_struct()
                .columns()
                .iter()
                .zip(fields)
                .map(|(column, field)| written(column, &field.data_type, formats, skips_nulls))
                .collect::<Result<Vec<_>>>()?;
            of_rows(&|row| {
                let fields = fields.iter().zip(&columns).filter(|(_, column)| column[row].is_some() || !skips_nulls);
                let fields = fields.map(|(field, column)| {
                    format!("{}:{}", quoted(&field.name), column[row].clone().unwrap_or_else(null))
                });
                format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
            })
        }
        DataType::Array { element, .. } => {
            let lists = array.as_list::<i32>();
            let values = written(lists.values(), element, formats, skips_nulls)?;
            of_rows(&|row| {
                let range = lists.value_offsets()[row] as usize..lists.value_offsets()[row + 1] as usize;
                let values = values[range].iter().map(|value| value.clone().unwrap_or_else(null));
                format!("[{}]", values.collect::<Vec<_>>().join(","))
            })
        }
        DataType::Map { key, value, .. } => {
            let maps = array.as_map();
            let keys = cast_array(maps.keys(), key, &DataType::STRING, Mode::Legacy, formats.zone_name)?;
            let values = written(maps.values(), value, formats, skips_nulls)?;
            of_rows(&|row| {
                let entries = maps.value_offsets()[row] as usize..maps.value_offsets()[row + 1] as usize;
                // Only a struct leaves out what is null.
                let entries = entries.map(|entry| {
                    let key = texts(&keys).value(entry);
                    format!("{}:{}", quoted(&key_text(key)), values[entry].clone().unwrap_or_else(null))
                });
                format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
            })
        }
        other => return internal_err!("{other} is not nested"),
    })
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    write_string(text, &mut out);
    out
}

/// A struct's text as a row of Spark's shows itself.
fn key_text(key: &str) -> String {
    match key.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
        Some(inner) => format!("[{}]", inner.replace(", ", ",")),
        None => key.to_owned(),
    }
}

/// Texts without quotes: dates and times by their patterns, and all else as it is cast to strings.
pub(crate) fn plain_texts(
    array: &ArrayRef,
    data_type: &DataType,
    formats: &Formats<'_>,
) -> Result<Vec<Option<String>>> {
    let times = || array.as_primitive::<TimestampMicrosecondType>().iter();
    match data_type {
        DataType::Date => {
            let days = array.as_primitive::<Date32Type>().iter();
            days.map(|days| days.map(|days| formats.date_text(days)).transpose()).collect()
        }
        DataType::Timestamp => times().map(|us| us.map(|us| formats.timestamp_text(us)).transpose()).collect(),
        DataType::TimestampNtz => times().map(|us| us.map(|us| formats.timestamp_ntz_text(us)).transpose()).collect(),
        other => {
            let plain = cast_array(array, other, &DataType::STRING, Mode::Legacy, formats.zone_name)?;
            Ok(texts(&plain).iter().map(|text| text.map(str::to_owned)).collect())
        }
    }
}
