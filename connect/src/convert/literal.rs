//! Constant values, both ways.

#![expect(deprecated, reason = "older clients still send these fields, and read them")]

use firesteel_spec::{DataType, DayTimeField, Literal, SparkError, SparkResult, YearMonthField};

use super::data_type::{data_type, data_type_to_proto, time_precision};
use super::required;
use crate::proto;
use crate::proto::expression::literal as literals;
use crate::proto::expression::literal::LiteralType;

pub(super) fn literal(proto: proto::expression::Literal) -> SparkResult<Literal> {
    typed(proto, None)
}

/// The type is the literal's own, or that which the literal around it says, or that of the value.
fn typed(proto: proto::expression::Literal, expected: Option<&DataType>) -> SparkResult<Literal> {
    let own = proto.data_type.map(data_type).transpose()?;
    let expected = own.as_ref().or(expected);
    let out_of_range = |_| SparkError::invalid_plan("a literal is out of its type's range");
    Ok(match required(proto.literal_type, "Expression.Literal.literal_type")? {
        LiteralType::Null(null) => Literal::Null(null_type(null, expected)?),
        LiteralType::Binary(bytes) => Literal::Binary(bytes.to_vec()),
        LiteralType::Boolean(value) => Literal::Boolean(value),
        LiteralType::Byte(value) => Literal::Byte(i8::try_from(value).map_err(out_of_range)?),
        LiteralType::Short(value) => Literal::Short(i16::try_from(value).map_err(out_of_range)?),
        LiteralType::Integer(value) => Literal::Integer(value),
        LiteralType::Long(value) => Literal::Long(value),
        LiteralType::Float(value) => Literal::Float(value),
        LiteralType::Double(value) => Literal::Double(value),
        LiteralType::Decimal(value) => decimal(&value, expected)?,
        LiteralType::String(value) => Literal::String(value),
        LiteralType::Date(days) => Literal::Date(days),
        LiteralType::Timestamp(micros) => Literal::Timestamp(micros),
        LiteralType::TimestampNtz(micros) => Literal::TimestampNtz(micros),
        LiteralType::Time(time) => Literal::Time { nanos: time.nano, precision: time_precision(time.precision)? },
        LiteralType::CalendarInterval(interval) => Literal::CalendarInterval {
            months: interval.months,
            days: interval.days,
            microseconds: interval.microseconds,
        },
        LiteralType::YearMonthInterval(months) => {
            let (start, end) = match expected {
                Some(DataType::YearMonthInterval { start, end }) => (*start, *end),
                _ => (YearMonthField::Year, YearMonthField::Month),
            };
            Literal::YearMonthInterval { months, start, end }
        }
        LiteralType::DayTimeInterval(microseconds) => {
            let (start, end) = match expected {
                Some(DataType::DayTimeInterval { start, end }) => (*start, *end),
                _ => (DayTimeField::Day, DayTimeField::Second),
            };
            Literal::DayTimeInterval { microseconds, start, end }
        }
        LiteralType::Array(value) => array(value, expected)?,
        LiteralType::Map(value) => map(value, expected)?,
        LiteralType::Struct(value) => structure(value, expected)?,
        LiteralType::SpecializedArray(value) => specialized_array(value, expected)?,
    })
}

fn null_type(null: proto::DataType, expected: Option<&DataType>) -> SparkResult<DataType> {
    match (null.kind.is_some(), expected) {
        (_, Some(expected)) => Ok(expected.clone()),
        (true, None) => data_type(null),
        (false, None) => Ok(DataType::Null),
    }
}

fn missing_type(kind: &str) -> SparkError {
    SparkError::new(
        format!("CONNECT_INVALID_PLAN.{kind}_LITERAL_MISSING_DATA_TYPE"),
        format!(
            "The Spark Connect plan is invalid. Data type information is missing in the {} literal.",
            kind.to_lowercase()
        ),
    )
}

