//! Providers: accounts with delivery services.

use super::message::Reason;
use crate::domain::channel::Channel;
use crate::domain::ids::{ProviderId, Revision};
use crate::domain::provider::Limits;
use crate::domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An account with a delivery service. Secrets among the credentials are masked,
/// as in `••••1234`; a mask that is written back means unchanged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Provider {
    /// Its id.
    #[serde(rename = "$id")]
    pub id: ProviderId,
    /// When it was created.
    #[serde(rename = "$createdAt")]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[serde(rename = "$updatedAt")]
    pub updated_at: Timestamp,
    /// Its name.
    pub name: String,
    /// The kind, such as `smtp`.
    pub provider: String,
    /// Whether it may be chosen.
    pub enabled: bool,
    /// What it delivers.
    #[serde(rename = "type")]
    pub channel: Channel,
    /// Credentials by name, secrets masked.
    pub credentials: Map<String, Value>,
    /// Options by name.
    pub options: Map<String, Value>,
    /// Herald: how much may go through it.
    #[serde(default)]
    pub limits: Limits,
    /// Herald: why it sends nothing although it is enabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Reason>,
    /// Herald: one more on every edit.
    #[serde(default)]
    pub revision: Revision,
}

/// Creates or changes a provider of a kind. Credentials and options stand flat in
/// the body, under the names of the kind's row (see `domain::provider::KINDS`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WriteProvider {
    /// On create the id, or `unique()`; on a change left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it may be chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Herald: how much may go through it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// Herald: for kinds with more than one, which type (`sandbox` only).
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// Herald: refused as stale unless the provider still has this revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
    /// Credentials and options by name.
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

/// What a test of a provider found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderTest {
    /// Whether the service would take a message from us.
    pub ok: bool,
    /// The conversation; secrets are masked.
    pub dialogue: Vec<DialogueLine>,
    /// In one sentence: the likely cause and what to do, or that it is well.
    pub finding: String,
}

/// One line of a test's conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DialogueLine {
    /// True: we said it.
    pub ours: bool,
    /// What was said.
    pub text: String,
}

/// How a provider does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderHealth {
    /// Its id.
    pub id: ProviderId,
    /// Its name.
    pub name: String,
    /// The kind, such as `smtp`.
    pub kind: String,
    /// What it delivers.
    #[serde(rename = "type")]
    pub channel: Channel,
    /// Whether it may be chosen.
    pub enabled: bool,
    /// Why it sends nothing, or slowly; absent: it is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Reason>,
    /// Recipients answered for a second, over the last ten seconds.
    pub rate: f64,
    /// Its limits.
    pub limits: Limits,
    /// Milliseconds to an answer: the middle one.
    pub p50_ms: f64,
    /// Milliseconds to an answer: 99 of 100 are faster.
    pub p99_ms: f64,
    /// Recipients handed over and not answered for.
    pub in_flight: u64,
    /// Recipients planned and not claimed.
    pub queued: u64,
    /// Recipients that wait for another attempt.
    pub retrying: u64,
    /// Recipients that wait until somebody releases them.
    pub held: u64,
    /// Recipients of whom nobody knows whether they were sent to, and who wait for a decision.
    #[serde(default)]
    pub undecided: u64,
    /// When the first of those who wait or are queued was due.
    #[serde(default)]
    pub oldest: Option<Timestamp>,
    /// When the next one that waits is due.
    #[serde(default)]
    pub next_try: Option<Timestamp>,
    /// Accepted today (UTC).
    pub accepted: u64,
    /// Refused for good today (UTC).
    pub failed: u64,
    /// The last answer that was not an acceptance.
    #[serde(default)]
    pub last_problem: String,
}
