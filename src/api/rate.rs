//! How many requests a caller may make: one number for each, in memory.
//!
//! The generic cell rate algorithm: a caller's *theoretical arrival time* moves
//! one interval on with each request and never lies behind now; a request that
//! would move it further than the burst beyond now is refused.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// From so many callers on, those who have rested are forgotten.
const MANY: usize = 4096;
/// So many are told apart at most; who comes then shares one number with the others that do.
const MOST: usize = 65_536;
/// How often those who have rested are looked for where there is no room.
const SWEEP: Duration = Duration::from_secs(1);
/// The number that they share.
const OTHERS: &str = "";

/// How a caller stands after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// How many requests at once.
    pub(crate) limit: u32,
    /// How many are left of them.
    pub(crate) remaining: u32,
    /// In how long all are there again.
    pub(crate) rested: Duration,
    /// In how long one more is let in; `None`: this one was.
    pub(crate) refused: Option<Duration>,
}

/// The limiter of all callers.
#[derive(Debug)]
pub(crate) struct Rates {
    interval: Duration,
    burst: u32,
    callers: Mutex<Callers>,
}

/// When each caller's theoretical arrival is.
#[derive(Debug, Default)]
struct Callers {
    arrivals: HashMap<String, Instant>,
    /// When those who had rested were last forgotten; and how many were left.
    swept: Option<(Instant, usize)>,
}

impl Callers {
    /// Makes room for one more. To look at everybody costs as much as there are: it is done when they
    /// have doubled, or where there is no room, once a second.
    fn sweep(&mut self, now: Instant) {
        let len = self.arrivals.len();
        let due = match self.swept {
            None => len >= MANY,
            Some((at, left)) => len >= (left * 2).clamp(MANY, MOST) && (left * 2 <= len || now - at >= SWEEP),
        };
        if due {
            self.arrivals.retain(|_, at| *at > now);
            self.swept = Some((now, self.arrivals.len()));
        }
    }
}

impl Rates {
    /// So many requests a second for each caller after a burst; `None`: no limit.
    pub(crate) fn new(rate: u32, burst: u32) -> Option<Self> {
        (rate > 0).then(|| Self::each(rate, burst))
    }

    /// The same; a rate of 0 counts as one.
    pub(crate) fn each(rate: u32, burst: u32) -> Self {
        Self {
            interval: Duration::from_secs(1) / rate.max(1),
            burst: burst.max(1),
            callers: Mutex::default(),
        }
    }

    /// In how long a caller may make another request, without counting one; `None`: now.
    pub(crate) fn wait(&self, caller: &str) -> Option<Duration> {
        let now = Instant::now();
        let callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        let next = callers.arrivals.get(caller).copied().unwrap_or(now).max(now) + self.interval;
        next.checked_duration_since(now + self.interval * self.burst).filter(|wait| !wait.is_zero())
    }

    /// Counts a request of a caller.
    pub(crate) fn count(&self, caller: &str) -> Standing {
        let now = Instant::now();
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if !callers.arrivals.contains_key(caller) {
            callers.sweep(now);
        }
        let arrivals = &mut callers.arrivals;
        let full = arrivals.len() >= MOST && !arrivals.contains_key(caller);
        let caller = if full { OTHERS } else { caller };
        let at = arrivals.get(caller).copied().unwrap_or(now).max(now);
        let span = self.interval * self.burst;
        let next = at + self.interval;
        if next > now + span {
            return Standing {
                limit: self.burst,
                remaining: 0,
                rested: at - now,
                refused: Some(next - (now + span)),
            };
        }
        arrivals.insert(caller.to_owned(), next);
        let left = (now + span - next).as_nanos() / self.interval.as_nanos().max(1);
        Standing { limit: self.burst, remaining: left as u32, rested: next - now, refused: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn a_burst_then_the_rate() {
        let rates = Rates::new(10, 3).unwrap();
        let left: Vec<_> = (0..3).map(|_| rates.count("a").remaining).collect();
        assert_eq!(left, [2, 1, 0]);
        let refused = rates.count("a");
        assert_eq!(refused.refused, Some(Duration::from_millis(100)));
        assert_eq!(rates.count("b").refused, None, "each has its own");
        advance(Duration::from_millis(99)).await;
        assert!(rates.count("a").refused.is_some());
        advance(Duration::from_millis(1)).await;
        assert_eq!(rates.count("a").refused, None);
        assert!(rates.count("a").refused.is_some());
        advance(Duration::from_secs(10)).await;
        assert_eq!(rates.count("a").remaining, 2, "rest is not saved up beyond the burst");
    }

    #[tokio::test(start_paused = true)]
    async fn callers_without_end_share_a_number() {
        let rates = Rates::new(1, 2).unwrap();
        for n in 0..MOST {
            assert_eq!(rates.count(&n.to_string()).refused, None);
        }
        assert_eq!(rates.count("a").refused, None);
        assert_eq!(rates.count("b").refused, None);
        assert!(rates.count("c").refused.is_some(), "they are two already");
        assert_eq!(rates.count("0").refused, None, "who came before has its own");
        assert!(rates.callers.lock().unwrap().arrivals.len() <= MOST + 1);
        advance(Duration::from_secs(10)).await;
        assert_eq!(rates.count("d").refused, None, "they have rested");
        assert_eq!(rates.callers.lock().unwrap().arrivals.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn looking_counts_nothing() {
        let rates = Rates::new(10, 2).unwrap();
        for _ in 0..5 {
            assert_eq!(rates.wait("a"), None);
        }
        rates.count("a");
        rates.count("a");
        assert_eq!(rates.wait("a"), Some(Duration::from_millis(100)));
        advance(Duration::from_millis(100)).await;
        assert_eq!(rates.wait("a"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_rested_are_forgotten() {
        let rates = Rates::new(1000, 1).unwrap();
        for n in 0..MANY {
            rates.count(&n.to_string());
        }
        advance(Duration::from_secs(1)).await;
        rates.count("new");
        assert_eq!(rates.callers.lock().unwrap().arrivals.len(), 1);
        assert!(Rates::new(0, 10).is_none());
    }
}
