//! [`StageState`]: what the scheduler knows of a stage and its tasks.

use std::collections::BTreeSet;
use std::time::Duration;

use firesteel_protocol::StageId;

use super::StageSpec;
use super::stragglers::{Pace, weights};

#[derive(Debug)]
pub(super) struct StageState {
    pub inputs: Vec<StageId>,
    pub rows_enough: Option<u64>,
    /// [`Command::Slice`](super::Command::Slice) was given.
    pub is_asked: bool,
    pub tasks: Option<Vec<TaskState>>,
    /// Tasks whose output is accepted, and those of them whose acceptance is in the journal.
    pub accepted: usize,
    pub recorded: usize,
    /// Of the accepted outputs.
    pub rows: u64,
    pub is_complete: bool,
    /// Tasks that were put up for launch so far, where a limit makes them come little by little.
    pub offered: usize,
    pub pace: Pace,
    /// Attempts that run, oldest first: when it began, the task's index, the attempt.
    pub running: BTreeSet<(Duration, u32, u32)>,
    /// Of `running` and waiting, how many are second attempts beside a first.
    pub copies: usize,
}

#[derive(Debug)]
pub(super) struct TaskState {
    pub progress: Progress,
    pub weight: f32,
    pub next_attempt: u32,
    /// Attempts that have failed.
    pub failures: u32,
    /// Attempts in a row that were throttled.
    pub throttles: u32,
    pub rows: u64,
    /// Attempts that run, and since when.
    pub running: Vec<(u32, Duration)>,
    pub has_copy: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Open,
    /// The attempt whose output counts; the journal may not know yet.
    Accepted(u32),
    Recorded(u32),
}

impl StageState {
    pub fn new(spec: StageSpec) -> Self {
        Self {
            inputs: spec.inputs,
            rows_enough: spec.rows_enough,
            is_asked: false,
            tasks: None,
            accepted: 0,
            recorded: 0,
            rows: 0,
            is_complete: false,
            offered: 0,
            pace: Pace::default(),
            running: BTreeSet::new(),
            copies: 0,
        }
    }

    pub fn slice(&mut self, bytes: &[u64]) {
        self.is_asked = true;
        self.tasks = Some(weights(bytes).into_iter().map(TaskState::new).collect());
    }

    pub fn task_count(&self) -> usize {
        self.tasks.as_ref().map_or(0, Vec::len)
    }

    /// The rows that a limit above asks for are there.
    pub fn has_enough(&self) -> bool {
        self.rows_enough.is_some_and(|enough| self.rows >= enough)
    }

    /// All that has to be accepted is, and the journal has it.
    pub fn is_done(&self) -> bool {
        let all = self.accepted == self.task_count() || self.has_enough();
        self.tasks.is_some() && all && self.recorded == self.accepted
    }

    /// How many tasks may have been put up for launch by now: with a limit one, and then four for each that is done, as
    /// Spark's `take` has it; else all.
    pub fn offer_max(&self) -> usize {
        match self.rows_enough {
            Some(_) if self.has_enough() => self.offered,
            Some(_) => (1 + 4 * self.accepted).min(self.task_count()),
            None => self.task_count(),
        }
    }
}

impl TaskState {
    fn new(weight: f32) -> Self {
        Self {
            progress: Progress::Open,
            weight,
            next_attempt: 0,
            failures: 0,
            throttles: 0,
            rows: 0,
            running: Vec::new(),
            has_copy: false,
        }
    }

    pub fn is_open(&self) -> bool {
        self.progress == Progress::Open
    }

    pub fn accept(&mut self, attempt: u32, rows: u64) {
        self.progress = Progress::Accepted(attempt);
        self.rows = rows;
        self.next_attempt = self.next_attempt.max(attempt + 1);
    }

    /// Takes an attempt out of those that run; none if it was given up before.
    pub fn take_running(&mut self, attempt: u32) -> Option<Duration> {
        let at = self.running.iter().position(|(running, _)| *running == attempt)?;
        Some(self.running.swap_remove(at).1)
    }
}
