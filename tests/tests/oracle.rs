//! The corpus of `tests/oracle`: what real Spark 4.2 answered to each query, against what a session answers here.
//!
//! A case that differs has to be in `differences.tsv`, and a case in there has to differ. With `FIRESTEEL_ORACLE_OUT`
//! naming a folder, what differs is written there, as JSON lines, and nothing fails.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use firesteel_connect::engine::ProgressSink;
use firesteel_session::{Cluster, FiresteelEngine, SparkSession};
use firesteel_spec::{DataType, SparkResult};
use firesteel_sql::{Parameters, parse_statement};
use firesteel_tests::{TestRuntime, hive_rows, options};
use futures::FutureExt;
use serde::{Deserialize, Serialize};

/// A query that takes longer has no answer.
const CASE_TIME_MAX: Duration = Duration::from_secs(20);
const PANIC: &str = "a panic";
const NO_ANSWER: &str = "no answer in time";
const TIME_ZONE: &str = "spark.sql.session.timeZone";
/// What PySpark shows of a Java exception that has no condition: there is nothing to compare but that Spark refuses.
const WITHOUT_CONDITION: [&str; 2] = ["IllegalArgumentException", "Py4JJavaError"];

#[derive(Deserialize)]
struct Case {
    id: String,
    sql: String,
    #[serde(default)]
    set: BTreeMap<String, String>,
    #[serde(default)]
    ordered: bool,
    #[serde(flatten)]
    answer: Answer,
}

#[derive(Deserialize, Serialize, PartialEq, Debug)]
#[serde(untagged)]
enum Answer {
    Rows { schema: String, rows: Vec<String> },
    Error { error: String, state: String },
}

#[derive(Serialize)]
struct Difference<'a> {
    id: &'a str,
    sql: &'a str,
    set: &'a BTreeMap<String, String>,
    spark: &'a Answer,
    firesteel: &'a Answer,
    message: &'a str,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("oracle")
}

