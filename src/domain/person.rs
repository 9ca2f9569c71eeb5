//! Users and their targets.

use super::channel::Channel;
use super::ids::{IdentifierNo, ProviderId, Revision, TargetId, TargetNo, UserId, UserNo};
use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// The store's number.
    pub no: UserNo,
    /// The id at the door.
    pub id: UserId,
    /// How the person is called; may be empty.
    pub name: String,
    /// The address of the automatic email target, if there is one.
    pub email: Option<String>,
    /// The number of the automatic SMS target, if there is one.
    pub phone: Option<String>,
    /// False: blocked, and nothing is sent to any target of this user.
    pub enabled: bool,
    /// Labels, alphanumeric.
    pub labels: Vec<String>,
    /// Free preferences, a JSON object as text; readable by message variables.
    pub prefs: String,
    /// When the user was created.
    pub created: Timestamp,
    /// When the user was last changed.
    pub updated: Timestamp,
    /// One more on every edit.
    pub revision: Revision,
}

/// One way to reach a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The store's number.
    pub no: TargetNo,
    /// The id at the door.
    pub id: TargetId,
    /// Whose target this is.
    pub user_no: UserNo,
    /// Whose target this is, as the door says it.
    pub user_id: UserId,
    /// What it can receive.
    pub channel: Channel,
    /// The identifier record that the address stands in now.
    pub identifier_no: IdentifierNo,
    /// The address itself: an email address, an E.164 number or a device token.
    pub identifier: String,
    /// The provider that this target is pinned to, if any.
    pub provider: Option<ProviderId>,
    /// A name for people, such as the device's; may be empty.
    pub name: String,
    /// A provider said that this address no longer exists. Nothing is sent to it until it changes.
    pub expired: bool,
    /// When the target was created.
    pub created: Timestamp,
    /// When the target was last changed.
    pub updated: Timestamp,
    /// One more on every edit.
    pub revision: Revision,
}

/// What identifies a person, as it was once: rows of plans and logs refer to it
/// by number, so that changing a target never rewrites history and erasing a
/// person is erasing this record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identifier {
    /// The store's number.
    pub no: IdentifierNo,
    /// What it can receive.
    pub channel: Channel,
    /// The address; empty once erased.
    pub address: String,
    /// When the person asked to be forgotten, if ever.
    pub erased: Option<Timestamp>,
}

/// How an address looks once everything that does not distinguish it is gone:
/// mail addresses are compared in lower case, numbers and tokens as they are.
pub fn canonical_address(channel: Channel, address: &str) -> String {
    match channel {
        Channel::Email => address.trim().to_lowercase(),
        Channel::Sms | Channel::Push => address.trim().to_owned(),
    }
}
