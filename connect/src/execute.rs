//! `ExecutePlan`: runs what a client asks for and makes the responses, in Spark's order: schema, rows, observed
//! metrics, the end.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use firesteel_spec::{Plan, SparkError, SparkResult};
use futures::{FutureExt, StreamExt};
use prost::Message;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::columns::{self, BATCH_BYTES};
use crate::convert::{Models, Request, data_type_to_proto, literal_to_proto};
use crate::deep;
use crate::engine::{Execution, ObservedMetrics, Progress, ProgressSink, Session};
use crate::operation::{Operation, Outcome};
use crate::plan;
use crate::proto;
use crate::proto::ExecutePlanResponse;
use crate::proto::execute_plan_response as responses;
use crate::proto::execute_plan_response::ResponseType;
use crate::sessions::OpenSession;

/// Of the rows that a command of SQL answers, which go to the client as one message.
const COMMAND_BYTES_MAX: usize = 64 << 20;
/// Between two reports of progress.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);
/// The least that Spark cuts a batch into.
const CHUNK_BYTES_MIN: i64 = 1 << 10;

/// One plan on its way.
pub(crate) struct Run {
    pub open: Arc<OpenSession>,
    pub session: Arc<dyn Session>,
    pub operation: Arc<Operation>,
    /// Batches larger than this are sent in chunks.
    pub chunk_bytes: Option<usize>,
}

/// How large chunks may be, if the client takes chunks.
pub(crate) fn chunk_bytes(options: &proto::ResultChunkingOptions) -> Option<usize> {
    let most = i64::try_from(BATCH_BYTES).unwrap_or(i64::MAX);
    let asked = options.preferred_arrow_chunk_size.filter(|bytes| (CHUNK_BYTES_MIN..=most).contains(bytes));
    options
        .allow_arrow_batch_chunking
        .then(|| asked.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(BATCH_BYTES))
}

impl Run {
    /// Runs the plan as a task of its own, which the operation's cancellation ends.
    pub(crate) fn spawn(self, plan: Option<proto::Plan>) {
        let operation = Arc::clone(&self.operation);
        let of = Arc::clone(&self.operation);
        let task = tokio::spawn(async move {
            let outcome = match AssertUnwindSafe(self.run(plan)).catch_unwind().await {
                Ok(Ok(())) => Outcome::Succeeded,
                Ok(Err(error)) => Outcome::Failed(error),
                Err(_) => Outcome::Failed(SparkError::internal("the plan's task panicked")),
            };
            of.finish(outcome);
        });
        operation.runs_as(task.abort_handle());
    }

    async fn run(self, plan: Option<proto::Plan>) -> SparkResult<()> {
        let request = plan::request(plan, Arc::clone(&self.open.uploads)).await?;
        deep::with(request, move |request| async move {
            self.answer(request).await?;
            if self.operation.reattachable {
                self.send(ResponseType::ResultComplete(responses::ResultComplete {})).await;
            }
            Ok(())
        })
        .await
    }

    async fn answer(&self, request: Request) -> SparkResult<()> {
        match request {
            Request::Run(plan @ Plan::Query(_)) => self.query(plan).await,
            Request::Run(plan @ Plan::Command(_)) => self.command(plan).await,
            Request::Sql { plan: Plan::Query(relation), input } => {
                self.session.schema(&relation).await?;
                self.send(sql_result(input)).await;
                Ok(())
            }
            Request::Sql { plan: command @ Plan::Command(_), .. } => self.sql_command(command).await,
            Request::Resources => {
                let none = proto::GetResourcesCommandResult::default();
                self.send(ResponseType::GetResourcesCommandResult(none)).await;
                Ok(())
            }
            Request::Models(request) => {
                self.send(ResponseType::MlCommandResult(no_models(request))).await;
                Ok(())
            }
        }
    }

    /// Rows, as they come.
    async fn query(&self, plan: Plan) -> SparkResult<()> {
        let (mut execution, mut reporter) = self.execute(plan).await?;
        let schema = data_type_to_proto(&execution.schema);
        self.operation.push(ExecutePlanResponse { schema: Some(schema), ..self.response() }).await;
        let mut rows = 0;
        let mut any = false;
        while let Some(batch) = reporter.watch(self, execution.batches.next()).await {
            any = true;
            self.send_batch(&batch?, &mut rows).await?;
        }
        if !any {
            let zone = self.session.config().get("spark.sql.session.timeZone")?;
            let schema = columns::arrow_schema(&execution.schema, zone.as_deref().unwrap_or("UTC"))?;
            self.send_batch(&RecordBatch::new_empty(schema), &mut rows).await?;
        }
        self.send_observed(execution.observed.take()).await;
        Ok(())
    }

    /// An effect. Rows that tell of it are for SQL only.
    async fn command(&self, plan: Plan) -> SparkResult<()> {
        let (mut execution, mut reporter) = self.execute(plan).await?;
        while let Some(batch) = reporter.watch(self, execution.batches.next()).await {
            batch?;
        }
        if let Some(relation_id) = execution.checkpoint {
            let relation = Some(proto::CachedRemoteRelation { relation_id });
            self.send(ResponseType::CheckpointCommandResult(proto::CheckpointCommandResult { relation })).await;
        }
        self.send_observed(execution.observed.take()).await;
        Ok(())
    }

