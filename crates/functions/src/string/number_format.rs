//! `to_char` and `to_number` with formats such as `$99,999.99S` (`ToNumberParser`).

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, StringArray};
use arrow::datatypes::{DataType as ArrowType, Decimal128Type};
use datafusion::common::{Result, internal_err};
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::rows::{self, constant_flag, constant_text, each, kernels, texts};
use crate::call::Call;
use crate::cast::coerce;
use crate::kernel::{nullable, spark_error};
use crate::lookup;
use crate::typed::{Typed, default_name};

kernels! {
    TO_CHAR = "spark_to_char", rows::text_or_null, to_char_kernel;
    TO_NUMBER = "spark_to_number", |fields, _| nullable(fields[1].data_type().clone()), to_number_kernel;
}

/// Digits between two separators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Group {
    digits: usize,
    /// Begins with `0`: all digits must be there, or are filled up with zeros.
    exact: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// Parted by separators.
    Whole(Vec<Group>),
    Point,
    Fraction(Group),
    Dollar,
    /// `S`
    Sign,
    /// `MI`
    Minus,
    /// Of `PR`.
    Open,
    Close,
}

#[derive(Debug, Clone)]
struct Format {
    tokens: Vec<Token>,
    whole: usize,
    fraction: usize,
}

impl Format {
    fn parse(format: &str) -> SparkResult<Self> {
        let upper = format.to_ascii_uppercase();
        if upper.is_empty() {
            return Err(invalid("EMPTY", format, "it is empty"));
        }
        let (mut tokens, mut separators_fail) = (Vec::new(), false);
        let mut rest = upper.as_str();
        let mut unexpected = None;
        while let Some(letter) = rest.chars().next() {
            let mut length = letter.len_utf8();
            match letter {
                '0' | '9' | ',' | 'G' => {
                    length = rest.find(|digit| !matches!(digit, '0' | '9' | ',' | 'G')).unwrap_or(rest.len());
                    let groups: Vec<&str> = rest[..length].split([',', 'G']).collect();
                    separators_fail |= groups.iter().any(|group| group.is_empty());
                    let groups: Vec<Group> = groups
                        .iter()
                        .map(|group| Group { digits: group.len(), exact: group.starts_with('0') })
                        .collect();
                    match (tokens.contains(&Token::Point), groups.as_slice()) {
                        (true, [group]) => tokens.push(Token::Fraction(*group)),
                        (true, _) => {
                            let why = "separators of thousands stand before the decimal point";
                            return Err(invalid("THOUSANDS_SEPS_MUST_BEFORE_DEC", format, why));
                        }
                        (false, _) => tokens.push(Token::Whole(groups)),
                    }
                }
                '.' | 'D' => tokens.push(Token::Point),
                '$' => tokens.push(Token::Dollar),
                'S' => tokens.push(Token::Sign),
                'M' if rest.starts_with("MI") => {
                    length = 2;
                    tokens.push(Token::Minus);
                }
                'P' if rest.starts_with("PR") => {
                    length = 2;
                    tokens.push(Token::Close);
                }
                other => unexpected = unexpected.or(Some(other)),
            }
            rest = &rest[length..];
        }
        check(format, &tokens, separators_fail, unexpected)?;
        if tokens.last() == Some(&Token::Close) {
            tokens.insert(0, Token::Open);
        }
        let whole = tokens.iter().map(|token| match token {
            Token::Whole(groups) => groups.iter().map(|group| group.digits).sum(),
            _ => 0,
        });
        let fraction = tokens.iter().map(|token| if let Token::Fraction(group) = token { group.digits } else { 0 });
        let (whole, fraction) = (whole.sum(), fraction.sum());
        Ok(Self { tokens, whole, fraction })
    }

    fn data_type(&self) -> DataType {
        DataType::Decimal { precision: (self.whole + self.fraction).min(38) as u8, scale: self.fraction as i8 }
    }
}

