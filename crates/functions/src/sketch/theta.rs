//! Theta sketches, compressed and in order of their hashes.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Int64Array};
use arrow::datatypes::{DataType as ArrowType, Int32Type};
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::{AggregateUDF, ScalarUDF};
use datasketches::theta::{
    CompactThetaSketch, ThetaANotB, ThetaIntersection, ThetaSketch, ThetaSketchBuilder, ThetaUnion, ThetaUnionBuilder,
};
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::accumulate::{Accumulated, Sketch, binary, state, text};
use super::argument::{exact, exact_int, small, with_defaults};
use super::error::{LG_ENTRIES, THETA};
use super::hll::round;
use super::key::for_each;
use crate::aggregate::own::OwnAggregate;
use crate::call::Call;
use crate::kernel::{KernelUdf, null_if_any, spark_error};
use crate::typed::Typed;

pub(super) const LG_ENTRIES_DEFAULT: u8 = 12;
/// Theta as an integer where nothing was left out.
const THETA_ALL: u64 = i64::MAX as u64;
/// How the image of a single value starts, and the flag that it gets.
const ONE_UNCOMPRESSED: [u8; 2] = [1, 3];
const FLAGS_AT: usize = 5;
const SINGLE: u8 = 0x20;
/// The image of a sketch of nothing.
const EMPTY: [u8; 8] = [1, 3, 3, 0, 0, 0x1e, 0, 0];

/// `spark_theta_sketch_agg(value, lg entries)`
pub(super) static SKETCH_AGG: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    OwnAggregate {
        name: "spark_theta_sketch_agg",
        return_type: |_| Ok(ArrowType::Binary),
        state: |_| state(),
        make: |inputs| {
            let lg = u8::try_from(inputs.integer(1)?).unwrap_or_default();
            let sketch = ThetaSketchBuilder::default().lg_k(lg).build();
            let sketch = sketch.or_else(|error| internal_err!("{error}"))?;
            Ok(Box::new(Accumulated(Counting { sketch, union: None })))
        },
        make_groups: None,
    }
    .udaf()
});

/// `spark_theta_union_agg(sketch, lg entries)`
pub(super) static UNION_AGG: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    OwnAggregate {
        name: "spark_theta_union_agg",
        return_type: |_| Ok(ArrowType::Binary),
        state: |_| state(),
        make: |inputs| {
            let lg = u8::try_from(inputs.integer(1)?).unwrap_or_default();
            Ok(Box::new(Accumulated(Uniting { union: new_union(lg)? })))
        },
        make_groups: None,
    }
    .udaf()
});

/// `spark_theta_intersection_agg(sketch)`
pub(super) static INTERSECTION_AGG: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    OwnAggregate {
        name: "spark_theta_intersection_agg",
        return_type: |_| Ok(ArrowType::Binary),
        state: |_| state(),
        make: |_| Ok(Box::new(Accumulated(Intersecting { intersection: ThetaIntersection::default() }))),
        make_groups: None,
    }
    .udaf()
});

/// `spark_theta_sketch_estimate(sketch)`
pub(super) static ESTIMATE: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_theta_sketch_estimate",
        |fields, _| null_if_any(ArrowType::Int64, fields),
        |arrays, _| {
            let estimates = binary(arrays, 0)?.iter().map(|bytes| {
                bytes.map(|bytes| Ok(round(read(bytes, "theta_sketch_estimate")?.estimate()))).transpose()
            });
            Ok(Arc::new(estimates.collect::<Result<Int64Array>>()?))
        },
    )
});

/// `spark_theta_combine(sketch, sketch, lg entries, function)`
pub(super) static COMBINE: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_theta_combine",
        |fields, _| null_if_any(ArrowType::Binary, &fields[..3]),
        |arrays, rows| {
            let (left, right, lg) = (binary(arrays, 0)?, binary(arrays, 1)?, arrays[2].as_primitive::<Int32Type>());
            let function = text(arrays, 3)?;
            let combined = (0..rows).map(|row| {
                if left.is_null(row) || right.is_null(row) || lg.is_null(row) {
                    return Ok(None);
                }
                let lg = LG_ENTRIES.check(lg.value(row), function).map_err(spark_error)?;
                let (left, right) = (read(left.value(row), function)?, read(right.value(row), function)?);
                combined(&left, &right, lg, function).map(|sketch| Some(written(&sketch)))
            });
            Ok(Arc::new(combined.collect::<Result<BinaryArray>>()?))
        },
    )
});

