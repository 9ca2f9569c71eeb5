//! A rate limit by the generic cell rate algorithm (GCRA), as most services run it.

use std::time::Duration;

/// GCRA with a burst: on average `per_second` units, at most `burst` at once.
///
/// The state is one number, the theoretical arrival time (ITU-T I.371), so that
/// admitting costs a few additions however many units go through.
#[derive(Debug, Clone)]
pub struct Gcra {
    /// Nanoseconds that one unit takes.
    emission: f64,
    /// Nanoseconds of work that may be ahead of the clock.
    tolerance: f64,
    /// The theoretical arrival time, nanoseconds on the caller's clock.
    next: f64,
}

impl Gcra {
    /// A limit of `per_second` units (above zero) with `burst` units at once (at least 1).
    pub fn new(per_second: f64, burst: u32) -> Self {
        let emission = 1e9 / per_second;
        Self { emission, tolerance: emission * f64::from(burst.max(1)), next: 0.0 }
    }

    /// Admits `cost` units at `now` (time since any fixed start, never going back), or says
    /// how long to wait until they fit. What is refused costs nothing. A cost above the
    /// burst never fits; the wait is then the time an idle limit would take to earn it.
    pub fn admit(&mut self, now: Duration, cost: u32) -> Result<(), Duration> {
        let now = now.as_secs_f64() * 1e9;
        let next = self.next.max(now) + self.emission * f64::from(cost);
        let ahead = next - now - self.tolerance;
        // Half a nanosecond absorbs the rounding of the additions.
        if ahead <= 0.5 {
            self.next = next;
            return Ok(());
        }
        Err(Duration::from_nanos(ahead.ceil() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_burst_passes_at_once_and_the_next_waits_one_emission() {
        let mut limit = Gcra::new(100.0, 5);
        for _ in 0..5 {
            assert_eq!(limit.admit(Duration::from_secs(1), 1), Ok(()));
        }
        assert_eq!(limit.admit(Duration::from_secs(1), 1), Err(Duration::from_millis(10)));
        assert_eq!(limit.admit(Duration::from_millis(1010), 1), Ok(()));
    }

    #[test]
    fn what_is_refused_costs_nothing() {
        let mut limit = Gcra::new(10.0, 1);
        assert_eq!(limit.admit(Duration::ZERO, 1), Ok(()));
        for _ in 0..1000 {
            assert!(limit.admit(Duration::from_millis(50), 1).is_err());
        }
        assert_eq!(limit.admit(Duration::from_millis(100), 1), Ok(()));
    }

    proptest! {
        /// In any span, no more than the burst and what the span earns gets through.
        #[test]
        fn never_more_than_burst_and_rate(
            rate in 1u32..2000,
            burst in 1u32..50,
            gaps in prop::collection::vec(0u64..20_000, 1..300),
        ) {
            let mut limit = Gcra::new(f64::from(rate), burst);
            let mut now = Duration::from_secs(5);
            let mut admitted = Vec::new();
            for gap in gaps {
                now += Duration::from_micros(gap);
                if limit.admit(now, 1).is_ok() {
                    admitted.push(now);
                }
            }
            for (i, &from) in admitted.iter().enumerate() {
                for (n, &to) in admitted[i..].iter().enumerate() {
                    let earned = to.saturating_sub(from).as_secs_f64() * f64::from(rate);
                    prop_assert!((n + 1) as f64 <= f64::from(burst) + earned + 1e-6);
                }
            }
        }
    }
}
