//! [`TaskEnvelope`]: everything that one task needs, so that it is a pure function of it (TASK-1).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{JobId, TaskId, WIRE_VERSION, WireError};

/// One attempt at one task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskEnvelope {
    pub version: u32,
    pub job: JobId,
    pub task: TaskId,
    /// 0 for the first attempt; part of every key that the attempt writes (SHUFFLE-3).
    pub attempt: u32,
    /// The stage's physical plan, encoded once for all of its tasks.
    pub plan: Blob,
    /// What this task reads, a [`LeafInput`] for each leaf of the plan in pre-order; JSON in a [`Blob`] when it is
    /// too long to travel (TASK-3).
    pub inputs: Inputs,
    pub output: OutputSpec,
    /// Where this attempt may write, as a URL without a trailing slash: the job's own folder.
    pub work_url: String,
    /// DataFusion session options that the plan was made under, by their full names.
    pub settings: BTreeMap<String, String>,
}

/// A task's inputs, in the envelope or at an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inputs {
    Inline(Vec<LeafInput>),
    /// JSON of `Vec<LeafInput>`.
    Stored(Blob),
}

/// Bytes in the envelope, or where they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blob {
    Inline(#[serde(with = "as_base64")] Vec<u8>),
    Stored { url: String, bytes: u64, crc64: u64 },
}

/// What a leaf of the stage's plan reads in this task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeafInput {
    /// A table scan: a list of byte ranges of files for each partition. No partition at all is legal: another branch
    /// of a union has this task's work.
    Files(Vec<FilePartition>),
    /// A shuffle read: what each of the leaf's partitions reads, in order.
    Shuffle { partitions: u32, encoding: SegmentEncoding, runs: Vec<SegmentRun> },
    /// The leaf carries its own rows (`VALUES`, one row of nothing).
    Literal,
}

/// The files of one scan partition, as the plan codec encodes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePartition {
    #[serde(with = "as_base64")]
    pub encoded: Vec<u8>,
    /// Compressed bytes that the partition covers.
    pub bytes: u64,
}

/// Segments of one object that lie one after the other: one ranged GET brings them all (SHUFFLE-2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentRun {
    pub url: String,
    pub segments: Vec<Segment>,
}

/// A byte range of a shuffle object: a whole Parquet file or Arrow IPC stream with rows of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    #[serde(rename = "p")]
    pub partition: u32,
    #[serde(rename = "o")]
    pub offset: u64,
    #[serde(rename = "b")]
    pub bytes: u64,
    #[serde(rename = "r")]
    pub rows: u64,
    /// CRC-64/NVME of the range's bytes (SHUFFLE-7).
    #[serde(rename = "c")]
    pub crc64: u64,
}

/// How segments are encoded (SHUFFLE-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SegmentEncoding {
    #[default]
    Parquet,
    IpcLz4,
    IpcZstd,
}

/// What becomes of a task's rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputSpec {
    /// Rows go to the attempt's one object; how they are split into partitions is in the plan's root.
    Shuffle { encoding: SegmentEncoding },
    /// Rows are the query's answer: in the reply up to `inline_bytes_max`, in one object otherwise. Arrow IPC.
    Result { inline_bytes_max: u64 },
}

impl TaskEnvelope {
    /// The bytes that every backend passes on unchanged (TASK-2).
    pub fn encode(&self) -> Result<Vec<u8>, WireError> {
        serde_json::to_vec(self).map_err(|source| WireError::Malformed { what: "task envelope", source })
    }

    /// Reads an envelope; its version is checked before the rest of it.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        crate::error::check_version(bytes, "task envelope")?;
        serde_json::from_slice(bytes).map_err(|source| WireError::Malformed { what: "task envelope", source })
    }

    /// The prefix of the keys that this attempt writes: unique to it (SHUFFLE-3).
    pub fn attempt_url(&self) -> String {
        format!("{}/stage-{}/task-{}/attempt-{}", self.work_url, self.task.stage, self.task.index, self.attempt)
    }

    /// An envelope of this build's version.
    pub const VERSION: u32 = WIRE_VERSION;
}

pub(crate) mod as_base64 {
    //! Bytes as standard base64 text.
    use base64::{Engine, engine::general_purpose::STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        STANDARD.decode(text.as_bytes()).map_err(D::Error::custom)
    }
}
