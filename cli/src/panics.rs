//! A panic is a bug of ours, or of a library: one line for the user, and the rest for those who ask for it.

use std::backtrace::Backtrace;
use std::panic::{self, AssertUnwindSafe};

use parking_lot::Mutex;

use crate::error::CliError;

/// What the last panic said, and where.
static LAST: Mutex<Option<String>> = Mutex::new(None);

/// From now on a panic prints nothing by itself: most are caught and become an error of a table or of an attempt.
pub fn quiet() {
    panic::set_hook(Box::new(|panic| {
        tracing::debug!(%panic, backtrace = %Backtrace::capture(), "panic");
        *LAST.lock() = Some(panic.to_string());
    }));
}

/// Runs the program; a panic that nobody caught is its error.
pub fn catch(program: impl FnOnce() -> Result<(), CliError>) -> Result<(), CliError> {
    panic::catch_unwind(AssertUnwindSafe(program)).unwrap_or_else(|_| {
        let text = LAST.lock().take().unwrap_or_else(|| "panic".to_owned());
        Err(CliError::Panicked(text))
    })
}
