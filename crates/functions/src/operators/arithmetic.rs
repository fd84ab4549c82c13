//! `+ - * / % div`: what they mean for which types, and when they fail.

use datafusion::logical_expr::Operator;
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::{decimal, overflow};
use crate::call::Call;
use crate::cast::{Mode, cast, coerce};
use crate::coerce::{integral_decimal, wider};
use crate::typed::Typed;

pub(super) fn add(call: &Call<'_>) -> SparkResult<Typed> {
    if call.arguments.len() == 1 {
        return positive(call);
    }
    binary(call, "+", mode(call))
}

pub(super) fn subtract(call: &Call<'_>) -> SparkResult<Typed> {
    if call.arguments.len() == 1 {
        let name = format!("(- {})", call.argument(0)?.name);
        return negative(call).map(|typed| typed.named(name));
    }
    binary(call, "-", mode(call))
}

pub(super) fn multiply(call: &Call<'_>) -> SparkResult<Typed> {
    binary(call, "*", mode(call))
}

pub(super) fn divide(call: &Call<'_>) -> SparkResult<Typed> {
    binary(call, "/", mode(call))
}

pub(super) fn remainder(call: &Call<'_>) -> SparkResult<Typed> {
    let typed = binary(call, "%", mode(call))?;
    Ok(if call.name == "mod" { call.shown(typed) } else { typed })
}

pub(super) fn positive_remainder(call: &Call<'_>) -> SparkResult<Typed> {
    let typed = binary(call, "pmod", mode(call))?;
    Ok(call.shown(typed))
}

pub(super) fn integral_divide(call: &Call<'_>) -> SparkResult<Typed> {
    binary(call, "div", mode(call))
}

pub(super) fn try_add(call: &Call<'_>) -> SparkResult<Typed> {
    binary(call, "+", Mode::Try).map(|typed| call.shown(typed))
}

pub(super) fn try_subtract(call: &Call<'_>) -> SparkResult<Typed> {
    binary(call, "-", Mode::Try).map(|typed| call.shown(typed))
}

pub(super) fn try_multiply(call: &Call<'_>) -> SparkResult<Typed> {
    binary(call, "*", Mode::Try).map(|typed| call.shown(typed))
}

pub(super) fn try_divide(call: &Call<'_>) -> SparkResult<Typed> {
    binary(call, "/", Mode::Try).map(|typed| call.shown(typed))
}

pub(super) fn try_remainder(call: &Call<'_>) -> SparkResult<Typed> {
    binary(call, "%", Mode::Try).map(|typed| call.shown(typed))
}

pub(super) fn positive(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let operand = numeric_operand(call)?;
    let name = format!("(+ {})", operand.name);
    Ok(operand.named(name))
}

pub(super) fn negative(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let operand = numeric_operand(call)?;
    Ok(call.shown(overflow::negative(operand, mode(call))?))
}

pub(super) fn abs(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let operand = numeric_operand(call)?;
    Ok(call.shown(overflow::abs(operand, mode(call))?))
}

fn mode(call: &Call<'_>) -> Mode {
    if call.settings.ansi { Mode::Ansi } else { Mode::Legacy }
}

fn numeric_operand(call: &Call<'_>) -> SparkResult<Typed> {
    let operand = call.argument(0)?;
    match &operand.data_type {
        DataType::Null => coerce(operand, &DataType::Double, call.settings),
        text if text.is_string() => coerce(operand, &DataType::Double, call.settings),
        numeric if numeric.is_numeric() => Ok(operand),
        DataType::YearMonthInterval { .. } | DataType::DayTimeInterval { .. } | DataType::CalendarInterval => {
            Ok(operand)
        }
        other => Err(call.unexpected(0, other, "NUMERIC")),
    }
}

fn binary(call: &Call<'_>, operator: &str, mode: Mode) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let (left, right) = (call.argument(0)?, call.argument(1)?);
    let name = format!("({} {operator} {})", left.name, right.name);
    if let Some(typed) = crate::datetime::arithmetic(call, operator, &left, &right, mode) {
        // Some of these go by other names, such as `date_add(d, 1)`.
        let typed = typed?;
        return Ok(if typed.name.is_empty() { typed.named(name) } else { typed });
    }
    if operator == "div" && is_interval_pair(&left.data_type, &right.data_type) {
        return Ok(overflow::checked(operator, left, right, mode)?.named(name));
    }
    let (left, right) = numeric_operands(call, operator, left, right, mode)?;
    Ok(numeric(operator, left, right, mode, call)?.named(name))
}

/// Two intervals of one kind: how often one goes into the other is a whole number.
fn is_interval_pair(left: &DataType, right: &DataType) -> bool {
    matches!(
        (left, right),
        (DataType::YearMonthInterval { .. }, DataType::YearMonthInterval { .. })
            | (DataType::DayTimeInterval { .. }, DataType::DayTimeInterval { .. })
    )
}

