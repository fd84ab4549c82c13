//! Arguments of the functions of sketches: their defaults, and which types are taken as they are.

use datafusion::common::ScalarValue;
use firesteel_spec::{DataType, SparkResult};

use super::error::{Sizes, constant, failed_check, refused};
use crate::call::Call;
use crate::typed::Typed;

/// The call with the arguments that were left out, as Spark shows them too.
pub(super) fn with_defaults<'a>(call: &'a Call<'_>, defaults: &[(usize, Typed)]) -> Call<'a> {
    let mut arguments = call.arguments.clone();
    for (index, default) in defaults {
        if arguments.len() == *index {
            arguments.push(default.clone());
        }
    }
    call.other(call.name, arguments)
}

/// Argument `index` of one of these types, or null; Spark casts nothing here.
pub(super) fn exact(call: &Call<'_>, index: usize, types: &[DataType]) -> SparkResult<Typed> {
    let argument = call.argument(index)?;
    if argument.data_type == DataType::Null {
        let first = types.first().cloned().unwrap_or(DataType::Null);
        return Ok(Typed::null(first).named(argument.name));
    }
    let same = |wanted: &DataType| match (wanted, &argument.data_type) {
        (DataType::Array { element: wanted, .. }, DataType::Array { element, .. }) => wanted == element,
        (wanted, found) => wanted == found || (wanted.is_string() && found.is_string()),
    };
    if types.iter().any(same) { Ok(argument) } else { Err(refused(call, index, types)) }
}

/// Argument `index` as it is if it is a constant INT, 0 for null; nothing if it is no constant.
pub(super) fn exact_int(call: &Call<'_>, index: usize) -> SparkResult<Option<i32>> {
    Ok(exact(call, index, &[DataType::Integer])?.folded().map(|value| int(&value)))
}

/// The size that argument `index` says, checked as Spark's check of arguments does.
pub(super) fn checked_size(call: &Call<'_>, index: usize, name: &str, sizes: Sizes) -> SparkResult<u8> {
    let argument = call.int(index)?.named(call.argument(index)?.name);
    let size = int(&constant(call, &argument, name)?);
    sizes.check(size, call.name).map_err(|error| failed_check(call, &error))
}

pub(super) fn int(value: &ScalarValue) -> i32 {
    match value {
        ScalarValue::Int32(Some(value)) => *value,
        _ => 0,
    }
}

/// A small number as a constant argument of a DataFusion function.
pub(super) fn small(value: u8) -> Typed {
    Typed::int(i32::from(value))
}
