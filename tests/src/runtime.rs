//! The three runtimes as tests use them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use firesteel_function::{FunctionContext, FunctionOptions, run_task};
use firesteel_invoke::{
    Faults, FunctionInvoker, HandlerError, InProcess, LambdaInvoker, LambdaOptions, ProcessOptions, ProcessRuntime,
};
use firesteel_storage::{Storage, StorageOptions};
use futures::FutureExt;
use tempfile::TempDir;

use crate::bootstrap;

/// A runtime with a work folder of its own, which goes with it.
pub struct TestRuntime {
    pub storage: Storage,
    pub invoker: Arc<dyn FunctionInvoker>,
    pub work_url: String,
    pub memory_mb: u32,
    pub process: Option<ProcessRuntime>,
    pub temp: TempDir,
}

impl TestRuntime {
    /// Functions inside this process.
    pub fn in_process(memory_mb: u32) -> Self {
        let temp = tempfile::tempdir().expect("a temp folder");
        let storage = Storage::new(StorageOptions::default());
        let options = FunctionOptions { memory_mb, temp_dir: temp.path().to_owned() };
        let context = Arc::new(FunctionContext::new(storage.clone(), options, Instant::now()));
        let handler = move |payload: Bytes| {
            let context = Arc::clone(&context);
            async move {
                let reply = run_task(&context, &payload, None).await;
                reply.map(Bytes::from).map_err(|error| HandlerError::new("WireError", error.to_string()))
            }
            .boxed()
        };
        let work_url = firesteel_storage::to_url(&temp.path().to_string_lossy()).expect("a URL").to_string();
        Self {
            storage,
            invoker: Arc::new(InProcess::new(handler, 2)),
            work_url: work_url.trim_end_matches('/').to_owned(),
            memory_mb,
            process: None,
            temp,
        }
    }

    /// Real `bootstrap` processes under the emulator.
    pub async fn process(memory_mb: u32) -> Self {
        install_tls_provider();
        let temp = tempfile::tempdir().expect("a temp folder");
        let process = ProcessRuntime::start(ProcessOptions {
            root: temp.path().to_owned(),
            bootstrap: bootstrap(),
            memory_mb,
            timeout_s: 300,
            concurrency: 2,
            environment: Vec::new(),
            faults: Faults::default(),
        })
        .await
        .expect("the emulator with a bootstrap");
        Self {
            storage: Storage::new(process.storage_options()),
            invoker: process.invoker(),
            work_url: process.work_url(),
            memory_mb,
            process: Some(process),
            temp,
        }
    }

    /// The `lambda` backend, whose endpoint is the emulator's.
    pub async fn lambda(memory_mb: u32) -> Self {
        let mut runtime = Self::process(memory_mb).await;
        let process = runtime.process.as_ref().expect("the emulator runs");
        let options = LambdaOptions {
            function_name: process.function_name().to_owned(),
            endpoint_url: Some(process.lambda_endpoint().to_owned()),
            region: Some("us-east-1".to_owned()),
            credentials: Some(process.credentials()),
            concurrency_max: 2,
            timeout: Duration::from_secs(300),
        };
        runtime.invoker = Arc::new(LambdaInvoker::connect(options).await);
        runtime
    }

    /// Ends the emulator, where there is one.
    pub async fn shutdown(self) {
        if let Some(process) = self.process {
            process.shutdown().await;
        }
    }
}

fn install_tls_provider() {
    // Another test of this process may have been first: then it is there.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
