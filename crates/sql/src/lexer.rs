//! Text into tokens, by the rules of Spark's lexer: the longest match wins, and keywords are words like any other. What
//! is no token is one of kind [`Kind::Unknown`], which no rule of the grammar takes, so only a comment without an end
//! is an error here.

use firesteel_spec::SparkResult;

use crate::error::unclosed_comment;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier or a keyword.
    Word,
    /// In backticks.
    Quoted,
    /// In single or double quotes, possibly raw.
    Text,
    Integer,
    /// With a point and without an exponent.
    Decimal,
    /// With an exponent: a double.
    Exponent,
    /// `L`
    Long,
    /// `S`
    Short,
    /// `Y`
    Byte,
    /// `F`
    Float,
    /// `D`
    Double,
    /// `BD`
    BigDecimal,
    Symbol,
    Unknown,
    End,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub kind: Kind,
    /// In bytes.
    pub start: usize,
    pub end: usize,
    /// In characters.
    pub first: usize,
    /// For an opening parenthesis, the token that closes it, if any.
    pub closing: usize,
}

/// For a token that is no opening parenthesis, or one that is not closed.
pub(crate) const NOT_CLOSED: usize = usize::MAX;

/// Longest first.
const SYMBOLS: [&str; 14] = ["<=>", "/*+", "->", "=>", "::", "<=", ">=", "!=", "!>", "!<", "<>", "==", "||", "|>"];
const CHARACTERS: &str = "()[]{},.;:?+-*/%~&|^<>=!";

/// The tokens of a text; the last one is [`Kind::End`].
pub(crate) fn tokens(text: &str) -> SparkResult<Vec<Token>> {
    let mut lexer = Lexer { text, position: 0, in_hint: false };
    let mut tokens: Vec<Token> = Vec::with_capacity(text.len() / 4 + 1);
    let mut open = Vec::new();
    let ascii = text.is_ascii();
    let (mut counted, mut characters) = (0, 0);
    loop {
        lexer.skip_blanks()?;
        let start = lexer.position;
        let kind = lexer.next();
        let first = if ascii { start } else { characters + text[counted..start].chars().count() };
        (counted, characters) = (start, first);
        let index = tokens.len();
        tokens.push(Token { kind, start, end: lexer.position, first, closing: NOT_CLOSED });
        match (kind, &text[start..lexer.position]) {
            (Kind::End, _) => return Ok(tokens),
            (Kind::Symbol, "(") => open.push(index),
            (Kind::Symbol, ")") => {
                if let Some(token) = open.pop().and_then(|opening: usize| tokens.get_mut(opening)) {
                    token.closing = index;
                }
            }
            _ => {}
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    position: usize,
    /// Between `/*+` and `*/`.
    in_hint: bool,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.position..]
    }

    fn character(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Whitespace and comments.
    fn skip_blanks(&mut self) -> SparkResult<()> {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start_matches(is_blank).len();
            if blank > 0 {
                self.position += blank;
            } else if rest.starts_with("--") {
                self.position += line_comment(rest);
            } else if rest.starts_with("/*") && !rest.starts_with("/*+") {
                self.position += bracketed_comment(rest).ok_or_else(|| unclosed_comment(self.text, self.position))?;
            } else {
                return Ok(());
            }
        }
    }

    fn next(&mut self) -> Kind {
        let Some(character) = self.character() else { return Kind::End };
        let second = self.rest().chars().nth(1);
        match character {
            '0'..='9' => self.number_or_word(),
            '.' if second.is_some_and(|second| second.is_ascii_digit()) => self.fraction(),
            '\'' | '"' => self.quoted_text(character, false),
            'r' | 'R' if matches!(second, Some('\'' | '"')) => {
                self.position += 1;
                self.quoted_text(second.unwrap_or('\''), true)
            }
            '`' => self.quoted_name(),
            _ if is_word(character) => {
                self.position = self.word_end();
                Kind::Word
            }
            _ => self.symbol(character),
        }
    }

    fn symbol(&mut self, character: char) -> Kind {
        if self.in_hint && self.rest().starts_with("*/") {
            self.position += 2;
            self.in_hint = false;
            return Kind::Symbol;
        }
        if let Some(symbol) = SYMBOLS.iter().find(|symbol| self.rest().starts_with(**symbol)) {
            self.position += symbol.len();
            self.in_hint |= *symbol == "/*+";
            return Kind::Symbol;
        }
        self.position += character.len_utf8();
        if CHARACTERS.contains(character) { Kind::Symbol } else { Kind::Unknown }
    }

    fn word_end(&self) -> usize {
        let rest = self.rest();
        self.position + (rest.len() - rest.trim_start_matches(is_word).len())
    }

    /// From a digit on: a number, or a word that begins with digits.
    fn number_or_word(&mut self) -> Kind {
        let digits = self.position + digits(self.rest());
        if self.text[digits..].starts_with('.')
            && let Some((end, kind)) = self.number_from(digits + 1 + digits_at(self.text, digits + 1), Kind::Decimal)
        {
            self.position = end;
            return kind;
        }
        let word_end = self.word_end();
        match self.number_from(digits, Kind::Integer) {
            Some((end, kind)) if end >= word_end => {
                self.position = end;
                kind
            }
            _ => {
                self.position = word_end;
                Kind::Word
            }
        }
    }

    /// From a point with a digit after it on.
    fn fraction(&mut self) -> Kind {
        let end = self.position + 1 + digits_at(self.text, self.position + 1);
        match self.number_from(end, Kind::Decimal) {
            Some((end, kind)) => {
                self.position = end;
                kind
            }
            None => {
                self.position += 1;
                Kind::Symbol
            }
        }
    }

    /// The end and the kind of a number whose digits end at `end`; none if a word goes on there.
    fn number_from(&self, mut end: usize, plain: Kind) -> Option<(usize, Kind)> {
        let mut kind = plain;
        let exponent = exponent(&self.text[end..]);
        if exponent > 0 {
            end += exponent;
            kind = Kind::Exponent;
        }
        let rest = &self.text[end..];
        let word = &rest[..rest.len() - rest.trim_start_matches(is_word).len()];
        let suffix = match word.to_ascii_uppercase().as_str() {
            "" => return Some((end, kind)),
            "F" => Kind::Float,
            "D" => Kind::Double,
            "BD" => Kind::BigDecimal,
            "L" if kind == Kind::Integer => Kind::Long,
            "S" if kind == Kind::Integer => Kind::Short,
            "Y" if kind == Kind::Integer => Kind::Byte,
            _ => return None,
        };
        Some((end + word.len(), suffix))
    }

    /// The rest of the text is one unknown token if the quote has no end.
    fn quoted_text(&mut self, quote: char, raw: bool) -> Kind {
        let mut characters = self.rest().char_indices().skip(1).peekable();
        while let Some((offset, character)) = characters.next() {
            if character == '\\' && !raw {
                characters.next();
            } else if character == quote {
                if !raw && characters.peek().is_some_and(|(_, next)| *next == quote) {
                    characters.next();
                    continue;
                }
                self.position += offset + 1;
                return Kind::Text;
            }
        }
        self.position = self.text.len();
        Kind::Unknown
    }

    fn quoted_name(&mut self) -> Kind {
        let mut offset = 1;
        while let Some(next) = self.rest()[offset..].find('`') {
            offset += next + 1;
            if !self.rest()[offset..].starts_with('`') {
                self.position += offset;
                return Kind::Quoted;
            }
            offset += 1;
        }
        self.position = self.text.len();
        Kind::Unknown
    }
}

