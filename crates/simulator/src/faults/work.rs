//! [`SimWork`]: a job whose rows are numbers that can be added up, so that a row too many or too few shows at the end.
//!
//! Each task has a number of its own, and adds to it its share of what each task wrote that it reads. What the answer's
//! tasks hold together is known beforehand.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use datafusion::common::{DataFusionError, internal_datafusion_err};
use firesteel_coordinator::{JobError, StageSpec, Work};
use firesteel_planner::{StageOutputs, TaskSlice};
use firesteel_protocol::{StageId, TaskId};
use serde::{Deserialize, Serialize};

/// Rows that each task of a simulated job gives.
pub(super) const ROWS: u64 = 10;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct SimStage {
    pub inputs: Vec<StageId>,
    pub tasks: u32,
    /// Milliseconds that a task of it computes.
    pub compute_ms: u64,
    /// A limit: no more rows than these are needed.
    pub rows_enough: Option<u64>,
}

#[derive(Debug, Clone)]
pub(super) struct SimWork {
    pub stages: Arc<Vec<SimStage>>,
    pub job: String,
    pub work_url: String,
    /// Where the answer's tasks write files of a table.
    pub staging_url: Option<String>,
}

/// What a simulated function is called with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SimEnvelope {
    pub job: String,
    pub task: TaskId,
    pub attempt: u32,
    pub compute_ms: u64,
    pub inputs: Vec<SimInput>,
    pub work_url: String,
    /// None for a task whose output others read.
    pub staging_url: Option<String>,
    pub is_answer: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SimInput {
    pub url: String,
    pub crc64: u64,
}

/// A task's own number.
pub(super) fn own_number(task: TaskId) -> u64 {
    mix((u64::from(task.stage.0) << 32) | u64::from(task.index))
}

/// What a task reads of another's number.
pub(super) fn share(number: u64, reader: TaskId) -> u64 {
    mix(number ^ own_number(reader).rotate_left(17))
}

/// SplitMix64's mixing.
fn mix(mut bits: u64) -> u64 {
    bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

impl SimWork {
    /// What the answer's tasks hold together; none with a limit, where that depends on which tasks came first.
    pub fn expected(&self) -> Option<u64> {
        let mut numbers: Vec<Vec<u64>> = Vec::new();
        for (id, stage) in self.stages.iter().enumerate() {
            if stage.rows_enough.is_some() {
                return None;
            }
            let number = |index: u32| {
                let task = TaskId { stage: StageId(id as u32), index };
                let read = stage.inputs.iter().flat_map(|input| &numbers[input.0 as usize]);
                read.fold(own_number(task), |sum, number| sum.wrapping_add(share(*number, task)))
            };
            numbers.push((0..stage.tasks).map(number).collect());
        }
        Some(numbers.last().map_or(0, |last| last.iter().fold(0, |sum, number| sum.wrapping_add(*number))))
    }

    pub fn tasks(&self) -> u64 {
        self.stages.iter().map(|stage| u64::from(stage.tasks)).sum()
    }
}

#[async_trait]
impl Work for SimWork {
    fn stages(&self) -> Vec<StageSpec> {
        let spec = |stage: &SimStage| StageSpec { inputs: stage.inputs.clone(), rows_enough: stage.rows_enough };
        self.stages.iter().map(spec).collect()
    }

    fn slice(&self, stage: StageId, _: &StageOutputs) -> Result<Vec<TaskSlice>, DataFusionError> {
        Ok(vec![TaskSlice::whole(1000); self.stages[stage.0 as usize].tasks as usize])
    }

    async fn prepare(&self, _: StageId) -> Result<(), JobError> {
        Ok(())
    }

    async fn envelope(
        &self,
        task: TaskId,
        attempt: u32,
        _: &TaskSlice,
        outputs: &StageOutputs,
    ) -> Result<Bytes, JobError> {
        let stage = &self.stages[task.stage.0 as usize];
        let mut inputs = Vec::new();
        for input in &stage.inputs {
            let failed = || internal_datafusion_err!("stage {} is read before it is complete", input);
            let written = outputs.get(input).ok_or_else(failed);
            let written = written.map_err(|source| JobError::Slice { stage: task.stage, source })?;
            inputs.extend(written.iter().filter_map(|output| {
                Some(SimInput { url: output.url.clone()?, crc64: output.segments.first()?.crc64 })
            }));
        }
        let is_answer = task.stage.0 as usize + 1 == self.stages.len();
        let envelope = SimEnvelope {
            job: self.job.clone(),
            task,
            attempt,
            compute_ms: stage.compute_ms,
            inputs,
            work_url: self.work_url.clone(),
            staging_url: self.staging_url.clone().filter(|_| is_answer),
            is_answer,
        };
        let malformed = |source| firesteel_protocol::WireError::Malformed { what: "simulated envelope", source };
        serde_json::to_vec(&envelope).map(Bytes::from).map_err(|error| JobError::Envelope(malformed(error)))
    }
}
