//! [`Driver`]: the loop around the scheduler. It does what the commands say and reports what comes of it.
//!
//! All invocations are owned by the loop: dropping the job's future ends them (JOB-5), and what they leave in the
//! job's folder is garbage that the caller deletes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use firesteel_invoke::FunctionInvoker;
use firesteel_planner::TaskSlice;
use firesteel_protocol::{
    ErrorKind, JobId, StageId, TaskError, TaskId, TaskOutcome, TaskOutput, TaskReport, error_chain,
};
use firesteel_storage::Storage;
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio::time::Instant;
use tracing::warn;

use crate::admission::Admitted;
use crate::commit;
use crate::job::{JobEvent, JobOptions, JobOutcome, as_task_error};
use crate::job_spec::{JobSpec, TableOutput};
use crate::journal::{JobEnd, JobState, Journal, Record};
use crate::outputs::{Outputs, rows};
use crate::recorder::{Recorded, Recorder};
use crate::scheduler::{Command, Event, Failure, RecordedTask, Scheduler, StopReason};
use crate::summary::{Accounts, JobSummary};
use crate::work::Work;
use crate::{Answer, JobError};

/// How often what a job has spent by now is compared with its budget.
const BUDGET_CHECK: Duration = Duration::from_millis(250);

pub(crate) struct Driver {
    job: JobId,
    work: Arc<dyn Work>,
    /// Of the work; the last one gives the answer.
    stage_count: usize,
    inputs: Vec<Vec<StageId>>,
    invoker: Arc<dyn FunctionInvoker>,
    storage: Storage,
    scheduler: Scheduler,
    accounts: Accounts,
    recorder: Recorder,
    admitted: Option<Admitted>,
    budget_usd: Option<f64>,
    output: Option<TableOutput>,
    /// A commit that an earlier coordinator was about to make.
    committing: Option<u64>,
    /// The slices of stages that have begun.
    sliced: HashMap<StageId, Vec<TaskSlice>>,
    outputs: Outputs,
    running: JoinSet<Finished>,
    attempts: HashMap<(TaskId, u32), AbortHandle>,
    events: Vec<Event>,
    restored: Vec<JobEvent>,
    began: Instant,
}

struct Finished {
    task: TaskId,
    attempt: u32,
    reply: Result<TaskReport, TaskError>,
}

impl Driver {
    pub fn new(work: Arc<dyn Work>, invoker: Arc<dyn FunctionInvoker>, storage: Storage, options: &JobOptions) -> Self {
        let specs = work.stages();
        Self {
            job: options.job.clone(),
            stage_count: specs.len(),
            inputs: specs.iter().map(|spec| spec.inputs.clone()).collect(),
            accounts: Accounts::new(specs.len(), options.function_memory_mb),
            scheduler: Scheduler::new(specs, invoker.concurrency_max(), options.control.policy),
            recorder: Recorder::new(None),
            admitted: options.control.admission.as_ref().map(crate::Admission::enter),
            budget_usd: options.control.budget_usd,
            output: options.output.clone(),
            committing: None,
            work,
            invoker,
            storage,
            sliced: HashMap::new(),
            outputs: Outputs::default(),
            running: JoinSet::new(),
            attempts: HashMap::new(),
            events: vec![Event::Start],
            restored: Vec::new(),
            began: Instant::now(),
        }
    }

    /// From here on what is accepted is kept.
    pub fn begin_journal(&mut self, journal: Journal, spec: JobSpec) {
        self.recorder = Recorder::new(Some(journal));
        self.recorder.record(Record::Began(Box::new(spec)));
    }

    /// Takes over what a journal says of the stages that have begun.
    pub async fn restore(&mut self, journal: Journal, state: JobState) -> Result<(), JobError> {
        self.recorder = Recorder::new(Some(journal));
        self.committing = state.committing;
        if state.cancel_requested {
            self.events.push(Event::Stop(StopReason::Cancelled));
        }
        for (id, stage) in state.stages {
            if stage.is_unneeded {
                self.events.insert(0, Event::Unneeded(id));
            }
            let tasks = stage.slices.len();
            let bytes: Vec<u64> = stage.slices.iter().map(|slice| slice.bytes).collect();
            let done = |accepted: &crate::journal::Accepted| RecordedTask {
                attempt: accepted.attempt,
                rows: rows(&accepted.output),
            };
            let recorded: Vec<_> = (0..tasks as u32).map(|index| stage.accepted.get(&index).map(done)).collect();
            self.scheduler.restore(id, &bytes, &recorded);
            self.work.prepare(id).await?;
            self.sliced.insert(id, stage.slices);
            self.outputs.sliced(id, tasks);
            self.accounts.sliced(id, tasks as u64);
            self.restored.push(JobEvent::StageStarted { stage: id, tasks: tasks as u64 });
            self.restored.push(JobEvent::Restored { stage: id, tasks: stage.accepted.len() as u64 });
            for (index, accepted) in stage.accepted {
                self.accounts.restored(id, accepted.metrics);
                self.outputs.accept(TaskId { stage: id, index }, accepted.output);
            }
        }
        Ok(())
    }