    /// A command of SQL is done by now, and its rows are a relation that the client reads from.
    async fn sql_command(&self, plan: Plan) -> SparkResult<()> {
        let (mut execution, mut reporter) = self.execute(plan).await?;
        let mut batches = Vec::new();
        let mut bytes = 0;
        while let Some(batch) = reporter.watch(self, execution.batches.next()).await {
            let batch = batch?;
            bytes += batch.get_array_memory_size();
            if bytes > COMMAND_BYTES_MAX {
                return Err(SparkError::unsupported(format!(
                    "a command that answers more than {COMMAND_BYTES_MAX} bytes of rows"
                )));
            }
            batches.push(batch);
        }
        let schema = match batches.first() {
            Some(batch) => batch.schema(),
            None => {
                let zone = self.session.config().get("spark.sql.session.timeZone")?;
                columns::arrow_schema(&execution.schema, zone.as_deref().unwrap_or("UTC"))?
            }
        };
        let data = Some(columns::stream(&schema, &batches)?);
        let local = proto::LocalRelation { data, schema: None };
        let relation = proto::Relation { common: None, rel_type: Some(proto::relation::RelType::LocalRelation(local)) };
        self.send(sql_result(relation.encode_to_vec().into())).await;
        self.send_observed(execution.observed.take()).await;
        Ok(())
    }

    async fn execute(&self, plan: Plan) -> SparkResult<(Execution, Reporter)> {
        let mut reporter = Reporter::new();
        let sink = reporter.sink.clone();
        let execution = reporter.watch(self, self.session.execute(plan, sink)).await?;
        Ok((execution, reporter))
    }

    fn response(&self) -> ExecutePlanResponse {
        ExecutePlanResponse {
            session_id: self.open.key.session_id.clone(),
            server_side_session_id: self.open.server_id.clone(),
            ..ExecutePlanResponse::default()
        }
    }

    async fn send(&self, response_type: ResponseType) {
        self.operation.push(ExecutePlanResponse { response_type: Some(response_type), ..self.response() }).await;
    }

    async fn send_batch(&self, batch: &RecordBatch, rows: &mut i64) -> SparkResult<()> {
        for part in columns::parts(batch)? {
            let row_count = i64::try_from(part.rows).unwrap_or(i64::MAX);
            let chunks = self.chunk_bytes.map_or(1, |bytes| part.data.len().div_ceil(bytes).max(1));
            let chunk_bytes = part.data.len().div_ceil(chunks).max(1);
            for chunk in 0..chunks {
                let start = (chunk * chunk_bytes).min(part.data.len());
                let end = (start + chunk_bytes).min(part.data.len());
                let number = |count: usize| (chunks > 1).then(|| i64::try_from(count).unwrap_or(i64::MAX));
                self.send(ResponseType::ArrowBatch(responses::ArrowBatch {
                    row_count,
                    data: part.data.slice(start..end),
                    start_offset: Some(*rows),
                    chunk_index: number(chunk),
                    num_chunks_in_batch: number(chunks),
                }))
                .await;
            }
            *rows += row_count;
        }
        Ok(())
    }

    async fn send_observed(&self, observed: Vec<ObservedMetrics>) {
        if observed.is_empty() {
            return;
        }
        let observed_metrics = observed
            .into_iter()
            .map(|metrics| responses::ObservedMetrics {
                name: metrics.name,
                keys: metrics.keys,
                values: metrics.values.iter().map(literal_to_proto).collect(),
                plan_id: metrics.plan_id.unwrap_or_default(),
                ..responses::ObservedMetrics::default()
            })
            .collect();
        self.operation.push(ExecutePlanResponse { observed_metrics, ..self.response() }).await;
    }
}

fn sql_result(relation: Bytes) -> ResponseType {
    ResponseType::SqlCommandResult(responses::SqlCommandResult { relation })
}

fn no_models(request: Models) -> proto::MlCommandResult {
    use proto::expression::literal::{Array, LiteralType};
    let value = match request {
        Models::Clean => LiteralType::Integer(0),
        Models::List => LiteralType::Array(Array::default()),
    };
    let param = proto::expression::Literal { literal_type: Some(value), data_type: None };
    proto::MlCommandResult { result_type: Some(proto::ml_command_result::ResultType::Param(param)) }
}

/// Tells the client how far the engine is, from time to time while it works.
struct Reporter {
    sink: ProgressSink,
    ticks: Interval,
    sent: Progress,
}

impl Reporter {
    fn new() -> Self {
        let mut ticks = interval_at(Instant::now() + PROGRESS_EVERY, PROGRESS_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { sink: ProgressSink::default(), ticks, sent: Progress::default() }
    }

    async fn watch<T>(&mut self, run: &Run, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                _ = self.ticks.tick() => {
                    let latest = self.sink.latest();
                    if latest != self.sent {
                        run.send(ResponseType::ExecutionProgress(progress_to_proto(&latest))).await;
                        self.sent = latest;
                    }
                }
            }
        }
    }
}

fn progress_to_proto(progress: &Progress) -> responses::ExecutionProgress {
    responses::ExecutionProgress {
        stages: progress
            .stages
            .iter()
            .map(|stage| responses::execution_progress::StageInfo {
                stage_id: stage.stage_id,
                num_tasks: stage.tasks,
                num_completed_tasks: stage.completed_tasks,
                input_bytes_read: stage.input_bytes,
                done: stage.done,
            })
            .collect(),
        num_inflight_tasks: progress.running_tasks,
    }
}
