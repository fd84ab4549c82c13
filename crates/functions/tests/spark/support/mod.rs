//! Evaluates a function by its name over constants, through the same builders and kernels as a query.

#![allow(dead_code, reason = "each test uses a part of this")]

use std::sync::Arc;

use arrow::array::{Array, RecordBatch, RecordBatchOptions};
use arrow::datatypes::Schema;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::DFSchema;
use datafusion::common::config::ConfigOptions;
use datafusion::execution::context::ExecutionProps;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::physical_expr::create_physical_expr;
use firesteel_functions::{Call, Settings, TaskPlace, Typed, literal, lookup};
use firesteel_spec::{Literal, SparkError};

/// `name(arguments…)` as text, or the error's class.
pub fn eval(name: &str, arguments: &[Literal]) -> String {
    eval_with(name, arguments, &Settings::default())
}

pub fn eval_with(name: &str, arguments: &[Literal], settings: &Settings) -> String {
    let arguments = arguments.iter().map(|value| literal(value, settings)).collect::<Result<Vec<_>, _>>();
    match arguments.and_then(|arguments| build(name, arguments, settings)) {
        Ok(typed) => evaluate(&typed),
        Err(error) => error.class,
    }
}

pub fn build(name: &str, arguments: Vec<Typed>, settings: &Settings) -> Result<Typed, SparkError> {
    let function = lookup(name).unwrap_or_else(|| panic!("no function {name}"));
    (function.build)(&Call { name, arguments, distinct: false, ignore_nulls: None, within_group: Vec::new(), settings })
}

/// The value of a constant expression as text, `NULL`, or the class of its error.
pub fn evaluate(typed: &Typed) -> String {
    outcome(typed).unwrap_or_else(|class| class)
}

/// The value of a constant expression as text or `NULL`; the error is its class.
pub fn outcome(typed: &Typed) -> Result<String, String> {
    let expr = create_physical_expr(
        &typed.expr,
        &DFSchema::empty(),
        &ExecutionProps::new(),
        &PhysicalPlanningContext::default(),
    )
    .expect("a physical expression");
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options).expect("a row");
    let value = match expr.evaluate(&batch).and_then(|value| value.into_array(1)) {
        Ok(value) => value,
        Err(error) => {
            return Err(match error.find_root() {
                datafusion::common::DataFusionError::External(inner) => {
                    inner.downcast_ref::<SparkError>().map_or_else(|| error.to_string(), |error| error.class.clone())
                }
                other => other.to_string(),
            });
        }
    };
    assert_eq!(value.data_type(), &typed.arrow_type(), "the type that was planned");
    if value.is_null(0) {
        return Ok("NULL".to_owned());
    }
    let options = FormatOptions::default().with_null("NULL");
    Ok(ArrayFormatter::try_new(&value, &options).expect("a formatter").value(0).to_string())
}

/// The values of an expression without columns for batches of so many rows, in the task of this number.
pub fn batches_in_task(typed: &Typed, task: u32, rows: &[usize]) -> Vec<String> {
    let mut options = ConfigOptions::default();
    options.extensions.insert(TaskPlace::new(task));
    let properties = ExecutionProps { config_options: Some(Arc::new(options)), ..ExecutionProps::new() };
    let context = PhysicalPlanningContext::default();
    let expr = create_physical_expr(&typed.expr, &DFSchema::empty(), &properties, &context).expect("an expression");
    let mut texts = Vec::new();
    for rows in rows {
        let options = RecordBatchOptions::new().with_row_count(Some(*rows));
        let batch = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options).expect("rows");
        let values = expr.evaluate(&batch).and_then(|value| value.into_array(*rows)).expect("values");
        let options = FormatOptions::default();
        let formatter = ArrayFormatter::try_new(&values, &options).expect("a formatter");
        texts.extend((0..*rows).map(|row| formatter.value(row).to_string()));
    }
    texts
}
