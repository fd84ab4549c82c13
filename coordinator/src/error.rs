//! Why a job has no answer.

use arrow::error::ArrowError;
use datafusion::common::DataFusionError;
use firesteel_protocol::{ErrorKind, StageId, TaskError, TaskId, WireError};
use firesteel_shuffle::ShuffleError;
use firesteel_storage::StorageError;

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
    /// The job ended without saying how.
    #[error("the job stopped with tasks neither run nor running")]
    Stalled,
}

fn times(attempts: u32) -> String {
    if attempts == 1 { String::new() } else { format!(" {attempts} times") }
}

impl JobError {
    /// What to do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Task { source, .. } => source.kind,
            Self::Store { source, .. } => source.kind(),
            Self::Answer(source) => source.kind(),
            Self::Slice { .. } | Self::Envelope(_) | Self::Decode(_) | Self::Stalled => ErrorKind::Bug,
        }
    }
}
