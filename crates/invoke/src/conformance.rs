//! What every [`FunctionInvoker`] has to do, and the function that the suite is run with.
//!
//! The payload says what the function does ([`Command`]), so that the same suite runs against a handler, a process and
//! a deployed function. [`check`] panics where a backend falls short.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use firesteel_protocol::{ErrorKind, INVOKE_PAYLOAD_BYTES_MAX};
use futures::future::{join_all, select};
use serde::{Deserialize, Serialize};

use crate::{Direction, FunctionInvoker, HandlerError, InvokeError};

/// How long attempts run that have to overlap.
const OVERLAP_MS: u64 = 500;
/// More attempts at a time than this are not tried, whatever the backend allows.
const CONCURRENCY_TRIED_MAX: usize = 8;

/// What the function is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Command {
    /// Reply with the payload itself.
    Echo { text: String },
    /// Reply with a payload of this many bytes.
    Reply { bytes: usize },
    /// Take this long, and echo.
    Wait { ms: u64 },
    /// Answer with an error in place of a reply.
    Fail { error_type: String, message: String },
    /// End without an answer.
    Crash,
}

impl Command {
    /// The payload of this command.
    pub fn payload(&self) -> Bytes {
        serde_json::to_vec(self).expect("a command is JSON").into()
    }
}

/// The function. `crash` is how it ends where it runs: a panic, an exit.
pub async fn obey(payload: Bytes, crash: impl FnOnce()) -> Result<Bytes, HandlerError> {
    let command =
        serde_json::from_slice(&payload).map_err(|error| HandlerError::new("NoCommand", error.to_string()))?;
    match command {
        Command::Echo { .. } => Ok(payload),
        Command::Reply { bytes } => Ok(sized(bytes)),
        Command::Wait { ms } => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok(payload)
        }
        Command::Fail { error_type, message } => Err(HandlerError { error_type, message }),
        Command::Crash => {
            crash();
            Err(HandlerError::new("NoCrash", "it lives on"))
        }
    }
}

/// Runs the whole suite.
pub async fn check(invoker: Arc<dyn FunctionInvoker>) {
    let invoker = &*invoker;
    assert!(["in-process", "process", "lambda"].contains(&invoker.name()), "{}", invoker.name());
    echoes_bytes_unchanged(invoker).await;
    keeps_payload_limits(invoker).await;
    runs_concurrently(invoker).await;
    tells_a_failure(invoker).await;
    survives_a_crash(invoker).await;
    survives_a_dropped_attempt(invoker).await;
}

async fn echoes_bytes_unchanged(invoker: &dyn FunctionInvoker) {
    for text in ["", "ü 火 \u{0} \" \\ \n", &"x".repeat(1_000_000)] {
        let payload = Command::Echo { text: text.to_owned() }.payload();
        let reply = invoker.invoke(payload.clone()).await.expect("an echo");
        assert!(reply == payload, "{} bytes came back changed", payload.len());
    }
    // Not as a JSON library would write it.
    let payload = Bytes::from_static(b"{ \"text\":\"\\u00e9\\/\", \"n\": 1.50,\"do\" :\"echo\"}");
    assert_eq!(invoker.invoke(payload.clone()).await.expect("an echo"), payload);
}

async fn keeps_payload_limits(invoker: &dyn FunctionInvoker) {
    let overhead = Command::Echo { text: String::new() }.payload().len();
    let longest = Command::Echo { text: "x".repeat(INVOKE_PAYLOAD_BYTES_MAX - overhead) }.payload();
    assert_eq!(longest.len(), INVOKE_PAYLOAD_BYTES_MAX);
    assert!(invoker.invoke(longest.clone()).await.expect("the longest payload, both ways") == longest);

    let longer = Command::Echo { text: "x".repeat(INVOKE_PAYLOAD_BYTES_MAX - overhead + 1) }.payload();
    let error = invoker.invoke(longer).await.expect_err("too long a request");
    assert_too_large(&error, Direction::Request);

    // Lambda's limit for replies is some bytes above the one for requests.
    let error = invoker.invoke(Command::Reply { bytes: INVOKE_PAYLOAD_BYTES_MAX + 1024 }.payload()).await;
    assert_too_large(&error.expect_err("too long a reply"), Direction::Reply);
    still_works(invoker).await;
}

