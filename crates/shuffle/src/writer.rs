//! [`PartitionedWriter`]: batches of many partitions in, one partition-major object out (SHUFFLE-1).
//!
//! Memory is bounded by the caller, who watches [`PartitionedWriter::memory_bytes`] and calls
//! [`PartitionedWriter::spill`]; spilled segments wait in a temp file until the object is put together.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use arrow::array::RecordBatch;
use arrow::compute::BatchCoalescer;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;

use firesteel_protocol::{Segment, SegmentEncoding};
use firesteel_storage::{Storage, crc64};

use crate::ShuffleError;
use crate::encoding::SegmentEncoder;

/// How an object is written.
#[derive(Debug, Clone)]
pub struct WriterOptions {
    pub encoding: SegmentEncoding,
    /// A segment ends when it has about this many encoded bytes.
    pub segment_bytes: usize,
    /// Where spilled segments go.
    pub spill_dir: PathBuf,
}

/// Rows that wait to be encoded are at most about this many in all, so that many partitions stay cheap.
const PENDING_ROWS_TOTAL: usize = 256 * 1024;
const PENDING_ROWS_MAX: usize = 8192;
const PENDING_ROWS_MIN: usize = 256;

pub struct PartitionedWriter {
    schema: SchemaRef,
    options: WriterOptions,
    pending_rows: usize,
    partitions: Vec<Partition>,
    spill: Option<SpillFile>,
}

#[derive(Default)]
struct Partition {
    pending: Option<BatchCoalescer>,
    encoder: Option<(SegmentEncoder, u64)>,
    pieces: Vec<Piece>,
}

/// A finished segment that waits for its place in the object.
struct Piece {
    rows: u64,
    bytes: u64,
    crc64: u64,
    place: Place,
}

enum Place {
    Memory(Bytes),
    Spilled { offset: u64 },
}

struct SpillFile {
    file: File,
    bytes: u64,
}

impl PartitionedWriter {
    /// A writer of an object with `partitions` partitions of rows of `schema`.
    pub fn new(schema: SchemaRef, partitions: usize, options: WriterOptions) -> Self {
        let pending_rows = (PENDING_ROWS_TOTAL / partitions.max(1)).clamp(PENDING_ROWS_MIN, PENDING_ROWS_MAX);
        let partitions = (0..partitions).map(|_| Partition::default()).collect();
        Self { schema, options, pending_rows, partitions, spill: None }
    }

    /// Adds rows to a partition; their order within it is kept.
    pub fn push(&mut self, partition: usize, batch: RecordBatch) -> Result<(), ShuffleError> {
        let slot = &mut self.partitions[partition];
        if self.schema.fields().is_empty() {
            // Rows without columns have only their number, which a coalescer does not keep.
            return slot.encode(&batch, &self.schema, &self.options);
        }
        let pending = slot.pending.get_or_insert_with(|| BatchCoalescer::new(self.schema.clone(), self.pending_rows));
        pending.push_batch(batch).map_err(ShuffleError::EncodeIpc)?;
        let full: Vec<RecordBatch> = std::iter::from_fn(|| pending.next_completed_batch()).collect();
        full.iter().try_for_each(|batch| slot.encode(batch, &self.schema, &self.options))
    }

    /// Memory that rows and unwritten segments hold, in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.partitions.iter().map(Partition::memory_bytes).sum()
    }

    /// Bytes that went to the temp file so far.
    pub fn spilled_bytes(&self) -> u64 {
        self.spill.as_ref().map_or(0, |spill| spill.bytes)
    }

    /// Moves everything that is in memory to the temp file.
    pub fn spill(&mut self) -> Result<(), ShuffleError> {
        let spill = match &mut self.spill {
            Some(spill) => spill,
            None => {
                let file = tempfile::tempfile_in(&self.options.spill_dir).map_err(ShuffleError::Spill)?;
                self.spill.insert(SpillFile { file, bytes: 0 })
            }
        };
        for partition in &mut self.partitions {
            partition.finish_segment(&self.schema, &self.options)?;
            for piece in &mut partition.pieces {
                if let Place::Memory(bytes) = &piece.place {
                    spill.file.write_all(bytes).map_err(ShuffleError::Spill)?;
                    piece.place = Place::Spilled { offset: spill.bytes };
                    spill.bytes += piece.bytes;
                }
            }
        }
        Ok(())
    }

    fn close(mut self) -> Result<(Vec<Vec<Piece>>, Option<SpillFile>), ShuffleError> {
        for partition in &mut self.partitions {
            partition.finish_segment(&self.schema, &self.options)?;
        }
        Ok((self.partitions.into_iter().map(|partition| partition.pieces).collect(), self.spill))
    }
}

/// Finished segments in the order in which they lie in an object.
pub struct ShuffleObject {
    segments: Vec<Segment>,
    places: Vec<(Place, usize)>,
    spills: Vec<Option<SpillFile>>,
}

