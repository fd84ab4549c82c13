//! KLL sketches of longs, doubles and floats, and the aggregates that make them.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, ArrowPrimitiveType, AsArray};
use arrow::compute::cast as arrow_cast;
use arrow::datatypes::{DataType as ArrowType, Float32Type, Float64Type, Int64Type};
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::{Accumulator, AggregateUDF};
use datasketches::kll::{KllFloat, KllSketch, KllValue};
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::accumulate::{Accumulated, Sketch, binary, state};
use super::argument::{exact, int};
use super::error::{KLL, constant, failed_check};
use crate::aggregate::own::{Inputs, OwnAggregate};
use crate::call::Call;
use crate::cast::{java_double, java_float};
use crate::typed::Typed;

const K_DEFAULT: u16 = 200;
const K_MIN: i32 = 8;
const K_MAX: i32 = 65_535;
/// Stands for a size that the user did not say.
const K_UNSAID: i64 = 0;

/// A type of values, and how the library has them: without NaN, since that has no rank.
pub(super) trait Values: Debug + Send + Sync + 'static {
    type Arrow: ArrowPrimitiveType;
    type Item: KllValue + Ord + Debug + Send + Sync + Copy;
    const SPARK: DataType;
    /// As Java's text of a sketch names it.
    const NAME: &'static str;

    fn item(value: <Self::Arrow as ArrowPrimitiveType>::Native) -> Option<Self::Item>;
    fn value(item: Self::Item) -> <Self::Arrow as ArrowPrimitiveType>::Native;
    fn text(item: Self::Item) -> String;
}

#[derive(Debug)]
pub(super) struct Longs;

#[derive(Debug)]
pub(super) struct Doubles;

#[derive(Debug)]
pub(super) struct Floats;

impl Values for Longs {
    type Arrow = Int64Type;
    type Item = i64;
    const SPARK: DataType = DataType::Long;
    const NAME: &'static str = "Longs";

    fn item(value: i64) -> Option<i64> {
        Some(value)
    }

    fn value(item: i64) -> i64 {
        item
    }

    fn text(item: i64) -> String {
        item.to_string()
    }
}

impl Values for Doubles {
    type Arrow = Float64Type;
    type Item = KllFloat<f64>;
    const SPARK: DataType = DataType::Double;
    const NAME: &'static str = "Doubles";

    fn item(value: f64) -> Option<KllFloat<f64>> {
        KllFloat::<f64>::new(value).ok()
    }

    fn value(item: KllFloat<f64>) -> f64 {
        item.into_inner()
    }

    fn text(item: KllFloat<f64>) -> String {
        java_double(item.into_inner())
    }
}

impl Values for Floats {
    type Arrow = Float32Type;
    type Item = KllFloat<f32>;
    const SPARK: DataType = DataType::Float;
    const NAME: &'static str = "Floats";

    fn item(value: f32) -> Option<KllFloat<f32>> {
        KllFloat::<f32>::new(value).ok()
    }

    fn value(item: KllFloat<f32>) -> f32 {
        item.into_inner()
    }

    fn text(item: KllFloat<f32>) -> String {
        java_float(item.into_inner())
    }
}

/// Calls a function for the values that the name of a Spark function ends with.
macro_rules! by_suffix {
    ($function:expr, $called:ident ( $($argument:expr),* )) => {{
        let function: &str = $function;
        if function.ends_with("_bigint") {
            $called::<$crate::sketch::kll::Longs>($($argument),*)
        } else if function.ends_with("_float") {
            $called::<$crate::sketch::kll::Floats>($($argument),*)
        } else {
            $called::<$crate::sketch::kll::Doubles>($($argument),*)
        }
    }};
}
pub(super) use by_suffix;

/// `spark_kll_sketch_agg(value, k, function)`
pub(super) static SKETCH_AGG: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    aggregate("spark_kll_sketch_agg", |inputs| {
        let (k, function) = (size(inputs)?, inputs.text(2)?);
        by_suffix!(function, ranking(k.unwrap_or(K_DEFAULT), function))
    })
});

/// `spark_kll_merge_agg(sketch, k, function)`
pub(super) static MERGE_AGG: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    aggregate("spark_kll_merge_agg", |inputs| {
        let (k, function) = (size(inputs)?, inputs.text(2)?);
        by_suffix!(function, merging(k, function))
    })
});

fn aggregate(name: &'static str, make: fn(&Inputs) -> Result<Box<dyn Accumulator>>) -> Arc<AggregateUDF> {
    OwnAggregate { name, return_type: |_| Ok(ArrowType::Binary), state: |_| state(), make, make_groups: None }.udaf()
}

fn size(inputs: &Inputs) -> Result<Option<u16>> {
    Ok(u16::try_from(inputs.integer(1)?).ok().filter(|k| i64::from(*k) != K_UNSAID))
}

