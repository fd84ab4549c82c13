//! Functions over groups: each group comes as a list of its rows, and goes to the worker as a stream of its own.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, RecordBatch, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::compute::concat;
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::{Result, internal_err};

use crate::exchange::{answer, only_column, rows as output_rows};
use crate::request::{wrapped_schema, write_batches, write_group};
use crate::udf::{input_batch, input_schema, one_for_each};
use crate::{PythonCall, Shape};

/// Functions over groups of Arrow tables, which get their columns as one struct.
const WRAPPED: [i32; 2] = [209, 215];
/// Rows of a group in one batch.
const BATCH_ROWS: usize = 10_000;

/// A value for each group.
pub(crate) fn aggregate(call: &PythonCall, columns: &[ArrayRef], to: &DataType) -> Result<ArrayRef> {
    let [lists] = columns else { return internal_err!("{} has {} lists of rows", call.name, columns.len()) };
    let lists = lists.as_list::<i32>();
    let fields = call.input_fields(0)?;
    let batches = answer(call, |out| {
        for group in 0..lists.len() {
            write_group(out, 1)?;
            write_frame(out, &fields, lists, group, false)?;
        }
        Ok(write_group(out, 0)?)
    })?;
    let arrays = batches.iter().map(|batch| only_column(batch, to)).collect::<Result<Vec<_>>>()?;
    one_for_each(call, &arrays, lists.len(), to)
}

/// Rows for all groups: with the first one, and none with the others.
pub(crate) fn map(call: &PythonCall, columns: &[ArrayRef], groups: usize) -> Result<ArrayRef> {
    let lists: Vec<&ListArray> = columns.iter().map(|column| column.as_list::<i32>()).collect();
    let fields = (0..lists.len()).map(|side| call.input_fields(side)).collect::<Result<Vec<_>>>()?;
    let frames = if call.shape == Shape::CoGroups { 2 } else { 1 };
    if lists.len() != frames {
        return internal_err!("{} has {} lists of rows", call.name, lists.len());
    }
    let wrapped = WRAPPED.contains(&call.eval_type);
    let batches = answer(call, |out| {
        for group in 0..groups {
            // Without keys there is a group of no rows, which is none.
            if lists.iter().all(|list| list.is_null(group) || list.value_length(group) == 0) {
                continue;
            }
            write_group(out, frames as i32)?;
            for (fields, list) in fields.iter().zip(&lists) {
                write_frame(out, fields, list, group, wrapped)?;
            }
        }
        Ok(write_group(out, 0)?)
    })?;
    let output = call.output_fields()?;
    let parts = batches.iter().map(|batch| output_rows(batch, &output)).collect::<Result<Vec<_>>>()?;
    let total: usize = parts.iter().map(Array::len).sum();
    let mut lengths = vec![0; groups];
    if let Some(first) = lengths.first_mut() {
        *first = total;
    }
    lists_of(&parts, &output, lengths)
}

/// Lists of these lengths over the rows of all parts.
pub(crate) fn lists_of(parts: &[StructArray], fields: &Fields, lengths: Vec<usize>) -> Result<ArrayRef> {
    let fields: Fields = fields.iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
    let rows: ArrayRef = match parts {
        [] => arrow::array::new_empty_array(&DataType::Struct(fields)),
        parts => concat(&parts.iter().map(|part| part as &dyn Array).collect::<Vec<_>>())?,
    };
    let element = Arc::new(Field::new(Field::LIST_FIELD_DEFAULT_NAME, rows.data_type().clone(), true));
    Ok(Arc::new(ListArray::try_new(element, OffsetBuffer::from_lengths(lengths), rows, None)?))
}

/// The rows of one group as a stream. A group without rows has an empty batch, which tells its columns.
fn write_frame(out: &mut dyn Write, fields: &Fields, lists: &ListArray, group: usize, wrapped: bool) -> Result<()> {
    let batch = group_rows(fields, lists, group)?;
    let (schema, batch) = if wrapped {
        let schema = wrapped_schema(&batch.schema());
        let rows: ArrayRef = Arc::new(StructArray::from(batch));
        (Arc::clone(&schema), RecordBatch::try_new(schema, vec![rows])?)
    } else {
        (batch.schema(), batch)
    };
    let starts = (0..batch.num_rows().max(1)).step_by(BATCH_ROWS);
    let parts = starts.map(|start| Ok(batch.slice(start, BATCH_ROWS.min(batch.num_rows() - start))));
    Ok(write_batches(out, &schema, parts)?)
}

/// The columns of one group's rows.
pub(crate) fn group_rows(fields: &Fields, lists: &ListArray, group: usize) -> Result<RecordBatch> {
    if lists.is_null(group) {
        return Ok(RecordBatch::new_empty(input_schema(fields)));
    }
    let rows = lists.value(group);
    let rows = rows.as_struct();
    input_batch(fields, rows.columns(), rows.len())
}
