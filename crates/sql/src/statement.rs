//! Statements: queries, and commands by their first word. What Spark has and the plan does not becomes
//! `Command::Unsupported` with its name.

mod alter;
mod create;
mod describe;
mod drop;
mod function;
mod insert;
mod property;
mod settings;
mod show;
mod view;

use firesteel_spec::{CatalogCommand, Command, CommonTable, ExplainMode, Plan, Relation, RelationKind, SparkResult};

use crate::lexer::Kind;
use crate::parser::Parser;

/// Statements that are known by their first word and not here.
const UNSUPPORTED: [(&str, &str); 21] = [
    ("MERGE", "MERGE INTO"),
    ("BEGIN", "SQL scripting"),
    ("CALL", "CALL"),
    ("EXECUTE", "EXECUTE IMMEDIATE"),
    ("ADD", "ADD JAR, FILE or ARCHIVE"),
    ("LIST", "LIST JARS, FILES or ARCHIVES"),
    ("LOAD", "LOAD DATA"),
    ("GRANT", "GRANT"),
    ("REVOKE", "REVOKE"),
    ("EXPORT", "EXPORT TABLE"),
    ("IMPORT", "IMPORT TABLE"),
    ("LOCK", "LOCK"),
    ("UNLOCK", "UNLOCK"),
    ("START", "START TRANSACTION"),
    ("COMMIT", "COMMIT"),
    ("ROLLBACK", "ROLLBACK"),
    ("DFS", "DFS"),
    ("MAP", "MAP … USING"),
    ("REDUCE", "REDUCE … USING"),
    ("OPEN", "OPEN"),
    ("CLOSE", "CLOSE"),
];

