//! `count_min_sketch`: the bytes that Spark's `CountMinSketch` reads.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType as ArrowType, Int64Type};
use datafusion::common::{Result, ScalarValue, internal_datafusion_err, internal_err};
use datafusion::logical_expr::{Accumulator, AggregateUDF};
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::own::{Inputs, OwnAggregate};
use super::random::JavaRandom;
use crate::call::Call;
use crate::cast::coerce;
use crate::typed::Typed;

/// Cells of a table: 8 MiB of counts.
const CELLS_MAX: f64 = 1_048_576.0;
/// The seed where none is given, which may be any.
const SEED: i32 = 2_120_704_260;
const VERSION: i32 = 1;

/// `spark_count_min_sketch(value, width, depth, seed)`
pub(super) static COUNT_MIN: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    OwnAggregate {
        name: "spark_count_min_sketch",
        return_type: |_| Ok(ArrowType::Binary),
        state: |_| vec![ArrowType::Binary],
        make: |inputs| Ok(Box::new(CountMin::new(inputs)?)),
        make_groups: None,
    }
    .udaf()
});

pub(super) fn count_min_sketch(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(3..=4)?;
    let value = match call.argument(0)? {
        value if value.data_type.is_integral() => coerce(value, &DataType::Long, call.settings)?,
        value if value.data_type.is_string() => coerce(value, &DataType::Binary, call.settings)?,
        value if value.data_type == DataType::Binary => value,
        value => return Err(call.unexpected(0, &value.data_type, "INTEGRAL\" or \"STRING\" or \"BINARY")),
    };
    let number = |index: usize| match call.double(index)?.folded() {
        Some(ScalarValue::Float64(Some(value))) => Ok(value),
        _ => Err(call.unexpected(index, &DataType::Double, "DOUBLE")),
    };
    let (error, confidence) = (number(1)?, number(2)?);
    let (width, depth) = ((2.0 / error).ceil(), (-(-confidence).ln_1p() / 2.0_f64.ln()).ceil());
    let usable = error > 0.0 && confidence > 0.0 && confidence < 1.0 && width * depth <= CELLS_MAX;
    if !usable {
        return Err(SparkError::new(
            "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
            format!("cannot resolve {}: no sketch has this error and confidence", call.display()),
        )
        .with("sqlExpr", format!("\"{}\"", call.display()))
        .with("exprName", "eps")
        .with("valueRange", "(0.0, positive infinity)")
        .with("currentValue", error.to_string()));
    }
    let mut shown = call.arguments.clone();
    if !call.has(3) {
        shown.push(Typed::int(SEED));
    }
    let seed = if call.has(3) { call.constant_integer(3)? } else { SEED.into() };
    let arguments = vec![value, Typed::long(width as i64), Typed::long(depth as i64), Typed::long(seed)];
    let mut typed = Typed::aggregate(&COUNT_MIN, arguments)?;
    typed.nullable = false;
    Ok(typed.named(call.other(call.name, shown).display()))
}

#[derive(Debug)]
struct CountMin {
    width: i32,
    hashes: Vec<i64>,
    total: i64,
    /// Row after row.
    counts: Vec<i64>,
}

impl CountMin {
    fn new(inputs: &Inputs) -> Result<Self> {
        let too_large = |_| internal_datafusion_err!("a sketch of this size");
        let width = i32::try_from(inputs.integer(1)?).map_err(too_large)?;
        let depth = i32::try_from(inputs.integer(2)?).map_err(too_large)?.unsigned_abs() as usize;
        // Of a long, the low half is the seed.
        let mut random = JavaRandom::new((inputs.integer(3)? as i32).into());
        let hashes = (0..depth).map(|_| random.next_int(i32::MAX).into()).collect();
        Ok(Self { width, hashes, total: 0, counts: vec![0; depth * width.unsigned_abs() as usize] })
    }

    fn count(&mut self, row: usize, column: i32) {
        self.counts[row * self.width.unsigned_abs() as usize + column.unsigned_abs() as usize] += 1;
    }

    fn add_long(&mut self, value: i64) {
        for row in 0..self.hashes.len() {
            let mut hash = self.hashes[row].wrapping_mul(value);
            hash = hash.wrapping_add(hash >> 32) & i64::from(i32::MAX);
            self.count(row, hash as i32 % self.width);
        }
        self.total += 1;
    }

    fn add_bytes(&mut self, value: &[u8]) {
        let first = murmur3(value, 0);
        let second = murmur3(value, first);
        for row in 0..self.hashes.len() {
            let hash = first.wrapping_add((row as i32).wrapping_mul(second));
            self.count(row, (hash % self.width).abs());
        }
        self.total += 1;
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(20 + 8 * (self.hashes.len() + self.counts.len()));
        bytes.extend(VERSION.to_be_bytes());
        bytes.extend(self.total.to_be_bytes());
        bytes.extend((self.hashes.len() as i32).to_be_bytes());
        bytes.extend(self.width.to_be_bytes());
        self.hashes.iter().chain(&self.counts).for_each(|long| bytes.extend(long.to_be_bytes()));
        bytes
    }

    /// Adds the counts of a sketch of the same shape.
    fn merge(&mut self, other: &[u8]) -> Result<()> {
        let start = 20 + 8 * self.hashes.len();
        let Some(counts) = other.get(start..).filter(|counts| counts.len() == 8 * self.counts.len()) else {
            return internal_err!("a partial sketch has another shape");
        };
        let long = |bytes: &[u8]| bytes.iter().fold(0_i64, |long, byte| (long << 8) | i64::from(*byte));
        self.total += long(&other[4..12]);
        for (count, bytes) in self.counts.iter_mut().zip(counts.chunks_exact(8)) {
            *count += long(bytes);
        }
        Ok(())
    }
}

/// `Murmur3_x86_32.hashUnsafeBytes`, which mixes each of the last bytes on its own.
fn murmur3(bytes: &[u8], seed: i32) -> i32 {
    let mix = |hash: u32, word: u32| {
        let word = word.wrapping_mul(0xCC9E_2D51).rotate_left(15).wrapping_mul(0x1B87_3593);
        (hash ^ word).rotate_left(13).wrapping_mul(5).wrapping_add(0xE654_6B64)
    };
    let words = bytes.chunks_exact(4);
    let rest = words.remainder();
    let mut hash =
        words.fold(seed as u32, |hash, word| mix(hash, u32::from_le_bytes([word[0], word[1], word[2], word[3]])));
    hash = rest.iter().fold(hash, |hash, byte| mix(hash, i32::from(*byte as i8) as u32));
    hash ^= bytes.len() as u32;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85EB_CA6B);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xC2B2_AE35);
    (hash ^ (hash >> 16)) as i32
}

impl Accumulator for CountMin {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        match values[0].data_type() {
            ArrowType::Int64 => {
                values[0].as_primitive::<Int64Type>().iter().flatten().for_each(|value| self.add_long(value))
            }
            ArrowType::Binary => values[0].as_binary::<i32>().iter().flatten().for_each(|value| self.add_bytes(value)),
            other => return internal_err!("no sketch is made of {other}"),
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Binary(Some(self.bytes())))
    }

    fn size(&self) -> usize {
        size_of_val(self) + 8 * (self.hashes.capacity() + self.counts.capacity())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        states[0].as_binary::<i32>().iter().flatten().try_for_each(|other| self.merge(other))
    }
}
