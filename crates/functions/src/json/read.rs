//! `from_json` and `schema_of_json`.

use arrow::array::{Array, ArrayRef};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use datafusion::common::{Result, ScalarValue};
use firesteel_spec::{DataType, SparkError, SparkResult, StructField};

use super::cell::{Cell, column, with_nulls};
use super::formats::Formats;
use super::options::{Options, READING};
use super::value::{Json, Lax, is_whole_number};
use crate::call::Call;
use crate::coerce::{integral_decimal, wider_decimal};
use crate::datetime::reading::read_instant;
use crate::datetime::zone::{Zone, invalid_zone};
use crate::kernel::{nullable, spark_error};
use crate::string::rows::{constant_text, kernels, texts};
use crate::typed::{Typed, default_name};
use crate::variant::Variant;

kernels! {
    FROM_JSON = "spark_from_json", |fields, _| nullable(fields[1].data_type().clone()), from_json_kernel;
}

/// The type that argument `index` says, as DDL or as JSON.
pub(crate) fn schema(call: &Call<'_>, index: usize) -> SparkResult<DataType> {
    let text = match call.argument(index)?.folded() {
        Some(ScalarValue::Utf8(Some(text))) => text,
        _ => {
            let found = &call.argument(index)?.name;
            let message = format!("the schema of {} must be a constant text, not {found}", call.name);
            return Err(SparkError::new("INVALID_SCHEMA.NON_STRING_LITERAL", message)
                .with("inputSchema", format!("\"{found}\"")));
        }
    };
    if text.trim_start().starts_with(['{', '"']) {
        return DataType::from_json(&text);
    }
    firesteel_sql::parse_schema(&text)
}

/// `from_json(text, schema[, options])`
pub(super) fn from_json(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let schema = with_nulls(&schema(call, 1)?);
    if !matches!(schema, DataType::Struct { .. } | DataType::Array { .. } | DataType::Map { .. } | DataType::Variant) {
        return Err(invalid_schema(call, &schema));
    }
    let options = Options::of(call, 2, READING)?;
    let mode = mode(&options)?;
    let mut arguments = vec![
        call.text(0)?,
        Typed::null(schema.clone()),
        Typed::string(&schema.to_json()),
        Typed::string(mode),
        Typed::string(options.get("columnnameofcorruptrecord").unwrap_or("_corrupt_record")),
    ];
    arguments.push(Typed::string(&options.lax().letters()));
    arguments.extend(Formats::arguments(&options, &call.settings.time_zone));
    let mut typed = Typed::call(&FROM_JSON, arguments)?;
    let name = match schema {
        DataType::Map { .. } => "entries".to_owned(),
        _ => default_name(call.name, &call.arguments[..1]),
    };
    (typed.data_type, typed.nullable) = (schema, true);
    Ok(typed.named(name))
}

/// `PERMISSIVE` or `FAILFAST`.
pub(crate) fn mode(options: &Options) -> SparkResult<&'static str> {
    match options.get("mode").map(str::to_ascii_uppercase).as_deref() {
        Some("FAILFAST") => Ok("FAILFAST"),
        Some("DROPMALFORMED") => Err(SparkError::new(
            "PARSE_MODE_UNSUPPORTED",
            "from_json and its like take the modes PERMISSIVE and FAILFAST, not DROPMALFORMED",
        )
        .with("funcName", "`from_json`")
        .with("mode", "DROPMALFORMED")),
        _ => Ok("PERMISSIVE"),
    }
}

pub(super) fn invalid_schema(call: &Call<'_>, schema: &DataType) -> SparkError {
    SparkError::new(
        "DATATYPE_MISMATCH.INVALID_JSON_SCHEMA",
        format!("cannot resolve {}: {schema} must be a struct, an array or a map", call.display()),
    )
    .with("sqlExpr", format!("\"{}\"", call.display()))
    .with("schema", format!("\"{schema}\""))
}

pub(crate) fn malformed(record: &str) -> SparkError {
    SparkError::new(
        "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION",
        format!("the record is malformed: {record}; use the mode PERMISSIVE to get nulls instead"),
    )
    .with("badRecord", record)
    .with("failFastMode", "FAILFAST")
}

