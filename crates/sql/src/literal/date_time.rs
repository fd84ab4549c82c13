//! Dates, times and timestamps in the forms that Spark's casts of text take (`SparkDateTimeUtils`).

use super::MICROS_PER_DAY;

const HOUR_MICROS: i64 = 3_600_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zone {
    None,
    /// Seconds east of UTC.
    Offset(i32),
    /// By name, such as `Europe/Berlin`.
    Named,
    /// There is no date: the current one is meant.
    TimeOnly,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timestamp {
    /// As if in UTC.
    pub micros: i64,
    pub zone: Zone,
}

/// `[+-]y…[-m[-d]]`; what comes after a day and a blank or `T` is ignored.
pub(super) fn date(text: &str) -> Option<i32> {
    let mut cursor = Cursor { rest: trimmed(text) };
    let days = cursor.date(7)?;
    if !(cursor.rest.is_empty() || cursor.day_given(text) && cursor.rest.starts_with([' ', 'T'])) {
        return None;
    }
    i32::try_from(days).ok()
}

/// A date, and a time and a zone after it, if any.
pub(super) fn timestamp(text: &str) -> Option<Timestamp> {
    let text = trimmed(text);
    let mut cursor = Cursor { rest: text };
    let clock = text.strip_prefix('T').unwrap_or(text);
    let hour = clock.bytes().take_while(u8::is_ascii_digit).count();
    if (1..=2).contains(&hour) && clock[hour..].starts_with(':') {
        let mut cursor = Cursor { rest: clock };
        let (micros, seconds) = cursor.clock()?;
        zone(cursor.rest, seconds)?;
        return Some(Timestamp { micros, zone: Zone::TimeOnly });
    }
    let days = cursor.date(6)?;
    let midnight = days.checked_mul(MICROS_PER_DAY)?;
    if cursor.rest.is_empty() {
        return Some(Timestamp { micros: midnight, zone: Zone::None });
    }
    if !cursor.day_given(text) || !(cursor.take(' ') || cursor.take('T')) {
        return None;
    }
    if let Ok(hour @ 0..=23) = cursor.rest.parse::<u8>()
        && cursor.rest.len() <= 2
    {
        return Some(Timestamp { micros: midnight + i64::from(hour) * HOUR_MICROS, zone: Zone::None });
    }
    let (clock, seconds) = cursor.clock()?;
    Some(Timestamp { micros: midnight.checked_add(clock)?, zone: zone(cursor.rest, seconds)? })
}

/// `h:m[:s[.f]]` with `AM` or `PM` after it, if said, in nanoseconds of a day.
pub(super) fn time(text: &str) -> Option<i64> {
    let upper = text.trim().to_ascii_uppercase();
    let half = ["AM", "PM"].iter().position(|half| upper.ends_with(half));
    let digits = if half.is_some() { upper[..upper.len() - 2].trim_end() } else { upper.as_str() };
    let mut cursor = Cursor { rest: digits.strip_prefix('T').unwrap_or(digits) };
    let (micros, _) = cursor.clock()?;
    if !cursor.rest.is_empty() {
        return None;
    }
    let micros = match half {
        None => micros,
        Some(half) => {
            let hour = micros / HOUR_MICROS;
            if !(1..=12).contains(&hour) {
                return None;
            }
            let of_day = hour % 12 + if half == 1 { 12 } else { 0 };
            micros + (of_day - hour) * HOUR_MICROS
        }
    };
    micros.checked_mul(1000)
}

fn trimmed(text: &str) -> &str {
    text.trim_matches(|character: char| character.is_whitespace() || character.is_control())
}

struct Cursor<'a> {
    rest: &'a str,
}

impl Cursor<'_> {
    fn take(&mut self, character: char) -> bool {
        match self.rest.strip_prefix(character) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// A number of `min..=max` digits.
    fn number(&mut self, min: usize, max: usize) -> Option<i64> {
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        if !(min..=max).contains(&digits) {
            return None;
        }
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        number.parse().ok()
    }

    /// Days since the epoch.
    fn date(&mut self, year_digits_max: usize) -> Option<i64> {
        let negative = self.take('-');
        if !negative {
            self.take('+');
        }
        let year = self.number(4, year_digits_max)?;
        let month = if self.take('-') { self.number(1, 2)? } else { return days(signed(year, negative), 1, 1) };
        let day = if self.take('-') { self.number(1, 2)? } else { 1 };
        days(signed(year, negative), month, day)
    }

    /// Whether the text before the rest had a year, a month and a day.
    fn day_given(&self, text: &str) -> bool {
        let text = trimmed(text);
        let read = &text[..text.len() - self.rest.len()];
        read.trim_start_matches(['+', '-']).matches('-').count() == 2
    }

    /// `h:m[:s[.f]]` in microseconds, and whether there are seconds.
    fn clock(&mut self) -> Option<(i64, bool)> {
        let hour = self.number(1, 2)?;
        if !self.take(':') {
            return None;
        }
        let minute = self.number(1, 2)?;
        let seconds = self.take(':');
        let second = if seconds { self.number(1, 2)? } else { 0 };
        let fraction = if seconds && self.take('.') { self.fraction() } else { 0 };
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        Some((((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction, seconds))
    }

    /// Microseconds; further digits are dropped.
    fn fraction(&mut self) -> i64 {
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (fraction, rest) = self.rest.split_at(digits);
        self.rest = rest;
        fraction.bytes().chain(std::iter::repeat(b'0')).take(6).fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'))
    }
}

fn signed(value: i64, negative: bool) -> i64 {
    if negative { -value } else { value }
}

/// Days since the epoch in the proleptic Gregorian calendar; none if there is no such day.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    // Years begin in March, so that the leap day is the last; an era is 400 years.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// What comes after a time; a zone only after seconds.
fn zone(text: &str, seconds_given: bool) -> Option<Zone> {
    let text = text.trim();
    if text.is_empty() {
        return Some(Zone::None);
    }
    if !seconds_given {
        return None;
    }
    if matches!(text, "Z" | "UTC" | "GMT" | "UT") {
        return Some(Zone::Offset(0));
    }
    let offset = ["UTC", "GMT", "UT"].iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text);
    if offset.starts_with(['+', '-']) {
        return seconds(offset).map(Zone::Offset);
    }
    let named = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|part| part.is_ascii_alphanumeric() || matches!(part, '/' | '_' | '-' | '+' | ':'));
    named.then_some(Zone::Named)
}

/// `+h`, `+h:m`, `+hhmm`, and with seconds; at most 18 hours.
fn seconds(offset: &str) -> Option<i32> {
    let negative = offset.starts_with('-');
    let digits = &offset[1..];
    let parts: Vec<&str> = match digits.contains(':') {
        true => digits.split(':').collect(),
        false if digits.len() > 2 => {
            (0..digits.len()).step_by(2).map(|start| digits.get(start..start + 2)).collect::<Option<_>>()?
        }
        false => vec![digits],
    };
    if parts.len() > 3 {
        return None;
    }
    let mut seconds = 0;
    for (part, unit) in parts.iter().zip([3600, 60, 1]) {
        let valid = (1..=2).contains(&part.len()) && part.bytes().all(|digit| digit.is_ascii_digit());
        let value: i32 = part.parse().ok().filter(|value| valid && (unit == 3600 || *value < 60))?;
        seconds += value * unit;
    }
    (seconds <= 18 * 3600).then_some(if negative { -seconds } else { seconds })
}
