//! [`SegmentReader`]: a consumer's ranges as a stream of batches for each of its partitions (SHUFFLE-2, 7).
//!
//! Adjacent segments come with one ranged GET even when they belong to several of the consumer's partitions; whichever
//! partition needs the bytes first fetches them for all. Length and checksum are verified before a row is decoded.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;

use firesteel_protocol::{Segment, SegmentEncoding, SegmentRun};
use firesteel_storage::Storage;
use futures::stream::{self, Stream, StreamExt, TryStreamExt};
use parking_lot::Mutex;
use tokio::sync::OnceCell;

use crate::ShuffleError;
use crate::encoding::{crc64, decode};

/// A GET brings at most about this many bytes of adjacent segments.
const FETCH_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Fetched bytes that wait for decoding, over all partitions of a reader.
const PREFETCH_BYTES: u64 = 64 * 1024 * 1024;
const PREFETCH_GETS_MAX: usize = 16;

/// Reads the partitions of one leaf.
#[derive(Debug)]
pub struct SegmentReader {
    storage: Storage,
    encoding: SegmentEncoding,
    schema: SchemaRef,
    batch_rows: usize,
    /// What each partition reads, in order; taken when it is read, so that bytes go as they are used up.
    partitions: Vec<Mutex<Option<PartitionRead>>>,
    prefetch_gets: usize,
}

/// The segments of a partition, in order, each with what brings its bytes.
type PartitionRead = Vec<(Arc<Fetch>, Segment)>;

/// Adjacent segments of one object, fetched once.
#[derive(Debug)]
struct Fetch {
    url: String,
    offset: u64,
    bytes: u64,
    content: OnceCell<Bytes>,
}

impl SegmentReader {
    /// A reader of `partitions` partitions; a segment's partition number is its place among them.
    pub fn new(
        storage: Storage,
        schema: SchemaRef,
        encoding: SegmentEncoding,
        batch_rows: usize,
        partitions: usize,
        runs: &[SegmentRun],
    ) -> Self {
        let mut plan: Vec<PartitionRead> = vec![Vec::new(); partitions];
        let mut fetch_bytes_max = 1;
        for run in runs {
            for segments in adjacent(&run.segments) {
                let bytes = segments.iter().map(|segment| segment.bytes).sum();
                fetch_bytes_max = fetch_bytes_max.max(bytes);
                let fetch = Arc::new(Fetch {
                    url: run.url.clone(),
                    offset: segments[0].offset,
                    bytes,
                    content: OnceCell::new(),
                });
                for segment in segments {
                    plan[segment.partition as usize].push((Arc::clone(&fetch), *segment));
                }
            }
        }
        let gets = PREFETCH_BYTES / fetch_bytes_max / partitions.max(1) as u64;
        let prefetch_gets = (gets as usize).clamp(1, PREFETCH_GETS_MAX);
        let partitions = plan.into_iter().map(|segments| Mutex::new(Some(segments))).collect();
        Self { storage, encoding, schema, batch_rows, partitions, prefetch_gets }
    }

    /// The rows of one partition, in the order of its segments. A partition can be read once.
    pub fn read(
        &self,
        partition: usize,
    ) -> Result<impl Stream<Item = Result<RecordBatch, ShuffleError>> + Send + 'static, ShuffleError> {
        let segments = self.partitions[partition].lock().take().ok_or(ShuffleError::ReadTwice { partition })?;
        let storage = self.storage.clone();
        let (encoding, schema, batch_rows) = (self.encoding, Arc::clone(&self.schema), self.batch_rows);
        let batches = stream::iter(segments)
            .map(move |(fetch, segment)| {
                let storage = storage.clone();
                async move { fetch.segment(&storage, &segment).await.map(|bytes| (fetch, segment, bytes)) }
            })
            .buffered(self.prefetch_gets)
            .and_then(move |(fetch, segment, bytes)| {
                let batches =
                    decode(bytes, encoding, &schema, batch_rows).map_err(|what| fetch.corrupt(&segment, what));
                std::future::ready(batches.and_then(|batches| check_rows(&fetch, &segment, batches)))
            })
            .map_ok(|batches| stream::iter(batches.into_iter().map(Ok)))
            .try_flatten();
        Ok(batches)
    }
}

/// Cuts a run of adjacent segments into what one GET should bring.
fn adjacent(segments: &[Segment]) -> Vec<&[Segment]> {
    let mut fetches = Vec::new();
    let mut start = 0;
    for end in 1..=segments.len() {
        let bytes: u64 = segments[start..end].iter().map(|segment| segment.bytes).sum();
        let full = segments.get(end).is_none_or(|next| {
            bytes + next.bytes > FETCH_BYTES_MAX || next.offset != segments[end - 1].offset + segments[end - 1].bytes
        });
        if full {
            fetches.push(&segments[start..end]);
            start = end;
        }
    }
    fetches
}

fn check_rows(fetch: &Fetch, segment: &Segment, batches: Vec<RecordBatch>) -> Result<Vec<RecordBatch>, ShuffleError> {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    if rows as u64 == segment.rows {
        Ok(batches)
    } else {
        Err(fetch.corrupt(segment, format!("it holds {rows} rows, not {}", segment.rows)))
    }
}

impl Fetch {
    async fn segment(&self, storage: &Storage, segment: &Segment) -> Result<Bytes, ShuffleError> {
        let content = self
            .content
            .get_or_try_init(|| async {
                storage
                    .get_range(&self.url, self.offset..self.offset + self.bytes)
                    .await
                    .map_err(|source| ShuffleError::Read { url: self.url.clone(), source })
            })
            .await?;
        if content.len() as u64 != self.bytes {
            return Err(self.corrupt(segment, format!("{} bytes came instead of {}", content.len(), self.bytes)));
        }
        let start = (segment.offset - self.offset) as usize;
        let bytes = content.slice(start..start + segment.bytes as usize);
        let found = crc64(&bytes);
        if found == segment.crc64 {
            Ok(bytes)
        } else {
            Err(self.corrupt(segment, format!("its checksum is {found:016x}, not {:016x}", segment.crc64)))
        }
    }

    fn corrupt(&self, segment: &Segment, what: String) -> ShuffleError {
        ShuffleError::Corrupt { url: self.url.clone(), offset: segment.offset, bytes: segment.bytes, what }
    }
}