fn array(value: literals::Array, expected: Option<&DataType>) -> SparkResult<Literal> {
    let (element, contains_null) = match (expected, value.element_type) {
        (Some(DataType::Array { element, contains_null }), _) => (element.as_ref().clone(), *contains_null),
        (_, Some(element)) => (data_type(element)?, true),
        _ => return Err(missing_type("ARRAY")),
    };
    let elements =
        value.elements.into_iter().map(|each| typed(each, Some(&element))).collect::<SparkResult<Vec<_>>>()?;
    Ok(Literal::Array { element, contains_null, elements })
}

fn map(value: literals::Map, expected: Option<&DataType>) -> SparkResult<Literal> {
    let (key, item, value_contains_null) = match (expected, value.key_type, value.value_type) {
        (Some(DataType::Map { key, value, value_contains_null }), _, _) => {
            (key.as_ref().clone(), value.as_ref().clone(), *value_contains_null)
        }
        (_, Some(key), Some(item)) => (data_type(key)?, data_type(item)?, true),
        _ => return Err(missing_type("MAP")),
    };
    if value.keys.len() != value.values.len() {
        return Err(SparkError::invalid_plan("a map literal has another number of keys than of values"));
    }
    let entries = value
        .keys
        .into_iter()
        .zip(value.values)
        .map(|(each_key, each_item)| Ok((typed(each_key, Some(&key))?, typed(each_item, Some(&item))?)))
        .collect::<SparkResult<Vec<_>>>()?;
    Ok(Literal::Map { key, value: item, value_contains_null, entries })
}

fn structure(value: literals::Struct, expected: Option<&DataType>) -> SparkResult<Literal> {
    let data_type = match (expected, value.struct_type) {
        (Some(expected @ DataType::Struct { .. }), _) => expected.clone(),
        (_, Some(own)) => data_type(own)?,
        _ => return Err(missing_type("STRUCT")),
    };
    let DataType::Struct { fields } = &data_type else { return Err(missing_type("STRUCT")) };
    if fields.len() != value.elements.len() {
        return Err(SparkError::invalid_plan("a struct literal has another number of values than its type has fields"));
    }
    let values = value
        .elements
        .into_iter()
        .zip(fields)
        .map(|(each, field)| typed(each, Some(&field.data_type)))
        .collect::<SparkResult<Vec<_>>>()?;
    Ok(Literal::Struct { data_type, values })
}

fn specialized_array(value: literals::SpecializedArray, expected: Option<&DataType>) -> SparkResult<Literal> {
    use literals::specialized_array::ValueType;
    let (element, elements): (_, Vec<_>) = match required(value.value_type, "SpecializedArray.value_type")? {
        ValueType::Bools(bools) => (DataType::Boolean, bools.values.into_iter().map(Literal::Boolean).collect()),
        ValueType::Ints(ints) => (DataType::Integer, ints.values.into_iter().map(Literal::Integer).collect()),
        ValueType::Longs(longs) => (DataType::Long, longs.values.into_iter().map(Literal::Long).collect()),
        ValueType::Floats(floats) => (DataType::Float, floats.values.into_iter().map(Literal::Float).collect()),
        ValueType::Doubles(doubles) => (DataType::Double, doubles.values.into_iter().map(Literal::Double).collect()),
        ValueType::Strings(strings) => (DataType::STRING, strings.values.into_iter().map(Literal::String).collect()),
    };
    let contains_null = matches!(expected, Some(DataType::Array { contains_null: true, .. }));
    Ok(Literal::Array { element, contains_null, elements })
}

