//! Logic of three values.

use datafusion::logical_expr::{Expr, Operator};
use firesteel_spec::{DataType, SparkError, SparkResult};

use crate::call::Call;
use crate::coerce::casts_implicitly;
use crate::typed::Typed;

pub(super) fn and(call: &Call<'_>) -> SparkResult<Typed> {
    connect(call, Operator::And, "AND")
}

pub(super) fn or(call: &Call<'_>) -> SparkResult<Typed> {
    connect(call, Operator::Or, "OR")
}

fn connect(call: &Call<'_>, operator: Operator, symbol: &str) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let (left, right) = (call.argument(0)?, call.argument(1)?);
    let name = format!("({} {symbol} {})", left.name, right.name);
    let is_condition = |typed: &Typed| casts_implicitly(&typed.data_type, &DataType::Boolean, call.settings.ansi);
    if left.data_type != right.data_type && !(is_condition(&left) && is_condition(&right)) {
        return Err(SparkError::new(
            "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES",
            format!("{name}: {symbol} takes two conditions, and not {} and {}", left.data_type, right.data_type),
        )
        .with("sqlExpr", format!("\"{name}\""))
        .with("left", format!("\"{}\"", left.data_type))
        .with("right", format!("\"{}\"", right.data_type)));
    }
    Ok(Typed::binary(call.boolean(0)?, operator, call.boolean(1)?, DataType::Boolean, name))
}

pub(super) fn not(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let operand = call.boolean(0)?;
    let name = format!("(NOT {})", operand.name);
    Ok(Typed::new(Expr::Not(Box::new(operand.expr)), DataType::Boolean, operand.nullable, name))
}

pub(super) fn is_null(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let operand = call.argument(0)?;
    let name = format!("({} IS NULL)", operand.name);
    Ok(Typed::new(Expr::IsNull(Box::new(operand.expr)), DataType::Boolean, false, name))
}

pub(super) fn is_not_null(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let operand = call.argument(0)?;
    let name = format!("({} IS NOT NULL)", operand.name);
    Ok(Typed::new(Expr::IsNotNull(Box::new(operand.expr)), DataType::Boolean, false, name))
}

/// False for null.
pub(super) fn is_nan(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let operand = match call.argument(0)?.data_type {
        DataType::Float => call.argument(0)?,
        _ => call.double(0)?,
    };
    let is_nan = Typed::call(&datafusion::functions::math::isnan(), vec![operand])?;
    let expr = Expr::IsTrue(Box::new(is_nan.expr));
    Ok(call.shown(Typed::new(expr, DataType::Boolean, false, "")))
}
