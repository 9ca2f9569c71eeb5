//! The store's own records. Every value begins with its version; what follows
//! is postcard's encoding.

use super::fail::{Attempt, Fail};
use crate::domain::channel::{Channel, InDoubt};
use crate::domain::content::Content;
use crate::domain::ids::{
    BucketNo, IdentifierNo, MessageId, MessageNo, Revision, SubscriberId, SuppressionNo, TargetId, TargetNo,
    TopicId, TopicNo, UserId, UserNo,
};
use crate::domain::message::{Message, Progress, ScheduleWords};
use crate::domain::person::Target;
use crate::domain::plan::{LaneCursor, LaneKey, PlanCursor, RetryCursor, WaitReason, Waiting};
use crate::domain::state::MessageState;
use crate::domain::suppression::Mark;
use crate::domain::time::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The version of every record so far.
const VERSION: u8 = 1;

/// A record as bytes.
pub(super) fn encode<T: Serialize>(record: &T) -> Vec<u8> {
    let bytes = Vec::with_capacity(96);
    let bytes = postcard::to_extend(&VERSION, bytes).and_then(|bytes| postcard::to_extend(record, bytes));
    // Serialising into memory fails only for types that postcard cannot say, and
    // none of the records is one: the tests write each.
    bytes.expect("every record has an encoding")
}

/// A record that is written again and again, as bytes of nearly always the same
/// number: then it takes the place of the older one, and nothing in its page moves.
pub(super) fn encode_padded<T: Serialize>(record: &T) -> Vec<u8> {
    const STEP: usize = 32;
    let mut bytes = encode(record);
    bytes.resize(bytes.len().next_multiple_of(STEP), 0);
    bytes
}

/// A record from bytes. Bytes behind it are not looked at, so that a prefix of
/// a record can be read alone.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Attempt<T> {
    match bytes.split_first() {
        Some((&VERSION, rest)) => postcard::take_from_bytes(rest)
            .map(|(record, _)| record)
            .map_err(|error| Fail::damaged(format!("a record of {}: {error}", std::any::type_name::<T>()))),
        Some((version, _)) => Err(Fail::damaged(format!("a record has the unknown version {version}"))),
        None => Err(Fail::damaged("a record is empty")),
    }
}

/// Numbers and totals, one record, written with every commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    /// The number of the group that wrote this.
    pub(super) group: u64,
    /// The last number given to a user.
    pub(super) user: u64,
    /// … a target.
    pub(super) target: u64,
    /// … an identifier.
    pub(super) identifier: u64,
    /// … a topic.
    pub(super) topic: u32,
    /// … a provider.
    pub(super) provider: u32,
    /// … a message.
    pub(super) message: u64,
    /// … a window.
    pub(super) window: u64,
    /// … somebody who waits.
    pub(super) wait: u64,
    /// … an audit entry.
    pub(super) audit: u64,
    /// … a chore.
    pub(super) chore: u64,
    /// Chores that are not done.
    pub(super) chores: u64,
    /// Users there are.
    pub(super) users: u64,
    /// Targets there are.
    pub(super) targets: u64,
    /// Topics there are.
    pub(super) topics: u64,
    /// Messages by state.
    pub(super) states: [u64; 8],
}

/// What a message says and to whom: changed only by an edit. Audience first, so
/// that [`BodyHead`] can be read alone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Body {
    pub(super) id: MessageId,
    pub(super) topics: Vec<TopicId>,
    pub(super) users: Vec<UserId>,
    pub(super) targets: Vec<TargetId>,
    pub(super) content: Content,
    pub(super) schedule_words: Option<ScheduleWords>,
    pub(super) lifetime_s: Option<u64>,
    pub(super) variables: bool,
    pub(super) in_doubt: Option<InDoubt>,
    pub(super) confirmed: Option<u64>,
    pub(super) created_by: String,
    pub(super) created: Timestamp,
}

/// The beginning of a [`Body`].
#[derive(Debug, Clone, Deserialize)]
pub(super) struct BodyHead {
    pub(super) id: MessageId,
    pub(super) topics: Vec<TopicId>,
}

/// Where a message stands: what changes while it is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct StateRow {
    pub(super) state: MessageState,
    pub(super) channel: Channel,
    pub(super) scheduled_at: Option<Timestamp>,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) progress: Progress,
    pub(super) run: u16,
    pub(super) started_at: Option<Timestamp>,
    pub(super) finished_at: Option<Timestamp>,
    pub(super) updated: Timestamp,
    pub(super) revision: Revision,
    pub(super) plan: PlanCursor,
    /// There is a record of errors.
    pub(super) errors: bool,
    /// In a run that tries people again: how far that is planned.
    pub(super) retry: RetryCursor,
}

