//! `spark_checked(left, right, operator, mode)`: arithmetic of integers and floats that fails, or gives null, where
//! Spark does: beyond the type's range, and by zero.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray};
use arrow::datatypes::{
    ArrowNativeTypeOp, DataType as ArrowType, DurationMicrosecondType, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, IntervalYearMonthType,
};
use datafusion::common::{Result, ScalarValue, internal_datafusion_err, internal_err};
use datafusion::logical_expr::{Operator, ScalarUDF};
use firesteel_spec::{DataType, SparkError, SparkResult};

use crate::cast::Mode;
use crate::kernel::{KernelUdf, null_if_any, nullable, spark_error};
use crate::typed::Typed;

pub(super) static CHECKED: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_checked",
        |fields, constants| {
            let data_type = match constants[2] {
                Some(ScalarValue::Utf8(Some(operator))) if operator == "div" => ArrowType::Int64,
                _ => fields[0].data_type().clone(),
            };
            let ansi = matches!(constants[3], Some(ScalarValue::Utf8(Some(mode))) if mode == "ansi");
            if ansi { null_if_any(data_type, &fields[..2]) } else { nullable(data_type) }
        },
        |arrays, _| {
            let [left, right, operator, mode] = arrays else {
                return internal_err!("spark_checked takes 4 arguments");
            };
            if left.is_empty() {
                return Ok(arrow::array::new_empty_array(left.data_type()));
            }
            let operator = operator.as_string::<i32>().value(0);
            let ansi = mode.as_string::<i32>().value(0) == "ansi";
            match left.data_type() {
                ArrowType::Int8 => integers::<Int8Type>(left, right, operator, ansi),
                ArrowType::Int16 => integers::<Int16Type>(left, right, operator, ansi),
                ArrowType::Int32 => integers::<Int32Type>(left, right, operator, ansi),
                ArrowType::Int64 => integers::<Int64Type>(left, right, operator, ansi),
                ArrowType::Float32 => floats::<Float32Type>(left, right, operator, ansi),
                ArrowType::Float64 => floats::<Float64Type>(left, right, operator, ansi),
                ArrowType::Interval(_) => integers::<IntervalYearMonthType>(left, right, operator, ansi),
                ArrowType::Duration(_) => integers::<DurationMicrosecondType>(left, right, operator, ansi),
                other => internal_err!("spark_checked takes no {other}"),
            }
        },
    )
});

/// `left operator right` for operands of one type: `+ - * / % pmod div`.
pub(super) fn checked(operator: &str, left: Typed, right: Typed, mode: Mode) -> SparkResult<Typed> {
    let data_type = if operator == "div" { DataType::Long } else { left.data_type.clone() };
    let mode = if mode == Mode::Ansi { "ansi" } else { "try" };
    let mut typed = Typed::call(&CHECKED, vec![left, right, Typed::string(operator), Typed::string(mode)])?;
    typed.data_type = data_type;
    Ok(typed)
}

pub(super) fn negative(operand: Typed, mode: Mode) -> SparkResult<Typed> {
    if is_interval(&operand) {
        return crate::datetime::signed_interval(operand, false);
    }
    let (data_type, nullable) = (operand.data_type.clone(), operand.nullable);
    if data_type.is_integral() {
        let zero = zero(&data_type)?;
        return match mode {
            Mode::Legacy => Ok(Typed::binary(zero, Operator::Minus, operand, data_type, "")),
            mode => checked("negate", operand, zero, mode),
        };
    }
    if let DataType::Float | DataType::Double = data_type {
        // Unlike a change of the sign, this leaves NaN the greatest of all.
        let minus_one = ScalarValue::new_negative_one(&crate::types::to_arrow(&data_type))
            .map_err(|error| SparkError::internal(format!("minus one as {data_type}: {error}")))?;
        let minus_one = Typed::literal(minus_one, data_type.clone(), "-1");
        return Ok(Typed::binary(operand, Operator::Multiply, minus_one, data_type, ""));
    }
    Ok(Typed::new(datafusion::logical_expr::Expr::Negative(Box::new(operand.expr)), data_type, nullable, operand.name))
}

