//! Topics, subscribers, providers, keys.

use crate::domain::audit::AuditEntry;
use crate::domain::channel::Channel;
use crate::domain::ids::{
    KeyId, ProviderId, ProviderNo, Revision, SubscriberId, TargetId, TargetNo, TopicId, TopicNo,
};
use crate::domain::provider::Provider;
use crate::domain::time::Timestamp;
use crate::domain::topic::Topic;
use crate::store::catalog::{ApiKey, Catalog, Joined, Replaced, SubscriberView};
use crate::store::embedded::writer::Class;
use crate::store::embedded::{Embedded, providers, subscriptions};
use crate::store::error::Result;
use crate::store::page::{Page, PageRequest};
use async_trait::async_trait;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::sync::Arc;

#[async_trait]
impl Catalog for Embedded {
    async fn create_topic(&self, topic: Topic, audit: AuditEntry) -> Result<Topic> {
        self.write(Class::Growth, move |tx| subscriptions::create_topic(tx, &topic, &audit)).await
    }

    async fn topic(&self, id: &TopicId) -> Result<Topic> {
        let id = id.clone();
        self.read(move |view| subscriptions::topic(view, &id)).await
    }

    async fn put_topic(&self, topic: Topic, expect: Revision, audit: AuditEntry) -> Result<Topic> {
        self.write(Class::Growth, move |tx| subscriptions::put_topic(tx, &topic, expect, &audit)).await
    }

    async fn delete_topic(&self, id: &TopicId, expect: Option<Revision>, audit: AuditEntry) -> Result<()> {
        let id = id.clone();
        self.write(Class::Essential, move |tx| subscriptions::delete_topic(tx, &id, expect, &audit)).await
    }

    async fn topics(&self, page: PageRequest<Topic>) -> Result<Page<Topic>> {
        self.read(move |view| {
            let total = Self::counts(view)?.topics;
            subscriptions::topics(view, &page, total)
        })
        .await
    }

    async fn subscribe(
        &self,
        topic: &TopicId,
        id: SubscriberId,
        target: &TargetId,
        audit: AuditEntry,
    ) -> Result<SubscriberView> {
        let (topic, target) = (topic.clone(), target.clone());
        self.write(Class::Growth, move |tx| {
            subscriptions::subscribe(tx, &topic, &id, &target, audit.at, &audit)
        })
        .await
    }

    async fn subscribe_many(
        &self,
        topic: &TopicId,
        targets: Vec<(SubscriberId, TargetId)>,
        audit: AuditEntry,
    ) -> Result<Vec<Joined>> {
        let topic = topic.clone();
        self.write(Class::Growth, move |tx| subscriptions::subscribe_many(tx, &topic, &targets, &audit)).await
    }

    async fn subscriber(&self, topic: &TopicId, id: &SubscriberId) -> Result<SubscriberView> {
        let (topic, id) = (topic.clone(), id.clone());
        self.read(move |view| subscriptions::subscriber(view, &topic, &id)).await
    }

    async fn unsubscribe(&self, topic: &TopicId, id: &SubscriberId, audit: AuditEntry) -> Result<()> {
        let (topic, id) = (topic.clone(), id.clone());
        self.write(Class::Essential, move |tx| subscriptions::unsubscribe(tx, &topic, &id, &audit)).await
    }

    async fn subscribers(
        &self,
        topic: &TopicId,
        page: PageRequest<SubscriberView>,
    ) -> Result<Page<SubscriberView>> {
        let topic = topic.clone();
        self.read(move |view| subscriptions::subscribers(view, &topic, &page)).await
    }

    async fn members(
        &self,
        topic: TopicNo,
        after: Option<TargetNo>,
        limit: usize,
    ) -> Result<Vec<(TargetNo, Channel)>> {
        self.read(move |view| subscriptions::members(view, topic, after, limit)).await
    }

    async fn create_provider(
        &self,
        provider: Provider,
        credentials: BTreeMap<String, SecretString>,
        audit: AuditEntry,
    ) -> Result<Provider> {
        let sealing = self.sealing.to_seal()?;
        self.write(Class::Growth, move |tx| providers::create(tx, &sealing, &provider, &credentials, &audit))
            .await
    }

    async fn provider(&self, id: &ProviderId) -> Result<Provider> {
        let id = id.clone();
        self.read(move |view| providers::provider(view, &id)).await
    }

    async fn providers(&self) -> Result<Vec<Provider>> {
        self.read(providers::all).await
    }

    async fn credentials(&self, no: ProviderNo) -> Result<BTreeMap<String, SecretString>> {
        let sealing = self.sealing.to_open();
        self.read(move |view| providers::credentials(view, &sealing, no)).await
    }

    async fn put_provider(
        &self,
        provider: Provider,
        credentials: Option<BTreeMap<String, SecretString>>,
        expect: Revision,
        audit: AuditEntry,
    ) -> Result<Provider> {
        let credentials = match credentials {
            Some(credentials) => Some((credentials, self.sealing.to_seal()?)),
            None => None,
        };
        // Pausing a provider must work on a full disk.
        self.write(Class::Essential, move |tx| {
            providers::put(tx, &provider, credentials.as_ref(), expect, &audit)
        })
        .await
    }

    async fn replaced(&self, no: ProviderNo) -> Result<Option<Replaced>> {
        self.read(move |view| providers::replaced(view, no)).await
    }

    async fn roll_back(&self, provider: Provider, expect: Revision, audit: AuditEntry) -> Result<Provider> {
        self.write(Class::Essential, move |tx| providers::roll_back(tx, &provider, expect, &audit)).await
    }

    async fn wipe_replaced(&self, before: Timestamp) -> Result<u64> {
        self.write(Class::Essential, move |tx| providers::wipe_replaced(tx, before)).await
    }

    async fn delete_provider(
        &self,
        id: &ProviderId,
        expect: Option<Revision>,
        audit: AuditEntry,
    ) -> Result<()> {
        let id = id.clone();
        self.write(Class::Essential, move |tx| providers::delete(tx, &id, expect, &audit)).await
    }

    async fn create_key(&self, key: ApiKey, audit: AuditEntry) -> Result<()> {
        self.write(Class::Growth, move |tx| providers::create_key(tx, &key, &audit)).await
    }

    async fn key_by_hash(&self, hash: [u8; 32]) -> Result<Option<Arc<ApiKey>>> {
        let (held, age) = self.shared.keyring.find(&hash);
        if held.is_some() {
            return Ok(held);
        }
        let found = self.read(move |view| providers::key_by_hash(view, hash)).await?.map(Arc::new);
        if let Some(key) = &found {
            self.shared.keyring.hold(Arc::clone(key), age);
        }
        Ok(found)
    }

    async fn keys(&self) -> Result<Vec<ApiKey>> {
        self.read(providers::keys).await
    }

    async fn touch_key(&self, id: &KeyId, at: Timestamp) -> Result<()> {
        let own = id.clone();
        let key = self.read(move |view| providers::find_key(view, &own)).await?;
        if providers::is_noted(&key, at) {
            return Ok(());
        }
        let id = id.clone();
        self.write(Class::Essential, move |tx| providers::touch_key(tx, &id, at)).await
    }

    async fn delete_key(&self, id: &KeyId, audit: AuditEntry) -> Result<()> {
        let id = id.clone();
        self.write(Class::Essential, move |tx| providers::delete_key(tx, &id, &audit)).await
    }
}
