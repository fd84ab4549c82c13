//! Makes the envelopes of a stage's tasks; what is too long to travel goes to the store (TASK-3).

use bytes::Bytes;
use firesteel_planner::{Stage, StageGraph, StageOutput};
use firesteel_protocol::{Blob, Inputs, JobId, LeafInput, OutputSpec, TaskEnvelope, TaskId, WIRE_VERSION};
use firesteel_storage::{Storage, crc64};

use crate::JobError;
use crate::patience::patiently;

/// A plan up to this size travels in each envelope; a larger one is written once and fetched once per sandbox.
const PLAN_INLINE_BYTES_MAX: usize = 64 * 1024;
/// JSON of inputs beyond this goes to the store: with the plan it stays well under the 6 MB of a call.
const INPUTS_INLINE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What all envelopes of a job share.
#[derive(Debug, Clone)]
pub(crate) struct EnvelopeMaker {
    pub job: JobId,
    /// The job's folder.
    pub work_url: String,
    pub storage: Storage,
    pub answer_inline_bytes_max: u64,
}

impl EnvelopeMaker {
    /// The stage's plan as its envelopes refer to it.
    pub(crate) async fn plan(&self, stage: &Stage) -> Result<Blob, JobError> {
        if stage.encoded.len() <= PLAN_INLINE_BYTES_MAX {
            return Ok(Blob::Inline(stage.encoded.to_vec()));
        }
        self.store(format!("{}/stage-{}/plan", self.work_url, stage.id), stage.encoded.clone()).await
    }

    /// The envelope of one attempt.
    pub(crate) async fn envelope(
        &self,
        graph: &StageGraph,
        stage: &Stage,
        plan: Blob,
        inputs: &[LeafInput],
        task: TaskId,
        attempt: u32,
    ) -> Result<Bytes, JobError> {
        let output = match &stage.output {
            StageOutput::Shuffle { encoding, .. } => OutputSpec::Shuffle { encoding: *encoding },
            StageOutput::Result => OutputSpec::Result { inline_bytes_max: self.answer_inline_bytes_max },
        };
        let envelope = TaskEnvelope {
            version: WIRE_VERSION,
            job: self.job.clone(),
            task,
            attempt,
            plan,
            inputs: self.inputs(task, attempt, inputs).await?,
            output,
            work_url: self.work_url.clone(),
            settings: graph.settings.clone(),
        };
        envelope.encode().map(Bytes::from).map_err(JobError::Envelope)
    }

    async fn inputs(&self, task: TaskId, attempt: u32, inputs: &[LeafInput]) -> Result<Inputs, JobError> {
        if approximate_bytes(inputs) <= INPUTS_INLINE_BYTES_MAX {
            return Ok(Inputs::Inline(inputs.to_vec()));
        }
        let json = serde_json::to_vec(inputs).map_err(|source| {
            JobError::Envelope(firesteel_protocol::WireError::Malformed { what: "task inputs", source })
        })?;
        let url = format!("{}/stage-{}/task-{}/attempt-{attempt}.inputs", self.work_url, task.stage, task.index);
        self.store(url, json.into()).await.map(Inputs::Stored)
    }

    async fn store(&self, url: String, bytes: Bytes) -> Result<Blob, JobError> {
        let blob = Blob::Stored { url: url.clone(), bytes: bytes.len() as u64, crc64: crc64(&bytes) };
        let put = patiently(|| self.storage.put(&url, bytes.clone())).await;
        put.map_err(|source| JobError::Store { url, source: Box::new(source) })?;
        Ok(blob)
    }
}

/// An upper estimate of the inputs' length as JSON, without making it.
fn approximate_bytes(inputs: &[LeafInput]) -> usize {
    const SEGMENT: usize = 96;
    inputs
        .iter()
        .map(|input| match input {
            LeafInput::Literal => 16,
            LeafInput::Files(partitions) => {
                partitions.iter().map(|partition| partition.encoded.len() * 4 / 3 + 64).sum::<usize>()
            }
            LeafInput::Shuffle { runs, .. } => {
                runs.iter().map(|run| run.url.len() + 32 + run.segments.len() * SEGMENT).sum::<usize>() + 64
            }
        })
        .sum()
}
