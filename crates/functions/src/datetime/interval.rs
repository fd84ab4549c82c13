//! Intervals as text, both ways.

use firesteel_spec::{DayTimeField, SparkError, YearMonthField};

use super::calendar::{US_PER_DAY, US_PER_HOUR, US_PER_MINUTE, US_PER_SECOND};
use super::reading::{fraction_us, trim};

/// Months, days and microseconds of a calendar interval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Parts {
    pub months: i32,
    pub days: i32,
    pub us: i64,
}

/// `1 years 2 months -3 days 4.5 seconds`, or `0 seconds`.
pub fn calendar_text(parts: Parts) -> String {
    let mut words = Vec::new();
    let mut word = |value: i64, unit: &str| {
        if value != 0 {
            words.push(format!("{value} {unit}"));
        }
    };
    word((parts.months / 12).into(), "years");
    word((parts.months % 12).into(), "months");
    word(parts.days.into(), "days");
    word(parts.us / US_PER_HOUR, "hours");
    word(parts.us / US_PER_MINUTE % 60, "minutes");
    let rest = parts.us % US_PER_MINUTE;
    if rest != 0 {
        words.push(format!("{} seconds", seconds_text(rest)));
    }
    if words.is_empty() { "0 seconds".to_owned() } else { words.join(" ") }
}

fn seconds_text(us: i64) -> String {
    let sign = if us < 0 { "-" } else { "" };
    let (whole, fraction) = (us.abs() / US_PER_SECOND, us.abs() % US_PER_SECOND);
    if fraction == 0 {
        return format!("{sign}{whole}");
    }
    format!("{sign}{whole}.{fraction:06}").trim_end_matches('0').to_owned()
}

/// `[interval] number unit number unit …`; none for what is no interval.
pub fn read_calendar(text: &str) -> Option<Parts> {
    let lower = trim(text).to_ascii_lowercase();
    let body = match lower.strip_prefix("interval") {
        Some(rest) if rest.starts_with([' ', '\t', '\n']) => rest,
        _ => lower.as_str(),
    };
    let mut words = body.split_ascii_whitespace().peekable();
    words.peek()?;
    let mut parts = Parts::default();
    while let Some(word) = words.next() {
        // The sign may stand apart.
        let (sign, digits) = match word {
            "-" => ("-", words.next()?),
            "+" => ("", words.next()?),
            word => match word.strip_prefix('-') {
                Some(digits) => ("-", digits),
                None => ("", word.strip_prefix('+').unwrap_or(word)),
            },
        };
        parts = add(parts, sign == "-", digits, words.next()?)?;
    }
    Some(parts)
}

fn add(parts: Parts, negative: bool, digits: &str, unit: &str) -> Option<Parts> {
    let unit = unit.strip_suffix('s').unwrap_or(unit);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let digit_only = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let has_point = digits.contains('.');
    if !digit_only(whole) || !digit_only(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    if has_point && (unit != "second" || fraction.len() > 9) {
        return None;
    }
    let sign = if negative { -1 } else { 1 };
    let value = if whole.is_empty() { 0 } else { whole.parse::<i64>().ok()?.checked_mul(sign)? };
    let months = |per: i64| i32::try_from(value.checked_mul(per)?).ok()?.checked_add(parts.months);
    let days = |per: i64| i32::try_from(value.checked_mul(per)?).ok()?.checked_add(parts.days);
    let us = |per: i64| value.checked_mul(per)?.checked_add(parts.us);
    Some(match unit {
        "year" => Parts { months: months(12)?, ..parts },
        "month" => Parts { months: months(1)?, ..parts },
        "week" => Parts { days: days(7)?, ..parts },
        "day" => Parts { days: days(1)?, ..parts },
        "hour" => Parts { us: us(US_PER_HOUR)?, ..parts },
        "minute" => Parts { us: us(US_PER_MINUTE)?, ..parts },
        "second" => Parts { us: us(US_PER_SECOND)?.checked_add(sign * fraction_us(fraction)?)?, ..parts },
        "millisecond" => Parts { us: us(1000)?, ..parts },
        "microsecond" => Parts { us: us(1)?, ..parts },
        _ => return None,
    })
}

/// The months of a text such as `1-2`, or of the whole literal.
pub fn read_year_month(text: &str, start: YearMonthField, end: YearMonthField) -> Option<i32> {
    let fields = if start == end { start.to_string() } else { format!("{start} TO {end}") };
    let (negative, body) = unwrapped(text, &fields)?;
    let number = |digits: &str| -> Option<i64> {
        let valid = (1..=10).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if valid { digits.parse().ok() } else { None }
    };
    let months = match (start, end) {
        (YearMonthField::Year, YearMonthField::Year) => number(&body)?.checked_mul(12)?,
        (YearMonthField::Month, _) => number(&body)?,
        (YearMonthField::Year, YearMonthField::Month) => {
            let (years, months) = body.split_once('-')?;
            let months = number(months).filter(|months| *months < 12)?;
            number(years)?.checked_mul(12)?.checked_add(months)?
        }
    };
    i32::try_from(if negative { -months } else { months }).ok()
}

/// The microseconds of a text such as `1 02:03:04.5`, or of the whole literal.
pub fn read_day_time(text: &str, start: DayTimeField, end: DayTimeField) -> Option<i64> {
    let fields = if start == end { start.to_string() } else { format!("{start} TO {end}") };
    let (negative, body) = unwrapped(text, &fields)?;
    let all = [DayTimeField::Day, DayTimeField::Hour, DayTimeField::Minute, DayTimeField::Second];
    let mut rest = body.as_str();
    let mut us: i64 = 0;
    for field in all.into_iter().filter(|field| (start..=end).contains(field)) {
        if field != start {
            rest = rest.strip_prefix(if field == DayTimeField::Hour { ' ' } else { ':' })?;
        }
        let end_of_digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, behind) = rest.split_at(end_of_digits);
        let value: i64 = if digits.len() > 13 { return None } else { digits.parse().ok()? };
        let (unit, bound) = match field {
            DayTimeField::Day => (US_PER_DAY, i64::MAX),
            DayTimeField::Hour => (US_PER_HOUR, 23),
            DayTimeField::Minute => (US_PER_MINUTE, 59),
            DayTimeField::Second => (US_PER_SECOND, 59),
        };
        if field != start && value > bound {
            return None;
        }
        us = us.checked_add(value.checked_mul(unit)?)?;
        rest = behind;
        if field == DayTimeField::Second
            && let Some(fraction) = rest.strip_prefix('.')
        {
            let valid = fraction.len() <= 9 && fraction.bytes().all(|byte| byte.is_ascii_digit());
            us = us.checked_add(if valid { fraction_us(fraction)? } else { return None })?;
            rest = "";
        }
    }
    rest.is_empty().then_some(if negative { -us } else { us })
}

