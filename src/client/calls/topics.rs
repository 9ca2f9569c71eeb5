//! The dialect: topics and subscribers.

use super::{segment, with_pairs};
use crate::client::{Client, Result};
use crate::domain::ids::Revision;
use crate::wire::list::{SubscriberList, TopicList};
use crate::wire::query::ListRequest;
use crate::wire::topic::{CreateSubscriber, CreateTopic, Subscriber, Topic, UpdateTopic};
use http::Method;
use serde_json::json;

const TOPICS: &str = "/v1/messaging/topics";

impl Client {
    /// A page of topics.
    pub async fn topics(&self, list: &ListRequest) -> Result<TopicList> {
        self.get(&with_pairs(TOPICS, &list.to_pairs())).await
    }

    /// A topic.
    pub async fn topic(&self, id: impl AsRef<str> + Send) -> Result<Topic> {
        self.get(&format!("{TOPICS}/{}", segment(id))).await
    }

    /// Creates a topic.
    pub async fn create_topic(&self, topic: &CreateTopic) -> Result<Topic> {
        self.send(Method::POST, TOPICS, topic).await
    }

    /// Changes a topic.
    pub async fn update_topic(&self, id: impl AsRef<str> + Send, topic: &UpdateTopic) -> Result<Topic> {
        self.send(Method::PATCH, &format!("{TOPICS}/{}", segment(id)), topic).await
    }

    /// Deletes a topic with its subscriptions.
    pub async fn delete_topic(&self, id: impl AsRef<str> + Send) -> Result<()> {
        self.delete_topic_as(id, None).await
    }

    /// The same, refused as stale unless it still has this revision.
    pub async fn delete_topic_as(&self, id: impl AsRef<str> + Send, seen: Option<Revision>) -> Result<()> {
        self.delete(&format!("{TOPICS}/{}", segment(id)), seen).await
    }

    /// A page of a topic's subscribers.
    pub async fn subscribers(
        &self,
        topic: impl AsRef<str> + Send,
        list: &ListRequest,
    ) -> Result<SubscriberList> {
        self.get(&with_pairs(&format!("{TOPICS}/{}/subscribers", segment(topic)), &list.to_pairs())).await
    }

    /// Subscribes a target to a topic.
    pub async fn subscribe(
        &self,
        topic: impl AsRef<str> + Send,
        new: &CreateSubscriber,
    ) -> Result<Subscriber> {
        self.send(Method::POST, &format!("{TOPICS}/{}/subscribers", segment(topic)), new).await
    }

    /// A subscriber of a topic.
    pub async fn subscriber(
        &self,
        topic: impl AsRef<str> + Send,
        id: impl AsRef<str> + Send,
    ) -> Result<Subscriber> {
        self.get(&format!("{TOPICS}/{}/subscribers/{}", segment(topic), segment(id))).await
    }

    /// Ends a subscription.
    pub async fn unsubscribe(&self, topic: impl AsRef<str> + Send, id: impl AsRef<str> + Send) -> Result<()> {
        let path = format!("{TOPICS}/{}/subscribers/{}", segment(topic), segment(id));
        self.send_only(Method::DELETE, &path, &json!({})).await
    }
}
