//! [`TaskReport`]: what one attempt did, and what it cost (TASK-4).

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::{JobId, Segment, TaskError, TaskId, WireError, envelope::as_base64};

/// The reply of one attempt. A task that fails in an orderly way reports so; a sandbox that dies reports nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskReport {
    pub version: u32,
    pub job: JobId,
    pub task: TaskId,
    pub attempt: u32,
    pub outcome: TaskOutcome,
    pub metrics: TaskMetrics,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskOutcome {
    Done(TaskOutput),
    Failed(TaskError),
}

/// What an attempt has written; it exists only once the coordinator has accepted the report (SHUFFLE-3).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TaskOutput {
    /// The one object that the attempt wrote; none when it had no rows, or when they are `inline`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The object's segments, partition-major (SHUFFLE-1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<Segment>,
    /// Arrow IPC stream with the rows of a small answer.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional_base64")]
    pub inline: Option<Vec<u8>>,
}

/// Figures of one attempt; those of a job are their sum, but for peaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TaskMetrics {
    pub rows_in: u64,
    pub rows_out: u64,
    /// Bytes received from, and sent to, object storage.
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub requests: RequestCounts,
    pub wall_ms: u64,
    /// CPU time of the whole process while the task ran, where a process runs one task at a time.
    pub cpu_ms: u64,
    /// The most that the task's memory pool held.
    pub memory_bytes_peak: u64,
    pub spill_bytes: u64,
    /// Milliseconds from the process's start to its first request, on the first task of a sandbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init_ms: Option<u64>,
}

/// Requests to object storage by kind, as they are billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RequestCounts {
    pub get: u64,
    pub head: u64,
    /// PUT, COPY, POST and each part of a multipart upload.
    pub put: u64,
    pub list: u64,
    /// Free of charge.
    pub delete: u64,
}

impl AddAssign for RequestCounts {
    fn add_assign(&mut self, other: Self) {
        self.get += other.get;
        self.head += other.head;
        self.put += other.put;
        self.list += other.list;
        self.delete += other.delete;
    }
}

impl AddAssign for TaskMetrics {
    fn add_assign(&mut self, other: Self) {
        self.rows_in += other.rows_in;
        self.rows_out += other.rows_out;
        self.bytes_in += other.bytes_in;
        self.bytes_out += other.bytes_out;
        self.requests += other.requests;
        self.wall_ms += other.wall_ms;
        self.cpu_ms += other.cpu_ms;
        self.memory_bytes_peak = self.memory_bytes_peak.max(other.memory_bytes_peak);
        self.spill_bytes += other.spill_bytes;
        self.init_ms = self.init_ms.max(other.init_ms);
    }
}

impl TaskReport {
    /// The reply's bytes.
    pub fn encode(&self) -> Result<Vec<u8>, WireError> {
        serde_json::to_vec(self).map_err(|source| WireError::Malformed { what: "task report", source })
    }

    /// Reads a report; its version is checked before the rest of it.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        crate::error::check_version(bytes, "task report")?;
        serde_json::from_slice(bytes).map_err(|source| WireError::Malformed { what: "task report", source })
    }
}

mod optional_base64 {
    //! As `as_base64`, for bytes that may be absent.
    use serde::{Deserialize, Deserializer, Serializer};

    use super::as_base64;

    pub fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => as_base64::serialize(bytes, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
        #[derive(Deserialize)]
        struct Bytes(#[serde(with = "as_base64")] Vec<u8>);
        Ok(Option::<Bytes>::deserialize(deserializer)?.map(|Bytes(bytes)| bytes))
    }
}
