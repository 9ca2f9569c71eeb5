//! The table of routes. Every route of the API is a row of it:
//!
//! ```text
//! METHOD PATH SCOPE BODY HANDLER, WHAT IT IS FOR,
//!     WHAT IT IS ASKED WITH => STATUS WHAT IT ANSWERS;
//! ```
//!
//! and `, if_match` at the end of a row that heeds the revision which the caller has seen.
//!
//! The types are of [`crate::wire`] or wrappers of `super::shape`. What is asked is the query
//! where there is no body, and the body where it is JSON. The `OpenAPI` description is made from
//! this table (`super::openapi`), and tests hold every answer against it.

pub use super::listings::{LISTINGS, Listing};

use super::answer::Answered;
use super::call::Call;
use super::shape::{
    Asked, Asks, Content, Events, Form, Given, Gives, Lines, Nothing, Object, OneClick, Page, Plain, Posted,
    Selected, Sheet,
};
use super::{
    audit, backup, buckets, deliveries, drafts, events, files, health, imports, keys, message_detail,
    messages, metrics, openapi, operations, overview, person_export, persons, providers, receipts, routing,
    suppressions, targets, topics, unsubscribe, untried, upload, users, waiting, webhooks,
};
use crate::domain::routing::Routing;
use crate::wire::alert::{AlertList, AlertTest};
use crate::wire::delivery::{
    Affected, Decide, DeliveryPage, DeliveryRequest, WaitingPage, WaitingRequest, WhyAnswer,
};
use crate::wire::draft::{Presence, SaveDraft, SavedDraft, SavedDraftList};
use crate::wire::event::Changes;
use crate::wire::history::AuditPage;
use crate::wire::key::{CreateKey, CreatedKey, KeyList};
use crate::wire::list::{
    BucketList, FileList, LogList, MessageList, ProviderList, SubscriberList, TargetList, TopicList, UserList,
};
use crate::wire::message::{
    ActOn, Message, MessageDetail, Retry, UntriedPage, UntriedParameters, WriteEmail, WritePush, WriteSms,
};
use crate::wire::operation::{ConfirmOperation, CreateOperation, Operation, OperationList};
use crate::wire::overview::{ErrorGroups, ErrorParameters, Health, Overview, QueueSize, SettingRow};
use crate::wire::person::{
    CreateTarget, CreateUser, PersonRequest, Target, UpdateEmail, UpdateLabels, UpdateName, UpdatePhone,
    UpdatePrefs, UpdateStatus, UpdateTarget, User,
};
use crate::wire::preview::{Preview, RetryPreview};
use crate::wire::provider::{
    Provider, ProviderHealth, ProviderTest, SmtpPreset, TestProvider, WriteProvider,
};
use crate::wire::query::{
    AudienceParameters, AuditParameters, EventParameters, FindParameters, ListParameters, LogParameters,
    OperationParameters, QueueParameters, TargetParameters, WhyParameters,
};
use crate::wire::routing::{WriteFailover, WriteRouting};
use crate::wire::storage::{Bucket, File, PushImage, UploadFile, WriteBucket, WriteFile};
use crate::wire::suppression::{
    AddedSuppressions, CreateSuppressions, Suppression, SuppressionList, SuppressionParameters,
    UndoSuppressions, UndoneSuppressions,
};
use crate::wire::topic::{
    CreateSubscriber, CreateTopic, SubscribeTargets, SubscribedTargets, Subscriber, Topic, UpdateTopic,
};
use crate::wire::transfer::{
    BackupProgress, BackupRequest, Erasure, ErasureList, FoundList, Import, ImportList, ImportProgress,
    ImportRequest, PersonExport,
};
use crate::wire::webhook::{Webhook, WebhookDelivery, WebhookDeliveryList, WebhookList, WriteWebhook};
use schemars::SchemaGenerator;
use std::pin::Pin;

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everybody.
    Open,
    /// Whoever has a key, or owns the socket.
    Any,
    /// Keys with this scope, and the owner of the socket.
    Needs(&'static str),
    /// The owner of the socket alone.
    Owner,
}

/// How the body of a route is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyKind {
    /// There is none; one that comes all the same is read and forgotten.
    None,
    /// A JSON object, up to the setting `api.body_limit`.
    Json,
    /// Whatever it is, within the limit of receipts.
    Raw,
    /// A stream without a limit; the route has no time limit either.
    Stream,
}

