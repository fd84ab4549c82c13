//! [`FunctionContext`]: what a sandbox has for all of its tasks: memory, temp folder, connections and functions.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use datafusion::execution::TaskContext;
use datafusion::execution::cache::cache_manager::CacheManagerConfig;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::prelude::SessionConfig;
use firesteel_operators::Functions;
use firesteel_storage::Storage;
use parking_lot::Mutex;

const MIB: usize = 1024 * 1024;
/// The process itself: code, runtime, connections.
const PROCESS_BYTES: usize = 128 * MIB;
const POOL_BYTES_MIN: usize = 64 * MIB;
/// Part of the rest that plans may reserve; the other part is for what is not accounted for: fetched ranges, decoding
/// buffers, and the allocator's slack.
const POOL_PERCENT: usize = 60;
const CACHED_PLANS: usize = 8;
const FOOTER_CACHE_BYTES: usize = 32 * MIB;

/// How large a function is, and where it may spill.
#[derive(Debug, Clone)]
pub struct FunctionOptions {
    pub memory_mb: u32,
    pub temp_dir: PathBuf,
}

impl FunctionOptions {
    /// The bytes that one task's memory pool holds.
    pub fn pool_bytes(&self) -> usize {
        let memory = self.memory_mb as usize * MIB;
        (memory.saturating_sub(PROCESS_BYTES) / 100 * POOL_PERCENT).max(POOL_BYTES_MIN)
    }
}

pub struct FunctionContext {
    pub(crate) storage: Storage,
    pub(crate) options: FunctionOptions,
    functions: Functions,
    /// Parquet footers that earlier tasks of this sandbox have read.
    footers: CacheManagerConfig,
    plans: Mutex<VecDeque<(String, Bytes)>>,
    started: Instant,
    init: Mutex<Option<Duration>>,
}

impl FunctionContext {
    /// A context for a process that started at `started`.
    pub fn new(storage: Storage, options: FunctionOptions, started: Instant) -> Self {
        let runtime = RuntimeEnv::default();
        let footers = CacheManagerConfig::default()
            .with_file_metadata_cache(Some(runtime.cache_manager.get_file_metadata_cache()))
            .with_metadata_cache_limit(FOOTER_CACHE_BYTES);
        let functions = Functions::all();
        Self {
            storage,
            options,
            functions,
            footers,
            plans: Mutex::default(),
            started,
            init: Mutex::new(Some(Duration::ZERO)),
        }
    }

    /// DataFusion's caches for one task: footers are shared, since a file's size and time tell whether they hold.
    pub(crate) fn caches(&self) -> CacheManagerConfig {
        self.footers.clone()
    }

    /// How long the process took to its first task; `None` from the second task on.
    pub(crate) fn take_init(&self) -> Option<Duration> {
        self.init.lock().take().map(|_| self.started.elapsed())
    }

    /// A DataFusion task context with this process's functions.
    pub(crate) fn task_context(&self, id: String, config: SessionConfig, runtime: Arc<RuntimeEnv>) -> TaskContext {
        TaskContext::new(
            Some(id.clone()),
            id,
            config,
            self.functions.scalar.clone(),
            self.functions.higher_order.clone(),
            self.functions.aggregate.clone(),
            self.functions.window.clone(),
            runtime,
        )
    }

    /// A stored plan that an earlier task of this sandbox has fetched.
    pub(crate) fn cached_plan(&self, url: &str) -> Option<Bytes> {
        self.plans.lock().iter().find(|(cached, _)| cached == url).map(|(_, bytes)| bytes.clone())
    }

    pub(crate) fn cache_plan(&self, url: &str, bytes: Bytes) {
        let mut plans = self.plans.lock();
        if plans.len() == CACHED_PLANS {
            plans.pop_front();
        }
        plans.push_back((url.to_owned(), bytes));
    }
}
