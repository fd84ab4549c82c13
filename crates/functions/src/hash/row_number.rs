//! Numbers that tell rows apart, and where they are.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, AsArray, Int32Array, Int64Array};
use arrow::datatypes::{DataType as ArrowType, Int64Type};
use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{BinaryExpr, Cast, Expr, Operator, ScalarUDF, WindowFunctionDefinition, lit};
use firesteel_spec::{DataType, SparkResult};

use super::random::any_number;
use crate::call::Call;
use crate::task::{MARK, TaskUdf};
use crate::typed::Typed;
use crate::types::to_arrow;

/// How many of an id's bits count the rows of a task; the others are the task's number.
const ROW_BITS: u32 = 33;

static ROW_ID: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    TaskUdf::udf("spark_row_id", ArrowType::Int64, |arrays, rows, task| {
        if arrays[0].is_empty() {
            return Ok(Arc::new(Int64Array::from(Vec::<i64>::new())));
        }
        let call = arrays[0].as_primitive::<Int64Type>().value(0);
        let first = i64::from(task.index()) << ROW_BITS;
        let ids = |next: &mut i64| {
            let ids: Int64Array = (*next..*next + rows as i64).collect();
            *next += rows as i64;
            ids
        };
        Ok(Arc::new(task.resume(call, || first, ids)))
    })
});
static TASK: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    TaskUdf::udf("spark_task_index", ArrowType::Int32, |_, rows, task| {
        Ok(Arc::new(Int32Array::from(vec![task.index() as i32; rows])))
    })
});

pub(super) fn implementations() -> Vec<Arc<ScalarUDF>> {
    vec![Arc::clone(&ROW_ID), Arc::clone(&TASK), Arc::clone(&MARK)]
}

/// Ascending within a task, and different in each.
pub(super) fn monotonically_increasing_id(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(0..=0)?;
    Ok(call.shown(Typed::call(&ROW_ID, vec![Typed::long(any_number())])?))
}

/// The number of the task: a task is what Spark's partition is, whatever it reads.
pub(super) fn partition_id(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(0..=0)?;
    Ok(Typed::call(&TASK, Vec::new())?.named("SPARK_PARTITION_ID()"))
}

/// From 0 on, without gaps: a window over all rows, which gathers them.
pub(super) fn sequence_id(call: &Call<'_>) -> SparkResult<Typed> {
    // Pandas-on-Spark says whether the rows shall be kept in a cache.
    call.expect(0..=1)?;
    let window = WindowFunction::new(WindowFunctionDefinition::WindowUDF(row_number_udwf()), Vec::new());
    let number = Expr::Cast(Cast::new(Box::new(Expr::WindowFunction(Box::new(window))), to_arrow(&DataType::Long)));
    let id = Expr::BinaryExpr(BinaryExpr::new(Box::new(number), Operator::Minus, Box::new(lit(1_i64))));
    Ok(call.shown(Typed::new(id, DataType::Long, false, "")))
}