/// Texts such as `-12.50` and `1E+3`. The type around the literal says what becomes of it; its own precision and scale
/// are the least that it has, since clients send Spark's default for any value.
fn decimal(value: &literals::Decimal, expected: Option<&DataType>) -> SparkResult<Literal> {
    let wrong = || SparkError::invalid_plan(format!("{} is no decimal literal of its type", value.value));
    let (digits, own_scale) = digits(&value.value).ok_or_else(wrong)?;
    let scale = match expected {
        Some(DataType::Decimal { scale, .. }) => i32::from(*scale),
        _ => own_scale.max(0).max(value.scale.unwrap_or(0)),
    };
    let unscaled = rescaled(digits, scale - own_scale).ok_or_else(wrong)?;
    let used = unscaled.unsigned_abs().checked_ilog10().map_or(1, |log| log + 1);
    let precision = match expected {
        Some(DataType::Decimal { precision, .. }) if used <= u32::from(*precision) => u32::from(*precision),
        Some(DataType::Decimal { .. }) => return Err(wrong()),
        _ => {
            let asked = u32::try_from(value.precision.unwrap_or(0)).map_err(|_| wrong())?;
            used.max(asked).max(scale.unsigned_abs())
        }
    };
    let precision = u8::try_from(precision).ok().filter(|precision| *precision <= 38).ok_or_else(wrong)?;
    Ok(Literal::Decimal { unscaled, precision, scale: i8::try_from(scale).map_err(|_| wrong())? })
}

/// The digits as a number, and how many of them come after the point.
fn digits(text: &str) -> Option<(i128, i32)> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if !fraction.chars().all(|character| character.is_ascii_digit()) {
        return None;
    }
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    Some((digits, i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?))
}

/// Rounded half up where digits are lost.
fn rescaled(digits: i128, by: i32) -> Option<i128> {
    let factor = 10_i128.checked_pow(by.unsigned_abs())?;
    if by >= 0 {
        return digits.checked_mul(factor);
    }
    let (quotient, remainder) = (digits / factor, (digits % factor).abs());
    Some(if remainder >= factor - remainder { quotient + digits.signum() } else { quotient })
}

/// With its type beside it, as 4.2 sends literals whose parts have no type of their own.
pub(crate) fn literal_to_proto(literal: &Literal) -> proto::expression::Literal {
    let needs_type = matches!(
        literal,
        Literal::Array { .. }
            | Literal::Map { .. }
            | Literal::Struct { .. }
            | Literal::YearMonthInterval { .. }
            | Literal::DayTimeInterval { .. }
    );
    proto::expression::Literal {
        literal_type: Some(value_to_proto(literal)),
        data_type: needs_type.then(|| data_type_to_proto(&literal.data_type())),
    }
}

fn value_to_proto(literal: &Literal) -> LiteralType {
    match literal {
        Literal::Null(data_type) => LiteralType::Null(data_type_to_proto(data_type)),
        Literal::Boolean(value) => LiteralType::Boolean(*value),
        Literal::Byte(value) => LiteralType::Byte(i32::from(*value)),
        Literal::Short(value) => LiteralType::Short(i32::from(*value)),
        Literal::Integer(value) => LiteralType::Integer(*value),
        Literal::Long(value) => LiteralType::Long(*value),
        Literal::Float(value) => LiteralType::Float(*value),
        Literal::Double(value) => LiteralType::Double(*value),
        Literal::Decimal { unscaled, precision, scale } => LiteralType::Decimal(literals::Decimal {
            value: decimal_text(*unscaled, *scale),
            precision: Some(i32::from(*precision)),
            scale: Some(i32::from(*scale)),
        }),
        Literal::String(value) => LiteralType::String(value.clone()),
        Literal::Binary(bytes) => LiteralType::Binary(bytes.clone().into()),
        Literal::Date(days) => LiteralType::Date(*days),
        Literal::Timestamp(micros) => LiteralType::Timestamp(*micros),
        Literal::TimestampNtz(micros) => LiteralType::TimestampNtz(*micros),
        Literal::Time { nanos, precision } => {
            LiteralType::Time(literals::Time { nano: *nanos, precision: Some(i32::from(*precision)) })
        }
        Literal::CalendarInterval { months, days, microseconds } => {
            LiteralType::CalendarInterval(literals::CalendarInterval {
                months: *months,
                days: *days,
                microseconds: *microseconds,
            })
        }
        Literal::YearMonthInterval { months, .. } => LiteralType::YearMonthInterval(*months),
        Literal::DayTimeInterval { microseconds, .. } => LiteralType::DayTimeInterval(*microseconds),
        Literal::Array { element, elements, .. } => LiteralType::Array(literals::Array {
            element_type: Some(data_type_to_proto(element)),
            elements: elements.iter().map(literal_to_proto).collect(),
        }),
        Literal::Map { key, value, entries, .. } => LiteralType::Map(literals::Map {
            key_type: Some(data_type_to_proto(key)),
            value_type: Some(data_type_to_proto(value)),
            keys: entries.iter().map(|(key, _)| literal_to_proto(key)).collect(),
            values: entries.iter().map(|(_, value)| literal_to_proto(value)).collect(),
        }),
        Literal::Struct { data_type, values } => LiteralType::Struct(literals::Struct {
            struct_type: Some(data_type_to_proto(data_type)),
            elements: values.iter().map(literal_to_proto).collect(),
        }),
    }
}

