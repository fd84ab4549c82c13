//! Spark's types and the Arrow types that stand for them. Every column of a plan has one of these Arrow types exactly:
//! what comes in others (a file's views, dictionaries, unsigned numbers) is cast where it enters.

use std::sync::Arc;

use arrow::datatypes::{DataType as ArrowType, Field, FieldRef, Fields, IntervalUnit, TimeUnit};
use firesteel_spec::{DataType, SparkError, SparkResult, StructField};

/// The zone that instants carry in Arrow: they are UTC, and shown in the session's zone.
pub const UTC: &str = "UTC";
/// Metadata key of a field whose Spark type Arrow can't tell: its type as DDL, or a user's type as JSON.
const SPARK_TYPE: &str = "firesteel.type";
/// Metadata key of a field's own metadata, a JSON object.
const METADATA: &str = "firesteel.metadata";

/// The Arrow type of a Spark type.
pub fn to_arrow(data_type: &DataType) -> ArrowType {
    match data_type {
        DataType::Null => ArrowType::Null,
        DataType::Boolean => ArrowType::Boolean,
        DataType::Byte => ArrowType::Int8,
        DataType::Short => ArrowType::Int16,
        DataType::Integer => ArrowType::Int32,
        DataType::Long => ArrowType::Int64,
        DataType::Float => ArrowType::Float32,
        DataType::Double => ArrowType::Float64,
        DataType::Decimal { precision, scale } => ArrowType::Decimal128(*precision, *scale),
        DataType::String { .. } | DataType::Char { .. } | DataType::VarChar { .. } => ArrowType::Utf8,
        DataType::Binary => ArrowType::Binary,
        DataType::Date => ArrowType::Date32,
        DataType::Timestamp => ArrowType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
        DataType::TimestampNtz => ArrowType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Time { .. } => ArrowType::Time64(TimeUnit::Nanosecond),
        DataType::CalendarInterval => ArrowType::Interval(IntervalUnit::MonthDayNano),
        DataType::YearMonthInterval { .. } => ArrowType::Interval(IntervalUnit::YearMonth),
        DataType::DayTimeInterval { .. } => ArrowType::Duration(TimeUnit::Microsecond),
        DataType::Array { element, contains_null } => {
            ArrowType::List(Arc::new(arrow_field(Field::LIST_FIELD_DEFAULT_NAME, element, *contains_null)))
        }
        DataType::Map { key, value, value_contains_null } => {
            // No map of Arrow's has keys that may be null, not even one of no keys.
            let key = arrow_field("key", key, false).with_nullable(false);
            let entries = vec![key, arrow_field("value", value, *value_contains_null)];
            let entries = Field::new("entries", ArrowType::Struct(Fields::from(entries)), false);
            ArrowType::Map(Arc::new(entries), false)
        }
        DataType::Struct { fields } => ArrowType::Struct(fields.iter().map(to_field).collect()),
        DataType::Variant => ArrowType::Struct(Fields::from(vec![
            Field::new("value", ArrowType::Binary, false),
            Field::new("metadata", ArrowType::Binary, false),
        ])),
        DataType::Geometry { .. } | DataType::Geography { .. } => ArrowType::Struct(Fields::from(vec![
            Field::new("srid", ArrowType::Int32, false),
            Field::new("wkb", ArrowType::Binary, false),
        ])),
        DataType::UserDefined { sql_type, .. } => to_arrow(sql_type),
    }
}

/// The Arrow field of a column or of a struct's field, with what Arrow's types don't tell as metadata.
pub fn to_field(field: &StructField) -> FieldRef {
    let mut arrow = arrow_field(&field.name, &field.data_type, field.nullable);
    if let Some(metadata) = &field.metadata {
        let mut all = arrow.metadata().clone();
        all.insert(METADATA.to_owned(), metadata.clone());
        arrow = arrow.with_metadata(all);
    }
    Arc::new(arrow)
}

fn arrow_field(name: &str, data_type: &DataType, nullable: bool) -> Field {
    let field = Field::new(name, to_arrow(data_type), nullable || *data_type == DataType::Null);
    let hint = match data_type {
        DataType::UserDefined { json, .. } => json.clone(),
        other if from_arrow(field.data_type()).as_ref() != Ok(other) && !is_nested(other) => other.sql(),
        _ => return field,
    };
    field.with_metadata([(SPARK_TYPE.to_owned(), hint)].into())
}

fn is_nested(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Array { .. } | DataType::Map { .. } | DataType::Struct { .. })
}

