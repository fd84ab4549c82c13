//! One attempt at one task: bytes to a function, bytes back. Backends differ in where the function runs.
//!
//! Owns what an attempt's failure means. Must never try again by itself, look into a payload, or know a stage: whether
//! and when there is another attempt is the scheduler's to say.
//!
//! ```text
//!              ┌ InProcess      a handler of this process
//! invoke ──────┼ ProcessRuntime a real bootstrap per sandbox, under the embedded emulator
//!              └ LambdaInvoker  AWS, or what speaks its API
//! ```

#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod in_process;
mod invoker;
mod lambda;
mod lambda_error;
#[cfg(feature = "process")]
mod process;

pub use error::{Direction, InvokeError};
#[cfg(feature = "process")]
pub use firesteel_emulator::Faults;
#[cfg(feature = "process")]
pub use firesteel_emulator::SandboxInfo;
pub use in_process::{HandlerError, InProcess};
pub use invoker::FunctionInvoker;
pub use lambda::{LambdaInvoker, LambdaOptions};
#[cfg(feature = "process")]
pub use process::{ProcessOptions, ProcessRuntime};
