//! `spark.catalog`, and the tables and views that SQL's commands name. What is kept is in [`metastore`]; temporary views are
//! the session's.

mod define;
mod describe;
mod insert;
pub(crate) mod metastore;
mod names;
mod partitions;

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, ListBuilder, RecordBatch, StringArray, StringBuilder};
use arrow::datatypes::Schema;
use firesteel_connect::engine::ProgressSink;
use firesteel_functions::to_field;
use firesteel_spec::{CatalogCommand, CreateTable, DataType, Name, SparkError, SparkResult, StructField, TableChange};
use firesteel_sql::parse_name;
use futures::StreamExt;

pub(crate) use insert::Insertion;
use metastore::{CATALOG, Database, Table};
pub(crate) use names::no_catalog;

use crate::query::{Rows, arrow_error};
use crate::session::SparkSession;
use crate::views::GLOBAL;

/// A row of `listTables`.
struct Listed {
    name: String,
    catalog: Option<&'static str>,
    namespace: Vec<String>,
    description: Option<String>,
    kind: &'static str,
    temporary: bool,
}

impl Listed {
    fn temporary(name: &str, is_global: bool) -> Self {
        Self {
            name: name.to_owned(),
            catalog: None,
            namespace: if is_global { vec![GLOBAL.to_owned()] } else { Vec::new() },
            description: None,
            kind: "TEMPORARY",
            temporary: true,
        }
    }

    fn kept(table: &Table) -> Self {
        Self {
            name: table.name.clone(),
            catalog: Some(CATALOG),
            namespace: vec![table.database.clone()],
            description: table.comment.clone(),
            kind: table.kind.name(),
            temporary: false,
        }
    }
}

impl SparkSession {
    /// Calls that look something up.
    pub(crate) async fn catalog(&self, command: &CatalogCommand) -> SparkResult<Rows> {
        use CatalogCommand as C;
        match command {
            C::CurrentCatalog => Rows::texts(&["value"], vec![vec![CATALOG.to_owned()]]),
            C::ListCatalogs { pattern } => {
                let names: Vec<&str> = [CATALOG].into_iter().filter(|name| matches(name, pattern.as_deref())).collect();
                let nothing = vec![None; names.len()];
                table(vec![texts("name", names.into_iter().map(Some)), texts("description", nothing)])
            }
            C::CurrentDatabase => Rows::texts(&["value"], vec![vec![self.current_database()]]),
            C::ListDatabases { pattern } => {
                let mut all = self.metastore.databases().await?;
                all.retain(|database| matches(&database.name, pattern.as_deref()));
                databases(&all)
            }
            C::GetDatabase { name } => {
                let database = self.database_of(&self.database_name(&parse_name(name)?)?).await?;
                databases(&[database])
            }
            C::DatabaseExists { name } => {
                let name = self.database_name(&parse_name(name)?)?;
                truth(self.metastore.database(&name).await?.is_some())
            }
            C::ListTables { database, pattern } => {
                self.list_tables(database.as_deref(), pattern.as_deref(), false).await
            }
            C::ListViews { database, pattern } => self.list_tables(database.as_deref(), pattern.as_deref(), true).await,
            C::GetTable { table, database } => {
                let name = named(table, database.as_deref())?;
                match self.views.find(&name) {
                    Some(_) => tables(&[Listed::temporary(&name[name.len() - 1], name.len() == 2)]),
                    None => tables(&[Listed::kept(&self.table_of(&name).await?)]),
                }
            }
            C::TableExists { table, database } => {
                let name = named(table, database.as_deref())?;
                truth(self.views.find(&name).is_some() || self.find_table(&name).await?.is_some())
            }
            C::ListColumns { table, database } => self.columns(&named(table, database.as_deref())?).await,
            C::ListFunctions { pattern, .. } => {
                let all = firesteel_functions::names().into_iter();
                functions(&all.filter(|name| matches(name, pattern.as_deref())).collect::<Vec<_>>())
            }
            C::GetFunction { function, .. } => {
                let name = parse_name(function)?;
                let last = name.last().map(|name| name.to_lowercase()).unwrap_or_default();
                if firesteel_functions::lookup(&last).is_none() {
                    return Err(no_function(&name));
                }
                functions(&[&last])
            }
            C::FunctionExists { function, .. } => {
                let name = function.rsplit('.').next().unwrap_or(function).to_lowercase();
                truth(firesteel_functions::lookup(&name).is_some())
            }
            C::ListPartitions { table: name } => {
                let found = self.table_of(&parse_name(name)?).await?;
                let partitions = self.partitions_of(&found).await?;
                table(vec![texts("partition", partitions.iter().map(|name| Some(name.as_str())))])
            }
            C::GetTableProperties { table: name } => {
                let mut all = self.table_of(&parse_name(name)?).await?.properties;
                all.sort();
                table(vec![
                    texts("key", all.iter().map(|(key, _)| Some(key.as_str()))),
                    texts("value", all.iter().map(|(_, value)| Some(value.as_str()))),
                ])
            }
            C::GetCreateTableString { table: name, .. } => {
                let text = describe::create_statement(&self.table_of(&parse_name(name)?).await?)?;
                table(vec![texts("createtab_stmt", [Some(text.as_str())])])
            }
            C::IsCached { table } => truth(self.is_table_cached(&parse_name(table)?).await?),
            other => self.catalog_change(other).await,
        }
    }

