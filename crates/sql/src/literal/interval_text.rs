//! Intervals as text: `1 day 2 hours`, and the forms with two fields such as `1-2` and `1 02:03:04.5`
//! (`IntervalUtils` in Spark).

use firesteel_spec::{DayTimeField, SparkError, SparkResult};

use super::MICROS_PER_DAY;
use crate::error::interval_format;

/// Months, days and microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Interval {
    pub months: i64,
    pub days: i64,
    pub micros: i64,
}

/// Numbers with their units.
pub(super) fn with_units(text: &str) -> SparkResult<Interval> {
    let lower = text.trim().to_lowercase();
    let body = match lower.strip_prefix("interval") {
        Some(rest) if rest.starts_with(char::is_whitespace) => rest.trim_start(),
        _ => lower.as_str(),
    };
    if body.is_empty() {
        return Err(interval_format("INPUT_IS_EMPTY", text, "it is empty"));
    }
    let mut interval = Interval::default();
    let mut rest = body;
    while !rest.is_empty() {
        rest = one_unit(text, rest, &mut interval)?;
    }
    Ok(interval)
}

/// Adds `-1.5 seconds` or the like; answers what comes after.
fn one_unit<'a>(text: &str, rest: &'a str, interval: &mut Interval) -> SparkResult<&'a str> {
    let negative = rest.starts_with('-');
    let rest = rest.trim_start_matches(['-', '+']).trim_start();
    let end = rest.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(rest.len());
    let (number, rest) = rest.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if number.is_empty() || number == "." || fraction.contains('.') {
        return Err(interval_format("UNRECOGNIZED_NUMBER", text, "a number is missing")
            .with("number", rest.split_whitespace().next().unwrap_or_default()));
    }
    if !rest.is_empty() && !rest.starts_with(char::is_whitespace) {
        return Err(
            interval_format("INVALID_VALUE", text, "a number has to be followed by a blank").with("value", number)
        );
    }
    let rest = rest.trim_start();
    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(end);
    if unit.is_empty() {
        return Err(interval_format("MISSING_UNIT", text, "a number lacks its unit").with("word", number));
    }
    let sign = if negative { -1 } else { 1 };
    let overflow = || interval_format("ARITHMETIC_EXCEPTION", text, "a number is too large");
    let value = if whole.is_empty() { 0 } else { whole.parse::<i64>().map_err(|_| overflow())? };
    let singular = unit.strip_suffix('s').unwrap_or(unit);
    if number.contains('.') && singular != "second" {
        return Err(
            interval_format("INVALID_FRACTION", text, &format!("{unit} cannot have a fraction")).with("unit", unit)
        );
    }
    let (field, factor) = match singular {
        "year" => (&mut interval.months, 12),
        "month" => (&mut interval.months, 1),
        "week" => (&mut interval.days, 7),
        "day" => (&mut interval.days, 1),
        "hour" => (&mut interval.micros, 3_600_000_000),
        "minute" => (&mut interval.micros, 60_000_000),
        "second" => (&mut interval.micros, 1_000_000),
        "millisecond" => (&mut interval.micros, 1000),
        "microsecond" => (&mut interval.micros, 1),
        _ => {
            return Err(interval_format("INVALID_UNIT", text, &format!("{unit} is no unit")).with("unit", unit));
        }
    };
    let micros = if number.contains('.') { fraction_micros(text, fraction)? } else { 0 };
    let amount = value.checked_mul(factor).and_then(|amount| amount.checked_add(micros)).ok_or_else(overflow)?;
    *field = field.checked_add(sign * amount).ok_or_else(overflow)?;
    Ok(rest.trim_start())
}

