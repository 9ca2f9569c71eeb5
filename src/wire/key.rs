//! API keys.

use crate::domain::ids::KeyId;
use crate::domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Everything that a key can be allowed, in the dialect's words.
pub const SCOPES: &[(&str, &str)] = &[
    ("messages.read", "messages, deliveries, plans and why"),
    ("messages.write", "create, change, schedule, send, pause, cancel, retry"),
    ("providers.read", "providers, credentials masked, and their health"),
    ("providers.write", "create, change, pause, test providers"),
    ("credentials.read", "credentials of providers in clear, with providers.read"),
    ("topics.read", "topics"),
    ("topics.write", "create, change, delete topics"),
    ("subscribers.read", "subscribers of topics"),
    ("subscribers.write", "subscribe and unsubscribe"),
    ("targets.read", "targets"),
    ("targets.write", "create, change, delete targets"),
    ("users.read", "users and their targets, person export"),
    ("users.write", "create, change, delete, import, erase users and their targets"),
    ("buckets.read", "buckets"),
    ("buckets.write", "create, change, delete buckets"),
    ("files.read", "files and their contents"),
    ("files.write", "upload, change, delete files"),
    ("suppressions.read", "addresses that are not written to, and why"),
    ("suppressions.write", "put addresses on that list, take them off, undo what a cause did"),
    ("sending.write", "stop and resume all sending"),
    ("webhooks.read", "endpoints that are told when a message ends, and their deliveries"),
    ("webhooks.write", "create, change, test, delete such endpoints"),
    ("audit.read", "who did what"),
    ("metrics.read", "counts of everything at /metrics, for Prometheus"),
    ("keys.read", "API keys, without their secrets"),
    ("keys.write", "create and delete API keys"),
];

/// A key. Its secret is nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Key {
    /// Its id.
    #[serde(rename = "$id")]
    pub id: KeyId,
    /// When it was created.
    #[serde(rename = "$createdAt")]
    pub created_at: Timestamp,
    /// Its name.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Until when; absent: for ever.
    pub expire: Option<Timestamp>,
    /// When it was last used, to the day.
    pub accessed_at: Option<Timestamp>,
}

/// All keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyList {
    /// How many.
    pub total: u64,
    /// All of them.
    pub keys: Vec<Key>,
}

/// Creates a key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateKey {
    /// The id, or `unique()`, which it is if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// Its name.
    pub name: String,
    /// What it may do; not given: everything that the dialect has for messaging, users and files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expire: Option<Timestamp>,
}

/// A key that was just made: the only time that its secret is said.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedKey {
    /// The key.
    #[serde(flatten)]
    pub key: Key,
    /// The secret, with its prefix, as it goes into the header.
    pub secret: String,
}

impl std::fmt::Debug for CreatedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedKey").field("key", &self.key).finish_non_exhaustive()
    }
}
