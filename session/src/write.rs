//! Writing: the rows of a query to files in a folder, by a job, and then the commit.

use firesteel_connect::engine::ProgressSink;
use firesteel_coordinator::{EmptyFile, StoredSchema, TableOutput};
use firesteel_formats::{Codec, FileFormat, ParquetCodec, Replaces, SinkSpec, TableFolder};
use firesteel_functions::row_options;
use firesteel_planner::ResolvedQuery;
use firesteel_spec::{
    DataType, Expr, Literal, Options, Relation, RelationKind, SaveMode, SparkError, SparkResult, StructField, Write,
    WriteTarget,
};
use uuid::Uuid;

use crate::catalog::Insertion;
use crate::error::from_plan;
use crate::folder::Folder;
use crate::query::Rows;
use crate::session::SparkSession;

/// Rows, where they go, and how.
pub(crate) struct FileWrite<'a> {
    pub input: &'a Relation,
    pub format: &'a str,
    /// A path or a URL of a folder.
    pub path: &'a str,
    pub mode: SaveMode,
    /// Folders whose files an append replaces.
    pub replaced_folders: Vec<String>,
    pub partition_by: &'a [String],
    pub options: &'a Options,
}

/// Where rows become files.
pub(crate) struct Target {
    pub table_url: String,
    pub replaces: Replaces,
    /// All rows go through one sink.
    pub in_one: bool,
}

impl SparkSession {
    pub(crate) async fn write(&self, write: &Write, progress: &ProgressSink) -> SparkResult<Rows> {
        if let WriteTarget::Table(name) = &write.target {
            // Buckets and their order are hints to later joins, which have no use for them here; the rows are the same.
            self.save_as_table(name, write, progress).await?;
            return Ok(Rows::none());
        }
        if write.bucket_by.is_some() || !write.sort_by.is_empty() {
            return Err(SparkError::new(
                "_LEGACY_ERROR_TEMP_1312",
                "'save' does not support bucketBy and sortBy right now.",
            )
            .with("operation", "save"));
        }
        let path = match &write.target {
            WriteTarget::Path(path) => path.clone(),
            WriteTarget::None => match option(&write.options, "path") {
                Some(path) => path.to_owned(),
                None => return self.discard(write, progress).await,
            },
            WriteTarget::Table(_) => return Err(SparkError::internal("a table is written above")),
            WriteTarget::Insert(name) => {
                let insertion = Insertion {
                    table: name,
                    input: &write.input,
                    overwrites: write.mode == SaveMode::Overwrite,
                    columns: &[],
                    partition: &[],
                    by_name: false,
                    options: &write.options,
                };
                self.insert(&insertion, progress).await?;
                return Ok(Rows::none());
            }
        };
        let default = self.config.value("spark.sql.sources.default").unwrap_or_else(|| "parquet".to_owned());
        let format = write.format.clone().unwrap_or(default).to_lowercase();
        let files = FileWrite {
            input: &write.input,
            format: &format,
            path: &path,
            mode: write.mode,
            replaced_folders: Vec::new(),
            partition_by: &write.partition_by,
            options: &write.options,
        };
        self.write_files(&files, progress).await?;
        Ok(Rows::none())
    }

    /// `INSERT OVERWRITE DIRECTORY`
    pub(crate) async fn write_directory(
        &self,
        path: &str,
        format: Option<&str>,
        options: &Options,
        input: &Relation,
        progress: &ProgressSink,
    ) -> SparkResult<Rows> {
        let format = format.unwrap_or("parquet").to_lowercase();
        let mode = SaveMode::Overwrite;
        let replaced_folders = Vec::new();
        let files = FileWrite { input, format: &format, path, mode, replaced_folders, partition_by: &[], options };
        self.write_files(&files, progress).await?;
        Ok(Rows::none())
    }

    /// `format("noop")`: the rows are computed, and that is all.
    async fn discard(&self, write: &Write, progress: &ProgressSink) -> SparkResult<Rows> {
        match write.format.as_deref().map(str::to_lowercase).as_deref() {
            Some("noop") => {
                self.rows(&write.input, progress).await?.collect().await?;
                Ok(Rows::none())
            }
            Some(other) if !is_file_format(other) => Err(unknown_source(other)),
            _ => Err(SparkError::new("_LEGACY_ERROR_TEMP_2081", "a path to write to is missing: save(path)")),
        }
    }

