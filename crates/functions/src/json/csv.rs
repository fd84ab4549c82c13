//! `from_csv`, `to_csv` and `schema_of_csv`: a text is one line.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use datafusion::common::{Result, ScalarValue, internal_err};
use firesteel_spec::{DataType, SparkError, SparkResult, StructField};

use super::cell::{Cell, column, with_nulls};
use super::dialect::{self, DIALECT, Dialect};
use super::formats::{FORMATS, Formats};
use super::options::Options;
use super::read::{empty, malformed, mode, schema, unexpected_null};
use super::write::plain_texts;
use crate::call::Call;
use crate::cast::{Mode, cast_array};
use crate::kernel::{nullable, spark_error};
use crate::string::rows::{constant_text, kernels, text_or_null, texts};
use crate::typed::{Typed, default_name};

kernels! {
    FROM_CSV = "spark_from_csv", |fields, _| nullable(fields[1].data_type().clone()), from_csv_kernel;
    TO_CSV = "spark_to_csv", text_or_null, to_csv_kernel;
}

/// What of options has an effect on reading a line.
pub(super) fn known() -> Vec<&'static str> {
    [DIALECT, &["mode", "columnnameofcorruptrecord"], &FORMATS[..]].concat()
}

/// `from_csv(text, schema[, options])`
pub(super) fn from_csv(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let schema = with_nulls(&schema(call, 1)?);
    if !matches!(schema, DataType::Struct { .. }) {
        return Err(call.unexpected(1, &schema, "STRUCT"));
    }
    let options = Options::of(call, 2, &known())?;
    let text = call.string(0)?;
    let is_nullable = text.nullable;
    let mut arguments = vec![
        text,
        Typed::null(schema.clone()),
        Typed::string(&schema.to_json()),
        Typed::string(mode(&options)?),
        Typed::string(options.get("columnnameofcorruptrecord").unwrap_or("_corrupt_record")),
    ];
    arguments.extend(Dialect::for_reading(&options).arguments());
    arguments.extend(Formats::arguments(&options, &call.settings.time_zone));
    let mut typed = Typed::call(&FROM_CSV, arguments)?;
    (typed.data_type, typed.nullable) = (schema, is_nullable);
    Ok(typed.named(default_name(call.name, &call.arguments[..1])))
}

fn from_csv_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let target = arrays[1].data_type();
    let Some(schema) = constant_text(&arrays[2]) else { return Ok(arrow::array::new_null_array(target, rows)) };
    let schema = DataType::from_json(schema).map_err(spark_error)?;
    let DataType::Struct { fields } = &schema else { return internal_err!("from_csv gives structs") };
    let fails = constant_text(&arrays[3]) == Some("FAILFAST");
    let corrupt = constant_text(&arrays[4]).unwrap_or_default();
    let (dialect, formats) = arrays[5..].split_at(dialect::ARGUMENTS);
    let (dialect, formats) = (Dialect::read(dialect), Formats::for_parsing(formats)?);
    let values = texts(&arrays[0]);
    let mut cells = Vec::with_capacity(rows);
    for row in 0..rows {
        if values.is_null(row) {
            cells.push(Cell::Null);
            continue;
        }
        let line = values.value(row);
        let tokens = dialect.values(line);
        let data: Vec<&StructField> = fields.iter().filter(|field| field.name != corrupt).collect();
        let mut is_bad = tokens.len() != data.len();
        let mut next = tokens.iter();
        let row_of = fields.iter().map(|field| {
            if field.name == corrupt {
                return Cell::Null;
            }
            let Some(Some(token)) = next.next() else { return Cell::Null };
            converted(token, &field.data_type, &formats).unwrap_or_else(|| {
                is_bad = true;
                Cell::Null
            })
        });
        let mut cell = Cell::Struct(row_of.collect());
        if line.is_empty() {
            cell = empty(&schema);
        }
        if is_bad && fails {
            return Err(spark_error(malformed(line)));
        }
        if let (true, Cell::Struct(values)) = (is_bad, &mut cell)
            && let Some(index) = fields.iter().position(|field| field.name == corrupt)
        {
            values[index] = Cell::Text(line.to_owned());
        }
        cells.push(cell);
    }
    column(&cells.iter().collect::<Vec<_>>(), &schema, &formats)
}

/// Rust would take more words for numbers.
fn read_double(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Inf" | "Infinity" | "+Infinity" => Some(f64::INFINITY),
        "-Inf" | "-Infinity" => Some(f64::NEG_INFINITY),
        number if number.contains(|letter: char| letter.is_ascii_digit()) => number.parse().ok(),
        _ => None,
    }
}