fn from_json_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let target = arrays[1].data_type();
    let Some(schema) = constant_text(&arrays[2]) else { return Ok(arrow::array::new_null_array(target, rows)) };
    let schema = DataType::from_json(schema).map_err(spark_error)?;
    let fails = constant_text(&arrays[3]) == Some("FAILFAST");
    let corrupt = constant_text(&arrays[4]).unwrap_or_default().to_owned();
    let lax = Lax::of_letters(constant_text(&arrays[5]).unwrap_or_default());
    let formats = Formats::for_parsing(&arrays[6..])?;
    let values = texts(&arrays[0]);
    let mut cells = Vec::with_capacity(rows);
    for row in 0..rows {
        let text = if values.is_null(row) { "" } else { values.value(row) };
        if text.trim().is_empty() {
            cells.push(Cell::Null);
            continue;
        }
        let mut reading = Reading { formats: &formats, is_bad: false };
        let json = Json::parse(text, lax);
        let mut cell = match &json {
            Some(json) => reading.root(json, &schema),
            None => {
                reading.is_bad = true;
                empty(&schema)
            }
        };
        if reading.is_bad && fails {
            return Err(spark_error(malformed(text)));
        }
        if let (true, Cell::Struct(fields), DataType::Struct { fields: names }) = (reading.is_bad, &mut cell, &schema)
            && let Some(index) = names.iter().position(|field| field.name == corrupt)
        {
            fields[index] = Cell::Text(text.to_owned());
        }
        cells.push(cell);
    }
    column(&cells.iter().collect::<Vec<_>>(), &schema, &formats)
}

/// A struct of nulls, or null.
pub(crate) fn empty(schema: &DataType) -> Cell {
    match schema {
        DataType::Struct { fields } => Cell::Struct(vec![Cell::Null; fields.len()]),
        _ => Cell::Null,
    }
}

struct Reading<'a> {
    formats: &'a Formats<'a>,
    /// Was something no value of its type?
    is_bad: bool,
}

impl Reading<'_> {
    fn root(&mut self, json: &Json, schema: &DataType) -> Cell {
        match (json, schema) {
            (Json::Null, schema) => empty(schema),
            // A lone object is an array of one.
            (Json::Object(_), DataType::Array { element, .. }) if matches!(**element, DataType::Struct { .. }) => {
                self.converted(json, element).map_or(Cell::Null, |cell| Cell::List(vec![cell]))
            }
            _ => self.converted(json, schema).unwrap_or_else(|| {
                self.is_bad = true;
                empty(schema)
            }),
        }
    }

    /// `None` if it is no value of the type; of a struct the field alone is null then, and the record is bad.
    fn converted(&mut self, json: &Json, data_type: &DataType) -> Option<Cell> {
        Some(match (json, data_type) {
            (json, DataType::Variant) => Cell::Variant(Variant::of_json(json)?),
            (Json::Null, _) => Cell::Null,
            (Json::Bool(value), DataType::Boolean) => Cell::Bool(*value),
            (Json::Number(text), integral) if integral.is_integral() => {
                let value: i64 = if is_whole_number(text) { text.parse().ok()? } else { return None };
                let fits = match integral {
                    DataType::Byte => i8::try_from(value).is_ok(),
                    DataType::Short => i16::try_from(value).is_ok(),
                    DataType::Integer => i32::try_from(value).is_ok(),
                    _ => true,
                };
                if !fits {
                    return None;
                }
                Cell::Long(value)
            }
            (Json::Number(text), DataType::Float | DataType::Double) => Cell::Double(match text.as_str() {
                "Infinity" => f64::INFINITY,
                "-Infinity" => f64::NEG_INFINITY,
                number => number.parse().ok()?,
            }),
            (Json::String(text), DataType::Float | DataType::Double) => Cell::Double(match text.as_str() {
                "NaN" => f64::NAN,
                "+INF" | "INF" | "+Infinity" | "Infinity" => f64::INFINITY,
                "-INF" | "-Infinity" => f64::NEG_INFINITY,
                _ => return None,
            }),
            (Json::String(text), string) if string.is_string() => Cell::Text(text.clone()),
            (json, string) if string.is_string() => Cell::Text(json.to_text()),
            (Json::String(text), DataType::Binary) => Cell::Bytes(BASE64_STANDARD.decode(text).ok()?),
            (Json::Number(text), DataType::Decimal { .. }) if self.formats.reads(text, data_type) => {
                Cell::Text(text.clone())
            }
            (Json::Number(text), DataType::Timestamp) if is_whole_number(text) => {
                let seconds: i64 = text.parse().ok()?;
                Cell::Text(chrono::DateTime::from_timestamp(seconds, 0)?.format("%Y-%m-%d %H:%M:%SZ").to_string())
            }
            (Json::String(text), data_type) if is_written(data_type) && self.formats.reads(text, data_type) => {
                Cell::Text(text.clone())
            }
            (Json::Array(elements), DataType::Array { element, .. }) => {
                Cell::List(elements.iter().map(|json| self.converted(json, element)).collect::<Option<_>>()?)
            }
            (Json::Object(fields), DataType::Map { value, .. }) => {
                let keys = fields.iter().map(|(name, _)| Cell::Text(name.clone())).collect();
                let values = fields.iter().map(|(_, json)| self.converted(json, value)).collect::<Option<_>>()?;
                Cell::Map(keys, values)
            }
            (Json::Object(values), DataType::Struct { fields }) => {
                let mut cell = |field: &StructField| {
                    let Some((_, json)) = values.iter().rfind(|(name, _)| *name == field.name) else {
                        return Cell::Null;
                    };
                    self.converted(json, &field.data_type).unwrap_or_else(|| {
                        self.is_bad = true;
                        Cell::Null
                    })
                };
                Cell::Struct(fields.iter().map(&mut cell).collect())
            }
            _ => return None,
        })
    }
}

