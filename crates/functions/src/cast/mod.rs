//! Spark's casts: explicit ones by mode, and those that coercion adds.
//!
//! `spark_cast(value, null of the target type, type, target type, mode, zone)`, with the types as JSON too since Arrow's
//! don't tell an interval's fields, is the function that computes what Arrow's cast kernel does otherwise than Spark.

mod declared;
mod error;
mod from_string;
mod interval;
mod kernel;
mod number;
mod number_text;
mod temporal;
mod text;

pub use declared::as_declared;
pub(crate) use kernel::{Rules, cast_array, cast_values};
pub(crate) use number::{Decimal, decimal_of_text, plain_decimal};
pub use number_text::{java_double, java_float};
pub use text::to_text;

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray};
use datafusion::common::{Result, ScalarValue, internal_datafusion_err};
use datafusion::logical_expr::{Cast, Expr, ScalarUDF};
use firesteel_spec::{CastMode, DataType, SparkError, SparkResult};

use crate::call::Settings;
use crate::coerce::{casts_implicitly, integral_decimal};
use crate::kernel::{KernelUdf, null_if_any, nullable, spark_error};
use crate::registry::{Family, Implementations};
use crate::typed::Typed;
use crate::types::to_arrow;
use crate::variant::has_variants;

pub(crate) static FAMILY: Family = Family {
    functions: &[],
    implementations: || Implementations {
        scalar: vec![Arc::clone(&SPARK_CAST), Arc::clone(&declared::SPARK_DECLARED)],
        ..Implementations::default()
    },
};

static SPARK_CAST: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_cast",
        |fields, constants| {
            let text = |index: usize| match constants.get(index) {
                Some(Some(ScalarValue::Utf8(Some(text)))) => Ok(text.as_str()),
                _ => Err(internal_datafusion_err!("spark_cast takes constant types")),
            };
            let (from, to) = (parsed(text(2)?)?, parsed(text(3)?)?);
            let target = fields[1].data_type().clone();
            if text(4)? == "try" || gives_null(&from, &to) {
                nullable(target)
            } else {
                null_if_any(target, &fields[..1])
            }
        },
        |arrays, _| {
            let [value, target, from, to, mode, zone] = arrays else {
                return Err(internal_datafusion_err!("spark_cast takes 6 arguments"));
            };
            if value.is_empty() {
                return Ok(arrow::array::new_empty_array(target.data_type()));
            }
            let text = |array: &ArrayRef| array.as_string::<i32>().value(0).to_owned();
            let (from, to) = (parsed(&text(from))?, parsed(&text(to))?);
            kernel::cast_array(value, &from, &to, Mode::named(&text(mode))?, &text(zone))
        },
    )
});

/// The same bits as another type. A column is wrapped, since one by itself would keep the type that it has.
fn relabelled(value: Typed, to: DataType) -> Typed {
    let expr = match value.expr {
        column @ Expr::Column(_) => Expr::Cast(Cast::new(Box::new(column), to_arrow(&to))),
        other => other,
    };
    Typed::new(expr, to, value.nullable, value.name)
}

fn parsed(json: &str) -> Result<DataType> {
    DataType::from_json(json).map_err(spark_error)
}

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
    if !can_cast(&value.data_type, to, mode) {
        return Err(cannot_cast(&value, to, mode));
    }
    let name = value.name.clone();
    if is_relabelled(&value.data_type, to) {
        return Ok(relabelled(value, to.clone()));
    }
    if let Some(special) = special_datetime(&value, to, settings) {
        return Ok(special.named(name));
    }
    let nullable = value.nullable || mode == Mode::Try || gives_null(&value.data_type, to);
    if let Some(constant) = value.value()
        && let Ok(folded) = fold(constant, &value.data_type, to, mode, &settings.time_zone)
    {
        let mut folded = Typed::literal(folded, to.clone(), name);
        folded.nullable = nullable || folded.nullable;
        return Ok(folded);
    }
    if is_exact(&value.data_type, to) {
        let expr = Expr::Cast(Cast::new(Box::new(value.expr), to_arrow(to)));
        return Ok(Typed::new(expr, to.clone(), nullable, name));
    }
    let types = (value.data_type.to_json(), to.to_json());
    let constants = [&types.0, &types.1, mode.name(), &*settings.time_zone].map(Typed::string);
    let mut typed =
        Typed::call(&SPARK_CAST, [value, Typed::null(to.clone())].into_iter().chain(constants).collect())?.named(name);
    typed.data_type = to.clone();
    typed.nullable = nullable;
    Ok(typed)
}

