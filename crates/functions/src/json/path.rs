//! Functions that look into JSON: `get_json_object`, `json_tuple`, `json_array_length`, `json_object_keys`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int32Array, ListArray, ListBuilder, StringArray, StringBuilder, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType as ArrowType, Field};
use datafusion::common::{Result, internal_err};
use firesteel_spec::{DataType, SparkError, SparkResult, StructField};

use super::value::{Json, Lax};
use crate::call::Call;
use crate::kernel::nullable;
use crate::string::rows::{self, each, kernels, lax, texts};
use crate::typed::Typed;

kernels! {
    GET = "spark_get_json_object", rows::text_or_null, |arrays, count| {
        let mut last: Option<(String, Option<Vec<Step>>)> = None;
        each::<StringArray, _>(arrays, count, |row| {
            let (json, path) = (texts(&arrays[0]).value(row), texts(&arrays[1]).value(row));
            if last.as_ref().is_none_or(|(known, _)| known != path) {
                last = Some((path.to_owned(), parse_path(path)));
            }
            let Some((_, Some(steps))) = &last else { return Ok(None) };
            Ok(Json::parse(json, GET_LAX).and_then(|json| get(&json, steps)))
        })
    };
    LENGTH = "spark_json_array_length", |_, _| nullable(ArrowType::Int32), |arrays, count| {
        each::<Int32Array, _>(arrays, count, |row| {
            Ok(match Json::parse(texts(&arrays[0]).value(row), GET_LAX) {
                Some(Json::Array(elements)) => Some(elements.len() as i32),
                _ => None,
            })
        })
    };
    KEYS = "spark_json_object_keys", |_, _| nullable(ArrowType::List(Arc::new(text_element()))), keys_kernel;
    TUPLE = "spark_json_tuple", |fields, _| nullable(tuple_type(fields.len() - 1)), tuple_kernel;
}

const GET_LAX: Lax = Lax {
    single_quotes: true,
    special_numbers: true,
    control_letters: true,
    unquoted_names: false,
    leading_zeros: false,
    any_escape: false,
    comments: false,
};

fn text_element() -> Field {
    Field::new(Field::LIST_FIELD_DEFAULT_NAME, ArrowType::Utf8, true)
}

pub(super) fn get_json_object(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    Ok(call.shown(lax(&GET, vec![call.text(0)?, call.text(1)?])?))
}

pub(super) fn array_length(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(lax(&LENGTH, vec![call.text(0)?])?))
}

pub(super) fn object_keys(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let mut typed = lax(&KEYS, vec![call.text(0)?])?;
    typed.data_type = DataType::array(DataType::STRING, true);
    Ok(call.shown(typed))
}

fn keys_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let values = texts(&arrays[0]);
    let mut keys = ListBuilder::new(StringBuilder::new()).with_field(text_element());
    for row in 0..rows {
        let json = if values.is_null(row) { None } else { Json::parse(values.value(row), GET_LAX) };
        match json {
            Some(Json::Object(fields)) => {
                fields.iter().for_each(|(name, _)| keys.values().append_value(name));
                keys.append(true);
            }
            _ => keys.append_null(),
        }
    }
    Ok(Arc::new(keys.finish()))
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
    /// `[*]`
    Elements,
    /// `.*`, which nothing has.
    Fields,
}

