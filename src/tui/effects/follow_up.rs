//! A message for some of another's recipients: those whom it has not been tried for,
//! or those who have been accepted.

use futures_util::stream::{self, StreamExt};

use super::Way;
use crate::client::{Client, ClientError, Result};
use crate::domain::channel::Channel;
use crate::domain::ids::{MessageId, TargetId, TopicId};
use crate::tui::message::{Progress, Whom};
use crate::wire::delivery::DeliveryRequest;
use crate::wire::message::{Envelope, Message, WriteEmail, WritePush, WriteSms};
use crate::wire::topic::{CreateSubscriber, CreateTopic};

/// Recipients that are asked for at once.
const PAGE: usize = 1000;
/// Subscriptions that are under way at once.
const AT_ONCE: usize = 32;
/// The id that asks the API to make one.
const UNIQUE: &str = "unique()";

/// Where the next page begins.
enum From {
    Beginning,
    Untried(String),
    Row(u64),
}

/// Makes a topic of them and a draft for it. Those who were not tried are then taken
/// from the paused message: it ends.
pub(super) async fn run(
    client: &Client,
    id: &MessageId,
    whom: Whom,
    headline: &str,
    count: u64,
    way: &Way,
) -> Result<Message> {
    let name = match whom {
        Whom::Untried => format!("Not tried: {headline}"),
        Whom::Reached => format!("Got: {headline}"),
    };
    let name: String = name.chars().take(128).collect();
    let topic = client.create_topic(&CreateTopic { topic_id: UNIQUE.into(), name, subscribe: None }).await?;
    let made = fill(client, id, whom, &topic.id, count, way).await;
    let done = match made {
        Ok(0) => Err(ClientError::Request("nobody fits any more: nothing was made".into())),
        Ok(_) => draft(client, id, &topic.id).await,
        Err(error) => Err(error),
    };
    let done = match done {
        Ok(draft) if whom == Whom::Untried => client.cancel_message(id).await.map(|_| draft),
        other => other,
    };
    if done.is_err() {
        // Half an audience is none.
        client.delete_topic(&topic.id).await?;
    }
    done
}

async fn draft(client: &Client, id: &MessageId, topic: &TopicId) -> Result<Message> {
    let copy = client.duplicate_message(id).await?;
    let envelope = Envelope {
        topics: Some(vec![topic.to_string()]),
        users: Some(Vec::new()),
        targets: Some(Vec::new()),
        draft: Some(true),
        ..Envelope::default()
    };
    match copy.provider_type {
        Channel::Email => {
            client.update_email(&copy.id, &WriteEmail { envelope, ..WriteEmail::default() }).await
        }
        Channel::Sms => client.update_sms(&copy.id, &WriteSms { envelope, ..WriteSms::default() }).await,
        Channel::Push => client.update_push(&copy.id, &WritePush { envelope, ..WritePush::default() }).await,
    }
}

/// Subscribes them; says how many they are.
async fn fill(
    client: &Client,
    id: &MessageId,
    whom: Whom,
    topic: &TopicId,
    count: u64,
    way: &Way,
) -> Result<u64> {
    let mut from = Some(From::Beginning);
    let mut done = 0;
    while let Some(at) = from.take() {
        let (targets, next) = page(client, id, whom, at).await?;
        let mut subscribing =
            stream::iter(targets).map(|target| subscribe(client, topic, target)).buffer_unordered(AT_ONCE);
        while let Some(result) = subscribing.next().await {
            done += u64::from(result?);
            if way.stop.is_cancelled() {
                return Err(ClientError::Request("stopped: nothing was made".into()));
            }
        }
        from = next;
        let text = "a topic of them, then a draft".to_owned();
        way.tell(Progress { verb: "taken over", done, all: Some(count), text }).await;
    }
    Ok(done)
}

async fn page(
    client: &Client,
    id: &MessageId,
    whom: Whom,
    from: From,
) -> Result<(Vec<TargetId>, Option<From>)> {
    if whom == Whom::Untried {
        let after = match &from {
            From::Untried(after) => Some(after.as_str()),
            _ => None,
        };
        let page = client.untried(id, after, PAGE).await?;
        if !page.planned {
            let text = "it is still being planned: let it go on for a moment, pause it, and try again";
            return Err(ClientError::Request(text.into()));
        }
        let targets = page.untried.into_iter().map(|one| one.target_id).collect();
        return Ok((targets, page.next.map(From::Untried)));
    }
    let request = DeliveryRequest {
        message: Some(id.clone()),
        filter: Some("outcome=accepted".to_owned()),
        after: if let From::Row(after) = from { Some(after) } else { None },
        limit: Some(PAGE),
        ..DeliveryRequest::default()
    };
    let page = client.deliveries(&request).await?;
    let targets = page.deliveries.into_iter().filter_map(|row| row.target_id).collect();
    Ok((targets, page.next.map(From::Row)))
}

/// Says whether the target is one more of the topic.
async fn subscribe(client: &Client, topic: &TopicId, target: TargetId) -> Result<bool> {
    let new = CreateSubscriber { subscriber_id: UNIQUE.into(), target_id: target.to_string() };
    match client.subscribe(topic, &new).await {
        Ok(_) => Ok(true),
        // It is there already, or gone since.
        Err(error) if matches!(error.status(), Some(404 | 409)) => Ok(false),
        Err(error) => Err(error),
    }
}
