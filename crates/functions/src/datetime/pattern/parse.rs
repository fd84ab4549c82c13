//! Reading a date and time by a pattern, as strictly as Java's `DateTimeFormatter` does.

use super::{Item, Pattern};
use crate::datetime::calendar::{Civil, US_PER_DAY, US_PER_SECOND, checked_days, is_leap, month_name};
use crate::datetime::zone::Zone;

/// What a text gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parsed {
    pub days: i32,
    pub nanos_of_day: i64,
    pub zone: Option<Zone>,
}

impl Parsed {
    /// As a local clock shows it, in microseconds.
    pub fn local_us(self) -> i64 {
        i64::from(self.days) * US_PER_DAY + self.nanos_of_day / 1000
    }
}

/// The fields that were read, before they are put together.
#[derive(Debug, Clone, Copy, Default)]
struct Fields {
    year: Option<i64>,
    before_christ: bool,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    afternoon: Option<bool>,
    hour: Option<i64>,
    hour_of_half: Option<i64>,
    minute: Option<i64>,
    second: Option<i64>,
    nanos: Option<i64>,
    zone: Option<Zone>,
}

impl Pattern {
    /// The text's date, time and zone, or what Java says is wrong with it.
    pub(crate) fn parse(&self, text: &str) -> Result<Parsed, String> {
        let mut fields = Fields::default();
        let end = read_all(&self.items, text, 0, &mut fields)
            .map_err(|index| format!("Text '{text}' could not be parsed at index {index}"))?;
        if end < text.len() {
            return Err(format!("Text '{text}' could not be parsed, unparsed text found at index {end}"));
        }
        resolve(fields).map_err(|why| format!("Text '{text}' could not be parsed: {why}"))
    }
}

/// Where the items end, or where they fail.
fn read_all(items: &[Item], text: &str, start: usize, fields: &mut Fields) -> Result<usize, usize> {
    let mut at = start;
    for (index, item) in items.iter().enumerate() {
        at = match item {
            Item::Text(expected) => {
                let found = text.get(at..at + expected.len()).ok_or(at)?;
                if !found.eq_ignore_ascii_case(expected) {
                    return Err(at);
                }
                at + expected.len()
            }
            Item::Optional(items) => {
                let mut tried = *fields;
                match read_all(items, text, at, &mut tried) {
                    Ok(end) => {
                        *fields = tried;
                        end
                    }
                    Err(_) => at,
                }
            }
            Item::Field(letter, count) => {
                let reserved = items[index + 1..].iter().map_while(fixed_width).sum();
                read_field(*letter, *count, reserved, text, at, fields)?
            }
        };
    }
    Ok(at)
}

/// The digits of a number that is as wide as its pattern. They are kept for it when the number before has no width.
fn fixed_width(item: &Item) -> Option<usize> {
    match item {
        Item::Field('y', 2) => Some(2),
        Item::Field('M' | 'L' | 'd' | 'H' | 'h' | 'k' | 'K' | 'm' | 's', 2) => Some(2),
        Item::Field('D', 3) => Some(3),
        _ => None,
    }
}

