//! [`CliError`]: one line with a way out, and an exit status by kind.

use std::path::PathBuf;

use firesteel_connect::ConnectError;
use firesteel_coordinator::JobError;
use firesteel_coordinator::journal::JournalError;
use firesteel_invoke::InvokeError;
use firesteel_planner::PlanError;
use firesteel_protocol::{ErrorKind, error_chain};
use firesteel_simulator::faults::Violation;
use firesteel_spec::SparkError;
use firesteel_storage::StorageError;
use firesteel_tpch::TpchError;

#[derive(Debug, thiserror::Error)]
pub enum CliError {
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Job(#[from] JobError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Invoke(#[from] InvokeError),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Tpch(#[from] TpchError),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Spark(#[from] SparkError),
    #[error("{path}")]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("write the answer")]
    Output(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("DataFusion: {}", .0.strip_backtrace())]
    DataFusion(#[from] datafusion::common::DataFusionError),
    #[error(transparent)]
    Violation(#[from] Violation),
    #[error("a bug: {0}; RUST_LOG=debug RUST_BACKTRACE=1 shows more")]
    Panicked(String),
    #[error("interrupted; nothing runs on")]
    Interrupted,
}

impl CliError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Usage(_) | Self::File { .. } | Self::Tpch(_) => ErrorKind::UserFix,
            Self::Plan(error) => error.kind(),
            Self::Job(error) => error.kind(),
            Self::Journal(error) => error.kind(),
            Self::Invoke(error) => error.kind(),
            Self::Storage(error) => error.kind(),
            Self::Connect(error) => error.kind(),
            Self::Spark(_) => ErrorKind::UserFix,
            Self::Output(_) | Self::DataFusion(_) | Self::Panicked(_) | Self::Violation(_) => ErrorKind::Bug,
            Self::Interrupted => ErrorKind::Retry,
        }
    }

    /// The status that the process ends with.
    pub fn exit_code(&self) -> u8 {
        if let Self::Interrupted = self {
            // 128 + SIGINT, as shells have it.
            return 130;
        }
        match self.kind() {
            ErrorKind::Bug => 1,
            ErrorKind::UserFix => 2,
            ErrorKind::Data => 3,
            ErrorKind::Capacity => 4,
            ErrorKind::Retry | ErrorKind::Throttled => 5,
        }
    }

    /// The whole chain in one line.
    pub fn line(&self) -> String {
        error_chain(self).replace('\n', " ")
    }
}
