//! The conformance suite, and what is special about a handler of this process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use firesteel_invoke::conformance::{self, Command};
use firesteel_invoke::{FunctionInvoker, InProcess, InvokeError};
use futures::FutureExt;

fn invoker(concurrency: usize) -> InProcess {
    InProcess::new(|payload| conformance::obey(payload, || panic!("as it was told")).boxed(), concurrency)
}

#[tokio::test]
async fn conforms() {
    for concurrency in [1, 4] {
        conformance::check(Arc::new(invoker(concurrency))).await;
    }
}

#[tokio::test]
async fn a_panic_is_a_crash_that_says_why() {
    let error = invoker(1).invoke(Command::Crash.payload()).await.expect_err("a panic");
    assert_eq!(error.to_string(), "invoke in-process function: the function crashed (panicked: as it was told)");
}

#[tokio::test]
async fn one_too_many_is_throttled() {
    let invoker = invoker(1);
    let (first, second) = futures::join!(
        invoker.invoke(Command::Wait { ms: 50 }.payload()),
        invoker.invoke(Command::Wait { ms: 50 }.payload())
    );
    first.expect("the first runs");
    assert!(matches!(second, Err(InvokeError::Throttled { .. })), "{second:?}");
}

#[tokio::test]
async fn a_dropped_attempt_ends() {
    struct Ended(Arc<AtomicBool>);
    impl Drop for Ended {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    let ended = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&ended);
    let invoker = InProcess::new(
        move |_| {
            let ended = Ended(Arc::clone(&flag));
            async move {
                let _ended = ended;
                std::future::pending().await
            }
            .boxed()
        },
        1,
    );
    assert!(invoker.invoke(Bytes::new()).now_or_never().is_none());
    while !ended.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
}