/// `None` for what is no path.
fn parse_path(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(behind) = rest.strip_prefix(".*").or_else(|| rest.strip_prefix("['*']")) {
            steps.push(Step::Fields);
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix("[*]") {
            steps.push(Step::Elements);
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix("['") {
            let (name, behind) = behind.split_once("']")?;
            steps.push(Step::Key(name.to_owned()));
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix('[') {
            let (index, behind) = behind.split_once(']')?;
            steps.push(Step::Index(index.parse().ok()?));
            rest = behind;
        } else {
            let behind = rest.strip_prefix('.')?;
            let end = behind.find(['.', '[']).unwrap_or(behind.len());
            if end == 0 {
                return None;
            }
            steps.push(Step::Key(behind[..end].to_owned()));
            rest = &behind[end..];
        }
    }
    Some(steps)
}

/// How what is found is written (`JsonPathEvaluator`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// A text without quotes.
    Raw,
    Quoted,
    /// The elements of arrays instead of arrays.
    Flat,
}

fn get(json: &Json, steps: &[Step]) -> Option<String> {
    let mut found = Vec::new();
    evaluate(json, steps, Style::Raw, &mut found).then(|| found.join(","))
}

/// Adds what is found to `out`; was there anything?
fn evaluate(json: &Json, steps: &[Step], style: Style, out: &mut Vec<String>) -> bool {
    match (json, steps) {
        (Json::String(text), []) if style == Style::Raw => {
            out.push(text.clone());
            true
        }
        (Json::Array(elements), []) if style == Style::Flat => {
            elements.iter().filter(|element| evaluate(element, steps, style, out)).count() > 0
        }
        (json, []) => {
            out.push(json.to_text());
            true
        }
        (Json::Object(fields), [Step::Key(key), rest @ ..]) => fields
            .iter()
            .filter(|(name, value)| name == key && *value != Json::Null)
            .any(|(_, value)| evaluate(value, rest, style, out)),
        (Json::Array(elements), [Step::Elements, Step::Elements, rest @ ..]) => {
            let mut inner = Vec::new();
            let found = elements.iter().filter(|element| evaluate(element, rest, Style::Flat, &mut inner)).count() > 0;
            out.push(format!("[{}]", inner.join(",")));
            found
        }
        (Json::Array(elements), [Step::Elements, rest @ ..]) if style != Style::Quoted => {
            let style = if style == Style::Raw { Style::Quoted } else { style };
            let mut inner = Vec::new();
            let found = elements.iter().filter(|element| evaluate(element, rest, style, &mut inner)).count();
            match found {
                0 => {}
                1 => out.push(inner.join(",")),
                _ => out.push(format!("[{}]", inner.join(","))),
            }
            found > 0
        }
        (Json::Array(elements), [Step::Elements, rest @ ..]) => {
            let mut inner = Vec::new();
            let found = elements.iter().filter(|element| evaluate(element, rest, style, &mut inner)).count() > 0;
            out.push(format!("[{}]", inner.join(",")));
            found
        }
        (Json::Array(elements), [Step::Index(index), rest @ ..]) => {
            let style = if rest.first() == Some(&Step::Elements) { Style::Quoted } else { style };
            elements.get(*index).is_some_and(|element| evaluate(element, rest, style, out))
        }
        _ => false,
    }
}

/// A row of the texts of some fields: `json_tuple(json, names…)`.
pub(super) fn json_tuple(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=usize::MAX)?;
    if call.arguments.iter().any(|argument| !argument.data_type.is_string()) {
        return Err(SparkError::new(
            "DATATYPE_MISMATCH.NON_STRING_TYPE",
            format!("cannot resolve {}: all arguments of json_tuple must be texts", call.display()),
        )
        .with("sqlExpr", format!("\"{}\"", call.display()))
        .with("funcName", "`json_tuple`"));
    }
    let arguments = (0..call.arguments.len()).map(|index| call.string(index)).collect::<SparkResult<Vec<_>>>()?;
    let fields = (0..arguments.len() - 1).map(|index| StructField::new(format!("c{index}"), DataType::STRING, true));
    let data_type = DataType::array(DataType::Struct { fields: fields.collect() }, false);
    let mut typed = Typed::call(&TUPLE, arguments)?;
    (typed.data_type, typed.nullable) = (data_type, false);
    Ok(call.shown(typed))
}

fn tuple_fields(width: usize) -> arrow::datatypes::Fields {
    (0..width).map(|index| Field::new(format!("c{index}"), ArrowType::Utf8, true)).collect()
}

fn tuple_type(width: usize) -> ArrowType {
    let row = ArrowType::Struct(tuple_fields(width));
    ArrowType::List(Arc::new(Field::new(Field::LIST_FIELD_DEFAULT_NAME, row, false)))
}

fn tuple_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let [values, names @ ..] = arrays else { return internal_err!("json_tuple takes a text and names") };
    let values = texts(values);
    let mut columns: Vec<Vec<Option<String>>> = vec![Vec::with_capacity(rows); names.len()];
    for row in 0..rows {
        let json = if values.is_null(row) { None } else { Json::parse(values.value(row), GET_LAX) };
        let fields = if let Some(Json::Object(fields)) = json { fields } else { Vec::new() };
        for (column, names) in columns.iter_mut().zip(names) {
            let names = texts(names);
            let wanted = if names.is_null(row) { None } else { Some(names.value(row)) };
            let found = fields.iter().find(|(name, _)| Some(name.as_str()) == wanted);
            column.push(match found {
                None | Some((_, Json::Null)) => None,
                Some((_, Json::String(text))) => Some(text.clone()),
                Some((_, value)) => Some(value.to_text()),
            });
        }
    }
    let columns = columns.into_iter().map(|column| Arc::new(StringArray::from(column)) as ArrayRef).collect();
    let rows_of = StructArray::try_new_with_length(tuple_fields(names.len()), columns, None, rows)?;
    let ArrowType::List(field) = tuple_type(names.len()) else { return internal_err!("json_tuple gives lists") };
    let nulls: Option<NullBuffer> = None;
    let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(1, rows));
    Ok(Arc::new(ListArray::try_new(field, offsets, Arc::new(rows_of), nulls)?))
}
