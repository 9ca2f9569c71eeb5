//! What needs an operator: open alerts.

use super::history::Audit;
use crate::domain::ids::{ProviderId, WebhookId};
use crate::domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AlertKind {
    /// A provider refuses us, fails again and again, or was paused.
    ProviderStopped,
    /// Somebody waits longer than the setting allows.
    OldestWaiting,
    /// More fails than the setting allows.
    FailureRate,
    /// The disk is nearly full, or takes no writes.
    Disk,
    /// Messages are held.
    Held,
    /// Nobody knows whether some got it, and the policy is to ask.
    Uncertain,
    /// Messages are held because they were due while nothing ran.
    Late,
    /// A provider's guard stopped its bulk: too much came back.
    BulkPaused,
    /// What was accepted gets no receipt any more.
    NoReceipt,
    /// An endpoint was disabled because nothing got through to it.
    WebhookDisabled,
    /// All sending is stopped.
    Stopped,
    /// Nothing: somebody asked for a test.
    Test,
}

/// An alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// What it is about, such as `provider/main`: there is one alert for each.
    #[serde(rename = "$id")]
    pub id: String,
    /// What kind of thing.
    pub kind: AlertKind,
    /// In one line.
    pub text: String,
    /// Since when.
    pub since: Timestamp,
    /// The provider, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    /// The endpoint, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_id: Option<WebhookId>,
    /// What operators changed in the half hour before, newest first.
    pub changes: Vec<Audit>,
}

/// Open alerts, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertList {
    /// They.
    pub alerts: Vec<Alert>,
}

/// What the webhook and the command of the settings get: JSON, in the body or on
/// standard input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertNotice {
    /// What has happened.
    pub event: AlertEvent,
    /// When.
    pub at: Timestamp,
    /// Of which installation: its label, or the name of its store.
    pub installation: String,
    /// The alert.
    pub alert: Alert,
}

/// What has happened to an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum AlertEvent {
    /// It is new.
    #[serde(rename = "alert.opened")]
    Opened,
    /// It is over.
    #[serde(rename = "alert.recovered")]
    Recovered,
    /// Somebody asked for a test.
    #[serde(rename = "alert.test")]
    Test,
}

/// What became of a test of who is told of alerts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertTest {
    /// The webhook of the settings; absent: there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Told>,
    /// The command of the settings; absent: there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Told>,
}

/// Whether somebody was told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Told {
    /// Why not; absent: it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}
