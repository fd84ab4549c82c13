//! Texts as bytes and bytes as texts: charsets, base 64, `to_binary`, and whether bytes are UTF-8.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, StringArray};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::ScalarUDF;
use datafusion_spark::function::string;
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::rows::{self, bytes, constant_flag, constant_text, each, kernels, lax, strict, texts};
use crate::call::Call;
use crate::kernel::spark_error;
use crate::renamed::renamed;
use crate::typed::Typed;

kernels! {
    BASE64 = "spark_base64", rows::text, |arrays, count| {
        each::<StringArray, _>(arrays, count, |row| Ok(Some(LENIENT.encode(bytes(&arrays[0]).value(row)))))
    };
    UNBASE64 = "spark_unbase64", rows::binary, |arrays, count| {
        each::<BinaryArray, _>(arrays, count, |row| Ok(Some(mime_decoded(texts(&arrays[0]).value(row)))))
    };
    ENCODE = "spark_encode", rows::binary_or_null, |arrays, count| {
        each::<BinaryArray, _>(arrays, count, |row| {
            let (text, charset) = (texts(&arrays[0]).value(row), texts(&arrays[1]).value(row));
            let unmapped = || spark_error(malformed("encode", charset));
            encoded(text, Charset::named("encode", charset)?).map(Some).ok_or_else(unmapped)
        })
    };
    DECODE = "spark_decode", rows::text_or_null, |arrays, count| {
        each::<StringArray, _>(arrays, count, |row| {
            let (value, charset) = (bytes(&arrays[0]).value(row), texts(&arrays[1]).value(row));
            let unmapped = || spark_error(malformed("decode", charset));
            decoded(value, Charset::named("decode", charset)?).map(Some).ok_or_else(unmapped)
        })
    };
    TO_BINARY = "spark_to_binary", rows::binary_or_null, to_binary_kernel;
    VALIDATE_UTF8 = "spark_validate_utf8", rows::text_or_null, |arrays, count| {
        let is_try = constant_flag(&arrays[1]);
        each::<StringArray, _>(&arrays[..1], count, |row| match std::str::from_utf8(bytes(&arrays[0]).value(row)) {
            Ok(text) => Ok(Some(text)),
            Err(_) if is_try => Ok(None),
            Err(_) => Err(spark_error(invalid_utf8(bytes(&arrays[0]).value(row)))),
        })
    };
}

pub(super) static IS_VALID_UTF8: std::sync::LazyLock<Arc<ScalarUDF>> =
    std::sync::LazyLock::new(|| renamed(string::is_valid_utf8()));
pub(super) static MAKE_VALID_UTF8: std::sync::LazyLock<Arc<ScalarUDF>> =
    std::sync::LazyLock::new(|| renamed(string::make_valid_utf8()));

/// With padding or without.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

pub(super) fn base64(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(strict(&BASE64, vec![call.binary(0)?])?))
}

pub(super) fn unbase64(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(strict(&UNBASE64, vec![call.string(0)?])?))
}

/// As Java's MIME decoder: what is no digit is skipped.
fn mime_decoded(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .bytes()
        .take_while(|byte| *byte != b'=')
        .filter(|byte| byte.is_ascii_alphanumeric() || *byte == b'+' || *byte == b'/')
        .collect();
    // A digit alone has no byte.
    let whole = if digits.len() % 4 == 1 { digits.len() - 1 } else { digits.len() };
    LENIENT.decode(&digits[..whole]).unwrap_or_default()
}

pub(super) fn encode(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    Ok(call.shown(lax(&ENCODE, vec![call.string(0)?, call.string(1)?])?))
}

/// `decode(bytes, charset)`, or `decode(value, candidate, answer, …, other)`.
pub(super) fn decode(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=usize::MAX)?;
    if !call.has(2) {
        return Ok(call.shown(lax(&DECODE, vec![call.binary(0)?, call.string(1)?])?));
    }
    let value = call.argument(0)?;
    let mut arguments = Vec::new();
    let mut rest = &call.arguments[1..];
    while let [candidate, answer, others @ ..] = rest {
        let equal = crate::lookup("<=>")
            .ok_or_else(|| SparkError::internal("there is no <=>"))
            .and_then(|equal| (equal.build)(&call.other("<=>", vec![value.clone(), candidate.clone()])))?;
        arguments.extend([equal, answer.clone()]);
        rest = others;
    }
    arguments.extend(rest.iter().cloned());
    let when = crate::lookup("when").ok_or_else(|| SparkError::internal("there is no CASE"))?;
    Ok(call.shown((when.build)(&call.other("when", arguments))?))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Charset {
    Utf8,
    Ascii,
    Latin1,
    /// With a byte order mark.
    Utf16,
    Utf16Be,
    Utf16Le,
    Utf32,
}

