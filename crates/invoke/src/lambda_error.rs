//! What Lambda says, and what it means: pure, so that each case can be read off.

use std::error::Error;
use std::io;

use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::operation::invoke;
use firesteel_protocol::error_chain;
use serde::Deserialize;

use crate::{Direction, InvokeError};

/// The payload of an invocation that ran and failed (AWS "Function errors").
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct FunctionError {
    error_type: String,
    error_message: String,
}

/// Reads the payload that comes with `X-Amz-Function-Error`.
pub(crate) fn function_error(function: &str, payload: &[u8]) -> InvokeError {
    let function = function.to_owned();
    let FunctionError { error_type, error_message: message } =
        serde_json::from_slice(payload).unwrap_or_else(|_| FunctionError {
            error_type: "an unreadable error".to_owned(),
            error_message: String::from_utf8_lossy(payload).into_owned(),
        });
    match error_type.as_str() {
        "Sandbox.Timedout" => InvokeError::TimedOut { function, message },
        // Lambda's older form of a timeout names no type.
        "" if message.contains("Task timed out") => InvokeError::TimedOut { function, message },
        "Runtime.OutOfMemory" => InvokeError::OutOfMemory { function, message },
        "Function.ResponseSizeTooLarge" => InvokeError::PayloadTooLarge { function, direction: Direction::Reply },
        "Runtime.ExitError" | "Sandbox.Failure" | "Extension.Crash" | "Runtime.Unknown" | "InternalFailure" | "" => {
            InvokeError::Crashed { function, message }
        }
        "Runtime.InvalidEntrypoint" | "Runtime.InvalidWorkingDir" | "Runtime.ImportModuleError" => {
            InvokeError::Undeployable { function, message }
        }
        _ => InvokeError::FunctionFailed { function, error_type, message },
    }
}

/// Reads an invocation that did not run, or whose end nobody knows.
pub(crate) fn sdk_error<R: std::fmt::Debug + Send + Sync + 'static>(
    function: &str,
    endpoint: &str,
    error: SdkError<invoke::InvokeError, R>,
) -> InvokeError {
    let name = function.to_owned();
    let unreachable =
        |source| InvokeError::Unreachable { function: function.to_owned(), endpoint: endpoint.to_owned(), source };
    match &error {
        SdkError::ServiceError(service) => {
            let code = service.err().code().unwrap_or_default().to_owned();
            let message = service.err().message().unwrap_or_default().to_owned();
            let reason = match service.err() {
                invoke::InvokeError::TooManyRequestsException(throttle) => throttle.reason().map(|it| it.as_str()),
                _ => None,
            };
            service_error(name, &code, reason.map(str::to_owned).unwrap_or(message))
        }
        SdkError::TimeoutError(_) => {
            InvokeError::TimedOut { function: name, message: "no reply in the function's time".to_owned() }
        }
        SdkError::DispatchFailure(failure) if failure.is_timeout() => unreachable(error.into()),
        // hyper's own errors are "other", with a kind.
        SdkError::DispatchFailure(failure) if failure.is_io() || failure.as_other().is_some() => {
            if connected(&error) {
                InvokeError::Crashed { function: name, message: format!("connection lost: {}", error_chain(&error)) }
            } else {
                unreachable(error.into())
            }
        }
        SdkError::ResponseError(_) => {
            InvokeError::Crashed { function: name, message: format!("broken reply: {}", error_chain(&error)) }
        }
        // No credentials, no region: nothing was sent.
        _ => InvokeError::Denied { function: name, message: error_chain(&error) },
    }
}

/// Whether there was a connection to lose. A refusal, an unknown host or a failed handshake come before it.
fn connected(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return matches!(
                io.kind(),
                io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::BrokenPipe
                    | io::ErrorKind::UnexpectedEof
            );
        }
        next = error.source();
    }
    // An end in mid-message is no I/O error.
    true
}

