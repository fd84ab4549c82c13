//! [`OwnAggregate`]: an aggregate function that is a name, rules for its types, and an accumulator. `DISTINCT` and
//! moving window frames work for all of them, by keeping the rows.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType as ArrowType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue, internal_datafusion_err, internal_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, Signature, Volatility};
use datafusion::physical_expr::expressions::Literal;

/// What an accumulator is made for.
#[derive(Debug, Clone)]
pub(crate) struct Inputs {
    pub(crate) fields: Vec<FieldRef>,
    /// The values of the arguments that are constant.
    pub(crate) constants: Vec<Option<ScalarValue>>,
    pub(crate) return_type: ArrowType,
}

impl Inputs {
    fn of(args: &AccumulatorArgs<'_>) -> Self {
        let constants = args.exprs.iter().map(|expr| expr.downcast_ref::<Literal>().map(|value| value.value().clone()));
        Self {
            fields: args.expr_fields.to_vec(),
            constants: constants.collect(),
            return_type: args.return_field.data_type().clone(),
        }
    }

    pub(crate) fn constant(&self, index: usize) -> Result<&ScalarValue> {
        let constant = self.constants.get(index).and_then(Option::as_ref);
        constant.ok_or_else(|| internal_datafusion_err!("argument {} of an aggregate is no constant", index + 1))
    }

    pub(crate) fn text(&self, index: usize) -> Result<&str> {
        match self.constant(index)? {
            ScalarValue::Utf8(Some(text)) => Ok(text),
            other => internal_err!("argument {} of an aggregate is {other}, not a text", index + 1),
        }
    }

    pub(crate) fn boolean(&self, index: usize) -> Result<bool> {
        match self.constant(index)? {
            ScalarValue::Boolean(Some(value)) => Ok(*value),
            other => internal_err!("argument {} of an aggregate is {other}, not a boolean", index + 1),
        }
    }

    pub(crate) fn integer(&self, index: usize) -> Result<i64> {
        match self.constant(index)?.cast_to(&ArrowType::Int64)? {
            ScalarValue::Int64(Some(value)) => Ok(value),
            other => internal_err!("argument {} of an aggregate is {other}, not an integer", index + 1),
        }
    }
}

type Make = fn(&Inputs) -> Result<Box<dyn Accumulator>>;
type MakeGroups = fn(&Inputs) -> Result<Box<dyn GroupsAccumulator>>;

#[derive(Debug)]
pub(crate) struct OwnAggregate {
    pub(crate) name: &'static str,
    pub(crate) return_type: fn(&[FieldRef]) -> Result<ArrowType>,
    /// The types of the columns that partial results travel in.
    pub(crate) state: fn(&[FieldRef]) -> Vec<ArrowType>,
    pub(crate) make: Make,
    pub(crate) make_groups: Option<MakeGroups>,
}

impl OwnAggregate {
    pub(crate) fn udaf(self) -> Arc<AggregateUDF> {
        let signature = Signature::variadic_any(Volatility::Immutable);
        Arc::new(AggregateUDF::from(Udaf { rules: self, signature }))
    }
}

#[derive(Debug)]
struct Udaf {
    rules: OwnAggregate,
    signature: Signature,
}

impl PartialEq for Udaf {
    fn eq(&self, other: &Self) -> bool {
        self.rules.name == other.rules.name
    }
}

impl Eq for Udaf {}

impl Hash for Udaf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.rules.name.hash(state);
    }
}

impl AggregateUDFImpl for Udaf {
    fn name(&self) -> &str {
        self.rules.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[ArrowType]) -> Result<ArrowType> {
        internal_err!("{} says its type by its arguments' fields", self.rules.name)
    }

    fn return_field(&self, fields: &[FieldRef]) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(self.rules.name, (self.rules.return_type)(fields)?, true)))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let types = if args.is_distinct {
            args.input_fields.iter().map(|field| list_of(field.data_type())).collect()
        } else {
            (self.rules.state)(args.input_fields)
        };
        let named = types.into_iter().enumerate().map(|(index, data_type)| {
            Arc::new(Field::new(format_state_name(args.name, &format!("state{index}")), data_type, true))
        });
        Ok(named.collect())
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let inputs = Inputs::of(&args);
        if args.is_distinct {
            return Ok(Box::new(DistinctRows { make: self.rules.make, inputs, rows: HashMap::new(), bytes: 0 }));
        }
        (self.rules.make)(&inputs)
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if args.is_distinct {
            return internal_err!("{}(DISTINCT) has no moving window frame", self.rules.name);
        }
        Ok(Box::new(Replayed { make: self.rules.make, inputs: Inputs::of(&args), batches: VecDeque::new() }))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.rules.make_groups.is_some() && !args.is_distinct
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        match self.rules.make_groups {
            Some(make) => make(&Inputs::of(&args)),
            None => internal_err!("{} accumulates no groups", self.rules.name),
        }
    }
}

