//! Constants: their values in DataFusion, and as Spark writes them in names.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, MapArray, StructArray, new_empty_array};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType as ArrowType, Fields, IntervalMonthDayNano};
use chrono::{DateTime, Days, NaiveDate};
use datafusion::common::ScalarValue;
use firesteel_spec::{DataType, Literal, SparkError, SparkResult};

use crate::call::Settings;
use crate::datetime::zone::Zone;
use crate::typed::Typed;
use crate::types::{UTC, to_arrow};

/// A constant with its type and its name.
pub fn literal(literal: &Literal, settings: &Settings) -> SparkResult<Typed> {
    Ok(Typed::literal(scalar(literal)?, literal.data_type(), display(literal, settings)))
}

/// The value of a constant.
pub fn scalar(literal: &Literal) -> SparkResult<ScalarValue> {
    Ok(match literal {
        Literal::Null(data_type) => {
            ScalarValue::try_from(&to_arrow(data_type)).map_err(|error| invalid(literal, error))?
        }
        Literal::Boolean(value) => ScalarValue::Boolean(Some(*value)),
        Literal::Byte(value) => ScalarValue::Int8(Some(*value)),
        Literal::Short(value) => ScalarValue::Int16(Some(*value)),
        Literal::Integer(value) => ScalarValue::Int32(Some(*value)),
        Literal::Long(value) => ScalarValue::Int64(Some(*value)),
        Literal::Float(value) => ScalarValue::Float32(Some(*value)),
        Literal::Double(value) => ScalarValue::Float64(Some(*value)),
        Literal::Decimal { unscaled, precision, scale } => ScalarValue::Decimal128(Some(*unscaled), *precision, *scale),
        Literal::String(text) => ScalarValue::Utf8(Some(text.clone())),
        Literal::Binary(bytes) => ScalarValue::Binary(Some(bytes.clone())),
        Literal::Date(days) => ScalarValue::Date32(Some(*days)),
        Literal::Timestamp(us) => ScalarValue::TimestampMicrosecond(Some(*us), Some(UTC.into())),
        Literal::TimestampNtz(us) => ScalarValue::TimestampMicrosecond(Some(*us), None),
        Literal::Time { nanos, .. } => ScalarValue::Time64Nanosecond(Some(*nanos)),
        Literal::CalendarInterval { months, days, microseconds } => {
            let nanos = microseconds.checked_mul(1000).ok_or_else(|| invalid(literal, "it is too long"))?;
            ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano::new(*months, *days, nanos)))
        }
        Literal::YearMonthInterval { months, .. } => ScalarValue::IntervalYearMonth(Some(*months)),
        Literal::DayTimeInterval { microseconds, .. } => ScalarValue::DurationMicrosecond(Some(*microseconds)),
        Literal::Array { element, elements, .. } => {
            let values = array_of(&to_arrow(element), elements)?;
            let ArrowType::List(field) = to_arrow(&literal.data_type()) else {
                return Err(invalid(literal, "it is no list"));
            };
            let offsets = OffsetBuffer::from_lengths([values.len()]);
            let list = arrow::array::ListArray::try_new(field, offsets, values, None);
            ScalarValue::List(Arc::new(list.map_err(|error| invalid(literal, error))?))
        }
        Literal::Map { key, value, entries, .. } => {
            let keys: Vec<_> = entries.iter().map(|(key, _)| key.clone()).collect();
            let values: Vec<_> = entries.iter().map(|(_, value)| value.clone()).collect();
            let columns = vec![array_of(&to_arrow(key), &keys)?, array_of(&to_arrow(value), &values)?];
            let ArrowType::Map(field, sorted) = to_arrow(&literal.data_type()) else {
                return Err(invalid(literal, "it is no map"));
            };
            let ArrowType::Struct(fields) = field.data_type() else {
                return Err(invalid(literal, "it has no entries"));
            };
            let entries = struct_of(fields.clone(), columns, keys.len(), literal)?;
            let offsets = OffsetBuffer::from_lengths([keys.len()]);
            let map = MapArray::try_new(field, offsets, entries, None, sorted);
            ScalarValue::Map(Arc::new(map.map_err(|error| invalid(literal, error))?))
        }
        Literal::Struct { data_type, values } => {
            let ArrowType::Struct(fields) = to_arrow(data_type) else {
                return Err(invalid(literal, "it is no struct"));
            };
            if fields.len() != values.len() {
                return Err(invalid(literal, "it has not a value for each field"));
            }
            let columns = fields
                .iter()
                .zip(values)
                .map(|(field, value)| array_of(field.data_type(), std::slice::from_ref(value)))
                .collect::<SparkResult<_>>()?;
            ScalarValue::Struct(Arc::new(struct_of(fields, columns, 1, literal)?))
        }
    })
}

