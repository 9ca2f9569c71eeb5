//! Texts and what they mean, with the clocks of Berlin and New York.

use std::sync::LazyLock;

use chrono::TimeZone as _;
use proptest::prelude::*;

use super::*;

static BERLIN: LazyLock<Zone> = LazyLock::new(|| "Europe/Berlin".parse().unwrap());
static TOKYO: LazyLock<Zone> = LazyLock::new(|| "Asia/Tokyo".parse().unwrap());
static NEW_YORK: LazyLock<Zone> = LazyLock::new(|| "America/New_York".parse().unwrap());

fn utc(text: &str) -> DateTime<Utc> {
    Utc.from_utc_datetime(&NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap())
}

/// Sunday 22 November 2026, 14:05:09 in Berlin.
fn now() -> DateTime<Utc> {
    utc("2026-11-22 13:05:09")
}

fn at(words: &str) -> DateTime<Utc> {
    parse(words, now(), *BERLIN).unwrap_or_else(|error| panic!("{words}: {error}")).at
}

#[test]
fn what_people_write() {
    for (words, expected) in [
        ("now", "2026-11-22 13:05:09"),
        ("in 2h", "2026-11-22 15:05:09"),
        ("in 1h30m", "2026-11-22 14:35:09"),
        ("In 1 hour and 30 minutes", "2026-11-22 14:35:09"),
        ("in 2 hours 5 min", "2026-11-22 15:10:09"),
        ("in an hour", "2026-11-22 14:05:09"),
        ("in half an hour", "2026-11-22 13:35:09"),
        ("+2h", "2026-11-22 15:05:09"),
        ("2h from now", "2026-11-22 15:05:09"),
        ("in 3 days", "2026-11-25 13:05:09"),
        ("in 3 days 9am", "2026-11-25 08:00:00"),
        ("in 2 weeks at 9", "2026-12-06 08:00:00"),
        ("tomorrow 9am", "2026-11-23 08:00:00"),
        ("tomorrow at 9", "2026-11-23 08:00:00"),
        ("tomorrow 9", "2026-11-23 08:00:00"),
        ("9am tomorrow", "2026-11-23 08:00:00"),
        ("Tomorrow, 9:30 pm", "2026-11-23 20:30:00"),
        ("tomorrow 9am Berlin", "2026-11-23 08:00:00"),
        ("tomorrow 9am Tokyo", "2026-11-23 00:00:00"),
        ("tomorrow 9am New York", "2026-11-23 14:00:00"),
        ("tomorrow 9am in New York", "2026-11-23 14:00:00"),
        ("tomorrow 9am Tokyo time", "2026-11-23 00:00:00"),
        ("tomorrow 9am UTC", "2026-11-23 09:00:00"),
        ("tomorrow 9am UTC+2", "2026-11-23 07:00:00"),
        ("tomorrow 9am America/Los_Angeles", "2026-11-23 17:00:00"),
        ("day after tomorrow noon", "2026-11-24 11:00:00"),
        ("tonight 8", "2026-11-22 19:00:00"),
        ("tonight 20:00", "2026-11-22 19:00:00"),
        ("today 15:00", "2026-11-22 14:00:00"),
        ("15:00", "2026-11-22 14:00:00"),
        ("9am", "2026-11-23 08:00:00"),
        ("noon", "2026-11-23 11:00:00"),
        ("midnight", "2026-11-22 23:00:00"),
        ("17h30", "2026-11-22 16:30:00"),
        ("tomorrow 17h", "2026-11-23 16:00:00"),
        ("9 o'clock", "2026-11-23 08:00:00"),
        ("12am", "2026-11-22 23:00:00"),
        ("12 p.m.", "2026-11-23 11:00:00"),
        ("fri 17:30", "2026-11-27 16:30:00"),
        ("this friday 17:30", "2026-11-27 16:30:00"),
        ("sun 15:00", "2026-11-22 14:00:00"),
        ("sun 9:00", "2026-11-29 08:00:00"),
        ("next sunday 15:00", "2026-11-29 14:00:00"),
        ("next monday 8", "2026-11-23 07:00:00"),
        ("next week 8am", "2026-11-23 07:00:00"),
        ("mon 23 nov 9:00", "2026-11-23 08:00:00"),
        ("23 Nov 9:00", "2026-11-23 08:00:00"),
        ("nov 23rd at 9", "2026-11-23 08:00:00"),
        ("the 23rd of november 9am", "2026-11-23 08:00:00"),
        ("23.11. 9:00", "2026-11-23 08:00:00"),
        ("23.11.2026 9:00", "2026-11-23 08:00:00"),
        ("1 nov 9:00", "2027-11-01 08:00:00"),
        ("29 feb 9:00", "2028-02-29 08:00:00"),
        ("nov 23 2027 9:00", "2027-11-23 08:00:00"),
        ("2026-11-23 09:00 Europe/Berlin", "2026-11-23 08:00:00"),
        ("2026-11-23 09:00", "2026-11-23 08:00:00"),
        ("2026-11-23T09:00", "2026-11-23 08:00:00"),
        ("2026-11-23T09:00:00.000Z", "2026-11-23 09:00:00"),
        ("2026-11-23T09:00:00+01:00", "2026-11-23 08:00:00"),
        ("2026-11-23 09:00:30-05:00", "2026-11-23 14:00:30"),
        ("end of month 9am", "2026-11-30 08:00:00"),
        ("end of the month 9am", "2026-11-30 08:00:00"),
        ("end of next month 9am", "2026-12-31 08:00:00"),
        ("end of year noon", "2026-12-31 11:00:00"),
        ("next month 9am", "2026-12-01 08:00:00"),
        ("next year 0:00", "2026-12-31 23:00:00"),
        ("2 weeks from now", "2026-12-06 13:05:09"),
    ] {
        assert_eq!(at(words), utc(expected), "{words}");
    }
}

