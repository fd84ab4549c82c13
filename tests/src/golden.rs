//! Real Spark's answers, as `golden/make_tpch_golden.py` writes them.

use std::path::Path;

use arrow::array::RecordBatch;
use serde::Deserialize;

use crate::compare::{Cell, cells};

#[derive(Debug, Deserialize)]
pub struct Golden {
    pub columns: Vec<GoldenColumn>,
    pub ordered: bool,
    pub rows: Vec<Vec<Option<serde_json::Value>>>,
}

#[derive(Debug, Deserialize)]
pub struct GoldenColumn {
    pub name: String,
    #[serde(rename = "type")]
    pub data_type: String,
}

impl Golden {
    /// The answer to a TPC-H query; none where no golden file of that scale is kept.
    pub fn tpch(scale: f64, query: &str) -> Option<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("golden/tpch/sf{scale}/{query}.json"));
        let text = std::fs::read_to_string(path).ok()?;
        Some(serde_json::from_str(&text).expect("a golden file"))
    }
}

/// Fails unless the rows are Spark's. Decimals of other scale are compared as numbers: `tolerance` is how far a value
/// may be from Spark's, 0 where nothing but the written form may differ.
pub fn assert_matches_spark(query: &str, golden: &Golden, found: &[RecordBatch], tolerance: f64) {
    let mut found = cells(found);
    let text = |value: &Option<serde_json::Value>| match value {
        None => Cell::Null,
        Some(serde_json::Value::String(text)) => Cell::Text(text.clone()),
        Some(other) => Cell::Text(other.to_string()),
    };
    let mut expected: Vec<Vec<Cell>> = golden.rows.iter().map(|row| row.iter().map(text).collect()).collect();
    assert_eq!(expected.len(), found.len(), "{query}: number of rows");
    if !golden.ordered {
        let key = |row: &Vec<Cell>| format!("{row:?}");
        expected.sort_by_cached_key(key);
        found.sort_by_cached_key(key);
    }
    for (row, (expected, found)) in expected.iter().zip(&found).enumerate() {
        for (column, (expected, found)) in golden.columns.iter().zip(expected.iter().zip(found)) {
            let same = matches(expected, found, tolerance);
            assert!(same, "{query}: row {row}, column {}: Spark has {expected:?}, found {found:?}", column.name);
        }
    }
}

fn matches(expected: &Cell, found: &Cell, tolerance: f64) -> bool {
    let number = |cell: &Cell| match cell {
        Cell::Null => None,
        Cell::Text(text) => text.parse::<f64>().ok(),
        Cell::Float(value) => Some(*value),
    };
    match (expected, found) {
        (Cell::Text(a), Cell::Text(b)) if a == b => true,
        _ => match (number(expected), number(found)) {
            (Some(a), Some(b)) => (a - b).abs() <= tolerance.max(1e-9 * a.abs()),
            _ => expected == found,
        },
    }
}
