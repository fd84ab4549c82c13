//! Comparisons: both sides are cast to one type first.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{Expr, Operator};
use firesteel_spec::{DataType, SparkError, SparkResult};

use crate::call::Call;
use crate::cast::coerce;
use crate::coerce::{common_type, comparison_type};
use crate::typed::Typed;

pub(super) fn equal(call: &Call<'_>) -> SparkResult<Typed> {
    compare(call, Operator::Eq, "=")
}

pub(super) fn not_equal(call: &Call<'_>) -> SparkResult<Typed> {
    let equal = compare(call, Operator::NotEq, "=")?;
    let name = format!("(NOT {})", equal.name);
    Ok(equal.named(name))
}

pub(super) fn null_safe_equal(call: &Call<'_>) -> SparkResult<Typed> {
    let mut typed = compare(call, Operator::IsNotDistinctFrom, "<=>")?;
    typed.nullable = false;
    Ok(if call.name == "equal_null" { call.shown(typed) } else { typed })
}

pub(super) fn less(call: &Call<'_>) -> SparkResult<Typed> {
    compare(call, Operator::Lt, "<")
}

pub(super) fn less_or_equal(call: &Call<'_>) -> SparkResult<Typed> {
    compare(call, Operator::LtEq, "<=")
}

pub(super) fn greater(call: &Call<'_>) -> SparkResult<Typed> {
    compare(call, Operator::Gt, ">")
}

pub(super) fn greater_or_equal(call: &Call<'_>) -> SparkResult<Typed> {
    compare(call, Operator::GtEq, ">=")
}

fn compare(call: &Call<'_>, operator: Operator, symbol: &str) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let (left, right) = without_fraction(operator, call.argument(0)?, call.argument(1)?);
    let name = format!("({} {symbol} {})", left.name, right.name);
    let common = comparison_type(&left.data_type, &right.data_type, call.settings.ansi).ok_or_else(|| {
        SparkError::new(
            "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES",
            format!("{name} compares {} with {}, which have no type in common", left.data_type, right.data_type),
        )
        .with("sqlExpr", format!("\"{name}\""))
        .with("left", format!("\"{}\"", left.data_type))
        .with("right", format!("\"{}\"", right.data_type))
    })?;
    if common.is_spatial() || matches!(common, DataType::Map { .. } | DataType::CalendarInterval | DataType::Variant) {
        return Err(SparkError::new(
            "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE",
            format!("{name}: values of type {common} do not compare"),
        )
        .with("sqlExpr", format!("\"{name}\""))
        .with("functionName", format!("`{symbol}`"))
        .with("dataType", format!("\"{common}\"")));
    }
    let (left, right) = (coerce(left, &common, call.settings)?, coerce(right, &common, call.settings)?);
    Ok(Typed::binary(left, operator, right, DataType::Boolean, name))
}

/// An integer is compared with a whole number instead of a decimal constant: `i < 1.5` is `i < 2`, as Spark plans it.
fn without_fraction(operator: Operator, left: Typed, right: Typed) -> (Typed, Typed) {
    let up = match operator {
        Operator::Lt | Operator::GtEq => true,
        Operator::Gt | Operator::LtEq => false,
        _ => return (left, right),
    };
    if left.data_type.is_integral()
        && let Some(whole) = whole_number(&right, up)
    {
        return (left, whole);
    }
    if right.data_type.is_integral()
        && let Some(whole) = whole_number(&left, !up)
    {
        return (whole, right);
    }
    (left, right)
}

/// A decimal constant rounded up or down, if it fits a BIGINT.
fn whole_number(value: &Typed, up: bool) -> Option<Typed> {
    let ScalarValue::Decimal128(Some(unscaled), _, scale) = value.value()? else { return None };
    let unit = 10_i128.checked_pow(u32::try_from(*scale).ok()?)?;
    let floor = unscaled.div_euclid(unit);
    let rounded = if up && unscaled.rem_euclid(unit) != 0 { floor + 1 } else { floor };
    i64::try_from(rounded).ok().map(Typed::long)
}

pub(super) fn is_in(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=usize::MAX)?;
    let names: Vec<&str> = call.arguments[1..].iter().map(|argument| argument.name.as_str()).collect();
    let name = format!("({} IN ({}))", call.argument(0)?.name, names.join(", "));
    let types: Vec<DataType> = call.arguments.iter().map(|argument| argument.data_type.clone()).collect();
    let common = match types.as_slice() {
        [left, right] => comparison_type(left, right, call.settings.ansi),
        all => common_type(all, call.settings.ansi),
    };
    let common = common.ok_or_else(|| call.data_diff_types(&types))?;
    let mut values = call
        .arguments
        .iter()
        .map(|argument| coerce(argument.clone(), &common, call.settings))
        .collect::<SparkResult<Vec<_>>>()?;
    let nullable = values.iter().any(|value| value.nullable);
    let value = values.remove(0);
    let list = values.into_iter().map(|value| value.expr).collect();
    let expr = Expr::InList(InList::new(Box::new(value.expr), list, false));
    Ok(Typed::new(expr, DataType::Boolean, nullable, name))
}

pub(super) fn between(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(3..=3)?;
    let (value, low, high) = (call.argument(0)?, call.argument(1)?, call.argument(2)?);
    let lower = greater_or_equal(&call.other(">=", vec![value.clone(), low]))?;
    let upper = less_or_equal(&call.other("<=", vec![value, high]))?;
    Ok(call.shown(Typed::binary(lower, Operator::And, upper, DataType::Boolean, "")))
}

pub(super) fn greatest(call: &Call<'_>) -> SparkResult<Typed> {
    extreme(call, &datafusion::functions::core::greatest())
}

pub(super) fn least(call: &Call<'_>) -> SparkResult<Typed> {
    extreme(call, &datafusion::functions::core::least())
}

fn extreme(call: &Call<'_>, function: &std::sync::Arc<datafusion::logical_expr::ScalarUDF>) -> SparkResult<Typed> {
    call.expect(2..=usize::MAX)?;
    let types: Vec<DataType> = call.arguments.iter().map(|argument| argument.data_type.clone()).collect();
    let is_text = |data_type: &DataType| data_type.is_string();
    if types.iter().any(is_text) && !types.iter().all(|data_type| is_text(data_type) || *data_type == DataType::Null) {
        return Err(call.data_diff_types(&types));
    }
    let (values, data_type) = call.common(0)?;
    let nullable = values.iter().all(|value| value.nullable);
    let mut typed = Typed::call(function, values)?;
    typed.data_type = data_type;
    typed.nullable = nullable;
    Ok(call.shown(typed))
}
