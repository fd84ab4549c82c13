//! `round`, `bround`, `ceil` and `floor`: at a number of digits after the point, or before it where that is negative.
//!
//! A double is rounded by the digits that it is written with, not by its binary value: `round(1.005, 2)` is `1.01`.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, Decimal128Array, PrimitiveArray};
use arrow::datatypes::{
    DataType as ArrowType, Decimal128Type, DecimalType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type,
};
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::ScalarUDF;
use datafusion_spark::function::math;
use firesteel_spec::{DataType, SparkError, SparkResult};

use crate::call::Call;
use crate::cast::coerce;
use crate::coerce::{bounded_decimal, integral_decimal};
use crate::kernel::{KernelUdf, nullable, spark_error};
use crate::renamed::renamed;
use crate::typed::Typed;

pub(super) static CEIL: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| renamed(math::ceil()));
pub(super) static FLOOR: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| renamed(math::floor()));

/// `spark_round(value, digits, null of the answer's type, direction, ansi)`
pub(super) static ROUND: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_round",
        |fields, _| nullable(fields[2].data_type().clone()),
        |arrays, _| {
            let [value, digits, target, direction, ansi] = arrays else {
                return internal_err!("spark_round takes 5 arguments");
            };
            let digits = digits.as_primitive::<Int32Type>();
            if value.is_empty() || digits.is_null(0) {
                return Ok(arrow::array::new_null_array(target.data_type(), value.len()));
            }
            let direction = Direction::named(direction.as_string::<i32>().value(0))?;
            let (digits, ansi) = (digits.value(0), ansi.as_boolean().value(0));
            match value.data_type() {
                ArrowType::Int8 => integers::<Int8Type>(value, digits, direction, ansi),
                ArrowType::Int16 => integers::<Int16Type>(value, digits, direction, ansi),
                ArrowType::Int32 => integers::<Int32Type>(value, digits, direction, ansi),
                ArrowType::Int64 => integers::<Int64Type>(value, digits, direction, ansi),
                ArrowType::Float32 => {
                    let rounded = |value: f32| double(value.into(), digits, direction) as f32;
                    Ok(Arc::new(value.as_primitive::<Float32Type>().unary::<_, Float32Type>(rounded)))
                }
                ArrowType::Float64 => {
                    let rounded = |value| double(value, digits, direction);
                    Ok(Arc::new(value.as_primitive::<Float64Type>().unary::<_, Float64Type>(rounded)))
                }
                ArrowType::Decimal128(..) => decimals(value, digits, target.data_type(), direction),
                other => internal_err!("spark_round takes no {other}"),
            }
        },
    )
});

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    HalfUp,
    HalfEven,
    Ceiling,
    Floor,
}

impl Direction {
    fn named(name: &str) -> Result<Self> {
        Ok(match name {
            "round" => Self::HalfUp,
            "bround" => Self::HalfEven,
            "ceil" => Self::Ceiling,
            "floor" => Self::Floor,
            other => return internal_err!("no direction of rounding: {other}"),
        })
    }

    /// Is a number to be rounded away from zero? `half` compares what is cut off with a half.
    fn is_outward(self, half: std::cmp::Ordering, cuts: bool, is_odd: bool, is_negative: bool) -> bool {
        match self {
            Self::HalfUp => half.is_ge(),
            Self::HalfEven => half.is_gt() || (half.is_eq() && is_odd),
            Self::Ceiling => cuts && !is_negative,
            Self::Floor => cuts && is_negative,
        }
    }
}

pub(super) fn round(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let value = match call.argument(0)? {
        value if value.data_type.is_numeric() => value,
        _ => call.double(0)?,
    };
    let digits = digits(call)?;
    let data_type = rounded_type(&value.data_type, digits.unwrap_or(0));
    let shown = digits_name(call)?;
    let name = format!("{}({}, {shown})", call.name, call.argument(0)?.name);
    rounded(call, value, digits, data_type, call.name).map(|typed| typed.named(name))
}

/// One argument gives an integer; with digits, everything is a decimal.
pub(super) fn ceil_or_floor(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let direction = if call.name == "floor" { "floor" } else { "ceil" };
    let value = match call.argument(0)? {
        value if value.data_type.is_numeric() => value,
        _ => call.double(0)?,
    };
    if call.has(1) {
        let Some(digits) = digits(call)? else { return Err(no_digits(call)) };
        let decimal = decimal_for(&value.data_type);
        let value = coerce(value, &decimal, call.settings)?;
        let data_type = rounded_type(&decimal, digits);
        return Ok(call.shown(rounded(call, value, Some(digits), data_type, direction)?));
    }
    let value = match &value.data_type {
        integral if integral.is_integral() => coerce(value, &DataType::Long, call.settings)?,
        _ => value,
    };
    let function = if direction == "ceil" { &CEIL } else { &FLOOR };
    let mut typed = Typed::call(function, vec![value])?;
    typed.nullable = true;
    let shown = if call.name == "ceiling" { "ceiling".to_owned() } else { direction.to_uppercase() };
    Ok(call.shown_as(&shown, typed))
}

