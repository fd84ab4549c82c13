//! Arithmetic of decimals by Spark's rules of precision and scale (`DecimalPrecision`).

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Int64Array};
use arrow::datatypes::{DataType as ArrowType, Decimal128Type, DecimalType, i256};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::{Operator, ScalarUDF};
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::overflow::{constant_text, divide_by_zero};
use crate::cast::Mode;
use crate::kernel::{KernelUdf, null_if_any, nullable, spark_error};
use crate::typed::Typed;

const PRECISION_MAX: i16 = 38;
/// Digits after the point that are kept where a result has too many before it.
const SCALE_KEPT: i16 = 6;

/// `spark_decimal(left, right, null of the result's type, operator, mode)`
pub(super) static DECIMAL: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_decimal",
        |fields, constants| {
            let data_type = fields[2].data_type().clone();
            let ansi = matches!(constants[4], Some(ScalarValue::Utf8(Some(mode))) if mode == "ansi");
            if ansi { null_if_any(data_type, &fields[..2]) } else { nullable(data_type) }
        },
        |arrays, _| {
            let [left, right, target, operator, mode] = arrays else {
                return internal_err!("spark_decimal takes 5 arguments");
            };
            if left.is_empty() {
                return Ok(arrow::array::new_empty_array(target.data_type()));
            }
            let ansi = constant_text(mode)? == "ansi";
            kernel(left, right, target.data_type(), constant_text(operator)?, ansi)
        },
    )
});

/// `left operator right` for decimals: `+ - * / % pmod div`.
pub(super) fn operate(operator: &str, left: Typed, right: Typed, mode: Mode) -> SparkResult<Typed> {
    let (DataType::Decimal { precision: p1, scale: s1 }, DataType::Decimal { precision: p2, scale: s2 }) =
        (&left.data_type, &right.data_type)
    else {
        return Err(SparkError::internal(format!("{operator} of {} and {}", left.data_type, right.data_type)));
    };
    let (p1, s1, p2, s2) = (i16::from(*p1), i16::from(*s1), i16::from(*p2), i16::from(*s2));
    let (precision, scale) = match operator {
        "+" | "-" => ((p1 - s1).max(p2 - s2) + s1.max(s2) + 1, s1.max(s2)),
        "*" => (p1 + p2 + 1, s1 + s2),
        "/" => {
            let scale = SCALE_KEPT.max(s1 + p2 + 1);
            (p1 - s1 + s2 + scale, scale)
        }
        "div" => (20, 0),
        _ => ((p1 - s1).min(p2 - s2) + s1.max(s2), s1.max(s2)),
    };
    let fits = precision <= PRECISION_MAX;
    let (precision, scale) = adjusted(precision, scale);
    let data_type = DataType::Decimal { precision: precision as u8, scale: scale as i8 };
    let native = match operator {
        "+" => Some(Operator::Plus),
        "-" => Some(Operator::Minus),
        "*" => Some(Operator::Multiply),
        _ => None,
    };
    if let (Some(native), true) = (native, fits) {
        return Ok(Typed::binary(left, native, right, data_type, ""));
    }
    let target = if operator == "div" { DataType::Long } else { data_type };
    let mode = if mode == Mode::Ansi { "ansi" } else { "try" };
    let arguments = vec![left, right, Typed::null(target), Typed::string(operator), Typed::string(mode)];
    Typed::call(&DECIMAL, arguments)
}

/// `left / right` at the precision and scale of `target`, which is null or an error where it does not fit.
pub(crate) fn divide_to(left: Typed, right: Typed, target: DataType, mode: Mode) -> SparkResult<Typed> {
    let mode = if mode == Mode::Ansi { "ansi" } else { "try" };
    let arguments = vec![left, right, Typed::null(target), Typed::string("/"), Typed::string(mode)];
    Typed::call(&DECIMAL, arguments)
}

/// `DecimalType.adjustPrecisionScale`
fn adjusted(precision: i16, scale: i16) -> (i16, i16) {
    if precision <= PRECISION_MAX {
        return (precision, scale);
    }
    let whole = precision - scale;
    (PRECISION_MAX, (PRECISION_MAX - whole).max(scale.min(SCALE_KEPT)))
}

