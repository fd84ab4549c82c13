//! `INSERT`, `DELETE` and `UPDATE`.

use firesteel_spec::{Command, InsertMode, Options, Relation, SparkResult};

use crate::lexer::Kind;
use crate::parser::Parser;

/// Where the rows of an insertion go.
enum Target {
    Table(Box<Command>),
    Directory { path: String, format: Option<String>, options: Options },
    Unsupported(&'static str),
}

impl Parser<'_> {
    pub(super) fn insert(&mut self) -> SparkResult<Command> {
        match self.insert_target()? {
            Target::Unsupported(name) => Ok(self.unsupported(name)),
            target => {
                let input = self.query()?;
                Ok(target.with(input))
            }
        }
    }

    /// `FROM t INSERT INTO u SELECT a`; only one insertion.
    pub(super) fn insert_after_from(&mut self) -> SparkResult<Command> {
        let from = self.relations_clause()?;
        let target = match self.insert_target()? {
            Target::Unsupported(name) => return Ok(self.unsupported(name)),
            target => target,
        };
        let input = self.select(Some(from))?;
        if self.is("INSERT") {
            return Ok(self.unsupported("several INSERTs after one FROM"));
        }
        Ok(target.with(input))
    }

    /// Whether the `FROM` that comes next belongs to an `INSERT` after it.
    pub(super) fn inserts_later(&self) -> bool {
        let mut ahead = 1;
        loop {
            if self.kind(ahead) == Kind::End || self.symbol_at(ahead, ";") || self.is_at(ahead, "SELECT") {
                return false;
            }
            if self.is_at(ahead, "INSERT") && self.is_any_at(ahead + 1, &["INTO", "OVERWRITE"]) {
                return true;
            }
            ahead = if self.symbol_at(ahead, "(") { self.closing(ahead).unwrap_or(ahead) + 1 } else { ahead + 1 };
        }
    }

    fn insert_target(&mut self) -> SparkResult<Target> {
        self.expect("INSERT")?;
        let mode = if self.take("OVERWRITE") {
            InsertMode::Overwrite
        } else {
            self.expect("INTO")?;
            InsertMode::Append
        };
        if mode == InsertMode::Overwrite && (self.is("DIRECTORY") || self.are("LOCAL DIRECTORY")) {
            return self.directory();
        }
        self.take("TABLE");
        let table = self.name()?;
        if self.is("WITH") && self.symbol_at(1, "(") {
            return Ok(Target::Unsupported("INSERT with options"));
        }
        if self.is("REPLACE") {
            return Ok(Target::Unsupported("INSERT … REPLACE"));
        }
        let partition = self.optional_partition()?;
        if self.are("IF NOT EXISTS") {
            return Ok(Target::Unsupported("INSERT … IF NOT EXISTS"));
        }
        let by_name = self.take_all("BY NAME");
        let columns =
            if !by_name && self.symbol("(") && !self.at_query(0) { self.identifier_list()? } else { Vec::new() };
        let input = firesteel_spec::RelationKind::OneRow.into();
        Ok(Target::Table(Box::new(Command::Insert { table, input, mode, columns, partition, by_name })))
    }

    fn directory(&mut self) -> SparkResult<Target> {
        self.take("LOCAL");
        self.expect("DIRECTORY")?;
        let mut path = if self.kind(0) == Kind::Text { Some(self.single_text()?) } else { None };
        if self.are("ROW FORMAT") {
            return Ok(Target::Unsupported("ROW FORMAT"));
        }
        let mut format = None;
        if self.take("USING") || self.take_all("STORED AS") {
            format = Some(self.name()?.join("."));
        }
        let mut options = if self.take("OPTIONS") { self.properties()? } else { Options::new() };
        if let Some(index) = options.iter().position(|(key, _)| key.eq_ignore_ascii_case("path")) {
            path.get_or_insert(options.remove(index).1);
        }
        let Some(path) = path else { return Err(self.unexpected()) };
        Ok(Target::Directory { path, format, options })
    }

    pub(super) fn delete(&mut self) -> SparkResult<Command> {
        self.expect("DELETE FROM")?;
        let table = self.name()?;
        let alias = self.table_alias_name()?;
        let condition = if self.take("WHERE") { Some(self.expression()?) } else { None };
        Ok(Command::Delete { table, alias, condition })
    }

    pub(super) fn update(&mut self) -> SparkResult<Command> {
        self.expect("UPDATE")?;
        let table = self.name()?;
        let alias = self.table_alias_name()?;
        self.expect("SET")?;
        let assignments = self.comma_separated(Self::assignment)?;
        let condition = if self.take("WHERE") { Some(self.expression()?) } else { None };
        Ok(Command::Update { table, alias, assignments, condition })
    }

    /// `a.b = c`
    pub(super) fn assignment(&mut self) -> SparkResult<(firesteel_spec::Name, firesteel_spec::Expr)> {
        let name = self.name()?;
        if !self.take_symbol("==") {
            self.expect_symbol("=")?;
        }
        Ok((name, self.expression()?))
    }
}

impl Target {
    /// The command with the rows that it writes.
    fn with(self, rows: Relation) -> Command {
        match self {
            Self::Table(mut command) => {
                if let Command::Insert { input, .. } = command.as_mut() {
                    *input = rows;
                }
                *command
            }
            Self::Directory { path, format, options } => {
                Command::InsertDirectory { path, format, options, input: rows }
            }
            Self::Unsupported(name) => Command::Unsupported(name.to_owned()),
        }
    }
}
