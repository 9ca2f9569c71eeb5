//! What was said to an instant.

use crate::domain::zone::Zone;
use chrono::{
    DateTime, Datelike as _, Days, FixedOffset, LocalResult, Months, NaiveDate, NaiveDateTime, NaiveTime,
    Offset as _, SubsecRound as _, TimeDelta, TimeZone as _, Utc,
};

use super::echo::{Echo, relative, spell};
use super::words::{Day, Said};
use super::{Shift, Warning, When, WhenError};

/// The last year that is scheduled for.
const LAST_YEAR: i32 = 9999;

/// By what local times are counted.
#[derive(Clone, Copy)]
enum Clock {
    Zone(Zone),
    Fixed(FixedOffset),
}

impl Clock {
    fn local(self, at: DateTime<Utc>) -> NaiveDateTime {
        match self {
            Clock::Zone(zone) => at.with_timezone(&zone).naive_local(),
            Clock::Fixed(offset) => at.with_timezone(&offset).naive_local(),
        }
    }

    /// The instant of a local time; see [`Shift`] for those that are skipped or doubled.
    fn instant(self, local: NaiveDateTime) -> Option<(DateTime<Utc>, Option<Shift>)> {
        match self {
            Clock::Fixed(offset) => {
                offset.from_local_datetime(&local).single().map(|at| (at.with_timezone(&Utc), None))
            }
            Clock::Zone(zone) => match zone.from_local_datetime(&local) {
                LocalResult::Single(at) => Some((at.with_timezone(&Utc), None)),
                LocalResult::Ambiguous(first, second) => {
                    let shift = Shift::Doubled {
                        said: local,
                        first: first.offset().fix(),
                        second: second.offset().fix(),
                    };
                    Some((first.with_timezone(&Utc), Some(shift)))
                }
                LocalResult::None => {
                    let taken = after_gap(zone, local)?;
                    let at = zone.from_local_datetime(&taken).earliest()?.with_timezone(&Utc);
                    Some((at, Some(Shift::Skipped { said: local, taken })))
                }
            },
        }
    }
}

/// The first whole minute after `local` that exists. Gaps are an hour, rarely
/// half of one; the longest there was is a day (Samoa, 30 December 2011).
fn after_gap(zone: Zone, local: NaiveDateTime) -> Option<NaiveDateTime> {
    let minute = local.trunc_subsecs(0) - TimeDelta::seconds(i64::from(chrono::Timelike::second(&local)));
    (1..=25 * 60)
        .filter_map(|minutes| minute.checked_add_signed(TimeDelta::minutes(minutes)))
        .find(|later| zone.from_local_datetime(later).earliest().is_some())
}

pub(super) fn resolve(
    said: &Said,
    source: &str,
    now: DateTime<Utc>,
    operator_zone: Zone,
) -> Result<When, WhenError> {
    let zone = said.zone.as_ref().map_or(operator_zone, |zone| zone.zone);
    let clock = said.offset.map_or(Clock::Zone(zone), Clock::Fixed);
    let impossible = |why: &'static str| WhenError::Impossible {
        part: source.trim().to_owned(),
        span: 0..source.len(),
        why,
    };
    let (at, shift) = if said.now {
        if said.day.is_some() || said.weekday.is_some() || said.time.is_some() || said.length.is_some() {
            return Err(impossible("now needs no day and no time"));
        }
        (now, None)
    } else if let Some(length) = said.length {
        if said.day.is_some() || said.weekday.is_some() {
            return Err(impossible("say either how long from now or the day"));
        }
        let days = TimeDelta::try_days(length.days).ok_or(WhenError::TooFar)?;
        let local = clock.local(now).checked_add_signed(days).ok_or(WhenError::TooFar)?;
        match said.time {
            Some(_) if length.days == 0 || length.rest != TimeDelta::zero() => {
                return Err(impossible("say either how long from now or the time"));
            }
            Some(time) => clock.instant(local.date().and_time(time)).ok_or(WhenError::TooFar)?,
            None => {
                // Whole days keep the time of day, whatever the clocks do between.
                let (at, shift) = if length.days == 0 {
                    (now, None)
                } else {
                    clock.instant(local).ok_or(WhenError::TooFar)?
                };
                (at.checked_add_signed(length.rest).ok_or(WhenError::TooFar)?, shift)
            }
        }
    } else {
        let Some(time) = said.time else {
            let day = source.get(said.day_span.clone()).filter(|day| !day.is_empty());
            return Err(WhenError::NoTime(day.unwrap_or("tomorrow").to_owned()));
        };
        on_a_day(said, time, clock, now)?
    };
    let at = if said.now { at } else { at.trunc_subsecs(0) };
    if at.year() > LAST_YEAR {
        return Err(WhenError::TooFar);
    }
    if at < now.trunc_subsecs(0) {
        return Err(WhenError::Past { when: spell(at, zone, now), ago: relative(now - at) });
    }
    let warnings = said
        .zone
        .iter()
        .filter_map(|zone| {
            let said = zone.abbreviation.clone()?;
            Some(Warning::Abbreviation { said, taken: zone.zone })
        })
        .collect();
    Ok(When { at, zone, shift, warnings, echo: Echo::new(at, now, zone, operator_zone) })
}

