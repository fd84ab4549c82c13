//! Functions of timestamps: zones, epochs, truncation, `timestampadd` and `timestampdiff`.

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{Decimal128Type, Int64Type, TimestampMicrosecondType};
use datafusion::common::{Result, ScalarValue};
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::calendar::{
    Civil, US_PER_DAY, US_PER_HOUR, US_PER_MINUTE, US_PER_SECOND, add_months, split_day, timestamp_text,
};
use super::date::trunc_days;
use super::operation::{Zones, clocks, compute, each, longs, texts};
use super::zone::Zone;
use crate::call::Call;
use crate::kernel::spark_error;
use crate::operators::arithmetic_overflow;
use crate::typed::Typed;
use crate::types::UTC;

pub(super) fn zone_of(call: &Call<'_>) -> Typed {
    Typed::string(&call.settings.time_zone)
}

pub(super) fn current_date(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(0..=0)?;
    let days = split_day(local_now(call)?).0 as i32;
    Ok(Typed::literal(ScalarValue::Date32(Some(days)), DataType::Date, "current_date()"))
}

pub(super) fn current_timestamp(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(0..=0)?;
    let now = ScalarValue::TimestampMicrosecond(Some(call.settings.now_us), Some(UTC.into()));
    Ok(Typed::literal(now, DataType::Timestamp, call.display()))
}

pub(super) fn local_timestamp(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(0..=0)?;
    let now = ScalarValue::TimestampMicrosecond(Some(local_now(call)?), None);
    Ok(Typed::literal(now, DataType::TimestampNtz, call.display()))
}

pub(super) fn local_now(call: &Call<'_>) -> SparkResult<i64> {
    let zone =
        Zone::parse(&call.settings.time_zone).ok_or_else(|| super::zone::invalid_zone(&call.settings.time_zone))?;
    Ok(zone.local(call.settings.now_us))
}

pub(super) fn current_timezone(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(0..=0)?;
    Ok(zone_of(call).named("current_timezone()"))
}

/// The instants at which the session's clock shows these times.
pub(super) fn instant(local: Typed, zone: Typed) -> SparkResult<Typed> {
    compute("instant", DataType::Timestamp, false, [local, zone])
}

pub(super) fn instant_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (local, zones) = (clocks(&arguments[0]), Zones::of(&arguments[1]));
    each::<TimestampMicrosecondType>(arguments, rows, |row| Ok(Some(zones.at(row)?.instant(local.value(row)))))
}

pub(super) fn from_utc_timestamp(call: &Call<'_>) -> SparkResult<Typed> {
    to_zone(call, "from_utc")
}

pub(super) fn to_utc_timestamp(call: &Call<'_>) -> SparkResult<Typed> {
    to_zone(call, "to_utc")
}

fn to_zone(call: &Call<'_>, direction: &str) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let zone = call.string(1)?;
    let arguments = [call.timestamp(0)?, zone.clone(), zone, Typed::string(direction)];
    Ok(call.shown(compute("to_zone", DataType::Timestamp, false, arguments)?))
}

pub(super) fn convert_timezone(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let last = call.arguments.len() - 1;
    let source = if last == 2 { call.string(0)? } else { zone_of(call) };
    let shown = if last == 2 { source.name.clone() } else { "current_timezone()".to_owned() };
    let target = call.string(last - 1)?;
    let name = format!("{}({shown}, {}, {})", call.name, target.name, call.argument(last)?.name);
    let clock = call.cast(last, &DataType::TimestampNtz)?;
    let arguments = [clock, source, target, Typed::string("convert")];
    Ok(compute("to_zone", DataType::TimestampNtz, false, arguments)?.named(name))
}

pub(super) fn to_zone_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (values, source, target) = (clocks(&arguments[0]), Zones::of(&arguments[1]), Zones::of(&arguments[2]));
    let direction = texts(&arguments[3]).value(0);
    each::<TimestampMicrosecondType>(arguments, rows, |row| {
        let value = values.value(row);
        Ok(Some(match direction {
            "from_utc" => target.at(row)?.local(value),
            "to_utc" => source.at(row)?.instant(value),
            _ => target.at(row)?.local(source.at(row)?.instant(value)),
        }))
    })
}

/// `unix_micros(t)` and its like: whole units since the epoch.
macro_rules! since_epoch {
    ($($function:ident: $unit:expr;)*) => {$(
        pub(super) fn $function(call: &Call<'_>) -> SparkResult<Typed> {
            call.expect(1..=1)?;
            let argument = call.argument(0)?;
            // Only `unix_micros` is strict about what a timestamp is.
            let is_strict = $unit == 1 && matches!(argument.data_type, DataType::Date | DataType::TimestampNtz);
            if argument.data_type.is_string() || is_strict {
                return Err(call.unexpected(0, &argument.data_type, "TIMESTAMP"));
            }
            Ok(call.shown(units_since_epoch(call.timestamp(0)?, $unit)?))
        }
    )*};
}

