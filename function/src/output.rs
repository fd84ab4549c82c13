//! Runs a task's partitions and writes their rows: to the one shuffle object of the attempt, or into the answer.

use std::sync::Arc;

use datafusion::common::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::Time;
use datafusion::physical_plan::repartition::BatchPartitioner;
use firesteel_operators::WriteRouting;
use firesteel_protocol::{OutputSpec, SegmentEncoding, TaskOutput};
use firesteel_shuffle::{PartitionedWriter, ShuffleError, ShuffleObject, WriterOptions};
use firesteel_storage::Storage;
use futures::StreamExt;
use tokio::task::JoinSet;

use crate::FunctionOptions;

/// Encoded bytes of a segment: one GET brings a few.
const SEGMENT_BYTES: usize = 8 * 1024 * 1024;
/// A merge holds segments of all its runs at once, so those of a run are small.
const RUN_SEGMENT_BYTES: usize = 2 * 1024 * 1024;

/// Where and how a task writes.
pub(crate) struct Destination<'a> {
    pub storage: &'a Storage,
    pub spec: &'a OutputSpec,
    /// Key of the object, unique to the attempt (SHUFFLE-3).
    pub url: String,
    pub options: &'a FunctionOptions,
}

/// What a task wrote, with the rows and the bytes that went through the temp folder.
pub(crate) struct Written {
    pub output: TaskOutput,
    pub rows: u64,
    pub spill_bytes: u64,
}

/// Polls all partitions of `plan` concurrently to their ends, since a join below may wait for each of them, and writes
/// their rows by `routing`. The first error ends all.
pub(crate) async fn write_output(
    plan: &Arc<dyn ExecutionPlan>,
    routing: WriteRouting,
    context: &Arc<TaskContext>,
    destination: Destination<'_>,
) -> Result<Written> {
    let inputs = plan.properties().partitioning.partition_count();
    let (encoding, segment_bytes) = match (destination.spec, &routing) {
        (OutputSpec::Shuffle { encoding }, WriteRouting::Runs) => (*encoding, RUN_SEGMENT_BYTES),
        (OutputSpec::Shuffle { encoding }, _) => (*encoding, SEGMENT_BYTES),
        (OutputSpec::Result { .. }, _) => (SegmentEncoding::IpcLz4, SEGMENT_BYTES),
    };
    let partitions = match &routing {
        WriteRouting::Hash { partitions, .. } => *partitions,
        WriteRouting::Gather => 1,
        WriteRouting::Runs => inputs,
    };
    let writer_options = WriterOptions { encoding, segment_bytes, spill_dir: destination.options.temp_dir.clone() };
    let mut running = JoinSet::new();
    for input in 0..inputs {
        let writer = PartitionedWriter::new(plan.schema(), partitions, writer_options.clone());
        let drain = drain(Arc::clone(plan), input, routing.clone(), Arc::clone(context), writer);
        running.spawn(async move { drain.await.map(|drained| (input, drained)) });
    }
    let mut drained = Vec::with_capacity(inputs);
    while let Some(finished) = running.join_next().await {
        drained.push(finished.map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))??);
    }
    drained.sort_unstable_by_key(|(input, _)| *input);

    let rows = drained.iter().map(|(_, drained)| drained.rows).sum();
    let spill_bytes = drained.iter().map(|(_, drained)| drained.writer.spilled_bytes()).sum();
    let writers = drained.into_iter().map(|(_, drained)| drained.writer).collect();
    let object = ShuffleObject::merge(writers).map_err(external)?;
    let segments = object.segments().to_vec();
    let output = match destination.spec {
        _ if segments.is_empty() => TaskOutput::default(),
        OutputSpec::Result { inline_bytes_max } if object.bytes() <= *inline_bytes_max => {
            TaskOutput { url: None, segments, inline: Some(object.into_bytes().map_err(external)?) }
        }
        _ => {
            object.put(destination.storage, &destination.url).await.map_err(external)?;
            TaskOutput { url: Some(destination.url), segments, inline: None }
        }
    };
    Ok(Written { output, rows, spill_bytes })
}

struct Drained {
    writer: PartitionedWriter,
    rows: u64,
}

/// Runs one partition to its end. What the writer holds is reserved in the task's pool; when the pool has no more, the
/// writer spills.
async fn drain(
    plan: Arc<dyn ExecutionPlan>,
    input: usize,
    routing: WriteRouting,
    context: Arc<TaskContext>,
    mut writer: PartitionedWriter,
) -> Result<Drained> {
    let reservation = MemoryConsumer::new(format!("shuffle write of partition {input}"))
        .with_can_spill(true)
        .register(context.memory_pool());
    let mut partitioner = match &routing {
        WriteRouting::Hash { exprs, partitions } => {
            Some(BatchPartitioner::new_hash_partitioner(exprs.clone(), *partitions, Time::new())?)
        }
        WriteRouting::Gather | WriteRouting::Runs => None,
    };
    let mut batches = plan.execute(input, context)?;
    let mut rows = 0;
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        rows += batch.num_rows() as u64;
        match (&routing, &mut partitioner) {
            (WriteRouting::Hash { .. }, Some(partitioner)) => {
                partitioner.partition(batch, |partition, batch| writer.push(partition, batch).map_err(external))?
            }
            (WriteRouting::Runs, _) => writer.push(input, batch).map_err(external)?,
            (WriteRouting::Gather | WriteRouting::Hash { .. }, _) => writer.push(0, batch).map_err(external)?,
        }
        if reservation.try_resize(writer.memory_bytes()).is_err() {
            writer.spill().map_err(external)?;
            reservation.resize(writer.memory_bytes());
        }
    }
    Ok(Drained { writer, rows })
}

fn external(error: ShuffleError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
