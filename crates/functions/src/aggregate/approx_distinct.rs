//! `approx_count_distinct`: HyperLogLog++ over Spark's `xxhash64`, for Spark's own estimates (Heule, Nunkesser and Hall,
//! "HyperLogLog in Practice", 2013, without its sparse registers, as Spark leaves them out).
//!
//! `distinct_bias.csv` has the paper's measured biases: of each precision, raw estimates and by how much they are too high.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType as ArrowType, Int64Type};
use datafusion::common::{Result, ScalarValue, internal_datafusion_err};
use datafusion::logical_expr::{Accumulator, AggregateUDF, Case, Expr};
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::own::OwnAggregate;
use crate::call::Call;
use crate::typed::Typed;

const DEVIATION_DEFAULT: f64 = 0.05;
/// Precisions: how many bits of a hash say which register it is for.
const PRECISION_MIN: f64 = 4.0;
/// A register each for 16 million hashes; Spark too has no use for more.
const PRECISION_MAX: f64 = 24.0;
/// How many measured biases an estimate's is the mean of.
const NEIGHBOURS: usize = 6;
/// From the precision [`PRECISION_MIN`] on: up to how many values empty registers tell more than full ones.
const LINEAR_MAX: [f64; 15] = [
    10.0, 20.0, 40.0, 80.0, 220.0, 400.0, 900.0, 1_800.0, 3_100.0, 6_500.0, 15_500.0, 20_000.0, 50_000.0, 120_000.0,
    350_000.0,
];

/// Raw estimates, and the bias of each.
type Biases = (Vec<f64>, Vec<f64>);

/// From the precision [`PRECISION_MIN`] on.
static BIASES: LazyLock<Vec<Biases>> = LazyLock::new(|| {
    let numbers = |text: &str| text.split(' ').filter_map(|number| number.parse().ok()).collect();
    let line = |line: &str| {
        let mut parts = line.split('|').skip(1);
        Some((numbers(parts.next()?), numbers(parts.next()?)))
    };
    include_str!("distinct_bias.csv").lines().filter_map(line).collect()
});

/// `spark_approx_count_distinct(hash, precision)`
pub(super) static APPROX_DISTINCT: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    OwnAggregate {
        name: "spark_approx_count_distinct",
        return_type: |_| Ok(ArrowType::Int64),
        state: |_| vec![ArrowType::Binary],
        make: |inputs| {
            let precision = u32::try_from(inputs.integer(1)?).unwrap_or_default();
            Ok(Box::new(Registers { precision, registers: vec![0; 1 << precision] }))
        },
        make_groups: None,
    }
    .udaf()
});

pub(super) fn approx_count_distinct(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let value = call.argument(0)?;
    let precision = precision(call)?;
    let hash = match crate::registry::lookup("xxhash64") {
        Some(function) => (function.build)(&call.other("xxhash64", vec![value.clone()]))?,
        None => return Err(SparkError::internal("no function xxhash64")),
    };
    // Null has a hash too, and is not counted.
    let not_null = Expr::IsNotNull(Box::new(value.expr.clone()));
    let case = Case::new(None, vec![(Box::new(not_null), Box::new(hash.expr))], None);
    let hash = Typed::new(Expr::Case(case), DataType::Long, true, "");
    let mut typed = Typed::aggregate(&APPROX_DISTINCT, vec![hash, Typed::long(precision.into())])?;
    typed.nullable = false;
    let shown = call.other(call.name, vec![value]).display();
    Ok(typed.named(shown))
}

fn precision(call: &Call<'_>) -> SparkResult<u32> {
    let deviation = if call.has(1) { constant_deviation(call)? } else { DEVIATION_DEFAULT };
    let precision = (2.0 * (1.106 / deviation).ln() / 2.0_f64.ln()).ceil();
    if !(PRECISION_MIN..=PRECISION_MAX).contains(&precision) {
        let message = format!("{} has no sketch with the deviation {deviation}", call.name);
        return Err(SparkError::new("FAILED_FUNCTION_CALL", message).with("funcName", format!("`{}`", call.name)));
    }
    Ok(precision as u32)
}

