//! Endpoints that are told when a message ends, and what became of telling them.
//!
//! Each end of a run of a message is one POST of a [`WebhookBody`]. It carries
//!
//! - `x-herald-event`: the event, as in the body,
//! - `x-herald-delivery`: the id of the delivery; the same when it is repeated,
//! - `x-herald-signature`: `t=SECONDS,v1=HEX`, where HEX is the HMAC-SHA256 of
//!   `SECONDS.BODY` under the endpoint's secret.
//!
//! Any status from 200 to 299 takes it. Everything else, redirects too, is tried
//! again with growing waits for three days.

use super::message::State;
use crate::domain::channel::Channel;
use crate::domain::ids::{MessageId, Revision, WebhookId};
use crate::domain::message::Progress;
use crate::domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an endpoint can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum WebhookEvent {
    /// All that was planned was accepted.
    #[serde(rename = "message.sent")]
    Sent,
    /// It ended, and somebody did not get it.
    #[serde(rename = "message.failed")]
    Failed,
    /// An operator ended it.
    #[serde(rename = "message.cancelled")]
    Cancelled,
    /// Somebody asked for a test.
    #[serde(rename = "webhook.test")]
    Test,
}

impl WebhookEvent {
    /// Those that an endpoint chooses among.
    pub const CHOICE: [Self; 3] = [Self::Sent, Self::Failed, Self::Cancelled];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "message.sent",
            Self::Failed => "message.failed",
            Self::Cancelled => "message.cancelled",
            Self::Test => "webhook.test",
        }
    }
}

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// Its id.
    #[serde(rename = "$id")]
    pub id: WebhookId,
    /// When it was created.
    #[serde(rename = "$createdAt")]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[serde(rename = "$updatedAt")]
    pub updated_at: Timestamp,
    /// Its name.
    pub name: String,
    /// Where to.
    pub url: String,
    /// What it is told.
    pub events: Vec<WebhookEvent>,
    /// Whether it is told anything.
    pub enabled: bool,
    /// The secret, masked as `••••1234`; as a whole in the answer that creates it.
    pub secret: String,
    /// Since when nothing has got through; absent: the last delivery did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// Why Herald has disabled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<String>,
    /// One more on every edit.
    pub revision: Revision,
}

/// All endpoints.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookList {
    /// They.
    pub webhooks: Vec<Webhook>,
}

/// Creates or changes an endpoint; on a change, what is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct WriteWebhook {
    /// On create the id, or `unique()`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_id: Option<String>,
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// An `http` or `https` URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The secret of at least 16 characters; made if it is left out on create. Its
    /// mask means unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// What it is told; everything if left out on create.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<WebhookEvent>>,
    /// Whether it is told anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Refused as stale unless it still has this revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
}

/// What an endpoint gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookBody {
    /// What has happened.
    pub event: WebhookEvent,
    /// When.
    pub at: Timestamp,
    /// The message; absent in a test.
    pub message: Option<EndedMessage>,
}

/// A message whose run has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndedMessage {
    /// Its id.
    #[serde(rename = "$id")]
    pub id: MessageId,
    /// Its type.
    #[serde(rename = "type")]
    pub channel: Channel,
    /// How it stands.
    pub state: State,
    /// Which run has ended, from 1: one more with each retry.
    pub run: u16,
    /// Its counts, over all runs.
    pub progress: Progress,
    /// When it was begun.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// What became of telling an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum WebhookState {
    /// It is tried, or tried again.
    Waiting,
    /// The endpoint took it.
    Delivered,
    /// It was tried for three days, or the endpoint is gone.
    Failed,
}

/// One thing that an endpoint is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookDelivery {
    /// Its id.
    #[serde(rename = "$id")]
    pub id: String,
    /// Which endpoint.
    pub webhook_id: WebhookId,
    /// What has happened.
    pub event: WebhookEvent,
    /// To which message.
    pub message_id: Option<MessageId>,
    /// In which run of it.
    pub run: u16,
    /// When it was first to be told.
    pub created: Timestamp,
    /// How far it has come.
    pub state: WebhookState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was last tried.
    pub last: Option<Timestamp>,
    /// When it is tried again.
    pub next: Option<Timestamp>,
    /// The status of the last answer; 0: there was none.
    pub status: u16,
    /// The beginning of the last answer, or why there was none.
    pub answer: String,
}

/// The last deliveries to an endpoint, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookDeliveryList {
    /// They.
    pub deliveries: Vec<WebhookDelivery>,
}
