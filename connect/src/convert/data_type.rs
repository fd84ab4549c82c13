//! Types, both ways.

use firesteel_spec::{DataType, DayTimeField, SparkError, SparkResult, StructField, YearMonthField};
use serde_json::Value;

use super::required;
use crate::columns::SRID_ANY;
use crate::proto::data_type as types;
use crate::proto::data_type::Kind;
use crate::{proto, text};

/// Types nest by hand, unlike expressions.
const TYPE_DEPTH_MAX: usize = 200;

pub(super) fn data_type(proto: proto::DataType) -> SparkResult<DataType> {
    nested(proto, 0)
}

/// A struct, or an error that names what it is instead.
pub(super) fn struct_type(proto: proto::DataType) -> SparkResult<DataType> {
    let found = data_type(proto)?;
    if matches!(found, DataType::Struct { .. }) { Ok(found) } else { Err(not_a_struct(&found)) }
}

pub(super) fn not_a_struct(found: &DataType) -> SparkError {
    SparkError::new(
        "CONNECT_INVALID_PLAN.INVALID_SCHEMA_NON_STRUCT_TYPE",
        format!("The Spark Connect plan is invalid. The input schema is not a struct type, but got {found}."),
    )
    .with("inputSchema", found.sql())
    .with("dataType", found.sql())
}

fn nested(proto: proto::DataType, depth: usize) -> SparkResult<DataType> {
    if depth > TYPE_DEPTH_MAX {
        return Err(SparkError::invalid_plan(format!("a type nests deeper than {TYPE_DEPTH_MAX}")));
    }
    Ok(match required(proto.kind, "DataType.kind")? {
        Kind::Null(_) => DataType::Null,
        Kind::Binary(_) => DataType::Binary,
        Kind::Boolean(_) => DataType::Boolean,
        Kind::Byte(_) => DataType::Byte,
        Kind::Short(_) => DataType::Short,
        Kind::Integer(_) => DataType::Integer,
        Kind::Long(_) => DataType::Long,
        Kind::Float(_) => DataType::Float,
        Kind::Double(_) => DataType::Double,
        Kind::Decimal(decimal) => decimal_type(decimal)?,
        Kind::String(string) => string_type(string),
        Kind::Char(char) => DataType::Char { length: length(char.length)? },
        Kind::VarChar(char) => DataType::VarChar { length: length(char.length)? },
        Kind::Date(_) => DataType::Date,
        Kind::Time(time) => DataType::Time { precision: time_precision(time.precision)? },
        Kind::Timestamp(_) => DataType::Timestamp,
        Kind::TimestampNtz(_) => DataType::TimestampNtz,
        Kind::CalendarInterval(_) => DataType::CalendarInterval,
        Kind::YearMonthInterval(interval) => year_month(interval)?,
        Kind::DayTimeInterval(interval) => day_time(interval)?,
        Kind::Array(array) => {
            let element = required(array.element_type, "DataType.Array.element_type")?;
            DataType::array(nested(*element, depth + 1)?, array.contains_null)
        }
        Kind::Map(map) => DataType::map(
            nested(*required(map.key_type, "DataType.Map.key_type")?, depth + 1)?,
            nested(*required(map.value_type, "DataType.Map.value_type")?, depth + 1)?,
            map.value_contains_null,
        ),
        Kind::Struct(fields) => DataType::Struct {
            fields: fields.fields.into_iter().map(|field| struct_field(field, depth)).collect::<SparkResult<_>>()?,
        },
        Kind::Variant(_) => DataType::Variant,
        Kind::Udt(user) => user_defined(*user, depth)?,
        Kind::Unparsed(unparsed) => text::schema(&unparsed.data_type_string)?,
        Kind::Geometry(geometry) => DataType::Geometry { srid: srid(geometry.srid, &[0, 3857, 4326])? },
        Kind::Geography(geography) => DataType::Geography { srid: srid(geography.srid, &[4326])? },
    })
}

/// One of the known reference systems, or none for `ANY`.
fn srid(srid: i32, known: &[i32]) -> SparkResult<Option<i32>> {
    if srid != SRID_ANY && !known.contains(&srid) {
        let message = format!("there is no reference system {srid} for this type; there are {known:?}");
        return Err(SparkError::new("ST_INVALID_SRID_VALUE", message).with("srid", srid.to_string()));
    }
    Ok(Some(srid).filter(|srid| *srid != SRID_ANY))
}

