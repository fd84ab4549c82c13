//! `window`, `session_window`, `window_time` and `time_bucket`: the span of time that a timestamp falls in.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StructArray, TimestampMicrosecondArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType as ArrowType, DurationMicrosecondType, Field, TimestampMicrosecondType};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::Expr;
use firesteel_spec::{DataType, SparkError, SparkResult, StructField};

use super::calendar::{Civil, US_PER_DAY, add_months, split_day};
use super::interval::read_calendar;
use super::operation::{Zones, clocks, compute, each, has_null, longs};
use super::timestamp::zone_of;
use crate::call::Call;
use crate::kernel::spark_error;
use crate::operators::arithmetic_overflow;
use crate::typed::Typed;
use crate::types::{UTC, to_arrow};

fn span(of: &DataType) -> DataType {
    let field = |name: &str| StructField::new(name, of.clone(), true);
    DataType::Struct { fields: vec![field("start"), field("end")] }
}

/// A timestamp, with a zone or without.
fn timestamp(call: &Call<'_>, index: usize) -> SparkResult<Typed> {
    let argument = call.argument(index)?;
    if argument.data_type == DataType::TimestampNtz { Ok(argument) } else { call.timestamp(index) }
}

/// The microseconds of a constant length of time.
fn length_us(call: &Call<'_>, index: usize) -> SparkResult<i64> {
    let argument = call.argument(index)?;
    if let Some(ScalarValue::DurationMicrosecond(Some(us))) = argument.value() {
        return Ok(*us);
    }
    let text = call.constant_text(index)?;
    let parts = read_calendar(&text).ok_or_else(|| {
        SparkError::new("CANNOT_PARSE_INTERVAL", format!("'{text}' is no interval, such as '5 minutes'"))
            .with("intervalString", text.clone())
    })?;
    if parts.months != 0 {
        return Err(SparkError::new(
            "INTERVAL_NOT_SUPPORTED_OVER_MONTH_INTERVAL",
            format!("months and years have no fixed length: '{text}'"),
        )
        .with("interval", text));
    }
    Ok(i64::from(parts.days) * US_PER_DAY + parts.us)
}

/// `window(t, length [, slide [, start]])` where windows don't overlap. As in Spark it is never null: who groups by it
/// leaves out rows without a time.
pub(super) fn window(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=4)?;
    let time = timestamp(call, 0)?;
    let length = length_us(call, 1)?;
    let slide = if call.has(2) { length_us(call, 2)? } else { length };
    let start = if call.has(3) { length_us(call, 3)? } else { 0 };
    if length <= 0 || slide <= 0 {
        return Err(SparkError::new(
            "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
            format!("the length of a window must be more than 0, not {length} microseconds"),
        )
        .with("exprName", "`window_duration`")
        .with("valueRange", "(0, 9223372036854775807]")
        .with("currentValue", length.min(slide).to_string()));
    }
    if slide > length || start.abs() >= slide {
        let (name, value) = if slide > length { ("`slide_duration`", slide) } else { ("`abs(start_time)`", start) };
        let (other, most) = if slide > length { ("`window_duration`", length) } else { ("`slide_duration`", slide) };
        return Err(SparkError::new(
            "DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION",
            format!("{name} of a window is {value} microseconds, and must be no more than {other}, which is {most}"),
        )
        .with("leftExprName", name)
        .with("leftExprValue", format!("{value}L"))
        .with("constraint", if slide > length { "<=" } else { "<" })
        .with("rightExprName", other)
        .with("rightExprValue", format!("{most}L")));
    }
    let result = span(&time.data_type);
    let mut typed = if slide == length {
        compute(TUMBLING, result, false, [time, Typed::long(length), Typed::long(start)])?
    } else {
        compute(SLIDING, result, false, [time, Typed::long(length), Typed::long(slide), Typed::long(start)])?
    };
    typed.name = "window".to_owned();
    typed.nullable = false;
    Ok(typed)
}

