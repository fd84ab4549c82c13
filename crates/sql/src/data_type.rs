//! Data types and columns with types.

use firesteel_spec::{DataType, DayTimeField, SparkError, SparkResult, StructField, YearMonthField};

use crate::error::{precision_exceeded, unsupported_type};
use crate::lexer::Kind;
use crate::parser::Parser;

const DECIMAL_PRECISION_MAX: u64 = 38;
const TIME_PRECISION_MAX: u64 = 6;
const GEOMETRY_SRIDS: [i32; 3] = [0, 3857, 4326];
const GEOGRAPHY_SRIDS: [i32; 1] = [4326];

impl Parser<'_> {
    pub fn data_type(&mut self) -> SparkResult<DataType> {
        self.nested(Self::type_of_any_kind)
    }

    fn type_of_any_kind(&mut self) -> SparkResult<DataType> {
        let start = self.position;
        let Some(word) = self.word(0) else { return Err(self.unexpected()) };
        let name = word.to_ascii_uppercase();
        if matches!(name.as_str(), "ARRAY" | "MAP" | "STRUCT") {
            self.advance();
            return self.nested_type(start, &name);
        }
        if name == "INTERVAL" {
            self.advance();
            return self.interval_type();
        }
        self.advance();
        let sizes = if self.symbol("(") { self.sizes()? } else { Vec::new() };
        let atomic = atomic(&name, &sizes).map_err(|error| self.at(start, error))?;
        match atomic {
            DataType::String { .. } if self.take("COLLATE") => {
                let collation = self.name()?.join(".");
                Ok(DataType::String { collation: (collation != "UTF8_BINARY").then_some(collation) })
            }
            DataType::Timestamp if self.take_all("WITHOUT TIME ZONE") => Ok(DataType::TimestampNtz),
            DataType::Time { .. } if self.take_all("WITHOUT TIME ZONE") => Ok(atomic),
            DataType::Timestamp => {
                self.take_all("WITH LOCAL TIME ZONE");
                Ok(atomic)
            }
            _ => Ok(atomic),
        }
    }

    fn sizes(&mut self) -> SparkResult<Vec<String>> {
        self.list(|parser| {
            let text = parser.token_text(0).to_ascii_uppercase();
            if !matches!(parser.kind(0), Kind::Integer | Kind::Word) {
                return Err(parser.unexpected());
            }
            parser.advance();
            Ok(text)
        })
    }

    fn nested_type(&mut self, start: usize, name: &str) -> SparkResult<DataType> {
        if name == "STRUCT" && self.take_symbol("<>") {
            return Ok(DataType::Struct { fields: Vec::new() });
        }
        if !self.take_symbol("<") {
            let error = SparkError::new(
                format!("INCOMPLETE_TYPE_DEFINITION.{name}"),
                format!("the type {name} lacks the types of its parts; write for example {name}<…>"),
            );
            return Err(self.at(start, error));
        }
        let data_type = match name {
            "ARRAY" => DataType::array(self.data_type()?, true),
            "MAP" => {
                let key = self.data_type()?;
                self.expect_symbol(",")?;
                DataType::map(key, self.data_type()?, true)
            }
            _ if self.symbol(">") => DataType::Struct { fields: Vec::new() },
            _ => DataType::Struct { fields: self.comma_separated(Self::struct_field)? },
        };
        self.expect_symbol(">")?;
        Ok(data_type)
    }

    /// `a: INT NOT NULL COMMENT 'x'`; the colon may be left out.
    fn struct_field(&mut self) -> SparkResult<StructField> {
        let name = self.identifier()?;
        self.take_symbol(":");
        let data_type = self.data_type()?;
        self.rest_of_field(name, data_type)
    }

    fn rest_of_field(&mut self, name: String, data_type: DataType) -> SparkResult<StructField> {
        let nullable = !self.take_all("NOT NULL");
        let mut field = StructField::new(name, data_type, nullable);
        if self.take("COMMENT") {
            field.metadata = Some(metadata(&[("comment", &self.text_literal()?)]));
        }
        Ok(field)
    }

    /// `a INT NOT NULL COMMENT 'x', b STRING`
    pub fn table_schema(&mut self) -> SparkResult<DataType> {
        Ok(DataType::Struct { fields: self.columns_with_types()? })
    }

    pub fn columns_with_types(&mut self) -> SparkResult<Vec<StructField>> {
        self.comma_separated(|parser| {
            let name = parser.strict_identifier()?;
            let data_type = parser.data_type()?;
            parser.rest_of_field(name, data_type)
        })
    }

    /// After `INTERVAL`.
    fn interval_type(&mut self) -> SparkResult<DataType> {
        if let Some(start) = self.take_year_month() {
            let to = start == YearMonthField::Year && self.is("TO") && self.take("TO");
            let end = if to { self.take_year_month().ok_or_else(|| self.unexpected())? } else { start };
            return Ok(DataType::YearMonthInterval { start, end });
        }
        let Some(start) = self.take_day_time() else { return Ok(DataType::CalendarInterval) };
        if !self.take("TO") {
            return Ok(DataType::DayTimeInterval { start, end: start });
        }
        let before = self.position;
        match self.take_day_time() {
            Some(end) if end > start => Ok(DataType::DayTimeInterval { start, end }),
            _ => {
                self.position = before;
                Err(self.unexpected())
            }
        }
    }

    fn take_year_month(&mut self) -> Option<YearMonthField> {
        match self.take_any(&["YEAR", "MONTH"])?.to_ascii_uppercase().as_str() {
            "YEAR" => Some(YearMonthField::Year),
            _ => Some(YearMonthField::Month),
        }
    }

    fn take_day_time(&mut self) -> Option<DayTimeField> {
        match self.take_any(&["DAY", "HOUR", "MINUTE", "SECOND"])?.to_ascii_uppercase().as_str() {
            "DAY" => Some(DayTimeField::Day),
            "HOUR" => Some(DayTimeField::Hour),
            "MINUTE" => Some(DayTimeField::Minute),
            _ => Some(DayTimeField::Second),
        }
    }
}

