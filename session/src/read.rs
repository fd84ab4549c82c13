//! Reading files: a format's files are a table of plain columns, or of lines, under a projection that makes the rows which
//! Spark sees. Both are named to the resolver as a view over a table that no user's name reaches.

use std::sync::Arc;

use firesteel_connect::engine::ProgressSink;
use firesteel_formats::{Codec, TextOptions, first_line};
use firesteel_functions::{common_row_type, csv_values, from_field};
use firesteel_planner::{FileReading, FilesTable, ListOptions, Source, Sources, list_files};
use firesteel_spec::{
    DataSource, DataType, Expr, Literal, Name, Options, Relation, RelationKind, SparkError, SparkResult, StructField,
};
use futures::future::BoxFuture;

use crate::error::from_plan;
use crate::session::SparkSession;
use crate::write::{option, options_map, unknown_source};

/// The column of a record that could not be read, while it is not known yet whether its row is kept.
const BAD_RECORD: &str = "firesteel bad record";
/// The struct of a line's values, before it is taken apart.
const ROW: &str = "firesteel row";

impl SparkSession {
    /// Adds the files of `asked` to the sources of a query.
    pub(crate) async fn load_files(&self, asked: &DataSource, sources: &mut Sources) -> SparkResult<()> {
        let view = self.open_files(asked, sources).await?;
        sources.add_files(asked, view);
        Ok(())
    }

    /// The files as a view, and the table below it in `sources`.
    pub(crate) async fn open_files(&self, asked: &DataSource, sources: &mut Sources) -> SparkResult<Source> {
        let default = self.config.value("spark.sql.sources.default").unwrap_or_else(|| "parquet".to_owned());
        let format = asked.format.clone().unwrap_or(default).to_lowercase();
        if asked.streaming {
            return Err(SparkError::unsupported("reading a stream"));
        }
        let options = &asked.options;
        refuse_options(&format, options)?;
        let mut paths = asked.paths.clone();
        paths.extend(option(options, "path").filter(|_| asked.paths.is_empty()).map(str::to_owned));
        let reading = match format.as_str() {
            "parquet" => FileReading::Parquet,
            "text" | "csv" | "json" => FileReading::Lines(lines_of(&format, options)),
            other => return Err(unknown_source(other)),
        };
        let list_options = ListOptions {
            base_path: option(options, "basePath").map(str::to_owned),
            name_pattern: option(options, "pathGlobFilter").map(str::to_owned),
            ignores_folders: is_on(options, "recursiveFileLookup"),
            skips_missing: is_on(options, "ignoreMissingFiles"),
        };
        if paths.is_empty() {
            return Err(no_schema(&format));
        }
        let list = list_files(&self.cluster.storage, &paths, &list_options).await?;
        if list.files.is_empty() && asked.schema.is_none() {
            return Err(no_schema(&format));
        }
        if list.files.is_empty() {
            let relation = RelationKind::Local { ipc: None, schema: asked.schema.clone() }.into();
            return Ok(Source::View { relation, qualifier: Vec::new() });
        }
        let is_compressed = list
            .files
            .iter()
            .any(|file| file.meta.location.filename().is_some_and(|name| !matches!(Codec::of_file(name), Ok(None))));
        let reading = match reading {
            FileReading::Lines(lines) => FileReading::Lines(TextOptions { is_compressed, ..lines }),
            FileReading::Parquet => FileReading::Parquet,
        };
        let first = list.files.first().map(|file| (Arc::clone(&list.store), file.meta.clone()));
        let merges = is_on(options, "mergeSchema") && asked.schema.is_none();
        let table = self.planner.files_table(list, reading.clone(), merges).await.map_err(from_plan)?;
        let hidden: Name = vec!["firesteel files".to_owned(), format!("{asked:?}")];
        let partitions = partition_fields(&table, asked.schema.as_ref());
        let columns = plain_columns(&table)?;
        let below = RelationKind::Table { name: hidden.clone(), options: Vec::new(), streaming: false }.into();
        let spark_schema = table.spark_schema().and_then(|json| DataType::from_json(json).ok());
        let columns = with_spark_types(columns, spark_schema);
        let table = Source::Table { provider: Arc::new(table), columns: columns.clone(), qualifier: Vec::new() };
        sources.add_table(&hidden, table.clone());
        let rows = Files { below, hidden, table, partitions, asked, format: &format };
        let relation = match &reading {
            FileReading::Parquet => rows.of_columns(&columns),
            FileReading::Lines(lines) => match format.as_str() {
                "text" => rows.of_columns(&columns),
                "csv" => {
                    let header = match (&first, lines.skip_header || asked.schema.is_none()) {
                        (Some((store, meta)), true) => first_line(Arc::clone(store), meta, lines)
                            .await
                            .map_err(|error| SparkError::new("FAILED_READ_FILE.NO_HINT", error.to_string()))?,
                        _ => None,
                    };
                    let schema = self.csv_schema(&rows, header, lines.skip_header).await?;
                    rows.of_lines(&schema)?
                }
                _ => {
                    let schema = self.json_schema(&rows).await?;
                    rows.of_lines(&schema)?
                }
            },
        };
        Ok(Source::View { relation, qualifier: Vec::new() })
    }