impl Charset {
    fn named(function: &str, name: &str) -> Result<Self> {
        Ok(match name.to_ascii_uppercase().as_str() {
            "UTF-8" => Self::Utf8,
            "US-ASCII" => Self::Ascii,
            "ISO-8859-1" => Self::Latin1,
            "UTF-16" => Self::Utf16,
            "UTF-16BE" => Self::Utf16Be,
            "UTF-16LE" => Self::Utf16Le,
            "UTF-32" => Self::Utf32,
            _ => {
                let charsets = "iso-8859-1, us-ascii, utf-16, utf-16be, utf-16le, utf-32, utf-8";
                return Err(spark_error(
                    SparkError::new(
                        "INVALID_PARAMETER_VALUE.CHARSET",
                        format!("the charset of {function} must be one of {charsets}, not {name}"),
                    )
                    .with("functionName", format!("`{function}`"))
                    .with("parameter", "`charset`")
                    .with("charset", name)
                    .with("charsets", charsets),
                ));
            }
        })
    }
}

/// `None` if the charset lacks a character.
fn encoded(text: &str, charset: Charset) -> Option<Vec<u8>> {
    let limit = if charset == Charset::Ascii { 0x80 } else { 0x100 };
    Some(match charset {
        Charset::Utf8 => text.as_bytes().to_vec(),
        Charset::Ascii | Charset::Latin1 => {
            text.chars().map(|letter| ((letter as u32) < limit).then_some(letter as u8)).collect::<Option<_>>()?
        }
        Charset::Utf16 if text.is_empty() => Vec::new(),
        Charset::Utf16 => [0xFE, 0xFF].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect(),
        Charset::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        Charset::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Charset::Utf32 => text.chars().flat_map(|letter| (letter as u32).to_be_bytes()).collect(),
    })
}

/// `None` if the bytes are no text of the charset.
fn decoded(value: &[u8], charset: Charset) -> Option<String> {
    match charset {
        Charset::Utf8 => String::from_utf8(value.to_vec()).ok(),
        Charset::Ascii => value.is_ascii().then(|| value.iter().map(|byte| char::from(*byte)).collect()),
        Charset::Latin1 => Some(value.iter().map(|byte| char::from(*byte)).collect()),
        Charset::Utf16 => match value {
            [0xFF, 0xFE, rest @ ..] => from_utf16(rest, u16::from_le_bytes),
            [0xFE, 0xFF, rest @ ..] => from_utf16(rest, u16::from_be_bytes),
            all => from_utf16(all, u16::from_be_bytes),
        },
        Charset::Utf16Be => from_utf16(value, u16::from_be_bytes),
        Charset::Utf16Le => from_utf16(value, u16::from_le_bytes),
        Charset::Utf32 => {
            let (units, rest) = value.as_chunks::<4>();
            let text = units.iter().map(|unit| char::from_u32(u32::from_be_bytes(*unit))).collect::<Option<_>>();
            if rest.is_empty() { text } else { None }
        }
    }
}

fn from_utf16(value: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (units, rest) = value.as_chunks::<2>();
    let text = char::decode_utf16(units.iter().map(|bytes| unit(*bytes))).collect::<std::result::Result<_, _>>().ok();
    if rest.is_empty() { text } else { None }
}

fn malformed(function: &str, charset: &str) -> SparkError {
    SparkError::new(
        "MALFORMED_CHARACTER_CODING",
        format!("{function} found what the charset {charset} has no equal of"),
    )
    .with("function", format!("`{function}`"))
    .with("charset", charset)
}

