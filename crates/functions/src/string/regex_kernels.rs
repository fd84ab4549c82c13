//! Kernels over regular expressions. A pattern that is the same in all rows is compiled once.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int32Array, ListBuilder, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Field, Int32Type};
use datafusion::common::Result;
use datafusion::logical_expr::ScalarUDF;
use firesteel_spec::SparkError;
use regex::{Captures, Regex};

use crate::kernel::{KernelUdf, null_if_any, nullable, spark_error};

/// All of them, for registration.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    [&LOCATE, &MATCHES, &REPLACE, &EXTRACT, &EXTRACT_ALL, &SUBSTRING, &COUNT, &POSITION, &SPLIT]
        .into_iter()
        .map(|function| Arc::clone(function))
        .collect()
}

type Udf = LazyLock<Arc<ScalarUDF>>;

/// `spark_locate(part, text, from)`: 0 if it is not there.
pub(super) static LOCATE: Udf = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_locate",
        |fields, _| null_if_any(DataType::Int32, &fields[..2]),
        |arrays, rows| {
            let (parts, texts) = (arrays[0].as_string::<i32>(), arrays[1].as_string::<i32>());
            let from = arrays[2].as_primitive::<Int32Type>();
            let places = (0..rows).map(|row| {
                if parts.is_null(row) || texts.is_null(row) {
                    return None;
                }
                let from = if from.is_null(row) { 0 } else { from.value(row) };
                Some(located(parts.value(row), texts.value(row), from))
            });
            Ok(Arc::new(places.collect::<Int32Array>()))
        },
    )
});

fn located(part: &str, text: &str, from: i32) -> i32 {
    let Some(skipped) = usize::try_from(from).ok().and_then(|from| from.checked_sub(1)) else { return 0 };
    let Some((start, _)) = text.char_indices().chain([(text.len(), ' ')]).nth(skipped) else { return 0 };
    match text[start..].find(part) {
        Some(found) => (skipped + text[start..start + found].chars().count() + 1) as i32,
        None => 0,
    }
}

pub(super) static MATCHES: Udf = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_rlike",
        |fields, _| null_if_any(DataType::Boolean, fields),
        |arrays, _| {
            let mut patterns = Patterns::default();
            let rows = pairs(arrays).map(|pair| match pair {
                Some((text, pattern)) => Ok(Some(patterns.get(pattern)?.is_match(text))),
                None => Ok(None),
            });
            Ok(Arc::new(rows.collect::<Result<BooleanArray>>()?))
        },
    )
});

/// `spark_regexp_replace(text, pattern, by, from)`
pub(super) static REPLACE: Udf = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_regexp_replace",
        |fields, _| null_if_any(DataType::Utf8, fields),
        |arrays, _| {
            let (by, from) = (arrays[2].as_string::<i32>(), arrays[3].as_primitive::<Int32Type>());
            let mut patterns = Patterns::default();
            let rows = pairs(arrays).enumerate().map(|(row, pair)| {
                let Some((text, pattern)) = pair.filter(|_| !by.is_null(row) && !from.is_null(row)) else {
                    return Ok(None);
                };
                let skipped = usize::try_from(from.value(row) - 1).unwrap_or(0);
                let start = text.char_indices().nth(skipped).map_or(text.len(), |(start, _)| start);
                let by = java_replacement(by.value(row));
                let replaced = patterns.get(pattern)?.replace_all(&text[start..], by.as_str());
                Ok(Some(format!("{}{replaced}", &text[..start])))
            });
            Ok(Arc::new(rows.collect::<Result<StringArray>>()?))
        },
    )
});

/// Java's `$1` and `\$` as Rust's `${1}` and `$$`.
fn java_replacement(by: &str) -> String {
    let mut rust = String::with_capacity(by.len());
    let mut letters = by.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('$') => rust.push_str("$$"),
                Some(other) => rust.push(other),
                None => {}
            },
            '$' => {
                let mut group = String::new();
                while let Some(digit) = letters.next_if(char::is_ascii_digit) {
                    group.push(digit);
                }
                rust.push_str(&if group.is_empty() { "$".to_owned() } else { format!("${{{group}}}") });
            }
            other => rust.push(other),
        }
    }
    rust
}

/// `spark_regexp_extract(text, pattern, group)`: empty if nothing matches.
pub(super) static EXTRACT: Udf = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_regexp_extract",
        |fields, _| null_if_any(DataType::Utf8, fields),
        |arrays, _| {
            let groups = arrays[2].as_primitive::<Int32Type>();
            let mut patterns = Patterns::default();
            let rows = pairs(arrays).enumerate().map(|(row, pair)| {
                let Some((text, pattern)) = pair.filter(|_| !groups.is_null(row)) else { return Ok(None) };
                let regex = patterns.get(pattern)?;
                let group = group_of(regex, groups.value(row))?;
                let found = regex.captures(text).map(|captures| text_of(&captures, group));
                Ok(Some(found.unwrap_or_default()))
            });
            Ok(Arc::new(rows.collect::<Result<StringArray>>()?))
        },
    )
});

pub(super) static EXTRACT_ALL: Udf = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_regexp_extract_all",
        |fields, _| null_if_any(texts_type(true), fields),
        |arrays, _| {
            let groups = arrays[2].as_primitive::<Int32Type>();
            let mut patterns = Patterns::default();
            let mut lists = ListBuilder::new(StringBuilder::new());
            for (row, pair) in pairs(arrays).enumerate() {
                let Some((text, pattern)) = pair.filter(|_| !groups.is_null(row)) else {
                    lists.append(false);
                    continue;
                };
                let regex = patterns.get(pattern)?;
                let group = group_of(regex, groups.value(row))?;
                regex.captures_iter(text).for_each(|captures| lists.values().append_value(text_of(&captures, group)));
                lists.append(true);
            }
            Ok(Arc::new(lists.finish()))
        },
    )
});

