//! `aes_encrypt`, `aes_decrypt` and `try_aes_decrypt`: GCM, CBC and ECB, with PKCS padding where there is padding.

use std::sync::{Arc, LazyLock};

use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::aes::cipher::{Block, BlockCipherDecrypt, BlockCipherEncrypt};
use aes_gcm::aes::{Aes128, Aes192, Aes256};
use aes_gcm::{AesGcm, Nonce};
use arrow::array::{ArrayRef, BinaryArray};
use datafusion::common::Result;
use datafusion::logical_expr::{ScalarUDF, Volatility};
use firesteel_spec::{SparkError, SparkResult};

use crate::call::Call;
use crate::kernel::{KernelUdf, spark_error};
use crate::string::rows::{binary_or_null, bytes, constant_flag, each, lax, texts};
use crate::typed::{Typed, default_name};

static ENCRYPT: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    // Without an initial vector it makes one.
    KernelUdf::with_volatility("spark_aes_encrypt", Volatility::Volatile, binary_or_null, encrypt_kernel)
});
static DECRYPT: LazyLock<Arc<ScalarUDF>> =
    LazyLock::new(|| KernelUdf::udf("spark_aes_decrypt", binary_or_null, decrypt_kernel));

pub(super) fn implementations() -> Vec<Arc<ScalarUDF>> {
    vec![Arc::clone(&ENCRYPT), Arc::clone(&DECRYPT)]
}

type Gcm<A> = AesGcm<A, U12>;

const BLOCK: usize = 16;
const GCM_VECTOR: usize = 12;

/// `aes_encrypt(value, key[, mode[, padding[, vector[, associated]]]])`
pub(super) fn encrypt(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=6)?;
    let mut arguments = common(call)?;
    let mut name: Vec<Typed> = arguments.clone();
    for index in 4..6 {
        let given = call.has(index);
        arguments.push(if given { call.binary(index)? } else { empty(call)? });
        name.push(if given { call.argument(index)? } else { Typed::string("") });
    }
    Ok(lax(&ENCRYPT, arguments)?.named(default_name(call.name, &name)))
}

/// `aes_decrypt(value, key[, mode[, padding[, associated]]])`
pub(super) fn decrypt(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=5)?;
    let mut arguments = common(call)?;
    let mut name: Vec<Typed> = arguments.clone();
    arguments.push(if call.has(4) { call.binary(4)? } else { empty(call)? });
    name.push(if call.has(4) { call.argument(4)? } else { Typed::string("") });
    arguments.push(Typed::boolean(call.name.starts_with("try_")));
    Ok(lax(&DECRYPT, arguments)?.named(default_name(call.name, &name)))
}

fn common(call: &Call<'_>) -> SparkResult<Vec<Typed>> {
    let mode = if call.has(2) { call.string(2)? } else { Typed::string("GCM") };
    let padding = if call.has(3) { call.string(3)? } else { Typed::string("DEFAULT") };
    Ok(vec![call.binary(0)?, call.binary(1)?, mode, padding])
}

fn empty(call: &Call<'_>) -> SparkResult<Typed> {
    crate::cast::coerce(Typed::string(""), &firesteel_spec::DataType::Binary, call.settings)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Gcm,
    Cbc,
    Ecb,
}

