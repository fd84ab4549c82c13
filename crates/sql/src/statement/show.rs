//! `SHOW`.

use firesteel_spec::{Command, Name, SparkResult};

use crate::lexer::Kind;
use crate::parser::Parser;

/// Spark's name of the catalog that a session has from the start.
const SESSION_CATALOG: &str = "spark_catalog";

impl Parser<'_> {
    pub(super) fn show(&mut self) -> SparkResult<Command> {
        self.expect("SHOW")?;
        let Some(word) = self.word(0) else { return Err(self.unexpected()) };
        let word = word.to_ascii_uppercase();
        if word == "CREATE" && self.is_at(1, "TABLE") {
            return self.show_create_table();
        }
        if word == "TABLE" && self.is_at(1, "EXTENDED") {
            return self.show_table_extended();
        }
        if self.is_at(1, "FUNCTIONS") && self.is_any(&["USER", "SYSTEM", "ALL"]) {
            self.advance();
            return self.show_functions(Some(word.to_ascii_lowercase()));
        }
        self.advance();
        match word.as_str() {
            "DATABASES" | "SCHEMAS" | "NAMESPACES" => {
                if self.in_namespace()?.is_some_and(|name| name != [SESSION_CATALOG]) {
                    return Ok(self.unsupported("SHOW NAMESPACES in a namespace"));
                }
                Ok(Command::ShowDatabases { pattern: self.pattern()? })
            }
            "TABLES" => {
                let database = self.in_namespace()?;
                Ok(Command::ShowTables { database, pattern: self.pattern()?, extended: false })
            }
            "VIEWS" => {
                let database = self.in_namespace()?;
                Ok(Command::ShowViews { database, pattern: self.pattern()? })
            }
            "COLUMNS" => self.show_columns(),
            "FUNCTIONS" => {
                self.position -= 1;
                self.show_functions(None)
            }
            "PARTITIONS" => {
                let table = self.name()?;
                if self.is("PARTITION") {
                    return Ok(self.unsupported("SHOW PARTITIONS of one partition"));
                }
                Ok(Command::ShowPartitions { table })
            }
            "TBLPROPERTIES" => {
                let table = self.name()?;
                let key = if self.symbol("(") { Some(self.parenthesised(Self::property_key)?) } else { None };
                Ok(Command::ShowTableProperties { table, key })
            }
            "CATALOGS" => Ok(Command::ShowCatalogs { pattern: self.pattern()? }),
            word => {
                let second = if word == "CURRENT" { " NAMESPACE" } else { "" };
                let name = format!("SHOW {word}{second}");
                Ok(self.unsupported(&name))
            }
        }
    }

    fn in_namespace(&mut self) -> SparkResult<Option<Name>> {
        if self.take_any(&["FROM", "IN"]).is_some() { self.name().map(Some) } else { Ok(None) }
    }

    /// `[LIKE] 'a*'`
    fn pattern(&mut self) -> SparkResult<Option<String>> {
        if self.take("LIKE") || self.kind(0) == Kind::Text { self.text_literal().map(Some) } else { Ok(None) }
    }

    fn show_create_table(&mut self) -> SparkResult<Command> {
        self.expect("CREATE TABLE")?;
        let table = self.name()?;
        if self.are("AS SERDE") {
            return Ok(self.unsupported("SHOW CREATE TABLE … AS SERDE"));
        }
        Ok(Command::ShowCreateTable { table })
    }

    fn show_table_extended(&mut self) -> SparkResult<Command> {
        self.expect("TABLE EXTENDED")?;
        let database = self.in_namespace()?;
        self.expect("LIKE")?;
        let pattern = Some(self.text_literal()?);
        if self.is("PARTITION") {
            return Ok(self.unsupported("SHOW TABLE EXTENDED of a partition"));
        }
        Ok(Command::ShowTables { database, pattern, extended: true })
    }

    /// `SHOW COLUMNS IN t [IN db]`
    fn show_columns(&mut self) -> SparkResult<Command> {
        let Some(mut table) = self.in_namespace()? else { return Err(self.unexpected()) };
        if let Some(mut namespace) = self.in_namespace()? {
            let name = table.pop().unwrap_or_default();
            namespace.push(name);
            table = namespace;
        }
        Ok(Command::ShowColumns { table })
    }

    fn show_functions(&mut self, scope: Option<String>) -> SparkResult<Command> {
        self.expect("FUNCTIONS")?;
        if self.in_namespace()?.is_some() {
            return Ok(self.unsupported("SHOW FUNCTIONS in a namespace"));
        }
        self.take("LIKE");
        let pattern = match self.kind(0) {
            Kind::Text => Some(self.single_text()?),
            Kind::Word | Kind::Quoted => Some(self.name()?.join(".")),
            _ => None,
        };
        Ok(Command::ShowFunctions { scope, pattern })
    }
}