    /// Calls that change something.
    async fn catalog_change(&self, command: &CatalogCommand) -> SparkResult<Rows> {
        use CatalogCommand as C;
        match command {
            C::SetCurrentCatalog { name } if name == CATALOG => {}
            C::SetCurrentCatalog { name } => return Err(no_catalog(name)),
            C::SetCurrentDatabase { name } => self.use_database(&parse_name(name)?).await?,
            // As `persist` does: the first query that reads it keeps it.
            C::CacheTable { table } => self.cache_table(&parse_name(table)?, true).await?,
            C::UncacheTable { table } => self.uncache_table(&parse_name(table)?).await?,
            C::ClearCache => self.clear_cache().await,
            C::RefreshTable { table } => self.refresh_table(&parse_name(table)?).await?,
            C::RefreshByPath { path } => {
                let folder = crate::folder::Folder::at(&self.cluster.storage, path)?;
                self.forget_rows_below(folder.url()).await;
            }
            C::DropTempView { name } => return truth(self.views.own.remove(name)),
            C::DropGlobalTempView { name } => return truth(self.views.global.remove(name)),
            C::DropTable { table, if_exists, .. } => self.drop_table(&parse_name(table)?, *if_exists, false).await?,
            C::DropView { view, if_exists } => self.drop_table(&parse_name(view)?, *if_exists, true).await?,
            C::CreateDatabase { name, if_not_exists, properties } => {
                let comment = properties.iter().find(|(key, _)| key == "comment").map(|(_, value)| value.clone());
                let location = properties.iter().find(|(key, _)| key == "location").map(|(_, value)| value.as_str());
                let name = parse_name(name)?;
                self.create_database(&name, *if_not_exists, comment, location, properties.clone()).await?;
            }
            C::DropDatabase { name, if_exists, cascade } => {
                self.drop_database(&parse_name(name)?, *if_exists, *cascade).await?;
            }
            C::TruncateTable { table } => self.truncate(&parse_name(table)?, &[]).await?,
            C::AnalyzeTable { table, .. } => self.analyze(&parse_name(table)?).await?,
            C::RecoverPartitions { table } => {
                self.alter_table(&parse_name(table)?, &TableChange::RecoverPartitions).await?;
            }
            C::CreateTable { table, path, format, description, schema, options } => {
                let columns = match schema {
                    Some(DataType::Struct { fields }) => fields.clone(),
                    _ => Vec::new(),
                };
                let create = CreateTable {
                    name: parse_name(table)?,
                    format: format.clone(),
                    columns,
                    location: path.clone(),
                    comment: description.clone(),
                    options: options.clone(),
                    ..CreateTable::default()
                };
                self.create_table(&create, &ProgressSink::default()).await?;
                // The client asks for the table's rows next.
                return self.empty_of(&create.name).await;
            }
            other => {
                let name = format!("{other:?}");
                let name = name.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default().to_owned();
                return Err(SparkError::unsupported(format!("Catalog.{name}")));
            }
        }
        Ok(Rows::none())
    }

    async fn empty_of(&self, name: &Name) -> SparkResult<Rows> {
        let fields = self.columns_of(name).await?;
        Ok(Rows { schema: DataType::Struct { fields }, batches: futures::stream::empty().boxed() })
    }

    /// `ANALYZE TABLE`: nothing to keep, since sizes and statistics are read from the files when a query is planned.
    pub(crate) async fn analyze(&self, name: &[String]) -> SparkResult<()> {
        if self.views.find(&name.to_vec()).is_none() {
            self.table_of(name).await?;
        }
        Ok(())
    }

    async fn list_tables(&self, database: Option<&str>, pattern: Option<&str>, views: bool) -> SparkResult<Rows> {
        let name = database.map(parse_name).transpose()?.unwrap_or_default();
        let database = self.database_name(&name)?;
        let mut all: Vec<Listed> = Vec::new();
        if database == GLOBAL {
            all.extend(self.views.global.names().iter().map(|name| Listed::temporary(name, true)));
        } else {
            self.database_of(&database).await?;
            let kept = self.metastore.tables(&database).await?;
            all.extend(kept.iter().filter(|table| !views || table.is_view()).map(Listed::kept));
        }
        all.extend(self.views.own.names().iter().map(|name| Listed::temporary(name, false)));
        all.retain(|table| matches(&table.name, pattern));
        tables(&all)
    }

