//! `spark.catalog` over what a session has: its views, the database `default`, and the catalog `spark_catalog`. Tables
//! that outlive a session are not there yet.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, ListBuilder, RecordBatch, StringArray, StringBuilder};
use arrow::datatypes::Schema;
use firesteel_functions::to_field;
use firesteel_spec::{CatalogCommand, DataType, RelationKind, SparkError, SparkResult, StructField};
use futures::StreamExt;

use crate::query::{Rows, arrow_error};
use crate::session::SparkSession;
use crate::views::GLOBAL;

const CATALOG: &str = "spark_catalog";
const DATABASE: &str = "default";

impl SparkSession {
    pub(crate) async fn catalog(&self, command: &CatalogCommand) -> SparkResult<Rows> {
        use CatalogCommand as C;
        match command {
            C::CurrentCatalog => Rows::texts(&["value"], vec![vec![CATALOG.to_owned()]]),
            C::SetCurrentCatalog { name } if name == CATALOG => Ok(Rows::none()),
            C::SetCurrentCatalog { name } => {
                Err(SparkError::new("CATALOG_NOT_FOUND", format!("there is no catalog {name}; there is {CATALOG}"))
                    .with("catalogName", format!("`{name}`")))
            }
            C::ListCatalogs { pattern } => {
                let names: Vec<&str> = [CATALOG].into_iter().filter(|name| matches(name, pattern.as_deref())).collect();
                let nothing = vec![None; names.len()];
                table(vec![texts("name", names.into_iter().map(Some)), texts("description", nothing)])
            }
            C::CurrentDatabase => Rows::texts(&["value"], vec![vec![DATABASE.to_owned()]]),
            C::SetCurrentDatabase { name } => self.expect_database(name).map(|()| Rows::none()),
            C::ListDatabases { pattern } => {
                let names: Vec<&str> =
                    [DATABASE].into_iter().filter(|name| matches(name, pattern.as_deref())).collect();
                self.databases(&names)
            }
            C::GetDatabase { name } => {
                self.expect_database(name)?;
                self.databases(&[DATABASE])
            }
            C::DatabaseExists { name } => truth(self.expect_database(name).is_ok()),
            C::ListTables { database, pattern } | C::ListViews { database, pattern } => {
                let mut names: Vec<(String, bool)> = Vec::new();
                match database.as_deref() {
                    Some(database) if database.eq_ignore_ascii_case(GLOBAL) => {
                        names.extend(self.views.global.names().into_iter().map(|name| (name, true)));
                    }
                    Some(database) => self.expect_database(database)?,
                    None => {}
                }
                names.extend(self.views.own.names().into_iter().map(|name| (name, false)));
                names.retain(|(name, _)| matches(name, pattern.as_deref()));
                views_table(&names)
            }
            C::GetTable { table, database } => {
                let name = self.view_name(table, database.as_deref())?;
                let global = name.len() == 2;
                match self.views.find(&name) {
                    Some(_) => views_table(&[(name.last().cloned().unwrap_or_default(), global)]),
                    None => Err(not_found(&name)),
                }
            }
            C::TableExists { table, database } => {
                let name = self.view_name(table, database.as_deref())?;
                truth(self.views.find(&name).is_some())
            }
            C::ListColumns { table, database } => {
                let name = self.view_name(table, database.as_deref())?;
                self.columns(&name).await
            }
            C::FunctionExists { function, .. } => {
                let name = function.rsplit('.').next().unwrap_or(function).to_lowercase();
                truth(firesteel_functions::lookup(&name).is_some())
            }
            C::IsCached { table } => truth(self.is_table_cached(&self.view_name(table, None)?).await?),
            C::CacheTable { table } => {
                // As `persist` does: the first query that reads it keeps it.
                self.cache_table(&self.view_name(table, None)?, true).await.map(|()| Rows::none())
            }
            C::UncacheTable { table } => self.uncache_table(&self.view_name(table, None)?).await.map(|()| Rows::none()),
            C::ClearCache => {
                self.clear_cache().await;
                Ok(Rows::none())
            }
            C::DropTempView { name } => truth(self.views.own.remove(name)),
            C::DropGlobalTempView { name } => truth(self.views.global.remove(name)),
            other => {
                let name = format!("{other:?}");
                let name = name.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default().to_owned();
                Err(SparkError::unsupported(format!("Catalog.{name}")))
            }
        }
    }

