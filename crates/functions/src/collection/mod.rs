//! Arrays, maps, structs, higher-order functions and generators.

use crate::registry::{Family, Implementations};

pub(crate) static FAMILY: Family = Family { functions: &[], implementations: Implementations::default };
