//! What each condition of a provider does to what goes through it: one table.

use serde::{Deserialize, Serialize};

/// What can stand between a provider and its recipients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// It no longer exists, or never did (nobody of the type was enabled).
    Deleted,
    /// An operator switched it off.
    Disabled,
    /// The service refuses us.
    Refuses,
    /// An operator paused it.
    Paused,
    /// The hour's or the day's quota is used up.
    Quota,
    /// The way to it fails, or it asked for a pause.
    Breaker,
}

impl Condition {
    /// All of them, the gravest first.
    pub const ALL: [Self; 6] =
        [Self::Deleted, Self::Disabled, Self::Refuses, Self::Paused, Self::Quota, Self::Breaker];
}

/// How far a recipient has come when the condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// A plan is being written, and asks for a provider.
    NewPlan,
    /// Written down in the plan, not claimed.
    Planned,
    /// Handed to the adapter.
    InFlight,
    /// Claimed, and not yet handed to the adapter.
    AtHand,
    /// Waits for another attempt.
    Retry,
    /// Its target names this provider, and no other of its service is enabled: a push token,
    /// planned or waiting.
    Pinned,
}

impl Phase {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::NewPlan, Self::Planned, Self::InFlight, Self::AtHand, Self::Retry, Self::Pinned];
}

/// What happens to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Stays with this provider and goes on by itself.
    Waits,
    /// Goes through another enabled provider of the type; where there is none, it waits.
    Replanned,
    /// Waits until the provider is released.
    Held,
    /// Goes on to its end.
    Finishes,
}

/// The table. Rows are conditions, columns are phases.
pub const fn effect(condition: Condition, phase: Phase) -> Effect {
    use Effect::{Finishes, Held, Replanned, Waits};
    #[allow(clippy::match_same_arms, reason = "rows that are alike are so by decision, each for itself")]
    let row = match condition {
        //                              NewPlan    Planned    InFlight  AtHand    Retry      Pinned
        Condition::Deleted => [Replanned, Replanned, Finishes, Replanned, Replanned, Waits],
        Condition::Disabled => [Replanned, Replanned, Finishes, Replanned, Replanned, Waits],
        Condition::Refuses => [Waits, Waits, Finishes, Held, Waits, Waits],
        Condition::Paused => [Waits, Waits, Finishes, Waits, Waits, Waits],
        Condition::Quota => [Waits, Waits, Finishes, Finishes, Waits, Waits],
        Condition::Breaker => [Waits, Waits, Finishes, Waits, Waits, Waits],
    };
    row[phase as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_flight_is_torn_out() {
        for condition in Condition::ALL {
            assert_eq!(effect(condition, Phase::InFlight), Effect::Finishes);
            assert_eq!(effect(condition, Phase::Pinned), Effect::Waits, "a token goes to no other service");
        }
    }

    #[test]
    fn only_who_cannot_come_back_by_itself_is_replanned() {
        for phase in [Phase::NewPlan, Phase::Planned, Phase::AtHand, Phase::Retry] {
            for condition in Condition::ALL {
                let gone = matches!(condition, Condition::Deleted | Condition::Disabled);
                assert_eq!(effect(condition, phase) == Effect::Replanned, gone);
            }
        }
    }
}
