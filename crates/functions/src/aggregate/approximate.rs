//! `percentile_approx`: Greenwald and Khanna's quantile summary, as Spark's `QuantileSummaries` keeps it. Exact up to
//! some thousand values; beyond, off by a rank of at most rows / accuracy.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array};
use arrow::datatypes::{DataType as ArrowType, Float64Type, Int64Type};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::{Accumulator, AggregateUDF, Cast, Expr};
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::own::{Inputs, OwnAggregate, list_of, list_scalar, list_values};
use super::percentile::{answer, answer_type, constants, from_double, percentages};
use crate::call::Call;
use crate::math::elementary::doubles;
use crate::typed::Typed;
use crate::types::to_arrow;

/// Values that are kept before they are sorted into the summary.
const HEAD_MAX: usize = 50_000;
/// Samples beyond which a summary is compressed.
const SAMPLES_MAX: usize = 10_000;
const ACCURACY: i64 = 10_000;

/// `spark_percentile_approx(value, percentages, accuracy)`
pub(super) static PERCENTILE_APPROX: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    OwnAggregate {
        name: "spark_percentile_approx",
        return_type: |fields| Ok(answer_type(&fields[1])),
        state: |_| {
            let longs = list_of(&ArrowType::Int64);
            vec![list_of(&ArrowType::Float64), longs.clone(), longs, ArrowType::Int64]
        },
        make: |inputs| Ok(Box::new(Approximate::new(inputs)?)),
        make_groups: None,
    }
    .udaf()
});

pub(super) fn percentile_approx(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let value = match call.argument(0)? {
        value if is_measured(&value.data_type) => value,
        _ => call.double(0)?,
    };
    let data_type = value.data_type.clone();
    let percentages = percentages(call, 1)?;
    let accuracy = if call.has(2) { call.argument(2)? } else { Typed::long(ACCURACY) };
    let mut shown = call.arguments.clone();
    if !call.has(2) {
        shown.push(accuracy.clone());
    }
    let name = call.other(call.name, shown).display();
    let accuracy = match accuracy.folded().and_then(|value| value.cast_to(&ArrowType::Int64).ok()) {
        Some(ScalarValue::Int64(Some(accuracy))) if (1..=i64::from(i32::MAX)).contains(&accuracy) => accuracy,
        Some(other) => return Err(wrong_accuracy(&name, &other.to_string())),
        None => return Err(not_constant(&name, &accuracy)),
    };
    let arguments = vec![as_double(value), percentages, Typed::long(accuracy)];
    let typed = Typed::aggregate(&PERCENTILE_APPROX, arguments)?;
    Ok(from_double(typed, &data_type).named(name))
}

fn is_measured(data_type: &DataType) -> bool {
    data_type.is_numeric()
        || matches!(
            data_type,
            DataType::Date
                | DataType::Timestamp
                | DataType::TimestampNtz
                | DataType::YearMonthInterval { .. }
                | DataType::DayTimeInterval { .. }
        )
}

/// Days, microseconds or the number; intervals are read by the accumulator.
fn as_double(value: Typed) -> Typed {
    let through = match &value.data_type {
        DataType::Double | DataType::YearMonthInterval { .. } | DataType::DayTimeInterval { .. } => return value,
        DataType::Date => vec![ArrowType::Int32, ArrowType::Float64],
        DataType::Timestamp | DataType::TimestampNtz => vec![ArrowType::Int64, ArrowType::Float64],
        _ => vec![ArrowType::Float64],
    };
    let expr = through.into_iter().fold(value.expr, |expr, step| Expr::Cast(Cast::new(Box::new(expr), step)));
    Typed::new(expr, DataType::Double, value.nullable, value.name)
}

fn wrong_accuracy(call: &str, accuracy: &str) -> SparkError {
    SparkError::new(
        "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
        format!("cannot resolve {call}: the accuracy must be from 1 to {}, not {accuracy}", i32::MAX),
    )
    .with("sqlExpr", format!("\"{call}\""))
    .with("exprName", "accuracy")
    .with("valueRange", format!("(0, {}]", i32::MAX))
    .with("currentValue", accuracy)
}

