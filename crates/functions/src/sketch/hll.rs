//! HLL sketches, of 8 bits a register, in the form that can be updated further: Spark writes no other.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Int64Array};
use arrow::datatypes::DataType as ArrowType;
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::{AggregateUDF, ScalarUDF};
use datasketches::hll::{HllSketch, HllType, HllUnion};
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::accumulate::{Accumulated, Sketch, binary, state};
use super::argument::{exact, exact_int, small, with_defaults};
use super::error::{HLL, LG_K, not_constant};
use super::key::for_each;
use crate::aggregate::own::OwnAggregate;
use crate::call::Call;
use crate::kernel::{KernelUdf, null_if_any, spark_error};
use crate::typed::Typed;

const LG_K_DEFAULT: u8 = 12;

/// Places in an image: the table's size as a logarithm, flags, and how the sketch is kept.
const LG_TABLE_AT: usize = 4;
const FLAGS_AT: usize = 5;
const MODE_AT: usize = 7;
const COMPACT: u8 = 8;
const MODE_LIST: u8 = 0;
const MODE_SET: u8 = 1;
const MODE_REGISTERS: u8 = 2;
const LIST_HEADER_BYTES: usize = 8;
const SET_HEADER_BYTES: usize = 12;
const REGISTERS_HEADER_BYTES: usize = 40;
/// How many zeros a hash can start with, and one more.
const REGISTER_MAX: u8 = 63;
/// The bits of a coupon that say which register it is for.
const SLOT_BITS: u32 = 26;

/// `spark_hll_sketch_agg(value, lg k)`
pub(super) static SKETCH_AGG: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    OwnAggregate {
        name: "spark_hll_sketch_agg",
        return_type: |_| Ok(ArrowType::Binary),
        state: |_| state(),
        make: |inputs| {
            let lg_k = u8::try_from(inputs.integer(1)?).unwrap_or_default();
            Ok(Box::new(Accumulated(Counting { sketch: empty(lg_k)?, union: None })))
        },
        make_groups: None,
    }
    .udaf()
});

/// `spark_hll_union_agg(sketch, whether sizes may differ)`
pub(super) static UNION_AGG: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    OwnAggregate {
        name: "spark_hll_union_agg",
        return_type: |_| Ok(ArrowType::Binary),
        state: |_| state(),
        make: |inputs| Ok(Box::new(Accumulated(Uniting { may_differ: inputs.boolean(1)?, union: None }))),
        make_groups: None,
    }
    .udaf()
});

/// `spark_hll_sketch_estimate(sketch)`
pub(super) static ESTIMATE: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_hll_sketch_estimate",
        |fields, _| null_if_any(ArrowType::Int64, fields),
        |arrays, _| {
            let estimates = binary(arrays, 0)?
                .iter()
                .map(|bytes| bytes.map(|bytes| Ok(round(read(bytes, "hll_sketch_estimate")?.estimate()))).transpose());
            Ok(Arc::new(estimates.collect::<Result<Int64Array>>()?))
        },
    )
});

/// `spark_hll_union(sketch, sketch, whether sizes may differ)`
pub(super) static UNION: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_hll_union",
        |fields, _| null_if_any(ArrowType::Binary, fields),
        |arrays, rows| {
            let (left, right, may_differ) = (binary(arrays, 0)?, binary(arrays, 1)?, arrays[2].as_boolean());
            let unions = (0..rows).map(|row| {
                if left.is_null(row) || right.is_null(row) || may_differ.is_null(row) {
                    return Ok(None);
                }
                let (left, right) = (read(left.value(row), "hll_union")?, read(right.value(row), "hll_union")?);
                let (left_k, right_k) = (left.lg_config_k(), right.lg_config_k());
                if left_k != right_k && !may_differ.value(row) {
                    return Err(spark_error(different_sizes(left_k, right_k, "hll_union")));
                }
                let mut union = new_union(left_k.min(right_k))?;
                union.update(&left);
                union.update(&right);
                Ok(Some(written(&union.to_sketch(HllType::Hll8))))
            });
            Ok(Arc::new(unions.collect::<Result<BinaryArray>>()?))
        },
    )
});