/// Both operands with the types that the operator works on: equal, or both decimal.
fn numeric_operands(
    call: &Call<'_>,
    operator: &str,
    left: Typed,
    right: Typed,
    mode: Mode,
) -> SparkResult<(Typed, Typed)> {
    let mismatch = |left: &Typed, right: &Typed| operands_mismatch(operator, left, right);
    let bare = |value: &Typed| value.data_type.is_string() || value.data_type == DataType::Null;
    if call.settings.ansi && bare(&left) && bare(&right) && (left.data_type.is_string() || right.data_type.is_string())
    {
        // Nothing says which number a text would be.
        return Err(wrong_operands(operator, &left, &right));
    }
    let number = |value: Typed, other: &DataType| -> SparkResult<Typed> {
        let target = match (&value.data_type, other) {
            (DataType::Null, DataType::Null) => DataType::Double,
            (DataType::Null, other) if other.is_string() => DataType::Double,
            (DataType::Null, other) => other.clone(),
            (text, other) if text.is_string() && call.settings.ansi && other.is_integral() => DataType::Long,
            (text, _) if text.is_string() => DataType::Double,
            _ => return Ok(value),
        };
        // `try_add('abc', 1)` is null, since the text is no number.
        if mode == Mode::Try && value.data_type.is_string() {
            let name = value.name.clone();
            return cast(value, &target, mode, call.settings).map(|cast| cast.named(name));
        }
        coerce(value, &target, call.settings)
    };
    let (left_type, right_type) = (left.data_type.clone(), right.data_type.clone());
    let (left, right) = (number(left, &right_type)?, number(right, &left_type)?);
    if !left.data_type.is_numeric() || !right.data_type.is_numeric() {
        return Err(mismatch(&left, &right));
    }
    if operator == "div"
        && [&left_type, &right_type].iter().any(|given| matches!(given, DataType::Float | DataType::Double))
    {
        return Err(mismatch(&left, &right));
    }
    // A quotient of null and a decimal is a double, unlike that of a decimal and null.
    if operator == "/" && left_type == DataType::Null && right_type != DataType::Null {
        let double = |value| coerce(value, &DataType::Double, call.settings);
        return Ok((double(left)?, double(right)?));
    }
    let decimal = |value: &Typed| matches!(value.data_type, DataType::Decimal { .. });
    if (decimal(&left) && !right.data_type.is_fractional()) || (decimal(&right) && !left.data_type.is_fractional()) {
        return Ok((as_decimal(left, call)?, as_decimal(right, call)?));
    }
    let common = wider(&left.data_type, &right.data_type, call.settings.ansi).ok_or_else(|| mismatch(&left, &right))?;
    let common = match operator {
        "/" if common.is_integral() || common == DataType::Float => DataType::Double,
        "div" if common.is_integral() => DataType::Long,
        _ => common,
    };
    Ok((coerce(left, &common, call.settings)?, coerce(right, &common, call.settings)?))
}

/// Operands of two types that do not go together, or of one that the operator does not take.
fn operands_mismatch(operator: &str, left: &Typed, right: &Typed) -> SparkError {
    if left.data_type == right.data_type {
        return wrong_operands(operator, left, right);
    }
    SparkError::new(
        "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES",
        format!("{operator} takes no {} and {}", left.data_type, right.data_type),
    )
    .with("sqlExpr", format!("\"({} {operator} {})\"", left.name, right.name))
    .with("left", format!("\"{}\"", left.data_type))
    .with("right", format!("\"{}\"", right.data_type))
}

fn wrong_operands(operator: &str, left: &Typed, right: &Typed) -> SparkError {
    let found = if left.data_type == DataType::Null { &right.data_type } else { &left.data_type };
    SparkError::new(
        "DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE",
        format!("{operator} takes numbers or intervals, and not {found}; cast one side"),
    )
    .with("sqlExpr", format!("\"({} {operator} {})\"", left.name, right.name))
    .with("inputType", "(\"NUMERIC\" or \"INTERVAL DAY TO SECOND\" or \"INTERVAL YEAR TO MONTH\" or \"INTERVAL\")")
    .with("actualDataType", format!("\"{found}\""))
}

/// An integer as a decimal: of as many digits as a constant has, or as its type may have.
fn as_decimal(value: Typed, call: &Call<'_>) -> SparkResult<Typed> {
    // Of a TINYINT, Spark does not look at the constant.
    let constant = if value.data_type == DataType::Byte { None } else { value.integer() };
    let digits = constant.map(|constant| constant.unsigned_abs().to_string().len() as u8);
    let Some((precision, scale)) = integral_decimal(&value.data_type) else { return Ok(value) };
    coerce(value, &DataType::Decimal { precision: digits.unwrap_or(precision), scale }, call.settings)
}

fn numeric(operator: &str, left: Typed, right: Typed, mode: Mode, call: &Call<'_>) -> SparkResult<Typed> {
    match &left.data_type {
        DataType::Decimal { .. } => decimal::operate(operator, left, right, mode),
        DataType::Float | DataType::Double => floating(operator, left, right, mode),
        DataType::Byte | DataType::Short | DataType::Integer | DataType::Long => {
            let wraps = mode == Mode::Legacy && matches!(operator, "+" | "-" | "*");
            if wraps {
                let data_type = left.data_type.clone();
                return Ok(Typed::binary(left, arrow_operator(operator)?, right, data_type, ""));
            }
            overflow::checked(operator, left, right, mode)
        }
        other => Err(call.unexpected(0, other, "NUMERIC")),
    }
}

fn floating(operator: &str, left: Typed, right: Typed, mode: Mode) -> SparkResult<Typed> {
    match operator {
        "+" | "-" | "*" => {
            let data_type = left.data_type.clone();
            Ok(Typed::binary(left, arrow_operator(operator)?, right, data_type, ""))
        }
        _ => overflow::checked(operator, left, right, mode),
    }
}

fn arrow_operator(operator: &str) -> SparkResult<Operator> {
    match operator {
        "+" => Ok(Operator::Plus),
        "-" => Ok(Operator::Minus),
        "*" => Ok(Operator::Multiply),
        other => Err(SparkError::internal(format!("{other} is no operator of DataFusion's"))),
    }
}