impl Parser<'_> {
    /// One statement and semicolons after it.
    pub fn single_statement(&mut self) -> SparkResult<Plan> {
        let plan = self.statement()?;
        while self.take_symbol(";") {}
        Ok(plan)
    }

    /// Statements parted by semicolons.
    pub fn statements(&mut self) -> SparkResult<Vec<Plan>> {
        let mut plans = Vec::new();
        while self.take_symbol(";") {}
        while !self.at_end() {
            plans.push(self.statement()?);
            if !self.symbol(";") {
                break;
            }
            while self.take_symbol(";") {}
        }
        Ok(plans)
    }

    fn statement(&mut self) -> SparkResult<Plan> {
        self.nested(|parser| {
            if parser.at_with() {
                return parser.with_statement();
            }
            if parser.is("FROM") && parser.inserts_later() {
                return parser.command_plan(Self::insert_after_from);
            }
            match parser.command_of_first_word()? {
                Some(command) => Ok(Plan::Command(Box::new(command))),
                None => Ok(Plan::Query(parser.query()?)),
            }
        })
    }

    fn command_plan(&mut self, rule: impl FnOnce(&mut Self) -> SparkResult<Command>) -> SparkResult<Plan> {
        rule(self).map(|command| Plan::Command(Box::new(command)))
    }

    /// Common tables before a query or before `INSERT`.
    fn with_statement(&mut self) -> SparkResult<Plan> {
        let (tables, recursive) = self.common_tables()?;
        if self.is("INSERT") || self.is("FROM") && self.inserts_later() {
            let rule = if self.is("INSERT") { Self::insert } else { Self::insert_after_from };
            let mut command = rule(self)?;
            if let Command::Insert { input, .. } | Command::InsertDirectory { input, .. } = &mut command {
                with_tables(input, tables, recursive);
            }
            return Ok(Plan::Command(Box::new(command)));
        }
        if self.is_any(&["MERGE", "UPDATE", "DELETE"]) {
            let name = format!("{} with common tables", self.token_text(0).to_ascii_uppercase());
            return self.command_plan(|parser| Ok(parser.unsupported(&name)));
        }
        let mut query = self.query_body()?;
        with_tables(&mut query, tables, recursive);
        Ok(Plan::Query(query))
    }

    /// None if a query begins here.
    fn command_of_first_word(&mut self) -> SparkResult<Option<Command>> {
        let Some(word) = self.word(0) else { return Ok(None) };
        let word = word.to_ascii_uppercase();
        let command = match word.as_str() {
            "INSERT" => self.insert()?,
            "CREATE" | "REPLACE" => self.create()?,
            "DROP" => self.drop_statement()?,
            "ALTER" => self.alter()?,
            "SHOW" => self.show()?,
            "DESC" | "DESCRIBE" => self.describe()?,
            "EXPLAIN" => self.explain()?,
            "SET" => self.set()?,
            "RESET" => self.reset()?,
            "USE" => self.use_statement()?,
            "CACHE" => self.cache()?,
            "UNCACHE" => self.uncache()?,
            "CLEAR" => {
                self.expect("CLEAR CACHE")?;
                Command::ClearCache
            }
            "REFRESH" => self.refresh()?,
            "TRUNCATE" => {
                self.expect("TRUNCATE TABLE")?;
                Command::TruncateTable { name: self.name()?, partition: self.optional_partition()? }
            }
            "ANALYZE" => self.analyze()?,
            "MSCK" => self.repair()?,
            "COMMENT" => self.comment_on()?,
            "DELETE" => self.delete()?,
            "UPDATE" => self.update()?,
            "DECLARE" => self.declare()?,
            word => match UNSUPPORTED.iter().find(|(first, _)| *first == word) {
                Some((_, name)) if self.kind(1) != Kind::End => self.unsupported(name),
                _ => return Ok(None),
            },
        };
        Ok(Some(command))
    }

    /// Passes over the rest of a statement; a script may hold semicolons.
    fn unsupported(&mut self, name: &str) -> Command {
        let script = self.is("BEGIN");
        while !(self.at_end() || !script && self.symbol(";")) {
            self.advance();
        }
        Command::Unsupported(name.to_owned())
    }

    fn explain(&mut self) -> SparkResult<Command> {
        self.expect("EXPLAIN")?;
        let mode = match self.take_any(&["LOGICAL", "FORMATTED", "EXTENDED", "CODEGEN", "COST"]) {
            Some(word) if word.eq_ignore_ascii_case("FORMATTED") => ExplainMode::Formatted,
            Some(word) if word.eq_ignore_ascii_case("CODEGEN") => ExplainMode::Codegen,
            Some(word) if word.eq_ignore_ascii_case("COST") => ExplainMode::Cost,
            Some(_) => ExplainMode::Extended,
            None => ExplainMode::Simple,
        };
        Ok(Command::Explain { plan: Box::new(self.statement()?), mode })
    }

    fn use_statement(&mut self) -> SparkResult<Command> {
        self.expect("USE")?;
        if self.is_any(&["NAMESPACE", "DATABASE", "SCHEMA"]) && matches!(self.kind(1), Kind::Word | Kind::Quoted) {
            self.advance();
        }
        Ok(Command::Use { name: self.name()?, catalog: false })
    }

    fn cache(&mut self) -> SparkResult<Command> {
        self.expect("CACHE")?;
        let lazy = self.take("LAZY");
        self.expect("TABLE")?;
        let name = self.name()?;
        if self.take("OPTIONS") {
            self.properties()?;
        }
        let query = if self.take("AS") || !(self.at_end() || self.symbol(";")) { Some(self.query()?) } else { None };
        Ok(Command::CacheTable { name, query, lazy })
    }

    fn uncache(&mut self) -> SparkResult<Command> {
        self.expect("UNCACHE TABLE")?;
        let if_exists = self.take_all("IF EXISTS");
        Ok(Command::UncacheTable { name: self.name()?, if_exists })
    }

    /// `REFRESH TABLE t`, or the path of files.
    fn refresh(&mut self) -> SparkResult<Command> {
        self.expect("REFRESH")?;
        if self.take("TABLE") {
            return Ok(Command::RefreshTable { name: self.name()? });
        }
        if self.is("FUNCTION") {
            return Ok(self.unsupported("REFRESH FUNCTION"));
        }
        let path = if self.kind(0) == Kind::Text { self.single_text()? } else { self.rest_of_statement().to_owned() };
        if path.is_empty() {
            return Err(self.unexpected());
        }
        Ok(Command::Catalog(CatalogCommand::RefreshByPath { path }))
    }

    fn analyze(&mut self) -> SparkResult<Command> {
        self.expect("ANALYZE")?;
        if self.is("TABLES") {
            return Ok(self.unsupported("ANALYZE TABLES"));
        }
        self.expect("TABLE")?;
        let name = self.name()?;
        self.optional_partition()?;
        self.expect("COMPUTE STATISTICS")?;
        let no_scan = self.take("NOSCAN");
        if self.take("FOR") && !self.take_all("ALL COLUMNS") {
            self.expect("COLUMNS")?;
            self.comma_separated(Self::identifier)?;
        }
        Ok(Command::AnalyzeTable { name, no_scan })
    }

    /// The text up to the end of the statement, which is passed over.
    fn rest_of_statement(&mut self) -> &str {
        let start = self.position;
        while !(self.at_end() || self.symbol(";")) {
            self.advance();
        }
        self.text_from(start)
    }
}

fn with_tables(query: &mut Relation, tables: Vec<CommonTable>, recursive: bool) {
    let input = Box::new(std::mem::replace(query, RelationKind::OneRow.into()));
    *query = RelationKind::With { input, tables, recursive }.into();
}
