//! The stages of the 22 TPC-H queries as many tasks, as snapshots: a change of a plan is seen, and is on purpose.
//!
//! `INSTA_UPDATE=always cargo nextest run --workspace -E 'binary(stage_graphs)'` writes them anew.

use std::path::Path;

use firesteel_planner::Planner;
use firesteel_storage::{Storage, StorageOptions};
use firesteel_tests::options;
use firesteel_tpch::{TABLES, queries, table_dir, write_tables};

/// One scale for all machines, whatever the other suites run at.
const SCALE: f64 = 0.01;

async fn planner(root: &Path, settings: &[&str]) -> Planner {
    let planner = Planner::new(Storage::new(StorageOptions::default()), options(settings)).expect("a planner");
    for table in TABLES {
        let path = table_dir(root, table).to_string_lossy().into_owned();
        planner.register_parquet(table, &[path]).await.expect("a table");
    }
    planner
}

#[tokio::test]
async fn stages_of_tpch() {
    let root = tempfile::tempdir().expect("a temp folder");
    write_tables(root.path(), SCALE, |_| ()).expect("TPC-H data");
    let many = planner(root.path(), &["firesteel.task.target_bytes=512KiB"]).await;
    let one = planner(root.path(), &[]).await;
    // Paths in plans have no slash in front.
    let folder = format!("{}/", root.path().to_string_lossy().trim_start_matches('/'));
    for query in queries() {
        let graph = many.plan_sql(query.sql).await.expect(query.name).graph;
        let single = one.plan_sql(query.sql).await.expect(query.name).graph;
        assert!(single.stages.len() == 1 && single.stages[0].single_task, "{}", query.name);
        for stage in &graph.stages {
            assert!(stage.inputs().iter().all(|input| *input < stage.id), "{}: stage {}", query.name, stage.id);
        }
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(query.name, graph.to_string().replace(&folder, ""));
        });
    }
}

#[tokio::test]
async fn a_graph_can_be_drawn() {
    let root = tempfile::tempdir().expect("a temp folder");
    write_tables(root.path(), SCALE, |_| ()).expect("TPC-H data");
    let many = planner(root.path(), &["firesteel.task.target_bytes=512KiB"]).await;
    let graph = many.plan_sql(queries()[2].sql).await.expect("a plan").graph;
    let dot = graph.dot();
    assert!(dot.starts_with("digraph stages {") && dot.ends_with("}\n"));
    for stage in &graph.stages {
        assert!(dot.contains(&format!("s{} [label=\"Stage {}", stage.id, stage.id)));
        for input in stage.inputs() {
            assert!(dot.contains(&format!("s{input} -> s{};", stage.id)));
        }
    }
    // Quotes of a label are escaped: outside of escapes they come in pairs.
    let quotes = dot.replace("\\\\", "").replace("\\\"", "").matches('"').count();
    assert_eq!(quotes % 2, 0);
}
