//! What many statements have in parentheses: properties and options, and partitions.

use firesteel_spec::{Expr, Options, SparkResult};

use crate::lexer::Kind;
use crate::parser::Parser;

impl Parser<'_> {
    /// `(a.b = 1, 'c' = 'd')`; the sign may be left out.
    pub fn properties(&mut self) -> SparkResult<Options> {
        self.parenthesised(|parser| {
            if parser.symbol(")") {
                return Ok(Options::new());
            }
            parser.comma_separated(|parser| {
                let key = parser.property_key()?;
                if !parser.take_symbol("=") {
                    parser.take_symbol("==");
                }
                Ok((key, parser.property_value()?))
            })
        })
    }

    /// Of `key`, `a.b.c` and `'key'`.
    pub(super) fn property_key(&mut self) -> SparkResult<String> {
        if self.kind(0) == Kind::Text {
            return self.single_text();
        }
        let mut key = self.identifier()?;
        while self.symbol(".") || self.symbol(":") || self.symbol("-") {
            key.push_str(self.token_text(0));
            self.advance();
            key.push_str(&self.identifier()?);
        }
        Ok(key)
    }

    fn property_value(&mut self) -> SparkResult<String> {
        let start = self.position;
        match self.kind(0) {
            Kind::Word if self.is_any(&["TRUE", "FALSE"]) => {
                self.advance();
                Ok(self.text_from(start).to_ascii_lowercase())
            }
            Kind::Word => Err(self.unexpected()),
            Kind::Symbol if self.symbol("-") && self.number_at(1) => {
                self.skip(2);
                Ok(self.text_from(start).to_owned())
            }
            _ if self.number_at(0) => {
                self.advance();
                Ok(self.text_from(start).to_owned())
            }
            _ => self.text_literal(),
        }
    }

    /// `PARTITION (a = 1, b)`, if it is there.
    pub(super) fn optional_partition(&mut self) -> SparkResult<Vec<(String, Option<Expr>)>> {
        if self.is("PARTITION") && self.symbol_at(1, "(") { self.partition() } else { Ok(Vec::new()) }
    }

    pub(super) fn partition(&mut self) -> SparkResult<Vec<(String, Option<Expr>)>> {
        self.expect("PARTITION")?;
        self.list(|parser| {
            let column = parser.strict_identifier()?;
            let valued = parser.take_symbol("=") || parser.take_symbol("==");
            let value = if valued { Some(parser.expression()?) } else { None };
            Ok((column, value))
        })
    }

    /// A partition in which each column has a value.
    pub(super) fn whole_partition(&mut self) -> SparkResult<Vec<(String, Expr)>> {
        let start = self.position;
        let partition = self.partition()?;
        let values = partition.into_iter().map(|(column, value)| value.map(|value| (column, value)));
        values.collect::<Option<_>>().ok_or_else(|| {
            let error = firesteel_spec::SparkError::new(
                "INVALID_SQL_SYNTAX.EMPTY_PARTITION_VALUE",
                "each column of the partition needs a value",
            );
            self.at(start, error)
        })
    }

    pub(super) fn optional_comment(&mut self) -> SparkResult<Option<String>> {
        if self.take("COMMENT") { self.text_literal().map(Some) } else { Ok(None) }
    }
}
