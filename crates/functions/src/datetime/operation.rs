//! `spark_datetime(operation, null of the result's type, nullable, arguments…)`: one function for all kernels of this
//! family. An operation gets the arguments behind the third.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray, StringArray};
use arrow::datatypes::{Field, Int32Type, Int64Type, TimestampMicrosecondType};
use datafusion::common::{Result, ScalarValue, internal_datafusion_err};
use datafusion::logical_expr::ScalarUDF;
use firesteel_spec::{DataType, SparkResult};

use super::zone::Zone;
use super::{arithmetic, date, field, make, text, time, timestamp, window};
use crate::kernel::{Kernel, KernelUdf};
use crate::typed::Typed;

static OPERATIONS: &[(&str, Kernel)] = &[
    ("field", field::field_kernel),
    ("second_fraction", field::second_fraction_kernel),
    ("interval_field", field::interval_field_kernel),
    ("day_name", field::day_name_kernel),
    ("month_name", field::month_name_kernel),
    ("date_add", date::add_kernel),
    ("add_months", date::add_months_kernel),
    ("date_diff", date::diff_kernel),
    ("months_between", date::months_between_kernel),
    ("last_day", date::last_day_kernel),
    ("next_day", date::next_day_kernel),
    ("trunc", date::trunc_kernel),
    ("date_trunc", timestamp::trunc_kernel),
    ("to_zone", timestamp::to_zone_kernel),
    ("of_units", timestamp::of_units_kernel),
    ("to_units", timestamp::to_units_kernel),
    ("of_decimal_seconds", timestamp::of_decimal_seconds_kernel),
    ("timestamp_add", timestamp::add_kernel),
    ("timestamp_diff", timestamp::diff_kernel),
    ("instant", timestamp::instant_kernel),
    ("date_format", text::format_kernel),
    ("parse", text::parse_kernel),
    ("parse_time", text::parse_time_kernel),
    ("make_date", make::date_kernel),
    ("make_local", make::local_kernel),
    ("date_and_time", make::date_and_time_kernel),
    ("make_time", make::time_kernel),
    ("make_interval", make::interval_kernel),
    ("make_dt_interval", make::day_time_kernel),
    ("make_ym_interval", make::year_month_kernel),
    ("time_of_units", time::of_units_kernel),
    ("time_to_units", time::to_units_kernel),
    ("time_diff", time::diff_kernel),
    ("time_trunc", time::trunc_kernel),
    ("time_add", time::add_kernel),
    ("add_interval", arithmetic::add_interval_kernel),
    ("clock_diff", arithmetic::clock_diff_kernel),
    ("interval_add", arithmetic::interval_add_kernel),
    ("interval_sign", arithmetic::interval_sign_kernel),
    ("interval_scale", arithmetic::interval_scale_kernel),
    ("window", window::window_kernel),
    ("session_window", window::session_kernel),
    ("sliding_windows", window::sliding_kernel),
    ("time_bucket", window::bucket_kernel),
];

const LEADING: usize = 3;

pub(super) static DATETIME: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    KernelUdf::udf(
        "spark_datetime",
        |fields, constants| {
            let gives_null = matches!(constants[2], Some(ScalarValue::Boolean(Some(true))));
            let nullable = gives_null || fields[LEADING..].iter().any(|field| field.is_nullable());
            Ok(Arc::new(Field::new("value", fields[1].data_type().clone(), nullable)))
        },
        |arrays, rows| {
            let target = arrays[1].data_type();
            if rows == 0 {
                return Ok(arrow::array::new_empty_array(target));
            }
            let operation = arrays[0].as_string::<i32>().value(0);
            let kernel = OPERATIONS.iter().find(|(name, _)| *name == operation);
            let (_, kernel) = kernel.ok_or_else(|| internal_datafusion_err!("no operation on dates: {operation}"))?;
            let answer = kernel(&arrays[LEADING..], rows)?;
            // Of decimals and instants a kernel gives the numbers, and not what Arrow notes beside them.
            if answer.data_type() == target {
                return Ok(answer);
            }
            let data = answer.to_data().into_builder().data_type(target.clone()).build()?;
            Ok(arrow::array::make_array(data))
        },
    )
});

/// A call of an operation. It gives null where an argument is null, and elsewhere only if `gives_null`.
pub(super) fn compute(
    operation: &str,
    result: DataType,
    gives_null: bool,
    arguments: impl IntoIterator<Item = Typed>,
) -> SparkResult<Typed> {
    let leading = [Typed::string(operation), Typed::null(result.clone()), Typed::boolean(gives_null)];
    let arguments: Vec<Typed> = leading.into_iter().chain(arguments).collect();
    let nullable = gives_null || arguments[LEADING..].iter().any(|argument| argument.nullable);
    let mut typed = Typed::call(&DATETIME, arguments)?.named("");
    typed.data_type = result;
    typed.nullable = nullable;
    Ok(typed)
}

/// What `value` gives for each row in which no argument is null.
pub(super) fn each<T: ArrowPrimitiveType>(
    arguments: &[ArrayRef],
    rows: usize,
    value: impl Fn(usize) -> Result<Option<T::Native>>,
) -> Result<ArrayRef> {
    let values = (0..rows).map(|row| if has_null(arguments, row) { Ok(None) } else { value(row) });
    Ok(Arc::new(values.collect::<Result<PrimitiveArray<T>>>()?))
}

/// As [`each`], for texts.
pub(super) fn each_text(
    arguments: &[ArrayRef],
    rows: usize,
    value: impl Fn(usize) -> Result<Option<String>>,
) -> Result<ArrayRef> {
    let values = (0..rows).map(|row| if has_null(arguments, row) { Ok(None) } else { value(row) });
    Ok(Arc::new(values.collect::<Result<StringArray>>()?))
}

pub(super) fn has_null(arguments: &[ArrayRef], row: usize) -> bool {
    arguments.iter().any(|argument| argument.is_null(row))
}

pub(super) fn ints(array: &ArrayRef) -> &PrimitiveArray<Int32Type> {
    array.as_primitive()
}

pub(super) fn longs(array: &ArrayRef) -> &PrimitiveArray<Int64Type> {
    array.as_primitive()
}

pub(super) fn clocks(array: &ArrayRef) -> &PrimitiveArray<TimestampMicrosecondType> {
    array.as_primitive()
}

pub(super) fn texts(array: &ArrayRef) -> &StringArray {
    array.as_string()
}

/// The truth of a constant argument.
pub(super) fn flag(array: &ArrayRef) -> bool {
    array.as_boolean().value(0)
}

/// Zones by name, each parsed once as long as it stays the same from row to row.
pub(super) struct Zones<'a> {
    names: &'a StringArray,
    last: std::cell::RefCell<Option<(String, Zone)>>,
}

impl<'a> Zones<'a> {
    pub(super) fn of(array: &'a ArrayRef) -> Self {
        Self { names: texts(array), last: std::cell::RefCell::new(None) }
    }

    pub(super) fn at(&self, row: usize) -> Result<Zone> {
        let name = self.names.value(row);
        if let Some((last, zone)) = &*self.last.borrow()
            && last == name
        {
            return Ok(*zone);
        }
        let zone = Zone::named(name)?;
        *self.last.borrow_mut() = Some((name.to_owned(), zone));
        Ok(zone)
    }
}
