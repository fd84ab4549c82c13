//! A hash join that collects its build side and also emits rows of it would emit them once for each task. Such a join
//! is partitioned by its keys instead.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{JoinType, Result};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};

#[derive(Debug)]
pub(crate) struct PartitionBuildSide;

impl PhysicalOptimizerRule for PartitionBuildSide {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| match node.downcast_ref::<HashJoinExec>() {
            Some(join)
                if *join.partition_mode() != PartitionMode::Partitioned
                    && emits_build_rows(join.join_type())
                    && !join.null_aware =>
            {
                join.builder().with_partition_mode(PartitionMode::Partitioned).build_exec().map(Transformed::yes)
            }
            _ => Ok(Transformed::no(node)),
        })
        .data()
    }

    fn name(&self) -> &str {
        "partition_build_side"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Whether rows of the left, collected, side come out by themselves, matched or not.
pub(super) fn emits_build_rows(join_type: &JoinType) -> bool {
    match join_type {
        JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark | JoinType::Full => true,
        JoinType::Inner | JoinType::Right | JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => false,
    }
}
