//! Simulations of whole jobs, by seed and in virtual time.
//!
//! - [`faults`]: the real driver, scheduler and journal over simulated functions and a simulated store, both of which
//!   fail in every way that they can; invariants are checked.
//! - [`forecast`]: the real scheduler over the latencies, bandwidths, throttles and prices of AWS as `model` has them:
//!   how long a job would take, what it would cost, and where it would wait.
//!
//! Owns: chance, virtual time, the model of AWS. Never: a decision of its own about a job.

pub mod faults;
pub mod forecast;
mod model;
mod plot;

pub use model::{AwsModel, Lognormal};
pub use plot::pareto_svg;
