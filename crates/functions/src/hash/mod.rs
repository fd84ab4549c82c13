//! Hashes, encryption, and what is left: session and miscellaneous functions.

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;
use datafusion_spark::function::hash as spark;
use firesteel_spec::{DataType, SparkError, SparkResult};

use crate::call::Call;
use crate::registry::{Family, Function, Implementations};
use crate::renamed::renamed;
use crate::typed::Typed;

static SPARK: &[fn() -> Arc<ScalarUDF>] = &[spark::crc32, spark::sha1, spark::sha2, spark::xxhash64];

pub(crate) static FAMILY: Family = Family {
    functions: &[
        Function::scalar("md5", digest),
        Function::scalar("sha", digest),
        Function::scalar("sha1", digest),
        Function::scalar("crc32", digest),
        Function::scalar("sha2", sha2),
        Function::scalar("xxhash64", xxhash64),
        Function::scalar("typeof", type_of),
        Function::scalar("current_user", session_value),
        Function::scalar("user", session_value),
        Function::scalar("session_user", session_value),
        Function::scalar("current_catalog", session_value),
        Function::scalar("current_database", session_value),
        Function::scalar("current_schema", session_value),
        Function::scalar("uuid", uuid),
    ],
    implementations: || Implementations {
        scalar: SPARK.iter().map(|function| renamed(function())).collect(),
        ..Implementations::default()
    },
};

fn digest(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let function = match call.name {
        "md5" => datafusion::functions::crypto::md5(),
        "crc32" => renamed(spark::crc32()),
        _ => renamed(spark::sha1()),
    };
    Ok(call.shown(Typed::call(&function, vec![call.binary(0)?])?))
}

fn sha2(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    Ok(call.shown(Typed::call(&renamed(spark::sha2()), vec![call.binary(0)?, call.int(1)?])?))
}

fn xxhash64(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=usize::MAX)?;
    let typed = Typed::call(&renamed(spark::xxhash64()), call.arguments.clone())?;
    Ok(call.shown(Typed { nullable: false, ..typed }))
}

fn type_of(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(Typed::string(&call.argument(0)?.data_type.simple_string())))
}

fn session_value(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(0..=0)?;
    let (value, shown) = match call.name {
        "current_catalog" => (&call.settings.catalog, "current_catalog()".to_owned()),
        "current_database" | "current_schema" => (&call.settings.database, format!("{}()", call.name)),
        name => (&call.settings.user, format!("{name}()")),
    };
    Ok(Typed::string(value).named(shown))
}

/// Another one in each row.
fn uuid(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(0..=0).map_err(|_| SparkError::unsupported("uuid with a seed"))?;
    let typed = Typed::call(&datafusion::functions::string::uuid(), Vec::new())?;
    Ok(call.shown(Typed { nullable: false, data_type: DataType::STRING, ..typed }))
}