fn fold(value: &ScalarValue, from: &DataType, to: &DataType, mode: Mode, zone: &str) -> Result<ScalarValue> {
    let array: ArrayRef = value.to_array()?;
    let cast = kernel::cast_array(&array, from, to, mode, zone)?;
    ScalarValue::try_from_array(&cast, 0)
}

/// Is every value of the one a value of the other, with the same bits?
fn is_relabelled(from: &DataType, to: &DataType) -> bool {
    match (from, to) {
        (DataType::Time { precision: from }, DataType::Time { precision: to }) => from <= to,
        (DataType::DayTimeInterval { end: from, .. }, DataType::DayTimeInterval { end: to, .. }) => from <= to,
        (DataType::YearMonthInterval { end: from, .. }, DataType::YearMonthInterval { end: to, .. }) => from <= to,
        (from, to) => to_arrow(from) == to_arrow(to),
    }
}

/// The constants `epoch`, `now`, `today`, `tomorrow` and `yesterday` as dates and timestamps.
fn special_datetime(value: &Typed, to: &DataType, settings: &Settings) -> Option<Typed> {
    use crate::datetime::calendar::{US_PER_DAY, split_day};
    if !matches!(to, DataType::Date | DataType::Timestamp | DataType::TimestampNtz) {
        return None;
    }
    let zone = crate::datetime::zone::Zone::parse(&settings.time_zone)?;
    let now = zone.local(settings.now_us);
    let today = split_day(now).0 * US_PER_DAY;
    let local = match value.text()?.trim().to_ascii_lowercase().as_str() {
        "epoch" if *to == DataType::Timestamp => zone.local(0),
        "epoch" => 0,
        "now" => now,
        "today" => today,
        "tomorrow" => today + US_PER_DAY,
        "yesterday" => today - US_PER_DAY,
        _ => return None,
    };
    let scalar = match to {
        DataType::Date => ScalarValue::Date32(i32::try_from(split_day(local).0).ok()),
        DataType::Timestamp => {
            ScalarValue::TimestampMicrosecond(Some(zone.instant(local)), Some(crate::types::UTC.into()))
        }
        _ => ScalarValue::TimestampMicrosecond(Some(local), None),
    };
    let mut typed = Typed::literal(scalar, to.clone(), "");
    typed.nullable = true;
    Some(typed)
}

