//! Runs ONE task from bytes: an envelope in, a report out.
//!
//! A function knows no planner, no catalog, no invoker and no front end. It keeps nothing between tasks but caches,
//! and nothing of it runs on after the reply (TASK-5).

mod bind;
mod classify;
mod context;
mod memory;
mod output;
mod run_task;

pub use context::{FunctionContext, FunctionOptions};
pub use run_task::run_task;