impl StateRow {
    /// The due time under which it is on the schedule, if it is.
    pub(super) fn due(&self) -> Option<Timestamp> {
        matches!(self.state, MessageState::Scheduled).then(|| self.scheduled_at.unwrap_or(self.updated))
    }
}

impl Body {
    /// Takes a message apart.
    pub(super) fn of(message: &Message) -> Self {
        Self {
            id: message.id.clone(),
            topics: message.topics.clone(),
            users: message.users.clone(),
            targets: message.targets.clone(),
            content: message.content.clone(),
            schedule_words: message.schedule_words.clone(),
            lifetime_s: message.lifetime_s,
            variables: message.variables,
            in_doubt: message.in_doubt,
            confirmed: message.confirmed,
            created_by: message.created_by.clone(),
            created: message.created,
        }
    }

    /// Puts a message together again.
    pub(super) fn join(self, no: MessageNo, row: StateRow, errors: Vec<String>) -> Message {
        Message {
            no,
            id: self.id,
            content: self.content,
            topics: self.topics,
            users: self.users,
            targets: self.targets,
            state: row.state,
            scheduled_at: row.scheduled_at,
            schedule_words: self.schedule_words,
            expires_at: row.expires_at,
            lifetime_s: self.lifetime_s,
            variables: self.variables,
            in_doubt: self.in_doubt,
            confirmed: self.confirmed,
            progress: row.progress,
            run: row.run,
            started_at: row.started_at,
            finished_at: row.finished_at,
            errors,
            created_by: self.created_by,
            created: self.created,
            updated: row.updated,
            revision: row.revision,
        }
    }
}

/// A target, and whether its user is blocked, so that a batch asks no user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct TargetRow {
    pub(super) target: Target,
    pub(super) blocked: bool,
}

/// Who has an address now, and every identifier that ever stood for it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct AddressRow {
    pub(super) target: Option<TargetNo>,
    pub(super) user: Option<UserNo>,
    pub(super) identifiers: Vec<IdentifierNo>,
}

/// A subscription; its topic and target are the key. The channel first: planning reads it alone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SubscriptionRow {
    pub(super) channel: Channel,
    pub(super) id: SubscriberId,
    pub(super) created: Timestamp,
}

/// A lane; its message and provider are the key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LaneRow {
    pub(super) cursor: LaneCursor,
    /// Runs written so far: the number of the next one.
    pub(super) runs: u32,
    pub(super) progress: Progress,
}

impl LaneRow {
    /// Whether something of it is unclaimed or waits.
    pub(super) fn is_open(&self) -> bool {
        self.progress.untouched() + self.progress.waiting() > 0
    }
}

/// Somebody who waits; the number is the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WaitRow {
    pub(super) lane: LaneKey,
    pub(super) due: Timestamp,
    pub(super) waiting: Waiting,
}

impl WaitRow {
    /// Adds it to the counts in which it is.
    pub(super) fn count_in(&self, p: &mut Progress) {
        if self.due < Timestamp::NEVER {
            p.retrying += 1;
        } else if self.waiting.why == WaitReason::Uncertain {
            p.uncertain += 1;
            p.undecided += 1;
        } else {
            p.held += 1;
        }
    }

    /// Takes it off the counts in which it is.
    pub(super) fn count_out(&self, p: &mut Progress) {
        if self.due < Timestamp::NEVER {
            p.retrying = p.retrying.saturating_sub(1);
        } else if self.waiting.why == WaitReason::Uncertain {
            p.uncertain = p.uncertain.saturating_sub(1);
            p.undecided = p.undecided.saturating_sub(1);
        } else {
            p.held = p.held.saturating_sub(1);
        }
    }
}

/// A cause for which recipients of a message failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cause {
    /// What was said.
    pub(super) text: String,
    /// How often.
    pub(super) count: u64,
    /// Of whom first.
    pub(super) first: TargetNo,
}

/// The suppression list as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SuppressionsHead {
    /// The last number given.
    pub(super) last: u64,
    /// How many there are.
    pub(super) count: u64,
    /// The key of the addresses' digests: random, of this store alone.
    pub(super) secret: [u8; 32],
}

/// What is known of a suppressed address; the digest of it is the key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SuppressedAddress {
    /// The target that has it now.
    pub(super) target: Option<TargetNo>,
    /// Its suppressions.
    pub(super) marks: Vec<(SuppressionNo, Mark)>,
}

/// Work that is too much for one commit, done in steps after it was promised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Chore {
    /// Removing subscriptions of a topic that is gone.
    Subscriptions(TopicNo),
    /// Removing lanes and runs of a message, and who waits in them.
    Plan(MessageNo),
    /// Removing who waits in a message's lanes.
    Waiting(MessageNo),
    /// Removing files of a bucket that is gone.
    Files(BucketNo),
}
