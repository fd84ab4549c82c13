//! Tuple sketches with a number to each value: how numbers of one value become one, and their bytes.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array};
use arrow::datatypes::{DataType as ArrowType, Float64Type, Int32Type};
use datafusion::common::Result;
use datasketches::codec::{SketchBytes, SketchSlice};
use datasketches::error::{Error, ErrorKind};
use datasketches::theta::CompactThetaSketch;
use datasketches::tuple::{
    CompactTupleSketch, SummaryCombinePolicy, SummaryPolicy, SummaryUpdatePolicy, TupleSummaryValue,
};
use firesteel_spec::{SparkError, SparkResult};

use super::error::TUPLE;
use super::theta;

/// What is made of several numbers of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Sum = 0,
    Min = 1,
    Max = 2,
    AlwaysOne = 3,
}

impl Mode {
    pub(super) fn named(name: &str, function: &str) -> SparkResult<Self> {
        match name.to_lowercase().as_str() {
            "sum" => Ok(Self::Sum),
            "min" => Ok(Self::Min),
            "max" => Ok(Self::Max),
            "alwaysone" => Ok(Self::AlwaysOne),
            _ => Err(SparkError::new(
                "TUPLE_INVALID_SKETCH_MODE",
                format!("{function} has no mode '{name}'; there are sum, min, max and alwaysone"),
            )
            .with("function", format!("`{function}`"))
            .with("mode", name)
            .with("validModes", "sum, min, max, alwaysone")),
        }
    }
}

/// A type of numbers: `INT` or `DOUBLE`.
pub(super) trait Number: Copy + Debug + PartialOrd + Send + Sync + 'static {
    const ZERO: Self;
    const ONE: Self;
    const LEAST: Self;
    const GREATEST: Self;
    const BYTES: usize;
    /// The type of what is made of all numbers of a sketch.
    const SUMMARY: ArrowType;

    fn plus(self, other: Self) -> Self;
    fn write(self, bytes: &mut SketchBytes);
    fn read(bytes: &mut SketchSlice<'_>) -> std::io::Result<Self>;
    /// Nothing for null.
    fn at(column: &ArrayRef, row: usize) -> Option<Self>;
    /// Of each sketch's numbers, what the mode makes of them; 0 of none.
    fn summaries<'a>(numbers: impl Iterator<Item = Result<Option<Vec<Self>>>> + 'a, mode: Mode) -> Result<ArrayRef>;
}

impl Number for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const LEAST: Self = Self::NEG_INFINITY;
    const GREATEST: Self = Self::INFINITY;
    const BYTES: usize = 8;
    const SUMMARY: ArrowType = ArrowType::Float64;

    fn plus(self, other: Self) -> Self {
        self + other
    }

    fn write(self, bytes: &mut SketchBytes) {
        bytes.write_f64_le(self);
    }

    fn read(bytes: &mut SketchSlice<'_>) -> std::io::Result<Self> {
        bytes.read_f64_le()
    }

    fn at(column: &ArrayRef, row: usize) -> Option<Self> {
        let column = column.as_primitive_opt::<Float64Type>()?;
        column.is_valid(row).then(|| column.value(row))
    }

    fn summaries<'a>(numbers: impl Iterator<Item = Result<Option<Vec<Self>>>> + 'a, mode: Mode) -> Result<ArrayRef> {
        let summaries = numbers.map(|numbers| {
            Ok(numbers?.map(|numbers| match mode {
                Mode::AlwaysOne => numbers.len() as f64,
                _ => numbers.into_iter().reduce(|left, right| merged(mode, left, right)).unwrap_or(0.0),
            }))
        });
        Ok(Arc::new(summaries.collect::<Result<Float64Array>>()?))
    }
}

impl Number for i32 {
    const ZERO: Self = 0;
    const ONE: Self = 1;
    const LEAST: Self = Self::MIN;
    const GREATEST: Self = Self::MAX;
    const BYTES: usize = 4;
    const SUMMARY: ArrowType = ArrowType::Int64;

    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }

    fn write(self, bytes: &mut SketchBytes) {
        bytes.write_i32_le(self);
    }

    fn read(bytes: &mut SketchSlice<'_>) -> std::io::Result<Self> {
        bytes.read_i32_le()
    }

    fn at(column: &ArrayRef, row: usize) -> Option<Self> {
        let column = column.as_primitive_opt::<Int32Type>()?;
        column.is_valid(row).then(|| column.value(row))
    }

    /// As longs, so that the sum of a sketch's numbers does not wrap.
    fn summaries<'a>(numbers: impl Iterator<Item = Result<Option<Vec<Self>>>> + 'a, mode: Mode) -> Result<ArrayRef> {
        let summaries = numbers.map(|numbers| {
            Ok(numbers?.map(|numbers| {
                let longs = numbers.iter().map(|number| i64::from(*number));
                match mode {
                    Mode::Sum => longs.sum(),
                    Mode::Min => longs.min().unwrap_or(0),
                    Mode::Max => longs.max().unwrap_or(0),
                    Mode::AlwaysOne => longs.map(|_| 1).sum(),
                }
            }))
        });
        Ok(Arc::new(summaries.collect::<Result<Int64Array>>()?))
    }
}

