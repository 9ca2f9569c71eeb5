//! Receipts and guards.

use crate::domain::audit::AuditEntry;
use crate::domain::ids::{MessageNo, ProviderNo};
use crate::domain::receipt::{ReceiptCounts, ReceiptKey};
use crate::store::embedded::writer::Class;
use crate::store::embedded::{Embedded, receipts};
use crate::store::error::Result;
use crate::store::receipts::{GuardState, ReceiptEntry, Receipts, Recorded, Traceable};
use async_trait::async_trait;

#[async_trait]
impl Receipts for Embedded {
    async fn traced(&self, provider: ProviderNo, key: ReceiptKey) -> Result<Vec<Traceable>> {
        let now = self.shared.clock.now();
        self.read(move |view| receipts::traced(view, provider, key, now)).await
    }

    async fn record_receipt(&self, entry: ReceiptEntry) -> Result<Recorded> {
        self.write(Class::Essential, move |tx| receipts::record(tx, &entry)).await
    }

    async fn receipt_counts(&self, message: MessageNo) -> Result<ReceiptCounts> {
        self.read(move |view| receipts::counts(view, message)).await
    }

    async fn guard(&self, provider: ProviderNo) -> Result<GuardState> {
        self.read(move |view| receipts::guard(view, provider)).await
    }

    async fn lift_guard(&self, provider: ProviderNo, audit: Option<AuditEntry>) -> Result<()> {
        self.write(Class::Essential, move |tx| receipts::lift(tx, provider, audit.as_ref())).await
    }
}
