//! Databases, tables and views made, changed and dropped.

use std::time::{SystemTime, UNIX_EPOCH};

use firesteel_connect::engine::ProgressSink;
use firesteel_spec::{
    CreateTable, CreateView, DataType, Expr, Name, Options, PartitionLocation, RelationKind, SaveMode, SparkError,
    SparkResult, StructField, TableChange,
};

use super::metastore::{CATALOG, DEFAULT, Database, Table, TableKind, ViewText, quoted};
use super::names::{TableId, no_database, not_found};
use crate::folder::Folder;
use crate::session::SparkSession;
use crate::write::{FileWrite, is_file_format, option, unknown_source};

impl SparkSession {
    pub(crate) async fn create_database(
        &self,
        name: &[String],
        if_not_exists: bool,
        comment: Option<String>,
        location: Option<&str>,
        properties: Options,
    ) -> SparkResult<()> {
        let name = self.database_name(name)?;
        let location = match location {
            Some(path) => Folder::at(&self.cluster.storage, path)?.url().to_owned(),
            None => self.metastore.database_location(&name),
        };
        let database = Database { name: name.clone(), comment, location, properties };
        if self.metastore.create_database(&database).await? || if_not_exists {
            return Ok(());
        }
        Err(SparkError::new(
            "SCHEMA_ALREADY_EXISTS",
            format!("there is a database {name} already; take another name, or IF NOT EXISTS"),
        )
        .with("schemaName", quoted(&[name])))
    }

    pub(crate) async fn alter_database(
        &self,
        name: &[String],
        properties: &Options,
        location: Option<&str>,
    ) -> SparkResult<()> {
        let mut database = self.database_of(&self.database_name(name)?).await?;
        set_all(&mut database.properties, properties);
        if let Some(path) = location {
            Folder::at(&self.cluster.storage, path)?.url().clone_into(&mut database.location);
        }
        self.metastore.replace_database(&database).await
    }

    pub(crate) async fn drop_database(&self, name: &[String], if_exists: bool, cascade: bool) -> SparkResult<()> {
        let name = self.database_name(name)?;
        if name == DEFAULT {
            return Err(SparkError::new("UNSUPPORTED_FEATURE.DROP_DATABASE", "the database default can't be dropped")
                .with("database", quoted(&[CATALOG.to_owned(), name])));
        }
        if self.metastore.database(&name).await?.is_none() {
            let missing = no_database(&quoted(&[CATALOG.to_owned(), name]));
            return if if_exists { Ok(()) } else { Err(missing) };
        }
        let tables = self.metastore.tables(&name).await?;
        if !tables.is_empty() && !cascade {
            return Err(SparkError::new(
                "SCHEMA_NOT_EMPTY",
                format!("the database {name} has {} tables and views; drop them, or use CASCADE", tables.len()),
            )
            .with("schemaName", quoted(&[name])));
        }
        for table in &tables {
            self.drop_kept(table).await?;
        }
        self.metastore.drop_database(&name).await?;
        if self.current_database() == name {
            DEFAULT.clone_into(&mut self.database.write());
        }
        Ok(())
    }

    pub(crate) async fn use_database(&self, name: &[String]) -> SparkResult<()> {
        let name = self.database_name(name)?;
        self.database_of(&name).await?;
        *self.database.write() = name;
        Ok(())
    }

    /// `CREATE TABLE`, with the rows of a query if there is one.
    pub(crate) async fn create_table(&self, create: &CreateTable, progress: &ProgressSink) -> SparkResult<()> {
        let id = self.table_id(&create.name)?;
        let database = self.database_of(&id.database).await?;
        if let Some(old) = self.metastore.table(&id.database, &id.name).await? {
            if create.replace {
                return Err(SparkError::new(
                    "UNSUPPORTED_FEATURE.TABLE_OPERATION",
                    format!("a table of files can't be replaced at once: drop {} first", old.name),
                )
                .with("tableName", old.quoted())
                .with("operation", "REPLACE TABLE"));
            }
            return if create.if_not_exists { Ok(()) } else { Err(exists(&id)) };
        }
        let mut table = match &create.like {
            Some(like) => self.table_like(like, &id).await?,
            None => self.new_table(create, &id)?,
        };
        let path = create.location.as_deref().or_else(|| option(&create.options, "path"));
        table.kind = if path.is_some() { TableKind::External } else { TableKind::Managed };
        let location = match path {
            Some(path) => Folder::at(&self.cluster.storage, path)?.url().to_owned(),
            None => format!("{}/{}", database.location, id.name),
        };
        table.location = Some(location.clone());
        if let Some(query) = &create.query {
            let fields = self.resolved(query).await?.schema;
            table.schema = schema_of(&fields, &table.partition_by)?;
            let write = FileWrite {
                replaced_folders: Vec::new(),
                input: query,
                format: &table.format,
                path: &location,
                mode: SaveMode::Overwrite,
                partition_by: &table.partition_by,
                options: &table.options,
            };
            self.refuse_taken(&table).await?;
            self.write_files(&write, progress).await?;
        } else if create.like.is_none() {
            self.describe_new(&mut table, create).await?;
        }
        if self.metastore.create_table(&table).await? || create.if_not_exists { Ok(()) } else { Err(exists(&id)) }
    }