    async fn columns(&self, name: &Name) -> SparkResult<Rows> {
        let fields = self.columns_of(name).await?;
        let kept = if self.views.find(name).is_some() { None } else { self.find_table(name).await? };
        let partition_by = kept.map(|table| table.partition_by).unwrap_or_default();
        let count = fields.len();
        let types: Vec<String> = fields.iter().map(|field| field.data_type.simple_string()).collect();
        let comments: Vec<Option<String>> = fields.iter().map(describe::comment).collect();
        let is_partition = |field: &StructField| partition_by.iter().any(|name| name.eq_ignore_ascii_case(&field.name));
        table(vec![
            texts("name", fields.iter().map(|field| Some(field.name.as_str()))),
            texts("description", comments.iter().map(Option::as_deref)),
            texts("dataType", types.iter().map(|name| Some(name.as_str()))),
            truths("nullable", fields.iter().map(|field| field.nullable).collect()),
            truths("isPartition", fields.iter().map(is_partition).collect()),
            truths("isBucket", vec![false; count]),
            truths("isCluster", vec![false; count]),
        ])
    }
}

/// A table's name from what a program says: with its database, or beside it.
fn named(table: &str, database: Option<&str>) -> SparkResult<Name> {
    let mut parts = database.map(parse_name).transpose()?.unwrap_or_default();
    parts.extend(parse_name(table)?);
    Ok(parts)
}

fn databases(all: &[Database]) -> SparkResult<Rows> {
    table(vec![
        texts("name", all.iter().map(|database| Some(database.name.as_str()))),
        texts("catalog", vec![Some(CATALOG); all.len()]),
        texts("description", all.iter().map(|database| database.comment.as_deref())),
        texts("locationUri", all.iter().map(|database| Some(database.location.as_str()))),
    ])
}

fn tables(all: &[Listed]) -> SparkResult<Rows> {
    let mut namespaces = ListBuilder::new(StringBuilder::new());
    for table in all {
        table.namespace.iter().for_each(|part| namespaces.values().append_value(part));
        namespaces.append(true);
    }
    let namespace = DataType::array(DataType::STRING, true);
    table(vec![
        texts("name", all.iter().map(|table| Some(table.name.as_str()))),
        texts("catalog", all.iter().map(|table| table.catalog)),
        (StructField::new("namespace", namespace, true), Arc::new(namespaces.finish())),
        texts("description", all.iter().map(|table| table.description.as_deref())),
        texts("tableType", all.iter().map(|table| Some(table.kind))),
        truths("isTemporary", all.iter().map(|table| table.temporary).collect()),
    ])
}

/// Functions are built in, and belong to no database.
fn functions(all: &[&str]) -> SparkResult<Rows> {
    let mut namespaces = ListBuilder::new(StringBuilder::new());
    all.iter().for_each(|_| namespaces.append(false));
    let namespace = DataType::array(DataType::STRING, true);
    table(vec![
        texts("name", all.iter().map(|name| Some(*name))),
        texts("catalog", vec![None; all.len()]),
        (StructField::new("namespace", namespace, true), Arc::new(namespaces.finish())),
        texts("description", vec![Some("N/A."); all.len()]),
        texts("className", vec![Some(""); all.len()]),
        truths("isTemporary", vec![true; all.len()]),
    ])
}

fn no_function(name: &[String]) -> SparkError {
    let shown = metastore::quoted(name);
    SparkError::new("UNRESOLVED_ROUTINE", format!("there is no function {shown}"))
        .with("routineName", shown)
        .with("searchPath", "[`system`.`builtin`, `system`.`session`, `spark_catalog`.`default`]")
}

fn truth(value: bool) -> SparkResult<Rows> {
    table(vec![truths("value", vec![value])])
}

fn texts<'a>(name: &str, values: impl IntoIterator<Item = Option<&'a str>>) -> (StructField, ArrayRef) {
    let values: StringArray = values.into_iter().collect();
    (StructField::new(name, DataType::STRING, true), Arc::new(values))
}

fn truths(name: &str, values: Vec<bool>) -> (StructField, ArrayRef) {
    (StructField::new(name, DataType::Boolean, false), Arc::new(BooleanArray::from(values)))
}

fn table(columns: Vec<(StructField, ArrayRef)>) -> SparkResult<Rows> {
    let (fields, arrays): (Vec<StructField>, Vec<ArrayRef>) = columns.into_iter().unzip();
    let schema = Arc::new(Schema::new(fields.iter().map(to_field).collect::<Vec<_>>()));
    let batch = RecordBatch::try_new(schema, arrays).map_err(arrow_error)?;
    Ok(Rows { schema: DataType::Struct { fields }, batches: futures::stream::iter([Ok(batch)]).boxed() })
}

/// Spark's patterns of names: `*` is any text, `|` is or.
fn matches(name: &str, pattern: Option<&str>) -> bool {
    fn one(name: &[char], pattern: &[char]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some(('*', rest)) => (0..=name.len()).any(|skipped| one(&name[skipped..], rest)),
            Some((letter, rest)) => name.split_first().is_some_and(|(own, others)| own == letter && one(others, rest)),
        }
    }
    let name: Vec<char> = name.to_lowercase().chars().collect();
    pattern.is_none_or(|pattern| {
        pattern.to_lowercase().split('|').any(|part| one(&name, &part.trim().chars().collect::<Vec<_>>()))
    })
}
