//! JSON read as Spark reads it: with single quotes and numbers that are none, and with numbers as they were written.

use crate::cast::java_double;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    /// As written.
    Number(String),
    String(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// How deep values may nest, as in Jackson.
const DEPTH_MAX: usize = 1000;

impl Json {
    /// The first value of a text; `None` if there is none that is whole. What follows it is not looked at.
    pub fn parse(text: &str, lax: Lax) -> Option<Self> {
        let mut reader = Reader { text, at: 0, lax };
        reader.value(0)
    }

    /// As Jackson writes it.
    pub fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(text) => out.push_str(&number_text(text)),
            Self::String(text) => write_string(text, out),
            Self::Array(elements) => {
                out.push('[');
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    element.write(out);
                }
                out.push(']');
            }
            Self::Object(fields) => {
                out.push('{');
                for (index, (name, value)) in fields.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_string(name, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// As Jackson writes it over several lines; numbers stay as they were written.
    pub fn write_pretty(&self, depth: usize, out: &mut String) {
        let line = |out: &mut String, depth: usize| {
            out.push('\n');
            out.push_str(&"  ".repeat(depth));
        };
        match self {
            Self::Number(text) => out.push_str(text),
            Self::Array(elements) if elements.is_empty() => out.push_str("[ ]"),
            Self::Object(fields) if fields.is_empty() => out.push_str("{ }"),
            Self::Array(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    out.push_str(if index == 0 { "[ " } else { ", " });
                    element.write_pretty(depth, out);
                }
                out.push_str(" ]");
            }
            Self::Object(fields) => {
                for (index, (name, value)) in fields.iter().enumerate() {
                    out.push(if index == 0 { '{' } else { ',' });
                    line(out, depth + 1);
                    write_string(name, out);
                    out.push_str(" : ");
                    value.write_pretty(depth + 1, out);
                }
                line(out, depth);
                out.push('}');
            }
            plain => plain.write(out),
        }
    }

    pub fn to_text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }
}

pub(super) fn is_whole_number(text: &str) -> bool {
    !text.contains(['.', 'e', 'E', 'N', 'I'])
}

/// Whole numbers as they are, others as Java shows the nearest double.
fn number_text(text: &str) -> String {
    if is_whole_number(text) {
        return text.to_owned();
    }
    match text.parse::<f64>() {
        Ok(value) => java_double(value),
        Err(_) => text.to_owned(),
    }
}

pub(crate) fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            control if (control as u32) < 0x20 => out.push_str(&format!("\\u{:04X}", control as u32)),
            other => out.push(other),
        }
    }
    out.push('"');
}

/// What is allowed beyond JSON.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Lax {
    pub single_quotes: bool,
    /// `NaN` and infinities.
    pub special_numbers: bool,
    pub unquoted_names: bool,
    pub leading_zeros: bool,
    pub control_letters: bool,
    pub any_escape: bool,
    pub comments: bool,
}

impl Lax {
    /// As a kernel's argument: a letter for each flag that is set.
    pub fn letters(mut self) -> String {
        self.flags().into_iter().filter(|(_, flag)| **flag).map(|(letter, _)| letter).collect()
    }

    pub fn of_letters(letters: &str) -> Self {
        let mut lax = Self::default();
        lax.flags().into_iter().for_each(|(letter, flag)| *flag = letters.contains(letter));
        lax
    }

