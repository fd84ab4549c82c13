//! What the suites share: data, sessions on each runtime, and the comparison of answers.
//!
//! `FIRESTEEL_TPCH_SCALE` chooses the TPC-H scale factor (0.1); the files are made once below the target folder.

#![expect(clippy::expect_used, reason = "a test that can't be set up has failed")]

mod compare;
mod fixture;
mod golden;
mod hive_text;
mod recorder;
mod runtime;
mod tpcds;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use firesteel_coordinator::{JobEvent, JobOptions, JobSummary, run_job};
use firesteel_planner::{Planner, PlannerOptions};
use firesteel_protocol::{JobId, error_chain};
use firesteel_tpch::{TABLES, is_complete, table_dir, write_tables};

pub use compare::{Cell, assert_same_rows, cells};
pub use fixture::{Fixture, TableOf};
pub use golden::{Golden, assert_matches_spark};
pub use hive_text::hive_rows;
pub use recorder::{Call, Recorder};
pub use runtime::TestRuntime;
pub use tpcds::tpcds_data;

/// The scale factor that the TPC-H suites run at.
pub fn tpch_scale() -> f64 {
    std::env::var("FIRESTEEL_TPCH_SCALE").ok().and_then(|scale| scale.parse().ok()).unwrap_or(0.1)
}

/// The folder of the build's artifacts: `target/debug` or `target/release`.
pub fn artifacts() -> PathBuf {
    let test = std::env::current_exe().expect("this test has a path");
    let deps = test.parent().expect("it lies in a folder");
    deps.parent().expect("deps lies in the profile's folder").to_owned()
}

/// The `bootstrap` that this build made.
pub fn bootstrap() -> PathBuf {
    artifacts().join("bootstrap")
}

/// TPC-H data at [`tpch_scale`]; made by whichever test comes first, at once complete for the others.
pub fn tpch_data() -> PathBuf {
    let scale = tpch_scale();
    let target = artifacts();
    let root = target.parent().expect("the profile lies in target").join(format!("tpch-sf{scale}"));
    if !is_complete(&root, scale) {
        let draft = tempfile::tempdir_in(target).expect("a folder for the data").keep();
        write_tables(&draft, scale, |_| ()).expect("TPC-H data");
        if std::fs::rename(&draft, &root).is_err() {
            assert!(is_complete(&root, scale), "no other test has made {}", root.display());
            std::fs::remove_dir_all(&draft).expect("the draft goes");
        }
    }
    root
}

/// Options from `key=value` texts.
pub fn options(settings: &[&str]) -> PlannerOptions {
    let mut options = PlannerOptions::default();
    for setting in settings {
        let (key, value) = setting.split_once('=').expect("key=value");
        options.set(key, value).expect("a known setting");
    }
    options
}

/// A planner over tables; each is a name and a path.
pub async fn planner(runtime: &TestRuntime, options: PlannerOptions, tables: &[(&str, &Path)]) -> Planner {
    let planner = Planner::new(runtime.storage.clone(), options).expect("a planner");
    for (name, path) in tables {
        planner.register_parquet(name, &[path.to_string_lossy().into_owned()]).await.expect("a table");
    }
    planner
}

/// The eight TPC-H tables below `root`.
pub fn tpch_tables(root: &Path) -> Vec<(&'static str, PathBuf)> {
    TABLES.iter().map(|table| (*table, table_dir(root, table))).collect()
}

/// Plans and runs a query on a runtime.
pub async fn run_sql(
    runtime: &TestRuntime,
    planner: &Planner,
    sql: &str,
) -> Result<(Vec<RecordBatch>, JobSummary), String> {
    run_sql_with(runtime, planner, sql, |_| ()).await
}

/// As [`run_sql`], with an ear for the job's events.
pub async fn run_sql_with(
    runtime: &TestRuntime,
    planner: &Planner,
    sql: &str,
    on_event: impl FnMut(JobEvent) + Send,
) -> Result<(Vec<RecordBatch>, JobSummary), String> {
    let query = planner.plan_sql(sql).await.map_err(|error| error_chain(&error))?;
    let job = JobId(format!("test-{}", uuid::Uuid::now_v7()));
    let url = format!("{}/{job}", runtime.work_url);
    let options = JobOptions::new(job, url, runtime.memory_mb);
    let graph = Arc::new(query.graph);
    let outcome = run_job(graph, query.schema, Arc::clone(&runtime.invoker), &runtime.storage, options, on_event)
        .await
        .map_err(|error| error_chain(&error))?;
    let batches = outcome.answer.collect().await.map_err(|error| error_chain(&error))?;
    Ok((batches, outcome.summary))
}

/// DataFusion by itself, with its own rules and settings, over the same files.
pub async fn datafusion(tables: &[(&str, &Path)]) -> SessionContext {
    let context = SessionContext::new();
    for (name, path) in tables {
        context.register_parquet(*name, path.to_string_lossy(), ParquetReadOptions::default()).await.expect("a table");
    }
    context
}

/// DataFusion's own answer.
pub async fn datafusion_sql(context: &SessionContext, sql: &str) -> Vec<RecordBatch> {
    context.sql(sql).await.expect("a query").collect().await.expect("its rows")
}
