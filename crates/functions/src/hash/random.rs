//! Random numbers as Spark's `XORShiftRandom` gives them for a seed, and texts made of them.
//!
//! A call draws its numbers in the order in which its task sees rows. For one partition a task they are Spark's.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, StringArray};
use arrow::datatypes::{DataType as ArrowType, Float64Type, Int32Type, Int64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::ScalarUDF;
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::mersenne::MersenneTwister;
use super::row_hash::Murmur3;
use crate::call::Call;
use crate::cast::{Mode, cast, coerce};
use crate::coerce::common_type;
use crate::lookup;
use crate::task::{TaskPlace, TaskUdf};
use crate::typed::{Typed, default_name};

static UNIFORM: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    TaskUdf::udf("spark_rand", ArrowType::Float64, |arrays, rows, task| {
        draw(arrays, task, Random::new, |random| (0..rows).map(|_| random.double()).collect::<Float64Array>())
    })
});
static WITHIN: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    TaskUdf::udf("spark_rand_within", ArrowType::Boolean, |arrays, rows, task| {
        let [least, limit] = [2, 3].map(|index: usize| arrays[index].as_primitive::<Float64Type>());
        draw(arrays, task, Random::new, |random| {
            let mut is_within = |row: usize| {
                let number = random.double();
                number >= least.value(row) && number < limit.value(row)
            };
            (0..rows).map(|row| Some(is_within(row))).collect::<BooleanArray>()
        })
    })
});
static GAUSSIAN: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    TaskUdf::udf("spark_randn", ArrowType::Float64, |arrays, rows, task| {
        draw(arrays, task, Random::new, |random| (0..rows).map(|_| random.gaussian()).collect::<Float64Array>())
    })
});
static TEXT: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    TaskUdf::udf("spark_randstr", ArrowType::Utf8, |arrays, rows, task| {
        let lengths = arrays[2].as_primitive::<Int32Type>();
        draw(arrays, task, Random::new, |random| {
            (0..rows).map(|row| Some(random.text(lengths.value(row)))).collect::<StringArray>()
        })
    })
});
static UUID: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    TaskUdf::udf("spark_uuid", ArrowType::Utf8, |arrays, rows, task| {
        draw(arrays, task, MersenneTwister::new, |source| {
            (0..rows).map(|_| Some(random_uuid(source).to_string())).collect::<StringArray>()
        })
    })
});

pub(super) fn implementations() -> Vec<Arc<ScalarUDF>> {
    [&UNIFORM, &WITHIN, &GAUSSIAN, &TEXT, &UUID].map(|function| Arc::clone(function)).to_vec()
}

/// From where the call stands. The first two arguments are its seed and its number; each task has a seed of its own.
fn draw<T: Send + 'static, A: Array + 'static>(
    arrays: &[ArrayRef],
    task: &TaskPlace,
    make: fn(i64) -> T,
    take: impl FnOnce(&mut T) -> A,
) -> Result<ArrayRef> {
    if arrays[0].is_empty() {
        return Ok(Arc::new(take(&mut make(0))));
    }
    let [seed, call] = [0, 1].map(|index: usize| arrays[index].as_primitive::<Int64Type>().value(0));
    Ok(Arc::new(task.resume(call, || make(seed.wrapping_add(task.index().into())), take)))
}

pub(super) fn rand(call: &Call<'_>) -> SparkResult<Typed> {
    number(call, &UNIFORM, "rand")
}

pub(super) fn randn(call: &Call<'_>) -> SparkResult<Typed> {
    number(call, &GAUSSIAN, "randn")
}

fn number(call: &Call<'_>, function: &Arc<ScalarUDF>, name: &str) -> SparkResult<Typed> {
    call.expect(0..=1)?;
    let seed = seed(call, 0)?;
    let name = default_name(name, &call.arguments);
    Ok(Typed::call(function, vec![Typed::long(seed), Typed::long(any_number())])?.named(name))
}

/// `rand_within(least, limit, seed)`, for samples: is the row's number at least the one and below the other? One number
/// is drawn for each row, as no conjunction of two comparisons could promise.
pub(super) fn rand_within(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(3..=3)?;
    let seed = seed(call, 2)?;
    let arguments = vec![Typed::long(seed), Typed::long(any_number()), call.double(0)?, call.double(1)?];
    Ok(call.shown(Typed::call(&WITHIN, arguments)?))
}

/// A null is the seed 0, and without a seed there is some seed.
fn seed(call: &Call<'_>, index: usize) -> SparkResult<i64> {
    if !call.has(index) {
        return Ok(any_number());
    }
    let seed = call.long(index)?;
    match seed.folded() {
        Some(ScalarValue::Int64(seed)) => Ok(seed.unwrap_or(0)),
        _ => {
            call.constant(index)?;
            Ok(0)
        }
    }
}