impl ShuffleObject {
    /// Puts together what several writers of the same exchange hold, partition-major; within a partition the writers'
    /// order is kept.
    pub fn merge(writers: Vec<PartitionedWriter>) -> Result<Self, ShuffleError> {
        let partitions = writers.iter().map(|writer| writer.partitions.len()).max().unwrap_or(0);
        let mut by_partition: Vec<Vec<(Piece, usize)>> = (0..partitions).map(|_| Vec::new()).collect();
        let mut spills = Vec::new();
        for (number, writer) in writers.into_iter().enumerate() {
            let (pieces, spill) = writer.close()?;
            spills.push(spill);
            for (partition, pieces) in pieces.into_iter().enumerate() {
                by_partition[partition].extend(pieces.into_iter().map(|piece| (piece, number)));
            }
        }
        let mut segments = Vec::new();
        let mut places = Vec::new();
        let mut offset = 0;
        for (partition, pieces) in by_partition.into_iter().enumerate() {
            for (piece, writer) in pieces {
                let Piece { rows, bytes, crc64, place } = piece;
                segments.push(Segment { partition: partition as u32, offset, bytes, rows, crc64 });
                places.push((place, writer));
                offset += bytes;
            }
        }
        Ok(Self { segments, places, spills })
    }

    /// Where each segment lies, partition-major.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The object's size.
    pub fn bytes(&self) -> u64 {
        self.segments.last().map_or(0, |last| last.offset + last.bytes)
    }

    /// Writes the object. A failed write leaves no object.
    pub async fn put(mut self, storage: &Storage, url: &str) -> Result<(), ShuffleError> {
        let failed = |source| ShuffleError::Write { url: url.to_owned(), source };
        let mut object = storage.writer(url).await.map_err(failed)?;
        for (segment, (place, writer)) in self.segments.iter().zip(self.places) {
            let bytes = place.read(self.spills[writer].as_mut(), segment.bytes)?;
            object.write(bytes).await.map_err(failed)?;
        }
        object.finish().await.map_err(failed)
    }

    /// The object's bytes, for a small answer that travels in the reply.
    pub fn into_bytes(mut self) -> Result<Vec<u8>, ShuffleError> {
        let mut object = Vec::with_capacity(self.bytes() as usize);
        for (segment, (place, writer)) in self.segments.iter().zip(self.places) {
            object.extend_from_slice(&place.read(self.spills[writer].as_mut(), segment.bytes)?);
        }
        Ok(object)
    }
}

impl Place {
    fn read(self, spill: Option<&mut SpillFile>, bytes: u64) -> Result<Bytes, ShuffleError> {
        match self {
            Self::Memory(bytes) => Ok(bytes),
            Self::Spilled { offset } => {
                let file = spill.map(|spill| &mut spill.file);
                read_back(file, offset, bytes).map_err(ShuffleError::Spill)
            }
        }
    }
}

fn read_back(file: Option<&mut File>, offset: u64, bytes: u64) -> std::io::Result<Bytes> {
    let file = file.ok_or_else(|| std::io::Error::other("a spilled segment has no spill file"))?;
    file.seek(SeekFrom::Start(offset))?;
    let mut buffer = vec![0; bytes as usize];
    file.read_exact(&mut buffer)?;
    Ok(buffer.into())
}

impl Partition {
    fn encode(&mut self, batch: &RecordBatch, schema: &SchemaRef, options: &WriterOptions) -> Result<(), ShuffleError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let (encoder, rows) = match &mut self.encoder {
            Some(open) => open,
            None => self.encoder.insert((SegmentEncoder::new(schema, options.encoding)?, 0)),
        };
        encoder.write(batch)?;
        *rows += batch.num_rows() as u64;
        if encoder.bytes() >= options.segment_bytes {
            self.close_encoder()?;
        }
        Ok(())
    }

    /// Encodes what is pending and ends the open segment.
    fn finish_segment(&mut self, schema: &SchemaRef, options: &WriterOptions) -> Result<(), ShuffleError> {
        if let Some(mut pending) = self.pending.take() {
            pending.finish_buffered_batch().map_err(ShuffleError::EncodeIpc)?;
            while let Some(batch) = pending.next_completed_batch() {
                self.encode(&batch, schema, options)?;
            }
        }
        self.close_encoder()
    }

    fn close_encoder(&mut self) -> Result<(), ShuffleError> {
        if let Some((encoder, rows)) = self.encoder.take() {
            let bytes = encoder.finish()?;
            let crc64 = crc64(&bytes);
            self.pieces.push(Piece { rows, bytes: bytes.len() as u64, crc64, place: Place::Memory(bytes) });
        }
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        let pending = self.pending.as_ref().map_or(0, BatchCoalescer::size);
        let encoding = self.encoder.as_ref().map_or(0, |(encoder, _)| encoder.memory_bytes());
        let finished: usize = self
            .pieces
            .iter()
            .map(|piece| match &piece.place {
                Place::Memory(bytes) => bytes.len(),
                Place::Spilled { .. } => 0,
            })
            .sum();
        pending + encoding + finished
    }
}
