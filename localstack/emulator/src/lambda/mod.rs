//! Lambda: functions that are native programs (`provided.*`), run as child processes.
//!
//! ```text
//! routes ─ deployment ─ registry, function, package    what is deployed
//!    │                └ api_error                       what AWS answers when it refuses
//!    └ invoke ─ concurrency                             may it run now
//!         └ invocation ─ pool                           which sandbox runs it
//!               └ faulty                                 what is made to fail
//!               └ sandbox ─ runtime_api                 how it talks to the program
//!                     └ launch, process, status, sandbox_log, failure
//! ```

mod api_error;
mod concurrency;
mod deployment;
mod failure;
mod faulty;
mod function;
mod invocation;
mod invoke;
mod launch;
mod package;
mod pool;
mod process;
mod registry;
mod routes;
mod runtime_api;
mod sandbox;
mod sandbox_log;
mod status;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use self::concurrency::Concurrency;
use self::pool::Pool;
use self::process::Spawner;
use self::registry::Registry;
pub(crate) use self::routes::service;
use self::sandbox::Sandbox;
pub use self::status::SandboxInfo;
use self::status::Statuses;
use crate::error::EmulatorError;
use crate::faults::FaultRuns;
use crate::s3::Store;

const REAP_INTERVAL: Duration = Duration::from_secs(30);
/// How long the end waits for killed processes.
const SHUTDOWN_MAX: Duration = Duration::from_secs(5);
/// Event invocations that wait for their turn or their retry.
const QUEUED_EVENTS_MAX: usize = 10_000;

/// Everything that the Lambda API works on.
pub(crate) struct Lambda {
    folders: Folders,
    s3_endpoint: String,
    lambda_endpoint: String,
    store: Arc<Store>,
    functions: Registry,
    concurrency: Arc<Mutex<Concurrency>>,
    pool: Pool,
    statuses: Arc<Statuses>,
    spawner: Spawner,
    queued_events: Arc<Semaphore>,
    faults: Arc<FaultRuns>,
    /// The invocations and the reaper; `None` once the end has begun. They hold this `Lambda`, so it cannot end them by
    /// being dropped.
    tasks: Mutex<Option<JoinSet<()>>>,
}

/// Folders of the state.
#[derive(Debug)]
struct Folders {
    /// `<function>/<start>-<id>.log`
    logs: PathBuf,
    /// Unpacked packages.
    code: PathBuf,
    /// The sandboxes' own; emptied at the start.
    tmp: PathBuf,
}

impl Lambda {
    pub(crate) fn open(
        dir: &Path,
        store: Arc<Store>,
        s3_endpoint: &str,
        lambda_endpoint: &str,
        account_concurrency: usize,
        faults: Arc<FaultRuns>,
    ) -> Result<Arc<Self>, EmulatorError> {
        let folders = Folders { logs: dir.join("logs"), code: dir.join("code"), tmp: dir.join("tmp") };
        if folders.tmp.exists() {
            fs::remove_dir_all(&folders.tmp).map_err(EmulatorError::state(&folders.tmp))?;
        }
        for folder in [&folders.logs, &folders.code, &folders.tmp] {
            fs::create_dir_all(folder).map_err(EmulatorError::state(folder))?;
        }
        let functions = Registry::open(&dir.join("functions"))?;
        remove_unused_code(&folders.code, &functions)?;
        let mut concurrency = Concurrency::new(account_concurrency);
        for function in functions.all() {
            // A reservation that no longer fits the account is left out.
            let _ = concurrency.reserve(&function.name, function.reserved_concurrency);
        }
        let lambda = Arc::new(Self {
            folders,
            s3_endpoint: s3_endpoint.to_owned(),
            lambda_endpoint: lambda_endpoint.to_owned(),
            store,
            functions,
            concurrency: Arc::new(Mutex::new(concurrency)),
            pool: Pool::default(),
            statuses: Arc::new(Statuses::default()),
            spawner: Spawner::start().map_err(EmulatorError::state("the spawning thread"))?,
            queued_events: Arc::new(Semaphore::new(QUEUED_EVENTS_MAX)),
            faults,
            tasks: Mutex::new(Some(JoinSet::new())),
        });
        let reaped = Arc::clone(&lambda);
        lambda.spawn(async move {
            loop {
                tokio::time::sleep(REAP_INTERVAL).await;
                reaped.pool.reap();
            }
        });
        Ok(lambda)
    }

    pub(crate) fn sandboxes(&self) -> Vec<SandboxInfo> {
        self.statuses.infos()
    }

    /// Kills every sandbox and ends every invocation, without waiting.
    pub(crate) fn end(&self) {
        self.statuses.kill_all();
        // Dropped, and thereby aborted.
        self.tasks.lock().take();
        self.pool.clear();
    }

    /// As [`Self::end`], and waits until the processes are gone.
    pub(crate) async fn shutdown(&self) {
        self.end();
        // A process that a signal cannot end at once (uninterruptible I/O) will still end.
        let _ = tokio::time::timeout(SHUTDOWN_MAX, self.statuses.all_gone()).await;
    }

    /// Keeps an idle sandbox, if its function still stands as it did when the sandbox was started.
    fn give_back(&self, sandbox: Sandbox) {
        let current = self.functions.get(&sandbox.status.function);
        if current.is_ok_and(|function| function.revision_id == sandbox.revision_id) {
            self.pool.put(sandbox);
        }
    }

    /// Runs a task that ends with the emulator at the latest.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(tasks) = self.tasks.lock().as_mut() {
            while tasks.try_join_next().is_some() {}
            tasks.spawn(task);
        }
    }
}

/// Removes packages that were replaced or deleted. Only at the start: until then a sandbox may still read its own.
fn remove_unused_code(code_dir: &Path, functions: &Registry) -> Result<(), EmulatorError> {
    let used: Vec<PathBuf> = functions.all().iter().map(|function| function.code.dir.clone()).collect();
    for entry in fs::read_dir(code_dir).map_err(EmulatorError::state(code_dir))? {
        let path = entry.map_err(EmulatorError::state(code_dir))?.path();
        if !used.contains(&path) {
            fs::remove_dir_all(&path).map_err(EmulatorError::state(&path))?;
        }
    }
    Ok(())
}
