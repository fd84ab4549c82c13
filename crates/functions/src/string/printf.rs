//! `format_string`, whose formats are those of `java.util.Formatter`.

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{
    DataType as ArrowType, Date32Type, Decimal128Type, DecimalType, DurationMicrosecondType, Float32Type, Float64Type,
    Int8Type, Int16Type, Int32Type, Int64Type, IntervalUnit, IntervalYearMonthType, Time64NanosecondType,
    TimestampMicrosecondType,
};
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::rows::{self, each, kernels, texts};
use crate::call::Call;
use crate::cast::{java_double, java_float};
use crate::hash::text_hash;
use crate::kernel::spark_error;
use crate::typed::Typed;

kernels! {
    FORMAT_STRING = "spark_format_string", rows::text_or_null, |arrays, count| {
        each::<StringArray, _>(&arrays[..1], count, |row| {
            let values = arrays[1..].iter().map(|array| Value::of(array, row)).collect::<Option<Vec<_>>>();
            let values = values.ok_or_else(|| spark_error(SparkError::unsupported("format_string of such values")))?;
            formatted(texts(&arrays[0]).value(row), &values).map(Some).map_err(spark_error)
        })
    };
}

/// `format_string(format, values…)`
pub(super) fn format_string(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=usize::MAX)?;
    let format = call.string(0)?;
    let nullable = format.nullable;
    let mut arguments = vec![format];
    for value in &call.arguments[1..] {
        if matches!(value.data_type, DataType::Array { .. } | DataType::Map { .. } | DataType::Struct { .. }) {
            return Err(SparkError::unsupported(format!("{} of {}", call.name, value.data_type)));
        }
        arguments.push(value.clone());
    }
    let mut typed = Typed::call(&FORMAT_STRING, arguments)?;
    typed.nullable = nullable;
    Ok(call.shown(typed))
}

/// What `Formatter` is given. Dates and times are the numbers that they are inside.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Null,
    Bool(bool),
    /// With the bytes of its type.
    Whole(i64, u32),
    Float(f32),
    Double(f64),
    Text(String),
    Decimal(String),
}

impl Value {
    fn of(array: &ArrayRef, row: usize) -> Option<Self> {
        if array.is_null(row) {
            return Some(Self::Null);
        }
        macro_rules! value {
            ($arrow:ty) => {
                array.as_primitive::<$arrow>().value(row)
            };
        }
        Some(match array.data_type() {
            ArrowType::Null => Self::Null,
            ArrowType::Boolean => Self::Bool(array.as_boolean().value(row)),
            ArrowType::Int8 => Self::Whole(value!(Int8Type).into(), 1),
            ArrowType::Int16 => Self::Whole(value!(Int16Type).into(), 2),
            ArrowType::Int32 => Self::Whole(value!(Int32Type).into(), 4),
            ArrowType::Date32 => Self::Whole(value!(Date32Type).into(), 4),
            ArrowType::Interval(IntervalUnit::YearMonth) => Self::Whole(value!(IntervalYearMonthType).into(), 4),
            ArrowType::Int64 => Self::Whole(value!(Int64Type), 8),
            ArrowType::Timestamp(_, _) => Self::Whole(value!(TimestampMicrosecondType), 8),
            ArrowType::Duration(_) => Self::Whole(value!(DurationMicrosecondType), 8),
            ArrowType::Time64(_) => Self::Whole(value!(Time64NanosecondType), 8),
            ArrowType::Float32 => Self::Float(value!(Float32Type)),
            ArrowType::Float64 => Self::Double(value!(Float64Type)),
            ArrowType::Decimal128(precision, scale) => {
                Self::Decimal(Decimal128Type::format_decimal(value!(Decimal128Type), *precision, *scale))
            }
            ArrowType::Utf8 => Self::Text(texts(array).value(row).to_owned()),
            _ => return None,
        })
    }

