//! Who did what, when, and through which door.

use super::once::Once;
use super::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Somebody who acts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Actor {
    /// The operator's name: given by `--as`, else the login behind the peer, else the key's name.
    pub name: String,
    /// The API key, if one was used.
    pub key: Option<String>,
    /// The request's id, if it came through the API.
    pub request: Option<String>,
    /// The address of the peer, or `socket`, or `process`.
    pub from: String,
    /// A call that may be repeated: what is done now is written together with it.
    #[serde(skip)]
    pub once: Option<Once>,
}

impl Actor {
    /// The engine itself.
    pub fn engine() -> Self {
        Self { name: "herald".into(), from: "process".into(), ..Self::default() }
    }
}

/// One entry of the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// The dialect's event name, such as `message.create`, or one of ours.
    pub event: String,
    /// What it was done to, as `message/ID`.
    pub resource: String,
    /// In one line, for people: what changed.
    pub summary: String,
}
