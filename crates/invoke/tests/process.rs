//! The conformance suite against real processes, through both backends that can reach them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use firesteel_invoke::conformance::{self, Command};
use firesteel_invoke::{Faults, InvokeError, LambdaInvoker, LambdaOptions, ProcessOptions, ProcessRuntime};
use firesteel_protocol::ErrorKind;
use firesteel_storage::Storage;
use tempfile::TempDir;

fn options(root: &TempDir) -> ProcessOptions {
    ProcessOptions {
        root: root.path().to_owned(),
        bootstrap: PathBuf::from(env!("CARGO_BIN_EXE_conformance-bootstrap")),
        memory_mb: 256,
        timeout_s: 20,
        concurrency: 3,
        environment: vec![("SOME_NAME".to_owned(), "some value".to_owned())],
        faults: Faults::default(),
    }
}

async fn start() -> (ProcessRuntime, TempDir) {
    let root = TempDir::new().expect("a folder");
    (ProcessRuntime::start(options(&root)).await.expect("a runtime"), root)
}

#[tokio::test]
async fn process_conforms() {
    let (runtime, _root) = start().await;
    let invoker = runtime.invoker();
    assert_eq!((invoker.name(), invoker.concurrency_max()), ("process", 3));
    conformance::check(invoker).await;
    runtime.shutdown().await;
}

#[tokio::test]
async fn lambda_conforms() {
    let (runtime, _root) = start().await;
    let invoker = LambdaInvoker::connect(LambdaOptions {
        function_name: runtime.function_name().to_owned(),
        endpoint_url: Some(runtime.lambda_endpoint().to_owned()),
        region: Some("us-east-1".to_owned()),
        credentials: Some(runtime.credentials()),
        concurrency_max: 3,
        timeout: Duration::from_secs(20),
    })
    .await;
    conformance::check(Arc::new(invoker)).await;
    runtime.shutdown().await;
}

#[tokio::test]
async fn storage_is_the_functions_own() {
    let (runtime, _root) = start().await;
    let storage = Storage::new(runtime.storage_options());
    let url = format!("{}/x ü", runtime.work_url());
    storage.put(&url, Bytes::from_static(b"x")).await.expect("put");
    assert_eq!(storage.get(&url).await.expect("get"), Bytes::from_static(b"x"));
    runtime.shutdown().await;
}

#[tokio::test]
async fn a_killed_process_is_a_crash() {
    let (runtime, _root) = start().await;
    let invoker = runtime.invoker();
    let attempt = tokio::spawn(async move { invoker.invoke(Command::Wait { ms: 15_000 }.payload()).await });
    let pid = loop {
        match runtime.sandboxes().iter().find(|sandbox| sandbox.busy && sandbox.invocations > 0) {
            Some(sandbox) => break sandbox.pid,
            None => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    };
    kill(pid);
    let error = attempt.await.expect("no panic").expect_err("a crash");
    assert!(matches!(error, InvokeError::Crashed { .. }), "{error:?}");
    let echo = Command::Echo { text: String::new() }.payload();
    assert_eq!(runtime.invoker().invoke(echo.clone()).await.expect("another process"), echo);
    runtime.shutdown().await;
}

fn kill(pid: u32) {
    let killed = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().expect("kill runs");
    assert!(killed.success());
}

#[tokio::test]
async fn a_missing_bootstrap_says_what_to_build() {
    let root = TempDir::new().expect("a folder");
    let options = ProcessOptions { bootstrap: root.path().join("nothing"), ..options(&root) };
    let error = ProcessRuntime::start(options).await.expect_err("no bootstrap");
    assert!(error.to_string().ends_with("build it with `cargo build --release -p firesteel-function`"), "{error}");
    assert_eq!(error.kind(), ErrorKind::UserFix);
}

#[tokio::test]
async fn state_is_used_again() {
    let root = TempDir::new().expect("a folder");
    for _ in 0..2 {
        let runtime = ProcessRuntime::start(options(&root)).await.expect("a runtime");
        let echo = Command::Echo { text: String::new() }.payload();
        assert_eq!(runtime.invoker().invoke(echo.clone()).await.expect("an echo"), echo);
        runtime.shutdown().await;
    }
}
