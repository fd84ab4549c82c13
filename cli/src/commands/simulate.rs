//! `firesteel simulate`: jobs under faults, by seed; and shapes at scale, for their seconds and dollars.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use firesteel_simulator::faults::{Report, Violation, run_seed};
use indicatif::{ProgressBar, ProgressStyle};

use firesteel_simulator::forecast::{Candidate, EngineRates, Shape, choose, sweep};
use firesteel_simulator::{AwsModel, pareto_svg};

use crate::args::{ShapeKind, SimulateArgs};
use crate::error::CliError;

pub fn simulate(args: &SimulateArgs) -> Result<(), CliError> {
    if let (Some(kind), Some(bytes)) = (args.shape, args.bytes) {
        return at_scale(args, kind, bytes);
    }
    if let Some(seed) = args.seed {
        // A simulation has a runtime of its own, which can't be within another.
        let report = thread::scope(|scope| scope.spawn(|| run_seed(seed)).join());
        let report = report.map_err(|_| CliError::Panicked(format!("the simulation of seed {seed}")))??;
        println!("{}", told(&report));
        return Ok(());
    }
    let reports = run_all(args)?;
    let succeeded = reports.iter().filter(|report| report.has_succeeded).count();
    let (tasks, calls): (u64, u64) =
        reports.iter().fold((0, 0), |(tasks, calls), report| (tasks + report.tasks, calls + report.calls as u64));
    let coordinators: usize = reports.iter().map(|report| report.coordinators).sum();
    println!("{} jobs, no invariant broken: {succeeded} succeeded", reports.len());
    println!("{tasks} tasks by {calls} calls, {coordinators} coordinators");
    Ok(())
}

/// Each thread takes the next seed, until one breaks an invariant.
fn run_all(args: &SimulateArgs) -> Result<Vec<Report>, CliError> {
    let style = ProgressStyle::with_template("seeds [{bar:30}] {pos}/{len}  {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(args.seeds).with_style(style);
    let end = args.first_seed.saturating_add(args.seeds);
    let next = AtomicU64::new(args.first_seed);
    let run = || {
        let mut reports = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return Ok(reports);
            }
            match run_seed(seed) {
                Ok(report) => reports.push(report),
                Err(violation) => {
                    next.store(end, Ordering::Relaxed);
                    return Err(violation);
                }
            }
            bar.inc(1);
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let ran: Vec<thread::Result<Result<Vec<Report>, Violation>>> = thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        running.into_iter().map(thread::ScopedJoinHandle::join).collect()
    });
    bar.finish_and_clear();
    let mut reports = Vec::new();
    for thread in ran {
        reports.extend(thread.map_err(|_| CliError::Panicked("a simulation".to_owned()))??);
    }
    Ok(reports)
}

fn told(report: &Report) -> String {
    let Report { seed, tasks, calls, coordinators, took, failure, .. } = report;
    let end = failure.as_ref().map_or_else(|| "succeeded".to_owned(), |failure| format!("ended: {failure}"));
    format!(
        "seed {seed}: {tasks} tasks by {calls} calls and {coordinators} coordinators in {:.1} s of virtual time; {end}",
        took.as_secs_f64()
    )
}

/// Candidates that a table shows.
const ROWS_MAX: usize = 24;

fn at_scale(args: &SimulateArgs, kind: ShapeKind, bytes: f64) -> Result<(), CliError> {
    let model = AwsModel {
        concurrency: args.concurrency.max(1),
        functions: args.functions.max(1),
        buckets: args.buckets.max(1),
        ..AwsModel::default()
    };
    let rates = EngineRates::default();
    let shape = |tasks: u32, levels: u32| match kind {
        ShapeKind::Scan => Shape::scan(bytes, tasks, &rates),
        ShapeKind::Join => Shape::join(0.75 * bytes, 0.25 * bytes, 0.1, tasks, &rates),
        ShapeKind::Sort => Shape::sort(bytes, tasks, levels, &rates),
    };
    let tasks = if args.tasks.is_empty() { task_counts(args.concurrency) } else { args.tasks.clone() };
    let levels: &[u32] = if kind == ShapeKind::Sort { &[1, 2] } else { &[1] };
    let candidates = sweep(shape, &model, &args.memory, &tasks, levels, args.first_seed);
    if let Some(path) = &args.svg {
        let title = format!("{kind:?} of {:.0} GB, modelled", bytes / 1e9);
        std::fs::write(path, pareto_svg(&title, &candidates))
            .map_err(|source| CliError::File { path: path.clone(), source })?;
    }
    if args.json {
        let json = serde_json::to_string_pretty(&candidates).map_err(|error| CliError::Output(Box::new(error)))?;
        println!("{json}");
        return Ok(());
    }
    print_candidates(&candidates);
    Ok(())
}

/// An eighth of the concurrency to four times it.
fn task_counts(concurrency: usize) -> Vec<u32> {
    let concurrency = u32::try_from(concurrency).unwrap_or(u32::MAX / 4);
    let mut counts =
        vec![concurrency / 8, concurrency / 4, concurrency / 2, concurrency, concurrency * 2, concurrency * 4];
    counts.retain(|count| *count > 0);
    counts
}

fn print_candidates(candidates: &[Candidate]) {
    println!(
        "{:>7} {:>9} {:>6} {:>9} {:>11} {:>11} {:>11} {:>9}  (modelled; * no other is both faster and cheaper)",
        "tasks", "memory", "levels", "seconds", "dollars", "compute $", "requests $", "calls"
    );
    let chosen = choose(candidates);
    let front_first = candidates.iter().filter(|candidate| candidate.is_on_front);
    let others = candidates.iter().filter(|candidate| !candidate.is_on_front);
    for candidate in front_first.chain(others).take(ROWS_MAX) {
        let Candidate { memory_mb, tasks, levels, forecast, is_on_front } = candidate;
        let mark = if *is_on_front { "*" } else { " " };
        let taken = if chosen == Some(candidate) { " <- would be chosen" } else { "" };
        println!(
            "{tasks:>7} {memory_mb:>6} MB {levels:>6} {:>9.1} {:>11.4} {:>11.4} {:>11.4} {:>9} {mark}{taken}",
            forecast.seconds, forecast.usd, forecast.compute_usd, forecast.requests_usd, forecast.calls
        );
    }
    let Some(chosen) = chosen else { return };
    println!("\nwhere its time goes (seconds of all attempts together, but for the first column):");
    println!(
        "{:>12} {:>9} {:>10} {:>10} {:>10} {:>10} {:>10}",
        "stage", "seconds", "starting", "reading", "computing", "writing", "throttled"
    );
    for stage in &chosen.forecast.stages {
        println!(
            "{:>12} {:>9.1} {:>10.1} {:>10.1} {:>10.1} {:>10.1} {:>10.1}",
            stage.name,
            stage.seconds,
            stage.starting_s,
            stage.reading_s,
            stage.computing_s,
            stage.writing_s,
            stage.throttled_s
        );
    }
}
