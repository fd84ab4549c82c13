//! `CREATE VIEW`, of a query or of a data source.

use firesteel_spec::{Command, CreateView, DataSource, DataType, Name, Relation, RelationKind, SparkResult, ViewKind};

use crate::data_type::metadata;
use crate::parser::Parser;

impl Parser<'_> {
    /// After `VIEW`.
    pub(super) fn create_view(&mut self, replace: bool, global: bool, temporary: bool) -> SparkResult<Command> {
        let if_not_exists = self.take_all("IF NOT EXISTS");
        let name = self.name()?;
        let kind = match (global, temporary) {
            (true, _) => ViewKind::GlobalTemporary,
            (false, true) => ViewKind::Temporary,
            (false, false) => ViewKind::Kept,
        };
        let mut view = new_view(name, kind, replace, if_not_exists);
        if temporary && self.is_view_of_source() {
            view.query = self.source()?;
            return Ok(Command::CreateView(view));
        }
        if self.symbol("(") {
            view.columns = self.list(|parser| Ok((parser.strict_identifier()?, parser.optional_comment()?)))?;
        }
        loop {
            if let Some(comment) = self.optional_comment()? {
                view.comment = Some(comment);
            } else if self.take("TBLPROPERTIES") {
                view.properties = self.properties()?;
            } else if self.take_all("WITH SCHEMA") {
                // How a view follows its tables; this one is resolved again each time.
                self.take("TYPE");
                if self.take_any(&["BINDING", "COMPENSATION", "EVOLUTION"]).is_none() {
                    return Err(self.unexpected());
                }
            } else if self.is_any(&["PARTITIONED", "DEFAULT"]) || self.are("WITH METRICS") {
                let name = format!("CREATE VIEW with {}", self.token_text(0).to_ascii_uppercase());
                return Ok(self.unsupported(&name));
            } else {
                break;
            }
        }
        self.expect("AS")?;
        let start = self.position;
        view.query = self.query()?;
        view.text = Some(self.text_from(start).to_owned());
        Ok(Command::CreateView(view))
    }

    /// `USING` comes next, or after a list of columns.
    fn is_view_of_source(&self) -> bool {
        let after = if self.symbol("(") { self.closing(0).map_or(0, |closing| closing + 1) } else { 0 };
        self.is_at(after, "USING")
    }

    /// `[(a INT, …)] USING csv [OPTIONS (…)]`
    fn source(&mut self) -> SparkResult<Relation> {
        let mut schema = None;
        if self.symbol("(") {
            let fields = self.list(|parser| {
                let name = parser.strict_identifier()?;
                let data_type = parser.data_type()?;
                let mut field = firesteel_spec::StructField::new(name, data_type, !parser.take_all("NOT NULL"));
                field.metadata = parser.optional_comment()?.map(|comment| metadata(&[("comment", &comment)]));
                Ok(field)
            })?;
            schema = Some(DataType::Struct { fields });
        }
        self.expect("USING")?;
        let format = Some(self.name()?.join("."));
        let mut options = if self.take("OPTIONS") { self.properties()? } else { Vec::new() };
        let path = options.iter().position(|(key, _)| key.eq_ignore_ascii_case("path"));
        let paths = path.map(|index| options.remove(index).1).into_iter().collect();
        let source = DataSource { format, schema, options, paths, ..DataSource::default() };
        Ok(RelationKind::DataSource(source).into())
    }
}

fn new_view(name: Name, kind: ViewKind, replace: bool, if_not_exists: bool) -> CreateView {
    CreateView {
        name,
        kind,
        query: RelationKind::OneRow.into(),
        text: None,
        columns: Vec::new(),
        comment: None,
        properties: Vec::new(),
        replace,
        if_not_exists,
    }
}
