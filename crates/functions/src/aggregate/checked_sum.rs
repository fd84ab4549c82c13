//! `spark_sum(value, mode)`: a sum that fails, or is null, where it leaves its type.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray};
use arrow::datatypes::{
    ArrowNativeTypeOp, DECIMAL128_MAX_PRECISION, DataType as ArrowType, Decimal128Type, DecimalType,
    DurationMicrosecondType, Int64Type, IntervalUnit, IntervalYearMonthType,
};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::{Accumulator, AggregateUDF, EmitTo, GroupsAccumulator};
use firesteel_spec::SparkError;

use super::own::{Inputs, OwnAggregate};
use crate::kernel::spark_error;

pub(super) static CHECKED_SUM: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    OwnAggregate {
        name: "spark_sum",
        return_type: |fields| Ok(sum_type(fields[0].data_type())),
        state: |fields| vec![sum_type(fields[0].data_type()), ArrowType::Boolean],
        make: |inputs| {
            Ok(match &inputs.return_type {
                ArrowType::Int64 => Box::new(OneSum(Sums::<Int64Type>::new(inputs, |_| true)?)),
                ArrowType::Decimal128(..) => Box::new(OneSum(Sums::<Decimal128Type>::new(inputs, is_decimal)?)),
                ArrowType::Duration(_) => Box::new(OneSum(Sums::<DurationMicrosecondType>::new(inputs, |_| true)?)),
                ArrowType::Interval(IntervalUnit::YearMonth) => {
                    Box::new(OneSum(Sums::<IntervalYearMonthType>::new(inputs, |_| true)?))
                }
                other => return internal_err!("spark_sum takes no {other}"),
            })
        },
        make_groups: Some(|inputs| {
            Ok(match &inputs.return_type {
                ArrowType::Int64 => Box::new(Sums::<Int64Type>::new(inputs, |_| true)?),
                ArrowType::Decimal128(..) => Box::new(Sums::<Decimal128Type>::new(inputs, is_decimal)?),
                ArrowType::Duration(_) => Box::new(Sums::<DurationMicrosecondType>::new(inputs, |_| true)?),
                ArrowType::Interval(IntervalUnit::YearMonth) => {
                    Box::new(Sums::<IntervalYearMonthType>::new(inputs, |_| true)?)
                }
                other => return internal_err!("spark_sum takes no {other}"),
            })
        }),
    }
    .udaf()
});

fn sum_type(value: &ArrowType) -> ArrowType {
    match value {
        ArrowType::Decimal128(precision, scale) => ArrowType::Decimal128(precision.saturating_add(10).min(38), *scale),
        other => other.clone(),
    }
}

/// 38 digits are fewer than 128 bits.
fn is_decimal(sum: i128) -> bool {
    Decimal128Type::is_valid_decimal_precision(sum, DECIMAL128_MAX_PRECISION)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Nothing,
    Values,
    Overflow,
}

/// The sums of many groups.
#[derive(Debug)]
struct Sums<T: ArrowPrimitiveType> {
    data_type: ArrowType,
    ansi: bool,
    fits: fn(T::Native) -> bool,
    sums: Vec<T::Native>,
    seen: Vec<Seen>,
}

