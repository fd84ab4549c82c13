//! Queries: loaded, resolved, planned, run, and their rows under the user's names.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions, StringArray};
use arrow::datatypes::{DataType as ArrowType, Field, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType};
use arrow::error::ArrowError;
use firesteel_connect::engine::{ObservedMetrics, ObservedReceiver, ProgressSink};
use firesteel_functions::to_field;
use firesteel_planner::{ResolveOptions, ResolvedQuery, Source, Sources, resolve, source_names};
use firesteel_spec::{DataType, Relation, RelationKind, SparkError, SparkResult, StructField};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::error::{from_job, from_plan};
use crate::session::SparkSession;

/// How deep views may name views.
const VIEW_DEPTH_MAX: usize = 100;

/// An answer.
pub struct Rows {
    /// A struct.
    pub schema: DataType,
    pub batches: BoxStream<'static, SparkResult<RecordBatch>>,
}

impl Rows {
    /// The answer of a command that has nothing to say.
    pub fn none() -> Self {
        Self { schema: DataType::Struct { fields: Vec::new() }, batches: stream::empty().boxed() }
    }

    /// Rows of texts.
    pub fn texts(names: &[&str], rows: Vec<Vec<String>>) -> SparkResult<Self> {
        let fields: Vec<StructField> =
            names.iter().map(|name| StructField::new(*name, DataType::STRING, false)).collect();
        let columns: Vec<ArrayRef> = (0..names.len())
            .map(|column| Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row[column]))) as ArrayRef)
            .collect();
        let schema = Arc::new(Schema::new(fields.iter().map(to_field).collect::<Vec<_>>()));
        let batch = RecordBatch::try_new(schema, columns).map_err(arrow_error)?;
        Ok(Self { schema: DataType::Struct { fields }, batches: stream::iter([Ok(batch)]).boxed() })
    }

    pub async fn collect(self) -> SparkResult<Vec<RecordBatch>> {
        self.batches.try_collect().await
    }
}

impl SparkSession {
    /// Rows of a relation, by a job.
    pub(crate) async fn rows(&self, relation: &Relation, progress: &ProgressSink) -> SparkResult<Rows> {
        let resolved = self.resolved(relation).await?;
        self.run_resolved(resolved, progress).await
    }

    pub(crate) async fn run_resolved(&self, resolved: ResolvedQuery, progress: &ProgressSink) -> SparkResult<Rows> {
        let fields = resolved.schema.clone();
        let zone = self.config.value("spark.sql.session.timeZone").unwrap_or_else(|| "UTC".to_owned());
        let schema = answer_schema(&fields, &zone);
        let planned = self.planner.plan_resolved(resolved).await.map_err(from_plan)?;
        let (answer, folder) = self.cluster.run(&planned, progress).await?;
        let rows = answer.stream().map(move |batch| {
            let batch = batch.map_err(from_job)?;
            under_names(&schema, &batch).map_err(arrow_error)
        });
        let end = stream::once(folder.delete()).filter_map(|()| async { None });
        Ok(Rows { schema: DataType::Struct { fields }, batches: rows.chain(end).boxed() })
    }

    /// A relation with names and types known.
    pub(crate) async fn resolved(&self, relation: &Relation) -> SparkResult<ResolvedQuery> {
        self.resolved_but(relation, None).await
    }

    /// As [`Self::resolved`], without the rows that the cache's entry `but` keeps.
    pub(crate) async fn resolved_but(&self, relation: &Relation, but: Option<&str>) -> SparkResult<ResolvedQuery> {
        let relation = self.prepared(relation).await?;
        let sources = self.load(&relation, but).await?;
        resolve(&relation, &sources, &self.resolve_options())
    }

    pub(crate) fn resolve_options(&self) -> ResolveOptions {
        let options = self.config.resolve_options(&self.user, &self.current_database());
        ResolveOptions { python: self.python.options(&self.config), ..options }
    }

