//! Lambda's error replies: an HTTP status, the kind in `x-amzn-ErrorType`, and a JSON body with `Type` and `Message`.
//! Kinds and texts are those of the Lambda API reference.

use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use http_body_util::Full;
use serde_json::json;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {message}")]
pub(super) struct ApiError {
    status: StatusCode,
    kind: &'static str,
    message: String,
    /// Only with `TooManyRequestsException`.
    throttle: Option<Throttle>,
}

/// Which limit an invocation met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Throttle {
    Function,
    Account,
}

impl Throttle {
    fn reason(self) -> &'static str {
        match self {
            Self::Function => "ReservedFunctionConcurrentInvocationLimitExceeded",
            Self::Account => "ConcurrentInvocationLimitExceeded",
        }
    }
}

impl ApiError {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into(), throttle: None }
    }

    pub(super) fn not_found(arn: &str) -> Self {
        let message = format!("Function not found: {arn}");
        Self::new(StatusCode::NOT_FOUND, "ResourceNotFoundException", message)
    }

    pub(super) fn no_such_route(method: &http::Method, path: &str) -> Self {
        let message = format!("{method} {path} is not an operation that this emulator knows");
        Self::new(StatusCode::NOT_FOUND, "UnknownOperationException", message)
    }

    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "ResourceConflictException", message)
    }

    pub(super) fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidParameterValueException", message)
    }

    pub(super) fn invalid_content(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidRequestContentException", message)
    }

    pub(super) fn payload_too_large(bytes_max: usize) -> Self {
        let message = format!("Request must be smaller than {bytes_max} bytes for the InvokeFunction operation");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLargeException", message)
    }

    pub(super) fn request_too_large(bytes_max: usize) -> Self {
        let message = format!("Request must be smaller than {bytes_max} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLargeException", message)
    }

    pub(super) fn service(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "ServiceException", message)
    }

    pub(super) fn throttled(throttle: Throttle) -> Self {
        let error = Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException", "Rate Exceeded.");
        Self { throttle: Some(throttle), ..error }
    }

    /// What AWS does not refuse, but this emulator cannot do.
    pub(super) fn not_emulated(feature: &str) -> Self {
        Self::invalid_parameter(format!("{feature} is not emulated; leave it out, or test against AWS itself"))
    }

    pub(super) fn reply(&self) -> http::Response<Full<Bytes>> {
        let fault = if self.status.is_server_error() { "Service" } else { "User" };
        let mut body = json!({ "Type": fault, "Message": self.message });
        if let Some(throttle) = self.throttle {
            body["Reason"] = json!(throttle.reason());
            body["retryAfterSeconds"] = json!("1");
        }
        let mut reply = http::Response::new(Full::new(Bytes::from(body.to_string())));
        *reply.status_mut() = self.status;
        let headers = reply.headers_mut();
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert("x-amzn-errortype", HeaderValue::from_static(self.kind));
        if self.throttle.is_some() {
            headers.insert(http::header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        reply
    }
}
