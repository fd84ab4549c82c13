//! What a session has of Python: the functions that were registered, and what workers go by.

use std::collections::HashMap;
use std::sync::Arc;

use firesteel_planner::PythonOptions;
use firesteel_spec::InlineFunction;
use parking_lot::RwLock;

use crate::config::Config;

/// The program that runs functions; `PYSPARK_PYTHON` of the function's environment if it is not set.
const INTERPRETER: &str = "firesteel.python";
/// Settings that PySpark's worker asks for.
const WORKER_SETTINGS: [&str; 10] = [
    "spark.sql.execution.arrow.maxBytesPerBatch",
    "spark.sql.execution.arrow.maxRecordsPerBatch",
    "spark.sql.execution.arrow.useLargeVarTypes",
    "spark.sql.execution.pandas.convertToArrowArraySafely",
    "spark.sql.execution.pyspark.binaryAsBytes",
    "spark.sql.execution.pythonUDF.arrow.concurrency.level",
    "spark.sql.execution.pythonUDF.pandas.intToDecimalCoercionEnabled",
    "spark.sql.execution.pythonUDF.pandas.preferIntExtensionDtype",
    "spark.sql.legacy.execution.pandas.groupedMap.assignColumnsByName",
    "spark.sql.legacy.execution.pythonUDF.pandas.conversion.enabled",
];

type Functions = RwLock<Arc<HashMap<String, InlineFunction>>>;

#[derive(Debug, Default)]
pub(crate) struct RegisteredFunctions {
    values: Functions,
    tables: Functions,
}

impl RegisteredFunctions {
    /// For expressions; replaces one of this name.
    pub fn register(&self, function: &InlineFunction) {
        add(&self.values, function);
    }

    /// For `FROM`; replaces one of this name.
    pub fn register_table_function(&self, function: &InlineFunction) {
        add(&self.tables, function);
    }

    /// A copy that goes its own way.
    pub fn duplicate(&self) -> Self {
        Self { values: RwLock::new(self.values.read().clone()), tables: RwLock::new(self.tables.read().clone()) }
    }

    pub fn options(&self, config: &Config) -> PythonOptions {
        let settings = WORKER_SETTINGS.iter().filter_map(|key| Some(((*key).to_owned(), config.value(key)?)));
        PythonOptions {
            interpreter: config.value(INTERPRETER).filter(|program| !program.is_empty()),
            settings: settings.collect(),
            functions: Arc::clone(&self.values.read()),
            table_functions: Arc::clone(&self.tables.read()),
        }
    }
}

fn add(functions: &Functions, function: &InlineFunction) {
    let mut functions = functions.write();
    let mut all = functions.as_ref().clone();
    all.insert(function.name.to_lowercase(), InlineFunction { arguments: Vec::new(), ..function.clone() });
    *functions = Arc::new(all);
}
