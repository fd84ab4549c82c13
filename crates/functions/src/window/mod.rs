//! Window functions: without their windows, which whoever resolves `OVER` adds.

use std::sync::Arc;

use datafusion::functions_window::cume_dist::cume_dist_udwf;
use datafusion::functions_window::lead_lag::{lag_udwf, lead_udwf};
use datafusion::functions_window::nth_value::nth_value_udwf;
use datafusion::functions_window::ntile::ntile_udwf;
use datafusion::functions_window::rank::{dense_rank_udwf, percent_rank_udwf, rank_udwf};
use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::expr::{NullTreatment, WindowFunction};
use datafusion::logical_expr::{Expr, WindowFunctionDefinition, WindowUDF};
use firesteel_spec::{DataType, SparkError, SparkResult};

use crate::call::Call;
use crate::cast::coerce;
use crate::registry::{Family, Function, Implementations};
use crate::typed::Typed;

pub(crate) static FAMILY: Family = Family {
    functions: &[
        Function::window("row_number", ranking),
        Function::window("rank", ranking),
        Function::window("dense_rank", ranking),
        Function::window("percent_rank", ranking),
        Function::window("cume_dist", ranking),
        Function::window("ntile", ntile),
        Function::window("lag", lag_or_lead),
        Function::window("lead", lag_or_lead),
        Function::window("nth_value", nth_value),
    ],
    implementations: Implementations::default,
};

/// `data_type` is Spark's; what DataFusion gives is cast to it by whoever adds the window.
fn window(
    function: Arc<WindowUDF>,
    arguments: Vec<Typed>,
    ignore_nulls: bool,
    data_type: DataType,
    nullable: bool,
) -> Typed {
    let args = arguments.into_iter().map(|argument| argument.expr).collect();
    let mut window = WindowFunction::new(WindowFunctionDefinition::WindowUDF(function), args);
    if ignore_nulls {
        window.params.null_treatment = Some(NullTreatment::IgnoreNulls);
    }
    Typed::new(Expr::WindowFunction(Box::new(window)), data_type, nullable, "")
}

fn ranking(call: &Call<'_>) -> SparkResult<Typed> {
    // The arguments of ranks say nothing that the window's order does not.
    call.expect(if matches!(call.name, "rank" | "dense_rank" | "percent_rank") { 0..=usize::MAX } else { 0..=0 })?;
    let (function, data_type, shown) = match call.name {
        "row_number" => (row_number_udwf(), DataType::Integer, "row_number()"),
        "rank" => (rank_udwf(), DataType::Integer, "RANK()"),
        "dense_rank" => (dense_rank_udwf(), DataType::Integer, "DENSE_RANK()"),
        "percent_rank" => (percent_rank_udwf(), DataType::Double, "PERCENT_RANK()"),
        _ => (cume_dist_udwf(), DataType::Double, "cume_dist()"),
    };
    Ok(window(function, Vec::new(), false, data_type, false).named(shown))
}

fn ntile(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(0..=1)?;
    let buckets = if call.has(0) { constant(call, 0, "buckets")? } else { 1 };
    if !(1..=i64::from(i32::MAX)).contains(&buckets) {
        return Err(out_of_range(call, "buckets", i32::MAX.into(), buckets));
    }
    let typed = window(ntile_udwf(), vec![Typed::long(buckets)], false, DataType::Integer, false);
    Ok(typed.named(format!("ntile({buckets})")))
}

/// `lag(value, offset, default)`
fn lag_or_lead(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=3)?;
    let value = call.argument(0)?;
    let data_type = value.data_type.clone();
    let offset = if call.has(1) { constant(call, 1, "offset")? } else { 1 };
    let default = if call.has(2) { call.argument(2)? } else { Typed::null(DataType::Null) };
    let name = format!("{}({}, {offset}, {})", call.name, value.name, default.name);
    let Some(constant) = coerce(default.clone(), &data_type, call.settings)?.folded() else {
        return Err(SparkError::unsupported(format!("{name}, whose default is no constant")));
    };
    let nullable = value.nullable || constant.is_null();
    let default = Typed::literal(constant, data_type.clone(), default.name);
    let function = if call.name == "lag" { lag_udwf() } else { lead_udwf() };
    let arguments = vec![value, Typed::long(offset), default];
    let ignore = call.ignore_nulls == Some(true);
    if let ([value, _, default], true, 1) = (arguments.as_slice(), ignore, offset)
        && default.value().is_some_and(datafusion::common::ScalarValue::is_null)
    {
        // DataFusion's own forgets what is before several nulls.
        let nearest = vec![value.clone(), Typed::boolean(true), Typed::boolean(call.name == "lag")];
        let mut typed = Typed::aggregate(&crate::aggregate::first_value(), nearest)?;
        (typed.data_type, typed.nullable) = (data_type, true);
        return Ok(typed.named(name));
    }
    Ok(window(function, arguments, ignore, data_type, nullable).named(name))
}

/// `nth_value(value, offset, ignore nulls)`
fn nth_value(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let value = call.argument(0)?;
    let offset = constant(call, 1, "offset")?;
    if offset < 1 {
        return Err(out_of_range(call, "offset", i64::MAX, offset));
    }
    let said = call.has(2) && call.constant(2)? == datafusion::common::ScalarValue::Boolean(Some(true));
    let ignore = call.ignore_nulls.unwrap_or(said);
    let name = format!("nth_value({}, {offset}){}", value.name, if ignore { " ignore nulls" } else { "" });
    let data_type = value.data_type.clone();
    Ok(window(nth_value_udwf(), vec![value, Typed::long(offset)], ignore, data_type, true).named(name))
}

fn constant(call: &Call<'_>, index: usize, what: &str) -> SparkResult<i64> {
    let folded = call.int(index)?.folded();
    match folded {
        Some(datafusion::common::ScalarValue::Int32(Some(value))) => Ok(value.into()),
        _ => Err(SparkError::new(
            "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
            format!("cannot resolve {}: {what} must be a constant", call.display()),
        )
        .with("sqlExpr", format!("\"{}\"", call.display()))
        .with("inputName", format!("`{what}`"))
        .with("inputType", "\"INT\"")
        .with("inputExpr", format!("\"{}\"", call.argument(index)?.name))),
    }
}

fn out_of_range(call: &Call<'_>, what: &str, most: i64, found: i64) -> SparkError {
    SparkError::new(
        "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
        format!("cannot resolve {}: {what} must be from 1 to {most}, not {found}", call.display()),
    )
    .with("sqlExpr", format!("\"{}\"", call.display()))
    .with("exprName", what)
    .with("valueRange", format!("(0, {most}]"))
    .with("currentValue", found.to_string())
}
