//! What crosses the wire between coordinator and function, versioned: [`TaskEnvelope`] out, [`TaskReport`] back.
//!
//! A leaf of the workspace: plain serde types, no DataFusion, no AWS, no I/O. Both directions are JSON, since that is
//! what Lambda's Invoke carries; bytes inside are base64.

mod envelope;
mod error;
mod ids;
mod report;

pub use envelope::{
    Blob, FilePartition, Inputs, LeafInput, OutputSpec, Segment, SegmentEncoding, SegmentRun, TaskEnvelope,
};
pub use error::{ErrorKind, TaskError, WireError, error_chain, with_causes};
pub use ids::{JobId, StageId, TaskId};
pub use report::{RequestCounts, TaskMetrics, TaskOutcome, TaskOutput, TaskReport};

/// The version that this build writes, and the only one that it reads (see `tests/wire/v1`).
pub const WIRE_VERSION: u32 = 1;

/// Lambda's limit for a synchronous payload, each way, in bytes (AWS "Lambda quotas": 6 MB).
pub const INVOKE_PAYLOAD_BYTES_MAX: usize = 6_291_456;
