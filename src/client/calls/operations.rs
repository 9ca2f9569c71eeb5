//! Operations over deliveries.

use super::{pairs, pairs_of, segment, with_pairs};
use crate::client::{Body, Client, Result, Steps};
use crate::domain::ids::TargetId;
use crate::wire::operation::{ConfirmOperation, CreateOperation, Operation, OperationList};
use crate::wire::overview::ErrorGroups;
use crate::wire::topic::{SubscribeTargets, SubscribedTargets};
use crate::wire::transfer::{ImportProgress, ImportRequest};
use http::{HeaderValue, Method};
use serde_json::json;

const OPERATIONS: &str = "/v1/herald/operations";

impl Client {
    /// Looks for whom an operation would be. Nothing is done before
    /// [`Client::confirm_operation`].
    pub async fn preview_operation(&self, asked: &CreateOperation) -> Result<Operation> {
        self.send(Method::POST, OPERATIONS, asked).await
    }

    /// Lets a previewed operation begin. `count` is the number that was shown.
    pub async fn confirm_operation(&self, id: impl AsRef<str> + Send, count: u64) -> Result<Operation> {
        let path = format!("{OPERATIONS}/{}/confirm", segment(id));
        self.send(Method::POST, &path, &ConfirmOperation { count }).await
    }

    /// Ends an operation; what it has done stays done.
    pub async fn cancel_operation(&self, id: impl AsRef<str> + Send) -> Result<Operation> {
        self.send(Method::POST, &format!("{OPERATIONS}/{}/cancel", segment(id)), &json!({})).await
    }

    /// An operation, and how far it has come.
    pub async fn operation(&self, id: impl AsRef<str> + Send) -> Result<Operation> {
        self.get(&format!("{OPERATIONS}/{}", segment(id))).await
    }

    /// Failures of the last `hours` (up to 720), grouped by cause; of one message or
    /// one provider, if they are named.
    pub async fn errors(
        &self,
        message: Option<&str>,
        provider: Option<&str>,
        hours: u64,
    ) -> Result<ErrorGroups> {
        let named = [("message", message), ("provider", provider)];
        let named = named.into_iter().filter_map(|(name, id)| Some((name.to_owned(), id?.to_owned())));
        let pairs: Vec<_> = named.chain([("hours".to_owned(), hours.to_string())]).collect();
        self.get(&with_pairs("/v1/herald/errors", &pairs)).await
    }

    /// Subscribes people to a topic from CSV, NDJSON or a list of addresses. The answer
    /// is a stream of steps, the last one `done`.
    pub async fn subscribe_many(
        &self,
        topic: impl AsRef<str> + Send,
        request: &ImportRequest,
        file: Body,
    ) -> Result<Steps<ImportProgress>> {
        let path = format!("/v1/herald/topics/{}/subscribers", segment(topic));
        let mut request = self.request(Method::POST, &with_pairs(&path, &pairs(request)), file)?;
        let kind = HeaderValue::from_static("application/octet-stream");
        request.headers_mut().insert(http::header::CONTENT_TYPE, kind);
        Ok(Steps::new(self.open(request).await?.into_body()))
    }

    /// Subscribes targets (up to 1000) to a topic in one step.
    pub async fn subscribe_targets(
        &self,
        topic: impl AsRef<str> + Send,
        targets: Vec<TargetId>,
    ) -> Result<SubscribedTargets> {
        let path = format!("/v1/herald/topics/{}/targets", segment(topic));
        self.send(Method::POST, &path, &SubscribeTargets { targets, ..SubscribeTargets::default() }).await
    }

    /// Subscribes whoever these entries name (up to 1000): addresses, numbers, push tokens, ids of
    /// targets and of users.
    pub async fn subscribe_anyone(
        &self,
        topic: impl AsRef<str> + Send,
        who: Vec<String>,
    ) -> Result<SubscribedTargets> {
        let path = format!("/v1/herald/topics/{}/targets", segment(topic));
        self.send(Method::POST, &path, &SubscribeTargets { who, ..SubscribeTargets::default() }).await
    }

    /// Operations, newest first, at most `limit` (up to 100), after one of them.
    pub async fn operations(&self, after: Option<&str>, limit: usize) -> Result<OperationList> {
        self.get(&with_pairs(OPERATIONS, &pairs_of(after, limit))).await
    }
}
