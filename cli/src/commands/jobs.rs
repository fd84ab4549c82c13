//! `firesteel jobs`, `cancel` and `gc`: what the journals of a work location tell, and what becomes of it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use firesteel_coordinator::cancel_job;
use firesteel_coordinator::journal::{self, JobEnd, JobState, Record};
use firesteel_storage::{Storage, StorageOptions};
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::args::{CancelArgs, GcArgs, JobsArgs, JobsCommand};
use crate::error::CliError;

/// Letters of a label in the list.
const LABEL_LETTERS: usize = 48;

pub async fn jobs(args: JobsArgs) -> Result<(), CliError> {
    let storage = Storage::new(StorageOptions::from_env());
    let work = work_url(&args.work)?;
    if let Some(JobsCommand::Show { job }) = &args.command {
        let url = job_url(&storage, &work, job).await?;
        return show(&storage, &url, args.json).await;
    }
    let mut states = Vec::new();
    for job in storage.list_folders(&work).await? {
        // A folder without a journal is none of a job's.
        if let Some(state) = state_of(&storage, &format!("{work}/{job}")).await? {
            states.push((job, state));
        }
    }
    if args.json {
        states.iter().for_each(|(job, state)| println!("{}", as_json(job, state)));
        return Ok(());
    }
    println!("{:<40} {:<10} {:>11} {:<20} {:>9} {:>10}  what", "job", "state", "tasks", "began", "age", "cost");
    for (job, state) in &states {
        let (done, known) = state.progress();
        println!(
            "{job:<40} {:<10} {:>11} {:<20} {:>9} {:>10}  {}",
            state_name(state),
            format!("{done}/{known}"),
            instant(state.began_ms),
            format!("{} s", since(state.written_ms).as_secs()),
            cost(state).map_or_else(String::new, |usd| format!("${usd:.6}")),
            label(state).chars().take(LABEL_LETTERS).collect::<String>(),
        );
    }
    Ok(())
}

async fn show(storage: &Storage, url: &str, is_json: bool) -> Result<(), CliError> {
    let entries = journal::read(storage, url).await?;
    let mut state = JobState::default();
    entries.iter().cloned().for_each(|entry| state.apply(entry));
    let job = url.rsplit('/').next().unwrap_or_default();
    if is_json {
        println!("{}", as_json(job, &state));
        return Ok(());
    }
    println!("{job}: {}", state_name(&state));
    println!("  {}", label(&state).replace('\n', "\n  "));
    if let Some(output) = state.spec.as_ref().and_then(|spec| spec.output.as_ref()) {
        let committed = if state.is_committed { "committed" } else { "not committed" };
        println!("  into {}: {committed}", output.table_url);
    }
    println!("  began {}, last written {}", instant(state.began_ms), instant(state.written_ms));
    println!("  run by {} (epoch {})", state.owner, state.epoch);
    for (stage, known) in &state.stages {
        let (done, all) = (known.accepted.len(), known.slices.len());
        let rows: u64 = known.accepted.values().map(|task| task.metrics.rows_out).sum();
        println!("  stage {stage}: {done} of {all} tasks, {rows} rows");
    }
    println!("  journal:");
    for entry in entries {
        let records: Vec<String> = entry.records.iter().map(record_text).collect();
        println!("    {:>6} {} epoch {} {}", entry.sequence, instant(entry.at_ms), entry.epoch, records.join(", "));
    }
    Ok(())
}

fn record_text(record: &Record) -> String {
    match record {
        Record::Began(spec) => format!("began {}", spec.job),
        Record::TakenOver => "taken over".to_owned(),
        Record::Sliced { stage, slices } => format!("stage {stage} has {} tasks", slices.len()),
        Record::Unneeded { stage } => format!("stage {stage} is not needed"),
        Record::Accepted { task, attempt, .. } => format!("{task} by attempt {attempt}"),
        Record::Lost { task } => format!("{task} lost"),
        Record::Committing { sequence } => format!("committing as {sequence}"),
        Record::Committed => "committed".to_owned(),
        Record::CancelRequested => "cancel asked for".to_owned(),
        Record::Ended(JobEnd::Succeeded(_)) => "succeeded".to_owned(),
        Record::Ended(JobEnd::Failed(error)) => format!("failed: {error}"),
        Record::Ended(JobEnd::Cancelled) => "cancelled".to_owned(),
    }
}

