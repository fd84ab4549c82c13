//! The Lambda Runtime API of one sandbox, on a loopback port of its own: turns the runtime's requests into messages to
//! whoever owns the sandbox, and waits for the answer. It decides nothing.
//! Rules: "Using the Lambda runtime API for custom runtimes" of the Lambda developer guide.

use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use crate::http_server::{Collected, ServerHandle, collect, serve};

/// A function's reply may be 6 MB and a little: the figure that AWS names in the error.
pub(super) const RESPONSE_BYTES_MAX: usize = 6_291_556;

const PREFIX: &str = "/2018-06-01/runtime/";

/// One event on its way into a function.
#[derive(Debug)]
pub(super) struct Event {
    pub request_id: String,
    /// Milliseconds since 1970.
    pub deadline_ms: u64,
    pub function_arn: String,
    pub trace_id: String,
    /// The client context in base64, as the caller gave it.
    pub client_context: Option<String>,
    pub payload: Bytes,
}

/// What a runtime asks or says.
#[derive(Debug)]
pub(super) enum RuntimeMessage {
    /// It waits for an event.
    Next(oneshot::Sender<Event>),
    Reply {
        request_id: String,
        reply: RuntimeReply,
        accepted: oneshot::Sender<bool>,
    },
    InitError {
        error: Bytes,
        accepted: oneshot::Sender<bool>,
    },
}

#[derive(Debug)]
pub(super) enum RuntimeReply {
    Response(Bytes),
    /// The response was longer than [`RESPONSE_BYTES_MAX`].
    ResponseTooLarge,
    Error {
        error: Bytes,
        is_handled: bool,
    },
}

/// Serves the Runtime API until the handle is dropped.
pub(super) fn serve_runtime(listener: TcpListener, messages: mpsc::Sender<RuntimeMessage>) -> ServerHandle {
    let service = service_fn(move |request| {
        let messages = messages.clone();
        async move { Ok::<_, Infallible>(answer(request, messages).await) }
    });
    serve(listener, service)
}

async fn answer(request: Request<Incoming>, messages: mpsc::Sender<RuntimeMessage>) -> Response<Full<Bytes>> {
    let path = request.uri().path().strip_prefix(PREFIX).unwrap_or_default().to_owned();
    let route: Vec<&str> = path.split('/').collect();
    match (request.method(), route.as_slice()) {
        (&Method::GET, ["invocation", "next"]) => next(messages).await,
        (&Method::POST, ["init", "error"]) => {
            let Some(body) = read(request).await else { return bad_request() };
            let error = body.unwrap_or_default();
            submit(messages, |accepted| RuntimeMessage::InitError { error, accepted }).await
        }
        (&Method::POST, ["invocation", id, "response"]) => {
            let Some(body) = read(request).await else { return bad_request() };
            let reply = body.map_or(RuntimeReply::ResponseTooLarge, RuntimeReply::Response);
            let request_id = (*id).to_owned();
            submit(messages, |accepted| RuntimeMessage::Reply { request_id, reply, accepted }).await
        }
        (&Method::POST, ["invocation", id, "error"]) => {
            let kind = request.headers().get("lambda-runtime-function-error-type");
            let is_handled = kind.is_some_and(|kind| kind.as_bytes().eq_ignore_ascii_case(b"handled"));
            let Some(body) = read(request).await else { return bad_request() };
            let reply = RuntimeReply::Error { error: body.unwrap_or_default(), is_handled };
            let request_id = (*id).to_owned();
            submit(messages, |accepted| RuntimeMessage::Reply { request_id, reply, accepted }).await
        }
        _ => error_reply(StatusCode::NOT_FOUND, "NotFound", "no such path in the Runtime API"),
    }
}

async fn next(messages: mpsc::Sender<RuntimeMessage>) -> Response<Full<Bytes>> {
    let (give, event) = oneshot::channel();
    let gone = || error_reply(StatusCode::GONE, "SandboxGone", "the sandbox is being ended");
    if messages.send(RuntimeMessage::Next(give)).await.is_err() {
        return gone();
    }
    let Ok(event) = event.await else { return gone() };
    let mut response = Response::new(Full::new(event.payload));
    let headers = response.headers_mut();
    let mut insert = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    insert("content-type", "application/json");
    insert("lambda-runtime-aws-request-id", &event.request_id);
    insert("lambda-runtime-deadline-ms", &event.deadline_ms.to_string());
    insert("lambda-runtime-invoked-function-arn", &event.function_arn);
    insert("lambda-runtime-trace-id", &event.trace_id);
    if let Some(context) = &event.client_context {
        insert("lambda-runtime-client-context", context);
    }
    response
}

/// `None`: the connection broke. `Some(None)`: too long.
async fn read(request: Request<Incoming>) -> Option<Option<Bytes>> {
    match collect(request.into_body(), RESPONSE_BYTES_MAX).await {
        Ok(Collected::Whole(body)) => Some(Some(body)),
        Ok(Collected::TooLong) => Some(None),
        Err(_) => None,
    }
}

async fn submit(
    messages: mpsc::Sender<RuntimeMessage>,
    message: impl FnOnce(oneshot::Sender<bool>) -> RuntimeMessage,
) -> Response<Full<Bytes>> {
    let (accept, accepted) = oneshot::channel();
    let is_sent = messages.send(message(accept)).await.is_ok();
    if is_sent && accepted.await == Ok(true) {
        return reply(StatusCode::ACCEPTED, r#"{"status":"OK"}"#.to_owned());
    }
    error_reply(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID")
}

fn bad_request() -> Response<Full<Bytes>> {
    error_reply(StatusCode::BAD_REQUEST, "IncompleteBody", "the body ended early")
}

fn error_reply(status: StatusCode, kind: &str, message: &str) -> Response<Full<Bytes>> {
    reply(status, serde_json::json!({ "errorType": kind, "errorMessage": message }).to_string())
}

fn reply(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
