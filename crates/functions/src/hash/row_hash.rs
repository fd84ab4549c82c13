//! `hash` (Murmur3) and `xxhash64` of any values, as Spark's `HashExpression`: each value is hashed with the hash so far
//! as its seed, and null leaves that as it is.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, Int64Array};
use arrow::datatypes::{
    DataType as ArrowType, Date32Type, Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, IntervalMonthDayNanoType, IntervalUnit, IntervalYearMonthType,
    Time64NanosecondType, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::ScalarUDF;
use firesteel_spec::{DataType, SparkError, SparkResult};

use crate::call::Call;
use crate::kernel::{KernelUdf, null_if_any};
use crate::typed::Typed;

const SEED: u8 = 42;

static MURMUR3: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_hash",
        |_, _| null_if_any(ArrowType::Int32, &[]),
        |arrays, rows| Ok(Arc::new(Int32Array::from(hashes::<Murmur3>(arrays, rows)?))),
    )
});

static XXHASH64: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_xxhash64",
        |_, _| null_if_any(ArrowType::Int64, &[]),
        |arrays, rows| Ok(Arc::new(Int64Array::from(hashes::<XxHash64>(arrays, rows)?))),
    )
});

pub(super) fn implementations() -> Vec<Arc<ScalarUDF>> {
    vec![Arc::clone(&MURMUR3), Arc::clone(&XXHASH64)]
}

pub(super) fn murmur3(call: &Call<'_>) -> SparkResult<Typed> {
    of_row(call, &MURMUR3)
}

pub(super) fn xxhash64(call: &Call<'_>) -> SparkResult<Typed> {
    of_row(call, &XXHASH64)
}

fn of_row(call: &Call<'_>, function: &Arc<ScalarUDF>) -> SparkResult<Typed> {
    call.expect(1..=usize::MAX)?;
    for argument in &call.arguments {
        if has(&argument.data_type, &|part| matches!(part, DataType::Map { .. })) {
            return Err(refused(call, "HASH_MAP_TYPE", "maps"));
        }
        if has(&argument.data_type, &|part| *part == DataType::Variant) {
            return Err(refused(call, "HASH_VARIANT_TYPE", "variants"));
        }
    }
    Ok(call.shown(Typed::call(function, call.arguments.clone())?))
}

/// The hash of a text alone.
pub(crate) fn text_hash(text: &str) -> i32 {
    <Murmur3 as Hasher>::bytes(text.as_bytes(), SEED.into())
}

fn has(data_type: &DataType, wanted: &dyn Fn(&DataType) -> bool) -> bool {
    wanted(data_type)
        || match data_type {
            DataType::Map { key, value, .. } => has(key, wanted) || has(value, wanted),
            DataType::Array { element, .. } => has(element, wanted),
            DataType::Struct { fields } => fields.iter().any(|field| has(&field.data_type, wanted)),
            _ => false,
        }
}

/// Values that are equal and may have other hashes have none.
fn refused(call: &Call<'_>, class: &str, what: &str) -> SparkError {
    SparkError::new(
        format!("DATATYPE_MISMATCH.{class}"),
        format!("cannot resolve {}: {what} have no hash", call.display()),
    )
    .with("sqlExpr", format!("\"{}\"", call.display()))
    .with("functionName", format!("`{}`", call.name))
}

trait Hasher {
    type Hash: Copy + From<u8>;

    fn int(value: i32, seed: Self::Hash) -> Self::Hash;

    fn long(value: i64, seed: Self::Hash) -> Self::Hash;

    fn bytes(value: &[u8], seed: Self::Hash) -> Self::Hash;
}

fn hashes<H: Hasher>(arrays: &[ArrayRef], rows: usize) -> Result<Vec<H::Hash>> {
    let mut hashes = vec![H::Hash::from(SEED); rows];
    for array in arrays {
        for (row, hash) in hashes.iter_mut().enumerate() {
            *hash = of_value::<H>(array, row, *hash)?;
        }
    }
    Ok(hashes)
}

