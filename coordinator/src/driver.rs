//! [`run_job`]: the loop around the scheduler. It does what the commands say and reports what comes of it.
//!
//! All invocations are owned by the loop: dropping the job's future ends them (JOB-5), and what they leave in the
//! job's folder is garbage that the caller deletes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::datatypes::SchemaRef;
use firesteel_invoke::{FunctionInvoker, InvokeError};
use firesteel_planner::{Stage, StageGraph, StageOutputs, TaskSlice};
use firesteel_protocol::{
    Blob, ErrorKind, JobId, StageId, TaskError, TaskId, TaskOutcome, TaskOutput, TaskReport, error_chain,
};
use firesteel_storage::Storage;
use tokio::task::JoinSet;
use tracing::warn;

use crate::envelope::EnvelopeMaker;
use crate::scheduler::{Command, Event, RetryPolicy, Scheduler};
use crate::summary::{Accounts, JobSummary};
use crate::{Answer, JobError};

/// How a job runs.
#[derive(Debug, Clone)]
pub struct JobOptions {
    pub job: JobId,
    /// The job's own folder, as a URL without a trailing slash.
    pub work_url: String,
    /// Memory of a function, which its price depends on.
    pub function_memory_mb: u32,
    /// An answer up to this size per task comes in the reply; base64 makes it a third longer there.
    pub answer_inline_bytes_max: u64,
    pub retry: RetryPolicy,
}

impl JobOptions {
    /// Options with the defaults: a quarter of a reply's limit is for rows.
    pub fn new(job: JobId, work_url: impl Into<String>, function_memory_mb: u32) -> Self {
        Self {
            job,
            work_url: work_url.into(),
            function_memory_mb,
            answer_inline_bytes_max: 1024 * 1024,
            retry: RetryPolicy::default(),
        }
    }
}

/// Progress of a job, for bars and logs.
#[derive(Debug, Clone)]
pub enum JobEvent {
    StageStarted { stage: StageId, tasks: u64 },
    TaskFinished { task: TaskId },
    TaskFailed { task: TaskId, attempt: u32, error: TaskError },
    StageFinished { stage: StageId },
}

/// A finished job.
#[derive(Debug)]
pub struct JobOutcome {
    pub answer: Answer,
    pub summary: JobSummary,
}

/// Runs all stages of `graph` and gives the answer of its last one, whose columns are `schema`.
///
/// # Errors
/// The first error that no retry mends; everything that runs is ended then.
pub async fn run_job(
    graph: Arc<StageGraph>,
    schema: SchemaRef,
    invoker: Arc<dyn FunctionInvoker>,
    storage: &Storage,
    options: JobOptions,
    mut on_event: impl FnMut(JobEvent) + Send,
) -> Result<JobOutcome, JobError> {
    let began = Instant::now();
    let storage = storage.metered();
    let maker = EnvelopeMaker {
        job: options.job.clone(),
        work_url: options.work_url.clone(),
        storage: storage.clone(),
        answer_inline_bytes_max: options.answer_inline_bytes_max,
    };
    let inputs = graph.stages.iter().map(Stage::inputs).collect();
    let scheduler = Scheduler::new(inputs, invoker.concurrency_max(), options.retry);
    let accounts = Accounts::new(graph.stages.len(), options.function_memory_mb);
    let mut driver = Driver {
        graph,
        invoker,
        maker,
        accounts,
        sliced: HashMap::new(),
        reported: HashMap::new(),
        partial: HashMap::new(),
        outputs: StageOutputs::new(),
        running: JoinSet::new(),
        began,
    };
    driver.run(scheduler, &mut on_event).await?;
    let last = StageId(driver.graph.stages.len().saturating_sub(1) as u32);
    let outputs = driver.outputs.remove(&last).unwrap_or_default();
    let summary = driver.accounts.summary(began.elapsed(), storage.usage().requests);
    Ok(JobOutcome { answer: Answer::new(schema, outputs, storage), summary })
}

struct Driver {
    graph: Arc<StageGraph>,
    invoker: Arc<dyn FunctionInvoker>,
    maker: EnvelopeMaker,
    accounts: Accounts,
    /// The plan and the slices of stages that have begun.
    sliced: HashMap<StageId, (Blob, Arc<Vec<TaskSlice>>)>,
    /// Outputs that the scheduler has not accepted yet.
    reported: HashMap<(TaskId, u32), TaskOutput>,
    /// Accepted outputs of stages that are not complete.
    partial: HashMap<StageId, Vec<Option<TaskOutput>>>,
    outputs: StageOutputs,
    running: JoinSet<Finished>,
    began: Instant,
}

struct Finished {
    task: TaskId,
    attempt: u32,
    reply: Result<TaskReport, Refusal>,
}

enum Refusal {
    Throttled,
    Failed(TaskError),
}

impl Driver {
    async fn run(
        &mut self,
        mut scheduler: Scheduler,
        on_event: &mut (impl FnMut(JobEvent) + Send),
    ) -> Result<(), JobError> {
        let mut events = vec![Event::Start];
        loop {
            while let Some(event) = events.pop() {
                for command in scheduler.on(event, self.began.elapsed()) {
                    match command {
                        Command::Complete => return Ok(()),
                        Command::Fail { task, attempts, error } => {
                            self.running.shutdown().await;
                            return Err(JobError::Task { task, attempts, source: error });
                        }
                        Command::Slice(stage) => events.push(self.slice(stage, on_event).await?),
                        Command::Launch { task, attempt } => self.launch(task, attempt).await?,
                        Command::Accept { task, attempt } => {
                            self.accept(task, attempt);
                            on_event(JobEvent::TaskFinished { task });
                        }
                        Command::StageComplete(stage) => {
                            self.complete(stage);
                            on_event(JobEvent::StageFinished { stage });
                        }
                    }
                }
            }
            events.push(self.next_event(&scheduler, on_event).await?);
        }
    }

