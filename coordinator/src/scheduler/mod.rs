//! [`Scheduler`]: which tasks run, when, and again or not. Pure: no I/O, no clock, no chance. The driver and the simulator
//! run this very code.
//!
//! ```text
//! stage:  waiting ── inputs complete ──► slicing ── sliced ──► running ── all accepted and recorded ──► complete
//!                                                                 ▲                                         │
//!                                                                 └─────── an output is lost (SHUFFLE-7) ───┘
//! task:   ready ──► running ──► accepted ──► recorded in the journal (JOB-1)
//!           ▲          │ Retry, Capacity, Data: until the policy's attempts are used up
//!           ├──────────┤ throttled: no attempt is used up, the limit goes down
//!           ├──────────┤ late: a second attempt beside the first
//!           └──────────┘ an input is lost: its producer's attempt is used up; held until that stage is complete again
//! ```
//!
//! An attempt that is given up (it is late and another was faster, it timed out, its stage has rows enough) may still
//! run and answer; whatever it says is not heard.

mod policy;
mod ramp;
mod stage;
mod stragglers;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use firesteel_protocol::{ErrorKind, StageId, TaskError, TaskId};

pub use self::policy::{JobPolicy, Speculation};
use self::ramp::Ramp;
use self::stage::{Progress, StageState, TaskState};

/// What the scheduler has to know of a stage before it starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StageSpec {
    /// The stages that have to be complete before.
    pub inputs: Vec<StageId>,
    /// A limit above needs no more rows than this, whichever they are: no further task starts then.
    pub rows_enough: Option<u64>,
}

/// What has happened. Times are since the job's start.
#[derive(Debug, Clone)]
pub enum Event {
    Start,
    /// The answer to [`Command::Slice`]: a task for each, and the bytes that it reads.
    Sliced {
        stage: StageId,
        bytes: Vec<u64>,
    },
    /// No other stage needs this one's rows any more.
    Unneeded(StageId),
    Succeeded {
        task: TaskId,
        attempt: u32,
        rows: u64,
    },
    Failed {
        task: TaskId,
        attempt: u32,
        error: TaskError,
    },
    /// The attempt failed since what `producer` wrote could not be read whole (SHUFFLE-7).
    InputLost {
        task: TaskId,
        attempt: u32,
        producer: TaskId,
        error: TaskError,
    },
    /// The journal has the acceptance of this attempt.
    Recorded {
        task: TaskId,
        attempt: u32,
    },
    /// How many attempts this job may run at once, beside others.
    Share(usize),
    /// Somebody wants the job to end.
    Stop(StopReason),
    /// The time that [`Scheduler::next_wake`] named has come.
    Tick,
}

/// Why a job ends that could have gone on.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum StopReason {
    #[error("the job was cancelled")]
    Cancelled,
    #[error("the job was not done in {} s, its deadline", .0.as_secs_f64())]
    Deadline(Duration),
    #[error(
        "the job would cost more than its budget: ${spent_usd:.6} of ${budget_usd:.6} are spent, and it is not done"
    )]
    Budget { spent_usd: f64, budget_usd: f64 },
    #[error("{failed} attempts at its {tasks} tasks failed, the last with: {last}")]
    Retries { failed: u64, tasks: u64, last: String },
}

/// What to do now.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// The stage's inputs are complete: find its tasks.
    Slice(StageId),
    Launch {
        task: TaskId,
        attempt: u32,
    },
    /// Wait no longer for this attempt. It may go on where it runs.
    Abandon {
        task: TaskId,
        attempt: u32,
    },
    /// Keep this attempt's output, the first for its task, and have it in the journal.
    Accept {
        task: TaskId,
        attempt: u32,
    },
    /// The accepted output can't be read: the journal must not bring it back.
    Forget {
        task: TaskId,
    },
    StageComplete(StageId),
    Complete,
    /// End everything that runs: the job has failed.
    Fail(Failure),
}

/// Why a job failed.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// A task used up its attempts.
    Task {
        task: TaskId,
        attempts: u32,
        error: TaskError,
    },
    Stopped(StopReason),
}

/// An accepted output that the journal of an earlier coordinator has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordedTask {
    pub attempt: u32,
    pub rows: u64,
}

