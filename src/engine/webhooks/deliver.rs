//! Deliveries to endpoints, until each is taken.

use super::super::core::Core;
use super::{Record, Told, decode, encode, outgoing, queue, queue_key};
use crate::domain::audit::Actor;
use crate::domain::hex::hex;
use crate::domain::message::Message;
use crate::domain::state::MessageState;
use crate::domain::time::Timestamp;
use crate::engine::clock::SLICE;
use crate::engine::control::audit;
use crate::providers::outgoing::Post;
use crate::store::StoreError;
use crate::store::documents::{DocumentChange, Ended, Shelf};
use crate::store::page::Order;
use crate::wire::message::State;
use crate::wire::webhook::{EndedMessage, WebhookBody, WebhookEvent, WebhookState};
use bytes::Bytes;
use futures_util::future::join_all;
use http::{HeaderName, HeaderValue};
use ring::hmac;
use secrecy::ExposeSecret as _;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Deliveries of an endpoint that are listed.
pub(super) const KEPT: usize = 100;
/// Ends that one transaction takes.
const ENDS: usize = 64;
/// Deliveries that are tried at the same time, of all endpoints and of one.
const AT_ONCE: usize = 16;
const OF_ONE: usize = 4;
/// The first wait after a failure; it grows fourfold.
const FIRST: Duration = Duration::from_secs(5);
/// The longest wait.
const LONGEST: Duration = Duration::from_hours(1);
/// The longest sleep: the wall clock may jump.
const NAP: Duration = Duration::from_mins(1);

/// Runs until the engine closes.
pub(crate) async fn run(core: Arc<Core>) {
    let mut changes = core.store.changes();
    while !core.closing.is_cancelled() {
        let seen = changes.borrow_and_update().documents;
        let next = match round(&core).await {
            Ok(next) => next,
            Err(StoreError::Closed) => return,
            Err(error) => {
                tracing::warn!(%error, "endpoints are told later");
                Some(core.clock.now().plus(SLICE))
            }
        };
        let wait = next.map(|due| due.since(core.clock.now()).clamp(Duration::from_millis(1), NAP));
        tokio::select! {
            biased;
            () = core.closing.cancelled() => return,
            result = changes.wait_for(|changes| changes.documents != seen) => if result.is_err() { return },
            () = async { match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => std::future::pending().await,
            } } => {}
        }
    }
}

/// Does what is to be done now; says when there is more to do.
async fn round(core: &Arc<Core>) -> Result<Option<Timestamp>, StoreError> {
    while take_ended(core).await? {}
    let now = core.clock.now();
    let queued = core.store.documents(Shelf::WebhookQueue, "", None, Order::Ascending, AT_ONCE * 16).await?;
    let mut of_one: BTreeMap<String, usize> = BTreeMap::new();
    let mut chosen = Vec::new();
    let mut next = None;
    for (key, _) in queued {
        let Some((due, told)) = key.split_once('/') else { continue };
        let due = Timestamp(due.parse().unwrap_or_default());
        if due > now {
            next = Some(due);
            break;
        }
        let webhook = told.split('/').next().unwrap_or_default();
        let count = of_one.entry(webhook.to_owned()).or_default();
        *count += 1;
        if *count > OF_ONE || chosen.len() == AT_ONCE {
            next = Some(now);
            continue;
        }
        chosen.push((key.clone(), told.to_owned()));
    }
    let tried = join_all(chosen.into_iter().map(|(key, told)| attempt(core, key, told)));
    for result in tried.await {
        result?;
    }
    Ok(next)
}