#[test]
fn what_is_refused() {
    for (words, part, says) in [
        ("tomorow 9am", "tomorow", "did you mean tomorrow?"),
        ("tomorrow 9am Brelin", "Brelin", "did you mean Berlin?"),
        ("soon", "soon", "not understood"),
        ("tomorrow 9am please", "please", "not understood"),
        ("tomorrow at", "at", "not understood"),
        ("in", "in", "not understood"),
        ("end of time", "time", "not understood"),
        ("next", "next", "not understood"),
        ("9", "9", "9:00 for the time, in 9 min for how long from now"),
        ("99", "99", "not understood"),
        ("2h ago", "2h ago", "that is past"),
        ("last friday 9am", "last friday", "that is past"),
        ("tomorrow friday 9am", "friday", "second day"),
        ("tomorrow 9am 10am", "10am", "second time"),
        ("9am Berlin Tokyo", "Tokyo", "second zone"),
        ("11/12 9am", "11/12", "23 nov"),
        ("tomorrow 10.11", "10.11", "10.11. for the day, 10:11 for the time"),
        ("2h", "2h", "in 2h for how long from now, 2:00 for the time"),
        ("31 feb 9am", "31 feb", "no such day"),
        ("2026-02-30 09:00", "2026-02-30", "no such day"),
        ("tomorrow 25:00", "25:00", "no such time"),
        ("tomorrow 13pm", "13pm", "1 to 12"),
    ] {
        let error = parse(words, now(), *BERLIN).unwrap_err();
        let span = error.span().unwrap_or_else(|| panic!("{words}: {error}"));
        assert_eq!(&words[span], part, "{words}: {error}");
        assert!(error.to_string().contains(says), "{words}: {error}");
    }
    for (words, says) in [
        ("", "say when"),
        (" , ", "say when"),
        ("tomorrow", "For example: tomorrow 9am"),
        ("next friday", "For example: next friday 9am"),
        ("fri", "For example: fri 9am"),
        ("tue 23 nov 9:00", "2026-11-23 is a Mon, not a Tue"),
        ("today 9am", "Sun 22 Nov 09:00 Berlin is past, 5 h ago"),
        ("2025-11-23 09:00", "is past"),
        ("yesterday 9am", "Sat 21 Nov 09:00 Berlin is past, 29 h ago"),
        ("tomorrow nein", "`nein` is not understood"),
        ("tomorrow 9am Nowhere", "`Nowhere` is not understood"),
        ("now tomorrow", "needs no day"),
        ("in 2h tomorrow", "either"),
        ("in 2h 9am", "either"),
        ("in 9000000 weeks", "not understood"),
        ("9999-12-31 23:59 Honolulu", "too far"),
    ] {
        let error = parse(words, now(), *BERLIN).unwrap_err().to_string();
        assert!(error.contains(says), "{words}: {error}");
        let guess =
            matches!(words, "tomorrow nein" | "tomorrow 9am Nowhere") && error.contains("did you mean");
        assert!(!guess, "{words}: {error}");
    }
}

