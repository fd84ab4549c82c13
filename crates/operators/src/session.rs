//! The functions that plans may name, registered alike by driver and function (PLAN-4).

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::execution::{SessionState, SessionStateDefaults};
use datafusion::logical_expr::{AggregateUDF, HigherOrderUDF, ScalarUDF, WindowUDF};
use datafusion::prelude::SessionConfig;

/// The driver's session: it plans.
pub fn session_state(config: SessionConfig, runtime: Arc<RuntimeEnv>) -> SessionStateBuilder {
    let mut builder = SessionStateBuilder::new().with_config(config).with_runtime_env(runtime).with_default_features();
    let spark = firesteel_functions::implementations();
    let scalar = builder.scalar_functions().get_or_insert_default();
    scalar.extend(spark.scalar);
    scalar.extend(firesteel_python_udf::implementations());
    builder.higher_order_functions().get_or_insert_default().extend(spark.higher_order);
    builder.aggregate_functions().get_or_insert_default().extend(spark.aggregate);
    builder.window_functions().get_or_insert_default().extend(spark.window);
    builder
}

/// The settings of one attempt of a task, the `index`th of its stage: functions may ask for that.
pub fn task_config(config: SessionConfig, index: u32) -> SessionConfig {
    config.with_option_extension(firesteel_functions::TaskPlace::new(index))
}

/// All functions by name and alias. A function resolves them without a session, whose planners and optimizers it would
/// never use but would have to carry.
#[derive(Debug, Clone)]
pub struct Functions {
    pub scalar: HashMap<String, Arc<ScalarUDF>>,
    pub higher_order: HashMap<String, Arc<HigherOrderUDF>>,
    pub aggregate: HashMap<String, Arc<AggregateUDF>>,
    pub window: HashMap<String, Arc<WindowUDF>>,
}

impl Functions {
    /// Those that [`session_state`] registers.
    pub fn all() -> Self {
        let spark = firesteel_functions::implementations();
        let mut scalar = SessionStateDefaults::default_scalar_functions();
        scalar.extend(spark.scalar);
        scalar.extend(firesteel_python_udf::implementations());
        let mut higher_order = SessionStateDefaults::default_higher_order_functions();
        higher_order.extend(spark.higher_order);
        let mut aggregate = SessionStateDefaults::default_aggregate_functions();
        aggregate.extend(spark.aggregate);
        let mut window = SessionStateDefaults::default_window_functions();
        window.extend(spark.window);
        Self {
            scalar: by_name(scalar, ScalarUDF::name, ScalarUDF::aliases),
            higher_order: by_name(higher_order, HigherOrderUDF::name, HigherOrderUDF::aliases),
            aggregate: by_name(aggregate, AggregateUDF::name, AggregateUDF::aliases),
            window: by_name(window, WindowUDF::name, WindowUDF::aliases),
        }
    }

    /// All names and aliases, sorted.
    pub fn names(&self) -> Vec<String> {
        sorted(self.scalar.keys(), self.higher_order.keys(), self.aggregate.keys(), self.window.keys())
    }
}

/// The names and aliases of all functions of a session, sorted.
pub fn function_names(state: &SessionState) -> Vec<String> {
    sorted(
        state.scalar_functions().keys(),
        state.higher_order_functions().keys(),
        state.aggregate_functions().keys(),
        state.window_functions().keys(),
    )
}

fn by_name<F>(
    functions: Vec<Arc<F>>,
    name: impl Fn(&F) -> &str,
    aliases: impl Fn(&F) -> &[String],
) -> HashMap<String, Arc<F>> {
    let mut all = HashMap::new();
    for function in functions {
        for alias in aliases(&function) {
            all.insert(alias.clone(), Arc::clone(&function));
        }
        all.insert(name(&function).to_owned(), function);
    }
    all
}

fn sorted<'a>(
    scalar: impl Iterator<Item = &'a String>,
    higher_order: impl Iterator<Item = &'a String>,
    aggregate: impl Iterator<Item = &'a String>,
    window: impl Iterator<Item = &'a String>,
) -> Vec<String> {
    let mut names: Vec<String> = scalar.chain(higher_order).chain(aggregate).chain(window).cloned().collect();
    names.sort();
    names
}
