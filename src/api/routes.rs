//! The table of routes: method, path, scope, what it is for, how its body is
//! read, and the handler. Every route of the API is a row of it.

use super::answer::Answered;
use super::call::Call;
use super::list::Listed;
use super::{
    audit, backup, buckets, deliveries, events, files, imports, keys, message_detail, messages, operations,
    overview, persons, providers, targets, topics, upload, users, waiting,
};
use crate::domain::file::{Bucket, StoredFile};
use crate::domain::message::Message;
use crate::domain::person::{Target, User};
use crate::domain::provider::Provider;
use crate::domain::topic::Topic;
use crate::store::catalog::SubscriberView;
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
    /// What it is for.
    pub summary: &'static str,
    /// Whether the answer is a stream that may last.
    pub streams: bool,
    pub(crate) handler: fn(Call) -> Answer,
}

impl Route {
    /// Whether it changes what is kept: refused where the API is read-only.
    pub fn changes(&self) -> bool {
        self.method != "GET" && self.scope != Scope::Owner
    }
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

macro_rules! routes {
    ($($method:ident $path:literal $scope:tt $body:ident $handler:path, $summary:literal;)*) => {
        /// The table.
        pub const ROUTES: &[Route] = &[$(Route {
            method: stringify!($method),
            path: $path,
            scope: routes!(@scope $scope),
            body: BodyKind::$body,
            summary: $summary,
            streams: matches!(BodyKind::$body, BodyKind::Stream),
            handler: |call| Box::pin($handler(call)),
        },)*];
    };
    (@scope open) => { Scope::Open };
    (@scope any) => { Scope::Any };
    (@scope owner) => { Scope::Owner };
    (@scope $scope:literal) => { Scope::Needs($scope) };
}

routes! {
    GET "/v1/health" open None overview::health, "Whether the API answers and the store takes writes";
    GET "/v1/health/queue/messaging" any None overview::queue, "How many messages wait to be sent, for probes";
    GET "/v1/ping" any None overview::ping, "An authenticated round trip";

    GET "/v1/messaging/messages" "messages.read" None messages::list, "A page of messages";
    POST "/v1/messaging/messages/email" "messages.write" Json messages::create_email, "Create a mail";
    PATCH "/v1/messaging/messages/email/{messageId}" "messages.write" Json messages::update_email, "Change a mail";
    POST "/v1/messaging/messages/sms" "messages.write" Json messages::create_sms, "Create a text message";
    PATCH "/v1/messaging/messages/sms/{messageId}" "messages.write" Json messages::update_sms, "Change a text message";
    POST "/v1/messaging/messages/push" "messages.write" Json messages::create_push, "Create a notification";
    PATCH "/v1/messaging/messages/push/{messageId}" "messages.write" Json messages::update_push, "Change a notification";
    GET "/v1/messaging/messages/{messageId}" "messages.read" None messages::get, "A message";
    DELETE "/v1/messaging/messages/{messageId}" "messages.write" None messages::delete, "Delete a message that is not being sent";
    GET "/v1/messaging/messages/{messageId}/logs" "messages.read" None audit::of_message, "The audit of a message";
    GET "/v1/messaging/messages/{messageId}/targets" "messages.read" None messages::targets, "The targets that a message names directly";

    GET "/v1/messaging/providers" "providers.read" None providers::list, "A page of providers";
    POST "/v1/messaging/providers/{kind}" "providers.write" Json providers::create, "Create a provider of a kind";
    PATCH "/v1/messaging/providers/{kind}/{providerId}" "providers.write" Json providers::update, "Change a provider";
    GET "/v1/messaging/providers/{providerId}" "providers.read" None providers::get, "A provider";
    DELETE "/v1/messaging/providers/{providerId}" "providers.write" None providers::delete, "Delete a provider";
    GET "/v1/messaging/providers/{providerId}/logs" "providers.read" None audit::of_provider, "The audit of a provider";

    GET "/v1/messaging/topics" "topics.read" None topics::list, "A page of topics";
    POST "/v1/messaging/topics" "topics.write" Json topics::create, "Create a topic";
    GET "/v1/messaging/topics/{topicId}" "topics.read" None topics::get, "A topic";
    PATCH "/v1/messaging/topics/{topicId}" "topics.write" Json topics::update, "Change a topic";
    DELETE "/v1/messaging/topics/{topicId}" "topics.write" None topics::delete, "Delete a topic with its subscriptions";
    GET "/v1/messaging/topics/{topicId}/logs" "topics.read" None audit::of_topic, "The audit of a topic";
    GET "/v1/messaging/topics/{topicId}/subscribers" "subscribers.read" None topics::subscribers, "A page of a topic's subscribers";
    POST "/v1/messaging/topics/{topicId}/subscribers" "subscribers.write" Json topics::subscribe, "Subscribe a target";
    GET "/v1/messaging/topics/{topicId}/subscribers/{subscriberId}" "subscribers.read" None topics::subscriber, "A subscriber";
    DELETE "/v1/messaging/topics/{topicId}/subscribers/{subscriberId}" "subscribers.write" None topics::unsubscribe, "End a subscription";
    GET "/v1/messaging/subscribers/{subscriberId}/logs" "subscribers.read" None audit::of_subscriber, "The audit of a subscriber";

    GET "/v1/users" "users.read" None users::list, "A page of users";
    POST "/v1/users" "users.write" Json users::create, "Create a user, and a target for each address";
    GET "/v1/users/{userId}" "users.read" None users::get, "A user";
    DELETE "/v1/users/{userId}" "users.write" None users::delete, "Delete a user with its targets";
    PATCH "/v1/users/{userId}/name" "users.write" Json users::name, "Change a user's name";
    PATCH "/v1/users/{userId}/email" "users.write" Json users::email, "Change a user's mail address and its target";
    PATCH "/v1/users/{userId}/phone" "users.write" Json users::phone, "Change a user's phone number and its target";
    PATCH "/v1/users/{userId}/status" "users.write" Json users::status, "Block a user, or lift it";
    PUT "/v1/users/{userId}/labels" "users.write" Json users::labels, "Replace a user's labels";
    GET "/v1/users/{userId}/prefs" "users.read" None users::prefs, "A user's preferences";
    PATCH "/v1/users/{userId}/prefs" "users.write" Json users::update_prefs, "Replace a user's preferences";
    GET "/v1/users/{userId}/targets" "users.read" None targets::list, "A page of a user's targets";
    POST "/v1/users/{userId}/targets" "users.write" Json targets::create, "Create a target";
    GET "/v1/users/{userId}/targets/{targetId}" "users.read" None targets::get, "A target of a user";
    PATCH "/v1/users/{userId}/targets/{targetId}" "users.write" Json targets::update, "Change a target";
    DELETE "/v1/users/{userId}/targets/{targetId}" "users.write" None targets::delete, "Delete a target with its subscriptions";

    GET "/v1/storage/buckets" "buckets.read" None buckets::list, "A page of buckets";
    POST "/v1/storage/buckets" "buckets.write" Json buckets::create, "Create a bucket";
    GET "/v1/storage/buckets/{bucketId}" "buckets.read" None buckets::get, "A bucket";
    PUT "/v1/storage/buckets/{bucketId}" "buckets.write" Json buckets::update, "Change a bucket";
    DELETE "/v1/storage/buckets/{bucketId}" "buckets.write" None buckets::delete, "Delete a bucket with its files";
    GET "/v1/storage/buckets/{bucketId}/files" "files.read" None files::list, "A page of a bucket's files";
    POST "/v1/storage/buckets/{bucketId}/files" "files.write" Stream upload::create, "Upload a file, or a part of one";
    GET "/v1/storage/buckets/{bucketId}/files/{fileId}" "files.read" None files::get, "A file, without its content";
    PUT "/v1/storage/buckets/{bucketId}/files/{fileId}" "files.write" Json files::update, "Change a file's name or permissions";
    DELETE "/v1/storage/buckets/{bucketId}/files/{fileId}" "files.write" None files::delete, "Delete a file";
    GET "/v1/storage/buckets/{bucketId}/files/{fileId}/download" "files.read" None files::download, "The content of a file, to be kept";
    GET "/v1/storage/buckets/{bucketId}/files/{fileId}/view" "files.read" None files::view, "The content of a file, to be shown";
    GET "/v1/storage/buckets/{bucketId}/files/{fileId}/push" open None files::push, "The image of a notification, by its signed link";

    GET "/v1/herald/overview" "messages.read" None overview::overview, "The first screen: what runs, waits, fails and needs somebody";
    GET "/v1/herald/providers" "providers.read" None overview::providers, "How providers do";
    POST "/v1/herald/providers/{providerId}/pause" "providers.write" Json providers::pause, "Stop a provider";
    POST "/v1/herald/providers/{providerId}/resume" "providers.write" Json providers::resume, "Let a provider go on";
    POST "/v1/herald/providers/{providerId}/test" "providers.write" Json providers::test, "Talk to a provider without sending to anybody";
    GET "/v1/herald/targets" "targets.read" None targets::all, "A page of everybody's targets";
    GET "/v1/herald/targets/{targetId}" "targets.read" None targets::by_id, "A target by its id alone";
    GET "/v1/herald/messages/{messageId}" "messages.read" None message_detail::detail, "A message with its lanes";
    POST "/v1/herald/messages/{messageId}/pause" "messages.write" Json message_detail::pause, "Stop a message that is being sent";
    POST "/v1/herald/messages/{messageId}/resume" "messages.write" Json message_detail::resume, "Let a paused message go on";
    POST "/v1/herald/messages/{messageId}/cancel" "messages.write" Json message_detail::cancel, "End a message";
    POST "/v1/herald/messages/{messageId}/hold" "messages.write" Json message_detail::hold, "Hold a scheduled message, to edit it";
    POST "/v1/herald/messages/{messageId}/release" "messages.write" Json message_detail::release, "Let a held message go";
    POST "/v1/herald/messages/{messageId}/undo" "messages.write" Json message_detail::undo, "Take a message back into a draft before it is claimed";
    POST "/v1/herald/messages/{messageId}/duplicate" "messages.write" Json message_detail::duplicate, "A new draft with the same content and audience";
    POST "/v1/herald/messages/{messageId}/retry" "messages.write" Json message_detail::retry, "Try those again who failed, or say who that would be";
    GET "/v1/herald/messages/{messageId}/preview" "messages.read" None message_detail::preview, "Who would get a message now";
    GET "/v1/herald/audience" "topics.read" None message_detail::audience, "How many people a set of topics reaches at most";
    GET "/v1/herald/why/{id}" "messages.read" None message_detail::why, "Why a message, provider or target stands where it stands";
    GET "/v1/herald/deliveries" "messages.read" None deliveries::page, "A page of the delivery log";
    GET "/v1/herald/waiting" "messages.read" None waiting::page, "A page of those who wait";
    POST "/v1/herald/waiting/decide" "messages.write" Json waiting::decide, "Release, fail over or give up those who wait";
    GET "/v1/herald/operations" "messages.read" None operations::list, "Operations over deliveries, newest first";
    POST "/v1/herald/operations" "messages.write" Json operations::create, "Preview an operation over the deliveries that pass a filter";
    GET "/v1/herald/operations/{operationId}" "messages.read" None operations::get, "An operation, and how far it has come";
    POST "/v1/herald/operations/{operationId}/confirm" "messages.write" Json operations::confirm, "Let a previewed operation begin";
    POST "/v1/herald/operations/{operationId}/cancel" "messages.write" Json operations::cancel, "End an operation";
    POST "/v1/herald/sending/stop" "sending.write" Json overview::stop_sending, "Stop all sending";
    POST "/v1/herald/sending/resume" "sending.write" Json overview::resume_sending, "Let sending go on";
    POST "/v1/herald/sending/release" "sending.write" Json overview::release_restored, "Let a restored copy send";
    GET "/v1/herald/find" "messages.read" None persons::find, "Whatever bears an id, an address, a Message-ID or a service's id";
    GET "/v1/herald/person" "users.read" None persons::export, "All that is held of a person";
    POST "/v1/herald/person/erase" "users.write" Json persons::erase, "Forget a person; counts stay";
    GET "/v1/herald/imports" "users.read" None imports::list, "Imports, newest first";
    POST "/v1/herald/imports" "users.write" Stream imports::create, "Import people from CSV or NDJSON";
    POST "/v1/herald/imports/{importId}/undo" "users.write" Json imports::undo, "Take back what an import made";
    GET "/v1/herald/keys" "keys.read" None keys::list, "All API keys";
    POST "/v1/herald/keys" "keys.write" Json keys::create, "Create an API key; its secret is said once";
    DELETE "/v1/herald/keys/{keyId}" "keys.write" None keys::delete, "Delete an API key";
    GET "/v1/herald/audit" "audit.read" None audit::page, "Who did what";
    GET "/v1/herald/settings" "providers.read" None overview::settings, "What every setting is, and where it was set";
    GET "/v1/herald/events" "messages.read" Stream events::events, "What has changed, as it changes";
    POST "/v1/herald/backup" owner Stream backup::create, "Copy the store while it runs";
    POST "/v1/herald/shutdown" owner Json overview::shutdown, "End the process in good order";
}

/// How a list answers filters: part of the routes' table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listing {
    /// The path of its route; the method is `GET`.
    pub path: &'static str,
    /// Attributes for which an `equal` query (with `and` beside it or not) is served by an index, and so
    /// is `$id`. Order by `""`, `$sequence` or `$createdAt`, cursors and offsets run by the number.
    pub indexed: &'static [&'static str],
    /// Attributes that are looked for in a scan of at most 50,000 rows a page; the answer says when it
    /// ended there (`cutShort`), and goes on after `next`. So are `search` and `filter`.
    pub scanned: &'static [&'static str],
    /// Whether the whole list is small and read at once.
    pub whole: bool,
}