    fn new_table(&self, create: &CreateTable, id: &TableId) -> SparkResult<Table> {
        let default = self.config.value("spark.sql.sources.default").unwrap_or_else(|| "parquet".to_owned());
        let format = create.format.clone().unwrap_or(default).to_lowercase();
        if !is_file_format(&format) {
            return Err(unknown_source(&format));
        }
        let options = create.options.iter().filter(|(key, _)| !key.eq_ignore_ascii_case("path")).cloned().collect();
        Ok(Table {
            database: id.database.clone(),
            name: id.name.clone(),
            kind: TableKind::Managed,
            format,
            schema: String::new(),
            partition_by: create.partition_by.clone(),
            location: None,
            options,
            properties: create.properties.clone(),
            comment: create.comment.clone(),
            created_ms: now_ms(),
            partitions: None,
            view: None,
        })
    }

    async fn table_like(&self, like: &[String], id: &TableId) -> SparkResult<Table> {
        let source = self.table_of(like).await?;
        if source.is_view() {
            return Err(SparkError::unsupported("CREATE TABLE LIKE a view"));
        }
        let named = Table { database: id.database.clone(), name: id.name.clone(), ..source };
        Ok(Table { properties: Vec::new(), created_ms: now_ms(), partitions: None, ..named })
    }

    /// The columns of a table without a query: those that were said, or those of its files.
    async fn describe_new(&self, table: &mut Table, create: &CreateTable) -> SparkResult<()> {
        if !create.columns.is_empty() {
            table.schema = schema_of(&create.columns, &table.partition_by)?;
            let has_files = table.kind == TableKind::External && !table.partition_by.is_empty();
            // Folders that were there before are partitions once they are added or recovered.
            table.partitions = has_files.then(Vec::new);
            return Ok(());
        }
        if table.kind == TableKind::Managed {
            table.schema = schema_of(&[], &[])?;
            return Ok(());
        }
        let asked = firesteel_spec::DataSource {
            format: Some(table.format.clone()),
            options: table.options.clone(),
            paths: table.location.clone().into_iter().collect(),
            ..Default::default()
        };
        let relation = firesteel_spec::RelationKind::DataSource(asked.clone()).into();
        let fields = self.resolved(&relation).await?.schema;
        let listed = self.partition_names(&asked).await?;
        table.partition_by = listed;
        table.schema = schema_of(&fields, &table.partition_by)?;
        Ok(())
    }

    /// A managed table's folder with files in it belongs to something else.
    async fn refuse_taken(&self, table: &Table) -> SparkResult<()> {
        let location = table.location.as_deref().unwrap_or_default();
        let folder = Folder::at(&self.cluster.storage, location)?;
        let is_taken = table.kind == TableKind::Managed
            && !self.cluster.storage.list(location).await.is_ok_and(|objects| objects.is_empty());
        if !is_taken {
            return Ok(());
        }
        Err(SparkError::new(
            "LOCATION_ALREADY_EXISTS",
            format!(
                "the folder {} of the new table {} has files already; move or delete them",
                folder.shown(),
                table.name
            ),
        )
        .with("location", format!("'{}'", folder.shown()))
        .with("identifier", table.quoted()))
    }

