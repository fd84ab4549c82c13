//! `cache`, `persist` and `checkpoint`: the rows of a relation, kept as Parquet on the store.
//!
//! `persist` marks a relation; the first query that has it as a part of its plan writes its rows, and all later ones read
//! them (`Sources::add_cached`). A checkpoint is asked for by its id. Rows whose types Parquet does not hold are computed
//! anew each time.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use firesteel_connect::engine::{ProgressSink, StorageLevel};
use firesteel_formats::{FileFormat, ParquetCodec, Replaces, SinkSpec};
use firesteel_planner::{FileReading, ListOptions, Source, Sources, list_files};
use firesteel_spec::{DataType, Relation, RelationKind, SparkResult, StructField};
use futures::future::BoxFuture;
use futures::lock::Mutex;
use parking_lot::RwLock;
use uuid::Uuid;

use crate::error::from_plan;
use crate::session::SparkSession;
use crate::write::Target;

/// How the folders of kept rows begin.
const CACHE_FOLDER: &str = "firesteel-cache";

/// What a session keeps. A session has few of them: they are looked through one by one.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    persisted: RwLock<Vec<Arc<Entry>>>,
    checkpoints: RwLock<Vec<Arc<Entry>>>,
}

#[derive(Debug)]
struct Entry {
    id: String,
    relation: Relation,
    level: StorageLevel,
    rows: Mutex<Kept>,
}

#[derive(Debug, Clone)]
enum Kept {
    /// No query has asked yet.
    NotYet,
    Rows(KeptRows),
    /// Parquet does not hold them.
    Never,
}

#[derive(Debug, Clone)]
struct KeptRows {
    provider: Arc<dyn TableProvider>,
    columns: Vec<StructField>,
    folder: String,
    /// The files that they were computed from, as URLs.
    from: Vec<String>,
}

impl Entry {
    fn new(relation: Relation, level: StorageLevel) -> Arc<Self> {
        let rows = Mutex::new(Kept::NotYet);
        Arc::new(Self { id: Uuid::now_v7().to_string(), relation, level, rows })
    }
}

impl Cache {
    fn checkpoint(&self, id: &str) -> Option<Arc<Entry>> {
        self.checkpoints.read().iter().find(|entry| entry.id == id).cloned()
    }
}

impl SparkSession {
    /// The entry of a relation that is equal but for the id that the client gave: each `spark.table(…)` has its own.
    fn cached(&self, relation: &Relation) -> Option<Arc<Entry>> {
        let named = match &relation.kind {
            RelationKind::Table { name, .. } => Some(self.cache_name(name)),
            _ => None,
        };
        let is_same = |entry: &Entry| match (&named, &entry.relation.kind) {
            (Some(name), RelationKind::Table { name: own, .. }) => self.cache_name(own) == *name,
            (None, own) => *own == relation.kind,
            (Some(_), _) => false,
        };
        self.cache.persisted.read().iter().find(|entry| is_same(entry)).cloned()
    }

    pub(crate) async fn persist_relation(&self, relation: &Relation, level: StorageLevel) -> SparkResult<()> {
        self.resolved(relation).await?;
        if self.cached(relation).is_none() {
            self.cache.persisted.write().push(Entry::new(relation.clone(), level));
        }
        Ok(())
    }

    pub(crate) async fn unpersist_relation(&self, relation: &Relation) {
        let Some(found) = self.cached(relation) else { return };
        self.cache.persisted.write().retain(|entry| entry.id != found.id);
        self.forget(&found).await;
    }

    pub(crate) fn level_of(&self, relation: &Relation) -> StorageLevel {
        self.cached(relation).map_or(StorageLevel::NONE, |entry| entry.level)
    }

    /// `CACHE TABLE`
    pub(crate) async fn cache_table(&self, name: &[String], lazy: bool) -> SparkResult<()> {
        let table = table(name);
        self.persist_relation(&table, StorageLevel::MEMORY_AND_DISK).await?;
        if !lazy && let Some(entry) = self.cached(&table) {
            self.kept_rows(&entry).await?;
        }
        Ok(())
    }