impl<T: ArrowPrimitiveType> Sums<T>
where
    T::Native: ArrowNativeTypeOp,
{
    fn new(inputs: &Inputs, fits: fn(T::Native) -> bool) -> Result<Self> {
        let ansi = inputs.text(1)? == "ansi";
        Ok(Self { data_type: inputs.return_type.clone(), ansi, fits, sums: Vec::new(), seen: Vec::new() })
    }

    fn grow(&mut self, groups: usize) {
        if self.sums.len() < groups {
            self.sums.resize(groups, T::Native::ZERO);
            self.seen.resize(groups, Seen::Nothing);
        }
    }

    fn add(&mut self, group: usize, value: T::Native) -> Result<()> {
        if self.seen[group] == Seen::Overflow {
            return Ok(());
        }
        match self.sums[group].add_checked(value).ok().filter(|sum| (self.fits)(*sum)) {
            Some(sum) => {
                self.sums[group] = sum;
                self.seen[group] = Seen::Values;
                Ok(())
            }
            None if self.ansi => Err(spark_error(self.overflow())),
            None => {
                self.seen[group] = Seen::Overflow;
                Ok(())
            }
        }
    }

    fn overflow(&self) -> SparkError {
        let (what, alternative) = match self.data_type {
            ArrowType::Decimal128(..) => ("Overflow in sum of decimals", "try_sum"),
            ArrowType::Int64 => ("long overflow", "try_sum"),
            _ => ("interval overflow", "try_add"),
        };
        SparkError::new("ARITHMETIC_OVERFLOW", format!("{what}; use '{alternative}' to get null instead"))
            .with("message", what)
            .with("alternative", format!(" Use '{alternative}' to tolerate overflow and return NULL instead."))
            .with("config", "\"spark.sql.ansi.enabled\"")
    }

    fn emit(&mut self, emit_to: EmitTo) -> (PrimitiveArray<T>, BooleanArray) {
        let (sums, seen) = (emit_to.take_needed(&mut self.sums), emit_to.take_needed(&mut self.seen));
        let values = sums.into_iter().zip(&seen).map(|(sum, seen)| (*seen == Seen::Values).then_some(sum));
        let sums = values.collect::<PrimitiveArray<T>>().with_data_type(self.data_type.clone());
        (sums, seen.iter().map(|seen| Some(*seen == Seen::Overflow)).collect())
    }

    fn update(
        &mut self,
        values: &ArrayRef,
        group: impl Fn(usize) -> usize,
        filter: Option<&BooleanArray>,
    ) -> Result<()> {
        for (row, value) in values.as_primitive::<T>().iter().enumerate() {
            if let Some(value) = value
                && filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
            {
                self.add(group(row), value)?;
            }
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], group: impl Fn(usize) -> usize) -> Result<()> {
        let overflowed = states[1].as_boolean();
        for row in 0..overflowed.len() {
            if overflowed.is_valid(row) && overflowed.value(row) {
                self.seen[group(row)] = Seen::Overflow;
            }
        }
        self.update(&states[0], group, None)
    }
}

impl<T: ArrowPrimitiveType> GroupsAccumulator for Sums<T>
where
    T::Native: ArrowNativeTypeOp,
{
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.grow(total);
        self.update(&values[0], |row| groups[row], filter)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        Ok(Arc::new(self.emit(emit_to).0))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let (sums, overflowed) = self.emit(emit_to);
        Ok(vec![Arc::new(sums), Arc::new(overflowed)])
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.grow(total);
        self.merge(states, |row| groups[row])
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let values = values[0].as_primitive::<T>();
        let counts = |row: usize| filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
        let sums = values.iter().enumerate().map(|(row, value)| value.filter(|_| counts(row)));
        let sums = sums.collect::<PrimitiveArray<T>>().with_data_type(self.data_type.clone());
        Ok(vec![Arc::new(sums), Arc::new(BooleanArray::from(vec![false; values.len()]))])
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.sums.capacity() * size_of::<T::Native>() + self.seen.capacity() * size_of::<Seen>()
    }
}

/// The sum of one group.
#[derive(Debug)]
struct OneSum<T: ArrowPrimitiveType>(Sums<T>);

impl<T: ArrowPrimitiveType + std::fmt::Debug> Accumulator for OneSum<T>
where
    T::Native: ArrowNativeTypeOp,
{
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0.grow(1);
        self.0.update(&values[0], |_| 0, None)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.0.grow(1);
        let sum = (self.0.seen[0] == Seen::Values).then_some(self.0.sums[0]);
        let array = std::iter::once(sum).collect::<PrimitiveArray<T>>().with_data_type(self.0.data_type.clone());
        ScalarValue::try_from_array(&array, 0)
    }

    fn size(&self) -> usize {
        GroupsAccumulator::size(&self.0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let sum = self.evaluate()?;
        Ok(vec![sum, ScalarValue::Boolean(Some(self.0.seen[0] == Seen::Overflow))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.0.grow(1);
        self.0.merge(states, |_| 0)
    }
}
