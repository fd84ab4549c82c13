//! [`StageGraph`]: what the coordinator runs.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use datafusion::physical_plan::ExecutionPlan;
use firesteel_operators::WriteRouting;
use firesteel_protocol::{FilePartition, SegmentEncoding, StageId, TaskOutput};

/// The stages of a query; producers come before their consumers and the last one gives the answer.
#[derive(Debug, Clone)]
pub struct StageGraph {
    pub stages: Vec<Stage>,
    /// DataFusion options that tasks run under.
    pub settings: BTreeMap<String, String>,
    /// Shuffle bytes that one task should read.
    pub shuffle_target_bytes: u64,
    /// Input bytes that one task should scan.
    pub task_target_bytes: u64,
    /// Partitions that a task runs side by side: a function's cores.
    pub function_cores: usize,
}

/// One plan that many tasks run, each on a slice of its partitions.
#[derive(Debug, Clone)]
pub struct Stage {
    pub id: StageId,
    pub plan: Arc<dyn ExecutionPlan>,
    /// The plan as envelopes carry it, without the files of its scans.
    pub encoded: Bytes,
    pub output: StageOutput,
    /// What the plan's leaves read, in pre-order.
    pub leaves: Vec<Leaf>,
    /// The whole plan runs in one task, exchanges and all.
    pub single_task: bool,
    /// A limit above needs no more rows of this stage than these, whichever they are.
    pub rows_enough: Option<u64>,
}

/// Where a stage's rows go.
#[derive(Debug, Clone)]
pub enum StageOutput {
    Shuffle {
        routing: WriteRouting,
        encoding: SegmentEncoding,
    },
    /// Rows of the query's answer.
    Result,
}

/// What a leaf of a stage's plan reads.
#[derive(Debug, Clone)]
pub enum Leaf {
    Files(Vec<FilePartition>),
    Shuffle(StageId),
    /// Rows that are in the plan itself.
    Literal,
}

/// The accepted outputs of finished stages, each in the order of its tasks.
pub type StageOutputs = HashMap<StageId, Vec<TaskOutput>>;

impl StageGraph {
    pub fn stage(&self, id: StageId) -> Option<&Stage> {
        self.stages.get(id.0 as usize)
    }

    /// The stage whose rows are the query's answer.
    pub fn result_stage(&self) -> Option<&Stage> {
        self.stages.last()
    }
}

impl Stage {
    /// The stages that have to be complete before this one starts.
    pub fn inputs(&self) -> Vec<StageId> {
        let mut inputs: Vec<StageId> = self
            .leaves
            .iter()
            .filter_map(|leaf| match leaf {
                Leaf::Shuffle(stage) => Some(*stage),
                Leaf::Files(_) | Leaf::Literal => None,
            })
            .collect();
        inputs.sort_unstable();
        inputs.dedup();
        inputs
    }
}
