//! [`StorageError`], and what an [`object_store::Error`] asks of the scheduler.

use std::error::Error as StdError;
use std::io;
use std::ops::Range;

use firesteel_protocol::ErrorKind;
use object_store::client::{HttpError, HttpErrorKind};

/// What went wrong with an object, named by its URL.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    #[error("`{url}` is not a URL; write s3://bucket/key, file:///path or memory:///key")]
    NotAUrl {
        url: String,
        #[source]
        source: url::ParseError,
    },
    #[error("`{url}` names no object: {reason}")]
    InvalidUrl { url: String, reason: &'static str },
    #[error("`{url}` has a key that can't be addressed")]
    InvalidKey {
        url: String,
        #[source]
        source: object_store::path::Error,
    },
    #[error("`{url}`: storage `{scheme}` is not supported; use s3, file or memory")]
    UnsupportedScheme { url: String, scheme: String },
    #[error("`{path}` can't be made an absolute path")]
    LocalPath {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("set up the client for {url}; check the AWS_… variables")]
    Configure {
        url: String,
        #[source]
        source: Box<object_store::Error>,
    },
    #[error("{action} {url}: no such object; check the path")]
    NotFound {
        action: &'static str,
        url: String,
        #[source]
        source: Box<object_store::Error>,
    },
    #[error("{action} {url}: not permitted; check the credentials and the bucket's policy")]
    Denied {
        action: &'static str,
        url: String,
        #[source]
        source: Box<object_store::Error>,
    },
    #[error(
        "{action} {url}: no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, as \
         `aws configure export-credentials --format env` prints them"
    )]
    NoCredentials {
        action: &'static str,
        url: String,
        #[source]
        source: Box<object_store::Error>,
    },
    #[error("{action} {url}: the bucket is in region {region}; set AWS_REGION={region}")]
    WrongRegion {
        action: &'static str,
        url: String,
        region: String,
        #[source]
        source: Box<object_store::Error>,
    },
    #[error("{action} {url}: the store can't be reached")]
    Unreachable {
        action: &'static str,
        url: String,
        #[source]
        source: Box<object_store::Error>,
    },
    #[error("read {url}: bytes {}..{} were asked for, and {found}", .range.start, .range.end)]
    Truncated { url: String, range: Range<u64>, found: Shortfall },
    #[error("write {url}: {bytes} bytes are more than one object may have; write smaller objects")]
    TooLarge { url: String, bytes: u64 },
    #[error("write {url}: the writer was used on after a failed write")]
    WriterFailed { url: String },
    #[error("{action} {url}")]
    Store {
        action: &'static str,
        url: String,
        #[source]
        source: Box<object_store::Error>,
    },
}

/// What there was instead of a whole range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Shortfall {
    #[error("the object has {0}")]
    ObjectBytes(u64),
    #[error("{0} came")]
    BodyBytes(u64),
}

/// A range that is not there in full, inside an [`object_store::Error::Generic`].
#[derive(Debug, thiserror::Error)]
#[error("bytes {}..{} were asked for, and {found}", .range.start, .range.end)]
pub(crate) struct ShortRange {
    pub range: Range<u64>,
    pub found: Shortfall,
}

/// A status that object_store makes nothing of, inside an [`HttpError`]: it keeps statuses to itself.
#[derive(Debug, thiserror::Error)]
#[error("status {status}: {body}")]
pub(crate) struct FinalStatus {
    pub status: u16,
    pub is_transient: bool,
    /// Where the bucket is, as S3 says when it is asked in the wrong region.
    pub region: Option<String>,
    pub body: String,
}

/// The last resort has failed: most machines have no role.
#[derive(Debug, thiserror::Error)]
#[error("no credentials in the options or the environment, and no role of this machine")]
pub(crate) struct NoCredentials {
    #[source]
    pub source: object_store::Error,
}

