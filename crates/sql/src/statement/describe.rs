//! `DESCRIBE`.

use firesteel_spec::{Command, SparkResult};

use crate::lexer::Kind;
use crate::parser::Parser;

impl Parser<'_> {
    pub(super) fn describe(&mut self) -> SparkResult<Command> {
        self.advance();
        let named = matches!(self.kind(1), Kind::Word | Kind::Quoted);
        if self.is("FUNCTION") && (named || self.is_operator_at(1)) {
            self.advance();
            let extended = named && self.is("EXTENDED") && self.kind(1) != Kind::End && self.take("EXTENDED");
            return Ok(Command::DescribeFunction { name: self.function_name()?, extended });
        }
        if self.is_any(&["DATABASE", "SCHEMA", "NAMESPACE"]) && named {
            self.advance();
            let extended = self.is("EXTENDED") && self.kind(1) != Kind::End && self.take("EXTENDED");
            return Ok(Command::DescribeDatabase { name: self.name()?, extended });
        }
        let query_word = self.is("QUERY") && named && self.take("QUERY");
        if query_word || self.at_query_statement() {
            return Ok(Command::DescribeQuery { query: self.query()? });
        }
        if self.is_any(&["PROCEDURE", "CATALOG"]) && named {
            let name = format!("DESCRIBE {}", self.token_text(0).to_ascii_uppercase());
            return Ok(self.unsupported(&name));
        }
        self.describe_table()
    }

    /// A text, or a symbol that does not end the statement or go on with a name.
    fn is_operator_at(&self, ahead: usize) -> bool {
        let symbol = self.kind(ahead) == Kind::Symbol && !self.symbol_at(ahead, ";") && !self.symbol_at(ahead, ".");
        symbol || self.kind(ahead) == Kind::Text
    }

    /// An operator, or a function by a text or a name.
    fn function_name(&mut self) -> SparkResult<Vec<String>> {
        match self.kind(0) {
            Kind::Text => Ok(vec![self.single_text()?]),
            Kind::Symbol => {
                let symbol = self.token_text(0).to_owned();
                self.advance();
                Ok(vec![symbol])
            }
            _ => self.name(),
        }
    }

    fn at_query_statement(&self) -> bool {
        let continued =
            matches!(self.kind(1), Kind::Word | Kind::Quoted | Kind::Text | Kind::Symbol) || self.number_at(1);
        self.at_query(0)
            || self.is_any(&["SELECT", "WITH", "FROM", "VALUES"])
                && continued
                && !self.symbol_at(1, ".")
                && !self.symbol_at(1, ";")
    }

    fn describe_table(&mut self) -> SparkResult<Command> {
        if matches!(self.kind(1), Kind::Word | Kind::Quoted) {
            self.take("TABLE");
        }
        let extended =
            matches!(self.kind(1), Kind::Word | Kind::Quoted) && self.take_any(&["EXTENDED", "FORMATTED"]).is_some();
        let table = self.name()?;
        if self.is("PARTITION") && self.symbol_at(1, "(") {
            return Ok(self.unsupported("DESCRIBE of a partition"));
        }
        let json = |parser: &Self| parser.are("AS JSON");
        let named = matches!(self.kind(0), Kind::Word | Kind::Quoted) && !json(self);
        let column = if named { Some(self.name()?) } else { None };
        if json(self) {
            return Ok(self.unsupported("DESCRIBE … AS JSON"));
        }
        Ok(Command::DescribeTable { table, extended, column })
    }
}
