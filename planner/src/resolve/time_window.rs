//! Windows of time that are more than a value of their row: overlapping ones, of which a row is in several, and sessions,
//! which rows make together.

use std::mem;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, ScalarValue};
use datafusion::functions::core::expr_fn::{get_field, named_struct};
use datafusion::functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::expr::{Sort, WindowFunction, WindowFunctionParams};
use datafusion::logical_expr::{
    AggregateUDF, Expr as DfExpr, LogicalPlanBuilder, WindowFrame, WindowFrameBound, WindowFrameUnits,
    WindowFunctionDefinition,
};
use datafusion::prelude::{lit, when};
use firesteel_functions::{TimeWindow, Typed, time_window};
use firesteel_spec::{Expr, GroupingElement, SparkResult};

use super::attribute::Scope;
use super::function::function_name;
use super::project::Item;
use super::{Resolved, Resolver, build, plan_error};

impl Resolver<'_> {
    /// The windows that a query groups by, under the names by which its list may use them: `window.start`.
    pub fn named_time_windows(
        &self,
        input: &Resolved,
        grouping: &[GroupingElement],
        outer: Option<&Scope<'_>>,
    ) -> SparkResult<Vec<(String, Typed)>> {
        let mut named = Vec::new();
        for element in grouping {
            let GroupingElement::Expr(expr) = element else { continue };
            let Expr::Function(call) = expr.unlocated() else { continue };
            let Ok(name) = function_name(call) else { continue };
            if matches!(name.as_str(), "window" | "session_window") {
                let typed = self.expr(expr, &Scope::of(&input.output, &input.hidden, outer))?;
                named.push((name, typed));
            }
        }
        Ok(named)
    }

    /// Computes the windows of time in a list below it; the list then names their columns. `keys` are what is grouped
    /// by: rows make a session if the other keys are equal, and no group is without a window.
    pub fn time_windows_below(
        &self,
        mut input: Resolved,
        keys: &mut [Item],
        lists: &mut [&mut [Item]],
    ) -> SparkResult<Resolved> {
        let all = || keys.iter().chain(lists.iter().flat_map(|list| list.iter()));
        if let Some(window) = first_window(all(), |window| matches!(window, TimeWindow::Tumbling(_)))?
            && let Some(TimeWindow::Tumbling(time)) = time_window(&window)?
        {
            let plan = build(LogicalPlanBuilder::new(input.plan).filter(time.is_not_null()))?;
            input = Resolved { plan, ..input_columns(input.output, input.hidden) };
        }
        let is_of_several = |window: &TimeWindow| !matches!(window, TimeWindow::Tumbling(_));
        while let Some(window) =
            first_window(keys.iter().chain(lists.iter().flat_map(|list| list.iter())), is_of_several)?
        {
            let column = match time_window(&window)? {
                Some(TimeWindow::Sliding(windows)) => {
                    let (rows, columns) = self.unnested(input, windows, "window", &[], false)?;
                    input = rows;
                    columns.first().map(super::attribute::Attribute::column)
                }
                // A session of one row.
                Some(TimeWindow::Session) if keys.is_empty() => None,
                Some(TimeWindow::Session) => {
                    let by = keys.iter().map(|key| key.typed.expr.clone()).filter(|key| *key != window).collect();
                    let (rows, column) = self.sessions(input, &window, by)?;
                    input = rows;
                    Some(column)
                }
                Some(TimeWindow::Tumbling(_)) | None => None,
            };
            let Some(column) = column else { return Ok(input) };
            let all = keys.iter_mut().chain(lists.iter_mut().flat_map(|list| list.iter_mut()));
            for item in all {
                let expr = mem::take(&mut item.typed.expr);
                item.typed.expr = replaced(expr, &window, &column)?;
            }
        }
        Ok(input)
    }

    /// Rows with the session that each is in, where rows with equal `by` whose own spans touch are one session.
    fn sessions(&self, input: Resolved, span: &DfExpr, by: Vec<DfExpr>) -> SparkResult<(Resolved, DfExpr)> {
        let column = |id: &str| DfExpr::Column(Column::new_unqualified(id));
        let mut kept: Vec<DfExpr> = input.plan.schema().columns().into_iter().map(DfExpr::Column).collect();
        let visible = kept.clone();
        let (start, end) = (self.fresh_id(), self.fresh_id());
        kept.push(get_field(span.clone(), "start").alias(&start));
        kept.push(get_field(span.clone(), "end").alias(&end));
        let mut keys = Vec::with_capacity(by.len());
        for key in by {
            let id = self.fresh_id();
            kept.push(key.alias(&id));
            keys.push(column(&id));
        }
        let rows = LogicalPlanBuilder::new(input.plan)
            .project(kept)
            .and_then(|rows| rows.filter(column(&start).is_not_null().and(column(&end).gt(column(&start)))));
        let rows = build(rows)?;
        let (with_all, all_columns) = (rows.schema().columns(), |ids: &[Column]| -> Vec<DfExpr> {
            ids.iter().cloned().map(DfExpr::Column).collect()
        });
        let order = vec![Sort::new(column(&start), true, true)];
        let before = WindowFrameBound::Preceding(ScalarValue::UInt64(Some(1)));
        let latest_before = over(max_udaf(), column(&end), &keys, &order, before);
        let begins = when(latest_before.1.clone().gt_eq(column(&start)), lit(0_i64))
            .otherwise(lit(1_i64))
            .map_err(plan_error)?;
        let (begun, session) = (self.fresh_id(), self.fresh_id());
        let mut list = all_columns(&with_all);
        list.push(begins.alias(&begun));
        let rows = LogicalPlanBuilder::window_plan(rows, vec![latest_before.0]).map_err(plan_error)?;
        let rows = build(LogicalPlanBuilder::new(rows).project(list))?;
        let number = over(sum_udaf(), column(&begun), &keys, &order, WindowFrameBound::CurrentRow);
        let mut list = all_columns(&with_all);
        list.push(number.1.alias(&session));
        let rows = LogicalPlanBuilder::window_plan(rows, vec![number.0]).map_err(plan_error)?;
        let rows = build(LogicalPlanBuilder::new(rows).project(list))?;
        keys.push(column(&session));
        let all_rows = || WindowFrameBound::Following(ScalarValue::UInt64(None));
        let first = over(min_udaf(), column(&start), &keys, &[], all_rows());
        let last = over(max_udaf(), column(&end), &keys, &[], all_rows());
        let rows = LogicalPlanBuilder::window_plan(rows, vec![first.0, last.0]).map_err(plan_error)?;
        let id = self.fresh_id();
        let mut list = visible;
        list.push(named_struct(vec![lit("start"), first.1, lit("end"), last.1]).alias(&id));
        let plan = build(LogicalPlanBuilder::new(rows).project(list))?;
        Ok((Resolved { plan, ..input_columns(input.output, input.hidden) }, column(&id)))
    }
}

