//! Topics and their subscribers.

use super::channel::Channel;
use super::ids::{Revision, SubscriberId, TargetNo, TopicId, TopicNo};
use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A named audience.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topic {
    /// The store's number.
    pub no: TopicNo,
    /// The id at the door.
    pub id: TopicId,
    /// How it is called.
    pub name: String,
    /// Roles that may subscribe (dialect; default `users`).
    pub subscribe: Vec<String>,
    /// What it is for; kept beside the record.
    #[serde(skip)]
    pub description: String,
    /// Subscribers by channel, kept in the transactions that change them.
    pub totals: Totals,
    /// When the topic was created.
    pub created: Timestamp,
    /// When the topic was last changed.
    pub updated: Timestamp,
    /// One more on every edit.
    pub revision: Revision,
}

/// Counts by channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Email targets.
    pub email: u64,
    /// SMS targets.
    pub sms: u64,
    /// Push targets.
    pub push: u64,
}

impl Totals {
    /// The count of one channel.
    pub fn of(&self, channel: Channel) -> u64 {
        match channel {
            Channel::Email => self.email,
            Channel::Sms => self.sms,
            Channel::Push => self.push,
        }
    }

    /// The count of one channel, to change it.
    pub fn of_mut(&mut self, channel: Channel) -> &mut u64 {
        match channel {
            Channel::Email => &mut self.email,
            Channel::Sms => &mut self.sms,
            Channel::Push => &mut self.push,
        }
    }

    /// All channels together.
    pub fn sum(&self) -> u64 {
        self.email + self.sms + self.push
    }
}

/// A target's membership of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscriber {
    /// The id at the door.
    pub id: SubscriberId,
    /// Of which topic.
    pub topic_no: TopicNo,
    /// Which target.
    pub target_no: TargetNo,
    /// What that target can receive.
    pub channel: Channel,
    /// Since when.
    pub created: Timestamp,
}
