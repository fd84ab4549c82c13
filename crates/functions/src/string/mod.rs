//! Texts and binary values, and URLs.

use crate::registry::{Family, Implementations};

pub(crate) static FAMILY: Family = Family { functions: &[], implementations: Implementations::default };