#[derive(Debug)]
pub struct Scheduler {
    stages: Vec<StageState>,
    policy: JobPolicy,
    ramp: Ramp,
    /// What other jobs leave.
    share: usize,
    ready: VecDeque<TaskId>,
    /// Second attempts, for when nothing else is ready.
    copies: VecDeque<TaskId>,
    /// Tasks that wait for a producer that runs again.
    held: Vec<TaskId>,
    /// Tasks that wait for their time, earliest first.
    delayed: BinaryHeap<Reverse<(Duration, TaskId)>>,
    running: usize,
    /// Failed attempts of the whole job.
    failures: u64,
    has_ended: bool,
}

impl Scheduler {
    /// A scheduler for these stages, of which the last one's end is the job's. At most `concurrency` attempts run at
    /// once.
    pub fn new(stages: Vec<StageSpec>, concurrency: usize, policy: JobPolicy) -> Self {
        Self {
            stages: stages.into_iter().map(StageState::new).collect(),
            policy,
            ramp: Ramp::new(concurrency),
            share: usize::MAX,
            ready: VecDeque::new(),
            copies: VecDeque::new(),
            held: Vec::new(),
            delayed: BinaryHeap::new(),
            running: 0,
            failures: 0,
            has_ended: false,
        }
    }

    /// Takes over what the journal knows of a stage that was sliced before, ahead of [`Event::Start`]. What is recorded
    /// does not run again (JOB-2).
    pub fn restore(&mut self, stage: StageId, bytes: &[u64], recorded: &[Option<RecordedTask>]) {
        let stage = &mut self.stages[stage.0 as usize];
        stage.slice(bytes);
        for (task, recorded) in stage.tasks.iter_mut().flatten().zip(recorded) {
            let Some(RecordedTask { attempt, rows }) = *recorded else { continue };
            task.accept(attempt, rows);
            task.progress = Progress::Recorded(attempt);
            stage.accepted += 1;
            stage.recorded += 1;
            stage.rows += rows;
        }
    }

    /// When [`Event::Tick`] is due, if nothing else happens before.
    pub fn next_wake(&mut self) -> Option<Duration> {
        // With no room for it, what is due waits for an event that makes some.
        let has_room = self.running < self.ramp.limit().min(self.share);
        let delayed = self.delayed.peek().filter(|_| has_room).map(|Reverse((at, _))| *at);
        let timeout = self.policy.attempt_timeout;
        let lost = self.stages.iter().filter_map(|stage| Some(stage.running.first()?.0 + timeout?)).min();
        let late = (0..self.stages.len()).filter_map(|stage| self.next_late(stage).map(|(at, _)| at)).min();
        [delayed, lost, late, self.policy.deadline].into_iter().flatten().min()
    }

    /// Attempts that this job could run now: what it is given a share by.
    pub fn demand(&self) -> usize {
        self.running + self.ready.len() + self.copies.len()
    }

    pub fn running(&self) -> usize {
        self.running
    }

    /// Takes an event in and says what to do. After [`Command::Complete`] or [`Command::Fail`] nothing more is said.
    pub fn on(&mut self, event: Event, now: Duration) -> Vec<Command> {
        let mut commands = Vec::new();
        if self.has_ended {
            return commands;
        }
        match event {
            Event::Start => self.start(&mut commands),
            Event::Sliced { stage, bytes } => self.sliced(stage, &bytes, &mut commands),
            Event::Unneeded(stage) => self.unneeded(stage, &mut commands),
            Event::Succeeded { task, attempt, rows } => self.succeeded(task, attempt, rows, now, &mut commands),
            Event::Failed { task, attempt, error } => {
                if self.take_running(task, attempt).is_some() {
                    self.failed(task, error, now, &mut commands);
                }
            }
            Event::InputLost { task, attempt, producer, error } => {
                if self.take_running(task, attempt).is_some() {
                    self.input_lost(task, producer, error, now, &mut commands);
                }
            }
            Event::Recorded { task, attempt } => self.recorded(task, attempt, &mut commands),
            Event::Share(share) => self.share = share.max(1),
            Event::Stop(reason) => self.fail(Failure::Stopped(reason), &mut commands),
            Event::Tick => {}
        }
        self.expire(now, &mut commands);
        if !self.has_ended {
            self.launch(now, &mut commands);
        }
        commands
    }

