//! `format_number`: numbers in the patterns of `java.text.DecimalFormat`.

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::datatypes::{DataType as ArrowType, Decimal128Type, Float64Type};
use datafusion::common::Result;
use firesteel_spec::{DataType, SparkResult};

use super::rows::{self, each, ints, kernels, lax, texts};
use crate::call::Call;
use crate::cast::coerce;
use crate::typed::Typed;

kernels! {
    FORMAT_NUMBER = "spark_format_number", rows::text_or_null, format_number_kernel;
}

/// `format_number(number, digits)`, or with a pattern of Java's `DecimalFormat`.
pub(super) fn format_number(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let number = call.argument(0)?;
    let number = match &number.data_type {
        DataType::Decimal { .. } => number,
        other if other.is_integral() => coerce(number, &DataType::Decimal { precision: 20, scale: 0 }, call.settings)?,
        _ => call.cast_no_text(0, &DataType::Double)?,
    };
    let format = match call.argument(1)?.data_type {
        text if text.is_string() => call.string(1)?,
        _ => call.int(1)?,
    };
    Ok(call.shown(lax(&FORMAT_NUMBER, vec![number, format])?))
}

fn format_number_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let [numbers, formats] = arrays else {
        return datafusion::common::internal_err!("format_number takes 2 arguments");
    };
    each::<StringArray, _>(arrays, rows, |row| {
        let pattern = match formats.data_type() {
            ArrowType::Utf8 => Pattern::of(texts(formats).value(row)),
            _ => match ints(formats).value(row) {
                digits @ 0.. => Pattern::with_digits(digits as usize),
                _ => return Ok(None),
            },
        };
        Ok(Some(match numbers.data_type() {
            ArrowType::Decimal128(_, scale) => {
                let unscaled = numbers.as_primitive::<Decimal128Type>().value(row);
                let digits = rounded(unscaled.unsigned_abs(), i32::from(*scale), pattern.most_fraction + pattern.shift);
                pattern.format(unscaled < 0, &digits)
            }
            _ => {
                let value = numbers.as_primitive::<Float64Type>().value(row);
                if value.is_nan() {
                    "NaN".to_owned()
                } else if value.is_infinite() {
                    format!("{}∞", if value < 0.0 { "-" } else { "" })
                } else {
                    let places = pattern.most_fraction + pattern.shift;
                    pattern.format(value.is_sign_negative(), &format!("{:.places$}", value.abs()))
                }
            }
        }))
    })
}

/// The digits with so many places behind the point, halves to the even digit.
fn rounded(unscaled: u128, scale: i32, places: usize) -> String {
    let drop = scale - places as i32;
    let (value, scale) = if drop > 0 {
        let power = 10_u128.checked_pow(drop as u32).unwrap_or(u128::MAX);
        let (quotient, remainder) = (unscaled / power, unscaled % power);
        let half = power / 2;
        let up = remainder > half || (remainder == half && quotient % 2 == 1);
        (quotient + u128::from(up), places as i32)
    } else {
        (unscaled, scale)
    };
    let scale = scale.max(0) as usize;
    let digits = format!("{value:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    format!("{whole}.{fraction:0<places$}")
}

/// What of `DecimalFormat`'s patterns matters: no exponents.
struct Pattern {
    prefix: String,
    suffix: String,
    least_whole: usize,
    least_fraction: usize,
    most_fraction: usize,
    /// 0 for none.
    group: usize,
    /// Per cent is 2, per mille is 3: how far the point moves.
    shift: usize,
}

impl Pattern {
    fn with_digits(digits: usize) -> Self {
        Self {
            prefix: String::new(),
            suffix: String::new(),
            least_whole: 1,
            least_fraction: digits,
            most_fraction: digits,
            group: 3,
            shift: 0,
        }
    }

    fn of(pattern: &str) -> Self {
        if pattern.is_empty() {
            return Self::with_digits(0);
        }
        let positive = pattern.split(';').next().unwrap_or_default();
        let is_digit = |letter: char| matches!(letter, '#' | '0' | ',' | '.');
        let start = positive.find(is_digit).unwrap_or(positive.len());
        let end = positive.rfind(is_digit).map_or(start, |last| last + 1);
        let (prefix, numbers, suffix) = (&positive[..start], &positive[start..end], &positive[end..]);
        let (whole, fraction) = numbers.split_once('.').unwrap_or((numbers, ""));
        let group = whole.rfind(',').map_or(0, |comma| whole.len() - comma - 1);
        let shift = match (prefix, suffix) {
            (prefix, suffix) if prefix.contains('%') || suffix.contains('%') => 2,
            (prefix, suffix) if prefix.contains('\u{2030}') || suffix.contains('\u{2030}') => 3,
            _ => 0,
        };
        let zeros = |text: &str| text.chars().filter(|digit| *digit == '0').count();
        Self {
            prefix: prefix.replace('\'', ""),
            suffix: suffix.replace('\'', ""),
            least_whole: zeros(whole),
            least_fraction: zeros(fraction),
            most_fraction: fraction.chars().filter(|digit| matches!(digit, '0' | '#')).count(),
            group,
            shift,
        }
    }

    /// `digits` has as many places behind the point as the pattern shows at most.
    fn format(&self, negative: bool, digits: &str) -> String {
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let shown = format!("{whole}{}", &fraction[..self.shift.min(fraction.len())]);
        let fraction = &fraction[self.shift.min(fraction.len())..];
        let whole = shown.trim_start_matches('0');
        let mut fraction = fraction.to_owned();
        while fraction.len() > self.least_fraction && fraction.ends_with('0') {
            fraction.pop();
        }
        // A pattern such as `#.#` shows a zero, but `.#` none.
        let least = if fraction.is_empty() && self.least_whole == 0 { 1 } else { self.least_whole };
        let whole = format!("{whole:0>least$}");
        let mut out = String::new();
        if negative {
            out.push('-');
        }
        out.push_str(&self.prefix);
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && self.group > 0 && (whole.len() - index).is_multiple_of(self.group) {
                out.push(',');
            }
            out.push(digit);
        }
        if !fraction.is_empty() {
            out.push('.');
            out.push_str(&fraction);
        }
        out.push_str(&self.suffix);
        out
    }
}
