//! Drafts that a composer saves by itself, and who else is here.
//!
//! A draft is whatever its composer makes of it: a JSON object that Herald keeps
//! and does not look into. Each operator has their own.

use crate::domain::ids::{DraftId, Revision};
use crate::domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A saved draft.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SavedDraft {
    /// Its id, unique among the operator's.
    #[serde(rename = "$id")]
    pub id: DraftId,
    /// When it was first saved.
    #[serde(rename = "$createdAt")]
    pub created_at: Timestamp,
    /// When it was last saved.
    #[serde(rename = "$updatedAt")]
    pub updated_at: Timestamp,
    /// One more with each save.
    pub revision: Revision,
    /// What was saved.
    pub document: Map<String, Value>,
}

/// Saves a draft.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SaveDraft {
    /// What is saved, up to 256 KiB.
    pub document: Map<String, Value>,
    /// Refused as stale unless the draft still has this revision; 0: unless there is none yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
}

/// An operator's drafts, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SavedDraftList {
    /// The drafts.
    pub drafts: Vec<SavedDraft>,
}

/// Somebody who follows the event stream: a console, or a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attached {
    /// The operator's or the key's name.
    pub name: String,
    /// From where: an address, or `socket, user 1000`.
    pub from: String,
    /// Since when.
    pub since: Timestamp,
    /// Whether this is the one who asks.
    pub you: bool,
}

/// Who is here, the longest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Presence {
    /// They.
    pub attached: Vec<Attached>,
}