/// The columns of an input whose plan has been taken.
fn input_columns(output: Vec<super::attribute::Attribute>, hidden: Vec<super::attribute::Attribute>) -> Resolved {
    Resolved { hidden, ..Resolved::new(datafusion::logical_expr::LogicalPlan::default(), output) }
}

/// An aggregate over rows from the first of a partition on, and the column that it becomes.
fn over(
    function: std::sync::Arc<AggregateUDF>,
    value: DfExpr,
    keys: &[DfExpr],
    order: &[Sort],
    until: WindowFrameBound,
) -> (DfExpr, DfExpr) {
    let from = WindowFrameBound::Preceding(ScalarValue::UInt64(None));
    let window = WindowFunction {
        fun: WindowFunctionDefinition::AggregateUDF(function),
        params: WindowFunctionParams {
            args: vec![value],
            partition_by: keys.to_vec(),
            order_by: order.to_vec(),
            window_frame: WindowFrame::new_bounds(WindowFrameUnits::Rows, from, until),
            filter: None,
            null_treatment: None,
            distinct: false,
        },
    };
    let window = DfExpr::WindowFunction(Box::new(window));
    // DataFusion names a window's column by its expression.
    let column = DfExpr::Column(Column::new_unqualified(window.schema_name().to_string()));
    (window, column)
}

fn first_window<'a>(
    items: impl Iterator<Item = &'a Item>,
    is_asked: impl Fn(&TimeWindow) -> bool,
) -> SparkResult<Option<DfExpr>> {
    for item in items {
        let mut found = None;
        let visited = item.typed.expr.apply(|expr| {
            let is_window =
                time_window(expr).map_err(|error| datafusion::common::DataFusionError::External(Box::new(error)))?;
            if is_window.is_some_and(|window| is_asked(&window)) {
                found = Some(expr.clone());
                return Ok(TreeNodeRecursion::Stop);
            }
            Ok(TreeNodeRecursion::Continue)
        });
        visited.map_err(plan_error)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn replaced(expr: DfExpr, window: &DfExpr, column: &DfExpr) -> SparkResult<DfExpr> {
    let replaced = expr.transform_down(|expr| {
        Ok(match expr == *window {
            true => Transformed::new(column.clone(), true, TreeNodeRecursion::Jump),
            false => Transformed::no(expr),
        })
    });
    replaced.map(|replaced| replaced.data).map_err(plan_error)
}
