//! Rows into tables: `INSERT`, `insertInto` and `saveAsTable`.

use firesteel_connect::engine::ProgressSink;
use firesteel_spec::{
    CreateTable, DataType, Expr, Literal, Options, Relation, RelationKind, SaveMode, SparkError, SparkResult,
    StructField, Write, WriteV2, WriteV2Mode,
};

use super::define::exists;
use super::metastore::{Table, TableKind};
use super::names::not_found;
use crate::session::SparkSession;
use crate::write::{FileWrite, option};

/// Rows for a table.
pub(crate) struct Insertion<'a> {
    pub table: &'a [String],
    pub input: &'a Relation,
    pub overwrites: bool,
    /// The columns that the rows are for; all of them, in order, if empty.
    pub columns: &'a [String],
    pub partition: &'a [(String, Option<Expr>)],
    pub by_name: bool,
    pub options: &'a Options,
}

impl SparkSession {
    /// `INSERT INTO` and `INSERT OVERWRITE`
    pub(crate) async fn insert(&self, insertion: &Insertion<'_>, progress: &ProgressSink) -> SparkResult<()> {
        if let [name] = insertion.table
            && self.views.own.find(name).is_some()
        {
            return Err(SparkError::new(
                "UNSUPPORTED_INSERT.RDD_BASED",
                format!("{name} is a view: rows go into tables"),
            ));
        }
        let table = self.table_of(insertion.table).await?;
        if table.is_view() {
            return Err(SparkError::new(
                "EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE",
                format!("{} is a view: rows go into tables", table.quoted()),
            )
            .with("viewName", table.quoted())
            .with("operation", "INSERT"));
        }
        let fields = table.columns()?;
        let constants: Vec<(&String, &Expr)> =
            insertion.partition.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))).collect();
        for (name, _) in insertion.partition {
            if !table.partition_by.iter().any(|column| column.eq_ignore_ascii_case(name)) {
                return Err(SparkError::new(
                    "NON_PARTITION_COLUMN",
                    format!("PARTITION names {name}, which is no partition column of {}", table.quoted()),
                )
                .with("columnName", format!("`{name}`")));
            }
        }
        let rows = self.resolved(insertion.input).await?.schema;
        let expressions = assigned(&table, &fields, &constants, insertion, &rows)?;
        // Two columns of the rows may have one name, and are told apart by position.
        let names = (0..rows.len()).map(position).collect();
        let renamed = RelationKind::ToDf { input: Box::new(insertion.input.clone()), names };
        let input = RelationKind::Project { input: Box::new(renamed.into()), expressions }.into();
        self.append(&table, &input, insertion, progress).await
    }

    /// Writes rows that have the table's columns.
    async fn append(
        &self,
        table: &Table,
        input: &Relation,
        insertion: &Insertion<'_>,
        progress: &ProgressSink,
    ) -> SparkResult<()> {
        let location = table.location.clone().unwrap_or_default();
        let mut options = table.options.clone();
        options.extend(insertion.options.iter().cloned());
        let constants: Vec<(String, Expr)> =
            insertion.partition.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?))).collect();
        let is_dynamic = option(&options, "partitionOverwriteMode")
            .map(str::to_owned)
            .or_else(|| self.config.value("spark.sql.sources.partitionOverwriteMode"));
        let is_dynamic = is_dynamic.is_some_and(|mode| mode.eq_ignore_ascii_case("dynamic"));
        let mut replaced = Vec::new();
        if insertion.overwrites && !constants.is_empty() && !is_dynamic {
            // Only the partitions with these values are replaced.
            let parts = self.partition_parts(table, &constants)?;
            let all = self.partitions_of(table).await?;
            replaced.extend(
                all.into_iter().filter(|folder| parts.iter().all(|part| folder.split('/').any(|own| own == part))),
            );
        }
        let keeps_others = !constants.is_empty() && !is_dynamic;
        let write = FileWrite {
            input,
            format: &table.format,
            path: &location,
            mode: if insertion.overwrites && !keeps_others { SaveMode::Overwrite } else { SaveMode::Append },
            replaced_folders: replaced,
            partition_by: &table.partition_by,
            options: &options,
        };
        self.write_files(&write, progress).await?;
        self.register_partitions(table).await
    }

    /// A table that knows its partitions by name learns those that were written.
    async fn register_partitions(&self, table: &Table) -> SparkResult<()> {
        if table.partitions.is_none() {
            return Ok(());
        }
        let all = self.partitions_of(&Table { partitions: None, ..table.clone() }).await?;
        self.metastore.replace_table(&Table { partitions: Some(all), ..table.clone() }).await
    }

    /// `saveAsTable`
    pub(crate) async fn save_as_table(
        &self,
        name: &[String],
        write: &Write,
        progress: &ProgressSink,
    ) -> SparkResult<()> {
        let id = self.table_id(name)?;
        let old = self.metastore.table(&id.database, &id.name).await?;
        match (old, write.mode) {
            (Some(_), SaveMode::ErrorIfExists) => Err(exists(&id)),
            (Some(_), SaveMode::Ignore) => Ok(()),
            (Some(table), SaveMode::Append) => self.append_by_name(&table, write, progress).await,
            (Some(table), SaveMode::Overwrite) => self.replace_rows(&table, name, write, progress).await,
            (None, _) => self.create_table(&created(name, write), progress).await,
        }
    }

    async fn append_by_name(&self, table: &Table, write: &Write, progress: &ProgressSink) -> SparkResult<()> {
        let insertion = Insertion {
            table: &table.full_name(),
            input: &write.input,
            overwrites: false,
            columns: &[],
            partition: &[],
            by_name: true,
            options: &write.options,
        };
        self.insert(&insertion, progress).await
    }

    /// The new rows are written beside the old ones, and the table then names the new folder's rows alone.
    async fn replace_rows(
        &self,
        table: &Table,
        name: &[String],
        write: &Write,
        progress: &ProgressSink,
    ) -> SparkResult<()> {
        let reads_itself = self.reads_table(&write.input, table).await;
        if reads_itself {
            return Err(SparkError::new(
                "UNSUPPORTED_OVERWRITE.TABLE",
                format!("the rows that are to replace {} are read from it; write them to another table", table.name),
            )
            .with("table", table.quoted()));
        }
        let create = created(name, write);
        let path = create.location.clone().or_else(|| option(&create.options, "path").map(str::to_owned));
        let location = path.map_or_else(
            || Ok(table.location.clone().unwrap_or_default()),
            |path| crate::folder::Folder::at(&self.cluster.storage, &path).map(|folder| folder.url().to_owned()),
        )?;
        let default = self.config.value("spark.sql.sources.default").unwrap_or_else(|| "parquet".to_owned());
        let format = write.format.clone().unwrap_or(default).to_lowercase();
        let fields = self.resolved(&write.input).await?.schema;
        let replaced = Table {
            schema: super::define::schema_of(&fields, &write.partition_by)?,
            partition_by: write.partition_by.clone(),
            format: format.clone(),
            location: Some(location.clone()),
            options: create.options.clone(),
            partitions: None,
            view: None,
            kind: if table.kind == TableKind::View { TableKind::Managed } else { table.kind },
            ..table.clone()
        };
        let files = FileWrite {
            input: &write.input,
            format: &format,
            path: &location,
            mode: SaveMode::Overwrite,
            replaced_folders: Vec::new(),
            partition_by: &write.partition_by,
            options: &write.options,
        };
        self.write_files(&files, progress).await?;
        self.metastore.replace_table(&replaced).await
    }

    async fn reads_table(&self, input: &Relation, table: &Table) -> bool {
        let mut reads = false;
        let full = table.full_name();
        input.walk(&mut |relation| {
            if let RelationKind::Table { name, .. } = &relation.kind {
                reads |= self.cache_name(name) == full;
            }
        });
        reads
    }

    /// `df.writeTo(…)`: what tables of files allow.
    pub(crate) async fn write_v2(&self, write: &WriteV2, progress: &ProgressSink) -> SparkResult<()> {
        let id = self.table_id(&write.table)?;
        let old = self.metastore.table(&id.database, &id.name).await?;
        let partition_by = write.partition_by.iter().map(|expr| match expr.unlocated() {
            Expr::Attribute { name, .. } => Ok(name.join(".")),
            _ => Err(SparkError::unsupported("a table partitioned by an expression")),
        });
        let partition_by = partition_by.collect::<SparkResult<Vec<String>>>()?;
        let insertion = |overwrites| Insertion {
            table: &write.table,
            input: &write.input,
            overwrites,
            columns: &[],
            partition: &[],
            by_name: true,
            options: &write.options,
        };
        match &write.mode {
            WriteV2Mode::Create => {
                let create = CreateTable {
                    name: write.table.clone(),
                    format: write.format.clone(),
                    partition_by,
                    options: write.options.clone(),
                    properties: write.properties.clone(),
                    query: Some(write.input.clone()),
                    ..CreateTable::default()
                };
                self.create_table(&create, progress).await
            }
            _ if old.is_none() => Err(not_found(&write.table)),
            WriteV2Mode::Append => self.insert(&insertion(false), progress).await,
            WriteV2Mode::OverwritePartitions => {
                let options = vec![("partitionOverwriteMode".to_owned(), "dynamic".to_owned())];
                self.insert(&Insertion { options: &options, ..insertion(true) }, progress).await
            }
            WriteV2Mode::Overwrite { condition }
                if condition
                    .as_ref()
                    .is_none_or(|condition| matches!(condition.unlocated(), Expr::Literal(Literal::Boolean(true)))) =>
            {
                self.insert(&insertion(true), progress).await
            }
            WriteV2Mode::Overwrite { .. } => Err(SparkError::unsupported("overwriting the rows of a condition")),
            WriteV2Mode::Replace | WriteV2Mode::CreateOrReplace => Err(SparkError::new(
                "UNSUPPORTED_FEATURE.TABLE_OPERATION",
                "a table of files can't be replaced at once; use saveAsTable with mode(\"overwrite\")",
            )
            .with("tableName", id.quoted())
            .with("operation", "REPLACE TABLE")),
        }
    }
}