fn read_field(
    letter: char,
    count: usize,
    reserved: usize,
    text: &str,
    at: usize,
    fields: &mut Fields,
) -> Result<usize, usize> {
    let rest = text.get(at..).ok_or(at)?;
    let number = |least: usize, most: usize| -> Result<(i64, usize), usize> {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let digits = digits.saturating_sub(if most > 2 || least == 1 { reserved } else { 0 }).min(most);
        if digits < least {
            return Err(at);
        }
        Ok((rest[..digits].parse().map_err(|_| at)?, at + digits))
    };
    let width = if count == 1 { (1, 19) } else { (count, count) };
    let end;
    match letter {
        'y' => (fields.year, end) = read_year(count, reserved, rest, at)?,
        'M' | 'L' if count > 2 => {
            let (month, length) = read_month(rest, count == 3).ok_or(at)?;
            fields.month = Some(month);
            end = at + length;
        }
        'a' => {
            let half = rest.get(..2).ok_or(at)?.to_ascii_uppercase();
            fields.afternoon = Some(match half.as_str() {
                "AM" => false,
                "PM" => true,
                _ => return Err(at),
            });
            end = at + 2;
        }
        'G' => {
            let names = if count < 4 { ["AD", "BC"] } else { ["Anno Domini", "Before Christ"] };
            let found = names.iter().position(|name| starts_with_ignoring_case(rest, name)).ok_or(at)?;
            fields.before_christ = found == 1;
            end = at + names[found].len();
        }
        'S' => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count().min(count);
            if digits == 0 {
                return Err(at);
            }
            let value: i64 = rest[..digits].parse().map_err(|_| at)?;
            fields.nanos = Some(value * 10_i64.pow(9 - digits as u32));
            end = at + digits;
        }
        'V' | 'z' | 'O' | 'X' | 'x' | 'Z' => {
            let (zone, length) = read_zone(letter, count, rest).ok_or(at)?;
            fields.zone = Some(zone);
            end = at + length;
        }
        _ => {
            let width = if letter == 'D' && count == 2 { (2, 3) } else { width };
            let (value, behind) = number(width.0, width.1)?;
            end = behind;
            match letter {
                'M' | 'L' => fields.month = Some(value),
                'd' => fields.day = Some(value),
                'D' => fields.day_of_year = Some(value),
                'H' => fields.hour = Some(value),
                // Out of range stays so, for the error.
                'k' => fields.hour = Some(if value == 24 { 0 } else { value }),
                'K' => fields.hour_of_half = Some(value),
                'h' => fields.hour_of_half = Some(if value == 12 { 0 } else { value }),
                'm' => fields.minute = Some(value),
                's' => fields.second = Some(value),
                _ => return Err(at),
            }
        }
    }
    Ok(end)
}

fn read_year(count: usize, reserved: usize, rest: &str, at: usize) -> Result<(Option<i64>, usize), usize> {
    let (sign, body) = match rest.as_bytes().first() {
        Some(b'-') if count != 2 => (-1, &rest[1..]),
        Some(b'+') if count >= 4 => (1, &rest[1..]),
        _ => (1, rest),
    };
    let signed = body.len() < rest.len();
    let digits = body.bytes().take_while(u8::is_ascii_digit).count();
    let digits = match count {
        2 => digits.min(2),
        4.. if !signed => digits.saturating_sub(reserved).min(if reserved > 0 { count } else { 19 }),
        _ => digits.saturating_sub(reserved).min(19),
    };
    // Four letters take four digits, unless a sign says that there are more.
    if digits < count || (count >= 4 && !signed && digits > count) {
        return Err(at);
    }
    let value: i64 = body[..digits].parse().map_err(|_| at)?;
    let year = if count == 2 { 2000 + value } else { sign * value };
    Ok((Some(year), at + usize::from(signed) + digits))
}

fn read_month(rest: &str, short: bool) -> Option<(i64, usize)> {
    (1..=12).find_map(|month| {
        let name = if short { &month_name(month)[..3] } else { month_name(month) };
        starts_with_ignoring_case(rest, name).then_some((month, name.len()))
    })
}

fn starts_with_ignoring_case(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

/// A zone and its length.
fn read_zone(letter: char, count: usize, rest: &str) -> Option<(Zone, usize)> {
    match letter {
        'V' | 'z' => {
            let length =
                rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"/_+-:".contains(byte)).count();
            let name = &rest[..length];
            let zone = if letter == 'z' { abbreviated(name).or_else(|| Zone::parse(name)) } else { Zone::parse(name) };
            zone.map(|zone| (zone, length))
        }
        'O' => gmt(rest),
        'Z' if count == 4 => gmt(rest),
        'X' if rest.starts_with(['Z', 'z']) => Some((Zone::Utc, 1)),
        'Z' if count == 5 && rest.starts_with(['Z', 'z']) => Some((Zone::Utc, 1)),
        _ => {
            let colon = matches!((letter, count), ('X' | 'x', 3 | 5) | ('Z', 5));
            let digits = |from: usize| -> Option<&str> {
                rest.get(from..from + 2).filter(|pair| pair.bytes().all(|byte| byte.is_ascii_digit()))
            };
            if !rest.starts_with(['+', '-']) {
                return None;
            }
            let hours = digits(1)?;
            let from = if colon { 4 } else { 3 };
            let minutes = if colon && rest.as_bytes().get(3) != Some(&b':') { None } else { digits(from) };
            if minutes.is_none() && count != 1 {
                return None;
            }
            let text = format!("{}{hours}:{}", &rest[..1], minutes.unwrap_or("00"));
            Some((Zone::parse(&text)?, if minutes.is_some() { from + 2 } else { 3 }))
        }
    }
}

