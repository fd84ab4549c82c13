//! The program as a user has it: what it prints, writes and refuses, and the status that it ends with.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use firesteel_tests::{TestRuntime, artifacts, bootstrap, tpch_data};
use tempfile::TempDir;

/// With no configuration at all: no variable of the environment but those that a temp folder needs (LOCAL-1).
fn firesteel(arguments: &[&str]) -> Command {
    let mut command = Command::new(artifacts().join("firesteel"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).args(arguments);
    if let Some(temp) = std::env::var_os("TMPDIR") {
        command.env("TMPDIR", temp);
    }
    command
}

fn run(arguments: &[&str]) -> Output {
    firesteel(arguments).stdin(Stdio::null()).output().expect("firesteel runs")
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// One line that says each of `texts`, and this status.
fn refused(arguments: &[&str], status: i32, texts: &[&str]) {
    let output = run(arguments);
    let error = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {error}");
    assert!(output.stdout.is_empty(), "{arguments:?}: it printed {}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(error.trim_end().lines().count(), 1, "{arguments:?}: {error}");
    assert!(error.starts_with("firesteel: "), "{error}");
    for text in texts {
        assert!(error.contains(text), "{arguments:?}: no {text:?} in {error}");
    }
}

struct Data {
    folder: TempDir,
}

impl Data {
    /// `t.parquet` with a thousand rows, and files that are not what they claim to be.
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temp folder");
        let data = Self { folder };
        let sql = "select i as id, i % 10 as k, concat('n', cast(i as varchar)) as name
                   from (select unnest(range(0, 1000)) as i)";
        stdout(&run(&["sql", "-c", sql, "--format", "parquet", "--output", &data.path("t.parquet")]));
        let whole = std::fs::read(data.path("t.parquet")).expect("the file");
        let end = whole.len();
        let write = |name: &str, bytes: &[u8]| std::fs::write(data.path(name), bytes).expect("a file");
        write("shortened.parquet", &[&whole[..40], &whole[end - 60..]].concat());
        write("half.parquet", &whole[..end / 2]);
        write("overwritten.parquet", &[&whole[..50], &vec![b'Z'; end - 1500], &whole[end - 1450..]].concat());
        write("text.parquet", b"id,name\n1,one\n");
        write("empty.parquet", b"");
        data
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    fn table(&self, file: &str) -> String {
        format!("t={}", self.path(file))
    }
}

#[test]
fn local_1_a_query_needs_no_configuration() {
    let data = Data::new();
    let output = run(&[
        "sql",
        "--table",
        &data.table("t.parquet"),
        "-c",
        "select k, count(*) as n from t group by k order by k limit 2",
    ]);
    assert_eq!(stdout(&output), "+---+-----+\n| k | n   |\n+---+-----+\n| 0 | 100 |\n| 1 | 100 |\n+---+-----+\n");
    let summary = String::from_utf8(output.stderr).expect("text");
    for part in ["1 stages, 1 tasks, 1 attempts", "requests:", "GB-seconds", "$"] {
        assert!(summary.contains(part), "no {part:?} in {summary}");
    }
}

#[test]
fn answers_have_the_format_that_was_asked_for() {
    let data = Data::new();
    let table = data.table("t.parquet");
    let sql = "select id, name, nullif(k, 1) as k from t where id < 2 order by id";
    let format = |format: &str| {
        let output = run(&["sql", "--quiet", "--table", &table, "-c", sql, "--format", format]);
        assert!(output.stderr.is_empty(), "--quiet: {}", String::from_utf8_lossy(&output.stderr));
        stdout(&output)
    };
    assert_eq!(format("csv"), "id,name,k\n0,n0,0\n1,n1,\n");
    assert_eq!(format("json"), "{\"id\":0,\"name\":\"n0\",\"k\":0}\n{\"id\":1,\"name\":\"n1\"}\n");
    let file = data.path("out.parquet");
    stdout(&run(&["sql", "-q", "--table", &table, "-c", sql, "--format", "parquet", "-o", &file]));
    let again = run(&["sql", "-q", "--table", &format!("o={file}"), "-c", "select * from o", "--format", "csv"]);
    assert_eq!(stdout(&again), "id,name,k\n0,n0,0\n1,n1,\n");
}

#[test]
fn the_query_may_come_from_a_file_and_tables_from_patterns() {
    let data = Data::new();
    std::fs::write(data.path("q.sql"), "select count(*) as n from t").expect("a file");
    std::fs::copy(data.path("t.parquet"), data.path("t2.parquet")).expect("a copy");
    let pattern = data.table("t*.parquet").replace("t*.parquet", "t[2.]*arquet");
    let output = run(&["sql", "-q", "--table", &pattern, "-f", &data.path("q.sql"), "--format", "csv"]);
    assert_eq!(stdout(&output), "n\n2000\n");
    let twice = [data.table("t.parquet"), data.table("t2.parquet")];
    let output =
        run(&["sql", "-q", "--table", &twice[0], "--table", &twice[1], "-f", &data.path("q.sql"), "--format", "csv"]);
    assert_eq!(stdout(&output), "n\n2000\n");
}

#[test]
fn errors_are_one_line_with_a_way_out() {
    let data = Data::new();
    let table = data.table("t.parquet");
    let sql = |sql: &'static str| ["sql", "--table", table.as_str(), "-c", sql].map(str::to_owned);
    for (query, texts) in [
        ("select from where", ["Line: 1", "Column: 13"].as_slice()),
        ("select nope from t", &["nope", "id"]),
        ("select * from missing", &["missing"]),
        ("select no_such_function(id) from t", &["no_such_function"]),
        ("select cast(name as int) from t", &["n0"]),
        ("select id / (id - id) from t", &["ivide by zero"]),
        ("create table x (a int)", &["DDL"]),
        ("explain select 1", &["firesteel explain"]),
        ("select id from t where k = (select id from t)", &["more than one row"]),
    ] {
        let arguments = sql(query);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        refused(&arguments, 2, texts);
    }
    let count = ["-c", "select count(*) from t"];
    refused(&["sql", "--table", &data.table("none.parquet"), count[0], count[1]], 2, &["none.parquet"]);
    refused(&["sql", "--table", &data.table("*.nothing"), count[0], count[1]], 2, &["*.nothing"]);
    refused(&["sql", "--table", "t", count[0], count[1]], 2, &["NAME=PATH"]);
    refused(&["sql", "--table", &table, "-f", &data.path("none.sql")], 2, &["none.sql"]);
    refused(
        &["sql", "--table", &table, count[0], count[1], "--set", "firesteel.nothing=1"],
        2,
        &["no such setting", "firesteel.task.target_bytes"],
    );
    refused(&["sql", "--table", &table, count[0], count[1], "--set", "firesteel.task.target_bytes=big"], 2, &["16MiB"]);
    refused(&["sql", "--table", &table, count[0], count[1], "--format", "parquet"], 2, &["--output"]);
    refused(&["sql", "--runtime", "lambda", "--table", &table, count[0], count[1]], 2, &["--work s3://"]);
    let nowhere = data.path("nowhere/bootstrap");
    refused(&["sql", "--runtime", "process", "--bootstrap", &nowhere, count[0], count[1]], 2, &["nowhere/bootstrap"]);
    refused(&["bench", "--data", &data.path("nothing")], 2, &["firesteel tpch"]);
}

#[test]
fn a_corrupt_file_is_named() {
    let data = Data::new();
    for file in ["text.parquet", "half.parquet", "shortened.parquet", "overwritten.parquet"] {
        refused(&["sql", "--table", &data.table(file), "-c", "select sum(id), max(name) from t"], 3, &[file]);
    }
    refused(&["sql", "--table", &data.table("empty.parquet"), "-c", "select 1 from t"], 2, &["empty"]);
}

#[test]
fn a_store_that_is_not_there_is_named() {
    // A port of loopback that was free a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("its address"));
    drop(listener);
    let output = firesteel(&["sql", "--table", "t=s3://bucket/t/", "-c", "select count(*) from t"])
        .env("AWS_ENDPOINT_URL_S3", &endpoint)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_REGION", "us-east-1")
        .output()
        .expect("firesteel runs");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(5), "{error}");
    assert!(error.trim_end().lines().count() == 1 && error.contains("s3://bucket/t"), "{error}");
}

#[test]
fn explain_shows_all_plans() {
    let data = Data::new();
    let table = data.table("t.parquet");
    let sql = "select k, count(*) from t group by k";
    let small = ["--set", "firesteel.task.target_bytes=1KiB"];
    let text = stdout(&run(&["explain", "--table", &table, "-c", sql, small[0], small[1]]));
    for part in ["Logical plan", "Physical plan", "Stages", "Stage 0", "Stage 1", "ShuffleReadExec"] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    let dot = stdout(&run(&["explain", "--dot", "--table", &table, "-c", sql, small[0], small[1]]));
    assert!(dot.starts_with("digraph") && dot.contains("s0 -> s1"));
}

#[test]
fn help_has_examples_and_completions_are_there() {
    for command in ["sql", "explain", "jobs", "resume", "cancel", "gc", "simulate", "tpch", "bench", "completions"] {
        let help = stdout(&run(&[command, "--help"]));
        assert!(help.contains("Example"), "{command}: {help}");
    }
    assert!(stdout(&run(&["sql", "--help"])).contains("firesteel.task.target_bytes"));
    assert!(stdout(&run(&["completions", "bash"])).contains("_firesteel"));
}

#[test]
fn the_demo_makes_data_and_shows_stages_and_dollars() {
    let data = tempfile::tempdir().expect("a temp folder");
    let folder = data.path().join("tpch").to_string_lossy().into_owned();
    let text = stdout(&run(&["demo", "--scale", "0.01", "--data", &folder]));
    for part in ["TPC-H at scale factor 0.01", "l_returnflag", "custdist", "stages,", "on AWS:", "firesteel sql"] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
}

#[test]
fn ctrl_c_ends_everything_that_was_started() {
    let data = tpch_data();
    let temp = tempfile::tempdir().expect("a temp folder");
    let lineitem = format!("l={}", data.join("lineitem").display());
    // Far more pairs than there is time for.
    let sql = "select count(*) from l a join l b on a.l_quantity < b.l_quantity and a.l_tax > b.l_discount";
    let bootstrap = bootstrap().to_string_lossy().into_owned();
    let child = firesteel(&["sql", "--runtime", "process", "--bootstrap", &bootstrap, "--table", &lineitem, "-c", sql])
        .env("TMPDIR", temp.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("firesteel runs");
    let pid = child.id();
    wait_until("a sandbox works", || !descendants(pid).is_empty());
    let started = descendants(pid);
    std::thread::sleep(Duration::from_millis(500));
    let status = Command::new("kill").args(["-INT", &pid.to_string()]).status().expect("kill runs");
    assert!(status.success());
    let output = child.wait_with_output().expect("it ends");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{error}");
    assert!(error.contains("interrupted"), "{error}");
    for process in started {
        assert!(!Path::new(&format!("/proc/{process}")).exists(), "process {process} runs on");
    }
    let left: Vec<PathBuf> =
        std::fs::read_dir(temp.path()).expect("the folder").map(|entry| entry.expect("an entry").path()).collect();
    assert!(left.is_empty(), "{left:?} is left");
}

/// The processes that `pid` and its children have started.
fn descendants(pid: u32) -> Vec<u32> {
    let listed = Command::new("ps").args(["-o", "pid=", "--ppid", &pid.to_string()]).output().expect("ps runs");
    let children: Vec<u32> =
        String::from_utf8_lossy(&listed.stdout).split_whitespace().filter_map(|pid| pid.parse().ok()).collect();
    children.iter().copied().chain(children.iter().flat_map(|child| descendants(*child))).collect()
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..600 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("a minute has passed, and it does not hold that {what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn local_2_and_3_the_same_command_runs_on_processes_and_on_lambda_s_api() {
    let data = Data::new();
    let table = data.table("t.parquet");
    let sql = "select k, sum(id) as s from t group by k order by k";
    let many = ["--set", "firesteel.task.target_bytes=1KiB", "--format", "csv"];
    let query = ["sql", "-c", sql, many[0], many[1], many[2], many[3]];
    let local = [query.as_slice(), &["--table", &table]].concat();
    let expected = stdout(&run(&local));
    assert_eq!(expected.lines().count(), 11);

    let bootstrap = bootstrap().to_string_lossy().into_owned();
    let process = [local.as_slice(), &["--runtime", "process", "--bootstrap", &bootstrap]].concat();
    assert_eq!(stdout(&run(&process)), expected);

    // As on AWS: an endpoint, credentials, and all data on S3.
    let aws = TestRuntime::process(1769).await;
    let emulator = aws.process.as_ref().expect("the emulator runs");
    let content = std::fs::read(data.path("t.parquet")).expect("the file");
    aws.storage.put("s3://firesteel/data/t.parquet", content.into()).await.expect("an upload");
    let options = emulator.storage_options();
    let lambda = [
        query.as_slice(),
        &["--table", "t=s3://firesteel/data/", "--runtime", "lambda", "--work", "s3://firesteel/jobs"],
        &["--concurrency", "2", "--endpoint-url", emulator.lambda_endpoint()],
    ]
    .concat();
    let mut command = firesteel(&lambda);
    let (id, secret) = emulator.credentials();
    command
        .env("AWS_ENDPOINT_URL_S3", options.s3_endpoint.expect("an endpoint"))
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", id)
        .env("AWS_SECRET_ACCESS_KEY", secret);
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("it ends").expect("firesteel runs");
    assert_eq!(stdout(&output), expected);
    assert!(aws.storage.list("s3://firesteel/jobs").await.expect("a listing").is_empty(), "the job's folder is left");
    aws.shutdown().await;
}
