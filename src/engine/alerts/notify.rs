//! Telling the webhook and the command of the settings.

use super::super::core::Core;
use crate::providers::outgoing::Post;
use crate::wire::alert::{Alert, AlertEvent, AlertNotice};
use bytes::Bytes;

/// Says that an alert is new; false: somebody could not be told, and it is to be said again.
pub(super) async fn opened(core: &Core, alert: &Alert) -> bool {
    tell(core, AlertEvent::Opened, alert).await
}

/// Says that an alert is over.
pub(super) async fn recovered(core: &Core, alert: &Alert) -> bool {
    tell(core, AlertEvent::Recovered, alert).await
}

async fn tell(core: &Core, event: AlertEvent, alert: &Alert) -> bool {
    let config = &core.config.alerts;
    let installation =
        if config.installation.is_empty() { core.install.clone() } else { config.installation.clone() };
    let notice = AlertNotice { event, at: core.clock.now(), installation, alert: alert.clone() };
    let Ok(body) = serde_json::to_vec(&notice).map(Bytes::from) else { return true };
    let mut well = true;
    if let Some(url) = &config.webhook {
        // The URL is a setting of the machine's owner.
        let post = Post { url: url.clone(), headers: Vec::new(), body: body.clone(), allow_private: true };
        let answer = core.config.outgoing.post(post).await;
        let problem = match answer {
            Ok(answer) if (200..300).contains(&answer.status) => None,
            Ok(answer) => Some(format!("it answered {}", answer.status)),
            Err(error) => Some(error),
        };
        if let Some(problem) = problem {
            tracing::warn!(alert = %alert.id, %problem, "the webhook of alerts was not told");
            well = false;
        }
    }
    if !config.command.is_empty()
        && let Err(problem) = core.config.outgoing.run(&config.command, body).await
    {
        tracing::warn!(alert = %alert.id, %problem, "the command of alerts was not told");
        well = false;
    }
    well
}
