//! How recipients are shared out among providers.

use super::segment;
use crate::client::{Client, Result};
use crate::domain::routing::Routing;
use crate::wire::provider::Provider;
use crate::wire::routing::{WriteFailover, WriteRouting};
use http::Method;
use serde_json::json;

const ROUTING: &str = "/v1/herald/routing";

impl Client {
    /// The order of providers, rules for countries, who steps in for whom.
    pub async fn routing(&self) -> Result<Routing> {
        self.get(ROUTING).await
    }

    /// Changes the order of providers, or the rules for countries.
    pub async fn update_routing(&self, write: &WriteRouting) -> Result<Routing> {
        self.send(Method::PATCH, ROUTING, write).await
    }

    /// Puts the key of a provider back that was replaced in the last 24 hours.
    pub async fn roll_back_provider(&self, id: impl AsRef<str> + Send) -> Result<Provider> {
        self.send(Method::POST, &format!("/v1/herald/providers/{}/rollback", segment(id)), &json!({})).await
    }

    /// Says what a provider hands to the next one while it cannot send.
    pub async fn update_failover(
        &self,
        id: impl AsRef<str> + Send,
        write: &WriteFailover,
    ) -> Result<Routing> {
        self.send(Method::POST, &format!("/v1/herald/providers/{}/failover", segment(id)), write).await
    }
}
