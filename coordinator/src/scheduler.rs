//! [`Scheduler`]: which tasks run, when, and again or not. Pure: no I/O, no clock, no chance.
//!
//! ```text
//! stage:  waiting ── inputs complete ──► slicing ── sliced(n) ──► running ── n outputs accepted ──► complete
//!                                                                    ▲                                  │
//!                                                                    └── an output is lost (SHUFFLE-7) ─┘
//! task:   ready ──► running ──► accepted
//!           ▲          │ Retry, Capacity: until the policy's attempts are used up
//!           ├──────────┤ throttled: no attempt is used up, the limit goes down
//!           └──────────┘ an input is lost: its producer's attempt is used up; held until that stage is complete again
//! ```

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use firesteel_protocol::{ErrorKind, StageId, TaskError, TaskId};

/// When a failed attempt is made again.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// Attempts at one task, the first one counted, where an error may pass by itself.
    pub attempts_max: u32,
    /// Attempts where a limit was met: once more on another sandbox, since the first may have had leftovers.
    pub capacity_attempts_max: u32,
    /// Wait before the second attempt; it doubles with each further one.
    pub backoff: Duration,
    pub backoff_max: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts_max: 4,
            capacity_attempts_max: 2,
            backoff: Duration::from_millis(50),
            backoff_max: Duration::from_secs(5),
        }
    }
}

/// What has happened. Times are since the job's start.
#[derive(Debug, Clone)]
pub enum Event {
    Start,
    /// The answer to [`Command::Slice`].
    Sliced {
        stage: StageId,
        tasks: u32,
    },
    Succeeded {
        task: TaskId,
        attempt: u32,
    },
    Failed {
        task: TaskId,
        attempt: u32,
        error: TaskError,
    },
    /// The attempt failed since what `producer` wrote could not be read whole (SHUFFLE-7).
    InputLost {
        task: TaskId,
        producer: TaskId,
        error: TaskError,
    },
    /// The platform refused the call: too many at once.
    Throttled {
        task: TaskId,
        attempt: u32,
    },
    /// The time that [`Scheduler::next_wake`] named has come.
    Tick,
}

/// What to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// The stage's inputs are complete: find its tasks.
    Slice(StageId),
    Launch {
        task: TaskId,
        attempt: u32,
    },
    /// Keep this attempt's output: it is the first for its task.
    Accept {
        task: TaskId,
        attempt: u32,
    },
    StageComplete(StageId),
    Complete,
    /// End everything that runs: the job has failed.
    Fail {
        task: TaskId,
        attempts: u32,
        error: TaskError,
    },
}

#[derive(Debug)]
pub struct Scheduler {
    stages: Vec<Stage>,
    policy: RetryPolicy,
    ready: VecDeque<(TaskId, u32)>,
    /// Attempts that wait for a producer that runs again.
    held: Vec<(TaskId, u32)>,
    /// Attempts that wait for their time, earliest first.
    delayed: BinaryHeap<Reverse<(Duration, TaskId, u32)>>,
    running: usize,
    /// Attempts that may run at once; throttling lowers it, success raises it again.
    limit: usize,
    limit_max: usize,
    ended: bool,
}

#[derive(Debug)]
struct Stage {
    inputs: Vec<StageId>,
    tasks: Option<Vec<Task>>,
    accepted: usize,
    sliced: bool,
    complete: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Task {
    /// Attempts that have failed.
    failures: u32,
    next_attempt: u32,
    accepted: bool,
}

impl Scheduler {
    /// A scheduler for stages that need these inputs; the last stage's end is the job's. At most `concurrency`
    /// attempts run at once.
    pub fn new(inputs: Vec<Vec<StageId>>, concurrency: usize, policy: RetryPolicy) -> Self {
        let stages = inputs
            .into_iter()
            .map(|inputs| Stage { inputs, tasks: None, accepted: 0, sliced: false, complete: false })
            .collect();
        let limit = concurrency.max(1);
        Self {
            stages,
            policy,
            ready: VecDeque::new(),
            held: Vec::new(),
            delayed: BinaryHeap::new(),
            running: 0,
            limit,
            limit_max: limit,
            ended: false,
        }
    }

    /// When [`Event::Tick`] is due, if nothing else happens before.
    pub fn next_wake(&self) -> Option<Duration> {
        self.delayed.peek().map(|Reverse((at, ..))| *at)
    }

