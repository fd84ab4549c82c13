//! Relations that read: tables, files, and rows that the client has sent.

use std::io::Cursor;

use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use bytes::Bytes;
use firesteel_spec::{DataSource, DataType, RelationKind, SparkError, SparkResult};
use prost::Message;

use super::data_type::not_a_struct;
use super::{Converter, options, required};
use crate::proto::read::ReadType;
use crate::{deep, proto, text};

impl Converter<'_> {
    pub(super) fn read(&mut self, read: proto::Read) -> SparkResult<RelationKind> {
        match required(read.read_type, "Read.read_type")? {
            ReadType::NamedTable(table) => Ok(RelationKind::Table {
                name: text::name(&table.unparsed_identifier)?,
                options: options(table.options),
                streaming: read.is_streaming,
            }),
            ReadType::DataSource(source) => data_source(source, read.is_streaming),
        }
    }

    pub(super) fn cached_local_relation(&mut self, cached: &proto::CachedLocalRelation) -> SparkResult<RelationKind> {
        let bytes = self.uploads.uploaded(&cached.hash)?.ok_or_else(|| not_uploaded("CACHED", &cached.hash))?;
        let local = proto::LocalRelation::decode(bytes).map_err(deep::cannot_parse)?;
        self::local(local.data, local.schema.as_deref())
    }

    pub(super) fn chunked_cached_local_relation(
        &mut self,
        cached: &proto::ChunkedCachedLocalRelation,
    ) -> SparkResult<RelationKind> {
        let chunk = |hash: &String| self.uploads.uploaded(hash)?.ok_or_else(|| not_uploaded("CHUNKED_CACHED", hash));
        let schema = match &cached.schema_hash {
            None => None,
            Some(hash) => Some(
                String::from_utf8(chunk(hash)?.to_vec())
                    .map_err(|_| SparkError::invalid_plan("a local relation's schema is no text"))?,
            ),
        };
        let data = match cached.data_hashes.as_slice() {
            [] => {
                return Err(SparkError::new(
                    "CONNECT_INVALID_PLAN.CHUNKED_CACHED_LOCAL_RELATION_WITHOUT_DATA",
                    "The Spark Connect plan is invalid. ChunkedCachedLocalRelation should contain data.",
                ));
            }
            [only] => chunk(only)?,
            several => one_stream(several.iter().map(chunk))?,
        };
        self::local(Some(data), schema.as_deref())
    }
}

/// Rows as an Arrow IPC stream, and the schema that goes before that of the stream.
pub(super) fn local(data: Option<Bytes>, schema: Option<&str>) -> SparkResult<RelationKind> {
    let schema = schema.filter(|text| !text.trim().is_empty()).map(text::schema).transpose()?;
    let schema = schema.map(|found| match found {
        DataType::Struct { .. } => found,
        single => DataType::Struct { fields: vec![firesteel_spec::StructField::new("value", single, true)] },
    });
    if data.is_none() && schema.is_none() {
        return Err(SparkError::new(
            "CONNECT_INVALID_PLAN.SCHEMA_REQUIRED_FOR_LOCAL_RELATION",
            "The Spark Connect plan is invalid. Schema for LocalRelation is required when the input data is not \
             provided.",
        ));
    }
    Ok(RelationKind::Local { ipc: data.map(|data| data.to_vec()), schema })
}

fn data_source(source: proto::read::DataSource, streaming: bool) -> SparkResult<RelationKind> {
    if source.source_name.is_some_and(|name| !name.is_empty()) {
        return Err(SparkError::unsupported("a name for a streaming source"));
    }
    let schema = source.schema.filter(|text| !text.trim().is_empty()).map(|text| text::schema(&text)).transpose()?;
    if let Some(other) = schema.as_ref().filter(|schema| !matches!(schema, DataType::Struct { .. })) {
        return Err(not_a_struct(other));
    }
    Ok(RelationKind::DataSource(DataSource {
        format: source.format.filter(|format| !format.is_empty()),
        schema,
        options: options(source.options),
        paths: source.paths,
        predicates: source.predicates,
        streaming,
    }))
}

fn not_uploaded(kind: &str, hash: &str) -> SparkError {
    SparkError::new(
        format!("CONNECT_INVALID_PLAN.NOT_FOUND_{kind}_LOCAL_RELATION"),
        format!("The Spark Connect plan is invalid. Not found any cached local relation with the hash: {hash}"),
    )
    .with("hash", hash)
}

/// The rows of several streams with one schema as one stream.
fn one_stream(chunks: impl Iterator<Item = SparkResult<Bytes>>) -> SparkResult<Bytes> {
    let wrong = |error: arrow::error::ArrowError| {
        SparkError::invalid_plan(format!("a chunk of a local relation is no Arrow stream: {error}"))
    };
    let mut writer: Option<StreamWriter<Vec<u8>>> = None;
    for chunk in chunks {
        let reader = StreamReader::try_new(Cursor::new(chunk?), None).map_err(wrong)?;
        let writer = match &mut writer {
            Some(writer) => writer,
            none => none.insert(StreamWriter::try_new(Vec::new(), &reader.schema()).map_err(wrong)?),
        };
        for batch in reader {
            writer.write(&batch.map_err(wrong)?).map_err(wrong)?;
        }
    }
    let mut writer = writer.ok_or_else(|| SparkError::invalid_plan("a local relation has no chunks"))?;
    writer.finish().map_err(wrong)?;
    writer.into_inner().map(Bytes::from).map_err(wrong)
}
