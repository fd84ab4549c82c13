//! Calls by real Python workers: values, exceptions, and workers that die or can't start.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::datatypes::{Field, Int64Type};
use datafusion::common::config::ConfigOptions;
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs};
use firesteel_python_udf::{Argument, PythonCall, Shape, python_function};
use firesteel_spec::{DataType, SparkError, StructField};

/// `SQL_BATCHED_UDF`
const BATCHED: i32 = 100;
/// `SQL_ARROW_BATCHED_UDF`
const ARROW_BATCHED: i32 = 101;

/// A python that has PySpark's client: the one that the environment names, or one made once for a target folder.
fn python() -> &'static str {
    static PYTHON: OnceLock<String> = OnceLock::new();
    PYTHON.get_or_init(|| {
        if let Ok(named) = std::env::var("PYSPARK_PYTHON") {
            return named;
        }
        let target = std::env::current_exe().expect("this test's path");
        let target = target.ancestors().find(|path| path.ends_with("target")).expect("a target folder").to_owned();
        let script: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/pyspark/setup.sh");
        let setup = Command::new(script).arg(target.join("pyspark")).output().expect("bash");
        assert!(setup.status.success(), "setup.sh: {}", String::from_utf8_lossy(&setup.stderr));
        String::from_utf8(setup.stdout).expect("a path").trim().to_owned()
    })
}

/// A function of one BIGINT, pickled as the client does it.
fn call(eval_type: i32, function: &str) -> PythonCall {
    let script = format!(
        "import sys\n\
         from pyspark.serializers import CloudPickleSerializer\n\
         from pyspark.sql.types import LongType\n\
         print('%d.%d' % sys.version_info[:2])\n\
         print(CloudPickleSerializer().dumps(({function}, LongType())).hex())"
    );
    let pickled = Command::new(python()).args(["-c", &script]).output().expect("python");
    assert!(pickled.status.success(), "{}", String::from_utf8_lossy(&pickled.stderr));
    let text = String::from_utf8(pickled.stdout).expect("text");
    let (version, hex) = text.trim().split_once('\n').expect("two lines");
    let command = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect();
    PythonCall {
        name: "f".to_owned(),
        shape: Shape::Rows,
        eval_type,
        command,
        python_version: version.to_owned(),
        interpreter: Some(python().to_owned()),
        arguments: vec![Argument { offset: 0, name: None }],
        settings: Vec::new(),
        inputs: vec![DataType::Struct { fields: vec![StructField::new("_0", DataType::Long, true)] }.to_json()],
        output: DataType::Long.to_json(),
        partition_columns: Vec::new(),
        table_arguments: Vec::new(),
        analyzed: Vec::new(),
    }
}

fn run(call: &PythonCall, values: Vec<Option<i64>>) -> Result<Vec<Option<i64>>, SparkError> {
    let rows = values.len();
    let column: ArrayRef = Arc::new(Int64Array::from(values));
    let field = |name: &str, data_type| Arc::new(Field::new(name, data_type, true));
    let text = call.to_text().expect("text");
    let answer = python_function(true).invoke_with_args(ScalarFunctionArgs {
        args: vec![ColumnarValue::Scalar(ScalarValue::Utf8(Some(text))), ColumnarValue::Array(column)],
        arg_fields: vec![
            field("call", arrow::datatypes::DataType::Utf8),
            field("x", arrow::datatypes::DataType::Int64),
        ],
        number_rows: rows,
        return_field: field("f", arrow::datatypes::DataType::Int64),
        config_options: Arc::new(ConfigOptions::default()),
    });
    match answer {
        Ok(value) => {
            let array = value.into_array(rows).expect("an array");
            let array = array.as_primitive::<Int64Type>();
            Ok((0..array.len()).map(|row| array.is_valid(row).then(|| array.value(row))).collect())
        }
        Err(DataFusionError::External(error)) => Err(*error.downcast::<SparkError>().expect("one of Spark's")),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_function_is_called_for_each_row() {
    let twice = call(ARROW_BATCHED, "lambda x: None if x is None else 2 * x");
    assert_eq!(run(&twice, vec![Some(1), None, Some(3)]), Ok(vec![Some(2), None, Some(6)]));
    assert_eq!(run(&twice, Vec::new()), Ok(Vec::new()));
    // The same worker again, and more than a pipe holds.
    let many: Vec<_> = (0..100_000).map(Some).collect();
    let expected: Vec<_> = (0..100_000).map(|value| Some(2 * value)).collect();
    assert_eq!(run(&twice, many), Ok(expected));
}

#[test]
fn what_is_printed_is_no_answer() {
    let prints = call(ARROW_BATCHED, "lambda x: print('hello') or x");
    assert_eq!(run(&prints, vec![Some(1)]), Ok(vec![Some(1)]));
}

/// Spark 4.2 answers so with and without `useArrow`.
#[test]
fn a_pickled_function_that_gives_another_type_gives_null() {
    assert_eq!(run(&call(BATCHED, "lambda x: '7'"), vec![Some(1)]), Ok(vec![None]));
    assert_eq!(run(&call(BATCHED, "lambda x: True"), vec![Some(1)]), Ok(vec![None]));
    assert_eq!(run(&call(ARROW_BATCHED, "lambda x: '7'"), vec![Some(1)]), Ok(vec![Some(7)]));
}

#[test]
fn an_exception_comes_with_its_traceback() {
    let error = run(&call(ARROW_BATCHED, "lambda x: 1 // x"), vec![Some(1), Some(0)]).expect_err("an exception");
    assert_eq!(error.class, "PYTHON_EXCEPTION");
    assert!(error.message.starts_with("An exception was thrown from the Python worker:\nTraceback"), "{error}");
    assert!(error.message.contains("ZeroDivisionError"), "{error}");
}

#[test]
fn a_worker_that_dies_is_an_error_and_the_next_call_has_another() {
    let error = run(&call(ARROW_BATCHED, "lambda x: __import__('os')._exit(3)"), vec![Some(1)]).expect_err("a death");
    assert_eq!(error.class, "PYTHON_EXCEPTION");
    assert!(error.message.contains("exited unexpectedly"), "{error}");
    assert_eq!(run(&call(ARROW_BATCHED, "lambda x: x"), vec![Some(1)]), Ok(vec![Some(1)]));
}

#[test]
fn python_that_is_not_there_is_named_with_what_to_do() {
    let call = PythonCall { interpreter: Some("no-such-python".to_owned()), ..call(ARROW_BATCHED, "lambda x: x") };
    let error = run(&call, vec![Some(1)]).expect_err("no python");
    assert!(error.message.contains("no-such-python") && error.message.contains("PYSPARK_PYTHON"), "{error}");
}

#[test]
fn another_version_of_python_is_refused() {
    let call = PythonCall { python_version: "2.7".to_owned(), ..call(ARROW_BATCHED, "lambda x: x") };
    let error = run(&call, vec![Some(1)]).expect_err("another version");
    assert!(error.message.contains("PYTHON_VERSION_MISMATCH"), "{error}");
}