    fn text(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Whole(value, _) => value.to_string(),
            Self::Float(value) => java_float(*value),
            Self::Double(value) => java_double(*value),
            Self::Text(text) | Self::Decimal(text) => text.clone(),
        }
    }

    /// Java's `hashCode`; a text's is the one that it has inside Spark.
    fn hash(&self) -> Option<i32> {
        let folded = |bits: u64| (bits ^ (bits >> 32)) as i32;
        Some(match self {
            Self::Null | Self::Decimal(_) => return None,
            Self::Bool(value) => {
                if *value {
                    1231
                } else {
                    1237
                }
            }
            Self::Whole(value, 8) => folded(*value as u64),
            Self::Whole(value, _) => *value as i32,
            Self::Float(value) => value.to_bits() as i32,
            Self::Double(value) => folded(value.to_bits()),
            Self::Text(text) => text_hash(text),
        })
    }
}

/// `%[index$][flags][width][.precision]conversion`
#[derive(Debug, Clone, Default)]
struct Specifier {
    written: String,
    flags: String,
    width: Option<usize>,
    precision: Option<usize>,
    conversion: char,
}

impl Specifier {
    fn has(&self, flag: char) -> bool {
        self.flags.contains(flag)
    }

    fn mismatch(&self, value: &Value) -> SparkError {
        let message = format!("the value {} does not go with the format {}", value.text(), self.written);
        SparkError::new("INVALID_FORMAT.MISMATCH_INPUT", message)
            .with("inputType", "\"STRING\"")
            .with("input", value.text())
            .with("format", self.written.clone())
    }
}

fn malformed(format: &str, why: &str) -> SparkError {
    SparkError::new("INVALID_FORMAT.UNEXPECTED_TOKEN", format!("the format '{format}' is invalid: {why}"))
        .with("format", format!("'{format}'"))
        .with("token", why)
}

/// Which value a specifier takes: the next, the one before again, or one by its number.
enum Choice {
    Next,
    Last,
    Index(usize),
}

fn formatted(format: &str, values: &[Value]) -> SparkResult<String> {
    let mut out = String::new();
    let mut rest = format;
    let (mut next, mut last) = (0, None);
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let (choice, specifier, behind) = specifier(&rest[at..]).ok_or_else(|| malformed(format, &rest[at..]))?;
        rest = behind;
        match specifier.conversion {
            'n' => {
                out.push('\n');
                continue;
            }
            '%' => {
                out.push_str(&justified("%".to_owned(), &specifier));
                continue;
            }
            _ => {}
        }
        let index = match choice {
            Choice::Next => {
                next += 1;
                Some(next - 1)
            }
            Choice::Last => last,
            Choice::Index(0) => return Err(zero_index(format)),
            Choice::Index(index) => Some(index - 1),
        };
        last = index;
        let value = index.and_then(|index| values.get(index));
        let value = value.ok_or_else(|| malformed(format, &format!("{} has no value", specifier.written)))?;
        out.push_str(&shown(&specifier, value)?);
    }
    out.push_str(rest);
    Ok(out)
}

fn zero_index(format: &str) -> SparkError {
    SparkError::new("INVALID_PARAMETER_VALUE.ZERO_INDEX", format!("the first value of '{format}' is 1$, not 0$"))
        .with("parameter", "`strfmt`")
        .with("functionName", "`format_string`")
}

/// The specifier that `text` begins with, and what is behind it.
fn specifier(text: &str) -> Option<(Choice, Specifier, &str)> {
    let mut rest = text.strip_prefix('%')?;
    let mut choice = Choice::Next;
    let number = |text: &str| text.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(text.len());
    let digits = number(rest);
    if digits > 0 && rest[digits..].starts_with('$') {
        choice = Choice::Index(rest[..digits].parse().ok()?);
        rest = &rest[digits + 1..];
    } else if let Some(behind) = rest.strip_prefix('<') {
        choice = Choice::Last;
        rest = behind;
    }
    let flags = rest.find(|letter: char| !"-#+ 0,(".contains(letter))?;
    let mut specifier = Specifier { flags: rest[..flags].to_owned(), ..Specifier::default() };
    rest = &rest[flags..];
    let digits = number(rest);
    if digits > 0 {
        specifier.width = Some(rest[..digits].parse().ok()?);
        rest = &rest[digits..];
    }
    if let Some(behind) = rest.strip_prefix('.') {
        let digits = number(behind);
        specifier.precision = Some(behind[..digits].parse().ok()?);
        rest = &behind[digits..];
    }
    specifier.conversion = rest.chars().next()?;
    rest = &rest[specifier.conversion.len_utf8()..];
    specifier.written = text[..text.len() - rest.len()].to_owned();
    // Without a width there is no side to stand on.
    if specifier.width.is_none() && (specifier.has('-') || specifier.has('0')) {
        return None;
    }
    Some((choice, specifier, rest))
}

