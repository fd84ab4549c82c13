//! [`PythonMapExec`]: `mapInPandas` and `mapInArrow`. One task of a worker a partition: the function gets the partition's
//! batches as they come, and gives batches when it likes.

use std::fmt;
use std::io::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StructArray};
use arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{
    Boundedness, ChildrenPropertiesMode, EmissionType, ReplaceChildrenOptions,
};
use datafusion::physical_plan::stream::{RecordBatchReceiverStream, RecordBatchStreamAdapter};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties, SendableRecordBatchStream,
};
use futures::StreamExt;
use tokio::sync::mpsc;

use crate::PythonCall;
use crate::exchange::{Running, as_type, exchange, rows, stopped};
use crate::request::{wrapped_schema, write_batches};
use crate::udf::{input_batch, input_schema};

/// Batches that wait on either side of a worker.
const QUEUE_BATCHES: usize = 2;

#[derive(Debug)]
pub struct PythonMapExec {
    input: Arc<dyn ExecutionPlan>,
    call: Arc<PythonCall>,
    properties: Arc<PlanProperties>,
}

impl PythonMapExec {
    /// The batches of `schema` have the columns that the function gives, in order.
    pub fn new(input: Arc<dyn ExecutionPlan>, call: PythonCall, schema: SchemaRef) -> Self {
        let partitions = input.output_partitioning().partition_count();
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        ));
        Self { input, call: Arc::new(call), properties }
    }

    pub fn call(&self) -> &PythonCall {
        &self.call
    }
}

impl DisplayAs for PythonMapExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PythonMapExec: {}", self.call.name)
    }
}

impl ExecutionPlan for PythonMapExec {
    fn name(&self) -> &str {
        "PythonMapExec"
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
        Ok(Arc::new(Self::new(children.swap_remove(0), self.call.as_ref().clone(), self.schema())))
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
        let mut input = self.input.execute(partition, context)?;
        let (sender, receiver) = mpsc::channel(QUEUE_BATCHES);
        let mut builder = RecordBatchReceiverStream::builder(self.schema(), QUEUE_BATCHES);
        builder.spawn(async move {
            while let Some(batch) = input.next().await {
                // A function may take no more than it wants.
                if sender.send(batch).await.is_err() {
                    break;
                }
            }
            Ok(())
        });
        let (output, schema, call) = (builder.tx(), self.schema(), Arc::clone(&self.call));
        let running = Running::default();
        let started = running.clone();
        builder.spawn_blocking(move || {
            let mut take = |batch: RecordBatch| {
                let batch = output_batch(&batch, &call, &schema)?;
                output.blocking_send(Ok(batch)).map_err(|_| stopped())
            };
            exchange(&call, |out| write_input(out, &call, receiver), &started, &mut take)
        });
        let stream = builder.build();
        let schema = self.schema();
        // Dropping the stream ends the worker, which may be in the middle of the user's code (TASK-5).
        let guard = Ending(running);
        let stream = stream.inspect(move |_| {
            let _ = &guard;
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, stream)))
    }
}

struct Ending(Running);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// A partition's batches as one stream of structs.
fn write_input(out: &mut dyn Write, call: &PythonCall, mut batches: mpsc::Receiver<Result<RecordBatch>>) -> Result<()> {
    let fields = call.input_fields(0)?;
    let schema = wrapped_schema(&input_schema(&fields));
    let mut failed = None;
    let wrapped = std::iter::from_fn(|| match batches.blocking_recv()? {
        Ok(batch) => {
            Some(input_batch(&fields, batch.columns(), batch.num_rows()).map_err(Into::into).and_then(|batch| {
                let rows: ArrayRef = Arc::new(StructArray::from(batch));
                RecordBatch::try_new(Arc::clone(&schema), vec![rows])
            }))
        }
        Err(error) => {
            failed = Some(error);
            None
        }
    });
    write_batches(out, &schema, wrapped)?;
    failed.map_or(Ok(()), Err)
}

fn output_batch(batch: &RecordBatch, call: &PythonCall, schema: &SchemaRef) -> Result<RecordBatch> {
    let rows = rows(batch, &call.output_fields()?)?;
    let columns = rows
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| as_type(column, field.data_type()))
        .collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}
