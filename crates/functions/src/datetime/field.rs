//! Fields of dates, times and intervals: `year(d)`, `extract(SECOND FROM t)`, `dayname(d)`.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType as ArrowType, Date32Type, Decimal128Type, DurationMicrosecondType, Int8Type, Int32Type,
    IntervalMonthDayNanoType, IntervalYearMonthType, Time64NanosecondType, TimeUnit,
};
use datafusion::common::{Result, internal_err};
use firesteel_spec::{DataType, DayTimeField, SparkError, SparkResult, YearMonthField};

use super::calendar::{
    Civil, US_PER_DAY, US_PER_HOUR, US_PER_MINUTE, US_PER_SECOND, day_name, day_of_year, iso_week, month_name,
    split_day, weekday,
};
use super::operation::{clocks, compute, each, each_text, texts};
use crate::call::Call;
use crate::cast::coerce;
use crate::typed::Typed;

/// `year(d)` and its like: of dates, or of times of day.
macro_rules! fields {
    ($($function:ident: $field:literal, $read:ident;)*) => {$(
        pub(super) fn $function(call: &Call<'_>) -> SparkResult<Typed> {
            call.expect(1..=1)?;
            let source = $read(call, 0)?;
            Ok(call.shown(int_field(source, $field)?))
        }
    )*};
}

fields! {
    year: "YEAR", date;
    quarter: "QUARTER", date;
    month: "MONTH", date;
    week_of_year: "WEEK", date;
    day_of_week: "DOW", date;
    day_of_month: "DAY", date;
    day_of_year_of: "DOY", date;
    weekday_of: "WEEKDAY", date;
    hour: "HOUR", clock;
    minute: "MINUTE", clock;
    second: "SECOND", clock;
}

fn date(call: &Call<'_>, index: usize) -> SparkResult<Typed> {
    call.date(index)
}

/// A time of day, or a local timestamp.
fn clock(call: &Call<'_>, index: usize) -> SparkResult<Typed> {
    let argument = call.argument(index)?;
    if matches!(argument.data_type, DataType::Time { .. }) {
        return Ok(argument);
    }
    local(call, index)
}

/// Argument `index` as the session's clock shows it.
pub(super) fn local(call: &Call<'_>, index: usize) -> SparkResult<Typed> {
    let argument = call.argument(index)?;
    if argument.data_type == DataType::TimestampNtz {
        return Ok(argument);
    }
    coerce(call.timestamp(index)?, &DataType::TimestampNtz, call.settings)
}

fn int_field(source: Typed, field: &str) -> SparkResult<Typed> {
    let of_time = matches!(source.data_type, DataType::Time { .. });
    compute("field", DataType::Integer, of_time, [source, Typed::string(field)])
}

pub(super) fn day_name_of(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(compute("day_name", DataType::STRING, false, [call.date(0)?])?))
}

pub(super) fn month_name_of(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(compute("month_name", DataType::STRING, false, [call.date(0)?])?))
}

/// `extract(YEAR FROM d)`
pub(super) fn extract(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let name = format!("{}({} FROM {})", call.name, call.argument(0)?.name, call.argument(1)?.name);
    Ok(part(call)?.named(name))
}

/// `date_part('YEAR', d)`
pub(super) fn date_part(call: &Call<'_>) -> SparkResult<Typed> {
    Ok(call.shown(part(call)?))
}

