//! A [`Runtime`]: storage, an invoker and a folder for jobs, put together from `--runtime` and its options.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use firesteel_coordinator::{
    JobControl, JobError, JobEvent, JobOptions, JobOutcome, TableOutput, journal, resume_job, run_job,
};
use firesteel_function::{FunctionContext, FunctionOptions, run_task};
use firesteel_invoke::{
    FunctionInvoker, HandlerError, InProcess, LambdaInvoker, LambdaOptions, ProcessOptions, ProcessRuntime,
};
use firesteel_planner::{PlannedQuery, PlannerOptions};
use firesteel_protocol::JobId;
use firesteel_session::Cluster;
use firesteel_storage::{Storage, StorageOptions};
use futures::FutureExt;
use tempfile::TempDir;

use crate::args::{RuntimeArgs, RuntimeKind};
use crate::error::CliError;

const LAMBDA_CONCURRENCY: usize = 100;
const TIMEOUT: Duration = Duration::from_secs(900);

/// Where jobs run. Ends its processes and deletes its folders in [`Runtime::shutdown`].
pub struct Runtime {
    pub storage: Storage,
    invoker: Arc<dyn FunctionInvoker>,
    work_url: String,
    memory_mb: u32,
    process: Option<ProcessRuntime>,
    _temp: Option<TempDir>,
}

/// A finished job whose answer may still be in its folder.
pub struct Done {
    pub outcome: JobOutcome,
    pub job_url: String,
}

/// What is asked of a job beside its query.
pub struct JobRequest {
    pub job: JobId,
    /// For people.
    pub label: String,
    pub output: Option<TableOutput>,
    pub control: JobControl,
}

impl Default for JobRequest {
    fn default() -> Self {
        let job = JobId(format!("job-{}", uuid::Uuid::now_v7()));
        Self { job, label: String::new(), output: None, control: JobControl::default() }
    }
}

impl Runtime {
    pub async fn start(args: &RuntimeArgs, options: &PlannerOptions) -> Result<Self, CliError> {
        let memory_mb = options.function_memory_mb;
        match args.runtime {
            RuntimeKind::InProcess => Self::in_process(args, options),
            RuntimeKind::Process => Self::process(args, memory_mb).await,
            RuntimeKind::Lambda => Self::lambda(args, memory_mb).await,
        }
    }

    fn in_process(args: &RuntimeArgs, options: &PlannerOptions) -> Result<Self, CliError> {
        let storage = Storage::new(StorageOptions::from_env());
        let temp = temp_dir()?;
        let function = FunctionOptions { memory_mb: options.function_memory_mb, temp_dir: temp.path().to_owned() };
        let context = Arc::new(FunctionContext::new(storage.clone(), function, Instant::now()));
        let handler = move |payload: Bytes| {
            let context = Arc::clone(&context);
            async move {
                let reply = run_task(&context, &payload, None).await;
                reply.map(Bytes::from).map_err(|error| HandlerError::new("WireError", error.to_string()))
            }
            .boxed()
        };
        // More partitions than cores run at once, so that one's wait for its files is another's time.
        let concurrency = args.concurrency.unwrap_or_else(cores);
        let work_url = match &args.work {
            Some(work) => work.trim_end_matches('/').to_owned(),
            None => firesteel_storage::to_url(&temp.path().to_string_lossy())?.to_string(),
        };
        Ok(Self {
            storage,
            invoker: Arc::new(InProcess::new(handler, concurrency)),
            work_url: work_url.trim_end_matches('/').to_owned(),
            memory_mb: options.function_memory_mb,
            process: None,
            _temp: Some(temp),
        })
    }

    async fn process(args: &RuntimeArgs, memory_mb: u32) -> Result<Self, CliError> {
        let temp = temp_dir()?;
        let process = ProcessRuntime::start(ProcessOptions {
            root: temp.path().to_owned(),
            bootstrap: bootstrap(args.bootstrap.clone())?,
            memory_mb,
            timeout_s: TIMEOUT.as_secs() as u32,
            concurrency: args.concurrency.unwrap_or_else(cores),
            environment: Vec::new(),
            faults: args.faults.clone(),
        })
        .await?;
        let storage = Storage::new(process.storage_options());
        let work_url = args.work.clone().unwrap_or_else(|| process.work_url());
        Ok(Self {
            storage,
            invoker: process.invoker(),
            work_url: work_url.trim_end_matches('/').to_owned(),
            memory_mb,
            process: Some(process),
            _temp: Some(temp),
        })
    }

