//! Files as tables: listed once, with the values of their folders, and scanned as what is asked of them wants.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{DFSchema, Result, ScalarValue, Statistics};
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, FileSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::{conjunction, expr_to_columns};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion_datasource::PartitionedFile;
use firesteel_formats::{TextOptions, TextSource};
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::{ObjectMeta, ObjectStore};

use crate::listing::FileList;
use crate::{PlanError, Planner};

/// Footers read at a time.
const FOOTERS_AT_A_TIME: usize = 32;
/// Files whose footers are read for their statistics: beyond, planning would take longer than they save.
const STATISTICS_FILES_MAX: usize = 1024;

/// Where Spark keeps a file's schema, as JSON, in a Parquet footer.
const SPARK_SCHEMA: &str = "org.apache.spark.sql.parquet.row.metadata";

/// How files are read.
#[derive(Debug, Clone)]
pub enum FileReading {
    Parquet,
    /// Lines, as one column of text named `value`.
    Lines(TextOptions),
}

/// Files of one format on one store. Columns that name folders are texts, last, and null where Hive's name for it says so.
#[derive(Debug)]
pub struct FilesTable {
    store: ObjectStoreUrl,
    files: Vec<PartitionedFile>,
    reading: FileReading,
    columns: TableSchema,
    spark_schema: Option<String>,
}

impl FilesTable {
    /// Spark's schema, where the files say it: as JSON, without the columns of folders.
    pub fn spark_schema(&self) -> Option<&str> {
        self.spark_schema.as_deref()
    }

    /// The columns that name folders.
    pub fn partition_columns(&self) -> Vec<String> {
        self.columns.table_partition_cols().iter().map(|field| field.name().clone()).collect()
    }

    /// All values of a column that names folders.
    pub fn partition_values(&self, index: usize) -> Vec<Option<String>> {
        let values = self.files.iter().map(|file| match file.partition_values.get(index) {
            Some(ScalarValue::Utf8(value)) => value.clone(),
            _ => None,
        });
        values.collect()
    }

    fn source(&self) -> Arc<dyn FileSource> {
        match &self.reading {
            FileReading::Parquet => ParquetFormat::default().file_source(self.columns.clone()),
            FileReading::Lines(options) => Arc::new(TextSource::new(options.clone(), self.columns.clone())),
        }
    }

    /// Files whose folders don't rule them out.
    fn pruned(&self, state: &dyn Session, filters: &[Expr]) -> Result<Vec<PartitionedFile>> {
        let partitions = self.columns.table_partition_cols();
        let by_folder = filters.iter().filter(|filter| {
            let mut used = Default::default();
            expr_to_columns(filter, &mut used).is_ok()
                && !used.is_empty()
                && used.iter().all(|column| partitions.iter().any(|field| *field.name() == column.name))
        });
        let unqualified = by_folder.cloned().map(datafusion::logical_expr::expr_rewriter::unnormalize_col);
        let Some(filter) = conjunction(unqualified) else { return Ok(self.files.clone()) };
        let schema = Arc::new(Schema::new(partitions.to_vec()));
        let columns = (0..partitions.len())
            .map(|index| Arc::new(StringArray::from(self.partition_values(index))) as ArrayRef)
            .collect();
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
        let filter = state.create_physical_expr(filter, &DFSchema::try_from(schema)?)?;
        let keeps = filter.evaluate(&batch)?.into_array(batch.num_rows())?;
        let keeps = keeps.as_boolean();
        Ok(self.files.iter().zip(keeps).filter(|(_, keep)| *keep == Some(true)).map(|(file, _)| file.clone()).collect())
    }

