//! Covariance, correlation and linear regression of two columns, by Spark's own formulas. Rows with a null don't count.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType as ArrowType, Float64Type};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::{Accumulator, AggregateUDF};
use firesteel_spec::{SparkError, SparkResult};

use super::own::{Inputs, OwnAggregate};
use crate::call::Call;
use crate::kernel::spark_error;
use crate::typed::Typed;

/// `spark_bivariate(x, y, function, ansi)`
pub(super) static BIVARIATE: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    OwnAggregate {
        name: "spark_bivariate",
        return_type: |_| Ok(ArrowType::Float64),
        state: |_| vec![ArrowType::Float64; 6],
        make: |inputs| Ok(Box::new(Pairs::new(inputs)?)),
        make_groups: None,
    }
    .udaf()
});

/// `corr`, `covar_pop`, `covar_samp`: of x and y.
pub(super) fn covariance(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    build(call, call.double(0)?, call.double(1)?)
}

/// `regr_…`: of y, the dependent variable, and x.
pub(super) fn regression(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let averaged = match call.name {
        "regr_avgx" => Some(1),
        "regr_avgy" => Some(0),
        _ => None,
    };
    match averaged {
        Some(index) => average(call, index),
        None => build(call, call.double(1)?, call.double(0)?),
    }
}

/// The average of one side where neither is null.
fn average(call: &Call<'_>, index: usize) -> SparkResult<Typed> {
    let built = |name: &str, arguments: Vec<Typed>| match crate::registry::lookup(name) {
        Some(function) => (function.build)(&call.other(name, arguments)),
        None => Err(SparkError::internal(format!("there is no {name}"))),
    };
    let (y, x) = (built("isnotnull", vec![call.argument(0)?])?, built("isnotnull", vec![call.argument(1)?])?);
    let value = built("when", vec![built("and", vec![y, x])?, call.argument(index)?])?;
    Ok(call.shown(built("avg", vec![value])?))
}

fn build(call: &Call<'_>, x: Typed, y: Typed) -> SparkResult<Typed> {
    let arguments = vec![x, y, Typed::string(call.name), Typed::boolean(call.settings.ansi)];
    Ok(call.shown(Typed::aggregate(&BIVARIATE, arguments)?))
}

#[derive(Debug)]
struct Pairs {
    function: String,
    ansi: bool,
    count: f64,
    x_mean: f64,
    y_mean: f64,
    /// Sums of products of the distances from the means.
    xy: f64,
    xx: f64,
    yy: f64,
    /// Spark takes `y` for its first side in some functions, which shows in the last digits.
    is_turned: bool,
    /// And in some it has the squares by the formula of `variance`.
    has_moments: bool,
}

impl Pairs {
    fn new(inputs: &Inputs) -> Result<Self> {
        let (function, ansi) = (inputs.text(2)?.to_owned(), inputs.boolean(3)?);
        let is_turned = matches!(function.as_str(), "regr_r2" | "regr_sxy");
        let has_moments = function.starts_with("regr_") && function != "regr_r2";
        let zero = 0.0;
        Ok(Self {
            function,
            ansi,
            count: zero,
            x_mean: zero,
            y_mean: zero,
            xy: zero,
            xx: zero,
            yy: zero,
            is_turned,
            has_moments,
        })
    }

    fn add(&mut self, x: f64, y: f64) {
        self.count += 1.0;
        let (dx, dy) = (x - self.x_mean, y - self.y_mean);
        let (dx_n, dy_n) = (dx / self.count, dy / self.count);
        self.x_mean += dx_n;
        self.y_mean += dy_n;
        self.xy += if self.is_turned { dy * (x - self.x_mean) } else { dx * (y - self.y_mean) };
        if self.has_moments {
            self.xx += dx * (dx - dx_n);
            self.yy += dy * (dy - dy_n);
        } else {
            self.xx += dx * (x - self.x_mean);
            self.yy += dy * (y - self.y_mean);
        }
    }

    fn merge(&mut self, [n2, x_mean, y_mean, xy, xx, yy]: [f64; 6]) {
        if n2 == 0.0 {
            return;
        }
        let n1 = self.count;
        self.count = n1 + n2;
        let (dx, dy) = (x_mean - self.x_mean, y_mean - self.y_mean);
        let (dx_n, dy_n) = (dx / self.count, dy / self.count);
        self.x_mean += dx_n * n2;
        self.y_mean += dy_n * n2;
        self.xy += xy + dx * dy_n * n1 * n2;
        self.xx += xx + dx * dx_n * n1 * n2;
        self.yy += yy + dy * dy_n * n1 * n2;
    }

    fn correlation(&self) -> Result<Option<f64>> {
        let divisor = (self.xx * self.yy).sqrt();
        match divisor {
            0.0 if self.ansi => Err(spark_error(
                SparkError::new(
                    "DIVIDE_BY_ZERO",
                    "division by zero: one side of corr() is constant; set \"spark.sql.ansi.enabled\" to \"false\" to \
                     get null instead",
                )
                .with("config", "\"spark.sql.ansi.enabled\""),
            )),
            0.0 => Ok(None),
            divisor => Ok(Some(self.xy / divisor)),
        }
    }
}

impl Accumulator for Pairs {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (x, y) = (values[0].as_primitive::<Float64Type>(), values[1].as_primitive::<Float64Type>());
        for pair in x.iter().zip(y.iter()) {
            if let (Some(x), Some(y)) = pair {
                self.add(x, y);
            }
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let n = self.count;
        let slope = || if n < 2.0 || self.xx == 0.0 { None } else { Some(self.xy / self.xx) };
        let value = match self.function.as_str() {
            _ if n == 0.0 => None,
            "corr" if n == 1.0 => None,
            "corr" => self.correlation()?,
            "covar_pop" => Some(self.xy / n),
            "covar_samp" if n == 1.0 => None,
            "covar_samp" => Some(self.xy / (n - 1.0)),
            "regr_sxx" => Some(self.xx),
            "regr_sxy" => Some(self.xy),
            "regr_syy" => Some(self.yy),
            "regr_slope" => slope(),
            "regr_intercept" => slope().map(|slope| self.y_mean - slope * self.x_mean),
            "regr_r2" if n < 2.0 || self.xx == 0.0 => None,
            // A constant is on the line.
            "regr_r2" if self.yy == 0.0 => Some(1.0),
            "regr_r2" => {
                let correlation = self.xy / (self.xx * self.yy).sqrt();
                Some(correlation * correlation)
            }
            other => return internal_err!("spark_bivariate has no {other}"),
        };
        Ok(ScalarValue::Float64(value))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.function.capacity()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let state = [self.count, self.x_mean, self.y_mean, self.xy, self.xx, self.yy];
        Ok(state.into_iter().map(|value| ScalarValue::Float64(Some(value))).collect())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let columns: Vec<_> = states.iter().map(|state| state.as_primitive::<Float64Type>()).collect();
        let [count, x_mean, y_mean, xy, xx, yy] = columns.as_slice() else {
            return internal_err!("partial pairs are 6 columns");
        };
        for row in 0..count.len() {
            let state = [count, x_mean, y_mean, xy, xx, yy].map(|column| column.value(row));
            self.merge(state);
        }
        Ok(())
    }
}
