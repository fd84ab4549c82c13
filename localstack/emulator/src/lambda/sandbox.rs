//! One sandbox (Lambda's execution environment): a process that runs the function's `bootstrap`, and its Runtime API.
//! Whoever holds the `Sandbox` value runs it, so two events can never be in it at once.
//!
//! ```text
//! start ─► runtime asks for an event ─► [idle, frozen] ─► run ─► runtime asks again ─► [idle, frozen]
//!   └► init failed / timed out             └► gone         ├► timed out, out of memory: killed
//!                                                          └► exited
//! ```
//!
//! The Runtime API listens before the process starts, and what the runtime says is queued: it does not matter whether
//! the first request comes before the call that starts the process has returned.

use std::process::ExitStatus;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use tempfile::TempDir;
use tokio::process::Child;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Duration, Instant, MissedTickBehavior, interval_at, sleep_until};

use super::Lambda;
use super::failure::Failure;
use super::function::Function;
use super::launch;
use super::process::{Signal, is_alive, peak_resident_bytes, resident_bytes, signal_group};
use super::runtime_api::{Event, RuntimeMessage, RuntimeReply, serve_runtime};
use super::sandbox_log::SandboxLog;
use super::status::Status;
use crate::error::EmulatorError;
use crate::http_server::{self, ServerHandle};

/// How often the memory of a busy sandbox is looked at. A frozen one cannot grow.
const MEMORY_INTERVAL: Duration = Duration::from_millis(20);

/// How long a runtime that has replied may take to ask for its next event before the caller gets the reply without
/// waiting for that. Within it, a caller that calls again finds this sandbox idle.
const REPLY_GRACE: Duration = Duration::from_millis(100);

/// Messages of a runtime that nobody has read yet. A runtime waits for each answer, so this is ample.
const MESSAGES_MAX: usize = 16;

pub(super) struct Sandbox {
    pub status: Arc<Status>,
    pub log: SandboxLog,
    /// How long the start took, until the first invocation has reported it.
    pub init: Option<Duration>,
    pub revision_id: String,
    /// See `package::modified`.
    pub code_modified: Option<SystemTime>,
    pub memory_bytes_max: u64,
    messages: mpsc::Receiver<RuntimeMessage>,
    exit: watch::Receiver<Option<ExitStatus>>,
    /// Where the waiting runtime takes its next event from.
    next: Option<oneshot::Sender<Event>>,
    _runtime_api: ServerHandle,
    _tmp: TempDir,
}

/// What came of an event.
pub(super) struct Ran {
    pub reply: Result<Bytes, Failure>,
    pub after: After,
    pub memory_peak_bytes: u64,
}

/// What became of the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// It waits for the next event.
    Idle,
    /// It has replied and still does something.
    Lingering,
    /// It is gone, or on its way.
    Dead,
}

impl Sandbox {
    /// Starts a process and waits until its runtime asks for an event.
    pub(super) async fn start(lambda: &Lambda, function: &Function, init_max: Duration) -> Result<Self, Failure> {
        let began = Instant::now();
        let (listener, address) = http_server::bind(0).await.map_err(Failure::emulator)?;
        let (send, messages) = mpsc::channel(MESSAGES_MAX);
        let runtime_api = serve_runtime(listener, send);
        let tmp = tempfile::tempdir_in(&lambda.folders.tmp).map_err(EmulatorError::state(&lambda.folders.tmp));
        let tmp = tmp.map_err(Failure::emulator)?;
        let log = SandboxLog::create(&lambda.folders.logs, &function.name).map_err(Failure::emulator)?;

        let launch = launch::prepare(lambda, function, address, tmp.path(), &log).map_err(Failure::emulator)?;
        let program = launch.program.clone();
        let code_modified = super::package::modified(&function.code);
        let child = lambda.spawner.spawn(launch).await.map_err(|source| Failure::not_started(&program, &source))?;
        let pid = child.id().ok_or_else(|| Failure::not_started(&program, &std::io::Error::other("it is gone")))?;
        let status = Arc::new(Status::new(&function.name, pid));
        let (tell_exit, exit) = watch::channel(None);
        lambda.statuses.add(&status);
        tokio::spawn(watch_over(child, Arc::clone(&status), Arc::clone(&lambda.statuses), tell_exit));

        let mut sandbox = Self {
            status,
            log,
            init: None,
            revision_id: function.revision_id.clone(),
            code_modified,
            memory_bytes_max: u64::from(function.memory_mb) << 20,
            messages,
            exit,
            next: None,
            _runtime_api: runtime_api,
            _tmp: tmp,
        };
        // From here on, dropping the sandbox kills the process.
        if let Err(failure) = sandbox.wait_for_init(began + init_max, init_max).await {
            sandbox.log.line(&failure.init_report(began.elapsed()));
            return Err(failure);
        }
        sandbox.init = Some(began.elapsed());
        Ok(sandbox)
    }

