//! Errors: the body, and every type with its status.

use crate::domain::ids::Revision;
use crate::domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What every answer from 400 up carries, in the dialect's shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorBody {
    /// For people: what is wrong and what to do.
    pub message: String,
    /// The HTTP status.
    pub code: u16,
    /// For programs, such as `message_not_found`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The dialect's version.
    pub version: String,
    /// Herald, where somebody else has changed the record meanwhile: how it stands now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale: Option<Box<StaleRecord>>,
}

/// How a record stands that was changed by somebody else meanwhile.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StaleRecord {
    /// Its revision now.
    pub revision: Revision,
    /// Who changed it last.
    pub by: Option<String>,
    /// When.
    pub at: Option<Timestamp>,
    /// Fields that were to be changed and are not what was wanted.
    pub difference: Vec<Difference>,
}

/// A field that differs from what was wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// Its name in the request.
    pub field: String,
    /// What it is now.
    pub now: serde_json::Value,
}

macro_rules! error_types {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:literal;)*) => {
        /// Every type of error, the dialect's first and then Herald's own.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorType {
            $($(#[$doc])* $name,)*
        }

        impl ErrorType {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The type's text, which programs compare.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// The HTTP status that goes with it.
            pub const fn status(self) -> u16 {
                match self {
                    $(Self::$name => $status,)*
                }
            }
        }
    };
}

