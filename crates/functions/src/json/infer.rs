//! Schemas of files of lines: the type of each line, and what all lines have in common.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, StringArray};
use datafusion::common::internal_datafusion_err;
use firesteel_spec::{DataType, SparkError, SparkResult, StructField};

use super::csv;
use super::dialect::Dialect;
use super::options::{Options, READING};
use super::read::{Inference, compatible, settled};
use super::value::Json;
use crate::call::Call;
use crate::kernel::spark_error;
use crate::string::rows::{constant_text, kernels, text_or_null, texts};
use crate::typed::{Typed, default_name};

kernels! {
    TYPE_OF_LINE = "firesteel_type_of_line", text_or_null, |arrays, rows| {
        let text = |index: usize| {
            constant_text(&arrays[index]).ok_or_else(|| internal_datafusion_err!("type_of_line without its constants"))
        };
        let (format, zone) = (text(1)?, text(3)?);
        let options = Options::from_text(text(2)?);
        let typer = Typer::of(format, &options, zone).map_err(spark_error)?;
        let lines = texts(&arrays[0]);
        // Lines of a file have few types.
        let mut known: HashMap<DataType, String> = HashMap::new();
        let types = (0..rows).map(|row| {
            let data_type = lines.is_valid(row).then(|| typer.type_of(lines.value(row)))?;
            Some(known.entry(data_type).or_insert_with_key(DataType::to_json).clone())
        });
        Ok(Arc::new(types.collect::<StringArray>()))
    };
}

/// `firesteel_type_of_line(text, format, options)`: a struct's type as JSON.
pub(super) fn type_of_line(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let format = call.constant_text(1)?;
    let known = if format == "csv" { csv::known() } else { READING.to_vec() };
    let options = Options::of(call, 2, &known)?;
    Typer::of(&format, &options, &call.settings.time_zone)?;
    let arguments = vec![
        call.string(0)?,
        Typed::string(&format),
        Typed::string(&options.to_text()),
        Typed::string(&call.settings.time_zone),
    ];
    let typed = Typed::call(&TYPE_OF_LINE, arguments)?;
    Ok(typed.named(default_name(call.name, &call.arguments[..1])))
}

enum Typer {
    Json { inference: Inference, options: Options, corrupt: String },
    Csv { dialect: Dialect, zone: String },
}

impl Typer {
    fn of(format: &str, options: &Options, zone: &str) -> SparkResult<Self> {
        match format {
            "json" => Ok(Self::Json {
                inference: Inference::of(options, zone)?,
                options: options.clone(),
                corrupt: options.get("columnnameofcorruptrecord").unwrap_or("_corrupt_record").to_owned(),
            }),
            "csv" => Ok(Self::Csv { dialect: Dialect::for_reading(options), zone: zone.to_owned() }),
            other => Err(SparkError::unsupported(format!("inferring the schema of {other} lines"))),
        }
    }

    fn type_of(&self, line: &str) -> DataType {
        match self {
            Self::Json { inference, options, corrupt } => {
                let types = Json::parse(line, options.lax()).map(|json| match json {
                    // Each element is a row.
                    Json::Array(rows) => rows
                        .iter()
                        .map(|row| inference.type_of(row))
                        .reduce(|left, right| compatible(&left, &right, &DataType::STRING))
                        .unwrap_or(DataType::Struct { fields: Vec::new() }),
                    json => inference.type_of(&json),
                });
                match types {
                    Some(rows @ DataType::Struct { .. }) => rows,
                    _ => DataType::Struct { fields: vec![StructField::new(corrupt, DataType::STRING, true)] },
                }
            }
            Self::Csv { dialect, zone } => {
                let fields = dialect.values(line).into_iter().enumerate().map(|(index, token)| {
                    let data_type = token.map_or(DataType::Null, |token| csv::inferred(&token, zone));
                    StructField::new(format!("_c{index}"), data_type, true)
                });
                DataType::Struct { fields: fields.collect() }
            }
        }
    }
}

/// What rows of these types have in common; `None` if there is nothing to tell by.
pub fn common_row_type(format: &str, types: &[DataType]) -> Option<DataType> {
    if format == "json" {
        let merged = types.iter().cloned().reduce(|left, right| compatible(&left, &right, &DataType::STRING))?;
        return settled(merged, false);
    }
    let mut columns: Vec<DataType> = Vec::new();
    for data_type in types {
        let DataType::Struct { fields } = data_type else { continue };
        for (index, field) in fields.iter().enumerate() {
            match columns.get_mut(index) {
                Some(known) => *known = common_csv_type(known, &field.data_type),
                None => columns.push(field.data_type.clone()),
            }
        }
    }
    let fields = columns.into_iter().enumerate().map(|(index, data_type)| {
        let data_type = if data_type == DataType::Null { DataType::STRING } else { data_type };
        StructField::new(format!("_c{index}"), data_type, true)
    });
    let fields: Vec<_> = fields.collect();
    (!fields.is_empty()).then_some(DataType::Struct { fields })
}

/// `CSVInferSchema.compatibleType`
fn common_csv_type(left: &DataType, right: &DataType) -> DataType {
    use DataType as T;
    match (left, right) {
        (left, right) if left == right => left.clone(),
        (T::Null, other) | (other, T::Null) => other.clone(),
        (T::Double, other) | (other, T::Double) if other.is_numeric() => T::Double,
        (T::Long, T::Integer) | (T::Integer, T::Long) => T::Long,
        (T::Date, T::Timestamp) | (T::Timestamp, T::Date) => T::Timestamp,
        _ => T::STRING,
    }
}

/// The values of a line of CSV.
pub fn csv_values(line: &str, options: &firesteel_spec::Options) -> Vec<Option<String>> {
    Dialect::for_reading(&Options::plain(options)).values(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_the_type_that_all_have() {
        let options = Options::default();
        let csv = Typer::of("csv", &options, "UTC").expect("a format");
        let types: Vec<_> = ["1,a,2020-01-01,", "2.5,b,2020-01-01 10:00:00,,true"].map(|line| csv.type_of(line)).into();
        let common = common_row_type("csv", &types).expect("columns");
        assert_eq!(common.simple_string(), "struct<_c0:double,_c1:string,_c2:timestamp,_c3:string,_c4:boolean>");
        let json = Typer::of("json", &options, "UTC").expect("a format");
        let lines = [r#"{"a": 1, "b": [1]}"#, r#"{"a": 2.5, "b": [null], "c": null}"#, r#"{"a""#];
        let types: Vec<_> = lines.map(|line| json.type_of(line)).into();
        let common = common_row_type("json", &types).expect("columns");
        assert_eq!(common.simple_string(), "struct<_corrupt_record:string,a:double,b:array<bigint>,c:string>");
        assert_eq!(common_row_type("csv", &[]), None);
    }
}
