//! Files of rows: lines of text as a scan of DataFusion's, and files written, Parquet or lines, split over folders by the
//! values of partition columns.
//!
//! CSV and JSON are lines whose text the functions `from_csv`, `to_csv`, `from_json` and `to_json` read and write; so a
//! line means the same in a file as in a column.

mod codec;
mod lines;
mod part_path;
mod partitioned;
mod sink;
mod table_log;
mod text;

pub use codec::Codec;
pub use part_path::{NULL_PARTITION, escape, partition_folder, partition_values};
pub use partitioned::{PartitionedSink, WrittenFile, written_batch, written_files, written_schema};
pub use sink::{FileFormat, ParquetCodec, SinkSpec};
pub use table_log::{
    AddedFile, CommitError, Replaces, TableCommit, TableFolder, VisibleFile, VisibleFiles, is_hidden, unpublished,
    visible_files,
};
pub use text::{TextOptions, TextSource, first_line};
