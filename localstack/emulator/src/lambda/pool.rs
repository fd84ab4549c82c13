//! The idle sandboxes: frozen, waiting for the next event of their function. The one used last is used first, so that
//! the others grow old and go.

use std::collections::VecDeque;

use parking_lot::Mutex;
use tokio::time::{Duration, Instant};

use super::function::Function;
use super::package;
use super::sandbox::Sandbox;

/// More idle sandboxes than this are not kept: each holds the memory of a process.
const IDLE_MAX: usize = 256;
/// How long an idle sandbox is kept. AWS names no figure; minutes are what is seen.
const IDLE_AGE_MAX: Duration = Duration::from_secs(300);

#[derive(Default)]
pub(super) struct Pool {
    /// The longest idle first.
    idle: Mutex<VecDeque<Idle>>,
}

struct Idle {
    sandbox: Sandbox,
    since: Instant,
}

impl Pool {
    /// Takes the sandbox of this revision that was used last, thawed. Those found unusable on the way are dropped.
    pub(super) fn take(&self, function: &Function) -> Option<Sandbox> {
        loop {
            let sandbox = {
                let mut idle = self.idle.lock();
                let position = idle.iter().rposition(|idle| idle.sandbox.status.function == function.name)?;
                idle.remove(position)?.sandbox
            };
            let is_current = sandbox.revision_id == function.revision_id
                && sandbox.code_modified == package::modified(&function.code);
            if is_current && sandbox.is_usable() {
                sandbox.thaw();
                return Some(sandbox);
            }
        }
    }

    /// Freezes a sandbox and keeps it.
    pub(super) fn put(&self, sandbox: Sandbox) {
        sandbox.freeze();
        sandbox.status.end_event();
        let surplus = {
            let mut idle = self.idle.lock();
            idle.push_back(Idle { sandbox, since: Instant::now() });
            if idle.len() > IDLE_MAX { idle.pop_front() } else { None }
        };
        // Dropped, and thereby killed, outside the lock.
        drop(surplus);
    }

    /// Ends the sandboxes that have been idle for too long.
    pub(super) fn reap(&self) {
        let mut old = Vec::new();
        {
            let mut idle = self.idle.lock();
            while idle.front().is_some_and(|idle| idle.since.elapsed() > IDLE_AGE_MAX) {
                old.extend(idle.pop_front());
            }
        }
        drop(old);
    }

    /// Ends the idle sandboxes of a function that was changed or deleted.
    pub(super) fn drop_function(&self, name: &str) {
        let dropped: Vec<Idle> = {
            let mut idle = self.idle.lock();
            let (gone, kept) = idle.drain(..).partition(|idle| idle.sandbox.status.function == name);
            *idle = kept;
            Vec::from(gone)
        };
        drop(dropped);
    }

    pub(super) fn clear(&self) {
        let all = std::mem::take(&mut *self.idle.lock());
        drop(all);
    }
}
