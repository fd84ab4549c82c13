//! Events in, commands out: each rule by a job that is as small as it can be.

use super::*;

const T0: Duration = Duration::ZERO;

fn task(stage: u32, index: u32) -> TaskId {
    TaskId { stage: StageId(stage), index }
}

fn launch(stage: u32, index: u32, attempt: u32) -> Command {
    Command::Launch { task: task(stage, index), attempt }
}

fn accept(stage: u32, index: u32, attempt: u32) -> Command {
    Command::Accept { task: task(stage, index), attempt }
}

fn abandon(stage: u32, index: u32, attempt: u32) -> Command {
    Command::Abandon { task: task(stage, index), attempt }
}

fn sliced(stage: u32, tasks: usize) -> Event {
    Event::Sliced { stage: StageId(stage), bytes: vec![100; tasks] }
}

fn succeeded(stage: u32, index: u32, attempt: u32) -> Event {
    Event::Succeeded { task: task(stage, index), attempt, rows: 10 }
}

fn failed(kind: ErrorKind, index: u32, attempt: u32) -> Event {
    Event::Failed { task: task(0, index), attempt, error: TaskError::new(kind, "it broke") }
}

fn two_stages(policy: JobPolicy, concurrency: usize) -> Scheduler {
    let consumer = StageSpec { inputs: vec![StageId(0)], rows_enough: None };
    Scheduler::new(vec![StageSpec::default(), consumer], concurrency, policy)
}

fn scheduler(concurrency: usize) -> Scheduler {
    two_stages(JobPolicy::default(), concurrency)
}

/// Succeeds, and has the journal know of it.
fn done(s: &mut Scheduler, stage: u32, index: u32, attempt: u32, now: Duration) -> Vec<Command> {
    let mut commands = s.on(succeeded(stage, index, attempt), now);
    commands.extend(s.on(Event::Recorded { task: task(stage, index), attempt }, now));
    commands
}

/// The first stage runs these tasks.
fn running(mut s: Scheduler, tasks: usize) -> Scheduler {
    assert_eq!(s.on(Event::Start, T0), [Command::Slice(StageId(0))]);
    s.on(sliced(0, tasks), T0);
    s
}

#[test]
fn a_stage_starts_when_its_inputs_are_complete() {
    let mut s = scheduler(8);
    assert_eq!(s.on(Event::Start, T0), [Command::Slice(StageId(0))]);
    assert_eq!(s.on(sliced(0, 2), T0), [launch(0, 0, 0), launch(0, 1, 0)]);
    assert_eq!(done(&mut s, 0, 1, 0, T0), [accept(0, 1, 0)]);
    let last = done(&mut s, 0, 0, 0, T0);
    assert_eq!(last, [accept(0, 0, 0), Command::StageComplete(StageId(0)), Command::Slice(StageId(1))]);
    assert_eq!(s.on(sliced(1, 0), T0), [Command::StageComplete(StageId(1)), Command::Complete]);
    assert!(s.on(Event::Tick, T0).is_empty());
}

#[test]
fn job_1_nothing_depends_on_an_output_before_the_journal_has_it() {
    let mut s = running(scheduler(8), 2);
    assert_eq!(s.on(succeeded(0, 0, 0), T0), [accept(0, 0, 0)]);
    assert_eq!(s.on(succeeded(0, 1, 0), T0), [accept(0, 1, 0)]);
    assert!(s.on(Event::Recorded { task: task(0, 0), attempt: 0 }, T0).is_empty());
    assert!(s.on(Event::Recorded { task: task(0, 1), attempt: 7 }, T0).is_empty(), "another attempt's record");
    let commands = s.on(Event::Recorded { task: task(0, 1), attempt: 0 }, T0);
    assert_eq!(commands, [Command::StageComplete(StageId(0)), Command::Slice(StageId(1))]);
}

#[test]
fn job_2_what_is_recorded_does_not_run_again() {
    let mut s = scheduler(8);
    let recorded = |attempt| Some(RecordedTask { attempt, rows: 5 });
    s.restore(StageId(0), &[1, 1], &[recorded(2), recorded(0)]);
    s.restore(StageId(1), &[1, 1, 1], &[None, recorded(4), None]);
    let commands = s.on(Event::Start, T0);
    assert_eq!(commands, [Command::StageComplete(StageId(0)), launch(1, 0, 0), launch(1, 2, 0)]);
    done(&mut s, 1, 0, 0, T0);
    assert_eq!(done(&mut s, 1, 2, 0, T0).last(), Some(&Command::Complete));
}