pub async fn cancel(args: CancelArgs) -> Result<(), CliError> {
    let storage = Storage::new(StorageOptions::from_env());
    let url = job_url(&storage, &work_url(&args.work)?, &args.job).await?;
    cancel_job(&storage, &url, args.patience).await?;
    let state = journal::state(&storage, &url).await?;
    println!("{}: {}", url.rsplit('/').next().unwrap_or_default(), state_name(&state));
    Ok(())
}

pub async fn gc(args: GcArgs) -> Result<(), CliError> {
    let storage = Storage::new(StorageOptions::from_env());
    let work = work_url(&args.work)?;
    let (mut jobs, mut objects) = (0_u64, 0_u64);
    for job in storage.list_folders(&work).await? {
        let url = format!("{work}/{job}");
        let Some(written_ms) = last_written(&storage, &url).await? else { continue };
        if since(written_ms) < args.older_than {
            continue;
        }
        jobs += 1;
        if args.dry_run {
            objects += storage.list(&url).await?.len() as u64;
            println!("{job}: written {} ago", days(since(written_ms)));
        } else {
            objects += journal::remove(&storage, &url).await?;
        }
    }
    let what = if args.dry_run { "would go" } else { "deleted" };
    println!("{jobs} jobs, {objects} objects {what}");
    Ok(())
}

/// When something of a job was last written; none for a folder that is none of a job's.
async fn last_written(storage: &Storage, url: &str) -> Result<Option<u64>, CliError> {
    if let Some(state) = state_of(storage, url).await? {
        return Ok(Some(state.written_ms));
    }
    // A job of a single stage has no journal; what it has left is named as jobs name it.
    let left = storage.list(url).await?;
    let is_job = left.iter().all(|object| object.url.starts_with(&format!("{url}/stage-")));
    let latest = left.iter().map(|object| object.last_modified).max().filter(|_| is_job);
    Ok(latest.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).map(|since| since.as_millis() as u64))
}

async fn state_of(storage: &Storage, url: &str) -> Result<Option<JobState>, CliError> {
    match journal::state(storage, url).await {
        Ok(state) => Ok(Some(state)),
        Err(journal::JournalError::NoJob { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The folder of the one job whose name begins so.
pub async fn job_url(storage: &Storage, work: &str, job: &str) -> Result<String, CliError> {
    let names: Vec<String> = storage.list_folders(work).await?;
    let found: Vec<&String> = names.iter().filter(|name| name.starts_with(job)).collect();
    match found[..] {
        [name] => Ok(format!("{work}/{name}")),
        _ if names.iter().any(|name| name == job) => Ok(format!("{work}/{job}")),
        [] => Err(CliError::Usage(format!("{work} has no job {job}; `firesteel jobs --work {work}` lists them"))),
        _ => Err(CliError::Usage(format!("{} jobs begin with {job}; write more of the name", found.len()))),
    }
}

fn work_url(work: &str) -> Result<String, CliError> {
    Ok(firesteel_storage::to_url(work)?.as_str().trim_end_matches('/').to_owned())
}

fn as_json(job: &str, state: &JobState) -> serde_json::Value {
    let (done, known) = state.progress();
    json!({
        "job": job,
        "state": state_name(state),
        "label": label(state),
        "tasks_done": done,
        "tasks_known": known,
        "began_ms": state.began_ms,
        "written_ms": state.written_ms,
        "epoch": state.epoch,
        "owner": state.owner,
        "cost_usd": cost(state),
    })
}

fn state_name(state: &JobState) -> &'static str {
    match &state.end {
        None if state.cancel_requested => "cancelling",
        None => "running",
        Some(JobEnd::Succeeded(_)) => "succeeded",
        Some(JobEnd::Failed(_)) => "failed",
        Some(JobEnd::Cancelled) => "cancelled",
    }
}

fn label(state: &JobState) -> &str {
    state.spec.as_ref().map_or("", |spec| spec.label.as_str())
}

fn cost(state: &JobState) -> Option<f64> {
    match &state.end {
        Some(JobEnd::Succeeded(summary)) => Some(summary.cost_usd()),
        _ => None,
    }
}

fn since(ms: u64) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.saturating_sub(Duration::from_millis(ms))
}

fn days(time: Duration) -> String {
    format!("{:.1} d", time.as_secs_f64() / 86_400.0)
}

/// UTC.
fn instant(ms: u64) -> String {
    let at = OffsetDateTime::from_unix_timestamp((ms / 1000) as i64).ok();
    at.and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_else(|| "?".to_owned())
}
