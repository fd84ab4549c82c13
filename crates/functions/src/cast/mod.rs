//! Spark's casts: explicit ones by mode, and those that coercion adds.
//!
//! `spark_cast(value, null of the target type, mode, zone)` is the function that computes what Arrow's cast kernel does
//! otherwise than Spark.

mod kernel;
mod number_text;

pub use number_text::{java_double, java_float};

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType as ArrowType;
use datafusion::common::{Result, ScalarValue, internal_datafusion_err};
use datafusion::logical_expr::{Cast, Expr, ScalarUDF};
use firesteel_spec::{CastMode, DataType, SparkError, SparkResult};

use crate::call::Settings;
use crate::coerce::{casts_implicitly, integral_decimal};
use crate::kernel::{KernelUdf, null_if_any, nullable};
use crate::registry::{Family, Implementations};
use crate::typed::Typed;
use crate::types::to_arrow;

pub(crate) static FAMILY: Family = Family {
    functions: &[],
    implementations: || Implementations { scalar: vec![Arc::clone(&SPARK_CAST)], ..Implementations::default() },
};

static SPARK_CAST: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_cast",
        |fields, constants| {
            let target = fields[1].data_type().clone();
            let ansi = matches!(constants[2], Some(ScalarValue::Utf8(Some(mode))) if mode == "ansi");
            if ansi { null_if_any(target, &fields[..1]) } else { nullable(target) }
        },
        |arrays, _| {
            let [value, target, mode, zone] = arrays else {
                return Err(internal_datafusion_err!("spark_cast takes 4 arguments"));
            };
            if value.is_empty() {
                return Ok(arrow::array::new_empty_array(target.data_type()));
            }
            let mode = Mode::named(mode.as_string::<i32>().value(0))?;
            kernel::cast_array(value, target.data_type(), mode, zone.as_string::<i32>().value(0))
        },
    )
});

/// How a cast deals with a value that the target type does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Null, or what is left of the bits.
    Legacy,
    /// An error.
    Ansi,
    /// Null.
    Try,
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Ansi => "ansi",
            Self::Try => "try",
        }
    }

    fn named(name: &str) -> Result<Self> {
        match name {
            "legacy" => Ok(Self::Legacy),
            "ansi" => Ok(Self::Ansi),
            "try" => Ok(Self::Try),
            other => Err(internal_datafusion_err!("no mode of casts: {other}")),
        }
    }

    /// The mode that a plan asks for, under a session's settings.
    pub fn of(mode: CastMode, settings: &Settings) -> Self {
        match mode {
            CastMode::Session if settings.ansi => Self::Ansi,
            CastMode::Session | CastMode::Legacy => Self::Legacy,
            CastMode::Ansi => Self::Ansi,
            CastMode::Try => Self::Try,
        }
    }
}

/// The argument as a function wants it, if Spark casts it without being asked.
pub fn implicit_cast(value: Typed, to: &DataType, settings: &Settings) -> Option<Typed> {
    if !casts_implicitly(&value.data_type, to, settings.ansi) {
        return None;
    }
    let name = value.name.clone();
    coerce(value, to, settings).ok().map(|cast| cast.named(name))
}

/// A cast that coercion adds: it does not show in names.
pub fn coerce(value: Typed, to: &DataType, settings: &Settings) -> SparkResult<Typed> {
    let name = value.name.clone();
    cast(value, to, Mode::of(CastMode::Session, settings), settings).map(|cast| cast.named(name))
}

/// A cast that the user wrote. The name is left as the value's.
///
/// # Errors
/// `DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION` for types that no cast connects.
pub fn cast(value: Typed, to: &DataType, mode: Mode, settings: &Settings) -> SparkResult<Typed> {
    if value.data_type == *to {
        return Ok(value);
    }
    if !can_cast(&value.data_type, to) {
        return Err(cannot_cast(&value, to));
    }
    let name = value.name.clone();
    let (from_arrow, to_arrow_type) = (value.arrow_type(), to_arrow(to));
    if from_arrow == to_arrow_type {
        return Ok(Typed::new(value.expr, to.clone(), value.nullable, name));
    }
    if let Some(constant) = value.value()
        && let Ok(folded) = fold(constant, &to_arrow_type, mode, &settings.time_zone)
    {
        return Ok(Typed::literal(folded, to.clone(), name));
    }
    if is_exact(&value.data_type, to) {
        let expr = Expr::Cast(Cast::new(Box::new(value.expr), to_arrow_type));
        return Ok(Typed::new(expr, to.clone(), value.nullable, name));
    }
    let target = Typed::null(to.clone());
    let arguments = vec![value, target, Typed::string(mode.name()), Typed::string(&settings.time_zone)];
    let mut typed = Typed::call(&SPARK_CAST, arguments)?.named(name);
    typed.data_type = to.clone();
    Ok(typed)
}

