//! Time zones by the names that Java takes, and what local clocks show in them.

use chrono::{DateTime, NaiveDateTime, Offset, TimeZone};
use chrono_tz::Tz;
use datafusion::common::Result;
use firesteel_spec::SparkError;

use super::calendar::US_PER_SECOND;
use crate::kernel::spark_error;

/// Java's `ZoneId.SHORT_IDS`.
const SHORT: &[(&str, &str)] = &[
    ("ACT", "Australia/Darwin"),
    ("AET", "Australia/Sydney"),
    ("AGT", "America/Argentina/Buenos_Aires"),
    ("ART", "Africa/Cairo"),
    ("AST", "America/Anchorage"),
    ("BET", "America/Sao_Paulo"),
    ("BST", "Asia/Dhaka"),
    ("CAT", "Africa/Harare"),
    ("CNT", "America/St_Johns"),
    ("CST", "America/Chicago"),
    ("CTT", "Asia/Shanghai"),
    ("EAT", "Africa/Addis_Ababa"),
    ("ECT", "Europe/Paris"),
    ("IET", "America/Indiana/Indianapolis"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("MIT", "Pacific/Apia"),
    ("NET", "Asia/Yerevan"),
    ("NST", "Pacific/Auckland"),
    ("PLT", "Asia/Karachi"),
    ("PNT", "America/Phoenix"),
    ("PRT", "America/Puerto_Rico"),
    ("PST", "America/Los_Angeles"),
    ("SST", "Pacific/Guadalcanal"),
    ("VST", "Asia/Ho_Chi_Minh"),
    ("EST", "-05:00"),
    ("MST", "-07:00"),
    ("HST", "-10:00"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    Utc,
    /// Seconds east of UTC.
    Fixed(i32),
    Region(Tz),
}

impl Zone {
    /// A region, a short name, `Z`, or an offset with or without `UTC`, `GMT` or `UT` before it.
    pub fn parse(name: &str) -> Option<Self> {
        let name = SHORT.iter().find(|(short, _)| *short == name).map_or(name, |(_, full)| full);
        if matches!(name, "Z" | "UTC" | "GMT" | "UT") {
            return Some(Self::Utc);
        }
        let rest = ["UTC", "GMT", "UT"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
        if rest.starts_with(['+', '-']) {
            return offset(rest).map(Self::Fixed);
        }
        match name.parse::<Tz>() {
            Ok(Tz::UTC) => Some(Self::Utc),
            Ok(region) => Some(Self::Region(region)),
            Err(_) => None,
        }
    }

    /// As [`Self::parse`], for a kernel: `INVALID_TIMEZONE` for what is no zone.
    pub fn named(name: &str) -> Result<Self> {
        Self::parse(name).ok_or_else(|| spark_error(invalid_zone(name)))
    }

    /// Seconds east of UTC at an instant.
    pub fn offset_at(self, us: i64) -> i64 {
        match self {
            Self::Utc => 0,
            Self::Fixed(seconds) => seconds.into(),
            Self::Region(zone) => zone.offset_from_utc_datetime(&naive(us)).fix().local_minus_utc().into(),
        }
    }

    /// What a clock shows at an instant, in microseconds as if it were UTC.
    pub fn local(self, us: i64) -> i64 {
        us.saturating_add(self.offset_at(us) * US_PER_SECOND)
    }

    /// The instant at which a clock shows `local`: the earlier of two; within a gap, as much later as the gap is long.
    pub fn instant(self, local: i64) -> i64 {
        let seconds = match self {
            Self::Utc => 0,
            Self::Fixed(seconds) => i64::from(seconds),
            Self::Region(zone) => match zone.offset_from_local_datetime(&naive(local)).earliest() {
                Some(offset) => offset.fix().local_minus_utc().into(),
                // The offset before the gap.
                None => self.offset_at(local.saturating_sub(26 * 3600 * US_PER_SECOND)),
            },
        };
        local.saturating_sub(seconds * US_PER_SECOND)
    }

    /// The region's name, or the offset as Java writes it.
    pub fn id(self) -> String {
        match self {
            Self::Utc => "UTC".to_owned(),
            Self::Fixed(0) => "Z".to_owned(),
            Self::Fixed(seconds) => offset_text(seconds.into(), true),
            Self::Region(zone) => zone.name().to_owned(),
        }
    }

    /// `PST`, or the offset of a zone without such names.
    pub fn abbreviation(self, us: i64) -> String {
        match self {
            Self::Utc | Self::Fixed(_) => self.id(),
            Self::Region(zone) => {
                let offset = zone.offset_from_utc_datetime(&naive(us));
                let text = offset.to_string();
                if text.starts_with(['+', '-']) { self.id() } else { text }
            }
        }
    }
}

/// `+01:00`, `-08:00:10`
pub fn offset_text(seconds: i64, colon: bool) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let (all, separator) = (seconds.abs(), if colon { ":" } else { "" });
    let text = format!("{sign}{:02}{separator}{:02}", all / 3600, all / 60 % 60);
    if all % 60 == 0 { text } else { format!("{text}{separator}{:02}", all % 60) }
}

/// `INVALID_TIMEZONE`
pub fn invalid_zone(name: &str) -> SparkError {
    SparkError::new(
        "INVALID_TIMEZONE",
        format!("{name} is no time zone; use a region such as America/Los_Angeles, or an offset such as +01:00"),
    )
    .with("timeZone", name)
}

/// `+h`, `+hh`, `+hh:mm`, `+h:mm`, `+hh:m`, `+hhmm`, with seconds or without; up to 18 hours.
fn offset(text: &str) -> Option<i32> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits = text.get(1..)?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b':') {
        return None;
    }
    let parts: Vec<&str> = if digits.contains(':') {
        digits.split(':').collect()
    } else {
        match digits.len() {
            1 | 2 => vec![digits],
            4 => vec![&digits[..2], &digits[2..]],
            6 => vec![&digits[..2], &digits[2..4], &digits[4..]],
            _ => return None,
        }
    };
    if parts.len() > 3 || parts.iter().any(|part| part.is_empty() || part.len() > 2) {
        return None;
    }
    let number = |index: usize| parts.get(index).map_or(Some(0), |part| part.parse::<i32>().ok());
    let (hours, minutes, seconds) = (number(0)?, number(1)?, number(2)?);
    let all = hours * 3600 + minutes * 60 + seconds;
    (minutes < 60 && seconds < 60 && all <= 18 * 3600).then_some(sign * all)
}

/// Beyond what the library has, a zone keeps its first or last offset.
fn naive(us: i64) -> NaiveDateTime {
    // Some 260000 years.
    const BOUND: i64 = 8_200_000_000_000_000_000;
    DateTime::from_timestamp_micros(us.clamp(-BOUND, BOUND)).unwrap_or_default().naive_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_offsets() {
        for (name, id) in [
            ("Z", "UTC"),
            ("GMT+1", "+01:00"),
            ("+1:0", "+01:00"),
            ("-0830", "-08:30"),
            ("PST", "America/Los_Angeles"),
            ("Europe/Paris", "Europe/Paris"),
        ] {
            assert_eq!(Zone::parse(name).map(Zone::id).as_deref(), Some(id), "{name}");
        }
        for name in ["foo", "+19:00", "+", "+1:60", "europe/paris"] {
            assert_eq!(Zone::parse(name), None, "{name}");
        }
    }
}
