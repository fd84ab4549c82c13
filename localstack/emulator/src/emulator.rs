//! Starting and ending the whole: the state folder and its lock, the two servers, the sandboxes.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::SandboxInfo;
use crate::error::EmulatorError;
use crate::faults::{FaultRuns, Faults};
use crate::http_server::{self, ServerHandle};
use crate::lambda::{self, Lambda};
use crate::s3;

const ACCOUNT_CONCURRENCY: usize = 1000;

/// Where an emulator keeps its state and listens.
#[derive(Debug, Clone)]
pub struct EmulatorConfig {
    /// The state folder; made if missing. What is in it outlives the emulator.
    pub root: PathBuf,
    /// 0 takes any port that is free.
    pub s3_port: u16,
    /// 0 takes any port that is free.
    pub lambda_port: u16,
    /// How many invocations may run at once, over all functions.
    pub account_concurrency: usize,
    /// How often requests fail that would not have to.
    pub faults: Faults,
}

impl EmulatorConfig {
    /// Any free ports, the concurrency of a new AWS account, and no faults.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            s3_port: 0,
            lambda_port: 0,
            account_concurrency: ACCOUNT_CONCURRENCY,
            faults: Faults::default(),
        }
    }
}

/// A running emulator. Dropping it kills its sandboxes; [`Emulator::shutdown`] also waits until they are gone.
pub struct Emulator {
    s3_endpoint: String,
    lambda_endpoint: String,
    lambda: Arc<Lambda>,
    faults: Arc<FaultRuns>,
    _servers: [ServerHandle; 2],
    /// Held for as long as the state is in use.
    _lock: File,
}

impl std::fmt::Debug for Emulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { s3_endpoint, lambda_endpoint, .. } = self;
        f.debug_struct("Emulator").field("s3", s3_endpoint).field("lambda", lambda_endpoint).finish_non_exhaustive()
    }
}

impl Emulator {
    /// Opens the state and serves it, within the Tokio runtime of the caller.
    pub async fn start(config: EmulatorConfig) -> Result<Emulator, EmulatorError> {
        let EmulatorConfig { root, s3_port, lambda_port, account_concurrency, faults } = config;
        fs::create_dir_all(&root).map_err(EmulatorError::state(&root))?;
        // Functions run in folders of their own, so what they are told of the state must not be relative.
        let root = root.canonicalize().map_err(EmulatorError::state(&root))?;
        let lock = lock(&root)?;
        let (s3_listener, s3_address) = http_server::bind(s3_port).await?;
        let (lambda_listener, lambda_address) = http_server::bind(lambda_port).await?;
        let (s3_endpoint, lambda_endpoint) = (format!("http://{s3_address}"), format!("http://{lambda_address}"));
        let store = Arc::new(s3::Store::open(&root.join("s3"))?);
        let faults = Arc::new(FaultRuns::new(faults));
        let lambda = Lambda::open(
            &root.join("lambda"),
            Arc::clone(&store),
            &s3_endpoint,
            &lambda_endpoint,
            account_concurrency,
            Arc::clone(&faults),
        )?;
        let servers = [
            http_server::serve(s3_listener, s3::service(store, Arc::clone(&faults))),
            http_server::serve(lambda_listener, lambda::service(Arc::clone(&lambda))),
        ];
        Ok(Self { s3_endpoint, lambda_endpoint, lambda, faults, _servers: servers, _lock: lock })
    }

    /// `http://127.0.0.1:PORT`
    pub fn s3_endpoint(&self) -> &str {
        &self.s3_endpoint
    }

    /// `http://127.0.0.1:PORT`
    pub fn lambda_endpoint(&self) -> &str {
        &self.lambda_endpoint
    }

    /// The sandboxes that live now, busy and idle.
    pub fn sandboxes(&self) -> Vec<SandboxInfo> {
        self.lambda.sandboxes()
    }

    /// Requests that come from now on fail as these say. The sequence of draws begins anew, and so do
    /// [`Self::fault_counts`].
    pub fn set_faults(&self, faults: Faults) {
        self.faults.restart(faults);
    }

    /// How often each kind of fault was done, as `s3.error_503` or `lambda.crash_after`. Those that were not are left
    /// out.
    pub fn fault_counts(&self) -> BTreeMap<&'static str, u64> {
        self.faults.done()
    }

    /// Kills every sandbox, waits until they are gone, and stops the servers.
    pub async fn shutdown(self) {
        self.lambda.shutdown().await;
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.lambda.end();
    }
}

fn lock(root: &Path) -> Result<File, EmulatorError> {
    let path = root.join("lock");
    let file = File::create(&path).map_err(EmulatorError::state(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(EmulatorError::StateInUse { path: root.to_owned() }),
        Err(TryLockError::Error(source)) => Err(EmulatorError::State { path, source }),
    }
}
