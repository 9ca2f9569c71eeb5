//! Endpoints that are told when a message ends; alerts.

use super::answer::{Answered, created, nothing, ok};
use super::call::Call;
use super::providers::check_url;
use crate::domain::validate;
use crate::engine::usecases::Outcome;
use crate::wire::webhook::WriteWebhook;

/// Reads a change; over the network it may name no private address.
fn write(call: &Call) -> Outcome<WriteWebhook> {
    let mut write: WriteWebhook = call.json()?;
    write.revision = call.expected(write.revision)?;
    if let Some(url) = &write.url {
        check_url(call, "url", url)?;
    }
    Ok(write)
}

pub(crate) async fn list(call: Call) -> Answered {
    ok(&call.engine().webhooks().await?)
}

pub(crate) async fn create(call: Call) -> Answered {
    let write = write(&call)?;
    created(&call.engine().create_webhook(call.actor(), write, call.caller.remote).await?)
}

pub(crate) async fn get(call: Call) -> Answered {
    ok(&call.engine().webhook(&call.id("webhookId")?).await?)
}

pub(crate) async fn update(call: Call) -> Answered {
    let id = call.id("webhookId")?;
    let write = write(&call)?;
    ok(&call.engine().update_webhook(call.actor(), &id, write, call.caller.remote).await?)
}

pub(crate) async fn delete(call: Call) -> Answered {
    call.engine().delete_webhook(call.actor(), &call.id("webhookId")?).await?;
    Ok(nothing())
}

pub(crate) async fn deliveries(call: Call) -> Answered {
    ok(&call.engine().webhook_deliveries(&call.id("webhookId")?).await?)
}

pub(crate) async fn redeliver(call: Call) -> Answered {
    let id = call.id("webhookId")?;
    let delivery = call.segment("deliveryId");
    validate::id("deliveryId", delivery)?;
    ok(&call.engine().redeliver(call.actor(), &id, delivery).await?)
}

pub(crate) async fn test(call: Call) -> Answered {
    created(&call.engine().test_webhook(&call.id("webhookId")?).await?)
}

pub(crate) async fn test_alerts(call: Call) -> Answered {
    ok(&call.engine().test_alerts(call.actor()).await?)
}

pub(crate) async fn alerts(call: Call) -> Answered {
    ok(&call.engine().alerts().await?)
}