fn rounded(
    call: &Call<'_>,
    value: Typed,
    digits: Option<i32>,
    data_type: DataType,
    direction: &str,
) -> SparkResult<Typed> {
    let digits = digits.map_or_else(|| Typed::null(DataType::Integer), Typed::int);
    let ansi = Typed::boolean(call.settings.ansi);
    Typed::call(&ROUND, vec![value, digits, Typed::null(data_type), Typed::string(direction), ansi])
}

/// The number of digits, which must be constant; none if it is null.
fn digits(call: &Call<'_>) -> SparkResult<Option<i32>> {
    if !call.has(1) {
        return Ok(Some(0));
    }
    let folded = call.int(1)?.folded();
    let Some(value) = folded else {
        return Err(SparkError::new(
            "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
            format!("cannot resolve {}: the scale must be a constant", call.display()),
        )
        .with("sqlExpr", format!("\"{}\"", call.display()))
        .with("inputName", "`scale`")
        .with("inputType", "\"INT\"")
        .with("inputExpr", format!("\"{}\"", call.argument(1)?.name)));
    };
    match value {
        datafusion::common::ScalarValue::Int32(value) => Ok(value),
        other => Err(SparkError::internal(format!("digits to round at: {other}"))),
    }
}

fn digits_name(call: &Call<'_>) -> SparkResult<String> {
    Ok(if call.has(1) { call.argument(1)?.name } else { "0".to_owned() })
}

fn no_digits(call: &Call<'_>) -> SparkError {
    SparkError::new("NON_FOLDABLE_ARGUMENT", format!("{} takes a constant scale", call.name))
        .with("funcName", format!("`{}`", call.name))
        .with("paramName", "`scale`")
        .with("paramType", "\"INT\"")
}

/// `DecimalType.forType`
fn decimal_for(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Decimal { .. } => data_type.clone(),
        DataType::Float => DataType::Decimal { precision: 14, scale: 7 },
        other => {
            let (precision, scale) = integral_decimal(other).unwrap_or((30, 15));
            DataType::Decimal { precision, scale }
        }
    }
}

/// A decimal may need one digit more before the point, and has no more after it than it had.
fn rounded_type(data_type: &DataType, digits: i32) -> DataType {
    let DataType::Decimal { precision, scale } = data_type else { return data_type.clone() };
    let whole = i16::from(*precision) - i16::from(*scale) + 1;
    if digits < 0 {
        let needed = digits.saturating_neg().saturating_add(1).min(38) as i16;
        return bounded_decimal(whole.max(needed), 0);
    }
    let kept = digits.min(i32::from(*scale)) as i8;
    bounded_decimal(whole + i16::from(kept), kept)
}

fn integers<T>(value: &ArrayRef, digits: i32, direction: Direction, ansi: bool) -> Result<ArrayRef>
where
    T: ArrowPrimitiveType,
    T::Native: Into<i64> + TryFrom<i128>,
    i128: Wrapped<T::Native>,
{
    if digits >= 0 {
        return Ok(Arc::clone(value));
    }
    let value = value.as_primitive::<T>();
    let rounded = |value: T::Native| -> Result<T::Native> {
        let long: i64 = value.into();
        let rounded = round_unscaled(long.into(), digits.unsigned_abs(), direction).unwrap_or(0);
        match T::Native::try_from(rounded) {
            Ok(value) => Ok(value),
            Err(_) if ansi => Err(spark_error(overflow())),
            Err(_) => Ok(rounded.wrapped()),
        }
    };
    Ok(Arc::new(value.try_unary::<_, T, _>(rounded)?))
}

/// The low bits, as Java's narrowing gives them.
trait Wrapped<T> {
    fn wrapped(self) -> T;
}

macro_rules! wrapped {
    ($($native:ty),*) => {
        $(impl Wrapped<$native> for i128 {
            fn wrapped(self) -> $native {
                self as $native
            }
        })*
    };
}

wrapped!(i8, i16, i32, i64);