pub(super) fn sketch_agg(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let call = with_defaults(call, &[(1, small(LG_K_DEFAULT))]);
    let value = exact(&call, 0, &[DataType::Integer, DataType::Long, DataType::STRING, DataType::Binary])?;
    let Some(lg_k) = exact_int(&call, 1)? else {
        let message = format!("{} takes a constant as its second argument", call.name);
        return Err(SparkError::new("HLL_K_MUST_BE_CONSTANT", message).with("function", format!("`{}`", call.name)));
    };
    let lg_k = LG_K.check(lg_k, call.name)?;
    never_null(&call, Typed::aggregate(&SKETCH_AGG, vec![value, small(lg_k)])?)
}

pub(super) fn union_agg(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let call = with_defaults(call, &[(1, Typed::boolean(false))]);
    let sketch = exact(&call, 0, &[DataType::Binary])?;
    let may_differ = exact(&call, 1, &[DataType::Boolean])?;
    let Some(value) = may_differ.folded() else {
        let found = may_differ.data_type.to_string();
        return Err(not_constant(&call, &may_differ, "`allowDifferentLgConfigK`", &found, &may_differ.name));
    };
    let may_differ = value == datafusion::common::ScalarValue::Boolean(Some(true));
    never_null(&call, Typed::aggregate(&UNION_AGG, vec![sketch, Typed::boolean(may_differ)])?)
}

pub(super) fn estimate(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(Typed::call(&ESTIMATE, vec![exact(call, 0, &[DataType::Binary])?])?))
}

pub(super) fn union(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let call = with_defaults(call, &[(2, Typed::boolean(false))]);
    let arguments = vec![
        exact(&call, 0, &[DataType::Binary])?,
        exact(&call, 1, &[DataType::Binary])?,
        exact(&call, 2, &[DataType::Boolean])?,
    ];
    Ok(call.shown(Typed::call(&UNION, arguments)?))
}

fn never_null(call: &Call<'_>, mut typed: Typed) -> SparkResult<Typed> {
    typed.nullable = false;
    Ok(call.shown(typed))
}

/// Counts values.
#[derive(Debug)]
struct Counting {
    sketch: HllSketch,
    /// Of what other tasks counted.
    union: Option<HllUnion>,
}

impl Counting {
    fn whole(&mut self) -> HllSketch {
        match &mut self.union {
            None => self.sketch.clone(),
            Some(union) => {
                union.update(&self.sketch);
                union.to_sketch(HllType::Hll8)
            }
        }
    }
}

impl Sketch for Counting {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        for_each(&columns[0], |_, key| self.sketch.update(key))
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        let lg_k = self.sketch.lg_config_k();
        let union = match &mut self.union {
            Some(union) => union,
            none => none.insert(new_union(lg_k)?),
        };
        union.update(&read(partial, "hll_sketch_agg")?);
        Ok(())
    }

    fn partial(&mut self) -> Result<Option<Vec<u8>>> {
        Ok(Some(self.whole().serialize()))
    }

    fn answer(&mut self) -> Result<Vec<u8>> {
        Ok(written(&self.whole()))
    }

    fn bytes(&self) -> usize {
        self.sketch.estimated_size() + self.union.as_ref().map_or(0, HllUnion::estimated_size)
    }
}

/// Unites sketches, at the size of the first.
#[derive(Debug)]
struct Uniting {
    may_differ: bool,
    union: Option<HllUnion>,
}

impl Sketch for Uniting {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        binary(columns, 0)?.iter().flatten().try_for_each(|sketch| self.merge(sketch))
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        let sketch = read(partial, "hll_union_agg")?;
        let union = match &mut self.union {
            Some(union) => union,
            none => none.insert(new_union(sketch.lg_config_k())?),
        };
        let (ours, theirs) = (union.lg_config_k(), sketch.lg_config_k());
        if ours != theirs && !self.may_differ {
            return Err(spark_error(different_sizes(ours, theirs, "hll_union_agg")));
        }
        union.update(&sketch);
        Ok(())
    }

    fn partial(&mut self) -> Result<Option<Vec<u8>>> {
        Ok(self.union.as_ref().map(|union| union.to_sketch(HllType::Hll8).serialize()))
    }

    fn answer(&mut self) -> Result<Vec<u8>> {
        match &self.union {
            Some(union) => Ok(written(&union.to_sketch(HllType::Hll8))),
            None => Ok(written(&empty(LG_K_DEFAULT)?)),
        }
    }

    fn bytes(&self) -> usize {
        self.union.as_ref().map_or(0, HllUnion::estimated_size)
    }
}

