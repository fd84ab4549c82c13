//! Functions of regular expressions, which are Java's.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Int32Array, ListBuilder, StringArray, StringBuilder};
use arrow::datatypes::{DataType as ArrowType, Field};
use datafusion::common::Result;
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::pattern::{Groups, JavaRegex};
use super::rows::{self, constant_text, each, ints, kernels, lax, strict, texts};
use crate::call::Call;
use crate::kernel::{null_if_any, spark_error};
use crate::typed::{Typed, default_name};

kernels! {
    RLIKE = "spark_rlike", rows::boolean, |arrays, count| {
        let mut patterns = Patterns::of(&arrays[2]);
        each::<BooleanArray, _>(&arrays[..2], count, |row| {
            patterns.at(texts(&arrays[1]).value(row))?.is_match(texts(&arrays[0]).value(row)).map(Some)
        })
    };
    EXTRACT = "spark_regexp_extract", rows::text, |arrays, count| {
        let mut patterns = Patterns::of(&arrays[3]);
        each::<StringArray, _>(&arrays[..3], count, |row| {
            let (text, group) = (texts(&arrays[0]).value(row), ints(&arrays[2]).value(row));
            let pattern = patterns.at(texts(&arrays[1]).value(row))?;
            let Some(groups) = pattern.find_at(text, 0)? else { return Ok(Some(String::new())) };
            group_text(text, &groups, group).map(|text| Some(text.to_owned()))
        })
    };
    EXTRACT_ALL = "spark_regexp_extract_all", lists_of_texts, extract_all_kernel;
    COUNT = "spark_regexp_count", rows::int, |arrays, count| {
        let mut patterns = Patterns::of(&arrays[2]);
        each::<Int32Array, _>(&arrays[..2], count, |row| {
            let matches = patterns.at(texts(&arrays[1]).value(row))?.find_all(texts(&arrays[0]).value(row))?;
            Ok(Some(matches.len() as i32))
        })
    };
    INSTR = "spark_regexp_instr", rows::int, |arrays, count| {
        let mut patterns = Patterns::of(&arrays[3]);
        each::<Int32Array, _>(&arrays[..3], count, |row| {
            let text = texts(&arrays[0]).value(row);
            let found = patterns.at(texts(&arrays[1]).value(row))?.find_at(text, 0)?;
            let start = found.and_then(|groups| groups.first().cloned().flatten()).map(|whole| whole.start);
            Ok(Some(start.map_or(0, |start| text[..start].chars().count() as i32 + 1)))
        })
    };
    SUBSTR = "spark_regexp_substr", rows::text_or_null, |arrays, count| {
        let mut patterns = Patterns::of(&arrays[2]);
        each::<StringArray, _>(&arrays[..2], count, |row| {
            let text = texts(&arrays[0]).value(row);
            let found = patterns.at(texts(&arrays[1]).value(row))?.find_at(text, 0)?;
            let whole = found.and_then(|groups| groups.first().cloned().flatten());
            Ok(whole.filter(|whole| !whole.is_empty()).map(|whole| text[whole].to_owned()))
        })
    };
    REPLACE = "spark_regexp_replace", rows::text, replace_kernel;
    SPLIT = "spark_split", lists_of_texts, split_kernel;
}

/// The pattern of the last row, which is most often that of all rows.
struct Patterns {
    function: String,
    last: Option<(String, JavaRegex)>,
}

impl Patterns {
    fn of(function: &ArrayRef) -> Self {
        Self { function: constant_text(function).unwrap_or_default().to_owned(), last: None }
    }

    fn at(&mut self, pattern: &str) -> Result<&JavaRegex> {
        if self.last.as_ref().is_none_or(|(known, _)| known != pattern) {
            let regex = JavaRegex::new(pattern).ok_or_else(|| spark_error(invalid_pattern(&self.function, pattern)))?;
            self.last = Some((pattern.to_owned(), regex));
        }
        match &self.last {
            Some((_, regex)) => Ok(regex),
            None => datafusion::common::internal_err!("no pattern was kept"),
        }
    }
}

fn lists_of_texts(
    fields: &[arrow::datatypes::FieldRef],
    _: &[Option<&datafusion::common::ScalarValue>],
) -> Result<arrow::datatypes::FieldRef> {
    null_if_any(ArrowType::List(Arc::new(text_element())), fields)
}

fn text_element() -> Field {
    Field::new(Field::LIST_FIELD_DEFAULT_NAME, ArrowType::Utf8, true)
}

/// `RLIKE(a, b)`, under the name by which it was called.
pub(super) fn rlike(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let arguments = vec![call.string(0)?, call.string(1)?];
    let name = default_name(&call.name.to_uppercase(), &arguments);
    run(call, arguments, &RLIKE).map(|typed| typed.named(name))
}

