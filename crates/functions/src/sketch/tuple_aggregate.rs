//! Aggregates that make tuple sketches of keys and numbers, and of other tuple sketches.

use std::sync::{Arc, LazyLock};

use arrow::array::ArrayRef;
use arrow::datatypes::DataType as ArrowType;
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::{Accumulator, AggregateUDF};
use datasketches::tuple::{TupleIntersection, TupleSketch, TupleSketchBuilder, TupleUnion};
use firesteel_spec::{DataType, SparkResult};

use super::accumulate::{Accumulated, Sketch, binary, state};
use super::argument::{checked_size, small, with_defaults};
use super::error::{LG_ENTRIES, TUPLE, refused};
use super::key::for_each;
use super::theta::{LG_ENTRIES_DEFAULT, key_types};
use super::tuple::{checked_mode, is_integer, new_union};
use super::tuple_sketch::{Mode, Number, Rule, read, written};
use crate::aggregate::own::{Inputs, OwnAggregate};
use crate::call::Call;
use crate::cast::{Mode as CastEvaluation, cast};
use crate::kernel::spark_error;
use crate::typed::Typed;

/// `spark_tuple_sketch_agg(key, number, lg entries, mode, function)`
pub(super) static SKETCH_AGG: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    aggregate("spark_tuple_sketch_agg", |inputs| {
        let settings = Settings::of(inputs, 2)?;
        if is_integer(&settings.function) { counting::<i32>(settings) } else { counting::<f64>(settings) }
    })
});

/// `spark_tuple_union_agg(sketch, lg entries, mode, function)`
pub(super) static UNION_AGG: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    aggregate("spark_tuple_union_agg", |inputs| {
        let settings = Settings::of(inputs, 1)?;
        if is_integer(&settings.function) { uniting::<i32>(settings) } else { uniting::<f64>(settings) }
    })
});

/// `spark_tuple_intersection_agg(sketch, lg entries, mode, function)`, of which the size plays no part.
pub(super) static INTERSECTION_AGG: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    aggregate("spark_tuple_intersection_agg", |inputs| {
        let settings = Settings::of(inputs, 1)?;
        if is_integer(&settings.function) { intersecting::<i32>(settings) } else { intersecting::<f64>(settings) }
    })
});

fn aggregate(name: &'static str, make: fn(&Inputs) -> Result<Box<dyn Accumulator>>) -> Arc<AggregateUDF> {
    OwnAggregate { name, return_type: |_| Ok(ArrowType::Binary), state: |_| state(), make, make_groups: None }.udaf()
}

pub(super) fn sketch_agg(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=4)?;
    let call = with_defaults(call, &[(2, small(LG_ENTRIES_DEFAULT)), (3, Typed::string("sum"))]);
    let key = key(&call)?;
    let number = if is_integer(call.name) { DataType::Integer } else { DataType::Double };
    let number = number_of(&call, number)?;
    let lg = checked_size(&call, 2, "lgNomEntries", LG_ENTRIES)?;
    let mode = checked_mode(&call, 3)?;
    never_null(&call, &SKETCH_AGG, vec![key, number, small(lg), mode])
}

pub(super) fn union_agg(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=3)?;
    let call = with_defaults(call, &[(1, small(LG_ENTRIES_DEFAULT)), (2, Typed::string("sum"))]);
    let sketch = call.binary(0)?;
    let lg = checked_size(&call, 1, "lgNomEntries", LG_ENTRIES)?;
    let mode = checked_mode(&call, 2)?;
    never_null(&call, &UNION_AGG, vec![sketch, small(lg), mode])
}

pub(super) fn intersection_agg(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let call = with_defaults(call, &[(1, Typed::string("sum"))]);
    let sketch = call.binary(0)?;
    let mode = checked_mode(&call, 1)?;
    never_null(&call, &INTERSECTION_AGG, vec![sketch, small(LG_ENTRIES_DEFAULT), mode])
}

fn never_null(call: &Call<'_>, function: &Arc<AggregateUDF>, mut arguments: Vec<Typed>) -> SparkResult<Typed> {
    arguments.push(Typed::string(call.name));
    let mut typed = Typed::aggregate(function, arguments)?;
    typed.nullable = false;
    Ok(call.shown(typed))
}

/// The first argument as one of the types that are hashed: the one that Spark's coercion picks.
fn key(call: &Call<'_>) -> SparkResult<Typed> {
    let types = key_types();
    let argument = call.argument(0)?;
    let to = match &argument.data_type {
        DataType::Null => DataType::STRING,
        DataType::Byte | DataType::Short | DataType::Decimal { .. } => DataType::Double,
        DataType::Array { element, .. } if matches!(**element, DataType::Integer | DataType::Long) => {
            return Ok(argument);
        }
        nested @ (DataType::Array { .. } | DataType::Map { .. } | DataType::Struct { .. } | DataType::Variant) => {
            debug_assert!(!types.contains(nested), "arrays of integers were taken");
            return Err(refused(call, 0, &types));
        }
        found if types.contains(found) => return Ok(argument),
        _ => DataType::STRING,
    };
    cast(argument, &to, CastEvaluation::Ansi, call.settings)
}

