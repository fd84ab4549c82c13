//! Batches to segment bytes and back. Parquet by default, Arrow IPC where Parquet can't hold a type (SHUFFLE-4).

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::CompressionType;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use bytes::Bytes;
use firesteel_protocol::SegmentEncoding;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use crate::ShuffleError;

/// The wanted encoding, or IPC where the schema has a type that Parquet loses or refuses (intervals, unions, no column
/// at all).
pub fn encoding_for(schema: &Schema, wanted: SegmentEncoding) -> SegmentEncoding {
    let fits = !schema.fields().is_empty() && schema.fields().iter().all(|field| parquet_holds(field.data_type()));
    match wanted {
        SegmentEncoding::Parquet if !fits => SegmentEncoding::IpcLz4,
        encoding => encoding,
    }
}

fn parquet_holds(data_type: &DataType) -> bool {
    match data_type {
        DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float32
        | DataType::Float64
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::Date32
        | DataType::Decimal128(_, _) => true,
        DataType::Timestamp(unit, _) => *unit != arrow::datatypes::TimeUnit::Second,
        DataType::List(field) | DataType::LargeList(field) => parquet_holds(field.data_type()),
        DataType::Struct(fields) => !fields.is_empty() && fields.iter().all(|field| parquet_holds(field.data_type())),
        _ => false,
    }
}

/// The schema as segments carry it, so that reader and file agree: without metadata, and all columns nullable, since a
/// plan that was decoded may know better than the planner which have no nulls. The reader puts back what it knows.
fn bare(schema: &Schema) -> SchemaRef {
    let bare = |field: &Arc<Field>| field.as_ref().clone().with_metadata(Default::default()).with_nullable(true);
    Arc::new(Schema::new(schema.fields().iter().map(bare).collect::<Vec<_>>()))
}

/// The same rows under a schema that has the same types; a null where it allows none is an error.
fn under(schema: &SchemaRef, batch: RecordBatch) -> Result<RecordBatch, ArrowError> {
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), batch.columns().to_vec(), &options)
}

/// One segment under construction.
pub(crate) enum SegmentEncoder {
    Parquet { schema: SchemaRef, writer: Box<ArrowWriter<Vec<u8>>> },
    Ipc(Box<StreamWriter<Vec<u8>>>),
}

impl SegmentEncoder {
    pub(crate) fn new(schema: &SchemaRef, encoding: SegmentEncoding) -> Result<Self, ShuffleError> {
        let compression = match encoding {
            SegmentEncoding::Parquet => {
                // No dictionary, no statistics, no embedded Arrow schema: a segment is read once, whole, by a reader
                // that knows its schema.
                let properties = WriterProperties::builder()
                    .set_compression(Compression::LZ4_RAW)
                    .set_dictionary_enabled(false)
                    .set_statistics_enabled(EnabledStatistics::None)
                    .set_offset_index_disabled(true)
                    .set_created_by("firesteel".to_owned())
                    .build();
                let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
                let schema = bare(schema);
                let writer = ArrowWriter::try_new_with_options(Vec::new(), Arc::clone(&schema), options)
                    .map_err(ShuffleError::EncodeParquet)?;
                return Ok(Self::Parquet { schema, writer: Box::new(writer) });
            }
            SegmentEncoding::IpcLz4 => CompressionType::LZ4_FRAME,
            SegmentEncoding::IpcZstd => CompressionType::ZSTD,
        };
        let options =
            IpcWriteOptions::default().try_with_compression(Some(compression)).map_err(ShuffleError::EncodeIpc)?;
        let writer =
            StreamWriter::try_new_with_options(Vec::new(), schema, options).map_err(ShuffleError::EncodeIpc)?;
        Ok(Self::Ipc(Box::new(writer)))
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), ShuffleError> {
        match self {
            Self::Parquet { schema, writer } => {
                let batch = under(schema, batch.clone()).map_err(ShuffleError::EncodeIpc)?;
                writer.write(&batch).map_err(ShuffleError::EncodeParquet)
            }
            Self::Ipc(writer) => writer.write(batch).map_err(ShuffleError::EncodeIpc),
        }
    }

    /// About how many bytes the segment would have if it ended now.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Parquet { writer, .. } => writer.bytes_written() + writer.in_progress_size(),
            Self::Ipc(writer) => writer.get_ref().len(),
        }
    }

    /// Memory that the encoder holds.
    pub(crate) fn memory_bytes(&self) -> usize {
        match self {
            Self::Parquet { writer, .. } => writer.inner().capacity() + writer.memory_size(),
            Self::Ipc(writer) => writer.get_ref().capacity(),
        }
    }

    pub(crate) fn finish(self) -> Result<Bytes, ShuffleError> {
        match self {
            Self::Parquet { writer, .. } => Ok(writer.into_inner().map_err(ShuffleError::EncodeParquet)?.into()),
            Self::Ipc(writer) => Ok(writer.into_inner().map_err(ShuffleError::EncodeIpc)?.into()),
        }
    }
}

/// Decodes one segment. `Err` holds what is wrong with the bytes.
pub(crate) fn decode(
    bytes: Bytes,
    encoding: SegmentEncoding,
    schema: &SchemaRef,
    batch_rows: usize,
) -> Result<Vec<RecordBatch>, String> {
    let batches = match encoding {
        SegmentEncoding::Parquet => {
            let options = ArrowReaderOptions::new().with_schema(bare(schema));
            let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options)
                .and_then(|builder| builder.with_batch_size(batch_rows).build())
                .map_err(|error| error.to_string())?;
            reader.collect::<Result<Vec<_>, ArrowError>>()
        }
        SegmentEncoding::IpcLz4 | SegmentEncoding::IpcZstd => ipc_decode(&bytes),
    };
    batches
        .and_then(|batches| batches.into_iter().map(|batch| under(schema, batch)).collect())
        .map_err(|error| error.to_string())
}

/// Batches as one Arrow IPC stream with LZ4, as answers travel.
pub fn ipc_encode(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Bytes, ShuffleError> {
    let mut encoder = SegmentEncoder::new(schema, SegmentEncoding::IpcLz4)?;
    for batch in batches {
        encoder.write(batch)?;
    }
    encoder.finish()
}

/// The schema of an Arrow IPC stream.
pub fn ipc_decode_schema(bytes: &[u8]) -> Result<SchemaRef, ArrowError> {
    Ok(StreamReader::try_new(bytes, None)?.schema())
}

/// All batches of an Arrow IPC stream.
pub fn ipc_decode(bytes: &[u8]) -> Result<Vec<RecordBatch>, ArrowError> {
    StreamReader::try_new(bytes, None)?.collect()
}
