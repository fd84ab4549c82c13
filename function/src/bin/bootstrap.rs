//! The function as AWS Lambda runs it: the `bootstrap` of a `provided.al2023` runtime.
//!
//! Each event is a task envelope, each reply a task report. Memory comes from `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`, the
//! temp folder from `TMPDIR`, credentials and endpoints from the variables that AWS SDKs read.

use std::sync::Arc;
use std::time::Instant;

use firesteel_function::{FunctionContext, FunctionOptions, run_task};
use firesteel_storage::{Storage, StorageOptions};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::value::RawValue;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const MEMORY_MB_DEFAULT: u32 = 1769;

/// An expression of some thousand levels is evaluated by recursion. It is address space until it is used, but less than
/// the smallest function has of memory, since Linux refuses more.
const THREAD_STACK_BYTES: usize = 64 << 20;

fn main() -> Result<(), Error> {
    let started = Instant::now();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_ansi(false)
        .init();
    // Two of the linked crates would each pick another provider.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        tracing::warn!("a TLS provider was installed before");
    }
    // A step of a plan may take seconds (a nested loop join). One thread more than a task has partitions, so that the
    // deadline is still heard while all of them are at it.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores + 1)
        .thread_stack_size(THREAD_STACK_BYTES)
        .enable_all()
        .build()?;
    runtime.block_on(serve(started))
}

async fn serve(started: Instant) -> Result<(), Error> {
    let memory_mb = std::env::var("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").ok().and_then(|text| text.parse().ok());
    let options = FunctionOptions { memory_mb: memory_mb.unwrap_or(MEMORY_MB_DEFAULT), temp_dir: std::env::temp_dir() };
    let storage = Storage::new(StorageOptions::from_env());
    let context = Arc::new(FunctionContext::new(storage, options, started));
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let context = Arc::clone(&context);
        async move {
            let deadline = event.context.deadline();
            let report = run_task(&context, event.payload.get().as_bytes(), Some(deadline)).await?;
            Ok::<_, Error>(RawValue::from_string(String::from_utf8(report)?)?)
        }
    }))
    .await
}
