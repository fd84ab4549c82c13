//! Compares answers row by row: exact, but for floats, which may differ by 1e-9 of their size.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};

/// A value as text, or as a float that is compared by its size.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Null,
    Text(String),
    Float(f64),
}

/// All rows, each as its cells.
pub fn cells(batches: &[RecordBatch]) -> Vec<Vec<Cell>> {
    let options = FormatOptions::default();
    let mut rows = Vec::new();
    for batch in batches {
        let formatters: Vec<ArrayFormatter> = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options).expect("a printable type"))
            .collect();
        for row in 0..batch.num_rows() {
            let cell = |(index, column): (usize, &std::sync::Arc<dyn Array>)| match column.data_type() {
                _ if column.is_null(row) => Cell::Null,
                DataType::Float64 => Cell::Float(column.as_primitive::<Float64Type>().value(row)),
                DataType::Float32 => Cell::Float(f64::from(column.as_primitive::<Float32Type>().value(row))),
                _ => Cell::Text(formatters[index].value(row).to_string()),
            };
            rows.push(batch.columns().iter().enumerate().map(cell).collect());
        }
    }
    rows
}

/// Fails unless both have the same columns and rows; `ordered` says whether the order of rows is part of the answer.
pub fn assert_same_rows(what: &str, expected: &[RecordBatch], found: &[RecordBatch], ordered: bool) {
    let (mut expected_rows, mut found_rows) = (cells(expected), cells(found));
    assert_eq!(expected_rows.len(), found_rows.len(), "{what}: number of rows");
    if let (Some(expected), Some(found)) = (expected.first(), found.first()) {
        let types = |batch: &RecordBatch| -> Vec<(String, DataType)> {
            batch.schema().fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect()
        };
        assert_eq!(types(expected), types(found), "{what}: columns");
    }
    if !ordered {
        sort(&mut expected_rows);
        sort(&mut found_rows);
    }
    for (row, (expected, found)) in expected_rows.iter().zip(&found_rows).enumerate() {
        let same = expected.len() == found.len() && expected.iter().zip(found).all(|(a, b)| close(a, b));
        assert!(same, "{what}: row {row}: expected {expected:?}, found {found:?}");
    }
}

fn close(a: &Cell, b: &Cell) -> bool {
    match (a, b) {
        (Cell::Float(a), Cell::Float(b)) => {
            a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
        }
        _ => a == b,
    }
}

/// Sorts by the text of exact cells, then by rounded floats, so that equal answers sort alike.
fn sort(rows: &mut [Vec<Cell>]) {
    rows.sort_by_cached_key(|row| {
        let exact: Vec<String> = row
            .iter()
            .map(|cell| match cell {
                Cell::Null => "\u{0}".to_owned(),
                Cell::Text(text) => text.clone(),
                Cell::Float(_) => String::new(),
            })
            .collect();
        let floats: Vec<String> = row
            .iter()
            .filter_map(|cell| if let Cell::Float(value) = cell { Some(format!("{value:.6e}")) } else { None })
            .collect();
        (exact, floats)
    });
}
