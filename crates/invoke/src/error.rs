//! [`InvokeError`]: how an attempt fails when no report comes back.

use std::error::Error;
use std::fmt;
#[cfg(feature = "process")]
use std::path::PathBuf;

use firesteel_protocol::{ErrorKind, INVOKE_PAYLOAD_BYTES_MAX};

type Source = Box<dyn Error + Send + Sync>;

/// Which payload was meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Request,
    Reply,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Request => "request",
            Self::Reply => "reply",
        })
    }
}

/// An attempt that brought no report.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// No attempt was made: too many are under way, or too many were started at once.
    #[error("invoke {function}: throttled ({reason})")]
    Throttled { function: String, reason: String },
    #[error(
        "invoke {function}: the {direction} is over the {INVOKE_PAYLOAD_BYTES_MAX} bytes that an invocation carries"
    )]
    PayloadTooLarge { function: String, direction: Direction },
    #[error("invoke {function}: timed out ({message})")]
    TimedOut { function: String, message: String },
    #[error("invoke {function}: out of memory ({message}); give the function more memory")]
    OutOfMemory { function: String, message: String },
    /// The sandbox is gone, or the connection to it. On AWS it may have been short of memory: custom runtimes that
    /// are killed for it are reported as exits.
    #[error("invoke {function}: the function crashed ({message})")]
    Crashed { function: String, message: String },
    /// The function answered with an error of its own in place of a report.
    #[error("invoke {function}: the function failed with {error_type}: {message}")]
    FunctionFailed { function: String, error_type: String, message: String },
    /// What is deployed can't start.
    #[error("invoke {function}: what is deployed does not run ({message}); deploy it anew")]
    Undeployable { function: String, message: String },
    #[error("invoke {function}: no such function ({message}); deploy it, or check name and region")]
    NotFound { function: String, message: String },
    #[error("invoke {function}: not permitted ({message}); check the credentials and lambda:InvokeFunction")]
    Denied { function: String, message: String },
    #[error("invoke {function}: {endpoint} can't be reached")]
    Unreachable {
        function: String,
        endpoint: String,
        #[source]
        source: Source,
    },
    /// The service has trouble of its own, or the function is not ready yet.
    #[error("invoke {function}: not available now, {code}: {message}")]
    Unavailable { function: String, code: String, message: String },
    /// The service finds fault with the request.
    #[error("invoke {function}: refused with {code}: {message}")]
    Refused { function: String, code: String, message: String },
    #[cfg(feature = "process")]
    #[error("no bootstrap at {}; build it with `cargo build --release -p firesteel-function`", .path.display())]
    NoBootstrap { path: PathBuf },
    #[cfg(feature = "process")]
    #[error("start the local runtime: {action}")]
    LocalRuntime {
        action: &'static str,
        #[source]
        source: Source,
    },
}

impl InvokeError {
    /// What the scheduler does about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Throttled { .. } => ErrorKind::Throttled,
            Self::TimedOut { .. } | Self::Crashed { .. } | Self::Unreachable { .. } | Self::Unavailable { .. } => {
                ErrorKind::Retry
            }
            Self::PayloadTooLarge { .. } | Self::OutOfMemory { .. } => ErrorKind::Capacity,
            Self::FunctionFailed { .. } | Self::Refused { .. } => ErrorKind::Bug,
            Self::Undeployable { .. } | Self::NotFound { .. } | Self::Denied { .. } => ErrorKind::UserFix,
            #[cfg(feature = "process")]
            Self::NoBootstrap { .. } | Self::LocalRuntime { .. } => ErrorKind::UserFix,
        }
    }
}
