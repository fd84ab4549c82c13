//! `make_date`, `make_timestamp`, `make_interval` and their like: values from their parts.

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{
    Date32Type, Decimal128Type, DurationMicrosecondType, IntervalMonthDayNano, IntervalMonthDayNanoType,
    IntervalYearMonthType, Time64NanosecondType, TimestampMicrosecondType,
};
use datafusion::common::{Result, ScalarValue};
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::calendar::{US_PER_DAY, US_PER_HOUR, US_PER_MINUTE, US_PER_SECOND, checked_days};
use super::date::{dates, midnight};
use super::operation::{compute, each, flag, ints};
use super::timestamp::{instant, zone_of};
use crate::call::Call;
use crate::cast::coerce;
use crate::kernel::spark_error;
use crate::operators::arithmetic_overflow;
use crate::typed::{Typed, default_name};

/// A count of seconds with microseconds.
const SECONDS: DataType = DataType::Decimal { precision: 16, scale: 6 };
const INTERVAL_SECONDS: DataType = DataType::Decimal { precision: 18, scale: 6 };

/// An argument that counts: longs are taken too, as Spark takes constants and PySpark's own examples pass them.
fn count(call: &Call<'_>, index: usize) -> SparkResult<Typed> {
    let argument = call.argument(index)?;
    if argument.data_type == DataType::Long {
        return coerce(argument, &DataType::Integer, call.settings);
    }
    call.int(index)
}

fn seconds(call: &Call<'_>, index: usize, target: &DataType) -> SparkResult<Typed> {
    let argument = call.argument(index)?;
    if argument.data_type.is_numeric() || argument.data_type.is_string() {
        return coerce(argument, target, call.settings);
    }
    call.cast(index, target)
}

fn out_of_bounds(why: &str, has_way_out: bool) -> SparkError {
    let class = if has_way_out { "WITH_SUGGESTION" } else { "WITHOUT_SUGGESTION" };
    let error = SparkError::new(
        format!("DATETIME_FIELD_OUT_OF_BOUNDS.{class}"),
        if has_way_out {
            format!("{why}; set \"spark.sql.ansi.enabled\" to \"false\" to get NULL")
        } else {
            why.to_owned()
        },
    )
    .with("rangeMessage", why);
    if has_way_out { error.with("ansiConfig", "\"spark.sql.ansi.enabled\"") } else { error }
}

pub(super) fn make_date(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(3..=3)?;
    let ansi = call.settings.ansi;
    let arguments = [count(call, 0)?, count(call, 1)?, count(call, 2)?, Typed::boolean(ansi)];
    Ok(call.shown(compute("make_date", DataType::Date, !ansi, arguments)?))
}

pub(super) fn date_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let [year, month, day] = [0, 1, 2].map(|index| ints(&arguments[index]));
    let ansi = flag(&arguments[3]);
    each::<Date32Type>(arguments, rows, |row| {
        match checked_days(year.value(row).into(), month.value(row).into(), day.value(row).into()) {
            Ok(days) => Ok(Some(days)),
            Err(why) if ansi => Err(spark_error(out_of_bounds(&why, true))),
            Err(_) => Ok(None),
        }
    })
}

/// `make_timestamp` and `make_timestamp_ltz`, with `try_` or without.
pub(super) fn make_timestamp(call: &Call<'_>) -> SparkResult<Typed> {
    let of_parts = call.arguments.len() > 3;
    let (local, zone) = if of_parts {
        call.expect(6..=7)?;
        (local(call)?, 6)
    } else {
        call.expect(1..=3)?;
        (date_and_time(call)?, 2)
    };
    // Spark does not show the zone of `try_make_timestamp` of six parts.
    let hidden = of_parts && call.name == "try_make_timestamp";
    let shown = if hidden { zone.min(call.arguments.len()) } else { call.arguments.len() };
    // Of a date and a time, the function is the one without `ltz`.
    let own = if !of_parts && call.name.ends_with("_ltz") { "make_timestamp" } else { call.name };
    let name = default_name(own, &call.arguments[..shown]);
    let zone = if call.has(zone) { call.string(zone)? } else { zone_of(call) };
    Ok(instant(local, zone)?.named(name))
}

/// `make_timestamp_ntz`, with `try_` or without.
pub(super) fn make_timestamp_ntz(call: &Call<'_>) -> SparkResult<Typed> {
    if call.arguments.len() <= 2 {
        call.expect(1..=2)?;
        let mut typed = date_and_time(call)?;
        typed.nullable = true;
        if call.name.starts_with("try_") {
            let inner = default_name("make_timestamp_ntz", &call.arguments);
            return Ok(typed.named(format!("{}({inner})", call.name)));
        }
        return Ok(call.shown(typed));
    }
    call.expect(6..=6)?;
    Ok(call.shown(local(call)?))
}

