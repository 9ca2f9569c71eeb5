//! The states of a message as one machine.

use super::plan::Again;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where a message stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MessageState {
    /// Being written; nothing happens to it.
    Draft,
    /// Waits for its due time.
    Scheduled,
    /// Would be due, and waits for somebody to say so.
    Held(Hold),
    /// Being planned and sent.
    Processing,
    /// Being sent, and stopped by an operator. What is in flight finishes.
    Paused {
        /// Who.
        by: String,
        /// When.
        since: Timestamp,
    },
    /// Ended by an operator before everybody was tried.
    Cancelled {
        /// Who.
        by: String,
    },
    /// All that was planned was accepted.
    Sent,
    /// Ended, and somebody did not get it. The causes are listed.
    Failed,
}

/// Why a message is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hold {
    /// Due long ago, while nothing ran.
    Late,
    /// The plan has more people than were shown when it was confirmed.
    AudienceGrew {
        /// Confirmed.
        confirmed: u64,
        /// Found.
        found: u64,
    },
    /// The store was restored from a copy: it may have been sent already.
    Restored,
    /// Somebody is editing it.
    Editing {
        /// Who.
        by: String,
        /// Since when.
        since: Timestamp,
    },
}

/// What can happen to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A due time is set, or set anew (now is one too).
    Schedule,
    /// Back to draft; the dialect's "cancel scheduling".
    Unschedule,
    /// It is stopped before it starts.
    Hold(Hold),
    /// A held message may go: it is due at its time again.
    Release,
    /// The scheduler takes it because it is due.
    Claim,
    /// An operator stops it while it is being sent.
    Pause {
        /// Who.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// An operator lets it go on.
    Resume,
    /// An operator ends it.
    Cancel {
        /// Who.
        by: String,
    },
    /// Nothing is left to try.
    Finish {
        /// Whether all that was planned was accepted.
        all_accepted: bool,
    },
    /// Its deadline passed before it could start.
    Expire,
    /// The failed recipients are tried once more.
    Reopen(Again),
}

/// A state and an event that do not go together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a message that is {from} cannot be {verb}")]
pub struct TransitionError {
    /// The state's word.
    pub from: &'static str,
    /// What was asked, as a participle.
    pub verb: &'static str,
}

impl Event {
    fn verb(&self) -> &'static str {
        match self {
            Self::Schedule => "scheduled",
            Self::Unschedule => "made a draft",
            Self::Hold(_) => "held",
            Self::Release => "released",
            Self::Claim => "claimed",
            Self::Pause { .. } => "paused",
            Self::Resume => "resumed",
            Self::Cancel { .. } => "cancelled",
            Self::Finish { .. } => "finished",
            Self::Expire => "expired",
            Self::Reopen(_) => "retried",
        }
    }
}

impl MessageState {
    /// The one transition function.
    pub fn apply(&self, event: Event) -> Result<Self, TransitionError> {
        use MessageState as S;
        Ok(match (self, event) {
            (S::Draft | S::Scheduled | S::Held(_), Event::Schedule) | (S::Held(_), Event::Release) => {
                S::Scheduled
            }
            (S::Scheduled | S::Held(_), Event::Unschedule) => S::Draft,
            (S::Scheduled | S::Held(_) | S::Processing, Event::Hold(hold)) => S::Held(hold),
            (S::Scheduled, Event::Claim)
            | (S::Paused { .. }, Event::Resume)
            | (S::Failed, Event::Reopen(_)) => S::Processing,
            (S::Processing, Event::Pause { by, at }) => S::Paused { by, since: at },
            (
                S::Draft | S::Scheduled | S::Held(_) | S::Processing | S::Paused { .. },
                Event::Cancel { by },
            ) => S::Cancelled { by },
            (S::Processing | S::Paused { .. }, Event::Finish { all_accepted }) => {
                if all_accepted {
                    S::Sent
                } else {
                    S::Failed
                }
            }
            (S::Scheduled | S::Held(_) | S::Processing | S::Paused { .. }, Event::Expire) => S::Failed,
            (state, event) => {
                return Err(TransitionError { from: state.as_str(), verb: event.verb() });
            }
        })
    }

