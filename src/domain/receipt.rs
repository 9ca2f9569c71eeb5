//! Receipts: what a service reports of a message after it has taken it.

use super::delivery::Outcome;
use super::ids::{IdentifierNo, MessageNo, TargetNo};
use super::provider::Receipt;
use super::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One report, as its service said it, in our terms.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// What became of the message; `None`: something that says nothing of that, such
    /// as a delay or a click.
    pub what: Option<Receipt>,
    /// Of a bounce: the service says that the address will not do another time either.
    pub permanent: bool,
    /// The service's id of the message.
    pub id: String,
    /// Our own reference, where the service gives it back: the local part of the
    /// Message-ID, or what an adapter has passed along.
    pub reference: String,
    /// The recipient's address; empty where the service does not say.
    pub address: String,
    /// A status code: SMTP's, or the service's own where it is a number.
    pub code: u16,
    /// The service's own words.
    pub said: String,
    /// When it happened, if the service says.
    pub at: Option<Timestamp>,
}

impl Report {
    /// The outcome of the row that it gets.
    pub fn outcome(&self) -> Option<Outcome> {
        Some(match self.what? {
            Receipt::Delivered => Outcome::Delivered,
            Receipt::Bounced if self.permanent => Outcome::Bounced,
            Receipt::Bounced => Outcome::SoftBounced,
            Receipt::Complained => Outcome::Complained,
            Receipt::Unsubscribed => Outcome::Unsubscribed,
        })
    }
}

/// Which deliveries a service's id of a message may stand for: a digest of the id,
/// and two bytes of the address's, which tell the thousand recipients of one
/// request apart and are too few to tell who somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReceiptKey {
    /// Of the id.
    pub id: [u8; 8],
    /// Of the address.
    pub tag: [u8; 2],
}

/// What of a delivery its receipts refer to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// Which message.
    pub message: MessageNo,
    /// Which target.
    pub target: TargetNo,
    /// The identifier record that was used.
    pub identifier: IdentifierNo,
    /// The attempt that was accepted.
    pub attempt: u16,
    /// The message's run.
    pub run: u16,
    /// When.
    pub at: Timestamp,
    /// Its number among the provider's deliveries, for the guard.
    pub nth: u64,
    /// Which receipts have come, as bits by [`seen`].
    pub seen: u8,
}

/// The bit of an outcome in [`Accepted::seen`].
pub const fn seen(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Delivered => 1,
        Outcome::Bounced => 2,
        Outcome::SoftBounced => 4,
        Outcome::Complained => 8,
        Outcome::Unsubscribed => 16,
        _ => 0,
    }
}

/// What receipts have said of a message's deliveries: one for each delivery and word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ReceiptCounts {
    /// It arrived.
    pub delivered: u64,
    /// It came back for good.
    pub bounced: u64,
    /// It did not arrive this time.
    pub soft_bounced: u64,
    /// The recipient called it unwanted.
    pub complained: u64,
    /// The recipient wants no more.
    pub unsubscribed: u64,
}

impl ReceiptCounts {
    /// Counts one.
    pub fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Delivered => self.delivered += 1,
            Outcome::Bounced => self.bounced += 1,
            Outcome::SoftBounced => self.soft_bounced += 1,
            Outcome::Complained => self.complained += 1,
            Outcome::Unsubscribed => self.unsubscribed += 1,
            _ => {}
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What of an accepted or refused recipient counts for the guard and for receipts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Traced {
    /// The delivery counts for the provider's guard.
    pub counts: bool,
    /// Under which keys receipts will look for it; none: no receipts are taken.
    pub keys: Vec<ReceiptKey>,
}
