//! The guard: a provider whose mail comes back too often sends no more bulk, before
//! its service bans us.
//!
//! Deliveries that reached a provider are numbered. What comes back is counted for
//! the number of its delivery, in blocks of [`BLOCK`], so that bounces that come
//! late count against the deliveries that they belong to, and not against whoever
//! was sent to meanwhile.

use super::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The provider's option that holds its rule, as JSON.
pub const GUARD_OPTION: &str = "guard";

/// Deliveries that are counted together.
pub const BLOCK: u64 = 100;

/// When a provider's bulk is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct GuardRule {
    /// False: never.
    pub enabled: bool,
    /// So many of a hundred deliveries may bounce for good; that many are too many.
    pub bounce_percent: f64,
    /// So many of a hundred may be complained of; that many are too many.
    pub complaint_percent: f64,
    /// Of so many deliveries, the latest. Counted in hundreds.
    pub window: u64,
    /// Fewer deliveries say nothing.
    pub least: u64,
}

impl Default for GuardRule {
    fn default() -> Self {
        Self { enabled: true, bounce_percent: 5.0, complaint_percent: 0.1, window: 1000, least: 100 }
    }
}

/// What came back of a block of deliveries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// For good.
    pub bounced: u32,
    /// As unwanted.
    pub complained: u32,
}

/// What a rule speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GuardCause {
    /// Hard bounces.
    Bounces,
    /// Complaints.
    Complaints,
}

impl GuardCause {
    /// For people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bounces => "hard bounces",
            Self::Complaints => "complaints",
        }
    }
}

/// The guard has stopped a provider's bulk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tripped {
    /// Why.
    pub cause: GuardCause,
    /// How many came back.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// Since when.
    pub since: Timestamp,
}

impl std::fmt::Display for Tripped {
    /// As `57 hard bounces in 1000 deliveries`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} in {} deliveries", self.count, self.cause.as_str(), self.of)
    }
}

impl GuardRule {
    /// The window in blocks, at least one.
    fn blocks(&self) -> u64 {
        self.window.div_ceil(BLOCK).max(1)
    }

    /// Which blocks must be known to judge a mark in `block`: from and to, inclusive.
    pub fn around(&self, block: u64) -> (u64, u64) {
        (block.saturating_sub(self.blocks()), block + self.blocks())
    }