fn merged<N: Number>(mode: Mode, left: N, right: N) -> N {
    match mode {
        Mode::Sum => left.plus(right),
        Mode::Min if right < left => right,
        Mode::Max if right > left => right,
        Mode::Min | Mode::Max => left,
        Mode::AlwaysOne => N::ONE,
    }
}

/// The number of a value, and the mode by which it came about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Summary<N> {
    pub(super) number: N,
    mode: u8,
}

impl<N: Number> Summary<N> {
    /// Before the first number.
    fn start(mode: Mode) -> Self {
        let number = match mode {
            Mode::Sum => N::ZERO,
            Mode::Min => N::GREATEST,
            Mode::Max => N::LEAST,
            Mode::AlwaysOne => N::ONE,
        };
        Self { number, mode: mode as u8 }
    }
}

impl<N: Number> TupleSummaryValue for Summary<N> {
    fn serialize_size(&self) -> usize {
        N::BYTES + 1
    }

    fn serialize_value(&self, bytes: &mut SketchBytes) {
        self.number.write(bytes);
        bytes.write_u8(self.mode);
    }

    fn deserialize_value(cursor: &mut SketchSlice<'_>) -> std::result::Result<Self, Error> {
        let too_short = |error: std::io::Error| Error::new(ErrorKind::InvalidData, error.to_string());
        let number = N::read(cursor).map_err(too_short)?;
        let mode = cursor.read_u8().map_err(too_short)?;
        if mode > Mode::AlwaysOne as u8 {
            return Err(Error::new(ErrorKind::InvalidData, format!("a summary has no mode {mode}")));
        }
        Ok(Self { number, mode })
    }
}

/// A [`Mode`] for numbers of one type, as the sketches take it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule<N> {
    mode: Mode,
    number: std::marker::PhantomData<fn() -> N>,
}

impl<N> Rule<N> {
    pub(super) fn new(mode: Mode) -> Self {
        Self { mode, number: std::marker::PhantomData }
    }
}

impl<N: Number> SummaryPolicy for Rule<N> {
    type Summary = Summary<N>;

    fn create(&self) -> Summary<N> {
        Summary::start(self.mode)
    }
}

impl<N: Number> SummaryUpdatePolicy<N> for Rule<N> {
    fn update(&self, summary: &mut Summary<N>, number: N) {
        summary.number = merged(self.mode, summary.number, number);
    }
}

impl<N: Number> SummaryCombinePolicy for Rule<N> {
    fn combine(&self, summary: &mut Summary<N>, other: &Summary<N>) {
        summary.number = merged(self.mode, summary.number, other.number);
        summary.mode = self.mode as u8;
    }
}

pub(super) type Compact<N> = CompactTupleSketch<Summary<N>>;

const FLAGS_AT: usize = 5;
const ORDERED: u8 = 0x10;
/// The image of a sketch of nothing, with the hash of the seed that all sketches here have.
const EMPTY: [u8; 8] = [1, 3, 9, 1, 0, 0x0e, 0xcc, 0x93];

pub(super) fn read<N: Number>(bytes: &[u8], function: &str) -> Result<Compact<N>> {
    TUPLE.check_family(bytes, function)?;
    CompactTupleSketch::deserialize(bytes).map_err(|_| TUPLE.invalid(function))
}

pub(super) fn written<N: Number>(sketch: &Compact<N>) -> Vec<u8> {
    if sketch.is_empty() {
        return EMPTY.to_vec();
    }
    let mut image = sketch.serialize();
    // A single value is in order, and Java does not say so.
    image[FLAGS_AT] &= !ORDERED;
    image
}

/// A theta sketch as one whose values all have the number that the mode starts with.
pub(super) fn read_theta<N: Number>(bytes: &[u8], mode: Mode, function: &str) -> Result<Compact<N>> {
    let sketch = theta::read(bytes, function)?;
    if sketch.is_empty() {
        return read(&EMPTY, function);
    }
    read(&with_numbers::<N>(&sketch, mode), function)
}

fn with_numbers<N: Number>(sketch: &CompactThetaSketch, mode: Mode) -> Vec<u8> {
    /// Read-only and compact.
    const FLAGS: u8 = 0x0a;
    const LONGS_WITH_THETA: u8 = 3;
    let start = Summary::<N>::start(mode);
    let retained = sketch.num_retained();
    let mut bytes = SketchBytes::with_capacity(24 + retained * (8 + start.serialize_size()));
    for byte in [LONGS_WITH_THETA, 3, 9, 1, 0, FLAGS] {
        bytes.write_u8(byte);
    }
    bytes.write_u16_le(sketch.seed_hash());
    bytes.write_u32_le(u32::try_from(retained).unwrap_or(u32::MAX));
    bytes.write_u32_le(0);
    bytes.write_u64_le(sketch.theta64());
    for entry in sketch.iter() {
        bytes.write_u64_le(entry.hash());
        start.serialize_value(&mut bytes);
    }
    bytes.into_bytes()
}
