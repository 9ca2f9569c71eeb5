//! When, in the words that people use: `now`, `tomorrow 9am Berlin`, `in 1h30m`,
//! `fri 17:30`, `mon 23 nov 9:00`, `end of month 9am`, `2026-11-23T09:00+01:00`.
//!
//! [`parse`] understands a text whole or refuses it and says which part it does
//! not understand. What it understood it spells out ([`Echo`]) in the zone that
//! was named, the operator's and UTC, and that spelling is understood again.
//! The present is passed in; nothing here reads a clock.
//!
//! Rules where the words leave a choice:
//! - without a zone, the operator's counts;
//! - a time alone is the next such time, today or tomorrow;
//! - a weekday is the next such day, today if the time is still ahead; `next
//!   monday` is the first Monday after today;
//! - a day and month without a year are the next such date;
//! - `tomorrow` alone is refused: a day needs a time;
//! - a local time that the clocks skip becomes the next one that exists, one
//!   that they pass twice the first of the two; [`Shift`] says so.

mod duration;
mod echo;
mod lengths;
mod resolve;
mod tokens;
mod words;
mod zones;

use std::ops::Range;

use crate::domain::zone::Zone;
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, Utc, Weekday};

pub use duration::{format_duration, parse_duration, unit_millis};
pub use echo::{Echo, relative, spell};
pub use zones::{find_zone, zone_name};

/// A point in time that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When {
    /// The instant; whole seconds, except for `now`.
    pub at: DateTime<Utc>,
    /// The zone that it was said in.
    pub zone: Zone,
    /// What the change of the clocks did to it.
    pub shift: Option<Shift>,
    /// What should be looked at twice.
    pub warnings: Vec<Warning>,
    /// It, spelled out.
    pub echo: Echo,
}

/// A local time that does not exist, or exists twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shift {
    /// The clocks skip it; the next time that exists was taken.
    Skipped {
        /// What was said.
        said: NaiveDateTime,
        /// What was taken.
        taken: NaiveDateTime,
    },
    /// The clocks pass it twice; the first was taken.
    Doubled {
        /// What was said.
        said: NaiveDateTime,
        /// The offset from UTC at the first, taken.
        first: FixedOffset,
        /// The offset at the second.
        second: FixedOffset,
    },
}

impl std::fmt::Display for Shift {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Shift::Skipped { said, taken } => write!(
                f,
                "the clocks go forward and skip {}; taken as {}, the next time that exists",
                said.format("%H:%M"),
                taken.format("%H:%M")
            ),
            Shift::Doubled { said, first, second } => write!(
                f,
                "the clocks go back and {time} comes twice; taken as the first ({time}{first}); for the second write {time}{second}",
                time = said.format("%H:%M"),
            ),
        }
    }
}

/// What should be looked at twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// An abbreviation such as CET: several zones may bear it, and people write
    /// it in summer too. A place was taken instead.
    Abbreviation {
        /// What was said.
        said: String,
        /// The zone that was taken.
        taken: Zone,
    },
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Warning::Abbreviation { said, taken } = self;
        write!(f, "{said} is taken as the time of {}; name the city to be certain", zone_name(*taken))
    }
}

/// Why a text was not understood. Spans are bytes of the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhenError {
    /// Nothing was said.
    #[error("say when: now, in 2h, tomorrow 9am, fri 17:30, 2026-11-23 09:00 Berlin")]
    Empty,
    /// A part makes no sense here.
    #[error("`{part}` is not understood{}", .hint.as_ref().map(|h| format!("; {h}")).unwrap_or_default())]
    NotUnderstood {
        /// The part.
        part: String,
        /// Where it stands.
        span: Range<usize>,
        /// What was probably meant.
        hint: Option<String>,
    },
    /// A day, time or zone is said twice.
    #[error("`{part}` is a second {what}; say one")]
    Twice {
        /// What is said twice.
        what: &'static str,
        /// The second.
        part: String,
        /// Where it stands.
        span: Range<usize>,
    },
    /// A part can mean two things.
    #[error("`{part}` can be read two ways; write {choices}")]
    Ambiguous {
        /// The part.
        part: String,
        /// Where it stands.
        span: Range<usize>,
        /// How to say each.
        choices: String,
    },
    /// A date or time that there is not.
    #[error("`{part}`: {why}")]
    Impossible {
        /// The part.
        part: String,
        /// Where it stands.
        span: Range<usize>,
        /// Why not.
        why: &'static str,
    },
    /// A day without a time.
    #[error("at what time? For example: {0} 9am")]
    NoTime(String),
    /// The weekday and the date do not belong together.
    #[error("{date} is a {is}, not a {said}")]
    WeekdayDiffers {
        /// The date, as it was understood.
        date: NaiveDate,
        /// The weekday that was said.
        said: Weekday,
        /// The weekday that it is.
        is: Weekday,
    },
    /// It lies behind.
    #[error("{when} is past, {ago} ago")]
    Past {
        /// It, spelled out.
        when: String,
        /// How long ago.
        ago: String,
    },
    /// Beyond the year 9999.
    #[error("that is too far ahead")]
    TooFar,
}

impl WhenError {
    /// The bytes of the text that are meant, if it is about a part.
    #[must_use]
    pub fn span(&self) -> Option<Range<usize>> {
        match self {
            WhenError::NotUnderstood { span, .. }
            | WhenError::Twice { span, .. }
            | WhenError::Ambiguous { span, .. }
            | WhenError::Impossible { span, .. } => Some(span.clone()),
            _ => None,
        }
    }
}

/// Understands `words`, said at `now` by somebody in `operator_zone`.
pub fn parse(words: &str, now: DateTime<Utc>, operator_zone: Zone) -> Result<When, WhenError> {
    let said = words::read(words)?;
    resolve::resolve(&said, words, now, operator_zone)
}

#[cfg(test)]
mod tests;