fn part(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let source = call.argument(1)?;
    let unknown = |field: &str| {
        SparkError::new("INVALID_EXTRACT_FIELD", format!("{} has no field {field}", source.name))
            .with("field", format!("`{field}`"))
            .with("expr", format!("\"{}\"", source.name))
    };
    let field = call.string(0)?;
    if field.value().is_some_and(datafusion::common::ScalarValue::is_null) {
        return Ok(Typed::null(DataType::Double));
    }
    let field = field.text().map(str::to_owned).ok_or_else(|| field_is_no_constant(call, &field.name))?;
    let upper = field.to_ascii_uppercase();
    if matches!(
        source.data_type,
        DataType::YearMonthInterval { .. } | DataType::DayTimeInterval { .. } | DataType::CalendarInterval
    ) {
        let (name, result) = interval_field(&upper, &source.data_type).ok_or_else(|| unknown(&field))?;
        return compute("interval_field", result, false, [source, Typed::string(name)]);
    }
    let is_time = matches!(source.data_type, DataType::Time { .. });
    let name = match upper.as_str() {
        "HOUR" | "H" | "HOURS" | "HR" | "HRS" => "HOUR",
        "MINUTE" | "M" | "MIN" | "MINS" | "MINUTES" => "MINUTE",
        "SECOND" | "S" | "SEC" | "SECONDS" | "SECS" => {
            return compute(
                "second_fraction",
                DataType::Decimal { precision: 8, scale: 6 },
                is_time,
                [clock(call, 1)?],
            );
        }
        _ if is_time => return Err(unknown(&field)),
        "YEAR" | "Y" | "YEARS" | "YR" | "YRS" => "YEAR",
        "YEAROFWEEK" => "YEAROFWEEK",
        "QUARTER" | "QTR" => "QUARTER",
        "MONTH" | "MON" | "MONS" | "MONTHS" => "MONTH",
        "WEEK" | "W" | "WEEKS" => "WEEK",
        "DAY" | "D" | "DAYS" => "DAY",
        "DAYOFWEEK" | "DOW" => "DOW",
        "DAYOFWEEK_ISO" | "DOW_ISO" => "DOW_ISO",
        "DOY" => "DOY",
        _ => return Err(unknown(&field)),
    };
    let source = if matches!(name, "HOUR" | "MINUTE") { clock(call, 1)? } else { call.date(1)? };
    int_field(source, name)
}

fn field_is_no_constant(call: &Call<'_>, field: &str) -> SparkError {
    SparkError::new(
        "NON_FOLDABLE_ARGUMENT",
        format!("the field of {} must be a constant text, and {field} is none", call.name),
    )
    .with("funcName", format!("`{}`", call.name))
    .with("paramName", "`field`")
    .with("paramType", "\"STRING\"")
}

fn interval_field(field: &str, source: &DataType) -> Option<(&'static str, DataType)> {
    let seconds = DataType::Decimal { precision: 8, scale: 6 };
    let (name, result) = match field {
        "YEAR" | "Y" | "YEARS" | "YR" | "YRS" => ("YEAR", DataType::Integer),
        "MONTH" | "MON" | "MONS" | "MONTHS" => ("MONTH", DataType::Byte),
        "DAY" | "D" | "DAYS" => ("DAY", DataType::Integer),
        "HOUR" | "H" | "HOURS" | "HR" | "HRS" => ("HOUR", DataType::Byte),
        "MINUTE" | "M" | "MIN" | "MINS" | "MINUTES" => ("MINUTE", DataType::Byte),
        "SECOND" | "S" | "SEC" | "SECONDS" | "SECS" => ("SECOND", seconds),
        _ => return None,
    };
    let of_months = match name {
        "YEAR" => Some(YearMonthField::Year),
        "MONTH" => Some(YearMonthField::Month),
        _ => None,
    };
    let of_days = match name {
        "DAY" => Some(DayTimeField::Day),
        "HOUR" => Some(DayTimeField::Hour),
        "MINUTE" => Some(DayTimeField::Minute),
        "SECOND" => Some(DayTimeField::Second),
        _ => None,
    };
    let has = match source {
        DataType::YearMonthInterval { start, end } => of_months.is_some_and(|field| (*start..=*end).contains(&field)),
        DataType::DayTimeInterval { start, end } => of_days.is_some_and(|field| (*start..=*end).contains(&field)),
        _ => true,
    };
    has.then_some((name, result))
}

pub(super) fn field_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let field = texts(&arguments[1]).value(0);
    match arguments[0].data_type() {
        ArrowType::Date32 => {
            let days = arguments[0].as_primitive::<Date32Type>();
            each::<Int32Type>(arguments, rows, |row| Ok(Some(date_field(i64::from(days.value(row)), field)? as i32)))
        }
        ArrowType::Time64(TimeUnit::Nanosecond) => {
            let nanos = arguments[0].as_primitive::<Time64NanosecondType>();
            each::<Int32Type>(arguments, rows, |row| Ok(Some(clock_field(nanos.value(row) / 1000, field)? as i32)))
        }
        _ => {
            let local = clocks(&arguments[0]);
            each::<Int32Type>(arguments, rows, |row| {
                Ok(Some(clock_field(split_day(local.value(row)).1, field)? as i32))
            })
        }
    }
}

