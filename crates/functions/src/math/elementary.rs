//! Functions from doubles to doubles, with Java's last digits. Logarithms of what has none are null; everything else
//! follows IEEE 754 as `java.lang.Math` does.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, Float64Array, PrimitiveArray};
use arrow::datatypes::{DataType as ArrowType, DurationMicrosecondType, Float64Type, IntervalYearMonthType};
use datafusion::common::{Result, internal_datafusion_err, internal_err};
use datafusion::logical_expr::ScalarUDF;
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::strict;
use crate::call::Call;
use crate::kernel::{KernelUdf, null_if_any, nullable};
use crate::typed::Typed;

type Unary = fn(f64) -> f64;

/// Function, the name that Spark shows for it, the least argument (excluded) that it is not null for, and the rule.
/// `atanh`, `log2` and reciprocals are Spark's own formulas. Java computes sines, cosines and tangents by the processor's
/// maker's rules, with which the platform's agree but for a last digit now and then; and the rest by FDLIBM's.
const UNARY_RULES: &[(&str, &str, f64, Unary)] = &[
    ("acos", "ACOS", ANY, libm::acos),
    ("acosh", "ACOSH", ANY, strict::acosh),
    ("asin", "ASIN", ANY, libm::asin),
    ("asinh", "ASINH", ANY, strict::asinh),
    ("atan", "ATAN", ANY, libm::atan),
    ("atanh", "ATANH", ANY, |x| 0.5 * (libm::log1p(x) - libm::log1p(-x))),
    ("cbrt", "CBRT", ANY, strict::cbrt),
    ("cos", "COS", ANY, f64::cos),
    ("cosh", "COSH", ANY, strict::cosh),
    ("cot", "COT", ANY, |x| 1.0 / x.tan()),
    ("csc", "CSC", ANY, |x| 1.0 / x.sin()),
    ("degrees", "DEGREES", ANY, f64::to_degrees),
    ("exp", "EXP", ANY, libm::exp),
    ("expm1", "EXPM1", ANY, libm::expm1),
    ("ln", "ln", 0.0, strict::ln),
    ("log10", "LOG10", 0.0, strict::log10),
    ("log1p", "LOG1P", -1.0, libm::log1p),
    ("log2", "LOG2", 0.0, |x| strict::ln(x) / strict::ln(2.0)),
    ("radians", "RADIANS", ANY, f64::to_radians),
    ("rint", "rint", ANY, f64::round_ties_even),
    ("sec", "SEC", ANY, |x| 1.0 / x.cos()),
    ("sign", "sign", ANY, signum),
    ("signum", "SIGNUM", ANY, signum),
    ("sin", "SIN", ANY, f64::sin),
    ("sinh", "SINH", ANY, strict::sinh),
    ("sqrt", "SQRT", ANY, f64::sqrt),
    ("tan", "TAN", ANY, f64::tan),
    ("tanh", "TANH", ANY, f64::tanh),
];

/// Below every number: the function has a value everywhere.
const ANY: f64 = f64::NEG_INFINITY;

/// `spark_math(value, function)`
pub(super) static UNARY: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_math",
        |_, _| nullable(ArrowType::Float64),
        |arrays, _| {
            let [value, function] = arrays else { return internal_err!("spark_math takes 2 arguments") };
            if value.is_empty() {
                return Ok(Arc::new(Float64Array::from(Vec::<f64>::new())));
            }
            let function = function.as_string::<i32>().value(0);
            let (_, _, least, rule) =
                unary_rule(function).ok_or_else(|| internal_datafusion_err!("spark_math has no {function}"))?;
            let value = doubles(value)?;
            if *least == ANY {
                return Ok(Arc::new(value.unary::<_, Float64Type>(rule)));
            }
            // NaN is not below, and stays NaN.
            Ok(Arc::new(value.unary_opt::<_, Float64Type>(|x| if x <= *least { None } else { Some(rule(x)) })))
        },
    )
});

