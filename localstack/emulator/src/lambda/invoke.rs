//! The Invoke operation: checks the request, admits it under the concurrency limits, and answers in one of its three
//! ways: with the result, at once (`Event`), or not at all (`DryRun`).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use serde::de::IgnoredAny;
use tokio::sync::oneshot;

use super::Lambda;
use super::api_error::{ApiError, Throttle};
use super::concurrency::Permit;
use super::function::{Function, LATEST};
use super::invocation::{self, Answer, Call, Invocation};
use super::routes::{Refusal, Reply, empty_reply};
use crate::faults::{Drawn, LambdaFault};
use crate::http_server::{Collected, Unanswered, collect};

/// "Invocation payload": 6 MB synchronous, 1 MB asynchronous.
const PAYLOAD_BYTES_MAX: usize = 6_291_456;
const EVENT_PAYLOAD_BYTES_MAX: usize = 1_048_576;

/// Payloads up to this are checked where they arrive; longer ones off the async threads.
const QUICK_CHECK_BYTES_MAX: usize = 64 << 10;

/// What AWS waits before it runs a failed event again, by default twice.
const EVENT_RETRY_PAUSES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];
/// Between attempts of an event that meets a limit: from one second, doubled up to five minutes, for six hours.
const THROTTLE_PAUSE_MIN: Duration = Duration::from_secs(1);
const THROTTLE_PAUSE_MAX: Duration = Duration::from_secs(300);
const EVENT_AGE_MAX: Duration = Duration::from_secs(6 * 3600);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InvocationType {
    RequestResponse,
    Event,
    DryRun,
}

pub(super) struct InvokeRequest {
    function: String,
    invocation_type: InvocationType,
    wants_log: bool,
    client_context: Option<String>,
}

impl InvokeRequest {
    pub(super) fn new(function: String, parts: &Parts) -> Result<Self, ApiError> {
        let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let invocation_type = match header("x-amz-invocation-type") {
            None | Some("RequestResponse") => InvocationType::RequestResponse,
            Some("Event") => InvocationType::Event,
            Some("DryRun") => InvocationType::DryRun,
            Some(other) => return Err(ApiError::invalid_parameter(format!("{other} is no invocation type"))),
        };
        Ok(Self {
            function,
            invocation_type,
            wants_log: header("x-amz-log-type") == Some("Tail"),
            client_context: header("x-amz-client-context").map(str::to_owned),
        })
    }
}

pub(super) async fn invoke(lambda: &Arc<Lambda>, request: InvokeRequest, body: Incoming) -> Result<Reply, Refusal> {
    let function = lambda.functions.get(&request.function)?;
    let is_event = request.invocation_type == InvocationType::Event;
    let payload = read_payload(body, if is_event { EVENT_PAYLOAD_BYTES_MAX } else { PAYLOAD_BYTES_MAX }).await?;
    match request.invocation_type {
        InvocationType::DryRun => Ok(empty_reply(StatusCode::NO_CONTENT)),
        InvocationType::Event => Ok(queue_event(lambda, function, Call::new(payload, request.client_context))?),
        InvocationType::RequestResponse => {
            let call = Call::new(payload, request.client_context);
            let request_id = call.request_id.clone();
            let answer = invoke_now(lambda, &function, call).await?;
            Ok(reply(answer, &request_id, request.wants_log))
        }
    }
}

/// Runs a function while its caller waits, with the fault that this invocation draws.
async fn invoke_now(lambda: &Arc<Lambda>, function: &Arc<Function>, call: Call) -> Result<Answer, Refusal> {
    let fault = lambda.faults.draw_lambda();
    let is = |kind| fault.as_ref().filter(|fault| fault.kind == kind);
    if let Some(fault) = is(LambdaFault::Throttled) {
        fault.done();
        return Err(ApiError::throttled(Throttle::Account).into());
    }
    if let Some(fault) = is(LambdaFault::Error500) {
        fault.done();
        return Err(ApiError::service("Lambda could not process the request. Please try again.").into());
    }
    let is_lost = is(LambdaFault::LostReply).is_some();
    let copy = is(LambdaFault::Duplicated).map(|_| call.clone());
    let fault = Arc::new(fault);
    let first = admit(lambda, function, call, Arc::clone(&fault)).map_err(ApiError::throttled)?;
    // Both have their sandboxes before either runs, so that each has one of its own. Nobody waits for the copy's answer.
    if let Some(copy) = copy.and_then(|copy| admit(lambda, function, copy, Arc::new(None)).ok()) {
        start(lambda, copy);
        fault.as_ref().iter().for_each(Drawn::done);
    }
    let answer = start(lambda, first);
    let answer = answer.await.map_err(|_| ApiError::service("the emulator is ending"))?;
    match fault.as_ref() {
        Some(fault) if is_lost => {
            fault.done();
            Err(Unanswered.into())
        }
        _ => Ok(answer),
    }
}

