//! Rules over physical plans, one a file, and their place among DataFusion's.

mod coalesce_probe;
mod lambdas_apart;
mod partition_build_side;

use std::sync::Arc;

use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;

pub(crate) use coalesce_probe::SinglePartitionExec;
pub(crate) use lambdas_apart::lambdas_apart;

type Rules = Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>>;

/// DataFusion's rules for a plan that runs in one task.
///
/// The last filter push-down, that of dynamic filters, is left to the function: it runs there once, on the plan that
/// the task really executes, so that no such filter crosses the wire or a stage.
pub(crate) fn single_task_rules() -> Rules {
    PhysicalOptimizer::new().rules.into_iter().filter(|rule| rule.name() != "FilterPushdown(Post)").collect()
}

/// The rules for a plan that will be cut into stages: joins that would give wrong rows as slices are changed before
/// DataFusion adds the exchanges that they need.
pub(crate) fn distributed_rules() -> Rules {
    let mut rules = single_task_rules();
    let after = rules.iter().position(|rule| rule.name() == "join_selection").map_or(0, |at| at + 1);
    rules.insert(after, Arc::new(partition_build_side::PartitionBuildSide));
    rules.insert(after + 1, Arc::new(coalesce_probe::CoalesceProbe));
    rules
}
