//! A message for some of another's recipients: those whom it has not been tried for,
//! or those who have been accepted.

use super::{Client, ClientError, Result};
use crate::domain::channel::Channel;
use crate::domain::ids::{MessageId, TargetId, TopicId};
use crate::wire::delivery::DeliveryRequest;
use crate::wire::message::{Envelope, Message, State, WriteEmail, WritePush, WriteSms};
use crate::wire::topic::CreateTopic;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Recipients that are asked for and subscribed at once: as many as the API takes.
const PAGE: usize = 1000;
/// The longest name of a topic, in characters.
const NAME: usize = 128;

/// For whom of a message another is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom {
    /// Those who have not been tried: the paused message ends for them.
    Untried,
    /// Those who have been accepted.
    Reached,
}

/// Where the next page begins.
enum From {
    Beginning,
    Untried(String),
    Row(u64),
}

impl Client {
    /// Makes a topic of them and a draft for it. Those who were not tried are then taken
    /// from the paused message: it ends. `told` is how many are in the topic so far; where
    /// `stop` is cancelled before the draft is made, nothing of it stays.
    ///
    /// # Errors
    /// If nobody fits, if it is still being planned, if it was stopped, or as the API refuses.
    pub async fn follow_up(
        &self,
        id: &MessageId,
        whom: Whom,
        told: &watch::Sender<u64>,
        stop: &CancellationToken,
    ) -> Result<Message> {
        let message = self.message_detail(id).await?.message;
        if whom == Whom::Untried && message.state != State::Paused {
            // Whoever is tried meanwhile would get both.
            return Err(ClientError::Request("it is not paused: pause it first, then correct it".into()));
        }
        let headline = message.headline().to_owned();
        let name = match whom {
            Whom::Untried => format!("Not tried: {headline}"),
            Whom::Reached => format!("Got: {headline}"),
        };
        let name: String = name.chars().filter(|c| !c.is_control()).take(NAME).collect();
        let topic =
            self.create_topic(&CreateTopic { topic_id: "unique()".into(), name, subscribe: None }).await?;
        let made = match self.fill(id, whom, &topic.id, told, stop).await {
            Ok(0) => Err(ClientError::Request("nobody fits any more: nothing was made".into())),
            Ok(_) => self.draft_for(id, whom, &topic.id).await,
            Err(error) => Err(error),
        };
        if made.is_err() {
            // Half an audience is none.
            self.delete_topic(&topic.id).await?;
        }
        made
    }

    async fn draft_for(&self, id: &MessageId, whom: Whom, topic: &TopicId) -> Result<Message> {
        let copy = self.duplicate_message(id).await?;
        let addressed = async {
            let draft = self.address_to(&copy, topic).await?;
            if whom == Whom::Untried {
                self.cancel_message(id).await?;
            }
            Ok(draft)
        };
        let done = addressed.await;
        if done.is_err() {
            self.delete_message(&copy.id).await?;
        }
        done
    }

    async fn address_to(&self, copy: &Message, topic: &TopicId) -> Result<Message> {
        let envelope = Envelope {
            topics: Some(vec![topic.to_string()]),
            users: Some(Vec::new()),
            targets: Some(Vec::new()),
            draft: Some(true),
            ..Envelope::default()
        };
        match copy.provider_type {
            Channel::Email => {
                self.update_email(&copy.id, &WriteEmail { envelope, ..WriteEmail::default() }).await
            }
            Channel::Sms => self.update_sms(&copy.id, &WriteSms { envelope, ..WriteSms::default() }).await,
            Channel::Push => {
                self.update_push(&copy.id, &WritePush { envelope, ..WritePush::default() }).await
            }
        }
    }

    /// Subscribes them, a page at a time; says how many they are.
    async fn fill(
        &self,
        id: &MessageId,
        whom: Whom,
        topic: &TopicId,
        told: &watch::Sender<u64>,
        stop: &CancellationToken,
    ) -> Result<u64> {
        let mut from = Some(From::Beginning);
        let mut done = 0;
        while let Some(at) = from.take() {
            if stop.is_cancelled() {
                return Err(ClientError::Request("stopped: nothing was made".into()));
            }
            let (targets, next) = self.some_of(id, whom, at).await?;
            if !targets.is_empty() {
                done += self.subscribe_targets(topic, targets).await?.subscribed;
            }
            told.send_replace(done);
            from = next;
        }
        Ok(done)
    }

    async fn some_of(&self, id: &MessageId, whom: Whom, from: From) -> Result<(Vec<TargetId>, Option<From>)> {
        if whom == Whom::Untried {
            let after = match &from {
                From::Untried(after) => Some(after.as_str()),
                _ => None,
            };
            let page = self.untried(id, after, PAGE).await?;
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
        let page = self.deliveries(&request).await?;
        let targets = page.deliveries.into_iter().filter_map(|row| row.target_id).collect();
        Ok((targets, page.next.map(From::Row)))
    }
}
