//! How much may go through a provider: recipients a second, an hour, a day.
//!
//! Both halves run on the engine's own count of passed time, not on the wall
//! clock: a clock that jumps an hour or a day never opens a burst. (While the
//! machine sleeps that count stands still, so a quota may open late, never early.)

use crate::domain::provider::Limits;
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// How late a start may be and still be made up for: timers tick in milliseconds.
const SLACK: Duration = Duration::from_millis(4);
/// A train under a limit takes at most this much of a second's worth.
const TRAIN_SHARE: f64 = 1.0 / 400.0;
/// What is used of a limit a second, so that a service that counts to a hair never sees it exceeded.
const USED: f64 = 0.995;

/// Spaces sends evenly: no burst above the limit, whoever counts it.
#[derive(Debug)]
pub struct Pacer {
    per_second: Option<f64>,
    /// When the next recipient may go.
    next: Instant,
}

impl Pacer {
    /// A pacer that lets the first recipient go one interval from now, as if one had just gone.
    pub fn new(limits: &Limits, now: Instant) -> Self {
        let mut pacer = Self { per_second: None, next: now };
        pacer.set(limits);
        pacer.next = now + pacer.span(1);
        pacer
    }

    /// Takes on changed limits.
    pub fn set(&mut self, limits: &Limits) {
        self.per_second = limits.per_second.filter(|rate| *rate > 0.0 && rate.is_finite());
    }

    /// The limit, if there is one.
    pub fn rate(&self) -> Option<f64> {
        self.per_second
    }

    /// How long `count` recipients take.
    pub fn span(&self, count: usize) -> Duration {
        self.per_second.map_or(Duration::ZERO, |rate| {
            Duration::from_secs_f64((count as f64 / (rate * USED)).min(86_400.0))
        })
    }

    /// How many recipients may go together at most, of `most`.
    pub fn train(&self, most: usize) -> usize {
        self.per_second.map_or(most, |rate| ((rate * TRAIN_SHARE) as usize).clamp(1, most.max(1)))
    }

    /// How many recipients should be at hand to keep going for `ahead`.
    pub fn lookahead(&self, ahead: Duration) -> Option<usize> {
        self.per_second.map(|rate| ((rate * ahead.as_secs_f64()) as usize).max(1))
    }

    /// When the next train may go; in the past: now.
    pub fn opens(&self) -> Instant {
        self.next
    }

    /// Takes `count` recipients that go now.
    pub fn take(&mut self, count: usize, now: Instant) {
        if self.per_second.is_some() {
            let from = now.checked_sub(SLACK).map_or(self.next, |earliest| self.next.max(earliest));
            self.next = from + self.span(count);
        }
    }
}

/// Counts in buckets of time, of which the newest ones together cover a span.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Sliding {
    /// Milliseconds of a bucket.
    width: i64,
    /// Buckets of the span; one more is kept, so that a whole span is always covered.
    buckets: i64,
    /// Bucket number and count, oldest first; empty ones are left out.
    counts: VecDeque<(i64, u64)>,
}

impl Sliding {
    fn new(width: Duration, buckets: i64) -> Self {
        Self { width: width.as_millis() as i64, buckets, counts: VecDeque::new() }
    }

    fn prune(&mut self, now: i64) {
        let first = now.div_euclid(self.width) - self.buckets;
        while self.counts.front().is_some_and(|(bucket, _)| *bucket < first) {
            self.counts.pop_front();
        }
    }

    fn used(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }

    fn add(&mut self, now: i64, count: u64) {
        let bucket = now.div_euclid(self.width);
        match self.counts.back_mut() {
            // A bucket from what was the future before a restart takes what comes before it.
            Some((last, have)) if *last >= bucket => *have += count,
            _ => self.counts.push_back((bucket, count)),
        }
    }

    fn give_back(&mut self, count: u64) {
        if let Some((_, have)) = self.counts.back_mut() {
            *have = have.saturating_sub(count);
        }
    }

    /// When the use falls below `limit`.
    fn opens(&self, limit: u64) -> Option<i64> {
        let mut used = self.used();
        for (bucket, count) in &self.counts {
            if used < limit {
                break;
            }
            used -= count;
            if used < limit {
                return Some((bucket + self.buckets + 1) * self.width);
            }
        }
        None
    }
}

