//! Forms with a grammar of their own: `CASE`, `CAST`, `EXTRACT`, `TRIM`, `POSITION`, `OVERLAY`, `SUBSTRING`, `EXISTS`,
//! `INTERVAL`, and functions that are called without parentheses. A word that only could begin one of them, but does
//! not, is a column.

use firesteel_spec::{CastMode, DataType, Expr, Literal, SparkError, SparkResult};

use crate::lexer::Kind;
use crate::name::among;
use crate::parser::Parser;

/// Functions without parentheses. `user` is one too if no column has that name, which only the resolver knows.
const BARE_FUNCTIONS: [&str; 8] = [
    "CURRENT_CATALOG",
    "CURRENT_DATABASE",
    "CURRENT_DATE",
    "CURRENT_TIME",
    "CURRENT_TIMESTAMP",
    "CURRENT_USER",
    "LOCALTIMESTAMP",
    "SESSION_USER",
];

impl Parser<'_> {
    /// None if the word begins no special form.
    pub(super) fn special_form(&mut self) -> SparkResult<Option<Expr>> {
        let start = self.position;
        let Some(word) = self.word(0) else { return Ok(None) };
        let called = self.symbol_at(1, "(");
        let keyword = word.to_ascii_uppercase();
        let expr = match keyword.as_str() {
            "NULL" if !called => self.constant(Literal::Null(DataType::Null)),
            "TRUE" if !called => self.constant(Literal::Boolean(true)),
            "FALSE" if !called => self.constant(Literal::Boolean(false)),
            "CASE" if !self.ends_operand(1) && !self.symbol_at(1, "*") => self.case()?,
            "CAST" | "TRY_CAST" if called => self.cast(keyword == "TRY_CAST")?,
            "EXISTS" if called && self.at_query(1) => {
                self.advance();
                Expr::Exists(Box::new(self.parenthesised(Self::query)?))
            }
            "STRUCT" if called => self.structure()?,
            "EXTRACT" if called && self.is_at(3, "FROM") => self.extract()?,
            "TRIM" if called && self.is_form("FROM") => self.trim()?,
            "POSITION" if called && self.is_form("IN") => self.position_of()?,
            "SUBSTRING" | "SUBSTR" if called && self.is_form("FROM") => self.substring()?,
            "OVERLAY" if called && self.is_form("PLACING") => self.overlay()?,
            "INTERVAL" if self.at_interval() => return self.interval().map(Some),
            _ if among(word, &BARE_FUNCTIONS) && !called && !self.symbol_at(1, ".") => {
                self.advance();
                Expr::function(keyword.to_ascii_lowercase(), Vec::new())
            }
            _ => return Ok(None),
        };
        Ok(Some(match expr {
            expr @ Expr::Literal(_) => expr,
            expr => self.located(start, expr),
        }))
    }

    fn constant(&mut self, literal: Literal) -> Expr {
        self.advance();
        Expr::Literal(literal)
    }

    /// `CASE x WHEN y` compares.
    fn case(&mut self) -> SparkResult<Expr> {
        self.expect("CASE")?;
        let operand = if self.is("WHEN") { None } else { Some(self.expression()?) };
        let mut arguments = Vec::new();
        while self.take("WHEN") {
            let when = self.expression()?;
            arguments.push(match &operand {
                Some(operand) => Expr::function("==", vec![operand.clone(), when]),
                None => when,
            });
            self.expect("THEN")?;
            arguments.push(self.expression()?);
        }
        if arguments.is_empty() {
            return Err(self.unexpected());
        }
        if self.take("ELSE") {
            arguments.push(self.expression()?);
        }
        self.expect("END")?;
        Ok(Expr::function("when", arguments))
    }

    fn cast(&mut self, attempt: bool) -> SparkResult<Expr> {
        self.advance();
        let start = self.position;
        self.parenthesised(|parser| {
            // Spark knows a function `cast` too, of which no call has the right number of arguments.
            if !attempt && parser.symbol(")") {
                return Err(parser.at(start, cast_without_type(0)));
            }
            let expr = Box::new(parser.expression()?);
            if !attempt && parser.symbol(")") {
                return Err(parser.at(start, cast_without_type(1)));
            }
            parser.expect("AS")?;
            let to = parser.data_type()?;
            Ok(Expr::Cast { expr, to, mode: if attempt { CastMode::Try } else { CastMode::Session } })
        })
    }

    /// `STRUCT(a, b AS c)`
    fn structure(&mut self) -> SparkResult<Expr> {
        self.advance();
        let values =
            self.parenthesised(|parser| if parser.symbol(")") { Ok(Vec::new()) } else { parser.named_expressions() })?;
        Ok(Expr::function("struct", values))
    }

    fn extract(&mut self) -> SparkResult<Expr> {
        self.advance();
        self.parenthesised(|parser| {
            let field = match parser.kind(0) {
                Kind::Text => parser.text_literal()?,
                _ => parser.identifier()?,
            };
            parser.expect("FROM")?;
            let source = parser.expression()?;
            Ok(Expr::function("extract", vec![Expr::Literal(Literal::String(field)), source]))
        })
    }

    /// Whether the parentheses at the next token hold a keyword of their own and no comma, as special forms do.
    fn is_form(&self, keyword: &str) -> bool {
        let Some(end) = self.closing(1) else { return false };
        let (mut ahead, mut found) = (2, false);
        while ahead < end {
            if self.symbol_at(ahead, "(") {
                ahead = self.closing(ahead).unwrap_or(end);
            } else if self.symbol_at(ahead, ",") {
                return false;
            }
            found |= self.is_at(ahead, keyword);
            ahead += 1;
        }
        found
    }

    /// `TRIM([BOTH | LEADING | TRAILING] [x] FROM y)`
    fn trim(&mut self) -> SparkResult<Expr> {
        self.advance();
        self.parenthesised(|parser| {
            let side = parser.take_any(&["BOTH", "LEADING", "TRAILING"]);
            let name = match side.map(str::to_ascii_uppercase).as_deref() {
                Some("LEADING") => "ltrim",
                Some("TRAILING") => "rtrim",
                _ => "trim",
            };
            let characters = if side.is_some() && parser.is("FROM") { None } else { Some(parser.inner_operand()?) };
            parser.expect("FROM")?;
            let source = parser.inner_operand()?;
            Ok(Expr::function(name, characters.into_iter().chain([source]).collect()))
        })
    }

    /// `POSITION(a IN b)`
    fn position_of(&mut self) -> SparkResult<Expr> {
        self.advance();
        self.parenthesised(|parser| {
            let part = parser.inner_operand()?;
            parser.expect("IN")?;
            Ok(Expr::function("locate", vec![part, parser.inner_operand()?]))
        })
    }

    /// `SUBSTRING(a FROM b [FOR c])`
    fn substring(&mut self) -> SparkResult<Expr> {
        self.advance();
        self.parenthesised(|parser| {
            let arguments = vec![parser.inner_operand()?];
            parser.rest_of_from_and_for("substring", arguments)
        })
    }

    /// `OVERLAY(a PLACING b FROM c [FOR d])`
    fn overlay(&mut self) -> SparkResult<Expr> {
        self.advance();
        self.parenthesised(|parser| {
            let input = parser.inner_operand()?;
            parser.expect("PLACING")?;
            let arguments = vec![input, parser.inner_operand()?];
            parser.rest_of_from_and_for("overlay", arguments)
        })
    }

    fn rest_of_from_and_for(&mut self, name: &str, mut arguments: Vec<Expr>) -> SparkResult<Expr> {
        self.expect("FROM")?;
        arguments.push(self.inner_operand()?);
        if self.take("FOR") {
            arguments.push(self.inner_operand()?);
        }
        Ok(Expr::function(name, arguments))
    }

    /// An operand that counts as a level of nesting.
    pub(super) fn inner_operand(&mut self) -> SparkResult<Expr> {
        self.nested(Self::operand)
    }
}

fn cast_without_type(arguments: usize) -> SparkError {
    SparkError::new(
        "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
        format!("cast takes a value and a type, as in CAST(x AS INT), and not {arguments} arguments"),
    )
    .with("functionName", "`cast`")
    .with("expectedNum", "0")
    .with("actualNum", arguments.to_string())
    .with("docroot", "https://spark.apache.org/docs/latest")
}
