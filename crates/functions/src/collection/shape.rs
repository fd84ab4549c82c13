//! How this family's kernels learn the type that they have to give: a null of it and whether it is nullable are their
//! last two arguments. So Spark's own nullability of elements and fields holds, which no rule over Arrow's types could
//! tell.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{DataType as ArrowType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::ScalarUDF;
use firesteel_spec::{DataType, SparkResult};

use crate::kernel::{Kernel, KernelUdf};
use crate::typed::Typed;

/// A function whose kernel is called with the arguments, then the type as an array of nulls, then a flag.
pub(super) fn udf(name: &'static str, kernel: Kernel) -> Arc<ScalarUDF> {
    KernelUdf::udf(name, field, kernel)
}

/// A call of such a function.
pub(super) fn call(
    function: &Arc<ScalarUDF>,
    mut arguments: Vec<Typed>,
    data_type: DataType,
    nullable: bool,
) -> SparkResult<Typed> {
    arguments.extend(constants(&data_type, nullable));
    let mut typed = Typed::call(function, arguments)?;
    typed.data_type = data_type;
    typed.nullable = nullable;
    Ok(typed)
}

/// The two arguments that say the type.
pub(super) fn constants(data_type: &DataType, nullable: bool) -> [Typed; 2] {
    [Typed::null(data_type.clone()), Typed::boolean(nullable)]
}

/// The field that the last two of the arguments say.
pub(super) fn field(fields: &[FieldRef], constants: &[Option<&ScalarValue>]) -> Result<FieldRef> {
    let ([.., target, _], [.., nullable]) = (fields, constants) else {
        return internal_err!("a function of collections was called without its type");
    };
    let nullable = !matches!(nullable, Some(ScalarValue::Boolean(Some(false))));
    Ok(Arc::new(Field::new("value", target.data_type().clone(), nullable || target.data_type().is_null())))
}

/// The arguments proper, and the type to give.
pub(super) fn split(arrays: &[ArrayRef]) -> Result<(&[ArrayRef], &ArrowType)> {
    match arrays {
        [arguments @ .., target, _] => Ok((arguments, target.data_type())),
        _ => internal_err!("a function of collections was called without its type"),
    }
}
