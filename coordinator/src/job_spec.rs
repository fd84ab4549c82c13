//! [`JobSpec`]: all that a coordinator needs to run a job, as its journal begins with it.

use arrow::datatypes::{Schema, SchemaRef};
use firesteel_formats::{Replaces, SinkSpec};
use firesteel_planner::StoredGraph;
use firesteel_protocol::{Blob, JobId};
use firesteel_shuffle::{ShuffleError, ipc_decode_schema, ipc_encode};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobSpec {
    pub job: JobId,
    /// What it does, for people: the text of a query.
    pub label: String,
    pub graph: StoredGraph,
    /// Of the answer.
    pub schema: StoredSchema,
    pub function_memory_mb: u32,
    pub answer_inline_bytes_max: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<TableOutput>,
}

/// A table that the job's files are committed to at its end; the answer names them then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableOutput {
    pub table_url: String,
    /// Where the job's functions write, below the table.
    pub staging_url: String,
    pub replaces: Replaces,
    /// How a file is written that only has the schema, where there are no rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty: Option<EmptyFile>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EmptyFile {
    pub sink: SinkSpec,
    pub schema: StoredSchema,
}

/// A schema as an Arrow IPC stream without batches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StoredSchema(Blob);

impl Default for StoredSchema {
    /// No columns.
    fn default() -> Self {
        Self(Blob::Inline(Vec::new()))
    }
}

impl StoredSchema {
    pub fn of(schema: &Schema) -> Result<Self, Box<ShuffleError>> {
        let bytes = ipc_encode(&SchemaRef::new(schema.clone()), &[])?;
        Ok(Self(Blob::Inline(bytes.to_vec())))
    }

    pub fn schema(&self) -> Result<SchemaRef, Box<ShuffleError>> {
        match &self.0 {
            Blob::Inline(bytes) => ipc_decode_schema(bytes).map_err(|error| Box::new(ShuffleError::EncodeIpc(error))),
            Blob::Stored { .. } => {
                let text = "the schema of a job is somewhere else".to_owned();
                Err(Box::new(ShuffleError::EncodeIpc(arrow::error::ArrowError::SchemaError(text))))
            }
        }
    }
}

#[cfg(test)]
impl JobSpec {
    /// A job without stages.
    pub(crate) fn for_tests(job: JobId) -> Self {
        Self {
            job,
            label: "select 1".to_owned(),
            graph: StoredGraph::default(),
            schema: StoredSchema(Blob::Inline(Vec::new())),
            function_memory_mb: 1769,
            answer_inline_bytes_max: 0,
            output: None,
        }
    }
}
