//! A job under faults: [`run_seed`] makes a job, a bad day and a few dying coordinators from one number, runs the real
//! driver over them in virtual time, and says which invariant broke.
//!
//! ```text
//! chance (seed) ─► job: stages, tasks, an output table
//!               ─► rates of every fault
//!               ─► when coordinators die, or are only thought to be dead
//!
//! driver ◄──► journal, commit ◄──► store       latency, 500, lost replies, changed bytes
//!    ▲ ▼
//! invoker ──► function ◄──► store              throttles, crashes before and after the write, lost replies, zombies,
//!                                              deliveries in duplicate, timeouts, lack of memory, stragglers
//! ```

mod chance;
mod function;
mod invoker;
mod scenario;
mod seed;
mod store;
mod work;

pub use chance::Rates;
pub use seed::{Report, Violation, run_seed};
