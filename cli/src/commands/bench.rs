//! `firesteel bench`: the 22 TPC-H queries on each runtime, in turn, against DataFusion in one process; and how fast a
//! function starts.
//!
//! All runtimes read the same files in one run, so that the ratios hold on any machine; single times do not.

use std::path::Path;
use std::time::Instant;

use datafusion::prelude::{ParquetReadOptions, SessionContext};
use firesteel_invoke::Faults;
use firesteel_planner::{Planner, PlannerOptions};
use firesteel_tpch::{Query, TABLES, queries, table_dir};
use futures::TryStreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::tpch_tables;
use crate::args::{BenchArgs, RuntimeArgs, RuntimeKind};
use crate::error::CliError;
use crate::runtime::Runtime;
use crate::session;

/// Larger than any input, so that a query runs as one task.
const ONE_TASK_BYTES: &str = "1TiB";

#[derive(Debug, Serialize)]
struct Figures {
    contenders: Vec<&'static str>,
    queries: Vec<QueryFigures>,
    /// Sum of medians, as a multiple of the first contender's.
    ratios: Vec<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<StartFigures>,
}

#[derive(Debug, Serialize)]
struct StartFigures {
    starts: usize,
    /// Milliseconds from the invocation of a function that has no process yet to its answer to `select 1`: the
    /// process's start, its initialization, the task, and the emulator's and the client's own time.
    first_answer_ms: Spread,
}

#[derive(Debug, Serialize)]
struct Spread {
    median: f64,
    max: f64,
}

#[derive(Debug, Serialize)]
struct QueryFigures {
    query: &'static str,
    /// Median seconds of each contender.
    seconds: Vec<f64>,
}

enum Contender {
    DataFusion(SessionContext),
    Firesteel(Box<Firesteel>),
}

struct Firesteel {
    name: &'static str,
    runtime: Runtime,
    planner: Planner,
}

pub async fn bench(args: BenchArgs) -> Result<(), CliError> {
    if !TABLES.iter().all(|table| table_dir(&args.data, table).is_dir()) {
        let text = format!("{}: no TPC-H data; make it with `firesteel tpch`", args.data.display());
        return Err(CliError::Usage(text));
    }
    let chosen: Vec<Query> = queries()
        .into_iter()
        .filter(|query| args.only.is_empty() || args.only.iter().any(|name| name == query.name))
        .collect();
    let contenders = contenders(&args).await?;
    let figures = measure(&contenders, &chosen, args.runs.max(1)).await;
    for contender in contenders {
        if let Contender::Firesteel(firesteel) = contender {
            firesteel.runtime.shutdown().await;
        }
    }
    let mut figures = figures?;
    print_table(&figures);
    if !args.no_process && args.starts > 0 {
        let start = measure_starts(&args).await?;
        println!(
            "a fresh function answers after {:.0} ms, the start of its process included (median of {}; at most {:.0})",
            start.first_answer_ms.median, start.starts, start.first_answer_ms.max,
        );
        figures.start = Some(start);
    }
    if let Some(path) = &args.json {
        let json = serde_json::to_string_pretty(&figures).map_err(|error| CliError::Output(Box::new(error)))?;
        std::fs::write(path, json).map_err(|source| CliError::File { path: path.clone(), source })?;
    }
    Ok(())
}

async fn contenders(args: &BenchArgs) -> Result<Vec<Contender>, CliError> {
    let one = format!("firesteel.task.target_bytes={ONE_TASK_BYTES}");
    let many = format!("firesteel.task.target_bytes={}", args.target_bytes);
    let mut contenders = vec![
        Contender::DataFusion(datafusion_session(&args.data).await?),
        firesteel("one task", RuntimeKind::InProcess, &one, args).await?,
        firesteel("many tasks", RuntimeKind::InProcess, &many, args).await?,
    ];
    if !args.no_process {
        contenders.push(firesteel("process", RuntimeKind::Process, &many, args).await?);
    }
    Ok(contenders)
}

async fn datafusion_session(data: &Path) -> Result<SessionContext, CliError> {
    let context = SessionContext::new();
    for table in TABLES {
        let path = table_dir(data, table);
        context.register_parquet(table, path.to_string_lossy(), ParquetReadOptions::default()).await?;
    }
    Ok(context)
}

async fn firesteel(
    name: &'static str,
    kind: RuntimeKind,
    setting: &str,
    args: &BenchArgs,
) -> Result<Contender, CliError> {
    let options: PlannerOptions = session::options(&[setting.to_owned()])?;
    let runtime = Runtime::start(&runtime_args(kind, args), &options).await?;
    let planner = session::planner(&runtime.storage, options, &tpch_tables(&args.data)).await?;
    Ok(Contender::Firesteel(Box::new(Firesteel { name, runtime, planner })))
}

