//! Just enough of SQL to ask what Spark was asked: literals, calls, casts and operators. And Spark's answers from a file,
//! `question`, then `    name :: type null|nn => value` or `    ERR CLASS`.

use firesteel_functions::{CastEvaluation, Settings, Typed, cast, literal, lookup};
use firesteel_spec::{CastMode, DataType, Literal, SparkError};

use crate::support::{build, outcome};

/// Compares all answers in a file; `@ansi zone` lines set the session.
pub fn check(answers: &str) {
    let mut settings = Settings::default();
    let mut failures = Vec::new();
    let mut asked = 0;
    let mut lines = answers.lines();
    while let Some(question) = lines.next() {
        if let Some((ansi, zone)) = question.strip_prefix('@').and_then(|line| line.split_once(' ')) {
            settings = Settings { ansi: ansi == "true", time_zone: zone.into(), ..Settings::default() };
            continue;
        }
        let expected = lines.next().expect("an answer").trim_start();
        let found = answer(question, &settings);
        let same = match expected.strip_prefix("ERR ") {
            // Java's own exceptions have no class.
            Some("None") => found.starts_with("ERR "),
            _ => found.replace('\n', "\\n").trim_end() == expected,
        };
        asked += 1;
        if !same {
            failures.push(format!("{question}\n   Spark: {expected}\n   found: {found}"));
        }
    }
    assert!(failures.is_empty(), "{} of {asked} differ\n{}", failures.len(), failures.join("\n"));
}

fn answer(question: &str, settings: &Settings) -> String {
    let typed = match Parser::new(question, settings).whole() {
        Ok(typed) => typed,
        Err(error) => return format!("ERR {}", error.class),
    };
    let head =
        format!("{} :: {} {}", typed.name, typed.data_type.simple_string(), if typed.nullable { "null" } else { "nn" });
    // The value's own type is checked here, and its text below.
    if let Err(class) = outcome(&typed) {
        return format!("ERR {class}");
    }
    let text = cast(typed, &DataType::STRING, CastEvaluation::Legacy, settings).expect("anything has a text");
    match outcome(&text) {
        Ok(shown) => format!("{head} => {shown}"),
        Err(class) => format!("ERR {class}"),
    }
}

struct Parser<'a> {
    rest: &'a str,
    settings: &'a Settings,
}

type Parsed = Result<Typed, SparkError>;

impl<'a> Parser<'a> {
    fn new(text: &'a str, settings: &'a Settings) -> Self {
        Self { rest: text, settings }
    }

    fn whole(mut self) -> Parsed {
        let typed = self.sum()?;
        assert!(self.rest.trim().is_empty(), "not understood: {}", self.rest);
        Ok(typed)
    }

    fn sum(&mut self) -> Parsed {
        let mut left = self.product()?;
        loop {
            let operator = match self.peek() {
                Some('+') => "+",
                Some('-') => "-",
                _ => return Ok(left),
            };
            self.take(operator);
            left = build(operator, vec![left, self.product()?], self.settings)?;
        }
    }

    fn product(&mut self) -> Parsed {
        let mut left = self.operand()?;
        loop {
            let operator = match self.peek() {
                Some('*') => "*",
                Some('/') => "/",
                _ => return Ok(left),
            };
            self.take(operator);
            left = build(operator, vec![left, self.operand()?], self.settings)?;
        }
    }

    fn operand(&mut self) -> Parsed {
        match self.peek() {
            Some('-') => {
                self.take("-");
                if self.peek().is_some_and(|next| next.is_ascii_digit()) {
                    return Ok(self.number(true));
                }
                build("-", vec![self.operand()?], self.settings)
            }
            Some('(') => {
                self.take("(");
                let inner = self.sum()?;
                self.take(")");
                Ok(inner)
            }
            Some('\'') => {
                let text = self.text();
                literal(&Literal::String(text), self.settings)
            }
            Some(digit) if digit.is_ascii_digit() => Ok(self.number(false)),
            _ => self.word_led(),
        }
    }

    fn word_led(&mut self) -> Parsed {
        let word = self.word();
        let lower = word.to_lowercase();
        if self.peek() == Some('\'') && lower != "interval" {
            let text = self.text();
            if lower == "x" {
                let bytes =
                    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex"));
                return literal(&Literal::Binary(bytes.collect()), self.settings);
            }
            return self.typed_literal(&text, &data_type(&lower));
        }
        match lower.as_str() {
            "interval" => self.interval(),
            "null" => literal(&Literal::Null(DataType::Null), self.settings),
            "true" | "false" => literal(&Literal::Boolean(lower == "true"), self.settings),
            "cast" | "try_cast" => {
                self.take("(");
                let value = self.sum()?;
                self.take("as");
                let mut open = 0;
                let closing = self.rest.find(|next: char| {
                    open += i32::from(next == '(') - i32::from(next == ')');
                    open < 0
                });
                let end = closing.expect("a closing parenthesis");
                let target = data_type(self.rest[..end].trim());
                self.rest = &self.rest[end + 1..];
                let mode = if lower == "cast" { CastMode::Session } else { CastMode::Try };
                let name = format!("{}({} AS {target})", word.to_uppercase(), value.name);
                Ok(cast(value, &target, CastEvaluation::of(mode, self.settings), self.settings)?.named(name))
            }
            _ if self.peek() == Some('(') => {
                self.take("(");
                let mut arguments = Vec::new();
                while self.peek() != Some(')') {
                    if !arguments.is_empty() {
                        let separator = if self.peek() == Some(',') { "," } else { "from" };
                        self.take(separator);
                    }
                    arguments.push(self.sum()?);
                }
                self.take(")");
                assert!(lookup(&lower).is_some(), "no function {lower}");
                build(&lower, arguments, self.settings)
            }
            // A unit, such as the `DAY` of `timestampadd`.
            _ => Ok(Typed::string(word)),
        }
    }

