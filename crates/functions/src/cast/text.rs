//! Values as text: as Spark casts them to strings, and as `show` prints them.

use std::fmt::Write;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StringBuilder};
use arrow::datatypes::{
    Date32Type, Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, IntervalMonthDayNanoType, IntervalYearMonthType, Time64NanosecondType, TimestampMicrosecondType,
};
use datafusion::common::{Result, internal_err};
use firesteel_spec::DataType;

use super::number::plain_decimal;
use super::number_text::{java_double, java_float};
use crate::datetime::calendar::{date_text, time_text, timestamp_text};
use crate::datetime::interval::{Parts, calendar_text};
use crate::datetime::zone::Zone;
use crate::literal::{day_time_text, year_month_text};
use crate::variant::variants;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// `CAST(… AS STRING)`: nested nulls as `null`, bytes as UTF-8.
    Cast,
    /// `show` (`ToPrettyString`): nulls as `NULL`, bytes as `[61 62]`.
    Pretty,
}

type Writer<'a> = Box<dyn Fn(usize, &mut String) + 'a>;

/// The texts of a column as `df.show()` prints them, `NULL` for null. Instants are shown in `zone`.
///
/// # Errors
/// If `zone` is none.
pub fn to_text(array: &ArrayRef, data_type: &DataType, zone: &str) -> Result<StringArray> {
    let write = writer(array, data_type, Style::Pretty, Zone::named(zone)?)?;
    let mut out = String::new();
    let mut texts = StringBuilder::with_capacity(array.len(), array.len() * 8);
    for row in 0..array.len() {
        out.clear();
        write(row, &mut out);
        texts.append_value(&out);
    }
    Ok(texts.finish())
}

/// The texts of a column, null for null.
pub(super) fn text_array(array: &ArrayRef, data_type: &DataType, style: Style, zone: Zone) -> Result<StringArray> {
    let write = value_writer(array, data_type, style, zone)?;
    let mut out = String::new();
    let mut texts = StringBuilder::with_capacity(array.len(), array.len() * 8);
    for row in 0..array.len() {
        if array.is_null(row) {
            texts.append_null();
            continue;
        }
        out.clear();
        write(row, &mut out);
        texts.append_value(&out);
    }
    Ok(texts.finish())
}

/// Writes a row, which may be null.
fn writer<'a>(array: &'a ArrayRef, data_type: &'a DataType, style: Style, zone: Zone) -> Result<Writer<'a>> {
    let null = if style == Style::Cast { "null" } else { "NULL" };
    if *data_type == DataType::Null {
        return Ok(Box::new(move |_, out| out.push_str(null)));
    }
    let write = value_writer(array, data_type, style, zone)?;
    if array.null_count() == 0 {
        return Ok(write);
    }
    Ok(Box::new(move |row, out| if array.is_null(row) { out.push_str(null) } else { write(row, out) }))
}

