//! Telling endpoints when a message ends.
//!
//! The transaction that ends a run notes it. Here it becomes one delivery for each
//! endpoint that wants it, and each is tried until the endpoint takes it. Both lists
//! are in the store, so a crash loses nothing; what was sent and not noted is sent
//! again, under the same id.

mod deliver;

pub(crate) use deliver::run;

use super::Engine;
use super::core::Core;
use super::usecases::providers::MASK;
use super::usecases::{Outcome, Refusal, UNIQUE};
use crate::domain::audit::Actor;
use crate::domain::hex::hex;
use crate::domain::ids::{Revision, WebhookId, generate_id};
use crate::domain::time::Timestamp;
use crate::domain::validate::{self, Invalid};
use crate::providers::outgoing::Outgoing;
use crate::store::documents::{DocumentChange, Shelf};
use crate::store::page::Order;
use crate::store::{Store, StoreError, seal};
use crate::wire::ErrorType;
use crate::wire::webhook::{
    Webhook, WebhookBody, WebhookDelivery, WebhookDeliveryList, WebhookEvent, WebhookList, WebhookState,
    WriteWebhook,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The most endpoints.
const MOST: usize = 100;

/// An endpoint as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) webhook: Webhook,
    /// The secret, sealed.
    pub(super) sealed: Vec<u8>,
    /// The URL came in over the network.
    pub(super) remote: bool,
}

/// A delivery as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) delivery: WebhookDelivery,
    /// What is sent, to the byte.
    pub(super) body: String,
}

fn broken(error: impl std::fmt::Display) -> StoreError {
    StoreError::Damaged(format!("a record of an endpoint: {error}"))
}

pub(super) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(broken)
}

pub(super) fn encode<T: Serialize>(record: &T) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(record).map_err(broken)
}

pub(super) fn told_key(webhook: &WebhookId, id: &str) -> String {
    format!("{webhook}/{id}")
}

pub(super) fn queue_key(due: Timestamp, told: &str) -> String {
    format!("{:020}/{told}", due.0.max(0))
}

fn missing(id: &WebhookId) -> Refusal {
    Refusal::new(ErrorType::WebhookNotFound, format!("There is no endpoint {id}"))
}

async fn read(store: &dyn Store, id: &WebhookId) -> Outcome<(Record, Vec<u8>)> {
    let bytes = store.document(Shelf::Webhooks, id.as_str()).await?.ok_or_else(|| missing(id))?;
    Ok((decode(&bytes)?, bytes))
}

/// A delivery, and its place in the queue.
pub(super) fn queue(
    core: &Core,
    webhook: &WebhookId,
    body: &WebhookBody,
) -> Result<(WebhookDelivery, Vec<DocumentChange>), StoreError> {
    let now = core.clock.now();
    let micros = u64::try_from(now.0).unwrap_or(0).saturating_mul(1000);
    let delivery = WebhookDelivery {
        id: generate_id(micros, (core.chance.next() >> 32) as u32),
        webhook_id: webhook.clone(),
        event: body.event,
        message_id: body.message.as_ref().map(|message| message.id.clone()),
        run: body.message.as_ref().map_or(0, |message| message.run),
        created: now,
        state: WebhookState::Waiting,
        attempts: 0,
        last: None,
        next: Some(now),
        status: 0,
        answer: String::new(),
    };
    let key = told_key(webhook, &delivery.id);
    let body = serde_json::to_string(body).map_err(broken)?;
    let told = Told { delivery: delivery.clone(), body };
    let changes = vec![
        DocumentChange::put(Shelf::WebhookQueue, queue_key(now, &key), Vec::new()),
        DocumentChange::put(Shelf::WebhookResults, key, encode(&told)?),
    ];
    Ok((delivery, changes))
}

/// A URL that something may be posted to. Who it resolves to is looked at when it is.
fn checked_url(text: &str) -> Outcome<String> {
    validate::line("url", text, 1, 2048)?;
    let good = url::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
    });
    if good {
        Ok(text.to_owned())
    } else {
        Err(Invalid::value("url", "Value must be a valid http or https URL without a user name").into())
    }
}

fn checked_events(events: Vec<WebhookEvent>) -> Outcome<Vec<WebhookEvent>> {
    if events.is_empty() || events.contains(&WebhookEvent::Test) {
        let words: Vec<_> = WebhookEvent::CHOICE.iter().map(|event| event.as_str()).collect();
        return Err(Invalid::value("events", format!("Value must be some of ({})", words.join(", "))).into());
    }
    Ok(events)
}

fn new_secret() -> Outcome<SecretString> {
    let mut bytes = [0u8; 24];
    seal::fill(&mut bytes)?;
    Ok(hex(&bytes).into())
}

impl Engine {
    fn sealed(&self, id: &WebhookId, secret: &SecretString) -> Outcome<Vec<u8>> {
        Ok(self.store().seal(&format!("webhook/{id}"), "secret", secret)?)
    }

