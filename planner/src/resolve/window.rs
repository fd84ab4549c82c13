//! Functions over windows.

use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::expr::{Sort, WindowFunction, WindowFunctionParams};
use datafusion::logical_expr::{
    Expr as DfExpr, WindowFrame as DfFrame, WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition,
};
use datafusion::prelude::when;
use firesteel_functions::{Kind, Typed, lookup};
use firesteel_spec::{
    DataType, Expr, FrameBound, FrameUnits, Literal, SparkError, SparkResult, WindowFrame, WindowSpec,
};

use super::attribute::Scope;
use super::expression::fold;
use super::function::function_name;
use super::{Resolver, plan_error};

impl Resolver<'_> {
    pub fn window(&self, function: &Expr, spec: &WindowSpec, scope: &Scope<'_>) -> SparkResult<Typed> {
        self.is_over.set(true);
        let typed = self.expr(function, scope);
        self.is_over.set(false);
        let typed = typed?;
        let partition = spec.partition_by.iter().map(|expr| self.expr(expr, scope)).collect::<SparkResult<Vec<_>>>()?;
        let order = spec.order_by.iter().map(|order| self.sort_order(order, scope)).collect::<SparkResult<Vec<_>>>()?;
        let ranking = window_function_name(function);
        refuse_filter(function)?;
        refuse_distinct(function, &typed)?;
        let shifts = ranking.as_deref().filter(|name| matches!(*name, "lag" | "lead"));
        if let (Some(name), Some(_)) = (shifts, &spec.frame) {
            let message = format!("Cannot specify window frame for {name} function");
            return Err(SparkError::new("_LEGACY_ERROR_TEMP_1035", message).with("prettyName", name));
        }
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
        let frame = shifts.and_then(|name| shifted_frame(name, &typed.expr)).unwrap_or(frame);
        let shown = format!("{}{shown_frame}", shown_spec(&partition, &order));
        let name = format!("{} OVER ({})", typed.name, shown.trim_start());
        let params = WindowParams {
            partition: partition.into_iter().map(|typed| typed.expr).collect(),
            order: order.into_iter().map(|(typed, sort)| peers(&typed, sort)).collect(),
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
        let typed = super::aggregate::with_declared_type(Typed { expr, name, ..typed });
        match &typed.data_type {
            // Over no rows it is empty, where DataFusion has null.
            DataType::Array { element, .. } if !typed.nullable => {
                let (name, data_type) = (typed.name.clone(), typed.data_type.clone());
                let nothing =
                    Literal::Array { element: (**element).clone(), contains_null: false, elements: Vec::new() };
                let empty = firesteel_functions::literal(&nothing, self.settings())?;
                let mut filled = self.call("coalesce", vec![Typed { nullable: true, ..typed }, empty])?.named(name);
                (filled.data_type, filled.nullable) = (data_type, false);
                Ok(filled)
            }
            _ => Ok(typed),
        }
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
        check_bounds((&lower, &lower_text), (&upper, &upper_text))?;
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
        let distance = match value {
            // Which DataFusion does not negate.
            ScalarValue::DurationMicrosecond(Some(us)) if negative => {
                ScalarValue::DurationMicrosecond(Some(us.saturating_neg()))
            }
            value if negative => value.arithmetic_negate().map_err(plan_error)?,
            value => value,
        };
        if distance == ScalarValue::new_zero(&distance.data_type()).unwrap_or(ScalarValue::Null) {
            return Ok((WindowFrameBound::CurrentRow, "CURRENT ROW".to_owned()));
        }
        let distance = match units {
            FrameUnits::Rows => distance.cast_to(&arrow::datatypes::DataType::UInt64).map_err(plan_error)?,
            FrameUnits::Range => distance,
        };
        let shown = expr.name.trim_start_matches('-').replacen("'-", "'", 1);
        let text = format!("{shown} {}", if negative { "PRECEDING" } else { "FOLLOWING" });
        Ok((if negative { WindowFrameBound::Preceding(distance) } else { WindowFrameBound::Following(distance) }, text))
    }
}

/// An error for bounds of two kinds, and for a frame that ends before it begins.
fn check_bounds(lower: (&WindowFrameBound, &str), upper: (&WindowFrameBound, &str)) -> SparkResult<()> {
    use WindowFrameBound::{CurrentRow, Following, Preceding};
    let distance = |bound: &WindowFrameBound| match bound {
        Preceding(value) | Following(value) if !value.is_null() => Some(value.clone()),
        _ => None,
    };
    let ends_first = match (lower.0, upper.0) {
        (Preceding(from), Preceding(to)) => !from.is_null() && from < to,
        (Following(from), Following(to)) => !to.is_null() && from > to,
        (Following(_), Preceding(_)) | (Following(_), CurrentRow) | (CurrentRow, Preceding(_)) => true,
        _ => false,
    };
    let class = match (distance(lower.0), distance(upper.0)) {
        (Some(from), Some(to)) if from.data_type() != to.data_type() => "SPECIFIED_WINDOW_FRAME_DIFF_TYPES",
        _ if ends_first => "SPECIFIED_WINDOW_FRAME_WRONG_COMPARISON",
        _ => return Ok(()),
    };
    let message = format!("a window's frame is no frame: from {} to {}", lower.1, upper.1);
    Err(SparkError::new(format!("DATATYPE_MISMATCH.{class}"), message)
        .with("lower", format!("\"{}\"", lower.1))
        .with("upper", format!("\"{}\"", upper.1))
        .with("comparison", "less than or equal"))
}

fn refuse_distinct(function: &Expr, typed: &Typed) -> SparkResult<()> {
    let Expr::Function(call) = function.unlocated() else { return Ok(()) };
    if !call.distinct {
        return Ok(());
    }
    let message = format!("{} OVER a window: DISTINCT is not supported there", typed.name);
    Err(SparkError::new("DISTINCT_WINDOW_FUNCTION_UNSUPPORTED", message)
        .with("windowExpr", format!("\"{} OVER ()\"", typed.name)))
}

/// An order by floats, in which both zeros are peers.
fn peers(typed: &Typed, sort: Sort) -> Sort {
    let zero = match typed.data_type {
        DataType::Double => ScalarValue::Float64(Some(0.0)),
        DataType::Float => ScalarValue::Float32(Some(0.0)),
        _ => return sort,
    };
    Sort { expr: sort.expr + DfExpr::Literal(zero, None), ..sort }
}

/// `lag` and `lead` that skip nulls are the last and the first value of the rows before and after.
fn shifted_frame(name: &str, function: &DfExpr) -> Option<DfFrame> {
    if !matches!(function, DfExpr::AggregateFunction(_)) {
        return None;
    }
    let (all, one) = (ScalarValue::UInt64(None), ScalarValue::UInt64(Some(1)));
    let (from, to) = match name {
        "lag" => (WindowFrameBound::Preceding(all), WindowFrameBound::Preceding(one)),
        _ => (WindowFrameBound::Following(one), WindowFrameBound::Following(all)),
    };
    Some(DfFrame::new_bounds(WindowFrameUnits::Rows, from, to))
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
    let offset = match function {
        DfExpr::WindowFunction(window) => match window.params.args.get(1) {
            Some(DfExpr::Literal(ScalarValue::Int64(Some(offset)), _)) => *offset,
            _ => return None,
        },
        // The nearest that is not null.
        _ => 1,
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