fn check(format: &str, tokens: &[Token], separators_fail: bool, unexpected: Option<char>) -> SparkResult<()> {
    let place = |wanted: fn(&Token) -> bool| tokens.iter().position(wanted);
    let digits = place(|token| matches!(token, Token::Whole(_) | Token::Fraction(_)));
    let Some(digits) = digits else {
        return Err(invalid("WRONG_NUM_DIGIT", format, "it has no digit"));
    };
    let (dollar, point) = (place(|token| *token == Token::Dollar), place(|token| *token == Token::Point));
    if dollar.is_some_and(|dollar| dollar > digits) {
        return Err(invalid("CUR_MUST_BEFORE_DIGIT", format, "the currency stands before the digits"));
    }
    if dollar.zip(point).is_some_and(|(dollar, point)| dollar > point) {
        return Err(invalid("CUR_MUST_BEFORE_DEC", format, "the currency stands before the decimal point"));
    }
    for (token, name) in [
        (Token::Point, "'.' or 'D'"),
        (Token::Sign, "'S'"),
        (Token::Minus, "'MI'"),
        (Token::Dollar, "'$'"),
        (Token::Close, "'PR'"),
    ] {
        if tokens.iter().filter(|found| **found == token).count() > 1 {
            return Err(invalid("WRONG_NUM_TOKEN", format, "a part stands twice").with("token", name));
        }
    }
    if separators_fail {
        return Err(invalid("CONT_THOUSANDS_SEPS", format, "separators of thousands have digits on both sides"));
    }
    // Sign, currency, digits, sign.
    let rank = |index: usize, token: &Token| match token {
        Token::Sign | Token::Minus if index == 0 => 0,
        Token::Dollar => 1,
        Token::Whole(_) => 2,
        Token::Point => 3,
        Token::Fraction(_) => 4,
        _ => 5,
    };
    let ranks: Vec<_> = tokens.iter().enumerate().map(|(index, token)| rank(index, token)).collect();
    let out_of_order = ranks.windows(2).any(|pair| pair[0] >= pair[1]);
    if unexpected.is_some() || out_of_order {
        let token = unexpected.map_or_else(|| "the order".to_owned(), |letter| format!("'{letter}'"));
        return Err(invalid("UNEXPECTED_TOKEN", format, "a part stands where it may not").with("token", token));
    }
    Ok(())
}

fn invalid(class: &str, format: &str, why: &str) -> SparkError {
    SparkError::new(format!("INVALID_FORMAT.{class}"), format!("the format '{format}' is invalid: {why}"))
        .with("format", format!("'{format}'"))
}

/// `to_char(number, format)`, and of dates, times and binary values by formats of theirs.
pub(super) fn to_char(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let value = call.argument(0)?;
    if is_null(&call.argument(1)?) {
        let name = default_name("to_char", &call.arguments);
        return Ok(Typed::null(DataType::STRING).named(name));
    }
    match &value.data_type {
        DataType::Date | DataType::Timestamp | DataType::TimestampNtz => {
            let date_format = lookup("date_format").ok_or_else(|| SparkError::internal("there is no date_format"))?;
            (date_format.build)(&call.other("date_format", vec![value, call.argument(1)?]))
        }
        DataType::Binary => of_binary(call, value),
        _ => of_number(call, value),
    }
}

fn is_null(format: &Typed) -> bool {
    format.value().is_some_and(datafusion::common::ScalarValue::is_null)
}

fn of_binary(call: &Call<'_>, value: Typed) -> SparkResult<Typed> {
    let format = call.constant_text(1)?;
    let of = |name: &'static str, arguments: Vec<Typed>| {
        let function = lookup(name).ok_or_else(|| SparkError::internal(format!("there is no {name}")))?;
        // `to_char` shows what computes it, and `to_varchar` itself.
        let name = default_name(if call.name == "to_char" { name } else { call.name }, &arguments);
        (function.build)(&call.other("", arguments)).map(|typed| typed.named(name))
    };
    match format.to_ascii_lowercase().as_str() {
        "base64" => of("base64", vec![value]),
        "hex" => of("hex", vec![value]),
        "utf-8" => of("decode", vec![value, call.argument(1)?]),
        _ => Err(SparkError::new(
            "INVALID_PARAMETER_VALUE.BINARY_FORMAT",
            format!("the format of {} must be base64, hex or utf-8, not {format}", call.name),
        )
        .with("functionName", format!("`{}`", call.name))
        .with("parameter", "`format`")
        .with("invalidFormat", format!("'{format}'"))),
    }
}