fn struct_of(fields: Fields, columns: Vec<ArrayRef>, rows: usize, of: &Literal) -> SparkResult<StructArray> {
    StructArray::try_new_with_length(fields, columns, None, rows).map_err(|error| invalid(of, error))
}

fn array_of(data_type: &ArrowType, values: &[Literal]) -> SparkResult<ArrayRef> {
    if values.is_empty() {
        return Ok(new_empty_array(data_type));
    }
    let scalars = values
        .iter()
        .map(|value| match value {
            Literal::Null(_) => ScalarValue::try_from(data_type).map_err(|error| invalid(value, error)),
            value => scalar(value)?.cast_to(data_type).map_err(|error| invalid(value, error)),
        })
        .collect::<SparkResult<Vec<_>>>()?;
    ScalarValue::iter_to_array(scalars).map_err(|error| SparkError::invalid_plan(format!("a literal: {error}")))
}

fn invalid(literal: &Literal, why: impl std::fmt::Display) -> SparkError {
    SparkError::invalid_plan(format!("the literal of type {} has no value: {why}", literal.data_type()))
}

/// As in generated column names (`Literal.sql` as `toPrettySQL` shows it).
fn display(literal: &Literal, settings: &Settings) -> String {
    match literal {
        Literal::Null(_) => "NULL".to_owned(),
        Literal::Boolean(value) => value.to_string(),
        Literal::Byte(value) => value.to_string(),
        Literal::Short(value) => value.to_string(),
        Literal::Integer(value) => value.to_string(),
        Literal::Long(value) => value.to_string(),
        Literal::Float(value) => crate::cast::java_float(*value),
        Literal::Double(value) => crate::cast::java_double(*value),
        Literal::Decimal { unscaled, scale, .. } => decimal_text(*unscaled, *scale),
        Literal::String(text) => text.clone(),
        Literal::Binary(bytes) => {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
            format!("X'{digits}'")
        }
        Literal::Date(days) => format!("DATE '{}'", date_text(*days)),
        Literal::Timestamp(us) => format!("TIMESTAMP '{}'", timestamp_text(*us, &settings.time_zone)),
        Literal::TimestampNtz(us) => format!("TIMESTAMP_NTZ '{}'", timestamp_text(*us, UTC)),
        Literal::Time { nanos, .. } => format!("TIME '{}'", time_text(*nanos)),
        Literal::CalendarInterval { months, days, microseconds } => calendar_text(*months, *days, *microseconds),
        Literal::YearMonthInterval { months, start, end } => year_month_text(*months, *start, *end),
        Literal::DayTimeInterval { microseconds, start, end } => day_time_text(*microseconds, *start, *end),
        Literal::Array { elements, .. } => {
            let elements: Vec<_> = elements.iter().map(|element| display(element, settings)).collect();
            format!("array({})", elements.join(", "))
        }
        Literal::Map { entries, .. } => {
            let entries: Vec<_> = entries
                .iter()
                .map(|(key, value)| format!("{}, {}", display(key, settings), display(value, settings)))
                .collect();
            format!("map({})", entries.join(", "))
        }
        Literal::Struct { data_type, values } => {
            let DataType::Struct { fields } = data_type else { return "NULL".to_owned() };
            let fields: Vec<_> = fields
                .iter()
                .zip(values)
                .map(|(field, value)| format!("{}, {}", field.name, display(value, settings)))
                .collect();
            format!("named_struct({})", fields.join(", "))
        }
    }
}

fn decimal_text(unscaled: i128, scale: i8) -> String {
    use arrow::datatypes::DecimalType;
    arrow::datatypes::Decimal128Type::format_decimal(unscaled, 38, scale)
}

