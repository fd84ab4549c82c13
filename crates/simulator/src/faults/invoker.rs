//! [`SimInvoker`]: calls of simulated functions, as Lambda answers them on a bad day.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use firesteel_invoke::{FunctionInvoker, InvokeError};
use firesteel_protocol::TaskId;
use firesteel_storage::Storage;
use parking_lot::Mutex;
use tokio::time::sleep;

use super::chance::{Chance, Rates};
use super::function;
use super::work::SimEnvelope;

const START: Duration = Duration::from_millis(40);
const SLOWDOWN_MAX: u64 = 100;

/// A call that was made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Called {
    /// Which coordinator called, by number.
    pub coordinator: usize,
    pub task: TaskId,
}

/// What all coordinators of a job have in common.
#[derive(Debug, Clone, Default)]
pub(super) struct CallLog(Arc<Mutex<Vec<Called>>>);

impl CallLog {
    pub fn calls(&self) -> Vec<Called> {
        self.0.lock().clone()
    }
}

pub(super) struct SimInvoker {
    pub coordinator: usize,
    pub storage: Storage,
    pub chance: Chance,
    pub rates: Rates,
    pub log: CallLog,
    pub concurrency_max: usize,
    /// Calls whose caller still waits, and the most that there were.
    pub under_way: AtomicUsize,
    pub under_way_most: AtomicUsize,
}

/// Counts a call for as long as its caller waits.
struct UnderWay<'a>(&'a SimInvoker);

impl<'a> UnderWay<'a> {
    fn begin(invoker: &'a SimInvoker) -> Self {
        let now = invoker.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        invoker.under_way_most.fetch_max(now, Ordering::Relaxed);
        Self(invoker)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for SimInvoker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimInvoker").field("coordinator", &self.coordinator).finish_non_exhaustive()
    }
}

fn function() -> String {
    "simulated".to_owned()
}

fn crashed(when: &str) -> InvokeError {
    InvokeError::Crashed { function: function(), message: when.to_owned() }
}

impl SimInvoker {
    /// Runs the function apart from the call: it goes on when the caller has gone.
    fn begin(&self, envelope: SimEnvelope) -> tokio::task::JoinHandle<Bytes> {
        let slow = self.chance.happens(self.rates.straggler);
        let slowdown = if slow { self.chance.between(10, SLOWDOWN_MAX) as u32 } else { 1 };
        tokio::spawn(function::run(envelope, self.storage.clone(), self.chance.clone(), slowdown))
    }
}

#[async_trait]
impl FunctionInvoker for SimInvoker {
    async fn invoke(&self, payload: Bytes) -> Result<Bytes, InvokeError> {
        let _under_way = UnderWay::begin(self);
        let envelope: SimEnvelope = serde_json::from_slice(&payload).map_err(|error| InvokeError::Refused {
            function: function(),
            code: "InvalidRequestContentException".to_owned(),
            message: error.to_string(),
        })?;
        sleep(self.chance.latency(START)).await;
        let (chance, rates) = (&self.chance, &self.rates);
        if chance.happens(rates.throttled) {
            return Err(InvokeError::Throttled { function: function(), reason: "TooManyRequests".to_owned() });
        }
        self.log.0.lock().push(Called { coordinator: self.coordinator, task: envelope.task });
        if chance.happens(rates.crash_before) {
            return Err(crashed("before it began"));
        }
        if chance.happens(rates.out_of_memory) {
            return Err(InvokeError::OutOfMemory { function: function(), message: "killed".to_owned() });
        }
        if chance.happens(rates.duplicated) {
            self.begin(envelope.clone());
        }
        let whole = Duration::from_millis(envelope.compute_ms + 200);
        let running = self.begin(envelope);
        if chance.happens(rates.crash_within) {
            sleep(whole.mul_f64(chance.between(0, 1000) as f64 / 1000.0)).await;
            running.abort();
            return Err(crashed("in the middle"));
        }
        if chance.happens(rates.timeout) {
            sleep(whole).await;
            return Err(InvokeError::TimedOut { function: function(), message: "it goes on".to_owned() });
        }
        let reply = running.await.map_err(|_| crashed("by itself"))?;
        if chance.happens(rates.crash_after) {
            return Err(crashed("after it wrote"));
        }
        if chance.happens(rates.lost_reply) {
            std::future::pending::<()>().await;
        }
        Ok(reply)
    }

    fn name(&self) -> &'static str {
        "simulated"
    }

    fn concurrency_max(&self) -> usize {
        self.concurrency_max
    }
}
