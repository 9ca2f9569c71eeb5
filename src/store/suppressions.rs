//! The suppression list, as the store keeps it.

use super::error::Result;
use super::page::{Page, PageRequest};
use crate::domain::audit::AuditEntry;
use crate::domain::channel::Channel;
use crate::domain::ids::{SuppressionId, TargetId, TargetNo, TopicId};
use crate::domain::plan::Planned;
use crate::domain::suppression::{Suppress, Suppression, SuppressionCause};
use async_trait::async_trait;

/// A suppression, and the target that has its address now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuppressionView {
    /// The record.
    pub suppression: Suppression,
    /// The target that has the address now, also where the address itself was erased.
    pub target: Option<TargetId>,
}

/// What became of addresses that were to be suppressed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SuppressReceipt {
    /// Those that are new on the list.
    pub added: Vec<Suppression>,
    /// How many were on it already, for the same cause and topic; they stay as they were.
    pub known: u64,
}

/// The suppression list. Addresses are found by a keyed digest, so that a
/// suppression holds on after the address itself was erased.
#[async_trait]
pub trait Suppressions {
    /// Puts addresses on the list, in one transaction. The audit entry is written
    /// if anything is new; of a single new record it names that record.
    async fn suppress(&self, list: Vec<Suppress>, audit: AuditEntry) -> Result<SuppressReceipt>;
    /// Takes records off the list; says how many there were. A target that a hard
    /// bounce had marked as expired is no longer. The audit entry is written if there were any.
    async fn lift(&self, ids: Vec<SuppressionId>, audit: AuditEntry) -> Result<u64>;
    /// A record by id.
    async fn suppression(&self, id: &SuppressionId) -> Result<SuppressionView>;
    /// A page of the list, by number; `search` is a prefix of words of the address or the note.
    async fn suppressions(&self, page: PageRequest<Suppression>) -> Result<Page<SuppressionView>>;
    /// Every record of an address.
    async fn suppressions_of(&self, channel: Channel, address: &str) -> Result<Vec<Suppression>>;
    /// Which of these recipients of a message's audience would be left out, and why.
    async fn suppressed_among(
        &self,
        topics: Vec<TopicId>,
        planned: Vec<Planned>,
    ) -> Result<Vec<(TargetNo, SuppressionCause)>>;
}
