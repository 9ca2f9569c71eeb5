//! The suppression list.

use crate::domain::audit::AuditEntry;
use crate::domain::channel::Channel;
use crate::domain::ids::{SuppressionId, TargetNo, TopicId};
use crate::domain::plan::Planned;
use crate::domain::suppression::{Suppress, Suppression, SuppressionCause};
use crate::store::embedded::writer::Class;
use crate::store::embedded::{Embedded, suppressions};
use crate::store::error::Result;
use crate::store::page::{Page, PageRequest};
use crate::store::suppressions::{SuppressReceipt, SuppressionView, Suppressions};
use async_trait::async_trait;

#[async_trait]
impl Suppressions for Embedded {
    async fn suppress(&self, list: Vec<Suppress>, audit: AuditEntry) -> Result<SuppressReceipt> {
        // Who must not be written to is written down also when room is short.
        self.write(Class::Essential, move |tx| suppressions::suppress(tx, &list, &audit)).await
    }

    async fn lift(&self, ids: Vec<SuppressionId>, audit: AuditEntry) -> Result<u64> {
        self.write(Class::Essential, move |tx| suppressions::lift(tx, &ids, &audit)).await
    }

    async fn suppression(&self, id: &SuppressionId) -> Result<SuppressionView> {
        let id = id.clone();
        self.read(move |view| suppressions::by_id(view, &id)).await
    }

    async fn suppressions(&self, page: PageRequest<Suppression>) -> Result<Page<SuppressionView>> {
        self.read(move |view| suppressions::page(view, &page)).await
    }

    async fn suppressions_of(&self, channel: Channel, address: &str) -> Result<Vec<Suppression>> {
        let address = address.to_owned();
        self.read(move |view| suppressions::of(view, channel, &address)).await
    }

    async fn suppressed_among(
        &self,
        topics: Vec<TopicId>,
        planned: Vec<Planned>,
    ) -> Result<Vec<(TargetNo, SuppressionCause)>> {
        self.read(move |view| suppressions::among(view, &topics, &planned)).await
    }
}
