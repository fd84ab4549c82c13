//! The commands, one a file.

mod bench;
mod demo;
mod explain;
mod jobs;
mod resume;
mod serve;
mod simulate;
mod sql;
mod tpch;

pub use bench::bench;
pub use demo::demo;
pub use explain::explain;
pub use jobs::{cancel, gc, jobs};
pub use resume::resume;
pub use serve::serve;
pub use simulate::simulate;
pub use sql::sql;
pub use tpch::{make_data, tpch, tpch_tables};