/// Makes deliveries of ends that were noted; false: there are none.
async fn take_ended(core: &Arc<Core>) -> Result<bool, StoreError> {
    let ends = core.store.ended(ENDS).await?;
    if ends.is_empty() {
        return Ok(false);
    }
    let found = core.store.documents(Shelf::Webhooks, "", None, Order::Ascending, 1000).await?;
    let webhooks: Vec<Record> = found.iter().map(|(_, bytes)| decode(bytes)).collect::<Result<_, _>>()?;
    let mut changes = Vec::new();
    for end in &ends {
        let message = match core.store.message_by_no(end.message).await {
            Ok(message) => message,
            Err(StoreError::NotFound { .. }) => continue,
            Err(error) => return Err(error),
        };
        let body = body(end, &message);
        for record in webhooks.iter().filter(|record| record.webhook.enabled) {
            if record.webhook.events.contains(&body.event) {
                changes.extend(queue(core, &record.webhook.id, &body)?.1);
            }
        }
    }
    core.store.take_ended(ends.iter().map(|end| end.no).collect(), changes).await?;
    Ok(true)
}

fn body(end: &Ended, message: &Message) -> WebhookBody {
    // It may have been opened again since: then its end was that somebody did not get it.
    let (event, state) = match &message.state {
        MessageState::Sent if message.run == end.run => (WebhookEvent::Sent, State::Sent),
        MessageState::Cancelled { .. } => (WebhookEvent::Cancelled, State::Cancelled),
        _ => (WebhookEvent::Failed, State::Failed),
    };
    let ended = EndedMessage {
        id: message.id.clone(),
        channel: message.channel(),
        state,
        run: end.run.max(1),
        progress: message.progress,
        started_at: message.started_at,
        finished_at: Some(end.at),
    };
    WebhookBody { event, at: end.at, message: Some(ended) }
}

/// The wait after so many attempts.
fn backoff(attempts: u32) -> Duration {
    FIRST.saturating_mul(4u32.saturating_pow(attempts.saturating_sub(1))).min(LONGEST)
}

/// `t=SECONDS,v1=HEX` over a body.
pub(super) fn signature(secret: &str, at: Timestamp, body: &str) -> String {
    let seconds = at.0.div_euclid(1000);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{seconds}.{body}").as_bytes());
    let hex = hex(tag.as_ref());
    format!("t={seconds},v1={hex}")
}

/// Tries one delivery, and notes what came of it.
async fn attempt(core: &Arc<Core>, queued: String, key: String) -> Result<(), StoreError> {
    let gone = DocumentChange::remove(Shelf::WebhookQueue, queued);
    let webhook = key.split('/').next().unwrap_or_default().to_owned();
    let record = core.store.document(Shelf::Webhooks, &webhook).await?;
    let told = core.store.document(Shelf::WebhookResults, &key).await?;
    let (Some(record_bytes), Some(told_bytes)) = (record, told) else {
        return core.store.write_documents(vec![gone], None).await;
    };
    let record: Record = decode(&record_bytes)?;
    let mut told: Told = decode(&told_bytes)?;
    let answer = if told.delivery.event == WebhookEvent::Test || record.webhook.enabled {
        post(core, &record, &told).await
    } else {
        Err("the endpoint is disabled".to_owned())
    };
    let now = core.clock.now();
    let delivery = &mut told.delivery;
    delivery.attempts += 1;
    delivery.last = Some(now);
    delivery.next = None;
    let well = answer.as_ref().is_ok_and(|(status, _)| (200..300).contains(status));
    (delivery.status, delivery.answer) = answer.unwrap_or_else(|error| (0, error));
    let late = now.since(delivery.created) >= core.config.webhook_patience || !record.webhook.enabled;
    let mut changes = vec![gone];
    if well {
        delivery.state = WebhookState::Delivered;
    } else if late || delivery.event == WebhookEvent::Test {
        delivery.state = WebhookState::Failed;
    } else {
        let due = now.plus(backoff(delivery.attempts));
        delivery.next = Some(due);
        changes.push(DocumentChange::put(Shelf::WebhookQueue, queue_key(due, &key), Vec::new()));
    }
    let over = delivery.state != WebhookState::Waiting;
    changes.push(DocumentChange::put(Shelf::WebhookResults, key, encode(&told)?));
    core.store.write_documents(changes, None).await?;
    note(core, &webhook, well, now).await?;
    if over { prune(core, &webhook).await } else { Ok(()) }
}

