//! Spark's rules of which types go together: ANSI's (`AnsiTypeCoercion`), and the older, laxer ones (`TypeCoercion`).

use firesteel_spec::{DataType, StructField};

/// The type that values of all these types are cast to where they meet: in `coalesce`, `CASE`, `UNION`, arrays.
pub fn common_type(types: &[DataType], ansi: bool) -> Option<DataType> {
    // Strings last: what a string becomes depends on what the others are.
    let (strings, others): (Vec<_>, Vec<_>) = types.iter().partition(|data_type| data_type.is_string());
    let mut all = others.into_iter().chain(strings);
    let first = all.next().cloned().unwrap_or(DataType::Null);
    all.try_fold(first, |common, data_type| wider(&common, data_type, ansi))
}

/// The type that holds values of both.
pub fn wider(left: &DataType, right: &DataType, ansi: bool) -> Option<DataType> {
    tightest(left, right, ansi).or_else(|| match (left, right) {
        (text, other) | (other, text) if text.is_string() && other.is_spatial() => None,
        (text, other) | (other, text) if text.is_string() && !is_nested(other) => with_string(other, ansi),
        _ => nested(left, right, ansi),
    })
}

/// The type that both sides of a comparison are cast to.
pub fn comparison_type(left: &DataType, right: &DataType, ansi: bool) -> Option<DataType> {
    if ansi {
        return wider(left, right, ansi);
    }
    match (left, right) {
        (text, other) | (other, text) if text.is_string() && !other.is_string() => match other {
            DataType::Null => Some(DataType::STRING),
            DataType::Binary => Some(DataType::Binary),
            DataType::Decimal { .. } => Some(DataType::Double),
            DataType::Array { .. } | DataType::Map { .. } | DataType::Struct { .. } => None,
            other => Some(other.clone()),
        },
        _ => wider(left, right, ansi),
    }
}

/// Without strings being made of what is none.
fn tightest(left: &DataType, right: &DataType, ansi: bool) -> Option<DataType> {
    use DataType as T;
    if left == right {
        return Some(left.clone());
    }
    Some(match (left, right) {
        (T::Null, other) | (other, T::Null) => other.clone(),
        (left, right) if left.is_string() && right.is_string() => T::STRING,
        (T::Decimal { precision: p1, scale: s1 }, T::Decimal { precision: p2, scale: s2 }) => {
            wider_decimal((*p1, *s1), (*p2, *s2))
        }
        (T::Decimal { precision, scale }, other) | (other, T::Decimal { precision, scale }) if other.is_integral() => {
            let (p, s) = integral_decimal(other)?;
            wider_decimal((*precision, *scale), (p, s))
        }
        (T::Decimal { .. }, other) | (other, T::Decimal { .. }) if other.is_fractional() => T::Double,
        (left, right) if left.is_numeric() && right.is_numeric() => {
            let widest = if rank(left) > rank(right) { left } else { right };
            if ansi && *widest == T::Float { T::Double } else { widest.clone() }
        }
        (T::Timestamp, T::Date | T::TimestampNtz) | (T::Date | T::TimestampNtz, T::Timestamp) => T::Timestamp,
        (T::TimestampNtz, T::Date) | (T::Date, T::TimestampNtz) => T::TimestampNtz,
        (T::YearMonthInterval { start: s1, end: e1 }, T::YearMonthInterval { start: s2, end: e2 }) => {
            T::YearMonthInterval { start: *s1.min(s2), end: *e1.max(e2) }
        }
        (T::DayTimeInterval { start: s1, end: e1 }, T::DayTimeInterval { start: s2, end: e2 }) => {
            T::DayTimeInterval { start: *s1.min(s2), end: *e1.max(e2) }
        }
        (T::Time { precision: p1 }, T::Time { precision: p2 }) => T::Time { precision: *p1.max(p2) },
        (T::Geometry { .. }, T::Geometry { .. }) => T::Geometry { srid: None },
        (T::Geography { .. }, T::Geography { .. }) => T::Geography { srid: None },
        _ => return None,
    })
}

/// What a string and a value of another type become.
fn with_string(other: &DataType, ansi: bool) -> Option<DataType> {
    if !ansi {
        return match other {
            DataType::Binary | DataType::Boolean => None,
            _ => Some(DataType::STRING),
        };
    }
    Some(match other {
        integral if integral.is_integral() => DataType::Long,
        DataType::Float | DataType::Double | DataType::Decimal { .. } => DataType::Double,
        DataType::CalendarInterval | DataType::Variant => return None,
        other => other.clone(),
    })
}