/// What is stored of a quota's state. Postcard, with the version first.
#[derive(Serialize, Deserialize)]
struct Stored {
    version: u8,
    now: i64,
    hour: Sliding,
    day: Sliding,
}

const VERSION: u8 = 1;

/// The hour's and the day's quota, in sliding windows that are exact to a minute and to a quarter
/// of an hour, and never let more through than the limit in any hour or day.
#[derive(Debug, Clone)]
pub struct Quota {
    per_hour: Option<u64>,
    per_day: Option<u64>,
    hour: Sliding,
    day: Sliding,
    /// The count of passed time: it stood here at `anchor`.
    base: i64,
    anchor: Instant,
}

impl Quota {
    /// A quota as it was stored, or a fresh one.
    pub fn restore(limits: &Limits, stored: Option<&[u8]>, wall: Timestamp, now: Instant) -> Self {
        let stored = stored
            .and_then(|bytes| postcard::from_bytes::<Stored>(bytes).ok())
            .filter(|stored| stored.version == VERSION);
        let (hour, day, base) = match stored {
            // A wall clock that went back while nothing ran does not take the count back.
            Some(stored) => (stored.hour, stored.day, stored.now.max(wall.0)),
            None => {
                (Sliding::new(Duration::from_mins(1), 60), Sliding::new(Duration::from_mins(15), 96), wall.0)
            }
        };
        let mut quota = Self { per_hour: None, per_day: None, hour, day, base, anchor: now };
        quota.set(limits);
        quota
    }

    /// Takes on changed limits.
    pub fn set(&mut self, limits: &Limits) {
        self.per_hour = limits.per_hour;
        self.per_day = limits.per_day;
    }

    /// Whether there is any limit to count for.
    pub fn limited(&self) -> bool {
        self.per_hour.is_some() || self.per_day.is_some()
    }

    fn time(&self, now: Instant) -> i64 {
        self.base + now.saturating_duration_since(self.anchor).as_millis() as i64
    }

    /// How many more recipients may be claimed now.
    pub fn room(&mut self, now: Instant) -> u64 {
        let time = self.time(now);
        self.hour.prune(time);
        self.day.prune(time);
        let left = |limit: Option<u64>, used: u64| limit.map_or(u64::MAX, |limit| limit.saturating_sub(used));
        left(self.per_hour, self.hour.used()).min(left(self.per_day, self.day.used()))
    }

    /// How many of the last hour and of the last day count.
    pub fn used(&mut self, now: Instant) -> (u64, u64) {
        let time = self.time(now);
        self.hour.prune(time);
        self.day.prune(time);
        (self.hour.used(), self.day.used())
    }

    /// Counts recipients that are claimed.
    pub fn take(&mut self, count: u64, now: Instant) {
        let time = self.time(now);
        self.hour.add(time, count);
        self.day.add(time, count);
    }

    /// Takes back recipients that were claimed and not sent to.
    pub fn give_back(&mut self, count: u64) {
        self.hour.give_back(count);
        self.day.give_back(count);
    }

    /// How long until something may be claimed again; zero: now.
    pub fn opens_in(&mut self, now: Instant) -> Duration {
        if self.room(now) > 0 {
            return Duration::ZERO;
        }
        let time = self.time(now);
        let hour = self.per_hour.and_then(|limit| self.hour.opens(limit)).unwrap_or(time);
        let day = self.per_day.and_then(|limit| self.day.opens(limit)).unwrap_or(time);
        // A limit of nothing opens never; it is looked at again with the next change.
        Duration::from_millis(u64::try_from(hour.max(day) - time).unwrap_or(0).max(1))
    }