fn struct_field(field: types::StructField, depth: usize) -> SparkResult<StructField> {
    Ok(StructField {
        data_type: nested(required(field.data_type, "DataType.StructField.data_type")?, depth + 1)?,
        name: field.name,
        nullable: field.nullable,
        metadata: field.metadata.filter(|json| !json.is_empty() && json != "{}"),
    })
}

fn decimal_type(decimal: types::Decimal) -> SparkResult<DataType> {
    let DataType::Decimal { precision, scale } = DataType::USER_DECIMAL else {
        return Err(SparkError::internal("the default decimal is no decimal"));
    };
    let wrong = |_| SparkError::invalid_plan("a decimal's precision or scale is out of range");
    Ok(DataType::Decimal {
        precision: decimal.precision.map_or(Ok(precision), u8::try_from).map_err(wrong)?,
        scale: decimal.scale.map_or(Ok(scale), i8::try_from).map_err(wrong)?,
    })
}

fn string_type(string: types::String) -> DataType {
    let collation = Some(string.collation).filter(|name| !name.is_empty() && name != "UTF8_BINARY");
    DataType::String { collation }
}

fn length(length: i32) -> SparkResult<u32> {
    u32::try_from(length).map_err(|_| SparkError::invalid_plan(format!("a text's length is {length}")))
}

pub(super) fn time_precision(precision: Option<i32>) -> SparkResult<u8> {
    u8::try_from(precision.unwrap_or(6))
        .ok()
        .filter(|precision| *precision <= 9)
        .ok_or_else(|| SparkError::invalid_plan("a time's precision is out of range"))
}

fn year_month(interval: types::YearMonthInterval) -> SparkResult<DataType> {
    let field = |number: i32| match number {
        0 => Ok(YearMonthField::Year),
        1 => Ok(YearMonthField::Month),
        other => Err(SparkError::invalid_plan(format!("a year-month interval has no field {other}"))),
    };
    let start = interval.start_field.map_or(Ok(YearMonthField::Year), field)?;
    let single = if interval.start_field.is_some() { start } else { YearMonthField::Month };
    Ok(DataType::YearMonthInterval { start, end: interval.end_field.map_or(Ok(single), field)? })
}

fn day_time(interval: types::DayTimeInterval) -> SparkResult<DataType> {
    let field = |number: i32| match number {
        0 => Ok(DayTimeField::Day),
        1 => Ok(DayTimeField::Hour),
        2 => Ok(DayTimeField::Minute),
        3 => Ok(DayTimeField::Second),
        other => Err(SparkError::invalid_plan(format!("a day-time interval has no field {other}"))),
    };
    let start = interval.start_field.map_or(Ok(DayTimeField::Day), field)?;
    let single = if interval.start_field.is_some() { start } else { DayTimeField::Second };
    Ok(DataType::DayTimeInterval { start, end: interval.end_field.map_or(Ok(single), field)? })
}