/// `None` if it is no value of the type.
pub(crate) fn converted(token: &str, data_type: &DataType, formats: &Formats<'_>) -> Option<Cell> {
    Some(match data_type {
        DataType::Boolean => match token.to_ascii_lowercase().as_str() {
            "true" => Cell::Bool(true),
            "false" => Cell::Bool(false),
            _ => return None,
        },
        DataType::Byte => Cell::Long(token.parse::<i8>().ok()?.into()),
        DataType::Short => Cell::Long(token.parse::<i16>().ok()?.into()),
        DataType::Integer => Cell::Long(token.parse::<i32>().ok()?.into()),
        DataType::Long => Cell::Long(token.parse().ok()?),
        DataType::Float | DataType::Double => Cell::Double(read_double(token.trim())?),
        DataType::Binary => Cell::Bytes(token.as_bytes().to_vec()),
        DataType::Array { .. } | DataType::Map { .. } | DataType::Struct { .. } => return None,
        written if !formats.reads(token, written) => return None,
        _ => Cell::Text(token.to_owned()),
    })
}

/// `to_csv(struct[, options])`
pub(super) fn to_csv(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let value = call.argument(0)?;
    if value.data_type == DataType::Null {
        return Ok(call.shown(Typed::null(DataType::STRING)));
    }
    if !matches!(value.data_type, DataType::Struct { .. }) {
        let message = format!("cannot resolve {}: it takes a struct, and not {}", call.display(), value.data_type);
        return Err(SparkError::new("DATATYPE_MISMATCH.UNSUPPORTED_INPUT_TYPE", message)
            .with("sqlExpr", format!("\"{}\"", call.display()))
            .with("functionName", "`to_csv`")
            .with("dataType", format!("\"{}\"", value.data_type)));
    }
    let options = Options::of(call, 1, &[DIALECT, &FORMATS[..]].concat())?;
    let data_type = value.data_type.to_json();
    let mut arguments = vec![value, Typed::string(&data_type)];
    arguments.extend(Dialect::for_writing(&options).arguments());
    arguments.extend(Formats::arguments(&options, &call.settings.time_zone));
    let mut typed = Typed::call(&TO_CSV, arguments)?;
    typed.nullable = true;
    Ok(typed.named(default_name(call.name, &call.arguments[..1])))
}

fn to_csv_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let Some(data_type) = constant_text(&arrays[1]) else { return Ok(Arc::new(StringArray::new_null(rows))) };
    let DataType::Struct { fields } = DataType::from_json(data_type).map_err(spark_error)? else {
        return internal_err!("to_csv takes structs");
    };
    let (dialect, formats) = arrays[2..].split_at(dialect::ARGUMENTS);
    let (dialect, formats) = (Dialect::read(dialect), Formats::for_writing(formats)?);
    let structs = arrays[0].as_struct();
    let columns = structs
        .columns()
        .iter()
        .zip(&fields)
        .map(|(column, field)| plain_texts(column, &field.data_type, &formats))
        .collect::<Result<Vec<_>>>()?;
    let lines = (0..rows).map(|row| {
        structs.is_valid(row).then(|| {
            let values: Vec<_> = columns.iter().map(|column| column[row].as_deref()).collect();
            dialect.line(&values)
        })
    });
    Ok(Arc::new(lines.collect::<StringArray>()))
}

/// `schema_of_csv(text[, options])`
pub(super) fn schema_of_csv(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let options = Options::of(call, 1, &known())?;
    let text = match call.text(0)?.folded() {
        Some(ScalarValue::Utf8(Some(text))) => text,
        Some(value) if value.is_null() => return Err(unexpected_null(call)),
        _ => return Err(call.not_foldable(0)),
    };
    let tokens = Dialect::for_reading(&options).values(&text);
    let fields = tokens.iter().enumerate().map(|(index, token)| {
        let data_type = token.as_deref().map_or(DataType::STRING, |token| inferred(token, &call.settings.time_zone));
        StructField::new(format!("_c{index}"), data_type, true)
    });
    let schema = DataType::Struct { fields: fields.collect() };
    Ok(Typed::string(&schema.sql()).named(default_name(call.name, &call.arguments[..1])))
}

pub(super) fn inferred(token: &str, zone: &str) -> DataType {
    let is_a = |data_type: &DataType| {
        let text: ArrayRef = Arc::new(StringArray::from(vec![token]));
        cast_array(&text, &DataType::STRING, data_type, Mode::Try, zone).is_ok_and(|value| value.is_valid(0))
    };
    match token {
        token if token.parse::<i32>().is_ok() => DataType::Integer,
        token if token.parse::<i64>().is_ok() => DataType::Long,
        token if read_double(token).is_some() => DataType::Double,
        token if token.len() <= 10 && is_a(&DataType::Date) => DataType::Date,
        _ if is_a(&DataType::Timestamp) => DataType::Timestamp,
        token if token.eq_ignore_ascii_case("true") || token.eq_ignore_ascii_case("false") => DataType::Boolean,
        _ => DataType::STRING,
    }
}
