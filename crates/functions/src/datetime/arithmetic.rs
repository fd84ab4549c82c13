//! `+ - * /` where a date, a time or an interval takes part.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType as ArrowType, Date32Type, Decimal128Type, DurationMicrosecondType, Float64Type, Int64Type,
    IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalYearMonthType, Time64NanosecondType,
    TimestampMicrosecondType,
};
use datafusion::common::{Result, internal_err};
use firesteel_spec::{DataType, DayTimeField, SparkError, SparkResult};

use super::calendar::{US_PER_DAY, add_months, split_day, timestamp_text};
use super::date::{dates, midnight};
use super::operation::{Zones, clocks, compute, each, flag, longs, texts};
use super::timestamp::{datetime_overflow, shifted, zone_of};
use crate::call::Call;
use crate::cast::{Mode, coerce};
use crate::kernel::spark_error;
use crate::operators::arithmetic_overflow;
use crate::typed::Typed;
use crate::types::UTC;

/// None if no operand is a date, a time or an interval. A name is set where Spark's is none of an operator.
pub(crate) fn arithmetic(
    call: &Call<'_>,
    operator: &str,
    left: &Typed,
    right: &Typed,
    mode: Mode,
) -> Option<SparkResult<Typed>> {
    let temporal = |value: &Typed| is_clock(&value.data_type) || is_interval(&value.data_type);
    if !temporal(left) && !temporal(right) {
        return None;
    }
    let (left, right) = (left.clone(), right.clone());
    match operator {
        "+" => add(call, left, right, mode),
        "-" => subtract(call, left, right, mode),
        "*" if is_interval(&right.data_type) => scale(call, operator, right, left, mode),
        "*" | "/" if is_interval(&left.data_type) => scale(call, operator, left, right, mode),
        _ => None,
    }
}

fn is_clock(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Date | DataType::Timestamp | DataType::TimestampNtz | DataType::Time { .. })
}

fn is_interval(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::YearMonthInterval { .. } | DataType::DayTimeInterval { .. } | DataType::CalendarInterval
    )
}

fn add(call: &Call<'_>, left: Typed, right: Typed, mode: Mode) -> Option<SparkResult<Typed>> {
    // What moves a date or a time stands behind it.
    let swap = match (&left.data_type, &right.data_type) {
        (left, right) if is_interval(left) => is_clock(right) || right.is_string(),
        (left, DataType::Date) => !is_clock(left) || matches!(left, DataType::Time { .. }),
        _ => false,
    };
    let (left, right) = if swap { (right, left) } else { (left, right) };
    moved(call, left, right, mode, 1)
}

fn subtract(call: &Call<'_>, left: Typed, right: Typed, mode: Mode) -> Option<SparkResult<Typed>> {
    use DataType as T;
    let ansi = call.settings.ansi;
    match (&left.data_type, &right.data_type) {
        (T::Date, T::Date) => Some(days_between(left, right)),
        (T::Date, text) if ansi && text.is_string() => {
            Some(coerce(right, &T::Date, call.settings).and_then(|right| days_between(left, right)))
        }
        (text, T::Date) if ansi && text.is_string() => {
            Some(coerce(left, &T::Date, call.settings).and_then(|left| days_between(left, right)))
        }
        (T::Time { .. }, T::Time { .. }) => {
            let result = T::DayTimeInterval { start: DayTimeField::Hour, end: DayTimeField::Second };
            let name = format!("{} - {}", left.name, right.name);
            Some(compute("clock_diff", result, true, [left, right]).map(|typed| typed.named(name)))
        }
        (T::Timestamp | T::TimestampNtz, other) | (other, T::Timestamp | T::TimestampNtz)
            if is_clock(other) || other.is_string() =>
        {
            let clock = |value: Typed| -> SparkResult<Typed> {
                let instant =
                    if value.data_type.is_string() { coerce(value, &T::Timestamp, call.settings)? } else { value };
                coerce(instant, &T::TimestampNtz, call.settings)
            };
            Some(clock(left).and_then(|left| compute("clock_diff", T::DAY_TIME, false, [left, clock(right)?])))
        }
        _ => moved(call, left, right, mode, -1),
    }
}

fn days_between(left: Typed, right: Typed) -> SparkResult<Typed> {
    let result = DataType::DayTimeInterval { start: DayTimeField::Day, end: DayTimeField::Day };
    compute("clock_diff", result, false, [left, right])
}

