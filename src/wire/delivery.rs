//! The delivery log, and who waits.

use super::message::Reason;
use crate::domain::channel::Channel;
use crate::domain::delivery::{Outcome, SkipReason, Stage};
use crate::domain::ids::{MessageId, ProviderId, TargetId, UserId};
use crate::domain::plan::WaitReason;
use crate::domain::routing::MoveReason;
use crate::domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A row of the delivery log: one per recipient and attempt, also for who was
/// left out. What was deleted meanwhile has no id; who was erased no address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Its place in the log; a cursor.
    pub seq: u64,
    /// When the outcome was known.
    pub at: Timestamp,
    /// Which message.
    pub message_id: Option<MessageId>,
    /// The message's subject, title or first line.
    pub headline: String,
    /// The type.
    #[serde(rename = "type")]
    pub channel: Option<Channel>,
    /// Which target.
    pub target_id: Option<TargetId>,
    /// Whose target.
    pub user_id: Option<UserId>,
    /// The address as it was then; empty when it was erased.
    pub address: String,
    /// Through which provider.
    pub provider_id: Option<ProviderId>,
    /// What became of it.
    pub outcome: Outcome,
    /// Which attempt, from 1; 0 when there was none.
    pub attempt: u16,
    /// Which run of the message.
    pub run: u16,
    /// SMTP reply or HTTP status; 0 when there was none.
    pub code: u16,
    /// The service's whole answer, or what Herald says.
    pub answer: String,
    /// The service's id of the message.
    pub service_id: String,
    /// Of whom the answer speaks.
    pub stage: Stage,
    /// Why the recipient was left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<SkipReason>,
    /// Microseconds from the first byte to the answer.
    pub latency_us: u32,
    /// The recipient may have had a copy before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub possibly_twice: bool,
    /// When the next attempt is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
    /// Why it went through another provider than planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<MoveReason>,
    /// Which provider was planned, if another one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_provider_id: Option<ProviderId>,
}

impl Delivery {
    /// Why it went through another provider than planned, as a sentence's part.
    pub fn instead(&self) -> Option<String> {
        let why = self.moved?;
        let planned = self.planned_provider_id.as_ref().map_or("a provider that is gone", ProviderId::as_str);
        let through = self.provider_id.as_ref().map_or("nobody", ProviderId::as_str);
        Some(format!("through {through}: {planned} {}", why.as_str()))
    }
}

/// A page of the delivery log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryPage {
    /// The rows.
    pub deliveries: Vec<Delivery>,
    /// Continue after this row; absent: this was the end.
    pub next: Option<u64>,
    /// How many rows were looked at.
    pub scanned: u64,
    /// The scan ended at its bound, not at the end of the log.
    pub cut_short: bool,
    /// The row that the log will write next: where a follower goes on.
    pub head: u64,
    /// The time of the first row that is kept: the log knows nothing older.
    pub since: Option<Timestamp>,
}

/// Which rows of the delivery log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryRequest {
    /// Of one message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
    /// To one target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetId>,
    /// To one address, whosever target it is or was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Herald's filter language over the fields of `wire::fields::DELIVERIES`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Continue after this row, in the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// True: oldest first. Newest first if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ascending: Option<bool>,
    /// At most so many, up to 1000; 50 if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// Somebody who waits: for another attempt, a release, or a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// A cursor.
    pub no: u64,
    /// Which message.
    pub message_id: Option<MessageId>,
    /// The message's subject, title or first line.
    pub headline: String,
    /// Through which provider; absent: nobody of the type is enabled.
    pub provider_id: Option<ProviderId>,
    /// Which target.
    pub target_id: Option<TargetId>,
    /// The address.
    pub address: String,
    /// Attempts so far.
    pub attempts: u16,
    /// When it is due; absent: when somebody releases it.
    pub due: Option<Timestamp>,
    /// Why it waits.
    pub why: WaitReason,
    /// The recipient may have had a copy before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub possibly_twice: bool,
}

/// A page of those who wait.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaitingPage {
    /// The page.
    pub waiting: Vec<Waiting>,
    /// Continue after this one; absent: this was the end.
    pub next: Option<u64>,
}

/// Which of those who wait.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaitingRequest {
    /// Of one message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
    /// Of one provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderId>,
    /// For one reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<WaitReason>,
    /// Continue after this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// At most so many, up to 1000; 50 if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// What is decided for those who wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "decision")]
pub enum Decision {
    /// They are due now.
    Release,
    /// They are due now, through another provider.
    #[serde(rename_all = "camelCase")]
    FailOver {
        /// Which.
        provider_id: ProviderId,
    },
    /// They are over.
    GiveUp,
}

/// A decision over those who wait. At least one of message, provider and reason is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Decide {
    /// Of one message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
    /// Of one provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderId>,
    /// For one reason. Those who are uncertain are left out unless it is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<WaitReason>,
    /// What.
    #[serde(flatten)]
    pub decision: Decision,
}

/// For how many something was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Affected {
    /// How many.
    pub count: u64,
}

/// Where somebody, or something, stands, in one sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WhyAnswer {
    /// What was asked about, such as `message 68a1f0c2`.
    pub subject: String,
    /// The whole sentence.
    pub sentence: String,
    /// The reason, if it is not over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}
