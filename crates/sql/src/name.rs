//! Names: identifiers, names of several parts, and the `IDENTIFIER` clause. Every keyword may be a name, but those of
//! [`NO_TABLE_ALIAS`], which would swallow what comes after a table.

use firesteel_spec::{Expr, Literal, Name, SparkError, SparkResult};

use crate::error::invalid_identifier;
use crate::lexer::Kind;
use crate::parser::Parser;

/// Spark's `strictNonReserved`: no alias of a table by Spark's grammar.
const NO_TABLE_ALIAS: [&str; 17] = [
    "ANTI",
    "CROSS",
    "EXCEPT",
    "FULL",
    "INNER",
    "INTERSECT",
    "JOIN",
    "LATERAL",
    "LEFT",
    "MINUS",
    "NATURAL",
    "ON",
    "RIGHT",
    "SEMI",
    "SETMINUS",
    "UNION",
    "USING",
];

/// Words that begin what may come after a column or a table. Spark takes one as an alias without `AS` if the text makes
/// no sense otherwise; here it never is one.
const CLAUSE_STARTS: [&str; 27] = [
    "AS",
    "CLUSTER",
    "DISTRIBUTE",
    "FOR",
    "FROM",
    "GROUP",
    "HAVING",
    "INSERT",
    "INTO",
    "LIMIT",
    "OFFSET",
    "ORDER",
    "PIVOT",
    "QUALIFY",
    "SELECT",
    "SET",
    "SORT",
    "SYSTEM_VERSION",
    "TABLESAMPLE",
    "TIMESTAMP",
    "UNPIVOT",
    "VALUES",
    "VERSION",
    "WHEN",
    "WHERE",
    "WINDOW",
    "WITH",
];

impl Parser<'_> {
    /// One identifier; any word may be one.
    pub fn identifier(&mut self) -> SparkResult<String> {
        let start = self.position;
        let token = self.token(0);
        let text = &self.text[token.start..token.end];
        match token.kind {
            Kind::Word => {
                self.advance();
                if !text.is_ascii() {
                    return Err(self.at(start, invalid_identifier(text)));
                }
                Ok(text.to_owned())
            }
            Kind::Quoted => {
                self.advance();
                Ok(text[1..text.len() - 1].replace("``", "`"))
            }
            _ => Err(self.unexpected()),
        }
    }

    /// An identifier where `a-b` can only be a name that lacks its quotes.
    pub fn strict_identifier(&mut self) -> SparkResult<String> {
        let start = self.position;
        let name = self.identifier()?;
        if self.symbol("-") && matches!(self.kind(1), Kind::Word | Kind::Integer) && self.touches(0) && self.touches(1)
        {
            while self.symbol("-") && self.kind(1) != Kind::End {
                self.skip(2);
            }
            return Err(self.at(start, invalid_identifier(self.text_from(start))));
        }
        Ok(name)
    }

    /// `a.b.c`, where each part may also be `IDENTIFIER('…')`.
    pub fn name(&mut self) -> SparkResult<Name> {
        let mut parts = self.name_part()?;
        while self.symbol(".") {
            self.advance();
            parts.extend(self.name_part()?);
        }
        Ok(parts)
    }

    fn name_part(&mut self) -> SparkResult<Name> {
        if self.at_identifier_clause() {
            return self.identifier_clause();
        }
        Ok(vec![self.strict_identifier()?])
    }

    pub fn at_identifier_clause(&self) -> bool {
        self.is("IDENTIFIER") && self.symbol_at(1, "(")
    }

    /// `IDENTIFIER('a.b')`: the name that a constant text holds.
    pub fn identifier_clause(&mut self) -> SparkResult<Name> {
        let start = self.position;
        self.expect("IDENTIFIER")?;
        let expr = self.parenthesised(Self::expression)?;
        let text = constant_text(&expr).ok_or_else(|| {
            let error = SparkError::new(
                "NOT_A_CONSTANT_STRING.NOT_CONSTANT",
                "the expression of an IDENTIFIER clause must be a constant text that is not null",
            );
            self.at(start, error.with("name", "IDENTIFIER").with("expr", self.text_from(start)))
        })?;
        crate::parse_name(&text)
    }

    /// `AS alias`, or an alias alone if `alone` allows for the word.
    fn alias_if(&mut self, alone: impl Fn(&str) -> bool) -> SparkResult<Option<String>> {
        let quoted = self.kind(0) == Kind::Quoted;
        if self.take_as()
            || quoted
            || self.word(0).is_some_and(|word| alone(word) || self.is_last_word() && !among(word, &NO_TABLE_ALIAS))
        {
            return self.strict_identifier().map(Some);
        }
        Ok(None)
    }

    /// `AS`, unless nothing comes after it: then it is an alias itself.
    pub fn take_as(&mut self) -> bool {
        !self.is_last_word() && self.take("AS")
    }

    /// Whether the text ends after this word, which therefore begins no clause: `SELECT 1 FROM` names a column `from`.
    fn is_last_word(&self) -> bool {
        self.kind(0) == Kind::Word && (self.kind(1) == Kind::End || self.symbol_at(1, ";"))
    }

    /// An alias of a relation.
    pub fn table_alias_name(&mut self) -> SparkResult<Option<String>> {
        self.alias_if(|word| !among(word, &NO_TABLE_ALIAS) && !among(word, &CLAUSE_STARTS))
    }

    /// Whether an alias of an expression comes next, without `AS`.
    pub fn at_bare_alias(&self) -> bool {
        let clause = |word: &str| {
            among(word, &CLAUSE_STARTS)
                || among(word, &["UNION", "EXCEPT", "INTERSECT", "MINUS", "SETMINUS", "LATERAL", "ON", "USING"])
        };
        match self.kind(0) {
            Kind::Quoted => true,
            // `SELECT 1 FROM FROM t` aside, a clause's word is an alias if another one follows that it cannot begin.
            Kind::Word => self.word(0).is_some_and(|word| !clause(word) || self.is_alias_in_spite(word)),
            _ => false,
        }
    }

    /// A clause's word that the next token shows to be an alias.
    fn is_alias_in_spite(&self, word: &str) -> bool {
        if self.is_last_word() {
            return true;
        }
        let needs_more = !word.eq_ignore_ascii_case("AS") && !word.eq_ignore_ascii_case("FROM");
        needs_more && (self.symbol_at(1, ",") || self.symbol_at(1, ")") || self.is_at(1, "FROM"))
    }

    /// `(a, b)` of plain identifiers.
    pub fn identifier_list(&mut self) -> SparkResult<Vec<String>> {
        self.list(Self::strict_identifier)
    }
}

