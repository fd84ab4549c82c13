//! Patterns of dates and times, as Spark takes them: Java's `DateTimeFormatter` without what Spark forbids.

mod format;
mod parse;

use firesteel_spec::SparkError;

/// Spark's pattern where none is said.
pub(super) const DEFAULT: &str = "yyyy-MM-dd HH:mm:ss";

const WEEK_BASED: &str = "YWwuec";
const UNSUPPORTED: &str = "ABnNp";
const UNSUPPORTED_FOR_PARSING: &str = "EFqQ";
/// The letters of the older `SimpleDateFormat`, which decide how an error reads.
const LEGACY: &str = "GyYMLwWDdFEuaHkKhmsSzZX";

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Text(String),
    /// A letter and how often it stands there.
    Field(char, usize),
    /// What may be missing when parsing.
    Optional(Vec<Item>),
}

/// A pattern that was found to be valid.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    items: Vec<Item>,
}

impl Pattern {
    pub(crate) fn for_formatting(pattern: &str) -> Result<Self, SparkError> {
        Self::compile(pattern, false)
    }

    pub(crate) fn for_parsing(pattern: &str) -> Result<Self, SparkError> {
        Self::compile(pattern, true)
    }

    fn compile(pattern: &str, parsing: bool) -> Result<Self, SparkError> {
        match check(pattern, parsing).and_then(|()| items(pattern)) {
            Ok(items) => Ok(Self { items }),
            Err(_) if legacy_accepts(pattern) => Err(unrecognized(pattern)),
            Err(error) => Err(*error),
        }
    }
}

/// Spark's own rules, on what stands outside quotes.
fn check(pattern: &str, parsing: bool) -> Result<(), Box<SparkError>> {
    for part in pattern.split('\'').step_by(2) {
        if let Some(letter) = part.chars().find(|letter| WEEK_BASED.contains(*letter)) {
            return Err(Box::new(week_based(letter)));
        }
        let forbidden =
            |letter: &char| UNSUPPORTED.contains(*letter) || (parsing && UNSUPPORTED_FOR_PARSING.contains(*letter));
        if let Some(letter) = part.chars().find(forbidden) {
            return Err(Box::new(illegal_character(letter, pattern)));
        }
    }
    Ok(())
}

fn items(pattern: &str) -> Result<Vec<Item>, Box<SparkError>> {
    let mut open: Vec<Vec<Item>> = vec![Vec::new()];
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        let item = match character {
            letter if letter.is_ascii_alphabetic() => {
                let mut count = 1;
                while characters.next_if_eq(&letter).is_some() {
                    count += 1;
                }
                if !is_field(letter, count) {
                    return Err(Box::new(invalid(pattern)));
                }
                Item::Field(letter, count)
            }
            '\'' => {
                let mut text = String::new();
                loop {
                    match characters.next() {
                        Some('\'') if characters.next_if_eq(&'\'').is_some() => text.push('\''),
                        Some('\'') => break,
                        Some(character) => text.push(character),
                        None => return Err(Box::new(invalid(pattern))),
                    }
                }
                // Two quotes are one.
                Item::Text(if text.is_empty() { "'".to_owned() } else { text })
            }
            '[' => {
                open.push(Vec::new());
                continue;
            }
            ']' => match open.pop() {
                Some(items) if !open.is_empty() => Item::Optional(items),
                _ => return Err(Box::new(invalid(pattern))),
            },
            '{' | '}' | '#' => return Err(Box::new(invalid(pattern))),
            other => Item::Text(other.to_string()),
        };
        if let Some(items) = open.last_mut() {
            items.push(item);
        }
    }
    // What is not closed ends with the pattern.
    while open.len() > 1 {
        let items = open.pop().unwrap_or_default();
        if let Some(outer) = open.last_mut() {
            outer.push(Item::Optional(items));
        }
    }
    Ok(open.pop().unwrap_or_default())
}

fn is_field(letter: char, count: usize) -> bool {
    match letter {
        'y' => count <= 6,
        'G' | 'M' | 'L' | 'E' | 'Q' | 'q' | 'z' => count <= 4,
        'd' | 'h' | 'H' | 'k' | 'K' | 'm' | 's' => count <= 2,
        'a' | 'F' => count == 1,
        'D' => count <= 3,
        'S' => count <= 9,
        'V' => count == 2,
        'O' => count == 1 || count == 4,
        'X' | 'x' | 'Z' => count <= 5,
        _ => false,
    }
}

fn legacy_accepts(pattern: &str) -> bool {
    let mut quoted = false;
    let mut run = (' ', 0);
    for character in pattern.chars() {
        if character == '\'' {
            quoted = !quoted;
        }
        if quoted || !character.is_ascii_alphabetic() {
            run = (' ', 0);
            continue;
        }
        run = if run.0 == character { (character, run.1 + 1) } else { (character, 1) };
        if !LEGACY.contains(character) || (character == 'X' && run.1 > 3) {
            return false;
        }
    }
    !quoted
}

fn quoted(pattern: &str) -> String {
    format!("'{}'", pattern.replace('\'', "\\'"))
}

const DOCUMENTS: &str = "https://spark.apache.org/docs/latest";

fn invalid(pattern: &str) -> SparkError {
    SparkError::new("INVALID_DATETIME_PATTERN.WITH_SUGGESTION", format!("'{pattern}' is no pattern of dates and times"))
        .with("pattern", quoted(pattern))
        .with("docroot", DOCUMENTS)
}

fn illegal_character(letter: char, pattern: &str) -> SparkError {
    SparkError::new(
        "INVALID_DATETIME_PATTERN.ILLEGAL_CHARACTER",
        format!("the letter {letter} has no place in the pattern '{pattern}'"),
    )
    .with("c", letter.to_string())
    .with("pattern", pattern)
}

fn week_based(letter: char) -> SparkError {
    SparkError::new(
        "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_WEEK_BASED_PATTERN",
        format!("patterns of weeks are not supported since Spark 3.0: {letter}; use EXTRACT instead"),
    )
    .with("c", letter.to_string())
}

fn unrecognized(pattern: &str) -> SparkError {
    SparkError::new(
        "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION",
        format!("'{pattern}' was a pattern before Spark 3.0, and is none since; write it anew"),
    )
    .with("pattern", quoted(pattern))
    .with("config", "\"spark.sql.legacy.timeParserPolicy\"")
    .with("docroot", DOCUMENTS)
}
