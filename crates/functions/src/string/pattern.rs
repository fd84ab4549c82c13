//! Java's regular expressions by Rust's: a pattern is rewritten so that it means the same, and goes to `regex`, or to
//! `fancy_regex` if it looks around, refers back or is possessive.

use std::ops::Range;
use std::sync::OnceLock;

use datafusion::common::{Result, internal_err};

const LINE_ENDS: &str = r"\n\r\u{85}\u{2028}\u{2029}";
const VERTICAL: &str = r"\n\x0B\f\r\u{85}\u{2028}\u{2029}";
const HORIZONTAL: &str = r" \t\u{A0}\u{1680}\u{180e}\u{2000}-\u{200a}\u{202f}\u{205f}\u{3000}";

/// The groups of a match, the whole first, as ranges of bytes.
pub(crate) type Groups = Vec<Option<Range<usize>>>;

#[derive(Debug)]
pub(crate) struct JavaRegex {
    plain: Engine,
    /// With `$` also before a line end that ends the text: tried on such texts alone, since it is slow.
    before_line_end: Option<(String, OnceLock<Option<Engine>>)>,
}

#[derive(Debug)]
enum Engine {
    Plain(regex::Regex),
    Fancy(Box<fancy_regex::Regex>),
}

impl Engine {
    fn new(pattern: &str, fancy: bool) -> Option<Self> {
        if !fancy && let Ok(regex) = regex::Regex::new(pattern) {
            return Some(Self::Plain(regex));
        }
        fancy_regex::Regex::new(pattern).ok().map(|regex| Self::Fancy(Box::new(regex)))
    }
}

/// A test of texts by a regular expression of Java's; `None` if it is invalid.
pub fn java_regex(pattern: &str) -> Option<impl Fn(&str) -> bool + use<>> {
    let regex = JavaRegex::new(pattern)?;
    Some(move |text: &str| regex.is_match(text).unwrap_or(false))
}

impl JavaRegex {
    /// `None` if the pattern is invalid.
    pub fn new(pattern: &str) -> Option<Self> {
        let translation = translate(pattern, r"\z")?;
        let plain = Engine::new(&translation.pattern, translation.fancy)?;
        let before_line_end = if translation.has_end {
            let end = format!(r"(?=(?:\r\n|[{LINE_ENDS}])?\z)");
            Some((translate(pattern, &end)?.pattern, OnceLock::new()))
        } else {
            None
        };
        Some(Self { plain, before_line_end })
    }

    fn engine(&self, text: &str) -> Result<&Engine> {
        let ends_line = || text.ends_with(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']);
        match &self.before_line_end {
            Some((pattern, engine)) if ends_line() => match engine.get_or_init(|| Engine::new(pattern, true)) {
                Some(engine) => Ok(engine),
                None => internal_err!("no regular expression: {pattern}"),
            },
            _ => Ok(&self.plain),
        }
    }

    pub fn is_match(&self, text: &str) -> Result<bool> {
        match self.engine(text)? {
            Engine::Plain(regex) => Ok(regex.is_match(text)),
            Engine::Fancy(regex) => regex.is_match(text).or_else(too_hard),
        }
    }

    /// How many groups there are beside the whole.
    pub fn group_count(&self) -> usize {
        match &self.plain {
            Engine::Plain(regex) => regex.captures_len() - 1,
            Engine::Fancy(regex) => regex.captures_len() - 1,
        }
    }

    pub fn group_named(&self, name: &str) -> Option<usize> {
        match &self.plain {
            Engine::Plain(regex) => regex.capture_names().position(|found| found == Some(name)),
            Engine::Fancy(regex) => regex.capture_names().position(|found| found == Some(name)),
        }
    }

    /// The first match that starts at `from` or behind.
    pub fn find_at(&self, text: &str, from: usize) -> Result<Option<Groups>> {
        let range = |start: usize, end: usize| start..end;
        Ok(match self.engine(text)? {
            Engine::Plain(regex) => regex.captures_at(text, from).map(|captures| {
                captures.iter().map(|group| group.map(|group| range(group.start(), group.end()))).collect()
            }),
            Engine::Fancy(regex) => match regex.captures_from_pos(text, from) {
                Ok(captures) => captures.map(|captures| {
                    captures.iter().map(|group| group.map(|group| range(group.start(), group.end()))).collect()
                }),
                Err(error) => return too_hard(error),
            },
        })
    }

    /// All matches as Java's `Matcher.find` finds them: an empty one may stand where another ends.
    pub fn find_all(&self, text: &str) -> Result<Vec<Groups>> {
        let mut all = Vec::new();
        let mut from = 0;
        while from <= text.len() {
            let Some(groups) = self.find_at(text, from)? else { break };
            let whole = groups.first().cloned().flatten().unwrap_or(from..from);
            from = whole.end;
            if whole.is_empty() {
                from += text[from..].chars().next().map_or(1, char::len_utf8);
            }
            all.push(groups);
        }
        Ok(all)
    }
}

fn too_hard<T>(error: fancy_regex::Error) -> Result<T> {
    internal_err!("a regular expression: {error}")
}

struct Translation {
    pattern: String,
    /// Does it need what `regex` lacks?
    fancy: bool,
    /// Is there a `$`?
    has_end: bool,
}

struct Translator<'a> {
    letters: std::iter::Peekable<std::str::Chars<'a>>,
    out: String,
    fancy: bool,
    has_end: bool,
    /// How deep in brackets.
    depth: usize,
    dot_all: bool,
    multi_line: bool,
    /// Behind a quantifier, where `+` makes it possessive?
    quantified: bool,
}