#[test]
fn no_more_attempts_run_than_the_limit_and_the_share() {
    let mut s = running(scheduler(2), 5);
    assert_eq!(s.running(), 2);
    assert_eq!(done(&mut s, 0, 0, 0, T0), [accept(0, 0, 0), launch(0, 2, 0)]);
    assert!(s.on(Event::Share(1), T0).is_empty());
    assert_eq!(done(&mut s, 0, 1, 0, T0), [accept(0, 1, 0)], "one runs, and one is the share");
    assert_eq!(s.on(Event::Share(9), T0), [launch(0, 3, 0)], "the invoker takes two");
    assert_eq!(s.demand(), 3);
}

#[test]
fn a_users_error_ends_the_job_at_the_first_attempt() {
    for kind in [ErrorKind::UserFix, ErrorKind::Bug] {
        let mut s = running(scheduler(8), 1);
        let commands = s.on(failed(kind, 0, 0), T0);
        assert!(matches!(commands[..], [Command::Fail(Failure::Task { attempts: 1, .. })]), "{kind:?}: {commands:?}");
    }
}

#[test]
fn a_passing_error_is_tried_again_with_growing_waits_and_new_attempt_numbers() {
    let mut s = running(two_stages(JobPolicy { speculation: None, ..JobPolicy::default() }, 8), 1);
    let mut now = T0;
    for attempt in 0..3 {
        assert!(s.on(failed(ErrorKind::Retry, 0, attempt), now).is_empty());
        let wake = s.next_wake().expect("a retry waits");
        let full = Duration::from_millis(50 << attempt);
        assert!(wake - now >= full / 2 && wake - now <= full, "{:?} of {full:?}", wake - now);
        assert!(s.on(Event::Tick, now).is_empty(), "it is not due yet");
        now = wake;
        assert_eq!(s.on(Event::Tick, now), [launch(0, 0, attempt + 1)]);
    }
    let commands = s.on(failed(ErrorKind::Retry, 0, 3), now);
    assert!(matches!(commands[..], [Command::Fail(Failure::Task { attempts: 4, .. })]));
}

#[test]
fn tasks_that_fail_together_do_not_come_back_together() {
    let mut s = running(scheduler(64), 64);
    (0..64).for_each(|index| drop(s.on(failed(ErrorKind::Retry, index, 0), T0)));
    let mut wakes = Vec::new();
    while let Some(wake) = s.next_wake().filter(|_| wakes.len() < 64) {
        wakes.extend(s.on(Event::Tick, wake).iter().map(|_| wake));
    }
    wakes.dedup();
    assert!(wakes.len() > 32, "{} different times for 64 tasks", wakes.len());
}

#[test]
fn a_job_has_a_budget_of_failed_attempts() {
    let policy = JobPolicy { retries_min: 3, retries_per_task: 0.1, attempts_max: 100, ..JobPolicy::default() };
    let mut s = running(two_stages(policy, 100), 20);
    for index in 0..5 {
        assert!(s.on(failed(ErrorKind::Retry, index, 0), T0).is_empty());
    }
    let commands = s.on(failed(ErrorKind::Retry, 5, 0), T0);
    let reason = StopReason::Retries { failed: 6, tasks: 20, last: "it broke".to_owned() };
    assert_eq!(commands, [Command::Fail(Failure::Stopped(reason))]);
}

#[test]
fn shuffle_3_the_first_accepted_output_wins() {
    let policy = JobPolicy { attempt_timeout: Some(Duration::from_secs(10)), ..JobPolicy::default() };
    let mut s = running(two_stages(policy, 8), 2);
    let late = Duration::from_secs(11);
    let commands = s.on(Event::Tick, late);
    assert_eq!(commands, [abandon(0, 0, 0), abandon(0, 1, 0)], "neither has answered in time");
    let later = Duration::from_secs(12);
    let mut commands = s.on(Event::Tick, later);
    commands.sort_by_key(|command| format!("{command:?}"));
    assert_eq!(commands, [launch(0, 0, 1), launch(0, 1, 1)]);
    assert!(s.on(succeeded(0, 0, 0), later).is_empty(), "nobody waits for the first attempt's reply any more");
    assert_eq!(s.on(succeeded(0, 0, 1), later), [accept(0, 0, 1)]);
    assert!(s.on(succeeded(0, 0, 1), later).is_empty(), "delivered twice");
}