impl StorageError {
    /// What the scheduler does about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotAUrl { .. }
            | Self::InvalidUrl { .. }
            | Self::InvalidKey { .. }
            | Self::UnsupportedScheme { .. }
            | Self::LocalPath { .. }
            | Self::Configure { .. }
            | Self::NotFound { .. }
            | Self::Denied { .. }
            | Self::NoCredentials { .. }
            | Self::WrongRegion { .. } => ErrorKind::UserFix,
            Self::Unreachable { .. } => ErrorKind::Retry,
            Self::Truncated { .. } => ErrorKind::Data,
            Self::TooLarge { .. } => ErrorKind::Capacity,
            Self::WriterFailed { .. } => ErrorKind::Bug,
            Self::Store { source, .. } => classify(source),
        }
    }

    /// Names the object and the act, and picks the variant that says what to do.
    pub(crate) fn new(action: &'static str, url: &str, source: object_store::Error) -> Self {
        use object_store::Error;
        let url = url.to_owned();
        if let Some(short) = cause::<ShortRange>(&source) {
            return Self::Truncated { url, range: short.range.clone(), found: short.found };
        }
        if let Some(region) = cause::<FinalStatus>(&source).and_then(|status| status.region.clone()) {
            return Self::WrongRegion { action, url, region, source: Box::new(source) };
        }
        let source = Box::new(source);
        match *source {
            Error::NotFound { .. } => Self::NotFound { action, url, source },
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => Self::Denied { action, url, source },
            _ if cause::<NoCredentials>(&source).is_some() => Self::NoCredentials { action, url, source },
            _ if is_denied_locally(&source) => Self::Denied { action, url, source },
            _ if is_unreachable(&source) => Self::Unreachable { action, url, source },
            _ => Self::Store { action, url, source },
        }
    }
}

/// What an object_store error asks of the scheduler, for those who find one inside another error.
pub fn classify(error: &object_store::Error) -> ErrorKind {
    use object_store::Error;
    match error {
        Error::NotFound { .. }
        | Error::AlreadyExists { .. }
        | Error::PermissionDenied { .. }
        | Error::Unauthenticated { .. }
        | Error::InvalidPath { .. }
        | Error::UnknownConfigurationKey { .. } => ErrorKind::UserFix,
        // Another writer was faster, or the object was replaced while it was read: the next attempt sees the new one.
        Error::Precondition { .. } => ErrorKind::Retry,
        Error::JoinError { source } if source.is_cancelled() => ErrorKind::Retry,
        Error::Generic { store, .. } => classify_generic(store, error),
        _ => ErrorKind::Bug,
    }
}

fn classify_generic(store: &str, error: &object_store::Error) -> ErrorKind {
    if cause::<ShortRange>(error).is_some() {
        return ErrorKind::Data;
    }
    if let Some(status) = cause::<FinalStatus>(error) {
        return match status.status {
            416 => ErrorKind::Data,
            429 | 503 => ErrorKind::Throttled,
            _ if status.is_transient => ErrorKind::Retry,
            _ => ErrorKind::UserFix,
        };
    }
    if cause::<NoCredentials>(error).is_some() {
        return ErrorKind::UserFix;
    }
    if cause::<HttpError>(error).is_some() {
        return ErrorKind::Retry;
    }
    if let Some(error) = cause::<io::Error>(error) {
        return match error.kind() {
            io::ErrorKind::PermissionDenied
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::InvalidFilename => ErrorKind::UserFix,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                ErrorKind::Capacity
            }
            _ => ErrorKind::Retry,
        };
    }
    // With no cause that can be named, a remote store has answered 5xx, or 429, to the last retry; a local one has
    // been asked for bytes that are not there.
    if matches!(store, "LocalFileSystem" | "InMemory") { ErrorKind::Data } else { ErrorKind::Retry }
}

fn is_unreachable(error: &object_store::Error) -> bool {
    cause::<HttpError>(error).is_some_and(|error| error.kind() == HttpErrorKind::Connect)
}

fn is_denied_locally(error: &object_store::Error) -> bool {
    cause::<io::Error>(error).is_some_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

/// The first cause of this type.
pub(crate) fn cause<E: StdError + 'static>(error: &object_store::Error) -> Option<&E> {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