/// Also tells calls apart.
pub(super) fn any_number() -> i64 {
    uuid::Uuid::new_v4().as_u64_pair().1 as i64
}

/// `uuid([seed])`: another one in each row.
pub(super) fn uuid(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(0..=1)?;
    let typed = if call.has(0) {
        Typed::call(&UUID, vec![Typed::long(seed(call, 0)?), Typed::long(any_number())])?
    } else {
        Typed::call(&datafusion::functions::string::uuid(), Vec::new())?
    };
    Ok(Typed { nullable: false, data_type: DataType::STRING, ..typed }.named(default_name(call.name, &[])))
}

/// Of version 4.
fn random_uuid(source: &mut MersenneTwister) -> uuid::Uuid {
    let (high, low) = (source.long(), source.long());
    let high = (high & 0xFFFF_FFFF_FFFF_0FFF) | 0x4000;
    let low = (low | 0x8000_0000_0000_0000) & 0xBFFF_FFFF_FFFF_FFFF;
    uuid::Uuid::from_u64_pair(high, low)
}

/// `uniform(min, max[, seed])`
pub(super) fn uniform(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let seed = seed(call, 2)?;
    for index in 0..2 {
        call.constant(index)?;
        let found = &call.argument(index)?.data_type;
        if !found.is_numeric() && *found != DataType::Null {
            return Err(call.unexpected(index, found, "NUMERIC"));
        }
    }
    let types = [call.argument(0)?.data_type, call.argument(1)?.data_type];
    let common = common_type(&types, call.settings.ansi).ok_or_else(|| call.data_diff_types(&types))?;
    let random = Typed::call(&UNIFORM, vec![Typed::long(seed), Typed::long(any_number())])?;
    let (least, most) = (call.double(0)?, call.double(1)?);
    let operation = |name: &'static str, left: Typed, right: Typed| {
        let function = lookup(name).ok_or_else(|| SparkError::internal(format!("there is no {name}")))?;
        (function.build)(&call.other(name, vec![left, right]))
    };
    let range = operation("-", most, least.clone())?;
    let value = operation("+", operation("*", random, range)?, least)?;
    let value = cast(value, &common, Mode::Legacy, call.settings)?;
    let nullable = call.arguments[..2].iter().any(|argument| argument.nullable);
    let shown = if call.has(2) { call.display() } else { default_name(call.name, &call.arguments[..2]) };
    Ok(Typed { nullable, ..value }.named(shown))
}

/// `randstr(length[, seed])`
pub(super) fn randstr(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let seed = seed(call, 1)?;
    call.constant(0)?;
    let length = coerce(call.argument(0)?, &DataType::Integer, call.settings)?;
    if let Some(found) = length.integer()
        && found < 0
    {
        return Err(SparkError::new(
            "INVALID_PARAMETER_VALUE.LENGTH",
            format!("the length of {} must be 0 or more, not {found}", call.name),
        )
        .with("parameter", "`length`")
        .with("functionName", format!("`{}`", call.name))
        .with("length", found.to_string()));
    }
    Ok(call.shown(Typed::call(&TEXT, vec![Typed::long(seed), Typed::long(any_number()), length])?))
}

/// `org.apache.spark.util.random.XORShiftRandom`, with `java.util.Random`'s ways to make other values.
#[derive(Debug)]
struct Random {
    state: u64,
    next_gaussian: Option<f64>,
}

impl Random {
    fn new(seed: i64) -> Self {
        let bytes = seed.to_be_bytes();
        let low = Murmur3::words(&bytes, 0x3C07_4A61) as u32;
        let high = Murmur3::words(&bytes, low) as u32;
        Self { state: u64::from(high) << 32 | u64::from(low), next_gaussian: None }
    }

    fn bits(&mut self, count: u32) -> i32 {
        let mut next = self.state ^ (self.state << 21);
        next ^= next >> 35;
        next ^= next << 4;
        self.state = next;
        (next & ((1 << count) - 1)) as i32
    }

    fn double(&mut self) -> f64 {
        let high = i64::from(self.bits(26)) << 27;
        (high + i64::from(self.bits(27))) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    fn gaussian(&mut self) -> f64 {
        if let Some(next) = self.next_gaussian.take() {
            return next;
        }
        loop {
            let (x, y) = (2.0 * self.double() - 1.0, 2.0 * self.double() - 1.0);
            let square = x * x + y * y;
            if square < 1.0 && square != 0.0 {
                let factor = (-2.0 * square.ln() / square).sqrt();
                self.next_gaussian = Some(y * factor);
                return x * factor;
            }
        }
    }

    /// Digits and letters.
    fn text(&mut self, length: i32) -> String {
        const LETTERS: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        (0..length).map(|_| char::from(LETTERS[self.bits(32).unsigned_abs() as usize % LETTERS.len()])).collect()
    }
}
