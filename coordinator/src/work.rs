//! [`Work`]: what a job consists of, as far as driving it goes; and [`GraphWork`], the stages of a query.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use datafusion::common::{DataFusionError, internal_datafusion_err};
use firesteel_planner::{StageGraph, StageOutputs, TaskSlice};
use firesteel_protocol::{Blob, StageId, TaskId};
use parking_lot::Mutex;

use crate::envelope::EnvelopeMaker;
use crate::{JobError, StageSpec};

/// Stages, their tasks, and what a function is called with. The simulator has another than a query's.
#[async_trait]
pub trait Work: Debug + Send + Sync {
    /// Producers come before their consumers; the last stage gives the answer.
    fn stages(&self) -> Vec<StageSpec>;

    /// The tasks of a stage whose inputs are complete.
    fn slice(&self, stage: StageId, outputs: &StageOutputs) -> Result<Vec<TaskSlice>, DataFusionError>;

    /// Comes before the first envelope of a stage.
    async fn prepare(&self, stage: StageId) -> Result<(), JobError>;

    /// The payload of one attempt.
    async fn envelope(
        &self,
        task: TaskId,
        attempt: u32,
        slice: &TaskSlice,
        outputs: &StageOutputs,
    ) -> Result<Bytes, JobError>;
}

/// The stages of a planned query.
#[derive(Debug)]
pub(crate) struct GraphWork {
    graph: Arc<StageGraph>,
    maker: EnvelopeMaker,
    plans: Mutex<HashMap<StageId, Blob>>,
}

impl GraphWork {
    pub fn new(graph: Arc<StageGraph>, maker: EnvelopeMaker) -> Self {
        Self { graph, maker, plans: Mutex::default() }
    }
}

#[async_trait]
impl Work for GraphWork {
    fn stages(&self) -> Vec<StageSpec> {
        let stages = self.graph.stages.iter();
        stages.map(|stage| StageSpec { inputs: stage.inputs(), rows_enough: stage.rows_enough }).collect()
    }

    fn slice(&self, stage: StageId, outputs: &StageOutputs) -> Result<Vec<TaskSlice>, DataFusionError> {
        self.graph.slice(&self.graph.stages[stage.0 as usize], outputs)
    }

    async fn prepare(&self, stage: StageId) -> Result<(), JobError> {
        let plan = self.maker.plan(&self.graph.stages[stage.0 as usize]).await?;
        self.plans.lock().insert(stage, plan);
        Ok(())
    }

    async fn envelope(
        &self,
        task: TaskId,
        attempt: u32,
        slice: &TaskSlice,
        outputs: &StageOutputs,
    ) -> Result<Bytes, JobError> {
        let failed = |source| JobError::Slice { stage: task.stage, source };
        let stage = &self.graph.stages[task.stage.0 as usize];
        let plan = self.plans.lock().get(&task.stage).cloned();
        let plan = plan.ok_or_else(|| failed(internal_datafusion_err!("its plan is not prepared")))?;
        let inputs = self.graph.inputs(stage, slice, outputs).map_err(failed)?;
        self.maker.envelope(&self.graph, stage, plan, &inputs, task, attempt).await
    }
}