fn of_number(call: &Call<'_>, value: Typed) -> SparkResult<Typed> {
    let decimal = match &value.data_type {
        DataType::Decimal { .. } => value,
        integral if integral.is_integral() => {
            let (precision, scale) = crate::coerce::integral_decimal(integral).unwrap_or((20, 0));
            coerce(value, &DataType::Decimal { precision, scale }, call.settings)?
        }
        DataType::Float => coerce(value, &DataType::Decimal { precision: 14, scale: 7 }, call.settings)?,
        other if *other == DataType::Double || other.is_string() || *other == DataType::Null => {
            let value = call.double(0)?;
            coerce(value, &DataType::Decimal { precision: 30, scale: 15 }, call.settings)?
        }
        other => return Err(call.unexpected(0, other, "NUMERIC")),
    };
    let format = call.constant_text(1)?;
    Format::parse(&format)?;
    let is_nullable = decimal.nullable;
    let name = default_name("to_char", &call.arguments);
    let mut typed = Typed::call(&TO_CHAR, vec![decimal, Typed::string(&format)])?;
    typed.nullable = is_nullable;
    Ok(typed.named(name))
}

fn to_char_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let ArrowType::Decimal128(_, scale) = arrays[0].data_type() else { return internal_err!("to_char takes decimals") };
    let Some(format) = constant_text(&arrays[1]) else {
        return Ok(arrow::array::new_null_array(&ArrowType::Utf8, rows));
    };
    let format = Format::parse(format).map_err(spark_error)?;
    let values = arrays[0].as_primitive::<Decimal128Type>();
    let scale = usize::try_from(*scale).unwrap_or(0);
    each::<StringArray, _>(&arrays[..1], rows, |row| Ok(Some(shown(&format, values.value(row), scale))))
}

fn shown(format: &Format, unscaled: i128, scale: usize) -> String {
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let fits = whole.len() <= format.whole && fraction.len() <= format.fraction;
    let negative = unscaled < 0;
    let mut out = String::new();
    for token in &format.tokens {
        match token {
            Token::Whole(groups) if fits => write_whole(&mut out, groups, whole, format.whole),
            Token::Whole(groups) => {
                let hashes: Vec<String> = groups.iter().map(|group| "#".repeat(group.digits)).collect();
                out.push_str(&hashes.join(","));
            }
            Token::Point => {
                // There is a digit before the point.
                if out.ends_with(' ') {
                    out.pop();
                    out.push('0');
                }
                out.push('.');
            }
            Token::Fraction(group) if fits => out.push_str(&format!("{fraction:0<width$}", width = group.digits)),
            Token::Fraction(group) => out.push_str(&"#".repeat(group.digits)),
            Token::Dollar => out.push('$'),
            Token::Sign => out.push(if negative { '-' } else { '+' }),
            Token::Minus => out.push(if negative { '-' } else { ' ' }),
            Token::Open if negative => out.push('<'),
            Token::Open => {}
            Token::Close => out.push_str(if negative { ">" } else { "  " }),
        }
    }
    out.trim_end_matches('.').to_owned()
}

/// Blanks, or zeros behind a `0`, stand for missing digits, and blanks for separators before the first digit.
fn write_whole(out: &mut String, groups: &[Group], digits: &str, places: usize) {
    let mut digits = digits.chars();
    let missing = places - digits.as_str().len();
    let (mut place, mut begun) = (0, false);
    let blank = |out: &mut String| match out.pop() {
        Some(sign @ ('<' | '+' | '-')) => {
            out.push(' ');
            out.push(sign);
        }
        other => {
            out.extend(other);
            out.push(' ');
        }
    };
    for (index, group) in groups.iter().enumerate() {
        if index > 0 {
            if begun { out.push(',') } else { blank(out) }
        }
        for _ in 0..group.digits {
            if place >= missing {
                out.extend(digits.next());
                begun = true;
            } else if group.exact || begun {
                out.push('0');
                begun = true;
            } else {
                blank(out);
            }
            place += 1;
        }
    }
}