    /// Takes an event in and says what to do. After [`Command::Complete`] or [`Command::Fail`] nothing more is said.
    pub fn on(&mut self, event: Event, now: Duration) -> Vec<Command> {
        let mut commands = Vec::new();
        if self.ended {
            return commands;
        }
        match event {
            Event::Start => self.slice_what_can_be(&mut commands),
            Event::Sliced { stage, tasks } => self.sliced(stage, tasks, &mut commands),
            Event::Succeeded { task, attempt } => {
                self.running -= 1;
                self.limit = (self.limit + 1).min(self.limit_max);
                self.succeeded(task, attempt, &mut commands);
            }
            Event::Failed { task, attempt: _, error } => {
                self.running -= 1;
                self.failed(task, error, now, &mut commands);
            }
            Event::InputLost { task, producer, error } => {
                self.running -= 1;
                self.input_lost(task, producer, error, now, &mut commands);
            }
            Event::Throttled { task, attempt } => {
                self.running -= 1;
                self.limit = self.running.max(1);
                self.delayed.push(Reverse((now + self.policy.backoff, task, attempt)));
            }
            Event::Tick => {}
        }
        if !self.ended {
            self.launch(now, &mut commands);
        }
        commands
    }

    fn slice_what_can_be(&mut self, commands: &mut Vec<Command>) {
        for index in 0..self.stages.len() {
            let stage = &self.stages[index];
            if !stage.sliced && self.inputs_complete(StageId(index as u32)) {
                self.stages[index].sliced = true;
                commands.push(Command::Slice(StageId(index as u32)));
            }
        }
    }

    fn inputs_complete(&self, stage: StageId) -> bool {
        self.stages[stage.0 as usize].inputs.iter().all(|input| self.stages[input.0 as usize].complete)
    }

    fn sliced(&mut self, stage: StageId, tasks: u32, commands: &mut Vec<Command>) {
        self.stages[stage.0 as usize].tasks = Some(vec![Task { next_attempt: 1, ..Task::default() }; tasks as usize]);
        self.ready.extend((0..tasks).map(|index| (TaskId { stage, index }, 0)));
        self.complete_if_done(stage, commands);
    }

    fn task(&mut self, task: TaskId) -> Option<&mut Task> {
        self.stages[task.stage.0 as usize].tasks.as_mut()?.get_mut(task.index as usize)
    }

    fn succeeded(&mut self, id: TaskId, attempt: u32, commands: &mut Vec<Command>) {
        match self.task(id) {
            // SHUFFLE-3: the first accepted output wins, later ones are garbage.
            Some(task) if !task.accepted => task.accepted = true,
            _ => return,
        }
        self.stages[id.stage.0 as usize].accepted += 1;
        commands.push(Command::Accept { task: id, attempt });
        self.complete_if_done(id.stage, commands);
    }

    fn complete_if_done(&mut self, id: StageId, commands: &mut Vec<Command>) {
        let last = id.0 as usize + 1 == self.stages.len();
        let stage = &mut self.stages[id.0 as usize];
        if stage.tasks.as_ref().is_none_or(|tasks| stage.accepted < tasks.len()) {
            return;
        }
        stage.complete = true;
        self.ready.extend(self.held.drain(..));
        commands.push(Command::StageComplete(id));
        if last {
            self.ended = true;
            commands.push(Command::Complete);
        } else {
            self.slice_what_can_be(commands);
        }
    }

    fn failed(&mut self, id: TaskId, error: TaskError, now: Duration, commands: &mut Vec<Command>) {
        let policy = self.policy;
        let Some(task) = self.task(id) else { return };
        if task.accepted {
            return;
        }
        task.failures += 1;
        let attempts_max = match error.kind {
            ErrorKind::Retry => policy.attempts_max,
            ErrorKind::Capacity => policy.capacity_attempts_max,
            ErrorKind::UserFix | ErrorKind::Data | ErrorKind::Bug => 1,
        };
        if task.failures >= attempts_max {
            let attempts = task.failures;
            self.ended = true;
            commands.push(Command::Fail { task: id, attempts, error });
            return;
        }
        let attempt = task.next_attempt;
        task.next_attempt += 1;
        let doublings = (task.failures - 1).min(16);
        let wait = (policy.backoff * 2u32.pow(doublings)).min(policy.backoff_max);
        self.delayed.push(Reverse((now + wait, id, attempt)));
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
        if let Some(task) = self.task(id).filter(|task| !task.accepted) {
            let attempt = task.next_attempt;
            task.next_attempt += 1;
            self.ready.push_back((id, attempt));
        }
        // Several tasks may miss the same object: the first one has its producer run again.
        let Some(lost) = self.task(producer).filter(|lost| lost.accepted) else { return };
        lost.accepted = false;
        let stage = &mut self.stages[producer.stage.0 as usize];
        stage.accepted -= 1;
        stage.complete = false;
        self.failed(producer, error, now, commands);
    }

