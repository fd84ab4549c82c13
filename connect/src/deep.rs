//! Stacks as deep as the plan that is worked on. Decoding, converting, planning and dropping a plan all recurse over
//! it, and a client may nest thousands of expressions: none of that may run on a thread's own stack.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use firesteel_spec::{SparkError, SparkResult};
use prost::{Message, Name};

use crate::wire;

/// What one level of nesting takes of a stack at the most, whoever recurses over it.
const LEVEL_BYTES: usize = if cfg!(debug_assertions) { 64 << 10 } else { 24 << 10 };
/// What work on a flat plan takes.
const BASE_BYTES: usize = 512 << 10;

/// How much stack work on a plan needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stack {
    bytes: usize,
}

impl Stack {
    pub(crate) fn for_depth(depth: usize) -> Self {
        Self { bytes: BASE_BYTES + depth.saturating_mul(LEVEL_BYTES) }
    }

    /// Runs `work` on this thread's stack, or on another if that is too small.
    pub(crate) fn run<T>(self, work: impl FnOnce() -> T) -> T {
        stacker::maybe_grow(self.bytes, self.bytes + BASE_BYTES, work)
    }
}

/// Something that may nest deeply, and is dropped on a stack for it.
#[derive(Debug)]
pub(crate) struct Deep<T> {
    value: Option<T>,
    stack: Stack,
}

impl<T> Deep<T> {
    pub(crate) fn new(value: T, stack: Stack) -> Self {
        Self { value: Some(value), stack }
    }

    /// Two as one.
    pub(crate) fn both<U>(self, other: Deep<U>) -> SparkResult<Deep<(T, U)>> {
        let stack = Stack { bytes: self.stack.bytes.max(other.stack.bytes) };
        Ok(Deep::new((self.into_inner()?, other.into_inner()?), stack))
    }

    pub(crate) fn stack(&self) -> Stack {
        self.stack
    }

    /// The value, for one who cares for the stack.
    pub(crate) fn into_inner(mut self) -> SparkResult<T> {
        self.value.take().ok_or_else(|| SparkError::internal("a plan was taken twice"))
    }
}

impl<T> Drop for Deep<T> {
    fn drop(&mut self) {
        if let Some(value) = self.value.take() {
            self.stack.run(|| drop(value));
        }
    }
}

/// Decodes a message that may nest deeply and makes something of it.
pub(crate) fn decode<M, T>(bytes: Bytes, convert: impl FnOnce(M) -> SparkResult<T>) -> SparkResult<Deep<T>>
where
    M: Message + Name + Default,
{
    let depth = wire::depth(&M::full_name(), &bytes).map_err(cannot_parse)?;
    let stack = Stack::for_depth(depth);
    let value = stack.run(|| convert(M::decode(bytes).map_err(cannot_parse)?))?;
    Ok(Deep::new(value, stack))
}

pub(crate) fn cannot_parse(error: impl std::fmt::Display) -> SparkError {
    SparkError::new(
        "CONNECT_INVALID_PLAN.CANNOT_PARSE",
        format!("The Spark Connect plan is invalid. Cannot decompress or parse the input plan ({error})"),
    )
    .with("errorMsg", error.to_string())
}

/// A future that is polled and dropped on such a stack.
pub(crate) struct OnStack<T> {
    future: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
    stack: Stack,
}

impl<T> OnStack<T> {
    pub(crate) fn new(stack: Stack, future: impl Future<Output = T> + Send + 'static) -> Self {
        Self { future: Some(Box::pin(future)), stack }
    }
}

impl<T> Future for OnStack<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let stack = self.stack;
        match &mut self.future {
            Some(future) => stack.run(|| future.as_mut().poll(context)),
            None => Poll::Pending,
        }
    }
}

/// Works on what may nest deeply, on a stack for it.
pub(crate) fn with<T, F, R>(value: Deep<T>, work: impl FnOnce(T) -> F + Send + 'static) -> OnStack<SparkResult<R>>
where
    T: Send + 'static,
    F: Future<Output = SparkResult<R>> + Send,
{
    OnStack::new(value.stack(), async move { work(value.into_inner()?).await })
}

impl<T> Drop for OnStack<T> {
    fn drop(&mut self) {
        if let Some(future) = self.future.take() {
            self.stack.run(|| drop(future));
        }
    }
}