/// `left + right`, or `left - right` for the sign -1, but for differences of dates.
fn moved(call: &Call<'_>, left: Typed, right: Typed, mode: Mode, sign: i64) -> Option<SparkResult<Typed>> {
    use DataType as T;
    let operator = if sign > 0 { "+" } else { "-" };
    let plain_name = format!("{} {operator} {}", left.name, right.name);
    let date_name = if sign > 0 { "date_add" } else { "date_sub" };
    match (&left.data_type, &right.data_type) {
        (T::Date, T::DayTimeInterval { start: DayTimeField::Day, end: DayTimeField::Day }) => {
            let days = format!("extractansiintervaldays({})", right.name);
            let days = if sign > 0 { days } else { format!("(- {days})") };
            let name = format!("date_add({}, {days})", left.name);
            Some(add_interval(call, left, right, mode, sign, T::Date).map(|typed| typed.named(name)))
        }
        (T::Date, T::DayTimeInterval { .. }) => {
            let instant = coerce(left, &T::Timestamp, call.settings);
            Some(
                instant
                    .and_then(|left| Ok(add_interval(call, left, right, mode, sign, T::Timestamp)?.named(plain_name))),
            )
        }
        (T::Date | T::Timestamp | T::TimestampNtz, interval) if is_interval(interval) => {
            let result = left.data_type.clone();
            Some(add_interval(call, left, right, mode, sign, result).map(|typed| typed.named(plain_name)))
        }
        (T::Date | T::Timestamp, T::Null) => {
            let mut null = Typed::null(T::Timestamp);
            null.name = plain_name;
            Some(Ok(null))
        }
        (T::Date, text) if text.is_string() => {
            let shift = call.other(date_name, vec![left, right.clone()]);
            Some(Err(shift.unexpected(1, &right.data_type, super::date::DAYS_OF_OFFSET)))
        }
        (T::Date, _) => {
            let shift = call.other(date_name, vec![left, right]);
            let build = if sign > 0 { super::date::date_add } else { super::date::date_sub };
            Some(build(&shift).map(|mut typed| {
                typed.nullable |= mode == Mode::Try;
                typed
            }))
        }
        (text, interval) if text.is_string() && is_interval(interval) => {
            let instant = coerce(left, &T::Timestamp, call.settings);
            Some(instant.and_then(|left| {
                let sum = add_interval(call, left, right, mode, sign, T::Timestamp)?;
                Ok(coerce(sum, &T::STRING, call.settings)?.named(plain_name))
            }))
        }
        (T::Time { precision }, T::DayTimeInterval { .. }) => {
            let result = T::Time { precision: (*precision).max(6) };
            let arguments =
                [left, right.clone(), Typed::long(sign), Typed::string(&right.name), Typed::boolean(mode != Mode::Try)];
            Some(compute("time_add", result, true, arguments).map(|typed| typed.named(plain_name)))
        }
        (left_type, right_type) => {
            let Some(result) = interval_sum(left_type, right_type) else {
                let required = "(TIMESTAMP OR TIMESTAMP WITHOUT TIME ZONE)";
                let both = is_interval(left_type) && is_interval(right_type);
                return both.then(|| Err(call.unexpected(0, left_type, required)));
            };
            let operands = coerce(left, &result, call.settings).and_then(|left| {
                let right = coerce(right, &result, call.settings)?;
                let fails = mode == Mode::Ansi || (mode == Mode::Legacy && result != T::CalendarInterval);
                let rest = [Typed::long(sign), Typed::boolean(fails)];
                let arguments = [left, right].into_iter().chain(rest);
                compute("interval_add", result.clone(), !fails, arguments)
            });
            Some(operands)
        }
    }
}

/// The type of the sum of two intervals, one of which may be null.
fn interval_sum(left: &DataType, right: &DataType) -> Option<DataType> {
    match (left, right) {
        (DataType::Null, interval) | (interval, DataType::Null) if is_interval(interval) => Some(interval.clone()),
        (left, right) if is_interval(left) && is_interval(right) => crate::coerce::wider(left, right, true),
        _ => None,
    }
}

fn add_interval(
    call: &Call<'_>,
    left: Typed,
    right: Typed,
    mode: Mode,
    sign: i64,
    result: DataType,
) -> SparkResult<Typed> {
    let zone = if left.data_type == DataType::Timestamp { zone_of(call) } else { Typed::string(UTC) };
    let fails = mode != Mode::Try;
    let arguments = [left, right, Typed::long(sign), zone, Typed::boolean(fails), Typed::boolean(call.settings.ansi)];
    compute("add_interval", result, !fails, arguments)
}

