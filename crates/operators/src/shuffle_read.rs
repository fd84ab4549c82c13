//! [`ShuffleReadExec`]: the leaf that reads what an earlier stage wrote.
//!
//! On the driver it has no source and stands for the whole exchange; in a task it is bound to the ranges of its slice
//! and declares the truth about them: the exchange's hash partitioning only when it holds every partition, since a
//! relabelled part of it would misroute a join's filter.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{EquivalenceProperties, LexOrdering, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{
    Boundedness, ChildrenPropertiesMode, EmissionType, ReplaceChildrenOptions, SchedulingType,
};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};
use firesteel_protocol::{SegmentEncoding, SegmentRun, StageId};
use firesteel_shuffle::SegmentReader;
use firesteel_storage::Storage;
use futures::{StreamExt, TryStreamExt};

/// What a task's slice of the exchange reads.
#[derive(Debug)]
pub struct ShuffleSource {
    pub storage: Storage,
    pub encoding: SegmentEncoding,
    pub batch_rows: usize,
    pub partitions: usize,
    pub runs: Vec<SegmentRun>,
}

#[derive(Debug, Clone)]
pub struct ShuffleReadExec {
    stage: StageId,
    /// The partitioning of the whole exchange.
    exchange: Partitioning,
    ordering: Option<LexOrdering>,
    properties: Arc<PlanProperties>,
    reader: Option<Arc<SegmentReader>>,
    metrics: ExecutionPlanMetricsSet,
}

impl ShuffleReadExec {
    /// The whole exchange that `stage` writes; `ordering` is the order of rows within each partition.
    pub fn new(stage: StageId, schema: SchemaRef, exchange: Partitioning, ordering: Option<LexOrdering>) -> Self {
        let properties = properties(schema, exchange.clone(), ordering.clone());
        Self { stage, exchange, ordering, properties, reader: None, metrics: ExecutionPlanMetricsSet::new() }
    }

    /// The same leaf with the ranges of one task.
    pub fn bind(&self, source: ShuffleSource) -> Self {
        let ShuffleSource { storage, encoding, batch_rows, partitions, runs } = source;
        let declared = if partitions == self.exchange.partition_count() {
            self.exchange.clone()
        } else {
            Partitioning::UnknownPartitioning(partitions)
        };
        let reader = SegmentReader::new(storage, self.schema(), encoding, batch_rows, partitions, &runs);
        Self {
            properties: properties(self.schema(), declared, self.ordering.clone()),
            reader: Some(Arc::new(reader)),
            metrics: ExecutionPlanMetricsSet::new(),
            ..self.clone()
        }
    }

    /// The stage whose output this reads.
    pub fn stage(&self) -> StageId {
        self.stage
    }

    pub fn exchange(&self) -> &Partitioning {
        &self.exchange
    }

    pub fn ordering(&self) -> Option<&LexOrdering> {
        self.ordering.as_ref()
    }
}

fn properties(schema: SchemaRef, partitioning: Partitioning, ordering: Option<LexOrdering>) -> Arc<PlanProperties> {
    let equivalence = EquivalenceProperties::new_with_orderings(schema, ordering);
    let properties = PlanProperties::new(equivalence, partitioning, EmissionType::Incremental, Boundedness::Bounded)
        .with_scheduling_type(SchedulingType::Cooperative);
    Arc::new(properties)
}

impl DisplayAs for ShuffleReadExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ShuffleReadExec: stage={}, partitioning={}", self.stage, self.properties.partitioning)?;
        match &self.ordering {
            Some(ordering) => write!(f, ", ordering=[{ordering}]"),
            None => Ok(()),
        }
    }
}

impl ExecutionPlan for ShuffleReadExec {
    fn name(&self) -> &str {
        "ShuffleReadExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn replace_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(&self, partition: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let Some(reader) = &self.reader else {
            return internal_err!("ShuffleReadExec of stage {} was executed before it was bound to a task", self.stage);
        };
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let rows = reader
            .read(partition)
            .map_err(external)?
            .inspect_ok(move |batch| metrics.record_output(batch.num_rows()))
            .map_err(external);
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows.boxed())))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

fn external(error: firesteel_shuffle::ShuffleError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
