//! `ALTER` of tables, views and databases, and what amounts to it: `MSCK REPAIR TABLE` and `COMMENT ON`.

use firesteel_spec::{Command, Name, Options, SparkResult, StructField, TableChange};

use crate::parser::Parser;

/// A change, or what of Spark's is not here.
type Change = Result<TableChange, String>;

impl Parser<'_> {
    pub(super) fn alter(&mut self) -> SparkResult<Command> {
        self.expect("ALTER")?;
        if self.take_any(&["DATABASE", "SCHEMA", "NAMESPACE"]).is_some() {
            return self.alter_database();
        }
        let view = self.is("VIEW");
        if !(self.take("TABLE") || self.take("VIEW")) {
            let Some(word) = self.word(0) else { return Err(self.unexpected()) };
            let name = format!("ALTER {}", word.to_ascii_uppercase());
            return Ok(self.unsupported(&name));
        }
        let name = self.name()?;
        match self.table_change(view)? {
            Ok(change) => Ok(Command::AlterTable { name, change, view }),
            Err(unsupported) => Ok(self.unsupported(&unsupported)),
        }
    }

    fn alter_database(&mut self) -> SparkResult<Command> {
        let name = self.name()?;
        if self.is("UNSET") {
            return Ok(self.unsupported("ALTER DATABASE … UNSET"));
        }
        self.expect("SET")?;
        if self.take("LOCATION") {
            let location = Some(self.text_literal()?);
            return Ok(Command::AlterDatabase { name, properties: Options::new(), location });
        }
        if self.is("DEFAULT") {
            return Ok(self.unsupported("ALTER DATABASE … SET DEFAULT COLLATION"));
        }
        if self.take_any(&["DBPROPERTIES", "PROPERTIES"]).is_none() {
            return Err(self.unexpected());
        }
        Ok(Command::AlterDatabase { name, properties: self.properties()?, location: None })
    }

    fn table_change(&mut self, view: bool) -> SparkResult<Change> {
        if self.take_all("RENAME TO") {
            return Ok(Ok(TableChange::Rename(self.name()?)));
        }
        if self.take_all("SET TBLPROPERTIES") {
            return Ok(Ok(TableChange::SetProperties(self.properties()?)));
        }
        if self.take_all("UNSET TBLPROPERTIES") {
            let if_exists = self.take_all("IF EXISTS");
            let keys = self.list(Self::property_key)?;
            return Ok(Ok(TableChange::UnsetProperties { keys, if_exists }));
        }
        if view {
            if self.are("WITH SCHEMA") {
                return Ok(Err("ALTER VIEW … WITH SCHEMA".to_owned()));
            }
            self.take("AS");
            let start = self.position;
            let query = Box::new(self.query()?);
            return Ok(Ok(TableChange::SetQuery(query, self.text_from(start).to_owned())));
        }
        if self.take_all("RENAME COLUMN") {
            let from = self.name()?;
            self.expect("TO")?;
            return Ok(Ok(TableChange::RenameColumn { from, to: self.strict_identifier()? }));
        }
        if self.take_all("SET LOCATION") {
            return Ok(Ok(TableChange::SetLocation(self.text_literal()?)));
        }
        if self.take_all("RECOVER PARTITIONS") {
            return Ok(Ok(TableChange::RecoverPartitions));
        }
        if self.take("ADD") {
            return self.addition();
        }
        if self.take("DROP") {
            return self.removal();
        }
        match self.word(0) {
            Some(word) => Ok(Err(format!("ALTER TABLE … {} {}", word.to_ascii_uppercase(), self.second_word()))),
            None => Err(self.unexpected()),
        }
    }

    fn second_word(&self) -> String {
        self.word(1).unwrap_or_default().to_ascii_uppercase()
    }

    /// After `ADD`.
    fn addition(&mut self) -> SparkResult<Change> {
        let if_not_exists = self.take_all("IF NOT EXISTS");
        if self.is("PARTITION") {
            let mut partitions = Vec::new();
            while self.is("PARTITION") {
                let partition = self.whole_partition()?;
                let location = if self.take("LOCATION") { Some(self.text_literal()?) } else { None };
                partitions.push((partition, location));
                self.take_symbol(",");
            }
            return Ok(Ok(TableChange::AddPartitions { partitions, if_not_exists }));
        }
        if if_not_exists || self.take_any(&["COLUMNS", "COLUMN"]).is_none() {
            return Ok(Err(format!("ALTER TABLE … ADD {}", self.word(0).unwrap_or_default().to_ascii_uppercase())));
        }
        let enclosed = self.take_symbol("(");
        let mut columns = Vec::new();
        loop {
            match self.added_column()? {
                Ok(column) => columns.push(column),
                Err(unsupported) => return Ok(Err(unsupported)),
            }
            if !self.take_symbol(",") {
                break;
            }
        }
        if enclosed {
            self.expect_symbol(")")?;
        }
        Ok(Ok(TableChange::AddColumns(columns)))
    }

    fn added_column(&mut self) -> SparkResult<Result<StructField, String>> {
        let name: Name = self.name()?;
        let [name] = name.as_slice() else { return Ok(Err("ALTER TABLE … ADD COLUMN of a nested field".to_owned())) };
        let column = self.column_definition(name.clone())?;
        if self.is_any(&["FIRST", "AFTER"]) {
            return Ok(Err("ALTER TABLE … ADD COLUMN at a position".to_owned()));
        }
        Ok(column.map_err(str::to_owned))
    }

    /// After `DROP`.
    fn removal(&mut self) -> SparkResult<Change> {
        if self.take_any(&["COLUMNS", "COLUMN"]).is_some() {
            let if_exists = self.take_all("IF EXISTS");
            let columns = if self.symbol("(") { self.list(Self::name)? } else { self.comma_separated(Self::name)? };
            return Ok(Ok(TableChange::DropColumns { columns, if_exists }));
        }
        let if_exists = self.take_all("IF EXISTS");
        if !self.is("PARTITION") {
            return Ok(Err(format!("ALTER TABLE … DROP {}", self.word(0).unwrap_or_default().to_ascii_uppercase())));
        }
        let partitions = self.comma_separated(Self::whole_partition)?;
        self.take("PURGE");
        Ok(Ok(TableChange::DropPartitions { partitions, if_exists }))
    }

    /// `MSCK REPAIR TABLE t [ADD PARTITIONS]`
    pub(super) fn repair(&mut self) -> SparkResult<Command> {
        self.expect("MSCK REPAIR TABLE")?;
        let name = self.name()?;
        if self.is_any(&["DROP", "SYNC"]) {
            return Ok(self.unsupported("MSCK REPAIR TABLE … DROP or SYNC PARTITIONS"));
        }
        self.take_all("ADD PARTITIONS");
        Ok(Command::AlterTable { name, change: TableChange::RecoverPartitions, view: false })
    }

    /// A comment is a property.
    pub(super) fn comment_on(&mut self) -> SparkResult<Command> {
        self.expect("COMMENT ON")?;
        let database = self.take_any(&["DATABASE", "SCHEMA", "NAMESPACE"]).is_some();
        if !database && !self.is("TABLE") {
            let name = format!("COMMENT ON {}", self.word(0).unwrap_or_default().to_ascii_uppercase());
            return Ok(self.unsupported(&name));
        }
        if !database {
            self.expect("TABLE")?;
        }
        let name = self.name()?;
        self.expect("IS")?;
        let comment = if self.take("NULL") { None } else { Some(self.text_literal()?) };
        let key = "comment".to_owned();
        if database {
            let properties = vec![(key, comment.unwrap_or_default())];
            return Ok(Command::AlterDatabase { name, properties, location: None });
        }
        let change = match comment {
            Some(comment) => TableChange::SetProperties(vec![(key, comment)]),
            None => TableChange::UnsetProperties { keys: vec![key], if_exists: true },
        };
        Ok(Command::AlterTable { name, change, view: false })
    }
}
