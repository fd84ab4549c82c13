//! Texts one after the other, for `listagg(DISTINCT …)`: DataFusion's `string_agg` gives distinct texts in an order that
//! no two runs agree on.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::DataType as ArrowType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{Accumulator, AggregateUDF};

use super::own::OwnAggregate;

/// `spark_concatenated(text, delimiter)`
pub(super) static CONCATENATED: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    OwnAggregate {
        name: "spark_concatenated",
        return_type: |_| Ok(ArrowType::Utf8),
        state: |_| vec![ArrowType::Utf8],
        make: |inputs| Ok(Box::new(Concatenated { delimiter: inputs.text(1)?.to_owned(), text: None })),
        make_groups: None,
    }
    .udaf()
});

#[derive(Debug)]
struct Concatenated {
    delimiter: String,
    text: Option<String>,
}

impl Accumulator for Concatenated {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in values[0].as_string::<i32>().iter().flatten() {
            match &mut self.text {
                Some(text) => {
                    text.push_str(&self.delimiter);
                    text.push_str(value);
                }
                none => *none = Some(value.to_owned()),
            }
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Utf8(self.text.clone()))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.delimiter.capacity() + self.text.as_ref().map_or(0, String::capacity)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }
}