fn of_value<H: Hasher>(array: &ArrayRef, row: usize, seed: H::Hash) -> Result<H::Hash> {
    if array.is_null(row) {
        return Ok(seed);
    }
    macro_rules! value {
        ($arrow:ty) => {
            array.as_primitive::<$arrow>().value(row)
        };
    }
    Ok(match array.data_type() {
        ArrowType::Null => seed,
        ArrowType::Boolean => H::int(i32::from(array.as_boolean().value(row)), seed),
        ArrowType::Int8 => H::int(value!(Int8Type).into(), seed),
        ArrowType::Int16 => H::int(value!(Int16Type).into(), seed),
        ArrowType::Int32 => H::int(value!(Int32Type), seed),
        ArrowType::Date32 => H::int(value!(Date32Type), seed),
        ArrowType::Interval(IntervalUnit::YearMonth) => H::int(value!(IntervalYearMonthType), seed),
        ArrowType::Int64 => H::long(value!(Int64Type), seed),
        ArrowType::Timestamp(TimeUnit::Microsecond, _) => H::long(value!(TimestampMicrosecondType), seed),
        ArrowType::Duration(TimeUnit::Microsecond) => H::long(value!(DurationMicrosecondType), seed),
        ArrowType::Time64(TimeUnit::Nanosecond) => H::long(value!(Time64NanosecondType), seed),
        // One zero, and one NaN.
        ArrowType::Float32 => match value!(Float32Type) {
            0.0 => H::int(0, seed),
            value if value.is_nan() => H::int(0x7FC0_0000, seed),
            value => H::int(value.to_bits() as i32, seed),
        },
        ArrowType::Float64 => match value!(Float64Type) {
            0.0 => H::long(0, seed),
            value if value.is_nan() => H::long(0x7FF8_0000_0000_0000, seed),
            value => H::long(value.to_bits() as i64, seed),
        },
        ArrowType::Decimal128(..=18, _) => H::long(value!(Decimal128Type) as i64, seed),
        ArrowType::Decimal128(_, _) => H::bytes(&shortest(value!(Decimal128Type)), seed),
        ArrowType::Interval(IntervalUnit::MonthDayNano) => {
            let value = value!(IntervalMonthDayNanoType);
            H::int(value.months, H::int(value.days, H::long(value.nanoseconds / 1000, seed)))
        }
        ArrowType::Utf8 => H::bytes(array.as_string::<i32>().value(row).as_bytes(), seed),
        ArrowType::Binary => H::bytes(array.as_binary::<i32>().value(row), seed),
        ArrowType::List(_) => {
            let elements = array.as_list::<i32>().value(row);
            (0..elements.len()).try_fold(seed, |seed, index| of_value::<H>(&elements, index, seed))?
        }
        ArrowType::Struct(_) => {
            array.as_struct().columns().iter().try_fold(seed, |seed, column| of_value::<H>(column, row, seed))?
        }
        other => return internal_err!("{other} has no hash"),
    })
}

/// `BigInteger.toByteArray`
fn shortest(value: i128) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let sign = if value < 0 { 0xFF } else { 0 };
    let mut from = 0;
    while from < 15 && bytes[from] == sign && (bytes[from + 1] & 0x80) == (sign & 0x80) {
        from += 1;
    }
    bytes[from..].to_vec()
}

/// `Murmur3_x86_32`
pub(super) struct Murmur3;

impl Murmur3 {
    fn mixed_key(key: u32) -> u32 {
        key.wrapping_mul(0xCC9E_2D51).rotate_left(15).wrapping_mul(0x1B87_3593)
    }

    fn mixed(hash: u32, key: u32) -> u32 {
        (hash ^ Self::mixed_key(key)).rotate_left(13).wrapping_mul(5).wrapping_add(0xE654_6B64)
    }

    fn finished(hash: u32, length: u32) -> i32 {
        let mut hash = hash ^ length;
        hash = (hash ^ (hash >> 16)).wrapping_mul(0x85EB_CA6B);
        hash = (hash ^ (hash >> 13)).wrapping_mul(0xC2B2_AE35);
        (hash ^ (hash >> 16)) as i32
    }

    /// Of bytes whose number is a multiple of four: Scala's `MurmurHash3.bytesHash` agrees on those.
    pub(super) fn words(value: &[u8], seed: u32) -> i32 {
        <Self as Hasher>::bytes(value, seed as i32)
    }
}

impl Hasher for Murmur3 {
    type Hash = i32;

    fn int(value: i32, seed: i32) -> i32 {
        Self::finished(Self::mixed(seed as u32, value as u32), 4)
    }