    /// Drops what is kept of a table that is dropped itself.
    pub(crate) async fn unpersist_table(&self, name: &[String]) {
        self.unpersist_relation(&table(name)).await;
    }

    /// `REFRESH TABLE`: what is kept of its rows is computed anew.
    pub(crate) async fn refresh_table(&self, name: &[String]) -> SparkResult<()> {
        self.resolved(&table(name)).await?;
        if let Some(entry) = self.cached(&table(name)) {
            self.forget(&entry).await;
        }
        if let Some(kept) = self.find_table(name).await?
            && let Some(location) = &kept.location
        {
            self.forget_rows_below(location).await;
        }
        Ok(())
    }

    /// `UNCACHE TABLE`
    pub(crate) async fn uncache_table(&self, name: &[String]) -> SparkResult<()> {
        let table = table(name);
        self.resolved(&table).await?;
        self.unpersist_relation(&table).await;
        // The same rows may be cached as a frame that the view was made of.
        if let Some(view) = self.views.find(&name.to_vec()) {
            self.unpersist_relation(&view).await;
        }
        Ok(())
    }

    pub(crate) async fn is_table_cached(&self, name: &[String]) -> SparkResult<bool> {
        let table = table(name);
        self.resolved(&table).await?;
        let by_view = self.views.find(&name.to_vec()).is_some_and(|view| self.cached(&view).is_some());
        Ok(by_view || self.cached(&table).is_some())
    }

    pub(crate) async fn clear_cache(&self) {
        let all = std::mem::take(&mut *self.cache.persisted.write());
        for entry in all {
            self.forget(&entry).await;
        }
    }

    /// Drops all that the session keeps, with its files.
    pub(crate) async fn close_cache(&self) {
        self.clear_cache().await;
        let all = std::mem::take(&mut *self.cache.checkpoints.write());
        for entry in all {
            self.forget(&entry).await;
        }
    }

    /// `checkpoint`: the id under which the rows are kept.
    pub(crate) async fn checkpoint(&self, relation: &Relation, eager: bool) -> SparkResult<String> {
        self.resolved(relation).await?;
        let entry = Entry::new(relation.clone(), StorageLevel::MEMORY_AND_DISK);
        if eager {
            self.kept_rows(&entry).await?;
        }
        let id = entry.id.clone();
        self.cache.checkpoints.write().push(entry);
        Ok(id)
    }

    pub(crate) async fn remove_checkpoint(&self, id: &str) {
        if let Some(entry) = self.cache.checkpoint(id) {
            self.cache.checkpoints.write().retain(|other| other.id != id);
            self.forget(&entry).await;
        }
    }

    /// What was computed from files below a folder that has changed is computed anew when it is next asked for.
    pub(crate) async fn forget_rows_below(&self, folder: &str) {
        let all: Vec<_> = self.cache.persisted.read().clone();
        for entry in all {
            let is_stale = match &*entry.rows.lock().await {
                Kept::Rows(rows) => rows.from.iter().any(|file| file.starts_with(folder)),
                _ => false,
            };
            if is_stale {
                self.forget(&entry).await;
            }
        }
    }

    /// Adds what is kept of the parts of a relation. `but` is the id of what is being computed.
    pub(crate) async fn load_cached(
        &self,
        relation: &Relation,
        but: Option<&str>,
        sources: &mut Sources,
    ) -> SparkResult<()> {
        if self.cache.persisted.read().is_empty() {
            return Ok(());
        }
        let mut parts: Vec<(Relation, Arc<Entry>)> = Vec::new();
        relation.walk(&mut |part| {
            if let Some(entry) = self.cached(part)
                && Some(entry.id.as_str()) != but
            {
                parts.push((part.clone(), entry));
            }
        });
        for (part, entry) in parts {
            if let Some(source) = self.kept_rows(&entry).await? {
                sources.add_cached(part, source);
            }
        }
        Ok(())
    }