    /// Writes and commits.
    pub(crate) async fn write_files(&self, write: &FileWrite<'_>, progress: &ProgressSink) -> SparkResult<()> {
        if !is_file_format(write.format) {
            return Err(unknown_source(write.format));
        }
        let folder = Folder::at(&self.cluster.storage, write.path)?;
        match write.mode {
            SaveMode::ErrorIfExists if folder.exists().await? => {
                return Err(SparkError::new(
                    "PATH_ALREADY_EXISTS",
                    format!("the path {} exists already; choose another, or mode(\"overwrite\")", folder.shown()),
                )
                .with("outputPath", folder.shown()));
            }
            SaveMode::Ignore if folder.exists().await? => return Ok(()),
            _ => {}
        }
        let schema = self.resolved(write.input).await?.schema;
        let columns = split_columns(&schema, write.partition_by)?;
        let staging = format!("{}/_temporary/{}", folder.url(), Uuid::now_v7());
        let sink = SinkSpec {
            folder: staging.clone(),
            format: file_format(write, &columns)?,
            columns: sink_columns(write.format, &columns),
            partition_columns: columns.partitions.len(),
            records_per_file_max: option(write.options, "maxRecordsPerFile").and_then(|text| text.parse().ok()),
        };
        let rows = self.resolved(&rows_to_write(write, &columns)).await?;
        let target = Target {
            table_url: folder.url().to_owned(),
            replaces: self.replaces(write),
            in_one: asks_for_one_file(write.input),
        };
        let written = self.run_write(rows, sink, target, progress).await;
        if written.is_err() {
            TableFolder::new(self.cluster.storage.clone(), folder.url()).clean(&staging).await;
        }
        self.forget_rows_below(folder.url()).await;
        written
    }

    fn replaces(&self, write: &FileWrite<'_>) -> Replaces {
        match write.mode {
            SaveMode::Overwrite if self.overwrites_dynamically(write) => Replaces::ItsFolders,
            SaveMode::Overwrite => Replaces::All,
            _ if write.replaced_folders.is_empty() => Replaces::Nothing,
            _ => Replaces::Folders(write.replaced_folders.clone()),
        }
    }

    /// Writes rows to files of a table, all of which are visible when this returns, and none if it fails.
    pub(crate) async fn run_write(
        &self,
        rows: ResolvedQuery,
        sink: SinkSpec,
        target: Target,
        progress: &ProgressSink,
    ) -> SparkResult<()> {
        let stored = StoredSchema::of(rows.plan.schema().as_arrow());
        let schema = stored.map_err(|error| SparkError::internal(error.to_string()))?;
        let planned = self.planner.plan_write(rows, sink.clone(), target.in_one).await.map_err(from_plan)?;
        // A file without rows keeps the schema.
        let empty = (sink.partition_columns == 0).then(|| EmptyFile { sink: sink.clone(), schema });
        let output =
            TableOutput { table_url: target.table_url, staging_url: sink.folder, replaces: target.replaces, empty };
        let (_, job) = self.cluster.run_to(&planned, Some(output), progress).await?;
        job.trim().await;
        Ok(())
    }

    fn overwrites_dynamically(&self, write: &FileWrite<'_>) -> bool {
        let mode = option(write.options, "partitionOverwriteMode")
            .map(str::to_owned)
            .or_else(|| self.config.value("spark.sql.sources.partitionOverwriteMode"));
        !write.partition_by.is_empty() && mode.is_some_and(|mode| mode.eq_ignore_ascii_case("dynamic"))
    }
}

/// `coalesce(1)` and `repartition(1)`: one file, or one for each folder. Other numbers of files are the planner's choice.
fn asks_for_one_file(relation: &Relation) -> bool {
    use RelationKind as R;
    match &relation.kind {
        R::Repartition { partitions, .. } => *partitions == 1,
        R::RepartitionByExpression { partitions, .. } => *partitions == Some(1),
        R::Project { input, .. }
        | R::WithColumns { input, .. }
        | R::Drop { input, .. }
        | R::RenameColumns { input, .. }
        | R::ToDf { input, .. }
        | R::SubqueryAlias { input, .. }
        | R::Filter { input, .. } => asks_for_one_file(input),
        _ => false,
    }
}