fn kernel(left: &ArrayRef, right: &ArrayRef, target: &ArrowType, operator: &str, ansi: bool) -> Result<ArrayRef> {
    let (left, right) = (left.as_primitive::<Decimal128Type>(), right.as_primitive::<Decimal128Type>());
    let (s1, s2) = (i32::from(left.scale()), i32::from(right.scale()));
    let (precision, scale) = match target {
        ArrowType::Decimal128(precision, scale) => (*precision, i32::from(*scale)),
        _ => (38, 0),
    };
    let compute = |left: i128, right: i128| -> Result<Option<i128>> {
        if right == 0 && matches!(operator, "/" | "div" | "%" | "pmod") {
            return if ansi { Err(divide_by_zero(operator)) } else { Ok(None) };
        }
        let value = exact(i256::from_i128(left), s1, i256::from_i128(right), s2, operator, scale);
        let value = value.and_then(i256::to_i128);
        match value.filter(|value| Decimal128Type::is_valid_decimal_precision(*value, precision)) {
            Some(value) => Ok(Some(value)),
            None if ansi => Err(spark_error(out_of_range(precision, scale))),
            None => Ok(None),
        }
    };
    let rows = left.iter().zip(right.iter()).map(|pair| match pair {
        (Some(left), Some(right)) => compute(left, right),
        _ => Ok(None),
    });
    let values = rows.collect::<Result<Vec<Option<i128>>>>()?;
    if *target == ArrowType::Int64 {
        let longs = values.into_iter().map(|value| match value.map(i64::try_from) {
            Some(Err(_)) if ansi => Err(spark_error(super::overflow::arithmetic_overflow("bigint", ""))),
            Some(Ok(value)) => Ok(Some(value)),
            _ => Ok(None),
        });
        return Ok(Arc::new(longs.collect::<Result<Int64Array>>()?));
    }
    let array = Decimal128Array::from(values).with_precision_and_scale(precision, scale as i8)?;
    Ok(Arc::new(array))
}

/// The result at `scale` digits after the point, half up; none beyond 256 bits.
fn exact(left: i256, s1: i32, right: i256, s2: i32, operator: &str, scale: i32) -> Option<i256> {
    let common = s1.max(s2);
    match operator {
        "+" => rescale(raise(left, common - s1)?.checked_add(raise(right, common - s2)?)?, common, scale),
        "-" => rescale(raise(left, common - s1)?.checked_sub(raise(right, common - s2)?)?, common, scale),
        "*" => rescale(left.checked_mul(right)?, s1 + s2, scale),
        "/" => {
            // One digit more than is kept, to round by.
            let shift = scale + 1 - s1 + s2;
            let (left, right) = if shift >= 0 { (raise(left, shift)?, right) } else { (left, raise(right, -shift)?) };
            rescale(left.checked_div(right)?, scale + 1, scale)
        }
        "div" => raise(left, common - s1)?.checked_div(raise(right, common - s2)?),
        _ => {
            let (left, right) = (raise(left, common - s1)?, raise(right, common - s2)?);
            let mut rest = left.checked_rem(right)?;
            if operator == "pmod" && rest < i256::ZERO {
                rest = rest.checked_add(right)?.checked_rem(right)?;
            }
            rescale(rest, common, scale)
        }
    }
}

fn raise(value: i256, digits: i32) -> Option<i256> {
    value.checked_mul(i256::from_i128(10).checked_pow(digits.try_into().ok()?)?)
}

fn rescale(value: i256, from: i32, to: i32) -> Option<i256> {
    if to >= from {
        return raise(value, to - from);
    }
    let unit = i256::from_i128(10).checked_pow((from - to) as u32)?;
    let (quotient, rest) = (value.checked_div(unit)?, value.checked_rem(unit)?);
    let rest = if rest < i256::ZERO { rest.wrapping_neg() } else { rest };
    if rest.checked_mul(i256::from_i128(2))? < unit {
        return Some(quotient);
    }
    let one = if value < i256::ZERO { i256::MINUS_ONE } else { i256::ONE };
    quotient.checked_add(one)
}

fn out_of_range(precision: u8, scale: i32) -> SparkError {
    SparkError::new(
        "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION",
        format!(
            "a result does not fit Decimal({precision}, {scale}); set \"spark.sql.ansi.enabled\" to \"false\" to get NULL instead"
        ),
    )
    .with("roundedValue", "")
    .with("originalValue", "")
    .with("precision", precision.to_string())
    .with("scale", scale.to_string())
    .with("config", "\"spark.sql.ansi.enabled\"")
}