/// `Cast.forceNullable`: may a value that is not null become null, whatever the mode?
fn gives_null(from: &DataType, to: &DataType) -> bool {
    use DataType as T;
    match (from, to) {
        (T::Null | T::Variant, _) => true,
        (from, to) if from == to => false,
        (from, to) if from.is_string() => !to.is_string() && *to != T::Binary,
        (_, to) if to.is_string() => false,
        (T::Timestamp, T::Byte | T::Short | T::Integer) => true,
        (T::Float | T::Double, T::Timestamp) => true,
        (T::Timestamp | T::TimestampNtz, T::Date) => false,
        (T::Date, to) if to.is_numeric() || *to == T::Boolean => true,
        (T::Time { .. }, T::Byte | T::Short) => true,
        (_, T::CalendarInterval) => true,
        (T::Boolean, T::Decimal { precision, scale }) => i16::from(*precision) <= i16::from(*scale),
        (T::Decimal { precision: p1, scale: s1 }, T::Decimal { precision: p2, scale: s2 }) => {
            s1 > s2 || i16::from(*p1) - i16::from(*s1) > i16::from(*p2) - i16::from(*s2)
        }
        (from, T::Decimal { precision, scale }) => integral_decimal(from)
            .is_none_or(|(digits, _)| i16::from(digits) > i16::from(*precision) - i16::from(*scale)),
        (from, to) if to.is_integral() => from.is_fractional() || matches!(from, T::Decimal { .. }),
        _ => false,
    }
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

/// `Cast.canAnsiCast`
pub(crate) fn can_cast_ansi(from: &DataType, to: &DataType) -> bool {
    can_cast(from, to, Mode::Ansi)
}

/// `Cast.canCast` and, but in legacy mode, `Cast.canAnsiCast`.
fn can_cast(from: &DataType, to: &DataType, mode: Mode) -> bool {
    use DataType as T;
    let legacy = mode == Mode::Legacy;
    match (from, to) {
        (T::Null, _) => true,
        (from, to) if from == to => true,
        (T::Variant, to) => has_variants(to, true),
        (from, T::Variant) => has_variants(from, false),
        (T::Geometry { .. }, T::Geometry { srid: None }) | (T::Geography { .. }, T::Geography { srid: None }) => true,
        (T::Geography { srid: from }, T::Geometry { srid: to })
        | (T::Geometry { srid: from }, T::Geography { srid: to }) => from == to,
        (from, to) if from.is_spatial() || to.is_spatial() => false,
        (_, to) if to.is_string() => true,
        (from, T::Binary) => from.is_string() || (legacy && from.is_integral()),
        (from, T::Boolean) => {
            from.is_string() || from.is_numeric() || (legacy && matches!(from, T::Date | T::Timestamp))
        }
        (from, T::Timestamp | T::TimestampNtz | T::Date) => {
            from.is_string()
                || matches!(from, T::Date | T::Timestamp | T::TimestampNtz)
                || (*to == T::Timestamp && (from.is_numeric() || (legacy && *from == T::Boolean)))
        }
        (from, T::Time { .. }) => from.is_string() || matches!(from, T::Time { .. }),
        (from, T::CalendarInterval) => from.is_string(),
        (from, T::YearMonthInterval { .. }) => is_interval_source(from) || matches!(from, T::YearMonthInterval { .. }),
        (from, T::DayTimeInterval { .. }) => is_interval_source(from) || matches!(from, T::DayTimeInterval { .. }),
        (T::YearMonthInterval { .. } | T::DayTimeInterval { .. } | T::Time { .. }, to) => {
            to.is_integral() || matches!(to, T::Decimal { .. })
        }
        (from, to) if to.is_numeric() => {
            from.is_string()
                || from.is_numeric()
                || matches!(from, T::Boolean | T::Timestamp)
                || (legacy && *from == T::Date)
        }
        (T::Array { element: from, .. }, T::Array { element: to, .. }) => can_cast(from, to, mode),
        (T::Map { key: k1, value: v1, .. }, T::Map { key: k2, value: v2, .. }) => {
            can_cast(k1, k2, mode) && can_cast(v1, v2, mode)
        }
        (T::Struct { fields: f1 }, T::Struct { fields: f2 }) => {
            f1.len() == f2.len() && f1.iter().zip(f2).all(|(from, to)| can_cast(&from.data_type, &to.data_type, mode))
        }
        (T::UserDefined { sql_type, .. }, to) => can_cast(sql_type, to, mode),
        (from, T::UserDefined { sql_type, .. }) => can_cast(from, sql_type, mode),
        _ => false,
    }
}

fn is_interval_source(from: &DataType) -> bool {
    from.is_string() || from.is_integral() || matches!(from, DataType::Decimal { .. })
}

fn cannot_cast(value: &Typed, to: &DataType, mode: Mode) -> SparkError {
    let from = value.data_type.sql();
    let function = match (&value.data_type, to) {
        (DataType::Date, to) if to.is_numeric() => Some("`UNIX_DATE`"),
        (from, DataType::Date) if from.is_numeric() => Some("`DATE_FROM_UNIX_DATE`"),
        _ => None,
    };
    let (class, way_out) = match function {
        Some(function) if mode != Mode::Legacy => ("CAST_WITH_FUNC_SUGGESTION", format!("; use {function}")),
        _ if can_cast(&value.data_type, to, Mode::Legacy) => {
            ("CAST_WITH_CONF_SUGGESTION", "; set \"spark.sql.ansi.enabled\" to 'false'".to_owned())
        }
        _ => ("CAST_WITHOUT_SUGGESTION", String::new()),
    };
    let error = SparkError::new(
        format!("DATATYPE_MISMATCH.{class}"),
        format!("cannot cast {} from {from} to {to}{way_out}", value.name),
    )
    .with("sqlExpr", format!("\"CAST({} AS {to})\"", value.name))
    .with("srcType", format!("\"{from}\""))
    .with("targetType", format!("\"{to}\""));
    match class {
        "CAST_WITH_FUNC_SUGGESTION" => error.with("functionNames", function.unwrap_or_default()),
        "CAST_WITH_CONF_SUGGESTION" => error.with("config", "\"spark.sql.ansi.enabled\"").with("configVal", "'false'"),
        _ => error,
    }
}