    /// Runs the job to its end, its output's commit included.
    pub async fn run(
        mut self,
        schema: SchemaRef,
        mut on_event: impl FnMut(JobEvent) + Send,
    ) -> Result<JobOutcome, JobError> {
        let done = match self.run_stages(&mut on_event).await {
            Ok(()) => self.answer(schema).await,
            Err(error) => Err(error),
        };
        self.running.shutdown().await;
        let end = match &done {
            Ok(outcome) => JobEnd::Succeeded(Box::new(outcome.summary.clone())),
            Err(error) if error.is_elsewhere() => return done,
            Err(JobError::Stopped(StopReason::Cancelled)) => JobEnd::Cancelled,
            Err(error) => JobEnd::Failed(as_task_error(error)),
        };
        match self.recorder.finish(Record::Ended(end)).await {
            Ok(()) => done,
            // What went wrong first is what there is to tell.
            Err(error) => done.and(Err(JobError::Journal(error))),
        }
    }

    async fn answer(&mut self, schema: SchemaRef) -> Result<JobOutcome, JobError> {
        let last = StageId(self.stage_count.saturating_sub(1) as u32);
        let outputs = self.outputs.complete.get(&last).cloned().unwrap_or_default();
        let answer = || Answer::new(Arc::clone(&schema), outputs.clone(), self.storage.clone());
        if let Some(output) = &self.output {
            let files = commit::files_of(answer(), output, &self.storage).await?;
            commit::commit(&self.job.0, output, &files, &self.storage, self.committing, &mut self.recorder).await?;
        }
        Ok(JobOutcome { answer: answer(), summary: self.summary() })
    }

    fn summary(&self) -> JobSummary {
        self.accounts.summary(self.began.elapsed(), self.storage.usage().requests)
    }

    async fn run_stages(&mut self, on_event: &mut (impl FnMut(JobEvent) + Send)) -> Result<(), JobError> {
        self.restored.drain(..).for_each(&mut *on_event);
        loop {
            // In the order in which they came.
            for event in std::mem::take(&mut self.events) {
                for command in self.scheduler.on(event, self.began.elapsed()) {
                    match command {
                        Command::Complete => return Ok(()),
                        Command::Fail(failure) => return Err(failed(failure)),
                        command => self.obey(command, on_event).await?,
                    }
                }
            }
            if let Some(admitted) = &mut self.admitted {
                admitted.ask(self.scheduler.demand());
            }
            if self.events.is_empty() {
                self.wait(on_event).await?;
            }
        }
    }

    async fn obey(&mut self, command: Command, on_event: &mut (impl FnMut(JobEvent) + Send)) -> Result<(), JobError> {
        match command {
            Command::Slice(stage) => self.slice(stage, on_event).await?,
            Command::Launch { task, attempt } => self.launch(task, attempt).await?,
            Command::Abandon { task, attempt } => {
                if let Some(call) = self.attempts.remove(&(task, attempt)) {
                    call.abort();
                }
            }
            Command::Accept { task, attempt } => {
                if let Some((output, metrics)) = self.outputs.take_reported(task, attempt) {
                    self.recorder.record(Record::Accepted { task, attempt, output: output.clone(), metrics });
                    self.outputs.accept(task, output);
                    on_event(JobEvent::TaskFinished { task });
                }
            }
            Command::Forget { task } => self.recorder.record(Record::Lost { task }),
            Command::StageComplete(stage) => {
                self.outputs.complete(stage);
                on_event(JobEvent::StageFinished { stage });
            }
            Command::Complete | Command::Fail(_) => {}
        }
        Ok(())
    }

    async fn wait(&mut self, on_event: &mut (impl FnMut(JobEvent) + Send)) -> Result<(), JobError> {
        let wake = self.scheduler.next_wake();
        let wait = wake.map_or(Duration::MAX, |wake| wake.saturating_sub(self.began.elapsed()));
        let share = async {
            match &mut self.admitted {
                Some(admitted) => admitted.changed().await,
                None => std::future::pending().await,
            }
        };
        // In this order, so that a simulation of it goes the same way each time.
        tokio::select! {
            biased;
            recorded = self.recorder.next() => match recorded.map_err(JobError::Journal)? {
                Recorded::Tasks(tasks) => {
                    let events = tasks.into_iter().map(|(task, attempt)| Event::Recorded { task, attempt });
                    self.events.extend(events);
                }
                Recorded::CancelRequested => self.events.push(Event::Stop(StopReason::Cancelled)),
            },
            Some(finished) = self.running.join_next() => self.finished(finished, on_event)?,
            share = share => self.events.push(Event::Share(share)),
            () = tokio::time::sleep(wait), if wake.is_some() => self.events.push(Event::Tick),
            () = tokio::time::sleep(BUDGET_CHECK), if self.budget_usd.is_some() => {}
        }
        self.check_budget();
        Ok(())
    }

