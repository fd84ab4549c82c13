//! Functions of Spark's modules for Avro and Protobuf, which it does not load by itself: refused as Spark without the
//! modules refuses them.

use datafusion::common::ScalarValue;
use firesteel_spec::{DataType, SparkError, SparkResult};

use crate::call::Call;
use crate::registry::{Family, Function, Implementations};
use crate::typed::Typed;

pub(crate) static FAMILY: Family = Family {
    functions: &[
        Function::scalar("from_avro", avro),
        Function::scalar("to_avro", avro),
        Function::scalar("schema_of_avro", schema_of_avro),
        Function::scalar("from_protobuf", protobuf),
        Function::scalar("to_protobuf", protobuf),
    ],
    implementations: Implementations::default,
};

fn avro(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(if call.name == "to_avro" { 1..=2 } else { 2..=3 })?;
    Err(not_loaded(call, "AVRO"))
}

fn schema_of_avro(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let schema = call.argument(0)?;
    let is_text = schema.data_type.is_string() || schema.data_type == DataType::Null;
    if !is_text || schema.folded().is_none() {
        return Err(wrong_constant(call, "the first argument must be a constant text, an Avro schema as JSON"));
    }
    if call.has(1) {
        let options = call.argument(1)?;
        let is_map = matches!(options.data_type, DataType::Map { .. } | DataType::Null);
        if !is_map || options.folded().as_ref().is_none_or(|value| !is_map_or_null(value)) {
            return Err(wrong_constant(call, "the second argument must be a constant map of texts, the options"));
        }
    }
    Err(not_loaded(call, "AVRO"))
}

fn is_map_or_null(value: &ScalarValue) -> bool {
    value.is_null() || matches!(value, ScalarValue::Map(_))
}

fn protobuf(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=4)?;
    Err(not_loaded(call, "PROTOBUF"))
}

fn wrong_constant(call: &Call<'_>, hint: &str) -> SparkError {
    SparkError::new(
        "DATATYPE_MISMATCH.TYPE_CHECK_FAILURE_WITH_HINT",
        format!("cannot resolve {}: {hint}", call.display()),
    )
    .with("sqlExpr", format!("\"{}\"", call.display()))
    .with("msg", hint)
    .with("hint", "")
}

fn not_loaded(call: &Call<'_>, module: &str) -> SparkError {
    SparkError::new(
        format!("{module}_NOT_LOADED_SQL_FUNCTIONS_UNUSABLE"),
        format!("{} belongs to a module that is not loaded, and that Firesteel does not have yet", call.name),
    )
    .with("functionName", call.name.to_uppercase())
}
