//! When things arrived, at one-millisecond grain: memory grows with time, not with arrivals.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Arrivals of one second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Second {
    /// Seconds since 1970.
    pub at: u64,
    /// How many arrived in it.
    pub arrivals: u64,
}

/// Milliseconds since the start in which something arrived, ascending, with how many.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    millis: Vec<(u32, u32)>,
}

impl Timeline {
    pub(super) fn add(&mut self, since: Duration) {
        let now = u32::try_from(since.as_millis()).unwrap_or(u32::MAX);
        match self.millis.last_mut() {
            Some((at, count)) if *at >= now => *count = count.saturating_add(1),
            _ => self.millis.push((now, 1)),
        }
    }

    /// `started_ms` is the start, in milliseconds since 1970.
    pub(super) fn per_second(&self, started_ms: u64) -> Vec<Second> {
        let mut seconds = BTreeMap::new();
        for &(at, count) in &self.millis {
            *seconds.entry((started_ms + u64::from(at)) / 1000).or_insert(0) += u64::from(count);
        }
        seconds.into_iter().map(|(at, arrivals)| Second { at, arrivals }).collect()
    }

    /// The most within any run of as many whole milliseconds as the window has (at least one).
    pub(super) fn most_within(&self, window: Duration) -> u64 {
        let width = window.as_millis().clamp(1, u128::from(u32::MAX)) as u32;
        let (mut most, mut inside, mut oldest) = (0, 0, 0);
        for &(at, count) in &self.millis {
            inside += u64::from(count);
            while at - self.millis[oldest].0 >= width {
                inside -= u64::from(self.millis[oldest].1);
                oldest += 1;
            }
            most = most.max(inside);
        }
        most
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn timeline(millis: &[u64]) -> Timeline {
        let mut timeline = Timeline::default();
        for &m in millis {
            timeline.add(Duration::from_millis(m));
        }
        timeline
    }

    #[test]
    fn seconds_are_those_of_the_wall_clock() {
        let t = timeline(&[0, 10, 499, 500, 2500]);
        let at = |at, arrivals| Second { at, arrivals };
        assert_eq!(t.per_second(7_500), [at(7, 3), at(8, 1), at(10, 1)]);
    }

    proptest! {
        #[test]
        fn the_most_within_a_window_is_what_counting_finds(
            mut millis in prop::collection::vec(0u64..300, 1..80),
            width in 1u64..120,
        ) {
            millis.sort_unstable();
            let counted = millis.iter()
                .map(|&from| millis.iter().filter(|&&m| m >= from && m < from + width).count())
                .max().unwrap_or(0);
            prop_assert_eq!(timeline(&millis).most_within(Duration::from_millis(width)), counted as u64);
        }
    }
}
