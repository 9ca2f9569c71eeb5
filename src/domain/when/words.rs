//! Words to what was said: a day, a time, a zone, a length; not yet an instant.

use std::ops::Range;

use crate::domain::zone::Zone;
use chrono::{FixedOffset, NaiveDate, NaiveTime, Weekday};

use super::WhenError;
use super::lengths::{Length, length_of, length_words};
use super::tokens::{day_number, dotted_date, hour, iso_date, month, read_offset, weekday};
use super::zones::{find_zone, names};
use crate::domain::filter::closest;

/// What was said.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub now: bool,
    pub day: Option<Day>,
    pub weekday: Option<Weekday>,
    pub time: Option<NaiveTime>,
    pub offset: Option<FixedOffset>,
    pub zone: Option<SaidZone>,
    pub length: Option<Length>,
    /// `tonight`: a bare hour is one of the evening.
    tonight: bool,
    /// Where the day stands, for errors about it.
    pub day_span: Range<usize>,
}

/// A zone, and the abbreviation it was said by, if it was one.
#[derive(Debug)]
pub(super) struct SaidZone {
    pub zone: Zone,
    pub abbreviation: Option<String>,
}

/// A day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Day {
    /// Counted from today.
    InDays(i64),
    /// The first such weekday after today.
    NextWeekday(Weekday),
    /// A date; without a year the next such.
    Date { year: Option<i32>, month: u32, day: u32 },
    /// The last day of the month that is this many ahead.
    EndOfMonth(u32),
    /// The first day of the next month.
    NextMonth,
    /// The last day of the year.
    EndOfYear,
}

struct Word {
    text: String,
    span: Range<usize>,
}

/// Reads all of `source`, or says which part of it is not understood.
pub(super) fn read(source: &str) -> Result<Said, WhenError> {
    let words = split(source);
    if words.is_empty() {
        return Err(WhenError::Empty);
    }
    let mut reader = Reader { source, words, at: 0, hour_expected: false, said: Said::default() };
    while reader.at < reader.words.len() {
        reader.part()?;
    }
    Ok(reader.said)
}

/// Words in lower case, by spaces and commas; `2026-11-23T09:00` is two.
fn split(source: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut start = None;
    let ends = source.char_indices().chain(std::iter::once((source.len(), ' ')));
    for (at, c) in ends {
        if c.is_whitespace() || c == ',' {
            if let Some(from) = start.take() {
                let text = &source[from..at];
                let date = text.get(..10).filter(|date| iso_date(date).is_some());
                match date {
                    Some(date) if text[10..].starts_with(['T', 't']) && text.len() > 11 => {
                        words.push(Word { text: date.to_owned(), span: from..from + 10 });
                        words.push(Word { text: text[11..].to_lowercase(), span: from + 11..at });
                    }
                    _ => words.push(Word { text: text.to_lowercase(), span: from..at }),
                }
            }
        } else if start.is_none() {
            start = Some(at);
        }
    }
    words
}

struct Reader<'a> {
    source: &'a str,
    words: Vec<Word>,
    at: usize,
    /// After `at`, or once a day is said, a bare number is an hour.
    hour_expected: bool,
    said: Said,
}

