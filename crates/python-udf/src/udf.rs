//! The functions by which a plan calls Python: the first argument is the [`PythonCall`] as text, so that no codec knows
//! any user's function.

use std::hash::Hash;
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, new_empty_array};
use arrow::compute::concat;
use arrow::datatypes::{DataType, FieldRef, Fields, Schema, SchemaRef};
use datafusion::common::{Result, ScalarValue, exec_err, internal_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::exchange::{answer, as_type, only_column};
use crate::request::write_batches;
use crate::{PythonCall, Shape, groups, table};

static DETERMINISTIC: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| udf("python_call", Volatility::Immutable));
static VOLATILE: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| udf("python_volatile_call", Volatility::Volatile));

/// What driver and tasks register alike (PLAN-4).
pub fn implementations() -> Vec<Arc<ScalarUDF>> {
    vec![Arc::clone(&DETERMINISTIC), Arc::clone(&VOLATILE)]
}

/// The function that runs a call: `f(call, argument, …)`.
pub fn python_function(deterministic: bool) -> Arc<ScalarUDF> {
    Arc::clone(if deterministic { &DETERMINISTIC } else { &VOLATILE })
}

fn udf(name: &'static str, volatility: Volatility) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::new_from_impl(CallUdf { name, signature: Signature::variadic_any(volatility) }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct CallUdf {
    name: &'static str,
    signature: Signature,
}

impl ScalarUDFImpl for CallUdf {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("what {} gives depends on its first argument", self.name)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        match args.scalar_arguments.first() {
            Some(Some(ScalarValue::Utf8(Some(call)))) => PythonCall::from_text(call)?.field(),
            _ => internal_err!("{} has no constant to call", self.name),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some((ColumnarValue::Scalar(ScalarValue::Utf8(Some(call))), arguments)) = args.args.split_first() else {
            return internal_err!("{} has no constant to call", self.name);
        };
        let call = PythonCall::from_text(call)?;
        let rows = args.number_rows;
        let columns = arguments.iter().map(|argument| argument.to_array(rows)).collect::<Result<Vec<_>>>()?;
        let to = args.return_field.data_type();
        if rows == 0 {
            return Ok(ColumnarValue::Array(new_empty_array(to)));
        }
        let array = match call.shape {
            Shape::Rows => values(&call, &columns, rows, to)?,
            Shape::Aggregate => groups::aggregate(&call, &columns, to)?,
            Shape::Groups | Shape::CoGroups => groups::map(&call, &columns, rows)?,
            Shape::Table => table::rows(&call, &columns, rows)?,
            Shape::TablePartitions => table::partitions(&call, &columns)?,
            Shape::Batches => return internal_err!("{} maps batches, not rows", call.name),
        };
        Ok(ColumnarValue::Array(as_type(&array, to)?))
    }
}

/// A value for each row.
fn values(call: &PythonCall, columns: &[ArrayRef], rows: usize, to: &DataType) -> Result<ArrayRef> {
    let batch = input_batch(&call.input_fields(0)?, columns, rows)?;
    let batches = answer(call, |out| Ok(write_batches(out, &batch.schema(), [Ok(batch.clone())])?))?;
    let arrays = batches.iter().map(|batch| only_column(batch, to)).collect::<Result<Vec<_>>>()?;
    one_for_each(call, &arrays, rows, to)
}

/// The parts of a column, which has to be of this length.
pub(crate) fn one_for_each(call: &PythonCall, arrays: &[ArrayRef], rows: usize, to: &DataType) -> Result<ArrayRef> {
    let parts: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
    let array = if parts.is_empty() { new_empty_array(to) } else { concat(&parts)? };
    if array.len() != rows {
        return exec_err!("the Python function {} gave {} values for {rows} rows", call.name, array.len());
    }
    Ok(array)
}

/// Arguments as the columns that the worker is told of.
pub(crate) fn input_batch(fields: &Fields, columns: &[ArrayRef], rows: usize) -> Result<RecordBatch> {
    if fields.len() != columns.len() {
        return internal_err!("{} columns for a Python function of {}", columns.len(), fields.len());
    }
    let columns = fields
        .iter()
        .zip(columns)
        .map(|(field, column)| as_type(column, field.data_type()))
        .collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(input_schema(fields), columns, &options)?)
}

/// Without the metadata by which plans tell Spark's types, and all columns may be null.
pub(crate) fn input_schema(fields: &Fields) -> SchemaRef {
    let fields = fields.iter().map(|field| field.as_ref().clone().with_metadata([].into()).with_nullable(true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}
