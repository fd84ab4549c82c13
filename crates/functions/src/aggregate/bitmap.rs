//! Bitmaps of 32768 bits, and the product.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType as ArrowType, Float64Type, Int64Type};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::{Accumulator, AggregateUDF};
use firesteel_spec::{SparkError, SparkResult};

use super::own::OwnAggregate;
use crate::call::Call;
use crate::kernel::spark_error;
use crate::typed::Typed;

const BITMAP_BYTES: usize = 4096;

/// `spark_bitmap(positions or bitmaps, function)`
pub(super) static BITMAP: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    OwnAggregate {
        name: "spark_bitmap",
        return_type: |_| Ok(ArrowType::Binary),
        state: |_| vec![ArrowType::Binary],
        make: |inputs| {
            let and = inputs.text(1)? == "bitmap_and_agg";
            Ok(Box::new(Bitmap { and, bits: vec![if and { 0xFF } else { 0 }; BITMAP_BYTES] }))
        },
        make_groups: None,
    }
    .udaf()
});

pub(super) static PRODUCT: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    OwnAggregate {
        name: "spark_product",
        return_type: |_| Ok(ArrowType::Float64),
        state: |_| vec![ArrowType::Float64],
        make: |_| Ok(Box::new(Product { product: None })),
        make_groups: None,
    }
    .udaf()
});

pub(super) fn bitmap(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let value = if call.name == "bitmap_construct_agg" { call.long(0)? } else { call.binary(0)? };
    let mut typed = Typed::aggregate(&BITMAP, vec![value, Typed::string(call.name)])?;
    typed.nullable = false;
    Ok(call.shown(typed))
}

pub(super) fn product(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(Typed::aggregate(&PRODUCT, vec![call.double(0)?])?))
}

#[derive(Debug)]
struct Bitmap {
    and: bool,
    bits: Vec<u8>,
}

impl Bitmap {
    fn set(&mut self, position: i64) -> Result<()> {
        let index = usize::try_from(position).ok().filter(|index| *index < BITMAP_BYTES * 8);
        let Some(index) = index else {
            return Err(spark_error(
                SparkError::new(
                    "INVALID_BITMAP_POSITION",
                    format!("a bitmap has the positions 0 to {}, and not {position}", BITMAP_BYTES * 8 - 1),
                )
                .with("bitPosition", position.to_string())
                .with("bitmapNumBytes", BITMAP_BYTES.to_string())
                .with("bitmapNumBits", (BITMAP_BYTES * 8).to_string()),
            ));
        };
        self.bits[index / 8] |= 1 << (index % 8);
        Ok(())
    }

    /// With another bitmap, of which missing bytes are 0.
    fn combine(&mut self, other: &[u8]) {
        for (index, byte) in self.bits.iter_mut().enumerate() {
            let other = other.get(index).copied().unwrap_or(0);
            *byte = if self.and { *byte & other } else { *byte | other };
        }
    }
}

impl Accumulator for Bitmap {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        match values[0].data_type() {
            ArrowType::Int64 => {
                values[0].as_primitive::<Int64Type>().iter().flatten().try_for_each(|position| self.set(position))
            }
            ArrowType::Binary => {
                values[0].as_binary::<i32>().iter().flatten().for_each(|other| self.combine(other));
                Ok(())
            }
            other => internal_err!("no bitmap is made of {other}"),
        }
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Binary(Some(self.bits.clone())))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.bits.capacity()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        states[0].as_binary::<i32>().iter().flatten().for_each(|other| self.combine(other));
        Ok(())
    }
}

#[derive(Debug)]
struct Product {
    product: Option<f64>,
}

impl Accumulator for Product {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in values[0].as_primitive::<Float64Type>().iter().flatten() {
            self.product = Some(self.product.unwrap_or(1.0) * value);
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Float64(self.product))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }
}