impl Reader<'_> {
    fn word(&self, ahead: usize) -> &str {
        self.words.get(self.at + ahead).map_or("", |word| word.text.as_str())
    }

    /// The bytes of `count` words from here.
    fn span(&self, count: usize) -> Range<usize> {
        let last = (self.at + count.max(1)).min(self.words.len()) - 1;
        self.words[self.at].span.start..self.words[last].span.end
    }

    fn text(&self, span: &Range<usize>) -> String {
        self.source[span.clone()].to_owned()
    }

    fn impossible(&self, count: usize, why: &'static str) -> WhenError {
        let span = self.span(count);
        WhenError::Impossible { part: self.text(&span), span, why }
    }

    fn twice(&self, count: usize, what: &'static str) -> WhenError {
        let span = self.span(count);
        WhenError::Twice { what, part: self.text(&span), span }
    }

    fn ambiguous(&self, choices: String) -> WhenError {
        let span = self.span(1);
        WhenError::Ambiguous { part: self.text(&span), span, choices }
    }

    fn set_day(&mut self, count: usize, day: Day) -> Result<(), WhenError> {
        let known_weekday_only = self.said.day.is_none();
        if !known_weekday_only || (self.said.weekday.is_some() && !matches!(day, Day::Date { .. })) {
            return Err(self.twice(count, "day"));
        }
        self.said.day = Some(day);
        self.said.day_span = self.span(count);
        self.hour_expected = true;
        self.at += count;
        Ok(())
    }

    fn set_time(&mut self, count: usize, time: NaiveTime) -> Result<(), WhenError> {
        if self.said.time.replace(time).is_some() {
            return Err(self.twice(count, "time"));
        }
        self.hour_expected = false;
        self.at += count;
        Ok(())
    }

    fn set_length(&mut self, count: usize, length: Length) -> Result<(), WhenError> {
        if self.said.length.replace(length).is_some() {
            return Err(self.twice(count, "length"));
        }
        self.said.day_span = self.span(count);
        self.hour_expected = true;
        self.at += count;
        Ok(())
    }

    fn set_offset(&mut self, offset: FixedOffset) -> Result<(), WhenError> {
        if self.said.offset.replace(offset).is_some() {
            return Err(self.twice(1, "offset"));
        }
        Ok(())
    }

    /// Reads one part of the text, one word or several.
    fn part(&mut self) -> Result<(), WhenError> {
        match self.word(0) {
            "at" | "@" | "um" => {
                self.hour_expected = true;
                self.at += 1;
                return if self.at == self.words.len() {
                    Err(self.not_understood(self.at - 1))
                } else {
                    Ok(())
                };
            }
            "on" | "the" => {
                self.at += 1;
                return Ok(());
            }
            "now" => {
                self.said.now = true;
                self.at += 1;
                return Ok(());
            }
            "today" => return self.set_day(1, Day::InDays(0)),
            "tonight" => {
                self.said.tonight = true;
                return self.set_day(1, Day::InDays(0));
            }
            "tomorrow" => return self.set_day(1, Day::InDays(1)),
            "yesterday" => return self.set_day(1, Day::InDays(-1)),
            "last" if !self.word(1).is_empty() => return Err(self.impossible(2, "that is past")),
            "day" if self.word(1) == "after" && self.word(2) == "tomorrow" => {
                return self.set_day(3, Day::InDays(2));
            }
            "noon" | "midday" => return self.set_time(1, hour(12)),
            "midnight" => return self.set_time(1, hour(0)),
            "in" => return self.length_or_place(),
            "next" => return self.next(),
            "this" if weekday(self.word(1)).is_some() => {
                self.at += 1;
                return Ok(());
            }
            "end" => return self.end_of(),
            _ => {}
        }
        if let Some(day) = weekday(self.word(0)) {
            if self.said.weekday.is_some() || self.said.day.is_some_and(|d| !matches!(d, Day::Date { .. })) {
                return Err(self.twice(1, "day"));
            }
            if self.said.day.is_none() {
                self.said.day_span = self.span(1);
            }
            self.said.weekday = Some(day);
            self.hour_expected = true;
            self.at += 1;
            return Ok(());
        }
        if self.date()? || self.length_from_now()? || self.time()? || self.offset()? || self.zone()? {
            return Ok(());
        }
        let word = self.word(0);
        if word.len() <= 2 && word.parse::<u32>().is_ok_and(|number| number < 24) {
            let choices = format!("{word}:00 for the time, in {word} min for how long from now");
            return Err(self.ambiguous(choices));
        }
        Err(self.not_understood(self.at))
    }

    fn not_understood(&self, index: usize) -> WhenError {
        let word = &self.words[index];
        let letters = word.text.chars().filter(|c| c.is_alphabetic()).count();
        let known = [
            "now",
            "today",
            "tonight",
            "tomorrow",
            "noon",
            "midnight",
            "monday",
            "tuesday",
            "wednesday",
            "thursday",
            "friday",
            "saturday",
            "sunday",
            "january",
            "february",
            "march",
            "april",
            "june",
            "july",
            "august",
            "september",
            "october",
            "november",
            "december",
        ];
        let hint = (letters >= 4)
            .then(|| closest(&word.text, known.into_iter().chain(names())))
            .flatten()
            .map(|meant| format!("did you mean {}?", meant.replace('_', " ")));
        WhenError::NotUnderstood { part: self.text(&word.span), span: word.span.clone(), hint }
    }

    /// `in 2h`, `in 1 hour 30 min`, `in an hour`; else `in Berlin`.
    fn length_or_place(&mut self) -> Result<(), WhenError> {
        self.at += 1;
        if self.at == self.words.len() {
            return Err(self.not_understood(self.at - 1));
        }
        let (count, length) = length_words(|ahead| self.word(ahead));
        match length {
            Some(length) => self.set_length(count, length),
            None if self.zone()? => Ok(()),
            None => Err(self.not_understood(self.at)),
        }
    }

    /// `2h from now`, `+2h`.
    fn length_from_now(&mut self) -> Result<bool, WhenError> {
        if let Some(rest) = self.word(0).strip_prefix('+')
            && let Some(length) = length_of(rest)
        {
            self.set_length(1, length)?;
            return Ok(true);
        }
        let (count, length) = length_words(|ahead| self.word(ahead));
        let Some(length) = length else { return Ok(false) };
        match (self.word(count), self.word(count + 1)) {
            ("from", "now") => self.set_length(count + 2, length)?,
            ("ago", _) => return Err(self.impossible(count + 1, "that is past")),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn next(&mut self) -> Result<(), WhenError> {
        if let Some(day) = weekday(self.word(1)) {
            return self.set_day(2, Day::NextWeekday(day));
        }
        match self.word(1) {
            "week" => self.set_day(2, Day::NextWeekday(Weekday::Mon)),
            "month" => self.set_day(2, Day::NextMonth),
            "year" => self.set_day(2, Day::Date { year: None, month: 1, day: 1 }),
            "" => Err(self.not_understood(self.at)),
            _ => Err(self.not_understood(self.at + 1)),
        }
    }

    /// `end of month`, `end of the month`, `end of next month`, `end of year`.
    fn end_of(&mut self) -> Result<(), WhenError> {
        if self.word(1) != "of" {
            return Err(self.not_understood(self.at));
        }
        let (extra, ahead) = match self.word(2) {
            "the" | "this" => (1, 0),
            "next" => (1, 1),
            _ => (0, 0),
        };
        match self.word(2 + extra) {
            "month" => self.set_day(3 + extra, Day::EndOfMonth(ahead)),
            "year" if ahead == 0 => self.set_day(3 + extra, Day::EndOfYear),
            _ => Err(self.not_understood((self.at + 2 + extra).min(self.words.len() - 1))),
        }
    }

    fn date(&mut self) -> Result<bool, WhenError> {
        const NO_SUCH: &str = "there is no such day";
        let word = self.word(0).to_owned();
        if let Some((year, month, day)) = iso_date(&word) {
            if NaiveDate::from_ymd_opt(year, month, day).is_none() {
                return Err(self.impossible(1, NO_SUCH));
            }
            self.set_day(1, Day::Date { year: Some(year), month, day })?;
            return Ok(true);
        }
        if word.contains('/') && word.bytes().all(|b| b.is_ascii_digit() || b == b'/') {
            return Err(self.ambiguous("the month as a word: 23 nov".to_owned()));
        }
        if let Some((day, month, year, dotted)) = dotted_date(&word) {
            if year.is_none() && !dotted {
                return Err(
                    self.ambiguous(format!("{day}.{month}. for the day, {day:02}:{month:02} for the time"))
                );
            }
            return self.put_date(1, year, month, day);
        }
        // 23 nov 2026, nov 23 2026, 23rd of november
        let (day, month, mut count) = if let Some(month) = month(&word) {
            match day_number(self.word(1)) {
                Some(day) => (day, month, 2),
                None => return Ok(false),
            }
        } else if let Some(day) = day_number(&word) {
            let of = usize::from(self.word(1) == "of");
            match month(self.word(1 + of)) {
                Some(month) => (day, month, 2 + of),
                None => return Ok(false),
            }
        } else {
            return Ok(false);
        };
        let year: Option<i32> = Some(self.word(count)).filter(|w| w.len() == 4).and_then(|w| w.parse().ok());
        count += usize::from(year.is_some());
        self.put_date(count, year, month, day)
    }

    fn put_date(&mut self, count: usize, year: Option<i32>, month: u32, day: u32) -> Result<bool, WhenError> {
        // Without a year a leap year decides what there is.
        if NaiveDate::from_ymd_opt(year.unwrap_or(2000), month, day).is_none() {
            return Err(self.impossible(count, "there is no such day"));
        }
        self.set_day(count, Day::Date { year, month, day })?;
        Ok(true)
    }

    fn time(&mut self) -> Result<bool, WhenError> {
        let word = self.word(0).to_owned();
        if !word.starts_with(|c: char| c.is_ascii_digit()) {
            return Ok(false);
        }
        // An offset may stick to it: 09:00+01:00, 09:00z.
        let (clock, offset) = match word.find(['+', '-', 'z']) {
            Some(at) if word[..at].contains(':') => (&word[..at], Some(&word[at..])),
            _ => (word.as_str(), None),
        };
        let half = |text: &str| match text {
            "am" | "a.m." => Some(false),
            "pm" | "p.m." => Some(true),
            _ => None,
        };
        let digits = clock.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(clock.len());
        let (numbers, letters) = clock.split_at(digits);
        let (numbers, afternoon, mut count) = if letters.is_empty() {
            let next = half(self.word(1)).filter(|_| offset.is_none());
            (numbers.to_owned(), next, 1 + usize::from(next.is_some()))
        } else if let Some(afternoon) = half(letters) {
            (numbers.to_owned(), Some(afternoon), 1)
        } else if let Some(minutes) =
            letters.strip_prefix('h').filter(|m| m.bytes().all(|b| b.is_ascii_digit()))
        {
            // 17h, 17h30
            if minutes.is_empty() && !self.hour_expected {
                return Err(
                    self.ambiguous(format!("in {clock} for how long from now, {numbers}:00 for the time"))
                );
            }
            (format!("{numbers}:{}", if minutes.is_empty() { "00" } else { minutes }), None, 1)
        } else {
            return Ok(false);
        };
        let bare = !numbers.contains(':') && afternoon.is_none();
        if bare && matches!(self.word(1), "o'clock" | "oclock" | "uhr") {
            count = 2;
        } else if bare && !self.hour_expected {
            return Ok(false);
        }
        let parts: Vec<&str> = numbers.split(':').collect();
        let number = |index: usize| match parts.get(index) {
            None => Some(0),
            // Seconds may have a fraction, which is cut off.
            Some(part) => {
                let whole = if index == 2 { part.split('.').next().unwrap_or(part) } else { part };
                (!whole.is_empty() && whole.len() <= 2).then(|| whole.parse::<u32>().ok()).flatten()
            }
        };
        let (Some(hours), Some(minutes), Some(seconds)) = (number(0), number(1), number(2)) else {
            return Ok(false);
        };
        if parts.len() > 3 || (parts.len() > 1 && parts[1].len() != 2) {
            return Ok(false);
        }
        let hours = match afternoon {
            Some(_) if !(1..=12).contains(&hours) => {
                return Err(self.impossible(count, "with am and pm there are the hours 1 to 12"));
            }
            Some(pm) => hours % 12 + if pm { 12 } else { 0 },
            None if self.said.tonight && (5..12).contains(&hours) => hours + 12,
            None => hours,
        };
        let Some(time) = NaiveTime::from_hms_opt(hours, minutes, seconds) else {
            return Err(self.impossible(count, "there is no such time of day"));
        };
        if let Some(offset) = offset {
            let Some(offset) = read_offset(offset) else { return Ok(false) };
            self.set_offset(offset)?;
        }
        self.set_time(count, time)?;
        Ok(true)
    }

    /// `+01:00`, `UTC+2`, `GMT-5:30`.
    fn offset(&mut self) -> Result<bool, WhenError> {
        let word = self.word(0);
        let rest = word.strip_prefix("utc").or_else(|| word.strip_prefix("gmt")).unwrap_or(word);
        let Some(offset) = Some(rest).filter(|r| r.starts_with(['+', '-'])).and_then(read_offset) else {
            return Ok(false);
        };
        self.set_offset(offset)?;
        self.at += 1;
        Ok(true)
    }

    /// A zone of up to four words; `time` after it says nothing more.
    fn zone(&mut self) -> Result<bool, WhenError> {
        for count in (1..=4.min(self.words.len() - self.at)).rev() {
            let name = (0..count).map(|ahead| self.word(ahead)).collect::<Vec<_>>().join(" ");
            let Some((zone, abbreviation)) = find_zone(&name) else { continue };
            let count = count + usize::from(self.word(count) == "time");
            let abbreviation = abbreviation.then(|| name.to_uppercase());
            if self.said.zone.replace(SaidZone { zone, abbreviation }).is_some() {
                return Err(self.twice(count, "zone"));
            }
            self.at += count;
            return Ok(true);
        }
        Ok(false)
    }
}