type Instant = (DateTime<Utc>, Option<Shift>);

fn on_a_day(said: &Said, time: NaiveTime, clock: Clock, now: DateTime<Utc>) -> Result<Instant, WhenError> {
    let today = clock.local(now).date();
    let on = |date: NaiveDate| clock.instant(date.and_time(time)).ok_or(WhenError::TooFar);
    let in_days = |days: u64| today.checked_add_days(Days::new(days)).ok_or(WhenError::TooFar);
    // What is at this second is not past yet.
    let ahead = |instant: &Instant| instant.0 >= now.trunc_subsecs(0);
    match (said.day, said.weekday) {
        (None, None) => {
            let first = on(today)?;
            if ahead(&first) { Ok(first) } else { on(in_days(1)?) }
        }
        (None, Some(weekday)) => {
            let days = u64::from(weekday.days_since(today.weekday()));
            let first = on(in_days(days)?)?;
            if ahead(&first) { Ok(first) } else { on(in_days(days + 7)?) }
        }
        (Some(Day::InDays(days)), _) => {
            let day = TimeDelta::try_days(days).and_then(|days| today.checked_add_signed(days));
            on(day.ok_or(WhenError::TooFar)?)
        }
        (Some(Day::NextWeekday(weekday)), _) => {
            let days = u64::from(weekday.days_since(today.weekday()));
            on(in_days(if days == 0 { 7 } else { days })?)
        }
        (Some(Day::EndOfMonth(months)), _) => {
            let date = end_of_month(today, months).ok_or(WhenError::TooFar)?;
            on(date)
        }
        (Some(Day::NextMonth), _) => {
            let last = end_of_month(today, 0).and_then(|date| date.succ_opt()).ok_or(WhenError::TooFar)?;
            on(last)
        }
        (Some(Day::EndOfYear), _) => {
            on(NaiveDate::from_ymd_opt(today.year(), 12, 31).ok_or(WhenError::TooFar)?)
        }
        (Some(Day::Date { year: Some(year), month, day }), weekday) => {
            let date = NaiveDate::from_ymd_opt(year, month, day).ok_or(WhenError::TooFar)?;
            agrees(date, weekday)?;
            on(date)
        }
        (Some(Day::Date { year: None, month, day }), weekday) => {
            // The next such date; 29 February may be eight years away.
            for year in today.year()..=today.year() + 8 {
                let Some(date) = NaiveDate::from_ymd_opt(year, month, day) else { continue };
                let instant = on(date)?;
                if ahead(&instant) {
                    agrees(date, weekday)?;
                    return Ok(instant);
                }
            }
            Err(WhenError::TooFar)
        }
    }
}

fn agrees(date: NaiveDate, weekday: Option<chrono::Weekday>) -> Result<(), WhenError> {
    match weekday {
        Some(said) if said != date.weekday() => {
            Err(WhenError::WeekdayDiffers { date, said, is: date.weekday() })
        }
        _ => Ok(()),
    }
}

fn end_of_month(today: NaiveDate, months: u32) -> Option<NaiveDate> {
    today.with_day(1)?.checked_add_months(Months::new(months + 1))?.pred_opt()
}