/// Formats of files that can be written.
pub(crate) fn is_file_format(format: &str) -> bool {
    matches!(format, "parquet" | "csv" | "json" | "text")
}

pub(crate) fn unknown_source(format: &str) -> SparkError {
    match format {
        "orc" | "xml" | "avro" | "jdbc" | "delta" | "binaryfile" => {
            SparkError::unsupported(format!("the format {format}"))
        }
        _ => SparkError::new(
            "DATA_SOURCE_NOT_FOUND",
            format!("there is no data source {format}; parquet, csv, json and text are there"),
        )
        .with("provider", format),
    }
}

/// An option by its name in any case.
pub(crate) fn option<'a>(options: &'a Options, name: &str) -> Option<&'a str> {
    options.iter().rfind(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

struct Columns<'a> {
    data: Vec<&'a StructField>,
    partitions: Vec<&'a StructField>,
}

fn split_columns<'a>(schema: &'a [StructField], partition_by: &[String]) -> SparkResult<Columns<'a>> {
    for (index, field) in schema.iter().enumerate() {
        if schema[..index].iter().any(|earlier| earlier.name.eq_ignore_ascii_case(&field.name)) {
            let name = format!("`{}`", field.name.to_lowercase());
            return Err(SparkError::new(
                "COLUMN_ALREADY_EXISTS",
                format!("the column {name} is there twice; rename one of them before writing"),
            )
            .with("columnName", name));
        }
    }
    let mut partitions = Vec::new();
    for name in partition_by {
        let found = schema.iter().find(|field| field.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
            let schema = DataType::Struct { fields: schema.to_vec() };
            SparkError::new(
                "_LEGACY_ERROR_TEMP_1155",
                format!("Partition column `{name}` not found in schema {schema}."),
            )
            .with("col", name)
            .with("schemaCatalog", schema.to_string())
        })?;
        partitions.push(found);
    }
    let data: Vec<_> = schema.iter().filter(|field| !partitions.iter().any(|by| by.name == field.name)).collect();
    if data.is_empty() && !partitions.is_empty() {
        return Err(SparkError::new(
            "ALL_PARTITION_COLUMNS_NOT_ALLOWED",
            "a file needs a column besides those that name its folders",
        ));
    }
    Ok(Columns { data, partitions })
}

fn file_format(write: &FileWrite<'_>, columns: &Columns<'_>) -> SparkResult<FileFormat> {
    let compression = option(write.options, "compression").or_else(|| option(write.options, "codec"));
    let unknown = |name: String| {
        SparkError::new("CODEC_NOT_AVAILABLE", format!("the codec {name} is not available here"))
            .with("codecName", name)
    };
    if write.format == "parquet" {
        for field in &columns.data {
            refuse_for_parquet(field)?;
        }
        if columns.data.is_empty() {
            return Err(SparkError::new(
                "EMPTY_SCHEMA_NOT_SUPPORTED_FOR_DATASOURCE",
                "a Parquet file needs a column at least",
            )
            .with("format", "Parquet"));
        }
        let fields = columns.data.iter().map(|field| (*field).clone()).collect();
        return Ok(FileFormat::Parquet {
            codec: compression.map_or(Ok(ParquetCodec::Snappy), ParquetCodec::named).map_err(unknown)?,
            spark_schema: DataType::Struct { fields }.to_json(),
        });
    }
    if write.format == "text" {
        if let Some(other) = columns.data.iter().find(|field| !field.data_type.is_string()) {
            return Err(unsupported_type("Text", other));
        }
        if columns.data.len() != 1 {
            let count = columns.data.len();
            return Err(SparkError::new(
                "_LEGACY_ERROR_TEMP_1290",
                format!("text files have a single column, and these rows have {count}"),
            )
            .with("schemaSize", count.to_string()));
        }
    }
    if write.format == "csv"
        && let Some(field) =
            columns.data.iter().find(|field| is_nested(&field.data_type) || field.data_type == DataType::Null)
    {
        return Err(unsupported_type("CSV", field));
    }
    let has_header = write.format == "csv"
        && option(write.options, "header").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let extension = if write.format == "text" { "txt" } else { write.format };
    Ok(FileFormat::Text {
        codec: compression.map_or(Ok(None), Codec::named).map_err(unknown)?,
        line_separator: option(write.options, "lineSep").unwrap_or("\n").to_owned(),
        header: has_header.then(|| header(write.options, columns)),
        extension: format!(".{extension}"),
    })
}

