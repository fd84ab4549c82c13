//! [`Cluster`]: where a session's jobs run.

use std::sync::Arc;

use firesteel_connect::engine::{Progress, ProgressSink, StageProgress};
use firesteel_coordinator::{Admission, Answer, JobControl, JobEvent, JobOptions, TableOutput, journal, run_job};
use firesteel_invoke::FunctionInvoker;
use firesteel_planner::PlannedQuery;
use firesteel_protocol::JobId;
use firesteel_spec::SparkResult;
use firesteel_storage::Storage;

use crate::error::from_job;

/// Functions, storage, and a place for the folders of jobs.
#[derive(Clone)]
pub struct Cluster {
    pub storage: Storage,
    pub invoker: Arc<dyn FunctionInvoker>,
    /// A URL without a trailing slash.
    pub work_url: String,
    pub function_memory_mb: u32,
    /// What the jobs of all sessions share.
    admission: Admission,
}

impl Cluster {
    /// `work_url` has no slash at its end.
    pub fn new(storage: Storage, invoker: Arc<dyn FunctionInvoker>, work_url: String, function_memory_mb: u32) -> Self {
        let admission = Admission::new(invoker.concurrency_max());
        Self { storage, invoker, work_url, function_memory_mb, admission }
    }

    pub(crate) async fn run(&self, query: &PlannedQuery, progress: &ProgressSink) -> SparkResult<(Answer, JobFolder)> {
        self.run_to(query, None, progress).await
    }

    /// Runs a query whose rows are committed to a table, if one is given, before this returns.
    pub(crate) async fn run_to(
        &self,
        query: &PlannedQuery,
        output: Option<TableOutput>,
        progress: &ProgressSink,
    ) -> SparkResult<(Answer, JobFolder)> {
        let job = JobId(format!("job-{}", uuid::Uuid::now_v7()));
        let job_url = format!("{}/{job}", self.work_url);
        let folder = JobFolder { url: job_url.clone(), storage: self.storage.clone() };
        let label = output.as_ref().map_or_else(String::new, |output| format!("write to {}", output.table_url));
        let control = JobControl { admission: Some(self.admission.clone()), ..JobControl::default() };
        let options = JobOptions { label, output, control, ..JobOptions::new(job, job_url, self.function_memory_mb) };
        let mut shown = Progress::default();
        let on_event = |event: JobEvent| {
            update(&mut shown, &event);
            progress.report(shown.clone());
        };
        let graph = Arc::new(query.graph.clone());
        let run =
            run_job(graph, Arc::clone(&query.schema), Arc::clone(&self.invoker), &self.storage, options, on_event);
        match run.await {
            Ok(outcome) => Ok((outcome.answer, folder)),
            Err(error) => {
                if !error.is_elsewhere() {
                    folder.trim().await;
                }
                Err(from_job(error))
            }
        }
    }
}

/// What a job has written on the store.
pub(crate) struct JobFolder {
    url: String,
    storage: Storage,
}

impl JobFolder {
    /// Deletes all but the journal, by which `firesteel jobs` tells of a job that has written something.
    pub async fn trim(self) {
        if let Err(error) = journal::trim(&self.storage, &self.url).await {
            tracing::warn!(job_url = self.url, %error, "job folder not cleared");
        }
    }

    pub async fn delete(self) {
        if let Err(error) = self.storage.delete_prefix(&self.url).await {
            tracing::warn!(job_url = self.url, %error, "job folder not deleted");
        }
    }
}

fn update(progress: &mut Progress, event: &JobEvent) {
    match event {
        JobEvent::StageStarted { stage, tasks } => {
            let stage_id = i64::from(stage.0);
            let new = StageProgress { stage_id, tasks: *tasks as i64, ..StageProgress::default() };
            progress.running_tasks += new.tasks;
            progress.stages.push(new);
        }
        JobEvent::TaskFinished { task } => {
            progress.running_tasks -= 1;
            let stage_id = i64::from(task.stage.0);
            if let Some(stage) = progress.stages.iter_mut().find(|stage| stage.stage_id == stage_id) {
                stage.completed_tasks += 1;
            }
        }
        JobEvent::StageFinished { stage } => {
            let stage_id = i64::from(stage.0);
            if let Some(stage) = progress.stages.iter_mut().find(|known| known.stage_id == stage_id) {
                stage.done = true;
            }
        }
        JobEvent::Restored { stage, tasks } => {
            let stage_id = i64::from(stage.0);
            if let Some(stage) = progress.stages.iter_mut().find(|known| known.stage_id == stage_id) {
                stage.completed_tasks += *tasks as i64;
            }
        }
        JobEvent::TaskFailed { .. } => {}
    }
}
