//! `kill -9` of a coordinator: a real `firesteel sql --into` process against the emulator, at points all over its life,
//! and `firesteel resume` after it (JOB-1, 2, 4).
//!
//! `FIRESTEEL_KILLS` is at how many points (6).

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use firesteel_coordinator::journal::{self, JobEnd, JobState, Record};
use firesteel_formats::TableFolder;
use firesteel_protocol::TaskId;
use firesteel_tests::{
    TestRuntime, artifacts, cells, datafusion, datafusion_sql, options, planner, run_sql, tpch_data, tpch_tables,
};

/// Several stages, the last of which writes files.
const QUERY: &str = "select l_orderkey, count(*) as lines, sum(l_quantity) as quantity, max(o_totalprice) as price
    from lineitem join orders on l_orderkey = o_orderkey where o_orderkey % 3 <> 1 group by l_orderkey";
const SUMS: &str = "select count(*), sum(lines), sum(quantity), sum(price), count(distinct l_orderkey) from";

struct Cli {
    runtime: TestRuntime,
    tables: Vec<String>,
}

impl Cli {
    async fn start() -> Self {
        let data = tpch_data();
        let tables = tpch_tables(&data);
        let tables = tables.iter().map(|(name, path)| format!("{name}={}", path.display())).collect();
        Self { runtime: TestRuntime::process(1769).await, tables }
    }

    fn command(&self) -> Command {
        let process = self.runtime.process.as_ref().expect("the emulator runs");
        let storage = process.storage_options();
        let (id, secret) = process.credentials();
        let mut command = Command::new(artifacts().join("firesteel"));
        command
            .env("AWS_ENDPOINT_URL_S3", storage.s3_endpoint.unwrap_or_default())
            .env("AWS_ENDPOINT_URL_LAMBDA", process.lambda_endpoint())
            .env("AWS_ACCESS_KEY_ID", id)
            .env("AWS_SECRET_ACCESS_KEY", secret)
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ALLOW_HTTP", "true");
        command
    }

    fn sql(&self, into: &str) -> Child {
        let mut command = self.command();
        command.args(["sql", "--quiet", "-c", QUERY, "--into", into, "--overwrite"]);
        command.args(self.on_lambda()).args(["--set", "firesteel.task.target_bytes=1MiB"]);
        command.args(["--set", "firesteel.broadcast.bytes_max=16KiB"]);
        for table in &self.tables {
            command.args(["--table", table]);
        }
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("firesteel starts")
    }

    fn on_lambda(&self) -> [String; 6] {
        let work = self.runtime.work_url.clone();
        ["--runtime", "lambda", "--concurrency", "2", "--work", &work].map(str::to_owned)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().expect("firesteel runs")
    }

    fn resume(&self, job: &str) -> Output {
        let mut command = self.command();
        command.args(["resume", job, "--quiet"]).args(self.on_lambda());
        command.output().expect("firesteel runs")
    }

