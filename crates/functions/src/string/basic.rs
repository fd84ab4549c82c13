//! Functions of one text, or of a text and where in it.

use std::sync::Arc;

use datafusion::functions::{string, unicode};
use datafusion::logical_expr::ScalarUDF;
use datafusion_spark::function::{string as spark, url};
use firesteel_spec::{DataType, SparkError, SparkResult};

use crate::call::Call;
use crate::renamed::renamed;
use crate::typed::Typed;

/// Those of datafusion-spark that are used here.
pub(super) static SPARK: &[fn() -> Arc<ScalarUDF>] = &[
    spark::ascii,
    spark::base64,
    spark::unbase64,
    spark::char,
    spark::length,
    spark::luhn_check,
    spark::space,
    spark::soundex,
    spark::quote,
    spark::is_valid_utf8,
    spark::make_valid_utf8,
    spark::substring,
    url::url_encode,
    url::url_decode,
    url::try_url_decode,
];

pub(super) fn one_text(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let function = match call.name {
        "upper" | "ucase" => string::upper(),
        "lower" | "lcase" => string::lower(),
        "initcap" => unicode::initcap(),
        "ascii" => renamed(spark::ascii()),
        "soundex" => renamed(spark::soundex()),
        "quote" => renamed(spark::quote()),
        "luhn_check" => renamed(spark::luhn_check()),
        "is_valid_utf8" => renamed(spark::is_valid_utf8()),
        "make_valid_utf8" => renamed(spark::make_valid_utf8()),
        "url_encode" => renamed(url::url_encode()),
        "url_decode" => renamed(url::url_decode()),
        "try_url_decode" => renamed(url::try_url_decode()),
        other => return Err(SparkError::internal(format!("{other} is no function of one text"))),
    };
    Ok(call.shown(Typed::call(&function, vec![call.string(0)?])?))
}

/// Of a text's letters, or of an array's elements.
pub(super) fn reverse(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    if let DataType::Array { .. } = call.argument(0)?.data_type {
        return crate::collection::reverse_array(call);
    }
    Ok(call.shown(Typed::call(&unicode::reverse(), vec![call.string(0)?])?))
}

pub(super) fn length(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let typed = match call.argument(0)?.data_type {
        DataType::Binary => Typed::call(&renamed(spark::length()), vec![call.argument(0)?])?,
        _ => Typed::call(&unicode::character_length(), vec![call.string(0)?])?,
    };
    Ok(call.shown(typed))
}

/// Bytes of a text, or of bytes.
pub(super) fn octet_length(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let typed = match call.argument(0)?.data_type {
        DataType::Binary => Typed::call(&renamed(spark::length()), vec![call.argument(0)?])?,
        _ => Typed::call(&string::octet_length(), vec![call.string(0)?])?,
    };
    Ok(call.shown(typed))
}

pub(super) fn bit_length(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let bytes = octet_length(call)?;
    let bits = call.other("*", vec![bytes, Typed::int(8)]);
    let multiply = crate::lookup("*").ok_or_else(|| SparkError::internal("there is no *"))?;
    Ok(call.shown((multiply.build)(&bits)?))
}

pub(super) fn char(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(Typed::call(&renamed(spark::char()), vec![call.long(0)?])?))
}

pub(super) fn space(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(Typed::call(&renamed(spark::space()), vec![call.int(0)?])?))
}

pub(super) fn base64(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(Typed::call(&renamed(spark::base64()), vec![call.binary(0)?])?))
}

pub(super) fn unbase64(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(Typed::call(&renamed(spark::unbase64()), vec![call.string(0)?])?))
}

/// Spaces, or the letters of the second argument, away from the ends.
pub(super) fn trim(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let (function, side) = match call.name {
        "ltrim" => (string::ltrim(), "LEADING"),
        "rtrim" => (string::rtrim(), "TRAILING"),
        _ => (string::btrim(), "BOTH"),
    };
    let mut arguments = vec![call.string(0)?];
    if !call.has(1) {
        return Ok(call.shown(Typed::call(&function, arguments)?));
    }
    let name = match call.name {
        "btrim" => call.display(),
        _ => format!("TRIM({side} {} FROM {})", call.argument(1)?.name, call.argument(0)?.name),
    };
    arguments.push(call.string(1)?);
    Ok(Typed::call(&function, arguments)?.named(name))
}

pub(super) fn pad(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let function = if call.name == "lpad" { unicode::lpad() } else { unicode::rpad() };
    let length = call.int(1)?;
    let length = crate::cast::coerce(length, &DataType::Long, call.settings)?;
    let padding = if call.has(2) { call.string(2)? } else { Typed::string(" ") };
    let shown = format!("{}({}, {}, {})", call.name, call.argument(0)?.name, call.argument(1)?.name, padding.name);
    Ok(Typed::call(&function, vec![call.string(0)?, length, padding])?.named(shown))
}

pub(super) fn left_or_right(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let count = call.int(1)?;
    // Less than one letter is none; DataFusion's counts from the other end.
    let count = Typed::call(&datafusion::functions::core::greatest(), vec![count, Typed::int(0)])?;
    let count = crate::cast::coerce(count, &DataType::Long, call.settings)?;
    let function = if call.name == "left" { unicode::left() } else { unicode::right() };
    Ok(call.shown(Typed::call(&function, vec![call.string(0)?, count])?))
}

