//! Slices a stage into tasks by the bytes that its partitions really have, and finds what each task reads.
//!
//! A task runs a run of adjacent partitions of the stage. Small ones are merged into one: for hash partitions that is
//! right on both sides of a join, since one mapping goes down to all leaves.

use std::ops::Range;
use std::sync::Arc;

use datafusion::common::{Result, internal_datafusion_err};
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use firesteel_operators::WriteRouting;
use firesteel_protocol::{FilePartition, LeafInput, Segment, SegmentEncoding, SegmentRun, TaskOutput};
use serde::{Deserialize, Serialize};

use super::graph::{Leaf, Stage, StageGraph, StageOutput, StageOutputs};
use super::shape::{PartitionShape, is_whole_side, shape};

/// The partitions of a stage that one task runs. They stay the task's own when a producer runs again, though the ranges
/// that it reads for them are others then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskSlice {
    /// All partitions as they are if `None`.
    groups: Option<Groups>,
    /// Bytes that this task reads and no other.
    pub bytes: u64,
}

/// Partitions of a plan that a task runs: each range is merged into one.
type Groups = Vec<Range<usize>>;

impl TaskSlice {
    /// All partitions of a stage as they are.
    pub fn whole(bytes: u64) -> Self {
        Self { groups: None, bytes }
    }
}

impl StageGraph {
    /// The tasks of a stage whose inputs are all complete: a pure function of the graph and their outputs.
    pub fn slice(&self, stage: &Stage, outputs: &StageOutputs) -> Result<Vec<TaskSlice>> {
        let slicer = Slicer { graph: self, stage, outputs };
        if stage.single_task {
            return Ok(vec![TaskSlice::whole(0)]);
        }
        let mut leaves = stage.leaves.iter();
        let mut failure = None;
        let shapes = shape(&stage.plan, &mut || match slicer.leaf_bytes(leaves.next()) {
            Ok(bytes) => bytes,
            Err(error) => {
                failure = Some(error);
                Vec::new()
            }
        });
        if let Some(error) = failure {
            return Err(error);
        }
        let scans = stage.leaves.iter().any(|leaf| matches!(leaf, Leaf::Files(_)));
        let target = if scans { self.task_target_bytes } else { self.shuffle_target_bytes };
        let slices = tasks_of(&shapes, target, self.function_cores).into_iter().map(|groups| {
            let bytes = groups.iter().flat_map(Range::clone).map(|partition| shapes[partition].bytes).sum();
            TaskSlice { groups: Some(groups), bytes }
        });
        Ok(slices.collect())
    }

    /// What a task reads: an input for each leaf of the stage's plan, in pre-order.
    pub fn inputs(&self, stage: &Stage, slice: &TaskSlice, outputs: &StageOutputs) -> Result<Vec<LeafInput>> {
        let slicer = Slicer { graph: self, stage, outputs };
        let mut inputs = Vec::with_capacity(stage.leaves.len());
        slicer.assign(&stage.plan, slice.groups.as_ref(), &mut inputs)?;
        Ok(inputs)
    }
}

/// Adjacent partitions up to `target` bytes make a task, which runs them as up to `cores` partitions.
fn tasks_of(shapes: &[PartitionShape], target: u64, cores: usize) -> Vec<Groups> {
    let core_target = (target / cores as u64).max(1);
    let mut groups: Groups = Vec::new();
    let mut group_bytes = 0;
    for (partition, shape) in shapes.iter().enumerate() {
        let fits =
            partition > 0 && shapes[partition - 1].branch == shape.branch && group_bytes + shape.bytes <= core_target;
        match groups.last_mut() {
            Some(group) if fits => {
                group.end = partition + 1;
                group_bytes += shape.bytes;
            }
            _ => {
                groups.push(partition..partition + 1);
                group_bytes = shape.bytes;
            }
        }
    }
    groups.chunks(cores).map(<[Range<usize>]>::to_vec).collect()
}

struct Slicer<'a> {
    graph: &'a StageGraph,
    stage: &'a Stage,
    outputs: &'a StageOutputs,
}

