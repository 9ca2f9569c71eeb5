//! The suppression list, and the page with which a recipient leaves a topic.

use crate::domain::channel::Channel;
use crate::domain::ids::{MessageId, OperationId, ProviderId, SuppressionId, TargetId, TopicId};
use crate::domain::suppression::SuppressionCause;
use crate::domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An address that is not written to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Suppression {
    /// Its id.
    #[serde(rename = "$id")]
    pub id: SuppressionId,
    /// Since when.
    #[serde(rename = "$createdAt")]
    pub created_at: Timestamp,
    /// For which type.
    pub provider_type: Channel,
    /// The address; empty once the person was erased: it holds all the same.
    pub address: String,
    /// The target that has the address now.
    pub target_id: Option<TargetId>,
    /// Why.
    pub cause: SuppressionCause,
    /// Of an unsubscribe: from which topic; absent: from every one.
    pub topic_id: Option<TopicId>,
    /// The provider that said so.
    pub provider_id: Option<ProviderId>,
    /// The message that it was said of.
    pub message_id: Option<MessageId>,
    /// What was said.
    pub said: String,
    /// By whom: an operator, a key, the recipient, or Herald.
    pub by: String,
    /// A note; may be empty.
    pub note: String,
}

impl Suppression {
    /// Why, in words: `unsubscribed from news`.
    pub fn reason(&self) -> String {
        match (&self.topic_id, self.cause) {
            (Some(topic), _) => format!("{} from {topic}", self.cause),
            (None, SuppressionCause::Unsubscribe) => format!("{} from everything", self.cause),
            (None, _) => self.cause.to_string(),
        }
    }

    /// The address, or what stands in its place.
    pub fn shown_address(&self) -> &str {
        if self.address.is_empty() { "(erased)" } else { &self.address }
    }
}

/// A page of the list, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SuppressionList {
    /// How many there are in all; absent where only some were asked for.
    pub total: Option<u64>,
    /// The page.
    pub suppressions: Vec<Suppression>,
    /// Continue after this; absent: this was the end.
    pub next: Option<u64>,
    /// The look ended at its bound: `next` goes on.
    pub cut_short: bool,
}

/// Which part of the list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SuppressionParameters {
    /// For this cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<SuppressionCause>,
    /// Of this type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_type: Option<Channel>,
    /// As this provider said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    /// From this topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic_id: Option<TopicId>,
    /// Of exactly this address, also where it was erased from the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Beginnings of words of the address or the note.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// From then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Continue here: `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// At most so many, up to 1000; 50 if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// Puts addresses on the list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct CreateSuppressions {
    /// The addresses, at most 10000.
    pub addresses: Vec<String>,
    /// Their type; as they look, if it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_type: Option<Channel>,
    /// Why; `manual` if it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<SuppressionCause>,
    /// Of an unsubscribe: from these topics; none: from every one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<TopicId>,
    /// A note.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// What became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AddedSuppressions {
    /// How many are new.
    pub added: u64,
    /// How many were there already, for the same cause and topic.
    pub known: u64,
    /// The first of the new ones.
    pub suppressions: Vec<Suppression>,
    /// Texts that are no address, the first of them.
    pub refused: Vec<String>,
    /// How many those are.
    pub refused_count: u64,
}

/// Takes back all that a cause did between two times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UndoSuppressions {
    /// The cause.
    pub cause: SuppressionCause,
    /// Through this provider alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    /// From then on.
    pub from: Timestamp,
    /// Until then; now, if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// How many there are, as the answer without this said; left out: nothing is done yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Why, for the audit and the operation; up to 512 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// What was taken back, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UndoneSuppressions {
    /// How many.
    pub count: u64,
    /// Whether it was done.
    pub done: bool,
    /// The first of them.
    pub suppressions: Vec<Suppression>,
    /// Until when, so that the confirmation means the same.
    pub to: Timestamp,
    /// The operation that it is listed as, once it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<OperationId>,
}