/// The Spark type of an Arrow type; also of those that no column of a plan has, such as views.
///
/// # Errors
/// For types that Spark has no equal of.
pub fn from_arrow(data_type: &ArrowType) -> SparkResult<DataType> {
    Ok(match data_type {
        ArrowType::Null => DataType::Null,
        ArrowType::Boolean => DataType::Boolean,
        ArrowType::Int8 => DataType::Byte,
        ArrowType::Int16 | ArrowType::UInt8 => DataType::Short,
        ArrowType::Int32 | ArrowType::UInt16 => DataType::Integer,
        ArrowType::Int64 | ArrowType::UInt32 => DataType::Long,
        ArrowType::UInt64 => DataType::Decimal { precision: 20, scale: 0 },
        ArrowType::Float16 | ArrowType::Float32 => DataType::Float,
        ArrowType::Float64 => DataType::Double,
        ArrowType::Decimal32(precision, scale)
        | ArrowType::Decimal64(precision, scale)
        | ArrowType::Decimal128(precision, scale) => DataType::Decimal { precision: *precision, scale: *scale },
        ArrowType::Utf8 | ArrowType::LargeUtf8 | ArrowType::Utf8View => DataType::STRING,
        ArrowType::Binary | ArrowType::LargeBinary | ArrowType::BinaryView | ArrowType::FixedSizeBinary(_) => {
            DataType::Binary
        }
        ArrowType::Date32 | ArrowType::Date64 => DataType::Date,
        ArrowType::Timestamp(_, Some(_)) => DataType::Timestamp,
        ArrowType::Timestamp(_, None) => DataType::TimestampNtz,
        ArrowType::Time32(_) | ArrowType::Time64(_) => DataType::Time { precision: 6 },
        ArrowType::Interval(IntervalUnit::YearMonth) => DataType::YEAR_MONTH,
        ArrowType::Interval(_) => DataType::CalendarInterval,
        ArrowType::Duration(_) => DataType::DAY_TIME,
        ArrowType::Dictionary(_, value) => from_arrow(value)?,
        ArrowType::RunEndEncoded(_, value) => from_arrow(value.data_type())?,
        ArrowType::List(element)
        | ArrowType::LargeList(element)
        | ArrowType::ListView(element)
        | ArrowType::LargeListView(element)
        | ArrowType::FixedSizeList(element, _) => DataType::array(field_type(element)?, element.is_nullable()),
        ArrowType::Map(entries, _) => match entries.data_type() {
            ArrowType::Struct(fields) if fields.len() == 2 => {
                DataType::map(field_type(&fields[0])?, field_type(&fields[1])?, fields[1].is_nullable())
            }
            other => return Err(unsupported(other)),
        },
        ArrowType::Struct(fields) => {
            DataType::Struct { fields: fields.iter().map(|field| from_field(field)).collect::<SparkResult<_>>()? }
        }
        other => return Err(unsupported(other)),
    })
}

/// The Spark column of an Arrow field.
pub fn from_field(field: &Field) -> SparkResult<StructField> {
    Ok(StructField {
        name: field.name().clone(),
        data_type: field_type(field)?,
        nullable: field.is_nullable(),
        metadata: field.metadata().get(METADATA).cloned(),
    })
}

/// The Spark type of an Arrow field, which may say more than its Arrow type.
pub fn field_type(field: &Field) -> SparkResult<DataType> {
    let plain = from_arrow(field.data_type())?;
    let Some(hint) = field.metadata().get(SPARK_TYPE) else { return Ok(plain) };
    Ok(hinted(hint, &plain).unwrap_or(plain))
}

/// A type from its DDL, for the types that Arrow can't tell.
fn hinted(hint: &str, plain: &DataType) -> Option<DataType> {
    use firesteel_spec::{DayTimeField, YearMonthField};
    if hint.starts_with('{') {
        return Some(DataType::UserDefined { sql_type: Box::new(plain.clone()), json: hint.to_owned() });
    }
    let number = |prefix: &str| hint.strip_prefix(prefix)?.strip_suffix(')')?.parse::<u32>().ok();
    if let Some(length) = number("CHAR(") {
        return Some(DataType::Char { length });
    }
    if let Some(length) = number("VARCHAR(") {
        return Some(DataType::VarChar { length });
    }
    if let Some(precision) = number("TIME(") {
        return Some(DataType::Time { precision: precision as u8 });
    }
    if let Some(collation) = hint.strip_prefix("STRING COLLATE ") {
        return Some(DataType::String { collation: Some(collation.to_owned()) });
    }
    if hint == "VARIANT" {
        return Some(DataType::Variant);
    }
    let srid = |kind: &str| {
        let srid = hint.strip_prefix(kind)?.strip_prefix('(')?.strip_suffix(')')?;
        if srid == "ANY" { Some(None) } else { srid.parse().ok().map(Some) }
    };
    if let Some(srid) = srid("GEOMETRY") {
        return Some(DataType::Geometry { srid });
    }
    if let Some(srid) = srid("GEOGRAPHY") {
        return Some(DataType::Geography { srid });
    }
    let fields = hint.strip_prefix("INTERVAL ")?;
    let (start, end) = fields.split_once(" TO ").unwrap_or((fields, fields));
    let year_month = |name: &str| match name {
        "YEAR" => Some(YearMonthField::Year),
        "MONTH" => Some(YearMonthField::Month),
        _ => None,
    };
    let day_time = |name: &str| match name {
        "DAY" => Some(DayTimeField::Day),
        "HOUR" => Some(DayTimeField::Hour),
        "MINUTE" => Some(DayTimeField::Minute),
        "SECOND" => Some(DayTimeField::Second),
        _ => None,
    };
    if let (Some(start), Some(end)) = (year_month(start), year_month(end)) {
        return Some(DataType::YearMonthInterval { start, end });
    }
    Some(DataType::DayTimeInterval { start: day_time(start)?, end: day_time(end)? })
}

fn unsupported(data_type: &ArrowType) -> SparkError {
    SparkError::new("UNSUPPORTED_ARROWTYPE", format!("the Arrow type {data_type} has no equal in Spark"))
        .with("typeName", data_type.to_string())
}

/// The Arrow type that a column of this Arrow type has in a plan.
pub fn canonical(data_type: &ArrowType) -> SparkResult<ArrowType> {
    from_arrow(data_type).map(|data_type| to_arrow(&data_type))
}
