//! `2h`, `1 hour and 30 min`, `half an hour`: lengths of several words.

use chrono::TimeDelta;

use super::duration::{parse_duration, unit_millis};

/// A length from now: days of the calendar, and the rest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Length {
    pub days: i64,
    pub rest: TimeDelta,
}

/// The length that begins at word 0, and how many words it takes.
pub(super) fn length_words<'a>(word: impl Fn(usize) -> &'a str) -> (usize, Option<Length>) {
    if word(0) == "half" && word(1) == "an" && word(2) == "hour" {
        return (3, length_of("30m"));
    }
    if matches!(word(0), "a" | "an" | "one") && unit_millis(word(1)).is_some() {
        return (2, length_of(&format!("1{}", word(1))));
    }
    let mut count = 0;
    let mut found: Option<Length> = None;
    loop {
        let one = word(count);
        let two = format!("{one}{}", word(count + 1));
        let joined = usize::from(one == "and" && count > 0);
        let (taken, length) = if let Some(length) = length_of(one) {
            (1, length)
        } else if let Some(length) =
            length_of(&two).filter(|_| one.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
        {
            (2, length)
        } else if joined == 1 && found.is_some() {
            let one = word(count + 1);
            let two = format!("{one}{}", word(count + 2));
            match (length_of(one), length_of(&two)) {
                (Some(length), _) => (2, length),
                (None, Some(length)) => (3, length),
                (None, None) => return (count, found),
            }
        } else {
            return (count, found);
        };
        let so_far = found.unwrap_or(Length { days: 0, rest: TimeDelta::zero() });
        let Some(rest) = so_far.rest.checked_add(&length.rest) else { return (count, found) };
        found = Some(Length { days: so_far.days + length.days, rest });
        count += taken;
    }
}

/// A length in which days and weeks are days of the calendar.
pub(super) fn length_of(text: &str) -> Option<Length> {
    let whole = parse_duration(text)?;
    let calendar = text.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(['d', 'w']);
    let days = if calendar { whole.num_days() } else { 0 };
    Some(Length { days, rest: whole - TimeDelta::try_days(days)? })
}
