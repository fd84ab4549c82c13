//! Aggregates that DataFusion has: counts, extremes, booleans, bits and lists.

use std::sync::Arc;

use datafusion::functions_aggregate::bit_and_or_xor::{bit_and_udaf, bit_or_udaf, bit_xor_udaf};
use datafusion::functions_aggregate::bool_and_or::{bool_and_udaf, bool_or_udaf};
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion::logical_expr::expr::Sort;
use datafusion::logical_expr::{AggregateUDF, Case, Cast, Expr, Operator};
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::collected::COLLECT_IN_ORDER;
use super::concatenated::CONCATENATED;
use super::extreme_by::EXTREME_BY;
use super::first::FIRST;
use crate::call::Call;
use crate::typed::Typed;

pub(super) fn bool_or(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(Typed::aggregate(&bool_or_udaf(), vec![call.boolean(0)?])?))
}

pub(super) fn bool_and(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(Typed::aggregate(&bool_and_udaf(), vec![call.boolean(0)?])?))
}

/// `count(*)` comes as `count(1)`; of several arguments, rows where none is null.
pub(super) fn count(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=usize::MAX)?;
    let counted = match call.arguments.as_slice() {
        [only] => match only.value() {
            Some(constant) if !constant.is_null() && !call.distinct => Typed::long(1),
            _ => only.clone(),
        },
        several => whole_rows(several, call.distinct)?,
    };
    Ok(call.shown(never_null(Typed::aggregate(&count_udaf(), vec![counted])?)))
}

/// Not null where no value is: with the values, if it matters which.
fn whole_rows(values: &[Typed], distinct: bool) -> SparkResult<Typed> {
    let not_null = values.iter().map(|value| Expr::IsNotNull(Box::new(value.expr.clone())));
    let condition = not_null.reduce(|left, right| {
        Expr::BinaryExpr(datafusion::logical_expr::BinaryExpr::new(Box::new(left), Operator::And, Box::new(right)))
    });
    let condition = condition.ok_or_else(|| SparkError::internal("a count of no values"))?;
    let row = if distinct {
        let fields =
            values.iter().enumerate().flat_map(|(index, value)| [Typed::string(&format!("c{index}")), value.clone()]);
        Typed::call(&datafusion::functions::core::named_struct(), fields.collect())?
    } else {
        Typed::boolean(true)
    };
    let case = Case::new(None, vec![(Box::new(condition), Box::new(row.expr))], None);
    Ok(Typed::new(Expr::Case(case), row.data_type, true, row.name))
}

pub(super) fn count_if(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let condition = call.boolean(0)?;
    let case = Case::new(None, vec![(Box::new(condition.expr), Box::new(Typed::boolean(true).expr))], None);
    let counted = Typed::new(Expr::Case(case), DataType::Boolean, true, "");
    Ok(call.shown(never_null(Typed::aggregate(&count_udaf(), vec![counted])?)))
}

/// Rows where neither side is null.
pub(super) fn regr_count(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let counted = whole_rows(&[call.double(0)?, call.double(1)?], call.distinct)?;
    Ok(call.shown(never_null(Typed::aggregate(&count_udaf(), vec![counted])?)))
}

fn never_null(mut typed: Typed) -> Typed {
    typed.data_type = DataType::Long;
    typed.nullable = false;
    typed
}

pub(super) fn max(call: &Call<'_>) -> SparkResult<Typed> {
    extreme(call, &max_udaf(), true)
}

pub(super) fn min(call: &Call<'_>) -> SparkResult<Typed> {
    extreme(call, &min_udaf(), false)
}

