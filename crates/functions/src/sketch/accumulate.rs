//! [`Sketch`]: what an aggregate keeps of a group. Partial results travel as the sketch's own bytes, or as null where
//! nothing came.

use std::fmt::Debug;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray};
use arrow::datatypes::DataType as ArrowType;
use datafusion::common::{Result, ScalarValue, internal_datafusion_err};
use datafusion::logical_expr::Accumulator;

pub(super) trait Sketch: Debug + Send + Sync {
    /// Takes rows of the aggregate's arguments.
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()>;

    /// Takes what another [`Self::partial`] gave.
    fn merge(&mut self, partial: &[u8]) -> Result<()>;

    /// The sketch as bytes that [`Self::merge`] reads; none while nothing came.
    fn partial(&mut self) -> Result<Option<Vec<u8>>>;

    /// The sketch as the user gets it.
    fn answer(&mut self) -> Result<Vec<u8>>;

    fn bytes(&self) -> usize;
}

/// The type of the one column of partial results.
pub(super) fn state() -> Vec<ArrowType> {
    vec![ArrowType::Binary]
}

#[derive(Debug)]
pub(super) struct Accumulated<S>(pub(super) S);

impl<S: Sketch + 'static> Accumulator for Accumulated<S> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0.update(values)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.0.answer().map(|bytes| ScalarValue::Binary(Some(bytes)))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.0.bytes()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::Binary(self.0.partial()?)])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        binary(states, 0)?.iter().flatten().try_for_each(|partial| self.0.merge(partial))
    }
}

/// Column `index`, which is one of bytes.
pub(super) fn binary(columns: &[ArrayRef], index: usize) -> Result<&BinaryArray> {
    let column = columns.get(index).and_then(|column| column.as_binary_opt::<i32>());
    column.ok_or_else(|| internal_datafusion_err!("column {} of a sketch's function is not of bytes", index + 1))
}

/// The text that is in all rows of column `index`; empty where there are no rows.
pub(super) fn text(columns: &[ArrayRef], index: usize) -> Result<&str> {
    let column = columns.get(index).and_then(|column| column.as_string_opt::<i32>());
    let column =
        column.ok_or_else(|| internal_datafusion_err!("column {} of a sketch's function is no text", index + 1))?;
    Ok(if column.is_empty() { "" } else { column.value(0) })
}