error_types! {
    /// A parameter is missing or breaks a rule.
    ArgumentInvalid = "general_argument_invalid", 400;
    /// A list query cannot be served.
    QueryInvalid = "general_query_invalid", 400;
    /// A cursor's record has no value in the attribute that orders the list.
    QueryOrderNull = "database_query_order_null", 400;
    /// A cursor names nothing.
    CursorNotFound = "general_cursor_not_found", 400;
    /// There is no such path, or not with this method.
    RouteNotFound = "general_route_not_found", 404;
    /// The caller may not do this.
    UnauthorizedScope = "general_unauthorized_scope", 401;
    /// A mail address breaks a rule.
    InvalidEmail = "general_invalid_email", 400;
    /// A phone number breaks a rule.
    InvalidPhone = "general_invalid_phone", 400;
    /// Something went wrong that should not.
    ServerError = "general_server_error", 500;
    /// The key has expired.
    KeyExpired = "project_key_expired", 401;
    /// A key and a session at once.
    KeyAndSession = "user_api_key_and_session_set", 403;
    /// There is no such user.
    UserNotFound = "user_not_found", 404;
    /// There is one with this id.
    UserExists = "user_already_exists", 409;
    /// A user has this mail address.
    UserEmailExists = "user_email_already_exists", 409;
    /// A user has this phone number.
    UserPhoneExists = "user_phone_already_exists", 409;
    /// There is no such target.
    TargetNotFound = "user_target_not_found", 404;
    /// A target has this id or this address.
    TargetExists = "user_target_already_exists", 409;
    /// There is no such topic.
    TopicNotFound = "topic_not_found", 404;
    /// There is one with this id.
    TopicExists = "topic_already_exists", 409;
    /// There is no such subscriber.
    SubscriberNotFound = "subscriber_not_found", 404;
    /// There is one with this id, or the target is subscribed.
    SubscriberExists = "subscriber_already_exists", 409;
    /// There is no such provider.
    ProviderNotFound = "provider_not_found", 404;
    /// There is one with this id.
    ProviderExists = "provider_already_exists", 409;
    /// The provider is of another kind or type.
    ProviderIncorrectType = "provider_incorrect_type", 400;
    /// A request with receipts does not come from the service.
    ReceiptRefused = "receipt_refused", 401;
    /// The provider has not what receipts are verified with.
    ReceiptsNotSetUp = "receipts_not_set_up", 404;
    /// Receipts of deliveries whose outcome is being recorded: to be sent again.
    ReceiptEarly = "receipt_too_early", 503;
    /// Credentials are missing that enabling needs.
    ProviderMissingCredentials = "provider_missing_credentials", 400;
    /// Herald: the service does not take the new key; the old one stays.
    ProviderKeyRefused = "provider_key_refused", 400;
    /// Herald: the service cannot be asked whether it takes a new key, and nobody said that this is known.
    ProviderKeyUnchecked = "provider_key_unchecked", 400;
    /// There is no such message.
    MessageNotFound = "message_not_found", 404;
    /// There is one with this id.
    MessageExists = "message_already_exists", 409;
    /// Nobody is named as its audience.
    MessageMissingTarget = "message_missing_target", 400;
    /// It is over.
    MessageSent = "message_already_sent", 400;
    /// It is being sent.
    MessageProcessing = "message_already_processing", 400;
    /// It is over.
    MessageFailed = "message_already_failed", 400;
    /// Its time has come.
    MessageScheduled = "message_already_scheduled", 400;
    /// A target is unknown or of another type.
    MessageTargetNotEmail = "message_target_not_email", 400;
    /// A target is unknown or of another type.
    MessageTargetNotSms = "message_target_not_sms", 400;
    /// A target is unknown or of another type.
    MessageTargetNotPush = "message_target_not_push", 400;
    /// It has no time.
    MessageMissingSchedule = "message_missing_schedule", 400;
    /// There is no such bucket.
    BucketNotFound = "storage_bucket_not_found", 404;
    /// There is one with this id.
    BucketExists = "storage_bucket_already_exists", 409;
    /// No such suppression.
    SuppressionNotFound = "suppression_not_found", 404;
    /// There is no such file, or its upload has not ended.
    FileNotFound = "storage_file_not_found", 404;
    /// There is one with this id.
    FileExists = "storage_file_already_exists", 409;
    /// A file of this type is not allowed here.
    FileTypeUnsupported = "storage_file_type_unsupported", 400;
    /// There is no content.
    FileEmpty = "storage_file_empty", 400;
    /// The content is larger than the bucket, or the settings, allow.
    FileSize = "storage_invalid_file_size", 400;
    /// The `content-range` of a part makes no sense.
    ContentRange = "storage_invalid_content_range", 400;
    /// A part names another upload than its own.
    UploadId = "storage_invalid_appwrite_id", 400;
    /// A range outside the file is asked for.
    FileRange = "storage_invalid_range", 416;
    /// There is no such key.
    KeyNotFound = "key_not_found", 404;
    /// There is one with this id.
    KeyExists = "key_already_exists", 409;
    /// There is no such import.
    ImportNotFound = "import_not_found", 404;
    /// There is one with this id.
    ImportExists = "import_already_exists", 409;
    /// There is no such operation.
    OperationNotFound = "operation_not_found", 404;
    /// There is no such erasure.
    ErasureNotFound = "erasure_not_found", 404;
    /// There is no such endpoint.
    WebhookNotFound = "webhook_not_found", 404;
    /// There is one with this id.
    WebhookExists = "webhook_already_exists", 409;
    /// There is no such draft.
    DraftNotFound = "draft_not_found", 404;
    /// Somebody else has changed it meanwhile.
    Stale = "general_stale", 409;
    /// The state of things does not allow it.
    NotAllowedNow = "general_not_allowed_now", 409;
    /// Only who owns the socket may.
    OwnerOnly = "general_owner_only", 403;
    /// Nothing may be changed through this API.
    ReadOnly = "general_read_only", 403;
    /// The caller has made too many requests.
    RateLimit = "general_rate_limit_exceeded", 429;
    /// The same Idempotency-Key was used for another call.
    IdempotencyMismatch = "general_idempotency_key_reused", 422;
    /// A call with this Idempotency-Key is being done.
    IdempotencyInFlight = "general_idempotency_key_in_flight", 409;
    /// The body did not come.
    BodyTimeout = "general_body_timeout", 408;
    /// The body is larger than the limit.
    BodyTooLarge = "general_body_too_large", 413;
    /// It took too long.
    Timeout = "general_timeout", 503;
    /// The disk does not take writes; reading works.
    Suspended = "general_store_suspended", 503;
    /// The process is ending.
    Closing = "general_closing", 503;
    /// More waits than the caller's threshold.
    QueueSize = "health_queue_size_exceeded", 503;
    /// Nothing was found.
    NotFound = "general_not_found", 404;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn types_are_distinct() {
        let texts: BTreeSet<_> = ErrorType::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(texts.len(), ErrorType::ALL.len());
    }
}