fn runtime_args(kind: RuntimeKind, args: &BenchArgs) -> RuntimeArgs {
    RuntimeArgs {
        runtime: kind,
        concurrency: None,
        bootstrap: args.bootstrap.clone(),
        function: "firesteel".to_owned(),
        endpoint_url: None,
        work: None,
        faults: Faults::default(),
    }
}

/// Each start is one of a fresh sandbox in an emulator of its own.
async fn measure_starts(args: &BenchArgs) -> Result<StartFigures, CliError> {
    let options = session::options(&[])?;
    let mut first_answer = Vec::with_capacity(args.starts);
    for _ in 0..args.starts {
        let runtime = Runtime::start(&runtime_args(RuntimeKind::Process, args), &options).await?;
        let planner = session::planner(&runtime.storage, options.clone(), &[]).await?;
        let query = planner.plan_sql("select 1").await?;
        let done = runtime.run(&query, |_| ()).await;
        runtime.shutdown().await;
        first_answer.push(done?.outcome.summary.wall_ms as f64);
    }
    Ok(StartFigures { starts: args.starts, first_answer_ms: spread(first_answer) })
}

fn spread(values: Vec<f64>) -> Spread {
    let max = values.iter().copied().fold(0.0, f64::max);
    Spread { median: median(values), max }
}

async fn measure(contenders: &[Contender], queries: &[Query], runs: usize) -> Result<Figures, CliError> {
    let style = ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len}  {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new((queries.len() * contenders.len() * (runs + 1)) as u64).with_style(style);
    let mut figures = Vec::new();
    for query in queries {
        bar.set_message(query.name);
        let mut seconds = vec![Vec::with_capacity(runs); contenders.len()];
        // The first round warms caches and sandboxes and does not count.
        for round in 0..=runs {
            for (contender, seconds) in contenders.iter().zip(&mut seconds) {
                let began = Instant::now();
                contender.run(query.sql).await?;
                if round > 0 {
                    seconds.push(began.elapsed().as_secs_f64());
                }
                bar.inc(1);
            }
        }
        figures.push(QueryFigures { query: query.name, seconds: seconds.into_iter().map(median).collect() });
    }
    bar.finish_and_clear();
    let sums: Vec<f64> =
        (0..contenders.len()).map(|index| figures.iter().map(|figure| figure.seconds[index]).sum()).collect();
    Ok(Figures {
        contenders: contenders.iter().map(Contender::name).collect(),
        ratios: sums.iter().map(|sum| sum / sums[0]).collect(),
        queries: figures,
        start: None,
    })
}

impl Contender {
    fn name(&self) -> &'static str {
        match self {
            Self::DataFusion(_) => "DataFusion",
            Self::Firesteel(firesteel) => firesteel.name,
        }
    }

    /// From the SQL text to the last row.
    async fn run(&self, sql: &str) -> Result<usize, CliError> {
        match self {
            Self::DataFusion(context) => {
                let batches = context.sql(sql).await?.collect().await?;
                Ok(batches.iter().map(|batch| batch.num_rows()).sum())
            }
            Self::Firesteel(firesteel) => {
                let Firesteel { runtime, planner, .. } = firesteel.as_ref();
                let query = planner.plan_sql(sql).await?;
                let done = runtime.run(&query, |_| ()).await?;
                let mut rows = done.outcome.answer.stream();
                let mut count = 0;
                while let Some(batch) = rows.try_next().await? {
                    count += batch.num_rows();
                }
                runtime.forget(&done.job_url).await;
                Ok(count)
            }
        }
    }
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

fn print_table(figures: &Figures) {
    print!("{:>6}", "query");
    figures.contenders.iter().for_each(|name| print!(" {name:>12}"));
    println!("   (seconds, medians)");
    for figure in &figures.queries {
        print!("{:>6}", figure.query);
        figure.seconds.iter().for_each(|seconds| print!(" {seconds:>12.3}"));
        println!();
    }
    print!("{:>6}", "sum");
    for index in 0..figures.contenders.len() {
        let sum: f64 = figures.queries.iter().map(|figure| figure.seconds[index]).sum();
        print!(" {sum:>12.3}");
    }
    print!("\n{:>6}", "ratio");
    figures.ratios.iter().for_each(|ratio| print!(" {ratio:>12.2}"));
    println!();
}