    /// `CREATE VIEW` in the catalog.
    pub(crate) async fn create_kept_view(&self, view: &CreateView) -> SparkResult<()> {
        let id = self.table_id(&view.name)?;
        self.database_of(&id.database).await?;
        let Some(text) = view.text.clone() else {
            return Err(SparkError::unsupported("a view in the catalog without the text of its query"));
        };
        let mut columns = self.resolved(&view.query).await?.schema;
        refuse_unnamed(&id, view, &columns)?;
        if !view.columns.is_empty() {
            if view.columns.len() != columns.len() {
                return Err(view_arity(&id, view.columns.len(), columns.len()));
            }
            for (column, (name, comment)) in columns.iter_mut().zip(&view.columns) {
                column.name.clone_from(name);
                if let Some(comment) = comment {
                    column.metadata = Some(serde_json::json!({ "comment": comment }).to_string());
                }
            }
        }
        let table = Table {
            database: id.database.clone(),
            name: id.name.clone(),
            kind: TableKind::View,
            format: String::new(),
            schema: schema_of(&columns, &[])?,
            partition_by: Vec::new(),
            location: None,
            options: Vec::new(),
            properties: view.properties.clone(),
            comment: view.comment.clone(),
            created_ms: now_ms(),
            partitions: None,
            view: Some(ViewText { text, database: self.current_database() }),
        };
        if view.replace {
            if self.find_table(&view.name).await?.is_some_and(|old| !old.is_view()) {
                return Err(not_a_view(&view.name));
            }
            return self.metastore.replace_table(&table).await;
        }
        if self.metastore.create_table(&table).await? || view.if_not_exists { Ok(()) } else { Err(exists(&id)) }
    }

    /// `DROP TABLE` and `DROP VIEW`.
    pub(crate) async fn drop_table(&self, name: &[String], if_exists: bool, view: bool) -> SparkResult<()> {
        if self.drop_temporary(name) {
            return Ok(());
        }
        match self.find_table(name).await? {
            Some(table) if view && !table.is_view() => Err(SparkError::new(
                "WRONG_COMMAND_FOR_OBJECT_TYPE",
                format!("{} is a table; use DROP TABLE", table.quoted()),
            )
            .with("operation", "DROP VIEW")
            .with("requiredType", "VIEW or METRIC_VIEW")
            .with("objectName", table.full_name().join("."))
            .with("foundType", table.kind.name())
            .with("alternative", "DROP TABLE")),
            Some(table) => self.drop_kept(&table).await,
            None if if_exists => Ok(()),
            None => {
                let shown = self.table_id(name).map_or_else(|_| quoted(name), |id| id.quoted());
                Err(not_found(name).with("relationName", shown))
            }
        }
    }

    /// True if a temporary view had the name.
    fn drop_temporary(&self, name: &[String]) -> bool {
        match name {
            [name] => self.views.own.remove(name),
            [database, name] if database.eq_ignore_ascii_case(crate::views::GLOBAL) => self.views.global.remove(name),
            _ => false,
        }
    }

    async fn drop_kept(&self, table: &Table) -> SparkResult<()> {
        self.unpersist_table(&table.full_name()).await;
        self.metastore.drop_table(table).await?;
        if table.kind == TableKind::Managed
            && let Some(location) = &table.location
        {
            self.forget_rows_below(location).await;
            delete_folder(&self.cluster.storage, location).await?;
        }
        Ok(())
    }

    /// `ALTER TABLE` and `ALTER VIEW`.
    pub(crate) async fn alter_table(&self, name: &[String], change: &TableChange) -> SparkResult<()> {
        let mut table = self.table_of(name).await?;
        match change {
            TableChange::Rename(to) => return self.rename_table(table, to).await,
            TableChange::SetProperties(properties) => set_all(&mut table.properties, properties),
            TableChange::UnsetProperties { keys, .. } => table.properties.retain(|(key, _)| !keys.contains(key)),
            TableChange::AddColumns(columns) => {
                let mut fields = table.columns()?;
                let at = fields.len() - table.partition_by.len();
                for column in columns {
                    if fields.iter().any(|field| field.name.eq_ignore_ascii_case(&column.name)) {
                        return Err(SparkError::new(
                            "COLUMN_ALREADY_EXISTS",
                            format!("the table has a column {} already", column.name),
                        )
                        .with("columnName", format!("`{}`", column.name.to_lowercase())));
                    }
                }
                fields.splice(at..at, columns.iter().cloned());
                table.schema = DataType::Struct { fields }.to_json();
            }
            TableChange::AddPartitions { partitions, if_not_exists } => {
                self.add_partitions(&mut table, partitions, *if_not_exists).await?;
            }
            TableChange::DropPartitions { partitions, if_exists } => {
                self.drop_partitions(&mut table, partitions, *if_exists).await?;
            }
            TableChange::RecoverPartitions => table.partitions = None,
            TableChange::SetLocation(path) => {
                table.location = Some(Folder::at(&self.cluster.storage, path)?.url().to_owned());
            }
            TableChange::SetQuery(query, text) => {
                table.schema = schema_of(&self.resolved(query).await?.schema, &[])?;
                table.view = Some(ViewText { text: text.clone(), database: self.current_database() });
            }
            TableChange::DropColumns { .. } | TableChange::RenameColumn { .. } => {
                return Err(SparkError::new(
                    "UNSUPPORTED_FEATURE.TABLE_OPERATION",
                    "a table of files keeps the columns that its files have: write a new table instead",
                )
                .with("tableName", table.quoted())
                .with("operation", "ALTER TABLE ... DROP COLUMN"));
            }
        }
        if let Some(location) = &table.location {
            self.forget_rows_below(location).await;
        }
        self.metastore.replace_table(&table).await
    }

