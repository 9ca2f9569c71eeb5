//! Providers: accounts with delivery services.

use super::message::Reason;
use super::routing::FailoverState;
use crate::domain::channel::Channel;
use crate::domain::guard::{GuardRule, Tripped};
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
    /// Herald: when its bulk is stopped because too much came back.
    #[serde(default)]
    pub guard: GuardRule,
    /// Herald: why it sends nothing, or no bulk, although it is enabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Reason>,
    /// Herald: one more on every edit.
    #[serde(default)]
    pub revision: Revision,
    /// Herald: it is new, and sends slowly until somebody raises its limit a second.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub slow_start: bool,
    /// Herald: until when the key before can be put back; absent: there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_until: Option<Timestamp>,
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
    /// Herald: when its bulk is stopped because too much came back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard: Option<GuardRule>,
    /// Herald: for kinds with more than one, which type (`sandbox` only).
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// Herald: refused as stale unless the provider still has this revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
    /// Herald: true: a new key is taken without asking the service whether it takes it. Needed where the
    /// service cannot be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unchecked: Option<bool>,
    /// Herald: on the create of an SMTP provider: host, port, encryption and limits of a well-known
    /// service, where they are not given; see `GET /v1/herald/presets`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// Credentials and options by name.
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

/// Tries a provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TestProvider {
    /// To whom one real test message goes, if the service takes us: an address of the provider's
    /// type. Left out: nobody is sent to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// A well-known service's SMTP server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SmtpPreset {
    /// The word for it, such as `gmail`.
    pub name: String,
    /// The name for people.
    pub title: String,
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// `ssl` (TLS from the first byte) or `tls` (STARTTLS).
    pub encryption: String,
    /// The user name, where everybody has the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// What the service publishes as its limits.
    pub limits: Limits,
    /// Where the service says so.
    pub source: String,
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
    /// Whether the service took the test message; absent: none was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<bool>,
}

/// One line of a test's conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DialogueLine {
    /// True: we said it.
    pub ours: bool,
    /// What was said.
    pub text: String,
}

/// How much of a limit is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuotaUse {
    /// Recipients.
    pub used: u64,
    /// The most.
    pub limit: u64,
}

/// Whether the way to a provider is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum BreakerState {
    /// All is well.
    #[default]
    Closed,
    /// It fails again and again: nothing is sent for a while.
    Open,
    /// One train is on its way to see whether it works again.
    Probing,
}

/// What is said of a provider that starts slowly.
pub const SLOW_START: &str =
    "It is new and starts at 5/s: raise limits.perSecond when the service has got used to it.";

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
    /// Accepted of those answered for in the last minute, 0 to 1; absent without any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<f64>,
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
    /// Put off today (UTC), to be tried again.
    #[serde(default)]
    pub put_off: u64,
    /// Accepted, and reported as bounced in the last 24 hours.
    #[serde(default)]
    pub bounced: u64,
    /// Used of the hour's limit, in the hour before now; absent without a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hour: Option<QuotaUse>,
    /// Used of the day's limit, in the 24 hours before now; absent without a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<QuotaUse>,
    /// Whether the way to it is open.
    #[serde(default)]
    pub breaker: BreakerState,
    /// When the breaker lets the next one try; absent while it is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker_until: Option<Timestamp>,
    /// Since when the breaker is open, or lets one try; absent while it is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker_since: Option<Timestamp>,
    /// The last answer that was not an acceptance.
    #[serde(default)]
    pub last_problem: String,
    /// What it hands to the next provider while it cannot send.
    #[serde(default)]
    pub failover: FailoverState,
    /// It is new, and sends slowly until somebody raises its limit a second.
    #[serde(default)]
    pub slow_start: bool,
    /// What came back, as its guard counts it.
    #[serde(default)]
    pub guard: GuardHealth,
    /// The receipts of its service.
    #[serde(default)]
    pub receipts: ReceiptHealth,
}

impl ProviderHealth {
    /// Recipients that wait at it: to be claimed, for another attempt, for a release or a decision.
    pub fn waiting(&self) -> u64 {
        self.queued + self.retrying + self.held + self.undecided
    }
}

/// What of a provider's latest deliveries came back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GuardHealth {
    /// Of how many.
    pub of: u64,
    /// For good.
    pub bounced: u64,
    /// As unwanted.
    pub complained: u64,
    /// Its bulk is stopped because of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tripped: Option<Tripped>,
}

/// How receipts of a provider's service come in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ReceiptHealth {
    /// They are taken: what verifies them is set.
    pub taken: bool,
    /// When the last one came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
    /// Recorded since the start of the engine.
    pub recorded: u64,
    /// Repeated.
    pub repeated: u64,
    /// Of messages that are not ours, or too old.
    pub unknown: u64,
    /// Requests that were not believed.
    pub refused: u64,
}
