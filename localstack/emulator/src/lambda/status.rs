//! Which sandboxes live, for those who look on from outside, and for ending them all.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::SystemTime;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::process::{Signal, signal_group};

/// One sandbox, seen from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SandboxInfo {
    /// The function that it runs.
    pub function: String,
    /// Its process, which leads a process group of the same number.
    pub pid: u32,
    /// Whether an event is in it.
    pub busy: bool,
    /// When its process was started.
    pub started_at: SystemTime,
    /// How many events it has been given.
    pub invocations: u64,
}

#[derive(Debug)]
pub(super) struct Status {
    pub function: String,
    pub pid: u32,
    started_at: SystemTime,
    busy: AtomicBool,
    invocations: AtomicU64,
}

impl Status {
    pub(super) fn new(function: &str, pid: u32) -> Self {
        Self {
            function: function.to_owned(),
            pid,
            started_at: SystemTime::now(),
            busy: AtomicBool::new(true),
            invocations: AtomicU64::new(0),
        }
    }

    pub(super) fn begin_event(&self) {
        self.busy.store(true, Ordering::Relaxed);
        self.invocations.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn end_event(&self) {
        self.busy.store(false, Ordering::Relaxed);
    }

    fn info(&self) -> SandboxInfo {
        SandboxInfo {
            function: self.function.clone(),
            pid: self.pid,
            busy: self.busy.load(Ordering::Relaxed),
            started_at: self.started_at,
            invocations: self.invocations.load(Ordering::Relaxed),
        }
    }
}

/// The processes that live now, by their number.
#[derive(Debug, Default)]
pub(super) struct Statuses {
    living: Mutex<Living>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Living {
    by_pid: BTreeMap<u32, Arc<Status>>,
    is_closed: bool,
}

impl Statuses {
    /// A process that comes after the end has begun is killed at once.
    pub(super) fn add(&self, status: &Arc<Status>) {
        let mut living = self.living.lock();
        living.by_pid.insert(status.pid, Arc::clone(status));
        if living.is_closed {
            signal_group(status.pid, Signal::Kill);
        }
    }

    pub(super) fn remove(&self, status: &Status) {
        self.living.lock().by_pid.remove(&status.pid);
        self.changed.notify_waiters();
    }

    pub(super) fn infos(&self) -> Vec<SandboxInfo> {
        self.living.lock().by_pid.values().map(|status| status.info()).collect()
    }

    /// Kills all, now and from now on.
    pub(super) fn kill_all(&self) {
        let mut living = self.living.lock();
        living.is_closed = true;
        for pid in living.by_pid.keys() {
            signal_group(*pid, Signal::Kill);
        }
    }

    /// Returns when no process is left.
    pub(super) async fn all_gone(&self) {
        loop {
            let changed = self.changed.notified();
            if self.living.lock().by_pid.is_empty() {
                return;
            }
            changed.await;
        }
    }
}