    /// Whether too much came back around a block in which something just has.
    /// Deliveries are numbered from 0: `from` is the first that counts (the guard was
    /// lifted then), `sent` how many there are. `marks` says what came back of a block.
    pub fn judge(
        &self,
        from: u64,
        sent: u64,
        block: u64,
        marks: impl Fn(u64) -> Marks,
        now: Timestamp,
    ) -> Option<Tripped> {
        if !self.enabled || sent <= from {
            return None;
        }
        let width = self.blocks();
        let (first, last) = (from / BLOCK, (sent - 1) / BLOCK);
        // Windows that have the block in them and lie within what was sent.
        let earliest = (block + 1).saturating_sub(width).max(first);
        let (ragged_start, ragged_end) = (!from.is_multiple_of(BLOCK), !sent.is_multiple_of(BLOCK));
        for start in earliest..=block.max(earliest) {
            let end = start + width + u64::from(start == first && ragged_start);
            // One that would end beyond what was sent begins earlier, as far as there is something.
            let (start, end) = if end > last {
                ((last + 1).saturating_sub(width + u64::from(ragged_end)).max(first), last + 1)
            } else {
                (start, end)
            };
            let of = (end * BLOCK).min(sent) - (start * BLOCK).max(from);
            let mut sum = Marks::default();
            for at in start..end {
                let marks = marks(at);
                sum.bounced += marks.bounced;
                sum.complained += marks.complained;
            }
            let whole = of >= self.window;
            let too_many = |count: u32, percent: f64| {
                let enough = of >= self.least.max(1) && (whole || count >= 2);
                enough && count > 0 && f64::from(count) * 100.0 >= percent * of as f64
            };
            for (cause, count, percent) in [
                (GuardCause::Bounces, sum.bounced, self.bounce_percent),
                (GuardCause::Complaints, sum.complained, self.complaint_percent),
            ] {
                if too_many(count, percent) {
                    return Some(Tripped { cause, count: u64::from(count), of, since: now });
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const NOW: Timestamp = Timestamp(7);

    /// Judges every mark of these deliveries: number, and whether it is a complaint.
    fn judged(rule: &GuardRule, from: u64, sent: u64, came_back: &[(u64, bool)]) -> Option<Tripped> {
        let mut blocks: BTreeMap<u64, Marks> = BTreeMap::new();
        let mut tripped = None;
        for (at, complaint) in came_back.iter().filter(|(at, _)| (from..sent).contains(at)) {
            let marks = blocks.entry(at / BLOCK).or_default();
            if *complaint {
                marks.complained += 1;
            } else {
                marks.bounced += 1;
            }
            let of = |block: u64| blocks.get(&block).copied().unwrap_or_default();
            tripped = tripped.or(rule.judge(from, sent, at / BLOCK, of, NOW));
        }
        tripped
    }

    #[test]
    fn five_percent_of_a_thousand() {
        let rule = GuardRule::default();
        let bounces = |n: u64| (0..n).map(|i| (i * 20, false)).collect::<Vec<_>>();
        assert_eq!(judged(&rule, 0, 1000, &bounces(49)), None);
        let tripped = judged(&rule, 0, 1000, &bounces(50)).unwrap();
        assert_eq!((tripped.cause, tripped.count, tripped.of), (GuardCause::Bounces, 50, 1000));
        assert_eq!(tripped.to_string(), "50 hard bounces in 1000 deliveries");
        // One of three says nothing, and neither do five of ninety-nine.
        assert_eq!(judged(&rule, 0, 3, &[(1, false)]), None);
        assert_eq!(judged(&rule, 0, 99, &bounces(5)), None);
        assert!(judged(&rule, 0, 100, &bounces(5)).is_some());
        // They belong to the deliveries of that time, whoever was sent to meanwhile.
        assert!(judged(&rule, 0, 1_000_000, &bounces(60)).is_some());
        assert_eq!(judged(&GuardRule { enabled: false, ..rule }, 0, 1000, &bounces(500)), None);
    }

    #[test]
    fn one_complaint_in_a_thousand() {
        let rule = GuardRule::default();
        assert_eq!(judged(&rule, 0, 500, &[(3, true)]), None, "one alone needs a whole window");
        assert!(judged(&rule, 0, 500, &[(3, true), (4, true)]).is_some());
        let tripped = judged(&rule, 0, 1000, &[(3, true)]).unwrap();
        assert_eq!((tripped.cause, tripped.count), (GuardCause::Complaints, 1));
        assert_eq!(judged(&rule, 0, 20_000, &[(3, true)]).map(|t| t.of), Some(1000));
        let lax = GuardRule { complaint_percent: 0.3, ..rule };
        assert_eq!(judged(&lax, 0, 1000, &[(3, true)]), None);
    }

    #[test]
    fn a_lifted_guard_begins_anew() {
        let rule = GuardRule::default();
        let old: Vec<_> = (0..200).map(|at| (at, false)).collect();
        assert!(judged(&rule, 0, 1000, &old).is_some());
        assert_eq!(judged(&rule, 1000, 1500, &old), None);
    }

    proptest! {
        /// Against the rule as it is written: some window of the latest deliveries at some time.
        #[test]
        fn it_is_the_rule(
            from in 0u64..400,
            sent in 0u64..4000,
            mut came_back in proptest::collection::vec((0u64..4000, any::<bool>()), 0..160),
            bounce_percent in 1.0f64..20.0,
        ) {
            came_back.retain(|(at, complaint)| !complaint && (from..sent).contains(at));
            came_back.dedup();
            let rule = GuardRule { bounce_percent, ..GuardRule::default() };
            let tripped = judged(&rule, from, sent, &came_back);
            let total = sent.saturating_sub(from);
            let within = |a: u64, b: u64| came_back.iter().filter(|(at, _)| (a..b).contains(at)).count() as f64;
            if let Some(tripped) = tripped {
                // Never without cause: that many came back, of that many, which are enough.
                prop_assert!(tripped.of >= rule.least && tripped.of <= rule.window + 2 * BLOCK);
                prop_assert!(tripped.count as f64 * 100.0 >= bounce_percent * tripped.of as f64);
                prop_assert!(tripped.count as usize <= came_back.len());
            } else if total >= rule.least {
                // Never silent where it is plain: a window that begins with a block, and all there is.
                let width = rule.window.min(total);
                let mut start = from;
                while start + width <= sent {
                    let count = within(start, start + width);
                    prop_assert!(
                        count < 2.0 || count * 100.0 < bounce_percent * (width + 2 * BLOCK) as f64,
                        "{count} of {width} from {start}"
                    );
                    start = (start / BLOCK + 1) * BLOCK;
                }
            }
        }

        #[test]
        fn more_that_comes_back_never_calms(
            sent in 1u64..3000,
            came_back in proptest::collection::vec((0u64..3000, any::<bool>()), 1..80),
        ) {
            let rule = GuardRule::default();
            let fewer = judged(&rule, 0, sent, &came_back[..came_back.len() - 1]).is_some();
            prop_assert!(!fewer || judged(&rule, 0, sent, &came_back).is_some());
        }
    }
}
