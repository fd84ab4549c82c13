//! Planning goes down into expressions by recursion, and not all of DataFusion's is protected: a query of some hundred
//! nested operators would overflow a thread's stack, and that ends the process.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Enough for some thousand levels, of which the dev profile's take more. Address space, until it is used.
const STACK_BYTES: usize = if cfg!(debug_assertions) { 384 << 20 } else { 96 << 20 };

/// A future whose every step has a deep stack of its own.
pub(crate) struct OnDeepStack<F>(Pin<Box<F>>);

impl<F: Future> OnDeepStack<F> {
    pub(crate) fn new(future: F) -> Self {
        Self(Box::pin(future))
    }
}

impl<F: Future> Future for OnDeepStack<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        stacker::maybe_grow(STACK_BYTES, STACK_BYTES, || self.0.as_mut().poll(context))
    }
}

/// Runs `work` on a deep stack of its own.
pub(crate) fn on_deep_stack<R>(work: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(STACK_BYTES, STACK_BYTES, work)
}