    /// The state for the journal.
    pub fn store(&self, now: Instant) -> Vec<u8> {
        let stored =
            Stored { version: VERSION, now: self.time(now), hour: self.hour.clone(), day: self.day.clone() };
        postcard::to_stdvec(&stored).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn limits(per_second: Option<f64>, per_hour: Option<u64>, per_day: Option<u64>) -> Limits {
        Limits { per_second, per_hour, per_day, ..Limits::default() }
    }

    /// What a strict service sees: GCRA with a burst of one per cent of a second, at least one.
    fn refused(starts: &[(Duration, usize)], rate: f64) -> usize {
        let interval = 1.0 / rate;
        let tolerance = interval * (rate / 100.0).max(1.0);
        let (mut due, mut refused) = (0.0f64, 0);
        for (at, count) in starts {
            for _ in 0..*count {
                let now = at.as_secs_f64();
                if due - now > tolerance + 1e-9 {
                    refused += 1;
                } else {
                    due = due.max(now) + interval;
                }
            }
        }
        refused
    }

    proptest! {
        #[test]
        fn late_timers_neither_burst_nor_lose(
            rate in prop_oneof![Just(3.0), Just(100.0), Just(1_000.0), Just(10_000.0)],
            late in proptest::collection::vec(0u64..1_500, 400),
        ) {
            let begin = Instant::now();
            let mut pacer = Pacer::new(&limits(Some(rate), None, None), begin);
            let train = pacer.train(1_000);
            let (mut now, mut starts) = (begin, Vec::new());
            for micros in late {
                // The timer fires up to 1.5 ms late.
                now = now.max(pacer.opens()) + Duration::from_micros(micros);
                pacer.take(train, now);
                starts.push((now - begin, train));
            }
            prop_assert_eq!(refused(&starts, rate), 0);
            let sent: usize = starts.iter().map(|(_, count)| count).sum();
            let used = sent as f64 / (starts.last().unwrap().0.as_secs_f64() * rate);
            prop_assert!((0.98..=1.0).contains(&used), "{}", used);
        }

        #[test]
        fn no_hour_and_no_day_has_more_than_its_limit(
            steps in proptest::collection::vec((0u64..4_000_000, 1u64..50, any::<bool>(), -90_000_000i64..90_000_000), 1..120),
        ) {
            let limits = limits(None, Some(100), Some(500));
            let (mut now, mut wall) = (Instant::now(), Timestamp(1_700_000_000_123));
            let begin = now;
            let mut quota = Quota::restore(&limits, None, wall, now);
            let mut taken: Vec<(u64, u64)> = Vec::new();
            for (pause, want, restart, jump) in steps {
                now += Duration::from_millis(pause);
                wall = wall.plus(Duration::from_millis(pause));
                if restart {
                    // Only back: what a clock did while nothing ran cannot be told from time that passed.
                    let bytes = quota.store(now);
                    quota = Quota::restore(&limits, Some(&bytes), Timestamp(wall.0 - jump.abs()), now);
                }
                let count = want.min(quota.room(now));
                if count > 0 {
                    quota.take(count, now);
                    taken.push(((now - begin).as_millis() as u64, count));
                } else {
                    let wait = quota.opens_in(now);
                    prop_assert!(wait > Duration::ZERO);
                    prop_assert!(quota.clone().room(now + wait) > 0);
                    prop_assert_eq!(quota.clone().room(now + wait - Duration::from_millis(1)), 0);
                }
                for (span, limit) in [(3_600_000, 100), (86_400_000, 500)] {
                    for (from, _) in &taken {
                        let sum: u64 = taken
                            .iter()
                            .filter(|(at, _)| at >= from && at - from < span)
                            .map(|(_, count)| count)
                            .sum();
                        prop_assert!(sum <= limit, "{} in {} ms", sum, span);
                    }
                }
            }
        }
    }

    #[test]
    fn a_restart_does_not_open_a_burst() {
        let now = Instant::now();
        let pacer = Pacer::new(&limits(Some(10.0), None, None), now);
        assert!(pacer.opens() >= now + Duration::from_millis(100));
    }

    #[test]
    fn without_limits_nothing_waits() {
        let now = Instant::now();
        let mut pacer = Pacer::new(&Limits::default(), now);
        pacer.take(1_000_000, now);
        assert!(pacer.opens() <= now);
        assert_eq!(pacer.train(64), 64);
        let mut quota = Quota::restore(&Limits::default(), Some(b"damaged"), Timestamp(0), now);
        quota.take(1 << 40, now);
        assert_eq!(quota.room(now), u64::MAX);
    }
}