since_epoch! {
    unix_seconds: US_PER_SECOND;
    unix_millis: 1000;
    unix_micros: 1;
}

pub(super) fn units_since_epoch(timestamp: Typed, unit_us: i64) -> SparkResult<Typed> {
    compute("to_units", DataType::Long, false, [timestamp, Typed::long(unit_us)])
}

pub(super) fn to_units_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (values, unit) = (clocks(&arguments[0]), longs(&arguments[1]).value(0));
    each::<Int64Type>(arguments, rows, |row| Ok(Some(values.value(row).div_euclid(unit))))
}

pub(super) fn timestamp_seconds(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let seconds = call.argument(0)?;
    let typed = match seconds.data_type {
        DataType::Float | DataType::Double => {
            crate::cast::cast(seconds, &DataType::Timestamp, crate::cast::Mode::Try, call.settings)?
        }
        DataType::Decimal { .. } => {
            let scale = match seconds.data_type {
                DataType::Decimal { scale, .. } => scale,
                _ => 0,
            };
            compute("of_decimal_seconds", DataType::Timestamp, false, [seconds, Typed::int(scale.into())])?
        }
        _ if !seconds.data_type.is_integral() && seconds.data_type != DataType::Null => {
            return Err(call.unexpected(0, &seconds.data_type, "NUMERIC"));
        }
        _ => compute("of_units", DataType::Timestamp, false, [call.long(0)?, Typed::long(US_PER_SECOND)])?,
    };
    Ok(call.shown(typed))
}

pub(super) fn timestamp_millis(call: &Call<'_>) -> SparkResult<Typed> {
    of_units(call, 1000)
}

pub(super) fn timestamp_micros(call: &Call<'_>) -> SparkResult<Typed> {
    of_units(call, 1)
}

fn of_units(call: &Call<'_>, unit: i64) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(compute(
        "of_units",
        DataType::Timestamp,
        false,
        [call.cast_no_text(0, &DataType::Long)?, Typed::long(unit)],
    )?))
}

pub(super) fn of_units_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (values, unit) = (longs(&arguments[0]), longs(&arguments[1]).value(0));
    each::<TimestampMicrosecondType>(arguments, rows, |row| {
        values.value(row).checked_mul(unit).map(Some).ok_or_else(|| spark_error(arithmetic_overflow("long", "")))
    })
}

/// Fails for what is finer than a microsecond, as Spark does.
pub(super) fn of_decimal_seconds_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let values = arguments[0].as_primitive::<Decimal128Type>();
    let unit = 10_i128.pow(super::operation::ints(&arguments[1]).value(0).max(0) as u32);
    each::<TimestampMicrosecondType>(arguments, rows, |row| {
        let scaled = values.value(row).checked_mul(1_000_000);
        let us = scaled.filter(|scaled| scaled % unit == 0).and_then(|scaled| i64::try_from(scaled / unit).ok());
        us.map(Some).ok_or_else(|| spark_error(arithmetic_overflow("long", "")))
    })
}

pub(super) fn date_trunc(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let arguments = [call.string(0)?, call.timestamp(1)?, zone_of(call)];
    Ok(call.shown(compute("date_trunc", DataType::Timestamp, true, arguments)?))
}

pub(super) fn trunc_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (units, values, zones) = (texts(&arguments[0]), clocks(&arguments[1]), Zones::of(&arguments[2]));
    each::<TimestampMicrosecondType>(arguments, rows, |row| {
        let (us, zone) = (values.value(row), zones.at(row)?);
        let local = zone.local(us);
        let within = |unit: i64| Some(us - local.rem_euclid(unit));
        Ok(match units.value(row).to_ascii_uppercase().as_str() {
            "MICROSECOND" => Some(us),
            "MILLISECOND" => within(1000),
            "SECOND" => within(US_PER_SECOND),
            "MINUTE" => within(US_PER_MINUTE),
            "HOUR" => within(US_PER_HOUR),
            "DAY" | "DD" => Some(zone.instant(split_day(local).0 * US_PER_DAY)),
            unit => trunc_days(split_day(local).0, unit).map(|days| zone.instant(days * US_PER_DAY)),
        })
    })
}

/// A unit of `timestampadd`: so many months, days or microseconds.
#[derive(Clone, Copy)]
enum Unit {
    Months(i64),
    Days(i64),
    Us(i64),
}

fn unit(name: &str) -> Option<Unit> {
    Some(match name.to_ascii_uppercase().as_str() {
        "MICROSECOND" => Unit::Us(1),
        "MILLISECOND" => Unit::Us(1000),
        "SECOND" => Unit::Us(US_PER_SECOND),
        "MINUTE" => Unit::Us(US_PER_MINUTE),
        "HOUR" => Unit::Us(US_PER_HOUR),
        "DAY" | "DAYOFYEAR" => Unit::Days(1),
        "WEEK" => Unit::Days(7),
        "MONTH" => Unit::Months(1),
        "QUARTER" => Unit::Months(3),
        "YEAR" => Unit::Months(12),
        _ => return None,
    })
}

