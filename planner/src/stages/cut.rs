//! Cuts a physical plan into stages. Every exchange becomes an end of one stage, a [`ShuffleWriteExec`], and a leaf of
//! another, a [`ShuffleReadExec`].
//!
//! What is an exchange: a hash repartitioning; partitions that are gathered into one, in order or not; the build side
//! of a join that every task needs whole, unless reading it again in each task is cheaper; a scalar subquery; and a
//! branch of a union whose rows are in the plan itself, since a task could not leave it out.

use std::sync::Arc;

use bytes::Bytes;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, internal_err, not_impl_err};
use datafusion::datasource::physical_plan::{FileGroup, FileGroupPartitioner, FileScanConfig, FileScanConfigBuilder};
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_expr::scalar_subquery::ScalarSubqueryExpr;
use datafusion::physical_expr::{LexOrdering, Partitioning};
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec, PartitionMode};
use datafusion::physical_plan::limit::LocalLimitExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::scalar_subquery::{ScalarSubqueryExec, ScalarSubqueryLink};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use firesteel_operators::{ShuffleReadExec, ShuffleWriteExec, WriteRouting, encode_file_partition, encode_plan};
use firesteel_protocol::{FilePartition, SegmentEncoding, StageId};
use firesteel_shuffle::encoding_for;

use super::graph::{Leaf, Stage, StageOutput};
use super::shape::is_whole_side;
use crate::rules::SinglePartitionExec;

/// A build side of plain scans up to this size is read again by every task: that costs less than a stage.
const REREAD_BYTES_MAX: u64 = 1024 * 1024;

#[derive(Debug, Clone)]
pub(crate) struct CutOptions {
    pub task_target_bytes: u64,
    pub function_cores: usize,
    pub encoding: SegmentEncoding,
}

/// The stages of a plan that was made with `distributed_rules`; the last is the answer's.
pub(crate) fn cut(plan: Arc<dyn ExecutionPlan>, options: CutOptions) -> Result<Vec<Stage>> {
    let mut cutter = Cutter { options, stages: Vec::new(), scopes: Vec::new() };
    let plan = cutter.cut_below(plan)?;
    cutter.add_stage(plan, StageOutput::Result, false)?;
    Ok(cutter.stages)
}

/// The whole plan as one stage of one task.
pub(crate) fn single_stage(plan: Arc<dyn ExecutionPlan>) -> Result<Vec<Stage>> {
    let options = CutOptions { task_target_bytes: 0, function_cores: 1, encoding: SegmentEncoding::default() };
    let mut cutter = Cutter { options, stages: Vec::new(), scopes: Vec::new() };
    cutter.add_stage(plan, StageOutput::Result, true)?;
    Ok(cutter.stages)
}

/// Compressed bytes that the scans of a plan cover.
pub(crate) fn scan_bytes(plan: &Arc<dyn ExecutionPlan>) -> u64 {
    let own = file_scan(plan.as_ref()).map_or(0, |config| config.file_groups.iter().map(group_bytes).sum());
    own + plan.children().into_iter().map(scan_bytes).sum::<u64>()
}

struct Cutter {
    options: CutOptions,
    stages: Vec<Stage>,
    /// The scalar subqueries in whose reach the plan at hand is, innermost last.
    scopes: Vec<ScalarScope>,
}

#[derive(Clone)]
struct ScalarScope {
    links: Vec<ScalarSubqueryLink>,
    of: Arc<ScalarSubqueryExec>,
}

