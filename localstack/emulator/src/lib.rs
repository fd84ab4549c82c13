//! An embedded AWS: S3 and Lambda on loopback ports of this machine, without Docker, an account or a network.
//!
//! Owns: objects in files, functions as child processes that speak the Lambda Runtime API. Never: a port on another
//! address than 127.0.0.1, a process that outlives its `Emulator`, a dependency on another package of the workspace.
//!
//! ```text
//! client ── S3 (SigV4) ───────► s3: objects under root/s3
//!        └─ Lambda (REST-JSON) ► lambda: functions ─► sandbox = bootstrap process ⇄ Runtime API
//! ```
//!
//! Both can be made to fail as AWS does: `faults`.

mod emulator;
mod error;
mod faults;
mod http_server;
mod lambda;
mod s3;

pub use emulator::{Emulator, EmulatorConfig};
pub use error::EmulatorError;
pub use faults::{Faults, LambdaFaults, S3Faults};
pub use lambda::SandboxInfo;

/// The one access key that the emulator's S3 knows.
pub const ACCESS_KEY_ID: &str = "firesteel";
/// The secret of [`ACCESS_KEY_ID`].
pub const SECRET_ACCESS_KEY: &str = "firesteel-local";
/// The region that the emulator stands for.
pub const REGION: &str = "us-east-1";
