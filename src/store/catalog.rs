//! Topics, subscribers, providers and keys, as the store keeps them.

use super::error::Result;
use super::page::{Page, PageRequest};
use crate::domain::audit::AuditEntry;
use crate::domain::channel::Channel;
use crate::domain::ids::{
    KeyId, ProviderId, ProviderNo, Revision, SubscriberId, TargetId, TargetNo, TopicId, TopicNo,
};
use crate::domain::person::Target;
use crate::domain::provider::{Door, Provider};
use crate::domain::time::Timestamp;
use crate::domain::topic::{Subscriber, Topic};
use async_trait::async_trait;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A subscriber with what is shown of it.
#[derive(Debug, Clone, PartialEq)]
pub struct SubscriberView {
    /// The membership.
    pub subscriber: Subscriber,
    /// Of which topic.
    pub topic: TopicId,
    /// The target.
    pub target: Target,
    /// The name of the target's user.
    pub user_name: String,
}

/// An API key. The secret is kept as a hash only.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ApiKey {
    /// Its id.
    pub id: KeyId,
    /// Its name.
    pub name: String,
    /// SHA-256 of the secret.
    pub hash: [u8; 32],
    /// What it may do.
    pub scopes: Vec<String>,
    /// Until when.
    pub expires: Option<Timestamp>,
    /// Since when.
    pub created: Timestamp,
    /// When it was last used, to the day.
    pub accessed: Option<Timestamp>,
}

/// What a change of a provider's credentials has replaced, without the secrets themselves.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Replaced {
    /// When.
    pub at: Timestamp,
    /// The credentials as they were shown.
    pub credentials: BTreeMap<String, String>,
    /// The options as they were.
    pub options: BTreeMap<String, String>,
    /// Through which door its host had come.
    pub door: Door,
}

/// What became of one of the targets that were subscribed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    /// Subscribed now.
    Now,
    /// Subscribed already.
    Before,
    /// Not there any more.
    Missing,
}

/// Topics, subscribers, providers, keys.
#[async_trait]
pub trait Catalog {
    /// Creates a topic. Number, totals and revision of the given record are set by the store.
    async fn create_topic(&self, topic: Topic, audit: AuditEntry) -> Result<Topic>;
    /// A topic by id.
    async fn topic(&self, id: &TopicId) -> Result<Topic>;
    /// Replaces name and roles of a topic that still has the expected revision.
    async fn put_topic(&self, topic: Topic, expect: Revision, audit: AuditEntry) -> Result<Topic>;
    /// Deletes a topic with its subscriptions (in steps behind the scenes; the id is free at once).
    /// With a revision, only while it has that one still.
    async fn delete_topic(&self, id: &TopicId, expect: Option<Revision>, audit: AuditEntry) -> Result<()>;
    /// A page of topics.
    async fn topics(&self, page: PageRequest<Topic>) -> Result<Page<Topic>>;

    /// Subscribes a target to a topic.
    async fn subscribe(
        &self,
        topic: &TopicId,
        id: SubscriberId,
        target: &TargetId,
        audit: AuditEntry,
    ) -> Result<SubscriberView>;
    /// Subscribes many targets to a topic in one transaction. Who is subscribed already, or gone,
    /// refuses nothing. What became of each, in the order given.
    async fn subscribe_many(
        &self,
        topic: &TopicId,
        targets: Vec<(SubscriberId, TargetId)>,
        audit: AuditEntry,
    ) -> Result<Vec<Joined>>;
    /// A subscriber of a topic.
    async fn subscriber(&self, topic: &TopicId, id: &SubscriberId) -> Result<SubscriberView>;
    /// Ends a subscription.
    async fn unsubscribe(&self, topic: &TopicId, id: &SubscriberId, audit: AuditEntry) -> Result<()>;
    /// A page of a topic's subscribers, by target number.
    async fn subscribers(
        &self,
        topic: &TopicId,
        page: PageRequest<SubscriberView>,
    ) -> Result<Page<SubscriberView>>;
    /// For planning: targets of a topic in ascending order after one, with their channel.
    async fn members(
        &self,
        topic: TopicNo,
        after: Option<TargetNo>,
        limit: usize,
    ) -> Result<Vec<(TargetNo, Channel)>>;

    /// Creates a provider and seals its credentials.
    async fn create_provider(
        &self,
        provider: Provider,
        credentials: BTreeMap<String, SecretString>,
        audit: AuditEntry,
    ) -> Result<Provider>;
    /// A provider by id.
    async fn provider(&self, id: &ProviderId) -> Result<Provider>;
    /// All providers in order of number: they are few.
    async fn providers(&self) -> Result<Vec<Provider>>;
    /// The opened credentials of a provider, for its adapter.
    async fn credentials(&self, no: ProviderNo) -> Result<BTreeMap<String, SecretString>>;
    /// What the last change of a provider's secrets has replaced, while it is kept.
    async fn replaced(&self, no: ProviderNo) -> Result<Option<Replaced>>;
    /// Puts replaced credentials back into place, and keeps those that they replace. The record gives
    /// everything else. `Err(Moved)`: nothing is kept.
    async fn roll_back(&self, provider: Provider, expect: Revision, audit: AuditEntry) -> Result<Provider>;
    /// Wipes credentials that were replaced before a time; of how many providers.
    async fn wipe_replaced(&self, before: Timestamp) -> Result<u64>;
    /// Replaces a provider that still has the expected revision; `credentials`
    /// replaces the sealed ones as a whole when given, and those are kept sealed until they are wiped.
    async fn put_provider(
        &self,
        provider: Provider,
        credentials: Option<BTreeMap<String, SecretString>>,
        expect: Revision,
        audit: AuditEntry,
    ) -> Result<Provider>;
    /// Deletes a provider.
    /// With a revision, only while it has that one still.
    async fn delete_provider(
        &self,
        id: &ProviderId,
        expect: Option<Revision>,
        audit: AuditEntry,
    ) -> Result<()>;

    /// Writes a key.
    async fn create_key(&self, key: ApiKey, audit: AuditEntry) -> Result<()>;
    /// The key with this hash.
    async fn key_by_hash(&self, hash: [u8; 32]) -> Result<Option<Arc<ApiKey>>>;
    /// All keys.
    async fn keys(&self) -> Result<Vec<ApiKey>>;
    /// Notes that a key was used; at most once a day is written.
    async fn touch_key(&self, id: &KeyId, at: Timestamp) -> Result<()>;
    /// Deletes a key.
    async fn delete_key(&self, id: &KeyId, audit: AuditEntry) -> Result<()>;
}