#[test]
fn a_late_task_gets_a_second_attempt_and_the_faster_one_wins() {
    let rule = Speculation { runtime_min: Duration::ZERO, ..Speculation::default() };
    let s = two_stages(JobPolicy { speculation: Some(rule), ..JobPolicy::default() }, 16);
    let mut s = running(s, 8);
    let second = Duration::from_secs(1);
    (0..6).for_each(|index| drop(done(&mut s, 0, index, 0, second)));
    let late = s.next_wake().expect("the last two are watched");
    assert_eq!(late, 2 * second);
    assert_eq!(s.on(Event::Tick, late), [launch(0, 6, 1)], "one copy for eight tasks");
    assert_eq!(s.on(succeeded(0, 6, 1), late), [accept(0, 6, 1), abandon(0, 6, 0), launch(0, 7, 1)]);
    assert!(s.on(succeeded(0, 6, 0), late).is_empty());
    assert!(s.on(failed(ErrorKind::Retry, 7, 1), late).is_empty(), "the first attempt still runs");
    assert_eq!(s.on(succeeded(0, 7, 0), late), [accept(0, 7, 0)]);
}

#[test]
fn a_task_with_many_bytes_is_not_late_for_that() {
    let rule = Speculation { runtime_min: Duration::ZERO, ..Speculation::default() };
    let mut s = two_stages(JobPolicy { speculation: Some(rule), ..JobPolicy::default() }, 16);
    s.on(Event::Start, T0);
    s.on(Event::Sliced { stage: StageId(0), bytes: vec![100, 100, 100, 100, 600] }, T0);
    let second = Duration::from_secs(1);
    (0..4).for_each(|index| drop(done(&mut s, 0, index, 0, second)));
    let late = s.next_wake().expect("the last one is watched");
    assert_eq!(late, 12 * second, "it has six times the bytes");
}

/// A job whose first stage is complete with two tasks, and whose second stage runs three of its four.
fn consuming() -> Scheduler {
    let mut s = running(two_stages(JobPolicy { speculation: None, ..JobPolicy::default() }, 3), 2);
    done(&mut s, 0, 0, 0, T0);
    done(&mut s, 0, 1, 0, T0);
    let launched = s.on(sliced(1, 4), T0);
    assert_eq!(launched, [launch(1, 0, 0), launch(1, 1, 0), launch(1, 2, 0)]);
    s
}

fn input_lost(consumer: u32, attempt: u32, producer: u32) -> Event {
    let error = TaskError::new(ErrorKind::Retry, "the object is gone");
    Event::InputLost { task: task(1, consumer), attempt, producer: task(0, producer), error }
}

#[test]
fn shuffle_7_a_lost_output_runs_its_producer_again_and_its_consumers_wait() {
    let mut s = consuming();
    // Two of them miss it: it is made once. No other task of their stage starts before it is there.
    assert_eq!(s.on(input_lost(0, 0, 1), T0), [Command::Forget { task: task(0, 1) }]);
    assert!(s.on(input_lost(1, 0, 1), T0).is_empty());
    let wake = s.next_wake().expect("the producer waits");
    assert_eq!(s.on(Event::Tick, wake), [launch(0, 1, 1)]);
    // A consumer that had read it already is not disturbed.
    assert_eq!(s.on(succeeded(1, 2, 0), wake), [accept(1, 2, 0)]);
    let again = done(&mut s, 0, 1, 1, wake);
    let Some((stage_is_complete, launched)) = again.split_at_checked(2) else { panic!("{again:?}") };
    assert_eq!(stage_is_complete, [accept(0, 1, 1), Command::StageComplete(StageId(0))]);
    let mut launched = launched.to_vec();
    launched.sort_by_key(|command| format!("{command:?}"));
    assert_eq!(launched, [launch(1, 0, 1), launch(1, 1, 1), launch(1, 3, 0)]);
}

#[test]
fn shuffle_7_an_output_that_is_lost_again_and_again_ends_the_job() {
    let mut s = consuming();
    done(&mut s, 1, 1, 0, T0);
    done(&mut s, 1, 2, 0, T0);
    let mut now = T0;
    for attempt in 1..4 {
        s.on(input_lost(0, attempt - 1, 0), now);
        now = s.next_wake().expect("the producer waits");
        assert_eq!(s.on(Event::Tick, now), [launch(0, 0, attempt)]);
        done(&mut s, 0, 0, attempt, now);
    }
    let commands = s.on(input_lost(0, 3, 0), now);
    assert!(matches!(commands[..], [_, Command::Fail(Failure::Task { attempts: 4, .. })]), "{commands:?}");
}

