//! Dates, times and timestamps by patterns: `to_timestamp`, `date_format` and what is made of them.

use std::cell::RefCell;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::{Time64NanosecondType, TimestampMicrosecondType};
use datafusion::common::Result;
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::calendar::US_PER_SECOND;
use super::operation::{Zones, clocks, compute, each, each_text, texts};
use super::pattern::{DEFAULT, Pattern};
use super::timestamp::{units_since_epoch, zone_of};
use crate::call::Call;
use crate::cast::{Mode, cast};
use crate::kernel::spark_error;
use crate::typed::Typed;

/// Patterns, each compiled once as long as it stays the same from row to row.
struct Patterns<'a> {
    texts: &'a StringArray,
    compile: fn(&str) -> SparkResult<Pattern>,
    last: RefCell<Option<(String, Arc<Pattern>)>>,
}

impl<'a> Patterns<'a> {
    fn of(array: &'a ArrayRef, compile: fn(&str) -> SparkResult<Pattern>) -> Self {
        Self { texts: texts(array), compile, last: RefCell::new(None) }
    }

    fn at(&self, row: usize) -> Result<Arc<Pattern>> {
        let text = self.texts.value(row);
        if let Some((last, pattern)) = &*self.last.borrow()
            && last == text
        {
            return Ok(Arc::clone(pattern));
        }
        let pattern = Arc::new((self.compile)(text).map_err(spark_error)?);
        *self.last.borrow_mut() = Some((text.to_owned(), Arc::clone(&pattern)));
        Ok(pattern)
    }
}

pub(super) fn date_format(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    Ok(call.shown(format(call.timestamp(0)?, call.string(1)?, call)?))
}

fn format(timestamp: Typed, pattern: Typed, call: &Call<'_>) -> SparkResult<Typed> {
    compute("date_format", DataType::STRING, false, [timestamp, pattern, zone_of(call)])
}

pub(super) fn format_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (values, zones) = (clocks(&arguments[0]), Zones::of(&arguments[2]));
    let patterns = Patterns::of(&arguments[1], Pattern::for_formatting);
    each_text(arguments, rows, |row| {
        let text = patterns.at(row)?.format(values.value(row), zones.at(row)?);
        text.map(Some).map_err(spark_error)
    })
}

/// `from_unixtime(seconds [, pattern])`
pub(super) fn from_unixtime(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let seconds = call.argument(0)?;
    // Other numbers are cut, also where ANSI mode does not do so by itself.
    let seconds = if seconds.data_type.is_numeric() {
        crate::cast::coerce(seconds, &DataType::Long, call.settings)?
    } else {
        call.long(0)?
    };
    let pattern = if call.has(1) { call.string(1)? } else { Typed::string(DEFAULT) };
    let name = format!("{}({}, {})", call.name, call.argument(0)?.name, pattern.name);
    let instant = compute("of_units", DataType::Timestamp, false, [seconds, Typed::long(US_PER_SECOND)])?;
    let mut typed = format(instant, pattern, call)?.named(name);
    typed.nullable = true;
    Ok(typed)
}

fn mode(call: &Call<'_>) -> Mode {
    match (call.name.starts_with("try_"), call.settings.ansi) {
        (true, _) => Mode::Try,
        (false, true) => Mode::Ansi,
        (false, false) => Mode::Legacy,
    }
}

/// `to_timestamp(text, pattern)` of texts; dates and timestamps are cast, whatever the pattern.
fn parse(call: &Call<'_>, to: &DataType, function: &str, mode: Mode) -> SparkResult<Typed> {
    let source = call.argument(0)?;
    if !source.data_type.is_string() && source.data_type != DataType::Null {
        return cast(source, to, mode, call.settings);
    }
    let arguments = [
        call.string(0)?,
        call.string(1)?,
        if *to == DataType::TimestampNtz { Typed::string("NTZ") } else { zone_of(call) },
        Typed::boolean(mode == Mode::Ansi),
        Typed::string(function),
    ];
    compute("parse", to.clone(), mode != Mode::Ansi, arguments)
}

pub(super) fn parse_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let values = texts(&arguments[0]);
    let patterns = Patterns::of(&arguments[1], Pattern::for_parsing);
    let is_local = texts(&arguments[2]).value(0) == "NTZ";
    let zones = Zones::of(&arguments[2]);
    let (ansi, function) = (super::operation::flag(&arguments[3]), texts(&arguments[4]).value(0));
    each::<TimestampMicrosecondType>(arguments, rows, |row| match patterns.at(row)?.parse(values.value(row)) {
        Ok(parsed) if is_local => Ok(Some(parsed.local_us())),
        Ok(parsed) => {
            let zone = parsed.zone.map_or_else(|| zones.at(row), Ok)?;
            Ok(Some(zone.instant(parsed.local_us())))
        }
        Err(why) if ansi => Err(spark_error(cannot_parse(&why, function))),
        Err(_) => Ok(None),
    })
}