fn fold(value: &ScalarValue, to: &ArrowType, mode: Mode, zone: &str) -> Result<ScalarValue> {
    let array: ArrayRef = value.to_array()?;
    let cast = kernel::cast_array(&array, to, mode, zone)?;
    ScalarValue::try_from_array(&cast, 0)
}

/// Does Arrow's kernel give what Spark gives, for every value?
fn is_exact(from: &DataType, to: &DataType) -> bool {
    use DataType as T;
    match (from, to) {
        (T::Null, _) => true,
        (T::Byte, T::Short | T::Integer | T::Long)
        | (T::Short, T::Integer | T::Long)
        | (T::Integer, T::Long)
        | (T::Float, T::Double)
        | (T::Date, T::TimestampNtz) => true,
        (from, T::Float | T::Double) => from.is_integral(),
        (from, T::Decimal { precision, scale }) if from.is_integral() => integral_decimal(from)
            .is_some_and(|(digits, _)| i16::from(digits) <= i16::from(*precision) - i16::from(*scale)),
        (T::Decimal { precision: p1, scale: s1 }, T::Decimal { precision: p2, scale: s2 }) => {
            s1 <= s2 && i16::from(*p1) - i16::from(*s1) <= i16::from(*p2) - i16::from(*s2)
        }
        (from, T::Binary) => from.is_string(),
        _ => false,
    }
}

/// `Cast.canCast`, the same in all modes but for a few that ANSI refuses.
fn can_cast(from: &DataType, to: &DataType) -> bool {
    use DataType as T;
    match (from, to) {
        (T::Null, _) => true,
        (from, to) if from == to => true,
        (T::Variant, _) | (_, T::Variant) => false,
        (_, to) if to.is_string() => true,
        (from, T::Binary) => from.is_string() || from.is_integral(),
        (from, T::Boolean) => from.is_string() || from.is_numeric() || matches!(from, T::Date | T::Timestamp),
        (from, T::Timestamp | T::TimestampNtz | T::Date) => {
            from.is_string()
                || matches!(from, T::Date | T::Timestamp | T::TimestampNtz)
                || (*to == T::Timestamp && (from.is_numeric() || *from == T::Boolean))
        }
        (from, T::Time { .. }) => from.is_string() || matches!(from, T::Time { .. } | T::Timestamp | T::TimestampNtz),
        (from, T::CalendarInterval | T::YearMonthInterval { .. } | T::DayTimeInterval { .. }) => {
            from.is_string()
                || from.is_integral()
                || matches!(from, T::Decimal { .. } | T::YearMonthInterval { .. } | T::DayTimeInterval { .. })
        }
        (from, to) if to.is_numeric() => {
            from.is_string()
                || from.is_numeric()
                || matches!(
                    from,
                    T::Boolean
                        | T::Timestamp
                        | T::Date
                        | T::Time { .. }
                        | T::YearMonthInterval { .. }
                        | T::DayTimeInterval { .. }
                )
        }
        (T::Array { element: from, .. }, T::Array { element: to, .. }) => can_cast(from, to),
        (T::Map { key: k1, value: v1, .. }, T::Map { key: k2, value: v2, .. }) => can_cast(k1, k2) && can_cast(v1, v2),
        (T::Struct { fields: f1 }, T::Struct { fields: f2 }) => {
            f1.len() == f2.len() && f1.iter().zip(f2).all(|(from, to)| can_cast(&from.data_type, &to.data_type))
        }
        (T::UserDefined { sql_type, .. }, to) => can_cast(sql_type, to),
        (from, T::UserDefined { sql_type, .. }) => can_cast(from, sql_type),
        _ => false,
    }
}

fn cannot_cast(value: &Typed, to: &DataType) -> SparkError {
    let from = value.data_type.sql();
    SparkError::new(
        "DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION",
        format!("cannot cast {} from {from} to {to}", value.name),
    )
    .with("sqlExpr", format!("\"CAST({} AS {to})\"", value.name))
    .with("srcType", format!("\"{from}\""))
    .with("targetType", format!("\"{to}\""))
}
