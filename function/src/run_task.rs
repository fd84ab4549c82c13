//! [`run_task`]: decode, bind, run, write, report.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::TaskContext;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::filter_pushdown::FilterPushdown;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionConfig;
use firesteel_operators::{ShuffleWriteExec, WriteRouting, decode_file_partition, decode_plan, task_config};
use firesteel_protocol::{
    Blob, ErrorKind, Inputs, LeafInput, TaskEnvelope, TaskError, TaskMetrics, TaskOutcome, TaskReport, WIRE_VERSION,
    WireError,
};
use firesteel_storage::Storage;
use uuid::Uuid;

use crate::FunctionContext;
use crate::bind::bind;
use crate::classify::classify;
use crate::memory::{PeakPool, task_runtime};
use crate::output::{Destination, Written, write_output};

/// GETs of a stored plan or list of inputs whose bytes are not what was written: they may change on their way.
const BLOB_TRIES_MAX: u32 = 3;
/// Time that a task keeps for its report before the sandbox would be ended.
const DEADLINE_MARGIN: Duration = Duration::from_millis(500);

/// Runs the task of an encoded [`TaskEnvelope`] and answers an encoded [`TaskReport`]: also a failed task reports.
///
/// It gives up `DEADLINE_MARGIN` before `deadline`, so that the coordinator hears why.
///
/// # Errors
/// Only for bytes that are no envelope of this version: then there is no task to report on.
pub async fn run_task(
    context: &FunctionContext,
    payload: &[u8],
    deadline: Option<SystemTime>,
) -> Result<Vec<u8>, WireError> {
    let envelope = TaskEnvelope::decode(payload)?;
    let init_ms = context.take_init().map(|init| init.as_millis() as u64);
    let began = Instant::now();
    let cpu_began = cpu_time();
    let storage = context.storage.metered();
    let mut metrics = TaskMetrics { init_ms, ..TaskMetrics::default() };
    let work = attempt(context, &envelope, &storage, &mut metrics);
    let outcome = match time_left(deadline) {
        None => work.await,
        Some(left) => tokio::time::timeout(left, work).await.unwrap_or_else(|_| Err(deadline_error(left))),
    };
    let usage = storage.usage();
    metrics.requests = usage.requests;
    metrics.bytes_in = usage.bytes_in;
    metrics.bytes_out = usage.bytes_out;
    metrics.wall_ms = began.elapsed().as_millis() as u64;
    metrics.cpu_ms = cpu_time().saturating_sub(cpu_began).as_millis() as u64;
    let report = TaskReport {
        version: WIRE_VERSION,
        job: envelope.job,
        task: envelope.task,
        attempt: envelope.attempt,
        outcome: outcome.unwrap_or_else(TaskOutcome::Failed),
        metrics,
    };
    report.encode()
}

fn time_left(deadline: Option<SystemTime>) -> Option<Duration> {
    deadline.map(|deadline| {
        let left = deadline.duration_since(SystemTime::now()).unwrap_or_default();
        left.saturating_sub(DEADLINE_MARGIN)
    })
}

fn deadline_error(left: Duration) -> TaskError {
    let message = format!(
        "task had not ended after {} s, when the function's timeout was near; give each task less data \
         (firesteel.task.target_bytes) or the function more time",
        left.as_secs()
    );
    TaskError::new(ErrorKind::Capacity, message)
}

async fn attempt(
    context: &FunctionContext,
    envelope: &TaskEnvelope,
    storage: &Storage,
    metrics: &mut TaskMetrics,
) -> Result<TaskOutcome, TaskError> {
    let mut files = None;
    let run = async {
        let plan = plan_bytes(context, &envelope.plan, storage).await?;
        let inputs = read_inputs(&envelope.inputs, storage).await?;
        files = name_files(&inputs);
        let (runtime, pool) = task_runtime(storage, &context.options, context.caches())?;
        let settings: HashMap<String, String> = envelope.settings.clone().into_iter().collect();
        let config = task_config(SessionConfig::from_string_hash_map(&settings)?, envelope.task.index);
        let id = format!("{}-{}", envelope.job, envelope.task);
        let task_context = Arc::new(context.task_context(id, config, runtime));
        let (plan, routing) = prepare(&plan, inputs, &task_context, storage)?;
        let destination = Destination {
            storage,
            spec: &envelope.output,
            // A call may be delivered twice, and both write: the report says which object is whose.
            url: format!("{}-{}.segments", envelope.attempt_url(), Uuid::new_v4().simple()),
            options: &context.options,
        };
        let written = write_output(&plan, routing, &task_context, destination).await;
        fill_metrics(metrics, &plan, &pool, written.as_ref().ok());
        Ok(TaskOutcome::Done(written?.output))
    };
    let outcome = run.await.map_err(|error: DataFusionError| classify(&error));
    outcome.map_err(|mut error| {
        // A decoder doesn't know what file its bytes are from.
        if let (ErrorKind::Data, Some(files)) = (error.kind, files) {
            error.message.push_str(&format!("; the task reads {files}"));
        }
        error
    })
}