    async fn csv_schema(
        &self,
        rows: &Files<'_>,
        first: Option<String>,
        has_header: bool,
    ) -> SparkResult<Vec<StructField>> {
        if let Some(schema) = rows.asked_data() {
            return Ok(schema);
        }
        let Some(first) = first else { return Ok(Vec::new()) };
        let tokens = csv_values(&first, &rows.asked.options);
        let names = column_names(&tokens, has_header, &rows.asked.options);
        let mut types = vec![DataType::STRING; names.len()];
        if is_on(&rows.asked.options, "inferSchema")
            && let Some(DataType::Struct { fields }) = self.inferred(rows, "csv").await?
        {
            types.iter_mut().zip(fields).for_each(|(own, field)| *own = field.data_type);
        }
        Ok(names.into_iter().zip(types).map(|(name, data_type)| StructField::new(name, data_type, true)).collect())
    }

    async fn json_schema(&self, rows: &Files<'_>) -> SparkResult<Vec<StructField>> {
        if let Some(schema) = rows.asked_data() {
            return Ok(schema);
        }
        match self.inferred(rows, "json").await? {
            Some(DataType::Struct { fields }) => Ok(fields),
            _ => Ok(Vec::new()),
        }
    }

    /// What all lines have in common, by a job.
    fn inferred<'a>(&'a self, rows: &'a Files<'_>, format: &'a str) -> BoxFuture<'a, SparkResult<Option<DataType>>> {
        Box::pin(async move {
            let text = |text: &str| Expr::from(Literal::String(text.to_owned()));
            let mut arguments = vec![Expr::attribute("value"), text(format)];
            arguments.extend(options_map(&format!("from_{format}"), &rows.asked.options));
            let types = Expr::function("firesteel_type_of_line", arguments).alias("type");
            let projected = RelationKind::Project { input: Box::new(rows.lines()), expressions: vec![types] };
            let distinct =
                RelationKind::Deduplicate { input: Box::new(projected.into()), columns: None, within_watermark: false };
            let mut sources = Sources::default();
            sources.add_table(&rows.hidden, rows.table.clone());
            let resolved = firesteel_planner::resolve(&distinct.into(), &sources, &self.resolve_options())?;
            let batches = self.run_resolved(resolved, &ProgressSink::default()).await?.collect().await?;
            let mut found = Vec::new();
            for batch in &batches {
                for row in 0..batch.num_rows() {
                    if let Literal::String(json) = crate::query::value_of(batch.column(0), row, &DataType::STRING)? {
                        found.push(json);
                    }
                }
            }
            // The order of lines is no part of the answer.
            found.sort();
            let types = found.iter().map(|json| DataType::from_json(json)).collect::<SparkResult<Vec<_>>>()?;
            Ok(common_row_type(format, &types))
        })
    }
}

struct Files<'a> {
    /// The table of the files.
    below: Relation,
    hidden: Name,
    table: Source,
    /// Names and types of what folders name.
    partitions: Vec<StructField>,
    asked: &'a DataSource,
    format: &'a str,
}

