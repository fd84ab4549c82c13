//! `histogram_numeric`: a histogram of bins of unlike width, by Hive's `NumericHistogram`.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, StructArray};
use arrow::datatypes::{DataType as ArrowType, Field, Fields, Float64Type, IntervalUnit};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{Accumulator, AggregateUDF, Cast, Expr};
use firesteel_spec::{DataType, SparkError, SparkResult, StructField};

use super::own::{OwnAggregate, list_of, list_scalar, list_values};
use super::random::JavaRandom;
use crate::call::Call;
use crate::math::elementary::doubles;
use crate::typed::Typed;
use crate::types::to_arrow;

/// `spark_histogram(value, bins)`
pub(super) static HISTOGRAM: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    OwnAggregate {
        name: "spark_histogram",
        return_type: |_| Ok(list_type()),
        state: |_| vec![list_of(&ArrowType::Float64), list_of(&ArrowType::Float64)],
        make: |inputs| {
            let bins_max = usize::try_from(inputs.integer(1)?).unwrap_or(2);
            // The seed is Hive's.
            Ok(Box::new(Histogram { bins_max, bins: Vec::new(), random: JavaRandom::new(31183) }))
        },
        make_groups: None,
    }
    .udaf()
});

fn bin_fields() -> Fields {
    Fields::from(vec![Field::new("x", ArrowType::Float64, true), Field::new("y", ArrowType::Float64, true)])
}

fn list_type() -> ArrowType {
    list_of(&ArrowType::Struct(bin_fields()))
}

pub(super) fn histogram_numeric(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let bins = call.constant_integer(1)?;
    if !(2..=i64::from(i32::MAX)).contains(&bins) {
        return Err(SparkError::new(
            "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
            format!("cannot resolve {}: the number of bins must be at least 2, not {bins}", call.display()),
        )
        .with("sqlExpr", format!("\"{}\"", call.display()))
        .with("exprName", "nb")
        .with("valueRange", format!("[2, {}]", i32::MAX))
        .with("currentValue", bins.to_string()));
    }
    let value = match call.argument(0)? {
        value if value.data_type.is_string() => return Err(call.unexpected(0, &value.data_type, "NUMERIC")),
        value if value.data_type == DataType::Null => Typed::null(DataType::Double),
        value => value,
    };
    let data_type = value.data_type.clone();
    let (to_double, through) = match &data_type {
        numeric if numeric.is_numeric() => (vec![ArrowType::Float64], None),
        DataType::Date => (vec![ArrowType::Int32, ArrowType::Float64], Some(ArrowType::Int32)),
        DataType::Timestamp | DataType::TimestampNtz => {
            (vec![ArrowType::Int64, ArrowType::Float64], Some(ArrowType::Int64))
        }
        // The accumulator reads these.
        DataType::YearMonthInterval { .. } => (vec![], Some(ArrowType::Int32)),
        DataType::DayTimeInterval { .. } => (vec![], Some(ArrowType::Int64)),
        other => return Err(call.unexpected(0, other, "NUMERIC")),
    };
    let expr = to_double.into_iter().fold(value.expr, |expr, step| Expr::Cast(Cast::new(Box::new(expr), step)));
    let number = Typed::new(expr, DataType::Double, value.nullable, value.name);
    let number = match to_arrow(&data_type) {
        ArrowType::Interval(IntervalUnit::YearMonth) | ArrowType::Duration(_) => {
            Typed { data_type: data_type.clone(), ..number }
        }
        _ => number,
    };
    let typed = Typed::aggregate(&HISTOGRAM, vec![number, Typed::long(bins)])?;
    Ok(call.shown(with_bins_of(typed, &data_type, through)))
}

/// The bins with `x` of the values' type.
fn with_bins_of(typed: Typed, data_type: &DataType, through: Option<ArrowType>) -> Typed {
    let fields = vec![StructField::new("x", data_type.clone(), true), StructField::new("y", DataType::Double, true)];
    let answer = DataType::array(DataType::Struct { fields }, true);
    let bins_of = |x: ArrowType| {
        list_of(&ArrowType::Struct(Fields::from(vec![
            Field::new("x", x, true),
            Field::new("y", ArrowType::Float64, true),
        ])))
    };
    let mut expr = typed.expr;
    for step in through.map(bins_of).into_iter().chain([to_arrow(&answer)]) {
        expr = Expr::Cast(Cast::new(Box::new(expr), step));
    }
    Typed::new(expr, answer, true, typed.name)
}

#[derive(Debug, Clone, Copy)]
struct Bin {
    x: f64,
    y: f64,
}

#[derive(Debug)]
struct Histogram {
    bins_max: usize,
    /// By ascending `x`.
    bins: Vec<Bin>,
    random: JavaRandom,
}

impl Histogram {
    fn add(&mut self, x: f64) {
        let position = self.bins.partition_point(|bin| bin.x < x);
        match self.bins.get_mut(position) {
            Some(bin) if bin.x == x => bin.y += 1.0,
            _ => {
                self.bins.insert(position, Bin { x, y: 1.0 });
                self.trim();
            }
        }
    }

    /// Makes one bin of the two that are nearest to each other, until there are few enough.
    fn trim(&mut self) {
        while self.bins.len() > self.bins_max.max(1) {
            let mut nearest = 0;
            let mut distance = self.bins[1].x - self.bins[0].x;
            let mut equal = 1.0;
            for index in 1..self.bins.len() - 1 {
                let other = self.bins[index + 1].x - self.bins[index].x;
                if other < distance {
                    (nearest, distance, equal) = (index, other, 1.0);
                } else if other == distance {
                    let chance = self.random.next_double();
                    equal += 1.0;
                    if chance <= 1.0 / equal {
                        nearest = index;
                    }
                }
            }
            let (left, right) = (self.bins[nearest], self.bins.remove(nearest + 1));
            let y = left.y + right.y;
            self.bins[nearest] = Bin { x: left.x * (left.y / y) + right.x / y * right.y, y };
        }
    }

    fn columns(&self) -> (ArrayRef, ArrayRef) {
        let x = Float64Array::from_iter_values(self.bins.iter().map(|bin| bin.x));
        let y = Float64Array::from_iter_values(self.bins.iter().map(|bin| bin.y));
        (Arc::new(x), Arc::new(y))
    }
}

impl Accumulator for Histogram {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        doubles(&values[0])?.iter().flatten().for_each(|value| self.add(value));
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if self.bins.is_empty() {
            return ScalarValue::try_from(&list_type());
        }
        let (x, y) = self.columns();
        list_scalar(&list_type(), Arc::new(StructArray::try_new(bin_fields(), vec![x, y], None)?))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.bins.capacity() * size_of::<Bin>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let (x, y) = self.columns();
        let list = list_of(&ArrowType::Float64);
        Ok(vec![list_scalar(&list, x)?, list_scalar(&list, y)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for row in 0..states[0].len() {
            let (x, y) = (list_values(&states[0], row)?, list_values(&states[1], row)?);
            let (x, y) = (x.as_primitive::<Float64Type>(), y.as_primitive::<Float64Type>());
            self.bins.extend((0..x.len()).map(|index| Bin { x: x.value(index), y: y.value(index) }));
            self.bins.sort_by(|left, right| left.x.total_cmp(&right.x));
            self.bins.dedup_by(|next, bin| {
                let same = next.x == bin.x;
                bin.y += if same { next.y } else { 0.0 };
                same
            });
            self.trim();
        }
        Ok(())
    }
}
