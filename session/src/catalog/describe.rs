//! What `SHOW` and `DESCRIBE` answer.

use firesteel_spec::{Command, DataType, Name, SparkError, SparkResult, StructField};

use super::metastore::{CATALOG, Table, TableKind};
use super::{matches, table, texts, truths};
use crate::query::Rows;
use crate::session::SparkSession;
use crate::views::GLOBAL;

impl SparkSession {
    /// `None` if it is another command.
    pub(crate) async fn shown(&self, command: &Command) -> SparkResult<Option<Rows>> {
        Ok(Some(match command {
            Command::ShowCatalogs { pattern } => {
                names("catalog", [CATALOG.to_owned()].into_iter().filter(|name| matches(name, pattern.as_deref())))?
            }
            Command::ShowDatabases { pattern } => {
                let all = self.metastore.databases().await?.into_iter().map(|database| database.name);
                names("namespace", all.filter(|name| matches(name, pattern.as_deref())))?
            }
            Command::ShowTables { database, pattern, extended: false } => {
                self.show_tables(database.as_deref(), pattern.as_deref(), false).await?
            }
            Command::ShowViews { database, pattern } => {
                self.show_tables(database.as_deref(), pattern.as_deref(), true).await?
            }
            Command::ShowColumns { table } => {
                let fields = self.columns_of(table).await?;
                names("col_name", fields.into_iter().map(|field| field.name))?
            }
            Command::ShowPartitions { table } => {
                let table = self.table_of(table).await?;
                names("partition", self.partitions_of(&table).await?)?
            }
            Command::ShowFunctions { pattern, .. } => {
                let all = firesteel_functions::names().into_iter().map(str::to_owned);
                names("function", all.filter(|name| matches(name, pattern.as_deref())))?
            }
            Command::ShowCreateTable { table } => {
                let table = self.table_of(table).await?;
                names("createtab_stmt", [create_statement(&table)?])?
            }
            Command::ShowTableProperties { table, key } => self.show_properties(table, key.as_deref()).await?,
            Command::DescribeTable { table, extended, column: None } => self.describe_table(table, *extended).await?,
            Command::DescribeTable { table, column: Some(column), .. } => self.describe_column(table, column).await?,
            Command::DescribeQuery { query } => described(columns_described(&self.resolved(query).await?.schema))?,
            Command::DescribeDatabase { name, extended } => self.describe_database(name, *extended).await?,
            Command::DescribeFunction { name, .. } => describe_function(name)?,
            _ => return Ok(None),
        }))
    }

    async fn show_tables(&self, database: Option<&[String]>, pattern: Option<&str>, views: bool) -> SparkResult<Rows> {
        let database = self.database_name(database.unwrap_or_default())?;
        let is_global = database == GLOBAL;
        let mut rows: Vec<(String, String, bool)> = Vec::new();
        if is_global {
            rows.extend(self.views.global.names().into_iter().map(|name| (GLOBAL.to_owned(), name, true)));
        } else {
            self.database_of(&database).await?;
            let tables = self.metastore.tables(&database).await?;
            let wanted = tables.into_iter().filter(|table| !views || table.is_view());
            rows.extend(wanted.map(|table| (database.clone(), table.name, false)));
        }
        rows.extend(self.views.own.names().into_iter().map(|name| (String::new(), name, true)));
        rows.retain(|(_, name, _)| matches(name, pattern));
        table(vec![
            required(texts("namespace", rows.iter().map(|(database, _, _)| Some(database.as_str())))),
            required(texts(
                if views { "viewName" } else { "tableName" },
                rows.iter().map(|(_, name, _)| Some(name.as_str())),
            )),
            truths("isTemporary", rows.iter().map(|(_, _, temporary)| *temporary).collect()),
        ])
    }

    /// The columns of a table or of any view.
    pub(crate) async fn columns_of(&self, name: &Name) -> SparkResult<Vec<StructField>> {
        if self.views.find(name).is_none()
            && let Some(table) = self.find_table(name).await?
        {
            return table.columns();
        }
        let relation =
            firesteel_spec::RelationKind::Table { name: name.clone(), options: Vec::new(), streaming: false };
        Ok(self.resolved(&relation.into()).await?.schema)
    }

    async fn show_properties(&self, name: &Name, key: Option<&str>) -> SparkResult<Rows> {
        let table = self.table_of(name).await?;
        let mut all = table.properties.clone();
        all.sort();
        if let Some(key) = key {
            let missing = || format!("Table {} does not have property: {key}", table.full_name().join("."));
            let value = all.into_iter().find(|(own, _)| own == key).map_or_else(missing, |(_, value)| value);
            all = vec![(key.to_owned(), value)];
        }
        Rows::texts(&["key", "value"], all.into_iter().map(|(key, value)| vec![key, value]).collect())
    }