impl Slicer<'_> {
    fn leaf_bytes(&self, leaf: Option<&Leaf>) -> Result<Vec<u64>> {
        match leaf {
            Some(Leaf::Files(partitions)) => Ok(partitions.iter().map(|partition| partition.bytes).collect()),
            Some(Leaf::Literal) => Ok(vec![0]),
            Some(Leaf::Shuffle(producer)) => {
                let (routing, _) = self.exchange(*producer)?;
                let partitions = match routing {
                    WriteRouting::Hash { partitions, .. } => *partitions,
                    // One partition, or runs that are all needed whole.
                    WriteRouting::Gather | WriteRouting::Runs => 1,
                };
                let mut bytes = vec![0; partitions];
                for segment in self.producers(*producer)?.iter().flat_map(|output| &output.segments) {
                    let partition = if partitions == 1 { 0 } else { segment.partition as usize };
                    bytes[partition] += segment.bytes;
                }
                Ok(bytes)
            }
            None => Err(internal_datafusion_err!("stage {} has more leaves than it lists", self.stage.id)),
        }
    }

    /// Adds what the leaves of `plan` read for these of its partitions; for all as they are if `None`.
    fn assign(
        &self,
        plan: &Arc<dyn ExecutionPlan>,
        groups: Option<&Groups>,
        inputs: &mut Vec<LeafInput>,
    ) -> Result<()> {
        let children = plan.children();
        if children.is_empty() {
            let leaf = self.stage.leaves.get(inputs.len());
            let leaf = leaf.ok_or_else(|| internal_datafusion_err!("stage {} lists too few leaves", self.stage.id))?;
            inputs.push(self.leaf_input(leaf, groups)?);
            return Ok(());
        }
        let nothing = Groups::new();
        let mut offset = 0;
        for (index, child) in children.into_iter().enumerate() {
            match groups {
                Some(groups) if groups.is_empty() => self.assign(child, Some(&nothing), inputs)?,
                Some(groups) if plan.is::<UnionExec>() => {
                    let partitions = child.output_partitioning().partition_count();
                    let own = offset..offset + partitions;
                    let within: Groups = groups
                        .iter()
                        .filter(|group| own.contains(&group.start))
                        .map(|group| group.start - offset..group.end - offset)
                        .collect();
                    offset += partitions;
                    self.assign(child, Some(&within), inputs)?;
                }
                Some(groups) if !is_whole_side(plan.as_ref(), index) => self.assign(child, Some(groups), inputs)?,
                _ => self.assign(child, None, inputs)?,
            }
        }
        Ok(())
    }

    fn leaf_input(&self, leaf: &Leaf, groups: Option<&Groups>) -> Result<LeafInput> {
        match leaf {
            Leaf::Literal => Ok(LeafInput::Literal),
            Leaf::Files(partitions) => Ok(LeafInput::Files(match groups {
                None => partitions.clone(),
                Some(groups) => groups.iter().map(|group| merge_files(&partitions[group.clone()])).collect(),
            })),
            Leaf::Shuffle(producer) => {
                let (routing, encoding) = self.exchange(*producer)?;
                let producers = self.producers(*producer)?;
                Ok(match (routing, groups) {
                    (_, Some(groups)) if groups.is_empty() => shuffle_input(0, encoding, Vec::new()),
                    (WriteRouting::Hash { .. }, Some(groups)) => hash_input(producers, groups, encoding),
                    (WriteRouting::Hash { partitions, .. }, None) => {
                        let all: Groups = (0..*partitions).map(|partition| partition..partition + 1).collect();
                        hash_input(producers, &all, encoding)
                    }
                    (WriteRouting::Gather, _) => gather_input(producers, encoding),
                    (WriteRouting::Runs, _) => runs_input(producers, encoding),
                })
            }
        }
    }

    fn exchange(&self, producer: firesteel_protocol::StageId) -> Result<(&WriteRouting, SegmentEncoding)> {
        match self.graph.stage(producer).map(|stage| &stage.output) {
            Some(StageOutput::Shuffle { routing, encoding }) => Ok((routing, *encoding)),
            _ => {
                Err(internal_datafusion_err!("stage {} reads stage {producer}, which writes no shuffle", self.stage.id))
            }
        }
    }

    fn producers(&self, producer: firesteel_protocol::StageId) -> Result<&[TaskOutput]> {
        self.outputs.get(&producer).map(Vec::as_slice).ok_or_else(|| {
            internal_datafusion_err!("stage {} is sliced before stage {producer} is complete", self.stage.id)
        })
    }
}

/// Several scan partitions as one. Encoded lists of files are repeated protobuf fields, so that one after the other
/// they are the encoding of one list.
fn merge_files(partitions: &[FilePartition]) -> FilePartition {
    FilePartition {
        encoded: partitions.iter().flat_map(|partition| partition.encoded.iter().copied()).collect(),
        bytes: partitions.iter().map(|partition| partition.bytes).sum(),
    }
}

fn shuffle_input(partitions: usize, encoding: SegmentEncoding, runs: Vec<SegmentRun>) -> LeafInput {
    LeafInput::Shuffle { partitions: partitions as u32, encoding, runs }
}

/// Of each producer, the adjacent segments of the groups' partitions; group i is partition i of the leaf.
fn hash_input(producers: &[TaskOutput], groups: &Groups, encoding: SegmentEncoding) -> LeafInput {
    let own = |segment: &Segment| {
        let partition = segment.partition as usize;
        let group = groups.partition_point(|group| group.end <= partition);
        groups.get(group).filter(|range| range.contains(&partition))?;
        Some(Segment { partition: group as u32, ..*segment })
    };
    let first = groups.first().map_or(0, |group| group.start);
    let end = groups.last().map_or(0, |group| group.end);
    let runs = producers.iter().filter_map(|output| {
        // Segments are partition-major: those of the groups lie together.
        let from = output.segments.partition_point(|segment| (segment.partition as usize) < first);
        let to = output.segments.partition_point(|segment| (segment.partition as usize) < end);
        run(output, output.segments[from..to].iter().filter_map(own).collect())
    });
    shuffle_input(groups.len(), encoding, runs.collect())
}

fn gather_input(producers: &[TaskOutput], encoding: SegmentEncoding) -> LeafInput {
    let first = |segment: &Segment| Segment { partition: 0, ..*segment };
    let runs = producers.iter().filter_map(|output| run(output, output.segments.iter().map(first).collect()));
    shuffle_input(1, encoding, runs.collect())
}

/// Every partition of every producer becomes a partition of the leaf; with no rows at all there is one empty one.
fn runs_input(producers: &[TaskOutput], encoding: SegmentEncoding) -> LeafInput {
    let mut partitions = 0;
    let mut runs = Vec::new();
    for output in producers {
        let mut before = None;
        let mut segments = Vec::with_capacity(output.segments.len());
        for segment in &output.segments {
            if before.replace(segment.partition) != Some(segment.partition) {
                partitions += 1;
            }
            segments.push(Segment { partition: partitions - 1, ..*segment });
        }
        runs.extend(run(output, segments));
    }
    shuffle_input(partitions.max(1) as usize, encoding, runs)
}

fn run(output: &TaskOutput, segments: Vec<Segment>) -> Option<SegmentRun> {
    let url = output.url.clone()?;
    (!segments.is_empty()).then_some(SegmentRun { url, segments })
}
