//! A planner and a runtime over small tables, and DataFusion over the same files to compare with.

use std::path::PathBuf;
use std::sync::Arc;

use datafusion::prelude::{SessionConfig, SessionContext};
use firesteel_coordinator::JobSummary;
use firesteel_planner::{PlannedQuery, Planner};
use parquet::arrow::ArrowWriter;
use tempfile::TempDir;

use crate::{Recorder, TestRuntime, assert_same_rows, datafusion, datafusion_sql, options, planner, run_sql};

/// A table: its name, the number of its files, and the query that its rows come from.
pub type TableOf = (&'static str, usize, &'static str);

/// Each file is a task of its own, or several.
const SMALL_TASKS: &str = "firesteel.task.target_bytes=16KiB";

pub struct Fixture {
    pub runtime: TestRuntime,
    pub planner: Planner,
    pub recorder: Arc<Recorder>,
    reference: SessionContext,
    files: TempDir,
}

impl Fixture {
    /// Tables that are read by many tasks of in-process functions.
    pub async fn many_tasks(tables: &[TableOf], settings: &[&str]) -> Self {
        let settings: Vec<&str> = [SMALL_TASKS].into_iter().chain(settings.iter().copied()).collect();
        Self::new(tables, &settings).await
    }

    /// As [`Self::many_tasks`], with the settings' own task size.
    pub async fn new(tables: &[TableOf], settings: &[&str]) -> Self {
        let files = tempfile::tempdir().expect("a temp folder");
        let tables = write_tables(&files, tables).await;
        let tables: Vec<(&str, &std::path::Path)> = tables.iter().map(|(name, path)| (*name, path.as_path())).collect();
        let memory_mb = options(settings).function_memory_mb;
        let mut runtime = TestRuntime::in_process(memory_mb);
        let recorder = Arc::new(Recorder::new(Arc::clone(&runtime.invoker)));
        runtime.invoker = Arc::clone(&recorder) as Arc<_>;
        let planner = planner(&runtime, options(settings), &tables).await;
        let reference = datafusion(&tables).await;
        Self { runtime, planner, recorder, reference, files }
    }

    /// The first file of a table.
    pub fn file(&self, table: &str) -> PathBuf {
        self.files.path().join(table).join("part-000.parquet")
    }

    /// Fails unless the query's rows are DataFusion's, in any order.
    pub async fn check(&self, sql: &str) -> JobSummary {
        self.compare(sql, false).await
    }

    /// Fails unless the query's rows are DataFusion's, in the same order.
    pub async fn check_ordered(&self, sql: &str) -> JobSummary {
        self.compare(sql, true).await
    }

    async fn compare(&self, sql: &str, ordered: bool) -> JobSummary {
        let expected = datafusion_sql(&self.reference, sql).await;
        let (found, summary) =
            run_sql(&self.runtime, &self.planner, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_same_rows(sql, &expected, &found, ordered);
        summary
    }

    pub async fn plan(&self, sql: &str) -> PlannedQuery {
        self.planner.plan_sql(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The error that a query ends with.
    pub async fn error(&self, sql: &str) -> String {
        match run_sql(&self.runtime, &self.planner, sql).await {
            Ok(_) => panic!("{sql}: it has an answer"),
            Err(error) => error,
        }
    }
}

/// A folder of Parquet files for each table: the query's rows in order, evenly spread over the files.
async fn write_tables(folder: &TempDir, tables: &[TableOf]) -> Vec<(&'static str, PathBuf)> {
    // With more partitions the rows would come in another order each time.
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
    let mut paths = Vec::new();
    for (name, files, sql) in tables {
        let batches = datafusion_sql(&context, sql).await;
        let schema = batches.first().expect("a table has rows").schema();
        let rows = arrow::compute::concat_batches(&schema, &batches).expect("one batch");
        let path = folder.path().join(name);
        std::fs::create_dir(&path).expect("a folder for the table");
        let per_file = rows.num_rows().div_ceil(*files);
        for file in 0..*files {
            let start = (file * per_file).min(rows.num_rows());
            let part = rows.slice(start, per_file.min(rows.num_rows() - start));
            let target = std::fs::File::create(path.join(format!("part-{file:03}.parquet"))).expect("a file");
            let mut writer = ArrowWriter::try_new(target, rows.schema(), None).expect("a writer");
            writer.write(&part).expect("rows");
            writer.close().expect("a footer");
        }
        paths.push((*name, path));
    }
    paths
}
