//! The journal of a job: an append-only log of small objects in the job's folder (JOB-1).
//!
//! ```text
//! {work}/{job}/journal/00000000   began: the stage graph
//!                      00000001   accepted 0.0, 0.2
//!                      00000002   accepted 0.1; sliced 1          epoch 1, coordinator A
//!                      00000003   taken over                      epoch 2, coordinator B
//! ```
//!
//! Each number is written by a conditional PUT (`If-None-Match: *`), which one of several writers wins. So a coordinator
//! that was taken for dead finds the number taken that it would write next, and knows that the job is not its own any
//! more: nothing that it does afterwards counts.

mod error;
mod record;
mod store;

pub use error::JournalError;
pub use record::{Accepted, Entry, JobEnd, JobState, Record, RecordedStage};
pub use store::{Journal, Peeked, cancel, read, remove, state, trim};