#[test]
fn the_echo() {
    let when = parse("tomorrow 9am Berlin", now(), *TOKYO).unwrap();
    assert_eq!(when.echo.to_string(), "Mon 23 Nov 09:00 Berlin · 17:00 Tokyo (you) · 08:00 UTC · in 19 h");
    let when = parse("tomorrow 9am", now(), *BERLIN).unwrap();
    assert_eq!(when.echo.to_string(), "Mon 23 Nov 09:00 Berlin · 08:00 UTC · in 19 h");
    let when = parse("1 jan 0:30 Berlin", now(), *NEW_YORK).unwrap();
    assert_eq!(
        when.echo.to_string(),
        "Fri 1 Jan 2027 00:30 Berlin · Thu 31 Dec 18:30 New York (you) · Thu 31 Dec 23:30 UTC · in 39 days"
    );
    let when = parse("in 90 min", now(), "Etc/UTC".parse().unwrap()).unwrap();
    assert_eq!(when.echo.to_string(), "Sun 22 Nov 14:35:09 UTC · in 1 h 30 min");
    let when = parse("tomorrow 9am Berlin", now(), "Etc/UTC".parse().unwrap()).unwrap();
    assert_eq!(when.echo.to_string(), "Mon 23 Nov 09:00 Berlin · 08:00 UTC (you) · in 19 h");
    let when = parse("now UTC", now(), Zone::UTC).unwrap();
    assert_eq!(when.echo.to_string(), "Sun 22 Nov 13:05:09 UTC · now");
}

#[test]
fn abbreviations_are_places_with_a_warning() {
    let when = parse("2026-07-01 09:00 cet", utc("2026-06-01 00:00:00"), *TOKYO).unwrap();
    assert_eq!(when.at, utc("2026-07-01 07:00:00"));
    assert_eq!(when.warnings.len(), 1);
    assert_eq!(
        when.warnings[0].to_string(),
        "CET is taken as the time of Berlin; name the city to be certain"
    );
    assert!(parse("9am Berlin", now(), *TOKYO).unwrap().warnings.is_empty());
}

#[test]
fn clocks_that_go_forward() {
    for (words, zone, taken, instant) in [
        ("2026-03-29 02:30", *BERLIN, "03:00", "2026-03-29 01:00:00"),
        ("2026-03-29 02:00", *BERLIN, "03:00", "2026-03-29 01:00:00"),
        ("2026-03-08 02:59:59", *NEW_YORK, "03:00", "2026-03-08 07:00:00"),
    ] {
        let when = parse(words, utc("2026-01-01 00:00:00"), zone).unwrap();
        assert_eq!(when.at, utc(instant), "{words}");
        let Some(Shift::Skipped { taken: local, .. }) = &when.shift else {
            panic!("{words}: {:?}", when.shift)
        };
        assert_eq!(local.format("%H:%M").to_string(), taken);
    }
    let said =
        parse("2026-03-29 02:30", utc("2026-01-01 00:00:00"), *BERLIN).unwrap().shift.unwrap().to_string();
    assert_eq!(said, "the clocks go forward and skip 02:30; taken as 03:00, the next time that exists");
    for words in ["2026-03-29 01:59", "2026-03-29 03:00"] {
        assert_eq!(parse(words, utc("2026-01-01 00:00:00"), *BERLIN).unwrap().shift, None);
    }
}

#[test]
fn clocks_that_go_back() {
    for (words, zone, instant) in [
        ("2026-10-25 02:30", *BERLIN, "2026-10-25 00:30:00"),
        ("2026-11-01 01:30", *NEW_YORK, "2026-11-01 05:30:00"),
    ] {
        let when = parse(words, utc("2026-10-01 00:00:00"), zone).unwrap();
        assert_eq!(when.at, utc(instant), "{words}");
        assert!(matches!(when.shift, Some(Shift::Doubled { .. })), "{words}");
    }
    let first = parse("2026-10-25 02:30", utc("2026-10-01 00:00:00"), *BERLIN).unwrap();
    assert_eq!(
        first.shift.unwrap().to_string(),
        "the clocks go back and 02:30 comes twice; taken as the first (02:30+02:00); for the second write 02:30+01:00"
    );
    let second = parse("2026-10-25 02:30+01:00 Berlin", utc("2026-10-01 00:00:00"), *BERLIN).unwrap();
    assert_eq!(second.at, utc("2026-10-25 01:30:00"));
    assert_eq!((second.shift, second.echo.named.as_str()), (None, "Sun 25 Oct 02:30+01:00 Berlin"));
}

