//! `LIKE`, and regular expressions. Java's and Rust's agree on what most programs use; look-around and back references
//! are errors here.

use datafusion::logical_expr::{Expr, Like};
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::regex_kernels as kernels;
use crate::call::Call;
use crate::typed::Typed;

pub(super) fn like(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let (value, pattern) = (call.string(0)?, call.string(1)?);
    let escape = if call.has(2) { call.constant_text(2)? } else { "\\".to_owned() };
    let mut letters = escape.chars();
    let (Some(escape), None) = (letters.next(), letters.next()) else {
        return Err(SparkError::new("INVALID_ESCAPE_CHAR", "the escape of LIKE is one character"));
    };
    let insensitive = call.name == "ilike";
    let name = if insensitive {
        format!("ilike({}, {})", value.name, pattern.name)
    } else {
        format!("{} LIKE {}", value.name, pattern.name)
    };
    let nullable = value.nullable || pattern.nullable;
    let like = Like::new(false, Box::new(value.expr), Box::new(pattern.expr), Some(escape), insensitive);
    Ok(Typed::new(Expr::Like(like), DataType::Boolean, nullable, name))
}

/// `x LIKE ALL (a, b)` and its like.
pub(super) fn like_many(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=usize::MAX)?;
    let build = |name: &'static str, arguments| {
        let function = crate::lookup(name).ok_or_else(|| SparkError::internal(format!("there is no {name}")))?;
        (function.build)(&call.other(name, arguments))
    };
    let connective = if call.name.ends_with("_all") { "and" } else { "or" };
    let mut all: Option<Typed> = None;
    for pattern in &call.arguments[1..] {
        let mut one = build("like", vec![call.argument(0)?, pattern.clone()])?;
        if call.name.starts_with("not_") {
            one = build("not", vec![one])?;
        }
        all = Some(match all {
            None => one,
            Some(before) => build(connective, vec![before, one])?,
        });
    }
    let typed = all.ok_or_else(|| SparkError::internal("LIKE without a pattern"))?;
    Ok(call.shown(typed))
}

pub(super) fn rlike(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let name = match call.name {
        "rlike" => format!("RLIKE({}, {})", call.argument(0)?.name, call.argument(1)?.name),
        "regexp" => format!("REGEXP({}, {})", call.argument(0)?.name, call.argument(1)?.name),
        _ => format!("REGEXP_LIKE({}, {})", call.argument(0)?.name, call.argument(1)?.name),
    };
    Ok(Typed::call(&kernels::MATCHES, vec![call.string(0)?, call.string(1)?])?.named(name))
}

pub(super) fn regexp_replace(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(3..=4)?;
    let from = if call.has(3) { call.int(3)? } else { Typed::int(1) };
    let names: Vec<&str> = call.arguments.iter().take(3).map(|argument| argument.name.as_str()).collect();
    let shown = format!("regexp_replace({}, {})", names.join(", "), from.name);
    let arguments = vec![call.string(0)?, call.string(1)?, call.string(2)?, from];
    Ok(Typed::call(&kernels::REPLACE, arguments)?.named(shown))
}

pub(super) fn regexp_extract(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let group = if call.has(2) { call.int(2)? } else { Typed::int(1) };
    let shown = format!("{}({}, {}, {})", call.name, call.argument(0)?.name, call.argument(1)?.name, group.name);
    let function = if call.name == "regexp_extract" { &kernels::EXTRACT } else { &kernels::EXTRACT_ALL };
    Ok(Typed::call(function, vec![call.string(0)?, call.string(1)?, group])?.named(shown))
}

/// The first match, or null.
pub(super) fn regexp_substr(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    Ok(call.shown(Typed::call(&kernels::SUBSTRING, vec![call.string(0)?, call.string(1)?])?))
}

pub(super) fn regexp_count(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    Ok(call.shown(Typed::call(&kernels::COUNT, vec![call.string(0)?, call.string(1)?])?))
}

pub(super) fn regexp_instr(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let group = if call.has(2) { call.argument(2)?.name } else { "0".to_owned() };
    let shown = format!("regexp_instr({}, {}, {group})", call.argument(0)?.name, call.argument(1)?.name);
    Ok(Typed::call(&kernels::POSITION, vec![call.string(0)?, call.string(1)?])?.named(shown))
}

pub(super) fn split(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let limit = if call.has(2) { call.int(2)? } else { Typed::int(-1) };
    let shown = format!("split({}, {}, {})", call.argument(0)?.name, call.argument(1)?.name, limit.name);
    let mut typed = Typed::call(&kernels::SPLIT, vec![call.string(0)?, call.string(1)?, limit])?;
    typed.data_type = DataType::array(DataType::STRING, false);
    Ok(typed.named(shown))
}