    async fn describe_table(&self, name: &Name, extended: bool) -> SparkResult<Rows> {
        let kept = match self.views.find(name) {
            Some(_) => None,
            None => self.find_table(name).await?,
        };
        let mut rows = columns_described(&self.columns_of(name).await?);
        if let Some(table) = &kept {
            rows.extend(partition_columns_described(table)?);
            if extended {
                rows.extend(details(table)?);
            }
        }
        described(rows)
    }

    async fn describe_column(&self, name: &Name, column: &Name) -> SparkResult<Rows> {
        let fields = self.columns_of(name).await?;
        let asked = column.join(".");
        let field = fields.iter().find(|field| field.name.eq_ignore_ascii_case(&asked)).ok_or_else(|| {
            SparkError::new("UNRESOLVED_COLUMN.WITH_SUGGESTION", format!("the table has no column {asked}"))
                .with("objectName", format!("`{asked}`"))
                .with("proposal", fields.iter().map(|field| format!("`{}`", field.name)).collect::<Vec<_>>().join(", "))
        })?;
        let rows = vec![
            vec!["col_name".to_owned(), field.name.clone()],
            vec!["data_type".to_owned(), field.data_type.simple_string()],
            vec!["comment".to_owned(), comment(field).unwrap_or_else(|| "NULL".to_owned())],
        ];
        Rows::texts(&["info_name", "info_value"], rows)
    }

    async fn describe_database(&self, name: &Name, extended: bool) -> SparkResult<Rows> {
        let database = self.database_of(&self.database_name(name)?).await?;
        let mut rows: Vec<(&str, String)> = vec![
            ("Catalog Name", CATALOG.to_owned()),
            ("Namespace Name", database.name),
            ("Comment", database.comment.unwrap_or_default()),
            ("Location", shown_location(&database.location)),
        ];
        if extended {
            let mut properties = database.properties;
            properties.sort();
            let pairs: Vec<String> = properties.iter().map(|(key, value)| format!("({key},{value})")).collect();
            rows.push(("Properties", if pairs.is_empty() { String::new() } else { format!("({})", pairs.join(", ")) }));
        }
        table(vec![
            required(texts("info_name", rows.iter().map(|(name, _)| Some(*name)))),
            texts("info_value", rows.iter().map(|(_, value)| Some(value.as_str()))),
        ])
    }
}

type Line = (String, String, Option<String>);

fn names(column: &str, values: impl IntoIterator<Item = String>) -> SparkResult<Rows> {
    Rows::texts(&[column], values.into_iter().map(|value| vec![value]).collect())
}

fn required(column: (StructField, arrow::array::ArrayRef)) -> (StructField, arrow::array::ArrayRef) {
    (StructField { nullable: false, ..column.0 }, column.1)
}

fn described(lines: Vec<Line>) -> SparkResult<Rows> {
    table(vec![
        required(texts("col_name", lines.iter().map(|(name, _, _)| Some(name.as_str())))),
        required(texts("data_type", lines.iter().map(|(_, data_type, _)| Some(data_type.as_str())))),
        texts("comment", lines.iter().map(|(_, _, comment)| comment.as_deref())),
    ])
}

fn columns_described(fields: &[StructField]) -> Vec<Line> {
    fields.iter().map(|field| (field.name.clone(), field.data_type.simple_string(), comment(field))).collect()
}

fn partition_columns_described(table: &Table) -> SparkResult<Vec<Line>> {
    if table.partition_by.is_empty() {
        return Ok(Vec::new());
    }
    let fields = table.columns()?;
    let partitions = &fields[fields.len().saturating_sub(table.partition_by.len())..];
    let mut lines = vec![line("# Partition Information", ""), {
        ("# col_name".to_owned(), "data_type".to_owned(), Some("comment".to_owned()))
    }];
    lines.extend(columns_described(partitions));
    Ok(lines)
}

fn line(name: &str, value: impl Into<String>) -> Line {
    (name.to_owned(), value.into(), Some(String::new()))
}