    async fn rename_table(&self, table: Table, to: &[String]) -> SparkResult<()> {
        let id = self.table_id(to)?;
        // A managed table keeps its folder: its files do not move.
        let renamed = Table { database: id.database.clone(), name: id.name.clone(), ..table.clone() };
        if !self.metastore.create_table(&renamed).await? {
            return Err(exists(&id));
        }
        self.unpersist_table(&table.full_name()).await;
        self.metastore.drop_table(&table).await
    }

    async fn add_partitions(
        &self,
        table: &mut Table,
        partitions: &[PartitionLocation],
        if_not_exists: bool,
    ) -> SparkResult<()> {
        let mut known = self.partitions_of(table).await?;
        for (values, location) in partitions {
            if location.is_some() {
                return Err(SparkError::unsupported("a partition in a folder that does not name it"));
            }
            let folder = self.partition_folder(table, values)?;
            if !known.contains(&folder) {
                known.push(folder);
            } else if !if_not_exists {
                return Err(SparkError::new(
                    "PARTITIONS_ALREADY_EXIST",
                    format!("the table {} has the partition {folder} already", table.name),
                )
                .with("partitionList", folder)
                .with("tableName", table.quoted()));
            }
        }
        table.partitions = Some(known);
        Ok(())
    }

    async fn drop_partitions(
        &self,
        table: &mut Table,
        partitions: &[Vec<(String, firesteel_spec::Expr)>],
        if_exists: bool,
    ) -> SparkResult<()> {
        let known = self.partitions_of(table).await?;
        let mut dropped = Vec::new();
        for values in partitions {
            let parts = self.partition_parts(table, values)?;
            let chosen =
                known.iter().filter(|folder| parts.iter().all(|part| folder.split('/').any(|own| own == part)));
            let chosen: Vec<String> = chosen.cloned().collect();
            if chosen.is_empty() && !if_exists {
                return Err(SparkError::new(
                    "PARTITIONS_NOT_FOUND",
                    format!("the table {} has no partition {}", table.name, parts.join("/")),
                )
                .with("partitionList", parts.join("/"))
                .with("tableName", table.quoted()));
            }
            dropped.extend(chosen);
        }
        if table.kind == TableKind::Managed
            && let Some(location) = &table.location
        {
            for folder in &dropped {
                delete_folder(&self.cluster.storage, &format!("{location}/{folder}")).await?;
            }
        }
        if table.partitions.is_some() || table.kind == TableKind::External {
            table.partitions = Some(known.into_iter().filter(|folder| !dropped.contains(folder)).collect());
        }
        Ok(())
    }

    /// `TRUNCATE TABLE`
    pub(crate) async fn truncate(
        &self,
        name: &[String],
        partition: &[(String, Option<firesteel_spec::Expr>)],
    ) -> SparkResult<()> {
        let table = self.table_of(name).await?;
        if table.kind != TableKind::Managed {
            return Err(SparkError::new(
                "_LEGACY_ERROR_TEMP_1266",
                format!("Operation not allowed: TRUNCATE TABLE on external tables: {}", table.quoted()),
            )
            .with("tableIdentWithDB", table.quoted()));
        }
        let location = table.location.clone().unwrap_or_default();
        let values: Vec<_> =
            partition.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?))).collect();
        let folders = if values.is_empty() {
            vec![location.clone()]
        } else {
            let parts = self.partition_parts(&table, &values)?;
            let all = self.partitions_of(&table).await?;
            let chosen = all.iter().filter(|folder| parts.iter().all(|part| folder.split('/').any(|own| own == part)));
            chosen.map(|folder| format!("{location}/{folder}")).collect()
        };
        for folder in folders {
            delete_folder(&self.cluster.storage, &folder).await?;
        }
        self.forget_rows_below(&location).await;
        Ok(())
    }
}