/// `spark_math2(left, right, function)`
pub(super) static BINARY: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_math2",
        |fields, constants| match constants[2] {
            Some(function) if function.try_as_str() == Some(Some("log")) => nullable(ArrowType::Float64),
            _ => null_if_any(ArrowType::Float64, &fields[..2]),
        },
        |arrays, _| {
            let [left, right, function] = arrays else { return internal_err!("spark_math2 takes 3 arguments") };
            if left.is_empty() {
                return Ok(Arc::new(Float64Array::from(Vec::<f64>::new())));
            }
            let rule: fn(f64, f64) -> Option<f64> = match function.as_string::<i32>().value(0) {
                // Negative zero is zero to Spark.
                "atan2" => |y, x| Some(strict::atan2(y + 0.0, x + 0.0)),
                "hypot" => |x, y| Some(strict::hypot(x, y)),
                "pow" => |base, exponent| Some(pow(base, exponent)),
                "log" => |base, x| if base <= 0.0 || x <= 0.0 { None } else { Some(strict::ln(x) / strict::ln(base)) },
                other => return internal_err!("spark_math2 has no {other}"),
            };
            let rows = left.as_primitive::<Float64Type>().iter().zip(right.as_primitive::<Float64Type>());
            Ok(Arc::new(rows.map(|(left, right)| rule(left?, right?)).collect::<Float64Array>()))
        },
    )
});

pub(super) fn unary(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    apply(call, call.double(0)?)
}

pub(super) fn sign(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    match call.argument(0)? {
        interval @ Typed {
            data_type: DataType::YearMonthInterval { .. } | DataType::DayTimeInterval { .. }, ..
        } => apply(call, interval),
        _ => unary(call),
    }
}

fn apply(call: &Call<'_>, value: Typed) -> SparkResult<Typed> {
    let (name, shown, ..) =
        unary_rule(call.name).ok_or_else(|| SparkError::internal(format!("no function {}", call.name)))?;
    let typed = Typed::call(&UNARY, vec![value, Typed::string(name)])?;
    Ok(call.shown_as(shown, typed))
}

pub(super) fn log(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    if call.has(1) {
        let typed = Typed::call(&BINARY, vec![call.double(0)?, call.double(1)?, Typed::string("log")])?;
        return Ok(call.shown_as("LOG", typed));
    }
    let typed = Typed::call(&UNARY, vec![call.double(0)?, Typed::string("ln")])?;
    Ok(typed.named(format!("LOG(E(), {})", call.argument(0)?.name)))
}

pub(super) fn binary(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let (function, shown) = match call.name {
        "atan2" => ("atan2", "ATAN2"),
        "hypot" => ("hypot", "HYPOT"),
        "pow" => ("pow", "pow"),
        _ => ("pow", "POWER"),
    };
    let typed = Typed::call(&BINARY, vec![call.double(0)?, call.double(1)?, Typed::string(function)])?;
    Ok(call.shown_as(shown, typed))
}

pub(super) fn constant(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(0..=0)?;
    let value = if call.name == "e" { std::f64::consts::E } else { std::f64::consts::PI };
    Ok(Typed::double(value).named(format!("{}()", call.name.to_uppercase())))
}

fn unary_rule(name: &str) -> Option<&'static (&'static str, &'static str, f64, Unary)> {
    UNARY_RULES.iter().find(|(function, ..)| *function == name)
}

/// `Math.signum`: zero and NaN are their own sign.
fn signum(x: f64) -> f64 {
    if x == 0.0 || x.is_nan() { x } else { x.signum() }
}

/// `Math.pow`, where C says 1 for what Java has no value for.
fn pow(base: f64, exponent: f64) -> f64 {
    if exponent.is_nan() || (base.abs() == 1.0 && exponent.is_infinite()) {
        f64::NAN
    } else {
        libm::pow(base, exponent)
    }
}

/// Doubles, or intervals by their length in months or microseconds.
pub(crate) fn doubles(array: &ArrayRef) -> Result<Float64Array> {
    fn widened<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, as_double: fn(T::Native) -> f64) -> Float64Array {
        array.unary(as_double)
    }
    match array.data_type() {
        ArrowType::Float64 => Ok(array.as_primitive::<Float64Type>().clone()),
        ArrowType::Interval(_) => Ok(widened(array.as_primitive::<IntervalYearMonthType>(), f64::from)),
        ArrowType::Duration(_) => Ok(widened(array.as_primitive::<DurationMicrosecondType>(), |us| us as f64)),
        other => internal_err!("no double is made of {other}"),
    }
}
