//! Interval literals. Years and months give a year-month interval, everything else a day-time one, and both together
//! are an error: Spark makes calendar intervals from literals only in a legacy mode.

use firesteel_spec::{DayTimeField, Expr, Literal, SparkError, SparkResult, YearMonthField};

use super::MICROS_PER_DAY;
use super::interval_text::{self, Interval};
use crate::error::{interval_format, typed_literal};
use crate::lexer::Kind;
use crate::name::among;
use crate::parser::Parser;

const UNITS: [&str; 20] = [
    "YEAR",
    "YEARS",
    "MONTH",
    "MONTHS",
    "WEEK",
    "WEEKS",
    "DAY",
    "DAYS",
    "HOUR",
    "HOURS",
    "MINUTE",
    "MINUTES",
    "SECOND",
    "SECONDS",
    "MILLISECOND",
    "MILLISECONDS",
    "MICROSECOND",
    "MICROSECONDS",
    "NANOSECOND",
    "NANOSECONDS",
];

/// The field that a unit, in lower case, counts for.
enum Field {
    YearMonth(YearMonthField),
    DayTime(DayTimeField),
}

impl Parser<'_> {
    /// Whether `INTERVAL`, which comes next, begins a literal.
    pub fn at_interval(&self) -> bool {
        self.kind(1) == Kind::Text || self.at_interval_value(1)
    }

    /// A number or a parameter with a sign, and a unit after it.
    fn at_interval_value(&self, ahead: usize) -> bool {
        let value = ahead + usize::from(self.symbol_at(ahead, "-") || self.symbol_at(ahead, "+"));
        let unit = match self.kind(value) {
            Kind::Integer | Kind::Decimal | Kind::Text => value + 1,
            Kind::Symbol if self.symbol_at(value, "?") => value + 1,
            Kind::Symbol if self.symbol_at(value, ":") => value + 2,
            _ => return false,
        };
        self.is_any_at(unit, &UNITS)
    }

    pub fn interval(&mut self) -> SparkResult<Expr> {
        let start = self.position;
        self.expect("INTERVAL")?;
        if !self.at_interval_value(0) {
            let value = self.single_text()?;
            let literal = from_text(&value).map_err(|error| self.at(start, error))?;
            return Ok(Expr::Literal(literal));
        }
        let first = self.position;
        let is_text = !self.number_at(0) && !self.number_at(1);
        let value = self.interval_value()?;
        let unit = self.unit()?;
        if !is_number(&value) && !self.is("TO") {
            let message = format!("an interval with units takes a number before each unit, and not {value}");
            return Err(self.at(start, SparkError::new("_LEGACY_ERROR_TEMP_0026", message).with("value", value)));
        }
        if self.take("TO") {
            let end = self.unit()?;
            if !is_text {
                let message = "an interval from one unit to another takes a text, such as '1-2'";
                return Err(self.at(start, SparkError::new("_LEGACY_ERROR_TEMP_0027", message)));
            }
            let literal = between_units(&value, &unit, &end).map_err(|error| self.at(first, error))?;
            return Ok(Expr::Literal(literal));
        }
        let mut text = format!("{value} {unit}");
        let mut units = vec![unit];
        while self.at_interval_value(0) {
            let value = self.interval_value()?;
            let unit = self.unit()?;
            text.push_str(&format!(" {value} {unit}"));
            units.push(unit);
        }
        let interval = interval_text::with_units(&text).map_err(|error| self.at(first, error))?;
        let literal = literal(interval, &units, self.text_from(start)).map_err(|error| self.at(start, error))?;
        Ok(Expr::Literal(literal))
    }

    /// The number as text, with the sign before it applied.
    fn interval_value(&mut self) -> SparkResult<String> {
        let negative = self.symbol("-");
        if negative || self.symbol("+") {
            self.advance();
        }
        let value = match self.kind(0) {
            Kind::Integer | Kind::Decimal => {
                let number = self.token_text(0).to_owned();
                self.advance();
                number
            }
            Kind::Symbol => self.interval_parameter()?,
            _ => self.single_text()?.trim().to_owned(),
        };
        Ok(match (negative, value.strip_prefix('-')) {
            (false, _) => value,
            (true, Some(rest)) => rest.to_owned(),
            (true, None) => format!("-{}", value.strip_prefix('+').unwrap_or(&value)),
        })
    }

    fn interval_parameter(&mut self) -> SparkResult<String> {
        let start = self.position;
        let value = self.primary()?;
        match value.unlocated() {
            Expr::Literal(Literal::Integer(number)) => Ok(number.to_string()),
            Expr::Literal(Literal::Long(number)) => Ok(number.to_string()),
            Expr::Literal(Literal::String(text)) => Ok(text.trim().to_owned()),
            _ => {
                let error = SparkError::new(
                    "INVALID_TYPED_LITERAL",
                    "an interval's parameter has to be a whole number or a text",
                );
                Err(self.at(start, error.with("valueType", "\"INTERVAL\"").with("value", self.text_from(start))))
            }
        }
    }

    fn unit(&mut self) -> SparkResult<String> {
        match self.take_any(&UNITS) {
            Some(unit) => Ok(unit.to_ascii_lowercase()),
            None => Err(self.unexpected()),
        }
    }
}

