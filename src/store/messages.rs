//! Messages and their schedule, as the store keeps them.

use super::error::Result;
use super::page::{Page, PageRequest};
use crate::domain::audit::AuditEntry;
use crate::domain::content::Content;
use crate::domain::ids::{MessageId, MessageNo, Revision};
use crate::domain::message::Message;
use crate::domain::state::Event;
use crate::domain::time::Timestamp;
use async_trait::async_trait;
use std::time::Duration;

/// What a claim of due messages did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Claimed {
    /// Taken off the schedule: now processing, or over where nobody was left to be sent to.
    pub messages: Vec<Message>,
    /// Past their deadline: now failed as expired.
    pub expired: Vec<Message>,
    /// Later than the setting allows: now held.
    pub held: Vec<Message>,
    /// The due time of the next message that stays on the schedule.
    pub next_due: Option<Timestamp>,
}

/// Which messages a list shows.
#[derive(Debug, Clone, Default)]
pub struct MessageFilter {
    /// Only in these states (see `MessageState::code`); empty: in any.
    pub states: Vec<u8>,
}

/// How many messages are in each state, by `MessageState::code`.
pub type StateCounts = [u64; 8];

/// Messages and their schedule. A message is on the schedule exactly while its
/// state is *scheduled*, in the same transaction.
#[async_trait]
pub trait Messages {
    /// Writes a message, and its schedule if it has one, in one transaction. The
    /// number and the revision of the given record are set by the store.
    async fn create_message(&self, message: Message, audit: AuditEntry) -> Result<Message>;
    /// A message by id.
    async fn message(&self, id: &MessageId) -> Result<Message>;
    /// A message by number.
    async fn message_by_no(&self, no: MessageNo) -> Result<Message>;
    /// Replaces what people edit (content, audience, times, options) and the
    /// state of a message that still has the expected revision and has not been
    /// claimed; moves its schedule with it.
    async fn put_message(&self, message: Message, expect: Revision, audit: AuditEntry) -> Result<Message>;
    /// Replaces the content alone, whatever the state is: texts that quote somebody who is forgotten.
    /// The revision stays, and no audit says it.
    async fn rewrite_content(&self, no: MessageNo, content: Content) -> Result<()>;
    /// Applies one event of the state machine, with all that goes with it: a
    /// cancel takes back what no window has claimed and who waits; a reopen
    /// begins the next run. With `expect`, only at that revision. No audit: the
    /// engine did it.
    async fn transition(
        &self,
        no: MessageNo,
        event: Event,
        expect: Option<Revision>,
        at: Timestamp,
        audit: Option<AuditEntry>,
    ) -> Result<Message>;
    /// Deletes a message that is not being sent, with its plan. Its log rows stay until retention.
    /// With a revision, only while it has that one still.
    async fn delete_message(&self, id: &MessageId, expect: Option<Revision>, audit: AuditEntry)
    -> Result<()>;
    /// A page of messages.
    async fn messages(&self, filter: MessageFilter, page: PageRequest<Message>) -> Result<Page<Message>>;
    /// Counts by state, kept in the transactions that change them.
    async fn state_counts(&self) -> Result<StateCounts>;

    /// Takes at most `limit` due messages off the schedule, oldest first.
    /// `late_after`: what is later than this is held, not claimed.
    async fn claim_due(&self, now: Timestamp, limit: usize, late_after: Option<Duration>) -> Result<Claimed>;
    /// The due time at the head of the schedule.
    async fn next_due(&self) -> Result<Option<Timestamp>>;
    /// The head of the schedule: what is due next.
    async fn upcoming(&self, limit: usize) -> Result<Vec<Message>>;
    /// Everything that is processing or paused, after a start.
    async fn active(&self) -> Result<Vec<Message>>;
    /// Holds everything that is scheduled or processing, because the store is a restored copy.
    async fn hold_restored(&self, at: Timestamp) -> Result<u64>;
}
