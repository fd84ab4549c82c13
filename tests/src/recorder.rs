//! [`Recorder`]: an invoker that keeps what passes through another, and can come between.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use firesteel_invoke::{FunctionInvoker, InvokeError};
use firesteel_protocol::{TaskEnvelope, TaskOutcome, TaskOutput, TaskReport};
use parking_lot::Mutex;

/// One attempt, as its bytes.
#[derive(Debug, Clone)]
pub struct Call {
    pub payload: Bytes,
    pub reply: Bytes,
}

/// Sees each attempt after it ran; an error takes the place of its reply.
type Meddler = dyn Fn(&Call) -> Result<(), InvokeError> + Send + Sync;

pub struct Recorder {
    inner: Arc<dyn FunctionInvoker>,
    calls: Mutex<Vec<Call>>,
    meddler: Mutex<Option<Box<Meddler>>>,
}

impl Recorder {
    pub fn new(inner: Arc<dyn FunctionInvoker>) -> Self {
        Self { inner, calls: Mutex::default(), meddler: Mutex::default() }
    }

    /// From now on `meddler` comes between.
    pub fn meddle(&self, meddler: impl Fn(&Call) -> Result<(), InvokeError> + Send + Sync + 'static) {
        *self.meddler.lock() = Some(Box::new(meddler));
    }

    /// All attempts so far that gave a reply; the list starts anew.
    pub fn take(&self) -> Vec<Call> {
        std::mem::take(&mut self.calls.lock())
    }
}

impl Call {
    pub fn envelope(&self) -> TaskEnvelope {
        TaskEnvelope::decode(&self.payload).expect("an envelope")
    }

    pub fn report(&self) -> TaskReport {
        TaskReport::decode(&self.reply).expect("a report")
    }

    /// What the attempt wrote; fails if the attempt did.
    pub fn output(&self) -> TaskOutput {
        match self.report().outcome {
            TaskOutcome::Done(output) => output,
            TaskOutcome::Failed(error) => panic!("{}: {error}", self.envelope().task),
        }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("inner", &self.inner).finish_non_exhaustive()
    }
}

#[async_trait]
impl FunctionInvoker for Recorder {
    async fn invoke(&self, payload: Bytes) -> Result<Bytes, InvokeError> {
        let reply = self.inner.invoke(payload.clone()).await?;
        let call = Call { payload, reply: reply.clone() };
        if let Some(meddler) = self.meddler.lock().as_ref() {
            meddler(&call)?;
        }
        self.calls.lock().push(call);
        Ok(reply)
    }

    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn concurrency_max(&self) -> usize {
        self.inner.concurrency_max()
    }

    async fn shutdown(&self) {
        self.inner.shutdown().await;
    }
}
