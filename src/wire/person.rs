//! Users and targets.

use crate::domain::channel::Channel;
use crate::domain::delivery::{Outcome, SkipReason};
use crate::domain::ids::{ProviderId, Revision, TargetId, UserId};
use crate::domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One way to reach a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// Its id.
    #[serde(rename = "$id")]
    pub id: TargetId,
    /// When it was created.
    #[serde(rename = "$createdAt")]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[serde(rename = "$updatedAt")]
    pub updated_at: Timestamp,
    /// Its name; may be empty.
    pub name: String,
    /// Whose it is.
    pub user_id: UserId,
    /// The provider that it is pinned to.
    pub provider_id: Option<ProviderId>,
    /// What it can receive.
    pub provider_type: Channel,
    /// The address, number or token.
    pub identifier: String,
    /// A provider said that it no longer exists.
    pub expired: bool,
    /// Herald: one more on every edit.
    #[serde(default)]
    pub revision: Revision,
    /// Herald: what became last of what was sent to its address. Only where a list was asked for it
    /// (`outcomes=true`), and absent there where the log knows of nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_outcome: Option<LastOutcome>,
}

/// The newest row of the delivery log to an address, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastOutcome {
    /// What became of it.
    pub outcome: Outcome,
    /// When that was known.
    pub at: Timestamp,
    /// Why the recipient was left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<SkipReason>,
}

/// A person, with what the dialect says of one. What has to do with signing in
/// is empty: Herald signs nobody in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_excessive_bools, reason = "the dialect's fields")]
pub struct User {
    /// The id.
    #[serde(rename = "$id")]
    pub id: UserId,
    /// When the user was created.
    #[serde(rename = "$createdAt")]
    pub created_at: Timestamp,
    /// When the user was last changed.
    #[serde(rename = "$updatedAt")]
    pub updated_at: Timestamp,
    /// The name; may be empty.
    pub name: String,
    /// Always empty.
    #[serde(default)]
    pub password: String,
    /// Always empty.
    #[serde(default)]
    pub hash: String,
    /// Always empty.
    #[serde(default)]
    pub hash_options: Map<String, Value>,
    /// When the user was created.
    #[serde(default)]
    pub registration: String,
    /// False: blocked, nothing is sent.
    pub status: bool,
    /// Labels.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Always empty.
    #[serde(default)]
    pub password_update: String,
    /// The mail address; empty when there is none.
    pub email: String,
    /// The phone number; empty when there is none.
    pub phone: String,
    /// Always false.
    #[serde(default)]
    pub email_verification: bool,
    /// Always false.
    #[serde(default)]
    pub phone_verification: bool,
    /// Always false.
    #[serde(default)]
    pub mfa: bool,
    /// Free preferences.
    #[serde(default)]
    pub prefs: Map<String, Value>,
    /// All targets.
    #[serde(default)]
    pub targets: Vec<Target>,
    /// Always empty.
    #[serde(default)]
    pub accessed_at: String,
    /// Herald: one more on every edit.
    #[serde(default)]
    pub revision: Revision,
}

/// Creates a user, and a target for each address that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateUser {
    /// The id, or `unique()`.
    pub user_id: String,
    /// A mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// A phone number in E.164.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Creates a target of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateTarget {
    /// The id, or `unique()`.
    pub target_id: String,
    /// What it can receive.
    pub provider_type: Channel,
    /// The address, number or token.
    pub identifier: String,
    /// A provider to pin it to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// A name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Changes a target; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpdateTarget {
    /// A new address, which also un-expires the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// A provider to pin it to; empty unpins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// A name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

macro_rules! one_field {
    ($($(#[$doc:meta])* $name:ident { $(#[$field_doc:meta])* $field:ident: $ty:ty })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        pub struct $name {
            $(#[$field_doc])*
            pub $field: $ty,
        }
    )*};
}

one_field! {
    /// Changes a user's name.
    UpdateName {
        /// The name; may be empty.
        name: String
    }
    /// Changes a user's mail address and its target.
    UpdateEmail {
        /// The address; empty clears.
        email: String
    }
    /// Changes a user's phone number and its target.
    UpdatePhone {
        /// The number in E.164; empty clears.
        number: String
    }
    /// Blocks a user, or lifts it.
    UpdateStatus {
        /// False: nothing is sent.
        status: bool
    }
    /// Replaces a user's labels.
    UpdateLabels {
        /// All of them.
        labels: Vec<String>
    }
    /// Replaces a user's preferences.
    UpdatePrefs {
        /// All of them.
        prefs: Map<String, Value>
    }
    /// Names a person by an address.
    PersonRequest {
        /// A mail address, phone number or token.
        address: String
    }
}
