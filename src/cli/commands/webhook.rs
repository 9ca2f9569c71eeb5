//! `herald webhook …`

use super::{Desk, text_of};
use crate::cli::args::webhook::{WebhookAction, WebhookValues};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::Table;
use crate::wire::webhook::{Webhook, WebhookDelivery, WebhookEvent, WebhookState, WriteWebhook};
use std::path::Path;

/// Does one of the actions.
pub async fn run(desk: &Desk, action: WebhookAction) -> Outcome {
    let client = &desk.client;
    match action {
        WebhookAction::List => {
            let list = client.webhooks().await?;
            desk.out.either(&list, |list| {
                if list.webhooks.is_empty() {
                    return "no endpoints: `herald webhook create --url URL`".into();
                }
                let mut table = Table::new(&["Id", "Name", "State", "Events", "URL"]);
                for webhook in &list.webhooks {
                    let events: Vec<_> = webhook.events.iter().map(|event| event.as_str()).collect();
                    table.row([
                        webhook.id.as_str(),
                        &webhook.name,
                        &state(desk, webhook),
                        &events.join(" "),
                        &webhook.url,
                    ]);
                }
                table.render()
            })?;
        }
        WebhookAction::Show { id } => show(desk, &client.webhook(&id).await?)?,
        WebhookAction::Create { id, values } => {
            let write =
                WriteWebhook { webhook_id: Some(id.unwrap_or_else(|| "unique()".into())), ..read(values)? };
            let made = client.create_webhook(&write).await?;
            if desk.out.json() {
                desk.out.value(&made)?;
            } else {
                desk.out.say(format!("endpoint {}; its secret is shown only now:", made.id))?;
                desk.out.raw(&made.secret)?;
            }
        }
        WebhookAction::Set { id, values } => change(desk, &id, read(values)?).await?,
        WebhookAction::Enable { id } => {
            change(desk, &id, WriteWebhook { enabled: Some(true), ..WriteWebhook::default() }).await?;
        }
        WebhookAction::Disable { id } => {
            change(desk, &id, WriteWebhook { enabled: Some(false), ..WriteWebhook::default() }).await?;
        }
        WebhookAction::Test { id } => told(desk, &client.test_webhook(&id).await?)?,
        WebhookAction::Redeliver { id, delivery } => told(desk, &client.redeliver(&id, &delivery).await?)?,
        WebhookAction::Deliveries { id } => {
            let list = client.webhook_deliveries(&id).await?;
            desk.out.either(&list, |list| {
                let mut table =
                    Table::new(&["Id", "When", "Event", "Message", "#Run", "State", "#Tries", "Answer"]);
                for delivery in &list.deliveries {
                    table.row([
                        delivery.id.as_str(),
                        &desk.show(delivery.created),
                        delivery.event.as_str(),
                        delivery.message_id.as_ref().map_or("–", |id| id.as_str()),
                        &delivery.run.to_string(),
                        word(delivery.state),
                        &delivery.attempts.to_string(),
                        &format!("{} {}", delivery.status, delivery.answer),
                    ]);
                }
                table.render()
            })?;
        }
        WebhookAction::Delete { id } => {
            client.delete_webhook(&id).await?;
            desk.out.say(format!("deleted endpoint {id}"))?;
        }
    }
    Ok(())
}

fn word(state: WebhookState) -> &'static str {
    match state {
        WebhookState::Waiting => "waiting",
        WebhookState::Delivered => "delivered",
        WebhookState::Failed => "failed",
    }
}

fn state(desk: &Desk, webhook: &Webhook) -> String {
    match (&webhook.disabled, webhook.failing_since) {
        (Some(why), _) => format!("disabled: {why}"),
        (None, _) if !webhook.enabled => "disabled".into(),
        (None, Some(since)) => format!("fails since {}", desk.show(since)),
        (None, None) => "well".into(),
    }
}

fn show(desk: &Desk, webhook: &Webhook) -> Outcome {
    desk.out.either(webhook, |webhook| {
        let events: Vec<_> = webhook.events.iter().map(|event| event.as_str()).collect();
        format!(
            "{} {}\n{}\n{}\nis told {}\nsecret {}\nrevision {}",
            webhook.id,
            webhook.name,
            webhook.url,
            state(desk, webhook),
            events.join(", "),
            webhook.secret,
            webhook.revision.0
        )
    })?;
    Ok(())
}

fn told(desk: &Desk, delivery: &WebhookDelivery) -> Outcome {
    desk.out.either(delivery, |delivery| {
        format!(
            "{} is on its way; `herald webhook deliveries {}` says what came of it",
            delivery.id, delivery.webhook_id
        )
    })?;
    Ok(())
}

async fn change(desk: &Desk, id: &str, write: WriteWebhook) -> Outcome {
    let now = desk.client.webhook(id).await?;
    let write = WriteWebhook { revision: Some(now.revision), ..write };
    show(desk, &desk.client.update_webhook(id, &write).await?)
}

/// One line of a file or of standard input.
fn line(file: &Path) -> Outcome<String> {
    Ok(text_of(file)?.trim_end_matches(['\r', '\n']).to_owned())
}

fn read(values: WebhookValues) -> Outcome<WriteWebhook> {
    let url = match (values.url, values.url_from) {
        (Some(url), _) => Some(url),
        (None, Some(file)) => Some(line(&file)?),
        (None, None) => None,
    };
    let event = |word: &String| {
        let known = WebhookEvent::CHOICE.into_iter().find(|event| event.as_str() == word);
        known.ok_or_else(|| {
            let known: Vec<_> = WebhookEvent::CHOICE.iter().map(|event| event.as_str()).collect();
            Failure::Usage(format!("there is no event {word}: {}", known.join(", ")))
        })
    };
    let events = values.events.iter().map(event).collect::<Outcome<Vec<_>>>()?;
    Ok(WriteWebhook {
        name: values.name,
        url,
        secret: values.secret_from.as_deref().map(line).transpose()?,
        events: (!events.is_empty()).then_some(events),
        ..WriteWebhook::default()
    })
}
