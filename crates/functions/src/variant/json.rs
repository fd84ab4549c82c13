//! Variants from JSON and as JSON.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::value::Variant;
use crate::cast::{java_double, java_float, plain_decimal};
use crate::datetime::calendar::{date_text, timestamp_text};
use crate::datetime::zone::{Zone, offset_text};
use crate::json::{Json, Lax, write_string};

/// The most digits that a decimal has.
const DIGITS_MAX: usize = 38;

impl Variant {
    /// `None` if the text does not begin with a value of JSON, or an object has a key twice.
    pub fn parse_json(text: &str) -> Option<Self> {
        Self::of_json(&Json::parse(text, Lax::default())?)
    }

    pub fn of_json(json: &Json) -> Option<Self> {
        Some(match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(text) => number(text)?,
            Json::String(text) => Self::String(text.clone()),
            Json::Array(elements) => Self::Array(elements.iter().map(Self::of_json).collect::<Option<_>>()?),
            Json::Object(fields) => {
                let fields = fields.iter().map(|(key, value)| Some((key.clone(), Self::of_json(value)?)));
                Self::object(fields.collect::<Option<_>>()?)?
            }
        })
    }

    /// Instants are shown in `zone`.
    pub fn write_json(&self, zone: Zone, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Long(value) => out.push_str(&value.to_string()),
            Self::Float(value) => number_text(&java_float(*value), value.is_finite(), out),
            Self::Double(value) => number_text(&java_double(*value), value.is_finite(), out),
            Self::Decimal { unscaled, scale } => out.push_str(&plain_decimal(*unscaled, *scale as i8)),
            Self::Date(days) => write_string(&date_text((*days).into()), out),
            Self::Timestamp(us) => {
                let offset = offset_text(zone.offset_at(*us), true);
                write_string(&format!("{}{offset}", timestamp_text(zone.local(*us))), out);
            }
            Self::TimestampNtz(us) => write_string(&timestamp_text(*us), out),
            Self::Binary(bytes) => write_string(&BASE64_STANDARD.encode(bytes), out),
            Self::String(text) => write_string(text, out),
            Self::Uuid(bytes) => write_string(&uuid::Uuid::from_bytes(*bytes).to_string(), out),
            Self::Array(elements) => {
                out.push('[');
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    element.write_json(zone, out);
                }
                out.push(']');
            }
            Self::Object(fields) => {
                out.push('{');
                for (index, (key, value)) in fields.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_string(key, out);
                    out.push(':');
                    value.write_json(zone, out);
                }
                out.push('}');
            }
        }
    }

    pub fn to_json(&self, zone: Zone) -> String {
        let mut out = String::new();
        self.write_json(zone, &mut out);
        out
    }
}

/// What JSON has no number for is a text.
fn number_text(text: &str, is_finite: bool, out: &mut String) {
    if is_finite { out.push_str(text) } else { write_string(text, out) }
}

/// A whole number, else a decimal if it is written without an exponent and is one, else a double.
fn number(text: &str) -> Option<Variant> {
    if let Ok(value) = text.parse() {
        return Some(Variant::Long(value));
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let fraction = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let is_plain = text.chars().all(|letter| letter.is_ascii_digit() || letter == '-' || letter == '.');
    if is_plain && digits.trim_start_matches('0').len() <= DIGITS_MAX && fraction <= DIGITS_MAX {
        let unscaled: i128 = digits.parse().ok()?;
        let sign = if text.starts_with('-') { -1 } else { 1 };
        return Some(Variant::decimal(sign * unscaled, fraction as u8));
    }
    text.parse().ok().map(Variant::Double)
}
