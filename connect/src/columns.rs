//! Rows on the wire: Arrow schemas of Spark's types, and batches as Arrow IPC streams of their own.

use std::sync::Arc;

use arrow::datatypes::{DataType as ArrowType, Field, Fields, IntervalUnit, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use firesteel_spec::{DataType, SparkError, SparkResult, StructField};

/// The reference system of `GEOMETRY(ANY)` on the wire.
pub(crate) const SRID_ANY: i32 = -1;

/// What Spark aims at for a batch of an answer.
pub(crate) const BATCH_BYTES: usize = 4 << 20;

/// The Arrow schema of a struct (`ArrowUtils.toArrowSchema`).
pub(crate) fn arrow_schema(schema: &DataType, zone: &str) -> SparkResult<SchemaRef> {
    let DataType::Struct { fields } = schema else {
        return Err(SparkError::internal(format!("the rows' type is {schema} and not a struct")));
    };
    Ok(Arc::new(Schema::new(arrow_fields(fields, zone))))
}

fn arrow_fields(fields: &[StructField], zone: &str) -> Fields {
    fields.iter().map(|each| field(&each.name, &each.data_type, each.nullable, zone)).collect()
}

fn field(name: &str, data_type: &DataType, nullable: bool, zone: &str) -> Field {
    Field::new(name, arrow_type(data_type, zone), nullable)
}

fn arrow_type(data_type: &DataType, zone: &str) -> ArrowType {
    match data_type {
        DataType::Null => ArrowType::Null,
        DataType::Boolean => ArrowType::Boolean,
        DataType::Byte => ArrowType::Int8,
        DataType::Short => ArrowType::Int16,
        DataType::Integer => ArrowType::Int32,
        DataType::Long => ArrowType::Int64,
        DataType::Float => ArrowType::Float32,
        DataType::Double => ArrowType::Float64,
        DataType::Decimal { precision, scale } => ArrowType::Decimal128(*precision, *scale),
        DataType::String { .. } | DataType::Char { .. } | DataType::VarChar { .. } => ArrowType::Utf8,
        DataType::Binary => ArrowType::Binary,
        DataType::Date => ArrowType::Date32,
        DataType::Timestamp => ArrowType::Timestamp(TimeUnit::Microsecond, Some(zone.into())),
        DataType::TimestampNtz => ArrowType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Time { .. } => ArrowType::Time64(TimeUnit::Nanosecond),
        DataType::CalendarInterval => ArrowType::Interval(IntervalUnit::MonthDayNano),
        DataType::YearMonthInterval { .. } => ArrowType::Interval(IntervalUnit::YearMonth),
        DataType::DayTimeInterval { .. } => ArrowType::Duration(TimeUnit::Microsecond),
        DataType::Array { element, contains_null } => {
            ArrowType::List(Arc::new(field("element", element, *contains_null, zone)))
        }
        DataType::Map { key, value, value_contains_null } => {
            let entries = vec![field("key", key, false, zone), field("value", value, *value_contains_null, zone)];
            ArrowType::Map(Arc::new(Field::new("entries", ArrowType::Struct(entries.into()), false)), false)
        }
        DataType::Struct { fields } => ArrowType::Struct(arrow_fields(fields, zone)),
        DataType::Variant => ArrowType::Struct(Fields::from(vec![
            Field::new("value", ArrowType::Binary, false),
            Field::new("metadata", ArrowType::Binary, false)
                .with_metadata([("variant".to_owned(), "true".to_owned())].into()),
        ])),
        DataType::Geometry { srid } => spatial("geometry", *srid),
        DataType::Geography { srid } => spatial("geography", *srid),
        DataType::UserDefined { sql_type, .. } => arrow_type(sql_type, zone),
    }
}

/// A client knows by the metadata that the struct is a shape.
fn spatial(kind: &str, srid: Option<i32>) -> ArrowType {
    let srid = srid.unwrap_or(SRID_ANY).to_string();
    let metadata = [(kind.to_owned(), "true".to_owned()), ("srid".to_owned(), srid)];
    ArrowType::Struct(Fields::from(vec![
        Field::new("srid", ArrowType::Int32, false),
        Field::new("wkb", ArrowType::Binary, false).with_metadata(metadata.into()),
    ]))
}

/// A part of an answer.
#[derive(Debug)]
pub(crate) struct Part {
    pub rows: usize,
    /// An Arrow IPC stream.
    pub data: Bytes,
}

/// The batch as one stream, or cut by rows into several where it is much larger than [`BATCH_BYTES`].
pub(crate) fn parts(batch: &RecordBatch) -> SparkResult<Vec<Part>> {
    let whole = stream(&batch.schema(), std::slice::from_ref(batch))?;
    let pieces = whole.len().div_ceil(BATCH_BYTES).min(batch.num_rows().max(1));
    if pieces < 2 {
        return Ok(vec![Part { rows: batch.num_rows(), data: whole }]);
    }
    drop(whole);
    let rows = batch.num_rows().div_ceil(pieces);
    (0..batch.num_rows())
        .step_by(rows)
        .map(|start| {
            let piece = batch.slice(start, rows.min(batch.num_rows() - start));
            Ok(Part { rows: piece.num_rows(), data: stream(&piece.schema(), std::slice::from_ref(&piece))? })
        })
        .collect()
}

/// Batches of one schema as an Arrow IPC stream.
pub(crate) fn stream(schema: &Schema, batches: &[RecordBatch]) -> SparkResult<Bytes> {
    let failed = |error: ArrowError| SparkError::internal(format!("rows cannot be written as Arrow: {error}"));
    let mut writer = StreamWriter::try_new(Vec::new(), schema).map_err(failed)?;
    for batch in batches {
        writer.write(batch).map_err(failed)?;
    }
    writer.finish().map_err(failed)?;
    writer.into_inner().map(Bytes::from).map_err(failed)
}
