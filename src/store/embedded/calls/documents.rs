//! Small documents, and operations over deliveries.

use crate::domain::audit::AuditEntry;
use crate::store::documents::{
    DocumentChange, Documents, Ended, Expected, OperationReceipt, OperationStep, Shelf,
};
use crate::store::embedded::writer::Class;
use crate::store::embedded::{Embedded, documents};
use crate::store::error::Result;
use crate::store::page::Order;
use async_trait::async_trait;
use secrecy::SecretString;

/// What makes something new must leave room for what has to be recorded.
fn class(changes: &[DocumentChange]) -> Class {
    let grows = changes.iter().any(|change| {
        // Alerts, and operations such as a cancel, are for when the disk is full.
        let made = matches!(change.shelf, Shelf::Webhooks | Shelf::Drafts);
        change.value.is_some()
            && (change.expect.is_none() || (made && change.expect == Some(Expected::Nothing)))
    });
    if grows { Class::Growth } else { Class::Essential }
}

#[async_trait]
impl Documents for Embedded {
    async fn document(&self, shelf: Shelf, key: &str) -> Result<Option<Vec<u8>>> {
        let key = key.to_owned();
        self.read(move |view| documents::document(view, shelf, &key)).await
    }

    async fn documents(
        &self,
        shelf: Shelf,
        prefix: &str,
        after: Option<&str>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>> {
        let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
        self.read(move |view| documents::page(view, shelf, &prefix, after.as_deref(), order, limit)).await
    }

    async fn write_documents(&self, changes: Vec<DocumentChange>, audit: Option<AuditEntry>) -> Result<()> {
        self.write(class(&changes), move |tx| {
            documents::change(tx, &changes)?;
            match &audit {
                Some(audit) => tx.audit(audit),
                None => Ok(()),
            }
        })
        .await
    }

    async fn operate(&self, step: OperationStep) -> Result<OperationReceipt> {
        self.write(Class::Growth, move |tx| documents::operate(tx, &step)).await
    }

    fn seal(&self, record: &str, field: &str, secret: &SecretString) -> Result<Vec<u8>> {
        self.sealing.to_seal()?.seal(record, field, secret)
    }

    fn unseal(&self, record: &str, field: &str, sealed: &[u8]) -> Result<SecretString> {
        self.sealing.to_open()?.open(record, field, sealed)
    }

    async fn ended(&self, limit: usize) -> Result<Vec<Ended>> {
        self.read(move |view| documents::ended(view, limit)).await
    }

    async fn take_ended(&self, ends: Vec<u64>, changes: Vec<DocumentChange>) -> Result<()> {
        self.write(Class::Essential, move |tx| documents::take_ended(tx, &ends, &changes)).await
    }
}
