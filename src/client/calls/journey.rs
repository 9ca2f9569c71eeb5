//! Herald's own: messages on their way.

use super::{pairs, pairs_of, segment, with_pairs};
use crate::client::{Client, Result};
use crate::domain::ids::Revision;
use crate::wire::delivery::{
    Affected, Decide, DeliveryPage, DeliveryRequest, WaitingPage, WaitingRequest, WhyAnswer,
};
use crate::wire::message::{ActOn, Message, MessageDetail, Retry, UntriedPage};
use crate::wire::preview::{Preview, RetryPreview};
use http::Method;
use serde::de::DeserializeOwned;

impl Client {
    /// A message with its lanes.
    pub async fn message_detail(&self, id: impl AsRef<str> + Send) -> Result<MessageDetail> {
        self.get(&format!("/v1/herald/messages/{}", segment(id))).await
    }

    async fn act<T: DeserializeOwned>(
        &self,
        id: impl AsRef<str> + Send,
        verb: &str,
        revision: Option<Revision>,
    ) -> Result<T> {
        let path = format!("/v1/herald/messages/{}/{verb}", segment(id));
        self.send(Method::POST, &path, &ActOn { revision }).await
    }

    /// Stops a message that is being sent.
    pub async fn pause_message(&self, id: impl AsRef<str> + Send) -> Result<Message> {
        self.act(id, "pause", None).await
    }

    /// Lets a paused message go on.
    pub async fn resume_message(&self, id: impl AsRef<str> + Send) -> Result<Message> {
        self.act(id, "resume", None).await
    }

    /// Ends a message; who was not tried is not sent to.
    pub async fn cancel_message(&self, id: impl AsRef<str> + Send) -> Result<Message> {
        self.act(id, "cancel", None).await
    }

    /// Holds a scheduled message, to edit it.
    pub async fn hold_message(
        &self,
        id: impl AsRef<str> + Send,
        revision: Option<Revision>,
    ) -> Result<Message> {
        self.act(id, "hold", revision).await
    }

    /// Lets a held message go.
    pub async fn release_message(
        &self,
        id: impl AsRef<str> + Send,
        revision: Option<Revision>,
    ) -> Result<Message> {
        self.act(id, "release", revision).await
    }

    /// Takes a scheduled message back into a draft, while nothing of it has been claimed.
    pub async fn undo_message(&self, id: impl AsRef<str> + Send) -> Result<Message> {
        self.act(id, "undo", None).await
    }

    /// A new draft with the same content and audience.
    pub async fn duplicate_message(&self, id: impl AsRef<str> + Send) -> Result<Message> {
        self.act(id, "duplicate", None).await
    }

    /// Opens a failed message for those who did not get it, or says who that would be.
    pub async fn retry_message(&self, id: impl AsRef<str> + Send, retry: &Retry) -> Result<RetryPreview> {
        self.send(Method::POST, &format!("/v1/herald/messages/{}/retry", segment(id)), retry).await
    }

    /// A page of those whom a message has not been tried for.
    pub async fn untried(
        &self,
        id: impl AsRef<str> + Send,
        after: Option<&str>,
        limit: usize,
    ) -> Result<UntriedPage> {
        let path = format!("/v1/herald/messages/{}/untried", segment(id));
        self.get(&with_pairs(&path, &pairs_of(after, limit))).await
    }

    /// Who would get a message now.
    pub async fn preview_message(&self, id: impl AsRef<str> + Send) -> Result<Preview> {
        self.get(&format!("/v1/herald/messages/{}/preview", segment(id))).await
    }

    /// Why something stands where it stands: a message, a target, a provider by id.
    pub async fn why(&self, id: impl AsRef<str> + Send) -> Result<WhyAnswer> {
        self.get(&format!("/v1/herald/why/{}", segment(id))).await
    }

    /// A page of the delivery log.
    pub async fn deliveries(&self, request: &DeliveryRequest) -> Result<DeliveryPage> {
        self.get(&with_pairs("/v1/herald/deliveries", &pairs(request))).await
    }

    /// A page of those who wait.
    pub async fn waiting(&self, request: &WaitingRequest) -> Result<WaitingPage> {
        self.get(&with_pairs("/v1/herald/waiting", &pairs(request))).await
    }

    /// Decides for those who wait.
    pub async fn decide(&self, decide: &Decide) -> Result<Affected> {
        self.send(Method::POST, "/v1/herald/waiting/decide", decide).await
    }
}