fn created(name: &[String], write: &Write) -> CreateTable {
    CreateTable {
        name: name.to_vec(),
        format: write.format.clone(),
        partition_by: write.partition_by.clone(),
        options: write.options.clone(),
        query: Some(write.input.clone()),
        ..CreateTable::default()
    }
}

fn position(index: usize) -> String {
    format!("firesteel column {index}")
}

/// The table's columns over those of the rows.
fn assigned(
    table: &Table,
    fields: &[StructField],
    constants: &[(&String, &Expr)],
    insertion: &Insertion<'_>,
    rows: &[StructField],
) -> SparkResult<Vec<Expr>> {
    let constant = |field: &StructField| {
        constants.iter().find(|(name, _)| name.eq_ignore_ascii_case(&field.name)).map(|(_, value)| (*value).clone())
    };
    let listed: Vec<&StructField> = if insertion.columns.is_empty() {
        fields.iter().filter(|field| constant(field).is_none()).collect()
    } else {
        let find = |name: &String| fields.iter().find(|field| field.name.eq_ignore_ascii_case(name));
        insertion
            .columns
            .iter()
            .map(|name| find(name).ok_or_else(|| no_column(table, fields, name)))
            .collect::<SparkResult<_>>()?
    };
    if insertion.by_name {
        check_names(table, &listed, rows)?;
    } else if rows.len() != listed.len() {
        return Err(arity(table, &listed, rows));
    }
    let mut expressions = Vec::with_capacity(fields.len());
    for field in fields {
        if let Some(value) = constant(field) {
            expressions.push(value.cast(field.data_type.clone()).alias(&field.name));
            continue;
        }
        let index = if insertion.by_name {
            rows.iter().position(|row| row.name.eq_ignore_ascii_case(&field.name))
        } else {
            listed.iter().position(|listed| listed.name == field.name)
        };
        let value = match index {
            // A column that is not listed has no value.
            None => Expr::from(Literal::Null(field.data_type.clone())),
            Some(index) => {
                let from = &rows[index].data_type;
                if !can_store(from, &field.data_type) {
                    return Err(unsafe_cast(table, field, from));
                }
                let value = Expr::attribute(position(index));
                if *from == field.data_type { value } else { value.cast(field.data_type.clone()) }
            }
        };
        expressions.push(value.alias(&field.name));
    }
    Ok(expressions)
}

