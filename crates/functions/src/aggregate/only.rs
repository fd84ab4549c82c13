//! `spark_only(value)`: the value of the only row, null without a row, and an error with several. What a correlated
//! subquery gives for each row outside.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType as ArrowType, Int64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{Accumulator, AggregateUDF};
use firesteel_spec::SparkError;

use super::own::OwnAggregate;
use crate::kernel::spark_error;

pub(super) static ONLY: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    OwnAggregate {
        name: "spark_only",
        return_type: |fields| Ok(fields[0].data_type().clone()),
        state: |fields| vec![fields[0].data_type().clone(), ArrowType::Int64],
        make: |inputs| Ok(Box::new(Only { value: ScalarValue::try_from(&inputs.return_type)?, rows: 0 })),
        make_groups: None,
    }
    .udaf()
});

/// The aggregate for subqueries that must give one row at most.
pub fn only_value() -> Arc<AggregateUDF> {
    Arc::clone(&ONLY)
}

#[derive(Debug)]
struct Only {
    value: ScalarValue,
    rows: i64,
}

impl Only {
    fn take(&mut self, values: &ArrayRef, row: usize, rows: i64) -> Result<()> {
        self.rows = self.rows.saturating_add(rows);
        if self.rows > 1 {
            return Err(spark_error(SparkError::new(
                "SCALAR_SUBQUERY_TOO_MANY_ROWS",
                "more than one row is given by a subquery used as an expression; aggregate it, or limit it to a row",
            )));
        }
        self.value = ScalarValue::try_from_array(values, row)?.compacted();
        Ok(())
    }
}

impl Accumulator for Only {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        (0..values[0].len().min(2)).try_for_each(|row| self.take(&values[0], row, 1))
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(self.value.clone())
    }

    fn size(&self) -> usize {
        size_of_val(self) - size_of_val(&self.value) + self.value.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.value.clone(), ScalarValue::Int64(Some(self.rows))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let rows = states[1].as_primitive::<Int64Type>();
        let has_rows = (0..rows.len()).filter(|row| rows.value(*row) > 0);
        has_rows.into_iter().try_for_each(|row| self.take(&states[0], row, rows.value(row)))
    }
}
