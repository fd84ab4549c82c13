//! TPC-H for the demo, the benchmark and the tests: data as Parquet, and the 22 queries as text.
//!
//! Data is that of `dbgen`, made by the `tpchgen` crate: the same rows for the same scale factor, anywhere.

mod data;
mod queries;

pub use data::{TABLES, TpchError, is_complete, part_count, table_dir, write_tables};
pub use queries::{Query, queries};