fn decimal_text(unscaled: i128, scale: i8) -> String {
    let sign = if unscaled < 0 { "-" } else { "" };
    let digits = unscaled.unsigned_abs().to_string();
    match usize::try_from(scale) {
        Ok(0) => format!("{sign}{digits}"),
        Ok(scale) => {
            let digits = format!("{digits:0>width$}", width = scale + 1);
            let (whole, fraction) = digits.split_at(digits.len() - scale);
            format!("{sign}{whole}.{fraction}")
        }
        Err(_) => format!("{sign}{digits}{}", "0".repeat(usize::from(scale.unsigned_abs()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal_of(value: &str, precision: Option<i32>, scale: Option<i32>) -> SparkResult<Literal> {
        decimal(&literals::Decimal { value: value.to_owned(), precision, scale }, None)
    }

    #[test]
    fn decimals_take_the_scale_that_is_asked_for() {
        assert_eq!(
            decimal_of("-1.5", Some(10), Some(2)),
            Ok(Literal::Decimal { unscaled: -150, precision: 10, scale: 2 })
        );
        assert_eq!(decimal_of("1E+3", None, None), Ok(Literal::Decimal { unscaled: 1000, precision: 4, scale: 0 }));
        assert_eq!(decimal_of("0.05", None, None), Ok(Literal::Decimal { unscaled: 5, precision: 2, scale: 2 }));
        for wrong in ["", "1.2.3", "abc", "1e999999999999", "1E40", "1.-5"] {
            assert!(decimal_of(wrong, None, None).is_err(), "{wrong}");
        }
        // `lit(Decimal("1.25"))` of PySpark comes as a decimal(10,0).
        assert_eq!(
            decimal_of("1.25", Some(10), Some(0)),
            Ok(Literal::Decimal { unscaled: 125, precision: 10, scale: 2 })
        );
        let narrow = DataType::Decimal { precision: 2, scale: 1 };
        let literal = |text: &str| {
            let value = literals::Decimal { value: text.to_owned(), ..literals::Decimal::default() };
            decimal(&value, Some(&narrow))
        };
        assert_eq!(literal("-1.25"), Ok(Literal::Decimal { unscaled: -13, precision: 2, scale: 1 }));
        assert!(literal("10").is_err());
    }

    #[test]
    fn decimals_as_text() {
        for (unscaled, scale, text) in [(-150, 2, "-1.50"), (5, 2, "0.05"), (12, 0, "12"), (12, -2, "1200")] {
            assert_eq!(decimal_text(unscaled, scale), text);
        }
    }

    #[test]
    fn nested_literals_come_back_as_they_were() {
        let element = DataType::Struct {
            fields: vec![
                firesteel_spec::StructField::new("a", DataType::Integer, true),
                firesteel_spec::StructField::new("b", DataType::DAY_TIME, true),
            ],
        };
        let value = Literal::Array {
            element: element.clone(),
            contains_null: true,
            elements: vec![
                Literal::Struct {
                    data_type: element.clone(),
                    values: vec![
                        Literal::Null(DataType::Integer),
                        Literal::DayTimeInterval {
                            microseconds: 5,
                            start: DayTimeField::Day,
                            end: DayTimeField::Second,
                        },
                    ],
                },
                Literal::Null(element),
            ],
        };
        assert_eq!(literal(literal_to_proto(&value)), Ok(value));
    }
}
