//! The most frequent values: `mode`, `approx_top_k`, and the candidates of `freqItems`. The first two count exactly.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StructArray};
use arrow::datatypes::{DataType as ArrowType, Field, Fields, Int64Type};
use datafusion::common::{Result, ScalarValue, internal_datafusion_err};
use datafusion::logical_expr::{Accumulator, AggregateUDF};
use firesteel_spec::{DataType, SparkError, SparkResult, StructField};

use super::own::{Inputs, OwnAggregate, list_of, list_scalar, list_values};
use super::percentile::short_order;
use crate::call::Call;
use crate::typed::Typed;

/// `spark_mode(value, descending)`: of values that are equally frequent the least, or the greatest.
pub(super) static MODE: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    OwnAggregate {
        name: "spark_mode",
        return_type: |fields| Ok(fields[0].data_type().clone()),
        state: |fields| vec![list_of(fields[0].data_type()), list_of(&ArrowType::Int64)],
        make: |inputs| Ok(Box::new(Frequent::new(inputs, Answer::Mode { descending: inputs.boolean(1)? })?)),
        make_groups: None,
    }
    .udaf()
});

/// `spark_top_k(value, k)`
pub(super) static TOP_K: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    OwnAggregate {
        name: "spark_top_k",
        return_type: |fields| {
            let entry = entry_fields(fields[0].data_type());
            Ok(ArrowType::List(Arc::new(Field::new_list_field(ArrowType::Struct(entry), false))))
        },
        state: |fields| vec![list_of(fields[0].data_type()), list_of(&ArrowType::Int64)],
        make: |inputs| {
            let k = usize::try_from(inputs.integer(1)?).unwrap_or(0);
            Ok(Box::new(Frequent::new(inputs, Answer::Top { k })?))
        },
        make_groups: None,
    }
    .udaf()
});

/// `freq_items(value, size)`: what came in more than one of `size` rows is among the answer's `size` values.
pub(super) static FREQUENT_ITEMS: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    OwnAggregate {
        name: "spark_freq_items",
        return_type: |fields| Ok(list_of(fields[0].data_type())),
        state: |fields| vec![list_of(fields[0].data_type()), list_of(&ArrowType::Int64)],
        make: |inputs| {
            let size = usize::try_from(inputs.integer(1)?).unwrap_or(0);
            Ok(Box::new(Frequent::new(inputs, Answer::Items { size })?))
        },
        make_groups: None,
    }
    .udaf()
});

fn entry_fields(item: &ArrowType) -> Fields {
    Fields::from(vec![Field::new("item", item.clone(), true), Field::new("count", ArrowType::Int64, false)])
}

/// `mode(value)`, `mode(value, deterministic)` and `mode() WITHIN GROUP (ORDER BY value)`.
pub(super) fn mode(call: &Call<'_>) -> SparkResult<Typed> {
    if let [(value, order)] = call.within_group.as_slice() {
        call.expect(0..=0)?;
        let shown = if order.asc { format!("{} DESC", value.name) } else { value.name.clone() };
        return build(value.clone(), !order.asc)
            .map(|typed| typed.named(format!("mode() WITHIN GROUP (ORDER BY {shown})")));
    }
    call.expect(1..=2)?;
    let value = call.argument(0)?;
    let deterministic = call.has(1) && call.constant(1)? == ScalarValue::Boolean(Some(true));
    let name = if deterministic {
        let descending = datafusion::logical_expr::expr::Sort::new(value.expr.clone(), false, false);
        format!("mode() WITHIN GROUP (ORDER BY {})", short_order(&value, &descending))
    } else {
        format!("mode({})", value.name)
    };
    build(value, false).map(|typed| typed.named(name))
}

fn build(value: Typed, descending: bool) -> SparkResult<Typed> {
    let data_type = value.data_type.clone();
    if matches!(data_type, DataType::Map { .. } | DataType::Variant) {
        return Err(SparkError::unsupported(format!("mode() of {data_type}")));
    }
    let mut typed = Typed::aggregate(&MODE, vec![value, Typed::boolean(descending)])?;
    typed.data_type = data_type;
    Ok(typed)
}

/// `approx_top_k(value, k, tracked)`: how many values are tracked is of no matter to exact counts.
pub(super) fn approx_top_k(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=3)?;
    let value = call.argument(0)?;
    let item = value.data_type.clone();
    let k = if call.has(1) { call.constant_integer(1)? } else { 5 };
    let tracked = if call.has(2) { call.constant_integer(2)? } else { 10_000 };
    if k <= 0 {
        return Err(SparkError::new(
            "APPROX_TOP_K_NON_POSITIVE_ARG",
            format!("approx_top_k takes a positive k, not {k}"),
        )
        .with("argName", "`k`")
        .with("argValue", k.to_string()));
    }
    if k > tracked {
        return Err(SparkError::new(
            "APPROX_TOP_K_MAX_ITEMS_TRACKED_LESS_THAN_K",
            format!("approx_top_k takes no k above the number of items tracked, and {k} is above {tracked}"),
        )
        .with("maxItemsTracked", tracked.to_string())
        .with("k", k.to_string()));
    }
    let name = format!("{}({}, {k}, {tracked})", call.name, value.name);
    let mut typed = Typed::aggregate(&TOP_K, vec![value, Typed::long(k)])?;
    let fields = vec![StructField::new("item", item, true), StructField::new("count", DataType::Long, false)];
    typed.data_type = DataType::array(DataType::Struct { fields }, false);
    typed.nullable = false;
    Ok(typed.named(name))
}