pub(super) static SUBSTRING: Udf = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_regexp_substr",
        |_, _| nullable(DataType::Utf8),
        |arrays, _| {
            let mut patterns = Patterns::default();
            let rows = pairs(arrays).map(|pair| match pair {
                Some((text, pattern)) => Ok(patterns.get(pattern)?.find(text).map(|found| found.as_str().to_owned())),
                None => Ok(None),
            });
            Ok(Arc::new(rows.collect::<Result<StringArray>>()?))
        },
    )
});

pub(super) static COUNT: Udf = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_regexp_count",
        |fields, _| null_if_any(DataType::Int32, fields),
        |arrays, _| {
            let mut patterns = Patterns::default();
            let rows = pairs(arrays).map(|pair| match pair {
                Some((text, pattern)) => Ok(Some(patterns.get(pattern)?.find_iter(text).count() as i32)),
                None => Ok(None),
            });
            Ok(Arc::new(rows.collect::<Result<Int32Array>>()?))
        },
    )
});

pub(super) static POSITION: Udf = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_regexp_instr",
        |fields, _| null_if_any(DataType::Int32, fields),
        |arrays, _| {
            let mut patterns = Patterns::default();
            let rows = pairs(arrays).map(|pair| match pair {
                Some((text, pattern)) => {
                    let found = patterns.get(pattern)?.find(text);
                    Ok(Some(found.map_or(0, |found| text[..found.start()].chars().count() as i32 + 1)))
                }
                None => Ok(None),
            });
            Ok(Arc::new(rows.collect::<Result<Int32Array>>()?))
        },
    )
});

/// `spark_split(text, pattern, limit)`: with a limit at most so many parts, and the last has the rest.
pub(super) static SPLIT: Udf = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_split",
        |fields, _| null_if_any(texts_type(false), fields),
        |arrays, _| {
            let limits = arrays[2].as_primitive::<Int32Type>();
            let mut patterns = Patterns::default();
            let field = Arc::new(Field::new(Field::LIST_FIELD_DEFAULT_NAME, DataType::Utf8, false));
            let mut lists = ListBuilder::new(StringBuilder::new()).with_field(field);
            for (row, pair) in pairs(arrays).enumerate() {
                let Some((text, pattern)) = pair.filter(|_| !limits.is_null(row)) else {
                    lists.append(false);
                    continue;
                };
                split(patterns.get(pattern)?, text, limits.value(row), &mut |part| lists.values().append_value(part));
                lists.append(true);
            }
            Ok(Arc::new(lists.finish()))
        },
    )
});

fn split(regex: &Regex, text: &str, limit: i32, part: &mut dyn FnMut(&str)) {
    let parts_max = if limit > 0 { limit as usize } else { usize::MAX };
    let (mut start, mut parts) = (0, 1);
    for found in regex.find_iter(text) {
        if parts == parts_max {
            break;
        }
        // A match of nothing at the ends makes no part.
        if found.end() == 0 || (found.is_empty() && found.start() >= text.len()) {
            continue;
        }
        part(&text[start..found.start()]);
        start = found.end();
        parts += 1;
    }
    part(&text[start..]);
}

fn texts_type(contains_null: bool) -> DataType {
    DataType::List(Arc::new(Field::new(Field::LIST_FIELD_DEFAULT_NAME, DataType::Utf8, contains_null)))
}

/// Text and pattern of each row, none if one is null.
fn pairs(arrays: &[ArrayRef]) -> impl Iterator<Item = Option<(&str, &str)>> {
    let (texts, patterns) = (arrays[0].as_string::<i32>(), arrays[1].as_string::<i32>());
    texts.iter().zip(patterns.iter()).map(|(text, pattern)| Some((text?, pattern?)))
}

fn text_of(captures: &Captures<'_>, group: usize) -> String {
    captures.get(group).map_or(String::new(), |found| found.as_str().to_owned())
}

fn group_of(regex: &Regex, group: i32) -> Result<usize> {
    let count = regex.captures_len() - 1;
    usize::try_from(group).ok().filter(|group| *group <= count).ok_or_else(|| {
        spark_error(
            SparkError::new(
                "INVALID_PARAMETER_VALUE.REGEX_GROUP_INDEX",
                format!("the pattern has {count} groups, and group {group} is asked for"),
            )
            .with("parameter", "`idx`")
            .with("functionName", "`regexp_extract`")
            .with("groupCount", count.to_string())
            .with("groupIndex", group.to_string()),
        )
    })
}

/// Compiled patterns of a batch.
#[derive(Default)]
struct Patterns(HashMap<String, Regex>);

impl Patterns {
    fn get(&mut self, pattern: &str) -> Result<&Regex> {
        if !self.0.contains_key(pattern) {
            let regex = Regex::new(pattern).map_err(|error| {
                spark_error(
                    SparkError::new("INVALID_PARAMETER_VALUE.PATTERN", format!("the pattern {pattern}: {error}"))
                        .with("parameter", "`regexp`")
                        .with("functionName", "`regexp`")
                        .with("value", format!("'{pattern}'")),
                )
            })?;
            self.0.insert(pattern.to_owned(), regex);
        }
        Ok(&self.0[pattern])
    }
}
