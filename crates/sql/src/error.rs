//! What is wrong with a text, as Spark's error classes have it.

use firesteel_spec::{QueryContext, SparkError};

/// Of an error that a text without any statement is.
pub(crate) fn empty_statement() -> SparkError {
    SparkError::new("PARSE_EMPTY_STATEMENT", "there is no statement in the text; write one")
}

/// `near` is a token in quotes, or `end of input`.
pub(crate) fn syntax(near: &str, hint: &str) -> SparkError {
    SparkError::new("PARSE_SYNTAX_ERROR", format!("Syntax error at or near {near}{hint}."))
        .with("error", near)
        .with("hint", hint)
}

pub(crate) fn unclosed_comment(text: &str, start: usize) -> SparkError {
    SparkError::new("UNCLOSED_BRACKETED_COMMENT", "a comment that begins with /* has no end; close it with */")
        .at(place(text, start, text.len()))
}

pub(crate) fn too_deep(bound: usize) -> SparkError {
    SparkError::new(
        "FAILED_TO_PARSE_TOO_COMPLEX",
        format!("the statement nests deeper than {bound} levels; divide it into several"),
    )
}

pub(crate) fn typed_literal(data_type: &str, value: &str) -> SparkError {
    SparkError::new(
        "INVALID_TYPED_LITERAL",
        format!("The value of the typed literal \"{data_type}\" is invalid: '{value}'."),
    )
    .with("valueType", format!("\"{data_type}\""))
    .with("value", format!("'{value}'"))
}

pub(crate) fn unsupported_type(name: &str) -> SparkError {
    SparkError::new("UNSUPPORTED_DATATYPE", format!("Unsupported data type \"{name}\"."))
        .with("typeName", format!("\"{name}\""))
}

pub(crate) fn precision_exceeded(precision: usize) -> SparkError {
    SparkError::new(
        "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION",
        format!("Decimal precision {precision} exceeds max precision 38."),
    )
    .with("precision", precision.to_string())
    .with("maxPrecision", "38")
}

pub(crate) fn duplicate_clause(name: &str) -> SparkError {
    SparkError::new("DUPLICATE_CLAUSES", format!("the clause {name} stands more than once; remove one"))
        .with("clauseName", name)
}

pub(crate) fn invalid_identifier(name: &str) -> SparkError {
    SparkError::new(
        "INVALID_IDENTIFIER",
        format!("{name} holds characters that a name without quotes cannot; write `{name}`"),
    )
    .with("ident", name)
}

/// The class has two parameters in Spark: the text and what is wrong with it.
pub(crate) fn interval_format(subclass: &str, input: &str, reason: &str) -> SparkError {
    SparkError::new(
        format!("INVALID_INTERVAL_FORMAT.{subclass}"),
        format!("Error parsing '{input}' to interval: {reason}."),
    )
    .with("input", input)
}

/// Where the bytes `start..end` of the text stand.
pub(crate) fn place(text: &str, start: usize, end: usize) -> QueryContext {
    let before = text.get(..start).unwrap_or(text);
    let fragment = text.get(start..end).unwrap_or_default();
    let first = before.chars().count();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    QueryContext {
        fragment: fragment.to_owned(),
        start: first,
        stop: (first + fragment.chars().count()).saturating_sub(1).max(first),
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count(),
    }
}
