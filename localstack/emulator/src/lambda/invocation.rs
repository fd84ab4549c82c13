//! One invocation from admission to reply: finds or starts a sandbox, runs the event, writes the log lines, and gives
//! sandbox and permit back before the caller hears of it, so that the caller's next call finds them.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::{Duration, Instant};
use uuid::Uuid;

use super::Lambda;
use super::concurrency::Permit;
use super::failure::Failure;
use super::faulty;
use super::function::{Function, LATEST};
use super::runtime_api::Event;
use super::sandbox::{After, Ran, Sandbox};
use crate::faults::{Drawn, LambdaFault};

/// How long a sandbox may take to start before AWS tries again within the invocation.
const INIT_MAX: Duration = Duration::from_secs(10);

/// What a caller asks for.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub request_id: String,
    pub payload: Bytes,
    pub client_context: Option<String>,
}

impl Call {
    pub(super) fn new(payload: Bytes, client_context: Option<String>) -> Self {
        Self { request_id: Uuid::new_v4().to_string(), payload, client_context }
    }
}

/// What a caller gets.
#[derive(Debug)]
pub(super) struct Answer {
    pub payload: Bytes,
    /// `X-Amz-Function-Error`
    pub function_error: Option<&'static str>,
    pub log_tail: Vec<u8>,
}

impl Answer {
    fn failed(failure: &Failure, request_id: &str, log_tail: Vec<u8>) -> Self {
        Self { payload: failure.payload(request_id), function_error: Some(failure.header()), log_tail }
    }
}

/// An invocation that was admitted.
pub(super) struct Invocation {
    pub function: Arc<Function>,
    pub call: Call,
    pub permit: Permit,
    /// To run it; `None` starts one.
    pub idle: Option<Sandbox>,
    pub fault: Arc<Option<Drawn<LambdaFault>>>,
}

/// Runs the function to its end, whether or not anybody still waits for the answer.
pub(super) async fn run(lambda: Arc<Lambda>, invocation: Invocation, answer: oneshot::Sender<Answer>) {
    let Invocation { function, call, permit, idle, fault } = invocation;
    let began = Instant::now();
    let timeout = Duration::from_secs(function.timeout_s.into());
    let mut deadline = began + timeout;
    let sandbox = match idle {
        Some(sandbox) => Ok(sandbox),
        None => start(&lambda, &function, timeout, &mut deadline).await,
    };
    let mut sandbox = match sandbox {
        Ok(sandbox) => sandbox,
        Err(failure) => {
            drop(permit);
            let log_tail = failure.log_line(&call.request_id).unwrap_or_default().into_bytes();
            let _ = answer.send(Answer::failed(&failure, &call.request_id, log_tail));
            return;
        }
    };
    sandbox.status.begin_event();
    let log_from = sandbox.log.position();
    sandbox.log.line(&format!("START RequestId: {} Version: {LATEST}", call.request_id));
    let handling = Instant::now();
    let event = event(&function, &call, deadline);
    let answer = match fault.as_ref() {
        // The caller hears of the end now, and the function comes to its own without him.
        Some(fault) if fault.kind == LambdaFault::Timeout => {
            fault.done();
            let log_tail = sandbox.log.tail(log_from);
            let _ = answer.send(Answer::failed(&Failure::timed_out(timeout), &call.request_id, log_tail));
            None
        }
        _ => Some(answer),
    };
    let ran = faulty::run(&mut sandbox, fault.as_ref().as_ref(), event, deadline, timeout).await;
    let after = ran.after;
    let reply = conclude(&mut sandbox, &function, &call, ran, handling.elapsed(), log_from);
    let tell = || answer.map(|answer| answer.send(reply));
    match after {
        After::Idle => {
            lambda.give_back(sandbox);
            drop(permit);
            tell();
        }
        After::Dead => {
            drop((sandbox, permit));
            tell();
        }
        After::Lingering => {
            tell();
            if sandbox.linger(deadline).await {
                lambda.give_back(sandbox);
            }
            drop(permit);
        }
    }
}

/// Writes the lines that end the log of an event, and makes its answer.
fn conclude(
    sandbox: &mut Sandbox,
    function: &Function,
    call: &Call,
    ran: Ran,
    took: Duration,
    log_from: u64,
) -> Answer {
    let report = Report {
        request_id: &call.request_id,
        took,
        init: sandbox.init.take(),
        memory_mb: function.memory_mb,
        memory_peak_bytes: ran.memory_peak_bytes,
        failure: ran.reply.as_ref().err(),
    };
    sandbox.log.line(&report.lines());
    let log_tail = sandbox.log.tail(log_from);
    match ran.reply {
        Ok(payload) => Answer { payload, function_error: None, log_tail },
        Err(failure) => Answer::failed(&failure, &call.request_id, log_tail),
    }
}

/// Starts a sandbox. As on AWS, a start that fails is tried once more, and then the function's timeout holds for start
/// and event together.
async fn start(
    lambda: &Lambda,
    function: &Function,
    timeout: Duration,
    deadline: &mut Instant,
) -> Result<Sandbox, Failure> {
    let first = Sandbox::start(lambda, function, INIT_MAX).await;
    *deadline = Instant::now() + timeout;
    match first {
        Ok(sandbox) => Ok(sandbox),
        Err(_) => Sandbox::start(lambda, function, timeout).await,
    }
}

fn event(function: &Function, call: &Call, deadline: Instant) -> Event {
    let left = deadline.saturating_duration_since(Instant::now());
    let deadline_ms = (SystemTime::now() + left).duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let trace = Uuid::new_v4().simple().to_string();
    let trace_id = format!("Root=1-{now_s:08x}-{};Parent={};Sampled=0", &trace[..24], &trace[..16]);
    Event {
        request_id: call.request_id.clone(),
        deadline_ms: u64::try_from(deadline_ms).unwrap_or(u64::MAX),
        function_arn: function.arn(),
        trace_id,
        client_context: call.client_context.clone(),
        payload: call.payload.clone(),
    }
}

/// The lines that end an invocation's log.
struct Report<'a> {
    request_id: &'a str,
    took: Duration,
    init: Option<Duration>,
    memory_mb: u32,
    memory_peak_bytes: u64,
    failure: Option<&'a Failure>,
}

impl Report<'_> {
    fn lines(&self) -> String {
        let ms = |duration: Duration| duration.as_secs_f64() * 1000.0;
        // The start is billed as well.
        let billed_ms = ms(self.took + self.init.unwrap_or_default()).ceil();
        let mut lines = String::new();
        if let Some(line) = self.failure.and_then(|failure| failure.log_line(self.request_id)) {
            lines.push_str(&line);
            lines.push('\n');
        }
        lines.push_str(&format!(
            "END RequestId: {id}\nREPORT RequestId: {id}\tDuration: {took:.2} ms\tBilled Duration: {billed_ms} ms\tMemory \
             Size: {memory} MB\tMax Memory Used: {peak} MB\t",
            id = self.request_id,
            took = ms(self.took),
            memory = self.memory_mb,
            peak = self.memory_peak_bytes.div_ceil(1 << 20),
        ));
        if let Some(init) = self.init {
            lines.push_str(&format!("Init Duration: {:.2} ms\t", ms(init)));
        }
        if let Some(failure) = self.failure {
            lines.push_str(&failure.report());
        }
        lines
    }
}