    async fn lambda(args: &RuntimeArgs, memory_mb: u32) -> Result<Self, CliError> {
        let Some(work) = &args.work else {
            return Err(CliError::Usage(
                "--runtime lambda needs --work s3://bucket/prefix: functions pass their rows on through it".to_owned(),
            ));
        };
        let invoker = LambdaInvoker::connect(LambdaOptions {
            function_name: args.function.clone(),
            endpoint_url: args.endpoint_url.clone(),
            concurrency_max: args.concurrency.unwrap_or(LAMBDA_CONCURRENCY),
            timeout: TIMEOUT,
            ..LambdaOptions::default()
        })
        .await;
        Ok(Self {
            storage: Storage::new(StorageOptions::from_env()),
            invoker: Arc::new(invoker),
            work_url: work.trim_end_matches('/').to_owned(),
            memory_mb,
            process: None,
            _temp: None,
        })
    }

    /// Runs a query; Ctrl-C ends it and everything that it started.
    pub async fn run(&self, query: &PlannedQuery, on_event: impl FnMut(JobEvent) + Send) -> Result<Done, CliError> {
        self.run_as(query, JobRequest::default(), on_event).await
    }

    /// As [`Self::run`], with more to ask for.
    pub async fn run_as(
        &self,
        query: &PlannedQuery,
        request: JobRequest,
        on_event: impl FnMut(JobEvent) + Send,
    ) -> Result<Done, CliError> {
        let JobRequest { job, label, output, control } = request;
        let job_url = self.job_url(&job);
        let options = JobOptions { label, output, control, ..JobOptions::new(job, job_url.clone(), self.memory_mb) };
        let graph = Arc::new(query.graph.clone());
        let schema = Arc::clone(&query.schema);
        let run = run_job(graph, schema, Arc::clone(&self.invoker), &self.storage, options, on_event);
        self.until_interrupted(run, job_url).await
    }

    /// Goes on with a job of this work location.
    pub async fn resume(&self, job_url: String, on_event: impl FnMut(JobEvent) + Send) -> Result<Done, CliError> {
        let control = JobControl::default();
        let run = resume_job(&job_url, Arc::clone(&self.invoker), &self.storage, control, on_event);
        self.until_interrupted(run, job_url.clone()).await
    }

    async fn until_interrupted(
        &self,
        run: impl Future<Output = Result<JobOutcome, JobError>>,
        job_url: String,
    ) -> Result<Done, CliError> {
        let outcome = tokio::select! {
            outcome = run => outcome.map_err(CliError::from),
            _ = tokio::signal::ctrl_c() => Err(CliError::Interrupted),
        };
        let is_own = !matches!(&outcome, Err(CliError::Job(error)) if error.is_elsewhere());
        if outcome.is_err() && is_own {
            self.trim(&job_url).await;
        }
        outcome.map(|outcome| Done { outcome, job_url })
    }

    /// Where a job has its folder.
    pub fn job_url(&self, job: &JobId) -> String {
        format!("{}/{job}", self.work_url)
    }

    pub fn work_url(&self) -> &str {
        &self.work_url
    }

    /// What a session runs its jobs on.
    pub fn cluster(&self) -> Cluster {
        Cluster::new(self.storage.clone(), Arc::clone(&self.invoker), self.work_url.clone(), self.memory_mb)
    }

    /// Deletes a job's folder, once its answer is read.
    pub async fn forget(&self, job_url: &str) {
        if let Err(error) = self.storage.delete_prefix(job_url).await {
            tracing::warn!(job_url, %error, "job folder not deleted");
        }
    }

    /// Deletes a job's folder but for its journal.
    pub async fn trim(&self, job_url: &str) {
        if let Err(error) = journal::trim(&self.storage, job_url).await {
            tracing::warn!(job_url, %error, "job folder not cleared");
        }
    }

    pub async fn shutdown(self) {
        self.invoker.shutdown().await;
        if let Some(process) = self.process {
            process.shutdown().await;
        }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn temp_dir() -> Result<TempDir, CliError> {
    tempfile::Builder::new()
        .prefix("firesteel-")
        .tempdir()
        .map_err(|source| CliError::File { path: std::env::temp_dir(), source })
}

fn bootstrap(given: Option<PathBuf>) -> Result<PathBuf, CliError> {
    if let Some(path) = given {
        return Ok(path);
    }
    let own = std::env::current_exe().map_err(|source| CliError::File { path: "firesteel".into(), source })?;
    Ok(own.with_file_name("bootstrap"))
}