    fn start(&mut self, commands: &mut Vec<Command>) {
        for index in 0..self.stages.len() {
            if self.stages[index].tasks.is_some() {
                let id = StageId(index as u32);
                self.offer(id);
                self.complete_if_done(id, commands);
            }
        }
        self.slice_what_can_be(commands);
    }

    fn slice_what_can_be(&mut self, commands: &mut Vec<Command>) {
        for index in 0..self.stages.len() {
            let id = StageId(index as u32);
            if !self.stages[index].is_asked && self.has_inputs(id) {
                self.stages[index].is_asked = true;
                commands.push(Command::Slice(id));
            }
        }
    }

    fn has_inputs(&self, id: StageId) -> bool {
        self.stages[id.0 as usize].inputs.iter().all(|input| self.stages[input.0 as usize].is_complete)
    }

    fn sliced(&mut self, id: StageId, bytes: &[u64], commands: &mut Vec<Command>) {
        let stage = &mut self.stages[id.0 as usize];
        if stage.is_complete {
            return;
        }
        stage.slice(bytes);
        self.offer(id);
        self.complete_if_done(id, commands);
    }

    /// Puts up tasks for launch, as many as the stage may have out.
    fn offer(&mut self, id: StageId) {
        let stage = &mut self.stages[id.0 as usize];
        let until = stage.offer_max();
        let open = |index: &usize| stage.tasks.as_ref().is_some_and(|tasks| tasks[*index].is_open());
        let fresh = (stage.offered..until).filter(open).map(|index| TaskId { stage: id, index: index as u32 });
        self.ready.extend(fresh);
        stage.offered = stage.offered.max(until);
    }

    fn unneeded(&mut self, id: StageId, commands: &mut Vec<Command>) {
        let stage = &mut self.stages[id.0 as usize];
        if stage.is_complete {
            return;
        }
        stage.is_asked = true;
        stage.tasks.get_or_insert_default();
        self.complete(id, commands);
    }

    fn task(&mut self, task: TaskId) -> Option<&mut TaskState> {
        self.stages[task.stage.0 as usize].tasks.as_mut()?.get_mut(task.index as usize)
    }

    /// Since when the attempt has run; none if nobody waits for it any more.
    fn take_running(&mut self, id: TaskId, attempt: u32) -> Option<Duration> {
        let stage = &mut self.stages[id.stage.0 as usize];
        let task = stage.tasks.as_mut()?.get_mut(id.index as usize)?;
        let since = task.take_running(attempt)?;
        stage.running.remove(&(since, id.index, attempt));
        self.running -= 1;
        Some(since)
    }

    fn succeeded(&mut self, id: TaskId, attempt: u32, rows: u64, now: Duration, commands: &mut Vec<Command>) {
        let Some(since) = self.take_running(id, attempt) else { return };
        self.ramp.succeeded();
        let stage = &mut self.stages[id.stage.0 as usize];
        let Some(task) = stage.tasks.as_mut().and_then(|tasks| tasks.get_mut(id.index as usize)) else { return };
        // SHUFFLE-3: the first accepted output wins, later ones are garbage.
        if stage.is_complete || !task.is_open() {
            return;
        }
        task.accept(attempt, rows);
        task.throttles = 0;
        stage.pace.add(now.saturating_sub(since), task.weight);
        stage.copies -= usize::from(std::mem::take(&mut task.has_copy));
        stage.accepted += 1;
        stage.rows += rows;
        commands.push(Command::Accept { task: id, attempt });
        self.abandon_attempts(id, commands);
        if self.stages[id.stage.0 as usize].has_enough() {
            self.abandon_stage(id.stage, commands);
        }
        self.offer(id.stage);
    }

    /// Those of a task that still run.
    fn abandon_attempts(&mut self, id: TaskId, commands: &mut Vec<Command>) {
        let attempts: Vec<u32> =
            self.task(id).map_or_else(Vec::new, |task| task.running.iter().map(|(attempt, _)| *attempt).collect());
        for attempt in attempts {
            self.take_running(id, attempt);
            commands.push(Command::Abandon { task: id, attempt });
        }
    }