fn is_blank(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{FEFF}' | '\u{200B}')
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_' || (!character.is_ascii() && character.is_alphabetic())
}

fn digits(text: &str) -> usize {
    text.len() - text.trim_start_matches(|character: char| character.is_ascii_digit()).len()
}

fn digits_at(text: &str, position: usize) -> usize {
    text.get(position..).map_or(0, digits)
}

/// The length of `e+10` and the like.
fn exponent(text: &str) -> usize {
    if !text.starts_with(['e', 'E']) {
        return 0;
    }
    let sign = usize::from(text[1..].starts_with(['+', '-']));
    match digits(&text[1 + sign..]) {
        0 => 0,
        digits => 1 + sign + digits,
    }
}

/// A backslash takes the comment to the next line.
fn line_comment(text: &str) -> usize {
    let mut end = 0;
    while let Some(next) = text[end..].find('\n') {
        end += next + 1;
        if !text[..end - 1].ends_with('\\') {
            return end;
        }
    }
    text.len()
}

/// Comments in brackets nest.
fn bracketed_comment(text: &str) -> Option<usize> {
    let (mut depth, mut offset) = (1_usize, 2);
    while depth > 0 {
        let rest = text.get(offset..)?;
        offset += rest.find(['*', '/'])?;
        if text[offset..].starts_with("*/") {
            depth -= 1;
            offset += 2;
        } else if text[offset..].starts_with("/*") {
            depth += 1;
            offset += 2;
        } else {
            offset += 1;
        }
    }
    Some(offset)
}