    /// Creates an endpoint. Its secret is in the answer, and nowhere after that.
    /// `remote`: the URL came in over the network.
    pub async fn create_webhook(&self, by: &Actor, write: WriteWebhook, remote: bool) -> Outcome<Webhook> {
        let id = WebhookId::new(self.id_or_new(write.webhook_id.as_deref().unwrap_or(UNIQUE)))?;
        let name = write.name.ok_or(Invalid::Missing("name"))?;
        validate::line("name", &name, 1, 128)?;
        let url = checked_url(&write.url.ok_or(Invalid::Missing("url"))?)?;
        let events = checked_events(write.events.unwrap_or_else(|| WebhookEvent::CHOICE.to_vec()))?;
        let secret = match write.secret {
            Some(secret) => checked_secret(secret)?,
            None => new_secret()?,
        };
        if self.webhooks().await?.webhooks.len() >= MOST {
            return Err(Refusal::not_now(format!("There are {MOST} endpoints already")));
        }
        let now = self.now();
        let webhook = Webhook {
            id: id.clone(),
            created_at: now,
            updated_at: now,
            name,
            url,
            events,
            enabled: write.enabled.unwrap_or(true),
            secret: seal::mask(&secret),
            failing_since: None,
            disabled: None,
            revision: Revision(1),
        };
        let summary = format!("“{}” created", webhook.name);
        let audit = self.entry(by, "webhook.create", format_args!("webhook/{id}"), summary);
        let record = Record { sealed: self.sealed(&id, &secret)?, webhook: webhook.clone(), remote };
        let change = DocumentChange::put(Shelf::Webhooks, id.as_str(), encode(&record)?).fresh();
        match self.store().write_documents(vec![change], Some(audit)).await {
            Err(StoreError::Moved) => {
                Err(Refusal::new(ErrorType::WebhookExists, format!("There is already an endpoint {id}")))
            }
            result => {
                result?;
                Ok(Webhook { secret: secret.expose_secret().to_owned(), ..webhook })
            }
        }
    }

    /// Changes an endpoint. Another URL needs its secret again, so that nobody can
    /// have what is signed sent elsewhere.
    pub async fn update_webhook(
        &self,
        by: &Actor,
        id: &WebhookId,
        write: WriteWebhook,
        remote: bool,
    ) -> Outcome<Webhook> {
        let mut seen = None;
        loop {
            let (record, before) = read(&**self.store(), id).await?;
            let revision = record.webhook.revision;
            if seen.replace(revision).is_some_and(|seen| seen != revision) {
                return Err(Refusal::not_now("It has been changed meanwhile: look at it again"));
            }
            let (record, changed) = self.with_changes(id, record, write.clone(), remote)?;
            let audit = self.entry(by, "webhook.update", format_args!("webhook/{id}"), changed.join(", "));
            let change =
                DocumentChange::put(Shelf::Webhooks, id.as_str(), encode(&record)?).expecting(before);
            match self.store().write_documents(vec![change], Some(audit)).await {
                // Nobody needs to look again where only a delivery noted whether it got through.
                Err(StoreError::Moved) => {}
                result => {
                    result?;
                    return Ok(record.webhook);
                }
            }
        }
    }

    /// An endpoint as it is with these changes, and what they change.
    fn with_changes(
        &self,
        id: &WebhookId,
        mut record: Record,
        write: WriteWebhook,
        remote: bool,
    ) -> Outcome<(Record, Vec<&'static str>)> {
        let webhook = &mut record.webhook;
        if let Some(expected) = write.revision
            && expected != webhook.revision
        {
            return Err(Refusal::new(
                ErrorType::Stale,
                format!(
                    "Endpoint {id} has been changed meanwhile (revision {}, you had {expected})",
                    webhook.revision
                ),
            ));
        }
        let mut changed = Vec::new();
        if let Some(name) = write.name {
            validate::line("name", &name, 1, 128)?;
            webhook.name = name;
            changed.push("name");
        }
        if let Some(events) = write.events {
            webhook.events = checked_events(events)?;
            changed.push("events");
        }
        let mask = webhook.secret.clone();
        let secret = write.secret.filter(|secret| *secret != mask).map(checked_secret).transpose()?;
        if let Some(url) = write.url.filter(|url| *url != webhook.url) {
            webhook.url = checked_url(&url)?;
            if secret.is_none() {
                return Err(
                    Invalid::value("secret", "Another URL needs a secret, its own or a new one").into()
                );
            }
            record.remote = remote;
            changed.push("url");
        }
        if let Some(secret) = secret {
            webhook.secret = seal::mask(&secret);
            record.sealed = self.sealed(id, &secret)?;
            changed.push("secret");
        }
        let webhook = &mut record.webhook;
        if let Some(enabled) = write.enabled {
            webhook.enabled = enabled;
            changed.push(if enabled { "enabled" } else { "disabled" });
            if enabled {
                webhook.disabled = None;
                webhook.failing_since = None;
            }
        }
        webhook.revision = webhook.revision.next();
        webhook.updated_at = self.now();
        Ok((record, changed))
    }

