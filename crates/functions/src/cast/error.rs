//! What a cast says about a value that its target does not have.

use arrow::array::{ArrayRef, ArrowPrimitiveType, PrimitiveArray};
use datafusion::common::{DataFusionError, Result};
use firesteel_spec::{DataType, SparkError};

use super::Mode;
use crate::kernel::spark_error;

/// Null, or the error in ANSI mode.
pub(super) fn refuse<T>(mode: Mode, error: impl FnOnce() -> SparkError) -> Result<Option<T>> {
    if mode == Mode::Ansi { Err(spark_error(error())) } else { Ok(None) }
}

/// As [`refuse`], for casts that fail in legacy mode too.
pub(super) fn refuse_always<T>(mode: Mode, error: impl FnOnce() -> SparkError) -> Result<Option<T>> {
    if mode == Mode::Try { Ok(None) } else { Err(spark_error(error())) }
}

/// An array of what `value` gives for each row that is not null.
pub(super) fn each<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    value: impl Fn(usize) -> Result<Option<T::Native>, DataFusionError>,
) -> Result<PrimitiveArray<T>> {
    (0..array.len()).map(|row| if array.is_null(row) { Ok(None) } else { value(row) }).collect()
}

/// `CAST_INVALID_INPUT`; `value` as a literal of SQL.
pub(super) fn invalid_input(value: &str, from: &DataType, to: &DataType) -> SparkError {
    SparkError::new(
        "CAST_INVALID_INPUT",
        format!(
            "The value {value} of the type \"{from}\" cannot be cast to \"{to}\" because it is malformed. \
             Correct the value, or use `try_cast` to get NULL instead."
        ),
    )
    .with("expression", value)
    .with("sourceType", format!("\"{from}\""))
    .with("targetType", format!("\"{to}\""))
    .with("ansiConfig", "\"spark.sql.ansi.enabled\"")
}

/// [`invalid_input`] of a text.
pub(super) fn malformed(text: &str, to: &DataType) -> SparkError {
    let escaped = text.replace('\\', "\\\\").replace('\'', "\\'");
    invalid_input(&format!("'{escaped}'"), &DataType::STRING, to)
}

/// `CAST_OVERFLOW`; `value` as a literal of SQL.
pub(super) fn overflow(value: &str, from: &DataType, to: &DataType) -> SparkError {
    SparkError::new(
        "CAST_OVERFLOW",
        format!(
            "The value {value} of the type \"{from}\" cannot be cast to \"{to}\" due to an overflow. \
             Use `try_cast` to get NULL instead."
        ),
    )
    .with("value", value)
    .with("sourceType", format!("\"{from}\""))
    .with("targetType", format!("\"{to}\""))
    .with("ansiConfig", "\"spark.sql.ansi.enabled\"")
}

/// `NUMERIC_VALUE_OUT_OF_RANGE`
pub(super) fn out_of_range(value: &str, precision: u8, scale: i8) -> SparkError {
    SparkError::new(
        "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION",
        format!(
            "{value} cannot be represented as Decimal({precision}, {scale}). \
             Set \"spark.sql.ansi.enabled\" to \"false\" to get NULL instead."
        ),
    )
    .with("value", value)
    .with("precision", precision.to_string())
    .with("scale", scale.to_string())
    .with("config", "\"spark.sql.ansi.enabled\"")
}