/// Described by the JSON that Spark's schemas have for it.
fn user_defined(user: types::Udt, depth: usize) -> SparkResult<DataType> {
    let sql_type = nested(*required(user.sql_type, "DataType.UDT.sql_type")?, depth + 1)?;
    let entries =
        [("class", user.jvm_class), ("pyClass", user.python_class), ("serializedClass", user.serialized_python_class)];
    let entries: Vec<_> =
        entries.into_iter().filter_map(|(name, value)| Some(format!(r#","{name}":{}"#, Value::from(value?)))).collect();
    let json = format!(r#"{{"type":"udt"{},"sqlType":{}}}"#, entries.concat(), sql_type.to_json());
    Ok(DataType::UserDefined { sql_type: Box::new(sql_type), json })
}

pub(crate) fn data_type_to_proto(data_type: &DataType) -> proto::DataType {
    let kind = match data_type {
        DataType::Null => Kind::Null(types::Null::default()),
        DataType::Binary => Kind::Binary(types::Binary::default()),
        DataType::Boolean => Kind::Boolean(types::Boolean::default()),
        DataType::Byte => Kind::Byte(types::Byte::default()),
        DataType::Short => Kind::Short(types::Short::default()),
        DataType::Integer => Kind::Integer(types::Integer::default()),
        DataType::Long => Kind::Long(types::Long::default()),
        DataType::Float => Kind::Float(types::Float::default()),
        DataType::Double => Kind::Double(types::Double::default()),
        DataType::Decimal { precision, scale } => Kind::Decimal(types::Decimal {
            precision: Some(i32::from(*precision)),
            scale: Some(i32::from(*scale)),
            ..types::Decimal::default()
        }),
        DataType::String { collation } => Kind::String(types::String {
            collation: collation.clone().unwrap_or_else(|| "UTF8_BINARY".to_owned()),
            ..types::String::default()
        }),
        DataType::Char { length } => Kind::Char(types::Char { length: clamped(*length), ..types::Char::default() }),
        DataType::VarChar { length } => {
            Kind::VarChar(types::VarChar { length: clamped(*length), ..types::VarChar::default() })
        }
        DataType::Date => Kind::Date(types::Date::default()),
        DataType::Timestamp => Kind::Timestamp(types::Timestamp::default()),
        DataType::TimestampNtz => Kind::TimestampNtz(types::TimestampNtz::default()),
        DataType::Time { precision } => {
            Kind::Time(types::Time { precision: Some(i32::from(*precision)), ..types::Time::default() })
        }
        DataType::CalendarInterval => Kind::CalendarInterval(types::CalendarInterval::default()),
        DataType::YearMonthInterval { start, end } => Kind::YearMonthInterval(types::YearMonthInterval {
            start_field: Some(*start as i32),
            end_field: Some(*end as i32),
            ..types::YearMonthInterval::default()
        }),
        DataType::DayTimeInterval { start, end } => Kind::DayTimeInterval(types::DayTimeInterval {
            start_field: Some(*start as i32),
            end_field: Some(*end as i32),
            ..types::DayTimeInterval::default()
        }),
        DataType::Variant => Kind::Variant(types::Variant::default()),
        DataType::Geometry { srid } => {
            Kind::Geometry(types::Geometry { srid: srid.unwrap_or(SRID_ANY), ..types::Geometry::default() })
        }
        DataType::Geography { srid } => {
            Kind::Geography(types::Geography { srid: srid.unwrap_or(SRID_ANY), ..types::Geography::default() })
        }
        nested => nested_to_proto(nested),
    };
    proto::DataType { kind: Some(kind) }
}

fn nested_to_proto(data_type: &DataType) -> Kind {
    match data_type {
        DataType::Array { element, contains_null } => Kind::Array(Box::new(types::Array {
            element_type: Some(Box::new(data_type_to_proto(element))),
            contains_null: *contains_null,
            ..types::Array::default()
        })),
        DataType::Map { key, value, value_contains_null } => Kind::Map(Box::new(types::Map {
            key_type: Some(Box::new(data_type_to_proto(key))),
            value_type: Some(Box::new(data_type_to_proto(value))),
            value_contains_null: *value_contains_null,
            ..types::Map::default()
        })),
        DataType::Struct { fields } => Kind::Struct(types::Struct {
            fields: fields.iter().map(field_to_proto).collect(),
            ..types::Struct::default()
        }),
        DataType::UserDefined { sql_type, json } => Kind::Udt(Box::new(user_defined_to_proto(sql_type, json))),
        _ => Kind::Null(types::Null::default()),
    }
}

fn field_to_proto(field: &StructField) -> types::StructField {
    types::StructField {
        name: field.name.clone(),
        data_type: Some(data_type_to_proto(&field.data_type)),
        nullable: field.nullable,
        metadata: field.metadata.clone(),
    }
}

fn user_defined_to_proto(sql_type: &DataType, json: &str) -> types::Udt {
    let description: Value = serde_json::from_str(json).unwrap_or_default();
    let entry = |name: &str| description.get(name).and_then(Value::as_str).map(str::to_owned);
    types::Udt {
        r#type: "udt".to_owned(),
        jvm_class: entry("class"),
        python_class: entry("pyClass"),
        serialized_python_class: entry("serializedClass"),
        sql_type: Some(Box::new(data_type_to_proto(sql_type))),
    }
}

fn clamped(length: u32) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}
