//! Real `bootstrap` processes under the emulator: what a killed one costs, and how one starts.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use firesteel_coordinator::JobEvent;
use firesteel_protocol::ErrorKind;
use firesteel_tests::{
    TestRuntime, assert_same_rows, datafusion, datafusion_sql, options, planner, run_sql, run_sql_with, tpch_data,
    tpch_tables,
};
use firesteel_tpch::queries;

const SETTINGS: [&str; 2] = ["firesteel.function.memory_mb=1769", "firesteel.task.target_bytes=1MiB"];

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_bootstrap_costs_an_attempt_and_no_row() {
    let data = tpch_data();
    let tables = tpch_tables(&data);
    let tables: Vec<(&str, &Path)> = tables.iter().map(|(name, path)| (*name, path.as_path())).collect();
    let reference = datafusion(&tables).await;
    let runtime = Arc::new(TestRuntime::process(1769).await);
    let planner = planner(&runtime, options(&SETTINGS), &tables).await;
    let failed = AtomicU64::new(0);
    for query in queries().iter().filter(|query| ["q03", "q09", "q18"].contains(&query.name)) {
        let expected = datafusion_sql(&reference, query.sql).await;
        let done = Arc::new(AtomicBool::new(false));
        let killer = tokio::spawn(kill_busy_sandboxes(Arc::clone(&runtime), Arc::clone(&done), 2));
        let on_event = |event| {
            if let JobEvent::TaskFailed { error, .. } = event {
                assert_eq!(error.kind, ErrorKind::Retry, "{error}");
                failed.fetch_add(1, Ordering::Relaxed);
            }
        };
        let (found, summary) = run_sql_with(&runtime, &planner, query.sql, on_event).await.expect(query.name);
        done.store(true, Ordering::Relaxed);
        let killed = killer.await.expect("the killer ends");
        assert!(killed > 0, "{}: no sandbox was busy", query.name);
        assert!(summary.attempts > summary.tasks, "{}: {killed} kills, no attempt more", query.name);
        assert_same_rows(query.name, &expected, &found, true);
    }
    assert!(failed.load(Ordering::Relaxed) > 0);
}

/// `kill -9` of sandboxes that are in the middle of a task, `times` times.
async fn kill_busy_sandboxes(runtime: Arc<TestRuntime>, done: Arc<AtomicBool>, times: u32) -> u32 {
    let process = runtime.process.as_ref().expect("the emulator runs");
    let mut killed = 0;
    while killed < times && !done.load(Ordering::Relaxed) {
        // In the middle: it has run since the last look.
        if let Some(busy) = process.sandboxes().into_iter().find(|sandbox| sandbox.busy) {
            let status = std::process::Command::new("kill").args(["-9", &busy.pid.to_string()]).status();
            killed += u32::from(status.is_ok_and(|status| status.success()));
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    killed
}

#[tokio::test(flavor = "multi_thread")]
async fn sandboxes_are_reused_and_their_start_is_in_the_report() {
    let data = tpch_data();
    let tables = tpch_tables(&data);
    let tables: Vec<(&str, &Path)> = tables.iter().map(|(name, path)| (*name, path.as_path())).collect();
    let runtime = TestRuntime::process(1769).await;
    let planner = planner(&runtime, options(&SETTINGS), &tables).await;
    let sql = "select l_returnflag, count(*) from lineitem group by l_returnflag";
    let (_, cold) = run_sql(&runtime, &planner, sql).await.expect("the first run");
    let (_, warm) = run_sql(&runtime, &planner, sql).await.expect("the second run");
    assert!(cold.total.init_ms.is_some());
    assert_eq!(warm.total.init_ms, None, "the second run had to start a sandbox");
    let process = runtime.process.as_ref().expect("the emulator runs");
    let sandboxes = process.sandboxes();
    assert!(sandboxes.len() <= 2, "{sandboxes:?}");
    assert!(sandboxes.iter().map(|sandbox| sandbox.invocations).sum::<u64>() >= cold.attempts + warm.attempts);
    runtime.shutdown().await;
}
