//! Why a job has no answer.

use arrow::error::ArrowError;
use datafusion::common::DataFusionError;
use firesteel_formats::CommitError;
use firesteel_protocol::{ErrorKind, StageId, TaskError, TaskId, WireError};
use firesteel_shuffle::ShuffleError;
use firesteel_storage::StorageError;

use crate::journal::{JobEnd, JournalError};
use crate::scheduler::StopReason;

#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// A task used up its attempts.
    #[error("task {task} failed{}", times(*attempts))]
    Task {
        task: TaskId,
        attempts: u32,
        #[source]
        source: TaskError,
    },
    #[error("slice stage {stage}: {}", source.strip_backtrace())]
    Slice { stage: StageId, source: DataFusionError },
    #[error("write {url} for the tasks of a stage")]
    Store {
        url: String,
        #[source]
        source: Box<StorageError>,
    },
    #[error("encode a task's envelope")]
    Envelope(#[source] WireError),
    #[error("read the answer")]
    Answer(#[source] Box<ShuffleError>),
    #[error("decode the answer")]
    Decode(#[source] ArrowError),
    #[error(transparent)]
    Stopped(StopReason),
    #[error("keep the job's journal")]
    Journal(#[source] JournalError),
    #[error("make the output visible")]
    Commit(#[source] CommitError),
    #[error("other writers commit to {table_url} all the time; try again")]
    Contended { table_url: String },
    #[error("read what the tasks have written: {}", .0.strip_backtrace())]
    Files(DataFusionError),
    #[error("the job at {job_url} has ended: {}", ended(end))]
    Ended { job_url: String, end: Box<JobEnd> },
    #[error("restore the job's stages: {}", .0.strip_backtrace())]
    Restore(DataFusionError),
    /// The job ended without saying how.
    #[error("the job stopped with tasks neither run nor running")]
    Stalled,
}

fn times(attempts: u32) -> String {
    if attempts == 1 { String::new() } else { format!(" {attempts} times") }
}

fn ended(end: &JobEnd) -> String {
    match end {
        JobEnd::Succeeded(_) => "it succeeded".to_owned(),
        JobEnd::Failed(error) => format!("it failed: {error}"),
        JobEnd::Cancelled => "it was cancelled".to_owned(),
    }
}

impl JobError {
    /// What to do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Task { source, .. } => source.kind,
            Self::Store { source, .. } => source.kind(),
            Self::Answer(source) => source.kind(),
            Self::Stopped(StopReason::Retries { .. }) | Self::Contended { .. } => ErrorKind::Retry,
            Self::Stopped(StopReason::Cancelled) | Self::Ended { .. } => ErrorKind::UserFix,
            Self::Stopped(StopReason::Deadline(_) | StopReason::Budget { .. }) => ErrorKind::Capacity,
            Self::Journal(error) => error.kind(),
            Self::Commit(CommitError::Store { source, .. }) => source.kind(),
            Self::Commit(CommitError::Corrupt { .. }) => ErrorKind::Data,
            Self::Files(_) => ErrorKind::Retry,
            Self::Slice { .. } | Self::Envelope(_) | Self::Decode(_) | Self::Restore(_) | Self::Stalled => {
                ErrorKind::Bug
            }
        }
    }
}
