//! `to_json`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{Float32Type, Float64Type, TimestampMicrosecondType};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use datafusion::common::{Result, internal_datafusion_err};
use firesteel_spec::{DataType, SparkResult};

use super::options::Options;
use super::read::invalid_schema;
use super::value::write_string;
use crate::call::Call;
use crate::cast::{Mode, cast_array};
use crate::datetime::calendar::timestamp_text;
use crate::datetime::zone::{Zone, offset_text};
use crate::kernel::spark_error;
use crate::string::rows::{constant_flag, constant_text, kernels, text_or_null, texts};
use crate::typed::{Typed, default_name};
use crate::variant::variants;

kernels! {
    TO_JSON = "spark_to_json", text_or_null, |arrays, rows| {
        let Some(data_type) = constant_text(&arrays[1]) else { return Ok(Arc::new(StringArray::new_null(rows))) };
        let data_type = DataType::from_json(data_type).map_err(spark_error)?;
        let zone = constant_text(&arrays[2]).ok_or_else(|| internal_datafusion_err!("to_json without a time zone"))?;
        let skips_nulls = constant_flag(&arrays[3]);
        Ok(Arc::new(StringArray::from(written(&arrays[0], &data_type, zone, skips_nulls)?)))
    };
}

/// `to_json(value[, options])`
pub(super) fn to_json(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let value = call.argument(0)?;
    if !matches!(
        value.data_type,
        DataType::Struct { .. } | DataType::Array { .. } | DataType::Map { .. } | DataType::Variant
    ) {
        return Err(invalid_schema(call, &value.data_type));
    }
    let options = Options::of(call, 1, &["ignorenullfields"])?;
    let skips_nulls = options.get("ignorenullfields").is_none() || options.is_on("ignorenullfields");
    let data_type = value.data_type.to_json();
    let arguments =
        vec![value, Typed::string(&data_type), Typed::string(&call.settings.time_zone), Typed::boolean(skips_nulls)];
    let mut typed = Typed::call(&TO_JSON, arguments)?;
    typed.nullable = true;
    Ok(typed.named(default_name(call.name, &call.arguments[..1])))
}

/// The values as JSON, `None` for null.
fn written(array: &ArrayRef, data_type: &DataType, zone: &str, skips_nulls: bool) -> Result<Vec<Option<String>>> {
    let rows = 0..array.len();
    let of_rows = |text: &dyn Fn(usize) -> String| {
        rows.clone().map(|row| array.is_valid(row).then(|| text(row))).collect::<Vec<_>>()
    };
    let quoted = |text: &str| {
        let mut out = String::new();
        write_string(text, &mut out);
        out
    };
    let null = || "null".to_owned();
    Ok(match data_type {
        DataType::Null => vec![None; array.len()],
        DataType::Struct { fields } => {
            let columns = array
                .as_struct()
                .columns()
                .iter()
                .zip(fields)
                .map(|(column, field)| written(column, &field.data_type, zone, skips_nulls))
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
            let values = written(lists.values(), element, zone, skips_nulls)?;
            of_rows(&|row| {
                let range = lists.value_offsets()[row] as usize..lists.value_offsets()[row + 1] as usize;
                let values = values[range].iter().map(|value| value.clone().unwrap_or_else(null));
                format!("[{}]", values.collect::<Vec<_>>().join(","))
            })
        }
        DataType::Map { key, value, .. } => {
            let maps = array.as_map();
            let keys = cast_array(maps.keys(), key, &DataType::STRING, Mode::Legacy, zone)?;
            let values = written(maps.values(), value, zone, skips_nulls)?;
            of_rows(&|row| {
                let entries = maps.value_offsets()[row] as usize..maps.value_offsets()[row + 1] as usize;
                let entries = entries.filter(|entry| values[*entry].is_some() || !skips_nulls).map(|entry| {
                    let key = texts(&keys).value(entry);
                    format!("{}:{}", quoted(&key_text(key)), values[entry].clone().unwrap_or_else(null))
                });
                format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
            })
        }
        DataType::Variant => {
            let zone = Zone::named(zone)?;
            let json = variants(array)?.into_iter().map(|value| value.map(|value| value.to_json(zone)));
            json.collect()
        }
        DataType::UserDefined { sql_type, .. } => written(array, sql_type, zone, skips_nulls)?,
        DataType::Binary => of_rows(&|row| quoted(&BASE64_STANDARD.encode(array.as_binary::<i32>().value(row)))),
        DataType::Timestamp => {
            let zone = Zone::named(zone)?;
            let values = array.as_primitive::<TimestampMicrosecondType>();
            of_rows(&|row| quoted(&instant_text(values.value(row), zone)))
        }
        DataType::TimestampNtz => {
            let values = array.as_primitive::<TimestampMicrosecondType>();
            of_rows(&|row| quoted(&local_text(values.value(row))))
        }
        plain => {
            let plain_texts = cast_array(array, plain, &DataType::STRING, Mode::Legacy, zone)?;
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

/// A struct's text as a row of Spark's shows itself.
fn key_text(key: &str) -> String {
    match key.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
        Some(inner) => format!("[{}]", inner.replace(", ", ",")),
        None => key.to_owned(),
    }
}

/// `yyyy-MM-dd'T'HH:mm:ss.SSS`
pub(super) fn local_text(local: i64) -> String {
    let seconds = timestamp_text(local.div_euclid(1_000_000) * 1_000_000).replacen(' ', "T", 1);
    format!("{seconds}.{:03}", local.rem_euclid(1_000_000) / 1000)
}

/// With the zone's offset, `Z` for none.
pub(super) fn instant_text(us: i64, zone: Zone) -> String {
    let local = zone.local(us);
    let offset = (local - us) / 1_000_000;
    let offset = if offset == 0 { "Z".to_owned() } else { offset_text(offset, true) };
    format!("{}{offset}", local_text(local))
}
