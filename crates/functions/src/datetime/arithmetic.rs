//! `+ - * /` where a date, a time or an interval takes part.

use firesteel_spec::SparkResult;

use crate::call::Call;
use crate::cast::Mode;
use crate::typed::Typed;

/// None if no operand is a date, a time or an interval.
pub(crate) fn arithmetic(
    _call: &Call<'_>,
    _operator: &str,
    _left: &Typed,
    _right: &Typed,
    _mode: Mode,
) -> Option<SparkResult<Typed>> {
    None
}
