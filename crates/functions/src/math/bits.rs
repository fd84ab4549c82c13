//! Bits of integers.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, AsArray, Int8Array};
use arrow::datatypes::{DataType as ArrowType, Int32Type, Int64Type};
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::{Operator, ScalarUDF};
use datafusion_spark::function::bitwise;
use firesteel_spec::{DataType, SparkError, SparkResult};

use crate::call::Call;
use crate::cast::coerce;
use crate::coerce::wider;
use crate::kernel::{KernelUdf, null_if_any, spark_error};
use crate::renamed::renamed;
use crate::typed::Typed;

pub(super) static COUNT: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| renamed(bitwise::bit_count()));
pub(super) static NOT: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| renamed(bitwise::bitwise_not()));
pub(super) static SHIFT_LEFT: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| renamed(bitwise::shiftleft()));
pub(super) static SHIFT_RIGHT: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| renamed(bitwise::shiftright()));
pub(super) static SHIFT_RIGHT_UNSIGNED: LazyLock<Arc<ScalarUDF>> =
    LazyLock::new(|| renamed(bitwise::shiftrightunsigned()));

/// `spark_bit_get(long, position, bits of the value's type)`
pub(super) static GET: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_bit_get",
        |fields, _| null_if_any(ArrowType::Int8, &fields[..2]),
        |arrays, _| {
            let [value, position, size] = arrays else { return internal_err!("spark_bit_get takes 3 arguments") };
            let size = if size.is_empty() { 64 } else { size.as_primitive::<Int32Type>().value(0) };
            let rows = value.as_primitive::<Int64Type>().iter().zip(position.as_primitive::<Int32Type>());
            let bits = rows.map(|row| match row {
                (Some(_), Some(position)) if !(0..size).contains(&position) => {
                    Err(spark_error(position_error(position, size)))
                }
                (Some(value), Some(position)) => Ok(Some(((value >> position) & 1) as i8)),
                _ => Ok(None),
            });
            Ok(Arc::new(bits.collect::<Result<Int8Array>>()?))
        },
    )
});

pub(super) fn count(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let value = match call.argument(0)? {
        value if value.data_type == DataType::Null => Typed::null(DataType::Integer),
        value if value.data_type == DataType::Boolean => value,
        _ => integral(call, 0)?,
    };
    Ok(call.shown(Typed::call(&COUNT, vec![value])?))
}

pub(super) fn get(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let value = integral(call, 0)?;
    let size = match value.data_type {
        DataType::Byte => 8,
        DataType::Short => 16,
        DataType::Integer => 32,
        _ => 64,
    };
    let value = coerce(value, &DataType::Long, call.settings)?;
    Ok(call.shown(Typed::call(&GET, vec![value, call.int(1)?, Typed::int(size)])?))
}

/// Of ints and longs; what is smaller becomes an int, as in Java.
pub(super) fn shift(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let value = if call.argument(0)?.data_type == DataType::Long { call.long(0)? } else { call.int(0)? };
    let function = match call.name {
        "shiftleft" | "<<" => &SHIFT_LEFT,
        "shiftright" | ">>" => &SHIFT_RIGHT,
        _ => &SHIFT_RIGHT_UNSIGNED,
    };
    let typed = Typed::call(function, vec![value, call.int(1)?])?;
    if call.name.starts_with("shift") {
        return Ok(call.shown(typed));
    }
    let name = format!("({} {} {})", call.argument(0)?.name, call.name, call.argument(1)?.name);
    Ok(typed.named(name))
}

pub(super) fn binary(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let (left, right) = (call.argument(0)?, call.argument(1)?);
    let name = format!("({} {} {})", left.name, call.name, right.name);
    let operator = match call.name {
        "&" => Operator::BitwiseAnd,
        "|" => Operator::BitwiseOr,
        _ => Operator::BitwiseXor,
    };
    let is_text = left.data_type.is_string() || right.data_type.is_string();
    let common = wider(&left.data_type, &right.data_type, call.settings.ansi)
        .filter(|common| matches!(common, DataType::Null) || common.is_integral())
        .filter(|_| call.settings.ansi || !is_text);
    let Some(common) = common else {
        return Err(wrong_operands(&name, &left, &right));
    };
    let common = if common == DataType::Null { DataType::Integer } else { common };
    let (left, right) = (coerce(left, &common, call.settings)?, coerce(right, &common, call.settings)?);
    Ok(Typed::binary(left, operator, right, common, name))
}

pub(super) fn not(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let value = match call.argument(0)? {
        value if value.data_type == DataType::Null => Typed::null(DataType::Integer),
        value if value.data_type.is_integral() => value,
        value => return Err(call.unexpected(0, &value.data_type, "INTEGRAL")),
    };
    let name = format!("~{}", call.argument(0)?.name);
    Ok(Typed::call(&NOT, vec![value])?.named(name))
}

fn integral(call: &Call<'_>, index: usize) -> SparkResult<Typed> {
    let value = call.argument(index)?;
    match &value.data_type {
        integral if integral.is_integral() => Ok(value),
        DataType::Null => Ok(Typed::null(DataType::Integer)),
        other => Err(call.unexpected(index, other, "INTEGRAL")),
    }
}

fn wrong_operands(name: &str, left: &Typed, right: &Typed) -> SparkError {
    if left.data_type == right.data_type {
        return SparkError::new(
            "DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE",
            format!("cannot resolve {name}: the operands must be INTEGRAL, not {}", left.data_type),
        )
        .with("sqlExpr", format!("\"{name}\""))
        .with("inputType", "\"INTEGRAL\"")
        .with("actualDataType", format!("\"{}\"", left.data_type));
    }
    SparkError::new(
        "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES",
        format!("cannot resolve {name}: the operands are {} and {}", left.data_type, right.data_type),
    )
    .with("sqlExpr", format!("\"{name}\""))
    .with("left", format!("\"{}\"", left.data_type))
    .with("right", format!("\"{}\"", right.data_type))
}

fn position_error(position: i32, size: i32) -> SparkError {
    SparkError::new(
        "INVALID_PARAMETER_VALUE.BIT_POSITION_RANGE",
        format!("bit_get takes a position from 0 to {}, not {position}", size - 1),
    )
    .with("functionName", "`bit_get`")
    .with("parameter", "`pos`")
    .with("lower", "0")
    .with("upper", size.to_string())
    .with("invalidValue", position.to_string())
}
