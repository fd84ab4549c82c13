//! Spark SQL through a session, as `firesteel serve` runs it: text, resolver, stages, functions. Expected values are
//! real Spark 4.2's.

use std::sync::Arc;

use arrow::util::pretty::pretty_format_batches;
use firesteel_connect::engine::ProgressSink;
use firesteel_planner::PlannerOptions;
use firesteel_session::{Cluster, FiresteelEngine, SparkSession};
use firesteel_sql::{Parameters, parse_statement};
use firesteel_tests::{TestRuntime, options};

struct Fixture {
    session: SparkSession,
    /// Owns the folder that jobs run in.
    _runtime: TestRuntime,
}

fn fixture(settings: &[&str]) -> Fixture {
    let options: PlannerOptions = options(settings);
    let runtime = TestRuntime::in_process(options.function_memory_mb);
    let cluster = Cluster::new(
        runtime.storage.clone(),
        Arc::clone(&runtime.invoker),
        runtime.work_url.clone(),
        options.function_memory_mb,
    );
    let warehouse = format!("{}/warehouse", runtime.work_url);
    let session = FiresteelEngine::new(cluster, options, &warehouse).session("someone").expect("a session");
    Fixture { session, _runtime: runtime }
}

/// The answer as a table with its header, or the error's class.
async fn run(fixture: &Fixture, sql: &str) -> String {
    let answer = async {
        let plan = parse_statement(sql, &Parameters::None)?;
        let rows = fixture.session.run(&plan, &ProgressSink::default()).await?;
        rows.collect().await
    };
    match answer.await {
        Ok(batches) => pretty_format_batches(&batches).expect("a table").to_string(),
        Err(error) => error.class,
    }
}

/// Cells of a table, rows by `/`, without its header.
fn cells(table: &str) -> String {
    let rows = table.lines().filter(|line| line.starts_with('|')).skip(1);
    let rows: Vec<String> =
        rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>().join(",")).collect();
    rows.join("/")
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_give_spark_s_answers() {
    let fixture = fixture(&[]);
    for (sql, expected) in [
        ("select 1 + 1 as two, 7 div 2, 7 / 2", "2,3,3.5"),
        ("select k, sum(v) from values (1, 10), (2, 20), (1, 30) as t(k, v) group by k order by k", "1,40/2,20"),
        ("select count(*) from range(10) where id % 3 = 0", "4"),
        ("select id, row_number() over (order by id desc) from range(3) order by id", "0,3/1,2/2,1"),
        ("select a.id, b.id from range(3) a left join range(1, 3) b on a.id = b.id order by 1", "0,/1,1/2,2"),
        ("select explode(array(1, 2, 3)) as x", "1/2/3"),
        (
            "with t as (select id as x from range(4)) select x from t where x in (select x + 1 from t) order by x",
            "1/2/3",
        ),
        ("select * from range(5) except select * from range(2, 9) order by id", "0/1"),
        ("select upper('straße'), length('日本'), substr('Spark', -3)", "STRASSE,2,ark"),
        ("select k, count(*) c from values ('a'), ('b'), ('a') t(k) group by k having c > 1", "a,2"),
        ("select transform(array(1, 2), x -> x * 2)", "[2, 4]"),
        ("select cast('1.50' as decimal(5, 2)) + 1, round(2.5), round(-2.5)", "2.50,3,-3"),
        ("select trim(both 'x' from 'xaxbx'), ltrim('x', 'xxa'), btrim('xax', 'x'), trim('  a ')", "axb,a,a,a"),
        ("select id from range(5) qualify row_number() over (order by id desc) <= 2 order by id", "3/4"),
        ("select sum(id) from range(100) group by id % 2 order by 1", "2450/2500"),
        (
            "with recursive t(n, f) as (select 1, 1L union all select n + 1, f * (n + 1) from t where n < 10) \
             select max(f), count(*) from t",
            "3628800,10",
        ),
        ("select max(x) - min(x) from values (3), (null), (8) t(x)", "5"),
        (
            "select date '2024-01-31' + interval 1 month, datediff(date '2024-03-01', date '2024-02-01')",
            "2024-02-29,29",
        ),
    ] {
        assert_eq!(cells(&run(&fixture, sql).await), expected, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_have_spark_s_classes() {
    let fixture = fixture(&[]);
    for (sql, expected) in [
        ("select nope from range(1)", "UNRESOLVED_COLUMN.WITH_SUGGESTION"),
        ("select nope(1)", "UNRESOLVED_ROUTINE"),
        ("select * from nope", "TABLE_OR_VIEW_NOT_FOUND"),
        ("select 1 / 0", "DIVIDE_BY_ZERO"),
        ("select cast('a' as int)", "CAST_INVALID_INPUT"),
        ("select 2147483647 + 1", "ARITHMETIC_OVERFLOW"),
        ("select id, sum(id) from range(3) group by id % 2", "MISSING_AGGREGATION"),
        ("select id from range(2) a join range(2) b", "AMBIGUOUS_REFERENCE"),
        ("select 1 union select 1, 2", "NUM_COLUMNS_MISMATCH"),
        ("selec 1", "PARSE_SYNTAX_ERROR"),
        ("select * from range(3) where id", "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN"),
    ] {
        assert_eq!(run(&fixture, sql).await, expected, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_change_what_a_query_means() {
    let fixture = fixture(&[]);
    run(&fixture, "set spark.sql.ansi.enabled = false").await;
    assert_eq!(cells(&run(&fixture, "select cast('a' as int), 1 / 0, 2147483647 + 1").await), ",,-2147483648");
    run(&fixture, "set spark.sql.ansi.enabled = true").await;
    assert_eq!(run(&fixture, "select 1 / 0").await, "DIVIDE_BY_ZERO");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_is_seen_until_it_is_dropped() {
    let fixture = fixture(&[]);
    run(&fixture, "create temporary view v as select id * 2 as x from range(3)").await;
    assert_eq!(cells(&run(&fixture, "select sum(V.X) from v").await), "6");
    assert_eq!(run(&fixture, "create temporary view v as select 1").await, "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS");
    run(&fixture, "drop view v").await;
    assert_eq!(run(&fixture, "select * from v").await, "TABLE_OR_VIEW_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_read_by_many_functions() {
    if firesteel_tests::tpch_scale() != 0.1 {
        // The answer is that of this scale factor.
        return;
    }
    let path = firesteel_tests::tpch_data().join("lineitem");
    let fixture = fixture(&["firesteel.task.target_bytes=1MiB"]);
    let sql = format!(
        "select l_returnflag, count(*), sum(l_quantity) from parquet.`{}` group by l_returnflag order by 1",
        path.display()
    );
    let expected = "A,147790,3774200.00/N,304481,7775079.00/R,148301,3785523.00";
    assert_eq!(cells(&run(&fixture, &sql).await), expected);
}