fn assert_too_large(error: &InvokeError, expected: Direction) {
    assert!(
        matches!(error, InvokeError::PayloadTooLarge { direction, .. } if *direction == expected),
        "a {expected} over the limit is {error:?}"
    );
    assert_eq!(error.kind(), ErrorKind::Capacity);
}

async fn runs_concurrently(invoker: &dyn FunctionInvoker) {
    let concurrency = invoker.concurrency_max().min(CONCURRENCY_TRIED_MAX);
    assert!(concurrency > 0);
    // Sandboxes start with the first attempts, which takes its time; the second round finds them.
    for round in 0..2 {
        let began = tokio::time::Instant::now();
        let attempts = (0..concurrency).map(|n| {
            let payload = Command::Wait { ms: OVERLAP_MS + n as u64 }.payload();
            async move { (invoker.invoke(payload.clone()).await, payload) }
        });
        for (reply, payload) in join_all(attempts).await {
            assert_eq!(reply.expect("one of many"), payload, "each gets its own reply");
        }
        let one_by_one = Duration::from_millis(OVERLAP_MS) * concurrency as u32;
        assert!(round == 0 || concurrency == 1 || began.elapsed() < one_by_one, "attempts ran one by one");
    }
}

async fn tells_a_failure(invoker: &dyn FunctionInvoker) {
    let fail = Command::Fail { error_type: "SomeError".to_owned(), message: "of some kind".to_owned() };
    let error = invoker.invoke(fail.payload()).await.expect_err("a failure");
    let InvokeError::FunctionFailed { error_type, message, .. } = &error else { panic!("a failure is {error:?}") };
    assert_eq!((error_type.as_str(), message.as_str()), ("SomeError", "of some kind"));
    assert_eq!(error.kind(), ErrorKind::Bug);
    still_works(invoker).await;
}

async fn survives_a_crash(invoker: &dyn FunctionInvoker) {
    let error = invoker.invoke(Command::Crash.payload()).await.expect_err("a crash");
    assert!(matches!(error, InvokeError::Crashed { .. }), "a crash is {error:?}");
    assert_eq!(error.kind(), ErrorKind::Retry);
    still_works(invoker).await;
}

async fn survives_a_dropped_attempt(invoker: &dyn FunctionInvoker) {
    let long = invoker.invoke(Command::Wait { ms: OVERLAP_MS }.payload());
    let begun = Box::pin(tokio::time::sleep(Duration::from_millis(OVERLAP_MS / 5)));
    drop(select(long, begun).await);
    // The other end may not know yet that nobody waits, and throttles until it is done.
    let deadline = tokio::time::Instant::now() + Duration::from_millis(10 * OVERLAP_MS);
    let echo = Command::Echo { text: "next".to_owned() }.payload();
    loop {
        match invoker.invoke(echo.clone()).await {
            Ok(reply) => break assert_eq!(reply, echo),
            Err(InvokeError::Throttled { .. }) if tokio::time::Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(OVERLAP_MS / 10)).await;
            }
            Err(error) => panic!("an attempt after a dropped one: {error:?}"),
        }
    }
}

async fn still_works(invoker: &dyn FunctionInvoker) {
    let echo = Command::Echo { text: "still here".to_owned() }.payload();
    assert_eq!(invoker.invoke(echo.clone()).await.expect("an echo after a failure"), echo);
}

/// A JSON string of so many bytes.
fn sized(bytes: usize) -> Bytes {
    format!("\"{}\"", "x".repeat(bytes.saturating_sub(2))).into()
}
