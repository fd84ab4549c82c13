//! `sum` and `avg`, with their forms that give null instead of an overflow.

use datafusion::functions_aggregate::average::avg_udaf;
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_aggregate::sum::sum_udaf;
use firesteel_spec::{DataType, SparkResult};

use super::checked_sum::CHECKED_SUM;
use crate::call::Call;
use crate::cast::{Mode, coerce};
use crate::coerce::bounded_decimal;
use crate::typed::Typed;

/// Decimals of at most this precision are summed with ten digits to spare: as many rows as no group has.
const ROOMY_PRECISION: u8 = 28;

pub(super) fn sum(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let mode = mode(call, "try_sum");
    let value = summand(call)?;
    Ok(call.shown(sum_of(value, mode, call.distinct)?))
}

pub(super) fn avg(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let mode = mode(call, "try_avg");
    let value = summand(call)?;
    let average = match value.data_type.clone() {
        DataType::Decimal { precision, scale } => {
            let target = bounded_decimal(i16::from(precision) + 4, scale.saturating_add(4));
            let count =
                coerce(count_of(value.clone())?, &DataType::Decimal { precision: 20, scale: 0 }, call.settings)?;
            crate::operators::divide_to(sum_of(value, mode, call.distinct)?, count, target, mode)?
        }
        DataType::YearMonthInterval { .. } | DataType::DayTimeInterval { .. } => {
            let (total, count) = (sum_of(value.clone(), mode, call.distinct)?, count_of(value)?);
            let divide = if mode == Mode::Ansi { "/" } else { "try_divide" };
            match crate::registry::lookup(divide) {
                Some(function) => (function.build)(&call.other(divide, vec![total, count]))?,
                None => return Err(firesteel_spec::SparkError::internal("no division")),
            }
        }
        _ => {
            let value = coerce(value, &DataType::Double, call.settings)?;
            Typed::aggregate(&avg_udaf(), vec![value])?
        }
    };
    let mut average = call.shown(average);
    average.nullable = true;
    Ok(average)
}

fn mode(call: &Call<'_>, lenient: &str) -> Mode {
    match () {
        () if call.name == lenient => Mode::Try,
        () if call.settings.ansi => Mode::Ansi,
        () => Mode::Legacy,
    }
}

/// The argument as the type that is summed.
fn summand(call: &Call<'_>) -> SparkResult<Typed> {
    let value = call.argument(0)?;
    match &value.data_type {
        DataType::Decimal { .. } | DataType::Double => Ok(value),
        DataType::YearMonthInterval { .. } | DataType::DayTimeInterval { .. } => Ok(value),
        integral if integral.is_integral() => Ok(value),
        DataType::Float | DataType::Null => call.double(0),
        text if text.is_string() => call.double(0),
        other => Err(call.unexpected(0, other, "NUMERIC\" or \"ANSI INTERVAL")),
    }
}

fn sum_of(value: Typed, mode: Mode, distinct: bool) -> SparkResult<Typed> {
    // Sums of what is no longer than an int can't leave a long.
    let (plain, data_type) = match value.data_type.clone() {
        DataType::Long => (mode == Mode::Legacy, DataType::Long),
        integral if integral.is_integral() => (true, DataType::Long),
        DataType::Decimal { precision, scale } => {
            (precision <= ROOMY_PRECISION, bounded_decimal(i16::from(precision) + 10, scale))
        }
        DataType::Double => (true, DataType::Double),
        other => (false, other),
    };
    let value = if data_type == DataType::Long { widened(value) } else { value };
    let distinct_works = distinct && !matches!(data_type, DataType::YearMonthInterval { .. });
    let mut typed = if plain || distinct_works {
        Typed::aggregate(&sum_udaf(), vec![value])?
    } else {
        let mode = if mode == Mode::Ansi { "ansi" } else { "try" };
        Typed::aggregate(&CHECKED_SUM, vec![value, Typed::string(mode)])?
    };
    typed.data_type = data_type;
    typed.nullable = true;
    Ok(typed)
}

fn widened(value: Typed) -> Typed {
    if value.data_type == DataType::Long {
        return value;
    }
    let cast = datafusion::logical_expr::Cast::new(Box::new(value.expr), arrow::datatypes::DataType::Int64);
    Typed::new(datafusion::logical_expr::Expr::Cast(cast), DataType::Long, value.nullable, value.name)
}

fn count_of(value: Typed) -> SparkResult<Typed> {
    Typed::aggregate(&count_udaf(), vec![value])
}
