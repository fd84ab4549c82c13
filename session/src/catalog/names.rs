//! What names of tables and databases mean, and tables as sources of queries.

use firesteel_planner::{Source, Sources};
use firesteel_spec::{DataSource, DataType, Name, RelationKind, SparkError, SparkResult};
use firesteel_sql::{Parameters, parse_query};

use super::metastore::{CATALOG, Database, Table, TableKind, quoted};
use crate::session::SparkSession;
use crate::views::GLOBAL;

/// A table's place in the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableId {
    pub database: String,
    pub name: String,
}

impl TableId {
    pub fn full_name(&self) -> Name {
        vec![CATALOG.to_owned(), self.database.clone(), self.name.clone()]
    }

    pub fn quoted(&self) -> String {
        quoted(&self.full_name())
    }
}

impl SparkSession {
    pub(crate) fn current_database(&self) -> String {
        self.database.read().clone()
    }

    /// The database and the name of a table: of the current database if it is not said.
    pub(crate) fn table_id(&self, name: &[String]) -> SparkResult<TableId> {
        let (database, name) = match name {
            [name] => (self.current_database(), name),
            [database, name] => (database.clone(), name),
            [catalog, database, name] if catalog.eq_ignore_ascii_case(CATALOG) => (database.clone(), name),
            [catalog, _, _] => return Err(no_catalog(catalog)),
            name => {
                return Err(SparkError::new(
                    "REQUIRES_SINGLE_PART_NAMESPACE",
                    format!("{CATALOG} has databases of one part, and {} has more", quoted(name)),
                )
                .with("sessionCatalog", CATALOG)
                .with("namespace", quoted(name)));
            }
        };
        Ok(TableId { database: database.to_lowercase(), name: name.to_lowercase() })
    }

    /// The name of a database, of one part or with the catalog before it.
    pub(crate) fn database_name(&self, name: &[String]) -> SparkResult<String> {
        match name {
            [] => Ok(self.current_database()),
            [name] => Ok(name.to_lowercase()),
            [catalog, name] if catalog.eq_ignore_ascii_case(CATALOG) => Ok(name.to_lowercase()),
            [catalog, _] => Err(no_catalog(catalog)),
            name => Err(no_database(&quoted(name))),
        }
    }

    pub(crate) async fn database_of(&self, name: &str) -> SparkResult<Database> {
        let found = self.metastore.database(name).await?;
        found.ok_or_else(|| no_database(&quoted(&[CATALOG.to_owned(), name.to_owned()])))
    }

    /// The catalog's table or view of a name.
    pub(crate) async fn find_table(&self, name: &[String]) -> SparkResult<Option<Table>> {
        // What is no name of a table names none.
        let Ok(id) = self.table_id(name) else { return Ok(None) };
        self.metastore.table(&id.database, &id.name).await
    }

    pub(crate) async fn table_of(&self, name: &[String]) -> SparkResult<Table> {
        self.find_table(name).await?.ok_or_else(|| not_found(name))
    }

    /// The name by which the cache knows a table or a view.
    pub(crate) fn cache_name(&self, name: &[String]) -> Name {
        let lower = || name.iter().map(|part| part.to_lowercase()).collect();
        let is_temporary = match name {
            [name] => self.views.own.find(name).is_some(),
            [database, _] => database.eq_ignore_ascii_case(GLOBAL),
            _ => false,
        };
        if is_temporary { lower() } else { self.table_id(name).map_or_else(|_| lower(), |id| id.full_name()) }
    }

    /// A kept table or view as what a query reads.
    pub(crate) async fn open_table(&self, table: &Table, sources: &mut Sources) -> SparkResult<Source> {
        let qualifier = table.full_name();
        if let Some(view) = &table.view {
            let relation = self.prepared(&parse_query(&view.text, &Parameters::None)?).await?;
            let relation = self.in_database(relation, &view.database);
            let columns = table.columns()?;
            let names = columns.into_iter().map(|column| column.name).collect();
            let relation = RelationKind::ToDf { input: Box::new(relation), names }.into();
            return Ok(Source::View { relation, qualifier });
        }
        let schema = DataType::Struct { fields: table.columns()? };
        let location = table.location.clone().unwrap_or_default();
        let mut asked = DataSource {
            format: Some(table.format.clone()),
            schema: Some(schema.clone()),
            options: table.options.clone(),
            paths: vec![location.clone()],
            ..DataSource::default()
        };
        if let Some(partitions) = &table.partitions {
            asked.paths = partitions.iter().map(|folder| format!("{location}/{folder}")).collect();
            asked.options.push(("basePath".to_owned(), location));
        }
        asked.options.retain(|(key, _)| !key.eq_ignore_ascii_case("path"));
        // A folder that is not there holds no rows yet.
        asked.options.push(("ignoreMissingFiles".to_owned(), "true".to_owned()));
        if asked.paths.is_empty() {
            let relation = RelationKind::Local { ipc: None, schema: Some(schema) }.into();
            return Ok(Source::View { relation, qualifier });
        }
        Ok(match self.open_files(&asked, sources).await? {
            Source::View { relation, .. } => Source::View { relation, qualifier },
            table => table,
        })
    }

    /// A view's query, whose tables are those of the database where it was made.
    fn in_database(&self, mut relation: firesteel_spec::Relation, database: &str) -> firesteel_spec::Relation {
        fn qualify(relation: &mut firesteel_spec::Relation, database: &str, local: &mut Vec<String>) {
            if let RelationKind::With { tables, .. } = &relation.kind {
                local.extend(tables.iter().map(|table| table.name.to_lowercase()));
            }
            if let RelationKind::Table { name, .. } = &mut relation.kind
                && let [only] = name.as_slice()
                && !local.contains(&only.to_lowercase())
            {
                *name = vec![CATALOG.to_owned(), database.to_owned(), only.clone()];
            }
            for input in relation.inputs_mut() {
                qualify(input, database, local);
            }
        }
        if database != self.current_database() {
            qualify(&mut relation, database, &mut Vec::new());
        }
        relation
    }
}

impl TableKind {
    /// As Spark calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Managed => "MANAGED",
            Self::External => "EXTERNAL",
            Self::View => "VIEW",
        }
    }
}

pub(crate) fn not_found(name: &[String]) -> SparkError {
    SparkError::new(
        "TABLE_OR_VIEW_NOT_FOUND",
        format!("there is no table or view {}; check its name, its database, and that it was created", quoted(name)),
    )
    .with("relationName", quoted(name))
    .with("searchPath", "[`system`.`builtin`, `system`.`session`, `spark_catalog`.`default`]")
}

pub(crate) fn no_database(shown: &str) -> SparkError {
    SparkError::new(
        "SCHEMA_NOT_FOUND",
        format!("there is no database {shown}; SHOW DATABASES lists those that are there"),
    )
    .with("schemaName", shown)
}

pub(crate) fn no_catalog(name: &str) -> SparkError {
    SparkError::new("CATALOG_NOT_FOUND", format!("there is no catalog {name}; there is {CATALOG}"))
        .with("catalogName", format!("`{name}`"))
}
