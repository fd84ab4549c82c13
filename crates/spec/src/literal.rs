//! Constant values with their types.

use crate::data_type::{DataType, DayTimeField, YearMonthField};

#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// A null of a type.
    Null(DataType),
    Boolean(bool),
    Byte(i8),
    Short(i16),
    Integer(i32),
    Long(i64),
    Float(f32),
    Double(f64),
    Decimal {
        unscaled: i128,
        precision: u8,
        scale: i8,
    },
    String(String),
    Binary(Vec<u8>),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since the epoch, UTC.
    Timestamp(i64),
    /// Microseconds since 1970-01-01T00:00:00.
    TimestampNtz(i64),
    /// Nanoseconds since midnight.
    Time {
        nanos: i64,
        precision: u8,
    },
    CalendarInterval {
        months: i32,
        days: i32,
        microseconds: i64,
    },
    YearMonthInterval {
        months: i32,
        start: YearMonthField,
        end: YearMonthField,
    },
    DayTimeInterval {
        microseconds: i64,
        start: DayTimeField,
        end: DayTimeField,
    },
    Array {
        element: DataType,
        contains_null: bool,
        elements: Vec<Literal>,
    },
    Map {
        key: DataType,
        value: DataType,
        value_contains_null: bool,
        entries: Vec<(Literal, Literal)>,
    },
    /// `data_type` is a struct with a field for each value.
    Struct {
        data_type: DataType,
        values: Vec<Literal>,
    },
}

impl Literal {
    pub fn data_type(&self) -> DataType {
        match self {
            Self::Null(data_type) => data_type.clone(),
            Self::Boolean(_) => DataType::Boolean,
            Self::Byte(_) => DataType::Byte,
            Self::Short(_) => DataType::Short,
            Self::Integer(_) => DataType::Integer,
            Self::Long(_) => DataType::Long,
            Self::Float(_) => DataType::Float,
            Self::Double(_) => DataType::Double,
            Self::Decimal { precision, scale, .. } => DataType::Decimal { precision: *precision, scale: *scale },
            Self::String(_) => DataType::STRING,
            Self::Binary(_) => DataType::Binary,
            Self::Date(_) => DataType::Date,
            Self::Timestamp(_) => DataType::Timestamp,
            Self::TimestampNtz(_) => DataType::TimestampNtz,
            Self::Time { precision, .. } => DataType::Time { precision: *precision },
            Self::CalendarInterval { .. } => DataType::CalendarInterval,
            Self::YearMonthInterval { start, end, .. } => DataType::YearMonthInterval { start: *start, end: *end },
            Self::DayTimeInterval { start, end, .. } => DataType::DayTimeInterval { start: *start, end: *end },
            Self::Array { element, contains_null, .. } => DataType::array(element.clone(), *contains_null),
            Self::Map { key, value, value_contains_null, .. } => {
                DataType::map(key.clone(), value.clone(), *value_contains_null)
            }
            Self::Struct { data_type, .. } => data_type.clone(),
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null(_))
    }
}
