//! Endpoints that are told when a message ends; alerts.

use super::segment;
use crate::client::{Client, Result};
use crate::wire::alert::{AlertList, AlertTest};
use crate::wire::webhook::{Webhook, WebhookDelivery, WebhookDeliveryList, WebhookList, WriteWebhook};
use http::Method;
use serde_json::json;

const WEBHOOKS: &str = "/v1/herald/webhooks";

impl Client {
    /// All endpoints.
    pub async fn webhooks(&self) -> Result<WebhookList> {
        self.get(WEBHOOKS).await
    }

    /// An endpoint, its secret masked.
    pub async fn webhook(&self, id: impl AsRef<str> + Send) -> Result<Webhook> {
        self.get(&format!("{WEBHOOKS}/{}", segment(id))).await
    }

    /// Creates an endpoint; the answer is the only one with its secret.
    pub async fn create_webhook(&self, webhook: &WriteWebhook) -> Result<Webhook> {
        self.send(Method::POST, WEBHOOKS, webhook).await
    }

    /// Changes an endpoint.
    pub async fn update_webhook(
        &self,
        id: impl AsRef<str> + Send,
        webhook: &WriteWebhook,
    ) -> Result<Webhook> {
        self.send(Method::PATCH, &format!("{WEBHOOKS}/{}", segment(id)), webhook).await
    }

    /// Deletes an endpoint.
    pub async fn delete_webhook(&self, id: impl AsRef<str> + Send) -> Result<()> {
        self.send_only(Method::DELETE, &format!("{WEBHOOKS}/{}", segment(id)), &json!({})).await
    }

    /// The last deliveries to an endpoint, newest first.
    pub async fn webhook_deliveries(&self, id: impl AsRef<str> + Send) -> Result<WebhookDeliveryList> {
        self.get(&format!("{WEBHOOKS}/{}/deliveries", segment(id))).await
    }

    /// Tells an endpoint something again.
    pub async fn redeliver(
        &self,
        id: impl AsRef<str> + Send,
        delivery: impl AsRef<str> + Send,
    ) -> Result<WebhookDelivery> {
        let path = format!("{WEBHOOKS}/{}/deliveries/{}/redeliver", segment(id), segment(delivery));
        self.send(Method::POST, &path, &json!({})).await
    }

    /// Tells an endpoint that this is a test; what came of it is among its deliveries.
    pub async fn test_webhook(&self, id: impl AsRef<str> + Send) -> Result<WebhookDelivery> {
        self.send(Method::POST, &format!("{WEBHOOKS}/{}/test", segment(id)), &json!({})).await
    }

    /// Tells whoever is told of alerts that this is a test.
    pub async fn test_alerts(&self) -> Result<AlertTest> {
        self.send(Method::POST, "/v1/herald/alerts/test", &json!({})).await
    }

    /// Open alerts, the oldest first.
    pub async fn alerts(&self) -> Result<AlertList> {
        self.get("/v1/herald/alerts").await
    }
}