/// `INTERVAL '1 day 2 hours'`
fn from_text(value: &str) -> SparkResult<Literal> {
    let interval = interval_text::with_units(value).map_err(|_| typed_literal("INTERVAL", value))?;
    let words = value.split_whitespace().map(str::to_lowercase);
    let units: Vec<_> = words.filter(|word| among(word, &UNITS)).collect();
    literal(interval, &units, &format!("INTERVAL '{value}'"))
}

fn is_number(value: &str) -> bool {
    let digits = value.strip_prefix(['-', '+']).unwrap_or(value);
    digits.contains(|digit: char| digit.is_ascii_digit())
        && digits.matches('.').count() <= 1
        && digits.bytes().all(|digit| digit.is_ascii_digit() || digit == b'.')
}

fn field(unit: &str) -> Field {
    match unit.strip_suffix('s').unwrap_or(unit) {
        "year" => Field::YearMonth(YearMonthField::Year),
        "month" => Field::YearMonth(YearMonthField::Month),
        "week" | "day" => Field::DayTime(DayTimeField::Day),
        "hour" => Field::DayTime(DayTimeField::Hour),
        "minute" => Field::DayTime(DayTimeField::Minute),
        _ => Field::DayTime(DayTimeField::Second),
    }
}

/// The type reaches from the largest to the smallest of the units.
fn literal(interval: Interval, units: &[String], text: &str) -> SparkResult<Literal> {
    let (mut year_month, mut day_time) = (Vec::new(), Vec::new());
    for unit in units {
        match field(unit) {
            Field::YearMonth(field) => year_month.push(field),
            Field::DayTime(field) => day_time.push(field),
        }
    }
    let overflow = || interval_format("ARITHMETIC_EXCEPTION", text, "a number is too large");
    match (bounds(&year_month), bounds(&day_time)) {
        (Some(_), Some(_)) => Err(SparkError::new(
            "_LEGACY_ERROR_TEMP_0029",
            format!("Cannot mix year-month and day-time fields: {text}; write two intervals"),
        )
        .with("literal", text)),
        (Some((start, end)), None) => {
            let months = i32::try_from(interval.months).map_err(|_| overflow())?;
            Ok(Literal::YearMonthInterval { months, start, end })
        }
        (None, Some((start, end))) => {
            let days = interval.days.checked_mul(MICROS_PER_DAY);
            let microseconds = days.and_then(|days| days.checked_add(interval.micros)).ok_or_else(overflow)?;
            Ok(Literal::DayTimeInterval { microseconds, start, end })
        }
        (None, None) => Err(typed_literal("INTERVAL", text)),
    }
}

fn bounds<T: Copy + Ord>(fields: &[T]) -> Option<(T, T)> {
    Some((*fields.iter().min()?, *fields.iter().max()?))
}

/// `INTERVAL '…' DAY TO SECOND` and the like.
fn between_units(value: &str, start: &str, end: &str) -> SparkResult<Literal> {
    let unsupported = || {
        interval_format("UNSUPPORTED_FROM_TO_EXPRESSION", value, &format!("there is no interval {start} to {end}"))
            .with("from", start)
            .with("to", end)
    };
    match (start, end) {
        ("year", "month") => {
            let months = i32::try_from(interval_text::year_to_month(value)?).map_err(|_| unsupported())?;
            Ok(Literal::YearMonthInterval { months, start: YearMonthField::Year, end: YearMonthField::Month })
        }
        ("day" | "hour" | "minute", "hour" | "minute" | "second") => match (field(start), field(end)) {
            (Field::DayTime(start), Field::DayTime(end)) if start < end => {
                let microseconds = interval_text::day_time(value, start, end)?;
                Ok(Literal::DayTimeInterval { microseconds, start, end })
            }
            _ => Err(unsupported()),
        },
        _ => Err(unsupported()),
    }
}
