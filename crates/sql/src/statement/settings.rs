//! `SET` and `RESET`. A setting's value is the text as it stands, up to the end of the statement.

use firesteel_spec::{Command, Expr, Literal, SparkError, SparkResult};

use crate::lexer::Kind;
use crate::parser::Parser;

const MICROS_PER_SECOND: i64 = 1_000_000;

impl Parser<'_> {
    pub(super) fn set(&mut self) -> SparkResult<Command> {
        let start = self.position;
        self.expect("SET")?;
        if self.take_all("TIME ZONE") {
            return self.set_time_zone(start);
        }
        if self.is_any(&["VARIABLE", "VAR"]) && !self.symbol_at(1, "=") && !self.symbol_at(1, ".") {
            self.advance();
            return self.set_variable();
        }
        if self.is("CATALOG") && matches!(self.kind(1), Kind::Word | Kind::Quoted | Kind::Text) {
            self.advance();
            let name = if self.kind(0) == Kind::Text { vec![self.single_text()?] } else { self.name()? };
            return Ok(Command::Use { name, catalog: true });
        }
        if self.is("ROLE") {
            return Ok(self.unsupported("SET ROLE"));
        }
        if self.is("PATH") && self.symbol_at(1, "=") {
            return Ok(self.unsupported("SET PATH"));
        }
        self.set_key(start)
    }

    /// `SET`, `SET -v`, `SET key` and `SET key = value`.
    fn set_key(&mut self, start: usize) -> SparkResult<Command> {
        if self.kind(0) == Kind::Quoted {
            let key = self.identifier()?;
            if !self.take_symbol("=") {
                return Ok(Command::Set { key: Some(key), value: None });
            }
            let value = match self.kind(0) {
                Kind::Quoted => self.identifier()?,
                _ => self.rest_of_statement().trim().to_owned(),
            };
            return Ok(Command::Set { key: Some(key), value: Some(value) });
        }
        let text = self.rest_of_statement().trim().to_owned();
        if text.is_empty() {
            return Ok(Command::Set { key: None, value: None });
        }
        if text.eq_ignore_ascii_case("-v") {
            return Ok(Command::Set { key: Some("-v".to_owned()), value: None });
        }
        let (key, value) = match text.split_once('=') {
            Some((key, value)) => (key.trim(), Some(quoted_name(value.trim()))),
            None => (text.as_str(), None),
        };
        let valid = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | ':' | '\\');
        if key.is_empty() || !key.chars().all(valid) {
            return Err(self.at(start, invalid_set(key)));
        }
        Ok(Command::Set { key: Some(key.to_owned()), value })
    }

    /// A zone's name, an interval, or `LOCAL`, the system's own.
    fn set_time_zone(&mut self, start: usize) -> SparkResult<Command> {
        if self.take("LOCAL") {
            return Ok(Command::SetTimeZone { zone: None });
        }
        if self.kind(0) == Kind::Text {
            return Ok(Command::SetTimeZone { zone: Some(self.text_literal()?) });
        }
        if !self.is("INTERVAL") || !self.at_interval() {
            return Err(self.unexpected());
        }
        let interval = self.interval()?;
        let Expr::Literal(Literal::DayTimeInterval { microseconds, .. }) = interval else {
            return Err(self.at(start, invalid_zone()));
        };
        let seconds = microseconds / MICROS_PER_SECOND;
        if seconds.abs() > 18 * 3600 || microseconds % MICROS_PER_SECOND != 0 {
            return Err(self.at(start, invalid_zone()));
        }
        let sign = if seconds < 0 { '-' } else { '+' };
        let (hours, minutes, rest) = (seconds.abs() / 3600, seconds.abs() / 60 % 60, seconds.abs() % 60);
        let rest = if rest == 0 { String::new() } else { format!(":{rest:02}") };
        Ok(Command::SetTimeZone { zone: Some(format!("{sign}{hours:02}:{minutes:02}{rest}")) })
    }

    /// `a = 1, b = 2`
    fn set_variable(&mut self) -> SparkResult<Command> {
        if self.symbol("(") {
            return Ok(self.unsupported("SET VARIABLE from a query"));
        }
        Ok(Command::SetVariable { assignments: self.comma_separated(Self::assignment)? })
    }

    pub(super) fn reset(&mut self) -> SparkResult<Command> {
        let start = self.position;
        self.expect("RESET")?;
        if self.kind(0) == Kind::Quoted {
            return Ok(Command::Reset { key: Some(self.identifier()?) });
        }
        let key = self.rest_of_statement().trim().to_owned();
        if key.contains(char::is_whitespace) {
            let message = format!("RESET takes one key; write others in backticks, as in RESET `{key}`");
            return Err(self.at(start, SparkError::new("INVALID_RESET_COMMAND_FORMAT", message)));
        }
        Ok(Command::Reset { key: (!key.is_empty()).then_some(key) })
    }
}

/// A value in backticks stands for what is within.
fn quoted_name(value: &str) -> String {
    match value.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) {
        Some(inner) => inner.replace("``", "`"),
        None => value.to_owned(),
    }
}

fn invalid_set(key: &str) -> SparkError {
    SparkError::new(
        "INVALID_SET_SYNTAX",
        format!("SET takes a key, or a key and a value after =; write other keys in backticks, as in SET `{key}`=1"),
    )
}

fn invalid_zone() -> SparkError {
    SparkError::new(
        "INVALID_INTERVAL_FORMAT.TIMEZONE_INTERVAL_OUT_OF_RANGE",
        "the interval of a time zone is one of hours, minutes and seconds from -18 to +18 hours",
    )
}