#[test]
fn days_keep_the_time_of_day_and_hours_do_not() {
    let evening = utc("2026-10-24 16:00:00");
    assert_eq!(parse("in 1 day", evening, *BERLIN).unwrap().at, utc("2026-10-25 17:00:00"));
    assert_eq!(parse("in 24h", evening, *BERLIN).unwrap().at, utc("2026-10-25 16:00:00"));
    assert_eq!(parse("tomorrow 18:00", evening, *BERLIN).unwrap().at, utc("2026-10-25 17:00:00"));
}

#[test]
fn a_day_that_a_zone_left_out() {
    // Samoa went over the date line: 30 December 2011 was not.
    let when = parse("2011-12-30 12:00 Apia", utc("2011-12-01 00:00:00"), *BERLIN).unwrap();
    assert_eq!(when.at, utc("2011-12-30 10:00:00"));
    assert!(matches!(when.shift, Some(Shift::Skipped { .. })));
}

fn zone() -> impl Strategy<Value = Zone> {
    prop_oneof![
        1 => proptest::sample::select(vec![*BERLIN, *NEW_YORK, *TOKYO, Zone::UTC, "Australia/Lord_Howe".parse().unwrap()]),
        1 => proptest::sample::select(Zone::all().collect::<Vec<_>>()),
    ]
}

fn instant() -> impl Strategy<Value = DateTime<Utc>> {
    (1_767_225_600i64..2_100_000_000, 0u32..1_000)
        .prop_map(|(seconds, millis)| DateTime::from_timestamp(seconds, millis * 1_000_000).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_spelled_is_understood(
        now in instant(), ahead in prop_oneof![0i64..100_000, 0i64..100_000_000], named in zone(), operator in zone(),
        at_hour in any::<bool>(),
    ) {
        let mut seconds = now.timestamp() + ahead;
        if at_hour {
            seconds += 3_600 - seconds.rem_euclid(3_600);
        }
        let at = DateTime::from_timestamp(seconds, 0).unwrap();
        let text = spell(at, named, now);
        let when = parse(&text, now, operator);
        prop_assert_eq!(when.as_ref().map(|when| when.at), Ok(at), "{} {}", text, named.name());
        let when = when.unwrap();
        prop_assert_eq!(&parse(&when.echo.named, now, operator).unwrap().at, &at);
    }

    #[test]
    fn every_hour_around_the_change_of_clocks(hours in 0i64..72, year in 2026i32..2037) {
        for (zone, month, day) in [(*BERLIN, 10, 24), (*NEW_YORK, 10, 31), (*BERLIN, 3, 27), (*NEW_YORK, 3, 7)] {
            let now = Utc.with_ymd_and_hms(year, month, day, 0, 0, 0).unwrap();
            let at = now + chrono::TimeDelta::hours(hours * 3) + chrono::TimeDelta::minutes(30);
            let text = spell(at, zone, now);
            prop_assert_eq!(parse(&text, now, *TOKYO).map(|when| when.at), Ok(at), "{}", text);
        }
    }

    #[test]
    fn nothing_panics_and_nothing_is_past(
        words in "\\PC{0,30}|((now|in|next|end|of|month|tomorrow|fri|23|nov|9am|9|:|at|2h|3d|UTC|\\+1|Berlin|new york|2026-11-2[0-9]|the|day|after|from|29 feb|é) ?){0,8}|[0-9 :.+Zone/-]{0,24}",
        now in instant(), zone in zone(),
    ) {
        match parse(&words, now, zone) {
            Ok(when) => {
                prop_assert!(when.at.timestamp() >= now.timestamp());
                let again = parse(&when.echo.named, now, zone).map(|when| when.at.timestamp());
                prop_assert_eq!(again, Ok(when.at.timestamp()), "{} -> {}", words, when.echo.named);
            }
            Err(error) => {
                if let Some(span) = error.span() {
                    prop_assert!(words.get(span).is_some());
                }
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }
}