fn date_text(days: i32) -> String {
    let epoch = NaiveDate::default();
    let date = if days >= 0 {
        epoch.checked_add_days(Days::new(days.unsigned_abs().into()))
    } else {
        epoch.checked_sub_days(Days::new(days.unsigned_abs().into()))
    };
    date.map_or_else(|| days.to_string(), |date| date.to_string())
}

fn timestamp_text(us: i64, zone: &str) -> String {
    let local = Zone::parse(zone).map_or(us, |zone| zone.local(us));
    let Some(local) = DateTime::from_timestamp_micros(local) else { return us.to_string() };
    let text = local.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn time_text(nanos: i64) -> String {
    let seconds = nanos / 1_000_000_000;
    let text =
        format!("{:02}:{:02}:{:02}.{:09}", seconds / 3600, seconds / 60 % 60, seconds % 60, nanos % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn calendar_text(months: i32, days: i32, us: i64) -> String {
    let mut parts = Vec::new();
    let mut part = |value: i64, unit: &str| {
        if value != 0 {
            parts.push(format!("{value} {unit}"));
        }
    };
    part((months / 12).into(), "years");
    part((months % 12).into(), "months");
    part(days.into(), "days");
    part(us / 3_600_000_000, "hours");
    part(us / 60_000_000 % 60, "minutes");
    let rest = us % 60_000_000;
    if rest != 0 {
        let sign = if rest < 0 { "-" } else { "" };
        let text = format!("{sign}{}.{:06}", rest.abs() / 1_000_000, rest.abs() % 1_000_000);
        parts.push(format!("{} seconds", text.trim_end_matches('0').trim_end_matches('.')));
    }
    if parts.is_empty() { "INTERVAL '0 seconds'".to_owned() } else { format!("INTERVAL '{}'", parts.join(" ")) }
}

/// `INTERVAL '1-2' YEAR TO MONTH`
pub(crate) fn year_month_text(
    months: i32,
    start: firesteel_spec::YearMonthField,
    end: firesteel_spec::YearMonthField,
) -> String {
    use firesteel_spec::YearMonthField::{Month, Year};
    let sign = if months < 0 { "-" } else { "" };
    let all = months.unsigned_abs();
    match (start, end) {
        (Year, Year) => format!("INTERVAL '{sign}{}' YEAR", all / 12),
        (Month, _) => format!("INTERVAL '{sign}{all}' MONTH"),
        (Year, Month) => format!("INTERVAL '{sign}{}-{}' YEAR TO MONTH", all / 12, all % 12),
    }
}

/// `INTERVAL '1 02:03:04.5' DAY TO SECOND`
pub(crate) fn day_time_text(us: i64, start: firesteel_spec::DayTimeField, end: firesteel_spec::DayTimeField) -> String {
    use firesteel_spec::DayTimeField::{Day, Hour, Minute, Second};
    let sign = if us < 0 { "-" } else { "" };
    let all = us.unsigned_abs();
    let (days, hours, minutes) = (all / 86_400_000_000, all / 3_600_000_000, all / 60_000_000);
    let seconds = |whole: u64, width: usize| {
        let text = format!("{whole:0width$}.{:06}", all % 1_000_000);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let text = match (start, end) {
        (Day, Day) => days.to_string(),
        (Day, Hour) => format!("{days} {:02}", hours % 24),
        (Day, Minute) => format!("{days} {:02}:{:02}", hours % 24, minutes % 60),
        (Day, Second) => {
            format!("{days} {:02}:{:02}:{}", hours % 24, minutes % 60, seconds(all / 1_000_000 % 60, 2))
        }
        (Hour, Hour) => format!("{hours:02}"),
        (Hour, Minute) => format!("{hours:02}:{:02}", minutes % 60),
        (Hour, _) => format!("{hours:02}:{:02}:{}", minutes % 60, seconds(all / 1_000_000 % 60, 2)),
        (Minute, Minute) => format!("{minutes:02}"),
        (Minute, _) => format!("{minutes:02}:{}", seconds(all / 1_000_000 % 60, 2)),
        (Second, _) => seconds(all / 1_000_000, 2),
    };
    let fields = if start == end { start.to_string() } else { format!("{start} TO {end}") };
    format!("INTERVAL '{sign}{text}' {fields}")
}
