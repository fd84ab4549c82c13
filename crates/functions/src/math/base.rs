//! Numbers in other bases than ten, and factorials.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, AsArray, StringArray};
use arrow::datatypes::{DataType as ArrowType, Int32Type, Int64Type};
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::ScalarUDF;
use datafusion_spark::function::math;
use firesteel_spec::{DataType, SparkError, SparkResult};

use crate::call::Call;
use crate::kernel::{KernelUdf, null_if_any, nullable, spark_error};
use crate::renamed::renamed;
use crate::typed::Typed;

pub(super) static HEX: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| renamed(math::hex()));
pub(super) static UNHEX: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| renamed(math::unhex()));
pub(super) static FACTORIAL: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| renamed(math::factorial()));

pub(super) static BIN: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_bin",
        |fields, _| null_if_any(ArrowType::Utf8, fields),
        |arrays, _| {
            let longs = arrays[0].as_primitive::<Int64Type>();
            Ok(Arc::new(longs.iter().map(|long| long.map(|long| format!("{long:b}"))).collect::<StringArray>()))
        },
    )
});

/// `spark_conv(text, base, base, ansi)`
pub(super) static CONV: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_conv",
        |_, _| nullable(ArrowType::Utf8),
        |arrays, rows| {
            let [text, from, to, ansi] = arrays else { return internal_err!("spark_conv takes 4 arguments") };
            let (text, from, to) =
                (text.as_string::<i32>(), from.as_primitive::<Int32Type>(), to.as_primitive::<Int32Type>());
            let ansi = rows > 0 && ansi.as_boolean().value(0);
            let answer = (0..rows).map(|row| {
                if text.is_null(row) || from.is_null(row) || to.is_null(row) {
                    return Ok(None);
                }
                convert(text.value(row), from.value(row), to.value(row), ansi)
            });
            Ok(Arc::new(answer.collect::<Result<StringArray>>()?))
        },
    )
});

pub(super) fn bin(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(Typed::call(&BIN, vec![call.long(0)?])?))
}

pub(super) fn conv(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(3..=3)?;
    let ansi = Typed::boolean(call.settings.ansi);
    Ok(call.shown(Typed::call(&CONV, vec![call.string(0)?, call.int(1)?, call.int(2)?, ansi])?))
}

/// Of a long, of a text's UTF-8, or of bytes.
pub(super) fn hex(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let value = match call.argument(0)?.data_type {
        text if text.is_string() => call.string(0)?,
        DataType::Binary => call.binary(0)?,
        _ => call.long(0)?,
    };
    let is_nullable = value.nullable;
    let mut typed = Typed::call(&HEX, vec![value])?;
    typed.nullable = is_nullable;
    Ok(call.shown(typed))
}

pub(super) fn unhex(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let mut typed = Typed::call(&UNHEX, vec![call.string(0)?])?;
    typed.nullable = true;
    Ok(call.shown(typed))
}

pub(super) fn factorial(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let mut typed = Typed::call(&FACTORIAL, vec![call.int(0)?])?;
    typed.nullable = true;
    Ok(call.shown(typed))
}

/// `NumberConverter.convert`: unsigned 64 bits, unless the target base is negative. Null for bases that are none and for
/// no text; what follows the last digit is ignored.
fn convert(text: &str, from: i32, to: i32, ansi: bool) -> Result<Option<String>> {
    let bases = 2..=36;
    let text = text.trim_matches(' ');
    if !bases.contains(&from) || !bases.contains(&to.saturating_abs()) || text.is_empty() {
        return Ok(None);
    }
    let (mut negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let mut value = 0_u64;
    for digit in digits.chars().map_while(|character| character.to_digit(from.unsigned_abs())) {
        let next = value.checked_mul(from.unsigned_abs().into()).and_then(|value| value.checked_add(digit.into()));
        match next {
            Some(next) => value = next,
            None if ansi => return Err(spark_error(overflow())),
            None => {
                value = u64::MAX;
                break;
            }
        }
    }
    let mut signed = value as i64;
    if negative && to > 0 {
        signed = if signed < 0 { -1 } else { -signed };
    }
    if to < 0 && signed < 0 {
        signed = signed.wrapping_neg();
        negative = true;
    }
    let digits = in_base(signed as u64, to.unsigned_abs());
    Ok(Some(if negative && to < 0 { format!("-{digits}") } else { digits }))
}

fn in_base(mut value: u64, base: u32) -> String {
    let mut digits = Vec::new();
    loop {
        let digit = (value % u64::from(base)) as u32;
        digits.push(char::from_digit(digit, base).unwrap_or('0').to_ascii_uppercase());
        value /= u64::from(base);
        if value == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

fn overflow() -> SparkError {
    SparkError::new(
        "ARITHMETIC_OVERFLOW",
        "conv() takes numbers of 64 bits; set \"spark.sql.ansi.enabled\" to \"false\" to get the largest instead",
    )
    .with("message", "Overflow in function conv()")
    .with("alternative", "")
    .with("config", "\"spark.sql.ansi.enabled\"")
}
