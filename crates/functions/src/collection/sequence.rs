//! `sequence`: numbers by a step, dates and timestamps by an interval, both ends included.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType as ArrowType, Int64Type, IntervalMonthDayNanoType, IntervalYearMonthType, TimeUnit};
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::ScalarUDF;
use firesteel_spec::{DataType, SparkError, SparkResult};

use super::lists::{Rows, element_type};
use super::shape;
use crate::call::Call;
use crate::cast::coerce;
use crate::coerce::common_type;
use crate::datetime::calendar::{US_PER_DAY, add_months, split_day};
use crate::datetime::zone::Zone;
use crate::kernel::spark_error;
use crate::typed::Typed;

static SEQUENCE: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| shape::udf("spark_sequence", sequence_kernel));

/// As many elements as an array of Java's holds.
const ELEMENTS_MAX: i64 = 2_147_483_632;
/// What a month counts for where the length of a sequence is guessed.
const SHORTEST_MONTH_DAYS: i64 = 28;

pub(super) fn implementations() -> Vec<Arc<ScalarUDF>> {
    vec![Arc::clone(&SEQUENCE)]
}

pub(super) fn sequence(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let (start, stop) = (call.argument(0)?, call.argument(1)?);
    let step = if call.has(2) { Some(call.argument(2)?) } else { None };
    let mut types = vec![start.data_type.clone(), stop.data_type.clone()];
    if let Some(step) = step.as_ref().filter(|step| step.data_type.is_numeric()) {
        types.push(step.data_type.clone());
    }
    let element = common_type(&types, call.settings.ansi).ok_or_else(|| wrong_types(call))?;
    let step_type = match (&element, &step) {
        (element, None) if element.is_integral() || is_time(element) => None,
        (element, Some(step)) if element.is_integral() && (step.data_type.is_integral() || is_null(step)) => {
            Some(element.clone())
        }
        (element, Some(step)) if is_time(element) => match step.data_type {
            DataType::CalendarInterval | DataType::YearMonthInterval { .. } | DataType::DayTimeInterval { .. } => {
                Some(step.data_type.clone())
            }
            DataType::Null => Some(DataType::CalendarInterval),
            _ => return Err(wrong_types(call)),
        },
        _ => return Err(wrong_types(call)),
    };
    let mut arguments = vec![coerce(start, &element, call.settings)?, coerce(stop, &element, call.settings)?];
    if let (Some(step), Some(to)) = (step, step_type) {
        arguments.push(coerce(step, &to, call.settings)?);
    }
    let nullable = arguments.iter().any(|argument| argument.nullable);
    // Dates and timestamps without a zone go by a clock that never changes.
    let zone = if element == DataType::Timestamp { &call.settings.time_zone } else { crate::types::UTC };
    arguments.insert(0, Typed::string(zone));
    Ok(call.shown(shape::call(&SEQUENCE, arguments, DataType::array(element, false), nullable)?))
}

fn is_time(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Date | DataType::Timestamp | DataType::TimestampNtz)
}

fn is_null(value: &Typed) -> bool {
    value.data_type == DataType::Null
}

fn wrong_types(call: &Call<'_>) -> SparkError {
    SparkError::new(
        "DATATYPE_MISMATCH.SEQUENCE_WRONG_INPUT_TYPES",
        format!("cannot resolve {}: it goes over integers, or over dates or timestamps by an interval", call.display()),
    )
    .with("sqlExpr", format!("\"{}\"", call.display()))
    .with("functionName", format!("`{}`", call.name))
    .with("startType", "(\"TIMESTAMP\" or \"TIMESTAMP_NTZ\" or \"DATE\")")
    .with("stepType", "(\"INTERVAL\" or \"INTERVAL YEAR TO MONTH\" or \"INTERVAL DAY TO SECOND\")")
    .with("otherStartType", "\"INTEGRAL\"")
}

/// A step, in parts of which an integer's is the last.
#[derive(Debug, Clone, Copy, Default)]
struct Step {
    months: i64,
    days: i64,
    units: i64,
}

fn sequence_kernel(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let ([zone, start, stop, step @ ..], target) = shape::split(arrays)? else {
        return internal_err!("sequence takes a zone, a start and a stop");
    };
    let zone = if rows == 0 { Zone::Utc } else { Zone::named(zone.as_string::<i32>().value(0))? };
    let element = element_type(target)?;
    let (starts, stops) = (as_units(start)?, as_units(stop)?);
    let steps = step.first().map(steps).transpose()?;
    let mut values: Vec<i64> = Vec::new();
    let mut ends = Rows::with_capacity(rows);
    for row in 0..rows {
        let step = match &steps {
            Some(steps) => steps[row],
            None => Some(Step { units: if starts.value(row) <= stops.value(row) { 1 } else { -1 }, ..Step::default() }),
        };
        let (Some(mut step), true) = (step, starts.is_valid(row) && stops.is_valid(row)) else {
            ends.null();
            continue;
        };
        if steps.is_none() && !element.is_integer() {
            step = Step { days: step.units, ..Step::default() };
        }
        let (start, stop) = (starts.value(row), stops.value(row));
        match element {
            ArrowType::Date32 => dates(start, stop, step, &mut values)?,
            ArrowType::Timestamp(_, _) => timestamps(start, stop, step, zone, &mut values)?,
            _ => by_units(start, stop, step.units, &mut values)?,
        }
        ends.end(values.len())?;
    }
    let values: ArrayRef = Arc::new(Int64Array::from(values));
    let values = match element {
        ArrowType::Date32 => cast(&cast(&values, &ArrowType::Int32)?, element)?,
        _ => cast(&values, element)?,
    };
    ends.list(&values, target)
}