fn checked_unit(call: &Call<'_>, function: &str) -> SparkResult<Typed> {
    let name = call.constant_text(0)?;
    if unit(&name).is_some() {
        return call.string(0);
    }
    Err(SparkError::new("INVALID_PARAMETER_VALUE.DATETIME_UNIT", format!("{function} knows no unit {name}"))
        .with("functionName", format!("`{function}`"))
        .with("parameter", "`unit`")
        .with("invalidValue", format!("'{name}'")))
}

/// `timestampadd(unit, n, t)`
pub(super) fn timestamp_add(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(3..=3)?;
    let unit = checked_unit(call, "timestampadd")?;
    let timestamp =
        if call.argument(2)?.data_type == DataType::TimestampNtz { call.argument(2)? } else { call.timestamp(2)? };
    let zone = if timestamp.data_type == DataType::TimestampNtz { Typed::string(UTC) } else { zone_of(call) };
    let result = timestamp.data_type.clone();
    let typed = compute("timestamp_add", result, false, [unit, call.long(1)?, timestamp, zone])?;
    Ok(call.shown_as("timestampadd", typed))
}

pub(super) fn add_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (units, counts, values) = (texts(&arguments[0]), longs(&arguments[1]), clocks(&arguments[2]));
    let zones = Zones::of(&arguments[3]);
    each::<TimestampMicrosecondType>(arguments, rows, |row| {
        let (count, us, zone) = (counts.value(row), values.value(row), zones.at(row)?);
        let sum = match unit(units.value(row)) {
            Some(Unit::Us(unit)) => count.checked_mul(unit).and_then(|all| us.checked_add(all)),
            Some(Unit::Days(days)) => count.checked_mul(days).and_then(|days| shifted(us, 0, days, 0, zone)),
            Some(Unit::Months(months)) => count.checked_mul(months).and_then(|months| shifted(us, months, 0, 0, zone)),
            None => return Ok(None),
        };
        sum.map(Some).ok_or_else(|| {
            let value = timestamp_text(zone.local(us));
            let operation = format!("add {count} {} to TIMESTAMP '{value}'", units.value(row));
            spark_error(datetime_overflow(&operation))
        })
    })
}

/// `DATETIME_OVERFLOW`
pub(super) fn datetime_overflow(operation: &str) -> SparkError {
    SparkError::new("DATETIME_OVERFLOW", format!("the result is beyond the range of its type: {operation}"))
        .with("operation", operation)
}

/// Months and days go by the clock in `zone`, microseconds by what has passed.
pub(super) fn shifted(us: i64, months: i64, days: i64, rest_us: i64, zone: Zone) -> Option<i64> {
    // Beyond any timestamp, and near enough for what follows not to overflow.
    const DAYS_BOUND: i64 = 200_000_000;
    if months == 0 && days == 0 {
        return us.checked_add(rest_us);
    }
    if months.abs() > DAYS_BOUND / 30 || days.abs() > DAYS_BOUND {
        return None;
    }
    let (day, of_day) = split_day(zone.local(us));
    let moved = add_months(day, months) + days;
    let local = moved.checked_mul(US_PER_DAY)?.checked_add(of_day)?;
    zone.instant(local).checked_add(rest_us)
}

/// `timestampdiff(unit, start, end)`
pub(super) fn timestamp_diff(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(3..=3)?;
    let unit = checked_unit(call, "timestampdiff")?;
    let clock = |index: usize| super::field::local(call, index);
    let typed = compute("timestamp_diff", DataType::Long, false, [unit, clock(1)?, clock(2)?])?;
    Ok(call.shown_as("timestampdiff", typed))
}

/// Whole units between two clocks' readings, towards zero.
pub(super) fn diff_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (units, starts, ends) = (texts(&arguments[0]), clocks(&arguments[1]), clocks(&arguments[2]));
    each::<Int64Type>(arguments, rows, |row| {
        let (start, end) = (starts.value(row), ends.value(row));
        Ok(match unit(units.value(row)) {
            Some(Unit::Us(unit)) => Some((end - start) / unit),
            Some(Unit::Days(days)) => Some((end - start) / (days * US_PER_DAY)),
            Some(Unit::Months(months)) => Some(months_passed(start, end) / months),
            None => None,
        })
    })
}

fn months_passed(start: i64, end: i64) -> i64 {
    let ((day1, us1), (day2, us2)) = (split_day(start), split_day(end));
    let (date1, date2) = (Civil::of(day1), Civil::of(day2));
    let months = (date2.year * 12 + date2.month) - (date1.year * 12 + date1.month);
    let (rest1, rest2) = ((date1.day, us1), (date2.day, us2));
    match months {
        1.. if rest2 < rest1 => months - 1,
        ..=-1 if rest2 > rest1 => months + 1,
        months => months,
    }
}