pub(super) fn sketch_agg(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let call = with_defaults(call, &[(1, small(LG_ENTRIES_DEFAULT))]);
    let value = exact(&call, 0, &key_types())?;
    let lg = size(&call)?;
    never_null(&call, Typed::aggregate(&SKETCH_AGG, vec![value, small(lg)])?)
}

pub(super) fn union_agg(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=2)?;
    let call = with_defaults(call, &[(1, small(LG_ENTRIES_DEFAULT))]);
    let sketch = exact(&call, 0, &[DataType::Binary])?;
    let lg = size(&call)?;
    never_null(&call, Typed::aggregate(&UNION_AGG, vec![sketch, small(lg)])?)
}

pub(super) fn intersection_agg(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    never_null(call, Typed::aggregate(&INTERSECTION_AGG, vec![exact(call, 0, &[DataType::Binary])?])?)
}

pub(super) fn estimate(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(Typed::call(&ESTIMATE, vec![exact(call, 0, &[DataType::Binary])?])?))
}

pub(super) fn union(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let call = with_defaults(call, &[(2, small(LG_ENTRIES_DEFAULT))]);
    let lg = exact(&call, 2, &[DataType::Integer])?;
    combination(&call, lg)
}

/// `theta_intersection` and `theta_difference`
pub(super) fn combine(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    combination(call, small(LG_ENTRIES_DEFAULT))
}

fn combination(call: &Call<'_>, lg: Typed) -> SparkResult<Typed> {
    let (left, right) = (exact(call, 0, &[DataType::Binary])?, exact(call, 1, &[DataType::Binary])?);
    Ok(call.shown(Typed::call(&COMBINE, vec![left, right, lg, Typed::string(call.name)])?))
}

/// The types that a sketch counts, as Spark lists them.
pub(super) fn key_types() -> [DataType; 8] {
    [
        DataType::array(DataType::Integer, true),
        DataType::array(DataType::Long, true),
        DataType::Binary,
        DataType::Double,
        DataType::Float,
        DataType::Integer,
        DataType::Long,
        DataType::STRING,
    ]
}

/// The second argument, constant and within bounds.
fn size(call: &Call<'_>) -> SparkResult<u8> {
    let Some(lg) = exact_int(call, 1)? else {
        let message = format!("{} takes a constant as its second argument", call.name);
        return Err(SparkError::new("THETA_LG_NOM_ENTRIES_MUST_BE_CONSTANT", message)
            .with("function", format!("`{}`", call.name)));
    };
    LG_ENTRIES.check(lg, call.name)
}

fn never_null(call: &Call<'_>, mut typed: Typed) -> SparkResult<Typed> {
    typed.nullable = false;
    Ok(call.shown(typed))
}

fn combined(
    left: &CompactThetaSketch,
    right: &CompactThetaSketch,
    lg: u8,
    function: &str,
) -> Result<CompactThetaSketch> {
    let invalid = |_| THETA.invalid(function);
    match function {
        "theta_union" => {
            let mut union = new_union(lg)?;
            union.update(left).map_err(invalid)?;
            union.update(right).map_err(invalid)?;
            Ok(union.to_sketch(true))
        }
        "theta_intersection" => {
            let mut intersection = ThetaIntersection::default();
            intersection.update(left).map_err(invalid)?;
            intersection.update(right).map_err(invalid)?;
            match intersection.to_sketch(true) {
                Some(sketch) => Ok(sketch),
                None => internal_err!("an intersection of two sketches is undefined"),
            }
        }
        _ => ThetaANotB::default().compute(left, right, true).map_err(invalid),
    }
}