/// A JSON object, as the metadata of a field is.
pub(crate) fn metadata(entries: &[(&str, &str)]) -> String {
    let object: serde_json::Map<_, _> =
        entries.iter().map(|(key, value)| ((*key).to_owned(), serde_json::Value::from(*value))).collect();
    serde_json::Value::Object(object).to_string()
}

/// A type without types in it, by its name in upper case.
fn atomic(name: &str, sizes: &[String]) -> SparkResult<DataType> {
    match name {
        "GEOMETRY" => return Ok(DataType::Geometry { srid: srid(name, sizes, &GEOMETRY_SRIDS)? }),
        "GEOGRAPHY" => return Ok(DataType::Geography { srid: srid(name, sizes, &GEOGRAPHY_SRIDS)? }),
        _ => {}
    }
    let unsupported = || {
        let sizes = if sizes.is_empty() { String::new() } else { format!("({})", sizes.join(",")) };
        unsupported_type(&format!("{name}{sizes}"))
    };
    let numbers: Vec<u64> =
        sizes.iter().map(|size| size.parse().map_err(|_| unsupported())).collect::<Result<_, _>>()?;
    match (name, numbers.as_slice()) {
        ("BOOLEAN", []) => Ok(DataType::Boolean),
        ("TINYINT" | "BYTE", []) => Ok(DataType::Byte),
        ("SMALLINT" | "SHORT", []) => Ok(DataType::Short),
        ("INT" | "INTEGER", []) => Ok(DataType::Integer),
        ("BIGINT" | "LONG", []) => Ok(DataType::Long),
        ("FLOAT" | "REAL", []) => Ok(DataType::Float),
        ("DOUBLE", []) => Ok(DataType::Double),
        ("DATE", []) => Ok(DataType::Date),
        ("TIMESTAMP" | "TIMESTAMP_LTZ", []) => Ok(DataType::Timestamp),
        ("TIMESTAMP_NTZ", []) => Ok(DataType::TimestampNtz),
        ("STRING", []) => Ok(DataType::STRING),
        ("BINARY", []) => Ok(DataType::Binary),
        ("VOID", []) => Ok(DataType::Null),
        ("VARIANT", []) => Ok(DataType::Variant),
        ("TIME", []) => Ok(DataType::Time { precision: 6 }),
        ("TIME", [precision]) => time(*precision),
        ("CHAR" | "CHARACTER" | "VARCHAR", []) => Err(missing_size(name)),
        ("CHAR" | "CHARACTER", [length]) => {
            Ok(DataType::Char { length: u32::try_from(*length).map_err(|_| unsupported())? })
        }
        ("VARCHAR", [length]) => Ok(DataType::VarChar { length: u32::try_from(*length).map_err(|_| unsupported())? }),
        ("DECIMAL" | "DEC" | "NUMERIC", []) => Ok(DataType::USER_DECIMAL),
        ("DECIMAL" | "DEC" | "NUMERIC", [precision]) => decimal(*precision, 0),
        ("DECIMAL" | "DEC" | "NUMERIC", [precision, scale]) => decimal(*precision, *scale),
        _ => Err(unsupported()),
    }
}

/// The reference system of shapes: its number, or nothing for `ANY`.
fn srid(name: &str, sizes: &[String], known: &[i32]) -> SparkResult<Option<i32>> {
    match sizes {
        [any] if any == "ANY" => Ok(None),
        [number] if known.iter().any(|known| known.to_string() == *number) => Ok(number.parse().ok()),
        [other] => {
            let message = format!("{name} has no reference system {other}; there are {known:?} and ANY");
            Err(SparkError::new("ST_INVALID_SRID_VALUE", message).with("srid", other))
        }
        _ => Err(unsupported_type(name)),
    }
}

fn time(precision: u64) -> SparkResult<DataType> {
    if precision > TIME_PRECISION_MAX {
        let message = format!("a TIME has 0 to {TIME_PRECISION_MAX} digits of a second, not {precision}");
        return Err(SparkError::new("UNSUPPORTED_TIME_PRECISION", message).with("precision", precision.to_string()));
    }
    Ok(DataType::Time { precision: u8::try_from(precision).unwrap_or_default() })
}

fn decimal(precision: u64, scale: u64) -> SparkResult<DataType> {
    if precision > DECIMAL_PRECISION_MAX {
        return Err(precision_exceeded(usize::try_from(precision).unwrap_or(usize::MAX)));
    }
    match (u8::try_from(precision), i8::try_from(scale)) {
        (Ok(precision), Ok(signed)) if scale <= u64::from(precision) => {
            Ok(DataType::Decimal { precision, scale: signed })
        }
        _ => Err(SparkError::new(
            "_LEGACY_ERROR_TEMP_1229",
            format!("Decimal scale ({scale}) cannot be greater than precision ({precision})."),
        )
        .with("decimalType", "decimal")
        .with("scale", scale.to_string())
        .with("precision", precision.to_string())),
    }
}

fn missing_size(name: &str) -> SparkError {
    let name = if name == "CHARACTER" { "CHAR" } else { name };
    SparkError::new("DATATYPE_MISSING_SIZE", format!("the type {name} needs a length, as in {name}(10)"))
        .with("type", format!("\"{name}\""))
}
