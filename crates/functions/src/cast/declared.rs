//! [`as_declared`]: what an aggregate or a window function gives, as the type that was declared for it.
//!
//! DataFusion refuses to plan a cast of structs that may be null to such as may not, which a list's elements are by
//! Spark's word and not by Arrow's type. `spark_declared(value, null of the declared type)` goes by the values.

use std::sync::{Arc, LazyLock};

use arrow::compute::cast as arrow_cast;
use datafusion::logical_expr::{Cast, Expr, ScalarUDF};
use firesteel_spec::DataType;

use crate::kernel::KernelUdf;
use crate::typed::Typed;
use crate::types::to_arrow;

pub(super) static SPARK_DECLARED: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_declared",
        |fields, _| Ok(Arc::new(fields[1].as_ref().clone().with_nullable(fields[0].is_nullable()))),
        |arrays, _| Ok(arrow_cast(&arrays[0], arrays[1].data_type())?),
    )
});

/// The value under its declared Arrow type. Its own may be another: it can be told only when the columns are known, and
/// a cast to the same type costs nothing.
pub fn as_declared(typed: Typed) -> Typed {
    let declared = to_arrow(&typed.data_type);
    let expr = match &typed.data_type {
        DataType::Array { .. } | DataType::Map { .. } | DataType::Struct { .. } => {
            let sample = Typed::null(typed.data_type.clone()).expr;
            SPARK_DECLARED.call(vec![typed.expr, sample])
        }
        _ => Expr::Cast(Cast::new(Box::new(typed.expr), declared)),
    };
    Typed { expr, ..typed }
}
