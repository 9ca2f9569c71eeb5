//! Topics and subscribers.

use super::person::Target;
use crate::domain::channel::Channel;
use crate::domain::ids::{Revision, SubscriberId, TargetId, TopicId, UserId};
use crate::domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A named audience.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Topic {
    /// Its id.
    #[serde(rename = "$id")]
    pub id: TopicId,
    /// When it was created.
    #[serde(rename = "$createdAt")]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[serde(rename = "$updatedAt")]
    pub updated_at: Timestamp,
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Subscribed email targets.
    pub email_total: u64,
    /// Subscribed phone numbers.
    pub sms_total: u64,
    /// Subscribed devices.
    pub push_total: u64,
    /// Roles that may subscribe.
    pub subscribe: Vec<String>,
    /// Herald: one more on every edit.
    #[serde(default)]
    pub revision: Revision,
}

impl Topic {
    /// Subscribers of all types.
    pub fn sum(&self) -> u64 {
        self.email_total + self.sms_total + self.push_total
    }

    /// Subscribers of one type.
    pub fn of(&self, channel: Channel) -> u64 {
        match channel {
            Channel::Email => self.email_total,
            Channel::Sms => self.sms_total,
            Channel::Push => self.push_total,
        }
    }
}

/// A target's membership of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Subscriber {
    /// Its id.
    #[serde(rename = "$id")]
    pub id: SubscriberId,
    /// Since when.
    #[serde(rename = "$createdAt")]
    pub created_at: Timestamp,
    /// The same.
    #[serde(rename = "$updatedAt")]
    pub updated_at: Timestamp,
    /// Which target.
    pub target_id: TargetId,
    /// The target.
    pub target: Target,
    /// The target's user.
    pub user_id: UserId,
    /// The user's name.
    pub user_name: String,
    /// Of which topic.
    pub topic_id: TopicId,
    /// What the target can receive.
    pub provider_type: Channel,
}

/// Creates a topic.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateTopic {
    /// The id, or `unique()`.
    pub topic_id: String,
    /// The name.
    pub name: String,
    /// Roles that may subscribe; `users` if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscribe: Option<Vec<String>>,
}

/// Changes a topic; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpdateTopic {
    /// A new name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Roles that may subscribe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscribe: Option<Vec<String>>,
    /// Herald: refused as stale unless the topic still has this revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
}

/// Subscribes many targets to a topic in one step: 1 to 1000 entries in all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SubscribeTargets {
    /// The targets' ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<TargetId>,
    /// Whoever: mail addresses, numbers with `+` and their country, push tokens, ids of targets, and
    /// ids of users, which stand for all their targets. What becomes of each is said in `rows`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub who: Vec<String>,
}

/// What became of them: targets, and entries that stand for none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubscribedTargets {
    /// Targets that are subscribed now.
    pub subscribed: u64,
    /// Targets that had been already.
    pub known: u64,
    /// Entries that stand for nobody.
    pub missing: u64,
    /// What became of each entry of `who`, in their order.
    #[serde(default)]
    pub rows: Vec<SubscribedRow>,
}

/// What became of an entry of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubscribedRow {
    /// The entry, as it was given.
    pub who: String,
    /// Targets of it that are subscribed now.
    pub subscribed: u64,
    /// Targets of it that had been already.
    pub known: u64,
    /// Why it stands for nobody; empty where it does.
    pub reason: String,
}

/// Subscribes a target to a topic.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateSubscriber {
    /// The id, or `unique()`.
    pub subscriber_id: String,
    /// Which target.
    pub target_id: String,
}
