//! `spark_collect_in_order(value)`: the values that are not null, as they come. `datafusion-spark`'s `collect_list` takes
//! no rows that are sorted for it, since DataFusion passes the sort's keys along, and is slow over many groups.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef};
use arrow::compute::{concat, filter, is_not_null};
use arrow::datatypes::DataType as ArrowType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{Accumulator, AggregateUDF};

use super::collected_groups::CollectedGroups;
use super::own::{OwnAggregate, list_of, list_scalar, list_values};

pub(super) static COLLECT_IN_ORDER: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    OwnAggregate {
        name: "spark_collect_in_order",
        return_type: |fields| Ok(list_of(fields[0].data_type())),
        state: |fields| vec![list_of(fields[0].data_type())],
        make: |inputs| Ok(Box::new(Collected { list: inputs.return_type.clone(), parts: Vec::new() })),
        make_groups: Some(|inputs| Ok(Box::new(CollectedGroups::new(inputs.return_type.clone())))),
    }
    .udaf()
});

#[derive(Debug)]
struct Collected {
    list: ArrowType,
    parts: Vec<ArrayRef>,
}

impl Collected {
    fn list(&self) -> Result<ScalarValue> {
        let ArrowType::List(element) = &self.list else { return ScalarValue::try_from(&self.list) };
        let parts: Vec<&dyn Array> = self.parts.iter().map(AsRef::as_ref).collect();
        let values = match parts.is_empty() {
            true => arrow::array::new_empty_array(element.data_type()),
            false => concat(&parts)?,
        };
        list_scalar(&self.list, values)
    }
}

impl Accumulator for Collected {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let present = match values[0].logical_null_count() {
            0 => Arc::clone(&values[0]),
            _ => filter(&values[0], &is_not_null(&values[0])?)?,
        };
        if !present.is_empty() {
            self.parts.push(present);
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for row in 0..states[0].len() {
            let values = list_values(&states[0], row)?;
            if !values.is_empty() {
                self.parts.push(values);
            }
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.list()?])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.list()
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.parts.iter().map(|part| part.get_array_memory_size()).sum::<usize>()
    }
}