    /// What a relation reads, and what its views read.
    pub(crate) async fn load(&self, relation: &Relation, but: Option<&str>) -> SparkResult<Sources> {
        let mut sources = Sources::default();
        self.load_cached(relation, but, &mut sources).await?;
        let mut names = source_names(relation);
        for _ in 0..VIEW_DEPTH_MAX {
            let mut next: Vec<Relation> = Vec::new();
            for name in std::mem::take(&mut names.tables) {
                if sources.table(&name).is_some() {
                    continue;
                }
                if let Some(view) = self.views.find(&name) {
                    next.push(view.clone());
                    sources.add_table(&name, Source::View { relation: view, qualifier: name.clone() });
                } else if let Some(table) = self.find_table(&name).await? {
                    let source = self.open_table(&table, &mut sources).await?;
                    if let Source::View { relation, .. } = &source {
                        next.push(relation.clone());
                    }
                    sources.add_table(&name, source);
                } else if let Some(asked) = files_by_path(&name) {
                    let source = self.open_files(&asked, &mut sources).await?;
                    sources.add_table(&name, source);
                }
            }
            for asked in std::mem::take(&mut names.files) {
                if sources.files(&asked).is_none() {
                    self.load_files(&asked, &mut sources).await?;
                }
            }
            for id in std::mem::take(&mut names.kept) {
                if sources.kept(&id).is_none()
                    && let Some(source) = self.load_checkpoint(&id).await?
                {
                    if let Source::View { relation, .. } = &source {
                        next.push(relation.clone());
                    }
                    sources.add_kept(&id, source);
                }
            }
            if next.is_empty() {
                return Ok(sources);
            }
            for view in &next {
                self.load_cached(view, but, &mut sources).await?;
                let more = source_names(view);
                names.tables.extend(more.tables);
                names.files.extend(more.files);
                names.kept.extend(more.kept);
            }
        }
        Err(SparkError::new(
            "VIEW_EXCEED_MAX_NESTED_DEPTH",
            format!("views are nested more than {VIEW_DEPTH_MAX} deep"),
        ))
    }

    /// The metrics of all observations in a relation, each by a job of its own.
    pub(crate) async fn observe(&self, relation: &Relation, observed: &ObservedReceiver) -> SparkResult<()> {
        let mut observations = Vec::new();
        relation.walk(&mut |relation| {
            if let RelationKind::CollectMetrics { input, name, metrics } = &relation.kind {
                observations.push((relation.plan_id, input, name, metrics));
            }
        });
        for (plan_id, input, name, metrics) in observations {
            let list = RelationKind::Project { input: input.clone(), expressions: metrics.clone() };
            let rows = self.rows(&list.into(), &ProgressSink::default()).await?;
            let DataType::Struct { fields } = rows.schema.clone() else { continue };
            let Some(batch) = rows.collect().await?.into_iter().find(|batch| batch.num_rows() > 0) else { continue };
            let values =
                batch.columns().iter().zip(&fields).map(|(column, field)| value_of(column, 0, &field.data_type));
            observed.add(ObservedMetrics {
                name: name.clone(),
                plan_id,
                keys: fields.iter().map(|field| field.name.clone()).collect(),
                values: values.collect::<SparkResult<_>>()?,
            });
        }
        Ok(())
    }

    /// The last rows of a relation, in order.
    pub(crate) async fn tail(&self, input: &Relation, limit: usize, progress: &ProgressSink) -> SparkResult<Rows> {
        let rows = self.rows(input, progress).await?;
        let schema = rows.schema.clone();
        let mut kept: std::collections::VecDeque<RecordBatch> = std::collections::VecDeque::new();
        let mut count = 0;
        let mut batches = rows.batches;
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            count += batch.num_rows();
            kept.push_back(batch);
            while kept.front().is_some_and(|first| count - first.num_rows() >= limit) {
                count -= kept.pop_front().map_or(0, |first| first.num_rows());
            }
        }
        if let Some(first) = kept.pop_front() {
            let surplus = count.saturating_sub(limit);
            kept.push_front(first.slice(surplus, first.num_rows() - surplus));
        }
        Ok(Rows { schema, batches: stream::iter(kept.into_iter().map(Ok)).boxed() })
    }
}