/// Types whose values JSON has as texts.
fn is_written(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Decimal { .. }
            | DataType::Date
            | DataType::Timestamp
            | DataType::TimestampNtz
            | DataType::Time { .. }
            | DataType::CalendarInterval
            | DataType::YearMonthInterval { .. }
            | DataType::DayTimeInterval { .. }
    )
}

/// `schema_of_json(text[, options])`
pub(super) fn schema_of_json(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let options = Options::of(call, 1, READING)?;
    let text = match call.string(0)?.folded() {
        Some(ScalarValue::Utf8(Some(text))) => text,
        Some(value) if value.is_null() => return Err(unexpected_null(call)),
        _ => call.constant_text(0)?,
    };
    if text.is_empty() {
        return Ok(Typed::string("STRING").named(default_name(call.name, &call.arguments[..1])));
    }
    let json = Json::parse(&text, options.lax()).ok_or_else(|| malformed(&text))?;
    let drops_nulls = options.is_on("dropfieldifallnull");
    let inferred = Inference::of(&options, &call.settings.time_zone)?.type_of(&json);
    let schema = settled(inferred, drops_nulls).unwrap_or(DataType::Struct { fields: Vec::new() });
    Ok(Typed::string(&schema.sql()).named(default_name(call.name, &call.arguments[..1])))
}

pub(super) fn unexpected_null(call: &Call<'_>) -> SparkError {
    SparkError::new(
        "DATATYPE_MISMATCH.UNEXPECTED_NULL",
        format!("cannot resolve {}: the text must not be null", call.display()),
    )
    .with("sqlExpr", format!("\"{}\"", call.display()))
    .with("exprName", "json")
}

/// How types are told from values.
pub(super) struct Inference {
    all_texts: bool,
    prefers_decimal: bool,
    infers_timestamps: bool,
    zone: Zone,
}

impl Inference {
    pub fn of(options: &Options, zone: &str) -> SparkResult<Self> {
        let zone = options.get("timezone").unwrap_or(zone);
        Ok(Self {
            all_texts: options.is_on("primitivesasstring"),
            prefers_decimal: options.is_on("prefersdecimal"),
            infers_timestamps: options.is_on("infertimestamp"),
            zone: Zone::parse(zone).ok_or_else(|| invalid_zone(zone))?,
        })
    }