fn cannot_parse(why: &str, function: &str) -> SparkError {
    SparkError::new("CANNOT_PARSE_TIMESTAMP", format!("{why}; use `{function}` to get NULL instead"))
        .with("message", why)
        .with("func", format!("`{function}`"))
}

fn to(call: &Call<'_>, to: &DataType) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let mode = mode(call);
    let typed = if call.has(1) {
        parse(call, to, "try_to_timestamp", mode)?
    } else {
        cast(readable(call, to)?, to, mode, call.settings)?
    };
    Ok(call.shown(typed))
}

/// The first argument; what is neither a time nor, for an instant, a number is read as the text that shows it.
fn readable(call: &Call<'_>, to: &DataType) -> SparkResult<Typed> {
    let source = call.argument(0)?;
    match source.data_type {
        DataType::Date | DataType::Timestamp | DataType::TimestampNtz | DataType::Null => Ok(source),
        _ if *to == DataType::Timestamp => Ok(source),
        _ => call.string(0),
    }
}

/// `to_timestamp`, `to_timestamp_ltz` and `try_to_timestamp`
pub(super) fn to_timestamp(call: &Call<'_>) -> SparkResult<Typed> {
    to(call, &DataType::Timestamp)
}

pub(super) fn to_timestamp_ntz(call: &Call<'_>) -> SparkResult<Typed> {
    to(call, &DataType::TimestampNtz)
}

/// `to_date` and `try_to_date`
pub(super) fn to_date(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let mode = mode(call);
    let parsed = if call.has(1) && call.argument(0)?.data_type.is_string() {
        parse(call, &DataType::Timestamp, "try_to_date", mode)?
    } else {
        readable(call, &DataType::Date)?
    };
    Ok(call.shown(cast(parsed, &DataType::Date, mode, call.settings)?))
}

/// `to_unix_timestamp` and `unix_timestamp`
pub(super) fn to_unix_timestamp(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(0..=2)?;
    if !call.has(0) {
        let seconds = call.settings.now_us.div_euclid(US_PER_SECOND);
        return Ok(Typed::long(seconds).named(format!("{}(current_timestamp(), {DEFAULT})", call.name)));
    }
    let pattern = if call.has(1) { call.text(1)? } else { Typed::string(DEFAULT) };
    let name = format!("{}({}, {})", call.name, call.argument(0)?.name, pattern.name);
    let call = call.other(call.name, vec![call.argument(0)?, pattern]);
    let timestamp = parse(&call, &DataType::Timestamp, "try_to_timestamp", mode(&call))?;
    Ok(units_since_epoch(timestamp, US_PER_SECOND)?.named(name))
}

/// `to_time` and `try_to_time`
pub(super) fn to_time(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let fails = !call.name.starts_with("try_");
    let pattern = if call.has(1) { call.string(1)? } else { Typed::string("") };
    let arguments = [call.text(0)?, pattern, Typed::boolean(fails)];
    let typed = compute("parse_time", DataType::Time { precision: 6 }, true, arguments)?;
    if fails {
        return Ok(call.shown(typed));
    }
    let inner = crate::typed::default_name("to_time", &call.arguments);
    Ok(typed.named(format!("{}({inner})", call.name)))
}

pub(super) fn parse_time_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let values = texts(&arguments[0]);
    let patterns = Patterns::of(&arguments[1], Pattern::for_parsing);
    let fails = super::operation::flag(&arguments[2]);
    each::<Time64NanosecondType>(arguments, rows, |row| {
        let (text, pattern) = (values.value(row), texts(&arguments[1]).value(row));
        let nanos = if pattern.is_empty() {
            super::reading::read_time(text)
        } else {
            patterns.at(row)?.parse(text).ok().map(|parsed| parsed.nanos_of_day)
        };
        match nanos {
            None if fails => Err(spark_error(cannot_parse_time(text, pattern))),
            nanos => Ok(nanos),
        }
    })
}

fn cannot_parse_time(text: &str, pattern: &str) -> SparkError {
    let pattern = if pattern.is_empty() { "HH:mm:ss.SSSSSS" } else { pattern };
    SparkError::new("CANNOT_PARSE_TIME", format!("'{text}' is no time of the pattern '{pattern}'"))
        .with("input", format!("'{text}'"))
        .with("format", format!("'{pattern}'"))
}
