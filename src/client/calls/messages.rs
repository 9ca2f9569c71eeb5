//! The dialect: messages.

use super::{segment, with_pairs};
use crate::client::{Client, Result};
use crate::domain::ids::Revision;
use crate::wire::list::{MessageList, TargetList};
use crate::wire::message::{Message, WriteEmail, WritePush, WriteSms};
use crate::wire::query::ListRequest;
use http::Method;

const MESSAGES: &str = "/v1/messaging/messages";

impl Client {
    /// A page of messages.
    pub async fn messages(&self, list: &ListRequest) -> Result<MessageList> {
        self.get(&with_pairs(MESSAGES, &list.to_pairs())).await
    }

    /// A message.
    pub async fn message(&self, id: impl AsRef<str> + Send) -> Result<Message> {
        self.get(&format!("{MESSAGES}/{}", segment(id))).await
    }

    /// Creates a mail.
    pub async fn create_email(&self, mail: &WriteEmail) -> Result<Message> {
        self.send(Method::POST, &format!("{MESSAGES}/email"), mail).await
    }

    /// Creates a text message.
    pub async fn create_sms(&self, sms: &WriteSms) -> Result<Message> {
        self.send(Method::POST, &format!("{MESSAGES}/sms"), sms).await
    }

    /// Creates a notification.
    pub async fn create_push(&self, push: &WritePush) -> Result<Message> {
        self.send(Method::POST, &format!("{MESSAGES}/push"), push).await
    }

    /// Changes a mail.
    pub async fn update_email(&self, id: impl AsRef<str> + Send, mail: &WriteEmail) -> Result<Message> {
        self.send(Method::PATCH, &format!("{MESSAGES}/email/{}", segment(id)), mail).await
    }

    /// Changes a text message.
    pub async fn update_sms(&self, id: impl AsRef<str> + Send, sms: &WriteSms) -> Result<Message> {
        self.send(Method::PATCH, &format!("{MESSAGES}/sms/{}", segment(id)), sms).await
    }

    /// Changes a notification.
    pub async fn update_push(&self, id: impl AsRef<str> + Send, push: &WritePush) -> Result<Message> {
        self.send(Method::PATCH, &format!("{MESSAGES}/push/{}", segment(id)), push).await
    }

    /// Deletes a message that is not being sent.
    pub async fn delete_message(&self, id: impl AsRef<str> + Send) -> Result<()> {
        self.delete_message_as(id, None).await
    }

    /// The same, refused as stale unless it still has this revision.
    pub async fn delete_message_as(&self, id: impl AsRef<str> + Send, seen: Option<Revision>) -> Result<()> {
        self.delete(&format!("{MESSAGES}/{}", segment(id)), seen).await
    }

    /// The targets that a message names directly.
    pub async fn message_targets(
        &self,
        id: impl AsRef<str> + Send,
        list: &ListRequest,
    ) -> Result<TargetList> {
        self.get(&with_pairs(&format!("{MESSAGES}/{}/targets", segment(id)), &list.to_pairs())).await
    }
}
