//! [`FileWriteExec`]: the root of a plan whose rows go to files. Its own rows name the files that it wrote; they are where
//! no reader looks until the driver commits them (JOB-4).

use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{
    Boundedness, ChildrenPropertiesMode, EmissionType, ReplaceChildrenOptions,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties, SendableRecordBatchStream,
};
use firesteel_formats::{PartitionedSink, SinkSpec, WrittenFile, written_batch, written_schema};
use firesteel_storage::Storage;
use futures::{StreamExt, stream};

#[derive(Debug, Clone)]
pub struct FileWriteExec {
    input: Arc<dyn ExecutionPlan>,
    spec: SinkSpec,
    properties: Arc<PlanProperties>,
    /// None on the driver.
    storage: Option<Storage>,
}

impl FileWriteExec {
    pub fn new(input: Arc<dyn ExecutionPlan>, spec: SinkSpec) -> Self {
        let partitions = input.output_partitioning().partition_count();
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(written_schema()),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Final,
            Boundedness::Bounded,
        ));
        Self { input, spec, properties, storage: None }
    }

    pub fn input(&self) -> &Arc<dyn ExecutionPlan> {
        &self.input
    }

    pub fn spec(&self) -> &SinkSpec {
        &self.spec
    }

    /// The same in a task.
    pub fn bind(&self, storage: Storage) -> Self {
        Self { storage: Some(storage), ..self.clone() }
    }
}

impl DisplayAs for FileWriteExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileWriteExec: columns=[{}]", self.spec.columns.join(", "))?;
        match self.spec.partition_columns {
            0 => Ok(()),
            partitions => {
                let by = &self.spec.columns[self.spec.columns.len().saturating_sub(partitions)..];
                write!(f, ", partition_by=[{}]", by.join(", "))
            }
        }
    }
}

impl ExecutionPlan for FileWriteExec {
    fn name(&self) -> &str {
        "FileWriteExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let storage = self.storage.clone();
        Ok(Arc::new(Self { storage, ..Self::new(children.swap_remove(0), self.spec.clone()) }))
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

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let Some(storage) = self.storage.clone() else {
            return internal_err!("FileWriteExec is not bound to a task");
        };
        let sink = PartitionedSink::new(storage, self.spec.clone());
        let batches = self.input.execute(partition, Arc::clone(&context))?;
        let written = write_all(batches, sink, partition, context);
        let answer = stream::once(async move { written_batch(&written.await?) });
        Ok(Box::pin(RecordBatchStreamAdapter::new(written_schema(), answer)))
    }
}

/// What the sink holds back is reserved in the task's pool; when the pool has no more, row groups end early.
async fn write_all(
    mut batches: SendableRecordBatchStream,
    mut sink: PartitionedSink,
    partition: usize,
    context: Arc<TaskContext>,
) -> Result<Vec<WrittenFile>> {
    let reservation = MemoryConsumer::new(format!("file write of partition {partition}"))
        .with_can_spill(true)
        .register(context.memory_pool());
    while let Some(batch) = batches.next().await {
        sink.write(&batch?).await?;
        if reservation.try_resize(sink.memory_bytes()).is_err() {
            sink.flush().await?;
            reservation.resize(sink.memory_bytes());
        }
    }
    sink.finish().await
}
