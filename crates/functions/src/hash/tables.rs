//! Tables of what Spark knows: `sql_keywords` and `collations`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, ListArray, StringArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::DataType as ArrowType;
use datafusion::common::ScalarValue;
use firesteel_spec::{DataType, SparkError, SparkResult, StructField};

use crate::call::Call;
use crate::typed::Typed;
use crate::types::to_arrow;

/// The keywords of Spark's grammar, parted by blanks. None is reserved while identifiers may be keywords, as they may
/// unless `spark.sql.ansi.enforceReservedKeywords` is set, which it cannot be here.
const KEYWORDS: &str = include_str!("keywords.txt");

pub(super) fn sql_keywords(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(0..=0)?;
    let words: StringArray = KEYWORDS.split_whitespace().map(Some).collect();
    let reserved = BooleanArray::from(vec![false; words.len()]);
    let fields = vec![
        StructField::new("keyword", DataType::STRING, false),
        StructField::new("reserved", DataType::Boolean, false),
    ];
    table(call, fields, vec![Arc::new(words), Arc::new(reserved)])
}

/// Those that texts can be compared by here: bytes as they are.
pub(super) fn collations(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(0..=0)?;
    let columns = [
        ("CATALOG", Some("SYSTEM")),
        ("SCHEMA", Some("BUILTIN")),
        ("NAME", Some("UTF8_BINARY")),
        ("LANGUAGE", None),
        ("COUNTRY", None),
        ("ACCENT_SENSITIVITY", Some("ACCENT_SENSITIVE")),
        ("CASE_SENSITIVITY", Some("CASE_SENSITIVE")),
        ("PAD_ATTRIBUTE", Some("NO_PAD")),
        ("ICU_VERSION", None),
    ];
    let fields = columns.map(|(name, value)| StructField::new(name, DataType::STRING, value.is_none()));
    let values = columns.map(|(_, value)| Arc::new(StringArray::from(vec![value])) as ArrayRef);
    table(call, fields.to_vec(), values.to_vec())
}

/// A constant array of structs, whose fields are the table's columns.
fn table(call: &Call<'_>, fields: Vec<StructField>, columns: Vec<ArrayRef>) -> SparkResult<Typed> {
    let data_type = DataType::array(DataType::Struct { fields }, false);
    let internal = |error: &dyn std::fmt::Display| SparkError::internal(format!("{}: {error}", call.name));
    let ArrowType::List(element) = to_arrow(&data_type) else { return Err(internal(&"no list")) };
    let ArrowType::Struct(fields) = element.data_type() else { return Err(internal(&"no struct")) };
    let rows = StructArray::try_new(fields.clone(), columns, None).map_err(|error| internal(&error))?;
    let offsets = OffsetBuffer::from_lengths([rows.len()]);
    let list = ListArray::try_new(element, offsets, Arc::new(rows), None).map_err(|error| internal(&error))?;
    Ok(Typed::literal(ScalarValue::List(Arc::new(list)), data_type, call.display()))
}
