//! Why a query has no plan.

use datafusion::common::DataFusionError;
use firesteel_protocol::ErrorKind;
use firesteel_storage::StorageError;

#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error("setting {key}={value}: {reason}")]
    Setting { key: String, value: String, reason: String },
    #[error("table {table}: {reason}")]
    Table { table: String, reason: String },
    #[error("table {table}: read {url}")]
    TableRead {
        table: String,
        url: String,
        #[source]
        source: DataFusionError,
    },
    #[error("table {table}: {url}")]
    TableStorage {
        table: String,
        url: String,
        #[source]
        source: Box<StorageError>,
    },
    #[error("plan the query: {}", .0.strip_backtrace())]
    Query(DataFusionError),
    #[error("{0} can't run on functions yet")]
    Unsupported(String),
    #[error("cut the plan into stages: {}", .0.strip_backtrace())]
    Stages(DataFusionError),
}

impl PlanError {
    /// What to do about it: most often, the user changes the query.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Setting { .. } | Self::Table { .. } | Self::Query(_) | Self::Unsupported(_) => ErrorKind::UserFix,
            Self::TableStorage { source, .. } => source.kind(),
            Self::TableRead { source, .. } => match source.find_root() {
                DataFusionError::ObjectStore(error) => firesteel_storage::classify(error),
                DataFusionError::ParquetError(_) | DataFusionError::ArrowError(..) => ErrorKind::Data,
                DataFusionError::External(error) => {
                    error.downcast_ref::<StorageError>().map_or(ErrorKind::Bug, StorageError::kind)
                }
                _ => ErrorKind::Data,
            },
            Self::Stages(_) => ErrorKind::Bug,
        }
    }
}
