//! Object storage under one roof: `s3://`, `file://` and `memory://` URLs, metered by task.
//!
//! Owns how a URL becomes a store and a key, how large reads and writes are cut into requests, and what went over the
//! wire. Must never know what the bytes mean: tables, shuffle objects and plans are the business of others.

mod address;
mod error;
mod meter;
mod options;
mod ranges;
mod resume;
mod s3;
mod sealed;
mod storage;
mod writer;

pub use address::{Location, to_url};
pub use error::{Shortfall, StorageError, classify};
pub use meter::StorageUsage;
pub use options::StorageOptions;
pub use sealed::{crc64, seal, unseal};
pub use storage::{Layer, ObjectInfo, Storage};
pub use writer::ObjectWriter;
