//! Words and what they sound like, sentences, masks and quotes.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, ListBuilder, StringArray, StringBuilder};
use arrow::datatypes::{DataType as ArrowType, Field};
use datafusion::common::Result;
use datafusion::logical_expr::{Cast, Expr, ScalarUDF};
use datafusion_spark::function::string;
use firesteel_spec::{DataType, SparkError, SparkResult};
use regex::Regex;
use unicode_segmentation::UnicodeSegmentation;

use super::rows::{self, each, kernels, lax, strict, texts};
use crate::call::Call;
use crate::kernel::nullable;
use crate::renamed::renamed;
use crate::typed::{Typed, default_name};

kernels! {
    MASK = "spark_mask", rows::text_or_null, mask_kernel;
    QUOTE = "spark_quote", rows::text_or_null, |arrays, count| {
        each::<StringArray, _>(arrays, count, |row| {
            Ok(Some(format!("'{}'", texts(&arrays[0]).value(row).replace('\'', "\\'"))))
        })
    };
    SENTENCES = "spark_sentences", |_, _| nullable(sentences_type()), sentences_kernel;
}

pub(super) static SOUNDEX: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| renamed(string::soundex()));
pub(super) static LUHN_CHECK: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| renamed(string::luhn_check()));

pub(super) fn soundex(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(strict(&SOUNDEX, vec![call.text(0)?])?))
}

pub(super) fn luhn_check(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(lax(&LUHN_CHECK, vec![call.string(0)?])?))
}

pub(super) fn quote(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(lax(&QUOTE, vec![call.string(0)?])?))
}

/// `mask(text[, upper[, lower[, digit[, other]]]])`; null keeps what there is.
pub(super) fn mask(call: &Call<'_>) -> SparkResult<Typed> {
    call.require("str")?;
    call.expect(1..=5)?;
    let mut arguments = vec![call.text(0)?];
    for (index, (parameter, default)) in
        [("upperChar", Some("X")), ("lowerChar", Some("x")), ("digitChar", Some("n")), ("otherChar", None)]
            .into_iter()
            .enumerate()
    {
        let index = index + 1;
        let letter = match (call.has(index), default) {
            (true, _) => call.text(index)?,
            (false, Some(default)) => Typed::string(default),
            (false, None) => Typed::null(DataType::STRING),
        };
        if letter.text().is_some_and(|text| text.chars().count() != 1) {
            return Err(not_one(call, parameter));
        }
        arguments.push(letter);
    }
    let name = default_name(call.name, &arguments);
    Ok(lax(&MASK, arguments)?.named(name))
}

fn not_one(call: &Call<'_>, parameter: &str) -> SparkError {
    SparkError::new(
        "DATATYPE_MISMATCH.INPUT_SIZE_NOT_ONE",
        format!("cannot resolve {}: {parameter} must be one character", call.display()),
    )
    .with("sqlExpr", format!("\"{}\"", call.display()))
    .with("exprName", parameter)
}

/// Decimal digits of any script.
static DIGIT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{Nd}$").ok());

fn is_digit(letter: char) -> bool {
    letter.is_ascii_digit()
        || (!letter.is_ascii() && DIGIT.as_ref().is_some_and(|digit| digit.is_match(letter.encode_utf8(&mut [0; 4]))))
}

fn mask_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    each::<StringArray, _>(&arrays[..1], rows, |row| {
        let with = |index: usize| {
            let letters = texts(&arrays[index]);
            if letters.is_null(row) { None } else { letters.value(row).chars().next() }
        };
        let (upper, lower, digit, other) = (with(1), with(2), with(3), with(4));
        let masked = texts(&arrays[0]).value(row).chars().map(|letter| {
            let mask = match letter {
                letter if letter.is_uppercase() => upper,
                letter if letter.is_lowercase() => lower,
                letter if is_digit(letter) => digit,
                _ => other,
            };
            mask.unwrap_or(letter)
        });
        Ok(Some(masked.collect::<String>()))
    })
}

/// `sentences(text[, language, country])`: the words of the sentences, which Unicode tells for all languages.
pub(super) fn sentences(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=3)?;
    let mut arguments = vec![call.string(0)?];
    for index in 1..3 {
        arguments.push(if call.has(index) { call.string(index)? } else { Typed::string("") });
    }
    let name = default_name(call.name, &arguments);
    arguments.truncate(1);
    let mut typed = lax(&SENTENCES, arguments)?;
    typed.data_type = DataType::array(DataType::array(DataType::STRING, false), false);
    let to = typed.arrow_type();
    typed.expr = Expr::Cast(Cast::new(Box::new(typed.expr), to));
    Ok(typed.named(name))
}

fn element(data_type: ArrowType) -> Field {
    Field::new(Field::LIST_FIELD_DEFAULT_NAME, data_type, true)
}

fn sentences_type() -> ArrowType {
    let words = ArrowType::List(Arc::new(element(ArrowType::Utf8)));
    ArrowType::List(Arc::new(element(words)))
}

fn sentences_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let words = ListBuilder::new(StringBuilder::new()).with_field(element(ArrowType::Utf8));
    let mut all = ListBuilder::new(words);
    let values = texts(&arrays[0]);
    for row in 0..rows {
        if values.is_null(row) {
            all.append_null();
            continue;
        }
        for sentence in values.value(row).split_sentence_bounds() {
            let words = sentence.split_word_bounds();
            for word in words.filter(|word| word.chars().next().is_some_and(char::is_alphanumeric)) {
                all.values().values().append_value(word);
            }
            all.values().append(true);
        }
        all.append(true);
    }
    Ok(Arc::new(all.finish()))
}
