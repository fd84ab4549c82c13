//! From DataFusion's errors to a [`TaskError`]: its kind, Spark's class where there is one, and the whole chain of
//! causes as one line.

use std::collections::BTreeMap;
use std::error::Error;

use arrow::error::ArrowError;
use datafusion::common::DataFusionError;
use firesteel_protocol::{ErrorKind, TaskError, with_causes};
use firesteel_shuffle::ShuffleError;
use firesteel_spec::SparkError;
use firesteel_storage::StorageError;

/// What the coordinator is told about a failed task.
pub(crate) fn classify(error: &DataFusionError) -> TaskError {
    let root = error.find_root();
    if let Some(error) = spark_error(root) {
        return TaskError {
            kind: ErrorKind::UserFix,
            class: Some(error.class.clone()),
            parameters: error.parameters.clone(),
            message: error.message.clone(),
            lost_object: None,
        };
    }
    let (kind, class) = kind_and_class(root);
    let lost_object = match root {
        DataFusionError::External(inner) => {
            inner.downcast_ref::<ShuffleError>().and_then(ShuffleError::lost_object).map(str::to_owned)
        }
        _ => None,
    };
    let mut message = with_causes(error.strip_backtrace(), error);
    if kind == ErrorKind::Capacity {
        message.push_str(
            "; give the function more memory (firesteel.function.memory_mb) or each task less data \
             (firesteel.task.target_bytes)",
        );
    }
    TaskError { kind, class: class.map(str::to_owned), parameters: BTreeMap::new(), message, lost_object }
}

/// What one of Spark's functions says of its arguments, however it was carried here.
fn spark_error(error: &DataFusionError) -> Option<&SparkError> {
    let inner = match error {
        DataFusionError::External(inner) => inner,
        DataFusionError::ArrowError(error, _) => match error.as_ref() {
            ArrowError::ExternalError(inner) => inner,
            _ => return None,
        },
        _ => return None,
    };
    inner.downcast_ref::<SparkError>().or_else(|| match inner.downcast_ref::<DataFusionError>() {
        Some(error) => spark_error(error.find_root()),
        None => None,
    })
}

fn kind_and_class(error: &DataFusionError) -> (ErrorKind, Option<&'static str>) {
    match error {
        DataFusionError::ResourcesExhausted(_) => (ErrorKind::Capacity, None),
        DataFusionError::ObjectStore(error) => (firesteel_storage::classify(error), None),
        DataFusionError::ParquetError(_) => (ErrorKind::Data, None),
        DataFusionError::ArrowError(error, _) => arrow_kind(error),
        DataFusionError::IoError(_) => (ErrorKind::Retry, None),
        DataFusionError::NotImplemented(_) => (ErrorKind::UserFix, Some("UNSUPPORTED_FEATURE")),
        DataFusionError::Plan(_)
        | DataFusionError::SchemaError(..)
        | DataFusionError::Configuration(_)
        | DataFusionError::Execution(_) => (ErrorKind::UserFix, None),
        DataFusionError::External(error) => (external_kind(error.as_ref()), None),
        _ => (ErrorKind::Bug, None),
    }
}

fn arrow_kind(error: &ArrowError) -> (ErrorKind, Option<&'static str>) {
    match error {
        ArrowError::DivideByZero => (ErrorKind::UserFix, Some("DIVIDE_BY_ZERO")),
        ArrowError::ArithmeticOverflow(_) => (ErrorKind::UserFix, Some("ARITHMETIC_OVERFLOW")),
        ArrowError::CastError(_) => (ErrorKind::UserFix, Some("CAST_INVALID_INPUT")),
        ArrowError::MemoryError(_) => (ErrorKind::Capacity, None),
        ArrowError::ParseError(_)
        | ArrowError::ParquetError(_)
        | ArrowError::CsvError(_)
        | ArrowError::JsonError(_)
        | ArrowError::IpcError(_) => (ErrorKind::Data, None),
        ArrowError::IoError(..) => (ErrorKind::Retry, None),
        ArrowError::ExternalError(error) => (external_kind(error.as_ref()), None),
        ArrowError::ComputeError(_) | ArrowError::InvalidArgumentError(_) => (ErrorKind::UserFix, None),
        _ => (ErrorKind::Bug, None),
    }
}

/// The kind of an error that DataFusion only carries; it may be one of ours, or DataFusion's own inside another.
fn external_kind(error: &(dyn Error + Send + Sync + 'static)) -> ErrorKind {
    if let Some(error) = error.downcast_ref::<ShuffleError>() {
        error.kind()
    } else if let Some(error) = error.downcast_ref::<StorageError>() {
        error.kind()
    } else if let Some(error) = error.downcast_ref::<DataFusionError>() {
        kind_and_class(error.find_root()).0
    } else {
        ErrorKind::Bug
    }
}
