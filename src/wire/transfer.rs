//! Imports, what is known of a person, and what bears a word.

use super::delivery::Delivery;
use super::history::Audit;
use super::person::{Target, User};
use super::suppression::Suppression;
use crate::domain::ids::{ErasureId, ImportId, TopicId};
use crate::domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a file is read; a parameter of the URL each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ImportRequest {
    /// The file's name, for the record.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// A topic that everybody of the file is subscribed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<TopicId>,
    /// Which columns hold what, a line each: `email=E-Mail Adresse`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub map: String,
    /// The country of numbers without one, such as `DE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Read and report, write nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// Lines to pass over: an import that was interrupted goes on here.
    #[serde(skip_serializing_if = "is_zero")]
    pub skip_lines: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// What an import did. The answer is a stream of these, one JSON object a line:
/// the last one has `done`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ImportProgress {
    /// Its id; undo by it. Empty when nothing was written.
    pub id: String,
    /// What was found about the file, in one line.
    pub detected: String,
    /// Lines read.
    pub lines: u64,
    /// Bytes read.
    pub bytes: u64,
    /// People read.
    pub rows: u64,
    /// What was made.
    pub counts: ImportCounts,
    /// What was repaired, by kind.
    pub repaired: BTreeMap<String, u64>,
    /// What stands above the refused lines in a file of them, with its line break; may be empty.
    pub rejects_header: String,
    /// Lines refused since the last object.
    pub rejects: Vec<Reject>,
    /// Lines refused in all.
    pub refused: u64,
    /// It is through.
    pub done: bool,
    /// Why it ended early; empty: it did not.
    pub error: String,
}

/// What an import made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ImportCounts {
    /// Users.
    pub users: u64,
    /// Targets.
    pub targets: u64,
    /// Subscriptions.
    pub subscriptions: u64,
    /// Topics.
    pub topics: u64,
    /// Names changed.
    pub renamed: u64,
    /// People of whom everything was already there.
    pub unchanged: u64,
}

/// A line that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reject {
    /// Its number.
    pub line: u64,
    /// Why.
    pub reason: String,
    /// As it stands in the file; empty when it could be read and was refused later.
    pub original: String,
    /// As it goes into a file of refused lines that can be mended and imported again,
    /// with its line break.
    pub record: String,
}

/// An import that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Import {
    /// Its id.
    #[serde(rename = "$id")]
    pub id: ImportId,
    /// When it began.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// The name of the file.
    pub source: String,
    /// What it made in all.
    pub counts: ImportCounts,
    /// When it was undone.
    pub undone: Option<Timestamp>,
}

/// Imports, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportList {
    /// The list.
    pub imports: Vec<Import>,
}

/// What was found: whatever bears an id, an address, a Message-ID or a service's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// What it is.
    pub kind: FoundKind,
    /// Its id.
    pub id: String,
    /// Of what it is a part: a target's user, a subscriber's topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// In one line.
    pub title: String,
    /// How it stands, in one line.
    pub detail: String,
}

/// What something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FoundKind {
    /// A message.
    Message,
    /// A topic.
    Topic,
    /// A user.
    User,
    /// A target.
    Target,
    /// A provider.
    Provider,
    /// A row of the delivery log.
    Delivery,
    /// An import.
    Import,
    /// An API key.
    Key,
    /// An address on the suppression list.
    Suppression,
}

/// All that was found, the best first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FoundList {
    /// The list.
    pub found: Vec<Found>,
    /// Where was looked: how far back the log was searched.
    pub searched: String,
}

/// In what somebody who is forgotten is looked for, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ErasurePart {
    /// The user, the targets, and the address in every record that rows refer to.
    Addresses,
    /// What messages say.
    Messages,
    /// Names of files.
    Files,
    /// Names of imported files, and why their lines were refused.
    Imports,
    /// Names that only people can change: they are listed.
    Names,
    /// Drafts.
    Drafts,
    /// Operations over deliveries.
    Operations,
    /// Alerts.
    Alerts,
    /// What endpoints were told.
    Webhooks,
    /// The audit.
    Audit,
    /// Nothing is left to look at.
    Done,
}

impl ErasurePart {
    /// All, in order.
    pub const ALL: [Self; 11] = [
        Self::Addresses,
        Self::Messages,
        Self::Files,
        Self::Imports,
        Self::Names,
        Self::Drafts,
        Self::Operations,
        Self::Alerts,
        Self::Webhooks,
        Self::Audit,
        Self::Done,
    ];

    /// How many of the parts are done.
    pub fn done(self) -> usize {
        Self::ALL.iter().position(|part| *part == self).unwrap_or_default()
    }

    /// The next one.
    #[must_use]
    pub fn next(self) -> Self {
        Self::ALL.get(self.done() + 1).copied().unwrap_or(Self::Done)
    }

    /// What it is, for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Addresses => "addresses",
            Self::Messages => "messages",
            Self::Files => "files",
            Self::Imports => "imports",
            Self::Names => "names",
            Self::Drafts => "drafts",
            Self::Operations => "operations",
            Self::Alerts => "alerts",
            Self::Webhooks => "webhooks",
            Self::Audit => "audit",
            Self::Done => "done",
        }
    }
}

/// The forgetting of a person. It goes on in the background, also after a restart. Whom it is of stands
/// in it nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Erasure {
    /// Its id.
    #[serde(rename = "$id")]
    pub id: ErasureId,
    /// Who asked for it.
    pub by: String,
    /// When.
    pub created: Timestamp,
    /// When it was over; absent: it goes on.
    pub finished: Option<Timestamp>,
    /// Records of addresses, and of what is not sent to them, that are emptied.
    pub count: u64,
    /// Where it is.
    pub part: ErasurePart,
    /// Records that were looked at so far, in all parts.
    pub looked: u64,
    /// Texts of them that named the person, and were changed.
    pub changed: u64,
    /// What may still tell of the person, each in one sentence.
    pub left: Vec<String>,
}

impl Erasure {
    /// Whether nothing of it is to come.
    pub fn is_over(&self) -> bool {
        self.finished.is_some()
    }
}

/// Erasures, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErasureList {
    /// The erasures.
    pub erasures: Vec<Erasure>,
}

/// All that is held of a person.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PersonExport {
    /// When it was written.
    pub at: Timestamp,
    /// For which address.
    pub address: String,
    /// Users, with their targets.
    pub users: Vec<User>,
    /// Targets with this address.
    pub targets: Vec<Target>,
    /// Subscriptions of these targets, as `topic: since`.
    pub subscriptions: Vec<Subscription>,
    /// What is not sent to this person, and why.
    #[serde(default)]
    pub suppressions: Vec<Suppression>,
    /// What was sent to this address, oldest first.
    pub deliveries: Vec<Delivery>,
    /// Always false: everything is in it.
    pub cut_short: bool,
    /// Who did what to them.
    pub audit: Vec<Audit>,
}

/// A subscription of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// To which topic.
    pub topic_id: TopicId,
    /// With which address.
    pub address: String,
    /// Since when.
    pub since: Timestamp,
}

/// Copies the store while it runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupRequest {
    /// The directory to make, on the engine's machine.
    pub directory: String,
    /// Also the key that opens the credentials.
    #[serde(default)]
    pub with_key: bool,
}

/// How far a copy has come. The answer is a stream of these, the last one `done`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct BackupProgress {
    /// Bytes copied.
    pub bytes: u64,
    /// Bytes in all.
    pub total: u64,
    /// It is through.
    pub done: bool,
    /// Why it failed; empty: it did not.
    pub error: String,
}
