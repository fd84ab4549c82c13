//! `CREATE FUNCTION` over SQL, and variables.

use firesteel_spec::{Command, Expr, SparkResult, StructField};

use crate::data_type::metadata;
use crate::lexer::Kind;
use crate::parser::Parser;

impl Parser<'_> {
    /// After `FUNCTION`.
    pub(super) fn create_function(&mut self, replace: bool, temporary: bool) -> SparkResult<Command> {
        let if_not_exists = self.take_all("IF NOT EXISTS");
        let name = self.name()?;
        if self.is("AS") {
            return Ok(self.unsupported("CREATE FUNCTION of a class"));
        }
        let parameters = self.parenthesised(|parser| {
            if parser.symbol(")") { Ok(Vec::new()) } else { parser.comma_separated(Self::function_parameter) }
        })?;
        let mut returns = None;
        if self.take("RETURNS") {
            if self.is("TABLE") {
                return Ok(self.unsupported("CREATE FUNCTION that returns a table"));
            }
            returns = Some(self.data_type()?);
        }
        loop {
            if self.take("LANGUAGE") {
                if !self.is("SQL") {
                    let name = format!("CREATE FUNCTION in {}", self.token_text(0));
                    return Ok(self.unsupported(&name));
                }
                self.advance();
            } else if self.optional_comment()?.is_none() && !self.take_characteristic() {
                break;
            }
        }
        self.expect("RETURN")?;
        let body = Some(self.function_body()?);
        Ok(Command::CreateFunction { name, parameters, returns, body, temporary, replace, if_not_exists })
    }

    /// Promises of a function's author, of which nothing follows here.
    fn take_characteristic(&mut self) -> bool {
        [
            "NOT DETERMINISTIC",
            "DETERMINISTIC",
            "CONTAINS SQL",
            "READS SQL DATA",
            "SQL SECURITY INVOKER",
            "SQL SECURITY DEFINER",
        ]
        .iter()
        .any(|words| self.take_all(words))
    }

    fn function_body(&mut self) -> SparkResult<Expr> {
        if self.is_any(&["SELECT", "WITH", "FROM", "VALUES"]) && !self.ends_operand(1) {
            return Ok(Expr::ScalarSubquery(Box::new(self.query()?)));
        }
        self.expression()
    }

    fn function_parameter(&mut self) -> SparkResult<StructField> {
        let name = self.strict_identifier()?;
        let mut field = StructField::new(name, self.data_type()?, true);
        let mut entries = Vec::new();
        if self.take("DEFAULT") {
            let start = self.position;
            self.expression()?;
            entries.push(("CURRENT_DEFAULT", self.text_from(start).to_owned()));
        }
        if let Some(comment) = self.optional_comment()? {
            entries.push(("comment", comment));
        }
        if !entries.is_empty() {
            let entries: Vec<_> = entries.iter().map(|(key, value)| (*key, value.as_str())).collect();
            field.metadata = Some(metadata(&entries));
        }
        Ok(field)
    }

    /// `DECLARE [OR REPLACE] [VARIABLE] a INT DEFAULT 1`
    pub(super) fn declare(&mut self) -> SparkResult<Command> {
        self.expect("DECLARE")?;
        let replace = self.take_all("OR REPLACE");
        if matches!(self.kind(1), Kind::Word | Kind::Quoted) {
            self.take_any(&["VARIABLE", "VAR"]);
        }
        let name = self.name()?;
        if self.symbol(",") {
            return Ok(self.unsupported("DECLARE of several variables"));
        }
        let at_default = |parser: &Self| parser.is("DEFAULT") || parser.symbol("=");
        let untyped = at_default(self) || self.at_end() || self.symbol(";");
        let data_type = if untyped { None } else { Some(self.data_type()?) };
        let mut default = None;
        if at_default(self) {
            self.advance();
            default = Some(self.expression()?);
        }
        if data_type.is_none() && default.is_none() {
            return Err(self.unexpected());
        }
        Ok(Command::DeclareVariable { name, data_type, default, replace })
    }
}
