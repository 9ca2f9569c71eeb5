//! Lengths of time as people type them: `90s`, `1h30m`, `2d`, `250ms`.

use std::fmt::Write as _;

use chrono::TimeDelta;

/// The units understood, longest names first for each; all in milliseconds.
/// Months and years are left out on purpose: they have no fixed length.
const UNITS: &[(&[&str], i64)] = &[
    (&["ms", "millis", "millisecond", "milliseconds"], 1),
    (&["s", "sec", "secs", "second", "seconds"], 1_000),
    (&["m", "min", "mins", "minute", "minutes"], 60_000),
    (&["h", "hr", "hrs", "hour", "hours"], 3_600_000),
    (&["d", "day", "days"], 86_400_000),
    (&["w", "wk", "wks", "week", "weeks"], 604_800_000),
];

/// Milliseconds of one `unit` (`h`, `hours`, `min` …), if it is one.
#[must_use]
pub fn unit_millis(unit: &str) -> Option<i64> {
    UNITS
        .iter()
        .find(|(names, _)| names.iter().any(|name| name.eq_ignore_ascii_case(unit)))
        .map(|(_, millis)| *millis)
}

/// Reads numbers with units and nothing else: `1h`, `1h30m`, `1.5h`, `2 days`.
///
/// Returns `None` for an empty text, a number without a unit, an unknown unit
/// or a length beyond what a date can hold (about 1,000 years).
#[must_use]
pub fn parse_duration(text: &str) -> Option<TimeDelta> {
    const LIMIT_MILLIS: i64 = 1_000 * 366 * 86_400_000;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|&at| at > 0)?;
        let (number, after) = rest.split_at(number_end);
        let after = after.trim_start();
        let unit_end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_end);
        let millis = unit_millis(unit)?;
        total = total.checked_add(scaled(number, millis)?)?;
        if total > LIMIT_MILLIS {
            return None;
        }
        rest = next.trim_start();
    }
    TimeDelta::try_milliseconds(total)
}

/// `number` (decimal, at most three places count) times `millis`.
fn scaled(number: &str, millis: i64) -> Option<i64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || fraction.contains('.') || (number.ends_with('.')) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let mut thousandths = 0i64;
    for place in 0..3 {
        let digit = fraction.as_bytes().get(place).map_or(0, |b| b - b'0');
        thousandths = thousandths * 10 + i64::from(digit);
    }
    whole.checked_mul(millis)?.checked_add(thousandths.checked_mul(millis)? / 1_000)
}

/// Writes a length the way [`parse_duration`] reads it, largest units first:
/// `1h30m`, `2d`, `0s`. Negative lengths are written as their absolute value.
#[must_use]
pub fn format_duration(length: TimeDelta) -> String {
    let mut left = length.num_milliseconds().unsigned_abs();
    if left == 0 {
        return "0s".to_owned();
    }
    let mut out = String::new();
    for (unit, millis) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
        let count = left / millis;
        left %= millis;
        if count > 0 {
            // Writing to a String cannot fail.
            let _ = write!(out, "{count}{unit}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_people_type() {
        for (text, seconds) in [
            ("1h", 3_600),
            ("30m", 1_800),
            ("2d", 172_800),
            ("1h30m", 5_400),
            ("1h 30 min", 5_400),
            ("1.5h", 5_400),
            ("2 weeks", 1_209_600),
            ("90S", 90),
        ] {
            assert_eq!(parse_duration(text), Some(TimeDelta::seconds(seconds)), "{text}");
        }
        assert_eq!(parse_duration("250ms"), Some(TimeDelta::milliseconds(250)));
        for text in ["", "1", "h", "1x", "1h30", "1..5h", "-1h", "99999999999999999999h", "1.h"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(millis in 0i64..10_000_000_000_000) {
            let length = TimeDelta::milliseconds(millis);
            prop_assert_eq!(parse_duration(&format_duration(length)), Some(length));
        }

        #[test]
        fn nothing_panics(text in "[0-9.hmsdw ]{0,30}|\\PC{0,20}") {
            let _ = parse_duration(&text);
        }
    }
}