    /// Herald's word, as in the extension field `state`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Scheduled => "scheduled",
            Self::Held(_) => "held",
            Self::Processing => "processing",
            Self::Paused { .. } => "paused",
            Self::Cancelled { .. } => "cancelled",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }

    /// The dialect's five: held is still scheduled, paused is still processing,
    /// cancelled has failed with that cause.
    pub const fn dialect(&self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Scheduled | Self::Held(_) => "scheduled",
            Self::Processing | Self::Paused { .. } => "processing",
            Self::Sent => "sent",
            Self::Cancelled { .. } | Self::Failed => "failed",
        }
    }

    /// A small number for indexes; stable across versions.
    pub const fn code(&self) -> u8 {
        match self {
            Self::Draft => 0,
            Self::Scheduled => 1,
            Self::Held(_) => 2,
            Self::Processing => 3,
            Self::Paused { .. } => 4,
            Self::Cancelled { .. } => 5,
            Self::Sent => 6,
            Self::Failed => 7,
        }
    }

    /// Whether nothing more happens by itself or by release.
    pub const fn is_over(&self) -> bool {
        matches!(self, Self::Cancelled { .. } | Self::Sent | Self::Failed)
    }

    /// Words of all states, by [`MessageState::code`].
    pub const WORDS: [&'static str; 8] =
        ["draft", "scheduled", "held", "processing", "paused", "cancelled", "sent", "failed"];
}

impl fmt::Display for MessageState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states() -> Vec<MessageState> {
        let by = || "mira".to_owned();
        vec![
            MessageState::Draft,
            MessageState::Scheduled,
            MessageState::Held(Hold::Late),
            MessageState::Processing,
            MessageState::Paused { by: by(), since: Timestamp(1) },
            MessageState::Cancelled { by: by() },
            MessageState::Sent,
            MessageState::Failed,
        ]
    }

    fn events() -> Vec<(Event, &'static str)> {
        let by = || "mira".to_owned();
        vec![
            (Event::Schedule, "schedule"),
            (Event::Unschedule, "unschedule"),
            (Event::Hold(Hold::Restored), "hold"),
            (Event::Release, "release"),
            (Event::Claim, "claim"),
            (Event::Pause { by: by(), at: Timestamp(1) }, "pause"),
            (Event::Resume, "resume"),
            (Event::Cancel { by: by() }, "cancel"),
            (Event::Finish { all_accepted: true }, "finish"),
            (Event::Finish { all_accepted: false }, "finish badly"),
            (Event::Expire, "expire"),
            (Event::Reopen(Again::default()), "reopen"),
        ]
    }

    /// Every state against every event: what is written here is the machine.
    #[test]
    fn every_transition() {
        // Columns: the order of `events`. `-` is refused.
        let table = [
            ("draft", "scheduled - - - - - - cancelled - - - -"),
            ("scheduled", "scheduled draft held - processing - - cancelled - - failed -"),
            ("held", "scheduled draft held scheduled - - - cancelled - - failed -"),
            ("processing", "- - held - - paused - cancelled sent failed failed -"),
            ("paused", "- - - - - - processing cancelled sent failed failed -"),
            ("cancelled", "- - - - - - - - - - - -"),
            ("sent", "- - - - - - - - - - - -"),
            ("failed", "- - - - - - - - - - - processing"),
        ];
        for (state, (name, row)) in states().into_iter().zip(table) {
            assert_eq!(state.as_str(), name);
            for ((event, what), expected) in events().into_iter().zip(row.split(' ')) {
                let got = state.apply(event).map_or("-", |next| next.as_str());
                assert_eq!(got, expected, "{name} + {what}");
            }
        }
    }

    #[test]
    fn codes_index_the_words() {
        for state in states() {
            assert_eq!(MessageState::WORDS[usize::from(state.code())], state.as_str());
        }
    }

    #[test]
    fn the_dialects_five() {
        let got: Vec<_> = states().iter().map(MessageState::dialect).collect();
        assert_eq!(
            got,
            ["draft", "scheduled", "scheduled", "processing", "processing", "failed", "sent", "failed"]
        );
    }
}
