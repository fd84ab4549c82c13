//! Jobs on a bad day, for real: `bootstrap` processes under the emulator, whose S3 and Lambda fail by seed, while
//! processes are killed and coordinators replaced.
//!
//! `FIRESTEEL_CHAOS_RUNS` is how many (12), each one of the 22 TPC-H queries in turn; `FIRESTEEL_FIRST_SEED` where the
//! seeds begin.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use firesteel_coordinator::journal::JournalError;
use firesteel_coordinator::{
    JobControl, JobError, JobOptions, JobOutcome, JobPolicy, Speculation, resume_job, run_job,
};
use firesteel_invoke::Faults;
use firesteel_protocol::{JobId, error_chain};
use firesteel_tests::{
    TestRuntime, assert_same_rows, datafusion, datafusion_sql, options, planner, tpch_data, tpch_tables,
};
use firesteel_tpch::queries;
use tokio::task::JoinHandle;

/// Small tasks, so that there are many.
const SETTINGS: [&str; 2] = ["firesteel.task.target_bytes=1MiB", "firesteel.broadcast.bytes_max=64KiB"];
/// Of S3's requests 5 %, in every way; and of calls about as many as that in every way together.
const FAULTS: &str = "s3=0.05,s3.slow_ms=200,s3.timeout_ms=300,lambda=0.06";
/// Nothing takes so long, whatever fails.
const PATIENCE: Duration = Duration::from_secs(240);
const COORDINATORS_MAX: u32 = 20;
/// Sandboxes of one job.
const KILLS_MAX: u32 = 3;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn control() -> JobControl {
    let speculation = Speculation { runtime_min: Duration::from_millis(500), ..Speculation::default() };
    let policy = JobPolicy {
        // A lost reply is missed soon.
        attempt_timeout: Some(Duration::from_secs(20)),
        speculation: Some(speculation),
        ..JobPolicy::default()
    };
    JobControl { policy, ..JobControl::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn tpch_has_the_right_answers_whatever_dies() {
    let data = tpch_data();
    let tables = tpch_tables(&data);
    let tables: Vec<(&str, &Path)> = tables.iter().map(|(name, path)| (*name, path.as_path())).collect();
    let reference = datafusion(&tables).await;
    let runtime = Arc::new(TestRuntime::process(1769).await);
    let process = runtime.process.as_ref().expect("the emulator runs");
    let (first, runs) = (number("FIRESTEEL_FIRST_SEED", 0), number("FIRESTEEL_CHAOS_RUNS", 12));
    let all = queries();
    let (mut coordinators, mut killed) = (0, 0);
    for seed in first..first + runs {
        let query = &all[(seed as usize * 5) % all.len()];
        let planner = planner(&runtime, options(&SETTINGS), &tables).await;
        let planned = planner.plan_sql(query.sql).await.unwrap_or_else(|error| panic!("{}: {error}", query.name));
        process.set_faults(format!("seed={seed},{FAULTS}").parse().expect("faults"));
        let done = Arc::new(AtomicBool::new(false));
        let killer = tokio::spawn(kill_sandboxes(Arc::clone(&runtime), Arc::clone(&done), seed));
        let began = Instant::now();
        let (outcome, used) = drive(&runtime, planned, seed).await;
        done.store(true, Ordering::Relaxed);
        coordinators += used;
        killed += killer.await.expect("the killer ends");
        process.set_faults(Faults::default());
        let found = outcome.answer.collect().await.unwrap_or_else(|error| panic!("{}: {error}", query.name));
        let expected = datafusion_sql(&reference, query.sql).await;
        assert_same_rows(query.name, &expected, &found, true);
        println!("seed {seed}: {} in {:.1} s by {used} coordinators", query.name, began.elapsed().as_secs_f64());
    }
    println!("{runs} runs, {coordinators} coordinators, {killed} sandboxes killed");
    assert!(coordinators as u64 > runs && killed > 0, "nobody died");
}

/// Runs a job with coordinators that die after a while, the last one excepted. A dead one's calls end with it.
async fn drive(runtime: &Arc<TestRuntime>, planned: firesteel_planner::PlannedQuery, seed: u64) -> (JobOutcome, u32) {
    let job = JobId(format!("chaos-{}", uuid::Uuid::now_v7()));
    let url = format!("{}/{job}", runtime.work_url);
    for number in 0..COORDINATORS_MAX {
        let owned = Arc::clone(runtime);
        let (url, job) = (url.clone(), job.clone());
        let query = planned.clone();
        let mut driving: JoinHandle<Result<JobOutcome, JobError>> = tokio::spawn(async move {
            let invoker = Arc::clone(&owned.invoker);
            if number > 0 {
                match resume_job(&url, Arc::clone(&invoker), &owned.storage, control(), |_| ()).await {
                    // The one before died too early to leave a journal, or the job has none.
                    Err(JobError::Journal(JournalError::NoJob { .. })) => {}
                    ended => return ended,
                }
            }
            let options = JobOptions { control: control(), ..JobOptions::new(job, url, owned.memory_mb) };
            run_job(Arc::new(query.graph), query.schema, invoker, &owned.storage, options, |_| ()).await
        });
        // The first two may be killed, at a time that differs with the seed, once the journal has begun.
        let life = if number < 2 {
            Duration::from_millis(300 + (seed * 389 + u64::from(number) * 211) % 1500)
        } else {
            PATIENCE
        };
        match tokio::time::timeout(life, &mut driving).await {
            Ok(ended) => match ended.expect("no panic") {
                Ok(outcome) => return (outcome, number + 1),
                // The store was out of reach for its client's patience.
                Err(JobError::Journal(_)) => {}
                Err(error) => panic!("seed {seed}: {}", error_chain(&error)),
            },
            Err(_) if number < 2 => driving.abort(),
            Err(_) => panic!("seed {seed}: it hangs"),
        }
    }
    panic!("seed {seed}: {COORDINATORS_MAX} coordinators did not bring it to an end");
}

/// `kill -9` of one of the busy sandboxes every now and then. A task that dies four times ends its job, as it should: so
/// many do not die in one job.
async fn kill_sandboxes(runtime: Arc<TestRuntime>, done: Arc<AtomicBool>, seed: u64) -> u32 {
    let process = runtime.process.as_ref().expect("the emulator runs");
    let (mut killed, mut round) = (0, seed);
    while !done.load(Ordering::Relaxed) && killed < KILLS_MAX {
        tokio::time::sleep(Duration::from_millis(500 + (round * 977) % 2000)).await;
        round += 1;
        let busy: Vec<u32> =
            process.sandboxes().into_iter().filter(|sandbox| sandbox.busy).map(|sandbox| sandbox.pid).collect();
        if let Some(pid) = busy.get((round * 7919) as usize % busy.len().max(1)) {
            let status = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status();
            killed += u32::from(status.is_ok_and(|status| status.success()));
        }
    }
    killed
}