impl Files<'_> {
    /// The columns of the user's schema, but those of folders.
    fn asked_data(&self) -> Option<Vec<StructField>> {
        let Some(DataType::Struct { fields }) = &self.asked.schema else { return None };
        let is_partition =
            |field: &StructField| self.partitions.iter().any(|by| by.name.eq_ignore_ascii_case(&field.name));
        Some(fields.iter().filter(|field| !is_partition(field)).cloned().collect())
    }

    fn partition_columns(&self) -> impl Iterator<Item = Expr> + '_ {
        self.partitions.iter().map(|field| {
            let value = Expr::attribute(&field.name);
            let value = if field.data_type.is_string() { value } else { value.cast(field.data_type.clone()) };
            value.alias(&field.name)
        })
    }

    /// Rows of a table of plain columns: those asked for by name.
    fn of_columns(&self, columns: &[StructField]) -> Relation {
        let data = match self.asked_data() {
            None => columns
                .iter()
                .filter(|column| !self.partitions.iter().any(|by| by.name == column.name))
                .map(|column| Expr::attribute(&column.name))
                .collect(),
            Some(asked) => asked
                .iter()
                .map(|field| {
                    let found = columns.iter().find(|column| column.name.eq_ignore_ascii_case(&field.name));
                    // Lines have one column, whatever its name.
                    let found = found.or(if self.format == "text" { columns.first() } else { None });
                    let value = match found {
                        None => Expr::from(Literal::Null(field.data_type.clone())),
                        Some(column) if column.data_type == field.data_type => Expr::attribute(&column.name),
                        Some(column) => Expr::attribute(&column.name).cast(field.data_type.clone()),
                    };
                    value.alias(&field.name)
                })
                .collect::<Vec<_>>(),
        };
        let expressions = data.into_iter().chain(self.partition_columns()).collect();
        RelationKind::Project { input: Box::new(self.below.clone()), expressions }.into()
    }

    /// Lines that may be rows.
    fn lines(&self) -> Relation {
        let options = &self.asked.options;
        let value = || Expr::attribute("value");
        let text = |text: String| Expr::from(Literal::String(text));
        let blank = Expr::function("=", vec![Expr::function("trim", vec![value()]), text(String::new())]);
        let mut keeps = Expr::function("not", vec![blank]);
        if self.format == "csv"
            && let Some(comment) = option(options, "comment").and_then(|text| text.chars().next())
        {
            let is_comment = Expr::function("startswith", vec![value(), text(comment.to_string())]);
            keeps = Expr::function("and", vec![keeps, Expr::function("not", vec![is_comment])]);
        }
        RelationKind::Filter { input: Box::new(self.below.clone()), condition: keeps }.into()
    }

    /// Rows that lines of CSV or JSON hold.
    fn of_lines(&self, schema: &[StructField]) -> SparkResult<Relation> {
        let options = &self.asked.options;
        let drops = option(options, "mode").is_some_and(|mode| mode.eq_ignore_ascii_case("DROPMALFORMED"));
        let corrupt = option(options, "columnNameOfCorruptRecord").unwrap_or("_corrupt_record");
        let mut parsed: Vec<StructField> = schema.to_vec();
        let mut given: Options = options.clone();
        if drops && !schema.iter().any(|field| field.name == corrupt) {
            given.retain(|(name, _)| {
                !name.eq_ignore_ascii_case("mode") && !name.eq_ignore_ascii_case("columnNameOfCorruptRecord")
            });
            given.push(("columnNameOfCorruptRecord".to_owned(), BAD_RECORD.to_owned()));
            parsed.push(StructField::new(BAD_RECORD, DataType::STRING, true));
        }
        let function = format!("from_{}", self.format);
        let schema_text = Literal::String(DataType::Struct { fields: parsed }.to_json());
        let mut arguments = vec![Expr::attribute("value"), schema_text.into()];
        arguments.extend(options_map(&function, &given));
        let row = Expr::function(function, arguments).alias(ROW);
        let mut expressions = vec![row];
        expressions.extend(self.partitions.iter().map(|field| Expr::attribute(&field.name)));
        let mut rows: Relation = RelationKind::Project { input: Box::new(self.lines()), expressions }.into();
        let field = |name: &str| Expr::Attribute {
            name: vec![ROW.to_owned(), name.to_owned()],
            plan_id: None,
            metadata_column: false,
        };
        if drops {
            let name = if schema.iter().any(|field| field.name == corrupt) { corrupt } else { BAD_RECORD };
            let condition = Expr::function("isnull", vec![field(name)]);
            rows = RelationKind::Filter { input: Box::new(rows), condition }.into();
        }
        let data = schema.iter().map(|column| field(&column.name).alias(&column.name));
        let expressions = data.chain(self.partition_columns()).collect();
        Ok(RelationKind::Project { input: Box::new(rows), expressions }.into())
    }
}