pub(crate) fn among(word: &str, keywords: &[&str]) -> bool {
    keywords.iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
}

/// The value of literals and their concatenations.
fn constant_text(expr: &Expr) -> Option<String> {
    match expr.unlocated() {
        Expr::Literal(Literal::String(text)) => Some(text.clone()),
        Expr::Function(call) if matches!(call.name.join(".").as_str(), "||" | "concat") => {
            call.arguments.iter().map(constant_text).collect()
        }
        _ => None,
    }
}

/// `UnresolvedAttribute.parseAttributeName`: only dots and backticks have a meaning.
pub(crate) fn attribute_name(text: &str) -> SparkResult<Name> {
    let invalid = || {
        SparkError::new(
            "INVALID_ATTRIBUTE_NAME_SYNTAX",
            format!("the name {text} is not well formed; backticks come in pairs, around whole parts"),
        )
        .with("name", text)
    };
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut characters = text.chars().peekable();
    loop {
        match characters.next() {
            Some('`') if part.is_empty() => {
                quoted_part(&mut characters, &mut part).ok_or_else(invalid)?;
                match characters.next() {
                    None => {
                        parts.push(part);
                        return Ok(parts);
                    }
                    Some('.') if characters.peek().is_some() => parts.push(std::mem::take(&mut part)),
                    Some(_) => return Err(invalid()),
                }
            }
            Some('`') => return Err(invalid()),
            Some('.') if part.is_empty() || characters.peek().is_none() => return Err(invalid()),
            Some('.') => parts.push(std::mem::take(&mut part)),
            Some(character) => part.push(character),
            None => {
                parts.push(part);
                return Ok(parts);
            }
        }
    }
}

/// What comes after a backtick, until the one that ends it.
fn quoted_part(characters: &mut std::iter::Peekable<std::str::Chars<'_>>, part: &mut String) -> Option<()> {
    loop {
        match characters.next()? {
            '`' if characters.peek() == Some(&'`') => {
                characters.next();
                part.push('`');
            }
            '`' => return Some(()),
            character => part.push(character),
        }
    }
}