    pub fn type_of(&self, json: &Json) -> DataType {
        match json {
            Json::Null => DataType::Null,
            Json::Bool(_) | Json::Number(_) if self.all_texts => DataType::STRING,
            Json::Bool(_) => DataType::Boolean,
            Json::String(text) if self.infers_timestamps && read_instant(text, self.zone).is_some() => {
                DataType::Timestamp
            }
            Json::String(_) => DataType::STRING,
            Json::Number(text) => self.type_of_number(text),
            Json::Array(elements) => {
                let types = elements.iter().map(|element| self.type_of(element));
                let element = types.reduce(|left, right| compatible(&left, &right, &DataType::STRING));
                DataType::array(element.unwrap_or(DataType::Null), true)
            }
            Json::Object(fields) => {
                let mut fields: Vec<_> =
                    fields.iter().map(|(name, value)| StructField::new(name, self.type_of(value), true)).collect();
                fields.sort_by(|left, right| left.name.cmp(&right.name));
                DataType::Struct { fields }
            }
        }
    }

    fn type_of_number(&self, text: &str) -> DataType {
        let is_whole = is_whole_number(text);
        if is_whole && text.parse::<i64>().is_ok() {
            return DataType::Long;
        }
        let (whole, fraction) = text.trim_start_matches('-').split_once('.').unwrap_or((text, ""));
        let whole = whole.trim_start_matches(['-', '0']).len();
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-' || byte == b'.');
        match whole + fraction.len() {
            digits @ 0..=38 if is_whole || (self.prefers_decimal && is_plain) => {
                DataType::Decimal { precision: digits as u8, scale: fraction.len() as i8 }
            }
            _ => DataType::Double,
        }
    }
}

/// `JsonInferSchema.compatibleType`; types that have nothing in common are `other`.
pub(crate) fn compatible(left: &DataType, right: &DataType, other: &DataType) -> DataType {
    use DataType as T;
    match (left, right) {
        (left, right) if left == right => left.clone(),
        (T::Null, known) | (known, T::Null) => known.clone(),
        (T::Float, T::Long) | (T::Long, T::Float) => T::Float,
        (T::Double | T::Float, number) | (number, T::Double | T::Float) if number.is_numeric() => T::Double,
        (T::Decimal { precision, scale }, T::Long) | (T::Long, T::Decimal { precision, scale }) => {
            wider_decimal((*precision, *scale), integral_decimal(&T::Long).unwrap_or((20, 0)))
        }
        (T::Decimal { precision: p1, scale: s1 }, T::Decimal { precision: p2, scale: s2 }) => {
            wider_decimal((*p1, *s1), (*p2, *s2))
        }
        (T::Date, T::Timestamp) | (T::Timestamp, T::Date | T::TimestampNtz) | (T::TimestampNtz, T::Timestamp) => {
            T::Timestamp
        }
        (T::Date, T::TimestampNtz) | (T::TimestampNtz, T::Date) => T::TimestampNtz,
        (T::Array { element: left, .. }, T::Array { element: right, .. }) => {
            T::array(compatible(left, right, other), true)
        }
        (T::Struct { fields: left }, T::Struct { fields: right }) => {
            let mut fields = left.clone();
            for field in right {
                match fields.iter_mut().find(|known| known.name == field.name) {
                    Some(known) => known.data_type = compatible(&known.data_type, &field.data_type, other),
                    None => fields.push(field.clone()),
                }
            }
            fields.sort_by(|left, right| left.name.cmp(&right.name));
            T::Struct { fields }
        }
        _ => other.clone(),
    }
}

/// What is always null is text, or nothing if that is dropped; and a struct without fields is nothing.
pub(super) fn settled(data_type: DataType, drops_nulls: bool) -> Option<DataType> {
    Some(match data_type {
        DataType::Null if drops_nulls => return None,
        DataType::Null => DataType::STRING,
        DataType::Array { element, .. } => DataType::array(settled(*element, drops_nulls)?, true),
        DataType::Struct { fields } => {
            let fields: Vec<_> = fields
                .into_iter()
                .filter_map(|field| {
                    let data_type = settled(field.data_type.clone(), drops_nulls)?;
                    Some(StructField { data_type, ..field })
                })
                .collect();
            if fields.is_empty() {
                return None;
            }
            DataType::Struct { fields }
        }
        other => other,
    })
}
