//! An engine that plans nothing: what a plan reads decides what comes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::datatypes::{DataType as ArrowType, Field, Schema};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use firesteel_connect::engine::{
    Engine, Execution, ObservedMetrics, ObservedReceiver, Progress, ProgressSink, Session, SessionConfig, SessionKey,
    StageProgress, StorageLevel,
};
use firesteel_spec::{
    Command, DataType, ExplainMode, Literal, Plan, Relation, RelationKind, SparkError, SparkResult, StructField,
};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use parking_lot::Mutex;

#[derive(Default)]
pub struct FakeEngine {
    /// Plans, as they came.
    pub seen: Arc<Mutex<Vec<Plan>>>,
    /// Answers that were neither ended nor dropped yet.
    pub running: Arc<AtomicUsize>,
    pub opened: AtomicUsize,
    pub closed: Arc<AtomicUsize>,
}

pub struct FakeSession {
    seen: Arc<Mutex<Vec<Plan>>>,
    running: Arc<AtomicUsize>,
    closed: Arc<AtomicUsize>,
    settings: Settings,
    persisted: Mutex<Option<StorageLevel>>,
}

#[derive(Default)]
struct Settings(Mutex<BTreeMap<String, String>>);

#[async_trait]
impl Engine for FakeEngine {
    async fn open(&self, _: &SessionKey) -> SparkResult<Arc<dyn Session>> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        let settings = Settings::default();
        settings.set("spark.sql.session.timeZone", "UTC")?;
        Ok(Arc::new(FakeSession {
            seen: Arc::clone(&self.seen),
            running: Arc::clone(&self.running),
            closed: Arc::clone(&self.closed),
            settings,
            persisted: Mutex::default(),
        }))
    }
}

#[async_trait]
impl Session for FakeSession {
    async fn execute(&self, plan: Plan, progress: ProgressSink) -> SparkResult<Execution> {
        let relation = match &plan {
            Plan::Query(relation) => Some(source(relation).clone()),
            Plan::Command(command) => {
                self.seen.lock().push(plan.clone());
                let checkpoint = matches!(**command, Command::Checkpoint { .. }).then(|| "kept".to_owned());
                return Ok(Execution {
                    schema: DataType::Struct { fields: vec![] },
                    batches: stream::empty().boxed(),
                    observed: ObservedReceiver::default(),
                    checkpoint,
                });
            }
        };
        let observed = ObservedReceiver::default();
        if let Plan::Query(Relation { kind: RelationKind::CollectMetrics { name, .. }, plan_id }) = &plan {
            observed.add(ObservedMetrics {
                name: name.clone(),
                plan_id: *plan_id,
                keys: vec!["rows".to_owned()],
                values: vec![Literal::Long(3)],
            });
        }
        self.seen.lock().push(plan);
        let relation = relation.unwrap();
        let running = Running::start(&self.running);
        let batches = batches(&relation.kind, progress)?;
        Ok(Execution {
            schema: schema_of(&relation.kind)?,
            batches: batches
                .map(move |batch| {
                    let _ = &running;
                    batch
                })
                .boxed(),
            observed,
            checkpoint: None,
        })
    }

    async fn schema(&self, relation: &Relation) -> SparkResult<DataType> {
        schema_of(&source(relation).kind)
    }

    async fn explain(&self, plan: &Plan, mode: ExplainMode) -> SparkResult<String> {
        let Plan::Query(relation) = plan else { return Err(SparkError::internal("no query")) };
        Ok(format!("{mode:?} of {:?}", source(relation).kind))
    }

    async fn input_files(&self, _: &Relation) -> SparkResult<Vec<String>> {
        Ok(vec!["file:///a.parquet".to_owned()])
    }

    async fn same_semantics(&self, left: &Relation, right: &Relation) -> SparkResult<bool> {
        Ok(left.kind == right.kind)
    }

    async fn semantic_hash(&self, _: &Relation) -> SparkResult<i32> {
        Ok(7)
    }

    async fn persist(&self, _: &Relation, level: StorageLevel) -> SparkResult<()> {
        *self.persisted.lock() = Some(level);
        Ok(())
    }

    async fn unpersist(&self, _: &Relation) -> SparkResult<()> {
        *self.persisted.lock() = None;
        Ok(())
    }

    async fn storage_level(&self, _: &Relation) -> SparkResult<StorageLevel> {
        Ok(self.persisted.lock().unwrap_or(StorageLevel::NONE))
    }

    fn config(&self) -> &dyn SessionConfig {
        &self.settings
    }

    async fn duplicate(&self, _: &SessionKey) -> SparkResult<Arc<dyn Session>> {
        Ok(Arc::new(Self {
            seen: Arc::clone(&self.seen),
            running: Arc::clone(&self.running),
            closed: Arc::clone(&self.closed),
            settings: Settings(Mutex::new(self.settings.0.lock().clone())),
            persisted: Mutex::default(),
        }))
    }

    async fn close(&self) {
        self.closed.fetch_add(1, Ordering::SeqCst);
    }
}

