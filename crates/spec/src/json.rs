//! Types as the JSON that Spark writes and reads (`DataType.json`, `DataType.fromJson`).

use serde_json::Value;

use crate::{DataType, DayTimeField, SparkError, SparkResult, StructField, YearMonthField};

impl DataType {
    pub fn from_json(json: &str) -> SparkResult<Self> {
        let value: Value = serde_json::from_str(json).map_err(|_| invalid(json))?;
        parsed(&value)
    }

    pub fn to_json(&self) -> String {
        match self {
            Self::Struct { fields } => {
                let fields: Vec<_> = fields.iter().map(field_json).collect();
                format!(r#"{{"type":"struct","fields":[{}]}}"#, fields.join(","))
            }
            Self::Array { element, contains_null } => {
                format!(r#"{{"type":"array","elementType":{},"containsNull":{contains_null}}}"#, element.to_json())
            }
            Self::Map { key, value, value_contains_null } => format!(
                r#"{{"type":"map","keyType":{},"valueType":{},"valueContainsNull":{value_contains_null}}}"#,
                key.to_json(),
                value.to_json()
            ),
            Self::UserDefined { json, .. } => json.clone(),
            atomic => text(&atomic_name(atomic)),
        }
    }
}

fn field_json(field: &StructField) -> String {
    format!(
        r#"{{"name":{},"type":{},"nullable":{},"metadata":{}}}"#,
        text(&field.name),
        field.data_type.to_json(),
        field.nullable,
        field.metadata.as_deref().unwrap_or("{}")
    )
}

fn text(value: &str) -> String {
    Value::from(value).to_string()
}

/// `typeName` of types without parts.
fn atomic_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Byte => "byte".to_owned(),
        DataType::Short => "short".to_owned(),
        DataType::Integer => "integer".to_owned(),
        DataType::Long => "long".to_owned(),
        DataType::String { collation: Some(collation) } => format!("string collate {collation}"),
        DataType::Geometry { srid } => format!("geometry({})", reference_system(*srid)),
        DataType::Geography { srid } => format!("geography({}, SPHERICAL)", reference_system(*srid)),
        other => other.simple_string(),
    }
}

/// Reference systems by their numbers, as JSON names them. There are no others.
const REFERENCE_SYSTEMS: &[(Option<i32>, &str)] =
    &[(None, "SRID:ANY"), (Some(0), "SRID:0"), (Some(3857), "EPSG:3857"), (Some(4326), "OGC:CRS84")];

fn reference_system(srid: Option<i32>) -> String {
    let known = REFERENCE_SYSTEMS.iter().find(|(known, _)| *known == srid);
    known.map_or_else(|| format!("SRID:{}", srid.unwrap_or_default()), |(_, name)| (*name).to_owned())
}

fn srid(name: &str) -> Option<Option<i32>> {
    REFERENCE_SYSTEMS.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(srid, _)| *srid)
}

fn invalid(what: impl ToString) -> SparkError {
    let what = what.to_string();
    SparkError::new(
        "INVALID_JSON_DATA_TYPE",
        format!("Failed to convert the JSON string '{what}' to a data type. Please enter a valid data type."),
    )
    .with("invalidType", what)
}

fn parsed(value: &Value) -> SparkResult<DataType> {
    if let Some(name) = value.as_str() {
        return atomic(name).ok_or_else(|| invalid(value));
    }
    match value.get("type").and_then(Value::as_str) {
        Some("struct") => {
            let fields = value.get("fields").and_then(Value::as_array).ok_or_else(|| invalid(value))?;
            Ok(DataType::Struct { fields: fields.iter().map(field).collect::<SparkResult<_>>()? })
        }
        Some("array") => Ok(DataType::array(part(value, "elementType")?, flag(value, "containsNull")?)),
        Some("map") => {
            Ok(DataType::map(part(value, "keyType")?, part(value, "valueType")?, flag(value, "valueContainsNull")?))
        }
        Some("udt") => {
            Ok(DataType::UserDefined { sql_type: Box::new(part(value, "sqlType")?), json: value.to_string() })
        }
        _ => Err(invalid(value)),
    }
}

fn part(value: &Value, name: &str) -> SparkResult<DataType> {
    parsed(value.get(name).ok_or_else(|| invalid(value))?)
}

fn flag(value: &Value, name: &str) -> SparkResult<bool> {
    value.get(name).and_then(Value::as_bool).ok_or_else(|| invalid(value))
}

fn field(value: &Value) -> SparkResult<StructField> {
    let name = value.get("name").and_then(Value::as_str).ok_or_else(|| invalid(value))?;
    let metadata = match value.get("metadata") {
        Some(Value::Object(entries)) if !entries.is_empty() => Some(Value::Object(entries.clone()).to_string()),
        _ => None,
    };
    let nullable = value.get("nullable").and_then(Value::as_bool).unwrap_or(true);
    Ok(StructField { name: name.to_owned(), data_type: part(value, "type")?, nullable, metadata })
}

