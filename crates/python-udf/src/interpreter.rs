//! Which Python runs a function.

use crate::PythonCall;

/// The program for a call; see [`program`].
pub(crate) fn interpreter(call: &PythonCall) -> String {
    program(call.interpreter.as_deref())
}

/// The setting of the session, then the environment of the process that runs Python, then what the path has.
pub(crate) fn program(setting: Option<&str>) -> String {
    let named = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    setting.map(str::to_owned).or_else(|| named("PYSPARK_PYTHON")).unwrap_or_else(|| "python3".to_owned())
}