fn nested(left: &DataType, right: &DataType, ansi: bool) -> Option<DataType> {
    use DataType as T;
    match (left, right) {
        (T::Array { element: e1, contains_null: n1 }, T::Array { element: e2, contains_null: n2 }) => {
            Some(T::array(wider(e1, e2, ansi)?, *n1 || *n2))
        }
        (
            T::Map { key: k1, value: v1, value_contains_null: n1 },
            T::Map { key: k2, value: v2, value_contains_null: n2 },
        ) => Some(T::map(wider(k1, k2, ansi)?, wider(v1, v2, ansi)?, *n1 || *n2)),
        (T::Struct { fields: f1 }, T::Struct { fields: f2 }) if f1.len() == f2.len() => {
            let fields = f1.iter().zip(f2).map(|(left, right)| {
                let data_type = wider(&left.data_type, &right.data_type, ansi)?;
                left.name
                    .eq_ignore_ascii_case(&right.name)
                    .then(|| StructField::new(&left.name, data_type, left.nullable || right.nullable))
            });
            Some(T::Struct { fields: fields.collect::<Option<_>>()? })
        }
        _ => None,
    }
}

fn is_nested(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Array { .. } | DataType::Map { .. } | DataType::Struct { .. })
}

fn rank(data_type: &DataType) -> u8 {
    match data_type {
        DataType::Byte => 0,
        DataType::Short => 1,
        DataType::Integer => 2,
        DataType::Long => 3,
        DataType::Decimal { .. } => 4,
        DataType::Float => 5,
        _ => 6,
    }
}

/// The decimal that holds all values of an integral type.
pub fn integral_decimal(data_type: &DataType) -> Option<(u8, i8)> {
    match data_type {
        DataType::Byte => Some((3, 0)),
        DataType::Short => Some((5, 0)),
        DataType::Integer => Some((10, 0)),
        DataType::Long => Some((20, 0)),
        _ => None,
    }
}

/// The decimal that holds the values of both; beyond 38 digits, those behind the point go first.
pub fn wider_decimal(left: (u8, i8), right: (u8, i8)) -> DataType {
    let scale = left.1.max(right.1);
    let range = (i16::from(left.0) - i16::from(left.1)).max(i16::from(right.0) - i16::from(right.1));
    let beyond = (range + i16::from(scale) - 38).max(0);
    let kept = (i16::from(scale) - beyond).max(0);
    bounded_decimal(range + kept, kept as i8)
}

/// `DecimalType.bounded`
pub fn bounded_decimal(precision: i16, scale: i8) -> DataType {
    DataType::Decimal { precision: precision.clamp(1, 38) as u8, scale: scale.min(38) }
}

/// May a function that wants `to` be given a `from`?
pub fn casts_implicitly(from: &DataType, to: &DataType, ansi: bool) -> bool {
    use DataType as T;
    if from == to || *from == T::Null {
        return true;
    }
    match (from, to) {
        (from, to) if from.is_spatial() || to.is_spatial() => tightest(from, to, ansi).as_ref() == Some(to),
        (from, to) if from.is_string() && to.is_string() => true,
        (from, T::Binary) if from.is_string() => true,
        (T::Binary, to) if to.is_string() => true,
        (from, to) if from.is_string() => {
            !is_nested(to) && !matches!(to, T::CalendarInterval | T::Variant | T::Null) && (ansi || *to != T::Boolean)
        }
        (from, to) if to.is_string() => !is_nested(from) && !matches!(from, T::Variant | T::CalendarInterval),
        // As ANSI's store assignment: `bin(1.5)` is `bin(1)` in both modes.
        (from, to) if from.is_numeric() && to.is_numeric() => true,
        (T::Date, T::Timestamp | T::TimestampNtz) | (T::TimestampNtz, T::Timestamp) => true,
        (T::Timestamp | T::TimestampNtz, T::Date) | (T::Timestamp, T::TimestampNtz) => true,
        (T::YearMonthInterval { .. }, T::YearMonthInterval { .. })
        | (T::DayTimeInterval { .. }, T::DayTimeInterval { .. })
        | (T::Time { .. }, T::Time { .. }) => true,
        (T::Array { element: from, contains_null: n1 }, T::Array { element: to, contains_null: n2 }) => {
            (*n2 || !*n1) && casts_implicitly(from, to, ansi)
        }
        (
            T::Map { key: k1, value: v1, value_contains_null: n1 },
            T::Map { key: k2, value: v2, value_contains_null: n2 },
        ) => (*n2 || !*n1) && casts_implicitly(k1, k2, ansi) && casts_implicitly(v1, v2, ansi),
        (T::Struct { fields: f1 }, T::Struct { fields: f2 }) => {
            f1.len() == f2.len()
                && f1.iter().zip(f2).all(|(from, to)| casts_implicitly(&from.data_type, &to.data_type, ansi))
        }
        (T::UserDefined { sql_type, .. }, to) => casts_implicitly(sql_type, to, ansi),
        _ => false,
    }
}
