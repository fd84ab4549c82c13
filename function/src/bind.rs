//! Binds a stage's plan to one task: each leaf gets the files or ranges of the task's slice.
//!
//! Leaves are numbered in pre-order, on the planner's side as on this one.

use std::sync::Arc;

use datafusion::common::{Result, internal_err};
use datafusion::datasource::physical_plan::{FileScanConfig, FileScanConfigBuilder};
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use firesteel_operators::{FileWriteExec, ShuffleReadExec, ShuffleSource, decode_file_partition};
use firesteel_protocol::LeafInput;
use firesteel_storage::Storage;

/// The plan with its leaves bound to `inputs`. It is an error if the two don't match.
pub(crate) fn bind(
    plan: Arc<dyn ExecutionPlan>,
    inputs: Vec<LeafInput>,
    storage: &Storage,
    batch_rows: usize,
) -> Result<Arc<dyn ExecutionPlan>> {
    let mut inputs = inputs.into_iter();
    let bound = bind_node(plan, &mut inputs, storage, batch_rows)?;
    match inputs.next() {
        None => Ok(bound),
        Some(_) => internal_err!("the envelope has inputs for more leaves than the plan has"),
    }
}

fn bind_node(
    plan: Arc<dyn ExecutionPlan>,
    inputs: &mut impl Iterator<Item = LeafInput>,
    storage: &Storage,
    batch_rows: usize,
) -> Result<Arc<dyn ExecutionPlan>> {
    let children = plan.children();
    if children.is_empty() {
        let Some(input) = inputs.next() else {
            return internal_err!("the envelope has no input for the leaf {}", plan.name());
        };
        return bind_leaf(plan, input, storage, batch_rows);
    }
    let children = children
        .into_iter()
        .map(|child| bind_node(Arc::clone(child), inputs, storage, batch_rows))
        .collect::<Result<Vec<_>>>()?;
    let plan = plan.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))?;
    Ok(match plan.downcast_ref::<FileWriteExec>() {
        Some(write) => Arc::new(write.bind(storage.clone())),
        None => plan,
    })
}

fn bind_leaf(
    plan: Arc<dyn ExecutionPlan>,
    input: LeafInput,
    storage: &Storage,
    batch_rows: usize,
) -> Result<Arc<dyn ExecutionPlan>> {
    match input {
        LeafInput::Literal => Ok(plan),
        LeafInput::Files(partitions) => {
            let Some(scan) = plan.downcast_ref::<DataSourceExec>() else {
                return internal_err!("the envelope has files for the leaf {}", plan.name());
            };
            let Some(config) = scan.data_source().downcast_ref::<FileScanConfig>() else {
                return internal_err!("the envelope has files for a scan of no files");
            };
            let groups = partitions
                .iter()
                .map(|partition| decode_file_partition(&partition.encoded))
                .collect::<Result<Vec<_>>>()?;
            let config = FileScanConfigBuilder::from(config.clone()).with_file_groups(groups).build();
            Ok(DataSourceExec::from_data_source(config))
        }
        LeafInput::Shuffle { partitions, encoding, runs } => {
            let Some(read) = plan.downcast_ref::<ShuffleReadExec>() else {
                return internal_err!("the envelope has shuffle ranges for the leaf {}", plan.name());
            };
            let partitions = partitions as usize;
            Ok(Arc::new(read.bind(ShuffleSource { storage: storage.clone(), encoding, batch_rows, partitions, runs })))
        }
    }
}