/// Starts an invocation that runs to its end on its own, whatever becomes of the client.
fn begin(
    lambda: &Arc<Lambda>,
    function: &Arc<Function>,
    call: Call,
    fault: Arc<Option<Drawn<LambdaFault>>>,
) -> Result<oneshot::Receiver<Answer>, Throttle> {
    Ok(start(lambda, admit(lambda, function, call, fault)?))
}

/// Takes what an invocation needs to run, or refuses it.
fn admit(
    lambda: &Arc<Lambda>,
    function: &Arc<Function>,
    call: Call,
    fault: Arc<Option<Drawn<LambdaFault>>>,
) -> Result<Invocation, Throttle> {
    let permit = Permit::acquire(&lambda.concurrency, &function.name)?;
    let idle = lambda.pool.take(function);
    Ok(Invocation { function: Arc::clone(function), call, permit, idle, fault })
}

fn start(lambda: &Arc<Lambda>, invocation: Invocation) -> oneshot::Receiver<Answer> {
    let (send, answer) = oneshot::channel();
    lambda.spawn(invocation::run(Arc::clone(lambda), invocation, send));
    answer
}

async fn read_payload(body: Incoming, bytes_max: usize) -> Result<Bytes, ApiError> {
    let payload = match collect(body, bytes_max).await {
        Ok(Collected::Whole(payload)) => payload,
        Ok(Collected::TooLong) => return Err(ApiError::payload_too_large(bytes_max)),
        Err(error) => return Err(ApiError::invalid_content(error.to_string())),
    };
    if payload.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    let check = |payload: &[u8]| serde_json::from_slice::<IgnoredAny>(payload).map(|_| ());
    let checked = if payload.len() <= QUICK_CHECK_BYTES_MAX {
        check(&payload)
    } else {
        let payload = payload.clone();
        let checking = tokio::task::spawn_blocking(move || check(&payload));
        checking.await.map_err(|error| ApiError::service(error.to_string()))?
    };
    match checked {
        Ok(()) => Ok(payload),
        Err(error) => Err(ApiError::invalid_content(format!("Could not parse request body into json: {error}"))),
    }
}

fn reply(answer: Answer, request_id: &str, wants_log: bool) -> Reply {
    let mut reply = Response::new(Full::new(answer.payload));
    let headers = reply.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("x-amz-executed-version", HeaderValue::from_static(LATEST));
    if let Some(error) = answer.function_error {
        headers.insert("x-amz-function-error", HeaderValue::from_static(error));
    }
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    if wants_log && let Ok(tail) = HeaderValue::from_str(&base64(&answer.log_tail)) {
        headers.insert("x-amz-log-result", tail);
    }
    reply
}

/// Accepts an event that runs later, and again if it fails.
fn queue_event(lambda: &Arc<Lambda>, function: Arc<Function>, call: Call) -> Result<Reply, ApiError> {
    let place = Arc::clone(&lambda.queued_events).try_acquire_owned();
    let place = place.map_err(|_| ApiError::throttled(Throttle::Account))?;
    let mut accepted = empty_reply(StatusCode::ACCEPTED);
    if let Ok(id) = HeaderValue::from_str(&call.request_id) {
        accepted.headers_mut().insert("x-amzn-requestid", id);
    }
    let held = Arc::clone(lambda);
    lambda.spawn(async move {
        run_event(&held, &function.name, call).await;
        drop(place);
    });
    Ok(accepted)
}

async fn run_event(lambda: &Arc<Lambda>, function: &str, call: Call) {
    let began = tokio::time::Instant::now();
    let mut retry_pauses = EVENT_RETRY_PAUSES.into_iter();
    let mut throttle_pause = THROTTLE_PAUSE_MIN;
    while began.elapsed() < EVENT_AGE_MAX {
        // Deleted meanwhile: its events go with it.
        let Ok(current) = lambda.functions.get(function) else { return };
        let pause = match begin(lambda, &current, call.clone(), Arc::new(None)) {
            Ok(answer) => match answer.await {
                Ok(answer) if answer.function_error.is_some() => match retry_pauses.next() {
                    Some(pause) => pause,
                    None => return,
                },
                _ => return,
            },
            Err(_) => {
                let pause = throttle_pause;
                throttle_pause = (throttle_pause * 2).min(THROTTLE_PAUSE_MAX);
                pause
            }
        };
        tokio::time::sleep(pause).await;
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
