//! How the partitions of a stage's plan come from those of its leaves: the algebra that slicing rests on.
//!
//! Each operator is of one of these kinds: its partition i needs partition i of a child (most), it needs a child whole
//! (the build side of a collecting join, what is gathered or merged, a scalar subquery), or its partitions are those
//! of its children one after the other (union).

use std::sync::Arc;

use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec, PartitionMode};
use datafusion::physical_plan::scalar_subquery::ScalarSubqueryExec;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

/// What is known of one partition of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PartitionShape {
    /// Input bytes that only this partition reads.
    pub bytes: u64,
    /// Partitions of different branches, which differ in the child of a union that they come from, can't be merged.
    pub branch: u32,
}

/// Whether any partition of `plan` needs all of its child number `child`.
pub(super) fn is_whole_side(plan: &dyn ExecutionPlan, child: usize) -> bool {
    if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
        return child == 0 && *join.partition_mode() != PartitionMode::Partitioned;
    }
    if plan.is::<CrossJoinExec>() || plan.is::<NestedLoopJoinExec>() {
        return child == 0;
    }
    if plan.is::<ScalarSubqueryExec>() {
        return child > 0;
    }
    if plan.is::<UnionExec>() {
        return false;
    }
    // What has fewer partitions than its child gathers or merges them.
    let own = plan.properties().output_partitioning().partition_count();
    let below = plan.children()[child].output_partitioning().partition_count();
    own != below
}

/// The shape of each partition; `leaf_bytes` gives those of the leaves, in pre-order.
pub(super) fn shape(plan: &Arc<dyn ExecutionPlan>, leaf_bytes: &mut impl FnMut() -> Vec<u64>) -> Vec<PartitionShape> {
    let children = plan.children();
    if children.is_empty() {
        return leaf_bytes().into_iter().map(|bytes| PartitionShape { bytes, branch: 0 }).collect();
    }
    let shapes: Vec<Vec<PartitionShape>> = children.into_iter().map(|child| shape(child, leaf_bytes)).collect();
    if plan.is::<UnionExec>() {
        return concat(shapes);
    }
    let mut own: Option<Vec<PartitionShape>> = None;
    for (index, child) in shapes.into_iter().enumerate() {
        if !is_whole_side(plan.as_ref(), index) {
            own = Some(match own {
                None => child,
                Some(own) => zip(own, child),
            });
        }
    }
    // A partition whose children are all needed whole is the only one.
    own.unwrap_or_else(|| vec![PartitionShape { bytes: 0, branch: 0 }])
}

fn concat(children: Vec<Vec<PartitionShape>>) -> Vec<PartitionShape> {
    let mut all = Vec::new();
    let mut next_branch = 0;
    for child in children {
        let base = next_branch;
        for partition in child {
            let branch = base + partition.branch;
            next_branch = next_branch.max(branch + 1);
            all.push(PartitionShape { bytes: partition.bytes, branch });
        }
    }
    all
}

/// Partition i of both: a new branch begins wherever one begins on either side.
fn zip(left: Vec<PartitionShape>, right: Vec<PartitionShape>) -> Vec<PartitionShape> {
    let mut branch = 0;
    let mut before: Option<(u32, u32)> = None;
    left.into_iter()
        .zip(right)
        .map(|(left, right)| {
            let branches = (left.branch, right.branch);
            if before.is_some_and(|before| before != branches) {
                branch += 1;
            }
            before = Some(branches);
            PartitionShape { bytes: left.bytes + right.bytes, branch }
        })
        .collect()
}