fn local(call: &Call<'_>) -> SparkResult<Typed> {
    let fails = call.settings.ansi && !call.name.starts_with("try_");
    let mut arguments = (0..5).map(|index| count(call, index)).collect::<SparkResult<Vec<_>>>()?;
    arguments.push(seconds(call, 5, &SECONDS)?);
    arguments.push(Typed::boolean(fails));
    compute("make_local", DataType::TimestampNtz, !fails, arguments)
}

fn date_and_time(call: &Call<'_>) -> SparkResult<Typed> {
    let midnight = ScalarValue::Time64Nanosecond(Some(0));
    let time = if call.has(1) {
        call.cast(1, &DataType::Time { precision: 6 })?
    } else {
        Typed::literal(midnight, DataType::Time { precision: 6 }, "")
    };
    compute("date_and_time", DataType::TimestampNtz, call.name.starts_with("try_"), [call.date(0)?, time])
}

pub(super) fn date_and_time_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (days, nanos) = (dates(&arguments[0]), arguments[1].as_primitive::<Time64NanosecondType>());
    each::<TimestampMicrosecondType>(arguments, rows, |row| {
        Ok(Some(midnight(days.value(row)) + nanos.value(row) / 1000))
    })
}

pub(super) fn local_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let parts = [0, 1, 2, 3, 4].map(|index| ints(&arguments[index]));
    let seconds = arguments[5].as_primitive::<Decimal128Type>();
    let fails = flag(&arguments[6]);
    each::<TimestampMicrosecondType>(arguments, rows, |row| {
        let [year, month, day, hour, minute] = parts.map(|part| i64::from(part.value(row)));
        let us = seconds.value(row) as i64;
        let local = checked_days(year, month, day)
            .map_err(|why| out_of_bounds(&why, true))
            .and_then(|days| Ok(midnight(days) + clock(hour, minute, us, true)?));
        match local {
            Ok(local) => Ok(Some(local)),
            Err(error) if fails => Err(spark_error(error)),
            Err(_) => Ok(None),
        }
    })
}

/// Microseconds of the day; 60 seconds are the next minute where they are `lenient`.
fn clock(hour: i64, minute: i64, us: i64, lenient: bool) -> SparkResult<i64> {
    let within = |value: i64, name: &str, most: i64| {
        if (0..=most).contains(&value) {
            return Ok(());
        }
        let why = format!("Invalid value for {name} (valid values 0 - {most}): {value}");
        Err(out_of_bounds(&why, lenient))
    };
    within(hour, "HourOfDay", 23)?;
    within(minute, "MinuteOfHour", 59)?;
    let second = us.div_euclid(US_PER_SECOND);
    if lenient && second == 60 {
        if us % US_PER_SECOND != 0 {
            let text = super::calendar::time_text(us * 1000);
            let shown = format!("60.{}", text.rsplit('.').next().unwrap_or_default());
            return Err(SparkError::new(
                "INVALID_FRACTION_OF_SECOND",
                format!("seconds go from 0 to 60, and {shown} is more; use `try_make_timestamp` to get NULL"),
            )
            .with("secAndMicros", shown));
        }
        return Ok(hour * US_PER_HOUR + (minute + 1) * US_PER_MINUTE);
    }
    within(second, "SecondOfMinute", 59)?;
    Ok(hour * US_PER_HOUR + minute * US_PER_MINUTE + us)
}

pub(super) fn make_time(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(3..=3)?;
    let arguments = [count(call, 0)?, count(call, 1)?, seconds(call, 2, &SECONDS)?];
    Ok(call.shown(compute("make_time", DataType::Time { precision: 6 }, true, arguments)?))
}

pub(super) fn time_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (hours, minutes) = (ints(&arguments[0]), ints(&arguments[1]));
    let seconds = arguments[2].as_primitive::<Decimal128Type>();
    each::<Time64NanosecondType>(arguments, rows, |row| {
        let us = clock(hours.value(row).into(), minutes.value(row).into(), seconds.value(row) as i64, false);
        Ok(Some(us.map_err(spark_error)? * 1000))
    })
}

