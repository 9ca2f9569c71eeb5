//! `Retry-After`: how long a service asks us to wait (RFC 9110, 10.2.3).

use chrono::{DateTime, NaiveDateTime, Utc};
use std::time::Duration;

/// The longest wait that is believed; more is a mistake on the other side.
const LONGEST: Duration = Duration::from_hours(24);

/// Reads the value of a `Retry-After` header: seconds, or one of HTTP's three
/// forms of a date. A date in the past is no wait. Waits over a day are cut.
pub fn retry_after(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        return Some(value.parse().map_or(LONGEST, Duration::from_secs).min(LONGEST));
    }
    let at = http_date(value)?;
    Some((at - now).to_std().unwrap_or(Duration::ZERO).min(LONGEST))
}

/// An HTTP date: `Sun, 06 Nov 1994 08:49:37 GMT`, or one of the obsolete forms.
fn http_date(value: &str) -> Option<DateTime<Utc>> {
    const FORMS: [&str; 3] =
        ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    FORMS.iter().find_map(|form| NaiveDateTime::parse_from_str(value, form).ok()).map(|at| at.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    #[test]
    fn seconds_and_dates() {
        let now = Utc.with_ymd_and_hms(1994, 11, 6, 8, 49, 7).unwrap();
        let secs = |n| Some(Duration::from_secs(n));
        assert_eq!(retry_after("120", now), secs(120));
        assert_eq!(retry_after(" 0 ", now), secs(0));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), secs(30));
        assert_eq!(retry_after("Sunday, 06-Nov-94 08:49:37 GMT", now), secs(30));
        assert_eq!(retry_after("Sun Nov  6 08:49:37 1994", now), secs(30));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:00 GMT", now), secs(0));
        assert_eq!(retry_after("99999999999999999999999", now), Some(LONGEST));
        assert_eq!(retry_after("Sun, 06 Nov 2094 08:49:37 GMT", now), None, "the weekday is wrong");
        for bad in ["", "-1", "soon", "1.5", "0x10"] {
            assert_eq!(retry_after(bad, now), None, "{bad}");
        }
    }
}
