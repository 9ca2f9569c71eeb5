//! The three ways of messaging.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// What a message, a target and a provider are of. The dialect calls it `providerType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// Electronic mail.
    Email,
    /// Text messages to phones.
    Sms,
    /// Notifications to devices.
    Push,
}

impl Channel {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Email, Self::Sms, Self::Push];

    /// The dialect's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Push => "push",
        }
    }

    /// The channel of the dialect's word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == text)
    }

    /// How long after its due time a message may still be sent when it says
    /// nothing itself: email 3 days, push 1 day, SMS 4 hours.
    pub const fn default_lifetime(self) -> Duration {
        match self {
            Self::Email => Duration::from_hours(72),
            Self::Sms => Duration::from_hours(4),
            Self::Push => Duration::from_hours(24),
        }
    }

    /// What becomes of a recipient whose attempt was interrupted by a crash when
    /// the message says nothing itself. SMS costs money, so an operator decides.
    pub const fn default_in_doubt(self) -> InDoubt {
        match self {
            Self::Email | Self::Push => InDoubt::Resend,
            Self::Sms => InDoubt::Hold,
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What becomes of a recipient of whom it is not known whether the provider took the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InDoubt {
    /// Sent again, marked as possibly twice, under the same Message-ID or collapse id.
    Resend,
    /// Held as uncertain until an operator decides.
    Hold,
}
