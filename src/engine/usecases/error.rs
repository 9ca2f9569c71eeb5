//! What a use case can refuse, in the API's types.

use crate::domain::ids::IdError;
use crate::domain::validate::Invalid;
use crate::engine::EngineError;
use crate::store::{RecordKind, StoreError, Taken};
use crate::wire::ErrorType;
use crate::wire::error::StaleRecord;

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// For programs.
    pub kind: ErrorType,
    /// For people: what is wrong and what to do.
    pub message: String,
    /// How the record stands that was changed meanwhile, where that is the reason.
    pub stale: Option<Box<StaleRecord>>,
}

/// What use cases give.
pub type Outcome<T> = Result<T, Refusal>;

impl Refusal {
    /// A refusal of a type.
    pub fn new(kind: ErrorType, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), stale: None }
    }

    /// A record that is not there.
    pub fn not_found(kind: RecordKind, id: &str) -> Self {
        StoreError::NotFound { kind, id: id.to_owned() }.into()
    }

    /// The state of things does not allow it.
    pub fn not_now(message: impl Into<String>) -> Self {
        Self::new(ErrorType::NotAllowedNow, message)
    }
}

impl From<Invalid> for Refusal {
    fn from(invalid: Invalid) -> Self {
        Self::new(ErrorType::ArgumentInvalid, invalid.to_string())
    }
}

impl From<IdError> for Refusal {
    fn from(error: IdError) -> Self {
        Self::new(ErrorType::ArgumentInvalid, error.to_string())
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::NotFound { kind, .. } => missing(*kind),
            StoreError::Conflict { kind, taken } => exists(*kind, *taken),
            StoreError::Stale { .. } => ErrorType::Stale,
            StoreError::Transition(_) | StoreError::Moved => ErrorType::NotAllowedNow,
            StoreError::Repeated => ErrorType::IdempotencyInFlight,
            StoreError::Suspended { .. } => ErrorType::Suspended,
            StoreError::Closed => ErrorType::Closing,
            StoreError::TooNew { .. }
            | StoreError::Locked(_)
            | StoreError::Sealed(_)
            | StoreError::Damaged(_)
            | StoreError::Io(_) => ErrorType::ServerError,
        };
        let message = error.to_string();
        let mut letters = message.chars();
        let sentence = letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>());
        Self::new(kind, sentence.unwrap_or_default())
    }
}

impl From<EngineError> for Refusal {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Store(error) => error.into(),
            EngineError::Invalid(invalid) => invalid.into(),
            EngineError::Id(error) => error.into(),
            other => Self::not_now(other.to_string()),
        }
    }
}

fn missing(kind: RecordKind) -> ErrorType {
    match kind {
        RecordKind::User => ErrorType::UserNotFound,
        RecordKind::Target => ErrorType::TargetNotFound,
        RecordKind::Topic => ErrorType::TopicNotFound,
        RecordKind::Subscriber => ErrorType::SubscriberNotFound,
        RecordKind::Provider => ErrorType::ProviderNotFound,
        RecordKind::Message => ErrorType::MessageNotFound,
        RecordKind::Key => ErrorType::KeyNotFound,
        RecordKind::Import => ErrorType::ImportNotFound,
        RecordKind::Bucket => ErrorType::BucketNotFound,
        RecordKind::File => ErrorType::FileNotFound,
        RecordKind::Suppression => ErrorType::SuppressionNotFound,
    }
}

fn exists(kind: RecordKind, taken: Taken) -> ErrorType {
    match (kind, taken) {
        (RecordKind::User, Taken::Email) => ErrorType::UserEmailExists,
        (RecordKind::User, Taken::Phone) => ErrorType::UserPhoneExists,
        (RecordKind::User, Taken::Address) | (RecordKind::Target, _) => ErrorType::TargetExists,
        (RecordKind::User, _) => ErrorType::UserExists,
        (RecordKind::Topic, _) => ErrorType::TopicExists,
        (RecordKind::Subscriber, _) => ErrorType::SubscriberExists,
        (RecordKind::Provider, _) => ErrorType::ProviderExists,
        (RecordKind::Message, _) => ErrorType::MessageExists,
        (RecordKind::Key, _) => ErrorType::KeyExists,
        (RecordKind::Import, _) => ErrorType::ImportExists,
        (RecordKind::Bucket, _) => ErrorType::BucketExists,
        (RecordKind::File, _) => ErrorType::FileExists,
        // The store gives these ids itself.
        (RecordKind::Suppression, _) => ErrorType::ServerError,
    }
}
