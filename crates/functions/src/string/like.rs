//! `LIKE` and `ILIKE`.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray};
use arrow::compute::kernels::comparison;
use arrow::datatypes::DataType as ArrowType;
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::expr::Like;
use datafusion::logical_expr::{Expr, ScalarUDF};
use firesteel_spec::{DataType, SparkError, SparkResult};
use regex::Regex;

use super::rows::{self, constant_text, each, kernels, strict, texts};
use super::size::text_or_binary;
use crate::call::Call;
use crate::kernel::spark_error;
use crate::typed::Typed;

kernels! {
    LIKE = "spark_like", rows::boolean, |arrays, count| like_kernel(arrays, count, false);
    ILIKE = "spark_ilike", rows::boolean, |arrays, count| like_kernel(arrays, count, true);
    CONTAINS = "spark_contains", rows::boolean, |arrays, _| Ok(Arc::new(comparison::contains(&arrays[0], &arrays[1])?));
    STARTS_WITH = "spark_startswith", rows::boolean, |arrays, _| {
        Ok(Arc::new(comparison::starts_with(&arrays[0], &arrays[1])?))
    };
    ENDS_WITH = "spark_endswith", rows::boolean, |arrays, _| Ok(Arc::new(comparison::ends_with(&arrays[0], &arrays[1])?));
    BYTES_MATCH = "spark_bytes_match", rows::boolean_or_null, bytes_kernel;
}

pub(super) fn contains(call: &Call<'_>) -> SparkResult<Typed> {
    matching(call, &CONTAINS, "contains")
}

pub(super) fn starts_with(call: &Call<'_>) -> SparkResult<Typed> {
    matching(call, &STARTS_WITH, "startswith")
}

pub(super) fn ends_with(call: &Call<'_>) -> SparkResult<Typed> {
    matching(call, &ENDS_WITH, "endswith")
}

fn matching(call: &Call<'_>, function: &Arc<ScalarUDF>, name: &str) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let is_binary = call.arguments.iter().all(|argument| argument.data_type == DataType::Binary);
    if is_binary {
        let arguments = vec![text_or_binary(call, 0)?, text_or_binary(call, 1)?, Typed::string(name)];
        return Ok(call.shown(rows::lax(&BYTES_MATCH, arguments)?));
    }
    Ok(call.shown(strict(function, vec![call.string(0)?, call.string(1)?])?))
}

fn bytes_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (values, parts) = (arrays[0].as_binary::<i32>(), arrays[1].as_binary::<i32>());
    let relation: fn(&[u8], &[u8]) -> bool = match constant_text(&arrays[2]) {
        Some("startswith") => |value, part| value.starts_with(part),
        Some("endswith") => |value, part| value.ends_with(part),
        _ => |value, part| part.is_empty() || value.windows(part.len()).any(|window| window == part),
    };
    each::<BooleanArray, _>(&arrays[..2], rows, |row| Ok(Some(relation(values.value(row), parts.value(row)))))
}

/// `like(text, pattern[, escape])`
pub(super) fn like(call: &Call<'_>) -> SparkResult<Typed> {
    let (text, pattern, escape) = arguments(call)?;
    let suffix = if escape == '\\' { String::new() } else { format!(" ESCAPE '{escape}'") };
    let name = format!("{} LIKE {}{suffix}", text.name, pattern.name);
    build(text, pattern, escape, false).map(|typed| typed.named(name))
}

pub(super) fn ilike(call: &Call<'_>) -> SparkResult<Typed> {
    let (text, pattern, escape) = arguments(call)?;
    // Spark does not show the escape here.
    let name = format!("ilike({}, {})", text.name, pattern.name);
    build(text, pattern, escape, true).map(|typed| typed.named(name))
}

fn arguments(call: &Call<'_>) -> SparkResult<(Typed, Typed, char)> {
    call.expect(2..=3)?;
    let escape = if call.has(2) { call.constant_text(2)? } else { "\\".to_owned() };
    let mut letters = escape.chars();
    let (Some(escape), None) = (letters.next(), letters.next()) else {
        let message = format!("the escape of LIKE must be one character, and '{escape}' is not");
        return Err(SparkError::new("INVALID_ESCAPE_CHAR", message).with("sqlExpr", format!("\"{escape}\"")));
    };
    Ok((call.string(0)?, call.string(1)?, escape))
}

/// DataFusion's own for a constant pattern, which it knows how to simplify and to push down.
fn build(text: Typed, pattern: Typed, escape: char, ignores_case: bool) -> SparkResult<Typed> {
    let is_nullable = text.nullable || pattern.nullable;
    if let Some(constant) = pattern.text() {
        let constant = match parsed(constant, escape) {
            Ok(tokens) => Some(tokens.iter().map(Token::escaped).collect::<String>()),
            // Such a pattern fails when a row is seen, as in Spark.
            Err(_) => None,
        };
        if let Some(constant) = constant {
            let pattern = Expr::Literal(ScalarValue::Utf8(Some(constant)), None);
            let like = Like::new(false, Box::new(text.expr), Box::new(pattern), None, ignores_case);
            return Ok(Typed::new(Expr::Like(like), DataType::Boolean, is_nullable, ""));
        }
    }
    let function = if ignores_case { &ILIKE } else { &LIKE };
    strict(function, vec![text, pattern, Typed::string(&escape.to_string())])
}