/// Keeps each row of arguments once, and gives them to the function at the end, in the order in which they came.
#[derive(Debug)]
struct DistinctRows {
    make: Make,
    inputs: Inputs,
    /// With the place of each.
    rows: HashMap<Vec<ScalarValue>, usize>,
    bytes: usize,
}

impl DistinctRows {
    fn insert(&mut self, columns: &[ArrayRef]) -> Result<()> {
        for row in 0..columns.first().map_or(0, Array::len) {
            let row: Vec<_> =
                columns.iter().map(|column| ScalarValue::try_from_array(column, row)).collect::<Result<_>>()?;
            let bytes: usize = row.iter().map(ScalarValue::size).sum();
            let place = self.rows.len();
            if let Entry::Vacant(entry) = self.rows.entry(row) {
                entry.insert(place);
                self.bytes += bytes;
            }
        }
        Ok(())
    }

    fn columns(&self) -> Result<Vec<ArrayRef>> {
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort_unstable_by_key(|(_, place)| **place);
        let columns = self.inputs.fields.iter().enumerate().map(|(index, field)| {
            if self.rows.is_empty() {
                return Ok(arrow::array::new_empty_array(field.data_type()));
            }
            ScalarValue::iter_to_array(rows.iter().map(|(row, _)| row[index].clone()))
        });
        columns.collect()
    }
}

impl Accumulator for DistinctRows {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.insert(values)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut inner = (self.make)(&self.inputs)?;
        inner.update_batch(&self.columns()?)?;
        inner.evaluate()
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.bytes + self.rows.capacity() * size_of::<(Vec<ScalarValue>, usize)>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.columns()?.into_iter().map(|column| list_scalar(&list_of(&column.data_type().clone()), column)).collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for row in 0..states.first().map_or(0, Array::len) {
            let columns: Vec<_> = states.iter().map(|state| list_values(state, row)).collect::<Result<_>>()?;
            self.insert(&columns)?;
        }
        Ok(())
    }
}

/// Keeps the rows of a moving frame, and computes anew for each position of it.
#[derive(Debug)]
struct Replayed {
    make: Make,
    inputs: Inputs,
    batches: VecDeque<Vec<ArrayRef>>,
}

impl Accumulator for Replayed {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.batches.push_back(values.to_vec());
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let mut left = values.first().map_or(0, Array::len);
        while let Some(first) = self.batches.front_mut() {
            let rows = first.first().map_or(0, Array::len);
            if rows > left {
                for column in first.iter_mut() {
                    *column = column.slice(left, rows - left);
                }
                break;
            }
            left -= rows;
            self.batches.pop_front();
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut inner = (self.make)(&self.inputs)?;
        for batch in &self.batches {
            inner.update_batch(batch)?;
        }
        inner.evaluate()
    }

    fn size(&self) -> usize {
        let columns = self.batches.iter().flatten();
        size_of_val(self) + columns.map(|column| column.get_array_memory_size()).sum::<usize>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        internal_err!("a moving window frame has no partial results")
    }

    fn merge_batch(&mut self, _: &[ArrayRef]) -> Result<()> {
        internal_err!("a moving window frame has no partial results")
    }
}

/// The type of lists that travel as partial results.
pub(crate) fn list_of(element: &ArrowType) -> ArrowType {
    ArrowType::List(Arc::new(Field::new_list_field(element.clone(), true)))
}

/// One value of the type `list`, with these elements.
pub(crate) fn list_scalar(list: &ArrowType, elements: ArrayRef) -> Result<ScalarValue> {
    let ArrowType::List(field) = list else { return internal_err!("{list} is no list") };
    let offsets = OffsetBuffer::from_lengths([elements.len()]);
    Ok(ScalarValue::List(Arc::new(ListArray::try_new(Arc::clone(field), offsets, elements, None)?)))
}

/// The elements of row `row` of a column of lists; none for null.
pub(crate) fn list_values(lists: &ArrayRef, row: usize) -> Result<ArrayRef> {
    let lists = lists
        .as_list_opt::<i32>()
        .ok_or_else(|| internal_datafusion_err!("a partial result of {} is no list", lists.data_type()))?;
    Ok(if lists.is_null(row) { lists.values().slice(0, 0) } else { lists.value(row) })
}
