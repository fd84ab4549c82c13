//! Requests of the coordinator itself that are made again when they may pass: a whole job hangs on each.

use std::time::Duration;

use firesteel_protocol::ErrorKind;
use firesteel_storage::StorageError;

/// Tries of one request: with the waits between them, about a minute, beside what the client does by itself.
const TRIES_MAX: u32 = 12;
const PAUSE: Duration = Duration::from_millis(25);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Makes a request until it succeeds, fails in a way that does not pass, or has been made often enough.
pub(crate) async fn patiently<T, F>(request: impl FnMut() -> F) -> Result<T, StorageError>
where
    F: Future<Output = Result<T, StorageError>>,
{
    patiently_if(passes, request).await
}

/// As [`patiently`], for errors of another kind.
pub(crate) async fn patiently_if<T, E, F>(passes: impl Fn(&E) -> bool, mut request: impl FnMut() -> F) -> Result<T, E>
where
    E: std::fmt::Display,
    F: Future<Output = Result<T, E>>,
{
    let mut tries = 0;
    loop {
        let error = match request().await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        tries += 1;
        if !passes(&error) || tries == TRIES_MAX {
            return Err(error);
        }
        tracing::debug!(%error, tries, "the coordinator asks again");
        tokio::time::sleep((PAUSE * (1 << tries.min(10))).min(PAUSE_MAX)).await;
    }
}

/// Whether the same request may do better the next time.
pub(crate) fn passes(error: &StorageError) -> bool {
    matches!(error.kind(), ErrorKind::Retry | ErrorKind::Throttled | ErrorKind::Data)
}