impl Cutter {
    /// The plan with everything below its exchanges moved to stages of their own.
    fn cut_below(&mut self, plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        if let Some(marker) = plan.downcast_ref::<SinglePartitionExec>() {
            return self.cut_below(Arc::clone(&marker.input));
        }
        if let Some(subqueries) = plan.downcast_ref::<ScalarSubqueryExec>() {
            return self.cut_scalar_subqueries(subqueries);
        }
        if plan.children().is_empty() {
            return self.regroup_files(plan);
        }
        let children =
            plan.children().into_iter().map(|child| self.cut_below(Arc::clone(child))).collect::<Result<Vec<_>>>()?;
        let children = if plan.is::<UnionExec>() { self.cut_literal_branches(children)? } else { children };
        let children = if is_collecting_join(plan.as_ref()) { self.cut_build_side(children)? } else { children };
        let plan = plan.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))?;
        self.cut_here(plan)
    }

    fn cut_here(&mut self, plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        if let Some(repartition) = plan.downcast_ref::<RepartitionExec>() {
            return self.cut_repartition(repartition);
        }
        if let Some(gather) = plan.downcast_ref::<CoalescePartitionsExec>() {
            let input = Arc::clone(gather.input());
            if input.output_partitioning().partition_count() == 1 {
                return Ok(match gather.fetch() {
                    Some(_) => plan,
                    None => input,
                });
            }
            let input = match gather.fetch() {
                Some(fetch) => Arc::new(LocalLimitExec::new(input, fetch)),
                None => input,
            };
            let read = self.gather(input)?;
            if let (Some(fetch), Some(stage)) = (gather.fetch(), self.stages.last_mut()) {
                stage.rows_enough = Some(fetch as u64);
            }
            return match gather.fetch() {
                Some(fetch) => Ok(Arc::new(CoalescePartitionsExec::new(read).with_fetch(Some(fetch)))),
                None => Ok(read),
            };
        }
        if let Some(merge) = plan.downcast_ref::<SortPreservingMergeExec>() {
            let input = Arc::clone(merge.input());
            if input.output_partitioning().partition_count() == 1 {
                return Ok(plan);
            }
            let read = self.runs(input, Some(merge.expr().clone()))?;
            return plan.replace_children(vec![read], ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute));
        }
        Ok(plan)
    }

    fn cut_repartition(&mut self, repartition: &RepartitionExec) -> Result<Arc<dyn ExecutionPlan>> {
        let input = Arc::clone(repartition.input());
        let Partitioning::Hash(exprs, partitions) = repartition.partitioning() else {
            // Spreading rows evenly is for cores of one machine; tasks are sized by bytes.
            return Ok(input);
        };
        if exprs.iter().any(has_scalar_subquery) {
            return not_impl_err!("a scalar subquery as a join or grouping key");
        }
        let ordering = if repartition.preserve_order() { input.output_ordering().cloned() } else { None };
        let schema = input.schema();
        let routing = WriteRouting::Hash { exprs: exprs.clone(), partitions: *partitions };
        let stage = self.shuffle_stage(input, routing)?;
        let exchange = Partitioning::Hash(exprs.clone(), *partitions);
        let read: Arc<dyn ExecutionPlan> = Arc::new(ShuffleReadExec::new(stage, schema, exchange, None));
        Ok(match ordering {
            // Rows of several producers come one after the other: sort them again.
            Some(ordering) => Arc::new(SortExec::new(ordering, read).with_preserve_partitioning(true)),
            None => read,
        })
    }

    /// All partitions of `input` as one.
    fn gather(&mut self, input: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = input.schema();
        let stage = self.shuffle_stage(input, WriteRouting::Gather)?;
        Ok(Arc::new(ShuffleReadExec::new(stage, schema, Partitioning::UnknownPartitioning(1), None)))
    }

    /// Each partition of `input` by itself, in its order.
    fn runs(&mut self, input: Arc<dyn ExecutionPlan>, ordering: Option<LexOrdering>) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = input.schema();
        let partitions = input.output_partitioning().partition_count();
        let stage = self.shuffle_stage(input, WriteRouting::Runs)?;
        let exchange = Partitioning::UnknownPartitioning(partitions);
        Ok(Arc::new(ShuffleReadExec::new(stage, schema, exchange, ordering)))
    }

    /// The build side is needed whole by every task: it becomes a stage, so that it is computed once, unless there is
    /// but one task, or it is a read that each task can as well do itself.
    fn cut_build_side(&mut self, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Vec<Arc<dyn ExecutionPlan>>> {
        let probe_partitions = children[1].output_partitioning().partition_count();
        if probe_partitions > 1 && !is_cheap_read(&children[0]) {
            children[0] = self.gather(Arc::clone(&children[0]))?;
        }
        Ok(children)
    }

    fn cut_literal_branches(&mut self, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Vec<Arc<dyn ExecutionPlan>>> {
        children
            .into_iter()
            .map(|child| if has_literal_leaf(&child) { self.gather(child) } else { Ok(child) })
            .collect()
    }

    fn cut_scalar_subqueries(&mut self, plan: &ScalarSubqueryExec) -> Result<Arc<dyn ExecutionPlan>> {
        let mut links = Vec::new();
        for link in plan.subqueries() {
            let subquery = self.cut_below(Arc::clone(&link.plan))?;
            links.push(ScalarSubqueryLink { plan: self.gather(subquery)?, index: link.index });
        }
        let of = ScalarSubqueryExec::new(Arc::clone(plan.input()), links.clone(), plan.results().clone());
        self.scopes.push(ScalarScope { links: links.clone(), of: Arc::new(of) });
        let input = self.cut_below(Arc::clone(plan.input()));
        self.scopes.pop();
        Ok(Arc::new(ScalarSubqueryExec::new(input?, links, plan.results().clone())))
    }

    /// Files of a scan in as many partitions as their bytes ask for.
    fn regroup_files(&self, plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(config) = file_scan(plan.as_ref()) else {
            return Ok(plan);
        };
        let is_fixed = config.file_groups.len() <= 1
            || !config.output_ordering.is_empty()
            || !config.file_source().supports_repartitioning();
        if is_fixed {
            return Ok(plan);
        }
        let bytes: u64 = config.file_groups.iter().map(group_bytes).sum();
        let tasks = bytes.div_ceil(self.options.task_target_bytes).max(1) as usize;
        let partitions = (tasks * self.options.function_cores).min(config.file_groups.len());
        let groups = FileGroupPartitioner::new()
            .with_target_partitions(partitions)
            .with_repartition_file_min_size(0)
            .repartition_file_groups(&config.file_groups);
        match groups {
            Some(groups) => Ok(DataSourceExec::from_data_source(
                FileScanConfigBuilder::from(config.clone()).with_file_groups(groups).build(),
            )),
            None => Ok(plan),
        }
    }

    fn shuffle_stage(&mut self, input: Arc<dyn ExecutionPlan>, routing: WriteRouting) -> Result<StageId> {
        let encoding = encoding_for(&input.schema(), self.options.encoding);
        self.add_stage(input, StageOutput::Shuffle { routing, encoding }, false)
    }

    fn add_stage(&mut self, plan: Arc<dyn ExecutionPlan>, output: StageOutput, single_task: bool) -> Result<StageId> {
        let id = StageId(self.stages.len() as u32);
        let plan = self.in_scope(plan)?;
        let plan: Arc<dyn ExecutionPlan> = match &output {
            StageOutput::Shuffle { routing, .. } => Arc::new(ShuffleWriteExec::new(plan, routing.clone())),
            StageOutput::Result => plan,
        };
        let mut leaves = Vec::new();
        collect_leaves(&plan, &mut leaves)?;
        let encoded = Bytes::from(encode_plan(&without_files(&plan)?)?);
        self.stages.push(Stage { id, plan, encoded, output, leaves, single_task, rows_enough: None });
        Ok(id)
    }

    /// A stage whose expressions use scalar subqueries reads their values itself.
    fn in_scope(&self, plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        let mut used = false;
        plan.apply(|node| {
            if node.is::<ScalarSubqueryExec>() {
                return Ok(TreeNodeRecursion::Jump);
            }
            node.apply_expressions(&mut |expr| {
                used |= has_scalar_subquery(expr);
                Ok(TreeNodeRecursion::Continue)
            })?;
            Ok(TreeNodeRecursion::Continue)
        })?;
        match self.scopes.last() {
            Some(scope) if used => {
                Ok(Arc::new(ScalarSubqueryExec::new(plan, scope.links.clone(), scope.of.results().clone())))
            }
            None if used => internal_err!("a scalar subquery is used where none was planned"),
            _ => Ok(plan),
        }
    }
}

fn has_scalar_subquery(expr: &Arc<dyn datafusion::physical_expr::PhysicalExpr>) -> bool {
    expr.exists(|node| Ok(node.downcast_ref::<ScalarSubqueryExpr>().is_some())).unwrap_or(false)
}

/// Whether the first child is collected by every task that runs a partition of the second.
fn is_collecting_join(plan: &dyn ExecutionPlan) -> bool {
    match plan.downcast_ref::<HashJoinExec>() {
        Some(join) => *join.partition_mode() != PartitionMode::Partitioned,
        None => plan.is::<CrossJoinExec>() || plan.is::<NestedLoopJoinExec>(),
    }
}

/// A read of a stage's output, or of a small table with no more than a filter and a projection over it.
fn is_cheap_read(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let passes = plan.is::<FilterExec>()
        || plan.is::<ProjectionExec>()
        || plan.name() == "CooperativeExec"
        || plan.name() == "CoalesceBatchesExec";
    match plan.children()[..] {
        [child] if passes => is_cheap_read(child),
        [] if plan.is::<ShuffleReadExec>() => true,
        [] => file_scan(plan.as_ref()).is_some() && scan_bytes(plan) <= REREAD_BYTES_MAX,
        _ => false,
    }
}

/// Whether a task that has none of this plan's partitions would still run it: its rows don't come from a leaf that can
/// be given nothing.
fn has_literal_leaf(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let children = plan.children();
    if children.is_empty() {
        return file_scan(plan.as_ref()).is_none() && !plan.is::<ShuffleReadExec>();
    }
    children
        .into_iter()
        .enumerate()
        .any(|(index, child)| !is_whole_side(plan.as_ref(), index) && has_literal_leaf(child))
}

pub(super) fn file_scan(plan: &dyn ExecutionPlan) -> Option<&FileScanConfig> {
    plan.downcast_ref::<DataSourceExec>()?.data_source().downcast_ref::<FileScanConfig>()
}

fn group_bytes(group: &FileGroup) -> u64 {
    group.files().iter().map(|file| file.effective_size()).sum()
}

fn collect_leaves(plan: &Arc<dyn ExecutionPlan>, leaves: &mut Vec<Leaf>) -> Result<()> {
    let children = plan.children();
    if !children.is_empty() {
        return children.into_iter().try_for_each(|child| collect_leaves(child, leaves));
    }
    leaves.push(if let Some(read) = plan.downcast_ref::<ShuffleReadExec>() {
        Leaf::Shuffle(read.stage())
    } else if let Some(config) = file_scan(plan.as_ref()) {
        let partition = |group: &FileGroup| {
            // Statistics have served the planner; a task prunes by the footer that it reads anyway.
            let bare = group.files().iter().map(|file| {
                let mut file = file.clone();
                file.statistics = None;
                file
            });
            let encoded = encode_file_partition(&FileGroup::new(bare.collect()))?;
            Ok(FilePartition { encoded, bytes: group_bytes(group) })
        };
        Leaf::Files(config.file_groups.iter().map(partition).collect::<Result<_>>()?)
    } else {
        Leaf::Literal
    });
    Ok(())
}

/// The plan without the files of its scans: those are in the envelope of each task.
fn without_files(plan: &Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    Arc::clone(plan)
        .transform_up(|node| {
            let Some(config) = file_scan(node.as_ref()) else {
                return Ok(Transformed::no(node));
            };
            let groups = vec![FileGroup::default(); config.file_groups.len()];
            let config = FileScanConfigBuilder::from(config.clone()).with_file_groups(groups).build();
            Ok(Transformed::yes(DataSourceExec::from_data_source(config) as Arc<dyn ExecutionPlan>))
        })
        .data()
}