pub(crate) type Answer = Pin<Box<dyn Future<Output = Answered> + Send>>;

/// A row.
#[derive(Clone, Copy)]
pub struct Route {
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: &'static str,
    /// The path, its parameters in braces.
    pub path: &'static str,
    /// Who may.
    pub scope: Scope,
    /// How the body is read.
    pub body: BodyKind,
    /// The handler's name, such as `topics::create`.
    pub operation: &'static str,
    /// What it is for.
    pub summary: &'static str,
    /// What it is asked with; see `super::shape`.
    pub(crate) asks: fn(&mut SchemaGenerator, BodyKind) -> Asked,
    /// The status of an answer that is no error.
    pub status: u16,
    /// What that answer looks like.
    pub(crate) gives: fn(&mut SchemaGenerator) -> Given,
    /// Whether the answer is a stream that may last.
    pub streams: bool,
    /// Whether it is refused as stale where the header `If-Match` names another revision than the
    /// record has. A route without this never sees the header.
    pub if_match: bool,
    pub(crate) handler: fn(Call) -> Answer,
}

impl Route {
    /// Whether it makes something, so that a repeated call must not make a second
    /// (header `Idempotency-Key`). A file is known by its id and parts; a key's
    /// secret is kept nowhere, so its answer cannot be given again.
    pub fn repeats(&self) -> bool {
        let again = self.body == BodyKind::Json && self.scope != Scope::Needs("keys.write");
        self.method == "POST" && self.status == 201 && again
    }