/// Months, days and microseconds of an interval of any type.
fn parts(array: &ArrayRef, row: usize) -> (i64, i64, i64) {
    match array.data_type() {
        ArrowType::Duration(_) => {
            let us = array.as_primitive::<DurationMicrosecondType>().value(row);
            (0, us / US_PER_DAY, us % US_PER_DAY)
        }
        ArrowType::Interval(arrow::datatypes::IntervalUnit::YearMonth) => {
            (array.as_primitive::<IntervalYearMonthType>().value(row).into(), 0, 0)
        }
        _ => {
            let value = array.as_primitive::<IntervalMonthDayNanoType>().value(row);
            (value.months.into(), value.days.into(), value.nanoseconds / 1000)
        }
    }
}

/// A date or a timestamp, and an interval with a sign.
pub(super) fn add_interval_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let sign = longs(&arguments[2]).value(0);
    let zones = Zones::of(&arguments[3]);
    let (fails, ansi) = (flag(&arguments[4]), flag(&arguments[5]));
    if let ArrowType::Date32 = arguments[0].data_type() {
        let days = dates(&arguments[0]);
        return each::<Date32Type>(arguments, rows, |row| {
            let (months, more_days, us) = parts(&arguments[1], row);
            if us != 0 && ansi {
                return Err(spark_error(SparkError::new(
                    "INVALID_INTERVAL_WITH_MICROSECONDS_ADDITION",
                    "an interval with hours, minutes or seconds cannot be added to a date; cast it to a timestamp first",
                )));
            }
            let moved = add_months(days.value(row).into(), sign * months) + sign * more_days;
            let moved = moved.checked_mul(US_PER_DAY).map(|local| split_day(local + sign * us).0).unwrap_or(moved);
            match i32::try_from(moved) {
                Ok(moved) => Ok(Some(moved)),
                Err(_) if fails => Err(spark_error(arithmetic_overflow("integer", ""))),
                Err(_) => Ok(None),
            }
        });
    }
    let values = clocks(&arguments[0]);
    each::<TimestampMicrosecondType>(arguments, rows, |row| {
        let ((months, days, us), zone) = (parts(&arguments[1], row), zones.at(row)?);
        match shifted(values.value(row), sign * months, sign * days, sign * us, zone) {
            Some(moved) => Ok(Some(moved)),
            None if fails => {
                let value = timestamp_text(zone.local(values.value(row)));
                Err(spark_error(datetime_overflow(&format!("add an interval to TIMESTAMP '{value}'"))))
            }
            None => Ok(None),
        }
    })
}

/// Microseconds between two readings of a clock, or two dates.
pub(super) fn clock_diff_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let reading = |index: usize, row: usize| -> i64 {
        let array = &arguments[index];
        match array.data_type() {
            ArrowType::Date32 => midnight(dates(array).value(row)),
            ArrowType::Time64(_) => array.as_primitive::<Time64NanosecondType>().value(row) / 1000,
            _ => clocks(array).value(row),
        }
    };
    each::<DurationMicrosecondType>(arguments, rows, |row| {
        let difference = reading(0, row).checked_sub(reading(1, row));
        difference.map(Some).ok_or_else(|| spark_error(arithmetic_overflow("long", "")))
    })
}

pub(super) fn interval_add_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (sign, fails) = (longs(&arguments[2]).value(0), flag(&arguments[3]));
    let function = if sign > 0 { "`try_add`" } else { "`try_subtract`" };
    let refuse = || {
        SparkError::new(
            "INTERVAL_ARITHMETIC_OVERFLOW.WITH_SUGGESTION",
            format!("the interval is too long for its type; use {function} to get NULL instead"),
        )
        .with("functionName", function)
    };
    /// The sum that `$sum` gives, or the refusal.
    macro_rules! sum {
        ($arrow:ty, $sum:expr) => {{
            let (left, right) = (arguments[0].as_primitive::<$arrow>(), arguments[1].as_primitive::<$arrow>());
            each::<$arrow>(arguments, rows, |row| match $sum(left.value(row), right.value(row)) {
                None if fails => Err(spark_error(refuse())),
                sum => Ok(sum),
            })
        }};
    }
    match arguments[0].data_type() {
        ArrowType::Duration(_) => {
            sum!(DurationMicrosecondType, |left: i64, right: i64| { left.checked_add(right.checked_mul(sign)?) })
        }
        ArrowType::Interval(arrow::datatypes::IntervalUnit::YearMonth) => {
            sum!(IntervalYearMonthType, |left: i32, right: i32| left.checked_add(right.checked_mul(sign as i32)?))
        }
        _ => sum!(IntervalMonthDayNanoType, |left: IntervalMonthDayNano, right: IntervalMonthDayNano| {
            Some(IntervalMonthDayNano::new(
                left.months.checked_add(right.months.checked_mul(sign as i32)?)?,
                left.days.checked_add(right.days.checked_mul(sign as i32)?)?,
                left.nanoseconds.checked_add(right.nanoseconds.checked_mul(sign)?)?,
            ))
        }),
    }
}

