//! Digests and check sums of bytes.

use std::sync::{Arc, LazyLock};

use datafusion::logical_expr::ScalarUDF;
use datafusion_spark::function::hash;
use firesteel_spec::SparkResult;

use crate::call::Call;
use crate::renamed::renamed;
use crate::string::rows::{lax, strict};
use crate::typed::Typed;

static CRC32: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| renamed(hash::crc32()));
static SHA1: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| renamed(hash::sha1()));
static SHA2: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| renamed(hash::sha2()));

pub(super) fn implementations() -> Vec<Arc<ScalarUDF>> {
    [&CRC32, &SHA1, &SHA2].map(|function| Arc::clone(function)).to_vec()
}

pub(super) fn md5(call: &Call<'_>) -> SparkResult<Typed> {
    of_bytes(call, &datafusion::functions::crypto::md5())
}

pub(super) fn sha1(call: &Call<'_>) -> SparkResult<Typed> {
    of_bytes(call, &SHA1)
}

pub(super) fn crc32(call: &Call<'_>) -> SparkResult<Typed> {
    of_bytes(call, &CRC32)
}

fn of_bytes(call: &Call<'_>, function: &Arc<ScalarUDF>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(strict(function, vec![call.binary(0)?])?))
}

pub(super) fn sha2(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    Ok(call.shown(lax(&SHA2, vec![call.binary(0)?, call.int(1)?])?))
}
