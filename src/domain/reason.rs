//! Why: one reason of a closed list for everything that is not over.

use super::ids::ProviderId;
use super::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a message, or a delivery, stands where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "reason", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Why {
    /// It is a draft.
    Draft,
    /// Confirmed, and can still be undone.
    UndoWindow {
        /// Until when.
        until: Timestamp,
    },
    /// Waits for its time.
    Scheduled {
        /// When it is due.
        at: Timestamp,
    },
    /// Due long ago, while nothing ran.
    HeldLate {
        /// When it was due.
        due: Timestamp,
    },
    /// More people than were shown.
    HeldAudienceGrew {
        /// Shown.
        confirmed: u64,
        /// Found.
        found: u64,
    },
    /// Answers were lost, and an operator decides.
    HeldUncertain {
        /// How many.
        count: u64,
    },
    /// The store was restored from a copy.
    HeldRestored,
    /// Somebody is editing it.
    HeldEditing {
        /// Who.
        by: String,
        /// Since when.
        since: Timestamp,
    },
    /// Stopped by an operator.
    Paused {
        /// Who.
        by: String,
        /// Since when.
        since: Timestamp,
    },
    /// Its provider was paused by an operator.
    ProviderPaused {
        /// Which.
        provider: ProviderId,
        /// By whom.
        by: String,
        /// Since when.
        since: Timestamp,
    },
    /// The provider's guard stopped its bulk: too much came back.
    BulkPaused {
        /// Which.
        provider: ProviderId,
        /// How much came back.
        cause: String,
        /// Since when.
        since: Timestamp,
    },
    /// The provider takes no more a second.
    RateLimit {
        /// Which.
        provider: ProviderId,
        /// Recipients a second.
        per_second: Rate,
    },
    /// The hour's or the day's quota is used up.
    Quota {
        /// Which.
        provider: ProviderId,
        /// When it goes on.
        until: Timestamp,
    },
    /// The provider fails again and again; it is tried again later.
    Breaker {
        /// Which.
        provider: ProviderId,
        /// When.
        until: Timestamp,
        /// What went wrong last.
        cause: String,
    },
    /// The provider refuses us.
    ProviderRefuses {
        /// Which.
        provider: ProviderId,
        /// What it said.
        answer: String,
        /// Since when.
        since: Timestamp,
    },
    /// No enabled provider of the type.
    NoProvider,
    /// Waits for another attempt.
    Retry {
        /// Which attempt comes next.
        attempt: u16,
        /// When.
        at: Timestamp,
        /// What was said last.
        cause: String,
    },
    /// The store cannot write, so nothing is sent.
    Disk {
        /// What the disk says.
        cause: String,
    },
    /// All sending was stopped.
    Stopped {
        /// By whom.
        by: String,
        /// Since when.
        since: Timestamp,
    },
    /// Nobody runs the engine.
    NotRunning,
    /// It is being planned or sent right now.
    Sending,
}

/// A number of recipients a second, kept as bits so that reasons can be compared exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "f64", into = "f64")]
#[schemars(with = "f64")]
pub struct Rate(u64);

impl From<f64> for Rate {
    fn from(value: f64) -> Self {
        Self(value.to_bits())
    }
}

impl From<Rate> for f64 {
    fn from(bits: Rate) -> Self {
        Self::from_bits(bits.0)
    }
}

/// As people read it: `2026-11-23 16:48:01 UTC`.
fn utc(at: &Timestamp) -> impl fmt::Display {
    at.to_utc().format("%Y-%m-%d %H:%M:%S UTC")
}

impl fmt::Display for Why {
    /// One sentence, without the subject: "waits until …".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Draft => f.write_str("is a draft: schedule or send it"),
            Self::UndoWindow { until } => write!(f, "can be undone until {}", utc(until)),
            Self::Scheduled { at } => write!(f, "is scheduled for {}", utc(at)),
            Self::HeldLate { due } => write!(f, "is held: it was due {}, while nothing ran", utc(due)),
            Self::HeldAudienceGrew { confirmed, found } => {
                write!(f, "is held: {found} people, {confirmed} when it was approved")
            }
            Self::HeldUncertain { count } => {
                write!(f, "needs a decision: the answers for {count} recipients were lost")
            }
            Self::HeldRestored => {
                f.write_str("is held: the store was restored from a copy, it may have been sent")
            }
            Self::HeldEditing { by, since } => {
                write!(f, "is held: {by} has been editing it since {}", utc(since))
            }
            Self::Paused { by, since } => write!(f, "was paused by {by} at {}", utc(since)),
            Self::ProviderPaused { provider, by, since } => {
                write!(f, "waits: provider {provider} was paused by {by} at {}", utc(since))
            }
            Self::BulkPaused { provider, cause, since } => {
                let since = utc(since);
                write!(f, "sends no bulk since {since}: {cause}; resume provider {provider} to let it go on")
            }
            Self::RateLimit { provider, per_second } => {
                write!(f, "waits for the rate limit of {provider}, {}/s", f64::from(*per_second))
            }
            Self::Quota { provider, until } => {
                write!(f, "waits for the quota of {provider} until {}", utc(until))
            }
            Self::Breaker { provider, until, cause } => {
                write!(f, "waits: {provider} fails ({cause}), next try {}", utc(until))
            }
            Self::ProviderRefuses { provider, answer, since } => {
                write!(f, "waits: {provider} has refused us since {}: {answer}", utc(since))
            }
            Self::NoProvider => f.write_str("waits: no enabled provider of its type"),
            Self::Retry { attempt, at, cause } => {
                write!(f, "waits for attempt {attempt} at {}: {cause}", utc(at))
            }
            Self::Disk { cause } => write!(f, "waits: the store cannot write ({cause})"),
            Self::Stopped { by, since } => {
                write!(f, "waits: all sending was stopped by {by} at {}", utc(since))
            }
            Self::NotRunning => f.write_str("waits: nobody runs the engine (start herald or herald serve)"),
            Self::Sending => f.write_str("is being sent"),
        }
    }
}
