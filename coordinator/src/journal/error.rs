//! [`JournalError`]: why a job's journal can't be read or written.

use firesteel_protocol::ErrorKind;
use firesteel_storage::StorageError;

#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("there is no job at {url}; `firesteel jobs` lists those that there are")]
    NoJob { url: String },
    /// Another coordinator has the job.
    #[error("the job is run by {owner} now (epoch {epoch})")]
    Fenced { owner: String, epoch: u64 },
    #[error("read the journal entry {url}: {reason}")]
    Corrupt { url: String, reason: String },
    #[error(
        "read the journal entry {url}: version {found}, which this build does not know; use the build that wrote it"
    )]
    Version { url: String, found: u32 },
    #[error("encode a journal entry")]
    Encode(#[source] serde_json::Error),
    #[error("the journal can't be reached")]
    Store(#[source] Box<StorageError>),
}

impl JournalError {
    /// What to do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NoJob { .. } | Self::Version { .. } => ErrorKind::UserFix,
            Self::Fenced { .. } => ErrorKind::Retry,
            Self::Corrupt { .. } => ErrorKind::Data,
            Self::Encode(_) => ErrorKind::Bug,
            Self::Store(source) => source.kind(),
        }
    }
}