fn shown(specifier: &Specifier, value: &Value) -> SparkResult<String> {
    let lower = specifier.conversion.to_ascii_lowercase();
    let text = match (lower, value) {
        ('b', Value::Null) => cut("false".to_owned(), specifier),
        ('b', Value::Bool(value)) => cut(value.to_string(), specifier),
        ('b', _) => cut("true".to_owned(), specifier),
        ('s' | 'c' | 'd' | 'o' | 'x' | 'e' | 'f' | 'g' | 'h' | 'a', Value::Null) => cut("null".to_owned(), specifier),
        ('s', value) => cut(value.text(), specifier),
        ('h', value) => match value.hash() {
            Some(hash) => cut(format!("{hash:x}"), specifier),
            None => return Err(specifier.mismatch(value)),
        },
        ('c', Value::Whole(code, 1..=4)) => match u32::try_from(*code).ok().and_then(char::from_u32) {
            Some(letter) => letter.to_string(),
            None => return Err(specifier.mismatch(value)),
        },
        ('d', Value::Whole(value, _)) => signed(specifier, *value < 0, &value.unsigned_abs().to_string()),
        ('o' | 'x', Value::Whole(value, bytes)) => based(specifier, lower, *value, *bytes),
        ('e' | 'f' | 'g', Value::Float(value)) => float(specifier, lower, f64::from(*value)),
        ('e' | 'f' | 'g', Value::Double(value)) => float(specifier, lower, *value),
        (_, value) => return Err(specifier.mismatch(value)),
    };
    let text = justified(text, specifier);
    Ok(if specifier.conversion.is_ascii_uppercase() { text.to_uppercase() } else { text })
}

fn cut(text: String, specifier: &Specifier) -> String {
    match specifier.precision {
        Some(most) => text.chars().take(most).collect(),
        None => text,
    }
}

fn justified(text: String, specifier: &Specifier) -> String {
    let missing = specifier.width.unwrap_or(0).saturating_sub(text.chars().count());
    let blanks = " ".repeat(missing);
    if specifier.has('-') { text + &blanks } else { blanks + &text }
}

/// Octal and hexadecimal numbers have no sign: negative ones are shown as their type's bits.
fn based(specifier: &Specifier, base: char, value: i64, bytes: u32) -> String {
    let bits = if bytes == 8 { value as u64 } else { value as u64 & ((1 << (8 * bytes)) - 1) };
    let (digits, prefix) = if base == 'o' { (format!("{bits:o}"), "0") } else { (format!("{bits:x}"), "0x") };
    let prefix = if specifier.has('#') { prefix } else { "" };
    let width = if specifier.has('0') { specifier.width.unwrap_or(0).saturating_sub(prefix.len()) } else { 0 };
    format!("{prefix}{digits:0>width$}")
}

/// A number's digits with sign, separators of thousands, and zeros up to the width.
fn signed(specifier: &Specifier, negative: bool, digits: &str) -> String {
    let end = digits.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(digits.len());
    let (whole, rest) = digits.split_at(end);
    let mut body = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if specifier.has(',') && index > 0 && (whole.len() - index).is_multiple_of(3) {
            body.push(',');
        }
        body.push(digit);
    }
    body.push_str(rest);
    let (before, behind) = match negative {
        true if specifier.has('(') => ("(", ")"),
        true => ("-", ""),
        false if specifier.has('+') => ("+", ""),
        false if specifier.has(' ') => (" ", ""),
        false => ("", ""),
    };
    let signs = before.len() + behind.len();
    let width = if specifier.has('0') { specifier.width.unwrap_or(0).saturating_sub(signs) } else { 0 };
    format!("{before}{body:0>width$}{behind}")
}

