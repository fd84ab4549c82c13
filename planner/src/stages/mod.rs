//! Stages: cutting a physical plan at its exchanges, and slicing a stage into tasks.

mod cut;
mod display;
mod graph;
mod shape;
mod slice;
mod stored;

pub(crate) use cut::{CutOptions, cut, scan_bytes, single_stage};
pub use graph::{Leaf, Stage, StageGraph, StageOutput, StageOutputs};
pub use slice::TaskSlice;
pub use stored::StoredGraph;
