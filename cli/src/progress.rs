//! A progress bar for each stage, on a terminal; and the summary of a finished job.

use std::collections::HashMap;
use std::fmt::Write;
use std::io::IsTerminal;

use firesteel_coordinator::{JobEvent, JobSummary};
use firesteel_protocol::StageId;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Bars on the standard error, or nothing where that is no terminal.
pub struct Progress {
    bars: Option<MultiProgress>,
    stages: HashMap<StageId, ProgressBar>,
}

impl Progress {
    pub fn new(quiet: bool) -> Self {
        let shown = !quiet && std::io::stderr().is_terminal();
        Self { bars: shown.then(MultiProgress::new), stages: HashMap::new() }
    }

    pub fn on_event(&mut self, event: JobEvent) {
        let Some(bars) = &self.bars else { return };
        match event {
            JobEvent::StageStarted { stage, tasks } => {
                let bar = bars.add(ProgressBar::new(tasks).with_style(style()).with_message(format!("stage {stage}")));
                bar.tick();
                self.stages.insert(stage, bar);
            }
            JobEvent::TaskFinished { task } => {
                if let Some(bar) = self.stages.get(&task.stage) {
                    bar.inc(1);
                }
            }
            JobEvent::Restored { stage, tasks } => {
                if let Some(bar) = self.stages.get(&stage) {
                    bar.inc(tasks);
                }
            }
            JobEvent::TaskFailed { task, attempt, error } => {
                // The bars can still be drawn if this line can't.
                let _ = bars.println(format!("task {task}, attempt {attempt}: {error}"));
            }
            JobEvent::StageFinished { stage } => {
                if let Some(bar) = self.stages.get(&stage) {
                    bar.finish();
                }
            }
        }
    }

    /// Takes the bars off the screen.
    pub fn clear(&self) {
        if let Some(bars) = &self.bars {
            // A terminal that has gone away needs no clearing.
            let _ = bars.clear();
        }
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{msg:>9} [{bar:30}] {pos}/{len} tasks  {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

/// What the job did, as lines.
pub fn summary(summary: &JobSummary) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = writeln!(
        text,
        "{:>5} {:>6} {:>8} {:>12} {:>12} {:>10} {:>10} {:>8} {:>8}",
        "stage", "tasks", "attempts", "rows in", "rows out", "read", "written", "spilled", "ms"
    );
    for stage in &summary.stages {
        let metrics = &stage.metrics;
        let _ = writeln!(
            text,
            "{:>5} {:>6} {:>8} {:>12} {:>12} {:>10} {:>10} {:>8} {:>8}",
            stage.stage.to_string(),
            stage.tasks,
            stage.attempts,
            metrics.rows_in,
            metrics.rows_out,
            bytes(metrics.bytes_in),
            bytes(metrics.bytes_out),
            bytes(metrics.spill_bytes),
            stage.wall_ms,
        );
    }
    let requests = &summary.total.requests;
    let _ = writeln!(
        text,
        "{} stages, {} tasks, {} attempts in {:.2} s; peak {} in one task's pool",
        summary.stages.len(),
        summary.tasks,
        summary.attempts,
        summary.wall_ms as f64 / 1000.0,
        bytes(summary.total.memory_bytes_peak),
    );
    let _ = writeln!(
        text,
        "requests: {} GET, {} HEAD, {} PUT, {} LIST; {} read, {} written",
        requests.get,
        requests.head,
        requests.put + summary.coordinator_requests.put,
        requests.list,
        bytes(summary.total.bytes_in),
        bytes(summary.total.bytes_out),
    );
    let _ = write!(
        text,
        "on AWS: {:.2} GB-seconds, ${:.6} for functions + ${:.6} for requests = ${:.6} (us-east-1, arm64)",
        summary.gb_seconds,
        summary.compute_usd,
        summary.requests_usd,
        summary.cost_usd(),
    );
    text
}

/// A size with a unit, in four digits or fewer.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}
