//! [`Outputs`]: what tasks have written: reported, accepted, and complete for a stage.

use std::collections::HashMap;

use firesteel_planner::StageOutputs;
use firesteel_protocol::{StageId, TaskId, TaskMetrics, TaskOutput};

#[derive(Debug, Default)]
pub(crate) struct Outputs {
    /// Outputs that the scheduler has not accepted yet.
    reported: HashMap<(TaskId, u32), (TaskOutput, TaskMetrics)>,
    /// Accepted outputs of stages that are not complete.
    partial: HashMap<StageId, Vec<Option<TaskOutput>>>,
    pub complete: StageOutputs,
}

impl Outputs {
    pub fn sliced(&mut self, stage: StageId, tasks: usize) {
        self.partial.insert(stage, vec![None; tasks]);
    }

    pub fn reported(&mut self, task: TaskId, attempt: u32, output: TaskOutput, metrics: TaskMetrics) {
        self.reported.insert((task, attempt), (output, metrics));
    }

    /// Takes what an attempt reported; none if it has not.
    pub fn take_reported(&mut self, task: TaskId, attempt: u32) -> Option<(TaskOutput, TaskMetrics)> {
        self.reported.remove(&(task, attempt))
    }

    pub fn accept(&mut self, task: TaskId, output: TaskOutput) {
        if let Some(outputs) = self.complete.get_mut(&task.stage) {
            // The stage was complete before; this task ran again.
            outputs[task.index as usize] = output;
        } else if let Some(outputs) = self.partial.get_mut(&task.stage) {
            outputs[task.index as usize] = Some(output);
        }
    }

    /// A task that gave nothing, since its stage had enough, counts as one without rows.
    pub fn complete(&mut self, stage: StageId) {
        if let Some(outputs) = self.partial.remove(&stage) {
            let outputs = outputs.into_iter().map(Option::unwrap_or_default).collect();
            self.complete.insert(stage, outputs);
        }
    }

    /// The task whose accepted output is at `url`, among those that a stage reads; none if it has another by now.
    pub fn producer_of(&self, inputs: &[StageId], url: &str) -> Option<TaskId> {
        inputs.iter().find_map(|stage| {
            let stage = *stage;
            let outputs = self.complete.get(&stage)?;
            let index = outputs.iter().position(|output| output.url.as_deref() == Some(url))?;
            Some(TaskId { stage, index: index as u32 })
        })
    }
}

pub(crate) fn rows(output: &TaskOutput) -> u64 {
    output.segments.iter().map(|segment| segment.rows).sum()
}
