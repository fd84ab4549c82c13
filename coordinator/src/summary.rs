//! [`JobSummary`]: what a job did and what it would have cost, added up from its reports (TASK-4).

use std::time::Duration;

use std::collections::HashMap;

use firesteel_protocol::{RequestCounts, StageId, TaskId, TaskMetrics};
use serde::{Deserialize, Serialize};

use crate::cost::{Prices, gb_seconds};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobSummary {
    pub stages: Vec<StageSummary>,
    pub tasks: u64,
    /// Invocations, failed ones counted.
    pub attempts: u64,
    /// Sums over all attempts that reported.
    pub total: TaskMetrics,
    /// Requests that the coordinator itself made.
    pub coordinator_requests: RequestCounts,
    pub wall_ms: u64,
    pub gb_seconds: f64,
    pub compute_usd: f64,
    pub requests_usd: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageSummary {
    pub stage: StageId,
    pub tasks: u64,
    pub attempts: u64,
    pub metrics: TaskMetrics,
    /// From the first launch to the last acceptance.
    pub wall_ms: u64,
}

impl JobSummary {
    /// Dollars in all.
    pub fn cost_usd(&self) -> f64 {
        self.compute_usd + self.requests_usd
    }
}

/// Adds up reports while the job runs.
#[derive(Debug)]
pub(crate) struct Accounts {
    stages: Vec<StageAccount>,
    memory_mb: u32,
    gb_seconds: f64,
    /// Attempts that run, and since when.
    running: HashMap<(TaskId, u32), Duration>,
}

#[derive(Debug, Default, Clone)]
struct StageAccount {
    tasks: u64,
    attempts: u64,
    metrics: TaskMetrics,
    began: Option<Duration>,
    ended: Duration,
}

impl Accounts {
    pub(crate) fn new(stages: usize, memory_mb: u32) -> Self {
        Self { stages: vec![StageAccount::default(); stages], memory_mb, gb_seconds: 0.0, running: HashMap::new() }
    }

    pub(crate) fn sliced(&mut self, stage: StageId, tasks: u64) {
        self.stages[stage.0 as usize].tasks = tasks;
    }

    pub(crate) fn launched(&mut self, task: TaskId, attempt: u32, now: Duration) {
        self.running.insert((task, attempt), now);
        let account = &mut self.stages[task.stage.0 as usize];
        account.attempts += 1;
        account.began.get_or_insert(now);
    }

    /// The call has come back, whatever it said. One that was given up goes on and is still paid for.
    pub(crate) fn ended(&mut self, task: TaskId, attempt: u32) {
        self.running.remove(&(task, attempt));
    }

    /// A call that was refused is none that is paid for.
    pub(crate) fn throttled(&mut self, stage: StageId) {
        self.stages[stage.0 as usize].attempts -= 1;
    }

    /// An attempt of an earlier coordinator.
    pub(crate) fn restored(&mut self, stage: StageId, metrics: TaskMetrics) {
        self.stages[stage.0 as usize].attempts += 1;
        self.reported(stage, metrics, Duration::ZERO);
    }

    /// Dollars by now, with what runs counted as if it ended now.
    pub(crate) fn spent_usd(&self, now: Duration) -> f64 {
        let running = self.running.values().map(|since| now.saturating_sub(*since).as_millis() as u64);
        let running: f64 = running.map(|ms| gb_seconds(self.memory_mb, ms)).sum();
        let attempts = self.stages.iter().map(|stage| stage.attempts).sum();
        let mut requests = RequestCounts::default();
        self.stages.iter().for_each(|stage| requests += stage.metrics.requests);
        let prices = Prices::US_EAST_1_ARM64;
        prices.compute(self.gb_seconds + running, attempts) + prices.requests(&requests)
    }

    pub(crate) fn reported(&mut self, stage: StageId, metrics: TaskMetrics, now: Duration) {
        self.gb_seconds += gb_seconds(self.memory_mb, metrics.wall_ms + metrics.init_ms.unwrap_or(0));
        let account = &mut self.stages[stage.0 as usize];
        account.metrics += metrics;
        account.ended = now;
    }

    pub(crate) fn summary(&self, wall: Duration, coordinator_requests: RequestCounts) -> JobSummary {
        let stages: Vec<StageSummary> = self
            .stages
            .iter()
            .enumerate()
            .map(|(index, account)| StageSummary {
                stage: StageId(index as u32),
                tasks: account.tasks,
                attempts: account.attempts,
                metrics: account.metrics,
                wall_ms: account.ended.saturating_sub(account.began.unwrap_or_default()).as_millis() as u64,
            })
            .collect();
        let mut total = TaskMetrics::default();
        stages.iter().for_each(|stage| total += stage.metrics);
        let attempts = stages.iter().map(|stage| stage.attempts).sum();
        let mut requests = total.requests;
        requests += coordinator_requests;
        let prices = Prices::US_EAST_1_ARM64;
        JobSummary {
            tasks: stages.iter().map(|stage| stage.tasks).sum(),
            attempts,
            total,
            coordinator_requests,
            wall_ms: wall.as_millis() as u64,
            gb_seconds: self.gb_seconds,
            compute_usd: prices.compute(self.gb_seconds, attempts),
            requests_usd: prices.requests(&requests),
            stages,
        }
    }
}