/// The table files of a task, for an error's text.
fn name_files(inputs: &[LeafInput]) -> Option<String> {
    let partitions = inputs.iter().flat_map(|input| match input {
        LeafInput::Files(partitions) => partitions.as_slice(),
        LeafInput::Shuffle { .. } | LeafInput::Literal => &[],
    });
    let groups = partitions.filter_map(|partition| decode_file_partition(&partition.encoded).ok());
    let mut paths: Vec<String> =
        groups.flat_map(|group| group.files().iter().map(|file| file.path().to_string()).collect::<Vec<_>>()).collect();
    paths.dedup();
    let first = paths.first()?;
    Some(if paths.len() == 1 { first.clone() } else { format!("{first} and {} more", paths.len() - 1) })
}

/// Decodes the stage's plan, binds it to this task, and connects its dynamic filters: only here, so that none crosses
/// a stage or is pushed down twice.
fn prepare(
    plan: &[u8],
    inputs: Vec<LeafInput>,
    context: &TaskContext,
    storage: &Storage,
) -> Result<(Arc<dyn ExecutionPlan>, WriteRouting)> {
    let plan = decode_plan(plan, context)?;
    let (plan, routing) = match plan.downcast_ref::<ShuffleWriteExec>() {
        Some(write) => (Arc::clone(write.input()), write.routing().clone()),
        // The rows of the query's answer keep the partition, and so the order, that they come in.
        None => (plan, WriteRouting::Runs),
    };
    let config = context.session_config();
    let plan = bind(plan, inputs, storage, config.batch_size())?;
    let plan = FilterPushdown::new_post_optimization().optimize(plan, config.options())?;
    Ok((plan, routing))
}

async fn plan_bytes(context: &FunctionContext, plan: &Blob, storage: &Storage) -> Result<Bytes> {
    match plan {
        Blob::Inline(bytes) => Ok(bytes.clone().into()),
        Blob::Stored { url, .. } => {
            if let Some(cached) = context.cached_plan(url) {
                return Ok(cached);
            }
            let bytes = read_blob(plan, storage).await?;
            context.cache_plan(url, bytes.clone());
            Ok(bytes)
        }
    }
}

async fn read_inputs(inputs: &Inputs, storage: &Storage) -> Result<Vec<LeafInput>> {
    match inputs {
        Inputs::Inline(inputs) => Ok(inputs.clone()),
        Inputs::Stored(blob) => {
            let bytes = read_blob(blob, storage).await?;
            serde_json::from_slice(&bytes).map_err(|error| DataFusionError::Internal(format!("task inputs: {error}")))
        }
    }
}

async fn read_blob(blob: &Blob, storage: &Storage) -> Result<Bytes> {
    match blob {
        Blob::Inline(bytes) => Ok(bytes.clone().into()),
        Blob::Stored { url, bytes, crc64 } => {
            for _ in 0..BLOB_TRIES_MAX {
                let content = storage.get(url).await.map_err(|error| DataFusionError::External(Box::new(error)))?;
                if content.len() as u64 == *bytes && firesteel_storage::crc64(&content) == *crc64 {
                    return Ok(content);
                }
            }
            internal_err!("{url} is not what the coordinator wrote")
        }
    }
}

fn fill_metrics(metrics: &mut TaskMetrics, plan: &Arc<dyn ExecutionPlan>, pool: &PeakPool, written: Option<&Written>) {
    metrics.memory_bytes_peak = pool.peak_bytes() as u64;
    add_plan_metrics(metrics, plan);
    if let Some(written) = written {
        metrics.rows_out = written.rows;
        metrics.spill_bytes += written.spill_bytes;
    }
}

/// Adds the rows that the plan's leaves gave and the bytes that its operators spilled.
fn add_plan_metrics(metrics: &mut TaskMetrics, plan: &Arc<dyn ExecutionPlan>) {
    let children = plan.children();
    if let Some(set) = plan.metrics() {
        metrics.spill_bytes += set.spilled_bytes().unwrap_or(0) as u64;
        if children.is_empty() {
            metrics.rows_in += set.output_rows().unwrap_or(0) as u64;
        }
    }
    for child in children {
        add_plan_metrics(metrics, child);
    }
}

/// CPU time of this process so far.
fn cpu_time() -> Duration {
    cpu_time::ProcessTime::try_now().map(|now| now.as_duration()).unwrap_or_default()
}
