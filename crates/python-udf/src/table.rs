//! Table functions: a list of rows for each row of arguments, or for each partition of a table.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StructArray};
use datafusion::common::{Result, exec_err, internal_err};

use crate::PythonCall;
use crate::exchange::{answer, rows as output_rows};
use crate::groups::{group_rows, lists_of};
use crate::request::write_batches;
use crate::udf::input_batch;

/// `SQL_ARROW_UDTF`: it gets columns of Arrow's, and gives any number of tables for them.
const ARROW_NATIVE: i32 = 302;

/// The rows for each row of arguments. What `terminate` gives comes with the last.
pub(crate) fn rows(call: &PythonCall, columns: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let batch = input_batch(&call.input_fields(0)?, columns, rows)?;
    let step = if call.eval_type == ARROW_NATIVE { 1 } else { rows };
    let fields = call.output_fields()?;
    let (mut parts, mut lengths) = (Vec::new(), Vec::with_capacity(rows));
    for start in (0..rows).step_by(step.max(1)) {
        let part = batch.slice(start, step);
        let given = run(call, &part)?;
        let given = given.iter().map(|batch| output_rows(batch, &fields)).collect::<Result<Vec<_>>>()?;
        if given.len() < step && call.eval_type != ARROW_NATIVE {
            return exec_err!("the Python table function {} answered {} of {step} rows", call.name, given.len());
        }
        let (own, rest) = given.split_at(given.len().min(step));
        lengths.extend(own.iter().map(Array::len));
        lengths.resize(start + step, 0);
        if let Some(last) = lengths.last_mut() {
            *last += rest.iter().map(Array::len).sum::<usize>();
        }
        parts.extend(given);
    }
    lists_of(&parts, &fields, lengths)
}

/// The rows for each partition of a table: one instance of the function has all of its rows.
pub(crate) fn partitions(call: &PythonCall, columns: &[ArrayRef]) -> Result<ArrayRef> {
    let [lists] = columns else { return internal_err!("{} has {} lists of rows", call.name, columns.len()) };
    let lists = lists.as_list::<i32>();
    let (input, fields) = (call.input_fields(0)?, call.output_fields()?);
    let (mut parts, mut lengths) = (Vec::new(), Vec::with_capacity(lists.len()));
    for partition in 0..lists.len() {
        let batch = group_rows(&input, lists, partition)?;
        let given = run(call, &batch)?;
        let given: Vec<StructArray> = given.iter().map(|batch| output_rows(batch, &fields)).collect::<Result<_>>()?;
        lengths.push(given.iter().map(Array::len).sum());
        parts.extend(given);
    }
    lists_of(&parts, &fields, lengths)
}

fn run(call: &PythonCall, batch: &RecordBatch) -> Result<Vec<RecordBatch>> {
    let schema = Arc::clone(batch.schema_ref());
    answer(call, |out| Ok(write_batches(out, &schema, [Ok(batch.clone())])?))
}