macro_rules! listings {
    ($($path:literal $record:ty $(, $whole:ident)?;)*) => {
        /// Every list of the dialect, and what of it is indexed.
        pub const LISTINGS: &[Listing] = &[$({
            const NAMES: &([&str; 16], usize) = &scanned::<$record>();
            Listing {
                path: $path,
                indexed: <$record as Listed>::INDEXED,
                scanned: NAMES.0.split_at(NAMES.1).0,
                whole: listings!(@whole $($whole)?),
            }
        },)*];
    };
    (@whole) => { false };
    (@whole whole) => { true };
}

const fn same(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// Attributes of a list that no index serves, and how many there are.
const fn scanned<T: Listed>() -> ([&'static str; 16], usize) {
    let (mut names, mut count, mut at) = ([""; 16], 0, 0);
    while at < T::ATTRIBUTES.len() {
        let (name, mut indexed) = (T::ATTRIBUTES[at].0, 0);
        while indexed < T::INDEXED.len() && !same(T::INDEXED[indexed], name) {
            indexed += 1;
        }
        if indexed == T::INDEXED.len() {
            names[count] = name;
            count += 1;
        }
        at += 1;
    }
    (names, count)
}

listings! {
    "/v1/messaging/messages" Message;
    "/v1/messaging/messages/{messageId}/targets" Target, whole;
    "/v1/messaging/providers" Provider, whole;
    "/v1/messaging/topics" Topic;
    "/v1/messaging/topics/{topicId}/subscribers" SubscriberView;
    "/v1/users" User;
    "/v1/users/{userId}/targets" Target, whole;
    "/v1/storage/buckets" Bucket;
    "/v1/storage/buckets/{bucketId}/files" StoredFile;
    "/v1/herald/targets" Target;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::key::SCOPES;
    use std::collections::BTreeSet;

    #[test]
    fn every_listing_is_a_route_and_every_attribute_stands_once() {
        for listing in LISTINGS {
            assert!(
                ROUTES.iter().any(|route| (route.method, route.path) == ("GET", listing.path)),
                "{listing:?}"
            );
            let mut seen = BTreeSet::new();
            assert!(
                listing.indexed.iter().chain(listing.scanned).all(|name| seen.insert(*name)),
                "{listing:?}"
            );
        }
        let messages = LISTINGS[0];
        assert_eq!(messages.indexed, ["status"]);
        assert_eq!(messages.scanned, ["scheduledAt", "deliveredAt", "deliveredTotal", "providerType"]);
    }

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