fn is_on(options: &Options, name: &str) -> bool {
    option(options, name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// What would change the rows, and is not there.
fn refuse_options(format: &str, options: &Options) -> SparkResult<()> {
    if matches!(format, "csv" | "json") && is_on(options, "multiLine") {
        return Err(SparkError::unsupported(format!("the option multiLine of {format} files")));
    }
    let encoding = option(options, "encoding").or_else(|| option(options, "charset")).unwrap_or("UTF-8");
    if format != "parquet" && !encoding.eq_ignore_ascii_case("utf-8") && !encoding.eq_ignore_ascii_case("us-ascii") {
        return Err(SparkError::unsupported(format!("files of text in the encoding {encoding}")));
    }
    Ok(())
}

fn lines_of(format: &str, options: &Options) -> TextOptions {
    TextOptions {
        line_separator: option(options, "lineSep").map(str::to_owned),
        whole_text: format == "text" && is_on(options, "wholetext"),
        skip_header: format == "csv" && is_on(options, "header"),
        comment: option(options, "comment").filter(|_| format == "csv").and_then(|text| text.chars().next()),
        is_compressed: false,
    }
}

/// The table's columns as Spark's types.
fn plain_columns(table: &FilesTable) -> SparkResult<Vec<StructField>> {
    let schema = datafusion::catalog::TableProvider::schema(table);
    let columns = schema.fields().iter().map(|field| {
        let column = from_field(field)?;
        Ok(StructField { nullable: true, metadata: None, ..column })
    });
    columns.collect()
}

/// Where a Parquet file says Spark's own type of a column, that.
fn with_spark_types(mut columns: Vec<StructField>, spark: Option<DataType>) -> Vec<StructField> {
    let Some(DataType::Struct { fields }) = spark else { return columns };
    for column in &mut columns {
        if let Some(field) = fields.iter().find(|field| field.name == column.name) {
            column.data_type = nullable(&field.data_type);
            column.metadata.clone_from(&field.metadata);
        }
    }
    columns
}

/// A reader declares no value to be there.
fn nullable(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Array { element, .. } => DataType::array(nullable(element), true),
        DataType::Map { key, value, .. } => DataType::map(nullable(key), nullable(value), true),
        DataType::Struct { fields } => DataType::Struct {
            fields: fields
                .iter()
                .map(|field| StructField { data_type: nullable(&field.data_type), nullable: true, ..field.clone() })
                .collect(),
        },
        other => other.clone(),
    }
}

/// What folders name, with the types of the user's schema, or those that all values have.
fn partition_fields(table: &FilesTable, schema: Option<&DataType>) -> Vec<StructField> {
    let asked = match schema {
        Some(DataType::Struct { fields }) => fields.as_slice(),
        _ => &[],
    };
    let columns = table.partition_columns().into_iter().enumerate().map(|(index, name)| {
        let field = asked.iter().find(|field| field.name.eq_ignore_ascii_case(&name));
        let data_type =
            field.map_or_else(|| partition_type(&table.partition_values(index)), |field| field.data_type.clone());
        StructField::new(name, data_type, true)
    });
    columns.collect()
}

fn partition_type(values: &[Option<String>]) -> DataType {
    let all = |is: &dyn Fn(&str) -> bool| values.iter().flatten().all(|value| is(value));
    if values.iter().flatten().next().is_none() {
        DataType::STRING
    } else if all(&|value| value.parse::<i32>().is_ok()) {
        DataType::Integer
    } else if all(&|value| value.parse::<i64>().is_ok()) {
        DataType::Long
    } else if all(&|value| value.bytes().any(|byte| byte.is_ascii_digit()) && value.parse::<f64>().is_ok()) {
        DataType::Double
    } else if all(&is_date) {
        DataType::Date
    } else {
        DataType::STRING
    }
}

/// `yyyy-MM-dd`
fn is_date(value: &str) -> bool {
    let parts: Vec<&str> = value.split('-').collect();
    let digits = |part: &str, count: usize| part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit());
    matches!(parts.as_slice(), [year, month, day] if digits(year, 4) && digits(month, 2) && digits(day, 2)
        && ("01"..="12").contains(month) && ("01"..="31").contains(day))
}

/// Names of CSV's columns: of the header, or by number; a name that is there twice has its number behind it.
fn column_names(tokens: &[Option<String>], has_header: bool, options: &Options) -> Vec<String> {
    if !has_header {
        return (0..tokens.len()).map(|index| format!("_c{index}")).collect();
    }
    let null_value = option(options, "nullValue").unwrap_or_default();
    let name = |token: &Option<String>| token.clone().filter(|name| !name.is_empty() && name != null_value);
    let names: Vec<Option<String>> = tokens.iter().map(name).collect();
    let count = |name: &str| names.iter().flatten().filter(|other| other.eq_ignore_ascii_case(name)).count();
    names
        .iter()
        .enumerate()
        .map(|(index, name)| match name {
            None => format!("_c{index}"),
            Some(name) if count(name) > 1 => format!("{name}{index}"),
            Some(name) => name.clone(),
        })
        .collect()
}

fn no_schema(format: &str) -> SparkError {
    let shown = match format {
        "parquet" => "Parquet",
        "csv" => "CSV",
        "json" => "JSON",
        other => other,
    };
    SparkError::new(
        "UNABLE_TO_INFER_SCHEMA",
        format!("there are no {shown} files to take the schema from; give it with schema(…), or check the path"),
    )
    .with("format", shown)
}