/// Writes a row that is not null.
fn value_writer<'a>(array: &'a ArrayRef, data_type: &'a DataType, style: Style, zone: Zone) -> Result<Writer<'a>> {
    /// A writer of the text that `$text` makes of a value.
    macro_rules! primitive {
        ($arrow:ty, $text:expr) => {{
            let values = array.as_primitive::<$arrow>();
            Box::new(move |row, out: &mut String| out.push_str(&$text(values.value(row))))
        }};
    }
    macro_rules! integer {
        ($arrow:ty) => {{
            let values = array.as_primitive::<$arrow>();
            Box::new(move |row, out: &mut String| {
                // Writing to a string does not fail.
                let _ = write!(out, "{}", values.value(row));
            })
        }};
    }
    Ok(match data_type {
        DataType::Null => Box::new(|_, _| {}),
        text if text.is_string() => {
            let values = array.as_string::<i32>();
            Box::new(move |row, out| out.push_str(values.value(row)))
        }
        DataType::Boolean => {
            let values = array.as_boolean();
            Box::new(move |row, out| out.push_str(if values.value(row) { "true" } else { "false" }))
        }
        DataType::Byte => integer!(Int8Type),
        DataType::Short => integer!(Int16Type),
        DataType::Integer => integer!(Int32Type),
        DataType::Long => integer!(Int64Type),
        DataType::Float => primitive!(Float32Type, java_float),
        DataType::Double => primitive!(Float64Type, java_double),
        DataType::Decimal { scale, .. } => primitive!(Decimal128Type, |value| plain_decimal(value, *scale)),
        DataType::Date => primitive!(Date32Type, |days: i32| date_text(days.into())),
        DataType::Timestamp => primitive!(TimestampMicrosecondType, |us| timestamp_text(zone.local(us))),
        DataType::TimestampNtz => primitive!(TimestampMicrosecondType, timestamp_text),
        DataType::Time { .. } => primitive!(Time64NanosecondType, time_text),
        DataType::YearMonthInterval { start, end } => {
            primitive!(IntervalYearMonthType, |months| year_month_text(months, *start, *end))
        }
        DataType::DayTimeInterval { start, end } => {
            primitive!(DurationMicrosecondType, |us| day_time_text(us, *start, *end))
        }
        DataType::CalendarInterval => {
            let values = array.as_primitive::<IntervalMonthDayNanoType>();
            Box::new(move |row, out| {
                let value = values.value(row);
                let parts = Parts { months: value.months, days: value.days, us: value.nanoseconds / 1000 };
                out.push_str(&calendar_text(parts));
            })
        }
        DataType::Binary => {
            let values = array.as_binary::<i32>();
            Box::new(move |row, out| match style {
                Style::Cast => out.push_str(&String::from_utf8_lossy(values.value(row))),
                Style::Pretty => {
                    let digits: Vec<String> = values.value(row).iter().map(|byte| format!("{byte:02X}")).collect();
                    out.push_str(&format!("[{}]", digits.join(" ")));
                }
            })
        }
        DataType::Variant => {
            let variants = variants(array)?;
            Box::new(move |row, out| {
                if let Some(variant) = &variants[row] {
                    variant.write_json(zone, out);
                }
            })
        }
        DataType::UserDefined { sql_type, .. } => value_writer(array, sql_type, style, zone)?,
        DataType::Array { .. } | DataType::Map { .. } | DataType::Struct { .. } => {
            nested_writer(array, data_type, style, zone)?
        }
        other => return internal_err!("{other} has no text"),
    })
}

fn nested_writer<'a>(array: &'a ArrayRef, data_type: &'a DataType, style: Style, zone: Zone) -> Result<Writer<'a>> {
    Ok(match data_type {
        DataType::Array { element, .. } => {
            let lists = array.as_list::<i32>();
            let write = writer(lists.values(), element, style, zone)?;
            Box::new(move |row, out| {
                out.push('[');
                let (start, end) = (lists.value_offsets()[row], lists.value_offsets()[row + 1]);
                for index in start..end {
                    if index > start {
                        out.push_str(", ");
                    }
                    write(index as usize, out);
                }
                out.push(']');
            })
        }
        DataType::Map { key, value, .. } => {
            let maps = array.as_map();
            let (write_key, write_value) =
                (writer(maps.keys(), key, style, zone)?, writer(maps.values(), value, style, zone)?);
            Box::new(move |row, out| {
                out.push('{');
                let (start, end) = (maps.value_offsets()[row], maps.value_offsets()[row + 1]);
                for index in start..end {
                    if index > start {
                        out.push_str(", ");
                    }
                    write_key(index as usize, out);
                    out.push_str(" -> ");
                    write_value(index as usize, out);
                }
                out.push('}');
            })
        }
        DataType::Struct { fields } => {
            let columns = array.as_struct().columns();
            let writers = columns
                .iter()
                .zip(fields)
                .map(|(column, field)| writer(column, &field.data_type, style, zone))
                .collect::<Result<Vec<_>>>()?;
            Box::new(move |row, out| {
                out.push('{');
                for (index, write) in writers.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    write(row, out);
                }
                out.push('}');
            })
        }
        other => return internal_err!("{other} is not nested"),
    })
}
