//! Literals: numbers, texts, and those with a type's name before them.

mod date_time;
mod interval;
mod interval_text;
mod number;
mod text;

use firesteel_spec::{CastMode, DataType, Expr, Literal, SparkError, SparkResult};

use crate::Parameters;
use crate::error::typed_literal;
use crate::lexer::Kind;
use crate::parser::Parser;

const MICROS_PER_DAY: i64 = 86_400_000_000;

impl Parser<'_> {
    /// Texts next to each other are one; a parameter may stand for it.
    pub fn text_literal(&mut self) -> SparkResult<String> {
        if let Some(Expr::Literal(Literal::String(text))) = self.parameter_at()?.as_ref().map(Expr::unlocated) {
            let text = text.clone();
            self.skip(if self.symbol("?") { 1 } else { 2 });
            return Ok(text);
        }
        if self.kind(0) != Kind::Text {
            return Err(self.unexpected());
        }
        let mut text = String::new();
        while self.kind(0) == Kind::Text {
            text::unescape(self.token_text(0), &mut text);
            self.advance();
        }
        Ok(text)
    }

    /// The value of the parameter that comes next, if one does.
    fn parameter_at(&self) -> SparkResult<Option<Expr>> {
        Ok(match self.parameters() {
            Parameters::Positional(values) if self.symbol("?") => values.get(self.marker_index()).cloned(),
            Parameters::Named(values) if self.symbol(":") => self.word(1).and_then(|name| values.get(name)).cloned(),
            _ => None,
        })
    }

    /// One text only, as within other literals.
    pub fn single_text(&mut self) -> SparkResult<String> {
        if self.kind(0) != Kind::Text {
            return Err(self.unexpected());
        }
        let mut text = String::new();
        text::unescape(self.token_text(0), &mut text);
        self.advance();
        Ok(text)
    }

    /// A number that must be whole and not negative.
    pub fn whole_number(&mut self) -> SparkResult<u64> {
        if self.kind(0) != Kind::Integer {
            return Err(self.unexpected());
        }
        let number = self.token_text(0).parse().map_err(|_| self.unexpected())?;
        self.advance();
        Ok(number)
    }

    /// `DATE '2020-01-01'` and the like.
    pub fn typed_literal(&mut self) -> SparkResult<Expr> {
        let start = self.position;
        let name = self.identifier()?.to_ascii_uppercase();
        let value = self.single_text()?;
        let invalid = || self.at(start, typed_literal(&name, &value));
        let expr = match name.as_str() {
            "DATE" => date(&value),
            "TIMESTAMP" | "TIMESTAMP_LTZ" => timestamp(&value),
            "TIMESTAMP_NTZ" => timestamp_ntz(&value),
            "TIME" => {
                date_time::time(&value).map(|nanos| Expr::Literal(Literal::Time { nanos, precision: TIME_PRECISION }))
            }
            "X" => text::binary(&value).map(|bytes| Expr::Literal(Literal::Binary(bytes))),
            _ => return Err(self.at(start, unsupported_literal(&name))),
        };
        expr.ok_or_else(invalid)
    }
}

/// Of a `TIME` without a precision.
const TIME_PRECISION: u8 = 6;

fn unsupported_literal(name: &str) -> SparkError {
    const SUPPORTED: &str = r#""DATE", "TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP", "INTERVAL", "X", "TIME""#;
    SparkError::new(
        "UNSUPPORTED_TYPED_LITERAL",
        format!("Literals of the type \"{name}\" are not supported. Supported types are {SUPPORTED}."),
    )
    .with("unsupportedType", format!("\"{name}\""))
    .with("supportedTypes", SUPPORTED)
}

/// Days that are known by name depend on the time at which the query begins.
fn named_day(value: &str) -> Option<Expr> {
    let today = || Expr::function("current_date", Vec::new());
    let days = |count| Expr::Literal(Literal::Integer(count));
    match value.trim().to_ascii_lowercase().as_str() {
        "epoch" => Some(Expr::Literal(Literal::Date(0))),
        "now" | "today" => Some(today()),
        "yesterday" => Some(Expr::function("date_sub", vec![today(), days(1)])),
        "tomorrow" => Some(Expr::function("date_add", vec![today(), days(1)])),
        _ => None,
    }
}

fn date(value: &str) -> Option<Expr> {
    named_day(value).or_else(|| date_time::date(value).map(|days| Expr::Literal(Literal::Date(days))))
}

/// Without a zone it is a time in the session's zone, which is not known here.
fn timestamp(value: &str) -> Option<Expr> {
    let name = value.trim().to_ascii_lowercase();
    if name == "now" {
        return Some(Expr::function("current_timestamp", Vec::new()));
    }
    if name == "epoch" {
        return Some(Expr::Literal(Literal::Timestamp(0)));
    }
    if let Some(day) = named_day(value) {
        return Some(Expr::Cast { expr: Box::new(day), to: DataType::Timestamp, mode: CastMode::Ansi });
    }
    match date_time::timestamp(value)? {
        date_time::Timestamp { micros, zone: date_time::Zone::Offset(seconds) } => {
            Some(Expr::Literal(Literal::Timestamp(micros.checked_sub(i64::from(seconds) * 1_000_000)?)))
        }
        _ => Some(Expr::Cast {
            expr: Box::new(Expr::Literal(Literal::String(value.to_owned()))),
            to: DataType::Timestamp,
            mode: CastMode::Ansi,
        }),
    }
}

/// A zone is ignored.
fn timestamp_ntz(value: &str) -> Option<Expr> {
    match value.trim().to_ascii_lowercase().as_str() {
        "epoch" => return Some(Expr::Literal(Literal::TimestampNtz(0))),
        "now" => return Some(Expr::function("localtimestamp", Vec::new())),
        _ => {}
    }
    if let Some(day) = named_day(value) {
        return Some(Expr::Cast { expr: Box::new(day), to: DataType::TimestampNtz, mode: CastMode::Ansi });
    }
    let timestamp = date_time::timestamp(value)?;
    if timestamp.zone == date_time::Zone::TimeOnly {
        return None;
    }
    Some(Expr::Literal(Literal::TimestampNtz(timestamp.micros)))
}