/// The pattern in Rust's syntax, with `end` for `$`; `None` if Java refuses it too.
fn translate(pattern: &str, end: &str) -> Option<Translation> {
    let mut translator = Translator {
        letters: pattern.chars().peekable(),
        out: String::with_capacity(pattern.len() + 16),
        fancy: false,
        has_end: false,
        depth: 0,
        dot_all: false,
        multi_line: false,
        quantified: false,
    };
    while let Some(letter) = translator.letters.next() {
        translator.step(letter, end)?;
    }
    let Translator { out, fancy, has_end, .. } = translator;
    Some(Translation { pattern: out, fancy, has_end })
}

impl Translator<'_> {
    fn step(&mut self, letter: char, end: &str) -> Option<()> {
        let was_quantified = std::mem::take(&mut self.quantified);
        match letter {
            '\\' => return self.escape(end),
            '[' => {
                self.depth += 1;
                self.out.push('[');
                if self.letters.next_if_eq(&'^').is_some() {
                    self.out.push('^');
                }
                if self.letters.next_if_eq(&']').is_some() {
                    self.out.push_str(r"\]");
                }
            }
            ']' if self.depth > 0 => {
                self.depth -= 1;
                self.out.push(']');
            }
            ']' => self.out.push_str(r"\]"),
            '~' if self.depth > 0 => self.out.push_str(r"\~"),
            '-' if self.depth > 0 && self.letters.peek() == Some(&'-') => self.out.push_str(r"\-"),
            letter if self.depth > 0 => self.out.push(letter),
            '.' if self.dot_all => self.out.push('.'),
            '.' => self.out.push_str(&format!("[^{LINE_ENDS}]")),
            '$' if self.multi_line => self.out.push('$'),
            '$' => self.end(end),
            '(' => return self.group(),
            '+' if was_quantified => {
                self.fancy = true;
                self.out.push('+');
            }
            '*' | '+' | '}' => {
                self.quantified = true;
                self.out.push(letter);
            }
            '?' => {
                self.quantified = !was_quantified;
                self.out.push('?');
            }
            letter => self.out.push(letter),
        }
        Some(())
    }

    fn end(&mut self, end: &str) {
        self.has_end = true;
        self.out.push_str(end);
    }

    /// What follows an open parenthesis: flags may set the meaning of `.` and `$`.
    fn group(&mut self) -> Option<()> {
        self.out.push('(');
        if self.letters.next_if_eq(&'?').is_none() {
            return Some(());
        }
        self.out.push('?');
        match self.letters.peek()? {
            '=' | '!' | '>' => self.fancy = true,
            '<' => {
                self.letters.next();
                self.out.push('<');
                self.fancy |= matches!(self.letters.peek(), Some('=' | '!'));
            }
            ':' => {}
            _ => self.flags()?,
        }
        Some(())
    }

    fn flags(&mut self) -> Option<()> {
        let mut on = true;
        while let Some(flag) = self.letters.next_if(|letter| letter.is_ascii_alphabetic() || *letter == '-') {
            match flag {
                '-' => on = false,
                's' => self.dot_all = on,
                'm' => self.multi_line = on,
                'i' | 'x' => {}
                // Rust's classes and cases are Unicode's anyway, and its lines Unix's.
                'u' | 'd' | 'U' => continue,
                _ => return None,
            }
            self.out.push(flag);
        }
        // `(?u)` alone has nothing left.
        if self.out.ends_with("(?") {
            match self.letters.next()? {
                ')' => self.out.push_str(":)"),
                _ => self.out.push(':'),
            }
        }
        Some(())
    }

    fn class(&mut self, members: &str, negated: bool) {
        let negation = if negated { "^" } else { "" };
        self.out.push_str(&format!("[{negation}{members}]"));
    }

    fn escape(&mut self, end: &str) -> Option<()> {
        let letter = self.letters.next()?;
        match letter {
            'd' | 'D' => self.class("0-9", letter == 'D'),
            'w' | 'W' => self.class("0-9A-Za-z_", letter == 'W'),
            's' | 'S' => self.class(r" \t\n\x0B\f\r", letter == 'S'),
            'h' | 'H' => self.class(HORIZONTAL, letter == 'H'),
            'v' | 'V' => self.class(VERTICAL, letter == 'V'),
            'R' => self.out.push_str(&format!(r"(?:\r\n|[{VERTICAL}])")),
            'Q' => self.quoted(),
            'Z' => self.end(end),
            'p' | 'P' => return self.property(letter == 'P'),
            'e' => self.out.push_str(r"\x1B"),
            '0' => {
                let mut code = 0;
                for _ in 0..3 {
                    let Some(digit) = self.letters.next_if(|digit| digit.is_digit(8)) else { break };
                    code = code * 8 + digit.to_digit(8)?;
                }
                self.out.push_str(&format!(r"\x{{{code:X}}}"));
            }
            'c' => {
                let code = (self.letters.next()? as u32) ^ 64;
                self.out.push_str(&format!(r"\x{{{code:X}}}"));
            }
            '1'..='9' | 'k' | 'G' => {
                self.fancy = true;
                self.out.push('\\');
                self.out.push(letter);
            }
            'A' | 'z' | 'b' | 'B' | 'a' | 't' | 'n' | 'r' | 'f' | 'x' | 'u' => {
                self.out.push('\\');
                self.out.push(letter);
            }
            letter if letter.is_ascii_alphabetic() => return None,
            letter => self.out.push_str(&regex::escape(&letter.to_string())),
        }
        Some(())
    }

    /// `\Q…\E`
    fn quoted(&mut self) {
        let mut text = String::new();
        while let Some(letter) = self.letters.next() {
            if letter == '\\' && self.letters.next_if_eq(&'E').is_some() {
                break;
            }
            text.push(letter);
        }
        self.out.push_str(&regex::escape(&text));
    }

    fn property(&mut self, negated: bool) -> Option<()> {
        let mut name = String::new();
        match self.letters.next()? {
            '{' => loop {
                match self.letters.next()? {
                    '}' => break,
                    letter => name.push(letter),
                }
            },
            letter => name.push(letter),
        }
        let members = match name.as_str() {
            "Lower" => "a-z",
            "Upper" => "A-Z",
            "ASCII" => r"\x00-\x7F",
            "Alpha" => "A-Za-z",
            "Digit" => "0-9",
            "Alnum" => "0-9A-Za-z",
            "Punct" => r"!-/:-@\[-`\{-~",
            "Graph" => "!-~",
            "Print" => " -~",
            "Blank" => r" \t",
            "Cntrl" => r"\x00-\x1F\x7F",
            "XDigit" => "0-9A-Fa-f",
            "Space" => r" \t\n\x0B\f\r",
            "javaLowerCase" => r"\p{Lowercase}",
            "javaUpperCase" => r"\p{Uppercase}",
            "javaWhitespace" => r"\s",
            other => {
                let unicode = other.strip_prefix("Is").unwrap_or(other);
                let sign = if negated { 'P' } else { 'p' };
                self.out.push_str(&format!(r"\{sign}{{{unicode}}}"));
                return Some(());
            }
        };
        self.class(members, negated);
        Some(())
    }
}
