//! How an invocation can fail, in the words that AWS puts into the reply and the log.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use super::runtime_api::RESPONSE_BYTES_MAX;
use crate::error::EmulatorError;

/// A function error: the invocation took place and failed.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    kind: FailureKind,
    /// The function's runtime made an error of its own out of it.
    is_handled: bool,
}

#[derive(Debug, Clone)]
enum FailureKind {
    /// The runtime reported it; passed on as it is.
    Reported(Bytes),
    Other {
        error_type: &'static str,
        message: String,
        /// What REPORT says, where it says anything.
        status: Option<&'static str>,
    },
}

impl Failure {
    fn new(error_type: &'static str, message: impl Into<String>, status: Option<&'static str>) -> Self {
        Self { kind: FailureKind::Other { error_type, message: message.into(), status }, is_handled: false }
    }

    pub(super) fn reported(error: Bytes, is_handled: bool) -> Self {
        Self { kind: FailureKind::Reported(error), is_handled }
    }

    pub(super) fn timed_out(timeout: Duration) -> Self {
        let message = format!("Task timed out after {:.2} seconds", timeout.as_secs_f64());
        Self::new("Sandbox.Timedout", message, Some("timeout"))
    }

    pub(super) fn out_of_memory() -> Self {
        Self::new("Runtime.OutOfMemory", "Runtime exited with error: signal: killed", Some("error"))
    }

    pub(super) fn exited(status: Option<ExitStatus>) -> Self {
        let how = match status.map(|status| (status.code(), status.signal())) {
            Some((Some(0), _)) | None => "Runtime exited without providing a reason".to_owned(),
            Some((Some(code), _)) => format!("Runtime exited with error: exit status {code}"),
            Some((None, signal)) => format!("Runtime exited with error: signal: {}", signal_name(signal)),
        };
        Self::new("Runtime.ExitError", how, Some("error"))
    }

    pub(super) fn response_too_large() -> Self {
        let message =
            format!("Response payload size exceeded maximum allowed payload size ({RESPONSE_BYTES_MAX} bytes).");
        Self::new("Function.ResponseSizeTooLarge", message, None)
    }

    pub(super) fn not_started(program: &Path, source: &io::Error) -> Self {
        let program = program.display();
        match source.kind() {
            io::ErrorKind::NotFound => {
                let message = format!("Couldn't find valid bootstrap(s): [{program}]");
                Self::new("Runtime.InvalidEntrypoint", message, Some("error"))
            }
            _ => Self::new("Runtime.InvalidEntrypoint", format!("fork/exec {program}: {source}"), Some("error")),
        }
    }

    /// The emulator itself could not go on.
    pub(super) fn emulator(error: EmulatorError) -> Self {
        let source = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
        Self::new("Sandbox.Failure", format!("{error}{source}"), Some("error"))
    }

    /// `X-Amz-Function-Error`.
    pub(super) fn header(&self) -> &'static str {
        if self.is_handled { "Handled" } else { "Unhandled" }
    }

    /// The reply's payload.
    pub(super) fn payload(&self, request_id: &str) -> Bytes {
        match &self.kind {
            FailureKind::Reported(error) => error.clone(),
            FailureKind::Other { error_type: error_type @ "Function.ResponseSizeTooLarge", message, .. } => {
                Bytes::from(json!({ "errorType": error_type, "errorMessage": message }).to_string())
            }
            FailureKind::Other { error_type, message, .. } => {
                let message = format!("RequestId: {request_id} Error: {message}");
                Bytes::from(json!({ "errorType": error_type, "errorMessage": message }).to_string())
            }
        }
    }

    /// What REPORT adds.
    pub(super) fn report(&self) -> String {
        match &self.kind {
            FailureKind::Other { status: Some("timeout"), .. } => "Status: timeout".to_owned(),
            FailureKind::Other { status: Some(status), error_type, .. } => {
                format!("Status: {status}\tError Type: {error_type}")
            }
            _ => String::new(),
        }
    }

    /// The line that the log gets for a start that failed.
    pub(super) fn init_report(&self, took: Duration) -> String {
        let report = self.report();
        let report = if report.is_empty() { "Status: error" } else { &report };
        format!("INIT_REPORT Init Duration: {:.2} ms\tPhase: init\t{report}", took.as_secs_f64() * 1000.0)
    }

    /// The line that the log gets besides REPORT.
    pub(super) fn log_line(&self, request_id: &str) -> Option<String> {
        match &self.kind {
            FailureKind::Reported(_) => None,
            FailureKind::Other { message, .. } => Some(format!("RequestId: {request_id} Error: {message}")),
        }
    }
}

fn signal_name(signal: Option<i32>) -> String {
    match signal {
        Some(libc::SIGKILL) => "killed".to_owned(),
        Some(libc::SIGABRT) => "aborted".to_owned(),
        Some(libc::SIGSEGV) => "segmentation fault".to_owned(),
        Some(libc::SIGBUS) => "bus error".to_owned(),
        Some(libc::SIGILL) => "illegal instruction".to_owned(),
        Some(libc::SIGTERM) => "terminated".to_owned(),
        Some(other) => format!("signal {other}"),
        None => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_aws() {
        let check = |failure: Failure, expected: &str| assert_eq!(failure.payload("r"), expected);
        check(
            Failure::timed_out(Duration::from_secs(3)),
            r#"{"errorMessage":"RequestId: r Error: Task timed out after 3.00 seconds","errorType":"Sandbox.Timedout"}"#,
        );
        check(
            Failure::exited(Some(ExitStatus::from_raw(3 << 8))),
            r#"{"errorMessage":"RequestId: r Error: Runtime exited with error: exit status 3","errorType":"Runtime.ExitError"}"#,
        );
        check(
            Failure::exited(Some(ExitStatus::from_raw(9))),
            r#"{"errorMessage":"RequestId: r Error: Runtime exited with error: signal: killed","errorType":"Runtime.ExitError"}"#,
        );
        check(
            Failure::exited(Some(ExitStatus::from_raw(0))),
            r#"{"errorMessage":"RequestId: r Error: Runtime exited without providing a reason","errorType":"Runtime.ExitError"}"#,
        );
        check(
            Failure::response_too_large(),
            r#"{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}"#,
        );
    }
}
