//! Writing a date and time by a pattern.

use firesteel_spec::{SparkError, SparkResult};

use super::{Item, Pattern};
use crate::datetime::calendar::{Civil, US_PER_SECOND, day_name, day_of_year, month_name, split_day};
use crate::datetime::zone::{Zone, offset_text};

/// A local date and time of day, and where.
struct Moment {
    days: i64,
    civil: Civil,
    us_of_day: i64,
    instant: i64,
    zone: Zone,
}

impl Pattern {
    /// The text of an instant as clocks in `zone` show it.
    pub(crate) fn format(&self, instant: i64, zone: Zone) -> SparkResult<String> {
        let (days, us_of_day) = split_day(zone.local(instant));
        let moment = Moment { days, civil: Civil::of(days), us_of_day, instant, zone };
        let mut out = String::new();
        write_all(&self.items, &moment, &mut out)?;
        Ok(out)
    }
}

fn write_all(items: &[Item], moment: &Moment, out: &mut String) -> SparkResult<()> {
    for item in items {
        match item {
            Item::Text(text) => out.push_str(text),
            Item::Optional(items) => write_all(items, moment, out)?,
            Item::Field(letter, count) => out.push_str(&field(*letter, *count, moment)?),
        }
    }
    Ok(())
}

fn field(letter: char, count: usize, moment: &Moment) -> SparkResult<String> {
    let civil = moment.civil;
    let seconds = moment.us_of_day / US_PER_SECOND;
    let hour = seconds / 3600;
    let number = |value: i64| format!("{value:0count$}");
    let quarter = (civil.month - 1) / 3 + 1;
    Ok(match letter {
        'y' => year(civil.year, count),
        'M' | 'L' => match count {
            1 | 2 => number(civil.month),
            3 => month_name(civil.month)[..3].to_owned(),
            _ => month_name(civil.month).to_owned(),
        },
        'd' => number(civil.day),
        'D' => number(day_of_year(moment.days)),
        'F' => number((civil.day - 1) % 7 + 1),
        'E' if count < 4 => day_name(moment.days)[..3].to_owned(),
        'E' => day_name(moment.days).to_owned(),
        'G' => match (civil.year > 0, count < 4) {
            (true, true) => "AD".to_owned(),
            (true, false) => "Anno Domini".to_owned(),
            (false, true) => "BC".to_owned(),
            (false, false) => "Before Christ".to_owned(),
        },
        'Q' | 'q' => match count {
            1 | 2 => number(quarter),
            3 => format!("Q{quarter}"),
            _ => ["1st quarter", "2nd quarter", "3rd quarter", "4th quarter"][(quarter - 1) as usize].to_owned(),
        },
        'a' => if hour < 12 { "AM" } else { "PM" }.to_owned(),
        'H' => number(hour),
        'k' => number(if hour == 0 { 24 } else { hour }),
        'K' => number(hour % 12),
        'h' => number(if hour % 12 == 0 { 12 } else { hour % 12 }),
        'm' => number(seconds / 60 % 60),
        's' => number(seconds % 60),
        'S' => format!("{:06}000", moment.us_of_day % US_PER_SECOND)[..count].to_owned(),
        _ => return zone(letter, count, moment),
    })
}

fn year(year: i64, count: usize) -> String {
    match count {
        2 => format!("{:02}", year.rem_euclid(100)),
        // More digits than the pattern has are marked by a sign.
        4.. if year >= 10_i64.pow(count as u32) => format!("+{year}"),
        _ if year < 0 => format!("-{:0count$}", -year),
        _ => format!("{year:0count$}"),
    }
}

fn zone(letter: char, count: usize, moment: &Moment) -> SparkResult<String> {
    let offset = moment.zone.offset_at(moment.instant);
    let (sign, all) = (if offset < 0 { '-' } else { '+' }, offset.abs());
    let short = || {
        let minutes = all / 60 % 60;
        let text = format!("{sign}{:02}", all / 3600);
        if minutes == 0 { text } else { format!("{text}{minutes:02}") }
    };
    Ok(match (letter, count) {
        ('V', _) => moment.zone.id(),
        ('z', 4) if moment.zone == Zone::Utc => "Coordinated Universal Time".to_owned(),
        ('z', 4) => return Err(SparkError::unsupported("the pattern zzzz, a time zone's full name,")),
        ('z', _) => moment.zone.abbreviation(moment.instant),
        ('O', _) | ('Z', 4) if offset == 0 => "GMT".to_owned(),
        ('O', 1) => {
            let minutes = all / 60 % 60;
            let tail = if minutes == 0 { String::new() } else { format!(":{minutes:02}") };
            format!("GMT{sign}{}{tail}", all / 3600)
        }
        ('O', _) | ('Z', 4) => format!("GMT{}", offset_text(offset, true)),
        ('X', _) | ('Z', 5) if offset == 0 => "Z".to_owned(),
        ('X' | 'x', 1) => short(),
        ('X' | 'x', 2 | 4) | ('Z', 1..=3) => offset_text(offset, false),
        _ => offset_text(offset, true),
    })
}