    /// Deletes an endpoint with what it was told.
    pub async fn delete_webhook(&self, by: &Actor, id: &WebhookId) -> Outcome<()> {
        let (record, _) = read(&**self.store(), id).await?;
        let summary = format!("“{}” deleted", record.webhook.name);
        let audit = self.entry(by, "webhook.delete", format_args!("webhook/{id}"), summary);
        let mut changes = vec![DocumentChange::remove(Shelf::Webhooks, id.as_str())];
        for (key, _) in self
            .store()
            .documents(Shelf::WebhookResults, &format!("{id}/"), None, Order::Ascending, 10_000)
            .await?
        {
            changes.push(DocumentChange::remove(Shelf::WebhookResults, key));
        }
        Ok(self.store().write_documents(changes, Some(audit)).await?)
    }

    /// An endpoint, its secret masked.
    pub async fn webhook(&self, id: &WebhookId) -> Outcome<Webhook> {
        Ok(read(&**self.store(), id).await?.0.webhook)
    }

    /// All endpoints.
    pub async fn webhooks(&self) -> Outcome<WebhookList> {
        let found = self.store().documents(Shelf::Webhooks, "", None, Order::Ascending, MOST).await?;
        let webhooks = found.iter().map(|(_, bytes)| Ok(decode::<Record>(bytes)?.webhook));
        Ok(WebhookList { webhooks: webhooks.collect::<Outcome<_>>()? })
    }

    /// The last deliveries to an endpoint, newest first.
    pub async fn webhook_deliveries(&self, id: &WebhookId) -> Outcome<WebhookDeliveryList> {
        self.webhook(id).await?;
        let prefix = format!("{id}/");
        let found = self
            .store()
            .documents(Shelf::WebhookResults, &prefix, None, Order::Descending, deliver::KEPT)
            .await?;
        let deliveries = found.iter().map(|(_, bytes)| Ok(decode::<Told>(bytes)?.delivery));
        Ok(WebhookDeliveryList { deliveries: deliveries.collect::<Outcome<_>>()? })
    }

    /// Tells an endpoint something for the second time, under the same id.
    pub async fn redeliver(&self, by: &Actor, id: &WebhookId, delivery: &str) -> Outcome<WebhookDelivery> {
        self.webhook(id).await?;
        let key = told_key(id, delivery);
        let bytes = self.store().document(Shelf::WebhookResults, &key).await?.ok_or_else(|| {
            Refusal::new(ErrorType::NotFound, format!("Endpoint {id} was not told anything under {delivery}"))
        })?;
        let mut told: Told = decode(&bytes)?;
        if told.delivery.state == WebhookState::Waiting {
            return Err(Refusal::not_now(format!("Delivery {delivery} is being tried already")));
        }
        let now = self.now();
        told.delivery.state = WebhookState::Waiting;
        told.delivery.created = now;
        told.delivery.next = Some(now);
        let changes = vec![
            DocumentChange::put(Shelf::WebhookResults, key.clone(), encode(&told)?).expecting(bytes),
            DocumentChange::put(Shelf::WebhookQueue, queue_key(now, &key), Vec::new()),
        ];
        let summary = format!("delivery {delivery} is sent again");
        let audit = self.entry(by, "webhook.redeliver", format_args!("webhook/{id}"), summary);
        match self.store().write_documents(changes, Some(audit)).await {
            Err(StoreError::Moved) => {
                Err(Refusal::not_now(format!("Delivery {delivery} is being tried already")))
            }
            result => {
                result?;
                Ok(told.delivery)
            }
        }
    }

    /// Tells an endpoint that this is a test.
    pub async fn test_webhook(&self, id: &WebhookId) -> Outcome<WebhookDelivery> {
        self.webhook(id).await?;
        let body = WebhookBody { event: WebhookEvent::Test, at: self.now(), message: None };
        let (delivery, changes) = queue(&self.core, id, &body)?;
        self.store().write_documents(changes, None).await?;
        Ok(delivery)
    }
}

fn checked_secret(secret: String) -> Outcome<SecretString> {
    if secret.contains(MASK) {
        return Err(Invalid::value("secret", "Value is a mask, not a secret").into());
    }
    if !(16..=256).contains(&secret.len()) || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(
            Invalid::value("secret", "Value must be 16 to 256 printable characters without spaces").into()
        );
    }
    Ok(secret.into())
}

/// Where endpoints are told.
pub(super) fn outgoing(core: &Core) -> &Arc<dyn Outgoing> {
    &core.config.outgoing
}
