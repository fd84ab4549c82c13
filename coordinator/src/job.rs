//! [`run_job`] and [`resume_job`]: a job from its start, or from where its journal ends, to its end.

use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use firesteel_invoke::FunctionInvoker;
use firesteel_planner::{StageGraph, StoredGraph};
use firesteel_protocol::{JobId, StageId, TaskError, TaskId};
use firesteel_storage::Storage;
use tokio::time::Instant;
use uuid::Uuid;

use crate::driver::Driver;
use crate::envelope::EnvelopeMaker;
use crate::job_spec::{JobSpec, StoredSchema, TableOutput};
use crate::journal::{JobEnd, JobState, Journal, JournalError, Record};
use crate::scheduler::JobPolicy;
use crate::summary::JobSummary;
use crate::work::{GraphWork, Work};
use crate::{Admission, Answer, JobError};

/// Where a job runs, and by what rules.
#[derive(Debug, Clone)]
pub struct JobOptions {
    pub job: JobId,
    /// The job's own folder, as a URL without a trailing slash.
    pub work_url: String,
    /// What the job does, for people.
    pub label: String,
    /// Memory of a function, which its price depends on.
    pub function_memory_mb: u32,
    /// An answer up to this size per task comes in the reply; base64 makes it a third longer there.
    pub answer_inline_bytes_max: u64,
    pub journal: JournalMode,
    /// What the job's files are committed to.
    pub output: Option<TableOutput>,
    pub control: JobControl,
}

/// How a job is driven, whoever drives it.
#[derive(Debug, Clone, Default)]
pub struct JobControl {
    pub policy: JobPolicy,
    /// The limit that the job shares with others; by itself it has all of the invoker's.
    pub admission: Option<Admission>,
    /// The job is stopped before it costs more.
    pub budget_usd: Option<f64>,
}

/// Whether a job can be resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JournalMode {
    /// For jobs of several stages or with an output table: of a single stage whose answer goes back to its caller there
    /// is nothing to go on from.
    #[default]
    Auto,
    Always,
    Never,
}

impl JobOptions {
    /// Options with the defaults: a quarter of a reply's limit is for rows.
    pub fn new(job: JobId, work_url: impl Into<String>, function_memory_mb: u32) -> Self {
        Self {
            job,
            work_url: work_url.into(),
            label: String::new(),
            function_memory_mb,
            answer_inline_bytes_max: 1024 * 1024,
            journal: JournalMode::default(),
            output: None,
            control: JobControl::default(),
        }
    }

    fn has_journal(&self, stages: usize) -> bool {
        match self.journal {
            JournalMode::Auto => stages > 1 || self.output.is_some(),
            JournalMode::Always => true,
            JournalMode::Never => false,
        }
    }
}

/// Progress of a job, for bars and logs.
#[derive(Debug, Clone)]
pub enum JobEvent {
    StageStarted {
        stage: StageId,
        tasks: u64,
    },
    TaskFinished {
        task: TaskId,
    },
    TaskFailed {
        task: TaskId,
        attempt: u32,
        error: TaskError,
    },
    StageFinished {
        stage: StageId,
    },
    /// Tasks that an earlier coordinator had done.
    Restored {
        stage: StageId,
        tasks: u64,
    },
}

/// A finished job.
#[derive(Debug)]
pub struct JobOutcome {
    pub answer: Answer,
    pub summary: JobSummary,
}

/// Runs all stages of `graph` and gives the answer of its last one, whose columns are `schema`.
///
/// # Errors
/// The first error that no retry mends; everything that runs is ended then.
pub async fn run_job(
    graph: Arc<StageGraph>,
    schema: SchemaRef,
    invoker: Arc<dyn FunctionInvoker>,
    storage: &Storage,
    options: JobOptions,
    on_event: impl FnMut(JobEvent) + Send,
) -> Result<JobOutcome, JobError> {
    let storage = storage.metered();
    let spec = match options.has_journal(graph.stages.len()) {
        false => None,
        true => Some(JobSpec {
            job: options.job.clone(),
            label: options.label.clone(),
            graph: StoredGraph::from(graph.as_ref()),
            schema: StoredSchema::of(&schema).map_err(JobError::Answer)?,
            function_memory_mb: options.function_memory_mb,
            answer_inline_bytes_max: options.answer_inline_bytes_max,
            output: options.output.clone(),
        }),
    };
    let work = Arc::new(GraphWork::new(graph, maker(&storage, &options)));
    run_work(work, schema, invoker, storage, options, spec, on_event).await
}

/// As [`run_job`], for any work; with a specification the job has a journal.
pub async fn run_work(
    work: Arc<dyn Work>,
    schema: SchemaRef,
    invoker: Arc<dyn FunctionInvoker>,
    storage: Storage,
    options: JobOptions,
    spec: Option<JobSpec>,
    on_event: impl FnMut(JobEvent) + Send,
) -> Result<JobOutcome, JobError> {
    let mut driver = Driver::new(work, invoker, storage.clone(), &options);
    if let Some(spec) = spec {
        let journal = Journal::new(storage, &options.work_url, options.job, owner());
        driver.begin_journal(journal, spec);
    }
    driver.run(schema, on_event).await
}

