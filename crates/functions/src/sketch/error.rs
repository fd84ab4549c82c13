//! What Spark says about sketches that are none, and about sizes that they can't have.

use datafusion::common::{DataFusionError, ScalarValue};
use firesteel_spec::{DataType, SparkError, SparkResult};

use crate::call::Call;
use crate::kernel::spark_error;
use crate::typed::Typed;

/// A kind of sketch, as errors and the third byte of its image name it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// As in error classes.
    pub(super) class: &'static str,
    family: Option<(u8, &'static str)>,
}

pub(super) const HLL: Kind = Kind { class: "HLL", family: None };
pub(super) const KLL: Kind = Kind { class: "KLL", family: None };
pub(super) const THETA: Kind = Kind { class: "THETA", family: Some((3, "COMPACT")) };
pub(super) const TUPLE: Kind = Kind { class: "TUPLE", family: Some((9, "TUPLE")) };

/// The families of DataSketches by their ids, from 1.
const FAMILIES: [&str; 21] = [
    "ALPHA",
    "QUICKSELECT",
    "COMPACT",
    "UNION",
    "INTERSECTION",
    "A_NOT_B",
    "HLL",
    "QUANTILES",
    "TUPLE",
    "FREQUENCY",
    "RESERVOIR",
    "RESERVOIR_UNION",
    "VAROPT",
    "VAROPT_UNION",
    "KLL",
    "CPC",
    "REQ",
    "COUNTMIN",
    "EBPPS",
    "TDIGEST",
    "BLOOMFILTER",
];

/// Where the id of the family stands, and how long any image is at least.
const FAMILY_AT: usize = 2;
const HEADER_BYTES: usize = 8;

impl Kind {
    /// `…_INVALID_INPUT_SKETCH_BUFFER`
    pub(super) fn invalid(self, function: &str) -> DataFusionError {
        let class = format!("{}_INVALID_INPUT_SKETCH_BUFFER", self.class);
        let message = format!("{function} takes sketches of the kind {} only, and got other bytes", self.class);
        spark_error(SparkError::new(class, message).with("function", format!("`{function}`")))
    }

    /// An error where the bytes are a sketch of another family.
    pub(super) fn check_family(self, bytes: &[u8], function: &str) -> Result<(), DataFusionError> {
        let (Some((id, expected)), true) = (self.family, bytes.len() >= HEADER_BYTES) else { return Ok(()) };
        let found = bytes[FAMILY_AT];
        let Some(actual) = FAMILIES.get(usize::from(found).wrapping_sub(1)).filter(|_| found != id) else {
            return Ok(());
        };
        let message = format!("{function} takes sketches of the family {expected}, and got one of {actual}");
        Err(spark_error(
            SparkError::new(format!("{}_INVALID_INPUT_SKETCH_BUFFER_FAMILY", self.class), message)
                .with("function", format!("`{function}`"))
                .with("expectedFamily", expected)
                .with("actualFamily", *actual),
        ))
    }
}

/// The logarithms of a sketch's size that are allowed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    class: &'static str,
    parameter: &'static str,
    min: i32,
    max: i32,
}

pub(super) const LG_K: Sizes = Sizes { class: "HLL_INVALID_LG_K", parameter: "lgConfigK", min: 4, max: 21 };
pub(super) const LG_ENTRIES: Sizes =
    Sizes { class: "SKETCH_INVALID_LG_NOM_ENTRIES", parameter: "lgNomEntries", min: 4, max: 26 };

impl Sizes {
    pub(super) fn check(self, size: i32, function: &str) -> SparkResult<u8> {
        if (self.min..=self.max).contains(&size) {
            return u8::try_from(size).map_err(SparkError::internal);
        }
        let Self { class, parameter, min, max } = self;
        Err(SparkError::new(class, format!("{function} takes a {parameter} from {min} to {max}, and not {size}"))
            .with("function", format!("`{function}`"))
            .with("min", min.to_string())
            .with("max", max.to_string())
            .with("value", size.to_string()))
    }
}

/// An error of its own within Spark's check of arguments (`DATATYPE_MISMATCH.TYPE_CHECK_FAILURE_WITH_HINT`).
pub(super) fn failed_check(call: &Call<'_>, inner: &SparkError) -> SparkError {
    SparkError::new(
        "DATATYPE_MISMATCH.TYPE_CHECK_FAILURE_WITH_HINT",
        format!("cannot resolve {}: {inner}", call.display()),
    )
    .with("sqlExpr", format!("\"{}\"", call.display()))
    .with("msg", inner.to_string())
    .with("hint", "")
}

/// The value of an argument that must be constant and not null; `name` is what Spark calls it.
pub(super) fn constant(call: &Call<'_>, argument: &Typed, name: &str) -> SparkResult<ScalarValue> {
    let shown = call.display();
    let Some(value) = argument.folded() else {
        return Err(not_constant(call, argument, name, &argument.data_type.simple_string(), &argument.name));
    };
    if value.is_null() {
        return Err(SparkError::new(
            "DATATYPE_MISMATCH.UNEXPECTED_NULL",
            format!("cannot resolve {shown}: {name} must not be null"),
        )
        .with("sqlExpr", format!("\"{shown}\""))
        .with("exprName", name));
    }
    Ok(value)
}

/// `DATATYPE_MISMATCH.NON_FOLDABLE_INPUT`, with its parameters as the caller quotes them.
pub(super) fn not_constant(call: &Call<'_>, argument: &Typed, name: &str, input_type: &str, input: &str) -> SparkError {
    SparkError::new(
        "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
        format!("cannot resolve {}: {name} must be a constant, and {} is none", call.display(), argument.name),
    )
    .with("sqlExpr", format!("\"{}\"", call.display()))
    .with("inputName", name)
    .with("inputType", input_type)
    .with("inputExpr", input)
}

/// `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE` where one of several types is required.
pub(super) fn refused(call: &Call<'_>, index: usize, types: &[DataType]) -> SparkError {
    let found = call.arguments.get(index).map_or(DataType::Null, |argument| argument.data_type.clone());
    let quoted: Vec<String> = types.iter().map(|data_type| format!("\"{data_type}\"")).collect();
    let required = if quoted.len() == 1 { quoted.concat() } else { format!("({})", quoted.join(" or ")) };
    call.unexpected(index, &found, &required).with("requiredType", required)
}