    /// The one job whose folder is there.
    async fn job(&self) -> Option<String> {
        let jobs = self.runtime.storage.list_folders(&self.runtime.work_url).await.expect("a list");
        jobs.into_iter().next_back()
    }
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_coordinator_is_replaced_wherever_it_was() {
    let kills: u32 = std::env::var("FIRESTEEL_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(6);
    let cli = Cli::start().await;
    let expected = expected().await;
    // Sandboxes start with the first job; the second tells how long a job takes.
    let mut whole = Duration::ZERO;
    for _ in 0..2 {
        let began = Instant::now();
        let output = cli.sql("s3://firesteel/table").wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", text(&output));
        whole = began.elapsed();
        assert_eq!(sums(&cli).await, expected);
        forget_jobs(&cli).await;
    }
    let (mut resumed, mut within) = (0, 0);
    for kill in 0..kills {
        let mut child = cli.sql("s3://firesteel/table");
        tokio::time::sleep(whole.mul_f64((f64::from(kill) + 0.5) / f64::from(kills))).await;
        // std's kill is SIGKILL.
        child.kill().expect("it is killed, or has ended");
        let is_done = child.wait().expect("it is gone").success();
        let Some(job) = cli.job().await else {
            assert!(!is_done, "a job that is done leaves its journal");
            continue;
        };
        let url = format!("{}/{job}", cli.runtime.work_url);
        let before = journal::state(&cli.runtime.storage, &url).await;
        // Killed before its journal began, it has done nothing that anybody sees.
        let Ok(before) = before else { continue };
        let output = cli.resume(&job);
        // One that has succeeded says so again.
        assert!(output.status.success(), "kill {kill}: {}", text(&output));
        if before.end.is_none() {
            resumed += 1;
            within += u32::from(before.progress().0 > 0);
        }
        check_journal(&cli, &url).await;
        assert_eq!(sums(&cli).await, expected, "kill {kill}");
        let shown = cli.run(&["jobs", "--work", &cli.runtime.work_url, "show", &job]);
        assert!(text(&shown).contains("succeeded") && text(&shown).contains("committed"), "{}", text(&shown));
        forget_jobs(&cli).await;
    }
    println!("{kills} kills, {resumed} resumed, {within} with tasks done");
    assert!(within > 0, "no coordinator was killed in the middle");
    cli.runtime.shutdown().await;
}

/// Rows as they have to be, by DataFusion in one process.
async fn expected() -> String {
    let data = tpch_data();
    let tables = tpch_tables(&data);
    let tables: Vec<(&str, &Path)> = tables.iter().map(|(name, path)| (*name, path.as_path())).collect();
    let reference = datafusion(&tables).await;
    format!("{:?}", cells(&datafusion_sql(&reference, &format!("{SUMS} ({QUERY})")).await))
}

/// The same of the table.
async fn sums(cli: &Cli) -> String {
    let planner = planner(&cli.runtime, options(&[]), &[]).await;
    planner.register_parquet("t", &["s3://firesteel/table".to_owned()]).await.expect("the table");
    let (rows, _) = run_sql(&cli.runtime, &planner, &format!("{SUMS} t")).await.expect("sums");
    format!("{:?}", cells(&rows))
}

/// It has succeeded once, what was accepted was not made again, and nothing is staged.
async fn check_journal(cli: &Cli, url: &str) {
    let entries = journal::read(&cli.runtime.storage, url).await.expect("a journal");
    let mut state = JobState::default();
    let mut ends = 0;
    for entry in &entries {
        for record in &entry.records {
            if let Record::Accepted { task, .. } = record {
                let TaskId { stage, index } = *task;
                let had = state.stages.get(&stage).is_some_and(|known| known.accepted.contains_key(&index));
                assert!(!had, "task {task} was made again");
            }
            ends += u32::from(matches!(record, Record::Ended(JobEnd::Succeeded(_))));
        }
        state.apply(entry.clone());
    }
    assert_eq!(ends, 1);
    let table = TableFolder::new(cli.runtime.storage.clone(), "s3://firesteel/table");
    let visible = table.visible().await.expect("the table");
    assert!(visible.files.iter().all(|file| file.name == file.at), "{visible:?}");
}

async fn forget_jobs(cli: &Cli) {
    let output = cli.run(&["gc", "--work", &cli.runtime.work_url, "--older-than", "0s"]);
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(cli.job().await, None, "{}", text(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_cancelled_from_elsewhere() {
    let cli = Cli::start().await;
    let child = cli.sql("s3://firesteel/other");
    let job = loop {
        if let Some(job) = cli.job().await {
            let url = format!("{}/{job}", cli.runtime.work_url);
            if journal::state(&cli.runtime.storage, &url).await.is_ok_and(|state| state.progress().1 > 0) {
                break job;
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let output = cli.run(&["cancel", &job, "--work", &cli.runtime.work_url]);
    assert!(text(&output).contains("cancelled"), "{}", text(&output));
    let ended = child.wait_with_output().expect("it ends");
    assert!(!ended.status.success() && text(&ended).contains("was cancelled"), "{}", text(&ended));
    let table = TableFolder::new(cli.runtime.storage.clone(), "s3://firesteel/other");
    assert!(table.visible().await.expect("no table").files.is_empty());
    cli.runtime.shutdown().await;
}
