//! Which Python runs a function.

use crate::PythonCall;

/// The setting of the session, then the environment of the process that runs the task, then what the path has.
pub(crate) fn interpreter(call: &PythonCall) -> String {
    let named = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    call.interpreter.clone().or_else(|| named("PYSPARK_PYTHON")).unwrap_or_else(|| "python3".to_owned())
}