fn empty(lg_k: u8) -> Result<HllSketch> {
    match HllSketch::new(lg_k, HllType::Hll8) {
        Ok(sketch) => Ok(sketch),
        Err(error) => internal_err!("{error}"),
    }
}

fn new_union(lg_k: u8) -> Result<HllUnion> {
    match HllUnion::new(lg_k) {
        Ok(union) => Ok(union),
        Err(error) => internal_err!("{error}"),
    }
}

fn read(bytes: &[u8], function: &str) -> Result<HllSketch> {
    let sketch = HllSketch::deserialize(bytes).map_err(|_| HLL.invalid(function))?;
    // The library takes on trust what registers hold, and shifts by that.
    let has_registers = bytes[MODE_AT] & 3 == MODE_REGISTERS && sketch.target_type() == HllType::Hll8;
    if has_registers && bytes[REGISTERS_HEADER_BYTES..].iter().any(|register| *register > REGISTER_MAX) {
        return Err(HLL.invalid(function));
    }
    Ok(sketch)
}

/// The image that can be updated. The library writes that without gaps, which differs while there are few values.
fn written(sketch: &HllSketch) -> Vec<u8> {
    let mut image = sketch.serialize();
    let lg_table = u32::from(image[LG_TABLE_AT]);
    match image[MODE_AT] & 3 {
        MODE_LIST => {
            image[FLAGS_AT] &= !COMPACT;
            image.resize(LIST_HEADER_BYTES + (4 << lg_table), 0);
        }
        MODE_SET => {
            image[FLAGS_AT] &= !COMPACT;
            let coupons = image.split_off(SET_HEADER_BYTES);
            image.extend(hash_table(&coupons, lg_table));
        }
        _ => {}
    }
    image
}

/// Coupons of 4 bytes in a table of `1 << lg_table` of them, 0 for none, each where its hash says or some strides on.
fn hash_table(coupons: &[u8], lg_table: u32) -> Vec<u8> {
    let mask = (1_u32 << lg_table) - 1;
    let mut table = vec![0_u32; 1 << lg_table];
    for coupon in coupons.chunks_exact(4) {
        let coupon = coupon.iter().rev().fold(0_u32, |all, byte| all << 8 | u32::from(*byte));
        let stride = ((coupon & ((1 << SLOT_BITS) - 1)) >> lg_table) | 1;
        let mut place = coupon & mask;
        while table[place as usize] != 0 {
            place = (place + stride) & mask;
        }
        table[place as usize] = coupon;
    }
    table.into_iter().flat_map(u32::to_le_bytes).collect()
}

/// `HLL_UNION_DIFFERENT_LG_K`
fn different_sizes(left: u8, right: u8, function: &str) -> SparkError {
    let message = format!(
        "the sketches that {function} got have the sizes {left} and {right}; pass true as the last argument to allow it"
    );
    SparkError::new("HLL_UNION_DIFFERENT_LG_K", message)
        .with("left", left.to_string())
        .with("right", right.to_string())
        .with("function", format!("`{function}`"))
}

/// `Math.round` of what is not negative.
pub(super) fn round(estimate: f64) -> i64 {
    (estimate + 0.5).floor() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_all_of_its_coupons() {
        let coupons: Vec<u8> = [1_u32, 33, 65].into_iter().flat_map(u32::to_le_bytes).collect();
        let table = hash_table(&coupons, 5);
        assert_eq!(table.chunks(4).filter(|coupon| coupon.iter().any(|byte| *byte != 0)).count(), 3);
    }
}
