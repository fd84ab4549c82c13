//! [`StoredGraph`]: a stage graph as a job's journal keeps it, for a coordinator that takes the job over.
//!
//! Plans are kept as envelopes carry them, and read back with the codec by which a function reads them; so a graph that is
//! restored slices its stages just as the first one did.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::TaskContext;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionConfig;
use firesteel_operators::{ShuffleWriteExec, decode_plan, session_state};
use firesteel_protocol::{Blob, FilePartition, SegmentEncoding, StageId};
use serde::{Deserialize, Serialize};

use super::graph::{Leaf, Stage, StageGraph, StageOutput};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StoredGraph {
    stages: Vec<StoredStage>,
    settings: BTreeMap<String, String>,
    shuffle_target_bytes: u64,
    task_target_bytes: u64,
    function_cores: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct StoredStage {
    /// Always inline: base64 in JSON.
    plan: Blob,
    leaves: Vec<StoredLeaf>,
    /// None for the stage of the answer.
    encoding: Option<SegmentEncoding>,
    single_task: bool,
    rows_enough: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredLeaf {
    Files(Vec<FilePartition>),
    Shuffle(StageId),
    Literal,
}

impl From<&StageGraph> for StoredGraph {
    fn from(graph: &StageGraph) -> Self {
        Self {
            stages: graph.stages.iter().map(StoredStage::from).collect(),
            settings: graph.settings.clone(),
            shuffle_target_bytes: graph.shuffle_target_bytes,
            task_target_bytes: graph.task_target_bytes,
            function_cores: graph.function_cores,
        }
    }
}

impl From<&Stage> for StoredStage {
    fn from(stage: &Stage) -> Self {
        let leaf = |leaf: &Leaf| match leaf {
            Leaf::Files(partitions) => StoredLeaf::Files(partitions.clone()),
            Leaf::Shuffle(stage) => StoredLeaf::Shuffle(*stage),
            Leaf::Literal => StoredLeaf::Literal,
        };
        Self {
            plan: Blob::Inline(stage.encoded.to_vec()),
            leaves: stage.leaves.iter().map(leaf).collect(),
            encoding: match &stage.output {
                StageOutput::Shuffle { encoding, .. } => Some(*encoding),
                StageOutput::Result => None,
            },
            single_task: stage.single_task,
            rows_enough: stage.rows_enough,
        }
    }
}

impl StoredGraph {
    /// The graph again.
    pub fn restore(self) -> Result<StageGraph> {
        let context = session_state(SessionConfig::new(), Arc::new(RuntimeEnv::default())).build().task_ctx();
        let stages = self.stages.into_iter().enumerate();
        let stages = stages.map(|(id, stage)| stage.restore(StageId(id as u32), &context)).collect::<Result<_>>()?;
        Ok(StageGraph {
            stages,
            settings: self.settings,
            shuffle_target_bytes: self.shuffle_target_bytes,
            task_target_bytes: self.task_target_bytes,
            function_cores: self.function_cores,
        })
    }
}

impl StoredStage {
    fn restore(self, id: StageId, context: &TaskContext) -> Result<Stage> {
        let Blob::Inline(encoded) = self.plan else {
            return internal_err!("the plan of a stored stage is somewhere else");
        };
        let plan = decode_plan(&encoded, context)?;
        let output = match self.encoding {
            Some(encoding) => StageOutput::Shuffle { routing: routing(&plan)?, encoding },
            None => StageOutput::Result,
        };
        let leaf = |leaf| match leaf {
            StoredLeaf::Files(partitions) => Leaf::Files(partitions),
            StoredLeaf::Shuffle(stage) => Leaf::Shuffle(stage),
            StoredLeaf::Literal => Leaf::Literal,
        };
        let leaves = self.leaves.into_iter().map(leaf).collect();
        let (single_task, rows_enough) = (self.single_task, self.rows_enough);
        Ok(Stage { id, plan, encoded: Bytes::from(encoded), output, leaves, single_task, rows_enough })
    }
}

fn routing(plan: &Arc<dyn ExecutionPlan>) -> Result<firesteel_operators::WriteRouting, DataFusionError> {
    match plan.downcast_ref::<ShuffleWriteExec>() {
        Some(write) => Ok(write.routing().clone()),
        None => internal_err!("a stage with a shuffle output ends with {}", plan.name()),
    }
}