impl Mode {
    fn of(mode: &str, padding: &str) -> SparkResult<Self> {
        let (upper, padding_upper) = (mode.to_ascii_uppercase(), padding.to_ascii_uppercase());
        Ok(match (upper.as_str(), padding_upper.as_str()) {
            ("GCM", "NONE" | "DEFAULT") => Self::Gcm,
            ("CBC", "PKCS" | "DEFAULT") => Self::Cbc,
            ("ECB", "PKCS" | "DEFAULT") => Self::Ecb,
            _ => {
                let message = format!("AES has no mode {mode} with the padding {padding}");
                return Err(SparkError::new("UNSUPPORTED_FEATURE.AES_MODE", message)
                    .with("mode", mode)
                    .with("padding", padding)
                    .with("functionName", "`aes_encrypt`/`aes_decrypt`"));
            }
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gcm => "GCM",
            Self::Cbc => "CBC",
            Self::Ecb => "ECB",
        }
    }

    fn vector_length(self) -> usize {
        match self {
            Self::Gcm => GCM_VECTOR,
            Self::Cbc => BLOCK,
            Self::Ecb => 0,
        }
    }
}

enum Cipher {
    Aes128(Box<Aes128>),
    Aes192(Box<Aes192>),
    Aes256(Box<Aes256>),
}

/// Runs `$body` with the cipher, whatever its key's length.
macro_rules! with_cipher {
    ($cipher:expr, $name:ident => $body:expr) => {
        match $cipher {
            Cipher::Aes128($name) => $body,
            Cipher::Aes192($name) => $body,
            Cipher::Aes256($name) => $body,
        }
    };
}

impl Cipher {
    fn new(key: &[u8]) -> SparkResult<Self> {
        let cipher = match key.len() {
            16 => Aes128::new_from_slice(key).ok().map(|cipher| Self::Aes128(Box::new(cipher))),
            24 => Aes192::new_from_slice(key).ok().map(|cipher| Self::Aes192(Box::new(cipher))),
            32 => Aes256::new_from_slice(key).ok().map(|cipher| Self::Aes256(Box::new(cipher))),
            _ => None,
        };
        cipher.ok_or_else(|| {
            SparkError::new(
                "INVALID_PARAMETER_VALUE.AES_KEY_LENGTH",
                format!("the key of AES must have 16, 24 or 32 bytes, not {}", key.len()),
            )
            .with("parameter", "`key`")
            .with("functionName", "`aes_encrypt`/`aes_decrypt`")
            .with("actualLength", key.len().to_string())
        })
    }

    fn encrypt_block(&self, block: [u8; BLOCK]) -> [u8; BLOCK] {
        let mut block = Block::<Aes128>::from(block);
        with_cipher!(self, cipher => cipher.encrypt_block(&mut block));
        block.into()
    }

    fn decrypt_block(&self, block: [u8; BLOCK]) -> [u8; BLOCK] {
        let mut block = Block::<Aes128>::from(block);
        with_cipher!(self, cipher => cipher.decrypt_block(&mut block));
        block.into()
    }

    /// The tag stands behind the text.
    fn gcm(&self, vector: &[u8], msg: &[u8], aad: &[u8], encrypts: bool) -> Option<Vec<u8>> {
        let nonce = Nonce::<U12>::try_from(vector).ok()?;
        let payload = Payload { msg, aad };
        with_cipher!(self, cipher => {
            let gcm = Gcm::from((**cipher).clone());
            if encrypts { gcm.encrypt(&nonce, payload).ok() } else { gcm.decrypt(&nonce, payload).ok() }
        })
    }
}

fn xor(left: [u8; BLOCK], right: [u8; BLOCK]) -> [u8; BLOCK] {
    std::array::from_fn(|index| left[index] ^ right[index])
}

fn encrypt_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    each::<BinaryArray, _>(arrays, rows, |row| {
        let (value, key) = (bytes(&arrays[0]).value(row), bytes(&arrays[1]).value(row));
        let (mode, padding) = (texts(&arrays[2]).value(row), texts(&arrays[3]).value(row));
        let (vector, associated) = (bytes(&arrays[4]).value(row), bytes(&arrays[5]).value(row));
        encrypted(value, key, (mode, padding), vector, associated).map(Some).map_err(spark_error)
    })
}