/// `to_number(text, format)` and `try_to_number`.
pub(super) fn to_number(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let is_try = call.name == "try_to_number";
    if is_null(&call.argument(1)?) {
        return Ok(call.shown(Typed::null(DataType::USER_DECIMAL)));
    }
    let format = call.constant_text(1)?;
    let data_type = Format::parse(&format)?.data_type();
    let text = call.string(0)?;
    let is_nullable = text.nullable || is_try;
    let arguments = vec![text, Typed::null(data_type.clone()), Typed::string(&format), Typed::boolean(is_try)];
    let mut typed = Typed::call(&TO_NUMBER, arguments)?;
    (typed.data_type, typed.nullable) = (data_type, is_nullable);
    Ok(call.shown(typed))
}

fn to_number_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let Some(written) = constant_text(&arrays[2]) else {
        return Ok(arrow::array::new_null_array(arrays[1].data_type(), rows));
    };
    let format = Format::parse(written).map_err(spark_error)?;
    let is_try = constant_flag(&arrays[3]);
    let numbers = each::<Decimal128Array, _>(&arrays[..1], rows, |row| {
        let text = texts(&arrays[0]).value(row);
        match read(&format, text) {
            None if !is_try => Err(spark_error(mismatch(text, written))),
            number => Ok(number),
        }
    })?;
    let ArrowType::Decimal128(precision, scale) = *arrays[1].data_type() else {
        return internal_err!("to_number gives decimals");
    };
    let numbers = numbers.as_primitive::<Decimal128Type>().clone();
    Ok(std::sync::Arc::new(numbers.with_precision_and_scale(precision, scale)?))
}

fn mismatch(text: &str, format: &str) -> SparkError {
    SparkError::new(
        "INVALID_FORMAT.MISMATCH_INPUT",
        format!("the value '{text}' does not match the format '{format}'; use `try_to_number` to get NULL instead"),
    )
    .with("inputType", "\"STRING\"")
    .with("input", text)
    .with("format", format)
}

fn read(format: &Format, text: &str) -> Option<i128> {
    let mut rest = text.trim_start();
    let (mut digits, mut negative, mut open) = (String::new(), false, false);
    let mut fraction_digits = 0;
    for token in &format.tokens {
        rest = rest.trim_start();
        match token {
            Token::Whole(groups) => {
                let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != ',').unwrap_or(rest.len());
                digits.push_str(&whole_digits(groups, &rest[..end])?);
                rest = &rest[end..];
            }
            Token::Point => rest = rest.strip_prefix('.').unwrap_or(rest),
            Token::Fraction(group) => {
                let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
                if end > group.digits || (group.exact && end < group.digits) {
                    return None;
                }
                digits.push_str(&rest[..end]);
                fraction_digits = end;
                rest = &rest[end..];
            }
            Token::Dollar => rest = rest.strip_prefix('$')?,
            Token::Sign | Token::Minus => match rest.chars().next() {
                Some('-') => {
                    negative = true;
                    rest = &rest[1..];
                }
                Some('+') if *token == Token::Sign => rest = &rest[1..],
                _ => {}
            },
            Token::Open => {
                if let Some(inner) = rest.strip_prefix('<') {
                    (open, negative, rest) = (true, true, inner);
                }
            }
            Token::Close if open => rest = rest.strip_prefix('>')?,
            Token::Close => {}
        }
    }
    if !rest.trim_start().is_empty() || digits.is_empty() {
        return None;
    }
    digits.push_str(&"0".repeat(format.fraction - fraction_digits));
    let number: i128 = digits.parse().ok()?;
    Some(if negative { -number } else { number })
}

/// Groups are matched from the last; those that need not be full may be missing.
fn whole_digits(groups: &[Group], text: &str) -> Option<String> {
    let parts: Vec<&str> = if text.is_empty() { Vec::new() } else { text.split(',').collect() };
    if parts.len() > groups.len() || (parts.len() > 1 && parts.iter().any(|part| part.is_empty())) {
        return None;
    }
    let absent = groups.len() - parts.len();
    for (index, group) in groups.iter().enumerate() {
        let found = if index < absent { 0 } else { parts[index - absent].len() };
        if found > group.digits || (group.exact && found < group.digits) {
            return None;
        }
    }
    Some(parts.concat())
}
