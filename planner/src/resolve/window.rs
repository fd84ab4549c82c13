//! Functions over windows.

use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::expr::{Sort, WindowFunction, WindowFunctionParams};
use datafusion::logical_expr::{
    Expr as DfExpr, WindowFrame as DfFrame, WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition,
};
use datafusion::prelude::when;
use firesteel_functions::{Kind, Typed, lookup};
use firesteel_spec::{Expr, FrameBound, FrameUnits, SparkError, SparkResult, WindowFrame, WindowSpec};

use super::attribute::Scope;
use super::expression::{fold, function_name};
use super::{Resolver, plan_error};

impl Resolver<'_> {
    pub fn window(&self, function: &Expr, spec: &WindowSpec, scope: &Scope<'_>) -> SparkResult<Typed> {
        let typed = self.expr(function, scope)?;
        let partition = spec.partition_by.iter().map(|expr| self.expr(expr, scope)).collect::<SparkResult<Vec<_>>>()?;
        let order = spec.order_by.iter().map(|order| self.sort_order(order, scope)).collect::<SparkResult<Vec<_>>>()?;
        let ranking = window_function_name(function);
        refuse_filter(function)?;
        if ranking.is_some() && order.is_empty() {
            return Err(SparkError::new(
                "WINDOW_FUNCTION_FRAME_NOT_ORDERED",
                format!("{} needs a window with ORDER BY", typed.name),
            )
            .with("wf", typed.name));
        }
        let is_ranking = ranking.as_deref().is_some_and(|name| name != "nth_value");
        let (frame, mut shown_frame) = self.frame(spec.frame.as_ref(), !order.is_empty(), is_ranking, scope)?;
        if let (None, Some(name)) = (&spec.frame, &ranking) {
            shown_frame = shown_own_frame(name, &typed.expr).unwrap_or(shown_frame);
        }
        let shown = format!("{}{shown_frame}", shown_spec(&partition, &order));
        let name = format!("{} OVER ({})", typed.name, shown.trim_start());
        let params = WindowParams {
            partition: partition.into_iter().map(|typed| typed.expr).collect(),
            order: order.into_iter().map(|(_, sort)| sort).collect(),
            frame,
        };
        let mut found = false;
        let expr = typed.expr.transform_down(|expr| {
            let over = params.over(expr)?;
            found |= over.transformed;
            Ok(over)
        });
        let expr = expr.map_err(plan_error)?.data;
        if !found {
            return Err(SparkError::new(
                "UNSUPPORTED_EXPR_FOR_WINDOW",
                format!("{} is neither an aggregate nor a window function", typed.name),
            )
            .with("sqlExpr", format!("\"{}\"", typed.name)));
        }
        Ok(super::aggregate::with_declared_type(Typed { expr, name, ..typed }))
    }

    fn frame(
        &self,
        frame: Option<&WindowFrame>,
        ordered: bool,
        is_ranking: bool,
        scope: &Scope<'_>,
    ) -> SparkResult<(DfFrame, String)> {
        let unbounded = || WindowFrameBound::Preceding(ScalarValue::UInt64(None));
        let Some(frame) = frame else {
            return Ok(match (is_ranking, ordered) {
                (true, _) => (
                    DfFrame::new_bounds(WindowFrameUnits::Rows, unbounded(), WindowFrameBound::CurrentRow),
                    " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW".to_owned(),
                ),
                (false, true) => (
                    DfFrame::new_bounds(
                        WindowFrameUnits::Range,
                        WindowFrameBound::Preceding(ScalarValue::Null),
                        WindowFrameBound::CurrentRow,
                    ),
                    " RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW".to_owned(),
                ),
                (false, false) => (
                    DfFrame::new_bounds(
                        WindowFrameUnits::Rows,
                        unbounded(),
                        WindowFrameBound::Following(ScalarValue::UInt64(None)),
                    ),
                    " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING".to_owned(),
                ),
            });
        };
        let units = match frame.units {
            FrameUnits::Rows => WindowFrameUnits::Rows,
            FrameUnits::Range => WindowFrameUnits::Range,
        };
        let (lower, lower_text) = self.bound(&frame.lower, frame.units, true, scope)?;
        let (upper, upper_text) = self.bound(&frame.upper, frame.units, false, scope)?;
        let word = if frame.units == FrameUnits::Rows { "ROWS" } else { "RANGE" };
        Ok((DfFrame::new_bounds(units, lower, upper), format!(" {word} BETWEEN {lower_text} AND {upper_text}")))
    }

    fn bound(
        &self,
        bound: &FrameBound,
        units: FrameUnits,
        lower: bool,
        scope: &Scope<'_>,
    ) -> SparkResult<(WindowFrameBound, String)> {
        let unbounded = match units {
            FrameUnits::Rows => ScalarValue::UInt64(None),
            FrameUnits::Range => ScalarValue::Null,
        };
        let expr = match bound {
            FrameBound::CurrentRow => return Ok((WindowFrameBound::CurrentRow, "CURRENT ROW".to_owned())),
            FrameBound::Unbounded if lower => {
                return Ok((WindowFrameBound::Preceding(unbounded), "UNBOUNDED PRECEDING".to_owned()));
            }
            FrameBound::Unbounded => {
                return Ok((WindowFrameBound::Following(unbounded), "UNBOUNDED FOLLOWING".to_owned()));
            }
            FrameBound::Value(expr) => self.expr(expr, scope)?,
        };
        let value = expr.value().cloned().or_else(|| fold(&expr.expr)).ok_or_else(|| {
            SparkError::new(
                "DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_WITHOUT_FOLDABLE",
                format!("a bound of a window's frame is no constant: {}", expr.name),
            )
        })?;
        let negative = value < ScalarValue::new_zero(&value.data_type()).unwrap_or(ScalarValue::Null);
        let distance = if negative { value.arithmetic_negate().map_err(plan_error)? } else { value };
        if distance == ScalarValue::new_zero(&distance.data_type()).unwrap_or(ScalarValue::Null) {
            return Ok((WindowFrameBound::CurrentRow, "CURRENT ROW".to_owned()));
        }
        let distance = match units {
            FrameUnits::Rows => distance.cast_to(&arrow::datatypes::DataType::UInt64).map_err(plan_error)?,
            FrameUnits::Range => distance,
        };
        let text =
            format!("{} {}", expr.name.trim_start_matches('-'), if negative { "PRECEDING" } else { "FOLLOWING" });
        Ok((if negative { WindowFrameBound::Preceding(distance) } else { WindowFrameBound::Following(distance) }, text))
    }
}

