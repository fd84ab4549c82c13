//! One file being written: Parquet, or lines of text.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use datafusion::common::{DataFusionError, Result};
use datafusion::error::DataFusionError::ParquetError;
use firesteel_storage::{ObjectWriter, Storage, StorageError};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use serde::{Deserialize, Serialize};

use crate::codec::{Codec, Compressor};

/// Encoded bytes of a row group: Spark's `parquet.block.size`.
const ROW_GROUP_BYTES: usize = 128 * 1024 * 1024;
/// Where Spark keeps the schema, as its own JSON, in a file's footer.
const SPARK_SCHEMA_KEY: &str = "org.apache.spark.sql.parquet.row.metadata";

/// What is written, and where; it travels in a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkSpec {
    /// URL of a folder of this job alone, on the store where the files will be.
    pub folder: String,
    pub format: FileFormat,
    /// Names of the columns, those of the folders last: these come as text.
    pub columns: Vec<String>,
    /// How many of them name folders.
    pub partition_columns: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records_per_file_max: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    Parquet {
        codec: ParquetCodec,
        /// Spark's schema of the file as JSON.
        spark_schema: String,
    },
    /// One column, a line each.
    Text {
        codec: Option<Codec>,
        line_separator: String,
        /// The first line of each file.
        header: Option<String>,
        /// `.csv`
        extension: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParquetCodec {
    Uncompressed,
    Snappy,
    Gzip,
    Lz4,
    Zstd,
}

impl ParquetCodec {
    /// By the option `compression`, and an error for a name that is not known here.
    pub fn named(name: &str) -> Result<Self, String> {
        Ok(match name.to_ascii_lowercase().as_str() {
            "none" | "uncompressed" => Self::Uncompressed,
            "snappy" => Self::Snappy,
            "gzip" => Self::Gzip,
            "lz4_raw" | "lz4raw" | "lz4" => Self::Lz4,
            "zstd" => Self::Zstd,
            _ => return Err(name.to_owned()),
        })
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Uncompressed => "",
            Self::Snappy => ".snappy",
            Self::Gzip => ".gz",
            Self::Lz4 => ".lz4raw",
            Self::Zstd => ".zstd",
        }
    }

    fn compression(self) -> Compression {
        match self {
            Self::Uncompressed => Compression::UNCOMPRESSED,
            Self::Snappy => Compression::SNAPPY,
            Self::Gzip => Compression::GZIP(parquet::basic::GzipLevel::default()),
            Self::Lz4 => Compression::LZ4_RAW,
            Self::Zstd => Compression::ZSTD(ZstdLevel::default()),
        }
    }
}

impl FileFormat {
    /// The end of a file's name.
    pub fn extension(&self) -> String {
        match self {
            Self::Parquet { codec, .. } => format!("{}.parquet", codec.extension()),
            Self::Text { codec, extension, .. } => {
                format!("{extension}{}", codec.map_or("", Codec::extension))
            }
        }
    }
}

/// A file that is being written; it is there when it is finished.
pub(crate) struct OpenFile {
    encoder: Encoder,
    object: ObjectWriter,
    pub url: String,
    pub rows: usize,
}

enum Encoder {
    Parquet(Box<ArrowWriter<Vec<u8>>>),
    Text { compressor: Box<Compressor>, line_separator: String },
}