/// The operation that stands for overlapping windows, until the resolver makes rows of them.
const SLIDING: &str = "sliding_window";
const SESSION: &str = "session_window";
const TUMBLING: &str = "window";

/// A window of time that is more than a value of its row.
pub enum TimeWindow {
    /// A row is in several: an array of structs of one field, the window.
    Sliding(Typed),
    /// What a row gives is only its own part: `start` and `end`.
    Session,
    /// A value of its row, made of this time: a row without one is in no window.
    Tumbling(Expr),
}

/// The window of time that an expression is, if the resolver has to see to it.
pub fn time_window(expr: &Expr) -> SparkResult<Option<TimeWindow>> {
    let Expr::ScalarFunction(call) = expr else { return Ok(None) };
    if call.func.name() != super::operation::DATETIME.name() {
        return Ok(None);
    }
    let [Expr::Literal(ScalarValue::Utf8(Some(operation)), _), _, _, arguments @ ..] = call.args.as_slice() else {
        return Ok(None);
    };
    if operation == SESSION {
        return Ok(Some(TimeWindow::Session));
    }
    if let (TUMBLING, [time, ..]) = (operation.as_str(), arguments) {
        return Ok(Some(TimeWindow::Tumbling(time.clone())));
    }
    let (SLIDING, [time, rest @ ..]) = (operation.as_str(), arguments) else { return Ok(None) };
    let Some(Expr::Literal(null, _)) = call.args.get(1) else { return Ok(None) };
    let window = crate::types::from_arrow(&null.data_type())?;
    let zoned = to_arrow(&window) == to_arrow(&span(&DataType::Timestamp));
    let of = if zoned { DataType::Timestamp } else { DataType::TimestampNtz };
    let field = StructField::new("window", window, false);
    let rows = DataType::array(DataType::Struct { fields: vec![field] }, false);
    let mut typed = vec![Typed::new(time.clone(), of, true, "")];
    typed.extend(rest.iter().map(|one| Typed::new(one.clone(), DataType::Long, false, "")));
    Ok(Some(TimeWindow::Sliding(compute("sliding_windows", rows, false, typed)?)))
}

/// All windows that hold a time, the latest first.
pub(super) fn sliding_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let values = clocks(&arguments[0]);
    let [length, slide, offset] = [1, 2, 3].map(|index| longs(&arguments[index]).value(0));
    let (mut starts, mut lengths) = (Vec::new(), Vec::with_capacity(rows));
    for row in 0..rows {
        let before = starts.len();
        if !has_null(arguments, row) {
            let us = values.value(row);
            let mut start = us - (us - offset).rem_euclid(slide);
            while start > us - length {
                starts.push(start);
                start -= slide;
            }
        }
        lengths.push(starts.len() - before);
    }
    let zoned = matches!(arguments[0].data_type(), ArrowType::Timestamp(_, Some(_)));
    let field = if zoned { DataType::Timestamp } else { DataType::TimestampNtz };
    let ArrowType::Struct(fields) = to_arrow(&span(&field)) else { return internal_err!("a span is no struct") };
    let bound = |shift: i64| -> ArrayRef {
        let values = TimestampMicrosecondArray::from_iter_values(starts.iter().map(|start| start + shift));
        Arc::new(if zoned { values.with_timezone(UTC) } else { values })
    };
    let windows: ArrayRef = Arc::new(StructArray::try_new(fields, vec![bound(0), bound(length)], None)?);
    let field = Arc::new(Field::new("window", windows.data_type().clone(), false));
    let records = StructArray::try_new(vec![field].into(), vec![windows], None)?;
    let element = Arc::new(Field::new_list_field(records.data_type().clone(), false));
    Ok(Arc::new(ListArray::try_new(element, OffsetBuffer::from_lengths(lengths), Arc::new(records), None)?))
}

pub(super) fn window_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let values = clocks(&arguments[0]);
    let (length, offset) = (longs(&arguments[1]).value(0), longs(&arguments[2]).value(0));
    spans(arguments, rows, |row| {
        let us = values.value(row);
        let start = us - (us - offset).rem_euclid(length);
        (start, start + length)
    })
}

