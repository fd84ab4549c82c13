//! The shuffle's objects: how partitions lie in one object per producer attempt, and how consumers read ranges of it.
//!
//! Owns the layout, the encodings and the checksums (SHUFFLE-1, 2, 4, 7). It knows nothing of plans or tasks: batches
//! with a partition number go in, segments come out, and the other way round.
//!
//! ```text
//! object:  | p0 s0 | p0 s1 | p1 s0 | p3 s0 | …    partition-major; a partition may have no segment
//!            each segment is a whole Parquet file or Arrow IPC stream of up to a few MiB
//! ```

mod encoding;
mod error;
mod reader;
mod writer;

pub use encoding::{encoding_for, ipc_decode, ipc_decode_schema, ipc_encode};
pub use error::ShuffleError;
pub use reader::SegmentReader;
pub use writer::{PartitionedWriter, ShuffleObject, WriterOptions};