    fn abandon_stage(&mut self, id: StageId, commands: &mut Vec<Command>) {
        while let Some((_, index, _)) = self.stages[id.0 as usize].running.first().copied() {
            self.abandon_attempts(TaskId { stage: id, index }, commands);
        }
    }

    fn recorded(&mut self, id: TaskId, attempt: u32, commands: &mut Vec<Command>) {
        let Some(task) = self.task(id) else { return };
        // It may have been lost meanwhile, and made again by another attempt.
        if task.progress != Progress::Accepted(attempt) {
            return;
        }
        task.progress = Progress::Recorded(attempt);
        self.stages[id.stage.0 as usize].recorded += 1;
        self.complete_if_done(id.stage, commands);
    }

    fn complete_if_done(&mut self, id: StageId, commands: &mut Vec<Command>) {
        let stage = &self.stages[id.0 as usize];
        if !stage.is_complete && stage.is_done() {
            self.complete(id, commands);
        }
    }

    fn complete(&mut self, id: StageId, commands: &mut Vec<Command>) {
        self.abandon_stage(id, commands);
        self.stages[id.0 as usize].is_complete = true;
        self.ready.extend(self.held.drain(..));
        commands.push(Command::StageComplete(id));
        if id.0 as usize + 1 == self.stages.len() {
            self.has_ended = true;
            commands.push(Command::Complete);
        } else {
            self.slice_what_can_be(commands);
        }
    }

    fn fail(&mut self, failure: Failure, commands: &mut Vec<Command>) {
        self.has_ended = true;
        commands.push(Command::Fail(failure));
    }

    fn failed(&mut self, id: TaskId, error: TaskError, now: Duration, commands: &mut Vec<Command>) {
        let policy = self.policy;
        if error.kind == ErrorKind::Throttled {
            return self.throttled(id, error, now, commands);
        }
        let Some(task) = self.task(id).filter(|task| task.is_open()) else { return };
        task.failures += 1;
        let attempts = task.failures;
        let has_other = !task.running.is_empty();
        if attempts >= policy.attempts_max(error.kind) && !(has_other && error.kind == ErrorKind::Retry) {
            return self.fail(Failure::Task { task: id, attempts, error }, commands);
        }
        self.failures += 1;
        let tasks = self.stages.iter().map(|stage| stage.task_count() as u64).sum();
        if self.failures > policy.retries_max(tasks) {
            let reason = StopReason::Retries { failed: self.failures, tasks, last: error.message };
            return self.fail(Failure::Stopped(reason), commands);
        }
        if !has_other {
            self.delayed.push(Reverse((now + policy.wait(id, attempts), id)));
        }
    }

    fn throttled(&mut self, id: TaskId, error: TaskError, now: Duration, commands: &mut Vec<Command>) {
        self.ramp.throttled(self.running, now);
        let policy = self.policy;
        if self.ramp.throttled_for(now) > policy.throttle_patience {
            let attempts = self.task(id).map_or(0, |task| task.failures);
            return self.fail(Failure::Task { task: id, attempts, error }, commands);
        }
        let Some(task) = self.task(id).filter(|task| task.is_open()) else { return };
        task.throttles += 1;
        let throttles = task.throttles;
        if task.running.is_empty() {
            self.delayed.push(Reverse((now + policy.wait(id, throttles), id)));
        }
    }

    /// The task will be made again once its producer has run again, which costs the producer an attempt and the task
    /// none.
    fn input_lost(
        &mut self,
        id: TaskId,
        producer: TaskId,
        error: TaskError,
        now: Duration,
        commands: &mut Vec<Command>,
    ) {
        if self.task(id).is_some_and(|task| task.is_open() && task.running.is_empty()) {
            self.ready.push_back(id);
        }
        // Several tasks may miss the same object: the first one has its producer run again.
        let Some(lost) = self.task(producer).filter(|lost| !lost.is_open()) else { return };
        let was_recorded = matches!(lost.progress, Progress::Recorded(_));
        lost.progress = Progress::Open;
        let rows = lost.rows;
        let stage = &mut self.stages[producer.stage.0 as usize];
        stage.accepted -= 1;
        stage.recorded -= usize::from(was_recorded);
        stage.rows -= rows;
        stage.is_complete = false;
        // With fewer rows a limit may need tasks that were given up.
        stage.offered = if stage.rows_enough.is_some() { 0 } else { stage.offered };
        self.offer(producer.stage);
        commands.push(Command::Forget { task: producer });
        self.failed(producer, error, now, commands);
    }

