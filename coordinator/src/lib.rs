//! Drives a [`StageGraph`](firesteel_planner::StageGraph) to its end.
//!
//! The scheduler is a pure state machine: events and the time go in, commands come out. The driver around it does what
//! the commands say: slices stages, invokes functions, and feeds what comes back to the scheduler.

mod answer;
mod cost;
mod driver;
mod envelope;
mod error;
mod scheduler;
mod summary;

pub use answer::Answer;
pub use cost::Prices;
pub use driver::{JobEvent, JobOptions, JobOutcome, run_job};
pub use error::JobError;
pub use scheduler::{Command, Event, RetryPolicy, Scheduler};
pub use summary::{JobSummary, StageSummary};
