//! Joins that have to see the whole probe side in one place: a null-aware anti join (`NOT IN`), and a nested loop join
//! that emits rows of its build side. Their probe side is gathered to one partition, so that they run in one task.

use std::fmt;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::internal_err;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{Distribution, PhysicalExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};

use super::partition_build_side::emits_build_rows;

#[derive(Debug)]
pub(crate) struct CoalesceProbe;

impl PhysicalOptimizerRule for CoalesceProbe {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            if !needs_whole_probe(node.as_ref()) {
                return Ok(Transformed::no(node));
            }
            let [build, probe] = node.children()[..] else {
                return internal_err!("{} has not two children", node.name());
            };
            let children: Vec<Arc<dyn ExecutionPlan>> =
                vec![Arc::clone(build), Arc::new(SinglePartitionExec { input: Arc::clone(probe) })];
            Arc::clone(&node)
                .replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
                .map(Transformed::yes)
        })
        .data()
    }

    fn name(&self) -> &str {
        "coalesce_probe"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn needs_whole_probe(node: &dyn ExecutionPlan) -> bool {
    if let Some(join) = node.downcast_ref::<HashJoinExec>() {
        join.null_aware
    } else if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() {
        emits_build_rows(join.join_type())
    } else {
        false
    }
}

/// Asks for its input in one partition, and is gone before the plan is encoded: it only makes DataFusion add the
/// exchange.
#[derive(Debug)]
pub(crate) struct SinglePartitionExec {
    pub(crate) input: Arc<dyn ExecutionPlan>,
}

impl DisplayAs for SinglePartitionExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SinglePartitionExec")
    }
}

impl ExecutionPlan for SinglePartitionExec {
    fn name(&self) -> &str {
        "SinglePartitionExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        vec![Distribution::SinglePartition]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self { input: children.swap_remove(0) }))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.input.execute(partition, context)
    }
}