async fn delete_folder(storage: &firesteel_storage::Storage, url: &str) -> SparkResult<()> {
    storage.delete_prefix(url).await.map(|_| ()).map_err(|error| crate::error::from_storage(&error))
}

/// Columns as JSON, those of folders last; a name of a folder must be a column's.
pub(crate) fn schema_of(columns: &[StructField], partition_by: &[String]) -> SparkResult<String> {
    let is_partition = |field: &&StructField| partition_by.iter().any(|name| name.eq_ignore_ascii_case(&field.name));
    let mut fields: Vec<StructField> = columns.iter().filter(|field| !is_partition(field)).cloned().collect();
    for name in partition_by {
        let column = columns.iter().find(|field| field.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
            let known = columns.iter().map(|field| field.name.clone()).collect::<Vec<_>>().join(", ");
            SparkError::new("COLUMN_NOT_DEFINED_IN_TABLE", format!("the partition column {name} is none of {known}"))
                .with("colType", "partition")
                .with("colName", format!("`{name}`"))
                .with("tableCols", known)
        })?;
        fields.push(column.clone());
    }
    for (index, field) in fields.iter().enumerate() {
        if fields[..index].iter().any(|earlier| earlier.name.eq_ignore_ascii_case(&field.name)) {
            return Err(SparkError::new("COLUMN_ALREADY_EXISTS", format!("the column {} is there twice", field.name))
                .with("columnName", format!("`{}`", field.name.to_lowercase())));
        }
    }
    // A table's columns may be null, whatever the query says of its own.
    let fields = fields.into_iter().map(|field| StructField { nullable: true, ..field }).collect();
    Ok(DataType::Struct { fields }.to_json())
}

fn set_all(properties: &mut Options, new: &Options) {
    for (key, value) in new {
        properties.retain(|(known, _)| known != key);
        properties.push((key.clone(), value.clone()));
    }
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

pub(crate) fn exists(id: &TableId) -> SparkError {
    SparkError::new(
        "TABLE_OR_VIEW_ALREADY_EXISTS",
        format!("there is a table or view {} already; drop it, or take another name", id.quoted()),
    )
    .with("relationName", id.quoted())
}

fn not_a_view(name: &Name) -> SparkError {
    SparkError::new("EXPECT_VIEW_NOT_TABLE.NO_ALTERNATIVE", format!("{} is a table", quoted(name)))
        .with("tableName", quoted(name))
        .with("operation", "CREATE OR REPLACE VIEW")
}

/// A name that was made for an expression may be another one in a later version.
fn refuse_unnamed(id: &TableId, view: &CreateView, columns: &[StructField]) -> SparkResult<()> {
    let RelationKind::Project { expressions, .. } = &view.query.kind else { return Ok(()) };
    for (index, expr) in expressions.iter().enumerate() {
        let is_named = matches!(
            expr.unlocated(),
            Expr::Alias { .. } | Expr::Attribute { .. } | Expr::Literal(_) | Expr::Star { .. } | Expr::Regex { .. }
        );
        if is_named || expressions.len() != columns.len() {
            continue;
        }
        let name = format!("\"{}\"", columns[index].name);
        return Err(SparkError::new(
            "CREATE_PERMANENT_VIEW_WITHOUT_ALIAS",
            format!("the column {name} of a view in the catalog needs a name: {name} AS …"),
        )
        .with("name", id.quoted())
        .with("attr", name));
    }
    Ok(())
}

fn view_arity(id: &TableId, names: usize, columns: usize) -> SparkError {
    let which = if names > columns { "NOT_ENOUGH_DATA_COLUMNS" } else { "TOO_MANY_DATA_COLUMNS" };
    SparkError::new(
        format!("CREATE_VIEW_COLUMN_ARITY_MISMATCH.{which}"),
        format!("the view has {names} names for {columns} columns"),
    )
    .with("viewName", id.quoted())
}