fn spans(arguments: &[ArrayRef], rows: usize, span_at: impl Fn(usize) -> (i64, i64)) -> Result<ArrayRef> {
    let zoned = matches!(arguments[0].data_type(), ArrowType::Timestamp(_, Some(_)));
    let field = if zoned { DataType::Timestamp } else { DataType::TimestampNtz };
    let ArrowType::Struct(fields) = to_arrow(&span(&field)) else { return internal_err!("a span is no struct") };
    let bound = |end: bool| -> Result<ArrayRef> {
        let values = each::<TimestampMicrosecondType>(arguments, rows, |row| {
            let (start, stop) = span_at(row);
            Ok(Some(if end { stop } else { start }))
        })?;
        let values = values.as_primitive::<TimestampMicrosecondType>().clone();
        Ok(Arc::new(if zoned { values.with_timezone(UTC) } else { values }))
    };
    let nulls: NullBuffer = (0..rows).map(|row| !has_null(arguments, row)).collect();
    Ok(Arc::new(StructArray::try_new(fields, vec![bound(false)?, bound(true)?], Some(nulls))?))
}

/// The span that a row begins; the resolver merges those of a session.
pub(super) fn session_window(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=2)?;
    let time = timestamp(call, 0)?;
    let result = span(&time.data_type);
    let gap = call.argument(1)?;
    // A gap of each row's own is a text that says an interval.
    let gap = if gap.data_type.is_string() && gap.text().is_none() { gap } else { Typed::long(length_us(call, 1)?) };
    let mut typed = compute(SESSION, result, false, [time, gap])?.named("session_window");
    typed.nullable = false;
    Ok(typed)
}

pub(super) fn session_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let values = clocks(&arguments[0]);
    if let Some(gaps) = arguments[1].as_string_opt::<i32>() {
        let gap = |row: usize| read_calendar(gaps.value(row)).filter(|gap| gap.months == 0);
        if let Some(row) = (0..rows).find(|row| !has_null(arguments, *row) && gap(*row).is_none()) {
            let text = gaps.value(row);
            let message = format!("'{text}' is no interval of fixed length, such as '5 minutes'");
            return Err(spark_error(SparkError::new("CANNOT_PARSE_INTERVAL", message).with("intervalString", text)));
        }
        return spans(arguments, rows, |row| {
            let us = gap(row).map_or(0, |gap| i64::from(gap.days) * US_PER_DAY + gap.us);
            (values.value(row), values.value(row).saturating_add(us))
        });
    }
    let gap = longs(&arguments[1]).value(0);
    spans(arguments, rows, |row| (values.value(row), values.value(row).saturating_add(gap)))
}

/// The last microsecond of a window.
pub(super) fn window_time(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(1..=1)?;
    let window = call.argument(0)?;
    let DataType::Struct { fields } = &window.data_type else {
        return Err(call.unexpected(0, &window.data_type, "STRUCT"));
    };
    let Some(end) = fields.iter().find(|field| field.name == "end") else {
        return Err(call.unexpected(0, &window.data_type, "STRUCT"));
    };
    let result = end.data_type.clone();
    let arguments = vec![window, Typed::string("end")];
    let mut end = Typed::call(&datafusion::functions::core::get_field(), arguments)?;
    end.data_type = result.clone();
    let arguments = [Typed::string("MICROSECOND"), Typed::long(-1), end, Typed::string(UTC)];
    let mut typed = compute("timestamp_add", result, false, arguments)?;
    typed.nullable = true;
    Ok(call.shown(typed))
}

