//! What a worker answers: batches, an exception, and the end of its task.

use std::io::{self, Read};

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use datafusion::common::DataFusionError;
use firesteel_spec::SparkError;

use crate::worker::Process;

const END_OF_DATA: i32 = -1;
const EXCEPTION: i32 = -2;
const TIMES: i32 = -3;
const END_OF_STREAM: i32 = -4;
const ARROW_STREAM: i32 = -6;
/// The longest traceback that is read.
const TRACEBACK_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Reads one task's answer; every batch goes to `take`, whose error ends it. Tells whether the worker waits for another
/// task.
pub(crate) fn read_answer(
    input: &mut impl Read,
    process: &Process,
    take: &mut dyn FnMut(RecordBatch) -> Result<(), DataFusionError>,
) -> Result<bool, DataFusionError> {
    loop {
        match int(input).map_err(|error| died(process, &error))? {
            ARROW_STREAM => {
                let reader = StreamReader::try_new(&mut *input, None).map_err(|error| broken(process, error))?;
                for batch in reader {
                    take(batch.map_err(|error| broken(process, error))?)?;
                }
            }
            EXCEPTION => {
                let traceback = read_traceback(input).map_err(|error| died(process, &error))?;
                return Err(python_exception(&traceback));
            }
            TIMES => {
                // Four times, then bytes spilled to memory and to disk.
                skip(input, 6 * 8).map_err(|error| died(process, &error))?;
            }
            END_OF_DATA => return read_end(input).map_err(|error| died(process, &error)),
            other => {
                let error = SparkError::internal(format!("a Python worker answered with {other}"));
                return Err(DataFusionError::External(Box::new(error)));
            }
        }
    }
}

/// Accumulators, which nobody reads, and whether all of the input was taken.
pub(crate) fn read_end(input: &mut impl Read) -> io::Result<bool> {
    for _ in 0..int(input)? {
        let length = u64::try_from(int(input)?).unwrap_or(0);
        io::copy(&mut input.take(length), &mut io::sink())?;
    }
    Ok(int(input)? == END_OF_STREAM)
}

/// The user's exception, with its traceback.
fn python_exception(traceback: &str) -> DataFusionError {
    let what = "An exception was thrown from the Python worker";
    let error = SparkError::new("PYTHON_EXCEPTION", format!("{what}:\n{traceback}"))
        .with("msg", what)
        .with("traceback", traceback);
    DataFusionError::External(Box::new(error))
}

pub(crate) fn died(process: &Process, error: &io::Error) -> DataFusionError {
    let what = format!(
        "the Python worker exited unexpectedly: {}, {error}; a function that crashes Python or takes more memory than \
         there is ends it",
        process.end()
    );
    let error = SparkError::new("PYTHON_EXCEPTION", what.clone()).with("msg", what).with("traceback", "");
    DataFusionError::External(Box::new(error))
}

fn broken(process: &Process, error: ArrowError) -> DataFusionError {
    match error {
        ArrowError::IoError(_, error) => died(process, &error),
        error => error.into(),
    }
}

pub(crate) fn int(input: &mut impl Read) -> io::Result<i32> {
    let mut bytes = [0; 4];
    input.read_exact(&mut bytes)?;
    Ok(i32::from_be_bytes(bytes))
}

/// A text after its length.
pub(crate) fn read_traceback(input: &mut impl Read) -> io::Result<String> {
    let length = usize::try_from(int(input)?).unwrap_or(0);
    let mut bytes = vec![0; length.min(TRACEBACK_BYTES_MAX)];
    input.read_exact(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn skip(input: &mut impl Read, bytes: u64) -> io::Result<()> {
    let skipped = io::copy(&mut input.take(bytes), &mut io::sink())?;
    if skipped == bytes { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