/// `-interval`, or its size without the sign.
pub(crate) fn signed_interval(interval: Typed, absolute: bool) -> SparkResult<Typed> {
    let result = interval.data_type.clone();
    compute("interval_sign", result, false, [interval, Typed::boolean(absolute)])
}

pub(super) fn interval_sign_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let absolute = flag(&arguments[1]);
    let refuse = || {
        spark_error(SparkError::new(
            "INTERVAL_ARITHMETIC_OVERFLOW.WITHOUT_SUGGESTION",
            "the interval is too long for its type",
        ))
    };
    match arguments[0].data_type() {
        ArrowType::Duration(_) => {
            let values = arguments[0].as_primitive::<DurationMicrosecondType>();
            each::<DurationMicrosecondType>(arguments, rows, |row| {
                let us = values.value(row);
                let signed = if absolute { us.checked_abs() } else { us.checked_neg() };
                signed.map(Some).ok_or_else(refuse)
            })
        }
        ArrowType::Interval(arrow::datatypes::IntervalUnit::YearMonth) => {
            let values = arguments[0].as_primitive::<IntervalYearMonthType>();
            each::<IntervalYearMonthType>(arguments, rows, |row| {
                let months = values.value(row);
                let signed = if absolute { months.checked_abs() } else { months.checked_neg() };
                signed.map(Some).ok_or_else(refuse)
            })
        }
        _ => {
            let values = arguments[0].as_primitive::<IntervalMonthDayNanoType>();
            each::<IntervalMonthDayNanoType>(arguments, rows, |row| {
                let value = values.value(row);
                let signed = || {
                    let (months, days) = (value.months.checked_neg()?, value.days.checked_neg()?);
                    Some(IntervalMonthDayNano::new(months, days, value.nanoseconds.checked_neg()?))
                };
                signed().map(Some).ok_or_else(refuse)
            })
        }
    }
}

/// An interval times a number, or by one.
fn scale(call: &Call<'_>, operator: &str, interval: Typed, number: Typed, mode: Mode) -> Option<SparkResult<Typed>> {
    let is_number = number.data_type.is_numeric() || number.data_type.is_string() || number.data_type == DataType::Null;
    if !is_number {
        return None;
    }
    let is_calendar = interval.data_type == DataType::CalendarInterval;
    let result = match interval.data_type {
        DataType::YearMonthInterval { .. } => DataType::YEAR_MONTH,
        DataType::DayTimeInterval { .. } => DataType::DAY_TIME,
        _ => DataType::CalendarInterval,
    };
    let name = if is_calendar {
        let function = if operator == "*" { "multiply_interval" } else { "divide_interval" };
        format!("{function}({}, {})", interval.name, number.name)
    } else {
        format!("({} {operator} {})", interval.name, number.name)
    };
    let target = match &number.data_type {
        data_type if data_type.is_integral() && !is_calendar => DataType::Long,
        DataType::Decimal { scale, .. } if !is_calendar => DataType::Decimal { precision: 38, scale: *scale },
        _ => DataType::Double,
    };
    let digits = if let DataType::Decimal { scale, .. } = target { scale } else { 0 };
    let fails = match mode {
        Mode::Ansi => true,
        Mode::Legacy => !is_calendar,
        Mode::Try => false,
    };
    let typed = coerce(number, &target, call.settings).and_then(|number| {
        let arguments = [interval, number, Typed::string(operator), Typed::long(digits.into()), Typed::boolean(fails)];
        compute("interval_scale", result, !fails || is_calendar, arguments)
    });
    Some(typed.map(|typed| typed.named(name)))
}

