//! Drives a [`StageGraph`](firesteel_planner::StageGraph) to its end.
//!
//! The scheduler is a pure state machine: events and the time go in, commands come out. The driver around it does what
//! the commands say: slices stages, invokes functions, writes the journal, and feeds what comes back to the scheduler.

mod admission;
mod answer;
mod commit;
mod cost;
mod driver;
mod envelope;
mod error;
mod job;
mod job_spec;
pub mod journal;
mod outputs;
mod patience;
mod recorder;
mod scheduler;
mod summary;
mod work;

pub use admission::{Admission, fair_shares};
pub use answer::Answer;
pub use cost::Prices;
pub use error::JobError;
pub use job::{
    JobControl, JobEvent, JobOptions, JobOutcome, JournalMode, TakenOver, cancel_job, resume_job, resume_work, run_job,
    run_work, take_over,
};
pub use job_spec::{EmptyFile, JobSpec, StoredSchema, TableOutput};
pub use scheduler::{Command, Event, Failure, JobPolicy, RecordedTask, Scheduler, Speculation, StageSpec, StopReason};
pub use summary::{JobSummary, StageSummary};
pub use work::Work;