    /// What time alone brings about: attempts that are lost or late, and the end.
    fn expire(&mut self, now: Duration, commands: &mut Vec<Command>) {
        if let Some(deadline) = self.policy.deadline.filter(|deadline| now >= *deadline && !self.has_ended) {
            return self.fail(Failure::Stopped(StopReason::Deadline(deadline)), commands);
        }
        for index in 0..self.stages.len() {
            let stage = StageId(index as u32);
            while let (Some(timeout), Some((since, task, attempt))) =
                (self.policy.attempt_timeout, self.stages[index].running.first().copied())
                && now >= since + timeout
                && !self.has_ended
            {
                let id = TaskId { stage, index: task };
                self.take_running(id, attempt);
                commands.push(Command::Abandon { task: id, attempt });
                let text = format!("attempt {attempt} has not answered in {} s", timeout.as_secs_f64());
                self.failed(id, TaskError::new(ErrorKind::Retry, text), now, commands);
            }
            while let Some((_, task)) = self.next_late(index).filter(|(at, _)| now >= *at && !self.has_ended) {
                let id = TaskId { stage, index: task };
                if let Some(task) = self.task(id) {
                    task.has_copy = true;
                }
                self.stages[index].copies += 1;
                self.copies.push_back(id);
            }
        }
    }

    /// The task of a stage that is late first, and when it is.
    fn next_late(&mut self, stage: usize) -> Option<(Duration, u32)> {
        let rule = self.policy.speculation?;
        let stage = &mut self.stages[stage];
        let tasks = stage.tasks.as_ref()?;
        let copies_max = ((tasks.len() as f64 * rule.copies_max) as usize).max(1);
        if stage.copies >= copies_max || stage.running.is_empty() {
            return None;
        }
        let pace = stage.pace.known(&rule, tasks.len())?;
        let single = stage.running.iter().filter(|(_, index, _)| !tasks[*index as usize].has_copy);
        single.map(|(since, index, _)| (*since + pace.late_after(tasks[*index as usize].weight), *index)).min()
    }

    fn launch(&mut self, now: Duration, commands: &mut Vec<Command>) {
        while self.running < self.ramp.limit().min(self.share) {
            let due = self.delayed.peek().is_some_and(|Reverse((at, _))| *at <= now);
            let next = if due {
                self.delayed.pop().map(|Reverse((_, task))| task)
            } else {
                self.ready.pop_front().or_else(|| self.copies.pop_front())
            };
            let Some(id) = next else { return };
            let stage = &mut self.stages[id.stage.0 as usize];
            if stage.is_complete || stage.has_enough() {
                continue;
            }
            let Some(task) = stage.tasks.as_mut().and_then(|tasks| tasks.get_mut(id.index as usize)) else { continue };
            // It may have been put up twice; only a second attempt that is meant runs beside a first.
            if !task.is_open() || task.running.len() > usize::from(task.has_copy) {
                continue;
            }
            if !self.has_inputs(id.stage) {
                self.held.push(id);
                continue;
            }
            self.begin(id, now, commands);
        }
    }

    fn begin(&mut self, id: TaskId, now: Duration, commands: &mut Vec<Command>) {
        let stage = &mut self.stages[id.stage.0 as usize];
        let Some(task) = stage.tasks.as_mut().and_then(|tasks| tasks.get_mut(id.index as usize)) else { return };
        let attempt = task.next_attempt;
        task.next_attempt += 1;
        task.running.push((attempt, now));
        stage.running.insert((now, id.index, attempt));
        self.running += 1;
        commands.push(Command::Launch { task: id, attempt });
    }
}
