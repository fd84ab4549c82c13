//! `CREATE`: tables and databases here, views and functions in the modules of their name.

use firesteel_spec::{Command, CreateTable, SparkResult, StructField};

use crate::data_type::metadata;
use crate::error::duplicate_clause;
use crate::lexer::Kind;
use crate::parser::Parser;

impl Parser<'_> {
    /// By what is created.
    pub(super) fn create(&mut self) -> SparkResult<Command> {
        let replace = if self.take("REPLACE") {
            true
        } else {
            self.expect("CREATE")?;
            self.take_all("OR REPLACE")
        };
        if self.take_any(&["DATABASE", "SCHEMA", "NAMESPACE"]).is_some() {
            return self.create_database();
        }
        let global = self.take("GLOBAL");
        let temporary = self.take_any(&["TEMPORARY", "TEMP"]).is_some();
        if self.take("VIEW") {
            return self.create_view(replace, global, temporary);
        }
        if self.take("FUNCTION") {
            return self.create_function(replace, temporary);
        }
        if temporary && self.is_any(&["VARIABLE", "VAR"]) {
            return Ok(self.unsupported("CREATE VARIABLE"));
        }
        let external = self.take("EXTERNAL");
        if self.take("TABLE") {
            return if temporary {
                Ok(self.unsupported("CREATE TEMPORARY TABLE"))
            } else {
                self.create_table(replace, external)
            };
        }
        match self.word(0) {
            Some(word) => {
                let name = format!("CREATE {}", word.to_ascii_uppercase());
                Ok(self.unsupported(&name))
            }
            None => Err(self.unexpected()),
        }
    }

    fn create_database(&mut self) -> SparkResult<Command> {
        let if_not_exists = self.take_all("IF NOT EXISTS");
        let name = self.name()?;
        let (mut comment, mut location, mut properties) = (None, None, Vec::new());
        loop {
            if self.is("COMMENT") {
                comment = self.optional_comment()?;
            } else if self.take("LOCATION") {
                location = Some(self.text_literal()?);
            } else if self.take("WITH") {
                if self.take_any(&["DBPROPERTIES", "PROPERTIES"]).is_none() {
                    return Err(self.unexpected());
                }
                properties = self.properties()?;
            } else {
                return Ok(Command::CreateDatabase { name, if_not_exists, comment, location, properties });
            }
        }
    }

    fn create_table(&mut self, replace: bool, external: bool) -> SparkResult<Command> {
        let if_not_exists = self.take_all("IF NOT EXISTS");
        let name = self.name()?;
        let mut table = CreateTable { name, replace, external, if_not_exists, ..CreateTable::default() };
        if self.take("LIKE") {
            table.like = Some(self.name()?);
        } else if self.symbol("(") && !self.at_query(0) {
            match self.column_definitions()? {
                Ok(columns) => table.columns = columns,
                Err(unsupported) => return Ok(self.unsupported(unsupported)),
            }
        }
        if let Some(unsupported) = self.table_clauses(&mut table)? {
            return Ok(self.unsupported(&unsupported));
        }
        if self.take("AS") || !(self.at_end() || self.symbol(";")) {
            table.query = Some(self.query()?);
        }
        Ok(Command::CreateTable(table))
    }

    /// The clauses in any order; answers one that is not supported.
    fn table_clauses(&mut self, table: &mut CreateTable) -> SparkResult<Option<String>> {
        let mut seen = Vec::new();
        loop {
            let start = self.position;
            let Some(clause) = self.word(0).map(str::to_ascii_uppercase) else { return Ok(None) };
            match clause.as_str() {
                "USING" => {
                    self.advance();
                    table.format = Some(self.name()?.join("."));
                }
                "STORED" if self.is_at(1, "AS") && !self.is_at(2, "INPUTFORMAT") => {
                    self.skip(2);
                    table.format = Some(self.identifier()?);
                }
                "OPTIONS" => {
                    self.advance();
                    table.options = self.properties()?;
                }
                "TBLPROPERTIES" => {
                    self.advance();
                    table.properties = self.properties()?;
                }
                "COMMENT" => table.comment = self.optional_comment()?,
                "LOCATION" => {
                    self.advance();
                    table.location = Some(self.text_literal()?);
                }
                "PARTITIONED" => {
                    if let Some(unsupported) = self.partitioned_by(table)? {
                        return Ok(Some(unsupported));
                    }
                }
                "CLUSTERED" => table.bucket_by = Some(self.clustered_by()?),
                "ROW" | "STORED" | "SKEWED" | "CLUSTER" | "DEFAULT" => {
                    return Ok(Some(format!("CREATE TABLE with {clause} {}", self.token_text(1).to_ascii_uppercase())));
                }
                _ => return Ok(None),
            }
            if seen.contains(&clause) {
                return Err(self.at(start, duplicate_clause(&clause)));
            }
            seen.push(clause);
        }
    }

    /// Names, or columns with types that the table has besides.
    fn partitioned_by(&mut self, table: &mut CreateTable) -> SparkResult<Option<String>> {
        self.expect("PARTITIONED BY")?;
        if self.symbol("(") && matches!(self.kind(1), Kind::Word | Kind::Quoted) && self.symbol_at(2, "(") {
            return Ok(Some("CREATE TABLE with partitions by transformed columns".to_owned()));
        }
        let columns = self.list(|parser| {
            let name = parser.strict_identifier()?;
            if parser.symbol(",") || parser.symbol(")") {
                return Ok((name, None));
            }
            let data_type = parser.data_type()?;
            let mut field = StructField::new(name.clone(), data_type, !parser.take_all("NOT NULL"));
            if let Some(comment) = parser.optional_comment()? {
                field.metadata = Some(metadata(&[("comment", &comment)]));
            }
            Ok((name, Some(field)))
        })?;
        for (name, field) in columns {
            table.partition_by.push(name);
            table.columns.extend(field);
        }
        Ok(None)
    }

    /// `CLUSTERED BY (a) [SORTED BY (b)] INTO 4 BUCKETS`
    fn clustered_by(&mut self) -> SparkResult<(Vec<String>, usize)> {
        self.expect("CLUSTERED BY")?;
        let columns = self.identifier_list()?;
        if self.take_all("SORTED BY") {
            self.list(|parser| {
                parser.strict_identifier()?;
                if parser.is("DESC") {
                    return Err(parser.unexpected());
                }
                parser.direction()
            })?;
        }
        self.expect("INTO")?;
        let buckets = usize::try_from(self.whole_number()?).map_err(|_| self.unexpected())?;
        self.expect("BUCKETS")?;
        Ok((columns, buckets))
    }

    /// Columns of a table; or what in them is not supported.
    pub(super) fn column_definitions(&mut self) -> SparkResult<Result<Vec<StructField>, &'static str>> {
        self.expect_symbol("(")?;
        let mut columns = Vec::new();
        loop {
            let constraint = self.are("PRIMARY KEY") || self.are("FOREIGN KEY");
            if constraint || self.is_any(&["CONSTRAINT", "CHECK", "UNIQUE"]) && !self.is_type_at(1) {
                return Ok(Err("constraints of tables"));
            }
            let name = self.strict_identifier()?;
            match self.column_definition(name)? {
                Ok(column) => columns.push(column),
                Err(unsupported) => return Ok(Err(unsupported)),
            }
            if !self.take_symbol(",") {
                self.expect_symbol(")")?;
                return Ok(Ok(columns));
            }
        }
    }

    /// A column with a constraint's keyword as its name has a type after it.
    fn is_type_at(&self, ahead: usize) -> bool {
        self.is_any_at(
            ahead,
            &["INT", "INTEGER", "BIGINT", "STRING", "BOOLEAN", "DOUBLE", "FLOAT", "DATE", "TIMESTAMP"],
        )
    }

    /// A column's type, and `NOT NULL`, `COMMENT` and `DEFAULT` in any order.
    pub(super) fn column_definition(&mut self, name: String) -> SparkResult<Result<StructField, &'static str>> {
        let mut field = StructField::new(name, self.data_type()?, true);
        let mut entries = Vec::new();
        loop {
            if self.take_all("NOT NULL") {
                field.nullable = false;
            } else if let Some(comment) = self.optional_comment()? {
                entries.push(("comment", comment));
            } else if self.take("DEFAULT") {
                let start = self.position;
                self.expression()?;
                let text = self.text_from(start).to_owned();
                entries.push(("CURRENT_DEFAULT", text.clone()));
                entries.push(("EXISTS_DEFAULT", text));
            } else if self.is("GENERATED") {
                return Ok(Err("generated columns"));
            } else if self.is_any(&["PRIMARY", "UNIQUE", "CHECK", "REFERENCES", "CONSTRAINT"]) {
                return Ok(Err("constraints of tables"));
            } else {
                break;
            }
        }
        if !entries.is_empty() {
            let entries: Vec<_> = entries.iter().map(|(key, value)| (*key, value.as_str())).collect();
            field.metadata = Some(metadata(&entries));
        }
        Ok(Ok(field))
    }
}