/// Spark's store assignment (ANSI): no value changes what it is on its way into a column.
fn can_store(from: &DataType, to: &DataType) -> bool {
    use DataType as T;
    match (from, to) {
        _ if from == to => true,
        (T::Null, _) => true,
        (T::Array { element: from, .. }, T::Array { element: to, .. }) => can_store(from, to),
        (T::Map { key, value, .. }, T::Map { key: to_key, value: to_value, .. }) => {
            can_store(key, to_key) && can_store(value, to_value)
        }
        (T::Struct { fields: from }, T::Struct { fields: to }) => {
            from.len() == to.len() && from.iter().zip(to).all(|(from, to)| can_store(&from.data_type, &to.data_type))
        }
        (T::Array { .. } | T::Map { .. } | T::Struct { .. } | T::Variant, _) => false,
        (_, T::Array { .. } | T::Map { .. } | T::Struct { .. } | T::Variant) => false,
        (from, to) if from.is_numeric() && to.is_numeric() => true,
        (_, to) if to.is_string() => true,
        (T::Date, T::Timestamp | T::TimestampNtz)
        | (T::Timestamp | T::TimestampNtz, T::Date)
        | (T::Timestamp, T::TimestampNtz)
        | (T::TimestampNtz, T::Timestamp) => true,
        (T::YearMonthInterval { .. }, T::YearMonthInterval { .. })
        | (T::DayTimeInterval { .. }, T::DayTimeInterval { .. }) => true,
        _ => false,
    }
}