    /// Whether somebody changes what is kept with it: refused where the API is read-only. What is open
    /// to everybody and not only looked at is a fact from outside (what became of a message, that a
    /// recipient leaves), which nobody tells twice: it is taken as long as the store can write it.
    pub fn changes(&self) -> bool {
        self.method != "GET" && !matches!(self.scope, Scope::Owner | Scope::Open)
    }
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

macro_rules! routes {
    ($($method:ident $path:literal $scope:tt $body:ident $handler:path, $summary:literal,
        $asks:ty => $status:literal $gives:ty $(, $seen:ident)?;)*) => {
        /// The table.
        pub const ROUTES: &[Route] = &[$(Route {
            method: stringify!($method),
            path: $path,
            scope: routes!(@scope $scope),
            body: BodyKind::$body,
            operation: stringify!($handler),
            summary: $summary,
            asks: <$asks as Asks>::asked,
            status: $status,
            gives: <$gives as Gives>::given,
            streams: matches!(BodyKind::$body, BodyKind::Stream),
            if_match: routes!(@seen $($seen)?),
            handler: |call| Box::pin($handler(call)),
        },)*];
    };
    (@seen) => { false };
    (@seen if_match) => { true };
    (@scope open) => { Scope::Open };
    (@scope any) => { Scope::Any };
    (@scope owner) => { Scope::Owner };
    (@scope $scope:literal) => { Scope::Needs($scope) };
}

routes! {
    GET "/v1/health" open None health::health, "Whether the API answers and the store takes writes",
        Nothing => 200 Health;
    GET "/v1/health/queue/messaging" any None health::queue, "How many messages wait to be sent, for probes",
        QueueParameters => 200 QueueSize;
    GET "/v1/ping" any None health::ping, "An authenticated round trip",
        Nothing => 200 Plain;

    GET "/v1/messaging/messages" "messages.read" None messages::list, "A page of messages",
        ListParameters => 200 MessageList;
    POST "/v1/messaging/messages/email" "messages.write" Json messages::create_email, "Create a mail",
        WriteEmail => 201 Message;
    PATCH "/v1/messaging/messages/email/{messageId}" "messages.write" Json messages::update_email, "Change a mail",
        WriteEmail => 200 Message, if_match;
    POST "/v1/messaging/messages/sms" "messages.write" Json messages::create_sms, "Create a text message",
        WriteSms => 201 Message;
    PATCH "/v1/messaging/messages/sms/{messageId}" "messages.write" Json messages::update_sms, "Change a text message",
        WriteSms => 200 Message, if_match;
    POST "/v1/messaging/messages/push" "messages.write" Json messages::create_push, "Create a notification",
        WritePush => 201 Message;
    PATCH "/v1/messaging/messages/push/{messageId}" "messages.write" Json messages::update_push, "Change a notification",
        WritePush => 200 Message, if_match;
    GET "/v1/messaging/messages/{messageId}" "messages.read" None messages::get, "A message",
        Nothing => 200 Message;
    DELETE "/v1/messaging/messages/{messageId}" "messages.write" None messages::delete, "Delete a message that is not being sent",
        Nothing => 204 Nothing, if_match;
    GET "/v1/messaging/messages/{messageId}/logs" "messages.read" None audit::of_message, "The audit of a message",
        LogParameters => 200 LogList;
    GET "/v1/messaging/messages/{messageId}/targets" "messages.read" None messages::targets, "The targets that a message names directly",
        ListParameters => 200 TargetList;

    GET "/v1/messaging/providers" "providers.read" None providers::list, "A page of providers",
        ListParameters => 200 ProviderList;
    POST "/v1/messaging/providers/{kind}" "providers.write" Json providers::create, "Create a provider of a kind",
        WriteProvider => 201 Provider;
    PATCH "/v1/messaging/providers/{kind}/{providerId}" "providers.write" Json providers::update, "Change a provider",
        WriteProvider => 200 Provider, if_match;
    GET "/v1/messaging/providers/{providerId}" "providers.read" None providers::get, "A provider",
        Nothing => 200 Provider;
    DELETE "/v1/messaging/providers/{providerId}" "providers.write" None providers::delete, "Delete a provider",
        Nothing => 204 Nothing, if_match;
    GET "/v1/messaging/providers/{providerId}/logs" "providers.read" None audit::of_provider, "The audit of a provider",
        LogParameters => 200 LogList;

    GET "/v1/messaging/topics" "topics.read" None topics::list, "A page of topics",
        ListParameters => 200 TopicList;
    POST "/v1/messaging/topics" "topics.write" Json topics::create, "Create a topic",
        CreateTopic => 201 Topic;
    GET "/v1/messaging/topics/{topicId}" "topics.read" None topics::get, "A topic",
        Nothing => 200 Topic;
    PATCH "/v1/messaging/topics/{topicId}" "topics.write" Json topics::update, "Change a topic",
        UpdateTopic => 200 Topic, if_match;
    DELETE "/v1/messaging/topics/{topicId}" "topics.write" None topics::delete, "Delete a topic with its subscriptions",
        Nothing => 204 Nothing, if_match;
    GET "/v1/messaging/topics/{topicId}/logs" "topics.read" None audit::of_topic, "The audit of a topic",
        LogParameters => 200 LogList;
    GET "/v1/messaging/topics/{topicId}/subscribers" "subscribers.read" None topics::subscribers, "A page of a topic's subscribers",
        ListParameters => 200 SubscriberList;
    POST "/v1/messaging/topics/{topicId}/subscribers" "subscribers.write" Json topics::subscribe, "Subscribe a target",
        CreateSubscriber => 201 Subscriber;
    GET "/v1/messaging/topics/{topicId}/subscribers/{subscriberId}" "subscribers.read" None topics::subscriber, "A subscriber",
        Nothing => 200 Subscriber;
    DELETE "/v1/messaging/topics/{topicId}/subscribers/{subscriberId}" "subscribers.write" None topics::unsubscribe, "End a subscription",
        Nothing => 204 Nothing;
    GET "/v1/messaging/subscribers/{subscriberId}/logs" "subscribers.read" None audit::of_subscriber, "The audit of a subscriber",
        LogParameters => 200 LogList;

    GET "/v1/users" "users.read" None users::list, "A page of users",
        ListParameters => 200 Selected<UserList>;
    POST "/v1/users" "users.write" Json users::create, "Create a user, and a target for each address",
        CreateUser => 201 User;
    GET "/v1/users/{userId}" "users.read" None users::get, "A user",
        Nothing => 200 User;
    DELETE "/v1/users/{userId}" "users.write" None users::delete, "Delete a user with its targets",
        Nothing => 204 Nothing, if_match;
    PATCH "/v1/users/{userId}/name" "users.write" Json users::name, "Change a user's name",
        UpdateName => 200 User, if_match;
    PATCH "/v1/users/{userId}/email" "users.write" Json users::email, "Change a user's mail address and its target",
        UpdateEmail => 200 User, if_match;
    PATCH "/v1/users/{userId}/phone" "users.write" Json users::phone, "Change a user's phone number and its target",
        UpdatePhone => 200 User, if_match;
    PATCH "/v1/users/{userId}/status" "users.write" Json users::status, "Block a user, or lift it",
        UpdateStatus => 200 User, if_match;
    PUT "/v1/users/{userId}/labels" "users.write" Json users::labels, "Replace a user's labels",
        UpdateLabels => 200 User, if_match;
    GET "/v1/users/{userId}/prefs" "users.read" None users::prefs, "A user's preferences",
        Nothing => 200 Object;
    PATCH "/v1/users/{userId}/prefs" "users.write" Json users::update_prefs, "Replace a user's preferences",
        UpdatePrefs => 200 Object, if_match;
    GET "/v1/users/{userId}/targets" "users.read" None targets::list, "A page of a user's targets",
        ListParameters => 200 TargetList;
    POST "/v1/users/{userId}/targets" "users.write" Json targets::create, "Create a target",
        CreateTarget => 201 Target;
    GET "/v1/users/{userId}/targets/{targetId}" "users.read" None targets::get, "A target of a user",
        Nothing => 200 Target;
    PATCH "/v1/users/{userId}/targets/{targetId}" "users.write" Json targets::update, "Change a target",
        UpdateTarget => 200 Target, if_match;
    DELETE "/v1/users/{userId}/targets/{targetId}" "users.write" None targets::delete, "Delete a target with its subscriptions",
        Nothing => 204 Nothing, if_match;

    GET "/v1/storage/buckets" "buckets.read" None buckets::list, "A page of buckets",
        ListParameters => 200 BucketList;
    POST "/v1/storage/buckets" "buckets.write" Json buckets::create, "Create a bucket",
        WriteBucket => 201 Bucket;
    GET "/v1/storage/buckets/{bucketId}" "buckets.read" None buckets::get, "A bucket",
        Nothing => 200 Bucket;
    PUT "/v1/storage/buckets/{bucketId}" "buckets.write" Json buckets::update, "Change a bucket",
        WriteBucket => 200 Bucket;
    DELETE "/v1/storage/buckets/{bucketId}" "buckets.write" None buckets::delete, "Delete a bucket with its files",
        Nothing => 204 Nothing;
    GET "/v1/storage/buckets/{bucketId}/files" "files.read" None files::list, "A page of a bucket's files",
        ListParameters => 200 FileList;
    POST "/v1/storage/buckets/{bucketId}/files" "files.write" Stream upload::create, "Upload a file, or a part of one",
        Form<UploadFile> => 201 File;
    GET "/v1/storage/buckets/{bucketId}/files/{fileId}" "files.read" None files::get, "A file, without its content",
        Nothing => 200 File;
    PUT "/v1/storage/buckets/{bucketId}/files/{fileId}" "files.write" Json files::update, "Change a file's name or permissions",
        WriteFile => 200 File;
    DELETE "/v1/storage/buckets/{bucketId}/files/{fileId}" "files.write" None files::delete, "Delete a file",
        Nothing => 204 Nothing;
    GET "/v1/storage/buckets/{bucketId}/files/{fileId}/download" "files.read" None files::download, "The content of a file, to be kept",
        Nothing => 200 Content;
    GET "/v1/storage/buckets/{bucketId}/files/{fileId}/view" "files.read" None files::view, "The content of a file, to be shown",
        Nothing => 200 Content;
    GET "/v1/storage/buckets/{bucketId}/files/{fileId}/push" open None files::push, "The image of a notification, by its signed link",
        PushImage => 200 Content;

    POST "/v1/herald/storage/{bucketId}/{fileId}/discard" "files.write" Json files::discard, "Delete a file unless a message names it",
        Nothing => 200 Affected;
    POST "/v1/herald/topics/{topicId}/targets" "subscribers.write" Json topics::subscribe_targets, "Subscribe up to 1000 addresses, targets or users in one step",
        SubscribeTargets => 200 SubscribedTargets;
    GET "/v1/herald/overview" "messages.read" None overview::overview, "The first screen: what runs, waits, fails and needs somebody",
        Nothing => 200 Overview;
    GET "/v1/herald/providers" "providers.read" None health::providers, "How providers do",
        Nothing => 200 Vec<ProviderHealth>;
    POST "/v1/herald/providers/{providerId}/pause" "providers.write" Json providers::pause, "Stop a provider",
        Nothing => 200 Provider;
    POST "/v1/herald/providers/{providerId}/resume" "providers.write" Json providers::resume, "Let a provider go on",
        Nothing => 200 Provider;
    POST "/v1/herald/providers/{providerId}/test" "providers.write" Json providers::test, "Talk to a provider, and send one test message if an address is given",
        TestProvider => 200 ProviderTest;
    POST "/v1/herald/providers/{providerId}/rollback" "providers.write" Json providers::rollback, "Put the key back that was replaced in the last 24 hours",
        Nothing => 200 Provider;
    POST "/v1/herald/providers/{providerId}/failover" "providers.write" Json routing::failover, "Say what a provider hands to the next one while it cannot send",
        WriteFailover => 200 Routing;
    GET "/v1/herald/presets" "providers.read" None providers::presets, "SMTP servers of well-known services, with their published limits",
        Nothing => 200 Vec<SmtpPreset>;
    GET "/v1/herald/routing" "providers.read" None routing::get, "The order of providers, rules for countries, who steps in for whom",
        Nothing => 200 Routing;
    PATCH "/v1/herald/routing" "providers.write" Json routing::update, "Change the order of providers, or the rules for countries",
        WriteRouting => 200 Routing;
    GET "/v1/herald/targets" "targets.read" None targets::all, "A page of everybody's targets",
        TargetParameters => 200 TargetList;
    GET "/v1/herald/targets/{targetId}" "targets.read" None targets::by_id, "A target by its id alone",
        Nothing => 200 Target;
    GET "/v1/herald/messages/{messageId}" "messages.read" None message_detail::detail, "A message with its lanes",
        Nothing => 200 MessageDetail;
    POST "/v1/herald/messages/{messageId}/pause" "messages.write" Json message_detail::pause, "Stop a message that is being sent",
        ActOn => 200 Message, if_match;
    POST "/v1/herald/messages/{messageId}/resume" "messages.write" Json message_detail::resume, "Let a paused message go on",
        ActOn => 200 Message, if_match;
    POST "/v1/herald/messages/{messageId}/cancel" "messages.write" Json message_detail::cancel, "End a message",
        ActOn => 200 Message, if_match;
    POST "/v1/herald/messages/{messageId}/hold" "messages.write" Json message_detail::hold, "Hold a scheduled message, to edit it",
        ActOn => 200 Message, if_match;
    POST "/v1/herald/messages/{messageId}/release" "messages.write" Json message_detail::release, "Let a held message go",
        ActOn => 200 Message, if_match;
    POST "/v1/herald/messages/{messageId}/undo" "messages.write" Json message_detail::undo, "Take a message back into a draft before it is claimed",
        ActOn => 200 Message, if_match;
    POST "/v1/herald/messages/{messageId}/duplicate" "messages.write" Json message_detail::duplicate, "A new draft with the same content and audience",
        Nothing => 201 Message;
    POST "/v1/herald/messages/{messageId}/retry" "messages.write" Json message_detail::retry, "Try those again who failed, or say who that would be",
        Retry => 200 RetryPreview;
    GET "/v1/herald/messages/{messageId}/untried" "messages.read" None untried::page, "A page of those whom a message has not been tried for",
        UntriedParameters => 200 UntriedPage;
    GET "/v1/herald/messages/{messageId}/preview" "messages.read" None message_detail::preview, "Who would get a message now",
        Nothing => 200 Preview;
    GET "/v1/herald/audience" "topics.read" None message_detail::audience, "How many people a set of topics reaches at most",
        AudienceParameters => 200 Affected;
    GET "/v1/herald/why/{id}" "messages.read" None message_detail::why, "Why a message, provider or target stands where it stands",
        WhyParameters => 200 WhyAnswer;
    GET "/v1/herald/errors" "messages.read" None overview::errors, "Failures of the last hours, grouped by cause",
        ErrorParameters => 200 ErrorGroups;
    GET "/v1/herald/deliveries" "messages.read" None deliveries::page, "A page of the delivery log",
        DeliveryRequest => 200 DeliveryPage;
    GET "/v1/herald/waiting" "messages.read" None waiting::page, "A page of those who wait",
        WaitingRequest => 200 WaitingPage;
    POST "/v1/herald/waiting/decide" "messages.write" Json waiting::decide, "Release, fail over or give up those who wait",
        Decide => 200 Affected;
    GET "/v1/herald/drafts" "messages.write" None drafts::list, "Your own drafts of the composer, the newest first",
        Nothing => 200 SavedDraftList;
    GET "/v1/herald/drafts/{draftId}" "messages.write" None drafts::get, "A draft of yours",
        Nothing => 200 SavedDraft;
    PUT "/v1/herald/drafts/{draftId}" "messages.write" Json drafts::save, "Save a draft of yours",
        SaveDraft => 200 SavedDraft, if_match;
    DELETE "/v1/herald/drafts/{draftId}" "messages.write" None drafts::delete, "Delete a draft of yours",
        Nothing => 204 Nothing;
    GET "/v1/herald/presence" "messages.read" None drafts::presence, "Who follows the event stream now",
        Nothing => 200 Presence;
    GET "/v1/herald/webhooks" "webhooks.read" None webhooks::list, "Endpoints that are told when a message ends",
        Nothing => 200 WebhookList;
    POST "/v1/herald/webhooks" "webhooks.write" Json webhooks::create, "Create an endpoint; its secret is said once",
        WriteWebhook => 201 Webhook;
    GET "/v1/herald/webhooks/{webhookId}" "webhooks.read" None webhooks::get, "An endpoint, its secret masked",
        Nothing => 200 Webhook;
    PATCH "/v1/herald/webhooks/{webhookId}" "webhooks.write" Json webhooks::update, "Change an endpoint",
        WriteWebhook => 200 Webhook, if_match;
    DELETE "/v1/herald/webhooks/{webhookId}" "webhooks.write" None webhooks::delete, "Delete an endpoint",
        Nothing => 204 Nothing;
    POST "/v1/herald/webhooks/{webhookId}/test" "webhooks.write" Json webhooks::test, "Tell an endpoint that this is a test",
        Nothing => 201 WebhookDelivery;
    GET "/v1/herald/webhooks/{webhookId}/deliveries" "webhooks.read" None webhooks::deliveries, "The last deliveries to an endpoint",
        Nothing => 200 WebhookDeliveryList;
    POST "/v1/herald/webhooks/{webhookId}/deliveries/{deliveryId}/redeliver" "webhooks.write" Json webhooks::redeliver, "Tell an endpoint something again",
        Nothing => 200 WebhookDelivery;
    GET "/v1/herald/alerts" "messages.read" None webhooks::alerts, "Open alerts, and what was changed just before each",
        Nothing => 200 AlertList;
    POST "/v1/herald/alerts/test" "webhooks.write" Json webhooks::test_alerts, "Tell whoever is told of alerts that this is a test",
        Nothing => 200 AlertTest;
    GET "/v1/herald/operations" "messages.read" None operations::list, "Operations over deliveries, newest first",
        OperationParameters => 200 OperationList;
    POST "/v1/herald/operations" "messages.write" Json operations::create, "Preview an operation over the deliveries that pass a filter",
        CreateOperation => 201 Operation;
    GET "/v1/herald/operations/{operationId}" "messages.read" None operations::get, "An operation, and how far it has come",
        Nothing => 200 Operation;
    POST "/v1/herald/operations/{operationId}/confirm" "messages.write" Json operations::confirm, "Let a previewed operation begin",
        ConfirmOperation => 200 Operation;
    POST "/v1/herald/operations/{operationId}/cancel" "messages.write" Json operations::cancel, "End an operation",
        Nothing => 200 Operation;
    GET "/v1/herald/suppressions" "suppressions.read" None suppressions::list, "A page of the suppression list, newest first",
        SuppressionParameters => 200 SuppressionList;
    POST "/v1/herald/suppressions" "suppressions.write" Json suppressions::create, "Put addresses on the suppression list",
        CreateSuppressions => 201 AddedSuppressions;
    POST "/v1/herald/suppressions/undo" "suppressions.write" Json suppressions::undo, "Take back all that a cause did between two times, or say what that would be",
        UndoSuppressions => 200 UndoneSuppressions;
    GET "/v1/herald/suppressions/{suppressionId}" "suppressions.read" None suppressions::get, "An address that is not written to",
        Nothing => 200 Suppression;
    DELETE "/v1/herald/suppressions/{suppressionId}" "suppressions.write" None suppressions::delete, "Take an address off the suppression list",
        Nothing => 204 Nothing;
    GET "/v1/herald/unsubscribe/{token}" open None unsubscribe::look, "The page of a mail's link to leave its topics; changes nothing",
        Nothing => 200 Page;
    POST "/v1/herald/unsubscribe/{token}" open Stream unsubscribe::leave, "Leave the topics of a mail, as its recipient (RFC 8058)",
        OneClick => 200 Page;
    POST "/v1/herald/unsubscribe/{token}/back" open Stream unsubscribe::come_back, "Come back to the topics of a mail, as its recipient",
        OneClick => 200 Page;
    POST "/v1/herald/sending/stop" "sending.write" Json overview::stop_sending, "Stop all sending",
        Nothing => 200 Overview;
    POST "/v1/herald/sending/resume" "sending.write" Json overview::resume_sending, "Let sending go on",
        Nothing => 200 Overview;
    POST "/v1/herald/sending/release" "sending.write" Json overview::release_restored, "Let a restored copy send",
        Nothing => 200 Overview;
    GET "/v1/herald/find" "messages.read" None persons::find, "Whatever bears an id, an address, a Message-ID or a service's id",
        FindParameters => 200 FoundList;
    GET "/v1/herald/person" "users.read" None person_export::export, "All that is held of a person",
        PersonRequest => 200 PersonExport;
    POST "/v1/herald/person/erase" "users.write" Json persons::erase, "Begin to forget a person: the addresses at once, texts in the background; counts stay",
        PersonRequest => 202 Erasure;
    GET "/v1/herald/person/erasures" "users.read" None persons::erasures, "The newest erasures of people, newest first",
        Nothing => 200 ErasureList;
    GET "/v1/herald/person/erasures/{erasureId}" "users.read" None persons::erasure, "How far the erasure of a person is",
        Nothing => 200 Erasure;
    GET "/v1/herald/imports" "users.read" None imports::list, "Imports, newest first",
        Nothing => 200 ImportList;
    POST "/v1/herald/imports" "users.write" Stream imports::create, "Import people from CSV or NDJSON",
        Sheet<ImportRequest> => 200 Lines<ImportProgress>;
    POST "/v1/herald/topics/{topicId}/subscribers" "users.write" Stream imports::subscribe, "Subscribe people from CSV, NDJSON or a list of addresses to a topic",
        Sheet<ImportRequest> => 200 Lines<ImportProgress>;
    POST "/v1/herald/imports/{importId}/undo" "users.write" Json imports::undo, "Take back what an import made",
        Nothing => 200 Import;
    GET "/v1/herald/keys" "keys.read" None keys::list, "All API keys",
        Nothing => 200 KeyList;
    POST "/v1/herald/keys" "keys.write" Json keys::create, "Create an API key; its secret is said once",
        CreateKey => 201 CreatedKey;
    DELETE "/v1/herald/keys/{keyId}" "keys.write" None keys::delete, "Delete an API key",
        Nothing => 204 Nothing;
    GET "/v1/herald/audit" "audit.read" None audit::page, "Who did what",
        AuditParameters => 200 AuditPage;
    GET "/v1/herald/settings" "providers.read" None overview::settings, "What every setting is, and where it was set",
        Nothing => 200 Vec<SettingRow>;
    POST "/v1/receipts/{providerId}" open Raw receipts::take, "Receipts of a service, which it has signed",
        Content => 200 Plain;
    POST "/v1/receipts/{providerId}/{token}" open Raw receipts::take_by_token, "Receipts of a service that signs nothing: the token proves them",
        Content => 200 Plain;
    GET "/metrics" "metrics.read" None metrics::metrics, "Counts of everything, in Prometheus' text format",
        Nothing => 200 Plain;
    GET "/v1/herald/openapi" open None openapi::serve, "This description of the API",
        Nothing => 200 Object;
    GET "/v1/herald/events" "messages.read" Stream events::events, "What has changed, as it changes",
        EventParameters => 200 Events<Changes>;
    POST "/v1/herald/backup" owner Stream backup::create, "Copy the store while it runs",
        Posted<BackupRequest> => 200 Lines<BackupProgress>;
    POST "/v1/herald/shutdown" owner Json overview::shutdown, "End the process in good order",
        Nothing => 204 Nothing;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::key::SCOPES;
    use std::collections::BTreeSet;

    #[test]
    fn rows_are_distinct_and_their_scopes_exist() {
        let mut seen = BTreeSet::new();
        for route in ROUTES {
            assert!(seen.insert((route.method, route.path)), "{route:?}");
            if let Scope::Needs(scope) = route.scope {
                assert!(SCOPES.iter().any(|(known, _)| *known == scope), "{route:?}");
            }
            assert!(!route.summary.is_empty() && !route.summary.ends_with('.'), "{route:?}");
        }
    }
}