pub(super) fn repeat(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let count = crate::cast::coerce(call.int(1)?, &DataType::Long, call.settings)?;
    Ok(call.shown(Typed::call(&string::repeat(), vec![call.string(0)?, count])?))
}

pub(super) fn replace(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let by = if call.has(2) { call.string(2)? } else { Typed::string("") };
    let shown = format!("replace({}, {}, {})", call.argument(0)?.name, call.argument(1)?.name, by.name);
    Ok(Typed::call(&string::replace(), vec![call.string(0)?, call.string(1)?, by])?.named(shown))
}

pub(super) fn three_texts(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(3..=3)?;
    Ok(call.shown(Typed::call(&unicode::translate(), vec![call.string(0)?, call.string(1)?, call.string(2)?])?))
}

pub(super) fn substring_index(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(3..=3)?;
    let count = crate::cast::coerce(call.int(2)?, &DataType::Long, call.settings)?;
    Ok(call.shown(Typed::call(&unicode::substr_index(), vec![call.string(0)?, call.string(1)?, count])?))
}

pub(super) fn split_part(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(3..=3)?;
    if call.argument(2)?.integer() == Some(0) {
        return Err(SparkError::new("INVALID_INDEX_OF_ZERO", "the parts of split_part are counted from 1, or from -1"));
    }
    let index = crate::cast::coerce(call.int(2)?, &DataType::Long, call.settings)?;
    Ok(call.shown(Typed::call(&string::split_part(), vec![call.string(0)?, call.string(1)?, index])?))
}

/// From a position that counts from 1, or from the end if negative.
pub(super) fn substring(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let value = match call.argument(0)?.data_type {
        DataType::Binary => call.argument(0)?,
        _ => call.string(0)?,
    };
    let long = |typed| crate::cast::coerce(typed, &DataType::Long, call.settings);
    let length = if call.has(2) { call.int(2)? } else { Typed::int(i32::MAX) };
    let shown = format!("{}({}, {}, {})", call.name, value.name, call.argument(1)?.name, length.name);
    let typed = Typed::call(&renamed(spark::substring()), vec![value, long(call.int(1)?)?, long(length)?])?;
    Ok(typed.named(shown))
}

pub(super) fn instr(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    Ok(call.shown(Typed::call(&unicode::strpos(), vec![call.string(0)?, call.string(1)?])?))
}

/// The place of the first text in the second, from a position on.
pub(super) fn locate(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let start = if call.has(2) { call.int(2)? } else { Typed::int(1) };
    let shown = format!("{}({}, {}, {})", call.name, call.argument(0)?.name, call.argument(1)?.name, start.name);
    let arguments = vec![call.string(0)?, call.string(1)?, start];
    Ok(Typed::call(&super::regex_kernels::LOCATE, arguments)?.named(shown))
}

pub(super) fn find_in_set(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    Ok(call.shown(Typed::call(&unicode::find_in_set(), vec![call.string(0)?, call.string(1)?])?))
}

pub(super) fn levenshtein(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let distance = Typed::call(&string::levenshtein(), vec![call.string(0)?, call.string(1)?])?;
    if !call.has(2) {
        return Ok(call.shown(distance));
    }
    let build = |name: &'static str, arguments| {
        let function = crate::lookup(name).ok_or_else(|| SparkError::internal(format!("there is no {name}")))?;
        (function.build)(&call.other(name, arguments))
    };
    let far = build(">", vec![distance.clone(), call.int(2)?])?;
    Ok(call.shown(build("if", vec![far, Typed::int(-1), distance])?))
}

/// What is before the position, the new text, and what is after as many letters as it replaces.
pub(super) fn overlay(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(3..=4)?;
    let build = |name: &'static str, arguments| {
        let function = crate::lookup(name).ok_or_else(|| SparkError::internal(format!("there is no {name}")))?;
        (function.build)(&call.other(name, arguments))
    };
    let length = if call.has(3) { call.int(3)? } else { Typed::int(-1) };
    let names: Vec<String> = call.arguments.iter().take(3).map(|argument| argument.name.clone()).collect();
    let shown = format!("overlay({}, {})", names.join(", "), length.name);
    let (text, by, from) = (call.string(0)?, call.string(1)?, call.int(2)?);
    let own = build("length", vec![by.clone()])?;
    let is_given = build(">=", vec![length.clone(), Typed::int(0)])?;
    let replaced = build("if", vec![is_given, length, own])?;
    let before = build("substring", vec![text.clone(), Typed::int(1), build("-", vec![from.clone(), Typed::int(1)])?])?;
    let after = build("substring", vec![text, build("+", vec![from, replaced])?])?;
    Ok(build("concat", vec![before, by, after])?.named(shown))
}

pub(super) fn contains(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let function = match call.name {
        "startswith" => string::starts_with(),
        "endswith" => string::ends_with(),
        _ => string::contains(),
    };
    Ok(call.shown(Typed::call(&function, vec![call.string(0)?, call.string(1)?])?))
}