/// The names of columns, quoted as values are where they have a separator or a quote.
fn header(options: &Options, columns: &Columns<'_>) -> String {
    let separator = option(options, "sep").or_else(|| option(options, "delimiter")).unwrap_or(",");
    let quote = option(options, "quote").and_then(|text| text.chars().next()).unwrap_or('"');
    let escape = option(options, "escape").and_then(|text| text.chars().next()).unwrap_or('\\');
    let all = option(options, "quoteAll").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let names = columns.data.iter().map(|field| {
        let name = &field.name;
        if !all && !name.contains([quote, '\n', '\r']) && !name.contains(separator) {
            return name.clone();
        }
        format!("{quote}{}{quote}", name.replace(quote, &format!("{escape}{quote}")))
    });
    names.collect::<Vec<_>>().join(separator)
}

fn refuse_for_parquet(field: &StructField) -> SparkResult<()> {
    if parquet_holds(&field.data_type) { Ok(()) } else { Err(unsupported_type("Parquet", field)) }
}

/// Can a Parquet file of Spark's hold it?
pub(crate) fn parquet_holds(data_type: &DataType) -> bool {
    let mut holds = true;
    walk_types(data_type, &mut |part| {
        holds &= !matches!(part, DataType::CalendarInterval | DataType::YearMonthInterval { .. } | DataType::Variant);
    });
    holds
}

fn walk_types(data_type: &DataType, visit: &mut impl FnMut(&DataType)) {
    visit(data_type);
    match data_type {
        DataType::Array { element, .. } => walk_types(element, visit),
        DataType::Map { key, value, .. } => {
            walk_types(key, visit);
            walk_types(value, visit);
        }
        DataType::Struct { fields } => fields.iter().for_each(|field| walk_types(&field.data_type, visit)),
        _ => {}
    }
}

fn is_nested(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Array { .. }
            | DataType::Map { .. }
            | DataType::Struct { .. }
            | DataType::Binary
            | DataType::CalendarInterval
            | DataType::Variant
    )
}

fn unsupported_type(format: &str, field: &StructField) -> SparkError {
    let data_type = field.data_type.sql();
    SparkError::new(
        "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE",
        format!("{format} files can't hold the column {} of type {data_type}; cast it, or drop it", field.name),
    )
    .with("format", format)
    .with("columnName", format!("`{}`", field.name))
    .with("columnType", format!("\"{data_type}\""))
}

/// Names of what the sink gets: the columns of a Parquet file, or the one of lines, and then those of folders.
fn sink_columns(format: &str, columns: &Columns<'_>) -> Vec<String> {
    let data: Vec<String> = match format {
        "parquet" => columns.data.iter().map(|field| field.name.clone()).collect(),
        _ => vec!["value".to_owned()],
    };
    data.into_iter().chain(columns.partitions.iter().map(|field| field.name.clone())).collect()
}

/// The rows as the sink takes them. Values of folders are texts, as a cast gives them.
fn rows_to_write(write: &FileWrite<'_>, columns: &Columns<'_>) -> Relation {
    let data = || columns.data.iter().map(|field| Expr::attribute(&field.name));
    let mut expressions: Vec<Expr> = match write.format {
        "parquet" | "text" => data().collect(),
        format => {
            let function = format!("to_{format}");
            let row = Expr::function("struct", data().collect());
            let mut arguments = vec![row];
            arguments.extend(options_map(&function, write.options));
            vec![Expr::function(function, arguments).alias("value")]
        }
    };
    expressions.extend(columns.partitions.iter().map(|field| Expr::attribute(&field.name).cast(DataType::STRING)));
    RelationKind::Project { input: Box::new(write.input.clone()), expressions }.into()
}

/// Those options that a function of rows knows, as its argument.
pub(crate) fn options_map(function: &str, options: &Options) -> Option<Expr> {
    let known = row_options(function);
    let text = |text: &str| Expr::from(Literal::String(text.to_owned()));
    let arguments: Vec<Expr> = options
        .iter()
        .filter(|(name, _)| known.contains(&name.to_lowercase().as_str()))
        .flat_map(|(name, value)| [text(name), text(value)])
        .collect();
    (!arguments.is_empty()).then(|| Expr::function("map", arguments))
}
