//! Users' Python functions: what a plan says of a call, PySpark's own workers as child processes, and the DataFusion
//! functions and the operator that call them.
//!
//! A function is pickled by the client and unpickled by the worker: nothing here looks inside. Workers live as long as
//! the process that started them, and wait between tasks.

mod analyze;
mod answer;
mod call;
mod exchange;
mod groups;
mod interpreter;
mod map;
mod request;
mod table;
mod udf;
mod worker;

pub use analyze::{Analysis, AnalyzedArgument, AnalyzedOrder, Analyzer};
pub use call::{Argument, PythonCall, Shape};
pub use map::PythonMapExec;
pub use udf::{implementations, python_function};
