//! Rows as Spark's Hive-like output has them, which is how `tests/oracle` keeps its answers.
//!
//! Leaves are written by the engine's own casts to text, so that these are compared too; nesting, quotes and nulls here.

use std::fmt::Write as _;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DurationMicrosecondType, IntervalYearMonthType};
use firesteel_functions::texts;
use firesteel_spec::{DataType, StructField};

const MONTHS_PER_YEAR: u32 = 12;
const US_PER_SECOND: u64 = 1_000_000;
const SECONDS_PER_DAY: u64 = 86_400;

/// The rows of batches, columns by tabs. Instants are shown in `zone`.
pub fn hive_rows(batches: &[RecordBatch], fields: &[StructField], zone: &str) -> Vec<String> {
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter().zip(fields);
            let texts: Vec<String> =
                cells.map(|(column, field)| cell(column, &field.data_type, row, zone, false)).collect();
            rows.push(texts.join("\t"));
        }
    }
    rows
}

fn cell(array: &ArrayRef, data_type: &DataType, row: usize, zone: &str, nested: bool) -> String {
    if array.is_null(row) || *data_type == DataType::Null {
        return if nested { "null" } else { "NULL" }.to_owned();
    }
    let inner = |values: &ArrayRef, of: &DataType, at: usize| cell(values, of, at, zone, true);
    match data_type {
        DataType::Array { element, .. } => {
            let values = array.as_list::<i32>().value(row);
            let texts: Vec<String> = (0..values.len()).map(|at| inner(&values, element, at)).collect();
            format!("[{}]", texts.join(","))
        }
        DataType::Map { key, value, .. } => {
            let entries = array.as_map().value(row);
            let pair = |at| format!("{}:{}", inner(entries.column(0), key, at), inner(entries.column(1), value, at));
            let mut texts: Vec<String> = (0..entries.len()).map(pair).collect();
            texts.sort();
            format!("{{{}}}", texts.join(","))
        }
        DataType::Struct { fields } => {
            let columns = array.as_struct().columns().iter().zip(fields);
            let texts: Vec<String> = columns
                .map(|(column, field)| format!("\"{}\":{}", field.name, inner(column, &field.data_type, row)))
                .collect();
            format!("{{{}}}", texts.join(","))
        }
        DataType::Binary => array.as_binary::<i32>().value(row).iter().fold(String::new(), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02X}");
            text
        }),
        DataType::YearMonthInterval { .. } => year_month(array.as_primitive::<IntervalYearMonthType>().value(row)),
        DataType::DayTimeInterval { .. } => day_time(array.as_primitive::<DurationMicrosecondType>().value(row)),
        leaf => {
            let text = texts(&array.slice(row, 1), leaf, zone).expect("a text of a value");
            let text = match leaf {
                DataType::Date | DataType::Timestamp | DataType::TimestampNtz => year_of_era(text.value(0)),
                _ => text.value(0).to_owned(),
            };
            if nested && leaf.is_string() { format!("\"{text}\"") } else { text }
        }
    }
}

/// Hive's output has the year of the era, and does not say which era: the year 0 is 1 before Christ.
fn year_of_era(text: &str) -> String {
    let text = text.trim_start_matches('+');
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (year, rest) = digits.split_once('-').expect("a year before the month");
    match (is_negative, year.parse::<u32>().expect("a year")) {
        (false, year @ 1..) => format!("{year:04}-{rest}"),
        (_, before) => format!("{:04}-{rest}", before + 1),
    }
}

fn year_month(months: i32) -> String {
    let sign = if months < 0 { "-" } else { "" };
    let months = months.unsigned_abs();
    format!("{sign}{}-{}", months / MONTHS_PER_YEAR, months % MONTHS_PER_YEAR)
}

fn day_time(us: i64) -> String {
    let sign = if us < 0 { "-" } else { "" };
    let (seconds, us) = (us.unsigned_abs() / US_PER_SECOND, us.unsigned_abs() % US_PER_SECOND);
    let (days, seconds) = (seconds / SECONDS_PER_DAY, seconds % SECONDS_PER_DAY);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{sign}{days} {hours:02}:{minutes:02}:{seconds:02}.{:09}", us * 1000)
}
