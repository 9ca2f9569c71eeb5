//! The audit: who did what, when.

use crate::domain::audit::Actor;
use crate::domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An entry of the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Audit {
    /// A cursor.
    pub no: u64,
    /// When.
    pub at: Timestamp,
    /// Who, and through which door.
    pub actor: Actor,
    /// What, such as `message.create`.
    pub event: String,
    /// To what, as `message/ID`.
    pub resource: String,
    /// In one line: what changed.
    pub summary: String,
}

/// A page of the audit, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditPage {
    /// The page.
    pub entries: Vec<Audit>,
    /// Continue after this one; absent: this was the end.
    pub next: Option<u64>,
}

/// An entry of the audit in the dialect's shape. What Herald does not know of a
/// caller (browser, device, country) is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct DialectLog {
    /// What, such as `message.create`.
    pub event: String,
    /// The key's id, if one was used.
    pub user_id: String,
    /// Empty.
    pub user_email: String,
    /// Who.
    pub user_name: String,
    /// `default`.
    pub mode: String,
    /// `keyProject` for a key, `admin` for an operator.
    pub user_type: String,
    /// The peer's address.
    pub ip: String,
    /// When.
    pub time: Timestamp,
    /// Empty.
    pub os_code: String,
    /// Empty.
    pub os_name: String,
    /// Empty.
    pub os_version: String,
    /// Empty.
    pub client_type: String,
    /// Empty.
    pub client_code: String,
    /// Empty.
    pub client_name: String,
    /// Empty.
    pub client_version: String,
    /// Empty.
    pub client_engine: String,
    /// Empty.
    pub client_engine_version: String,
    /// Empty.
    pub device_name: String,
    /// Empty.
    pub device_brand: String,
    /// Empty.
    pub device_model: String,
    /// `--`: unknown.
    pub country_code: String,
    /// Empty.
    pub country_name: String,
}
