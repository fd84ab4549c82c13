//! Every `ExecutionPlan` of our own, and the codec that carries plans between planner and function.
//!
//! Both sides build their DataFusion session with [`session_state`], so that they register the identical set of
//! functions (PLAN-4).

mod codec;
mod session;
mod shuffle_read;
mod shuffle_write;
mod store_registry;

pub use codec::{FiresteelCodec, decode_file_partition, decode_plan, encode_file_partition, encode_plan};
pub use session::{function_names, session_state};
pub use shuffle_read::{ShuffleReadExec, ShuffleSource};
pub use shuffle_write::{ShuffleWriteExec, WriteRouting};
pub use store_registry::StorageRegistry;