/// `freq_items(value, size)`, of `DataFrame.freqItems`.
pub(super) fn freq_items(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let value = call.argument(0)?;
    let size = call.constant_integer(1)?;
    let item = value.data_type.clone();
    let mut typed = Typed::aggregate(&FREQUENT_ITEMS, vec![value, Typed::long(size)])?;
    typed.data_type = DataType::array(item, true);
    typed.nullable = false;
    Ok(call.shown(typed))
}

#[derive(Debug, Clone, Copy)]
enum Answer {
    Mode { descending: bool },
    Top { k: usize },
    Items { size: usize },
}

#[derive(Debug)]
struct Frequent {
    answer: Answer,
    value_type: ArrowType,
    return_type: ArrowType,
    counts: HashMap<ScalarValue, i64>,
    bytes: usize,
}

impl Frequent {
    fn new(inputs: &Inputs, answer: Answer) -> Result<Self> {
        let field = inputs.fields.first().ok_or_else(|| internal_datafusion_err!("mode of no argument"))?;
        Ok(Self {
            answer,
            value_type: field.data_type().clone(),
            return_type: inputs.return_type.clone(),
            counts: HashMap::new(),
            bytes: 0,
        })
    }

    fn add(&mut self, values: &ArrayRef, counts: Option<&Int64Array>) -> Result<()> {
        // Null is a value to top_k.
        let nulls = values.logical_nulls().filter(|_| matches!(self.answer, Answer::Mode { .. }));
        for row in 0..values.len() {
            if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                continue;
            }
            let value = ScalarValue::try_from_array(values, row)?;
            let count = counts.map_or(1, |counts| counts.value(row));
            let is_full = self.is_full();
            match self.counts.get_mut(&value) {
                Some(known) => *known += count,
                None if is_full => self.make_place(value, count),
                None => {
                    let value = value.compacted();
                    self.bytes += value.size() + size_of::<(ScalarValue, i64)>();
                    self.counts.insert(value, count);
                }
            }
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        matches!(self.answer, Answer::Items { size } if self.counts.len() >= size)
    }

    /// Karp's and others' algorithm: what comes new takes as much from each value that is kept, and none is kept that has
    /// nothing left.
    fn make_place(&mut self, value: ScalarValue, count: i64) {
        let least = self.counts.values().copied().min().unwrap_or(0);
        let taken = least.min(count);
        if count >= least {
            self.counts.insert(value.compacted(), count);
        }
        self.counts.values_mut().for_each(|known| *known -= taken);
        self.counts.retain(|_, known| *known > 0);
        self.bytes = self.counts.keys().map(|value| value.size() + size_of::<(ScalarValue, i64)>()).sum();
    }

    fn items(&self) -> Result<ScalarValue> {
        let mut items: Vec<&ScalarValue> = self.counts.keys().collect();
        items.sort_by(|left, right| left.partial_cmp(right).unwrap_or(std::cmp::Ordering::Equal));
        list_scalar(&self.return_type, self.array(items.into_iter().cloned())?)
    }

    fn mode(&self, descending: bool) -> Result<ScalarValue> {
        let best = self.counts.iter().max_by(|left, right| {
            let order = left.0.partial_cmp(right.0).unwrap_or(std::cmp::Ordering::Equal);
            left.1.cmp(right.1).then(if descending { order } else { order.reverse() })
        });
        best.map_or_else(|| ScalarValue::try_from(&self.value_type), |(value, _)| Ok(value.clone()))
    }

    fn top(&self, k: usize) -> Result<ScalarValue> {
        let mut entries: Vec<(&ScalarValue, i64)> = self.counts.iter().map(|(value, count)| (value, *count)).collect();
        entries.sort_by(|left, right| {
            right.1.cmp(&left.1).then_with(|| left.0.partial_cmp(right.0).unwrap_or(std::cmp::Ordering::Equal))
        });
        entries.truncate(k);
        let items = self.array(entries.iter().map(|(value, _)| (*value).clone()))?;
        let counts = Arc::new(Int64Array::from_iter_values(entries.iter().map(|(_, count)| *count)));
        let entries = StructArray::try_new(entry_fields(&self.value_type), vec![items, counts], None)?;
        list_scalar(&self.return_type, Arc::new(entries))
    }

    fn array(&self, values: impl ExactSizeIterator<Item = ScalarValue>) -> Result<ArrayRef> {
        if values.len() == 0 {
            return Ok(arrow::array::new_empty_array(&self.value_type));
        }
        ScalarValue::iter_to_array(values)
    }
}

impl Accumulator for Frequent {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.add(&values[0], None)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        match self.answer {
            Answer::Mode { descending } => self.mode(descending),
            Answer::Top { k } => self.top(k),
            Answer::Items { .. } => self.items(),
        }
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.bytes
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let values = self.array(self.counts.keys().cloned())?;
        let counts = Arc::new(Int64Array::from_iter_values(self.counts.values().copied()));
        Ok(vec![list_scalar(&list_of(&self.value_type), values)?, list_scalar(&list_of(&ArrowType::Int64), counts)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for row in 0..states[0].len() {
            let (values, counts) = (list_values(&states[0], row)?, list_values(&states[1], row)?);
            self.add(&values, Some(counts.as_primitive::<Int64Type>()))?;
        }
        Ok(())
    }
}