fn atomic(name: &str) -> Option<DataType> {
    Some(match name {
        "void" | "null" => DataType::Null,
        "boolean" => DataType::Boolean,
        "byte" | "tinyint" => DataType::Byte,
        "short" | "smallint" => DataType::Short,
        "integer" | "int" => DataType::Integer,
        "long" | "bigint" => DataType::Long,
        "float" => DataType::Float,
        "double" => DataType::Double,
        "decimal" => DataType::USER_DECIMAL,
        "string" => DataType::STRING,
        "binary" => DataType::Binary,
        "date" => DataType::Date,
        "timestamp" | "timestamp_ltz" => DataType::Timestamp,
        "timestamp_ntz" => DataType::TimestampNtz,
        "time" => DataType::Time { precision: 6 },
        "interval" | "calendarinterval" => DataType::CalendarInterval,
        "variant" => DataType::Variant,
        other => return with_parts(other),
    })
}

/// Names that carry numbers or fields: `decimal(10,2)`, `interval day to second`, `string collate UNICODE`.
fn with_parts(name: &str) -> Option<DataType> {
    if let Some(collation) = name.strip_prefix("string collate ") {
        return Some(DataType::String { collation: Some(collation.to_owned()) });
    }
    if let Some(fields) = name.strip_prefix("interval ") {
        return interval(fields);
    }
    let (kind, numbers) = name.strip_suffix(')')?.split_once('(')?;
    let mut numbers = numbers.split(',').map(str::trim);
    let first = numbers.next()?;
    let second = numbers.next();
    match (kind, second) {
        ("decimal", second) => {
            Some(DataType::Decimal { precision: first.parse().ok()?, scale: second.unwrap_or("0").parse().ok()? })
        }
        ("char", None) => Some(DataType::Char { length: first.parse().ok()? }),
        ("varchar", None) => Some(DataType::VarChar { length: first.parse().ok()? }),
        ("geometry", None) => Some(DataType::Geometry { srid: srid(first)? }),
        ("geography", None | Some("SPHERICAL" | "spherical")) => Some(DataType::Geography { srid: srid(first)? }),
        ("time", None) => Some(DataType::Time { precision: first.parse().ok()? }),
        _ => None,
    }
}

fn interval(fields: &str) -> Option<DataType> {
    let (start, end) = fields.split_once(" to ").unwrap_or((fields, fields));
    if let (Some(start), Some(end)) = (year_month(start), year_month(end)) {
        return Some(DataType::YearMonthInterval { start, end });
    }
    Some(DataType::DayTimeInterval { start: day_time(start)?, end: day_time(end)? })
}

fn year_month(field: &str) -> Option<YearMonthField> {
    match field {
        "year" => Some(YearMonthField::Year),
        "month" => Some(YearMonthField::Month),
        _ => None,
    }
}

fn day_time(field: &str) -> Option<DayTimeField> {
    match field {
        "day" => Some(DayTimeField::Day),
        "hour" => Some(DayTimeField::Hour),
        "minute" => Some(DayTimeField::Minute),
        "second" => Some(DayTimeField::Second),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What PySpark's `GeometryType.json` and `GeographyType.json` write.
    #[test]
    fn shapes_are_named_by_their_reference_systems() {
        for (json, sql) in [
            (r#""geometry(SRID:0)""#, "GEOMETRY(0)"),
            (r#""geometry(EPSG:3857)""#, "GEOMETRY(3857)"),
            (r#""geometry(SRID:ANY)""#, "GEOMETRY(ANY)"),
            (r#""geography(OGC:CRS84, SPHERICAL)""#, "GEOGRAPHY(4326)"),
        ] {
            let data_type = DataType::from_json(json).expect(json);
            assert_eq!((data_type.sql(), data_type.to_json()), (sql.to_owned(), json.to_owned()));
        }
    }

    /// What PySpark's `StructType.json` writes.
    #[test]
    fn json_of_spark_comes_back_as_it_was() {
        let json = concat!(
            r#"{"type":"struct","fields":["#,
            r#"{"name":"a","type":"long","nullable":false,"metadata":{}},"#,
            r#"{"name":"b \"c\"","type":{"type":"array","elementType":"decimal(10,2)","containsNull":true},"#,
            r#""nullable":true,"metadata":{"comment":"x"}},"#,
            r#"{"name":"m","type":{"type":"map","keyType":"string","valueType":"interval day to second","#,
            r#""valueContainsNull":false},"nullable":true,"metadata":{}}]}"#
        );
        assert_eq!(DataType::from_json(json).unwrap().to_json(), json);
        for name in ["byte", "timestamp_ntz", "time(6)", "interval year", "varchar(3)", "void", "interval"] {
            assert_eq!(DataType::from_json(&format!("\"{name}\"")).unwrap().to_json(), format!("\"{name}\""));
        }
    }

    #[test]
    fn what_is_no_type_is_an_error() {
        for json in ["", "{", "\"number\"", "{\"type\":\"array\"}", "[]", "\"decimal(400,1)\""] {
            assert!(DataType::from_json(json).unwrap_err().is("INVALID_JSON_DATA_TYPE"), "{json}");
        }
    }
}