fn float(specifier: &Specifier, conversion: char, value: f64) -> String {
    if !value.is_finite() {
        let text = if value.is_nan() { "NaN" } else { "Infinity" };
        let bare = Specifier { flags: specifier.flags.replace(['0', ','], ""), ..specifier.clone() };
        return signed(&bare, value < 0.0, text);
    }
    let precision = specifier.precision.unwrap_or(6);
    let magnitude = Decimal::of(value.abs());
    let digits = match conversion {
        'e' => magnitude.scientific(precision),
        'f' => magnitude.fixed(precision),
        _ => {
            let precision = precision.max(1);
            let rounded = magnitude.rounded_to(precision as i32 - magnitude.exponent);
            let is_plain = value == 0.0 || (rounded.exponent > -4 && rounded.exponent <= precision as i32);
            if is_plain {
                let whole = if value == 0.0 { 1 } else { rounded.exponent };
                magnitude.fixed(usize::try_from(precision as i32 - whole).unwrap_or(0))
            } else {
                magnitude.scientific(precision - 1)
            }
        }
    };
    let digits = if specifier.has('#') && !digits.contains('.') { format!("{digits}.") } else { digits };
    signed(specifier, value.is_sign_negative(), &digits)
}

/// The digits of a double as Java shows it: `0.d1d2… × 10^exponent`. Halves of what is shown are rounded up.
#[derive(Debug, Clone)]
struct Decimal {
    digits: Vec<u8>,
    exponent: i32,
}

impl Decimal {
    fn of(value: f64) -> Self {
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let digits = mantissa.bytes().filter(u8::is_ascii_digit).map(|digit| digit - b'0').collect();
        Self { digits, exponent: exponent.parse::<i32>().unwrap_or(0) + 1 }
    }

    /// With so many digits at most.
    fn rounded_to(&self, places: i32) -> Self {
        let kept = usize::try_from(self.exponent + places).ok();
        let Some(kept) = kept.filter(|kept| *kept < self.digits.len()) else {
            // Below half of the last place there is nothing.
            let nothing = Self { digits: vec![0], exponent: 1 };
            return if self.exponent + places < 0 { nothing } else { self.clone() };
        };
        let mut digits = self.digits[..kept].to_vec();
        let mut exponent = self.exponent;
        if self.digits[kept] >= 5 {
            let nines = digits.iter().rev().take_while(|digit| **digit == 9).count();
            let index = digits.len() - nines;
            digits.truncate(index);
            match digits.last_mut() {
                Some(last) => *last += 1,
                None => {
                    digits.push(1);
                    exponent += 1;
                }
            }
        }
        if digits.is_empty() {
            return Self { digits: vec![0], exponent: 1 };
        }
        Self { digits, exponent }
    }

    fn digit(&self, place: i32) -> char {
        let digit = usize::try_from(place).ok().and_then(|place| self.digits.get(place)).copied().unwrap_or(0);
        char::from(b'0' + digit)
    }

    fn fixed(&self, places: usize) -> String {
        let rounded = self.rounded_to(places as i32);
        let mut out: String = (0..rounded.exponent).map(|place| rounded.digit(place)).collect();
        if out.is_empty() {
            out.push('0');
        }
        if places > 0 {
            out.push('.');
            out.extend((0..places as i32).map(|place| rounded.digit(rounded.exponent + place)));
        }
        out
    }

    fn scientific(&self, places: usize) -> String {
        let rounded = self.rounded_to(places as i32 + 1 - self.exponent);
        let exponent = rounded.exponent - 1;
        let mut out = String::from(rounded.digit(0));
        if places > 0 {
            out.push('.');
            out.extend((1..=places as i32).map(|place| rounded.digit(place)));
        }
        let sign = if exponent < 0 { '-' } else { '+' };
        out.push_str(&format!("e{sign}{:02}", exponent.unsigned_abs()));
        out
    }
}