/// `` parquet.`/data/x` `` is files.
fn files_by_path(name: &[String]) -> Option<firesteel_spec::DataSource> {
    let [format, path] = name else { return None };
    let known = ["parquet", "csv", "json", "text", "orc"].contains(&format.to_lowercase().as_str());
    known.then(|| firesteel_spec::DataSource {
        format: Some(format.to_lowercase()),
        paths: vec![path.clone()],
        ..Default::default()
    })
}

/// The Arrow schema of an answer as Spark sends it: instants carry the session's zone.
fn answer_schema(fields: &[StructField], zone: &str) -> SchemaRef {
    let fields: Vec<Field> = fields
        .iter()
        .map(|field| {
            let arrow = to_field(field).as_ref().clone().with_metadata(std::collections::HashMap::new());
            match arrow.data_type() {
                ArrowType::Timestamp(unit, Some(_)) => {
                    let zoned = ArrowType::Timestamp(*unit, Some(zone.into()));
                    arrow.with_data_type(zoned)
                }
                _ => arrow,
            }
        })
        .collect();
    Arc::new(Schema::new(fields))
}

/// A batch of the plan's columns as one of the user's.
fn under_names(schema: &SchemaRef, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let columns = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| match field.data_type() {
            ArrowType::Timestamp(TimeUnit::Microsecond, Some(zone)) => {
                let instants = column.as_primitive::<TimestampMicrosecondType>().clone();
                Ok(Arc::new(instants.with_timezone(Arc::clone(zone))) as ArrayRef)
            }
            target if target == column.data_type() => Ok(Arc::clone(column)),
            target => arrow::compute::cast(column, target),
        })
        .collect::<Result<Vec<_>, _>>()?;
    // What is null in a column that is declared not to be is a matter of the declaration.
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .zip(&columns)
        .map(|(field, column)| {
            let nullable = field.is_nullable() || column.null_count() > 0;
            field.as_ref().clone().with_nullable(nullable).with_data_type(column.data_type().clone())
        })
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
}

pub(crate) fn arrow_error(error: ArrowError) -> SparkError {
    SparkError::internal(format!("an answer's batch: {error}"))
}

/// A relation with a limit.
pub(crate) fn limited(input: &Relation, rows: usize) -> Relation {
    let limit = firesteel_spec::Literal::Integer(i32::try_from(rows).unwrap_or(i32::MAX));
    RelationKind::Limit { input: Box::new(input.clone()), limit: Box::new(limit.into()) }.into()
}

/// One value of a column as a literal of a plan: of the simple types that are looked up in data.
pub(crate) fn value_of(column: &ArrayRef, row: usize, data_type: &DataType) -> SparkResult<firesteel_spec::Literal> {
    use arrow::datatypes as arrow_types;
    use firesteel_spec::Literal as L;
    if column.is_null(row) {
        return Ok(L::Null(data_type.clone()));
    }
    macro_rules! primitive {
        ($kind:ty) => {
            column.as_primitive::<$kind>().value(row)
        };
    }
    Ok(match data_type {
        DataType::Boolean => L::Boolean(column.as_boolean().value(row)),
        DataType::Byte => L::Byte(primitive!(arrow_types::Int8Type)),
        DataType::Short => L::Short(primitive!(arrow_types::Int16Type)),
        DataType::Integer => L::Integer(primitive!(arrow_types::Int32Type)),
        DataType::Long => L::Long(primitive!(arrow_types::Int64Type)),
        DataType::Float => L::Float(primitive!(arrow_types::Float32Type)),
        DataType::Double => L::Double(primitive!(arrow_types::Float64Type)),
        DataType::Decimal { precision, scale } => {
            L::Decimal { unscaled: primitive!(arrow_types::Decimal128Type), precision: *precision, scale: *scale }
        }
        text if text.is_string() => L::String(column.as_string::<i32>().value(row).to_owned()),
        DataType::Date => L::Date(primitive!(arrow_types::Date32Type)),
        DataType::Timestamp => L::Timestamp(primitive!(TimestampMicrosecondType)),
        DataType::TimestampNtz => L::TimestampNtz(primitive!(TimestampMicrosecondType)),
        other => return Err(SparkError::unsupported(format!("a value of type {other} here"))),
    })
}