pub(super) fn abs(operand: Typed, mode: Mode) -> SparkResult<Typed> {
    if is_interval(&operand) {
        return crate::datetime::signed_interval(operand, true);
    }
    if operand.data_type.is_integral() {
        let zero = zero(&operand.data_type)?;
        return match mode {
            Mode::Legacy => checked("abs_wrapping", operand, zero, mode),
            mode => checked("abs", operand, zero, mode),
        };
    }
    Typed::call(&datafusion::functions::math::abs(), vec![operand])
}

/// DataFusion's own functions don't take all of Spark's intervals.
fn is_interval(operand: &Typed) -> bool {
    matches!(
        operand.data_type,
        DataType::YearMonthInterval { .. } | DataType::DayTimeInterval { .. } | DataType::CalendarInterval
    )
}

fn zero(data_type: &DataType) -> SparkResult<Typed> {
    let value = ScalarValue::new_zero(&crate::types::to_arrow(data_type))
        .map_err(|error| SparkError::internal(format!("zero of {data_type}: {error}")))?;
    Ok(Typed::literal(value, data_type.clone(), "0"))
}

fn integers<T>(left: &ArrayRef, right: &ArrayRef, operator: &str, ansi: bool) -> Result<ArrayRef>
where
    T: ArrowPrimitiveType,
    T::Native: ArrowNativeTypeOp + TryInto<i64>,
{
    let overflow = || {
        let name = crate::types::from_arrow(left.data_type()).map(|name| name.sql()).unwrap_or_default();
        let alternative = match operator {
            "+" => "try_add",
            "-" => "try_subtract",
            "*" => "try_multiply",
            _ => "",
        };
        match left.data_type() {
            // Of the small types Spark shows the operands.
            ArrowType::Int8 | ArrowType::Int16 if !alternative.is_empty() => small_overflow(operator, alternative),
            _ => arithmetic_overflow(&name.to_lowercase(), alternative),
        }
    };
    let zero = T::Native::ZERO;
    let result = |value: std::result::Result<T::Native, _>| -> Result<Option<T::Native>> {
        match value {
            Ok(value) => Ok(Some(value)),
            Err(arrow::error::ArrowError::DivideByZero) if ansi => Err(divide_by_zero(operator)),
            Err(_) if ansi => Err(spark_error(overflow())),
            Err(_) => Ok(None),
        }
    };
    let compute = |left: T::Native, right: T::Native| -> Result<Option<T::Native>> {
        match operator {
            "+" => result(left.add_checked(right)),
            "-" => result(left.sub_checked(right)),
            "*" => result(left.mul_checked(right)),
            "negate" => result(zero.sub_checked(left)),
            "abs" if left.is_lt(zero) => result(zero.sub_checked(left)),
            "abs_wrapping" if left.is_lt(zero) => Ok(Some(zero.sub_wrapping(left))),
            "abs" | "abs_wrapping" => Ok(Some(left)),
            // The least number by -1 has no remainder, and overflows.
            "%" if right != zero => Ok(Some(left.mod_wrapping(right))),
            "%" => result(left.mod_checked(right)),
            "pmod" if right != zero => {
                let rest = left.mod_wrapping(right);
                Ok(Some(if rest.is_lt(zero) { rest.add_wrapping(right).mod_wrapping(right) } else { rest }))
            }
            "pmod" => result(left.mod_checked(right)),
            "div" => result(left.div_checked(right)),
            other => internal_err!("no operator of integers: {other}"),
        }
    };
    let (left, right) = (left.as_primitive::<T>(), right.as_primitive::<T>());
    let answer = zip(left, right, compute)?;
    if operator == "div" {
        let longs = answer.iter().map(|value| value.and_then(|value| value.try_into().ok()));
        return Ok(Arc::new(longs.collect::<PrimitiveArray<Int64Type>>()));
    }
    Ok(Arc::new(answer))
}

