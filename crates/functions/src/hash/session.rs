//! What a session, a type or a file says of itself, and errors on demand.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, NullArray};
use arrow::datatypes::DataType as ArrowType;
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::{Cast, Expr, ScalarUDF, Volatility};
use datafusion_spark::function::bitmap;
use firesteel_spec::{DataType, SparkError, SparkResult};

use crate::call::Call;
use crate::kernel::{KernelUdf, nullable, spark_error};
use crate::renamed::renamed;
use crate::string::rows::{strict, texts};
use crate::typed::Typed;
use crate::types::to_arrow;

/// What `version()` says: of the Spark whose answers these are.
const VERSION: &str = "4.2.0 32f7299601108917fb01920a54e084595b7b3bf8";

/// `spark_raise(is it so?, message)`: null where it is so.
static RAISE: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::with_volatility("spark_raise", Volatility::Volatile, |_, _| nullable(ArrowType::Null), raise_kernel)
});
static BUCKET: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| renamed(bitmap::bitmap_bucket_number()));
static POSITION: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| renamed(bitmap::bitmap_bit_position()));
static COUNT: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| renamed(bitmap::bitmap_count()));

pub(super) fn implementations() -> Vec<Arc<ScalarUDF>> {
    [&RAISE, &BUCKET, &POSITION, &COUNT].map(|function| Arc::clone(function)).to_vec()
}

pub(super) fn type_of(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(Typed::string(&call.argument(0)?.data_type.simple_string())))
}

pub(super) fn session_value(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(0..=0)?;
    let (value, name): (&str, &str) = match call.name {
        "current_catalog" => (&call.settings.catalog, "current_catalog"),
        "current_database" | "current_schema" => (&call.settings.database, "current_schema"),
        "version" => (VERSION, "version"),
        name => (&call.settings.user, name),
    };
    Ok(Typed::string(value).named(format!("{name}()")))
}

/// The value that a user's type is made of.
pub(super) fn unwrap_udt(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let value = call.argument(0)?;
    match value.data_type.clone() {
        DataType::UserDefined { sql_type, .. } => {
            // A column as it is would keep its own name and type.
            let expr = Expr::Cast(Cast::new(Box::new(value.expr), to_arrow(&sql_type)));
            Ok(call.shown(Typed::new(expr, *sql_type, value.nullable, "")))
        }
        other => Err(call.unexpected(0, &other, "UserDefinedType")),
    }
}

/// What would run Java's code, or depends on where a task runs.
pub(super) fn refused(call: &Call<'_>) -> SparkResult<Typed> {
    Err(SparkError::unsupported(format!("the function {}", call.name)))
}

pub(super) fn assert_true(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let condition = call.cast_no_text(0, &DataType::Boolean)?;
    let message =
        if call.has(1) { call.string(1)? } else { Typed::string(&format!("'{}' is not true!", condition.name)) };
    let name = format!("{}({}, {})", call.name, condition.name, message.name);
    raise(vec![condition, message]).map(|typed| typed.named(name))
}

pub(super) fn raise_error(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let message = call.string(0)?;
    let name = format!("raise_error(USER_RAISED_EXCEPTION, map(errorMessage, {}))", message.name);
    raise(vec![Typed::boolean(false), message]).map(|typed| typed.named(name))
}

fn raise(arguments: Vec<Typed>) -> SparkResult<Typed> {
    let mut typed = Typed::call(&RAISE, arguments)?;
    typed.data_type = DataType::Null;
    Ok(typed)
}

fn raise_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let [conditions, messages] = arrays else { return internal_err!("spark_raise takes 2 arguments") };
    let (conditions, messages) = (conditions.as_boolean(), texts(messages));
    for row in 0..rows {
        if conditions.is_null(row) || !conditions.value(row) {
            let message = if messages.is_null(row) { "null" } else { messages.value(row) };
            return Err(spark_error(SparkError::new("USER_RAISED_EXCEPTION", message).with("errorMessage", message)));
        }
    }
    Ok(Arc::new(NullArray::new(rows)))
}

pub(super) fn bitmap_place(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let function = if call.name == "bitmap_bit_position" { &POSITION } else { &BUCKET };
    Ok(call.shown(strict(function, vec![call.long(0)?])?))
}

pub(super) fn bitmap_count(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let value = call.argument(0)?;
    if value.data_type != DataType::Binary {
        return Err(call.unexpected(0, &value.data_type, "BINARY"));
    }
    Ok(call.shown(strict(&COUNT, vec![call.binary(0)?])?))
}
