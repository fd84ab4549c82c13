//! Errors of the rooms below as Spark's.

use datafusion::common::DataFusionError;
use firesteel_coordinator::JobError;
use firesteel_planner::PlanError;
use firesteel_protocol::{ErrorKind, TaskError, error_chain};
use firesteel_spec::SparkError;
use firesteel_storage::StorageError;

pub(crate) fn from_plan(error: PlanError) -> SparkError {
    match &error {
        PlanError::Unsupported(what) => SparkError::unsupported(what),
        PlanError::Query(inner) | PlanError::Stages(inner) => from_datafusion(inner),
        _ => with_class(error.kind(), error_chain(&error)),
    }
}

pub(crate) fn from_job(error: JobError) -> SparkError {
    match error {
        JobError::Task { source, .. } => from_task(source),
        JobError::Slice { source, .. } => from_datafusion(&source),
        other => with_class(other.kind(), error_chain(&other)),
    }
}

pub(crate) fn from_storage(error: &StorageError) -> SparkError {
    with_class(error.kind(), error_chain(error))
}

fn from_task(error: TaskError) -> SparkError {
    let Some(class) = error.class else { return with_class(error.kind, error.message) };
    SparkError { class, message: error.message, parameters: error.parameters, context: None }
}

fn from_datafusion(error: &DataFusionError) -> SparkError {
    let root = error.find_root();
    if let DataFusionError::External(inner) = root
        && let Some(error) = inner.downcast_ref::<SparkError>()
    {
        return error.clone();
    }
    match root {
        DataFusionError::NotImplemented(what) => SparkError::unsupported(what),
        root => SparkError::internal(root.strip_backtrace()),
    }
}

/// A class of Spark's for an error that has only a kind.
fn with_class(kind: ErrorKind, message: String) -> SparkError {
    match kind {
        ErrorKind::UserFix => SparkError::new("UNCLASSIFIED_ERROR", message),
        ErrorKind::Data => SparkError::new("FAILED_READ_FILE.NO_HINT", message),
        ErrorKind::Capacity => SparkError::new("UNABLE_TO_ACQUIRE_MEMORY", message),
        ErrorKind::Retry | ErrorKind::Throttled => SparkError::new("UNCLASSIFIED_ERROR", message),
        ErrorKind::Bug => SparkError::internal(message),
    }
}
