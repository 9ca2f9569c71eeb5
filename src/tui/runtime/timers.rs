//! The timers of a console, and the time of its clock.

use chrono::{DateTime, Timelike, Utc};
use std::time::Duration;
use tokio::time::Instant;

use super::Clock;

/// Timers, each with a number of the program's.
#[derive(Debug, Default)]
pub(super) struct Timers(Vec<(Instant, u64)>);

impl Timers {
    /// Sets the timer of this number anew.
    pub(super) fn set(&mut self, id: u64, at: Instant) {
        self.cancel(id);
        self.0.push((at, id));
    }

    pub(super) fn cancel(&mut self, id: u64) {
        self.0.retain(|(_, other)| *other != id);
    }

    /// When the next one runs out.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.iter().map(|(at, _)| *at).min()
    }

    /// One that has run out, the earliest first.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<u64> {
        let (index, _) =
            self.0.iter().enumerate().filter(|(_, (at, _))| *at <= now).min_by_key(|(_, timer)| **timer)?;
        Some(self.0.swap_remove(index).1)
    }
}

/// How long it is until the clock is to be told.
pub(super) fn until_tick(clock: Clock, now: DateTime<Utc>) -> Option<Duration> {
    let into_second = u64::from(now.nanosecond()) % 1_000_000_000;
    let rest_of_second = Duration::from_nanos(1_000_000_000 - into_second);
    match clock {
        Clock::Off => None,
        Clock::Second => Some(rest_of_second),
        Clock::Minute => Some(Duration::from_secs(u64::from(59 - now.second().min(59))) + rest_of_second),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_fall_on_the_beginning_of_a_minute_or_second() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let half = at("2026-03-01T10:00:58.500Z");
        assert_eq!(until_tick(Clock::Minute, half), Some(Duration::from_millis(1500)));
        assert_eq!(until_tick(Clock::Second, half), Some(Duration::from_millis(500)));
        assert_eq!(until_tick(Clock::Minute, at("2026-03-01T10:00:00Z")), Some(Duration::from_mins(1)));
        assert_eq!(until_tick(Clock::Off, half), None);
    }

    #[tokio::test(start_paused = true)]
    async fn timers_run_out_in_order_and_can_be_replaced() {
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let mut timers = Timers::default();
        timers.set(1, after(30));
        timers.set(2, after(10));
        timers.set(1, after(20));
        assert_eq!(timers.next(), Some(after(10)));
        assert_eq!(timers.take_due(start), None);
        assert_eq!(timers.take_due(after(25)), Some(2));
        assert_eq!(timers.take_due(after(25)), Some(1));
        assert_eq!(timers.next(), None);
    }
}
