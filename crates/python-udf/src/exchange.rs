//! One task of a worker: the request is written while the answer is read, since each side may wait for the other.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StructArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType as ArrowType, Fields};
use datafusion::common::{DataFusionError, Result, internal_datafusion_err, internal_err};
use parking_lot::Mutex;

use crate::PythonCall;
use crate::answer::{died, read_answer};
use crate::interpreter::interpreter;
use crate::request::{write_end, write_task};
use crate::worker::{Process, Worker};

/// The process of a task while it runs, so that the task can be ended from elsewhere.
#[derive(Debug, Clone, Default)]
pub(crate) struct Running(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    process: Option<Process>,
    has_ended: bool,
}

impl Running {
    /// Ends the task: now, or when it would start.
    pub fn end(&self) {
        let mut state = self.0.lock();
        state.has_ended = true;
        if let Some(process) = state.process.take() {
            process.kill();
        }
    }

    fn start(&self, process: &Process) -> Result<()> {
        let mut state = self.0.lock();
        if state.has_ended {
            return Err(stopped());
        }
        state.process = Some(process.clone());
        Ok(())
    }

    /// From now on the process may be another task's.
    fn finish(&self) {
        self.0.lock().process = None;
    }
}

pub(crate) fn stopped() -> DataFusionError {
    DataFusionError::Execution("nobody waits for the rows of a Python function any more".to_owned())
}

/// Runs a call in a worker. `write` writes the data, `take` gets the batches.
pub(crate) fn exchange(
    call: &PythonCall,
    write: impl FnOnce(&mut dyn Write) -> Result<()> + Send,
    running: &Running,
    take: &mut dyn FnMut(RecordBatch) -> Result<()>,
) -> Result<()> {
    let taken = Worker::take(&interpreter(call));
    let mut worker = taken.map_err(|error| DataFusionError::External(Box::new(error)))?;
    let process = worker.process.clone();
    running.start(&process)?;
    let (input, output) = (&mut worker.input, &mut worker.output);
    let (written, waits) = std::thread::scope(|scope| {
        let writer = scope.spawn(|| -> Result<()> {
            write_task(input, call)?;
            write(input)?;
            Ok(write_end(input)?)
        });
        let waits = read_answer(output, &process, take);
        if !matches!(waits, Ok(true)) {
            // It will read no more, and the writer is not to wait for it.
            process.kill();
        }
        (writer.join(), waits)
    });
    running.finish();
    let Ok(written) = written else { return internal_err!("the writer to a Python worker panicked") };
    if waits? {
        match written {
            Ok(()) => worker.give_back(),
            Err(DataFusionError::IoError(error)) => return Err(died(&process, &error)),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Runs a call over data that is there, and gives the batches.
pub(crate) fn answer(
    call: &PythonCall,
    write: impl FnOnce(&mut dyn Write) -> Result<()> + Send,
) -> Result<Vec<RecordBatch>> {
    let mut batches = Vec::new();
    let run = || {
        exchange(call, write, &Running::default(), &mut |batch| {
            batches.push(batch);
            Ok(())
        })
    };
    waiting(run)?;
    Ok(batches)
}

/// Waits for Python on a plan's own thread: the runtime's other work moves on elsewhere.
pub(crate) fn waiting<R>(run: impl FnOnce() -> R) -> R {
    match tokio::runtime::Handle::try_current() {
        Ok(handle) if handle.runtime_flavor() == tokio::runtime::RuntimeFlavor::MultiThread => {
            tokio::task::block_in_place(run)
        }
        _ => run(),
    }
}

/// The only column of a worker's batch, as the type that the plan says.
pub(crate) fn only_column(batch: &RecordBatch, to: &ArrowType) -> Result<ArrayRef> {
    let [column] = batch.columns() else {
        return internal_err!("a Python worker gave {} columns", batch.num_columns());
    };
    as_type(column, to)
}

/// The columns of rows that a worker gives as a struct, as the plan says.
pub(crate) fn rows(batch: &RecordBatch, to: &Fields) -> Result<StructArray> {
    let [column] = batch.columns() else {
        return internal_err!("a Python worker gave {} columns of rows", batch.num_columns());
    };
    let Some(rows) = column.as_any().downcast_ref::<StructArray>() else {
        return internal_err!("a Python worker gave {}, not rows", column.data_type());
    };
    if rows.num_columns() != to.len() {
        return internal_err!("a Python worker gave {} columns, not {}", rows.num_columns(), to.len());
    }
    let columns = rows
        .columns()
        .iter()
        .zip(to)
        .map(|(column, field)| as_type(column, field.data_type()))
        .collect::<Result<_>>()?;
    // A field that must not be null is one in name only: what the function gave decides.
    let fields: Fields = to.iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
    StructArray::try_new_with_length(fields, columns, rows.nulls().cloned(), rows.len())
        .map_err(|error| internal_datafusion_err!("rows of a Python worker: {error}"))
}

pub(crate) fn as_type(column: &ArrayRef, to: &ArrowType) -> Result<ArrayRef> {
    if column.data_type() == to {
        return Ok(column.clone());
    }
    let options = CastOptions { safe: false, ..CastOptions::default() };
    Ok(cast_with_options(column, to, &options)?)
}