fn floats<T>(left: &ArrayRef, right: &ArrayRef, operator: &str, ansi: bool) -> Result<ArrayRef>
where
    T: ArrowPrimitiveType,
    T::Native: ArrowNativeTypeOp,
{
    let zero = T::Native::ZERO;
    let compute = |left: T::Native, right: T::Native| -> Result<Option<T::Native>> {
        // Negative zero is zero, which Arrow's total order does not say.
        if right.is_eq(zero) || right.is_eq(zero.neg_wrapping()) {
            return if ansi { Err(divide_by_zero(operator)) } else { Ok(None) };
        }
        match operator {
            "/" => Ok(Some(left.div_wrapping(right))),
            "%" => Ok(Some(positive_nan(left.mod_wrapping(right)))),
            "pmod" => {
                let rest = positive_nan(left.mod_wrapping(right));
                Ok(Some(if rest.is_lt(zero) { rest.add_wrapping(right).mod_wrapping(right) } else { rest }))
            }
            other => internal_err!("no operator of floats: {other}"),
        }
    };
    Ok(Arc::new(zip(left.as_primitive::<T>(), right.as_primitive::<T>(), compute)?))
}

fn zip<T: ArrowPrimitiveType>(
    left: &PrimitiveArray<T>,
    right: &PrimitiveArray<T>,
    compute: impl Fn(T::Native, T::Native) -> Result<Option<T::Native>>,
) -> Result<PrimitiveArray<T>> {
    let rows = left.iter().zip(right.iter()).map(|pair| match pair {
        (Some(left), Some(right)) => compute(left, right),
        _ => Ok(None),
    });
    let answer = rows.collect::<Result<PrimitiveArray<T>>>()?;
    Ok(answer.with_data_type(left.data_type().clone()))
}

/// `BINARY_ARITHMETIC_OVERFLOW`
fn small_overflow(operator: &str, alternative: &str) -> SparkError {
    SparkError::new(
        "BINARY_ARITHMETIC_OVERFLOW",
        format!("the answer of {operator} is beyond its type; use '{alternative}' to get NULL instead"),
    )
    .with("symbol", operator)
    .with("functionName", format!("`{alternative}`"))
}

/// `ARITHMETIC_OVERFLOW`
pub(crate) fn arithmetic_overflow(what: &str, alternative: &str) -> SparkError {
    let hint =
        if alternative.is_empty() { String::new() } else { format!(" Use '{alternative}' to get null instead.") };
    SparkError::new(
        "ARITHMETIC_OVERFLOW",
        format!("{what} overflow.{hint} Or set \"spark.sql.ansi.enabled\" to \"false\"."),
    )
    .with("message", format!("{what} overflow"))
    .with("alternative", hint)
    .with("config", "\"spark.sql.ansi.enabled\"")
}

pub(super) fn divide_by_zero(operator: &str) -> datafusion::common::DataFusionError {
    if matches!(operator, "%" | "pmod") {
        return spark_error(
            SparkError::new("REMAINDER_BY_ZERO", "remainder by zero; use 'try_mod' to get null instead")
                .with("config", "\"spark.sql.ansi.enabled\""),
        );
    }
    spark_error(
        SparkError::new(
            "DIVIDE_BY_ZERO",
            "division by zero; use 'try_divide' to get null instead, or set \"spark.sql.ansi.enabled\" to \"false\"",
        )
        .with("config", "\"spark.sql.ansi.enabled\""),
    )
}

/// A text argument of a kernel that is the same in every row.
pub(super) fn constant_text(array: &ArrayRef) -> Result<&str> {
    let texts = array.as_string_opt::<i32>().ok_or_else(|| internal_datafusion_err!("a constant text is missing"))?;
    Ok(texts.value(0))
}

/// NaN without a sign, as Java has it: the total order of what x86 makes of `inf % 2` puts it below all numbers.
fn positive_nan<N: ArrowNativeTypeOp>(value: N) -> N {
    let is_nan = value.partial_cmp(&value).is_none();
    if is_nan && value.is_lt(N::ZERO) { value.neg_wrapping() } else { value }
}