    fn check_budget(&mut self) {
        let Some(budget_usd) = self.budget_usd else { return };
        let spent_usd = self.accounts.spent_usd(self.began.elapsed());
        if spent_usd > budget_usd {
            self.events.push(Event::Stop(StopReason::Budget { spent_usd, budget_usd }));
        }
    }

    async fn slice(&mut self, id: StageId, on_event: &mut (impl FnMut(JobEvent) + Send)) -> Result<(), JobError> {
        let sliced = self.work.slice(id, &self.outputs.complete);
        let slices = sliced.map_err(|source| JobError::Slice { stage: id, source })?;
        let tasks = slices.len();
        self.work.prepare(id).await?;
        let bytes = slices.iter().map(|slice| slice.bytes).collect();
        self.recorder.record(Record::Sliced { stage: id, slices: slices.clone() });
        self.sliced.insert(id, slices);
        self.outputs.sliced(id, tasks);
        self.accounts.sliced(id, tasks as u64);
        on_event(JobEvent::StageStarted { stage: id, tasks: tasks as u64 });
        self.events.push(Event::Sliced { stage: id, bytes });
        Ok(())
    }

    async fn launch(&mut self, task: TaskId, attempt: u32) -> Result<(), JobError> {
        let Some(slice) = self.sliced.get(&task.stage).and_then(|slices| slices.get(task.index as usize)) else {
            return Err(JobError::Stalled);
        };
        let payload = self.work.envelope(task, attempt, slice, &self.outputs.complete).await?;
        self.accounts.launched(task, attempt, self.began.elapsed());
        let invoker = Arc::clone(&self.invoker);
        let call = self.running.spawn(async move {
            let reply = match invoker.invoke(payload).await {
                Ok(reply) => {
                    TaskReport::decode(&reply).map_err(|error| TaskError::new(error.kind(), error.to_string()))
                }
                Err(error) => Err(TaskError::new(error.kind(), error_chain(&error))),
            };
            Finished { task, attempt, reply }
        });
        self.attempts.insert((task, attempt), call);
        Ok(())
    }

    fn finished(
        &mut self,
        finished: Result<Finished, JoinError>,
        on_event: &mut (impl FnMut(JobEvent) + Send),
    ) -> Result<(), JobError> {
        let Finished { task, attempt, reply } = match finished {
            Ok(finished) => finished,
            // An attempt that was given up.
            Err(error) if error.is_cancelled() => return Ok(()),
            Err(_) => return Err(JobError::Stalled),
        };
        self.attempts.remove(&(task, attempt));
        self.accounts.ended(task, attempt);
        let outcome = match reply {
            Ok(report) if (report.task, report.attempt) == (task, attempt) => {
                self.accounts.reported(task.stage, report.metrics, self.began.elapsed());
                match report.outcome {
                    TaskOutcome::Done(output) => Ok((output, report.metrics)),
                    TaskOutcome::Failed(error) => Err(error),
                }
            }
            Ok(report) => {
                let text = format!("the reply to task {task} is a report of task {}", report.task);
                Err(TaskError::new(ErrorKind::Bug, text))
            }
            Err(error) => {
                if error.kind == ErrorKind::Throttled {
                    self.accounts.throttled(task.stage);
                }
                Err(error)
            }
        };
        let event = match outcome {
            Ok((output, metrics)) => self.succeeded(task, attempt, output, metrics),
            Err(error) => self.failed(task, attempt, error, on_event),
        };
        self.events.push(event);
        Ok(())
    }

    fn succeeded(
        &mut self,
        task: TaskId,
        attempt: u32,
        output: TaskOutput,
        metrics: firesteel_protocol::TaskMetrics,
    ) -> Event {
        let rows = rows(&output);
        self.outputs.reported(task, attempt, output, metrics);
        Event::Succeeded { task, attempt, rows }
    }

    fn failed(
        &mut self,
        task: TaskId,
        attempt: u32,
        error: TaskError,
        on_event: &mut (impl FnMut(JobEvent) + Send),
    ) -> Event {
        if error.kind != ErrorKind::Throttled {
            warn!(job = %self.job, %task, attempt, kind = ?error.kind, %error, "task attempt failed");
            on_event(JobEvent::TaskFailed { task, attempt, error: error.clone() });
        }
        let inputs = &self.inputs[task.stage.0 as usize];
        match error.lost_object.as_deref().and_then(|url| self.outputs.producer_of(inputs, url)) {
            Some(producer) => Event::InputLost { task, attempt, producer, error },
            None => Event::Failed { task, attempt, error },
        }
    }
}

fn failed(failure: Failure) -> JobError {
    match failure {
        Failure::Task { task, attempts, error } => JobError::Task { task, attempts, source: error },
        Failure::Stopped(reason) => JobError::Stopped(reason),
    }
}