/// With the function's name as another argument, for errors.
fn run(
    call: &Call<'_>,
    mut arguments: Vec<Typed>,
    function: &Arc<datafusion::logical_expr::ScalarUDF>,
) -> SparkResult<Typed> {
    let name = default_name(call.name, &arguments);
    arguments.push(Typed::string(call.name));
    Ok(strict(function, arguments)?.named(name))
}

fn with_group(call: &Call<'_>, default: i32) -> SparkResult<Vec<Typed>> {
    call.expect(2..=3)?;
    let group = if call.has(2) { call.int(2)? } else { Typed::int(default) };
    Ok(vec![call.string(0)?, call.string(1)?, group])
}

pub(super) fn extract(call: &Call<'_>) -> SparkResult<Typed> {
    run(call, with_group(call, 1)?, &EXTRACT)
}

pub(super) fn extract_all(call: &Call<'_>) -> SparkResult<Typed> {
    let mut typed = run(call, with_group(call, 1)?, &EXTRACT_ALL)?;
    typed.data_type = DataType::array(DataType::STRING, true);
    Ok(typed)
}

/// The group does not matter.
pub(super) fn instr(call: &Call<'_>) -> SparkResult<Typed> {
    run(call, with_group(call, 0)?, &INSTR)
}

pub(super) fn count(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    run(call, vec![call.string(0)?, call.string(1)?], &COUNT)
}

pub(super) fn substr(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let arguments = vec![call.string(0)?, call.string(1)?, Typed::string(call.name)];
    Ok(call.shown(lax(&SUBSTR, arguments)?))
}

/// The text of a group, empty if the group took no part.
fn group_text<'a>(text: &'a str, groups: &Groups, group: i32) -> Result<&'a str> {
    let found = usize::try_from(group).ok().and_then(|index| groups.get(index));
    match found {
        Some(range) => Ok(range.clone().map_or("", |range| &text[range])),
        None => Err(spark_error(group_index(groups.len() - 1, group))),
    }
}

fn extract_all_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let mut patterns = Patterns::of(&arrays[3]);
    lists(&arrays[..3], rows, |row| {
        let (text, group) = (texts(&arrays[0]).value(row), ints(&arrays[2]).value(row));
        let matches = patterns.at(texts(&arrays[1]).value(row))?.find_all(text)?;
        matches.iter().map(|groups| group_text(text, groups, group)).collect()
    })
}

fn lists<'a>(
    arrays: &'a [ArrayRef],
    rows: usize,
    mut answer: impl FnMut(usize) -> Result<Vec<&'a str>>,
) -> Result<ArrayRef> {
    let mut lists = ListBuilder::new(StringBuilder::new()).with_field(text_element());
    for row in 0..rows {
        if arrays.iter().any(|array| array.is_null(row)) {
            lists.append_null();
            continue;
        }
        for text in answer(row)? {
            lists.values().append_value(text);
        }
        lists.append(true);
    }
    Ok(Arc::new(lists.finish()))
}

/// `split(text, pattern[, limit])`
pub(super) fn split(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let limit = if call.has(2) { call.int(2)? } else { Typed::int(-1) };
    let mut typed = run(call, vec![call.string(0)?, call.string(1)?, limit], &SPLIT)?;
    typed.data_type = DataType::array(DataType::STRING, false);
    let field = typed.arrow_type();
    typed.expr = datafusion::logical_expr::Expr::Cast(datafusion::logical_expr::Cast::new(Box::new(typed.expr), field));
    Ok(typed)
}

fn split_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let mut patterns = Patterns::of(&arrays[3]);
    lists(&arrays[..3], rows, |row| {
        let (text, limit) = (texts(&arrays[0]).value(row), ints(&arrays[2]).value(row));
        let limit = if limit <= 0 { usize::MAX } else { limit as usize };
        match texts(&arrays[1]).value(row) {
            "" if !text.is_empty() => Ok(letters(text, limit)),
            pattern => split_by(patterns.at(pattern)?, text, limit),
        }
    })
}

/// Every character, the last one with what remains.
fn letters(text: &str, limit: usize) -> Vec<&str> {
    let mut starts: Vec<usize> = text.char_indices().map(|(start, _)| start).take(limit).collect();
    starts.push(text.len());
    starts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect()
}

/// `java.util.regex.Pattern.split` with a limit that keeps trailing empty parts.
fn split_by<'a>(pattern: &JavaRegex, text: &'a str, limit: usize) -> Result<Vec<&'a str>> {
    let mut parts = Vec::new();
    let mut from = 0;
    for groups in pattern.find_all(text)? {
        let Some(whole) = groups.first().cloned().flatten() else { continue };
        // An empty match at the start parts nothing.
        if whole.end == 0 {
            continue;
        }
        if parts.len() + 1 >= limit {
            break;
        }
        parts.push(&text[from..whole.start]);
        from = whole.end;
    }
    parts.push(&text[from..]);
    Ok(parts)
}

