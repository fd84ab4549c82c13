//! [`Answer`]: the rows of a finished job, read as they are asked for.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use firesteel_protocol::{Segment, SegmentEncoding, SegmentRun, TaskOutput};
use firesteel_shuffle::{SegmentReader, ipc_decode};
use firesteel_storage::Storage;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::JobError;

const BATCH_ROWS: usize = 8192;

/// The outputs of the last stage, in the order of its tasks.
#[derive(Debug)]
pub struct Answer {
    schema: SchemaRef,
    outputs: Vec<TaskOutput>,
    storage: Storage,
}

impl Answer {
    pub(crate) fn new(schema: SchemaRef, outputs: Vec<TaskOutput>, storage: Storage) -> Self {
        Self { schema, outputs, storage }
    }

    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub fn rows(&self) -> u64 {
        self.outputs.iter().flat_map(|output| &output.segments).map(|segment| segment.rows).sum()
    }

    /// The rows in order, a few segments at a time.
    pub fn stream(self) -> BoxStream<'static, Result<RecordBatch, JobError>> {
        let Self { schema, outputs, storage } = self;
        stream::iter(outputs).flat_map(move |output| read_output(output, schema.clone(), storage.clone())).boxed()
    }

    /// All rows at once, for answers that are known to be small.
    pub async fn collect(self) -> Result<Vec<RecordBatch>, JobError> {
        self.stream().try_collect().await
    }
}

fn read_output(
    output: TaskOutput,
    schema: SchemaRef,
    storage: Storage,
) -> BoxStream<'static, Result<RecordBatch, JobError>> {
    if let Some(inline) = output.inline {
        return match decode_inline(inline.into(), &output.segments, &schema) {
            Ok(batches) => stream::iter(batches.into_iter().map(Ok)).boxed(),
            Err(error) => stream::iter([Err(error)]).boxed(),
        };
    }
    let Some(url) = output.url else {
        return stream::empty().boxed();
    };
    let segments = output.segments.into_iter().map(|segment| Segment { partition: 0, ..segment }).collect();
    let runs = [SegmentRun { url, segments }];
    let reader = SegmentReader::new(storage, schema, SegmentEncoding::IpcLz4, BATCH_ROWS, 1, &runs);
    match reader.read(0) {
        Ok(rows) => rows.map_err(|error| JobError::Answer(Box::new(error))).boxed(),
        Err(error) => stream::iter([Err(JobError::Answer(Box::new(error)))]).boxed(),
    }
}

fn decode_inline(bytes: Bytes, segments: &[Segment], schema: &SchemaRef) -> Result<Vec<RecordBatch>, JobError> {
    let mut batches = Vec::new();
    for segment in segments {
        let range = segment.offset as usize..(segment.offset + segment.bytes) as usize;
        for batch in ipc_decode(&bytes[range]).map_err(JobError::Decode)? {
            batches.push(batch.with_schema(schema.clone()).map_err(JobError::Decode)?);
        }
    }
    Ok(batches)
}