    async fn with_statistics(
        &self,
        state: &dyn Session,
        files: Vec<PartitionedFile>,
    ) -> Result<(Vec<PartitionedFile>, Statistics)> {
        let schema = self.columns.table_schema();
        let mut total = Statistics::new_unknown(schema);
        let is_read = matches!(self.reading, FileReading::Parquet)
            && state.config().collect_statistics()
            && files.len() <= STATISTICS_FILES_MAX;
        if !is_read {
            let bytes: u64 = files.iter().map(|file| file.object_meta.size).sum();
            total.total_byte_size = Precision::Inexact(bytes as usize);
            return Ok((files, total));
        }
        let store = state.runtime_env().object_store(&self.store)?;
        let format = ParquetFormat::default();
        let read = stream::iter(files).map(|file| {
            let (format, store) = (&format, &store);
            async move {
                let schema = Arc::clone(self.columns.file_schema());
                let statistics = format.infer_stats(state, store, schema, &file.object_meta).await?;
                Ok::<_, datafusion::common::DataFusionError>((file, statistics))
            }
        });
        let read: Vec<_> = read.buffered(FOOTERS_AT_A_TIME).try_collect().await?;
        let files = read.into_iter().map(|(file, statistics)| {
            let has_nulls = file.partition_values.iter().any(ScalarValue::is_null);
            // A folder's value is taken to be no null there.
            if has_nulls { file } else { file.with_statistics(Arc::new(statistics)) }
        });
        let group = FileGroup::new(files.collect());
        let (mut groups, total) =
            datafusion_datasource::compute_all_files_statistics(vec![group], Arc::clone(schema), true, false)?;
        let files = groups.pop().map(FileGroup::into_inner).unwrap_or_default();
        Ok((files, total))
    }
}

#[async_trait]
impl TableProvider for FilesTable {
    fn schema(&self) -> SchemaRef {
        let fields = self.columns.table_schema().fields().clone();
        Arc::new(Schema::new(fields))
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let files = self.pruned(state, filters)?;
        if files.is_empty() {
            let schema = self.schema();
            let schema = match projection {
                Some(columns) => Arc::new(schema.project(columns)?),
                None => schema,
            };
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let (files, statistics) = self.with_statistics(state, files).await?;
        let groups = FileGroup::new(files).split_files(state.config().target_partitions());
        let limit = if filters.is_empty() { limit } else { None };
        let config = FileScanConfigBuilder::new(self.store.clone(), self.source())
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        match &self.reading {
            FileReading::Parquet => ParquetFormat::default().create_physical_plan(state, config).await,
            FileReading::Lines(_) => Ok(DataSourceExec::from_data_source(config)),
        }
    }
}

impl Planner {
    /// A table over listed files. Parquet's columns are those of the first file, or of all with `merges`.
    pub async fn files_table(
        &self,
        list: FileList,
        reading: FileReading,
        merges: bool,
    ) -> Result<FilesTable, PlanError> {
        let state = self.session().state();
        let file_schema = match &reading {
            FileReading::Lines(_) => Arc::new(Schema::new(vec![Field::new("value", DataType::Utf8, true)])),
            FileReading::Parquet => {
                let objects: Vec<ObjectMeta> = list.files.iter().map(|file| file.meta.clone()).collect();
                let objects = if merges { &objects[..] } else { &objects[..objects.len().min(1)] };
                let store: Arc<dyn ObjectStore> = Arc::clone(&list.store);
                // Files that are merged differ in the schema that Spark keeps in each.
                let format = ParquetFormat::default().with_skip_metadata(merges);
                let read = format.infer_schema(&state, &store, objects).await;
                read.map_err(|source| PlanError::TableRead {
                    table: "parquet".to_owned(),
                    url: list.shown.clone(),
                    source,
                })?
            }
        };
        // The columns of folders stand for those of the files.
        let kept = file_schema.fields().iter().filter(|field| !list.partition_columns.contains(field.name()));
        // A scan's batches carry no metadata of files, which differ in it.
        let kept = kept.map(|field| field.as_ref().clone().with_nullable(true).with_metadata(HashMap::new()));
        let spark_schema = file_schema.metadata().get(SPARK_SCHEMA).cloned();
        let file_schema = Arc::new(Schema::new(kept.collect::<Vec<_>>()));
        let partitions = list.partition_columns.iter().map(|name| Arc::new(Field::new(name, DataType::Utf8, true)));
        let columns =
            TableSchema::builder(file_schema).with_table_partition_cols(partitions.collect::<Vec<FieldRef>>()).build();
        let mut listed = list.files;
        // Spark reads the largest first.
        listed.sort_by_key(|file| std::cmp::Reverse(file.meta.size));
        let files = listed.into_iter().map(|file| {
            let values = file.partition_values.into_iter().map(ScalarValue::Utf8).collect();
            PartitionedFile::new_from_meta(file.meta).with_partition_values(values)
        });
        Ok(FilesTable { store: list.store_url, files: files.collect(), reading, columns, spark_schema })
    }
}