pub(super) fn interval_scale_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (divides, digits) = (texts(&arguments[2]).value(0) == "/", longs(&arguments[3]).value(0));
    let fails = flag(&arguments[4]);
    let refuse = |divided_by_zero: bool| -> SparkError {
        if divided_by_zero {
            return SparkError::new(
                "INTERVAL_DIVIDED_BY_ZERO",
                "an interval cannot be divided by zero; use `try_divide` to get NULL instead",
            );
        }
        SparkError::new("INTERVAL_ARITHMETIC_OVERFLOW.WITHOUT_SUGGESTION", "the interval is too long for its type")
    };
    let number = &arguments[1];
    let is_zero = |row: usize| match number.data_type() {
        ArrowType::Int64 => number.as_primitive::<Int64Type>().value(row) == 0,
        ArrowType::Float64 => number.as_primitive::<Float64Type>().value(row) == 0.0,
        _ => number.as_primitive::<Decimal128Type>().value(row) == 0,
    };
    let scaled = |value: i64, row: usize| -> Option<i64> {
        let by = match number.data_type() {
            ArrowType::Int64 => i128::from(number.as_primitive::<Int64Type>().value(row)),
            ArrowType::Float64 => {
                let by = number.as_primitive::<Float64Type>().value(row);
                let exact = if divides { value as f64 / by } else { value as f64 * by };
                let within = exact.is_finite() && exact.abs() < i64::MAX as f64;
                return within.then(|| exact.round() as i64);
            }
            _ => number.as_primitive::<Decimal128Type>().value(row),
        };
        let unit = 10_i128.checked_pow(digits.max(0) as u32)?;
        let (dividend, divisor) = if divides {
            (i128::from(value).checked_mul(unit)?, by)
        } else {
            (i128::from(value).checked_mul(by)?, unit)
        };
        i64::try_from(half_up(dividend, divisor)).ok()
    };
    let checked = |value: Option<i64>, row: usize| match value {
        None if fails => Err(spark_error(refuse(divides && is_zero(row)))),
        value => Ok(value),
    };
    let quotient = |value: i64, row: usize| {
        let value = if divides && is_zero(row) { None } else { scaled(value, row) };
        checked(value, row)
    };
    match arguments[0].data_type() {
        ArrowType::Duration(_) => {
            let values = arguments[0].as_primitive::<DurationMicrosecondType>();
            each::<DurationMicrosecondType>(arguments, rows, |row| quotient(values.value(row), row))
        }
        ArrowType::Interval(arrow::datatypes::IntervalUnit::YearMonth) => {
            let values = arguments[0].as_primitive::<IntervalYearMonthType>();
            each::<IntervalYearMonthType>(arguments, rows, |row| {
                let months = quotient(values.value(row).into(), row)?;
                let fitting = months.filter(|months| i32::try_from(*months).is_ok());
                Ok(checked(if months.is_none() { return Ok(None) } else { fitting }, row)?.map(|months| months as i32))
            })
        }
        ArrowType::Interval(_) => each::<IntervalMonthDayNanoType>(arguments, rows, |row| {
            let by = number.as_primitive::<Float64Type>().value(row);
            if divides && by == 0.0 {
                return if fails { Err(spark_error(refuse(true))) } else { Ok(None) };
            }
            Ok(Some(calendar_scaled(parts(&arguments[0], row), by, divides)))
        }),
        other => internal_err!("no intervals: {other}"),
    }
}

/// Fractions of months are dropped; those of days become hours.
fn calendar_scaled(parts: (i64, i64, i64), by: f64, divides: bool) -> IntervalMonthDayNano {
    let scaled = |value: i64| if divides { value as f64 / by } else { value as f64 * by };
    let (months, days, us) = (scaled(parts.0), scaled(parts.1), scaled(parts.2));
    let rest_us = us + (days - days.trunc()) * US_PER_DAY as f64;
    IntervalMonthDayNano::new(months as i32, days as i32, (rest_us.round() as i64).saturating_mul(1000))
}

fn half_up(dividend: i128, divisor: i128) -> i128 {
    let (whole, rest) = (dividend / divisor, dividend % divisor);
    let up = rest.unsigned_abs() >= divisor.unsigned_abs() - rest.unsigned_abs() && rest != 0;
    let away = if (dividend < 0) == (divisor < 0) { 1 } else { -1 };
    if up { whole + away } else { whole }
}
