//! How dates and times are written in JSON, CSV and XML: the time zone, and patterns where options say some.

use arrow::array::ArrayRef;
use datafusion::common::{Result, internal_datafusion_err};
use firesteel_spec::{DataType, SparkResult};

use super::options::Options;
use crate::cast::{Decimal, decimal_of_text};
use crate::datetime::calendar::{US_PER_DAY, date_text, timestamp_text};
use crate::datetime::pattern::Pattern;
use crate::datetime::reading::{read_date, read_instant, read_timestamp};
use crate::datetime::zone::{Zone, offset_text};
use crate::kernel::spark_error;
use crate::string::rows::constant_text;
use crate::typed::Typed;
use crate::types::UTC;

/// The options that say them, in lower case.
pub(crate) const FORMATS: [&str; 4] = ["timezone", "dateformat", "timestampformat", "timestampntzformat"];

#[derive(Debug, Clone)]
pub(crate) struct Formats<'a> {
    pub zone_name: &'a str,
    pub zone: Zone,
    date: Option<Pattern>,
    timestamp: Option<Pattern>,
    timestamp_ntz: Option<Pattern>,
}

impl<'a> Formats<'a> {
    /// Constants that [`Self::for_parsing`] and [`Self::for_writing`] read.
    pub fn arguments(options: &Options, zone: &str) -> [Typed; 4] {
        let [zone_option, date, timestamp, timestamp_ntz] = FORMATS;
        let pattern = |name: &str| Typed::string(options.get(name).unwrap_or_default());
        let zone = Typed::string(options.get(zone_option).unwrap_or(zone));
        [zone, pattern(date), pattern(timestamp), pattern(timestamp_ntz)]
    }

    pub fn for_parsing(arguments: &'a [ArrayRef]) -> Result<Self> {
        Self::of(arguments, Pattern::for_parsing)
    }

    pub fn for_writing(arguments: &'a [ArrayRef]) -> Result<Self> {
        Self::of(arguments, Pattern::for_formatting)
    }

    fn of(arguments: &'a [ArrayRef], compile: impl Fn(&str) -> SparkResult<Pattern>) -> Result<Self> {
        let text = |index: usize| arguments.get(index).and_then(|array| constant_text(array));
        let pattern = |index: usize| match text(index) {
            None | Some("") => Ok(None),
            Some(pattern) => compile(pattern).map(Some).map_err(spark_error),
        };
        let zone_name = text(0).ok_or_else(|| internal_datafusion_err!("there is no time zone"))?;
        let (date, timestamp, timestamp_ntz) = (pattern(1)?, pattern(2)?, pattern(3)?);
        Ok(Self { zone_name, zone: Zone::named(zone_name)?, date, timestamp, timestamp_ntz })
    }

    /// `None` without a pattern for dates, and else the text's days if it is a date.
    pub fn read_date(&self, text: &str) -> Option<Option<i32>> {
        let pattern = self.date.as_ref()?;
        Some(pattern.parse(text).ok().map(|parsed| parsed.days))
    }

    /// As [`Self::read_date`], in microseconds.
    pub fn read_timestamp(&self, text: &str) -> Option<Option<i64>> {
        let pattern = self.timestamp.as_ref()?;
        let parsed = pattern.parse(text).ok();
        Some(parsed.map(|parsed| parsed.zone.unwrap_or(self.zone).instant(parsed.local_us())))
    }

    pub fn read_timestamp_ntz(&self, text: &str) -> Option<Option<i64>> {
        let pattern = self.timestamp_ntz.as_ref()?;
        Some(pattern.parse(text).ok().map(|parsed| parsed.local_us()))
    }

    /// Is the text a value of the type? Of types that are not read by formats it is said to be one.
    pub fn reads(&self, text: &str, data_type: &DataType) -> bool {
        match data_type {
            DataType::Date => self.read_date(text).unwrap_or_else(|| read_date(text)).is_some(),
            DataType::Timestamp => self.read_timestamp(text).unwrap_or_else(|| read_instant(text, self.zone)).is_some(),
            DataType::TimestampNtz => {
                let plain = || read_timestamp(text).map(|(local, _)| local);
                self.read_timestamp_ntz(text).unwrap_or_else(plain).is_some()
            }
            DataType::Decimal { precision, scale } => {
                matches!(decimal_of_text(text.trim(), *precision, *scale), Decimal::Value(_))
            }
            _ => true,
        }
    }

    pub fn date_text(&self, days: i32) -> Result<String> {
        match &self.date {
            Some(pattern) => written(pattern, i64::from(days) * US_PER_DAY, Zone::named(UTC)?),
            None => Ok(date_text(days.into())),
        }
    }

    pub fn timestamp_text(&self, us: i64) -> Result<String> {
        match &self.timestamp {
            Some(pattern) => written(pattern, us, self.zone),
            None => Ok(instant_text(us, self.zone)),
        }
    }

    pub fn timestamp_ntz_text(&self, us: i64) -> Result<String> {
        match &self.timestamp_ntz {
            Some(pattern) => written(pattern, us, Zone::named(UTC)?),
            None => Ok(local_text(us)),
        }
    }
}

fn written(pattern: &Pattern, instant: i64, zone: Zone) -> Result<String> {
    pattern.format(instant, zone).map_err(spark_error)
}

/// `yyyy-MM-dd'T'HH:mm:ss.SSS`
fn local_text(local: i64) -> String {
    let seconds = timestamp_text(local.div_euclid(1_000_000) * 1_000_000).replacen(' ', "T", 1);
    format!("{seconds}.{:03}", local.rem_euclid(1_000_000) / 1000)
}

/// With the zone's offset, `Z` for none.
fn instant_text(us: i64, zone: Zone) -> String {
    let local = zone.local(us);
    let offset = (local - us) / 1_000_000;
    let offset = if offset == 0 { "Z".to_owned() } else { offset_text(offset, true) };
    format!("{}{offset}", local_text(local))
}