    /// The rows of a checkpoint; where Parquet can't hold them, its query.
    pub(crate) async fn load_checkpoint(&self, id: &str) -> SparkResult<Option<Source>> {
        let Some(entry) = self.cache.checkpoint(id) else { return Ok(None) };
        let kept = self.kept_rows(&entry).await?;
        Ok(Some(kept.unwrap_or_else(|| Source::View { relation: entry.relation.clone(), qualifier: Vec::new() })))
    }

    /// A physical plan's text, in which scans of kept rows have Spark's name.
    pub(crate) fn shown_plan(&self, plan: &str) -> String {
        let folder = format!("{CACHE_FOLDER}-");
        let lines = plan.lines().map(|line| match line.find("DataSourceExec:") {
            Some(at) if line.contains(&folder) => format!("{}InMemoryTableScan: {}", &line[..at], &line[at..]),
            _ => line.to_owned(),
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    fn kept_rows<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, SparkResult<Option<Source>>> {
        Box::pin(async move {
            // Who comes second waits for the first one's rows.
            let mut kept = entry.rows.lock().await;
            if matches!(*kept, Kept::NotYet) {
                *kept = self.keep(entry).await?;
            }
            Ok(match &*kept {
                Kept::Rows(rows) => Some(Source::Table {
                    provider: Arc::clone(&rows.provider),
                    columns: rows.columns.clone(),
                    qualifier: Vec::new(),
                }),
                _ => None,
            })
        })
    }

    async fn keep(&self, entry: &Entry) -> SparkResult<Kept> {
        let plain = self.resolved_but(&entry.relation, Some(&entry.id)).await?;
        let columns = plain.schema.clone();
        if columns.is_empty() || columns.iter().any(|column| !crate::write::parquet_holds(&column.data_type)) {
            return Ok(Kept::Never);
        }
        let from = self.planner.plan_resolved(plain).await.map_err(from_plan)?.input_files();
        // Two columns may have one name.
        let names: Vec<String> = (0..columns.len()).map(|index| format!("c{index}")).collect();
        let named = RelationKind::ToDf { input: Box::new(entry.relation.clone()), names: names.clone() };
        let folder = format!("{}/{CACHE_FOLDER}-{}", self.cluster.work_url, Uuid::now_v7());
        let fields =
            columns.iter().zip(&names).map(|(column, name)| StructField::new(name, column.data_type.clone(), true));
        let sink = SinkSpec {
            folder: format!("{folder}/_temporary"),
            format: FileFormat::Parquet {
                codec: ParquetCodec::Lz4,
                spark_schema: DataType::Struct { fields: fields.collect() }.to_json(),
            },
            columns: names,
            partition_columns: 0,
            records_per_file_max: None,
        };
        let rows = self.resolved_but(&named.into(), Some(&entry.id)).await?;
        let target = Target { table_url: folder.clone(), replaces: Replaces::Nothing, in_one: false };
        self.run_write(rows, sink, target, &ProgressSink::default()).await?;
        let list = list_files(&self.cluster.storage, std::slice::from_ref(&folder), &ListOptions::default()).await?;
        let provider = self.planner.files_table(list, FileReading::Parquet, false).await.map_err(from_plan)?;
        Ok(Kept::Rows(KeptRows { provider: Arc::new(provider), columns, folder, from }))
    }

    async fn forget(&self, entry: &Entry) {
        let kept = std::mem::replace(&mut *entry.rows.lock().await, Kept::NotYet);
        if let Kept::Rows(rows) = kept
            && let Err(error) = self.cluster.storage.delete_prefix(&rows.folder).await
        {
            tracing::warn!(folder = rows.folder, %error, "cached rows not deleted");
        }
    }
}

fn table(name: &[String]) -> Relation {
    RelationKind::Table { name: name.to_vec(), options: Vec::new(), streaming: false }.into()
}