pub(super) fn sketch_agg(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let types: &[DataType] = match call.name {
        "kll_sketch_agg_bigint" => &[DataType::Byte, DataType::Integer, DataType::Long, DataType::Short],
        "kll_sketch_agg_float" => &[DataType::Float],
        _ => &[DataType::Float, DataType::Double],
    };
    never_null(call, &SKETCH_AGG, exact(call, 0, types)?)
}

pub(super) fn merge_agg(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    never_null(call, &MERGE_AGG, exact(call, 0, &[DataType::Binary])?)
}

fn never_null(call: &Call<'_>, function: &Arc<AggregateUDF>, value: Typed) -> SparkResult<Typed> {
    let k = if call.has(1) { checked_size(call)? } else { K_UNSAID };
    let mut typed = Typed::aggregate(function, vec![value, Typed::long(k), Typed::string(call.name)])?;
    typed.nullable = false;
    Ok(call.shown(typed))
}

fn checked_size(call: &Call<'_>) -> SparkResult<i64> {
    let argument = exact(call, 1, &[DataType::Integer])?;
    let k = int(&constant(call, &argument, "k")?);
    if (K_MIN..=K_MAX).contains(&k) {
        return Ok(i64::from(k));
    }
    let inner = SparkError::new(
        "KLL_SKETCH_K_OUT_OF_RANGE",
        format!("{} takes a k from {K_MIN} to {K_MAX}, and not {k}", call.name),
    )
    .with("functionName", format!("`{}`", call.name))
    .with("k", k.to_string());
    Err(failed_check(call, &inner))
}

pub(super) fn read<V: Values>(bytes: &[u8], function: &str) -> Result<KllSketch<V::Item>> {
    KllSketch::deserialize(bytes).map_err(|_| KLL.invalid(function))
}

fn empty<V: Values>(k: u16) -> Result<KllSketch<V::Item>> {
    KllSketch::new(k).or_else(|error| internal_err!("{error}"))
}

fn ranking<V: Values>(k: u16, function: &str) -> Result<Box<dyn Accumulator>> {
    let function = function.to_owned();
    Ok(Box::new(Accumulated(Ranking::<V> { sketch: empty::<V>(k)?, function, values: PhantomData })))
}

fn merging<V: Values>(k: Option<u16>, function: &str) -> Result<Box<dyn Accumulator>> {
    let sketch = k.map(empty::<V>).transpose()?;
    Ok(Box::new(Accumulated(Merging::<V> { sketch, function: function.to_owned(), values: PhantomData })))
}

/// Ranks values.
#[derive(Debug)]
struct Ranking<V: Values> {
    sketch: KllSketch<V::Item>,
    function: String,
    values: PhantomData<V>,
}

impl<V: Values> Sketch for Ranking<V> {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let column = arrow_cast(&columns[0], &V::Arrow::DATA_TYPE)?;
        let values = column.as_primitive::<V::Arrow>();
        values.iter().flatten().filter_map(V::item).for_each(|item| self.sketch.update(item));
        Ok(())
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        self.sketch.merge(&read::<V>(partial, &self.function)?).map_err(|_| KLL.invalid(&self.function))
    }

    fn partial(&mut self) -> Result<Option<Vec<u8>>> {
        self.answer().map(Some)
    }

    fn answer(&mut self) -> Result<Vec<u8>> {
        Ok(self.sketch.serialize())
    }

    fn bytes(&self) -> usize {
        self.sketch.num_retained() * size_of::<V::Item>()
    }
}

/// Merges sketches, into one of the size of the first if none was said.
#[derive(Debug)]
struct Merging<V: Values> {
    sketch: Option<KllSketch<V::Item>>,
    function: String,
    values: PhantomData<V>,
}

impl<V: Values> Sketch for Merging<V> {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        binary(columns, 0)?.iter().flatten().try_for_each(|sketch| self.merge(sketch))
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        let other = read::<V>(partial, &self.function)?;
        match &mut self.sketch {
            Some(sketch) => sketch.merge(&other).map_err(|_| KLL.invalid(&self.function)),
            none => {
                *none = Some(other);
                Ok(())
            }
        }
    }

    fn partial(&mut self) -> Result<Option<Vec<u8>>> {
        Ok(self.sketch.as_ref().map(KllSketch::serialize))
    }

    fn answer(&mut self) -> Result<Vec<u8>> {
        match &self.sketch {
            Some(sketch) => Ok(sketch.serialize()),
            None => Ok(empty::<V>(K_DEFAULT)?.serialize()),
        }
    }

    fn bytes(&self) -> usize {
        self.sketch.as_ref().map_or(0, |sketch| sketch.num_retained() * size_of::<V::Item>())
    }
}