/// Counts values.
#[derive(Debug)]
struct Counting {
    sketch: ThetaSketch,
    /// Of what other tasks counted.
    union: Option<ThetaUnion>,
}

impl Sketch for Counting {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        for_each(&columns[0], |_, key| self.sketch.update(key))
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        let lg = self.sketch.lg_k();
        let union = match &mut self.union {
            Some(union) => union,
            none => none.insert(new_union(lg)?),
        };
        union.update(&read(partial, "theta_sketch_agg")?).map_err(|_| THETA.invalid("theta_sketch_agg"))
    }

    fn partial(&mut self) -> Result<Option<Vec<u8>>> {
        self.answer().map(Some)
    }

    fn answer(&mut self) -> Result<Vec<u8>> {
        self.sketch.trim();
        let counted = self.sketch.compact(true);
        let Some(union) = &mut self.union else { return Ok(written(&counted)) };
        union.update(&counted).map_err(|_| THETA.invalid("theta_sketch_agg"))?;
        Ok(written(&union.to_sketch(true)))
    }

    fn bytes(&self) -> usize {
        self.sketch.estimated_size() + self.union.as_ref().map_or(0, ThetaUnion::estimated_size)
    }
}

#[derive(Debug)]
struct Uniting {
    union: ThetaUnion,
}

impl Sketch for Uniting {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        binary(columns, 0)?.iter().flatten().try_for_each(|sketch| self.merge(sketch))
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        let sketch = read(partial, "theta_union_agg")?;
        self.union.update(&sketch).map_err(|_| THETA.invalid("theta_union_agg"))
    }

    fn partial(&mut self) -> Result<Option<Vec<u8>>> {
        self.answer().map(Some)
    }

    fn answer(&mut self) -> Result<Vec<u8>> {
        Ok(written(&self.union.to_sketch(true)))
    }

    fn bytes(&self) -> usize {
        self.union.estimated_size()
    }
}

#[derive(Debug)]
struct Intersecting {
    intersection: ThetaIntersection,
}

impl Sketch for Intersecting {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        binary(columns, 0)?.iter().flatten().try_for_each(|sketch| self.merge(sketch))
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        let sketch = read(partial, "theta_intersection_agg")?;
        self.intersection.update(&sketch).map_err(|_| THETA.invalid("theta_intersection_agg"))
    }

    fn partial(&mut self) -> Result<Option<Vec<u8>>> {
        Ok(self.intersection.to_sketch(true).map(|sketch| written(&sketch)))
    }

    fn answer(&mut self) -> Result<Vec<u8>> {
        // Of no sketch at all it would be everything there is.
        self.partial()?.ok_or_else(|| THETA.invalid("theta_intersection_agg"))
    }

    fn bytes(&self) -> usize {
        self.intersection.estimated_size()
    }
}

fn new_union(lg: u8) -> Result<ThetaUnion> {
    ThetaUnionBuilder::default().lg_k(lg).build().or_else(|error| internal_err!("{error}"))
}

pub(super) fn read(bytes: &[u8], function: &str) -> Result<CompactThetaSketch> {
    THETA.check_family(bytes, function)?;
    let sketch = CompactThetaSketch::deserialize(bytes).map_err(|_| THETA.invalid(function))?;
    // The library takes it on trust that what is said to be in order is, and panics where it is not.
    let in_order = sketch.iter().zip(sketch.iter().skip(1)).all(|(left, right)| left.hash() < right.hash());
    if sketch.is_ordered() && !in_order {
        return Err(THETA.invalid(function));
    }
    Ok(sketch)
}

/// The compressed image, with the flag that Java gives to a single value. Without values, and with none left out, it is that of nothing, as in Java.
fn written(sketch: &CompactThetaSketch) -> Vec<u8> {
    if sketch.num_retained() == 0 && sketch.theta64() == THETA_ALL {
        return EMPTY.to_vec();
    }
    let mut image = sketch.serialize_compressed();
    if image[..2] == ONE_UNCOMPRESSED {
        image[FLAGS_AT] |= SINGLE;
    }
    image
}
