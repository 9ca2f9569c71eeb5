//! Instants, in milliseconds, and the clock as something that is passed in.

use chrono::{DateTime, SecondsFormat, TimeZone, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
///
/// In JSON it is the dialect's text (`2026-11-22T17:03:10.000+00:00`), in a
/// record of the store the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

/// Texts with an offset, beside RFC 3339, that [`Timestamp::parse`] takes.
const OFFSET: [&str; 4] =
    ["%Y-%m-%d %H:%M:%S%.f%:z", "%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%d %H:%M:%S%.f%z", "%Y-%m-%dT%H:%M%:z"];
/// Texts without an offset that it takes.
const NAIVE: [&str; 4] = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];

impl Timestamp {
    /// Further away than anything that is scheduled: "until somebody says so".
    pub const NEVER: Self = Self(i64::MAX);

    /// From chrono's type; what is below a millisecond is cut off.
    pub fn from_utc(at: DateTime<Utc>) -> Self {
        Self(at.timestamp_millis())
    }

    /// As chrono's type. Instants outside chrono's range become its nearest end.
    pub fn to_utc(self) -> DateTime<Utc> {
        Utc.timestamp_millis_opt(self.0).single().unwrap_or(if self.0 < 0 {
            DateTime::<Utc>::MIN_UTC
        } else {
            DateTime::<Utc>::MAX_UTC
        })
    }

    /// This instant and a span later; never past [`Timestamp::NEVER`].
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This instant and a span earlier.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Parses what the dialect accepts and RFC 3339 allows; a text without a zone is UTC.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Some(Self::from_utc(at.with_timezone(&Utc)));
        }
        if let Ok(at) = DateTime::parse_from_rfc2822(text) {
            return Some(Self::from_utc(at.with_timezone(&Utc)));
        }
        for format in OFFSET {
            if let Ok(at) = DateTime::parse_from_str(text, format) {
                return Some(Self::from_utc(at.with_timezone(&Utc)));
            }
        }
        for format in NAIVE {
            if let Ok(at) = chrono::NaiveDateTime::parse_from_str(text, format) {
                return Some(Self::from_utc(at.and_utc()));
            }
        }
        let day = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        Some(Self::from_utc(day.and_hms_opt(0, 0, 0)?.and_utc()))
    }
}

/// The dialect's form: always milliseconds, always `+00:00`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_utc().to_rfc3339_opts(SecondsFormat::Millis, false))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            Self::parse(&text).ok_or_else(|| de::Error::custom("not a date and time"))
        } else {
            i64::deserialize(deserializer).map(Self)
        }
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// Where the time comes from. The wall clock in the program, a hand-driven one in tests.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock's time now. It may jump in either direction.
    fn now(&self) -> Timestamp;
}

/// The machine's wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_utc(Utc::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_dialects_form() {
        let at = Timestamp::parse("2026-09-01T08:00:00.000Z").unwrap();
        assert_eq!(at.to_string(), "2026-09-01T08:00:00.000+00:00");
        assert_eq!(Timestamp::parse("2026-09-01 10:00:00+02:00"), Some(at));
        assert_eq!(Timestamp::parse("2026-09-01 08:00"), Some(at));
        assert_eq!(Timestamp::parse("Tue, 01 Sep 2026 08:00:00 GMT"), Some(at));
        assert_eq!(Timestamp::parse("yesterday"), None);
    }

    proptest! {
        #[test]
        fn text_and_number_round_trip(ms in -62_167_219_200_000i64..253_402_300_799_999) {
            let at = Timestamp(ms);
            prop_assert_eq!(Timestamp::parse(&at.to_string()), Some(at));
            let json = serde_json::to_string(&at).unwrap();
            prop_assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), at);
            let bytes = postcard::to_stdvec(&at).unwrap();
            prop_assert_eq!(postcard::from_bytes::<Timestamp>(&bytes).unwrap(), at);
        }
    }
}
