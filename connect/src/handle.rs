//! The errors of sessions, operations and positions in an answer: `INVALID_HANDLE` and `INVALID_CURSOR`.

use firesteel_spec::{SparkError, SparkResult};
use uuid::Uuid;

/// An `INVALID_HANDLE` error.
pub(crate) fn invalid(handle: &str, class: &str, what: &str) -> SparkError {
    SparkError::new(format!("INVALID_HANDLE.{class}"), format!("The handle {handle} is invalid. {what}"))
        .with("handle", handle)
}

pub(crate) fn session_not_found(id: &str) -> SparkError {
    invalid(id, "SESSION_NOT_FOUND", "Session not found.")
}

pub(crate) fn session_closed(id: &str) -> SparkError {
    invalid(id, "SESSION_CLOSED", "Session was closed.")
}

pub(crate) fn session_changed(id: &str) -> SparkError {
    let what = "The existing Spark server driver instance has restarted. Please reconnect.";
    invalid(id, "SESSION_CHANGED", what)
}

pub(crate) fn operation_not_found(id: &str) -> SparkError {
    invalid(id, "OPERATION_NOT_FOUND", "Operation not found.")
}

pub(crate) fn operation_abandoned(id: &str) -> SparkError {
    let what = "Operation was considered abandoned because of inactivity and removed.";
    invalid(id, "OPERATION_ABANDONED", what)
}

pub(crate) fn operation_exists(id: &str) -> SparkError {
    invalid(id, "OPERATION_ALREADY_EXISTS", "Operation already exists.")
}

/// Ids are UUIDs.
pub(crate) fn check_format(id: &str) -> SparkResult<()> {
    let what = "Handle must be an UUID string of the format '00112233-4455-6677-8899-aabbccddeeff'";
    let hyphenated = id.len() == 36 && Uuid::try_parse(id).is_ok();
    if hyphenated { Ok(()) } else { Err(invalid(id, "FORMAT", what)) }
}

/// An `INVALID_CURSOR` error.
pub(crate) fn cursor(class: &str, what: impl Into<String>) -> SparkError {
    SparkError::new(format!("INVALID_CURSOR.{class}"), format!("The cursor is invalid. {}", what.into()))
}

/// What an interrupted operation ends with.
pub(crate) fn canceled() -> SparkError {
    SparkError::new("OPERATION_CANCELED", "Operation has been canceled.")
}