/// Codes: AWS "Invoke", section "Errors", and "Common error types".
fn service_error(function: String, code: &str, message: String) -> InvokeError {
    match code {
        "TooManyRequestsException" | "EC2ThrottledException" | "ThrottlingException" | "Throttling" => {
            InvokeError::Throttled { function, reason: message }
        }
        "RequestTooLargeException" | "SerializedRequestEntityTooLargeException" => {
            InvokeError::PayloadTooLarge { function, direction: Direction::Request }
        }
        "ResourceNotFoundException" | "NoPublishedVersionException" => InvokeError::NotFound { function, message },
        "AccessDeniedException"
        | "AccessDenied"
        | "EC2AccessDeniedException"
        | "ExpiredTokenException"
        | "ExpiredToken"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "KMSAccessDeniedException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "NotAuthorized"
        | "OptInRequired"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException" => InvokeError::Denied { function, message: format!("{code}: {message}") },
        "InvalidRuntimeException"
        | "InvalidSecurityGroupIDException"
        | "InvalidSubnetIDException"
        | "InvalidZipFileException"
        | "KMSDisabledException"
        | "KMSInvalidStateException"
        | "KMSNotFoundException" => InvokeError::Undeployable { function, message: format!("{code}: {message}") },
        "InvalidParameterValueException"
        | "InvalidRequestContentException"
        | "ModeNotSupportedException"
        | "RecursiveInvocationException"
        | "UnsupportedMediaTypeException"
        | "ValidationException" => InvokeError::Refused { function, code: code.to_owned(), message },
        // The service's own trouble, and whatever it may say that is not in its list yet.
        _ => InvokeError::Unavailable { function, code: code.to_owned(), message },
    }
}

#[cfg(test)]
mod tests {
    use firesteel_protocol::ErrorKind;

    use super::*;

    #[test]
    fn function_errors_by_type() {
        let kind = |error_type: &str, message: &str| {
            let payload = serde_json::json!({ "errorType": error_type, "errorMessage": message }).to_string();
            let error = function_error("f", payload.as_bytes());
            (error.to_string(), error.kind())
        };
        let (text, is) = kind("Sandbox.Timedout", "Task timed out after 3.00 seconds");
        assert_eq!((&*text, is), ("invoke f: timed out (Task timed out after 3.00 seconds)", ErrorKind::Retry));
        assert_eq!(kind("Runtime.OutOfMemory", "killed").1, ErrorKind::Capacity);
        assert_eq!(kind("Function.ResponseSizeTooLarge", "").1, ErrorKind::Capacity);
        assert_eq!(kind("Runtime.ExitError", "signal: killed").1, ErrorKind::Retry);
        assert_eq!(kind("Runtime.InvalidEntrypoint", "exec format error").1, ErrorKind::UserFix);
        assert_eq!(kind("WireError", "version 2").1, ErrorKind::Bug);
    }

    #[test]
    fn function_errors_of_older_forms() {
        let timeout = br#"{"errorMessage":"2019-01-01T00:00:00Z 4a Task timed out after 3.00 seconds"}"#;
        assert!(matches!(function_error("f", timeout), InvokeError::TimedOut { .. }));
        assert!(matches!(function_error("f", br#"{"errorMessage":"x"}"#), InvokeError::Crashed { .. }));
        assert!(matches!(function_error("f", b"<html>"), InvokeError::FunctionFailed { .. }));
    }

    #[test]
    fn service_errors_by_code() {
        let kind = |code: &str| service_error("f".to_owned(), code, "why".to_owned()).kind();
        assert!(matches!(
            service_error("f".to_owned(), "TooManyRequestsException", "Rate Exceeded.".to_owned()),
            InvokeError::Throttled { .. }
        ));
        assert_eq!(kind("RequestTooLargeException"), ErrorKind::Capacity);
        assert_eq!(kind("ResourceNotFoundException"), ErrorKind::UserFix);
        assert_eq!(kind("AccessDeniedException"), ErrorKind::UserFix);
        assert_eq!(kind("InvalidRequestContentException"), ErrorKind::Bug);
        assert_eq!(kind("ServiceException"), ErrorKind::Retry);
        assert_eq!(kind("ResourceConflictException"), ErrorKind::Retry);
        assert_eq!(kind(""), ErrorKind::Retry);
    }
}
