//! Dates, times and intervals.

mod arithmetic;
pub(crate) mod calendar;
mod date;
mod field;
pub(crate) mod interval;
mod make;
mod operation;
pub(crate) mod pattern;
pub(crate) mod reading;
mod text;
mod time;
mod timestamp;
pub(crate) mod window;
pub(crate) mod zone;

pub(crate) use arithmetic::{arithmetic, signed_interval};

use std::sync::Arc;

use crate::registry::{Family, Function, Implementations};

pub(crate) static FAMILY: Family = Family {
    functions: &[
        Function::scalar("current_date", timestamp::current_date),
        Function::scalar("curdate", timestamp::current_date),
        Function::scalar("current_timestamp", timestamp::current_timestamp),
        Function::scalar("now", timestamp::current_timestamp),
        Function::scalar("localtimestamp", timestamp::local_timestamp),
        Function::scalar("current_time", time::current_time),
        Function::scalar("current_timezone", timestamp::current_timezone),
        Function::scalar("year", field::year),
        Function::scalar("quarter", field::quarter),
        Function::scalar("month", field::month),
        Function::scalar("weekofyear", field::week_of_year),
        Function::scalar("dayofweek", field::day_of_week),
        Function::scalar("dayofmonth", field::day_of_month),
        Function::scalar("day", field::day_of_month),
        Function::scalar("dayofyear", field::day_of_year_of),
        Function::scalar("weekday", field::weekday_of),
        Function::scalar("hour", field::hour),
        Function::scalar("minute", field::minute),
        Function::scalar("second", field::second),
        Function::scalar("dayname", field::day_name_of),
        Function::scalar("monthname", field::month_name_of),
        Function::scalar("extract", field::extract),
        Function::scalar("date_part", field::date_part),
        Function::scalar("datepart", field::extract),
        Function::scalar("date_add", date::date_add),
        Function::scalar("dateadd", date::date_add),
        Function::scalar("date_sub", date::date_sub),
        Function::scalar("datediff", date::date_diff),
        Function::scalar("date_diff", date::date_diff),
        Function::scalar("add_months", date::add_months_to),
        Function::scalar("months_between", date::months_between),
        Function::scalar("last_day", date::last_day),
        Function::scalar("next_day", date::next_day),
        Function::scalar("trunc", date::trunc),
        Function::scalar("unix_date", date::unix_date),
        Function::scalar("date_from_unix_date", date::date_from_unix_date),
        Function::scalar("date_trunc", timestamp::date_trunc),
        Function::scalar("timestampadd", timestamp::timestamp_add),
        Function::scalar("timestamp_add", timestamp::timestamp_add),
        Function::scalar("timestampdiff", timestamp::timestamp_diff),
        Function::scalar("timestamp_diff", timestamp::timestamp_diff),
        Function::scalar("unix_seconds", timestamp::unix_seconds),
        Function::scalar("unix_millis", timestamp::unix_millis),
        Function::scalar("unix_micros", timestamp::unix_micros),
        Function::scalar("timestamp_seconds", timestamp::timestamp_seconds),
        Function::scalar("timestamp_millis", timestamp::timestamp_millis),
        Function::scalar("timestamp_micros", timestamp::timestamp_micros),
        Function::scalar("from_utc_timestamp", timestamp::from_utc_timestamp),
        Function::scalar("to_utc_timestamp", timestamp::to_utc_timestamp),
        Function::scalar("convert_timezone", timestamp::convert_timezone),
        Function::scalar("date_format", text::date_format),
        Function::scalar("from_unixtime", text::from_unixtime),
        Function::scalar("to_date", text::to_date),
        Function::scalar("try_to_date", text::to_date),
        Function::scalar("to_timestamp", text::to_timestamp),
        Function::scalar("to_timestamp_ltz", text::to_timestamp),
        Function::scalar("to_timestamp_ntz", text::to_timestamp_ntz),
        Function::scalar("try_to_timestamp", text::to_timestamp),
        Function::scalar("to_unix_timestamp", text::to_unix_timestamp),
        Function::scalar("unix_timestamp", text::to_unix_timestamp),
        Function::scalar("to_time", text::to_time),
        Function::scalar("try_to_time", text::to_time),
        Function::scalar("make_date", make::make_date),
        Function::scalar("make_timestamp", make::make_timestamp),
        Function::scalar("make_timestamp_ltz", make::make_timestamp),
        Function::scalar("make_timestamp_ntz", make::make_timestamp_ntz),
        Function::scalar("try_make_timestamp", make::make_timestamp),
        Function::scalar("try_make_timestamp_ltz", make::make_timestamp),
        Function::scalar("try_make_timestamp_ntz", make::make_timestamp_ntz),
        Function::scalar("make_time", make::make_time),
        Function::scalar("make_interval", make::make_interval),
        Function::scalar("try_make_interval", make::make_interval),
        Function::scalar("make_dt_interval", make::make_dt_interval),
        Function::scalar("make_ym_interval", make::make_ym_interval),
        Function::scalar("time_diff", time::time_diff),
        Function::scalar("time_trunc", time::time_trunc),
        Function::scalar("time_from_seconds", time::time_from_seconds),
        Function::scalar("time_from_millis", time::time_from_millis),
        Function::scalar("time_from_micros", time::time_from_micros),
        Function::scalar("time_to_seconds", time::time_to_seconds),
        Function::scalar("time_to_millis", time::time_to_millis),
        Function::scalar("time_to_micros", time::time_to_micros),
        Function::scalar("window", window::window),
        Function::scalar("session_window", window::session_window),
        Function::scalar("window_time", window::window_time),
        Function::scalar("time_bucket", window::time_bucket),
    ],
    implementations: || Implementations {
        scalar: vec![Arc::clone(&operation::DATETIME)],
        ..Implementations::default()
    },
};