impl OpenFile {
    /// `schema` is of the file.
    pub async fn create(storage: &Storage, url: String, format: &FileFormat, schema: SchemaRef) -> Result<Self> {
        let mut object = storage.writer(&url).await.map_err(external)?;
        let encoder = match format {
            FileFormat::Parquet { codec, spark_schema } => {
                let properties = WriterProperties::builder()
                    .set_compression(codec.compression())
                    .set_coerce_types(true)
                    .set_created_by(concat!("Firesteel ", env!("CARGO_PKG_VERSION")).to_owned())
                    .set_key_value_metadata(Some(vec![KeyValue::new(
                        SPARK_SCHEMA_KEY.to_owned(),
                        spark_schema.clone(),
                    )]))
                    .build();
                let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
                let writer = ArrowWriter::try_new_with_options(Vec::new(), schema, options).map_err(parquet)?;
                Encoder::Parquet(Box::new(writer))
            }
            FileFormat::Text { codec, line_separator, header, .. } => {
                let mut compressor = Compressor::new(*codec).map_err(DataFusionError::IoError)?;
                if let Some(header) = header {
                    let line = format!("{header}{line_separator}");
                    let bytes = compressor.push(line.as_bytes()).map_err(DataFusionError::IoError)?;
                    object.write(bytes.into()).await.map_err(external)?;
                }
                Encoder::Text { compressor: Box::new(compressor), line_separator: line_separator.clone() }
            }
        };
        Ok(Self { encoder, object, url, rows: 0 })
    }

    /// `batch` is of the file's columns alone.
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows();
        let bytes = match &mut self.encoder {
            Encoder::Parquet(writer) => {
                writer.write(batch).map_err(parquet)?;
                if writer.in_progress_size() >= ROW_GROUP_BYTES {
                    writer.flush().map_err(parquet)?;
                }
                std::mem::take(writer.inner_mut())
            }
            Encoder::Text { compressor, line_separator } => {
                let mut text = String::new();
                for line in batch.column(0).as_string::<i32>() {
                    text.push_str(line.unwrap_or_default());
                    text.push_str(line_separator);
                }
                compressor.push(text.as_bytes()).map_err(DataFusionError::IoError)?
            }
        };
        self.send(bytes).await
    }

    /// Encodes what is held back, at the price of a smaller row group.
    pub async fn flush(&mut self) -> Result<()> {
        if let Encoder::Parquet(writer) = &mut self.encoder {
            writer.flush().map_err(parquet)?;
            let bytes = std::mem::take(writer.inner_mut());
            self.send(bytes).await?;
        }
        Ok(())
    }

    /// Bytes that are held back for a row group.
    pub fn memory_bytes(&self) -> usize {
        match &self.encoder {
            Encoder::Parquet(writer) => writer.memory_size(),
            Encoder::Text { .. } => 0,
        }
    }

    /// Rows and bytes of the finished file.
    pub async fn finish(self) -> Result<(String, usize, u64)> {
        let Self { encoder, mut object, url, rows } = self;
        let bytes = match encoder {
            Encoder::Parquet(writer) => writer.into_inner().map_err(parquet)?,
            Encoder::Text { compressor, .. } => compressor.finish().map_err(DataFusionError::IoError)?,
        };
        object.write(bytes.into()).await.map_err(external)?;
        let bytes = object.bytes();
        object.finish().await.map_err(external)?;
        Ok((url, rows, bytes))
    }

    async fn send(&mut self, bytes: Vec<u8>) -> Result<()> {
        self.object.write(Bytes::from(bytes)).await.map_err(external)
    }
}

fn external(error: StorageError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

fn parquet(error: parquet::errors::ParquetError) -> DataFusionError {
    ParquetError(Box::new(error))
}

/// All columns of a batch under these names.
pub(crate) fn file_schema(batch: &arrow::datatypes::Schema, names: &[String]) -> SchemaRef {
    let fields = batch.fields().iter().zip(names).map(|(field, name)| {
        // A declared nullability says less than the values do.
        field.as_ref().clone().with_name(name).with_nullable(true)
    });
    std::sync::Arc::new(arrow::datatypes::Schema::new(fields.collect::<Vec<_>>()))
}

/// A column of text without nulls that matter.
pub(crate) fn text_value(column: &dyn Array, row: usize) -> Option<&str> {
    let texts = column.as_string_opt::<i32>()?;
    texts.is_valid(row).then(|| texts.value(row))
}
