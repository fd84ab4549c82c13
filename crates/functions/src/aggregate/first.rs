//! `spark_first(value, ignore nulls, last)`: the first or the last value, also over moving window frames.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType as ArrowType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{Accumulator, AggregateUDF};

use super::own::OwnAggregate;

pub(super) static FIRST: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    OwnAggregate {
        name: "spark_first",
        return_type: |fields| Ok(fields[0].data_type().clone()),
        state: |fields| vec![fields[0].data_type().clone(), ArrowType::Boolean],
        make: |inputs| {
            let value = ScalarValue::try_from(&inputs.return_type)?;
            let (ignore_nulls, last) = (inputs.boolean(1)?, inputs.boolean(2)?);
            Ok(Box::new(First { ignore_nulls, last, value, is_set: false }))
        },
        make_groups: None,
    }
    .udaf()
});

/// The first value of a frame, or the last.
pub(crate) fn first_value() -> Arc<AggregateUDF> {
    Arc::clone(&FIRST)
}

#[derive(Debug)]
struct First {
    ignore_nulls: bool,
    last: bool,
    value: ScalarValue,
    is_set: bool,
}

impl First {
    /// Takes the first or last of the rows that count.
    fn take(&mut self, values: &ArrayRef, counts: impl Fn(usize) -> bool) -> Result<()> {
        if self.is_set && !self.last {
            return Ok(());
        }
        let nulls = values.logical_nulls().filter(|_| self.ignore_nulls);
        let counts = |row: &usize| counts(*row) && nulls.as_ref().is_none_or(|nulls| nulls.is_valid(*row));
        let mut rows = 0..values.len();
        let row = if self.last { rows.rfind(counts) } else { rows.find(counts) };
        if let Some(row) = row {
            self.value = ScalarValue::try_from_array(values, row)?.compacted();
            self.is_set = true;
        }
        Ok(())
    }
}

impl Accumulator for First {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.take(&values[0], |_| true)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(self.value.clone())
    }

    fn size(&self) -> usize {
        size_of_val(self) - size_of_val(&self.value) + self.value.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.value.clone(), ScalarValue::Boolean(Some(self.is_set))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let is_set = states[1].as_boolean();
        self.take(&states[0], |row| is_set.is_valid(row) && is_set.value(row))
    }
}