    fn launch(&mut self, now: Duration, commands: &mut Vec<Command>) {
        while self.running < self.limit {
            let due = self.delayed.peek().is_some_and(|Reverse((at, ..))| *at <= now);
            let next = if due {
                self.delayed.pop().map(|Reverse((_, task, attempt))| (task, attempt))
            } else {
                self.ready.pop_front()
            };
            let Some((task, attempt)) = next else { return };
            if !self.inputs_complete(task.stage) {
                self.held.push((task, attempt));
                continue;
            }
            self.running += 1;
            commands.push(Command::Launch { task, attempt });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(stage: u32, index: u32) -> TaskId {
        TaskId { stage: StageId(stage), index }
    }

    fn launch(stage: u32, index: u32, attempt: u32) -> Command {
        Command::Launch { task: task(stage, index), attempt }
    }

    fn scheduler(concurrency: usize) -> Scheduler {
        Scheduler::new(vec![vec![], vec![StageId(0)]], concurrency, RetryPolicy::default())
    }

    fn failed(kind: ErrorKind, attempt: u32) -> Event {
        Event::Failed { task: task(0, 0), attempt, error: TaskError::new(kind, "it broke") }
    }

    const T0: Duration = Duration::ZERO;

    #[test]
    fn a_stage_starts_when_its_inputs_are_complete() {
        let mut s = scheduler(8);
        assert_eq!(s.on(Event::Start, T0), [Command::Slice(StageId(0))]);
        assert_eq!(s.on(Event::Sliced { stage: StageId(0), tasks: 2 }, T0), [launch(0, 0, 0), launch(0, 1, 0)]);
        assert_eq!(
            s.on(Event::Succeeded { task: task(0, 1), attempt: 0 }, T0),
            [Command::Accept { task: task(0, 1), attempt: 0 }]
        );
        assert_eq!(
            s.on(Event::Succeeded { task: task(0, 0), attempt: 0 }, T0),
            [
                Command::Accept { task: task(0, 0), attempt: 0 },
                Command::StageComplete(StageId(0)),
                Command::Slice(StageId(1))
            ]
        );
        assert_eq!(
            s.on(Event::Sliced { stage: StageId(1), tasks: 0 }, T0),
            [Command::StageComplete(StageId(1)), Command::Complete]
        );
        assert!(s.on(Event::Tick, T0).is_empty());
    }

    #[test]
    fn no_more_attempts_run_than_the_limit() {
        let mut s = scheduler(2);
        s.on(Event::Start, T0);
        let launched = s.on(Event::Sliced { stage: StageId(0), tasks: 5 }, T0);
        assert_eq!(launched, [launch(0, 0, 0), launch(0, 1, 0)]);
        let next = s.on(Event::Succeeded { task: task(0, 0), attempt: 0 }, T0);
        assert_eq!(next.last(), Some(&launch(0, 2, 0)));
    }

    #[test]
    fn a_users_error_ends_the_job_at_the_first_attempt() {
        for kind in [ErrorKind::UserFix, ErrorKind::Data, ErrorKind::Bug] {
            let mut s = scheduler(8);
            s.on(Event::Start, T0);
            s.on(Event::Sliced { stage: StageId(0), tasks: 1 }, T0);
            let commands = s.on(failed(kind, 0), T0);
            assert!(matches!(commands[..], [Command::Fail { attempts: 1, .. }]), "{kind:?}: {commands:?}");
        }
    }

    #[test]
    fn a_passing_error_is_tried_again_with_growing_waits_and_new_attempt_numbers() {
        let mut s = scheduler(8);
        s.on(Event::Start, T0);
        s.on(Event::Sliced { stage: StageId(0), tasks: 1 }, T0);
        let mut now = T0;
        for attempt in 0..3 {
            assert!(s.on(failed(ErrorKind::Retry, attempt), now).is_empty());
            let wake = s.next_wake().expect("a retry waits");
            assert_eq!(wake - now, Duration::from_millis(50 << attempt));
            assert!(s.on(Event::Tick, now).is_empty(), "it is not due yet");
            now = wake;
            assert_eq!(s.on(Event::Tick, now), [launch(0, 0, attempt + 1)]);
        }
        let commands = s.on(failed(ErrorKind::Retry, 3), now);
        assert!(matches!(commands[..], [Command::Fail { attempts: 4, .. }]));
    }

    #[test]
    fn shuffle_3_the_first_accepted_output_wins() {
        let mut s = scheduler(8);
        s.on(Event::Start, T0);
        s.on(Event::Sliced { stage: StageId(0), tasks: 2 }, T0);
        s.on(failed(ErrorKind::Retry, 0), T0);
        s.on(Event::Tick, Duration::from_secs(1));
        let first = s.on(Event::Succeeded { task: task(0, 0), attempt: 1 }, T0);
        assert_eq!(first, [Command::Accept { task: task(0, 0), attempt: 1 }]);
        // A lost reply of the first attempt turns up after all.
        s.running += 1;
        assert!(s.on(Event::Succeeded { task: task(0, 0), attempt: 0 }, T0).is_empty());
    }

    /// A job whose first stage is complete with two tasks, and whose second stage runs three of its four.
    fn consuming() -> Scheduler {
        let mut s = scheduler(3);
        s.on(Event::Start, T0);
        s.on(Event::Sliced { stage: StageId(0), tasks: 2 }, T0);
        s.on(Event::Succeeded { task: task(0, 0), attempt: 0 }, T0);
        s.on(Event::Succeeded { task: task(0, 1), attempt: 0 }, T0);
        let launched = s.on(Event::Sliced { stage: StageId(1), tasks: 4 }, T0);
        assert_eq!(launched, [launch(1, 0, 0), launch(1, 1, 0), launch(1, 2, 0)]);
        s
    }

    fn input_lost(consumer: u32, producer: u32) -> Event {
        let error = TaskError::new(ErrorKind::Retry, "the object is gone");
        Event::InputLost { task: task(1, consumer), producer: task(0, producer), error }
    }

    #[test]
    fn shuffle_7_a_lost_output_runs_its_producer_again_and_its_consumers_wait() {
        let mut s = consuming();
        // Two of them miss it: it is made once. No other task of their stage starts before it is there.
        assert!(s.on(input_lost(0, 1), T0).is_empty());
        assert!(s.on(input_lost(1, 1), T0).is_empty());
        let wake = s.next_wake().expect("the producer waits");
        assert_eq!(s.on(Event::Tick, wake), [launch(0, 1, 1)]);
        // A consumer that had read it already is not disturbed.
        let done = s.on(Event::Succeeded { task: task(1, 2), attempt: 0 }, wake);
        assert_eq!(done, [Command::Accept { task: task(1, 2), attempt: 0 }]);
        let again = s.on(Event::Succeeded { task: task(0, 1), attempt: 1 }, wake);
        let Some((stage_is_complete, launched)) = again.split_at_checked(2) else { panic!("{again:?}") };
        let accept = Command::Accept { task: task(0, 1), attempt: 1 };
        assert_eq!(stage_is_complete, [accept, Command::StageComplete(StageId(0))]);
        let mut launched = launched.to_vec();
        launched.sort_by_key(|command| format!("{command:?}"));
        assert_eq!(launched, [launch(1, 0, 1), launch(1, 1, 1), launch(1, 3, 0)]);
    }

    #[test]
    fn shuffle_7_an_output_that_is_lost_again_and_again_ends_the_job() {
        let mut s = consuming();
        let mut now = T0;
        for attempt in 1..4 {
            assert!(s.on(input_lost(0, 0), now).is_empty());
            now = s.next_wake().expect("the producer waits");
            assert_eq!(s.on(Event::Tick, now), [launch(0, 0, attempt)]);
            s.on(Event::Succeeded { task: task(0, 0), attempt }, now);
        }
        let commands = s.on(input_lost(0, 0), now);
        assert!(matches!(commands[..], [Command::Fail { attempts: 4, .. }]), "{commands:?}");
    }

    #[test]
    fn throttling_uses_no_attempt_and_lowers_the_limit() {
        let mut s = scheduler(4);
        s.on(Event::Start, T0);
        s.on(Event::Sliced { stage: StageId(0), tasks: 4 }, T0);
        for round in 0..20 {
            assert!(s.on(Event::Throttled { task: task(0, 3), attempt: 0 }, T0).is_empty(), "round {round}");
            assert_eq!(s.limit, 3);
            let wake = s.next_wake().expect("it waits");
            assert!(s.on(Event::Tick, wake).is_empty(), "the limit is reached");
            s.on(Event::Succeeded { task: task(0, 0), attempt: 0 }, wake);
            // Put the run back as it was.
            s.limit = 4;
            s.running = 4;
            s.delayed.clear();
        }
    }
}
