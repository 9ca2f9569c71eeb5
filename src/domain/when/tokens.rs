//! Single words: hours, weekdays, months, dates, offsets.

use chrono::{FixedOffset, NaiveTime, Weekday};

pub(super) fn hour(hour: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, 0, 0).expect("an hour of the day")
}

pub(super) fn weekday(word: &str) -> Option<Weekday> {
    Some(match word.trim_end_matches('.') {
        "mon" | "monday" => Weekday::Mon,
        "tue" | "tues" | "tuesday" => Weekday::Tue,
        "wed" | "weds" | "wednesday" => Weekday::Wed,
        "thu" | "thur" | "thurs" | "thursday" => Weekday::Thu,
        "fri" | "friday" => Weekday::Fri,
        "sat" | "saturday" => Weekday::Sat,
        "sun" | "sunday" => Weekday::Sun,
        _ => return None,
    })
}

pub(super) fn month(word: &str) -> Option<u32> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let word = word.trim_end_matches('.');
    let index = MONTHS.iter().position(|month| {
        word == *month || word == &month[..3] || (word == "sept" && month.starts_with("sept"))
    })?;
    u32::try_from(index + 1).ok()
}

/// `23`, `23.`, `23rd`.
pub(super) fn day_number(word: &str) -> Option<u32> {
    let digits = ["st", "nd", "rd", "th", "."].iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word);
    let number: u32 = Some(digits).filter(|d| (1..=2).contains(&d.len()))?.parse().ok()?;
    (1..=31).contains(&number).then_some(number)
}

/// `2026-11-23` as numbers, whether or not there is such a day.
pub(super) fn iso_date(word: &str) -> Option<(i32, u32, u32)> {
    let bytes = word.as_bytes();
    let shape = bytes.len() == 10
        && bytes
            .iter()
            .enumerate()
            .all(|(at, b)| if at == 4 || at == 7 { *b == b'-' } else { b.is_ascii_digit() });
    if !shape {
        return None;
    }
    Some((word[..4].parse().ok()?, word[5..7].parse().ok()?, word[8..].parse().ok()?))
}

/// `23.11.`, `23.11.2026`, `23.11`: day, month, year, and whether a full stop follows the month.
pub(super) fn dotted_date(word: &str) -> Option<(u32, u32, Option<i32>, bool)> {
    if !word.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    let mut parts = word.split('.');
    let short = |part: &str| Some(part).filter(|p| (1..=2).contains(&p.len())).and_then(|p| p.parse().ok());
    let day = short(parts.next()?)?;
    let month = short(parts.next()?)?;
    let year = parts.next();
    if parts.next().is_some() {
        return None;
    }
    match year {
        None => Some((day, month, None, false)),
        Some("") => Some((day, month, None, true)),
        Some(year) if year.len() == 4 => Some((day, month, Some(year.parse().ok()?), true)),
        Some(_) => None,
    }
}

/// `+01:00`, `-0530`, `+2`, `z`.
pub(super) fn read_offset(text: &str) -> Option<FixedOffset> {
    if text == "z" {
        return FixedOffset::east_opt(0);
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let rest = &text[1..];
    let (hours, minutes) = match rest.split_once(':') {
        Some(parts) => parts,
        None if rest.len() == 4 && rest.is_ascii() => rest.split_at(2),
        None => (rest, "0"),
    };
    let short = |part: &str| {
        Some(part)
            .filter(|p| (1..=2).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|p| p.parse::<i32>().ok())
    };
    let (hours, minutes) = (short(hours)?, short(minutes)?);
    if hours > 14 || minutes > 59 {
        return None;
    }
    FixedOffset::east_opt(sign * (hours * 3600 + minutes * 60))
}