/// The second argument; any number becomes the one that the function takes, and text does where it is one.
fn number_of(call: &Call<'_>, to: DataType) -> SparkResult<Typed> {
    let argument = call.argument(1)?;
    if argument.data_type.is_numeric() || argument.data_type.is_string() || argument.data_type == DataType::Null {
        return cast(argument, &to, CastEvaluation::Ansi, call.settings);
    }
    Err(refused(call, 1, &[to]))
}

/// The constant arguments.
struct Settings {
    lg: u8,
    mode: Mode,
    function: String,
}

impl Settings {
    fn of(inputs: &Inputs, first: usize) -> Result<Self> {
        let function = inputs.text(first + 2)?.to_owned();
        let lg = i32::try_from(inputs.integer(first)?).unwrap_or_default();
        Ok(Self {
            lg: LG_ENTRIES.check(lg, &function).map_err(spark_error)?,
            mode: Mode::named(inputs.text(first + 1)?, &function).map_err(spark_error)?,
            function,
        })
    }
}

fn counting<N: Number>(settings: Settings) -> Result<Box<dyn Accumulator>> {
    let sketch = TupleSketchBuilder::new(Rule::<N>::new(settings.mode)).lg_k(settings.lg).build();
    let sketch = sketch.or_else(|error| internal_err!("{error}"))?;
    Ok(Box::new(Accumulated(Counting { sketch, union: None, settings })))
}

fn uniting<N: Number>(settings: Settings) -> Result<Box<dyn Accumulator>> {
    let union = new_union::<N>(settings.lg, settings.mode)?;
    Ok(Box::new(Accumulated(Uniting { union, function: settings.function })))
}

fn intersecting<N: Number>(settings: Settings) -> Result<Box<dyn Accumulator>> {
    let intersection = TupleIntersection::new(Rule::<N>::new(settings.mode));
    Ok(Box::new(Accumulated(Intersecting { intersection, function: settings.function })))
}

/// Counts keys, with a number each.
struct Counting<N: Number> {
    sketch: TupleSketch<Rule<N>>,
    /// Of what other tasks counted.
    union: Option<TupleUnion<Rule<N>>>,
    settings: Settings,
}

impl<N: Number> std::fmt::Debug for Counting<N> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Counting").field("function", &self.settings.function).finish_non_exhaustive()
    }
}

impl<N: Number> Sketch for Counting<N> {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        for_each(&columns[0], |row, key| {
            if let Some(number) = N::at(&columns[1], row) {
                self.sketch.update(key, number);
            }
        })
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        let Settings { lg, mode, function } = &self.settings;
        let union = match &mut self.union {
            Some(union) => union,
            none => none.insert(new_union(*lg, *mode)?),
        };
        union.update(&read(partial, function)?).map_err(|_| TUPLE.invalid(function))
    }

    fn partial(&mut self) -> Result<Option<Vec<u8>>> {
        self.answer().map(Some)
    }

    fn answer(&mut self) -> Result<Vec<u8>> {
        self.sketch.trim();
        let counted = self.sketch.compact(false);
        let Some(union) = &mut self.union else { return Ok(written(&counted)) };
        union.update(&counted).map_err(|_| TUPLE.invalid(&self.settings.function))?;
        // What was counted is in the union now, and must not be added again.
        self.sketch.reset();
        Ok(written(&union.to_sketch(false)))
    }

    fn bytes(&self) -> usize {
        self.sketch.estimated_size() + self.union.as_ref().map_or(0, TupleUnion::estimated_size)
    }
}

struct Uniting<N: Number> {
    union: TupleUnion<Rule<N>>,
    function: String,
}

impl<N: Number> std::fmt::Debug for Uniting<N> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Uniting").field("function", &self.function).finish_non_exhaustive()
    }
}

impl<N: Number> Sketch for Uniting<N> {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        binary(columns, 0)?.iter().flatten().try_for_each(|sketch| self.merge(sketch))
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        let sketch = read(partial, &self.function)?;
        self.union.update(&sketch).map_err(|_| TUPLE.invalid(&self.function))
    }

    fn partial(&mut self) -> Result<Option<Vec<u8>>> {
        self.answer().map(Some)
    }

    fn answer(&mut self) -> Result<Vec<u8>> {
        Ok(written(&self.union.to_sketch(false)))
    }

    fn bytes(&self) -> usize {
        self.union.estimated_size()
    }
}

struct Intersecting<N: Number> {
    intersection: TupleIntersection<Rule<N>>,
    function: String,
}

impl<N: Number> std::fmt::Debug for Intersecting<N> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Intersecting").field("function", &self.function).finish_non_exhaustive()
    }
}

impl<N: Number> Sketch for Intersecting<N> {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        binary(columns, 0)?.iter().flatten().try_for_each(|sketch| self.merge(sketch))
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        let sketch = read(partial, &self.function)?;
        self.intersection.update(&sketch).map_err(|_| TUPLE.invalid(&self.function))
    }

    fn partial(&mut self) -> Result<Option<Vec<u8>>> {
        Ok(self.intersection.to_sketch(false).map(|sketch| written(&sketch)))
    }

    fn answer(&mut self) -> Result<Vec<u8>> {
        // Of no sketch at all it would be everything there is.
        self.partial()?.ok_or_else(|| TUPLE.invalid(&self.function))
    }

    fn bytes(&self) -> usize {
        self.intersection.estimated_size()
    }
}