/// `regexp_replace(text, pattern, replacement[, position])`
pub(super) fn replace(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(3..=4)?;
    let position = if call.has(3) { call.int(3)? } else { Typed::int(1) };
    if let Some(found) = position.integer()
        && found <= 0
    {
        return Err(position_out_of_range(call, found));
    }
    run(call, vec![call.string(0)?, call.string(1)?, call.string(2)?, position], &REPLACE)
}

fn replace_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let mut patterns = Patterns::of(&arrays[4]);
    each::<StringArray, _>(&arrays[..4], rows, |row| {
        let (text, pattern) = (texts(&arrays[0]).value(row), texts(&arrays[1]).value(row));
        let replacement = texts(&arrays[2]).value(row);
        let skipped = usize::try_from(ints(&arrays[3]).value(row) - 1).unwrap_or(0);
        let offset = if skipped == 0 { Some(0) } else { text.char_indices().nth(skipped).map(|(offset, _)| offset) };
        let Some(offset) = offset else { return Ok(Some(text.to_owned())) };
        let (head, rest) = text.split_at(offset);
        let regex = patterns.at(pattern)?;
        let replaced = replaced(regex, rest, replacement)
            .map_err(|error| error.unwrap_or_else(|| spark_error(invalid_replacement(text, pattern, replacement))))?;
        Ok(Some(format!("{head}{replaced}")))
    })
}

/// `Err(None)` if the replacement is invalid, which shows at a match only.
fn replaced(
    regex: &JavaRegex,
    text: &str,
    replacement: &str,
) -> std::result::Result<String, Option<datafusion::common::DataFusionError>> {
    let matches = regex.find_all(text).map_err(Some)?;
    if matches.is_empty() {
        return Ok(text.to_owned());
    }
    let pieces = pieces(replacement, regex).ok_or(None)?;
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for groups in matches {
        let Some(whole) = groups.first().cloned().flatten() else { continue };
        out.push_str(&text[from..whole.start]);
        from = whole.end;
        for piece in &pieces {
            match piece {
                Piece::Letter(letter) => out.push(*letter),
                Piece::Group(index) => {
                    if let Some(range) = groups.get(*index).cloned().flatten() {
                        out.push_str(&text[range]);
                    }
                }
            }
        }
    }
    out.push_str(&text[from..]);
    Ok(out)
}

enum Piece {
    Letter(char),
    Group(usize),
}

/// Java's replacements: `$1`, `${name}`, and a backslash before what is meant as it is.
fn pieces(replacement: &str, regex: &JavaRegex) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut letters = replacement.chars().peekable();
    while let Some(letter) = letters.next() {
        pieces.push(match letter {
            '\\' => Piece::Letter(letters.next()?),
            '$' if letters.next_if_eq(&'{').is_some() => {
                let mut name = String::new();
                loop {
                    match letters.next()? {
                        '}' => break,
                        letter => name.push(letter),
                    }
                }
                Piece::Group(regex.group_named(&name)?)
            }
            '$' => {
                let digit = |letter: &char| letter.to_digit(10).map(|digit| digit as usize);
                let mut group = letters.peek().and_then(digit)?;
                letters.next();
                if group > regex.group_count() {
                    return None;
                }
                // More digits belong to the group's number as long as there is such a group.
                while let Some(next) = letters.peek().and_then(digit)
                    && group * 10 + next <= regex.group_count()
                {
                    group = group * 10 + next;
                    letters.next();
                }
                Piece::Group(group)
            }
            letter => Piece::Letter(letter),
        });
    }
    Some(pieces)
}

fn invalid_pattern(function: &str, pattern: &str) -> SparkError {
    SparkError::new(
        "INVALID_PARAMETER_VALUE.PATTERN",
        format!("the regular expression of {function} is invalid: '{pattern}'"),
    )
    .with("parameter", "`regexp`")
    .with("functionName", format!("`{function}`"))
    .with("value", format!("'{pattern}'"))
}

fn group_index(count: usize, index: i32) -> SparkError {
    SparkError::new(
        "INVALID_PARAMETER_VALUE.REGEX_GROUP_INDEX",
        format!("the group index must be between 0 and {count}, not {index}"),
    )
    .with("parameter", "`idx`")
    .with("functionName", "`regexp_extract`")
    .with("groupCount", count.to_string())
    .with("groupIndex", index.to_string())
}

fn invalid_replacement(text: &str, pattern: &str, replacement: &str) -> SparkError {
    SparkError::new(
        "INVALID_REGEXP_REPLACE",
        format!("regexp_replace('{text}', '{pattern}', '{replacement}'): the replacement is invalid"),
    )
    .with("source", text)
    .with("pattern", pattern)
    .with("replacement", replacement)
    .with("position", "1")
}

fn position_out_of_range(call: &Call<'_>, found: i64) -> SparkError {
    SparkError::new(
        "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
        format!("cannot resolve {}: the position must be 1 or more, not {found}", call.display()),
    )
    .with("sqlExpr", format!("\"{}\"", call.display()))
    .with("exprName", "position")
    .with("valueRange", "(0, 2147483647]")
    .with("currentValue", found.to_string())
}