    /// The constant that Spark's parser makes of the text.
    fn typed_literal(&self, text: &str, data_type: &DataType) -> Parsed {
        let value = cast(Typed::string(text), data_type, CastEvaluation::Ansi, self.settings)?;
        let invalid = || SparkError::new("INVALID_TYPED_LITERAL", text);
        let scalar = value.value().cloned().ok_or_else(invalid)?;
        use datafusion::common::ScalarValue as V;
        let constant = match scalar {
            V::Date32(Some(days)) => Literal::Date(days),
            V::TimestampMicrosecond(Some(us), Some(_)) => Literal::Timestamp(us),
            V::TimestampMicrosecond(Some(us), None) => Literal::TimestampNtz(us),
            V::Time64Nanosecond(Some(nanos)) => Literal::Time { nanos, precision: 6 },
            other => panic!("no literal {other}"),
        };
        literal(&constant, self.settings)
    }

    fn interval(&mut self) -> Parsed {
        let text = match self.peek() {
            Some('\'') => self.text(),
            _ => self.word().to_owned(),
        };
        let mut fields = self.word().to_owned();
        if self.rest.trim_start().starts_with("to ") {
            self.take("to");
            fields = format!("{fields} to {}", self.word());
        }
        let data_type = data_type(&format!("interval {fields}"));
        let value = cast(Typed::string(&text), &data_type, CastEvaluation::Ansi, self.settings)?;
        use datafusion::common::ScalarValue as V;
        let constant = match (value.value().cloned().expect("a constant"), data_type) {
            (V::IntervalYearMonth(Some(months)), DataType::YearMonthInterval { start, end }) => {
                Literal::YearMonthInterval { months, start, end }
            }
            (V::DurationMicrosecond(Some(microseconds)), DataType::DayTimeInterval { start, end }) => {
                Literal::DayTimeInterval { microseconds, start, end }
            }
            (other, _) => panic!("no interval {other}"),
        };
        literal(&constant, self.settings)
    }

    fn number(&mut self, negative: bool) -> Typed {
        let rest = self.rest.trim_start();
        let plain = rest.find(|next: char| !next.is_ascii_digit() && next != '.').unwrap_or(rest.len());
        let exponent = rest[plain..]
            .strip_prefix(['e', 'E'])
            .map_or(0, |tail| 1 + tail.find(|next: char| !next.is_ascii_digit() && next != '-').unwrap_or(tail.len()));
        let (digits, behind) = rest.split_at(plain + exponent);
        let suffix = ["BD", "L", "S", "D"].into_iter().find(|suffix| behind.starts_with(suffix)).unwrap_or("");
        self.rest = &behind[suffix.len()..];
        let sign = if negative { "-" } else { "" };
        let text = format!("{sign}{digits}");
        let constant = match suffix {
            "L" => Literal::Long(text.parse().expect("a long")),
            "S" => Literal::Short(text.parse().expect("a short")),
            "D" => Literal::Double(text.parse().expect("a double")),
            "" if exponent > 0 => Literal::Double(text.parse().expect("a double")),
            "" if !digits.contains('.') => match text.parse::<i32>() {
                Ok(value) => Literal::Integer(value),
                Err(_) => Literal::Long(text.parse().expect("a long")),
            },
            _ => decimal(&text),
        };
        literal(&constant, self.settings).expect("a number")
    }

    fn text(&mut self) -> String {
        self.take("'");
        let mut text = String::new();
        let mut characters = self.rest.char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => match characters.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, other)) => text.push(other),
                    None => break,
                },
                '\'' => {
                    if characters.next_if(|(_, next)| *next == '\'').is_some() {
                        text.push('\'');
                        continue;
                    }
                    self.rest = &self.rest[at + 1..];
                    return text;
                }
                other => text.push(other),
            }
        }
        panic!("an open text: {text}")
    }

    fn word(&mut self) -> &'a str {
        let rest = self.rest.trim_start();
        let end = rest.find(|next: char| !next.is_ascii_alphanumeric() && next != '_').unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        assert!(!word.is_empty(), "not understood: {rest}");
        self.rest = behind;
        word
    }

    fn peek(&self) -> Option<char> {
        self.rest.trim_start().chars().next()
    }

    fn take(&mut self, expected: &str) {
        let rest = self.rest.trim_start();
        self.rest = rest.strip_prefix(expected).unwrap_or_else(|| panic!("no {expected} before {rest}"));
    }
}

fn decimal(text: &str) -> Literal {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut scale = fraction.len() as i32 - exponent.parse::<i32>().expect("an exponent");
    let mut unscaled: i128 = format!("{whole}{fraction}").parse().expect("digits");
    while scale < 0 {
        unscaled *= 10;
        scale += 1;
    }
    let digits = unscaled.unsigned_abs().to_string().len() as i32;
    Literal::Decimal { unscaled, precision: digits.max(scale) as u8, scale: scale as i8 }
}

fn data_type(name: &str) -> DataType {
    let name = match name {
        "int" => "integer",
        "bigint" => "long",
        "tinyint" => "byte",
        "smallint" => "short",
        "time" => "time(6)",
        other => other,
    };
    DataType::from_json(&format!("\"{name}\"")).unwrap_or_else(|error| panic!("{name}: {error}"))
}
