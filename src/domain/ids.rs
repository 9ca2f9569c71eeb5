//! Identifiers: strings at the door, dense numbers inside.
//!
//! The string ids follow the dialect's rule for custom ids. The numbers are
//! given out by the store, ascending, and never leave the process except in a
//! cursor; a subscription or a log row therefore costs bytes, not strings.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// The longest id that the dialect accepts, in characters.
pub const MAX_ID_LEN: usize = 36;

/// Why a string is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing was given.
    #[error("an id needs at least one character")]
    Empty,
    /// More than [`MAX_ID_LEN`] characters.
    #[error("an id has at most 36 characters")]
    TooLong,
    /// The first character is `.`, `-` or `_`.
    #[error("an id starts with a letter or a digit")]
    BadStart,
    /// A character outside `a-z A-Z 0-9 . - _`.
    #[error("an id has only the characters a-z, A-Z, 0-9, period, hyphen and underscore")]
    BadCharacter,
}

/// Checks the dialect's rule for custom ids (facts 1.2): 1 to 36 characters of
/// `a-z A-Z 0-9 . - _`, the first one a letter or a digit.
pub fn check_id(text: &str) -> Result<(), IdError> {
    let first = text.bytes().next().ok_or(IdError::Empty)?;
    if text.chars().count() > MAX_ID_LEN {
        return Err(IdError::TooLong);
    }
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')) {
        return Err(IdError::BadCharacter);
    }
    if !first.is_ascii_alphanumeric() {
        return Err(IdError::BadStart);
    }
    Ok(())
}

/// What an id looks like.
pub fn id_schema() -> Schema {
    json_schema!({ "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,35}$" })
}

/// A server-made id in the dialect's form: hex microseconds (13 or more
/// characters) and seven random hex characters.
pub fn generate_id(now_micros: u64, random: u32) -> String {
    format!("{now_micros:013x}{:07x}", random & 0x0fff_ffff)
}

macro_rules! string_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// Checks and wraps an id.
            pub fn new(text: impl AsRef<str>) -> Result<Self, IdError> {
                let text = text.as_ref();
                check_id(text)?;
                Ok(Self(text.into()))
            }

            /// A server-made id; see [`generate_id`].
            pub fn generate(now_micros: u64, random: u32) -> Self {
                Self(generate_id(now_micros, random).into())
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                id_schema()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.into()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    )*};
}

string_id! {
    /// A person.
    UserId;
    /// One way to reach a user.
    TargetId;
    /// A named audience.
    TopicId;
    /// A target's membership of a topic.
    SubscriberId;
    /// An account with a delivery service.
    ProviderId;
    /// A message.
    MessageId;
    /// An API key.
    KeyId;
    /// A bulk import, which can be undone.
    ImportId;
    /// An operation over deliveries.
    OperationId;
    /// The forgetting of a person.
    ErasureId;
    /// An endpoint that is told when a message ends.
    WebhookId;
    /// A draft of the composer.
    DraftId;
    /// A place for files.
    BucketId;
    /// A file in a bucket.
    FileId;
    /// An address that is not written to.
    SuppressionId;
}

macro_rules! number {
    ($($(#[$doc:meta])* $name:ident($inner:ty);)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

number! {
    /// The store's number of a user.
    UserNo(u64);
    /// The store's number of a target; plans are in this order.
    TargetNo(u64);
    /// The store's number of a topic.
    TopicNo(u32);
    /// The store's number of a provider; the lowest enabled one of a type is the default.
    ProviderNo(u32);
    /// The store's number of a message.
    MessageNo(u64);
    /// The store's number of a bucket.
    BucketNo(u32);
    /// The store's number of a file; unfinished uploads are kept under it.
    FileNo(u64);
    /// The store's number of an identifier record: an address as it was once, with
    /// whatever else tells who a person is. Erasing a person erases this record.
    IdentifierNo(u64);
    /// The number of a packed run of a message's plan for one provider.
    RunNo(u32);
    /// The number of a window of the journal.
    WindowNo(u64);
    /// The number of a recipient that waits for a retry, a release or a decision.
    WaitNo(u64);
    /// The store's number of a suppression.
    SuppressionNo(u64);
    /// The global sequence number of a row of the delivery log.
    LogSeq(u64);
    /// A record's revision: one more on every edit.
    Revision(u32);
}

impl Revision {
    /// The revision after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_dialects_edges() {
        assert_eq!(check_id(""), Err(IdError::Empty));
        assert_eq!(check_id(&"a".repeat(37)), Err(IdError::TooLong));
        assert_eq!(check_id(&"a".repeat(36)), Ok(()));
        assert_eq!(check_id("_a"), Err(IdError::BadStart));
        assert_eq!(check_id("a b"), Err(IdError::BadCharacter));
        assert_eq!(check_id("a$"), Err(IdError::BadCharacter));
        assert_eq!(check_id("ä"), Err(IdError::BadCharacter));
        assert_eq!(check_id("a.b-c_D9"), Ok(()));
    }

    proptest! {
        #[test]
        fn generated_ids_are_ids(micros in 0u64..u64::MAX / 2, random: u32) {
            prop_assert_eq!(check_id(&generate_id(micros, random)), Ok(()));
        }

        #[test]
        fn serde_round_trips(text in "[a-zA-Z0-9][a-zA-Z0-9._-]{0,35}") {
            let id = MessageId::new(&text).unwrap();
            let bytes = postcard::to_stdvec(&id).unwrap();
            prop_assert_eq!(postcard::from_bytes::<MessageId>(&bytes).unwrap(), id);
        }
    }
}