    fn databases(&self, names: &[&str]) -> SparkResult<Rows> {
        let warehouse = self.config.value("spark.sql.warehouse.dir").unwrap_or_default();
        let count = names.len();
        table(vec![
            texts("name", names.iter().map(|name| Some(*name))),
            texts("catalog", vec![Some(CATALOG); count]),
            texts("description", vec![Some("default database"); count]),
            texts("locationUri", vec![Some(warehouse.as_str()); count]),
        ])
    }

    fn expect_database(&self, name: &str) -> SparkResult<()> {
        let name = name.strip_prefix(&format!("{CATALOG}.")).unwrap_or(name);
        if name.eq_ignore_ascii_case(DATABASE) {
            return Ok(());
        }
        Err(SparkError::new("SCHEMA_NOT_FOUND", format!("there is no database `{name}`; there is `{DATABASE}`"))
            .with("schemaName", format!("`{CATALOG}`.`{name}`")))
    }

    /// A view's name from what a program says: with its database, or beside it.
    fn view_name(&self, table: &str, database: Option<&str>) -> SparkResult<Vec<String>> {
        let mut parts: Vec<String> = database.into_iter().map(str::to_owned).collect();
        parts.extend(table.split('.').map(|part| part.trim_matches('`').to_owned()));
        if let [database, _] = parts.as_slice()
            && !database.eq_ignore_ascii_case(GLOBAL)
        {
            parts.remove(0);
        }
        Ok(parts)
    }

    async fn columns(&self, name: &[String]) -> SparkResult<Rows> {
        let relation = RelationKind::Table { name: name.to_vec(), options: Vec::new(), streaming: false };
        let fields = self.resolved(&relation.into()).await?.schema;
        let count = fields.len();
        let types: Vec<String> = fields.iter().map(|field| field.data_type.simple_string()).collect();
        let no = || truths("", vec![false; count]).1;
        table(vec![
            texts("name", fields.iter().map(|field| Some(field.name.as_str()))),
            texts("description", vec![None; count]),
            texts("dataType", types.iter().map(|name| Some(name.as_str()))),
            truths("nullable", fields.iter().map(|field| field.nullable).collect()),
            (StructField::new("isPartition", DataType::Boolean, false), no()),
            (StructField::new("isBucket", DataType::Boolean, false), no()),
            (StructField::new("isCluster", DataType::Boolean, false), no()),
        ])
    }
}

fn not_found(name: &[String]) -> SparkError {
    SparkError::new("TABLE_OR_VIEW_NOT_FOUND", format!("there is no table or view {}", name.join(".")))
        .with("relationName", name.iter().map(|part| format!("`{part}`")).collect::<Vec<_>>().join("."))
}

/// Rows of views, each with whether all sessions see it.
fn views_table(views: &[(String, bool)]) -> SparkResult<Rows> {
    let count = views.len();
    let mut namespaces = ListBuilder::new(StringBuilder::new());
    for (_, global) in views {
        if *global {
            namespaces.values().append_value(GLOBAL);
        }
        namespaces.append(true);
    }
    let namespace = DataType::array(DataType::STRING, true);
    table(vec![
        texts("name", views.iter().map(|(name, _)| Some(name.as_str()))),
        texts("catalog", vec![None; count]),
        (StructField::new("namespace", namespace, true), Arc::new(namespaces.finish())),
        texts("description", vec![None; count]),
        texts("tableType", vec![Some("TEMPORARY"); count]),
        truths("isTemporary", vec![true; count]),
    ])
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