fn not_constant(call: &str, accuracy: &Typed) -> SparkError {
    SparkError::new(
        "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
        format!("cannot resolve {call}: the accuracy must be a constant"),
    )
    .with("sqlExpr", format!("\"{call}\""))
    .with("inputName", "`accuracy`")
    .with("inputType", format!("\"{}\"", to_arrow(&accuracy.data_type)))
    .with("inputExpr", format!("\"{}\"", accuracy.name))
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Sample {
    value: f64,
    /// How many ranks this stands for.
    g: i64,
    /// How far its largest rank may be above its least.
    delta: i64,
}

#[derive(Debug)]
struct Approximate {
    percentages: Vec<f64>,
    error: f64,
    return_type: ArrowType,
    samples: Vec<Sample>,
    head: Vec<f64>,
    /// Values in `samples`.
    count: i64,
}

impl Approximate {
    fn new(inputs: &Inputs) -> Result<Self> {
        Ok(Self {
            percentages: constants(inputs.constant(1)?)?,
            error: 1.0 / inputs.integer(2)? as f64,
            return_type: inputs.return_type.clone(),
            samples: Vec::new(),
            head: Vec::new(),
            count: 0,
        })
    }

    /// Sorts the values that came last into the samples.
    fn flush(&mut self) {
        if self.head.is_empty() {
            return;
        }
        let mut head = std::mem::take(&mut self.head);
        head.sort_unstable_by(f64::total_cmp);
        let old = std::mem::take(&mut self.samples);
        let mut merged = Vec::with_capacity(old.len() + head.len());
        let mut next = 0;
        let last = head.len() - 1;
        for (index, value) in head.into_iter().enumerate() {
            while next < old.len() && old[next].value <= value {
                merged.push(old[next]);
                next += 1;
            }
            self.count += 1;
            let is_end = merged.is_empty() || (next == old.len() && index == last);
            let delta = if is_end { 0 } else { (2.0 * self.error * self.count as f64).floor() as i64 };
            merged.push(Sample { value, g: 1, delta });
        }
        merged.extend_from_slice(&old[next..]);
        self.samples = merged;
    }

    fn compress(&mut self) {
        self.flush();
        self.samples = compressed(&self.samples, 2.0 * self.error * self.count as f64);
    }

    fn merge(&mut self, other: &[Sample], other_count: i64) {
        self.compress();
        if other_count == 0 {
            return;
        }
        if self.count == 0 {
            self.samples = other.to_vec();
            self.count = other_count;
            return;
        }
        let own_more = (2.0 * self.error * other_count as f64).floor() as i64;
        let other_more = (2.0 * self.error * self.count as f64).floor() as i64;
        let mut merged = Vec::with_capacity(self.samples.len() + other.len());
        let (mut left, mut right) = (0, 0);
        while left < self.samples.len() && right < other.len() {
            let (mut sample, more) = if self.samples[left].value < other[right].value {
                left += 1;
                (self.samples[left - 1], if right > 0 { own_more } else { 0 })
            } else {
                right += 1;
                (other[right - 1], if left > 0 { other_more } else { 0 })
            };
            sample.delta += more;
            merged.push(sample);
        }
        merged.extend_from_slice(&self.samples[left..]);
        merged.extend_from_slice(&other[right..]);
        self.count += other_count;
        self.samples = compressed(&merged, 2.0 * self.error * self.count as f64);
    }

    fn query(&self, percentage: f64) -> f64 {
        let (first, last) = (self.samples[0], self.samples[self.samples.len() - 1]);
        if percentage <= self.error {
            return first.value;
        }
        if percentage >= 1.0 - self.error {
            return last.value;
        }
        let rank = (percentage * self.count as f64).ceil() as i64;
        let widest = self.samples.iter().map(|sample| sample.delta + sample.g).max().unwrap_or(0) / 2;
        let mut least = 0;
        for sample in &self.samples[..self.samples.len() - 1] {
            least += sample.g;
            if least + sample.delta - widest <= rank && rank <= least + widest {
                return sample.value;
            }
        }
        last.value
    }
}

/// Samples whose ranks together stay below the threshold become one.
fn compressed(samples: &[Sample], threshold: f64) -> Vec<Sample> {
    let Some(mut head) = samples.last().copied() else { return Vec::new() };
    let mut kept = Vec::new();
    for sample in samples.iter().take(samples.len() - 1).skip(1).rev() {
        if ((sample.g + head.g + head.delta) as f64) < threshold {
            head.g += sample.g;
        } else {
            kept.push(head);
            head = *sample;
        }
    }
    kept.push(head);
    if samples.len() > 1 && samples[0].value <= head.value {
        kept.push(samples[0]);
    }
    kept.reverse();
    kept
}

impl Accumulator for Approximate {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in doubles(&values[0])?.iter().flatten() {
            self.head.push(value);
            if self.head.len() >= HEAD_MAX {
                self.flush();
                if self.samples.len() >= SAMPLES_MAX {
                    self.compress();
                }
            }
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.compress();
        if self.samples.is_empty() {
            return answer(&self.return_type, None);
        }
        let answers = self.percentages.iter().map(|percentage| self.query(*percentage)).collect();
        answer(&self.return_type, Some(answers))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.head.capacity() * size_of::<f64>() + self.samples.capacity() * size_of::<Sample>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.compress();
        let values: Float64Array = self.samples.iter().map(|sample| Some(sample.value)).collect();
        let ranks: Int64Array = self.samples.iter().map(|sample| Some(sample.g)).collect();
        let deltas: Int64Array = self.samples.iter().map(|sample| Some(sample.delta)).collect();
        let longs = list_of(&ArrowType::Int64);
        Ok(vec![
            list_scalar(&list_of(&ArrowType::Float64), Arc::new(values))?,
            list_scalar(&longs, Arc::new(ranks))?,
            list_scalar(&longs, Arc::new(deltas))?,
            ScalarValue::Int64(Some(self.count)),
        ])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [values, ranks, deltas, counts] = states else {
            return internal_err!("partial quantiles are 4 columns");
        };
        for row in 0..counts.len() {
            let (values, ranks, deltas) =
                (list_values(values, row)?, list_values(ranks, row)?, list_values(deltas, row)?);
            let (values, ranks, deltas) = (
                values.as_primitive::<Float64Type>(),
                ranks.as_primitive::<Int64Type>(),
                deltas.as_primitive::<Int64Type>(),
            );
            let samples: Vec<Sample> = (0..values.len())
                .map(|index| Sample { value: values.value(index), g: ranks.value(index), delta: deltas.value(index) })
                .collect();
            self.merge(&samples, counts.as_primitive::<Int64Type>().value(row));
        }
        Ok(())
    }
}