fn as_units(array: &ArrayRef) -> Result<Int64Array> {
    let array = match array.data_type() {
        ArrowType::Date32 => cast(array, &ArrowType::Int32)?,
        _ => Arc::clone(array),
    };
    Ok(cast(&array, &ArrowType::Int64)?.as_primitive::<Int64Type>().clone())
}

fn steps(array: &ArrayRef) -> Result<Vec<Option<Step>>> {
    Ok(match array.data_type() {
        ArrowType::Interval(arrow::datatypes::IntervalUnit::YearMonth) => {
            let months = array.as_primitive::<IntervalYearMonthType>();
            months.iter().map(|months| months.map(|months| Step { months: months.into(), ..Step::default() })).collect()
        }
        ArrowType::Interval(_) => array
            .as_primitive::<IntervalMonthDayNanoType>()
            .iter()
            .map(|step| {
                let step = step?;
                Some(Step { months: step.months.into(), days: step.days.into(), units: step.nanoseconds / 1000 })
            })
            .collect(),
        ArrowType::Duration(TimeUnit::Microsecond) => {
            let us = cast(array, &ArrowType::Int64)?;
            // Whole days of it are days of the calendar.
            let split = |us: i64| Step { months: 0, days: us / US_PER_DAY, units: us % US_PER_DAY };
            us.as_primitive::<Int64Type>().iter().map(|us| us.map(split)).collect()
        }
        _ => {
            let units = cast(array, &ArrowType::Int64)?;
            let units = units.as_primitive::<Int64Type>();
            units.iter().map(|units| units.map(|units| Step { units, ..Step::default() })).collect()
        }
    })
}

fn by_units(start: i64, stop: i64, step: i64, values: &mut Vec<i64>) -> Result<()> {
    check_bounds(start, stop, step)?;
    if step == 0 {
        values.push(start);
        return Ok(());
    }
    let count = (i128::from(stop) - i128::from(start)) / i128::from(step) + 1;
    check_length(count)?;
    values.extend((0..count as i64).map(|index| start + index * step));
    Ok(())
}

/// Whole days, unless months are in the step.
fn dates(start: i64, stop: i64, step: Step, values: &mut Vec<i64>) -> Result<()> {
    if step.units != 0 && step.months == 0 && step.days == 0 {
        let message = "a sequence of dates takes a step of whole days";
        return Err(spark_error(SparkError::new("_LEGACY_ERROR_TEMP_3242", message)));
    }
    if step.months == 0 && step.units == 0 {
        return by_units(start, stop, step.days, values);
    }
    let mut instants = Vec::new();
    timestamps(start * US_PER_DAY, stop * US_PER_DAY, step, Zone::Utc, &mut instants)?;
    values.extend(instants.into_iter().map(|us| us.div_euclid(US_PER_DAY)));
    Ok(())
}

/// Each is the start and so many steps, so that months don't lose days on the way.
fn timestamps(start: i64, stop: i64, step: Step, zone: Zone, values: &mut Vec<i64>) -> Result<()> {
    if step.months == 0 && step.days == 0 {
        return by_units(start, stop, step.units, values);
    }
    let guess = (step.months * SHORTEST_MONTH_DAYS + step.days).saturating_mul(US_PER_DAY).saturating_add(step.units);
    check_bounds(start, stop, guess)?;
    if guess == 0 {
        values.push(start);
        return Ok(());
    }
    check_length((i128::from(stop) - i128::from(start)) / i128::from(guess) + 1)?;
    let (local_day, of_day) = split_day(zone.local(start));
    let mut next = start;
    let mut count = 0;
    while if guess > 0 { next <= stop } else { next >= stop } {
        values.push(next);
        count += 1;
        let day = add_months(local_day, count * step.months) + count * step.days;
        next = zone.instant(day * US_PER_DAY + of_day) + count * step.units;
    }
    Ok(())
}

fn check_bounds(start: i64, stop: i64, step: i64) -> Result<()> {
    let fits = if step == 0 { start == stop } else { (step > 0 && start <= stop) || (step < 0 && start >= stop) };
    if fits {
        return Ok(());
    }
    let message = format!("Illegal sequence boundaries: {start} to {stop} by {step}: the step leads away from the end");
    let error = SparkError::new("_LEGACY_ERROR_TEMP_3243", message).with("start", start.to_string());
    Err(spark_error(error.with("stop", stop.to_string()).with("step", step.to_string())))
}

fn check_length(count: i128) -> Result<()> {
    if count <= i128::from(ELEMENTS_MAX) {
        return Ok(());
    }
    let error = SparkError::new(
        "COLLECTION_SIZE_LIMIT_EXCEEDED.PARAMETER",
        format!("the sequence would have {count} elements; the most that an array holds are {ELEMENTS_MAX}"),
    );
    Err(spark_error(
        error
            .with("numberOfElements", count.to_string())
            .with("maxRoundedArrayLength", ELEMENTS_MAX.to_string())
            .with("functionName", "`sequence`")
            .with("parameter", "`start`, `stop`, `step`"),
    ))
}
