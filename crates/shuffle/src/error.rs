//! What can go wrong between a producer's rows and a consumer's.

use arrow::error::ArrowError;
use firesteel_protocol::ErrorKind;
use firesteel_storage::StorageError;
use parquet::errors::ParquetError;

#[derive(Debug, thiserror::Error)]
pub enum ShuffleError {
    /// The bytes at the address are not those that the producer reported (SHUFFLE-7).
    #[error("shuffle segment {url} at {offset}+{bytes} is not what its producer wrote: {what}")]
    Corrupt { url: String, offset: u64, bytes: u64, what: String },
    /// The object could not be read whole.
    #[error("read shuffle object {url}")]
    Read {
        url: String,
        #[source]
        source: StorageError,
    },
    #[error("write shuffle object {url}")]
    Write {
        url: String,
        #[source]
        source: StorageError,
    },
    #[error("encode shuffle segment as Parquet")]
    EncodeParquet(#[source] ParquetError),
    #[error("encode shuffle segment as Arrow IPC")]
    EncodeIpc(#[source] ArrowError),
    #[error("shuffle partition {partition} of a task was read a second time")]
    ReadTwice { partition: usize },
    #[error("spill shuffle segments to the temp folder; it may be full: raise the function's ephemeral storage")]
    Spill(#[source] std::io::Error),
}

impl ShuffleError {
    /// What the scheduler should do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Corrupt { .. } => ErrorKind::Retry,
            // A shuffle object is the job's own: when it is gone or too short, its producer has to run again.
            Self::Read { source, .. } => match source.kind() {
                ErrorKind::UserFix | ErrorKind::Data => ErrorKind::Retry,
                kind => kind,
            },
            Self::Write { source, .. } => source.kind(),
            Self::EncodeParquet(_) | Self::EncodeIpc(_) | Self::ReadTwice { .. } => ErrorKind::Bug,
            Self::Spill(_) => ErrorKind::Capacity,
        }
    }

    /// The object whose producer has to run again, if that is the remedy.
    pub fn lost_object(&self) -> Option<&str> {
        match self {
            Self::Corrupt { url, .. } => Some(url),
            Self::Read { url, source } if !matches!(source.kind(), ErrorKind::Retry | ErrorKind::Throttled) => {
                Some(url)
            }
            _ => None,
        }
    }
}