/// The text between the quotes of `INTERVAL [+-]'…' fields`, or the text itself; and whether it is negative.
fn unwrapped(text: &str, fields: &str) -> Option<(bool, String)> {
    let mut body = trim(text).to_owned();
    let mut negative = false;
    if body.get(..8).is_some_and(|head| head.eq_ignore_ascii_case("interval")) {
        let upper = body.to_ascii_uppercase();
        let inner = upper[8..].trim().strip_suffix(fields)?.trim().to_owned();
        let (outer, quoted) = signed(&inner);
        negative = outer;
        body = quoted.strip_prefix('\'')?.strip_suffix('\'')?.to_owned();
    }
    let (inner, plain) = signed(&body);
    Some((negative != inner, plain.to_owned()))
}

fn signed(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// `INVALID_INTERVAL_FORMAT`: a text that is no interval of a type.
pub fn invalid_format(input: &str, type_name: &str) -> SparkError {
    let year_month = ["year", "month"].iter().any(|field| type_name.contains(field));
    let (class, kind) = if year_month {
        ("UNMATCHED_FORMAT_STRING", "year-month")
    } else {
        ("UNMATCHED_FORMAT_STRING_WITH_NOTICE", "day-time")
    };
    let fields = type_name.strip_prefix("interval ").unwrap_or_default();
    let shape = match fields {
        "year to month" => "y-m",
        "year" => "y",
        "month" => "m",
        "day" => "d",
        "day to hour" => "d h",
        "day to minute" => "d h:m",
        "day to second" => "d h:m:s.n",
        "hour" => "h",
        "hour to minute" => "h:m",
        "hour to second" => "h:m:s.n",
        "minute" => "m",
        "minute to second" => "m:s.n",
        _ => "s.n",
    };
    let format = format!("`[+|-]{shape}`, `INTERVAL [+|-]'[+|-]{shape}' {}`", fields.to_uppercase());
    SparkError::new(
        format!("INVALID_INTERVAL_FORMAT.{class}"),
        format!("'{input}' is no {kind} interval; the type {type_name} takes {format}"),
    )
    .with("input", input)
    .with("intervalStr", kind)
    .with("supportedFormat", format)
    .with("typeName", type_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calendar_intervals_are_read_and_written() {
        for (text, written) in [
            ("1 day", "1 days"),
            ("interval 1 year 2 months -3 days 4.5 seconds", "1 years 2 months -3 days 4.5 seconds"),
            ("5 minutes", "5 minutes"),
            ("- 1 week 1 millisecond", "-7 days 0.001 seconds"),
        ] {
            assert_eq!(read_calendar(text).map(calendar_text).as_deref(), Some(written), "{text}");
        }
        for text in ["foo", "", "1.5 days", "1", "interval"] {
            assert_eq!(read_calendar(text), None, "{text}");
        }
    }
}