fn extreme(call: &Call<'_>, function: &Arc<AggregateUDF>, greatest: bool) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let value = call.argument(0)?;
    let data_type = value.data_type.clone();
    let mut typed = match &data_type {
        spatial if spatial.is_spatial() => return Err(no_order(call, &data_type)),
        DataType::Map { .. } | DataType::Variant | DataType::CalendarInterval => {
            return Err(no_order(call, &data_type));
        }
        DataType::Array { .. } | DataType::Struct { .. } | DataType::Null => {
            Typed::aggregate(&EXTREME_BY, vec![value.clone(), value, Typed::boolean(greatest)])?
        }
        _ => Typed::aggregate(function, vec![value])?,
    };
    typed.data_type = data_type;
    typed.nullable = true;
    Ok(call.shown(typed))
}

/// `DATATYPE_MISMATCH.INVALID_ORDERING_TYPE`
pub(super) fn no_order(call: &Call<'_>, data_type: &DataType) -> SparkError {
    SparkError::new(
        "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE",
        format!("cannot resolve {}: values of type {data_type} have no order", call.display()),
    )
    .with("sqlExpr", format!("\"{}\"", call.display()))
    .with("functionName", format!("`{}`", call.name))
    .with("dataType", format!("\"{data_type}\""))
}

pub(super) fn bits(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let value = match call.argument(0)? {
        value if value.data_type.is_integral() => value,
        value if value.data_type == DataType::Null => Typed::null(DataType::Integer),
        value => return Err(call.unexpected(0, &value.data_type, "INTEGRAL")),
    };
    let function = match call.name {
        "bit_and" => bit_and_udaf(),
        "bit_or" => bit_or_udaf(),
        _ => bit_xor_udaf(),
    };
    Ok(call.shown(Typed::aggregate(&function, vec![value])?))
}

/// `first`, `last` and `any_value`: the second argument, or `IGNORE NULLS`, says whether nulls count.
pub(super) fn first_or_last(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let is_last = call.name.starts_with("last");
    if call.has(1) && call.argument(1)?.data_type.is_string() {
        let message = format!("the second argument of '{}' must be a boolean constant", call.name);
        return Err(SparkError::new("_LEGACY_ERROR_TEMP_1210", message).with("funcName", call.name));
    }
    let said = if call.has(1) {
        let value = call.boolean(1)?.folded();
        value == Some(datafusion::common::ScalarValue::Boolean(Some(true)))
    } else {
        false
    };
    let ignore = call.ignore_nulls.unwrap_or(said);
    let value = call.argument(0)?;
    let (data_type, shown) = (value.data_type.clone(), value.name.clone());
    let mut typed = Typed::aggregate(&FIRST, vec![value, Typed::boolean(ignore), Typed::boolean(is_last)])?;
    typed.data_type = data_type;
    let name = match call.name {
        "first_value" if call.ignore_nulls.is_some() => "first",
        "last_value" if call.ignore_nulls.is_some() => "last",
        other => other,
    };
    let distinct = if call.distinct { "DISTINCT " } else { "" };
    Ok(typed.named(format!("{name}({distinct}{shown})")))
}

/// `collect_list` and `array_agg`, without nulls.
pub(super) fn collect_list(call: &Call<'_>) -> SparkResult<Typed> {
    let typed = collect(call, call.distinct)?;
    Ok(typed.named(call.other("collect_list", call.arguments.clone()).display()))
}

pub(super) fn collect_set(call: &Call<'_>) -> SparkResult<Typed> {
    let typed = collect(call, true)?;
    Ok(call.shown(typed))
}

fn collect(call: &Call<'_>, once: bool) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let value = call.argument(0)?;
    let element = value.data_type.clone();
    let function = match once {
        true => datafusion_spark::function::aggregate::collect_set(),
        false => Arc::clone(&COLLECT_IN_ORDER),
    };
    let mut typed = Typed::aggregate(&function, vec![value])?;
    typed.data_type = DataType::array(element, false);
    typed.nullable = false;
    Ok(typed)
}

