//! `analyze` of a table function: asked while a query is resolved, since it says which columns the function gives.

use std::io::{self, Read, Write};

use datafusion::common::ScalarValue;
use firesteel_spec::{DataType, SparkError, SparkResult};

use crate::answer::{int, read_end, read_traceback};
use crate::exchange::waiting;
use crate::interpreter::program;
use crate::request::{ANALYZE, END_OF_STREAM, bytes, pairs, text, write_int, write_place};
use crate::worker::Worker;

const EXCEPTION: i32 = -2;
/// The longest part of an answer.
const PART_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What `analyze` is told of an argument.
#[derive(Debug, Clone, PartialEq)]
pub struct AnalyzedArgument {
    pub name: Option<String>,
    pub data_type: DataType,
    /// If it is a constant.
    pub value: Option<ScalarValue>,
    pub is_table: bool,
}

/// What `analyze` said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Analysis {
    /// The columns, as Spark's JSON.
    pub schema: String,
    /// The whole answer, for the function's constructor.
    pub pickled: Vec<u8>,
    /// All rows of the table go to one instance.
    pub single_partition: bool,
    pub partition_by: Vec<String>,
    pub order_by: Vec<AnalyzedOrder>,
    /// Columns of the table that the function wants, with other names for them; all if none.
    pub select: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnalyzedOrder {
    pub column: String,
    pub ascending: bool,
    pub nulls_first: Option<bool>,
}

/// A table function that says by itself which columns it gives.
#[derive(Debug, Clone, Copy)]
pub struct Analyzer<'a> {
    pub name: &'a str,
    pub command: &'a [u8],
    pub python_version: &'a str,
    /// See [`crate::PythonCall::interpreter`].
    pub interpreter: Option<&'a str>,
}

impl Analyzer<'_> {
    /// Calls `analyze`.
    ///
    /// # Errors
    /// With what it raised.
    pub fn analyze(&self, arguments: &[AnalyzedArgument]) -> SparkResult<Analysis> {
        let values = arguments.iter().map(pickled).collect::<SparkResult<Vec<_>>>()?;
        let mut worker = waiting(|| Worker::take(&program(self.interpreter)))?;
        let analysis = waiting(|| {
            self.write(&mut worker.input, arguments, &values)?;
            read(&mut worker.output)
        });
        match analysis {
            Ok(Ok(analysis)) => {
                worker.give_back();
                Ok(analysis)
            }
            Ok(Err(traceback)) => Err(failed(&last_line(&traceback))),
            Err(error) => Err(failed(&format!("the Python worker exited unexpectedly: {error}"))),
        }
    }

    fn write(&self, out: &mut dyn Write, arguments: &[AnalyzedArgument], values: &[Option<Vec<u8>>]) -> io::Result<()> {
        write_int(out, ANALYZE)?;
        text(out, self.python_version)?;
        write_place(out)?;
        pairs(out, &[])?;
        text(out, self.name)?;
        bytes(out, self.command)?;
        write_int(out, arguments.len() as i32)?;
        for (argument, value) in arguments.iter().zip(values) {
            text(out, &argument.data_type.to_json())?;
            out.write_all(&[u8::from(value.is_some())])?;
            if let Some(value) = value {
                bytes(out, value)?;
            }
            out.write_all(&[u8::from(argument.is_table), u8::from(argument.name.is_some())])?;
            if let Some(name) = &argument.name {
                text(out, name)?;
            }
        }
        write_int(out, END_OF_STREAM)?;
        out.flush()
    }
}

/// The answer, or the traceback of an exception.
fn read(input: &mut impl Read) -> io::Result<Result<Analysis, String>> {
    let length = int(input)?;
    if length == EXCEPTION {
        return read_traceback(input).map(Err);
    }
    let schema = words(part(input, length)?);
    let length = int(input)?;
    let pickled = part(input, length)?;
    let single_partition = int(input)? == 1;
    let partition_by = (0..int(input)?).map(|_| word(input)).collect::<io::Result<_>>()?;
    let mut order_by = Vec::new();
    for _ in 0..int(input)? {
        let column = word(input)?;
        let ascending = int(input)? == 1;
        let nulls_first = match int(input)? {
            1 => Some(true),
            2 => Some(false),
            _ => None,
        };
        order_by.push(AnalyzedOrder { column, ascending, nulls_first });
    }
    let select = (0..int(input)?).map(|_| Ok((word(input)?, word(input)?))).collect::<io::Result<_>>()?;
    if !read_end(input)? {
        return Err(io::Error::other("it left a part of its input"));
    }
    Ok(Ok(Analysis { schema, pickled, single_partition, partition_by, order_by, select }))
}

fn word(input: &mut impl Read) -> io::Result<String> {
    let length = int(input)?;
    part(input, length).map(words)
}

fn words(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

fn part(input: &mut impl Read, length: i32) -> io::Result<Vec<u8>> {
    let length = usize::try_from(length).ok().filter(|length| *length <= PART_BYTES_MAX);
    let mut bytes = vec![0; length.ok_or_else(|| io::Error::other("an answer of an impossible length"))?];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// What was raised, without where.
fn last_line(traceback: &str) -> String {
    let line = traceback.trim_end().lines().rev().find(|line| !line.starts_with(' ')).unwrap_or(traceback);
    match line.split_once(": ") {
        Some((class, message)) if !class.contains(' ') => message.to_owned(),
        _ => line.to_owned(),
    }
}

fn failed(message: &str) -> SparkError {
    SparkError::new(
        "TABLE_VALUED_FUNCTION_FAILED_TO_ANALYZE_IN_PYTHON",
        format!("Failed to analyze the Python user defined table function: {message}"),
    )
    .with("msg", message)
}

/// A constant as Python's pickle has it: dates are days and instants microseconds, which the worker converts.
fn pickled(argument: &AnalyzedArgument) -> SparkResult<Option<Vec<u8>>> {
    let Some(value) = &argument.value else { return Ok(None) };
    let whole = |value: &dyn std::fmt::Display| format!("L{value}L\n.").into_bytes();
    let string = |text: &str| [b"X".as_slice(), &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
    Ok(Some(match value {
        value if value.is_null() => b"N.".to_vec(),
        ScalarValue::Boolean(Some(value)) => if *value { b"I01\n." } else { b"I00\n." }.to_vec(),
        ScalarValue::Int8(Some(value)) => whole(value),
        ScalarValue::Int16(Some(value)) => whole(value),
        ScalarValue::Int32(Some(value)) | ScalarValue::Date32(Some(value)) => whole(value),
        ScalarValue::Int64(Some(value)) | ScalarValue::TimestampMicrosecond(Some(value), _) => whole(value),
        ScalarValue::Float32(Some(value)) => [b"G".as_slice(), &f64::from(*value).to_be_bytes(), b"."].concat(),
        ScalarValue::Float64(Some(value)) => [b"G".as_slice(), &value.to_be_bytes(), b"."].concat(),
        ScalarValue::Utf8(Some(text)) => [string(text), b".".to_vec()].concat(),
        ScalarValue::Binary(Some(value)) => {
            [b"B".as_slice(), &(value.len() as u32).to_le_bytes(), value, b"."].concat()
        }
        ScalarValue::Decimal128(Some(_), ..) => {
            let text = string(&value.to_string());
            [b"cdecimal\nDecimal\n".as_slice(), &text, b"\x85R."].concat()
        }
        other => {
            return Err(SparkError::unsupported(format!(
                "a constant of type {} as an argument of a table function with analyze",
                other.data_type()
            )));
        }
    }))
}
