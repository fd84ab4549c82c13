//! The proleptic Gregorian calendar over plain numbers: days since 1970-01-01, microseconds of a local clock. Own
//! arithmetic since Spark's dates go millions of years beyond those of a library.

pub const US_PER_SECOND: i64 = 1_000_000;
pub const US_PER_MINUTE: i64 = 60 * US_PER_SECOND;
pub const US_PER_HOUR: i64 = 60 * US_PER_MINUTE;
pub const US_PER_DAY: i64 = 24 * US_PER_HOUR;
pub const NANOS_PER_SECOND: i64 = 1_000_000_000;
pub const NANOS_PER_DAY: i64 = 86_400 * NANOS_PER_SECOND;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Civil {
    pub year: i64,
    /// From 1.
    pub month: i64,
    /// From 1.
    pub day: i64,
}

impl Civil {
    /// Howard Hinnant's `civil_from_days`.
    pub fn of(days: i64) -> Self {
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self { year, month, day }
    }

    /// Days since the epoch; the day must exist.
    pub fn days(self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let shifted_month = if self.month > 2 { self.month - 3 } else { self.month + 9 };
        let of_year = (153 * shifted_month + 2) / 5 + self.day - 1;
        let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
        era * 146_097 + of_era - 719_468
    }
}

pub fn is_leap(year: i64) -> bool {
    year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
}

pub fn month_length(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The days since the epoch, or what Java says about a day that does not exist.
pub fn checked_days(year: i64, month: i64, day: i64) -> Result<i32, String> {
    if !(1..=12).contains(&month) {
        return Err(format!("Invalid value for MonthOfYear (valid values 1 - 12): {month}"));
    }
    if !(1..=31).contains(&day) {
        return Err(format!("Invalid value for DayOfMonth (valid values 1 - 28/31): {day}"));
    }
    if day > month_length(year, month) {
        if day == 29 {
            return Err(format!("Invalid date 'February 29' as '{year}' is not a leap year"));
        }
        return Err(format!("Invalid date '{} {day}'", month_name(month).to_uppercase()));
    }
    if !(-999_999_999..=999_999_999).contains(&year) {
        return Err(format!("Invalid value for Year (valid values -999999999 - 999999999): {year}"));
    }
    i32::try_from(Civil { year, month, day }.days()).map_err(|_| "integer overflow".to_owned())
}

/// The same day `months` later, or the last day of that month if it has no such day.
pub fn add_months(days: i64, months: i64) -> i64 {
    let civil = Civil::of(days);
    let all = civil.year * 12 + civil.month - 1 + months;
    let (year, month) = (all.div_euclid(12), all.rem_euclid(12) + 1);
    Civil { year, month, day: civil.day.min(month_length(year, month)) }.days()
}

/// 0 is Monday.
pub fn weekday(days: i64) -> i64 {
    (days + 3).rem_euclid(7)
}

/// From 1.
pub fn day_of_year(days: i64) -> i64 {
    days - Civil { month: 1, day: 1, ..Civil::of(days) }.days() + 1
}

/// The ISO week, with the year that it belongs to.
pub fn iso_week(days: i64) -> (i64, i64) {
    let thursday = days - weekday(days) + 3;
    (Civil::of(thursday).year, (day_of_year(thursday) - 1) / 7 + 1)
}

pub fn month_name(month: i64) -> &'static str {
    MONTHS[(month - 1).clamp(0, 11) as usize]
}

pub fn day_name(days: i64) -> &'static str {
    DAYS[weekday(days) as usize]
}

/// A local clock's reading as days and microseconds of the day.
pub fn split_day(local_us: i64) -> (i64, i64) {
    (local_us.div_euclid(US_PER_DAY), local_us.rem_euclid(US_PER_DAY))
}

/// `2024-05-05`, `+12024-05-05`, `-0044-05-05`.
pub fn date_text(days: i64) -> String {
    let Civil { year, month, day } = Civil::of(days);
    format!("{}-{month:02}-{day:02}", year_text(year))
}

fn year_text(year: i64) -> String {
    match year {
        0..=9999 => format!("{year:04}"),
        10_000.. => format!("+{year}"),
        _ => format!("-{:04}", -year),
    }
}

/// `2024-05-05 01:02:03.5`
pub fn timestamp_text(local_us: i64) -> String {
    let (days, us) = split_day(local_us);
    format!("{} {}", date_text(days), time_text(us * 1000))
}

/// `01:02:03.5`: the fraction without its last zeros.
pub fn time_text(nanos: i64) -> String {
    let seconds = nanos / NANOS_PER_SECOND;
    let text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = nanos % NANOS_PER_SECOND;
    if fraction == 0 {
        return text;
    }
    format!("{text}.{fraction:09}").trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_civil_dates_are_inverse() {
        for days in (-1_000_000..1_000_000).step_by(997).chain([i64::from(i32::MIN), i64::from(i32::MAX)]) {
            assert_eq!(Civil::of(days).days(), days);
        }
        assert_eq!(date_text(19_848), "2024-05-05");
        assert_eq!(iso_week(Civil { year: 2021, month: 1, day: 3 }.days()), (2020, 53));
        assert_eq!(date_text(add_months(Civil { year: 2024, month: 1, day: 31 }.days(), 1)), "2024-02-29");
    }
}