/// `time_bucket(size, t [, origin])`
pub(super) fn time_bucket(call: &Call<'_>) -> SparkResult<Typed> {
    call.expect(2..=3)?;
    let size = call.argument(0)?;
    let time = call.argument(1)?;
    if !matches!(time.data_type, DataType::Timestamp | DataType::TimestampNtz | DataType::Null) {
        return Err(call.unexpected(1, &time.data_type, "(TIMESTAMP OR TIMESTAMP WITHOUT TIME ZONE)"));
    }
    let result = if time.data_type == DataType::TimestampNtz { DataType::TimestampNtz } else { DataType::Timestamp };
    let zone = if result == DataType::TimestampNtz { Typed::string(UTC) } else { zone_of(call) };
    let origin = if call.has(2) {
        call.cast(2, &result)?
    } else {
        let midnight = ScalarValue::TimestampMicrosecond(Some(0), None);
        let local = Typed::literal(midnight, DataType::TimestampNtz, "");
        let origin = crate::cast::coerce(local, &result, call.settings)?;
        let kind = if result == DataType::TimestampNtz { "TIMESTAMP_NTZ" } else { "TIMESTAMP" };
        origin.named(format!("{kind} '1970-01-01 00:00:00'"))
    };
    if size.data_type == DataType::Null {
        let shown = [size.name.as_str(), time.name.as_str(), origin.name.as_str()].join(", ");
        return Ok(Typed::null(result).named(format!("{}({shown})", call.name)));
    }
    if !matches!(size.data_type, DataType::DayTimeInterval { .. } | DataType::YearMonthInterval { .. }) {
        return Err(call.unexpected(0, &size.data_type, "(INTERVAL DAY TO SECOND OR INTERVAL YEAR TO MONTH)"));
    }
    if size.folded().is_none() {
        return Err(call.not_foldable(0));
    }
    let positive = match size.value() {
        Some(ScalarValue::DurationMicrosecond(Some(us))) => *us > 0,
        Some(ScalarValue::IntervalYearMonth(Some(months))) => *months > 0,
        _ => true,
    };
    if !positive {
        return Err(SparkError::new(
            "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
            format!("the size of a bucket must be more than 0: {}", size.name),
        )
        .with("exprName", "`bucket_size`")
        .with("valueRange", "(0, 9223372036854775807]")
        .with("currentValue", size.name));
    }
    let name = format!("{}({}, {}, {})", call.name, size.name, time.name, origin.name);
    let time = call.cast(1, &result)?;
    Ok(compute("time_bucket", result, false, [size, time, origin, zone])?.named(name))
}

pub(super) fn bucket_kernel(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let (values, origins, zones) = (clocks(&arguments[1]), clocks(&arguments[2]), Zones::of(&arguments[3]));
    if let Some(sizes) = arguments[0].as_primitive_opt::<DurationMicrosecondType>() {
        return each::<TimestampMicrosecondType>(arguments, rows, |row| {
            let (us, origin, size, zone) =
                (values.value(row), origins.value(row), sizes.value(row).max(1), zones.at(row)?);
            // Whole days go by the clock, and shorter times by what has passed.
            if size % US_PER_DAY == 0 {
                let (local, origin) = (zone.local(us), zone.local(origin));
                return Ok(Some(zone.instant(local - (local - origin).rem_euclid(size))));
            }
            Ok(Some(us - (us - origin).rem_euclid(size)))
        });
    }
    let sizes = arguments[0].as_primitive::<arrow::datatypes::IntervalYearMonthType>();
    each::<TimestampMicrosecondType>(arguments, rows, |row| {
        let (zone, size) = (zones.at(row)?, i64::from(sizes.value(row).max(1)));
        let (local, origin) = (zone.local(values.value(row)), zone.local(origins.value(row)));
        let ((day, _), (origin_day, origin_us)) = (split_day(local), split_day(origin));
        let (date, from) = (Civil::of(day), Civil::of(origin_day));
        let months = (date.year * 12 + date.month) - (from.year * 12 + from.month);
        let start = |buckets: i64| add_months(origin_day, buckets * size) * US_PER_DAY + origin_us;
        let buckets = months.div_euclid(size);
        let buckets = if start(buckets) > local { buckets - 1 } else { buckets };
        let bucket = start(buckets);
        if bucket > local {
            return Err(spark_error(arithmetic_overflow("long", "")));
        }
        Ok(Some(zone.instant(bucket)))
    })
}
