//! `max_by` and `min_by`: the value beside the greatest or least key, or the `k` first of them.

use std::cmp::Ordering;
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, make_comparator};
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType as ArrowType, Field};
use datafusion::common::{Result, ScalarValue, internal_datafusion_err};
use datafusion::logical_expr::{Accumulator, AggregateUDF};
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::own::{Inputs, OwnAggregate, list_of, list_scalar, list_values};
use crate::call::Call;
use crate::typed::Typed;

/// Rows that may be asked for at once.
const K_MAX: i64 = 100_000;

/// `spark_max_by(value, key, descending[, k])`
pub(super) static EXTREME_BY: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    OwnAggregate {
        name: "spark_max_by",
        return_type: |fields| {
            let value = fields[0].data_type().clone();
            Ok(if fields.len() > 3 { ArrowType::List(Arc::new(Field::new_list_field(value, true))) } else { value })
        },
        state: |fields| vec![list_of(fields[0].data_type()), list_of(fields[1].data_type())],
        make: |inputs| Ok(Box::new(Extreme::new(inputs)?)),
        make_groups: None,
    }
    .udaf()
});

pub(super) fn max_by(call: &Call<'_>) -> SparkResult<Typed> {
    build(call, true)
}

pub(super) fn min_by(call: &Call<'_>) -> SparkResult<Typed> {
    build(call, false)
}

fn build(call: &Call<'_>, descending: bool) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let (value, key) = (call.argument(0)?, call.argument(1)?);
    if matches!(key.data_type, DataType::Map { .. } | DataType::Variant | DataType::CalendarInterval) {
        return Err(super::simple::no_order(call, &key.data_type));
    }
    let data_type = value.data_type.clone();
    let mut arguments = vec![value, key, Typed::boolean(descending)];
    if call.has(2) {
        let k = call.constant_integer(2)?;
        if !(1..=K_MAX).contains(&k) {
            return Err(SparkError::new(
                "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
                format!("cannot resolve {}: k must be from 1 to {K_MAX}, not {k}", call.display()),
            )
            .with("sqlExpr", format!("\"{}\"", call.display()))
            .with("exprName", "`k`")
            .with("valueRange", format!("[1, {K_MAX}]"))
            .with("currentValue", k.to_string()));
        }
        arguments.push(Typed::long(k));
    }
    let mut typed = Typed::aggregate(&EXTREME_BY, arguments)?;
    typed.data_type = if call.has(2) { DataType::array(data_type, true) } else { data_type };
    Ok(call.shown(typed))
}

#[derive(Debug)]
struct Extreme {
    descending: bool,
    k: Option<usize>,
    value_type: ArrowType,
    key_type: ArrowType,
    return_type: ArrowType,
    /// The rows that lead: value and key, the first one first.
    best: Vec<(ScalarValue, ScalarValue)>,
}

impl Extreme {
    fn new(inputs: &Inputs) -> Result<Self> {
        let field = |index: usize| {
            let field = inputs.fields.get(index).map(|field| field.data_type().clone());
            field.ok_or_else(|| internal_datafusion_err!("spark_max_by takes a value and a key"))
        };
        let k = if inputs.fields.len() > 3 { Some(usize::try_from(inputs.integer(3)?).unwrap_or(1)) } else { None };
        Ok(Self {
            descending: inputs.boolean(2)?,
            k,
            value_type: field(0)?,
            key_type: field(1)?,
            return_type: inputs.return_type.clone(),
            best: Vec::new(),
        })
    }

    fn add(&mut self, values: &ArrayRef, keys: &ArrayRef) -> Result<()> {
        let k = self.k.unwrap_or(1);
        for row in self.leading(keys, k)? {
            let key = ScalarValue::try_from_array(keys, row)?;
            // The one row is the last of equal ones, as in Spark; of several, earlier ones come first.
            let position = self.best.partition_point(|(_, known)| match self.order(known, &key) {
                Ordering::Equal => self.k.is_some(),
                order => order.is_lt(),
            });
            if position < k {
                let value = ScalarValue::try_from_array(values, row)?;
                self.best.insert(position, (value.compacted(), key.compacted()));
                self.best.truncate(k);
            }
        }
        Ok(())
    }

    fn order(&self, left: &ScalarValue, right: &ScalarValue) -> Ordering {
        let order = left.partial_cmp(right).unwrap_or(Ordering::Equal);
        if self.descending { order.reverse() } else { order }
    }

    /// The rows of a batch that could be among the `k` first.
    fn leading(&self, keys: &ArrayRef, k: usize) -> Result<Vec<usize>> {
        let options = SortOptions { descending: self.descending, nulls_first: false };
        let compare = make_comparator(keys, keys, options)?;
        // Logical ones: an array of nothing but nulls has no others.
        let nulls = keys.logical_nulls();
        let mut rows = (0..keys.len()).filter(|row| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(*row)));
        if k == 1 {
            let Some(first) = rows.next() else { return Ok(Vec::new()) };
            let best = rows.fold(first, |best, row| match compare(row, best) {
                Ordering::Less => row,
                Ordering::Equal if self.k.is_none() => row,
                _ => best,
            });
            return Ok(vec![best]);
        }
        let mut rows: Vec<usize> = rows.collect();
        rows.sort_by(|left, right| compare(*left, *right));
        rows.truncate(k);
        Ok(rows)
    }

    fn column(&self, data_type: &ArrowType, pick: fn(&(ScalarValue, ScalarValue)) -> &ScalarValue) -> Result<ArrayRef> {
        if self.best.is_empty() {
            return Ok(arrow::array::new_empty_array(data_type));
        }
        ScalarValue::iter_to_array(self.best.iter().map(|row| pick(row).clone()))
    }
}

impl Accumulator for Extreme {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.add(&values[0], &values[1])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if self.k.is_none() {
            let first = self.best.first().map(|(value, _)| Ok(value.clone()));
            return first.unwrap_or_else(|| ScalarValue::try_from(&self.value_type));
        }
        if self.best.is_empty() {
            return ScalarValue::try_from(&self.return_type);
        }
        list_scalar(&self.return_type, self.column(&self.value_type, |row| &row.0)?)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.best.iter().map(|(value, key)| value.size() + key.size()).sum::<usize>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![
            list_scalar(&list_of(&self.value_type), self.column(&self.value_type, |row| &row.0)?)?,
            list_scalar(&list_of(&self.key_type), self.column(&self.key_type, |row| &row.1)?)?,
        ])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for row in 0..states[0].len() {
            self.add(&list_values(&states[0], row)?, &list_values(&states[1], row)?)?;
        }
        Ok(())
    }
}
