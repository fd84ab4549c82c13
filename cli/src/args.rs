//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use firesteel_invoke::Faults;

#[derive(Debug, Parser)]
#[command(name = "firesteel", version, about = "Spark without a cluster: SQL as a DAG of stateless functions.")]
#[command(after_help = "\
Examples:
  firesteel demo
  firesteel sql --table trips=trips/*.parquet -c 'select vendor, sum(fare) from trips group by vendor'
  firesteel sql --runtime process --set firesteel.task.target_bytes=16MiB --table t=s3://bucket/t/ -f report.sql
  firesteel explain --table trips=trips/ -c 'select count(*) from trips' --dot | dot -Tsvg > stages.svg

Exit status: 0 done; 1 the job failed by itself; 2 something to change in the query or the command; 3 the data is not
what it claims to be; 4 a limit was met; 5 it may work the next time.")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a query over Parquet files
    #[command(after_help = "\
Examples:
  firesteel sql --table t=data.parquet -c 'select count(*) from t'
  firesteel sql --table a=a/ --table b='b/2026-*.parquet' -f join.sql --format csv --output out.csv
  firesteel sql --runtime lambda --function firesteel --work s3://bucket/work --table t=s3://bucket/t/ -f q.sql")]
    Sql(SqlArgs),
    /// List the jobs of a work location, or show one
    #[command(after_help = "\
Examples:
  firesteel jobs --work s3://bucket/work
  firesteel jobs --work s3://bucket/work show job-0198c0de")]
    Jobs(JobsArgs),
    /// Go on with a job whose coordinator is gone; what is done is not done again
    #[command(after_help = "\
Example:
  firesteel resume job-0198c0de --runtime lambda --work s3://bucket/work")]
    Resume(ResumeArgs),
    /// End a job, wherever it is run
    #[command(after_help = "Example:\n  firesteel cancel job-0198c0de --work s3://bucket/work")]
    Cancel(CancelArgs),
    /// Run jobs in virtual time: on bad days, by seed; or a shape at scale, for its seconds and dollars on AWS
    #[command(after_help = "\
Examples:
  firesteel simulate --seeds 10000
  firesteel simulate --seed 4711
  firesteel simulate --shape scan --bytes 200GB
  firesteel simulate --shape sort --bytes 100TB --concurrency 10000 --functions 10 --buckets 50 --svg sort.svg")]
    Simulate(SimulateArgs),
    /// Delete what ended or abandoned jobs have left
    #[command(after_help = "\
Examples:
  firesteel gc --work s3://bucket/work --dry-run
  firesteel gc --work s3://bucket/work --older-than 3d")]
    Gc(GcArgs),
    /// Show a query's logical, physical and stage plans without running it
    #[command(after_help = "\
Examples:
  firesteel explain --table t=data/ -c 'select k, sum(v) from t group by k'
  firesteel explain --table t=data/ -f q.sql --set firesteel.task.target_bytes=1MiB --dot | dot -Tsvg > stages.svg")]
    Explain(ExplainArgs),
    /// Make TPC-H data and run queries over it as stages of functions
    Demo(DemoArgs),
    /// Make TPC-H data as Parquet
    #[command(after_help = "Example:\n  firesteel tpch --scale 1 --output data/tpch-sf1")]
    Tpch(TpchArgs),
    /// Serve Spark Connect: PySpark programs run on functions
    #[command(after_help = "\
Examples:
  firesteel serve
  firesteel serve --port 15002 --runtime process --set firesteel.task.target_bytes=64MiB
Then, with pip install pyspark-client:
  SparkSession.builder.remote(\"sc://localhost:15002\").getOrCreate()")]
    Serve(ServeArgs),
    /// Measure the runtimes against DataFusion in one process, on the same files in one run
    #[command(after_help = "\
Example:
  firesteel tpch --scale 1 --output data/tpch-sf1
  firesteel bench --data data/tpch-sf1 --runs 3")]
    Bench(BenchArgs),
    /// Print a completion script for a shell
    #[command(after_help = "Example:\n  firesteel completions bash > /etc/bash_completion.d/firesteel")]
    Completions { shell: clap_complete::Shell },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct QueryText {
    /// The query
    #[arg(short = 'c', long = "command", value_name = "SQL")]
    pub command: Option<String>,
    /// A file with the query; - is the standard input
    #[arg(short = 'f', long, value_name = "FILE")]
    pub file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Tables {
    /// A table: a Parquet file, a folder, a pattern, or such a URL (s3://, file://); may be repeated
    #[arg(long = "table", value_name = "NAME=PATH")]
    pub tables: Vec<String>,
    /// A setting, such as firesteel.task.target_bytes=16MiB; may be repeated (see below)
    #[arg(long = "set", value_name = "KEY=VALUE", long_help = settings_help())]
    pub settings: Vec<String>,
}

fn settings_help() -> String {
    let mut help = "A setting; may be repeated. There are (defaults in brackets):".to_owned();
    for (key, meaning) in firesteel_planner::SETTINGS {
        help.push_str(&format!("\n  {key}: {meaning}"));
    }
    help
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RuntimeKind {
    /// Functions run inside this process
    InProcess,
    /// Real bootstrap processes under the embedded emulator, over S3 on loopback
    Process,
    /// AWS Lambda, or anything that speaks its API
    Lambda,
}

#[derive(Debug, Clone, Args)]
pub struct RuntimeArgs {
    /// Where tasks run
    #[arg(long, value_enum, default_value = "in-process")]
    pub runtime: RuntimeKind,
    /// Tasks at once [default: the cores of this machine; 100 with lambda]
    #[arg(long, value_name = "N")]
    pub concurrency: Option<usize>,
    /// The bootstrap binary for `process` [default: beside this binary]
    #[arg(long, value_name = "FILE")]
    pub bootstrap: Option<PathBuf>,
    /// The function's name for `lambda`
    #[arg(long, default_value = "firesteel")]
    pub function: String,
    /// Lambda's endpoint for `lambda` [default: AWS]
    #[arg(long, value_name = "URL", env = "AWS_ENDPOINT_URL_LAMBDA")]
    pub endpoint_url: Option<String>,
    /// Faults of the emulator for `process`, by seed, such as seed=7,s3=0.05,lambda.crash_after=0.1: to see what a job
    /// survives
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub faults: Faults,
    /// Where shuffles and answers go, as a URL; needed for `lambda` [default: a temp folder, or the emulator's S3]
    #[arg(long, value_name = "URL")]
    pub work: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Table,
    Csv,
    Json,
    Parquet,
}

#[derive(Debug, Args)]
pub struct SqlArgs {
    #[command(flatten)]
    pub query: QueryText,
    #[command(flatten)]
    pub tables: Tables,
    #[command(flatten)]
    pub runtime: RuntimeArgs,
    /// How the answer is written
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
    /// A file for the answer; needed for parquet [default: the standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write the rows as Parquet files of this table, a folder or a URL of one, all at once or not at all
    #[arg(long, value_name = "PATH", conflicts_with = "output")]
    pub into: Option<String>,
    /// With --into: the rows take the place of those that are there
    #[arg(long, requires = "into")]
    pub overwrite: bool,
    /// End the job before it costs more than this, in dollars
    #[arg(long, value_name = "USD")]
    pub budget: Option<f64>,
    /// End the job if it is not done in this time, such as 90s or 15m
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub deadline: Option<Duration>,
    /// Leave out the summary
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Debug, Args)]
pub struct JobsArgs {
    /// Where jobs have their folders, as a URL
    #[arg(long, value_name = "URL")]
    pub work: String,
    /// JSON lines in place of a table
    #[arg(long)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Option<JobsCommand>,
}

#[derive(Debug, Subcommand)]
pub enum JobsCommand {
    /// What a job's journal says of it
    Show {
        /// The job's name, or the beginning of it
        job: String,
    },
}

#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// The job's name, or the beginning of it
    pub job: String,
    #[command(flatten)]
    pub runtime: RuntimeArgs,
    /// How the answer is written
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
    /// A file for the answer; needed for parquet [default: the standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Leave out the summary
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Debug, Args)]
pub struct CancelArgs {
    /// The job's name, or the beginning of it
    pub job: String,
    /// Where jobs have their folders, as a URL
    #[arg(long, value_name = "URL")]
    pub work: String,
    /// How long its coordinator has to end it, before it is ended without
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_time)]
    pub patience: Duration,
}

#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// One seed alone, told in full; the same seed goes the same way each time
    #[arg(long, value_name = "N", conflicts_with_all = ["seeds", "first_seed"])]
    pub seed: Option<u64>,
    /// How many seeds
    #[arg(long, value_name = "N", default_value_t = 500)]
    pub seeds: u64,
    /// The first of them
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub first_seed: u64,
    /// What to run at scale, in place of made-up jobs
    #[arg(long, value_enum, requires = "bytes")]
    pub shape: Option<ShapeKind>,
    /// Compressed bytes that it reads, such as 200GB or 100TB
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub bytes: Option<f64>,
    /// Memory sizes to try, in MB
    #[arg(long, value_name = "MB", value_delimiter = ',', default_values_t = [1769, 3538, 7076, 10240])]
    pub memory: Vec<u32>,
    /// Numbers of tasks to try [default: up to the concurrency, and multiples of it]
    #[arg(long, value_name = "N", value_delimiter = ',')]
    pub tasks: Vec<u32>,
    /// Calls at once
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub concurrency: usize,
    /// Identical functions, each of which starts 1,000 sandboxes in ten seconds
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub functions: u32,
    /// Buckets that shuffle objects are spread over
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub buckets: u32,
    /// A picture of seconds against dollars
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// JSON in place of a table
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ShapeKind {
    /// Read, filter, aggregate to next to nothing, as TPC-H's Q6
    Scan,
    /// Scan two tables (3 to 1), keep a tenth, shuffle, join, aggregate, as TPC-H's Q12
    Join,
    /// Sort everything, and write it again
    Sort,
}

/// `200GB`, `1.5TB`: powers of ten, as sizes of data sets are told.
fn parse_size(text: &str) -> Result<f64, String> {
    let unit = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(unit);
    let scale = match unit.trim().to_ascii_uppercase().as_str() {
        "MB" => 1e6,
        "GB" => 1e9,
        "TB" => 1e12,
        "PB" => 1e15,
        _ => return Err(format!("{text} is no size; write it as 200GB or 100TB")),
    };
    let number: f64 = number.parse().map_err(|_| format!("{text} is no size; write it as 200GB or 100TB"))?;
    if number > 0.0 { Ok(number * scale) } else { Err(format!("{text} is nothing")) }
}

#[derive(Debug, Args)]
pub struct GcArgs {
    /// Where jobs have their folders, as a URL
    #[arg(long, value_name = "URL")]
    pub work: String,
    /// Jobs whose journal was last written longer ago than this
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = parse_time)]
    pub older_than: Duration,
    /// Say what would go, and delete nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `90s`, `15m`, `6h`, `7d`.
fn parse_time(text: &str) -> Result<Duration, String> {
    let unit = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit);
    let seconds = match unit {
        "s" | "" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(format!("{unit} is no unit; write s, m, h or d")),
    };
    let number: u64 = number.parse().map_err(|_| format!("{text} is no time; write it as 90s or 15m"))?;
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(|| format!("{text} is too long"))
}

#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Address to listen on; others than loopback need --token
    #[arg(long, default_value = "127.0.0.1")]
    pub host: std::net::IpAddr,
    /// Port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 15002)]
    pub port: u16,
    /// A bearer token that every call has to bring
    #[arg(long, env = "FIRESTEEL_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// A certificate chain as PEM; clients use TLS then
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_certificate: Option<PathBuf>,
    /// The certificate's private key as PEM
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub tls_key: Option<PathBuf>,
    /// Where tables are kept: a folder, or a URL such as s3://bucket/warehouse
    #[arg(long, default_value = "spark-warehouse", value_name = "PATH")]
    pub warehouse: String,
    /// A setting, such as firesteel.task.target_bytes=16MiB; may be repeated (see below)
    #[arg(long = "set", value_name = "KEY=VALUE", long_help = settings_help())]
    pub settings: Vec<String>,
    #[command(flatten)]
    pub runtime: RuntimeArgs,
}

#[derive(Debug, Args)]
pub struct ExplainArgs {
    #[command(flatten)]
    pub query: QueryText,
    #[command(flatten)]
    pub tables: Tables,
    /// Print the stages as a Graphviz graph only
    #[arg(long)]
    pub dot: bool,
}

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// TPC-H scale factor; 1 is about 1 GB as text
    #[arg(long, default_value_t = 0.1)]
    pub scale: f64,
    /// Where the data is kept for the next demo [default: a temp folder]
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    #[command(flatten)]
    pub runtime: RuntimeArgs,
}

#[derive(Debug, Args)]
pub struct TpchArgs {
    #[arg(long, default_value_t = 1.0)]
    pub scale: f64,
    #[arg(short, long, value_name = "FOLDER")]
    pub output: PathBuf,
}

#[derive(Debug, Args)]
pub struct BenchArgs {
    /// A folder that `firesteel tpch` has made
    #[arg(long, value_name = "FOLDER")]
    pub data: PathBuf,
    /// Runs of each query on each runtime, in turn; the median counts
    #[arg(long, default_value_t = 3)]
    pub runs: usize,
    /// Only these queries, such as q01,q06
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<String>,
    /// Input bytes of a task where many are forced
    #[arg(long, default_value = "16MiB")]
    pub target_bytes: String,
    /// Starts of a function to measure
    #[arg(long, default_value_t = 10)]
    pub starts: usize,
    /// Leave out the process runtime
    #[arg(long)]
    pub no_process: bool,
    /// The bootstrap binary [default: beside this binary]
    #[arg(long, value_name = "FILE")]
    pub bootstrap: Option<PathBuf>,
    /// Also write the figures as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}
