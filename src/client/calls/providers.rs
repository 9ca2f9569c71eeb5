//! The dialect: providers.

use super::{segment, with_pairs};
use crate::client::{Client, Result};
use crate::domain::ids::Revision;
use crate::wire::list::ProviderList;
use crate::wire::provider::{Provider, ProviderHealth, ProviderTest, TestProvider, WriteProvider};
use crate::wire::query::ListRequest;
use http::Method;
use serde_json::json;

const PROVIDERS: &str = "/v1/messaging/providers";

impl Client {
    /// A page of providers.
    pub async fn providers(&self, list: &ListRequest) -> Result<ProviderList> {
        self.get(&with_pairs(PROVIDERS, &list.to_pairs())).await
    }

    /// A provider.
    pub async fn provider(&self, id: impl AsRef<str> + Send) -> Result<Provider> {
        self.get(&format!("{PROVIDERS}/{}", segment(id))).await
    }

    /// Creates a provider of a kind, such as `smtp`.
    pub async fn create_provider(&self, kind: &str, provider: &WriteProvider) -> Result<Provider> {
        self.send(Method::POST, &format!("{PROVIDERS}/{}", segment(kind)), provider).await
    }

    /// Changes a provider.
    pub async fn update_provider(
        &self,
        kind: &str,
        id: impl AsRef<str> + Send,
        provider: &WriteProvider,
    ) -> Result<Provider> {
        self.send(Method::PATCH, &format!("{PROVIDERS}/{}/{}", segment(kind), segment(id)), provider).await
    }

    /// Deletes a provider.
    pub async fn delete_provider(&self, id: impl AsRef<str> + Send) -> Result<()> {
        self.delete_provider_as(id, None).await
    }

    /// The same, refused as stale unless it still has this revision.
    pub async fn delete_provider_as(&self, id: impl AsRef<str> + Send, seen: Option<Revision>) -> Result<()> {
        self.delete(&format!("{PROVIDERS}/{}", segment(id)), seen).await
    }

    /// Herald: how providers do.
    pub async fn provider_health(&self) -> Result<Vec<ProviderHealth>> {
        self.get("/v1/herald/providers").await
    }

    /// Herald: stops a provider.
    pub async fn pause_provider(&self, id: impl AsRef<str> + Send) -> Result<Provider> {
        self.send(Method::POST, &format!("/v1/herald/providers/{}/pause", segment(id)), &json!({})).await
    }

    /// Herald: lets a provider go on that was paused or has refused us.
    pub async fn resume_provider(&self, id: impl AsRef<str> + Send) -> Result<Provider> {
        self.send(Method::POST, &format!("/v1/herald/providers/{}/resume", segment(id)), &json!({})).await
    }

    /// Herald: talks to a provider without sending to anybody.
    pub async fn test_provider(&self, id: impl AsRef<str> + Send) -> Result<ProviderTest> {
        self.send(Method::POST, &format!("/v1/herald/providers/{}/test", segment(id)), &json!({})).await
    }

    /// Herald: the same, and one real test message to an address if the service takes us.
    pub async fn send_test(&self, id: impl AsRef<str> + Send, to: String) -> Result<ProviderTest> {
        let asked = TestProvider { to: Some(to) };
        self.send(Method::POST, &format!("/v1/herald/providers/{}/test", segment(id)), &asked).await
    }
}
