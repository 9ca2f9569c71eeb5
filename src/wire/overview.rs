//! How Herald does: what the first screen shows.

use super::draft::Attached;
use super::message::Reason;
use super::provider::ProviderHealth;
use crate::domain::channel::Channel;
use crate::domain::ids::{MessageId, ProviderId};
use crate::domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The dialect's size of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QueueSize {
    /// Messages.
    pub size: u64,
}

/// The answer of `/v1/health`, which everybody may ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// `herald`.
    pub name: String,
    /// Milliseconds that the check took.
    pub ping: u64,
    /// `pass`, or `fail` when nothing can be written.
    pub status: String,
    /// Herald's version.
    pub version: String,
}

/// The first screen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// Now, by the engine's clock.
    pub now: Timestamp,
    /// What runs here.
    pub instance: Instance,
    /// Messages by state.
    pub states: StateCounts,
    /// All sending is stopped.
    pub stopped: Option<Stopped>,
    /// The store is a restored copy that nobody has released.
    pub restored: Option<Timestamp>,
    /// Why nothing can be written, if so.
    pub suspended: Option<String>,
    /// Recipients answered for a second, over the last ten seconds.
    pub rate: f64,
    /// Recipients that wait: queued, retrying or held.
    pub waiting: u64,
    /// When the oldest of them was due.
    pub oldest: Option<Timestamp>,
    /// What an operator has to look at, the worst first.
    pub needs_you: Vec<NeedsYou>,
    /// By provider.
    pub providers: Vec<ProviderHealth>,
    /// What is due next.
    pub next: Vec<Upcoming>,
    /// What went wrong in the last hour, the most frequent first.
    pub causes: Vec<Cause>,
    /// Sizes and counts.
    pub store: StoreStats,
    /// Who follows what changes, the longest first.
    #[serde(default)]
    pub present: Vec<Attached>,
}

/// What runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    /// Herald's version.
    pub version: String,
    /// Its name in the header, such as `PROD` or `DEMO`; may be empty.
    pub label: String,
    /// Eight characters that no other store has.
    pub store: String,
    /// The process.
    pub pid: u32,
    /// Since when.
    pub started: Timestamp,
    /// Whether scheduler and dispatch run; false: a one-shot command.
    pub running: bool,
    /// Where the API listens besides the socket; empty: nowhere.
    pub listen: String,
    /// Whose request this was, as it will stand in the audit.
    pub operator: String,
    /// The zone that operators see times in, if it is set.
    pub zone: String,
    /// Seconds for which sending can be undone.
    pub undo_s: u32,
}

/// Messages by Herald's states.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct StateCounts {
    /// Drafts.
    pub draft: u64,
    /// Scheduled.
    pub scheduled: u64,
    /// Held.
    pub held: u64,
    /// Being sent.
    pub processing: u64,
    /// Paused.
    pub paused: u64,
    /// Cancelled.
    pub cancelled: u64,
    /// Sent.
    pub sent: u64,
    /// Failed.
    pub failed: u64,
}

/// All sending is stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stopped {
    /// By whom.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
}

/// What kind of thing an operator has to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Concern {
    /// Nothing can be written.
    Disk,
    /// All sending is stopped.
    Stopped,
    /// A restored copy waits for its release.
    Restored,
    /// A provider refuses us.
    ProviderRefuses,
    /// A provider fails again and again.
    ProviderFails,
    /// A provider was paused.
    ProviderPaused,
    /// A provider's guard stopped its bulk: too much came back.
    BulkPaused,
    /// Messages wait, and no provider of their type is enabled.
    NoProvider,
    /// Answers were lost, and the policy is to ask.
    Uncertain,
    /// A message is held.
    Held,
    /// An alert is open: the disk is nearly full, somebody waits too long, much is refused, receipts
    /// stay away, an endpoint was disabled.
    Alert,
}

/// Something that an operator has to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NeedsYou {
    /// What kind of thing.
    pub concern: Concern,
    /// In one line.
    pub text: String,
    /// How many recipients wait because of it.
    pub waiting: u64,
    /// Since when, if it is known.
    pub since: Option<Timestamp>,
    /// The message, if it is one.
    pub message_id: Option<MessageId>,
    /// The provider, if it is one.
    pub provider_id: Option<ProviderId>,
    /// The reason, if there is one.
    pub reason: Option<Reason>,
}

/// A message that is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Upcoming {
    /// Which.
    pub message_id: MessageId,
    /// Its subject, title or first line.
    pub headline: String,
    /// The type.
    #[serde(rename = "type")]
    pub channel: Channel,
    /// When.
    pub at: Timestamp,
    /// How many people at most; absent: not known.
    pub audience: Option<u64>,
}

/// What went wrong, grouped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cause {
    /// Through which provider.
    pub provider_id: Option<ProviderId>,
    /// SMTP reply or HTTP status; 0 when there was none.
    pub code: u16,
    /// The answer with what differs taken out.
    pub text: String,
    /// How often.
    pub count: u64,
    /// How often in each of the last twelve spans of five minutes, oldest first.
    pub spans: Vec<u32>,
    /// The first time of the hour.
    #[serde(default)]
    pub first: Timestamp,
    /// The newest time.
    pub last: Timestamp,
}

/// Failures with one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorGroup {
    /// Through which provider.
    pub provider_id: Option<ProviderId>,
    /// SMTP reply or HTTP status; 0 when there was none.
    pub code: u16,
    /// The answer with what differs taken out.
    pub text: String,
    /// How often.
    pub count: u64,
    /// The first time of the span that was asked for.
    pub first: Timestamp,
    /// The newest time.
    pub last: Timestamp,
    /// How often in each twelfth of the span that was asked for, oldest first.
    pub trend: Vec<u32>,
}

/// Which failures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ErrorParameters {
    /// Of one message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
    /// Of one provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderId>,
    /// Of so many hours, up to 720; of one if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<u64>,
}

/// Failures, grouped by cause, the most frequent first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorGroups {
    /// They.
    pub errors: Vec<ErrorGroup>,
    /// Rows of the log that were grouped.
    pub rows: u64,
    /// There are more rows than were grouped.
    pub cut_short: bool,
}

/// Sizes and counts of the store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct StoreStats {
    /// Bytes of the main file.
    pub main_bytes: u64,
    /// Bytes of sealed segments of the log.
    pub segment_bytes: u64,
    /// Sealed segments of the log.
    pub segments: u64,
    /// Users.
    pub users: u64,
    /// Targets.
    pub targets: u64,
    /// Topics.
    pub topics: u64,
    /// Messages.
    pub messages: u64,
    /// Free bytes of the disk.
    pub disk_free: u64,
    /// Bytes of the disk.
    pub disk_total: u64,
}

/// A setting as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SettingRow {
    /// Its name, such as `send.undo`.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Where it was set: `default`, `FILE:LINE`, a variable or a flag.
    pub origin: String,
    /// What it does.
    pub help: String,
}