fn date_field(days: i64, field: &str) -> Result<i64> {
    let civil = Civil::of(days);
    Ok(match field {
        "YEAR" => civil.year,
        "YEAROFWEEK" => iso_week(days).0,
        "QUARTER" => (civil.month - 1) / 3 + 1,
        "MONTH" => civil.month,
        "WEEK" => iso_week(days).1,
        "DAY" => civil.day,
        "DOW" => (weekday(days) + 1) % 7 + 1,
        "DOW_ISO" => weekday(days) + 1,
        "WEEKDAY" => weekday(days),
        "DOY" => day_of_year(days),
        other => return internal_err!("no field of dates: {other}"),
    })
}

fn clock_field(us_of_day: i64, field: &str) -> Result<i64> {
    Ok(match field {
        "HOUR" => us_of_day / US_PER_HOUR,
        "MINUTE" => us_of_day / US_PER_MINUTE % 60,
        "SECOND" => us_of_day / US_PER_SECOND % 60,
        other => return internal_err!("no field of times: {other}"),
    })
}

/// The second with its fraction, as a decimal of six digits behind the point.
pub(super) fn second_fraction_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    if let ArrowType::Time64(_) = arguments[0].data_type() {
        let nanos = arguments[0].as_primitive::<Time64NanosecondType>();
        return each::<Decimal128Type>(arguments, rows, |row| {
            Ok(Some(i128::from(nanos.value(row) / 1000 % US_PER_MINUTE)))
        });
    }
    let local = clocks(&arguments[0]);
    each::<Decimal128Type>(arguments, rows, |row| Ok(Some(i128::from(local.value(row).rem_euclid(US_PER_MINUTE)))))
}

pub(super) fn interval_field_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let field = texts(&arguments[1]).value(0);
    let source = &arguments[0];
    let parts = |row: usize| -> (i64, i64, i64) {
        if let Some(values) = source.as_primitive_opt::<IntervalYearMonthType>() {
            return (values.value(row).into(), 0, 0);
        }
        if let Some(values) = source.as_primitive_opt::<DurationMicrosecondType>() {
            let us = values.value(row);
            return (0, us / US_PER_DAY, us % US_PER_DAY);
        }
        let value = source.as_primitive::<IntervalMonthDayNanoType>().value(row);
        (value.months.into(), value.days.into(), value.nanoseconds / 1000)
    };
    let byte =
        |value: fn((i64, i64, i64)) -> i64| each::<Int8Type>(arguments, rows, |row| Ok(Some(value(parts(row)) as i8)));
    let int = |value: fn((i64, i64, i64)) -> i64| {
        each::<Int32Type>(arguments, rows, |row| Ok(Some(value(parts(row)) as i32)))
    };
    match field {
        "YEAR" => int(|(months, _, _)| months / 12),
        "MONTH" => byte(|(months, _, _)| months % 12),
        "DAY" => int(|(_, days, _)| days),
        "HOUR" => byte(|(_, _, us)| us / US_PER_HOUR),
        "MINUTE" => byte(|(_, _, us)| us / US_PER_MINUTE % 60),
        "SECOND" => each::<Decimal128Type>(arguments, rows, |row| Ok(Some(i128::from(parts(row).2 % US_PER_MINUTE)))),
        other => internal_err!("no field of intervals: {other}"),
    }
}

pub(super) fn day_name_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let days = arguments[0].as_primitive::<Date32Type>();
    each_text(arguments, rows, |row| Ok(Some(day_name(days.value(row).into())[..3].to_owned())))
}

pub(super) fn month_name_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let days = arguments[0].as_primitive::<Date32Type>();
    each_text(arguments, rows, |row| Ok(Some(month_name(Civil::of(days.value(row).into()).month)[..3].to_owned())))
}