fn cases(theme: &str) -> Vec<Case> {
    let path = folder().join("golden").join(format!("{theme}.jsonl"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// Theme and id of the cases that are known to differ.
fn listed() -> BTreeSet<(String, String)> {
    let text = std::fs::read_to_string(folder().join("differences.tsv")).expect("the list of differences");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let mut cells = line.split('\t').map(str::to_owned);
            (cells.next().expect("a theme"), cells.next().expect("an id"))
        })
        .collect()
}

async fn session(runtime: &TestRuntime, settings: &BTreeMap<String, String>) -> SparkSession {
    let options = options(&[]);
    let cluster = Cluster::new(
        runtime.storage.clone(),
        Arc::clone(&runtime.invoker),
        runtime.work_url.clone(),
        options.function_memory_mb,
    );
    let warehouse = format!("{}/warehouse", runtime.work_url);
    let session = FiresteelEngine::new(cluster, options, &warehouse).session("someone").expect("a session");
    let tables = std::fs::read_to_string(folder().join("tables.sql")).expect("the tables");
    let mut statements: Vec<String> =
        tables.split(";\n").filter(|text| !text.trim().is_empty()).map(str::to_owned).collect();
    statements.extend(settings.iter().map(|(key, value)| format!("set {key} = {value}")));
    for statement in statements {
        rows(&session, &statement, "UTC").await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    session
}

async fn rows(session: &SparkSession, sql: &str, zone: &str) -> SparkResult<(String, Vec<String>)> {
    let plan = parse_statement(sql, &Parameters::None)?;
    let answer = session.run(&plan, &ProgressSink::default()).await?;
    let schema = answer.schema.clone();
    let batches = answer.collect().await?;
    let DataType::Struct { fields } = &schema else { panic!("the schema of rows is a struct") };
    Ok((schema.simple_string(), hive_rows(&batches, fields, zone)))
}

/// What the session answers, and the message of an error.
async fn answer(session: &SparkSession, case: &Case) -> (Answer, String) {
    let zone = case.set.get(TIME_ZONE).map_or("UTC", String::as_str);
    let asked = AssertUnwindSafe(rows(session, &case.sql, zone)).catch_unwind();
    let failed = |what: &str| Answer::Error { error: what.to_owned(), state: String::new() };
    match tokio::time::timeout(CASE_TIME_MAX, asked).await {
        Ok(Ok(Ok((schema, rows)))) => (Answer::Rows { schema, rows }, String::new()),
        Ok(Ok(Err(error))) => {
            let state = error.sqlstate().to_owned();
            (Answer::Error { error: error.class.clone(), state }, error.message)
        }
        Ok(Err(_)) => (failed(PANIC), String::new()),
        Err(_) => (failed(NO_ANSWER), String::new()),
    }
}

/// An error that no query should end with.
fn is_defect(answer: &Answer) -> bool {
    matches!(answer, Answer::Error { error, .. } if ["INTERNAL_ERROR", PANIC, NO_ANSWER].contains(&error.as_str()))
}

fn is_same(case: &Case, found: &Answer) -> bool {
    match (&case.answer, found) {
        (Answer::Rows { schema, rows }, Answer::Rows { schema: found_schema, rows: found_rows }) => {
            if case.ordered {
                return schema == found_schema && rows == found_rows;
            }
            let sorted = |rows: &[String]| {
                let mut rows = rows.to_vec();
                rows.sort();
                rows
            };
            schema == found_schema && sorted(rows) == sorted(found_rows)
        }
        (Answer::Error { error, .. }, Answer::Error { .. }) if WITHOUT_CONDITION.contains(&error.as_str()) => {
            !is_defect(found)
        }
        (expected, found) => expected == found,
    }
}

#[allow(clippy::print_stdout, reason = "the count of a theme is what the suite has to say")]
async fn check(theme: &str) {
    let cases = cases(theme);
    let mut groups: BTreeMap<&BTreeMap<String, String>, Vec<&Case>> = BTreeMap::new();
    for case in &cases {
        groups.entry(&case.set).or_default().push(case);
    }
    let listed = listed();
    let out = std::env::var_os("FIRESTEEL_ORACLE_OUT").map(PathBuf::from);
    let (mut report, mut lines, mut different) = (String::new(), String::new(), 0);
    for (settings, group) in groups {
        let runtime = TestRuntime::in_process(options(&[]).function_memory_mb);
        let session = session(&runtime, settings).await;
        for case in group {
            let (found, message) = answer(&session, case).await;
            let same = is_same(case, &found);
            different += usize::from(!same);
            let line = Difference {
                id: &case.id,
                sql: &case.sql,
                set: &case.set,
                spark: &case.answer,
                firesteel: &found,
                message: &message,
            };
            if !same && out.is_some() {
                lines.push_str(&serde_json::to_string(&line).expect("JSON"));
                lines.push('\n');
            }
            let is_listed = listed.contains(&(theme.to_owned(), case.id.clone()));
            if same == is_listed {
                let what = if same { "is equal now: take it from differences.tsv" } else { "differs" };
                // Writing to a string does not fail.
                let _ = writeln!(
                    report,
                    "{theme}\t{} {what}\n  {}\n  Spark     {:?}\n  Firesteel {found:?} {message}",
                    case.id, case.sql, case.answer
                );
            }
        }
    }
    println!("{theme}: {} of {} equal", cases.len() - different, cases.len());
    match out {
        Some(folder) => std::fs::write(folder.join(format!("{theme}.jsonl")), lines).expect("the differences"),
        None => assert!(report.is_empty(), "\n{report}"),
    }
}

macro_rules! themes {
    ($($theme:ident),* $(,)?) => {
        const THEMES: &[&str] = &[$(stringify!($theme)),*];
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $theme() {
                check(stringify!($theme)).await;
            }
        )*
    };
}

themes! {
    aggregates, arithmetic, casts, dates, decimals, errors, function_ansi_off, function_columns, function_examples,
    function_nulls, function_wrong_counts, function_wrong_values, higher_order, intervals, joins, json_csv, relations, strings,
    time_zones, windows,
}

#[test]
fn every_theme_has_a_test_and_every_listed_difference_a_case() {
    let files = std::fs::read_dir(folder().join("golden")).expect("the goldens");
    let mut stems: Vec<String> = files
        .filter_map(|file| Some(file.expect("a file").path().file_stem()?.to_string_lossy().into_owned()))
        .collect();
    stems.sort();
    assert_eq!(stems, THEMES);
    let mut ids: HashMap<&str, BTreeSet<String>> = HashMap::new();
    for &theme in THEMES {
        ids.insert(theme, cases(theme).into_iter().map(|case| case.id).collect());
    }
    let unknown: Vec<_> =
        listed().into_iter().filter(|(theme, id)| !ids.get(theme.as_str()).is_some_and(|of| of.contains(id))).collect();
    assert!(unknown.is_empty(), "listed, but no cases: {unknown:?}");
}