fn details(table: &Table) -> SparkResult<Vec<Line>> {
    let mut lines = vec![
        line("", ""),
        line("# Detailed Table Information", ""),
        line("Catalog", CATALOG),
        line("Database", &table.database),
        line("Table", &table.name),
        line("Created Time", created(table)?),
        line("Last Access", "UNKNOWN"),
        line("Created By", concat!("Firesteel ", env!("CARGO_PKG_VERSION"))),
        line("Type", table.kind.name()),
    ];
    if !table.is_view() {
        lines.push(line("Provider", &table.format));
    }
    lines.extend(table.comment.as_ref().map(|comment| line("Comment", comment)));
    if !table.properties.is_empty() {
        let mut pairs: Vec<String> = table.properties.iter().map(|(key, value)| format!("{key}={value}")).collect();
        pairs.sort();
        lines.push(line("Table Properties", format!("[{}]", pairs.join(", "))));
    }
    if let Some(location) = &table.location {
        lines.push(line("Location", shown_location(location)));
    }
    if let Some(view) = &table.view {
        lines.push(line("View Text", &view.text));
        lines.push(line("View Catalog and Namespace", format!("{CATALOG}.{}", view.database)));
    }
    if !table.partition_by.is_empty() {
        lines.push(line("Partition Provider", "Catalog"));
    }
    Ok(lines)
}

fn created(table: &Table) -> SparkResult<String> {
    let created = i64::try_from(table.created_ms).unwrap_or(i64::MAX);
    let array = arrow::array::TimestampMillisecondArray::from(vec![created]);
    let text = arrow::util::display::array_value_to_string(&array, 0).map_err(crate::query::arrow_error)?;
    Ok(text)
}

fn shown_location(url: &str) -> String {
    url.replacen("file:///", "file:/", 1)
}

/// A column's comment.
pub(crate) fn comment(field: &StructField) -> Option<String> {
    let metadata: serde_json::Value = serde_json::from_str(field.metadata.as_deref()?).ok()?;
    metadata.get("comment")?.as_str().map(str::to_owned)
}

/// The statement that makes a table or a view, as Spark writes it.
pub(crate) fn create_statement(table: &Table) -> SparkResult<String> {
    let fields = table.columns()?;
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "\\'"));
    let comment_of = |field: &StructField| comment(field).map(|text| format!(" COMMENT {}", quoted(&text)));
    if let Some(view) = &table.view {
        let columns: Vec<String> =
            fields.iter().map(|field| format!("  {}{}", field.name, comment_of(field).unwrap_or_default())).collect();
        return Ok(format!(
            "CREATE VIEW {}.{} (\n{})\nWITH SCHEMA COMPENSATION\nAS {}\n",
            table.database,
            table.name,
            columns.join(",\n"),
            view.text
        ));
    }
    let columns: Vec<String> = fields
        .iter()
        .map(|field| {
            let collation = if field.data_type == DataType::STRING { " COLLATE UTF8_BINARY" } else { "" };
            let data_type = field.data_type.sql();
            format!("  {} {data_type}{collation}{}", field.name, comment_of(field).unwrap_or_default())
        })
        .collect();
    let mut text = format!("CREATE TABLE {} (\n{})\n", table.full_name().join("."), columns.join(",\n"));
    text.push_str(&format!("USING {}\n", table.format));
    let listed = |pairs: &[(String, String)]| {
        let mut pairs = pairs.to_vec();
        pairs.sort();
        let pairs: Vec<String> =
            pairs.iter().map(|(key, value)| format!("  {} = {}", quoted(key), quoted(value))).collect();
        pairs.join(",\n")
    };
    if !table.options.is_empty() {
        text.push_str(&format!("OPTIONS (\n{})\n", listed(&table.options)));
    }
    if !table.partition_by.is_empty() {
        text.push_str(&format!("PARTITIONED BY ({})\n", table.partition_by.join(", ")));
    }
    if let Some(comment) = &table.comment {
        text.push_str(&format!("COMMENT {}\n", quoted(comment)));
    }
    if table.kind == TableKind::External {
        text.push_str(&format!(
            "LOCATION {}\n",
            quoted(&shown_location(table.location.as_deref().unwrap_or_default()))
        ));
    }
    if !table.properties.is_empty() {
        text.push_str(&format!("TBLPROPERTIES (\n{})\n", listed(&table.properties)));
    }
    Ok(text)
}

fn describe_function(name: &Name) -> SparkResult<Rows> {
    let last = name.last().map(|name| name.to_lowercase()).unwrap_or_default();
    if firesteel_functions::lookup(&last).is_none() {
        return Err(SparkError::new("UNRESOLVED_ROUTINE", format!("there is no function {last}"))
            .with("routineName", format!("`{last}`"))
            .with("searchPath", "[`system`.`builtin`, `system`.`session`, `spark_catalog`.`default`]"));
    }
    names("function_desc", [format!("Function: {last}"), "Usage: N/A.".to_owned()])
}
