//! Dates, times and intervals.

mod arithmetic;

pub(crate) use arithmetic::arithmetic;

use crate::registry::{Family, Implementations};

pub(crate) static FAMILY: Family = Family { functions: &[], implementations: Implementations::default };