    async fn wait_for_init(&mut self, deadline: Instant, init_max: Duration) -> Result<(), Failure> {
        loop {
            tokio::select! {
                biased;
                Some(message) = self.messages.recv() => match message {
                    RuntimeMessage::Next(next) => {
                        self.next = Some(next);
                        return Ok(());
                    }
                    RuntimeMessage::InitError { error, accepted } => {
                        let _ = accepted.send(true);
                        return Err(Failure::reported(error, false));
                    }
                    RuntimeMessage::Reply { accepted, .. } => {
                        let _ = accepted.send(false);
                    }
                },
                status = exited(&mut self.exit) => return Err(Failure::exited(status)),
                () = sleep_until(deadline) => return Err(Failure::timed_out(init_max)),
            }
        }
    }

    /// Whether this sandbox can take an event: an idle one may have been killed from outside.
    pub(super) fn is_usable(&self) -> bool {
        self.exit.borrow().is_none() && self.next.is_some() && is_alive(self.status.pid)
    }

    pub(super) fn freeze(&self) {
        signal_group(self.status.pid, Signal::Freeze);
    }

    pub(super) fn thaw(&self) {
        signal_group(self.status.pid, Signal::Thaw);
    }

    /// Gives the runtime an event and waits for what comes of it, until `deadline`.
    pub(super) async fn run(&mut self, event: Event, deadline: Instant, timeout: Duration) -> Ran {
        let request_id = event.request_id.clone();
        let mut undelivered = Some(event);
        let mut reply: Option<Result<Bytes, Failure>> = None;
        let mut grace_ends = deadline;
        let mut memory_peak_bytes = 0;
        let mut memory_looks = interval_at(Instant::now() + MEMORY_INTERVAL, MEMORY_INTERVAL);
        memory_looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (reply, after) = loop {
            if undelivered.is_some()
                && let Some(next) = self.next.take()
                && let Some(event) = undelivered.take()
            {
                // A runtime that hung up meanwhile will ask again.
                undelivered = next.send(event).err();
            }
            tokio::select! {
                biased;
                Some(message) = self.messages.recv() => match message {
                    RuntimeMessage::Next(next) => {
                        self.next = Some(next);
                        if let Some(reply) = reply {
                            break (reply, After::Idle);
                        }
                    }
                    RuntimeMessage::Reply { request_id: replied_to, reply: new, accepted } => {
                        let is_expected = replied_to == request_id && reply.is_none();
                        let _ = accepted.send(is_expected);
                        if is_expected {
                            grace_ends = deadline.min(Instant::now() + REPLY_GRACE);
                            reply = Some(match new {
                                RuntimeReply::Response(payload) => Ok(payload),
                                RuntimeReply::ResponseTooLarge => Err(Failure::response_too_large()),
                                RuntimeReply::Error { error, is_handled } => Err(Failure::reported(error, is_handled)),
                            });
                        }
                    }
                    RuntimeMessage::InitError { accepted, .. } => {
                        let _ = accepted.send(false);
                    }
                },
                status = exited(&mut self.exit) => {
                    break (reply.unwrap_or_else(|| Err(Failure::exited(status))), After::Dead);
                }
                _ = memory_looks.tick() => {
                    let resident = resident_bytes(self.status.pid);
                    memory_peak_bytes = resident.max(memory_peak_bytes);
                    if resident > self.memory_bytes_max {
                        self.kill().await;
                        break (reply.unwrap_or_else(|| Err(Failure::out_of_memory())), After::Dead);
                    }
                }
                () = sleep_until(grace_ends) => match reply {
                    Some(reply) => break (reply, After::Lingering),
                    None => {
                        self.kill().await;
                        break (Err(Failure::timed_out(timeout)), After::Dead);
                    }
                },
            }
        };
        memory_peak_bytes = peak_resident_bytes(self.status.pid).max(memory_peak_bytes);
        Ran { reply, after, memory_peak_bytes }
    }

    /// Waits for a runtime that has replied to ask for its next event; `false` if it does not until `deadline`.
    pub(super) async fn linger(&mut self, deadline: Instant) -> bool {
        loop {
            tokio::select! {
                biased;
                Some(message) = self.messages.recv() => match message {
                    RuntimeMessage::Next(next) => {
                        self.next = Some(next);
                        return true;
                    }
                    RuntimeMessage::Reply { accepted, .. } | RuntimeMessage::InitError { accepted, .. } => {
                        let _ = accepted.send(false);
                    }
                },
                _ = exited(&mut self.exit) => return false,
                () = sleep_until(deadline) => return false,
            }
        }
    }

    /// Kills the process and waits until it is gone.
    pub(super) async fn kill(&mut self) -> Option<ExitStatus> {
        signal_group(self.status.pid, Signal::Kill);
        exited(&mut self.exit).await
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Once it has been waited for, its number may be another process's.
        if self.exit.borrow().is_none() {
            signal_group(self.status.pid, Signal::Kill);
        }
    }
}

async fn exited(exit: &mut watch::Receiver<Option<ExitStatus>>) -> Option<ExitStatus> {
    exit.wait_for(Option::is_some).await.ok().and_then(|status| *status)
}

/// Waits for a child's end, ends what it left behind in its group, and tells.
async fn watch_over(
    mut child: Child,
    status: Arc<Status>,
    statuses: Arc<super::status::Statuses>,
    tell_exit: watch::Sender<Option<ExitStatus>>,
) {
    let exit = child.wait().await;
    signal_group(status.pid, Signal::Kill);
    statuses.remove(&status);
    tell_exit.send_replace(exit.ok());
}
