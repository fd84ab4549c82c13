//! Errors as data: what a failed task says, and the [`ErrorKind`] that alone decides what the scheduler does next.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What to do about an error. Decisions are made on this and never on an error's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// It may work the next time: a lost sandbox, a timeout of a request.
    Retry,
    /// The platform or the store asks to slow down: tried again later, and no attempt is used up.
    Throttled,
    /// The user has to change something: a wrong cast, a missing file, no permission. Never tried again.
    UserFix,
    /// A limit was met (memory, time, payload): the same attempt fails again unless the work gets smaller.
    Capacity,
    /// The data is not what it claims to be: a corrupt file, a checksum that differs.
    Data,
    /// Ours to mend.
    Bug,
}

/// Why a task failed, as its report carries it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct TaskError {
    pub kind: ErrorKind,
    /// Spark's error class where there is one, such as `DIVIDE_BY_ZERO`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Of the class's message.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// The whole chain of causes, printed once.
    pub message: String,
    /// The shuffle object that could not be read whole, so that its producer can run again (SHUFFLE-7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_object: Option<String>,
}

impl TaskError {
    /// An error with no Spark class and no lost object.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, class: None, parameters: BTreeMap::new(), message: message.into(), lost_object: None }
    }
}

/// Bytes that are not an envelope or a report of this version.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("decode {what}: not the JSON of wire version {}", crate::WIRE_VERSION)]
    Malformed {
        what: &'static str,
        #[source]
        source: serde_json::Error,
    },
    #[error(
        "decode {what}: wire version {found}, this build speaks {}; deploy the same version on both sides",
        crate::WIRE_VERSION
    )]
    Version { what: &'static str, found: u32 },
}

impl WireError {
    /// Always a mismatch of builds, which no retry mends.
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::Bug
    }
}

/// An error and its causes as one text, each once: an outer text that has the inner one in it does not repeat it.
pub fn error_chain(error: &(dyn std::error::Error + 'static)) -> String {
    with_causes(error.to_string(), error)
}

/// As [`error_chain`], with another text for the error itself.
pub fn with_causes(mut text: String, error: &(dyn std::error::Error + 'static)) -> String {
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// Fails unless `bytes` is a JSON object whose `version` is this build's.
pub(crate) fn check_version(bytes: &[u8], what: &'static str) -> Result<(), WireError> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    let Versioned { version } =
        serde_json::from_slice(bytes).map_err(|source| WireError::Malformed { what, source })?;
    if version == crate::WIRE_VERSION { Ok(()) } else { Err(WireError::Version { what, found: version }) }
}