enum Token {
    /// `%`
    Any,
    /// `_`
    One,
    Letter(char),
}

impl Token {
    /// As Arrow's patterns have it.
    fn escaped(&self) -> String {
        match self {
            Self::Any => "%".to_owned(),
            Self::One => "_".to_owned(),
            Self::Letter(letter @ ('%' | '_' | '\\')) => format!("\\{letter}"),
            Self::Letter(letter) => letter.to_string(),
        }
    }

    fn regex(&self) -> String {
        match self {
            Self::Any => ".*".to_owned(),
            Self::One => ".".to_owned(),
            Self::Letter(letter) => regex::escape(&letter.to_string()),
        }
    }
}

/// `StringUtils.escapeLikeRegex`: the escape stands before `%`, `_` and itself alone.
fn parsed(pattern: &str, escape: char) -> SparkResult<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        tokens.push(match letter {
            letter if letter == escape => match letters.next() {
                Some(next) if next == '%' || next == '_' || next == escape => Token::Letter(next),
                Some(next) => return Err(escaped_other(pattern, next)),
                None => return Err(ends_escaped(pattern)),
            },
            '%' => Token::Any,
            '_' => Token::One,
            letter => Token::Letter(letter),
        });
    }
    Ok(tokens)
}

fn escaped_other(pattern: &str, letter: char) -> SparkError {
    SparkError::new(
        "INVALID_FORMAT.ESC_IN_THE_MIDDLE",
        format!("the pattern '{pattern}' is invalid: the escape may not stand before '{letter}'"),
    )
    .with("format", format!("'{pattern}'"))
    .with("char", format!("'{letter}'"))
}

fn ends_escaped(pattern: &str) -> SparkError {
    let message = format!("the pattern '{pattern}' is invalid: it ends with its escape");
    SparkError::new("INVALID_FORMAT.ESC_AT_THE_END", message).with("format", format!("'{pattern}'"))
}

fn like_kernel(arrays: &[ArrayRef], rows: usize, ignores_case: bool) -> Result<ArrayRef> {
    if *arrays[1].data_type() != ArrowType::Utf8 {
        return internal_err!("LIKE takes texts");
    }
    let escape = constant_text(&arrays[2]).and_then(|text| text.chars().next()).unwrap_or('\\');
    let mut last: Option<(String, Regex)> = None;
    each::<BooleanArray, _>(&arrays[..2], rows, |row| {
        let pattern = texts(&arrays[1]).value(row);
        let known = match last.take() {
            Some(known) if known.0 == pattern => known,
            _ => (pattern.to_owned(), compiled(pattern, escape, ignores_case)?),
        };
        let matches = known.1.is_match(texts(&arrays[0]).value(row));
        last = Some(known);
        Ok(Some(matches))
    })
}

fn compiled(pattern: &str, escape: char, ignores_case: bool) -> Result<Regex> {
    let tokens = parsed(pattern, escape).map_err(spark_error)?;
    let flags = if ignores_case { "(?is)" } else { "(?s)" };
    let body: String = tokens.iter().map(Token::regex).collect();
    match Regex::new(&format!("{flags}^{body}$")) {
        Ok(regex) => Ok(regex),
        Err(error) => internal_err!("the pattern {pattern}: {error}"),
    }
}

/// `like_all(text, patterns…)`, `like_any`, `not_like_all`, `not_like_any`.
pub(super) fn quantified(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=usize::MAX)?;
    let text = call.argument(0)?;
    let (negated, all) = (call.name.starts_with("not_"), call.name.ends_with("_all"));
    let connective = if all { "and" } else { "or" };
    let function =
        |name: &str| crate::lookup(name).ok_or_else(|| SparkError::internal(format!("there is no function {name}")));
    let mut whole: Option<Typed> = None;
    for pattern in &call.arguments[1..] {
        let mut like = like(&call.other("like", vec![text.clone(), pattern.clone()]))?;
        if negated {
            like = (function("not")?.build)(&call.other("not", vec![like]))?;
        }
        whole = Some(match whole {
            None => like,
            Some(whole) => (function(connective)?.build)(&call.other(connective, vec![whole, like]))?,
        });
    }
    // Spark shows no patterns here.
    let name = format!("{}({})", call.name.replace('_', ""), text.name);
    whole.map(|typed| typed.named(name)).ok_or_else(|| SparkError::internal("LIKE without patterns"))
}