/// `to_binary(text[, format])` and `try_to_binary`.
pub(super) fn to_binary(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let is_try = call.name.starts_with("try_");
    let format = if call.has(1) { call.argument(1)?.folded() } else { Some(ScalarValue::from("hex")) };
    let format = match format {
        Some(ScalarValue::Utf8(format)) => format,
        Some(value) if value.is_null() => None,
        None => return Err(call.not_foldable(1)),
        Some(_) if is_try => None,
        Some(_) => return Err(invalid_format(call)),
    };
    let Some(format) = format else { return Ok(call.shown(Typed::null(DataType::Binary))) };
    let format = format.to_ascii_lowercase();
    if !["hex", "utf-8", "utf8", "base64"].contains(&format.as_str()) {
        return if is_try { Ok(call.shown(Typed::null(DataType::Binary))) } else { Err(invalid_format(call)) };
    }
    let text = call.string(0)?;
    let is_nullable = text.nullable || is_try || format != "base64";
    let mut typed = Typed::call(&TO_BINARY, vec![text, Typed::string(&format), Typed::boolean(is_try)])?;
    typed.nullable = is_nullable;
    Ok(call.shown(typed))
}

fn invalid_format(call: &Call<'_>) -> SparkError {
    let found = call.arguments.get(1).map_or("", |argument| argument.name.as_str());
    let allowed = "case-insensitive \"hex\", \"utf-8\", \"utf8\", or \"base64\"";
    SparkError::new(
        "DATATYPE_MISMATCH.INVALID_ARG_VALUE",
        format!("cannot resolve {}: the format must be one of {allowed}, not {found}", call.display()),
    )
    .with("sqlExpr", format!("\"{}\"", call.display()))
    .with("inputName", "fmt")
    .with("requireType", allowed)
    .with("inputValue", format!("'{found}'"))
}

fn to_binary_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (format, is_try) = (constant_text(&arrays[1]).unwrap_or("hex").to_owned(), constant_flag(&arrays[2]));
    each::<BinaryArray, _>(&arrays[..1], rows, |row| {
        let text = texts(&arrays[0]).value(row);
        let value = match format.as_str() {
            "hex" => from_hex(text),
            "base64" => strict_base64(text),
            _ => Some(text.as_bytes().to_vec()),
        };
        match value {
            None if !is_try => Err(spark_error(invalid_input(text, &format))),
            value => Ok(value),
        }
    })
}

/// A digit too many stands first.
fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.chars().map(|digit| digit.to_digit(16).map(|digit| digit as u8)).collect::<Option<Vec<_>>>()?;
    let (first, pairs) = digits.split_at(digits.len() % 2);
    Some(first.iter().copied().chain(pairs.chunks(2).map(|pair| pair[0] << 4 | pair[1])).collect())
}

/// Blanks may stand anywhere, padding is right or absent.
fn strict_base64(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    LENIENT.decode(digits).ok()
}

fn invalid_input(text: &str, format: &str) -> SparkError {
    SparkError::new(
        "CONVERSION_INVALID_INPUT",
        format!("'{text}' is no value in the format {format}; use `try_to_binary` to get NULL instead"),
    )
    .with("str", format!("'{text}'"))
    .with("fmt", format!("'{}'", format.to_uppercase()))
    .with("targetType", "\"BINARY\"")
    .with("suggestion", "`try_to_binary`")
}

pub(super) fn is_valid_utf8(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(lax(&IS_VALID_UTF8, vec![raw(call)?])?))
}

pub(super) fn make_valid_utf8(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(lax(&MAKE_VALID_UTF8, vec![raw(call)?])?))
}

pub(super) fn validate_utf8(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let is_try = Typed::boolean(call.name == "try_validate_utf8");
    Ok(call.shown(lax(&VALIDATE_UTF8, vec![raw(call)?, is_try])?))
}

/// As bytes, since a text of Arrow's is always valid.
fn raw(call: &Call<'_>) -> SparkResult<Typed> {
    match call.argument(0)?.data_type {
        DataType::Binary => call.binary(0),
        _ => crate::cast::coerce(call.string(0)?, &DataType::Binary, call.settings),
    }
}

fn invalid_utf8(value: &[u8]) -> SparkError {
    let shown: String = value.iter().map(|byte| format!("\\x{byte:02X}")).collect();
    SparkError::new("INVALID_UTF8_STRING", format!("the bytes {shown} are no valid UTF-8")).with("str", shown)
}
