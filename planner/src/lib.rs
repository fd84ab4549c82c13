//! From a query to a [`StageGraph`]: DataFusion's logical and physical plan, cut at its exchanges.
//!
//! Planning reads table metadata through `storage` and runs nothing. SQL goes through DataFusion's own planner with the
//! Spark dialect for now; nothing past [`Planner::plan_sql`] depends on that.
//!
//! ```text
//! SQL ─► logical plan ─► physical plan ─► fits one function? ── yes ─► one stage, one task
//!                            ▲                   │ no
//!                            └── again, with as many partitions as the bytes ask for ─► cut ─► stages
//! ```

mod deep_stack;
mod error;
mod files;
mod listing;
mod options;
mod planner;
mod python_map;
mod resolve;
mod rules;
mod stages;
mod tables;

pub use error::PlanError;
pub use files::{FileReading, FilesTable};
pub use listing::{FileList, ListOptions, list_files};
pub use options::{PlannerOptions, SETTINGS};
pub use planner::{PlannedQuery, Planner};
pub use resolve::{PythonOptions, ResolveOptions, ResolvedQuery, Source, Sources, resolve, source_names};
pub use stages::{Leaf, Stage, StageGraph, StageOutput, StageOutputs, StoredGraph, TaskSlice};
