//! [`InProcess`]: the function is a handler of this process, under Lambda's payload limits (TASK-2).

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use firesteel_protocol::INVOKE_PAYLOAD_BYTES_MAX;
use futures::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};

use crate::{Direction, FunctionInvoker, InvokeError};

const FUNCTION: &str = "in-process function";

type Handler = dyn Fn(Bytes) -> BoxFuture<'static, Result<Bytes, HandlerError>> + Send + Sync;

/// Runs each attempt as a task of the caller's Tokio runtime. A handler that panics crashes its attempt alone.
#[derive(Clone)]
pub struct InProcess {
    handler: Arc<Handler>,
    concurrency: usize,
    permits: Arc<Semaphore>,
}

/// What a handler says when it has no report to give, as a Lambda function does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error_type}: {message}")]
pub struct HandlerError {
    pub error_type: String,
    pub message: String,
}

impl HandlerError {
    /// An error type, such as a type's name, and a message.
    pub fn new(error_type: impl Into<String>, message: impl Into<String>) -> Self {
        Self { error_type: error_type.into(), message: message.into() }
    }
}

impl InProcess {
    /// At least one attempt may be under way, whatever `concurrency` says.
    pub fn new(
        handler: impl Fn(Bytes) -> BoxFuture<'static, Result<Bytes, HandlerError>> + Send + Sync + 'static,
        concurrency: usize,
    ) -> Self {
        let concurrency = concurrency.clamp(1, Semaphore::MAX_PERMITS);
        Self { handler: Arc::new(handler), concurrency, permits: Arc::new(Semaphore::new(concurrency)) }
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess").field("concurrency", &self.concurrency).finish_non_exhaustive()
    }
}

#[async_trait]
impl FunctionInvoker for InProcess {
    async fn invoke(&self, payload: Bytes) -> Result<Bytes, InvokeError> {
        let function = || FUNCTION.to_owned();
        check_size(&payload, Direction::Request)?;
        // Held here and not by the task, so that a caller who drops this future can call again at once.
        let Ok(_permit) = self.permits.try_acquire() else {
            let reason = format!("{} are under way", self.concurrency);
            return Err(InvokeError::Throttled { function: function(), reason });
        };
        // A set of one: the task ends when this future is dropped.
        let mut task = JoinSet::new();
        task.spawn((self.handler)(payload));
        match task.join_next().await {
            Some(Ok(Ok(reply))) => check_size(&reply, Direction::Reply).map(|()| reply),
            Some(Ok(Err(HandlerError { error_type, message }))) => {
                Err(InvokeError::FunctionFailed { function: function(), error_type, message })
            }
            Some(Err(error)) => Err(InvokeError::Crashed { function: function(), message: how(error) }),
            None => Err(InvokeError::Crashed { function: function(), message: "it never ran".to_owned() }),
        }
    }

    fn name(&self) -> &'static str {
        "in-process"
    }

    fn concurrency_max(&self) -> usize {
        self.concurrency
    }
}

fn check_size(payload: &Bytes, direction: Direction) -> Result<(), InvokeError> {
    if payload.len() <= INVOKE_PAYLOAD_BYTES_MAX {
        return Ok(());
    }
    Err(InvokeError::PayloadTooLarge { function: FUNCTION.to_owned(), direction })
}

/// What a panic said, where it said something.
fn how(error: JoinError) -> String {
    let Ok(panic) = error.try_into_panic() else { return "it was cancelled".to_owned() };
    let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("panicked: {}", text.as_deref().unwrap_or("without a message"))
}
