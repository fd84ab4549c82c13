//! What a worker is told: the task, the function, and batches in Arrow's stream format. Numbers are big-endian, texts
//! and bytes come after their length.

use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;

use crate::{PythonCall, Shape};

/// `SQL_BATCHED_UDF`, rows pickled in both directions.
pub(crate) const BATCHED: i32 = 100;
/// `SQL_ARROW_BATCHED_UDF`
const ARROW_BATCHED: i32 = 101;
/// `SQL_TABLE_UDF`, rows pickled in both directions.
const TABLE: i32 = 300;
/// `SQL_ARROW_TABLE_UDF`
const ARROW_TABLE: i32 = 301;

/// What a worker is to do with what follows; see `worker_loop.py`.
const RUN: i32 = 0;
pub(crate) const ANALYZE: i32 = 1;

/// After a task's data.
pub(crate) const END_OF_STREAM: i32 = -4;

/// A side of the pipe: what comes before the data.
pub(crate) fn write_task(out: &mut dyn Write, call: &PythonCall) -> io::Result<()> {
    write_int(out, RUN)?;
    write_int(out, 0)?;
    text(out, &call.python_version)?;
    text(
        out,
        r#"{"isBarrier":false,"stageId":0,"partitionId":0,"attemptNumber":0,"taskAttemptId":0,"cpus":1,"resources":{},"localProperties":{}}"#,
    )?;
    write_place(out)?;
    write_int(out, worker_eval_type(call))?;
    let pickled = (call.eval_type == BATCHED).then(|| ("firesteel.pickled".to_owned(), "true".to_owned()));
    let settings: Vec<(String, String)> = call.settings.iter().cloned().chain(pickled).collect();
    pairs(out, &settings)?;
    let mut evaluation = Vec::new();
    if let Some(input) = call.inputs.first() {
        evaluation.push(("input_type".to_owned(), input.clone()));
    }
    if !call.table_arguments.is_empty() {
        let offsets: Vec<String> = call.table_arguments.iter().map(i32::to_string).collect();
        evaluation.push(("table_arg_offsets".to_owned(), offsets.join(",")));
    }
    pairs(out, &evaluation)?;
    if matches!(call.shape, Shape::Table | Shape::TablePartitions) {
        write_table_function(out, call)
    } else {
        write_function(out, call)
    }
}

/// Where files of the session would be, how many packages there are to import from, and broadcast variables: none.
pub(crate) fn write_place(out: &mut dyn Write) -> io::Result<()> {
    text(out, ".")?;
    write_int(out, 0)?;
    out.write_all(&[0])?;
    write_int(out, 0)
}

pub(crate) fn write_end(out: &mut dyn Write) -> io::Result<()> {
    write_int(out, END_OF_STREAM)?;
    out.flush()
}

/// One stream of Arrow's: a schema and batches.
pub(crate) fn write_batches(
    out: &mut dyn Write,
    schema: &SchemaRef,
    batches: impl IntoIterator<Item = Result<RecordBatch, ArrowError>>,
) -> Result<(), ArrowError> {
    let mut writer = StreamWriter::try_new(out, schema)?;
    for batch in batches {
        writer.write(&batch?)?;
    }
    writer.finish()
}

/// The number of data frames of the next group; 0 after the last.
pub(crate) fn write_group(out: &mut dyn Write, frames: i32) -> io::Result<()> {
    write_int(out, frames)
}

/// A schema whose only column is a struct of these, as functions over frames want it.
pub(crate) fn wrapped_schema(schema: &Schema) -> SchemaRef {
    let field = arrow::datatypes::Field::new_struct("_0", schema.fields().clone(), false);
    Schema::new(vec![field]).into()
}

/// What is not made for Arrow runs over it all the same; see `worker_loop.py`.
fn worker_eval_type(call: &PythonCall) -> i32 {
    match call.eval_type {
        BATCHED => ARROW_BATCHED,
        TABLE => ARROW_TABLE,
        other => other,
    }
}

fn write_function(out: &mut dyn Write, call: &PythonCall) -> io::Result<()> {
    write_int(out, 1)?;
    write_arguments(out, call)?;
    // One function, which is chained with no other.
    write_int(out, 1)?;
    bytes(out, &call.command)?;
    // The profiler's id of its results.
    out.write_all(&0_i64.to_be_bytes())
}

fn write_table_function(out: &mut dyn Write, call: &PythonCall) -> io::Result<()> {
    write_arguments(out, call)?;
    write_int(out, call.partition_columns.len() as i32)?;
    call.partition_columns.iter().try_for_each(|column| write_int(out, *column))?;
    out.write_all(&[u8::from(!call.analyzed.is_empty())])?;
    if !call.analyzed.is_empty() {
        bytes(out, &call.analyzed)?;
    }
    bytes(out, &call.command)?;
    text(out, &call.output)?;
    text(out, &call.name)
}

fn write_arguments(out: &mut dyn Write, call: &PythonCall) -> io::Result<()> {
    write_int(out, call.arguments.len() as i32)?;
    for argument in &call.arguments {
        write_int(out, argument.offset)?;
        out.write_all(&[u8::from(argument.name.is_some())])?;
        if let Some(name) = &argument.name {
            text(out, name)?;
        }
    }
    Ok(())
}

pub(crate) fn pairs(out: &mut dyn Write, pairs: &[(String, String)]) -> io::Result<()> {
    write_int(out, pairs.len() as i32)?;
    pairs.iter().try_for_each(|(key, value)| {
        text(out, key)?;
        text(out, value)
    })
}

pub(crate) fn write_int(out: &mut dyn Write, value: i32) -> io::Result<()> {
    out.write_all(&value.to_be_bytes())
}

pub(crate) fn text(out: &mut dyn Write, text: &str) -> io::Result<()> {
    bytes(out, text.as_bytes())
}

pub(crate) fn bytes(out: &mut dyn Write, bytes: &[u8]) -> io::Result<()> {
    let length = i32::try_from(bytes.len()).map_err(|_| io::Error::other("a Python function of more than 2 GiB"))?;
    write_int(out, length)?;
    out.write_all(bytes)
}
