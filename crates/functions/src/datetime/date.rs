//! Functions from dates to dates and numbers.

use arrow::array::{ArrayRef, AsArray, PrimitiveArray};
use arrow::datatypes::{Date32Type, Float64Type, Int32Type};
use datafusion::common::Result;
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::calendar::{Civil, US_PER_DAY, US_PER_SECOND, add_months, month_length, split_day, weekday};
use super::field::local;
use super::operation::{clocks, compute, each, flag, ints, texts};
use crate::call::Call;
use crate::kernel::spark_error;
use crate::operators::arithmetic_overflow;
use crate::typed::Typed;

pub(super) const DAYS_OF_OFFSET: &str = "(\"INT\" or \"SMALLINT\" or \"TINYINT\")";

/// `date_add(d, n)`, or by its SQL name `dateadd`.
pub(super) fn date_add(call: &Call<'_>) -> SparkResult<Typed> {
    if call.arguments.len() == 3 {
        return super::timestamp::timestamp_add(call);
    }
    shift(call, "date_add", 1)
}

pub(super) fn date_sub(call: &Call<'_>) -> SparkResult<Typed> {
    shift(call, "date_sub", -1)
}

fn shift(call: &Call<'_>, name: &str, sign: i32) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let offset = call.argument(1)?;
    if !matches!(offset.data_type, DataType::Byte | DataType::Short | DataType::Integer | DataType::Null)
        && !offset.data_type.is_string()
    {
        return Err(call.unexpected(1, &offset.data_type, DAYS_OF_OFFSET));
    }
    if !call.settings.ansi && offset.text().is_some_and(|text| text.trim().parse::<i32>().is_err()) {
        let message = format!("the second argument of {name} is no integer: {}", offset.name);
        return Err(SparkError::new("SECOND_FUNCTION_ARGUMENT_NOT_INTEGER", message).with("functionName", name));
    }
    let typed = compute("date_add", DataType::Date, false, [call.date(0)?, call.int(1)?, Typed::int(sign)])?;
    Ok(call.shown_as(name, typed))
}

pub(super) fn add_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (days, offsets, sign) = (dates(&arguments[0]), ints(&arguments[1]), ints(&arguments[2]).value(0));
    // Beyond the range it wraps, in ANSI mode too.
    each::<Date32Type>(arguments, rows, |row| {
        Ok(Some(days.value(row).wrapping_add(offsets.value(row).wrapping_mul(sign))))
    })
}

/// `datediff(end, start)`; with a unit before them it is `timestampdiff`.
pub(super) fn date_diff(call: &Call<'_>) -> SparkResult<Typed> {
    if call.arguments.len() == 3 {
        return super::timestamp::timestamp_diff(call);
    }
    call.expect(2..=2)?;
    Ok(call.shown(compute("date_diff", DataType::Integer, false, [call.date(0)?, call.date(1)?])?))
}

pub(super) fn diff_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (end, start) = (dates(&arguments[0]), dates(&arguments[1]));
    each::<Int32Type>(arguments, rows, |row| Ok(Some(end.value(row).wrapping_sub(start.value(row)))))
}

pub(super) fn add_months_to(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    Ok(call.shown(compute("add_months", DataType::Date, false, [call.date(0)?, call.int(1)?])?))
}

pub(super) fn add_months_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (days, months) = (dates(&arguments[0]), ints(&arguments[1]));
    each::<Date32Type>(arguments, rows, |row| {
        let sum = add_months(days.value(row).into(), months.value(row).into());
        let sum = i32::try_from(sum).map_err(|_| spark_error(arithmetic_overflow("integer", "")))?;
        Ok(Some(sum))
    })
}

pub(super) fn months_between(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let round = if call.has(2) { call.boolean(2)? } else { Typed::boolean(true) };
    let name = format!("{}({}, {}, {})", call.name, call.argument(0)?.name, call.argument(1)?.name, round.name);
    let typed = compute("months_between", DataType::Double, false, [local(call, 0)?, local(call, 1)?, round])?;
    Ok(typed.named(name))
}

pub(super) fn months_between_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    const SECONDS_PER_DAY: i64 = 86_400;
    let (left, right, round) = (clocks(&arguments[0]), clocks(&arguments[1]), arguments[2].as_boolean());
    each::<Float64Type>(arguments, rows, |row| {
        let ((days1, us1), (days2, us2)) = (split_day(left.value(row)), split_day(right.value(row)));
        let (date1, date2) = (Civil::of(days1), Civil::of(days2));
        let months = (date1.year * 12 + date1.month) - (date2.year * 12 + date2.month);
        let is_last = |date: Civil| date.day == month_length(date.year, date.month);
        if date1.day == date2.day || (is_last(date1) && is_last(date2)) {
            return Ok(Some(months as f64));
        }
        let seconds = (date1.day - date2.day) * SECONDS_PER_DAY + us1 / US_PER_SECOND - us2 / US_PER_SECOND;
        let difference = months as f64 + seconds as f64 / (31 * SECONDS_PER_DAY) as f64;
        Ok(Some(if round.value(row) { (difference * 1e8).round() / 1e8 } else { difference }))
    })
}