/// `listagg` and `string_agg`, of texts and of bytes, the latter by way of their hexadecimal digits.
pub(super) fn listagg(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    check_order(call)?;
    let is_binary = call.argument(0)?.data_type == DataType::Binary;
    let scalar = |name: &str, value: Typed| match crate::registry::lookup(name) {
        Some(function) => (function.build)(&call.other(name, vec![value])),
        None => Err(SparkError::internal(format!("no function {name}"))),
    };
    let value = if is_binary { scalar("hex", call.argument(0)?)? } else { call.string(0)? };
    let delimiter = delimiter(call, is_binary)?;
    let any_order = call.distinct && call.within_group.is_empty();
    let ordered = datafusion::functions_aggregate::string_agg::string_agg_udaf();
    let function = if any_order { &*CONCATENATED } else { &ordered };
    let mut typed = Typed::aggregate(function, vec![value, Typed::string(&delimiter)])?;
    if let Expr::AggregateFunction(aggregate) = &mut typed.expr {
        aggregate.params.order_by = call.within_group.iter().map(|(_, order)| order.clone()).collect();
    }
    typed.data_type = DataType::STRING;
    if is_binary {
        let cast = Cast::new(Box::new(typed.expr), arrow::datatypes::DataType::Utf8);
        typed.expr = Expr::Cast(cast);
        typed = scalar("unhex", typed)?;
    }
    typed.nullable = true;
    let mut arguments = call.arguments.clone();
    if !call.has(1) {
        arguments.push(Typed::null(DataType::STRING));
    }
    if call.within_group.is_empty() {
        return Ok(typed.named(call.other(call.name, arguments).display()));
    }
    let keys: Vec<String> = call.within_group.iter().map(|(key, order)| full_order(key, order)).collect();
    let name = call.other("listagg", arguments).display();
    Ok(typed.named(format!("{name} WITHIN GROUP (ORDER BY {})", keys.join(", "))))
}

fn delimiter(call: &Call<'_>, is_binary: bool) -> SparkResult<String> {
    use datafusion::common::ScalarValue;
    if !call.has(1) {
        return Ok(String::new());
    }
    match call.argument(1)?.folded() {
        Some(value) if value.is_null() => Ok(String::new()),
        Some(ScalarValue::Utf8(Some(text))) if !is_binary => Ok(text),
        Some(ScalarValue::Binary(Some(bytes))) if is_binary => {
            Ok(bytes.iter().map(|byte| format!("{byte:02X}")).collect())
        }
        Some(_) => Err(call.unexpected(1, &call.arguments[1].data_type, if is_binary { "BINARY" } else { "STRING" })),
        None => Err(SparkError::new(
            "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
            format!("cannot resolve {}: the delimiter must be a constant", call.display()),
        )
        .with("sqlExpr", format!("\"{}\"", call.display()))
        .with("inputName", "`delimiter`")
        .with("inputType", if is_binary { "\"BINARY\"" } else { "\"STRING\"" })
        .with("inputExpr", format!("\"{}\"", call.arguments[1].name))),
    }
}

/// Distinct values have no order but their own.
fn check_order(call: &Call<'_>) -> SparkResult<()> {
    let value = call.argument(0)?;
    let other = call.within_group.iter().find(|(key, _)| call.distinct && key.expr != value.expr);
    let Some((key, _)) = other else { return Ok(()) };
    Err(SparkError::new(
        "INVALID_WITHIN_GROUP_EXPRESSION.MISMATCH_WITH_DISTINCT_INPUT",
        format!("{} of DISTINCT {} can be ordered by that only, not by {}", call.name, value.name, key.name),
    )
    .with("funcName", format!("`{}`", call.name))
    .with("funcArg", format!("\"{}\"", value.name))
    .with("orderingExpr", format!("\"{}\"", key.name)))
}

fn full_order(key: &Typed, order: &Sort) -> String {
    let direction = if order.asc { "ASC" } else { "DESC" };
    let nulls = if order.nulls_first { "FIRST" } else { "LAST" };
    format!("{} {direction} NULLS {nulls}", key.name)
}
