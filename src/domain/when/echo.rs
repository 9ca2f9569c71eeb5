//! A point in time spelled out.

use crate::domain::zone::Zone;
use chrono::{
    DateTime, Datelike as _, LocalResult, Offset as _, TimeDelta, TimeZone as _, Timelike as _, Utc,
};

use super::zones::{find_zone, plain, zone_name};

/// What was understood, to be read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Echo {
    /// In the zone that was named: `Mon 23 Nov 09:00 Berlin`. Understood again by [`super::parse`].
    pub named: String,
    /// In the operator's zone: `17:00 Tokyo`, with the day where it is another.
    /// `None` when that is the zone that was named.
    pub operator: Option<String>,
    /// In UTC, likewise. `None` when one of the others is.
    pub utc: Option<String>,
    /// How far ahead: `in 18 h`.
    pub relative: String,
}

impl Echo {
    pub(super) fn new(at: DateTime<Utc>, now: DateTime<Utc>, zone: Zone, operator_zone: Zone) -> Self {
        let (zone, operator_zone) = (plain(zone), plain(operator_zone));
        let day = at.with_timezone(&zone).date_naive();
        let beside = |other: Zone| {
            if at.with_timezone(&other).date_naive() == day {
                format!("{} {}", clock(at, other), zone_name(other))
            } else {
                spell(at, other, now)
            }
        };
        Self {
            named: spell(at, zone, now),
            operator: (operator_zone != zone).then(|| beside(operator_zone)),
            utc: (zone != Zone::UTC && operator_zone != Zone::UTC).then(|| beside(Zone::UTC)),
            relative: ahead(at - now),
        }
    }
}

/// `Mon 23 Nov 09:00 Berlin · 17:00 Tokyo (you) · 08:00 UTC · in 18 h`
impl std::fmt::Display for Echo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.named)?;
        if let Some(operator) = &self.operator {
            write!(f, " · {operator} (you)")?;
        }
        if let Some(utc) = &self.utc {
            write!(f, " · {utc}")?;
        }
        write!(f, " · {}", self.relative)
    }
}

/// An instant in a zone: `Mon 23 Nov 09:00 Berlin`; with the year unless it is
/// that of `now` there. [`super::parse`] understands it as the same instant,
/// to the second, as long as it is not past.
#[must_use]
pub fn spell(at: DateTime<Utc>, zone: Zone, now: DateTime<Utc>) -> String {
    let zone = plain(zone);
    let local = at.with_timezone(&zone);
    let this_year = local.year() == now.with_timezone(&zone).year();
    let date = local.format(if this_year { "%a %-d %b" } else { "%a %-d %b %Y" });
    format!("{date} {} {}", clock(at, zone), zone_name(zone))
}

/// The time of day, without seconds when there are none; with the offset where
/// the time alone, or the zone's name, would be taken for another instant.
fn clock(at: DateTime<Utc>, zone: Zone) -> String {
    let local = at.with_timezone(&zone);
    let time = local.format(if local.second() == 0 { "%H:%M" } else { "%H:%M:%S" });
    let first = match zone.from_local_datetime(&local.naive_local()) {
        LocalResult::Single(_) => true,
        LocalResult::Ambiguous(first, _) => first == local,
        LocalResult::None => false,
    };
    if first && find_zone(&zone_name(zone)) == Some((zone, false)) {
        time.to_string()
    } else {
        format!("{time}{}", local.offset().fix())
    }
}

/// `in 18 h`, `in 1 h 30 min`, `in 40 s`, `now`.
fn ahead(length: TimeDelta) -> String {
    let minutes = (length + TimeDelta::seconds(30)).num_minutes();
    match (minutes / 60, minutes % 60) {
        _ if length < TimeDelta::seconds(1) => "now".to_owned(),
        (hours @ 1..10, minutes @ 1..) => format!("in {hours} h {minutes} min"),
        _ => format!("in {}", relative(length)),
    }
}

/// A length in one unit, rounded to the nearest: `40 s`, `12 min`, `18 h`, `3 days`.
#[must_use]
pub fn relative(length: TimeDelta) -> String {
    let seconds = length.num_seconds().unsigned_abs();
    let rounded = |unit: u64| (seconds + unit / 2) / unit;
    if seconds < 60 {
        format!("{seconds} s")
    } else if seconds < 59 * 60 + 30 {
        format!("{} min", rounded(60))
    } else if seconds < 47 * 3_600 + 1_800 {
        format!("{} h", rounded(3_600))
    } else {
        format!("{} days", rounded(86_400))
    }
}
