//! [`Parser`]: the tokens of a text and a position in them, and the steps that all rules of the grammar are made of. It
//! knows no rule itself.

use std::sync::Arc;

use firesteel_spec::{Expr, Origin, QueryContext, SparkError, SparkResult, WindowSpec};

use crate::Parameters;
use crate::error::{empty_statement, syntax, too_deep};
use crate::lexer::{Kind, NOT_CLOSED, Token, tokens};

/// Levels of expressions, types and queries within each other, and terms of one chain of operators. More are refused,
/// since what is made of them nests as deep.
pub(crate) const NESTING_MAX: usize = 5_000;
/// What one level may need of the stack, and what is added when less is left.
const STACK_RED_ZONE_BYTES: usize = 256 << 10;
const STACK_SEGMENT_BYTES: usize = 4 << 20;
/// An expression with a longer text does not carry it; its parts do. This bounds the texts of a chain of operators,
/// each of which holds the one before.
const FRAGMENT_BYTES_MAX: usize = 2 << 10;

pub(crate) struct Parser<'a> {
    pub text: &'a str,
    tokens: Vec<Token>,
    pub position: usize,
    depth: usize,
    /// Where lines start, in bytes and in characters.
    lines: Vec<(usize, usize)>,
    parameters: &'a Parameters,
    /// Tokens that are question marks, for the numbers of parameters.
    markers: Vec<usize>,
    /// Parameters of the lambdas around the position.
    pub lambdas: Vec<Vec<String>>,
    /// Named windows of the queries around the position.
    pub windows: Vec<Vec<(String, WindowSpec)>>,
    /// `WINDOW` clauses that have been read ahead of time: where they start and end.
    pub window_clauses: Vec<(usize, usize)>,
}

impl<'a> Parser<'a> {
    pub fn new(text: &'a str, parameters: &'a Parameters) -> SparkResult<Self> {
        let tokens = tokens(text)?;
        let markers = (0..tokens.len()).filter(|index| {
            let token = tokens[*index];
            token.kind == Kind::Symbol && &text[token.start..token.end] == "?"
        });
        let markers = markers.collect();
        let lines = line_starts(text);
        Ok(Self {
            text,
            tokens,
            position: 0,
            depth: 0,
            lines,
            parameters,
            markers,
            lambdas: Vec::new(),
            windows: Vec::new(),
            window_clauses: Vec::new(),
        })
    }

    /// All of the text by one rule.
    pub fn whole<T>(mut self, rule: impl FnOnce(&mut Self) -> SparkResult<T>) -> SparkResult<T> {
        if self.at_end() {
            return Err(empty_statement().at(self.place(0, 0)));
        }
        let parsed = rule(&mut self)?;
        self.end()?;
        Ok(parsed)
    }

    /// Refuses what comes after a complete rule.
    pub fn end(&self) -> SparkResult<()> {
        if self.at_end() {
            return Ok(());
        }
        let token = self.token_text(0);
        Err(syntax(&format!("'{token}'"), &format!(": extra input '{token}'")).at(self.place_of(self.position)))
    }

    // Looking

    pub fn token(&self, ahead: usize) -> Token {
        let last = self.tokens.len() - 1;
        self.tokens[(self.position + ahead).min(last)]
    }

    pub fn kind(&self, ahead: usize) -> Kind {
        self.token(ahead).kind
    }

