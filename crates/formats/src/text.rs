//! [`TextSource`]: lines of files as a scan, one column of text, in slices of bytes.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, not_impl_err};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion_datasource::PartitionedFile;
use datafusion_datasource::TableSchema;
use datafusion_datasource::boundary_stream::AlignedBoundaryStream;
use datafusion_datasource::file::FileSource;
use datafusion_datasource::file_scan_config::FileScanConfig;
use datafusion_datasource::file_stream::{FileOpenFuture, FileOpener};
use datafusion_datasource::projection::{ProjectionOpener, SplitProjection};
use futures::stream::{StreamExt, TryStreamExt};
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use serde::{Deserialize, Serialize};

use crate::codec::{Codec, Decompressor};
use crate::lines::{Cut, Header, batches};

/// How lines are read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextOptions {
    /// The text between lines; else `\n`, `\r` and `\r\n`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line_separator: Option<String>,
    /// Each file is one row.
    #[serde(default)]
    pub whole_text: bool,
    /// The first line of a file that says something is none of its rows.
    #[serde(default)]
    pub skip_header: bool,
    /// Lines that begin so are no header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<char>,
    /// Some file is compressed: none can be read from its middle.
    #[serde(default)]
    pub is_compressed: bool,
}

impl TextOptions {
    fn cut(&self) -> Cut {
        match &self.line_separator {
            _ if self.whole_text => Cut::Whole,
            Some(separator) if !separator.is_empty() => Cut::At(separator.as_bytes().to_vec()),
            _ => Cut::AnyEnd,
        }
    }

    /// Slices of a file can be read: their bounds are moved to the next `\n`.
    fn can_slice(&self) -> bool {
        !self.is_compressed && matches!(self.cut(), Cut::AnyEnd)
    }
}

/// The scan's source.
#[derive(Clone)]
pub struct TextSource {
    options: TextOptions,
    table_schema: TableSchema,
    batch_rows: usize,
    metrics: ExecutionPlanMetricsSet,
    projection: SplitProjection,
}

impl TextSource {
    /// The file's schema is one column of text.
    pub fn new(options: TextOptions, table_schema: TableSchema) -> Self {
        let projection = SplitProjection::unprojected(&table_schema);
        Self { options, table_schema, batch_rows: 8192, metrics: ExecutionPlanMetricsSet::new(), projection }
    }

    pub fn options(&self) -> &TextOptions {
        &self.options
    }
}

impl FileSource for TextSource {
    fn create_file_opener(
        &self,
        store: Arc<dyn ObjectStore>,
        _: &FileScanConfig,
        _: usize,
    ) -> Result<Arc<dyn FileOpener>> {
        let file_schema = self.table_schema.file_schema();
        let opener = TextOpener {
            options: self.options.clone(),
            schema: Arc::new(file_schema.project(&self.projection.file_indices)?),
            batch_rows: self.batch_rows,
            store,
        };
        ProjectionOpener::try_new(self.projection.clone(), Arc::new(opener), file_schema)
    }

    fn table_schema(&self) -> &TableSchema {
        &self.table_schema
    }

    fn with_batch_size(&self, batch_rows: usize) -> Arc<dyn FileSource> {
        Arc::new(Self { batch_rows, ..self.clone() })
    }

    fn supports_repartitioning(&self) -> bool {
        self.options.can_slice()
    }

    fn try_pushdown_projection(&self, projection: &ProjectionExprs) -> Result<Option<Arc<dyn FileSource>>> {
        let merged = self.projection.source.try_merge(projection)?;
        let projection = SplitProjection::new(self.table_schema.file_schema(), &merged);
        Ok(Some(Arc::new(Self { projection, ..self.clone() })))
    }

    fn projection(&self) -> Option<&ProjectionExprs> {
        Some(&self.projection.source)
    }

    fn metrics(&self) -> &ExecutionPlanMetricsSet {
        &self.metrics
    }

    fn file_type(&self) -> &str {
        "text"
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        datafusion::physical_plan::execution_plan::apply_expression_roots(self.projection.source.iter(), f)
    }
}

struct TextOpener {
    options: TextOptions,
    schema: SchemaRef,
    batch_rows: usize,
    store: Arc<dyn ObjectStore>,
}

impl FileOpener for TextOpener {
    fn open(&self, file: PartitionedFile) -> Result<FileOpenFuture> {
        let location = file.object_meta.location.clone();
        let codec = match Codec::of_file(location.filename().unwrap_or_default()) {
            Ok(codec) => codec,
            Err(end) => return not_impl_err!("reading {location}, which is compressed as .{end}"),
        };
        let decompressor = codec.map(Decompressor::new).transpose().map_err(DataFusionError::IoError)?;
        let starts_inside = file.range.as_ref().is_some_and(|range| range.start > 0);
        let header = if self.options.skip_header && !starts_inside {
            Header::Skip { comment: self.options.comment }
        } else {
            Header::None
        };
        let (store, schema, batch_rows) = (Arc::clone(&self.store), Arc::clone(&self.schema), self.batch_rows);
        let (cut, bytes) = (self.options.cut(), file.object_meta.size);
        Ok(Box::pin(async move {
            let range = file.range.filter(|range| range.start > 0 || (range.end as u64) < bytes);
            let content = match range {
                Some(range) => {
                    let (start, end) = (range.start as u64, range.end as u64);
                    AlignedBoundaryStream::new(store, location, start, end, bytes, b'\n')
                        .await?
                        .map_err(DataFusionError::from)
                        .boxed()
                }
                None => store.get(&location).await?.into_stream().map_err(DataFusionError::from).boxed(),
            };
            Ok(batches(content, decompressor, cut, header, schema, batch_rows))
        }))
    }
}

/// The first line of a file that says something: CSV's names, or its first values.
pub async fn first_line(
    store: Arc<dyn ObjectStore>,
    file: &ObjectMeta,
    options: &TextOptions,
) -> Result<Option<String>> {
    let schema = Arc::new(Schema::new(vec![Field::new("value", DataType::Utf8, true)]));
    let comment = options.comment;
    let options = TextOptions { skip_header: false, ..options.clone() };
    let opener = TextOpener { options, schema, batch_rows: 1, store };
    let mut batches = opener.open(PartitionedFile::new_from_meta(file.clone()))?.await?;
    while let Some(batch) = batches.next().await {
        for line in batch?.column(0).as_string::<i32>().iter().flatten() {
            if !line.trim().is_empty() && !comment.is_some_and(|comment| line.starts_with(comment)) {
                return Ok(Some(line.to_owned()));
            }
        }
    }
    Ok(None)
}
