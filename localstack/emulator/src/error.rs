//! What can go wrong when the emulator starts or works on its own state. What a client sees of S3 or Lambda are AWS's
//! own error shapes, built where the operation is answered.

use std::io;
use std::path::PathBuf;

/// An error of the emulator itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmulatorError {
    /// A file or folder of the emulator's state could not be used.
    #[error("use {}", path.display())]
    State {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another emulator holds the state folder; two would overwrite each other's objects.
    #[error("state folder {} is in use by another emulator; stop it, or give this one a folder of its own", path.display())]
    StateInUse {
        /// The folder.
        path: PathBuf,
    },
    /// A loopback port could not be bound.
    #[error("listen on 127.0.0.1:{port}")]
    Listen {
        /// The port asked for; 0 stands for any.
        port: u16,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A function's process could not be started.
    #[error("start {}", path.display())]
    Spawn {
        /// The function's `bootstrap`.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A text of faults names one that does not exist.
    #[error("fault {key} is not known; known are {known}")]
    UnknownFault {
        /// What it names.
        key: String,
        /// What it could have named.
        known: String,
    },
    /// A text of faults gives one of them a value that it cannot have.
    #[error("fault {key}: `{value}` is not {expected}")]
    FaultValue {
        /// What has the value.
        key: String,
        /// The value.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A request has one fault or none.
    #[error("the rates of the faults of {service} add up to {sum}; lower them to at most 1 altogether")]
    FaultRates {
        /// `s3` or `lambda`
        service: &'static str,
        /// Of the rates.
        sum: f64,
    },
}

impl EmulatorError {
    pub(crate) fn state(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::State { path, source }
    }
}