    fn long(value: i64, seed: i32) -> i32 {
        let hash = Self::mixed(seed as u32, value as u32);
        Self::finished(Self::mixed(hash, (value >> 32) as u32), 8)
    }

    /// The bytes behind the last whole word are mixed in one by one, with their sign, which is Spark's own.
    fn bytes(value: &[u8], seed: i32) -> i32 {
        let (words, rest) = value.as_chunks::<4>();
        let hash = words.iter().fold(seed as u32, |hash, word| Self::mixed(hash, u32::from_le_bytes(*word)));
        let hash = rest.iter().fold(hash, |hash, byte| Self::mixed(hash, i32::from(*byte as i8) as u32));
        Self::finished(hash, value.len() as u32)
    }
}

struct XxHash64;

const PRIME_1: u64 = 0x9E37_79B1_85EB_CA87;
const PRIME_2: u64 = 0xC2B2_AE3D_27D4_EB4F;
const PRIME_3: u64 = 0x1656_67B1_9E37_79F9;
const PRIME_4: u64 = 0x85EB_CA77_C2B2_AE63;
const PRIME_5: u64 = 0x27D4_EB2F_1656_67C5;

impl XxHash64 {
    fn round(lane: u64, word: u64) -> u64 {
        lane.wrapping_add(word.wrapping_mul(PRIME_2)).rotate_left(31).wrapping_mul(PRIME_1)
    }

    fn finished(mut hash: u64) -> i64 {
        hash = (hash ^ (hash >> 33)).wrapping_mul(PRIME_2);
        hash = (hash ^ (hash >> 29)).wrapping_mul(PRIME_3);
        (hash ^ (hash >> 32)) as i64
    }

    fn with_long(hash: u64, word: u64) -> u64 {
        (hash ^ Self::round(0, word)).rotate_left(27).wrapping_mul(PRIME_1).wrapping_add(PRIME_4)
    }

    fn with_int(hash: u64, word: u32) -> u64 {
        let mixed = hash ^ u64::from(word).wrapping_mul(PRIME_1);
        mixed.rotate_left(23).wrapping_mul(PRIME_2).wrapping_add(PRIME_3)
    }
}

impl Hasher for XxHash64 {
    type Hash = i64;

    fn int(value: i32, seed: i64) -> i64 {
        let hash = (seed as u64).wrapping_add(PRIME_5).wrapping_add(4);
        Self::finished(Self::with_int(hash, value as u32))
    }

    fn long(value: i64, seed: i64) -> i64 {
        let hash = (seed as u64).wrapping_add(PRIME_5).wrapping_add(8);
        Self::finished(Self::with_long(hash, value as u64))
    }

    fn bytes(value: &[u8], seed: i64) -> i64 {
        let seed = seed as u64;
        let (stripes, rest) = value.as_chunks::<32>();
        let mut hash = if stripes.is_empty() {
            seed.wrapping_add(PRIME_5)
        } else {
            let mut lanes = [
                seed.wrapping_add(PRIME_1).wrapping_add(PRIME_2),
                seed.wrapping_add(PRIME_2),
                seed,
                seed.wrapping_sub(PRIME_1),
            ];
            for stripe in stripes {
                for (lane, word) in lanes.iter_mut().zip(stripe.as_chunks::<8>().0) {
                    *lane = Self::round(*lane, u64::from_le_bytes(*word));
                }
            }
            let rotated = lanes.iter().zip([1, 7, 12, 18]).map(|(lane, bits)| lane.rotate_left(bits));
            let merged = rotated.fold(0_u64, u64::wrapping_add);
            lanes
                .iter()
                .fold(merged, |hash, lane| (hash ^ Self::round(0, *lane)).wrapping_mul(PRIME_1).wrapping_add(PRIME_4))
        };
        hash = hash.wrapping_add(value.len() as u64);
        let (longs, rest) = rest.as_chunks::<8>();
        hash = longs.iter().fold(hash, |hash, word| Self::with_long(hash, u64::from_le_bytes(*word)));
        let (ints, rest) = rest.as_chunks::<4>();
        hash = ints.iter().fold(hash, |hash, word| Self::with_int(hash, u32::from_le_bytes(*word)));
        hash = rest.iter().fold(hash, |hash, byte| {
            (hash ^ u64::from(*byte).wrapping_mul(PRIME_5)).rotate_left(11).wrapping_mul(PRIME_1)
        });
        Self::finished(hash)
    }
}