fn gmt(rest: &str) -> Option<(Zone, usize)> {
    if !starts_with_ignoring_case(rest, "GMT") {
        return None;
    }
    let tail = &rest[3..];
    if !tail.starts_with(['+', '-']) {
        return Some((Zone::Utc, 3));
    }
    let length = 1 + tail[1..].bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b':').count();
    Zone::parse(&tail[..length]).map(|zone| (zone, 3 + length))
}

/// The zone that a name such as `PDT` most often means.
fn abbreviated(name: &str) -> Option<Zone> {
    let region = match name.to_ascii_uppercase().as_str() {
        "PST" | "PDT" | "PT" => "America/Los_Angeles",
        "MST" | "MDT" | "MT" => "America/Denver",
        "CST" | "CDT" | "CT" => "America/Chicago",
        "EST" | "EDT" | "ET" => "America/New_York",
        "CET" | "CEST" => "Europe/Paris",
        "BST" => "Europe/London",
        "JST" => "Asia/Tokyo",
        "IST" => "Asia/Kolkata",
        _ => return None,
    };
    Zone::parse(region)
}

fn resolve(fields: Fields) -> Result<Parsed, String> {
    let within = |value: Option<i64>, name: &str, least: i64, most: i64| match value {
        Some(value) if !(least..=most).contains(&value) => {
            Err(format!("Invalid value for {name} (valid values {least} - {most}): {value}"))
        }
        value => Ok(value),
    };
    let month = within(fields.month, "MonthOfYear", 1, 12)?;
    let hour = within(fields.hour, "HourOfDay", 0, 23)?;
    let hour_of_half = within(fields.hour_of_half, "HourOfAmPm", 0, 11)?;
    let minute = within(fields.minute, "MinuteOfHour", 0, 59)?.unwrap_or(0);
    let second = within(fields.second, "SecondOfMinute", 0, 59)?.unwrap_or(0);
    let mut year = fields.year.unwrap_or(1970);
    if fields.before_christ {
        year = 1 - year;
    }
    let days = match fields.day_of_year {
        Some(day) => {
            let most = if is_leap(year) { 366 } else { 365 };
            within(Some(day), "DayOfYear", 1, most)?;
            i32::try_from(Civil { year, month: 1, day: 1 }.days() + day - 1)
                .map_err(|_| "integer overflow".to_owned())?
        }
        None => checked_days(year, month.unwrap_or(1), fields.day.unwrap_or(1))?,
    };
    let hour = match (hour, hour_of_half, fields.afternoon) {
        (Some(hour), _, Some(afternoon)) if afternoon != (hour >= 12) => {
            let (said, derived) = (i32::from(afternoon), i32::from(hour >= 12));
            return Err(format!(
                "Conflict found: Field AmPmOfDay {derived} differs from AmPmOfDay {said} derived from {hour:02}:{minute:02}"
            ));
        }
        (Some(hour), _, _) => hour,
        (None, Some(hour), afternoon) => hour + if afternoon == Some(true) { 12 } else { 0 },
        (None, None, Some(true)) => 12,
        (None, None, _) => 0,
    };
    let seconds = hour * 3600 + minute * 60 + second;
    let nanos_of_day = seconds * 1_000_000_000 + fields.nanos.unwrap_or(0);
    debug_assert!(nanos_of_day < 86_400 * 1000 * US_PER_SECOND, "the fields are within their ranges");
    Ok(Parsed { days, nanos_of_day, zone: fields.zone })
}