/// Goes on with a job whose coordinator is gone; where it is not, it is from now on (JOB-2). Of a job that has succeeded it
/// gives the answer again, as long as its folder is there: the coordinator may have died on the way to its caller.
///
/// # Errors
/// As [`run_job`]; and for a job that has ended, or that there is not.
pub async fn resume_job(
    job_url: &str,
    invoker: Arc<dyn FunctionInvoker>,
    storage: &Storage,
    control: JobControl,
    on_event: impl FnMut(JobEvent) + Send,
) -> Result<JobOutcome, JobError> {
    let storage = storage.metered();
    let known = crate::journal::state(&storage, job_url).await.map_err(JobError::Journal)?;
    if let Some(outcome) = succeeded(&known, &storage)? {
        return Ok(outcome);
    }
    let taken = take_over(job_url, &storage, control).await?;
    let graph = taken.spec.graph.clone().restore().map_err(JobError::Restore)?;
    let work = Arc::new(GraphWork::new(Arc::new(graph), maker(&storage, &taken.options)));
    resume_work(taken, work, invoker, storage, on_event).await
}

/// The outcome of a job that has succeeded.
fn succeeded(state: &JobState, storage: &Storage) -> Result<Option<JobOutcome>, JobError> {
    let (Some(JobEnd::Succeeded(summary)), Some(spec)) = (&state.end, &state.spec) else { return Ok(None) };
    let schema = spec.schema.schema().map_err(JobError::Answer)?;
    let last = state.stages.last_key_value().map(|(_, stage)| stage);
    let outputs = last.into_iter().flat_map(|stage| stage.accepted.values().map(|task| task.output.clone()));
    let answer = Answer::new(schema, outputs.collect(), storage.clone());
    Ok(Some(JobOutcome { answer, summary: summary.as_ref().clone() }))
}

/// A job that is this coordinator's now.
#[derive(Debug)]
pub struct TakenOver {
    spec: Box<JobSpec>,
    options: JobOptions,
    journal: Journal,
    state: JobState,
}

impl TakenOver {
    /// Counts the coordinators that the job has had, this one included.
    pub fn epoch(&self) -> u64 {
        self.journal.epoch()
    }
}

/// Takes a job from whoever has it.
pub async fn take_over(job_url: &str, storage: &Storage, control: JobControl) -> Result<TakenOver, JobError> {
    let known = crate::journal::state(storage, job_url).await.map_err(JobError::Journal)?;
    if let Some(end) = known.end {
        return Err(JobError::Ended { job_url: job_url.to_owned(), end: Box::new(end) });
    }
    let taken = Journal::take_over(storage.clone(), job_url, owner()).await;
    let (journal, state) = taken.map_err(JobError::Journal)?;
    let Some(spec) = state.spec.clone() else {
        return Err(JobError::Journal(JournalError::NoJob { url: job_url.to_owned() }));
    };
    let options = JobOptions {
        label: spec.label.clone(),
        answer_inline_bytes_max: spec.answer_inline_bytes_max,
        journal: JournalMode::Always,
        output: spec.output.clone(),
        control,
        ..JobOptions::new(spec.job.clone(), job_url, spec.function_memory_mb)
    };
    Ok(TakenOver { spec, options, journal, state })
}

/// As [`resume_job`], for any work.
pub async fn resume_work(
    taken: TakenOver,
    work: Arc<dyn Work>,
    invoker: Arc<dyn FunctionInvoker>,
    storage: Storage,
    on_event: impl FnMut(JobEvent) + Send,
) -> Result<JobOutcome, JobError> {
    let TakenOver { spec, options, journal, state } = taken;
    if let Some(end) = state.end {
        return Err(JobError::Ended { job_url: options.work_url, end: Box::new(end) });
    }
    let schema = spec.schema.schema().map_err(JobError::Answer)?;
    let mut driver = Driver::new(work, invoker, storage, &options);
    driver.restore(journal, state).await?;
    driver.run(schema, on_event).await
}

fn maker(storage: &Storage, options: &JobOptions) -> EnvelopeMaker {
    EnvelopeMaker {
        job: options.job.clone(),
        work_url: options.work_url.clone(),
        storage: storage.clone(),
        answer_inline_bytes_max: options.answer_inline_bytes_max,
    }
}

/// Ends a job: whoever runs it does so, and if nobody does so in time, this does.
pub async fn cancel_job(storage: &Storage, job_url: &str, patience: Duration) -> Result<(), JobError> {
    crate::journal::cancel(storage, job_url, &owner()).await.map_err(JobError::Journal)?;
    let asked = Instant::now();
    while asked.elapsed() < patience {
        if crate::journal::state(storage, job_url).await.map_err(JobError::Journal)?.end.is_some() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let (mut journal, state) =
        Journal::take_over(storage.clone(), job_url, owner()).await.map_err(JobError::Journal)?;
    if state.end.is_none() {
        let end = Record::Ended(JobEnd::Cancelled);
        journal.append(vec![end]).await.map_err(JobError::Journal)?;
    }
    Ok(())
}

/// Names this coordinator in journals.
fn owner() -> String {
    format!("process {} ({})", std::process::id(), Uuid::new_v4())
}

impl JobError {
    /// Whether the job goes on elsewhere, so that its folder is not this caller's to delete.
    pub fn is_elsewhere(&self) -> bool {
        matches!(self, Self::Journal(JournalError::Fenced { .. }))
    }
}

/// An error of the whole job as its journal keeps it.
pub(crate) fn as_task_error(error: &JobError) -> TaskError {
    match error {
        JobError::Task { source, .. } => source.clone(),
        other => TaskError::new(other.kind(), firesteel_protocol::error_chain(other)),
    }
}
