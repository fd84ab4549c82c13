//! Every `ExecutionPlan` of our own, and the codec that carries plans between planner and function.
//!
//! Driver and function take their functions from here, so that both register the identical set (PLAN-4):
//! [`session_state`] on one side, [`Functions`] on the other.

mod codec;
mod concat;
mod file_write;
mod session;
mod shuffle_read;
mod shuffle_write;
mod store_registry;

pub use codec::{FiresteelCodec, decode_file_partition, decode_plan, encode_file_partition, encode_plan};
pub use concat::ConcatExec;
pub use file_write::FileWriteExec;
pub use session::{Functions, function_names, session_state, task_config};
pub use shuffle_read::{ShuffleReadExec, ShuffleSource};
pub use shuffle_write::{ShuffleWriteExec, WriteRouting};
pub use store_registry::StorageRegistry;
