//! Spark's functions: what their names mean for arguments of given types, as DataFusion expressions, and the DataFusion
//! functions that compute what DataFusion and datafusion-spark lack or do otherwise than Spark.
//!
//! A new function is an entry in its family's table, and a kernel if nothing computes it yet; constants such as the
//! time zone travel as arguments, so that no codec knows any function.

mod aggregate;
mod call;
mod cast;
mod coerce;
mod collection;
mod datetime;
mod external;
mod geo;
mod hash;
mod json;
mod kernel;
mod literal;
mod math;
mod operators;
mod registry;
mod renamed;
mod sketch;
mod string;
mod task;
mod typed;
mod types;
mod variant;
mod window;
mod xml;

pub use aggregate::{in_order, only_value};
pub use call::{Call, Settings};
pub use cast::{Mode as CastEvaluation, as_declared, cast, coerce, implicit_cast, to_text as texts};
pub use coerce::{common_type, comparison_type, wider};
pub use collection::lambda_parameters;
pub use datetime::window::{TimeWindow, time_window};
pub use json::{common_row_type, csv_values, row_options};
pub use literal::{literal, scalar};
pub use registry::{Build, Family, Function, Implementations, Kind, implementations, lookup, names};
pub use string::java_regex;
pub use task::TaskPlace;
pub use typed::{Typed, default_name};
pub use types::{UTC, canonical, field_type, from_arrow, from_field, to_arrow, to_field};

/// All families.
static FAMILIES: &[&Family] = &[
    &cast::FAMILY,
    &operators::FAMILY,
    &math::FAMILY,
    &string::FAMILY,
    &datetime::FAMILY,
    &collection::FAMILY,
    &json::FAMILY,
    &variant::FAMILY,
    &xml::FAMILY,
    &hash::FAMILY,
    &aggregate::FAMILY,
    &sketch::FAMILY,
    &geo::FAMILY,
    &window::FAMILY,
    &external::FAMILY,
];