struct WindowParams {
    partition: Vec<DfExpr>,
    order: Vec<Sort>,
    frame: DfFrame,
}

impl WindowParams {
    fn over(&self, expr: DfExpr) -> datafusion::common::Result<Transformed<DfExpr>> {
        let function = match expr {
            DfExpr::AggregateFunction(aggregate) => {
                let params = aggregate.params;
                // The filter of a window does not reach the tasks: what it leaves out is null instead.
                let args = match params.filter {
                    Some(filter) => {
                        let filtered = |arg| when(filter.as_ref().clone(), arg).end();
                        params.args.into_iter().map(filtered).collect::<datafusion::common::Result<Vec<_>>>()?
                    }
                    None => params.args,
                };
                WindowFunction {
                    fun: WindowFunctionDefinition::AggregateUDF(aggregate.func),
                    params: WindowFunctionParams {
                        args,
                        partition_by: Vec::new(),
                        order_by: Vec::new(),
                        window_frame: self.frame.clone(),
                        filter: None,
                        null_treatment: params.null_treatment,
                        distinct: params.distinct,
                    },
                }
            }
            DfExpr::WindowFunction(function) if function.params.order_by.is_empty() => *function,
            other => return Ok(Transformed::no(other)),
        };
        let params = WindowFunctionParams {
            partition_by: self.partition.clone(),
            order_by: self.order.clone(),
            window_frame: self.frame.clone(),
            ..function.params
        };
        let over = DfExpr::WindowFunction(Box::new(WindowFunction { params, ..function }));
        // Its arguments hold no other window.
        Ok(Transformed::new(over, true, datafusion::common::tree_node::TreeNodeRecursion::Jump))
    }
}

/// FILTER in a window, of functions that would see the nulls of what is left out.
fn refuse_filter(function: &Expr) -> SparkResult<()> {
    const SKIP_NULLS: &[&str] = &[
        "any",
        "array_agg",
        "avg",
        "bool_and",
        "bool_or",
        "collect_list",
        "collect_set",
        "count",
        "count_if",
        "every",
        "max",
        "mean",
        "median",
        "min",
        "some",
        "std",
        "stddev",
        "stddev_pop",
        "stddev_samp",
        "sum",
        "try_avg",
        "try_sum",
        "var_pop",
        "var_samp",
        "variance",
    ];
    let Expr::Function(call) = function.unlocated() else { return Ok(()) };
    if call.filter.is_some() && !SKIP_NULLS.contains(&function_name(call)?.as_str()) {
        return Err(SparkError::unsupported("FILTER of this function over a window"));
    }
    Ok(())
}

fn window_function_name(expr: &Expr) -> Option<String> {
    let Expr::Function(call) = expr.unlocated() else { return None };
    let name = function_name(call).ok()?;
    lookup(&name).is_some_and(|function| function.kind == Kind::Window).then_some(name)
}

/// The frame that Spark writes for a function that has one of its own, other than that of rows up to the current one.
fn shown_own_frame(name: &str, function: &DfExpr) -> Option<String> {
    if name == "cume_dist" {
        return Some(" RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW".to_owned());
    }
    let sign = match name {
        "lag" => -1,
        "lead" => 1,
        _ => return None,
    };
    let DfExpr::WindowFunction(window) = function else { return None };
    let Some(DfExpr::Literal(ScalarValue::Int64(Some(offset)), _)) = window.params.args.get(1) else {
        return None;
    };
    let offset = sign * offset;
    let bound = if offset == 0 { "CURRENT ROW".to_owned() } else { format!("{offset} FOLLOWING") };
    Some(format!(" ROWS BETWEEN {bound} AND {bound}"))
}

fn shown_spec(partition: &[Typed], order: &[(Typed, Sort)]) -> String {
    let mut shown = String::new();
    if !partition.is_empty() {
        let names: Vec<_> = partition.iter().map(|typed| typed.name.as_str()).collect();
        shown.push_str(&format!("PARTITION BY {}", names.join(", ")));
    }
    if !order.is_empty() {
        let space = if shown.is_empty() { "" } else { " " };
        let names: Vec<_> = order.iter().map(|(typed, sort)| shown_order(typed, sort)).collect();
        shown.push_str(&format!("{space}ORDER BY {}", names.join(", ")));
    }
    shown
}

fn shown_order(typed: &Typed, sort: &Sort) -> String {
    let direction = if sort.asc { "ASC" } else { "DESC" };
    let nulls = if sort.nulls_first { "FIRST" } else { "LAST" };
    format!("{} {direction} NULLS {nulls}", typed.name)
}