/// The first six of up to nine digits.
fn fraction_micros(text: &str, digits: &str) -> SparkResult<i64> {
    if digits.len() > 9 {
        return Err(
            interval_format("INVALID_PRECISION", text, "a second has nine digits at most").with("value", digits)
        );
    }
    Ok(digits.bytes().chain(std::iter::repeat(b'0')).take(6).fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')))
}

/// `[+-]y-m` in months.
pub(super) fn year_to_month(text: &str) -> SparkResult<i64> {
    let unmatched = || unmatched(text, "year-month", "`[+|-]y-m`", "INTERVAL YEAR TO MONTH");
    let (sign, body) = signed(text.trim());
    let (years, months) = body.split_once('-').ok_or_else(unmatched)?;
    let (years, months) = (number(years).ok_or_else(unmatched)?, number(months).ok_or_else(unmatched)?);
    if months > 11 {
        return Err(
            interval_format("INTERVAL_PARSING", text, "there are 12 months in a year").with("interval", "year-month")
        );
    }
    let total = years.checked_mul(12).and_then(|total| total.checked_add(months));
    total.map(|total| sign * total).ok_or_else(unmatched)
}

/// The fields from `start` to `end`, such as `d h:m:s`, in microseconds.
pub(super) fn day_time(text: &str, start: DayTimeField, end: DayTimeField) -> SparkResult<i64> {
    let unmatched = || {
        let error = unmatched(text, "day-time", &format_of(start, end), &format!("INTERVAL {start} TO {end}"));
        SparkError { class: format!("{}_WITH_NOTICE", error.class), ..error }
    };
    let (sign, mut body) = signed(text.trim());
    let mut micros = 0_i64;
    let fields = [DayTimeField::Day, DayTimeField::Hour, DayTimeField::Minute, DayTimeField::Second];
    for field in fields.into_iter().filter(|field| (start..=end).contains(field)) {
        let last = field == end;
        let stop = if last { body.len() } else { body.find(separator(field)).ok_or_else(unmatched)? };
        let mut part = &body[..stop];
        if field == DayTimeField::Second
            && let Some((whole, fraction)) = part.split_once('.')
        {
            if fraction.is_empty() || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
                return Err(unmatched());
            }
            micros = micros.checked_add(fraction_micros(text, fraction)?).ok_or_else(unmatched)?;
            part = whole;
        }
        let value = number(part).ok_or_else(unmatched)?;
        if field != start && (value > limit(field) || part.len() > 2) {
            return Err(out_of_range(text, field, value));
        }
        let amount = value.checked_mul(micros_of(field)).ok_or_else(unmatched)?;
        micros = micros.checked_add(amount).ok_or_else(unmatched)?;
        body = if last { "" } else { &body[stop + 1..] };
    }
    Ok(sign * micros)
}

fn out_of_range(text: &str, field: DayTimeField, value: i64) -> SparkError {
    let name = field.to_string().to_lowercase();
    let reason = format!("{name} {value} outside range [0, {}]", limit(field));
    interval_format("DAY_TIME_PARSING", text, &reason).with("msg", &reason)
}

fn signed(text: &str) -> (i64, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn number(text: &str) -> Option<i64> {
    if text.is_empty() || !text.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn separator(field: DayTimeField) -> char {
    if field == DayTimeField::Day { ' ' } else { ':' }
}

fn limit(field: DayTimeField) -> i64 {
    if field == DayTimeField::Hour { 23 } else { 59 }
}

fn micros_of(field: DayTimeField) -> i64 {
    match field {
        DayTimeField::Day => MICROS_PER_DAY,
        DayTimeField::Hour => 3_600_000_000,
        DayTimeField::Minute => 60_000_000,
        DayTimeField::Second => 1_000_000,
    }
}

fn format_of(start: DayTimeField, end: DayTimeField) -> String {
    let fields = [
        (DayTimeField::Day, "d "),
        (DayTimeField::Hour, "h:"),
        (DayTimeField::Minute, "m:"),
        (DayTimeField::Second, "s.n"),
    ];
    let fields: String =
        fields.iter().filter(|(field, _)| (start..=end).contains(field)).map(|(_, name)| *name).collect();
    format!("`[+|-]{}`", fields.trim_end_matches([':', ' ']))
}

fn unmatched(text: &str, kind: &str, format: &str, type_name: &str) -> SparkError {
    interval_format("UNMATCHED_FORMAT_STRING", text, &format!("it is not of the form {format} of {type_name}"))
        .with("intervalStr", kind)
        .with("supportedFormat", format)
        .with("typeName", type_name)
}
