//! [`FunctionInvoker`]: what a backend has to do.

use std::fmt::Debug;

use async_trait::async_trait;
use bytes::Bytes;

use crate::InvokeError;

/// A place where functions run. Every backend runs the suite in [`conformance`](crate::conformance).
#[async_trait]
pub trait FunctionInvoker: Send + Sync + Debug {
    /// One attempt: the payload is an encoded `TaskEnvelope`, the answer an encoded `TaskReport`, and neither is
    /// looked into. A future that is dropped abandons the attempt, which may go on at the other end.
    async fn invoke(&self, payload: Bytes) -> Result<Bytes, InvokeError>;

    /// `in-process`, `process` or `lambda`.
    fn name(&self) -> &'static str;

    /// How many attempts may be under way; a further one may be [`InvokeError::Throttled`].
    fn concurrency_max(&self) -> usize;

    /// Lets go of what the backend holds. Attempts under way fail.
    async fn shutdown(&self) {}
}
