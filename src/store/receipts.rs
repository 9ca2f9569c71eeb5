//! Receipts: which delivery a service speaks of, what came of it, and the guard
//! that counts what comes back.

use super::error::Result;
use crate::domain::audit::AuditEntry;
use crate::domain::delivery::{LogDetail, Outcome};
use crate::domain::guard::Tripped;
use crate::domain::ids::{MessageNo, ProviderNo};
use crate::domain::receipt::{Accepted, ReceiptCounts, ReceiptKey};
use crate::domain::time::Timestamp;
use async_trait::async_trait;

/// A delivery that a key leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traceable {
    /// Where it is, to be handed back as it is.
    pub place: Vec<u8>,
    /// What is known of it.
    pub accepted: Accepted,
}

/// A receipt for one delivery, to be recorded.
#[derive(Debug, Clone)]
pub struct ReceiptEntry {
    /// Of which provider.
    pub provider: ProviderNo,
    /// Of which delivery.
    pub place: Vec<u8>,
    /// What it says; see [`Outcome::is_receipt`].
    pub outcome: Outcome,
    /// The rest of the log row.
    pub detail: LogDetail,
    /// When it happened: the time of the log row.
    pub happened: Timestamp,
    /// Now.
    pub at: Timestamp,
}

/// What became of a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// It is in the log. `tripped`: it was one too many.
    New {
        /// The guard has just stopped the provider's bulk.
        tripped: Option<Tripped>,
    },
    /// It was there before.
    Known,
    /// The delivery is not known any more.
    Gone,
}

/// How a provider's guard stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GuardState {
    /// Deliveries that count, since the guard was last lifted.
    pub counted: u64,
    /// Deliveries of the latest window that came back for good.
    pub bounced: u64,
    /// Of the same, as unwanted.
    pub complained: u64,
    /// How many deliveries the window has.
    pub of: u64,
    /// It has stopped the bulk.
    pub tripped: Option<Tripped>,
    /// When the last receipt came.
    pub last_receipt: Option<Timestamp>,
}

/// Receipts, and the guard.
#[async_trait]
pub trait Receipts {
    /// Deliveries of a provider that a key may stand for, those whose address fits first and alone
    /// if there are any; at most a few.
    async fn traced(&self, provider: ProviderNo, key: ReceiptKey) -> Result<Vec<Traceable>>;
    /// Records a receipt, once for each delivery and outcome: a row in the log, the counts of the
    /// message, the guard, in one durable commit.
    async fn record_receipt(&self, entry: ReceiptEntry) -> Result<Recorded>;
    /// What receipts have said of a message's deliveries.
    async fn receipt_counts(&self, message: MessageNo) -> Result<ReceiptCounts>;
    /// How a provider's guard stands.
    async fn guard(&self, provider: ProviderNo) -> Result<GuardState>;
    /// Lifts a provider's guard: it counts from now on.
    async fn lift_guard(&self, provider: ProviderNo, audit: Option<AuditEntry>) -> Result<()>;
}
