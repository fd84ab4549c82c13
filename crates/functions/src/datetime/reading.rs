//! Dates, timestamps and times of day as Spark's casts read them, without a pattern.

use super::calendar::{NANOS_PER_SECOND, US_PER_DAY, US_PER_HOUR, US_PER_MINUTE, US_PER_SECOND, checked_days};
use super::zone::Zone;

/// As `UTF8String.trimAll`: blanks and control characters.
pub fn trim(text: &str) -> &str {
    text.trim_matches(|character: char| character <= ' ' || character == '\u{7f}')
}

/// `[+-]yyyy[-[m]m[-[d]d]]`, and after a whole date a blank or `T` with anything behind.
pub fn read_date(text: &str) -> Option<i32> {
    let text = trim(text);
    let (negative, digits) = sign(text);
    let end = digits.find([' ', 'T']);
    let date = &digits[..end.unwrap_or(digits.len())];
    let mut parts = date.split('-');
    let year = number(parts.next()?, 4, 7)?;
    let month = parts.next().map(|part| number(part, 1, 2));
    let day = parts.next().map(|part| number(part, 1, 2));
    if parts.next().is_some() || (end.is_some() && day.is_none()) {
        return None;
    }
    let year = if negative { -year } else { year };
    checked_days(year, month.unwrap_or(Some(1))?, day.unwrap_or(Some(1))?).ok()
}

/// A timestamp without its zone, and the zone if the text has one.
pub fn read_timestamp(text: &str) -> Option<(i64, Option<Zone>)> {
    let text = trim(text);
    let (negative, digits) = sign(text);
    let end = digits.find([' ', 'T']);
    let (date, time) = match end {
        Some(end) => (&digits[..end], Some(&digits[end + 1..])),
        None => (digits, None),
    };
    let mut parts = date.split('-');
    let year = number(parts.next()?, 4, 6)?;
    let month = parts.next().map(|part| number(part, 1, 2));
    let day = parts.next().map(|part| number(part, 1, 2));
    if parts.next().is_some() || (time.is_some() && day.is_none()) {
        return None;
    }
    let year = if negative { -year } else { year };
    let days = checked_days(year, month.unwrap_or(Some(1))?, day.unwrap_or(Some(1))?).ok()?;
    let (us, zone) = match time {
        Some(time) => clock(time)?,
        None => (0, None),
    };
    let zone = match zone {
        Some(zone) => Some(Zone::parse(zone)?),
        None => None,
    };
    let local = i64::from(days).checked_mul(US_PER_DAY)?.checked_add(us)?;
    Some((local, zone))
}

/// The instant that a text means to a session in `zone`.
pub fn read_instant(text: &str, zone: Zone) -> Option<i64> {
    let (local, own) = read_timestamp(text)?;
    Some(own.unwrap_or(zone).instant(local))
}

/// `[h]h:[m]m[:[s]s[.fraction]]`, with `AM` or `PM` behind or without: nanoseconds.
pub fn read_time(text: &str) -> Option<i64> {
    let text = trim(text);
    let upper = text.to_ascii_uppercase();
    let half = ["AM", "PM"].into_iter().find(|half| upper.ends_with(half));
    let plain = if half.is_some() { trim(&text[..text.len() - 2]) } else { text };
    let plain = plain.strip_prefix('T').unwrap_or(plain);
    if !plain.contains(':') {
        return None;
    }
    let (us, zone) = clock(plain)?;
    if zone.is_some() {
        return None;
    }
    let hour = us / US_PER_HOUR;
    let us = match half {
        None => us,
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some("AM") if hour == 12 => us - 12 * US_PER_HOUR,
        Some("PM") if hour < 12 => us + 12 * US_PER_HOUR,
        Some(_) => us,
    };
    Some(us * (NANOS_PER_SECOND / US_PER_SECOND))
}

/// A clock's reading in microseconds, and what follows the seconds: a zone.
fn clock(text: &str) -> Option<(i64, Option<&str>)> {
    let (hour, rest) = leading(text)?;
    let Some(rest) = separated(rest, ':')? else { return Some((of_clock(hour, 0, 0)?, None)) };
    let (minute, rest) = leading(rest)?;
    let Some(rest) = separated(rest, ':')? else { return Some((of_clock(hour, minute, 0)?, None)) };
    let (second, rest) = leading(rest)?;
    let mut us = of_clock(hour, minute, second)?;
    let mut zone = rest;
    if let Some(fraction) = rest.strip_prefix('.') {
        let end = fraction.find(|character: char| !character.is_ascii_digit()).unwrap_or(fraction.len());
        us += fraction_us(&fraction[..end])?;
        zone = &fraction[end..];
    }
    let zone = trim(zone);
    Some((us, (!zone.is_empty()).then_some(zone)))
}

/// Digits behind the point as microseconds; what is finer is dropped.
pub fn fraction_us(digits: &str) -> Option<i64> {
    let kept = &digits[..digits.len().min(6)];
    if kept.is_empty() {
        return Some(0);
    }
    let value: i64 = kept.parse().ok()?;
    Some(value * 10_i64.pow(6 - kept.len() as u32))
}

fn of_clock(hour: i64, minute: i64, second: i64) -> Option<i64> {
    let valid = hour < 24 && minute < 60 && second < 60;
    valid.then(|| hour * US_PER_HOUR + minute * US_PER_MINUTE + second * US_PER_SECOND)
}

/// One or two digits, and the rest.
fn leading(text: &str) -> Option<(i64, &str)> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    Some((number(&text[..end], 1, 2)?, &text[end..]))
}

/// What follows a separator: none at the end, a failure if something else is there.
#[expect(clippy::option_option, reason = "the outer one is a failure")]
fn separated(rest: &str, separator: char) -> Option<Option<&str>> {
    if rest.is_empty() {
        return Some(None);
    }
    rest.strip_prefix(separator).map(Some)
}

fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn number(digits: &str, least: usize, most: usize) -> Option<i64> {
    let fits = (least..=most).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if fits { digits.parse().ok() } else { None }
}
