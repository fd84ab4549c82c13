//! `xpath` and its like: a value of XPath in each XML text.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Float32Array, Float64Array, Int16Array, Int32Array, Int64Array, ListBuilder,
    StringArray, StringBuilder,
};
use arrow::datatypes::{DataType as ArrowType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue, internal_err};
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::evaluate::{Value, evaluate};
use super::tree::{Document, Kind};
use super::xpath::parse;
use crate::call::Call;
use crate::kernel::{nullable, spark_error};
use crate::string::rows::{kernels, lax, texts};
use crate::typed::Typed;

kernels! {
    TEXTS = "spark_xpath", |_, _| nullable(ArrowType::List(Arc::new(text_element()))), lists_kernel;
    VALUES = "spark_xpath_value", |fields, _: &[Option<&ScalarValue>]| value_field(fields), values_kernel;
}

fn text_element() -> Field {
    Field::new(Field::LIST_FIELD_DEFAULT_NAME, ArrowType::Utf8, true)
}

/// Of the type of the last argument.
fn value_field(fields: &[FieldRef]) -> Result<FieldRef> {
    nullable(fields.last().map_or(ArrowType::Null, |field| field.data_type().clone()))
}

/// The XML text, and the path, which must be constant.
fn arguments(call: &Call<'_>) -> SparkResult<Vec<Typed>> {
    call.expect(2..=2)?;
    if call.text(1)?.folded().is_none() {
        call.constant_text(1)?;
    }
    Ok(vec![call.text(0)?, call.text(1)?])
}

/// The values of all nodes that are found; elements have none.
pub(super) fn xpath(call: &Call<'_>) -> SparkResult<Typed> {
    Ok(call.shown(lax(&TEXTS, arguments(call)?)?))
}

fn value(call: &Call<'_>, data_type: DataType) -> SparkResult<Typed> {
    let mut arguments = arguments(call)?;
    arguments.push(Typed::null(data_type));
    let typed = lax(&VALUES, arguments)?;
    Ok(call.shown(typed))
}

pub(super) fn boolean(call: &Call<'_>) -> SparkResult<Typed> {
    value(call, DataType::Boolean)
}

pub(super) fn short(call: &Call<'_>) -> SparkResult<Typed> {
    value(call, DataType::Short)
}

pub(super) fn int(call: &Call<'_>) -> SparkResult<Typed> {
    value(call, DataType::Integer)
}

pub(super) fn long(call: &Call<'_>) -> SparkResult<Typed> {
    value(call, DataType::Long)
}

pub(super) fn float(call: &Call<'_>) -> SparkResult<Typed> {
    value(call, DataType::Float)
}

pub(super) fn double(call: &Call<'_>) -> SparkResult<Typed> {
    value(call, DataType::Double)
}

pub(super) fn string(call: &Call<'_>) -> SparkResult<Typed> {
    value(call, DataType::STRING)
}

/// The document and the path's value in each row; `None` where either text is null or empty.
fn evaluated(arrays: &[ArrayRef], rows: usize) -> Result<Vec<Option<(Document, Value)>>> {
    let (documents, paths) = (texts(&arrays[0]), texts(&arrays[1]));
    let mut last = None;
    (0..rows)
        .map(|row| {
            if documents.is_null(row) || paths.is_null(row) {
                return Ok(None);
            }
            let (text, path) = (documents.value(row), paths.value(row));
            if text.is_empty() || path.is_empty() {
                return Ok(None);
            }
            let expression = match last.take() {
                Some((known, expression)) if known == path => expression,
                _ => parse(path).ok_or_else(|| spark_error(invalid_path(path)))?,
            };
            let document = Document::parse(text).ok_or_else(|| spark_error(invalid_document(text)))?;
            let value = evaluate(&document, &expression).ok_or_else(|| spark_error(invalid_path(path)))?;
            last = Some((path, expression));
            Ok(Some((document, value)))
        })
        .collect()
}

/// Spark has Java's exceptions here, which have no class.
fn invalid_path(path: &str) -> SparkError {
    SparkError::new("INVALID_PARAMETER_VALUE.PATTERN", format!("the XPath expression '{path}' is invalid"))
        .with("parameter", "`path`")
        .with("functionName", "`xpath`")
        .with("value", format!("'{path}'"))
}

fn invalid_document(text: &str) -> SparkError {
    SparkError::new(
        "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION",
        format!("the XML document is not well-formed: {text}"),
    )
    .with("badRecord", text)
    .with("failFastMode", "FAILFAST")
}

fn lists_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let mut lists = ListBuilder::new(StringBuilder::new()).with_field(text_element());
    for value in evaluated(arrays, rows)? {
        match value {
            None => lists.append_null(),
            Some((document, Value::Nodes(nodes))) => {
                for node in nodes {
                    let node = document.node(node);
                    let has_value = !matches!(node.kind, Kind::Root | Kind::Element);
                    lists.values().append_option(has_value.then_some(&node.value));
                }
                lists.append(true);
            }
            Some(_) => return Err(spark_error(invalid_path(texts(&arrays[1]).value(0)))),
        }
    }
    Ok(Arc::new(lists.finish()))
}

fn values_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let values = evaluated(arrays, rows)?;
    let numbers = || values.iter().map(|value| value.as_ref().map(|(document, value)| value.number(document)));
    // As Java casts: no number is 0, shorts are made of an int's low bits.
    Ok(match arrays[2].data_type() {
        ArrowType::Boolean => {
            Arc::new(values.iter().map(|value| value.as_ref().map(|(_, value)| value.bool())).collect::<BooleanArray>())
        }
        ArrowType::Int16 => {
            Arc::new(numbers().map(|value| value.map(|value| value as i32 as i16)).collect::<Int16Array>())
        }
        ArrowType::Int32 => Arc::new(numbers().map(|value| value.map(|value| value as i32)).collect::<Int32Array>()),
        ArrowType::Int64 => Arc::new(numbers().map(|value| value.map(|value| value as i64)).collect::<Int64Array>()),
        ArrowType::Float32 => {
            Arc::new(numbers().map(|value| value.map(|value| value as f32)).collect::<Float32Array>())
        }
        ArrowType::Float64 => Arc::new(numbers().collect::<Float64Array>()),
        ArrowType::Utf8 => {
            let texts = values.iter().map(|value| value.as_ref().map(|(document, value)| value.text(document)));
            Arc::new(texts.collect::<StringArray>())
        }
        other => return internal_err!("XPath gives no {other}"),
    })
}
