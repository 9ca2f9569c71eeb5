//! Messages and their schedule.

use crate::domain::audit::AuditEntry;
use crate::domain::content::Content;
use crate::domain::ids::{MessageId, MessageNo, Revision};
use crate::domain::message::Message;
use crate::domain::state::{Event, MessageState};
use crate::domain::time::Timestamp;
use crate::store::embedded::writer::Class;
use crate::store::embedded::{Embedded, messages};
use crate::store::error::{Result, StoreError};
use crate::store::messages::{Claimed, MessageFilter, Messages, StateCounts};
use crate::store::page::{Page, PageRequest};
use async_trait::async_trait;
use std::time::Duration;

/// Messages that one step of holding everything holds.
const HOLD_STEP: usize = 5000;

#[async_trait]
impl Messages for Embedded {
    async fn create_message(&self, message: Message, audit: AuditEntry) -> Result<Message> {
        self.write(Class::Growth, move |tx| messages::create(tx, &message, &audit)).await
    }

    async fn message(&self, id: &MessageId) -> Result<Message> {
        let id = id.clone();
        self.read(move |view| messages::by_id(view, &id)).await
    }

    async fn message_by_no(&self, no: MessageNo) -> Result<Message> {
        self.read(move |view| messages::read(view, no)).await
    }

    async fn put_message(&self, message: Message, expect: Revision, audit: AuditEntry) -> Result<Message> {
        self.write(Class::Growth, move |tx| messages::put(tx, &message, expect, &audit)).await
    }

    async fn rewrite_content(&self, no: MessageNo, content: Content) -> Result<()> {
        self.write(Class::Essential, move |tx| messages::rewrite(tx, no, &content)).await
    }

    async fn transition(
        &self,
        no: MessageNo,
        event: Event,
        expect: Option<Revision>,
        at: Timestamp,
        audit: Option<AuditEntry>,
    ) -> Result<Message> {
        self.write(Class::Essential, move |tx| {
            messages::transition(tx, no, &event, expect, at, audit.as_ref())
        })
        .await
    }

    async fn delete_message(
        &self,
        id: &MessageId,
        expect: Option<Revision>,
        audit: AuditEntry,
    ) -> Result<()> {
        let id = id.clone();
        self.write(Class::Essential, move |tx| messages::delete(tx, &id, expect, &audit)).await
    }

    async fn messages(&self, filter: MessageFilter, page: PageRequest<Message>) -> Result<Page<Message>> {
        self.read(move |view| {
            let counts = Self::counts(view)?.states;
            messages::page(view, &filter, &page, &counts)
        })
        .await
    }

    async fn state_counts(&self) -> Result<StateCounts> {
        self.read(|view| Ok(Self::counts(view)?.states)).await
    }

    async fn claim_due(&self, now: Timestamp, limit: usize, late_after: Option<Duration>) -> Result<Claimed> {
        if self.shared.is_closing() {
            return Err(StoreError::Closed);
        }
        // A tick with nothing due costs a look, not a commit.
        let head = self.shared.head();
        if head.is_none_or(|due| due > now) || limit == 0 {
            return Ok(Claimed { next_due: head, ..Claimed::default() });
        }
        self.write(Class::Growth, move |tx| messages::claim_due(tx, now, limit, late_after)).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>> {
        self.read(messages::next_due).await
    }

    async fn upcoming(&self, limit: usize) -> Result<Vec<Message>> {
        self.read(move |view| messages::upcoming(view, limit)).await
    }

    async fn active(&self) -> Result<Vec<Message>> {
        self.read(|view| {
            let paused = MessageState::Paused { by: String::new(), since: Timestamp(0) };
            messages::in_states(view, &[&MessageState::Processing, &paused])
        })
        .await
    }

    async fn hold_restored(&self, at: Timestamp) -> Result<u64> {
        let mut held = 0;
        loop {
            let step =
                self.write(Class::Essential, move |tx| messages::hold_restored(tx, at, HOLD_STEP)).await?;
            held += step;
            if step < HOLD_STEP as u64 {
                return Ok(held);
            }
        }
    }
}
