//! What most kernels over texts have in common: they answer row by row, and null where an argument is null.

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Int32Array, StringArray};
use arrow::datatypes::{DataType as ArrowType, FieldRef, Int32Type};
use datafusion::common::{Result, ScalarValue};
use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;
use firesteel_spec::SparkResult;

use crate::kernel::{null_if_any, nullable};
use crate::typed::Typed;

/// Functions that are a name, a rule for their type and a kernel, and the list of them.
macro_rules! kernels {
    ($($constant:ident = $name:literal, $field:expr, $kernel:expr;)*) => {
        $(
            static $constant: std::sync::LazyLock<std::sync::Arc<datafusion::logical_expr::ScalarUDF>> =
                std::sync::LazyLock::new(|| crate::kernel::KernelUdf::udf($name, $field, $kernel));
        )*
        pub(super) fn implementations() -> Vec<std::sync::Arc<datafusion::logical_expr::ScalarUDF>> {
            vec![$(std::sync::Arc::clone(&$constant)),*]
        }
    };
}
pub(crate) use kernels;

/// The answers of `answer`, which is asked for the rows where no argument is null.
pub(crate) fn each<A, T>(
    arrays: &[ArrayRef],
    rows: usize,
    mut answer: impl FnMut(usize) -> Result<Option<T>>,
) -> Result<ArrayRef>
where
    A: Array + FromIterator<Option<T>> + 'static,
{
    let rows = (0..rows).map(|row| if arrays.iter().any(|array| array.is_null(row)) { Ok(None) } else { answer(row) });
    Ok(Arc::new(rows.collect::<Result<A>>()?))
}

pub(crate) fn texts(array: &ArrayRef) -> &StringArray {
    array.as_string::<i32>()
}

pub(crate) fn ints(array: &ArrayRef) -> &Int32Array {
    array.as_primitive::<Int32Type>()
}

pub(crate) fn bytes(array: &ArrayRef) -> &BinaryArray {
    array.as_binary::<i32>()
}

/// The bytes of texts or binary values.
pub(crate) fn bytes_at(array: &ArrayRef, row: usize) -> &[u8] {
    match array.data_type() {
        ArrowType::Utf8 => texts(array).value(row).as_bytes(),
        _ => bytes(array).value(row),
    }
}

/// The value in the first row of an argument that is a constant; `None` if it is null or there are no rows.
pub(crate) fn constant_text(array: &ArrayRef) -> Option<&str> {
    let texts = texts(array);
    (!texts.is_empty() && texts.is_valid(0)).then(|| texts.value(0))
}

pub(crate) fn constant_flag(array: &ArrayRef) -> bool {
    let flags = array.as_boolean();
    !flags.is_empty() && flags.value(0)
}

type Constants<'a> = [Option<&'a ScalarValue>];

/// Text that is null where an argument is; below, the same for other types.
pub(crate) fn text(fields: &[FieldRef], _: &Constants<'_>) -> Result<FieldRef> {
    null_if_any(ArrowType::Utf8, fields)
}

pub(crate) fn int(fields: &[FieldRef], _: &Constants<'_>) -> Result<FieldRef> {
    null_if_any(ArrowType::Int32, fields)
}

pub(crate) fn boolean(fields: &[FieldRef], _: &Constants<'_>) -> Result<FieldRef> {
    null_if_any(ArrowType::Boolean, fields)
}

pub(crate) fn binary(fields: &[FieldRef], _: &Constants<'_>) -> Result<FieldRef> {
    null_if_any(ArrowType::Binary, fields)
}

/// The type of the first argument.
pub(crate) fn as_first(fields: &[FieldRef], _: &Constants<'_>) -> Result<FieldRef> {
    null_if_any(fields.first().map_or(ArrowType::Utf8, |field| field.data_type().clone()), fields)
}

/// Text that may be null for other reasons too.
pub(crate) fn text_or_null(_: &[FieldRef], _: &Constants<'_>) -> Result<FieldRef> {
    nullable(ArrowType::Utf8)
}

pub(crate) fn boolean_or_null(_: &[FieldRef], _: &Constants<'_>) -> Result<FieldRef> {
    nullable(ArrowType::Boolean)
}

pub(crate) fn binary_or_null(_: &[FieldRef], _: &Constants<'_>) -> Result<FieldRef> {
    nullable(ArrowType::Binary)
}

/// A call of a function that gives null where an argument is null, and nowhere else.
pub(crate) fn strict(function: &Arc<ScalarUDF>, arguments: Vec<Typed>) -> SparkResult<Typed> {
    let nullable = arguments.iter().any(|argument| argument.nullable);
    let mut typed = Typed::call(function, arguments)?;
    typed.nullable = nullable;
    Ok(typed)
}

/// A call of a function that Spark takes to give null at any row.
pub(crate) fn lax(function: &Arc<ScalarUDF>, arguments: Vec<Typed>) -> SparkResult<Typed> {
    let mut typed = Typed::call(function, arguments)?;
    typed.nullable = true;
    Ok(typed)
}