pub(super) fn last_day(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    Ok(call.shown(compute("last_day", DataType::Date, false, [call.date(0)?])?))
}

pub(super) fn last_day_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let days = dates(&arguments[0]);
    each::<Date32Type>(arguments, rows, |row| {
        let civil = Civil::of(days.value(row).into());
        Ok(Some(days.value(row) + (month_length(civil.year, civil.month) - civil.day) as i32))
    })
}

pub(super) fn next_day(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let arguments = [call.date(0)?, call.string(1)?, Typed::boolean(call.settings.ansi)];
    Ok(call.shown(compute("next_day", DataType::Date, true, arguments)?))
}

pub(super) fn next_day_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (days, names, ansi) = (dates(&arguments[0]), texts(&arguments[1]), flag(&arguments[2]));
    each::<Date32Type>(arguments, rows, |row| {
        let wanted = match names.value(row).to_ascii_uppercase().as_str() {
            "MO" | "MON" | "MONDAY" => 0,
            "TU" | "TUE" | "TUESDAY" => 1,
            "WE" | "WED" | "WEDNESDAY" => 2,
            "TH" | "THU" | "THURSDAY" => 3,
            "FR" | "FRI" | "FRIDAY" => 4,
            "SA" | "SAT" | "SATURDAY" => 5,
            "SU" | "SUN" | "SUNDAY" => 6,
            _ if ansi => {
                let name = names.value(row);
                return Err(spark_error(
                    SparkError::new("ILLEGAL_DAY_OF_WEEK", format!("{name} is no day of the week"))
                        .with("string", name),
                ));
            }
            _ => return Ok(None),
        };
        let today = weekday(days.value(row).into());
        let ahead = (wanted - today - 1).rem_euclid(7) + 1;
        Ok(Some(days.value(row) + ahead as i32))
    })
}

pub(super) fn trunc(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    Ok(call.shown(compute("trunc", DataType::Date, true, [call.date(0)?, call.string(1)?])?))
}

pub(super) fn trunc_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (days, units) = (dates(&arguments[0]), texts(&arguments[1]));
    each::<Date32Type>(arguments, rows, |row| {
        Ok(trunc_days(days.value(row).into(), units.value(row)).map(|days| days as i32))
    })
}

/// The first day of a week, month, quarter or year; none for another unit.
pub(super) fn trunc_days(days: i64, unit: &str) -> Option<i64> {
    let civil = Civil::of(days);
    Some(match unit.to_ascii_uppercase().as_str() {
        "WEEK" => days - weekday(days),
        "MON" | "MONTH" | "MM" => Civil { day: 1, ..civil }.days(),
        "QUARTER" => Civil { month: (civil.month - 1) / 3 * 3 + 1, day: 1, ..civil }.days(),
        "YEAR" | "YYYY" | "YY" => Civil { month: 1, day: 1, ..civil }.days(),
        _ => return None,
    })
}

/// `unix_date(d)`
pub(super) fn unix_date(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let date = call.argument(0)?;
    if !matches!(date.data_type, DataType::Date | DataType::Null) {
        return Err(call.unexpected(0, &date.data_type, "DATE"));
    }
    let epoch = Typed::literal(datafusion::common::ScalarValue::Date32(Some(0)), DataType::Date, "0");
    Ok(call.shown(compute("date_diff", DataType::Integer, false, [call.date(0)?, epoch])?))
}

pub(super) fn date_from_unix_date(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let days = call.argument(0)?;
    // `range` counts in longs, which PySpark's own example passes.
    let days = if days.data_type.is_integral() {
        crate::cast::coerce(days, &DataType::Integer, call.settings)?
    } else {
        call.int(0)?
    };
    let epoch = Typed::literal(datafusion::common::ScalarValue::Date32(Some(0)), DataType::Date, "0");
    Ok(call.shown(compute("date_add", DataType::Date, false, [epoch, days, Typed::int(1)])?))
}

pub(super) fn dates(array: &ArrayRef) -> &PrimitiveArray<Date32Type> {
    array.as_primitive()
}

/// Midnight of a day, as a local clock shows it.
pub(super) fn midnight(days: i32) -> i64 {
    i64::from(days) * US_PER_DAY
}
