//! `vector_sum` and `vector_avg`: arrays of floats, element by element. Vectors with a null are left out.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray, Float32Array};
use arrow::datatypes::{DataType as ArrowType, Float32Type, Int64Type};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::{Accumulator, AggregateUDF};
use firesteel_spec::{DataType, SparkResult};

use super::own::{OwnAggregate, list_of, list_scalar, list_values};
use crate::call::Call;
use crate::kernel::spark_error;
use crate::math::vector::{different_dimensions, numbers, vector as argument};
use crate::typed::Typed;

/// `spark_vector(vector, function)`
pub(super) static VECTOR: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    OwnAggregate {
        name: "spark_vector",
        return_type: |_| Ok(list_of(&ArrowType::Float32)),
        state: |_| vec![list_of(&ArrowType::Float32), ArrowType::Int64],
        make: |inputs| Ok(Box::new(Vectors { function: inputs.text(1)?.to_owned(), count: 0, sums: Vec::new() })),
        make_groups: None,
    }
    .udaf()
});

pub(super) fn vector(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let mut typed = Typed::aggregate(&VECTOR, vec![argument(call, 0)?, Typed::string(call.name)])?;
    typed.data_type = DataType::array(DataType::Float, true);
    Ok(call.shown(typed))
}

#[derive(Debug)]
struct Vectors {
    function: String,
    count: i64,
    /// Of each element; the mean of each for `vector_avg`.
    sums: Vec<f32>,
}

impl Vectors {
    /// Takes a vector that stands for `count` of them.
    fn add(&mut self, vector: &[f32], count: i64) -> Result<()> {
        if self.count == 0 {
            self.sums = vector.to_vec();
        } else if self.sums.len() != vector.len() {
            return Err(spark_error(different_dimensions(&self.function, self.sums.len(), vector.len())));
        } else {
            let whole = (self.count + count) as f32;
            let (ours, theirs) = (self.count as f32 / whole, count as f32 / whole);
            let is_mean = self.function == "vector_avg";
            for (sum, value) in self.sums.iter_mut().zip(vector) {
                // Spark's own steps, for its last digits.
                *sum = match is_mean {
                    true if count == 1 => *sum + (value - *sum) / whole,
                    true => *sum * ours + value * theirs,
                    false => *sum + value,
                };
            }
        }
        self.count += count;
        Ok(())
    }
}

impl Accumulator for Vectors {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for vector in values[0].as_list::<i32>().iter().flatten() {
            if let Some(vector) = numbers(&vector) {
                self.add(vector, 1)?;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let list = list_of(&ArrowType::Float32);
        if self.count == 0 {
            return ScalarValue::try_from(&list);
        }
        list_scalar(&list, Arc::new(Float32Array::from(self.sums.clone())))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.sums.capacity() * size_of::<f32>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?, ScalarValue::Int64(Some(self.count))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [sums, counts] = states else { return internal_err!("partial vectors are 2 columns") };
        let counts = counts.as_primitive::<Int64Type>();
        for row in 0..counts.len() {
            if counts.value(row) > 0 {
                let sums = list_values(sums, row)?;
                self.add(sums.as_primitive::<Float32Type>().values(), counts.value(row))?;
            }
        }
        Ok(())
    }
}