fn decimals(value: &ArrayRef, digits: i32, target: &ArrowType, direction: Direction) -> Result<ArrayRef> {
    let ArrowType::Decimal128(precision, scale) = target else {
        return internal_err!("a decimal is not rounded to {target}");
    };
    let value: &PrimitiveArray<Decimal128Type> = value.as_primitive();
    // Rounded at `digits`, then written at the target's scale: zero where `digits` is negative.
    let cut = i32::from(value.scale()) - digits.min(i32::from(value.scale()));
    let raise = 10_i128.checked_pow(i32::from(*scale).saturating_sub(digits.min(value.scale().into())).unsigned_abs());
    let rounded = |unscaled: i128| -> Result<i128> {
        let kept = quotient(unscaled, cut.unsigned_abs(), direction).and_then(|kept| match raise {
            Some(raise) => kept.checked_mul(raise),
            None if kept == 0 => Some(0),
            None => None,
        });
        kept.filter(|kept| Decimal128Type::is_valid_decimal_precision(*kept, *precision))
            .ok_or_else(|| spark_error(out_of_range(unscaled, value.scale(), *precision, *scale)))
    };
    let array: Decimal128Array = value.try_unary::<_, Decimal128Type, datafusion::common::DataFusionError>(rounded)?;
    Ok(Arc::new(array.with_precision_and_scale(*precision, *scale)?))
}

/// `value` as a multiple of ten to the power of `digits`.
fn round_unscaled(value: i128, digits: u32, direction: Direction) -> Option<i128> {
    quotient(value, digits, direction)?.checked_mul(10_i128.checked_pow(digits)?)
}

/// `value` by ten to the power of `digits`, rounded.
fn quotient(value: i128, digits: u32, direction: Direction) -> Option<i128> {
    let Some(unit) = 10_i128.checked_pow(digits) else {
        let outward = direction.is_outward(std::cmp::Ordering::Less, value != 0, false, value < 0);
        return Some(if outward { value.signum() } else { 0 });
    };
    let (whole, rest) = (value / unit, (value % unit).unsigned_abs());
    let half = rest.cmp(&(unit.unsigned_abs() - rest));
    // No digit cut off is no half, though both are 0 of 1.
    let outward = digits > 0 && direction.is_outward(half, rest != 0, whole % 2 != 0, value < 0);
    if outward { whole.checked_add(value.signum()) } else { Some(whole) }
}

fn double(value: f64, digits: i32, direction: Direction) -> f64 {
    if !value.is_finite() || value == 0.0 {
        // Decimals have one zero.
        return value + 0.0;
    }
    quick(value, digits, direction).unwrap_or_else(|| by_digits(value, digits, direction))
}

/// The answer where binary arithmetic can't miss it: few digits, and what is cut off is clearly no half.
fn quick(value: f64, digits: i32, direction: Direction) -> Option<f64> {
    const EXACT: f64 = (1_u64 << 42) as f64;
    if !(0..=15).contains(&digits) || !matches!(direction, Direction::HalfUp | Direction::HalfEven) {
        return None;
    }
    let unit = 10_f64.powi(digits);
    let scaled = value * unit;
    if scaled.abs() >= EXACT || (scaled.abs().fract() - 0.5).abs() < 1e-2 {
        return None;
    }
    // The quotient of two exact doubles is the double nearest to the decimal number. Zero has no sign in decimals.
    Some(scaled.round() / unit + 0.0)
}

/// As `new BigDecimal(Double.toString(value)).setScale(digits, direction).doubleValue()`.
fn by_digits(value: f64, digits: i32, direction: Direction) -> f64 {
    let text = format!("{:e}", value.abs());
    let Some((mantissa, exponent)) = text.split_once('e') else { return value };
    let Ok(exponent) = exponent.parse::<i32>() else { return value };
    let written: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
    // Digits of `written` that stay.
    let kept = exponent.saturating_add(1).saturating_add(digits);
    if kept >= written.len() as i32 {
        return value;
    }
    let unscaled = |digits: &[u8]| digits.iter().fold(0_i128, |number, digit| number * 10 + i128::from(digit - b'0'));
    let cut = (written.len() as i32).saturating_sub(kept).unsigned_abs();
    let signed = if value < 0.0 { -unscaled(&written) } else { unscaled(&written) };
    let Some(rounded) = quotient(signed, cut, direction) else { return value };
    format!("{rounded}e{}", digits.saturating_neg()).parse().map_or(value, |rounded: f64| rounded + 0.0)
}

fn overflow() -> SparkError {
    SparkError::new(
        "ARITHMETIC_OVERFLOW",
        "a rounded number does not fit its type; set \"spark.sql.ansi.enabled\" to \"false\" to let it wrap",
    )
    .with("message", "Overflow")
    .with("alternative", "")
    .with("config", "\"spark.sql.ansi.enabled\"")
}

fn out_of_range(unscaled: i128, from: i8, precision: u8, scale: i8) -> SparkError {
    let original = Decimal128Type::format_decimal(unscaled, 38, from);
    SparkError::new(
        "NUMERIC_VALUE_OUT_OF_RANGE.WITHOUT_SUGGESTION",
        format!("{original} rounded does not fit Decimal({precision}, {scale})"),
    )
    .with("roundedValue", "")
    .with("originalValue", original)
    .with("precision", precision.to_string())
    .with("scale", scale.to_string())
}
