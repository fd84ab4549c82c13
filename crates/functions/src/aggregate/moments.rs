//! Central moments of one column, by Spark's own formulas (`CentralMomentAgg`).

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType as ArrowType, Float64Type};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::{Accumulator, AggregateUDF};
use firesteel_spec::SparkResult;

use super::own::{Inputs, OwnAggregate};
use crate::call::Call;
use crate::typed::Typed;

/// `spark_moment(value, function)`
pub(super) static MOMENT: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    OwnAggregate {
        name: "spark_moment",
        return_type: |_| Ok(ArrowType::Float64),
        state: |_| vec![ArrowType::Float64; 5],
        make: |inputs| Ok(Box::new(Moments::new(inputs)?)),
        make_groups: None,
    }
    .udaf()
});

/// `skewness`, `kurtosis`, and variances and deviations.
pub(super) fn moment(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let function = match call.name {
        "std" | "stddev" => "stddev_samp",
        "variance" => "var_samp",
        other => other,
    };
    let typed = Typed::aggregate(&MOMENT, vec![call.double(0)?, Typed::string(function)])?;
    Ok(call.shown(typed))
}

#[derive(Debug)]
struct Moments {
    function: String,
    count: f64,
    mean: f64,
    m2: f64,
    m3: f64,
    m4: f64,
}

impl Moments {
    fn new(inputs: &Inputs) -> Result<Self> {
        Ok(Self { function: inputs.text(1)?.to_owned(), count: 0.0, mean: 0.0, m2: 0.0, m3: 0.0, m4: 0.0 })
    }

    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - self.mean;
        let delta_n = delta / self.count;
        self.mean += delta_n;
        self.m2 += delta * (delta - delta_n);
        let (delta2, delta_n2) = (delta * delta, delta_n * delta_n);
        self.m3 = self.m3 - 3.0 * delta_n * self.m2 + delta * (delta2 - delta_n2);
        self.m4 = self.m4 - 4.0 * delta_n * self.m3 - 6.0 * delta_n2 * self.m2
            + delta * (delta * delta2 - delta_n * delta_n2);
    }

    fn merge(&mut self, [n2, mean, m2, m3, m4]: [f64; 5]) {
        let n1 = self.count;
        let count = n1 + n2;
        if n2 == 0.0 {
            return;
        }
        let delta = mean - self.mean;
        let delta_n = delta / count;
        let (old2, old3) = (self.m2, self.m3);
        self.mean += delta_n * n2;
        self.m2 = old2 + m2 + delta * delta_n * n1 * n2;
        self.m3 = old3 + m3 + delta_n * delta_n * delta * n1 * n2 * (n1 - n2) + 3.0 * delta_n * (n1 * m2 - n2 * old2);
        self.m4 = self.m4
            + m4
            + delta_n * delta_n * delta_n * delta * n1 * n2 * (n1 * n1 - n1 * n2 + n2 * n2)
            + 6.0 * delta_n * delta_n * (n1 * n1 * m2 + n2 * n2 * old2)
            + 4.0 * delta_n * (n1 * m3 - n2 * old3);
        self.count = count;
    }
}

impl Accumulator for Moments {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        values[0].as_primitive::<Float64Type>().iter().flatten().for_each(|value| self.add(value));
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let n = self.count;
        let value = match self.function.as_str() {
            _ if n == 0.0 => None,
            "var_pop" => Some(self.m2 / n),
            "stddev_pop" => Some((self.m2 / n).sqrt()),
            "var_samp" | "stddev_samp" if n == 1.0 => None,
            "var_samp" => Some(self.m2 / (n - 1.0)),
            "stddev_samp" => Some((self.m2 / (n - 1.0)).sqrt()),
            // Equal values have no skew.
            _ if self.m2 == 0.0 => None,
            "skewness" => Some(n.sqrt() * self.m3 / (self.m2 * self.m2 * self.m2).sqrt()),
            "kurtosis" => Some(n * self.m4 / (self.m2 * self.m2) - 3.0),
            other => return internal_err!("spark_moment has no {other}"),
        };
        Ok(ScalarValue::Float64(value))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.function.capacity()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let state = [self.count, self.mean, self.m2, self.m3, self.m4];
        Ok(state.into_iter().map(|value| ScalarValue::Float64(Some(value))).collect())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let columns: Vec<_> = states.iter().map(|state| state.as_primitive::<Float64Type>()).collect();
        let [count, mean, m2, m3, m4] = columns.as_slice() else {
            return internal_err!("partial moments are 5 columns");
        };
        for row in 0..count.len() {
            self.merge([count.value(row), mean.value(row), m2.value(row), m3.value(row), m4.value(row)]);
        }
        Ok(())
    }
}
