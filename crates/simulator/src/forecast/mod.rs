//! How long a job would take on AWS, what it would cost, and where it would wait: the real [`Scheduler`] over
//! [`AwsModel`], event by event, without a byte.

mod run;
mod shape;
mod sweep;

pub use run::{Forecast, StageForecast, forecast};
pub use shape::{EngineRates, Shape, StageShape};
pub use sweep::{Candidate, choose, sweep};
