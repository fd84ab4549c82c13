//! [`ShuffleWriteExec`]: the root of a stage whose rows go to other stages. It says how rows are routed to partitions;
//! the function does the writing, since one object holds all of a task's partitions (SHUFFLE-1).

use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::execution_plan::{
    ChildrenPropertiesMode, ReplaceChildrenOptions, apply_expression_roots,
};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};

/// Which partition of the exchange a row goes to.
#[derive(Debug, Clone)]
pub enum WriteRouting {
    /// By DataFusion's repartition hash of these expressions.
    Hash { exprs: Vec<Arc<dyn PhysicalExpr>>, partitions: usize },
    /// All rows to the one partition.
    Gather,
    /// To the partition of the input that it came from, in its order: each is a sorted run.
    Runs,
}

#[derive(Debug, Clone)]
pub struct ShuffleWriteExec {
    input: Arc<dyn ExecutionPlan>,
    routing: WriteRouting,
}

impl ShuffleWriteExec {
    pub fn new(input: Arc<dyn ExecutionPlan>, routing: WriteRouting) -> Self {
        Self { input, routing }
    }

    pub fn input(&self) -> &Arc<dyn ExecutionPlan> {
        &self.input
    }

    pub fn routing(&self) -> &WriteRouting {
        &self.routing
    }

    /// How many partitions the written object has, given how many of the input's this task runs.
    pub fn partitions(&self) -> usize {
        match &self.routing {
            WriteRouting::Hash { partitions, .. } => *partitions,
            WriteRouting::Gather => 1,
            WriteRouting::Runs => self.input.properties().partitioning.partition_count(),
        }
    }
}

impl DisplayAs for ShuffleWriteExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.routing {
            WriteRouting::Hash { exprs, partitions } => {
                let exprs: Vec<String> = exprs.iter().map(ToString::to_string).collect();
                write!(f, "ShuffleWriteExec: hash=[{}], partitions={partitions}", exprs.join(", "))
            }
            WriteRouting::Gather => write!(f, "ShuffleWriteExec: gather"),
            WriteRouting::Runs => write!(f, "ShuffleWriteExec: runs"),
        }
    }
}

impl ExecutionPlan for ShuffleWriteExec {
    fn name(&self) -> &str {
        "ShuffleWriteExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self { input: children.swap_remove(0), routing: self.routing.clone() }))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        match &self.routing {
            WriteRouting::Hash { exprs, .. } => apply_expression_roots(exprs, f),
            WriteRouting::Gather | WriteRouting::Runs => Ok(TreeNodeRecursion::Continue),
        }
    }

    fn execute(&self, _: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        internal_err!("ShuffleWriteExec has no rows of its own: the function writes its input's")
    }
}