fn unsafe_cast(table: &Table, field: &StructField, from: &DataType) -> SparkError {
    SparkError::new(
        "INCOMPATIBLE_DATA_FOR_TABLE.CANNOT_SAFELY_CAST",
        format!(
            "Cannot write incompatible data for the table {}: the column {} is {}, and the rows have {from}; cast them",
            table.quoted(),
            field.name,
            field.data_type
        ),
    )
    .with("tableName", table.quoted())
    .with("colName", format!("`{}`", field.name))
    .with("srcType", format!("\"{}\"", from.sql()))
    .with("targetType", format!("\"{}\"", field.data_type.sql()))
}

fn names_of<'a>(fields: impl Iterator<Item = &'a StructField>) -> String {
    fields.map(|field| format!("`{}`", field.name)).collect::<Vec<_>>().join(", ")
}

fn arity(table: &Table, listed: &[&StructField], rows: &[StructField]) -> SparkError {
    let which = if rows.len() > listed.len() { "TOO_MANY_DATA_COLUMNS" } else { "NOT_ENOUGH_DATA_COLUMNS" };
    SparkError::new(
        format!("INSERT_COLUMN_ARITY_MISMATCH.{which}"),
        format!("{} columns of {} are to be filled, and the rows have {}", listed.len(), table.quoted(), rows.len()),
    )
    .with("tableName", table.quoted())
    .with("tableColumns", names_of(listed.iter().copied()))
    .with("dataColumns", names_of(rows.iter()))
}

/// By name all columns of the rows must be the table's; a column of the table that they lack has no value.
fn check_names(table: &Table, listed: &[&StructField], rows: &[StructField]) -> SparkResult<()> {
    if rows.len() > listed.len() {
        return Err(arity(table, listed, rows));
    }
    let is_known = |row: &StructField| listed.iter().any(|field| field.name.eq_ignore_ascii_case(&row.name));
    let Some(extra) = rows.iter().find(|row| !is_known(row)) else { return Ok(()) };
    Err(SparkError::new(
        "INCOMPATIBLE_DATA_FOR_TABLE.EXTRA_COLUMNS",
        format!("the rows have a column {}, which the table {} has not", extra.name, table.quoted()),
    )
    .with("tableName", table.quoted())
    .with("extraColumns", format!("`{}`", extra.name)))
}

fn no_column(table: &Table, fields: &[StructField], name: &str) -> SparkError {
    let known = names_of(fields.iter());
    SparkError::new(
        "UNRESOLVED_COLUMN.WITH_SUGGESTION",
        format!("the table {} has no column {name}; it has {known}", table.quoted()),
    )
    .with("objectName", format!("`{name}`"))
    .with("proposal", known)
}
