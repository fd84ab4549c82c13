//! Numbers: whole ones have the smallest of `INT`, `BIGINT` and `DECIMAL` that holds them, those with a point are
//! decimals, and those with an exponent doubles, unless a suffix says otherwise.

use firesteel_spec::{Literal, SparkError, SparkResult};

use crate::error::precision_exceeded;
use crate::lexer::Kind;
use crate::parser::Parser;

const PRECISION_MAX: usize = 38;

impl Parser<'_> {
    pub fn number_at(&self, ahead: usize) -> bool {
        matches!(
            self.kind(ahead),
            Kind::Integer
                | Kind::Decimal
                | Kind::Exponent
                | Kind::Long
                | Kind::Short
                | Kind::Byte
                | Kind::Float
                | Kind::Double
                | Kind::BigDecimal
        )
    }

    /// A number, with the minus before it.
    pub fn number(&mut self) -> SparkResult<Literal> {
        let start = self.position;
        let negative = self.take_symbol("-");
        let kind = self.kind(0);
        if !self.number_at(0) {
            return Err(self.unexpected());
        }
        let token = self.token_text(0);
        self.advance();
        let suffix = match kind {
            Kind::Long | Kind::Short | Kind::Byte | Kind::Float | Kind::Double => 1,
            Kind::BigDecimal => 2,
            _ => 0,
        };
        let sign = if negative { "-" } else { "" };
        let text = format!("{sign}{}", &token[..token.len() - suffix]);
        literal(kind, &text).map_err(|error| self.at(start, error))
    }
}

fn literal(kind: Kind, text: &str) -> SparkResult<Literal> {
    match kind {
        Kind::Integer => {
            text.parse().map(Literal::Integer).or_else(|_| text.parse().map(Literal::Long)).or_else(|_| decimal(text))
        }
        Kind::Decimal | Kind::BigDecimal => decimal(text),
        Kind::Long => text.parse().map(Literal::Long).map_err(|_| range(text, "bigint", i64::MIN, i64::MAX)),
        Kind::Short => text.parse().map(Literal::Short).map_err(|_| range(text, "smallint", i16::MIN, i16::MAX)),
        Kind::Byte => text.parse().map(Literal::Byte).map_err(|_| range(text, "tinyint", i8::MIN, i8::MAX)),
        Kind::Float => match text.parse::<f32>() {
            Ok(value) if value.is_finite() => Ok(Literal::Float(value)),
            _ => Err(range(text, "float", "-3.4028234663852886E+38", "3.4028234663852886E+38")),
        },
        _ => match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Literal::Double(value)),
            _ => Err(range(text, "double", "-1.7976931348623157E+308", "1.7976931348623157E+308")),
        },
    }
}

fn range(text: &str, name: &str, min: impl ToString, max: impl ToString) -> SparkError {
    let (min, max) = (min.to_string(), max.to_string());
    SparkError::new(
        "INVALID_NUMERIC_LITERAL_RANGE",
        format!("Numeric literal {text} is outside the valid range for {name}, from {min} to {max}."),
    )
    .with("rawStrippedQualifier", text)
    .with("typeName", name)
    .with("minValue", min)
    .with("maxValue", max)
}

/// Digits with a point and an exponent, if any, as a decimal with as many digits as are written.
fn decimal(text: &str) -> SparkResult<Literal> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(position) => (&text[..position], text[position + 1..].parse::<i64>().unwrap_or(i64::MAX)),
        None => (text, 0),
    };
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits = format!("{whole}{fraction}").trim_start_matches('0').to_owned();
    let mut scale = i64::try_from(fraction.len()).unwrap_or(i64::MAX).saturating_sub(exponent);
    if scale < 0 {
        let zeros = usize::try_from(-scale).unwrap_or(usize::MAX);
        if !digits.is_empty() {
            if zeros > PRECISION_MAX {
                return Err(precision_exceeded(digits.len().saturating_add(zeros)));
            }
            digits.push_str(&"0".repeat(zeros));
        }
        scale = 0;
    }
    let scale = usize::try_from(scale).unwrap_or(usize::MAX);
    let precision = digits.len().max(scale).max(1);
    if precision > PRECISION_MAX {
        return Err(precision_exceeded(precision));
    }
    let unscaled: i128 =
        if digits.is_empty() { 0 } else { digits.parse().map_err(|_| precision_exceeded(precision))? };
    let unscaled = if negative { -unscaled } else { unscaled };
    let (precision, scale) = (u8::try_from(precision), i8::try_from(scale));
    match (precision, scale) {
        (Ok(precision), Ok(scale)) => Ok(Literal::Decimal { unscaled, precision, scale }),
        _ => Err(precision_exceeded(PRECISION_MAX + 1)),
    }
}
