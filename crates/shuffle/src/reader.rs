//! [`SegmentReader`]: a consumer's ranges as a stream of batches for each of its partitions (SHUFFLE-2, 7).
//!
//! Adjacent segments come with one ranged GET even when they belong to several of the consumer's partitions; whichever
//! partition needs the bytes first fetches them for all. Length and checksum are verified before a row is decoded.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;

use firesteel_protocol::{Segment, SegmentEncoding, SegmentRun};
use firesteel_storage::{Storage, crc64};
use futures::stream::{self, Stream, StreamExt, TryStreamExt};
use parking_lot::Mutex;
use tokio::sync::OnceCell;

use crate::ShuffleError;
use crate::encoding::decode;

/// A GET brings at most about this many bytes of adjacent segments.
const FETCH_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Fetched bytes that wait for decoding, over all partitions of a reader.
const PREFETCH_BYTES: u64 = 64 * 1024 * 1024;
const PREFETCH_GETS_MAX: usize = 16;
/// GETs of the same bytes: they may change on their way, and then the object is still good. What differs every time is
/// lost, and costs a run of its producer.
const TRIES_MAX: u32 = 3;

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
    segments: Vec<Segment>,
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
                let fetch =
                    Arc::new(Fetch { url: run.url.clone(), segments: segments.to_vec(), content: OnceCell::new() });
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
        let content = self.content.get_or_try_init(|| self.verified(storage)).await?;
        Ok(self.slice(content, segment))
    }

    /// The bytes of all segments, once each is what its producer wrote.
    async fn verified(&self, storage: &Storage) -> Result<Bytes, ShuffleError> {
        let mut tries = 1;
        loop {
            let content = self.fetch(storage).await?;
            match self.verify(&content) {
                Ok(()) => return Ok(content),
                Err(error) if tries == TRIES_MAX => return Err(error),
                Err(error) => tracing::debug!(%error, tries, "a fetched range is not what was written"),
            }
            tries += 1;
        }
    }

    async fn fetch(&self, storage: &Storage) -> Result<Bytes, ShuffleError> {
        let (Some(first), Some(last)) = (self.segments.first(), self.segments.last()) else { return Ok(Bytes::new()) };
        let range = first.offset..last.offset + last.bytes;
        let read = storage.get_range(&self.url, range).await;
        read.map_err(|source| ShuffleError::Read { url: self.url.clone(), source })
    }

    fn verify(&self, content: &Bytes) -> Result<(), ShuffleError> {
        let bytes: u64 = self.segments.iter().map(|segment| segment.bytes).sum();
        for segment in &self.segments {
            if content.len() as u64 != bytes {
                return Err(self.corrupt(segment, format!("{} bytes came instead of {bytes}", content.len())));
            }
            let found = crc64(&self.slice(content, segment));
            if found != segment.crc64 {
                let what = format!("its checksum is {found:016x}, not {:016x}", segment.crc64);
                return Err(self.corrupt(segment, what));
            }
        }
        Ok(())
    }

    fn slice(&self, content: &Bytes, segment: &Segment) -> Bytes {
        let start = (segment.offset - self.segments[0].offset) as usize;
        content.slice(start..start + segment.bytes as usize)
    }

    fn corrupt(&self, segment: &Segment, what: String) -> ShuffleError {
        ShuffleError::Corrupt { url: self.url.clone(), offset: segment.offset, bytes: segment.bytes, what }
    }
}
