//! Dates, times and intervals.

mod arithmetic;
pub(crate) mod calendar;
pub(crate) mod interval;
mod pattern;
pub(crate) mod reading;
pub(crate) mod zone;

pub(crate) use arithmetic::arithmetic;

use crate::registry::{Family, Implementations};

pub(crate) static FAMILY: Family = Family { functions: &[], implementations: Implementations::default };