    async fn next_event(
        &mut self,
        scheduler: &Scheduler,
        on_event: &mut (impl FnMut(JobEvent) + Send),
    ) -> Result<Event, JobError> {
        let wake = scheduler.next_wake();
        if self.running.is_empty() && wake.is_none() {
            return Err(JobError::Stalled);
        }
        let wait = wake.map_or(Duration::MAX, |wake| wake.saturating_sub(self.began.elapsed()));
        tokio::select! {
            Some(finished) = self.running.join_next() => match finished {
                Ok(finished) => Ok(self.finished(finished, on_event)),
                Err(_) => Err(JobError::Stalled),
            },
            () = tokio::time::sleep(wait), if wake.is_some() => Ok(Event::Tick),
        }
    }

    async fn slice(&mut self, id: StageId, on_event: &mut (impl FnMut(JobEvent) + Send)) -> Result<Event, JobError> {
        let stage = &self.graph.stages[id.0 as usize];
        let slices = self.graph.slice(stage, &self.outputs).map_err(|source| JobError::Slice { stage: id, source })?;
        let tasks = slices.len();
        let plan = self.maker.plan(stage).await?;
        self.sliced.insert(id, (plan, Arc::new(slices)));
        self.partial.insert(id, vec![None; tasks]);
        self.accounts.sliced(id, tasks as u64);
        on_event(JobEvent::StageStarted { stage: id, tasks: tasks as u64 });
        Ok(Event::Sliced { stage: id, tasks: tasks as u32 })
    }

    async fn launch(&mut self, task: TaskId, attempt: u32) -> Result<(), JobError> {
        let stage = &self.graph.stages[task.stage.0 as usize];
        let Some((plan, slices)) = self.sliced.get(&task.stage) else {
            return Err(JobError::Stalled);
        };
        let slice = &slices[task.index as usize];
        let failed = |source| JobError::Slice { stage: task.stage, source };
        let inputs = self.graph.inputs(stage, slice, &self.outputs).map_err(failed)?;
        let payload = self.maker.envelope(&self.graph, stage, plan.clone(), &inputs, task, attempt).await?;
        self.accounts.launched(task.stage, self.began.elapsed());
        let invoker = Arc::clone(&self.invoker);
        self.running.spawn(async move {
            let reply = match invoker.invoke(payload).await {
                Ok(reply) => TaskReport::decode(&reply)
                    .map_err(|error| Refusal::Failed(TaskError::new(error.kind(), error.to_string()))),
                Err(InvokeError::Throttled { .. }) => Err(Refusal::Throttled),
                Err(error) => Err(Refusal::Failed(TaskError::new(error.kind(), error_chain(&error)))),
            };
            Finished { task, attempt, reply }
        });
        Ok(())
    }

    fn finished(&mut self, finished: Finished, on_event: &mut (impl FnMut(JobEvent) + Send)) -> Event {
        let Finished { task, attempt, reply } = finished;
        let outcome = match reply {
            Ok(report) if (report.task, report.attempt) == (task, attempt) => {
                self.accounts.reported(task.stage, report.metrics, self.began.elapsed());
                report.outcome
            }
            Ok(report) => {
                let text = format!("the reply to task {task} is a report of task {}", report.task);
                TaskOutcome::Failed(TaskError::new(ErrorKind::Bug, text))
            }
            Err(Refusal::Throttled) => return Event::Throttled { task, attempt },
            Err(Refusal::Failed(error)) => TaskOutcome::Failed(error),
        };
        match outcome {
            TaskOutcome::Done(output) => {
                self.reported.insert((task, attempt), output);
                Event::Succeeded { task, attempt }
            }
            TaskOutcome::Failed(error) => {
                warn!(job = %self.maker.job, %task, attempt, kind = ?error.kind, %error, "task attempt failed");
                on_event(JobEvent::TaskFailed { task, attempt, error: error.clone() });
                match error.lost_object.as_deref().and_then(|url| self.producer_of(task.stage, url)) {
                    Some(producer) => Event::InputLost { task, producer, error },
                    None => Event::Failed { task, attempt, error },
                }
            }
        }
    }

    /// The task whose accepted output is at `url`, among those that a stage reads; none if it has another by now.
    fn producer_of(&self, consumer: StageId, url: &str) -> Option<TaskId> {
        self.graph.stage(consumer)?.inputs().into_iter().find_map(|stage| {
            let outputs = self.outputs.get(&stage)?;
            let index = outputs.iter().position(|output| output.url.as_deref() == Some(url))?;
            Some(TaskId { stage, index: index as u32 })
        })
    }

    fn accept(&mut self, task: TaskId, attempt: u32) {
        let Some(output) = self.reported.remove(&(task, attempt)) else { return };
        if let Some(outputs) = self.outputs.get_mut(&task.stage) {
            // The stage was complete before; this task ran again.
            outputs[task.index as usize] = output;
        } else if let Some(outputs) = self.partial.get_mut(&task.stage) {
            outputs[task.index as usize] = Some(output);
        }
    }

    fn complete(&mut self, stage: StageId) {
        if let Some(outputs) = self.partial.remove(&stage) {
            self.outputs.insert(stage, outputs.into_iter().flatten().collect());
        }
    }
}