impl SessionConfig for Settings {
    fn get(&self, key: &str) -> SparkResult<Option<String>> {
        Ok(self.0.lock().get(key).cloned())
    }

    fn own(&self, key: &str) -> Option<String> {
        self.0.lock().get(key).cloned()
    }

    fn set(&self, key: &str, value: &str) -> SparkResult<Vec<String>> {
        if key == "spark.fixed" {
            return Err(SparkError::new("CANNOT_MODIFY_CONFIG", "it is fixed"));
        }
        self.0.lock().insert(key.to_owned(), value.to_owned());
        Ok(if key == "spark.old" { vec!["it is old".to_owned()] } else { vec![] })
    }

    fn unset(&self, key: &str) -> SparkResult<()> {
        self.0.lock().remove(key);
        Ok(())
    }

    fn all(&self, prefix: Option<&str>) -> Vec<(String, String)> {
        let prefix = prefix.unwrap_or_default();
        self.0.lock().iter().filter(|(key, _)| key.starts_with(prefix)).map(|(k, v)| (k.clone(), v.clone())).collect()
    }

    fn is_modifiable(&self, key: &str) -> SparkResult<bool> {
        Ok(key != "spark.fixed")
    }
}

/// Counts an answer while it is there.
struct Running(Arc<AtomicUsize>);

impl Running {
    fn start(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What is read at the bottom of a plan.
fn source(mut relation: &Relation) -> &Relation {
    loop {
        relation = match &relation.kind {
            RelationKind::Project { input, .. }
            | RelationKind::Filter { input, .. }
            | RelationKind::Limit { input, .. }
            | RelationKind::WithColumns { input, .. }
            | RelationKind::CollectMetrics { input, .. } => input,
            _ => return relation,
        }
    }
}

fn schema_of(kind: &RelationKind) -> SparkResult<DataType> {
    let field = match kind {
        RelationKind::ShowString { .. } => StructField::new("show_string", DataType::STRING, false),
        RelationKind::Table { name, .. } if name.join(".") == "missing" => {
            return Err(SparkError::new("TABLE_OR_VIEW_NOT_FOUND", "The table or view `missing` cannot be found.")
                .with("relationName", "`missing`"));
        }
        _ => StructField::new("id", DataType::Long, false),
    };
    Ok(DataType::Struct { fields: vec![field] })
}

fn ids(values: impl Iterator<Item = i64>) -> RecordBatch {
    let schema = Schema::new(vec![Field::new("id", ArrowType::Int64, false)]);
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values(values));
    RecordBatch::try_new(Arc::new(schema), vec![column]).unwrap()
}

fn batches(kind: &RelationKind, progress: ProgressSink) -> SparkResult<BoxStream<'static, SparkResult<RecordBatch>>> {
    Ok(match kind {
        RelationKind::Range { start, end, step, .. } => {
            let values: Vec<_> = (*start..*end).step_by(usize::try_from(*step).unwrap()).collect();
            if values.is_empty() { stream::empty().boxed() } else { once(ids(values.into_iter())) }
        }
        RelationKind::ShowString { .. } => {
            let schema = Schema::new(vec![Field::new("show_string", ArrowType::Utf8, false)]);
            let column: ArrayRef = Arc::new(StringArray::from(vec!["+--+\n|id|\n+--+\n+--+\n"]));
            once(RecordBatch::try_new(Arc::new(schema), vec![column]).unwrap())
        }
        RelationKind::Table { name, .. } => match name.join(".").as_str() {
            "missing" => return schema_of(kind).map(|_| stream::empty().boxed()),
            // A row, and then nothing, for ever.
            "endless" => {
                let stages = vec![StageProgress { stage_id: 1, tasks: 4, completed_tasks: 1, ..Default::default() }];
                progress.report(Progress { stages, running_tasks: 2 });
                stream::iter([Ok(ids(0..1))]).chain(stream::pending()).boxed()
            }
            // 100 batches of a row each.
            "many" => stream::iter((0..100).map(|value| Ok(ids(value..value + 1)))).boxed(),
            // 16 MB in one batch.
            "large" => once(ids(0..2_000_000)),
            // More than the server makes before someone reads.
            "huge" => stream::iter((0..1_000).map(|value| Ok(ids(value..value + 200_000)))).boxed(),
            "broken" => {
                stream::iter([
                    Ok(ids(0..1)),
                    Err(SparkError::new("DIVIDE_BY_ZERO", "Division by zero.")
                        .with("config", "\"spark.sql.ansi.enabled\"")),
                ])
                .boxed()
            }
            "panic" => stream::once(async { panic!("the engine panics") }).boxed(),
            "slow" => stream::once(async {
                tokio::time::sleep(Duration::from_millis(500)).await;
                Ok(ids(0..1))
            })
            .boxed(),
            _ => stream::empty().boxed(),
        },
        _ => once(ids(0..3)),
    })
}

fn once(batch: RecordBatch) -> BoxStream<'static, SparkResult<RecordBatch>> {
    stream::iter([Ok(batch)]).boxed()
}