    pub fn token_text(&self, ahead: usize) -> &'a str {
        let token = self.token(ahead);
        &self.text[token.start..token.end]
    }

    pub fn at_end(&self) -> bool {
        self.kind(0) == Kind::End
    }

    /// The word at a token, if it is one.
    pub fn word(&self, ahead: usize) -> Option<&'a str> {
        (self.kind(ahead) == Kind::Word).then(|| self.token_text(ahead))
    }

    pub fn is_at(&self, ahead: usize, keyword: &str) -> bool {
        self.word(ahead).is_some_and(|word| word.eq_ignore_ascii_case(keyword))
    }

    pub fn is(&self, keyword: &str) -> bool {
        self.is_at(0, keyword)
    }

    pub fn is_any_at(&self, ahead: usize, keywords: &[&str]) -> bool {
        self.word(ahead).is_some_and(|word| keywords.iter().any(|keyword| word.eq_ignore_ascii_case(keyword)))
    }

    pub fn is_any(&self, keywords: &[&str]) -> bool {
        self.is_any_at(0, keywords)
    }

    /// Whether these keywords, parted by blanks, come next.
    pub fn are(&self, keywords: &str) -> bool {
        keywords.split(' ').enumerate().all(|(ahead, keyword)| self.is_at(ahead, keyword))
    }

    pub fn symbol_at(&self, ahead: usize, symbol: &str) -> bool {
        self.kind(ahead) == Kind::Symbol && self.token_text(ahead) == symbol
    }

    pub fn symbol(&self, symbol: &str) -> bool {
        self.symbol_at(0, symbol)
    }

    /// How far ahead the parenthesis at `ahead` is closed.
    pub fn closing(&self, ahead: usize) -> Option<usize> {
        let closing = self.token(ahead).closing;
        (closing != NOT_CLOSED).then(|| closing.saturating_sub(self.position))
    }

    /// Whether the next token follows the one before it without a blank.
    pub fn touches(&self, ahead: usize) -> bool {
        ahead + self.position > 0 && {
            let before = self.tokens[(self.position + ahead - 1).min(self.tokens.len() - 1)];
            before.end == self.token(ahead).start
        }
    }

    // Taking

    pub fn advance(&mut self) -> Token {
        let token = self.token(0);
        self.position = (self.position + 1).min(self.tokens.len() - 1);
        token
    }

    pub fn skip(&mut self, tokens: usize) {
        self.position = (self.position + tokens).min(self.tokens.len() - 1);
    }

    pub fn take(&mut self, keyword: &str) -> bool {
        let taken = self.is(keyword);
        self.position += usize::from(taken);
        taken
    }

    /// Takes all of these keywords or none.
    pub fn take_all(&mut self, keywords: &str) -> bool {
        let taken = self.are(keywords);
        if taken {
            self.skip(keywords.split(' ').count());
        }
        taken
    }

    pub fn take_any(&mut self, keywords: &[&str]) -> Option<&'a str> {
        let word = self.word(0).filter(|_| self.is_any(keywords))?;
        self.position += 1;
        Some(word)
    }

    pub fn take_symbol(&mut self, symbol: &str) -> bool {
        let taken = self.symbol(symbol);
        self.position += usize::from(taken);
        taken
    }

    /// Takes these keywords, parted by blanks.
    pub fn expect(&mut self, keywords: &str) -> SparkResult<()> {
        for keyword in keywords.split(' ') {
            if !self.take(keyword) {
                return Err(self.unexpected());
            }
        }
        Ok(())
    }

    pub fn expect_symbol(&mut self, symbol: &str) -> SparkResult<()> {
        if self.take_symbol(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    pub fn comma_separated<T>(&mut self, mut rule: impl FnMut(&mut Self) -> SparkResult<T>) -> SparkResult<Vec<T>> {
        let mut items = vec![rule(self)?];
        while self.take_symbol(",") {
            items.push(rule(self)?);
        }
        Ok(items)
    }

    pub fn parenthesised<T>(&mut self, rule: impl FnOnce(&mut Self) -> SparkResult<T>) -> SparkResult<T> {
        self.expect_symbol("(")?;
        let inner = rule(self)?;
        self.expect_symbol(")")?;
        Ok(inner)
    }

    /// `(a, b, …)` with at least one item.
    pub fn list<T>(&mut self, rule: impl FnMut(&mut Self) -> SparkResult<T>) -> SparkResult<Vec<T>> {
        self.parenthesised(|parser| parser.comma_separated(rule))
    }

    /// One level further in: with stack enough, and not beyond [`NESTING_MAX`].
    pub fn nested<T>(&mut self, rule: impl FnOnce(&mut Self) -> SparkResult<T>) -> SparkResult<T> {
        self.check_nesting(self.depth)?;
        self.depth += 1;
        let parsed = stacker::maybe_grow(STACK_RED_ZONE_BYTES, STACK_SEGMENT_BYTES, || rule(self));
        self.depth -= 1;
        parsed
    }

    pub fn check_nesting(&self, levels: usize) -> SparkResult<()> {
        if levels >= NESTING_MAX { Err(too_deep(NESTING_MAX).at(self.place_of(self.position))) } else { Ok(()) }
    }

    // Parameters

    pub fn parameters(&self) -> &'a Parameters {
        self.parameters
    }

    /// How many question marks there are before the position.
    pub fn marker_index(&self) -> usize {
        self.markers.partition_point(|marker| *marker < self.position)
    }

    // Places and errors

    /// The next token is not what may stand there.
    pub fn unexpected(&self) -> SparkError {
        let token = self.token(0);
        let near = match token.kind {
            Kind::End => "end of input".to_owned(),
            Kind::Unknown => format!("'{}'", self.token_text(0).chars().next().unwrap_or_default()),
            _ => format!("'{}'", self.token_text(0)),
        };
        syntax(&near, "").at(self.place_of(self.position))
    }

    fn place_of(&self, token: usize) -> QueryContext {
        let token = self.tokens[token.min(self.tokens.len() - 1)];
        let end = if token.kind == Kind::Unknown {
            token.start + self.text[token.start..].chars().next().map_or(0, char::len_utf8)
        } else {
            token.end
        };
        self.context(token, end)
    }

    /// Where the tokens `start..end` stand.
    pub fn place(&self, start: usize, end: usize) -> QueryContext {
        let last = self.tokens.len() - 1;
        let first = self.tokens[start.min(last)];
        let stop = if end > start { self.tokens[(end - 1).min(last)].end } else { first.end };
        self.context(first, stop)
    }

    fn context(&self, token: Token, end: usize) -> QueryContext {
        let fragment = &self.text[token.start..end.max(token.start)];
        let characters = if fragment.is_ascii() { fragment.len() } else { fragment.chars().count() };
        let line = self.lines.partition_point(|(start, _)| *start <= token.start).max(1);
        let column = token.first - self.lines[line - 1].1;
        QueryContext {
            fragment: fragment.to_owned(),
            start: token.first,
            stop: token.first + characters.saturating_sub(1),
            line,
            column,
        }
    }

    /// An error about the tokens from `start` to the position.
    pub fn at(&self, start: usize, error: SparkError) -> SparkError {
        error.at(self.place(start, self.position))
    }

    /// The text of the tokens from `start` to the position.
    pub fn text_from(&self, start: usize) -> &'a str {
        if self.position <= start {
            return "";
        }
        &self.text[self.tokens[start].start..self.tokens[self.position - 1].end]
    }

    /// An expression of the tokens from `start` to the position, with its place.
    pub fn located(&self, start: usize, expr: Expr) -> Expr {
        if self.text_from(start).len() > FRAGMENT_BYTES_MAX {
            return expr;
        }
        let origin = Arc::new(Origin::Sql(self.place(start, self.position)));
        Expr::Located { expr: Box::new(expr), origin }
    }
}

fn line_starts(text: &str) -> Vec<(usize, usize)> {
    let mut starts = vec![(0, 0)];
    for (characters, (position, character)) in text.char_indices().enumerate() {
        if character == '\n' {
            starts.push((position + 1, characters + 1));
        }
    }
    starts
}
