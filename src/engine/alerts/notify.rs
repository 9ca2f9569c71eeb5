//! Telling the webhook and the command of the settings.

use super::super::core::Core;
use crate::providers::outgoing::Post;
use crate::wire::alert::{Alert, AlertEvent, AlertNotice, AlertTest, Told};
use bytes::Bytes;

/// Says that an alert is new; false: somebody could not be told, and it is to be said again.
pub(super) async fn opened(core: &Core, alert: &Alert) -> bool {
    tell(core, AlertEvent::Opened, alert).await
}

/// Says that an alert is over.
pub(super) async fn recovered(core: &Core, alert: &Alert) -> bool {
    tell(core, AlertEvent::Recovered, alert).await
}

/// Tells both that this is a test.
pub(super) async fn test(core: &Core, alert: &Alert) -> AlertTest {
    let Some(body) = body(core, AlertEvent::Test, alert) else { return AlertTest::default() };
    let told = |problem| Told { problem };
    AlertTest {
        webhook: webhook(core, body.clone()).await.map(told),
        command: command(core, body).await.map(told),
    }
}

/// What is told.
fn body(core: &Core, event: AlertEvent, alert: &Alert) -> Option<Bytes> {
    let config = &core.config.alerts;
    let installation =
        if config.installation.is_empty() { core.install.clone() } else { config.installation.clone() };
    let notice = AlertNotice { event, at: core.clock.now(), installation, alert: alert.clone() };
    serde_json::to_vec(&notice).map(Bytes::from).ok()
}

/// Tells the webhook; what went wrong, if anything did. `None`: there is none.
async fn webhook(core: &Core, body: Bytes) -> Option<Option<String>> {
    let url = core.config.alerts.webhook.clone()?;
    // The URL is a setting of the machine's owner.
    let post = Post { url, headers: Vec::new(), body, allow_private: true };
    Some(match core.config.outgoing.post(post).await {
        Ok(answer) if (200..300).contains(&answer.status) => None,
        Ok(answer) => Some(format!("it answered {}", answer.status)),
        Err(error) => Some(error),
    })
}

/// Tells the command, in the same way.
async fn command(core: &Core, body: Bytes) -> Option<Option<String>> {
    let command = &core.config.alerts.command;
    if command.is_empty() {
        return None;
    }
    Some(core.config.outgoing.run(command, body).await.err())
}

async fn tell(core: &Core, event: AlertEvent, alert: &Alert) -> bool {
    let Some(body) = body(core, event, alert) else { return true };
    let mut well = true;
    if let Some(Some(problem)) = webhook(core, body.clone()).await {
        tracing::warn!(alert = %alert.id, %problem, "the webhook of alerts was not told");
        well = false;
    }
    if let Some(Some(problem)) = command(core, body).await {
        tracing::warn!(alert = %alert.id, %problem, "the command of alerts was not told");
        well = false;
    }
    well
}