fn constant_deviation(call: &Call<'_>) -> SparkResult<f64> {
    let argument = call.argument(1)?;
    let fractional = argument.data_type.is_fractional() || matches!(argument.data_type, DataType::Decimal { .. });
    match call.double(1)?.folded().filter(|_| fractional) {
        Some(ScalarValue::Float64(Some(deviation))) => Ok(deviation),
        _ => Err(SparkError::new(
            "_LEGACY_ERROR_TEMP_1104",
            format!("the second argument of {} must be a constant DOUBLE or DECIMAL", call.name),
        )),
    }
}

#[derive(Debug)]
struct Registers {
    precision: u32,
    /// Of the hashes of each register, the most zeros that one started with, and one more.
    registers: Vec<u8>,
}

impl Registers {
    fn add(&mut self, hash: u64) {
        let register = (hash >> (u64::BITS - self.precision)) as usize;
        // The lowest bit that is left bounds the zeros.
        let rest = (hash << self.precision) | (1 << (self.precision - 1));
        let zeros = rest.leading_zeros() as u8 + 1;
        self.registers[register] = self.registers[register].max(zeros);
    }

    fn estimate(&self) -> f64 {
        let count = self.registers.len() as f64;
        let harmonic: f64 = self.registers.iter().map(|zeros| 1.0 / (1_u64 << zeros) as f64).sum();
        let empty = self.registers.iter().filter(|zeros| **zeros == 0).count();
        let raw = alpha(self.precision, count) * count * count / harmonic;
        let table = self.precision as usize - PRECISION_MIN as usize;
        if empty > 0 {
            let linear = count * (count / empty as f64).ln();
            if raw <= 2.5 * count || LINEAR_MAX.get(table).is_some_and(|most| linear <= *most) {
                return linear;
            }
        }
        match BIASES.get(table) {
            Some(biases) if raw < 5.0 * count => raw - bias(biases, raw),
            _ => raw,
        }
    }
}

/// What makes the mean of so many registers an estimate.
fn alpha(precision: u32, count: f64) -> f64 {
    match precision {
        4 => 0.673,
        5 => 0.697,
        6 => 0.709,
        _ => 0.7213 / (1.0 + 1.079 / count),
    }
}

/// The mean bias of the estimates that are nearest to `raw`.
fn bias((estimates, biases): &Biases, raw: f64) -> f64 {
    let distance = |index: usize| (raw - estimates[index]) * (raw - estimates[index]);
    let nearest = estimates.partition_point(|estimate| *estimate < raw);
    let mut low = (nearest + 1).saturating_sub(NEIGHBOURS);
    let mut high = (low + NEIGHBOURS).min(estimates.len());
    while high < estimates.len() && distance(high) < distance(low) {
        low += 1;
        high += 1;
    }
    biases[low..high].iter().sum::<f64>() / (high - low) as f64
}

impl Accumulator for Registers {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        values[0].as_primitive::<Int64Type>().iter().flatten().for_each(|hash| self.add(hash.cast_unsigned()));
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(Some((self.estimate() + 0.5).floor() as i64)))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.registers.capacity()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::Binary(Some(self.registers.clone()))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let partial = states.first().and_then(|state| state.as_binary_opt::<i32>());
        let partial = partial.ok_or_else(|| internal_datafusion_err!("partial counts are registers"))?;
        for registers in partial.iter().flatten() {
            for (ours, theirs) in self.registers.iter_mut().zip(registers) {
                *ours = (*ours).max(*theirs);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_estimate_has_a_bias() {
        assert_eq!(BIASES.len(), LINEAR_MAX.len());
        assert!(BIASES.iter().all(|(estimates, biases)| !biases.is_empty() && estimates.len() == biases.len()));
    }
}
