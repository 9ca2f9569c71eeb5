//! Randomness from a seed, so that a run of the engine can be repeated.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A source of random numbers that many tasks share (`SplitMix64`; not for secrets).
#[derive(Debug)]
pub struct Chance {
    state: AtomicU64,
}

impl Chance {
    /// The source of a seed: the same seed gives the same numbers.
    pub fn new(seed: u64) -> Self {
        Self { state: AtomicU64::new(seed) }
    }

    /// The next number.
    pub fn next(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.state.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A span from nothing up to and with `most`, all equally likely, in whole milliseconds.
    pub fn up_to(&self, most: Duration) -> Duration {
        let most = u64::try_from(most.as_millis()).unwrap_or(u64::MAX - 1);
        Duration::from_millis(self.next() % (most + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_spreads() {
        let (a, b) = (Chance::new(7), Chance::new(7));
        let first: Vec<_> = (0..50).map(|_| a.next()).collect();
        assert_eq!(first, (0..50).map(|_| b.next()).collect::<Vec<_>>());
        let most = Duration::from_millis(100);
        let spans: Vec<_> = (0..400).map(|_| a.up_to(most)).collect();
        assert!(spans.iter().all(|span| *span <= most));
        assert!(spans.iter().any(|span| *span < most / 10) && spans.iter().any(|span| *span > most * 9 / 10));
    }
}
