//! Spark's data types (`org.apache.spark.sql.types`).

use std::fmt;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DataType {
    /// The type of a bare `NULL`; Spark's `void`.
    Null,
    Boolean,
    Byte,
    Short,
    Integer,
    Long,
    Float,
    Double,
    Decimal {
        precision: u8,
        scale: i8,
    },
    /// The collation is `None` for `UTF8_BINARY`.
    String {
        collation: Option<String>,
    },
    Char {
        length: u32,
    },
    VarChar {
        length: u32,
    },
    Binary,
    Date,
    /// An instant, in microseconds.
    Timestamp,
    /// A date and a time of day without a zone, in microseconds.
    TimestampNtz,
    /// A time of day with `precision` digits of a second.
    Time {
        precision: u8,
    },
    /// Months, days and microseconds, kept apart.
    CalendarInterval,
    YearMonthInterval {
        start: YearMonthField,
        end: YearMonthField,
    },
    DayTimeInterval {
        start: DayTimeField,
        end: DayTimeField,
    },
    Array {
        element: Box<DataType>,
        contains_null: bool,
    },
    Map {
        key: Box<DataType>,
        value: Box<DataType>,
        value_contains_null: bool,
    },
    Struct {
        fields: Vec<StructField>,
    },
    Variant,
    /// Shapes on a plane, all in the reference system of that number; `None` is `ANY`.
    Geometry {
        srid: Option<i32>,
    },
    /// Shapes on the earth, likewise.
    Geography {
        srid: Option<i32>,
    },
    /// A user's type over `sql_type`; `json` is its description, which a client gets back as it is.
    UserDefined {
        sql_type: Box<DataType>,
        json: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StructField {
    pub name: String,
    pub data_type: DataType,
    pub nullable: bool,
    /// A JSON object, if any.
    pub metadata: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum YearMonthField {
    Year,
    Month,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DayTimeField {
    Day,
    Hour,
    Minute,
    Second,
}

impl DataType {
    pub const STRING: Self = Self::String { collation: None };
    /// `DECIMAL` without precision and scale.
    pub const USER_DECIMAL: Self = Self::Decimal { precision: 10, scale: 0 };
    pub const DAY_TIME: Self = Self::DayTimeInterval { start: DayTimeField::Day, end: DayTimeField::Second };
    pub const YEAR_MONTH: Self = Self::YearMonthInterval { start: YearMonthField::Year, end: YearMonthField::Month };

    pub fn array(element: Self, contains_null: bool) -> Self {
        Self::Array { element: Box::new(element), contains_null }
    }

    pub fn map(key: Self, value: Self, value_contains_null: bool) -> Self {
        Self::Map { key: Box::new(key), value: Box::new(value), value_contains_null }
    }

    /// `simpleString`: as `DESCRIBE`, `printSchema` of a nested type, and error messages in lower case have it.
    pub fn simple_string(&self) -> String {
        match self {
            Self::Struct { fields } => {
                let fields: Vec<_> =
                    fields.iter().map(|field| format!("{}:{}", field.name, field.data_type.simple_string())).collect();
                format!("struct<{}>", fields.join(","))
            }
            Self::Array { element, .. } => format!("array<{}>", element.simple_string()),
            Self::Map { key, value, .. } => format!("map<{},{}>", key.simple_string(), value.simple_string()),
            Self::UserDefined { sql_type, .. } => sql_type.simple_string(),
            atomic => atomic.sql().to_lowercase().replace("utf8_binary", "UTF8_BINARY"),
        }
    }

    /// `sql`: as DDL and casts have it, such as `ARRAY<INT>` and `DECIMAL(10,2)`.
    pub fn sql(&self) -> String {
        match self {
            Self::Null => "VOID".to_owned(),
            Self::Boolean => "BOOLEAN".to_owned(),
            Self::Byte => "TINYINT".to_owned(),
            Self::Short => "SMALLINT".to_owned(),
            Self::Integer => "INT".to_owned(),
            Self::Long => "BIGINT".to_owned(),
            Self::Float => "FLOAT".to_owned(),
            Self::Double => "DOUBLE".to_owned(),
            Self::Decimal { precision, scale } => format!("DECIMAL({precision},{scale})"),
            Self::String { collation: None } => "STRING".to_owned(),
            Self::String { collation: Some(collation) } => format!("STRING COLLATE {collation}"),
            Self::Char { length } => format!("CHAR({length})"),
            Self::VarChar { length } => format!("VARCHAR({length})"),
            Self::Binary => "BINARY".to_owned(),
            Self::Date => "DATE".to_owned(),
            Self::Timestamp => "TIMESTAMP".to_owned(),
            Self::TimestampNtz => "TIMESTAMP_NTZ".to_owned(),
            Self::Time { precision } => format!("TIME({precision})"),
            Self::CalendarInterval => "INTERVAL".to_owned(),
            Self::YearMonthInterval { start, end } => interval(start, end, start == end),
            Self::DayTimeInterval { start, end } => interval(start, end, start == end),
            Self::Array { element, .. } => format!("ARRAY<{}>", element.sql()),
            Self::Map { key, value, .. } => format!("MAP<{}, {}>", key.sql(), value.sql()),
            Self::Struct { fields } => {
                let fields: Vec<_> = fields.iter().map(StructField::sql).collect();
                format!("STRUCT<{}>", fields.join(", "))
            }
            Self::Variant => "VARIANT".to_owned(),
            Self::Geometry { srid } => format!("GEOMETRY({})", reference_system(*srid)),
            Self::Geography { srid } => format!("GEOGRAPHY({})", reference_system(*srid)),
            Self::UserDefined { sql_type, .. } => sql_type.sql(),
        }
    }

    /// `toDDL`: the columns of a struct as a table's schema has them, such as `a BIGINT NOT NULL,b STRING`.
    pub fn ddl(&self) -> String {
        match self {
            Self::Struct { fields } => fields.iter().map(StructField::ddl).collect::<Vec<_>>().join(","),
            other => other.sql(),
        }
    }

    pub fn is_string(&self) -> bool {
        matches!(self, Self::String { .. } | Self::Char { .. } | Self::VarChar { .. })
    }

    pub fn is_spatial(&self) -> bool {
        matches!(self, Self::Geometry { .. } | Self::Geography { .. })
    }

    pub fn is_integral(&self) -> bool {
        matches!(self, Self::Byte | Self::Short | Self::Integer | Self::Long)
    }

    pub fn is_fractional(&self) -> bool {
        matches!(self, Self::Float | Self::Double)
    }

    pub fn is_numeric(&self) -> bool {
        self.is_integral() || self.is_fractional() || matches!(self, Self::Decimal { .. })
    }
}

impl StructField {
    pub fn new(name: impl Into<String>, data_type: DataType, nullable: bool) -> Self {
        Self { name: name.into(), data_type, nullable, metadata: None }
    }

    fn ddl(&self) -> String {
        let not_null = if self.nullable { "" } else { " NOT NULL" };
        format!("{} {}{not_null}", quoted_if_needed(&self.name), self.data_type.sql())
    }

    fn sql(&self) -> String {
        let not_null = if self.nullable { "" } else { " NOT NULL" };
        format!("{}: {}{not_null}", quoted_if_needed(&self.name), self.data_type.sql())
    }
}

/// A name in backticks, unless it is a plain identifier.
pub(crate) fn quoted_if_needed(name: &str) -> String {
    let plain = name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
        && !name.is_empty()
        && !name.chars().all(|character| character.is_ascii_digit());
    if plain { name.to_owned() } else { format!("`{}`", name.replace('`', "``")) }
}

fn reference_system(srid: Option<i32>) -> String {
    srid.map_or_else(|| "ANY".to_owned(), |srid| srid.to_string())
}

fn interval(start: impl fmt::Display, end: impl fmt::Display, single: bool) -> String {
    if single { format!("INTERVAL {start}") } else { format!("INTERVAL {start} TO {end}") }
}

impl fmt::Display for YearMonthField {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Year => "YEAR",
            Self::Month => "MONTH",
        })
    }
}

impl fmt::Display for DayTimeField {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Day => "DAY",
            Self::Hour => "HOUR",
            Self::Minute => "MINUTE",
            Self::Second => "SECOND",
        })
    }
}

impl fmt::Display for DataType {
    /// As in error messages: the SQL form.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.sql())
    }
}
