//! [`Engine`] and [`Session`]: what runs the plans that this server takes. Says nothing of how.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use firesteel_spec::{DataType, ExplainMode, Literal, Plan, Relation, SparkResult};
use futures::stream::BoxStream;
use parking_lot::Mutex;

#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// A new session.
    async fn open(&self, key: &SessionKey) -> SparkResult<Arc<dyn Session>>;
}

/// Two users with one session id have two sessions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SessionKey {
    pub user_id: String,
    pub session_id: String,
}

/// One user's settings, views and functions. Any future of these may be dropped, which is how work is cancelled.
#[async_trait]
pub trait Session: Send + Sync + 'static {
    /// Runs a plan; commands take effect before this returns, rows come as they are asked for.
    async fn execute(&self, plan: Plan, progress: ProgressSink) -> SparkResult<Execution>;

    /// The columns of a relation: a struct.
    async fn schema(&self, relation: &Relation) -> SparkResult<DataType>;

    async fn explain(&self, plan: &Plan, mode: ExplainMode) -> SparkResult<String>;

    async fn input_files(&self, relation: &Relation) -> SparkResult<Vec<String>>;

    async fn same_semantics(&self, left: &Relation, right: &Relation) -> SparkResult<bool>;

    async fn semantic_hash(&self, relation: &Relation) -> SparkResult<i32>;

    async fn persist(&self, relation: &Relation, level: StorageLevel) -> SparkResult<()>;

    async fn unpersist(&self, relation: &Relation) -> SparkResult<()>;

    async fn storage_level(&self, relation: &Relation) -> SparkResult<StorageLevel>;

    fn config(&self) -> &dyn SessionConfig;

    /// A session of another key with all that this one has.
    async fn duplicate(&self, key: &SessionKey) -> SparkResult<Arc<dyn Session>>;

    /// Frees what the session keeps. Called once, when nothing of the session runs any more.
    async fn close(&self);
}

/// A session's settings (`spark.conf`).
pub trait SessionConfig: Send + Sync {
    /// The value or its default; `None` for a setting that does not exist.
    fn get(&self, key: &str) -> SparkResult<Option<String>>;

    /// The value that was set, whatever the default is.
    fn own(&self, key: &str) -> Option<String>;

    /// Answers warnings.
    fn set(&self, key: &str, value: &str) -> SparkResult<Vec<String>>;

    fn unset(&self, key: &str) -> SparkResult<()>;

    /// Names, with the prefix that they start with, and values.
    fn all(&self, prefix: Option<&str>) -> Vec<(String, String)>;

    fn is_modifiable(&self, key: &str) -> SparkResult<bool>;
}

/// A plan that runs.
pub struct Execution {
    /// A struct, of the rows.
    pub schema: DataType,
    /// With Spark's Arrow types for `schema`.
    pub batches: BoxStream<'static, SparkResult<RecordBatch>>,
    /// Complete when `batches` has ended.
    pub observed: ObservedReceiver,
    /// The id of what a checkpoint has kept.
    pub checkpoint: Option<String>,
}

/// What `DataFrame.observe` has seen, filled by the engine while a plan runs.
#[derive(Debug, Clone, Default)]
pub struct ObservedReceiver(Arc<Mutex<Vec<ObservedMetrics>>>);

impl ObservedReceiver {
    pub fn add(&self, metrics: ObservedMetrics) {
        self.0.lock().push(metrics);
    }

    pub fn take(&self) -> Vec<ObservedMetrics> {
        std::mem::take(&mut self.0.lock())
    }
}

/// The metrics of one observation.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedMetrics {
    pub name: String,
    /// Of the relation that collects them.
    pub plan_id: Option<i64>,
    pub keys: Vec<String>,
    pub values: Vec<Literal>,
}

/// Where the engine says how far it is, as often as it likes; the server looks a few times a second.
#[derive(Debug, Clone, Default)]
pub struct ProgressSink(Arc<Mutex<Progress>>);

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    pub stages: Vec<StageProgress>,
    /// Tasks that run now.
    pub running_tasks: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StageProgress {
    pub stage_id: i64,
    pub tasks: i64,
    pub completed_tasks: i64,
    pub input_bytes: i64,
    pub done: bool,
}

impl ProgressSink {
    /// Replaces what was reported before.
    pub fn report(&self, progress: Progress) {
        *self.0.lock() = progress;
    }

    pub fn latest(&self) -> Progress {
        self.0.lock().clone()
    }
}

/// Where `persist` keeps rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageLevel {
    pub use_disk: bool,
    pub use_memory: bool,
    pub use_off_heap: bool,
    pub deserialized: bool,
    pub replication: i32,
}

impl StorageLevel {
    /// Of what is not persisted.
    pub const NONE: Self =
        Self { use_disk: false, use_memory: false, use_off_heap: false, deserialized: false, replication: 1 };
    /// Spark's default.
    pub const MEMORY_AND_DISK: Self =
        Self { use_disk: true, use_memory: true, use_off_heap: false, deserialized: true, replication: 1 };
}
