//! How a line of CSV is written: separators, quotes, and what stands for null and for no text.

use arrow::array::ArrayRef;

use super::options::Options;
use crate::string::rows::{constant_flag, constant_text};
use crate::typed::Typed;

/// The options that say it, in lower case; those of files alone have no effect on a line.
pub(super) const DIALECT: &[&str] = &[
    "sep",
    "delimiter",
    "quote",
    "escape",
    "nullvalue",
    "emptyvalue",
    "quoteall",
    "ignoreleadingwhitespace",
    "ignoretrailingwhitespace",
    "header",
    "inferschema",
    "multiline",
];

#[derive(Debug, Clone)]
pub(super) struct Dialect {
    separator: String,
    quote: char,
    escape: char,
    null_value: String,
    empty_value: String,
    skips_leading: bool,
    skips_trailing: bool,
    quotes_all: bool,
}

/// How many arguments of a kernel say a dialect.
pub(super) const ARGUMENTS: usize = 8;

impl Dialect {
    pub fn for_reading(options: &Options) -> Self {
        Self::of(options, "", options.is_on("ignoreleadingwhitespace"), options.is_on("ignoretrailingwhitespace"))
    }

    pub fn for_writing(options: &Options) -> Self {
        let skips = |name: &str| options.is_not_off(name);
        Self::of(options, "\"\"", skips("ignoreleadingwhitespace"), skips("ignoretrailingwhitespace"))
    }

    fn of(options: &Options, empty_value: &str, skips_leading: bool, skips_trailing: bool) -> Self {
        let letter =
            |name: &str, default: char| options.get(name).map_or(default, |text| text.chars().next().unwrap_or('\0'));
        let separator = options.get("sep").or_else(|| options.get("delimiter")).unwrap_or(",");
        Self {
            separator: separator.replace("\\t", "\t"),
            quote: letter("quote", '"'),
            escape: letter("escape", '\\'),
            null_value: options.get("nullvalue").unwrap_or_default().to_owned(),
            empty_value: options.get("emptyvalue").unwrap_or(empty_value).to_owned(),
            skips_leading,
            skips_trailing,
            quotes_all: options.is_on("quoteall"),
        }
    }

    pub fn arguments(&self) -> [Typed; ARGUMENTS] {
        [
            Typed::string(&self.separator),
            Typed::string(&self.quote.to_string()),
            Typed::string(&self.escape.to_string()),
            Typed::string(&self.null_value),
            Typed::string(&self.empty_value),
            Typed::boolean(self.skips_leading),
            Typed::boolean(self.skips_trailing),
            Typed::boolean(self.quotes_all),
        ]
    }

    pub fn read(arguments: &[ArrayRef]) -> Self {
        let text = |index: usize| constant_text(&arguments[index]).unwrap_or_default().to_owned();
        let letter = |index: usize| text(index).chars().next().unwrap_or('\0');
        Self {
            separator: text(0),
            quote: letter(1),
            escape: letter(2),
            null_value: text(3),
            empty_value: text(4),
            skips_leading: constant_flag(&arguments[5]),
            skips_trailing: constant_flag(&arguments[6]),
            quotes_all: constant_flag(&arguments[7]),
        }
    }

    fn trimmed<'a>(&self, text: &'a str) -> &'a str {
        let text = if self.skips_leading { text.trim_start() } else { text };
        if self.skips_trailing { text.trim_end() } else { text }
    }

    /// The values of a line, `None` for null. A quote that is not at an end is none.
    pub fn values(&self, line: &str) -> Vec<Option<String>> {
        let mut values = Vec::new();
        let mut rest = line;
        loop {
            let quoted = rest.strip_prefix(self.quote).and_then(|inner| self.quoted(inner));
            let (value, behind) = match quoted {
                Some((text, behind)) if text.is_empty() => (self.empty_value.clone(), behind),
                Some((text, behind)) => (text, behind),
                None => {
                    let end = if self.separator.is_empty() { None } else { rest.find(&self.separator) };
                    let end = end.unwrap_or(rest.len());
                    (
                        if end == 0 { self.null_value.clone() } else { self.trimmed(&rest[..end]).to_owned() },
                        &rest[end..],
                    )
                }
            };
            values.push((value != self.null_value).then_some(value));
            match behind.strip_prefix(self.separator.as_str()) {
                Some(behind) if !self.separator.is_empty() => rest = behind,
                _ => return values,
            }
        }
    }

    /// The text up to the closing quote, and what is behind it.
    fn quoted<'a>(&self, inner: &'a str) -> Option<(String, &'a str)> {
        let mut text = String::new();
        let mut letters = inner.char_indices().peekable();
        while let Some((at, letter)) = letters.next() {
            let escaped =
                letters.peek().map(|(_, next)| *next).filter(|next| *next == self.quote || *next == self.escape);
            match (letter, escaped) {
                (letter, Some(escaped)) if letter == self.escape => {
                    letters.next();
                    text.push(escaped);
                }
                (letter, _) if letter == self.quote => {
                    let behind = &inner[at + letter.len_utf8()..];
                    return (behind.is_empty() || behind.starts_with(&self.separator)).then_some((text, behind));
                }
                (letter, _) => text.push(letter),
            }
        }
        None
    }

    /// In quotes if need be.
    pub fn written(&self, value: Option<&str>) -> String {
        let Some(value) = value else { return self.null_value.clone() };
        let value = self.trimmed(value);
        if value.is_empty() {
            return self.empty_value.clone();
        }
        let is_special = |letter: char| letter == self.quote || letter == '\n' || letter == '\r';
        if !self.quotes_all && !value.contains(&self.separator) && !value.contains(is_special) {
            return value.to_owned();
        }
        let mut out = String::from(self.quote);
        for letter in value.chars() {
            if letter == self.quote || letter == self.escape {
                out.push(self.escape);
            }
            out.push(letter);
        }
        out.push(self.quote);
        out
    }

    pub fn line(&self, values: &[Option<&str>]) -> String {
        values.iter().map(|value| self.written(*value)).collect::<Vec<_>>().join(&self.separator)
    }
}