    fn flags(&mut self) -> [(char, &mut bool); 7] {
        [
            ('q', &mut self.single_quotes),
            ('n', &mut self.special_numbers),
            ('u', &mut self.unquoted_names),
            ('z', &mut self.leading_zeros),
            ('c', &mut self.control_letters),
            ('e', &mut self.any_escape),
            ('/', &mut self.comments),
        ]
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    lax: Lax,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        loop {
            while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
                self.at += 1;
            }
            let rest = &self.text[self.at..];
            let end = match rest.get(..2) {
                Some("//") if self.lax.comments => rest.find('\n').unwrap_or(rest.len()),
                Some("/*") if self.lax.comments => rest.find("*/").map_or(rest.len(), |end| end + 2),
                _ => return,
            };
            self.at += end;
        }
    }

    fn take(&mut self, expected: u8) -> Option<()> {
        self.blanks();
        (self.peek() == Some(expected)).then(|| self.at += 1)
    }

    fn word(&mut self, word: &str, value: Json) -> Option<Json> {
        self.text[self.at..].starts_with(word).then(|| {
            self.at += word.len();
            value
        })
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        if depth > DEPTH_MAX {
            return None;
        }
        self.blanks();
        match self.peek()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string(b'"').map(Json::String),
            b'\'' if self.lax.single_quotes => self.string(b'\'').map(Json::String),
            b't' => self.word("true", Json::Bool(true)),
            b'f' => self.word("false", Json::Bool(false)),
            b'n' => self.word("null", Json::Null),
            b'N' if self.lax.special_numbers => self.word("NaN", Json::Number("NaN".to_owned())),
            b'I' if self.lax.special_numbers => self.word("Infinity", Json::Number("Infinity".to_owned())),
            b'+' if self.lax.special_numbers => self.word("+Infinity", Json::Number("Infinity".to_owned())),
            _ => self.number(),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Json> {
        self.at += 1;
        let mut fields = Vec::new();
        if self.take(b'}').is_some() {
            return Some(Json::Object(fields));
        }
        loop {
            self.blanks();
            let name = match self.peek()? {
                b'"' => self.string(b'"')?,
                b'\'' if self.lax.single_quotes => self.string(b'\'')?,
                _ if self.lax.unquoted_names => self.name()?,
                _ => return None,
            };
            self.take(b':')?;
            fields.push((name, self.value(depth + 1)?));
            if self.take(b',').is_none() {
                self.take(b'}')?;
                return Some(Json::Object(fields));
            }
        }
    }

    fn name(&mut self) -> Option<String> {
        let rest = &self.text[self.at..];
        let end = rest.find(|letter: char| !letter.is_alphanumeric() && !"_$-#@*".contains(letter))?;
        self.at += end;
        (end > 0).then(|| rest[..end].to_owned())
    }

    fn array(&mut self, depth: usize) -> Option<Json> {
        self.at += 1;
        let mut elements = Vec::new();
        if self.take(b']').is_some() {
            return Some(Json::Array(elements));
        }
        loop {
            elements.push(self.value(depth + 1)?);
            if self.take(b',').is_none() {
                self.take(b']')?;
                return Some(Json::Array(elements));
            }
        }
    }

    fn number(&mut self) -> Option<Json> {
        let rest = &self.text[self.at..];
        if rest.starts_with("-Infinity") && self.lax.special_numbers {
            return self.word("-Infinity", Json::Number("-Infinity".to_owned()));
        }
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && !"+-.eE".contains(letter)).unwrap_or(rest.len());
        let text = &rest[..end];
        let digits = text.strip_prefix('-').unwrap_or(text);
        let whole = &digits[..digits.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(digits.len())];
        let fraction = &digits[whole.len()..];
        let has_zeros = whole.len() > 1 && whole.starts_with('0');
        if whole.is_empty() || (has_zeros && !self.lax.leading_zeros) || fraction == "." || fraction.starts_with(".e") {
            return None;
        }
        text.parse::<f64>().ok()?;
        self.at += end;
        let sign = if text.starts_with('-') { "-" } else { "" };
        let whole = if has_zeros { whole.trim_start_matches('0') } else { whole };
        let whole = if whole.is_empty() { "0" } else { whole };
        Some(Json::Number(format!("{sign}{whole}{fraction}")))
    }

    fn string(&mut self, quote: u8) -> Option<String> {
        self.at += 1;
        let mut out = String::new();
        let mut letters = self.text[self.at..].char_indices();
        while let Some((offset, letter)) = letters.next() {
            match letter {
                letter if letter == char::from(quote) => {
                    self.at += offset + 1;
                    return Some(out);
                }
                '\\' => {
                    let (_, escaped) = letters.next()?;
                    match escaped {
                        'n' => out.push('\n'),
                        't' => out.push('\t'),
                        'r' => out.push('\r'),
                        'b' => out.push('\u{8}'),
                        'f' => out.push('\u{c}'),
                        '"' | '\\' | '/' => out.push(escaped),
                        '\'' => out.push('\''),
                        'u' => {
                            let mut unit = || {
                                let digits: String = letters.by_ref().take(4).map(|(_, digit)| digit).collect();
                                u16::from_str_radix(&digits, 16).ok()
                            };
                            let first = unit()?;
                            if (0xD800..0xDC00).contains(&first) {
                                letters.next().filter(|(_, letter)| *letter == '\\')?;
                                letters.next().filter(|(_, letter)| *letter == 'u')?;
                                let digits: String = letters.by_ref().take(4).map(|(_, digit)| digit).collect();
                                let second = u16::from_str_radix(&digits, 16).ok()?;
                                out.extend(char::decode_utf16([first, second]).map(|letter| letter.unwrap_or('?')));
                            } else {
                                out.push(char::from_u32(first.into()).unwrap_or('?'));
                            }
                        }
                        other if self.lax.any_escape => out.push(other),
                        _ => return None,
                    }
                }
                letter if (letter as u32) < 0x20 && !self.lax.control_letters => return None,
                letter => out.push(letter),
            }
        }
        None
    }
}
