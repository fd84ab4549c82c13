//! Numbers that tell rows apart: `monotonically_increasing_id` and what pandas-on-Spark counts rows by.
//!
//! Both are a window over all rows, and so gather them: a partition does not know how many rows are before it, and no
//! expression knows its partition.

use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{BinaryExpr, Cast, Expr, Operator, WindowFunctionDefinition, lit};
use firesteel_spec::{DataType, SparkResult};

use crate::call::Call;
use crate::typed::Typed;
use crate::types::to_arrow;

/// From 0 on, without gaps.
pub(super) fn row_id(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(0..=0)?;
    let window = WindowFunction::new(WindowFunctionDefinition::WindowUDF(row_number_udwf()), Vec::new());
    let number = Expr::Cast(Cast::new(Box::new(Expr::WindowFunction(Box::new(window))), to_arrow(&DataType::Long)));
    let id = Expr::BinaryExpr(BinaryExpr::new(Box::new(number), Operator::Minus, Box::new(lit(1_i64))));
    Ok(call.shown(Typed::new(id, DataType::Long, false, "")))
}