#[test]
fn throttling_uses_no_attempt_and_lowers_the_limit() {
    let mut s = running(two_stages(JobPolicy { speculation: None, ..JobPolicy::default() }, 4), 4);
    assert!(s.on(failed(ErrorKind::Throttled, 3, 0), T0).is_empty());
    let later = Duration::from_secs(1);
    assert!(s.on(Event::Tick, later).is_empty(), "three run, and no more than two may start something");
    let commands = done(&mut s, 0, 0, 0, later);
    assert_eq!(commands, [accept(0, 0, 0), launch(0, 3, 1)], "two run, and one more may now: three");
    assert_eq!(done(&mut s, 0, 1, 0, later), [accept(0, 1, 0)]);
    // Far more often than a task may fail.
    let mut now = later;
    for attempt in 1..50 {
        assert!(s.on(failed(ErrorKind::Throttled, 3, attempt), now).is_empty(), "attempt {attempt}");
        s.on(succeeded(0, 2, 0), now);
        now += Duration::from_secs(5);
        assert_eq!(s.on(Event::Tick, now), [launch(0, 3, attempt + 1)]);
    }
    assert_eq!(done(&mut s, 0, 3, 50, now), [accept(0, 3, 50)]);
}

#[test]
fn a_job_that_is_throttled_for_ever_ends() {
    let mut s = running(two_stages(JobPolicy { speculation: None, ..JobPolicy::default() }, 4), 1);
    let mut now = T0;
    for attempt in 0..1000 {
        let commands = s.on(failed(ErrorKind::Throttled, 0, attempt), now);
        if let [Command::Fail(Failure::Task { error, .. })] = &commands[..] {
            assert_eq!(error.kind, ErrorKind::Throttled);
            assert!(now > Duration::from_secs(300));
            return;
        }
        now = s.next_wake().expect("it waits");
        s.on(Event::Tick, now);
    }
    panic!("it goes on for ever");
}

#[test]
fn a_limit_launches_little_by_little_and_ends_its_stage() {
    let producer = StageSpec { inputs: vec![], rows_enough: Some(35) };
    let consumer = StageSpec { inputs: vec![StageId(0)], rows_enough: None };
    let mut s = Scheduler::new(vec![producer, consumer], 100, JobPolicy::default());
    s.on(Event::Start, T0);
    assert_eq!(s.on(sliced(0, 100), T0), [launch(0, 0, 0)]);
    let more = done(&mut s, 0, 0, 0, T0);
    assert_eq!(more, [accept(0, 0, 0), launch(0, 1, 0), launch(0, 2, 0), launch(0, 3, 0), launch(0, 4, 0)]);
    done(&mut s, 0, 1, 0, T0);
    assert_eq!(s.running(), 3 + 4);
    done(&mut s, 0, 2, 0, T0);
    let last = done(&mut s, 0, 3, 0, T0);
    assert_eq!(last[0], accept(0, 3, 0), "40 rows are enough");
    let given_up = last.iter().filter(|command| matches!(command, Command::Abandon { .. })).count();
    assert_eq!(given_up, 9);
    let end = [Command::StageComplete(StageId(0)), Command::Slice(StageId(1))];
    assert_eq!(last[last.len() - 2..], end);
    assert_eq!(s.running(), 0);
    // An output is lost: tasks that were given up are needed after all.
    s.on(sliced(1, 1), T0);
    s.on(input_lost(0, 0, 3), T0);
    assert!(s.running() > 0, "a task that was given up runs in its place");
}

#[test]
fn a_stage_that_nobody_needs_is_complete() {
    let mut s = running(scheduler(8), 3);
    let commands = s.on(Event::Unneeded(StageId(0)), T0);
    let end = [Command::StageComplete(StageId(0)), Command::Slice(StageId(1))];
    assert_eq!(commands[..3], [abandon(0, 0, 0), abandon(0, 1, 0), abandon(0, 2, 0)]);
    assert_eq!(commands[3..], end);
}

#[test]
fn a_job_ends_at_its_deadline_and_when_it_is_stopped() {
    let minute = Duration::from_secs(60);
    let s = two_stages(JobPolicy { deadline: Some(minute), speculation: None, ..JobPolicy::default() }, 8);
    let mut s = running(s, 1);
    assert_eq!(s.next_wake(), Some(minute));
    let commands = s.on(Event::Tick, minute);
    assert_eq!(commands, [Command::Fail(Failure::Stopped(StopReason::Deadline(minute)))]);
    let mut s = running(scheduler(8), 1);
    let commands = s.on(Event::Stop(StopReason::Cancelled), T0);
    assert_eq!(commands, [Command::Fail(Failure::Stopped(StopReason::Cancelled))]);
    assert!(s.on(succeeded(0, 0, 0), T0).is_empty());
}
