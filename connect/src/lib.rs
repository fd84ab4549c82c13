//! Spark Connect 4.2: the gRPC server, and protobuf plans as `firesteel_spec`. Knows nothing of how plans run: that is
//! an [`engine::Engine`], which the caller brings.

mod analyze;
mod codec;
mod columns;
mod convert;
mod deep;
pub mod engine;
mod error;
mod exception;
mod execute;
mod failure;
mod handle;
mod operation;
mod options;
mod plan;
#[doc(hidden)]
pub mod proto;
mod server;
mod service;
mod sessions;
mod settings;
pub mod support;
mod text;
mod tree;
mod uploads;
mod wire;

pub use error::ConnectError;
pub use options::{ServerOptions, TlsIdentity};
pub use server::{BoundServer, bind, serve};
