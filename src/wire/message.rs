//! Messages: what is said, to whom, when, and how far it has come.

use crate::domain::channel::{Channel, InDoubt};
use crate::domain::content::Priority;
use crate::domain::ids::{MessageId, ProviderId, Revision, TargetId, TopicId, UserId};
use crate::domain::message::Progress;
use crate::domain::reason::Why;
use crate::domain::receipt::ReceiptCounts;
use crate::domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The dialect's five statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Being written.
    Draft,
    /// Being sent, or paused.
    Processing,
    /// Waits for its time, or held.
    Scheduled,
    /// All that was planned was accepted.
    Sent,
    /// Ended, and somebody did not get it.
    Failed,
}

/// Herald's eight states (see `domain::state::MessageState`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Being written.
    Draft,
    /// Waits for its time.
    Scheduled,
    /// Waits for somebody to say so.
    Held,
    /// Being sent.
    Processing,
    /// Stopped by an operator.
    Paused,
    /// Ended by an operator.
    Cancelled,
    /// All that was planned was accepted.
    Sent,
    /// Ended, and somebody did not get it.
    Failed,
}

impl State {
    /// All of them, in the order of `MessageState::code`.
    pub const ALL: [Self; 8] = [
        Self::Draft,
        Self::Scheduled,
        Self::Held,
        Self::Processing,
        Self::Paused,
        Self::Cancelled,
        Self::Sent,
        Self::Failed,
    ];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        crate::domain::state::MessageState::WORDS[self as usize]
    }

    /// The state of a code.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// Whether nothing more happens by itself or by release.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Cancelled | Self::Sent | Self::Failed)
    }
}

/// One reason of the closed list, and the sentence for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// The reason with its facts.
    #[serde(flatten)]
    pub why: Why,
    /// One sentence without its subject: "waits until …".
    pub text: String,
}

impl From<Why> for Reason {
    fn from(why: Why) -> Self {
        Self { text: why.to_string(), why }
    }
}

/// What a message says; which one is told by its `providerType`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Data {
    /// A mail.
    Email(EmailData),
    /// A text message.
    Sms(SmsData),
    /// A notification.
    Push(Box<PushData>),
}

impl Data {
    /// The line that stands for it in a list.
    pub fn headline(&self) -> &str {
        match self {
            Self::Email(mail) => &mail.subject,
            Self::Sms(sms) => sms.content.lines().next().unwrap_or(""),
            Self::Push(push) => push.title.as_deref().or(push.body.as_deref()).unwrap_or(""),
        }
    }
}

/// A mail.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EmailData {
    /// The subject.
    pub subject: String,
    /// The body.
    pub content: String,
    /// Whether the body is HTML.
    #[serde(default)]
    pub html: bool,
    /// Targets named in Cc.
    #[serde(default)]
    pub cc: Vec<TargetId>,
    /// Targets named nowhere.
    #[serde(default)]
    pub bcc: Vec<TargetId>,
    /// Files.
    #[serde(default)]
    pub attachments: Vec<AttachmentRef>,
}

/// A file in a bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttachmentRef {
    /// The bucket.
    pub bucket_id: String,
    /// The file.
    pub file_id: String,
    /// An image: where devices fetch it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl AttachmentRef {
    /// The file as parameters name it: `BUCKET:FILE`.
    pub fn at(&self) -> String {
        format!("{}:{}", self.bucket_id, self.file_id)
    }
}

/// A text message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SmsData {
    /// The text.
    pub content: String,
}

/// A notification: only what was given is there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PushData {
    /// Title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Custom data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Map<String, Value>>,
    /// Click action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// An image in a bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<AttachmentRef>,
    /// Icon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// Sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sound: Option<String>,
    /// Colour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// Tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Badge count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub badge: Option<u32>,
    /// Wakes the application silently.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub content_available: bool,
    /// Sounds even when the device is silent.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub critical: bool,
    /// Delivery priority.
    pub priority: Priority,
}

/// The words with which a time was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduleWords {
    /// Such as `tomorrow 9am Berlin`.
    pub words: String,
    /// The IANA zone in which they were understood.
    pub zone: String,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Its id.
    #[serde(rename = "$id")]
    pub id: MessageId,
    /// When it was created.
    #[serde(rename = "$createdAt")]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[serde(rename = "$updatedAt")]
    pub updated_at: Timestamp,
    /// The type.
    pub provider_type: Channel,
    /// Topics whose subscribers get it.
    pub topics: Vec<TopicId>,
    /// Users who get it.
    pub users: Vec<UserId>,
    /// Targets that get it.
    pub targets: Vec<TargetId>,
    /// When it is due.
    pub scheduled_at: Option<Timestamp>,
    /// When it ended.
    pub delivered_at: Option<Timestamp>,
    /// Causes, at most 100.
    pub delivery_errors: Vec<String>,
    /// How many were accepted.
    pub delivered_total: u64,
    /// What it says.
    pub data: Data,
    /// The dialect's status.
    pub status: Status,
    /// Herald: the true state.
    pub state: State,
    /// Herald: why it stands where it stands; absent when it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Reason>,
    /// Herald: through which providers its plan goes, the one with the most recipients first; nothing of
    /// one that is not planned yet, nor of providers that are deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<ProviderId>,
    /// Herald: counts of its recipients.
    pub progress: Progress,
    /// Herald: what receipts have said of those who were accepted.
    #[serde(default, skip_serializing_if = "ReceiptCounts::is_empty")]
    pub receipts: ReceiptCounts,
    /// Herald: when it is too late to try.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    /// Herald: one more on every edit and change of state.
    pub revision: Revision,
    /// Herald: how often it was opened for sending.
    #[serde(default)]
    pub run: u16,
    /// Herald: when sending began in this run.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// Herald: whether braces are variables.
    #[serde(default)]
    pub variables: bool,
    /// Herald: what becomes of doubtful recipients.
    pub in_doubt: InDoubt,
    /// Herald: how many recipients were shown when it was confirmed.
    #[serde(default)]
    pub confirmed: Option<u64>,
    /// Herald: the words of the time.
    #[serde(default)]
    pub schedule_words: Option<ScheduleWords>,
    /// Herald: who created it.
    #[serde(default)]
    pub created_by: String,
}

