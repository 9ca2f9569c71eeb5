//! Messages: what is said, to whom, when, and how far it has come.

use super::channel::{Channel, InDoubt};
use super::content::Content;
use super::ids::{MessageId, MessageNo, Revision, TargetId, TopicId, UserId};
use super::state::MessageState;
use super::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A message as it is stored: content, audience, schedule and state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The store's number.
    pub no: MessageNo,
    /// The id at the door.
    pub id: MessageId,
    /// What it says.
    pub content: Content,
    /// Topics whose subscribers get it.
    pub topics: Vec<TopicId>,
    /// Users all of whose targets of the type get it.
    pub users: Vec<UserId>,
    /// Targets that get it.
    pub targets: Vec<TargetId>,
    /// The state; changed only through [`MessageState::apply`].
    pub state: MessageState,
    /// When it is due. `None` for a draft without a time.
    pub scheduled_at: Option<Timestamp>,
    /// The zone and words with which the time was given, to show it the same way again.
    pub schedule_words: Option<ScheduleWords>,
    /// When it is too late to try. Set on the way out of draft.
    pub expires_at: Option<Timestamp>,
    /// A lifetime of its own in seconds, counted from the due time; else the type's default.
    pub lifetime_s: Option<u64>,
    /// Whether braces in the content are variables.
    pub variables: bool,
    /// What becomes of doubtful recipients; else the type's default.
    pub in_doubt: Option<InDoubt>,
    /// How many recipients the operator was shown when this was confirmed.
    pub confirmed: Option<u64>,
    /// Counts of recipients. They add up: see [`Progress::planned`].
    pub progress: Progress,
    /// How often it has been opened for sending: 1 for the first run, one more for each retry.
    pub run: u16,
    /// When dispatch first claimed it in this run.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Causes at the end, at most 100, as the dialect's `deliveryErrors`.
    pub errors: Vec<String>,
    /// Who created it.
    pub created_by: String,
    /// When it was created.
    pub created: Timestamp,
    /// When it was last changed by a person (progress does not count).
    pub updated: Timestamp,
    /// One more on every edit and every change of state.
    pub revision: Revision,
}

/// More recipients than this, named one by one, are a large audience.
pub const LARGE: usize = 100;

impl Message {
    /// Whether it goes to topics or to a large audience: what a guard stops. What goes straight to
    /// a few is not.
    pub fn is_bulk(&self) -> bool {
        !self.topics.is_empty() || self.users.len() + self.targets.len() > LARGE
    }

    /// Whether it is mail to topics, which should carry a link to leave them.
    pub fn is_mail_to_topics(&self) -> bool {
        self.channel() == Channel::Email && !self.topics.is_empty()
    }

    /// The type.
    pub fn channel(&self) -> Channel {
        self.content.channel()
    }

    /// What becomes of its doubtful recipients.
    pub fn in_doubt(&self) -> InDoubt {
        self.in_doubt.unwrap_or_else(|| self.channel().default_in_doubt())
    }

    /// Whether nobody is named as its audience.
    pub fn audience_is_empty(&self) -> bool {
        self.topics.is_empty() && self.users.is_empty() && self.targets.is_empty()
    }
}

/// The words with which a time was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleWords {
    /// Such as `tomorrow 9am Berlin`.
    pub words: String,
    /// The IANA zone in which they were understood.
    pub zone: String,
}

/// Counts of a message's recipients, or of one provider's share of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Progress {
    /// Written down in the plan.
    pub planned: u64,
    /// Claimed for sending; the rest of the plan has not been touched.
    pub claimed: u64,
    /// Taken by a provider.
    pub accepted: u64,
    /// Refused for good, or expired targets.
    pub failed: u64,
    /// Left out when their batch was built, with a reason each.
    pub skipped: u64,
    /// Past the deadline.
    pub expired: u64,
    /// Waiting for another attempt.
    pub retrying: u64,
    /// Waiting until somebody releases them.
    pub held: u64,
    /// Nobody knows whether the provider took them, decided or not.
    pub uncertain: u64,
    /// Taken back by a cancel before they were tried.
    pub cancelled: u64,
    /// Of the uncertain ones: those who wait for somebody's decision.
    pub undecided: u64,
}

impl Progress {
    /// Recipients of the plan that no window has claimed and no cancel has taken back.
    pub fn untouched(&self) -> u64 {
        self.planned.saturating_sub(self.claimed + self.cancelled)
    }

    /// Claimed and without an outcome: in flight.
    pub fn in_flight(&self) -> u64 {
        self.claimed.saturating_sub(
            self.accepted
                + self.failed
                + self.skipped
                + self.expired
                + self.retrying
                + self.held
                + self.uncertain,
        )
    }

    /// Recipients for whom something is still to happen without anybody's help, or with it.
    pub fn open(&self) -> u64 {
        self.untouched() + self.in_flight() + self.waiting()
    }

    /// Recipients that wait: for a time, for a release or for a decision.
    pub fn waiting(&self) -> u64 {
        self.retrying + self.held + self.undecided
    }

    /// Adds another share's counts.
    pub fn add(&mut self, other: &Self) {
        self.planned += other.planned;
        self.claimed += other.claimed;
        self.accepted += other.accepted;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.expired += other.expired;
        self.retrying += other.retrying;
        self.held += other.held;
        self.uncertain += other.uncertain;
        self.cancelled += other.cancelled;
        self.undecided += other.undecided;
    }

    /// How a message with these counts ends, once nothing is open: sent when
    /// somebody was accepted and nobody failed, expired or is uncertain. Who was
    /// left out on purpose (unsubscribed, deleted, blocked) is no failure.
    pub fn verdict(&self) -> Option<MessageState> {
        if self.open() > 0 {
            return None;
        }
        let good = self.accepted > 0 && self.failed + self.expired + self.uncertain + self.cancelled == 0;
        Some(if good { MessageState::Sent } else { MessageState::Failed })
    }
}