/// The vector stands before the text.
fn encrypted(
    value: &[u8],
    key: &[u8],
    (mode, padding): (&str, &str),
    vector: &[u8],
    associated: &[u8],
) -> SparkResult<Vec<u8>> {
    let cipher = Cipher::new(key)?;
    let mode = Mode::of(mode, padding)?;
    if mode == Mode::Ecb && !vector.is_empty() {
        return Err(refused("UNSUPPORTED_FEATURE.AES_MODE_IV", mode, "an initial vector"));
    }
    if mode != Mode::Gcm && !associated.is_empty() {
        return Err(refused("UNSUPPORTED_FEATURE.AES_MODE_AAD", mode, "associated data"));
    }
    let wanted = mode.vector_length();
    if !vector.is_empty() && vector.len() != wanted {
        return Err(SparkError::new(
            "INVALID_PARAMETER_VALUE.AES_IV_LENGTH",
            format!("the initial vector of {} must have {wanted} bytes, not {}", mode.name(), vector.len()),
        )
        .with("mode", mode.name())
        .with("parameter", "`iv`")
        .with("functionName", "`aes_encrypt`")
        .with("actualLength", vector.len().to_string()));
    }
    let random = uuid::Uuid::new_v4().into_bytes();
    let vector = if vector.is_empty() { &random[..wanted] } else { vector };
    let mut out = vector.to_vec();
    if mode == Mode::Gcm {
        let text = cipher.gcm(vector, value, associated, true);
        out.extend(text.ok_or_else(|| crypto_error("aes_encrypt", "it failed"))?);
        return Ok(out);
    }
    let missing = BLOCK - value.len() % BLOCK;
    let padded: Vec<u8> = value.iter().copied().chain(std::iter::repeat_n(missing as u8, missing)).collect();
    let mut last: [u8; BLOCK] = vector.try_into().unwrap_or_default();
    for block in padded.as_chunks::<BLOCK>().0 {
        let block = if mode == Mode::Cbc { xor(*block, last) } else { *block };
        last = cipher.encrypt_block(block);
        out.extend(last);
    }
    Ok(out)
}

fn decrypt_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let is_try = constant_flag(&arrays[5]);
    each::<BinaryArray, _>(&arrays[..5], rows, |row| {
        let (value, key) = (bytes(&arrays[0]).value(row), bytes(&arrays[1]).value(row));
        let (mode, padding) = (texts(&arrays[2]).value(row), texts(&arrays[3]).value(row));
        match decrypted(value, key, (mode, padding), bytes(&arrays[4]).value(row)) {
            Ok(value) => Ok(Some(value)),
            Err(_) if is_try => Ok(None),
            Err(error) => Err(spark_error(error)),
        }
    })
}

fn decrypted(value: &[u8], key: &[u8], (mode, padding): (&str, &str), associated: &[u8]) -> SparkResult<Vec<u8>> {
    let cipher = Cipher::new(key)?;
    let mode = Mode::of(mode, padding)?;
    if mode != Mode::Gcm && !associated.is_empty() {
        return Err(refused("UNSUPPORTED_FEATURE.AES_MODE_AAD", mode, "associated data"));
    }
    let failed = || crypto_error("aes_decrypt", "the value was not encrypted with this key and mode");
    let (vector, text) = value.split_at_checked(mode.vector_length()).ok_or_else(failed)?;
    if mode == Mode::Gcm {
        return cipher.gcm(vector, text, associated, false).ok_or_else(failed);
    }
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    if !rest.is_empty() || blocks.is_empty() {
        return Err(failed());
    }
    let mut last: [u8; BLOCK] = vector.try_into().unwrap_or_default();
    let mut out = Vec::with_capacity(text.len());
    for block in blocks {
        let plain = cipher.decrypt_block(*block);
        out.extend(if mode == Mode::Cbc { xor(plain, last) } else { plain });
        last = *block;
    }
    let padding = out.last().copied().map_or(0, usize::from);
    let is_padding =
        (1..=BLOCK).contains(&padding) && out[out.len() - padding..].iter().all(|byte| usize::from(*byte) == padding);
    if !is_padding {
        return Err(failed());
    }
    out.truncate(out.len() - padding);
    Ok(out)
}

fn refused(class: &str, mode: Mode, what: &str) -> SparkError {
    SparkError::new(class, format!("the mode {} of AES takes no {what}", mode.name()))
        .with("mode", mode.name())
        .with("functionName", "`aes_encrypt`/`aes_decrypt`")
}

fn crypto_error(function: &str, why: &str) -> SparkError {
    SparkError::new("INVALID_PARAMETER_VALUE.AES_CRYPTO_ERROR", format!("{function}: {why}"))
        .with("parameter", "`expr`, `key`")
        .with("functionName", "`aes_encrypt`/`aes_decrypt`")
        .with("detailMessage", why)
}