impl Message {
    /// The line that stands for it in a list.
    pub fn headline(&self) -> &str {
        self.data.headline()
    }
}

/// What creates and changes of all three types share. On a change, `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// On create the id, or `unique()`; on a change left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Topics by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topics: Option<Vec<String>>,
    /// Users by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<Vec<String>>,
    /// Targets by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub targets: Option<Vec<String>>,
    /// True: keep or make it a draft. False, with no time: send it now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft: Option<bool>,
    /// When it is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled_at: Option<Timestamp>,
    /// Herald: when it is too late to try; else the due time and the type's lifetime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Herald: whether braces are variables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variables: Option<bool>,
    /// Herald: what becomes of doubtful recipients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_doubt: Option<InDoubt>,
    /// Herald: the number of recipients that the operator has confirmed; the
    /// message is held if its plan exceeds it by more than the setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<u64>,
    /// Herald: seconds for which sending now can be undone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undo: Option<u32>,
    /// Herald: the words of the time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule_words: Option<ScheduleWords>,
    /// Herald, on a change: refused as stale unless it still has this revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
}

/// Creates or changes a mail.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WriteEmail {
    /// Audience, time and options.
    #[serde(flatten)]
    pub envelope: Envelope,
    /// The subject; needed on create.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The body; needed on create.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Whether the body is HTML.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub html: Option<bool>,
    /// Targets named in Cc.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cc: Option<Vec<String>>,
    /// Targets named nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bcc: Option<Vec<String>>,
    /// Files in buckets, as `BUCKET:FILE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attachments: Option<Vec<String>>,
}

/// Creates or changes a text message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WriteSms {
    /// Audience, time and options.
    #[serde(flatten)]
    pub envelope: Envelope,
    /// The text; needed on create.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}

/// Creates or changes a notification.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WritePush {
    /// Audience, time and options.
    #[serde(flatten)]
    pub envelope: Envelope,
    /// Title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Custom data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Map<String, Value>>,
    /// Click action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// An image in a bucket, as `BUCKET:FILE`; empty: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Icon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// Sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sound: Option<String>,
    /// Colour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// Tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Badge count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub badge: Option<u32>,
    /// Wakes the application silently.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_available: Option<bool>,
    /// Sounds even when the device is silent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub critical: Option<bool>,
    /// Delivery priority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
}

/// One provider's share of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Lane {
    /// Through which provider; absent: nobody of the type is enabled.
    pub provider_id: Option<ProviderId>,
    /// Its counts.
    pub progress: Progress,
    /// Why it does not move; absent: it does, or is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Reason>,
    /// When the first of those who wait is due; absent: nobody waits for a time.
    #[serde(default)]
    pub next_try: Option<Timestamp>,
}

/// A message with its lanes: what a screen or `herald message show` needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageDetail {
    /// The message.
    pub message: Message,
    /// Whether everybody is planned.
    pub planned: bool,
    /// By provider.
    pub lanes: Vec<Lane>,
    /// Recipients answered for a second, since it began.
    pub rate: f64,
    /// Seconds until the plan is through at this rate; absent: not moving.
    #[serde(default)]
    pub eta_s: Option<f64>,
}

/// A recipient of a message whom nobody has claimed yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Untried {
    /// The target.
    pub target_id: TargetId,
    /// Its address.
    pub address: String,
}

/// Which of those whom a message has not been tried for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct UntriedParameters {
    /// Continue at this `next`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// At most so many, up to 1000; 100 if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// A page of those whom a message has not been tried for, in the order of its plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UntriedPage {
    /// They.
    pub untried: Vec<Untried>,
    /// Continue here; absent: this was the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Whether everybody is planned; false: there are more than are listed.
    pub planned: bool,
}

/// What a decision over a message is told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActOn {
    /// Refused as stale unless the message still has this revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
}

/// Opens a failed message for those who did not get it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Retry {
    /// Also those of whom it is not known whether they got it.
    #[serde(default)]
    pub uncertain: bool,
    /// Through this provider instead of theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    /// Say only what would happen.
    #[serde(default)]
    pub dry_run: bool,
}
