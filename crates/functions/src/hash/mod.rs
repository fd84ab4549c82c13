//! Hashes, encryption, and what is left: session and miscellaneous functions.

use crate::registry::{Family, Implementations};

pub(crate) static FAMILY: Family = Family { functions: &[], implementations: Implementations::default };