/// The arguments, zero for those that are missing, the last of `most` a count of seconds; and the name that shows them.
fn parts(call: &Call<'_>, most: usize) -> SparkResult<(Vec<Typed>, String)> {
    call.expect(0..=most)?;
    let mut arguments = Vec::with_capacity(most + 1);
    let mut names = Vec::with_capacity(most);
    for index in 0..most {
        let is_last = index + 1 == most;
        let (value, name) = match (call.has(index), is_last) {
            (true, true) => (seconds(call, index, &INTERVAL_SECONDS)?, call.argument(index)?.name),
            (true, false) => (count(call, index)?, call.argument(index)?.name),
            (false, true) => {
                let zero = ScalarValue::Decimal128(Some(0), 18, 6);
                (Typed::literal(zero, INTERVAL_SECONDS, ""), "0.000000".to_owned())
            }
            (false, false) => (Typed::int(0), "0".to_owned()),
        };
        arguments.push(value);
        names.push(name);
    }
    Ok((arguments, format!("{}({})", call.name, names.join(", "))))
}

/// `make_interval` and `try_make_interval`
pub(super) fn make_interval(call: &Call<'_>) -> SparkResult<Typed> {
    let (mut arguments, name) = parts(call, 7)?;
    let fails = call.settings.ansi && !call.name.starts_with("try_");
    arguments.push(Typed::boolean(fails));
    Ok(compute("make_interval", DataType::CalendarInterval, !fails, arguments)?.named(name))
}

pub(super) fn interval_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let parts = [0, 1, 2, 3, 4, 5].map(|index| ints(&arguments[index]));
    let seconds = arguments[6].as_primitive::<Decimal128Type>();
    let fails = flag(&arguments[7]);
    each::<IntervalMonthDayNanoType>(arguments, rows, |row| {
        let [years, months, weeks, days, hours, minutes] = parts.map(|part| part.value(row));
        let interval = || {
            let months = years.checked_mul(12)?.checked_add(months)?;
            let days = weeks.checked_mul(7)?.checked_add(days)?;
            let us = clock_us(hours.into(), minutes.into(), seconds.value(row))?;
            Some(IntervalMonthDayNano::new(months, days, us.checked_mul(1000)?))
        };
        match interval() {
            None if fails => Err(spark_error(arithmetic_overflow("interval", ""))),
            interval => Ok(interval),
        }
    })
}

fn clock_us(hours: i64, minutes: i64, seconds: i128) -> Option<i64> {
    let us = hours.checked_mul(US_PER_HOUR)?.checked_add(minutes.checked_mul(US_PER_MINUTE)?)?;
    us.checked_add(i64::try_from(seconds).ok()?)
}

fn interval_overflow() -> SparkError {
    SparkError::new("INTERVAL_ARITHMETIC_OVERFLOW.WITHOUT_SUGGESTION", "the interval is too long for its type")
}

pub(super) fn make_dt_interval(call: &Call<'_>) -> SparkResult<Typed> {
    let (arguments, name) = parts(call, 4)?;
    Ok(compute("make_dt_interval", DataType::DAY_TIME, false, arguments)?.named(name))
}

pub(super) fn day_time_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let parts = [0, 1, 2].map(|index| ints(&arguments[index]));
    let seconds = arguments[3].as_primitive::<Decimal128Type>();
    each::<DurationMicrosecondType>(arguments, rows, |row| {
        let [days, hours, minutes] = parts.map(|part| i64::from(part.value(row)));
        let clock = clock_us(hours, minutes, seconds.value(row));
        let us = clock.and_then(|us| days.checked_mul(US_PER_DAY)?.checked_add(us));
        us.map(Some).ok_or_else(|| spark_error(interval_overflow()))
    })
}

pub(super) fn make_ym_interval(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(0..=2)?;
    let part = |index: usize| if call.has(index) { count(call, index) } else { Ok(Typed::int(0)) };
    let names: Vec<String> =
        (0..2).map(|index| call.argument(index).map_or_else(|_| "0".to_owned(), |argument| argument.name)).collect();
    let typed = compute("make_ym_interval", DataType::YEAR_MONTH, false, [part(0)?, part(1)?])?;
    Ok(typed.named(format!("{}({})", call.name, names.join(", "))))
}

pub(super) fn year_month_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (years, months) = (ints(&arguments[0]), ints(&arguments[1]));
    each::<IntervalYearMonthType>(arguments, rows, |row| {
        let all = years.value(row).checked_mul(12).and_then(|all| all.checked_add(months.value(row)));
        all.map(Some).ok_or_else(|| spark_error(interval_overflow()))
    })
}