async fn post(core: &Core, record: &Record, told: &Told) -> Result<(u16, String), String> {
    let id = &record.webhook.id;
    let secret = core
        .store
        .unseal(&format!("webhook/{id}"), "secret", &record.sealed)
        .map_err(|error| error.to_string())?;
    let signed = signature(secret.expose_secret(), core.clock.now(), &told.body);
    let header = |name: &'static str, value: &str| {
        let value = HeaderValue::from_str(value).map_err(|_| format!("{name} cannot be said"))?;
        Ok::<_, String>((HeaderName::from_static(name), value))
    };
    let post = Post {
        url: url::Url::parse(&record.webhook.url).map_err(|error| error.to_string())?,
        headers: vec![
            header("x-herald-event", told.delivery.event.as_str())?,
            header("x-herald-delivery", &told.delivery.id)?,
            header("x-herald-signature", &signed)?,
        ],
        body: Bytes::from(told.body.clone()),
        allow_private: core.config.allow_private || !record.remote,
    };
    let answer = outgoing(core).post(post).await?;
    Ok((answer.status, answer.answer))
}

/// Notes at the endpoint whether it can be reached, and disables it after a long time without.
async fn note(core: &Core, webhook: &str, well: bool, now: Timestamp) -> Result<(), StoreError> {
    loop {
        let Some(bytes) = core.store.document(Shelf::Webhooks, webhook).await? else { return Ok(()) };
        let mut record: Record = decode(&bytes)?;
        let endpoint = &mut record.webhook;
        if !endpoint.enabled {
            return Ok(());
        }
        let mut entry = None;
        match (well, endpoint.failing_since) {
            (true, Some(_)) => endpoint.failing_since = None,
            (false, None) => endpoint.failing_since = Some(now),
            (false, Some(since)) if now.since(since) >= core.config.webhook_patience => {
                let why = format!("nothing has got through since {since}");
                endpoint.enabled = false;
                endpoint.disabled = Some(why.clone());
                endpoint.revision = endpoint.revision.next();
                let resource = format!("webhook/{webhook}");
                entry = Some(audit(now, &Actor::engine(), "webhook.disable", &resource, why));
            }
            (true, None) | (false, Some(_)) => return Ok(()),
        }
        let change = DocumentChange::put(Shelf::Webhooks, webhook, encode(&record)?).expecting(bytes);
        match core.store.write_documents(vec![change], entry).await {
            Err(StoreError::Moved) => {}
            result => return result,
        }
    }
}

/// Forgets all but the last deliveries of an endpoint, unless they still wait.
async fn prune(core: &Core, webhook: &str) -> Result<(), StoreError> {
    let prefix = format!("{webhook}/");
    let found =
        core.store.documents(Shelf::WebhookResults, &prefix, None, Order::Descending, KEPT + 64).await?;
    let old = found.into_iter().skip(KEPT).filter(|(_, bytes)| {
        decode::<Told>(bytes).is_ok_and(|told| told.delivery.state != WebhookState::Waiting)
    });
    let gone: Vec<_> = old.map(|(key, _)| DocumentChange::remove(Shelf::WebhookResults, key)).collect();
    if gone.is_empty() { Ok(()) } else { core.store.write_documents(gone, None).await }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_an_hour() {
        let waits: Vec<_> = (1..8).map(|n| backoff(n).as_secs()).collect();
        assert_eq!(waits, [5, 20, 80, 320, 1280, 3600, 3600]);
        assert_eq!(backoff(u32::MAX), LONGEST);
    }

    #[test]
    fn a_signature_can_be_checked_with_the_secret() {
        let signed = signature("0123456789abcdef", Timestamp(1_700_000_000_999), "{}");
        let hex = signed.strip_prefix("t=1700000000,v1=").unwrap();
        let tag: Vec<u8> = (0..32).map(|n| u8::from_str_radix(&hex[n * 2..n * 2 + 2], 16).unwrap()).collect();
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"0123456789abcdef");
        hmac::verify(&key, b"1700000000.{}", &tag).unwrap();
        assert!(hmac::verify(&key, b"1700000001.{}", &tag).is_err());
    }
}
