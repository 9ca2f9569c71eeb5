//! How it stands with what a dialog is about.

use serde::Serialize;

use crate::client::{Client, ClientError, Result};
use crate::domain::time::Timestamp;
use crate::tui::show;
use crate::tui::watch::{Seen, Standing, Watched};

/// An entry of the audit belongs to a change that came at most so long after it, in ms.
const SAME: i64 = 1000;

/// Looks at each, and who changed those that are not what they were.
pub(super) async fn watched(client: &Client, seen: &[Seen]) -> Result<Vec<Standing>> {
    let mut out = Vec::with_capacity(seen.len());
    for one in seen {
        let mut standing = match look(client, &one.of).await {
            Ok(standing) => standing,
            Err(error) if error.status() == Some(404) => Found::default(),
            Err(error) => return Err(error),
        };
        let differs = one.mark.is_some() && one.mark != standing.mark;
        if standing.by.is_none() && (differs || standing.mark.is_none()) {
            standing = who(client, &one.of, standing).await;
        }
        let Found { mark, is, by, at, .. } = standing;
        out.push(Standing { of: one.of.clone(), mark, is, by, at });
    }
    Ok(out)
}

#[derive(Default)]
struct Found {
    mark: Option<String>,
    is: String,
    by: Option<String>,
    at: Option<Timestamp>,
    updated: Option<Timestamp>,
}

fn found(mark: &impl ToString, updated: Option<Timestamp>) -> Found {
    Found { mark: Some(mark.to_string()), updated, ..Found::default() }
}

fn whole(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| ClientError::Request(error.to_string()))
}

async fn look(client: &Client, of: &Watched) -> Result<Found> {
    Ok(match of {
        Watched::Message(id) => {
            let message = client.message_detail(id).await?.message;
            let is = format!("is {}", show::state(message.state).1);
            Found { is, ..found(&message.revision, Some(message.updated_at)) }
        }
        Watched::Topic(id) => {
            let topic = client.topic(id).await?;
            let is = format!("is called “{}”", crate::tui::sanitize::line(&topic.name));
            Found { is, ..found(&topic.revision, Some(topic.updated_at)) }
        }
        Watched::Subscriber(topic, id) => found(&client.subscriber(topic, id).await?.id, None),
        Watched::Target(id) => {
            let target = client.target(id).await?;
            let is = format!("is {}", crate::tui::sanitize::line(&target.identifier));
            Found { is, ..found(&target.revision, Some(target.updated_at)) }
        }
        Watched::User(id) => {
            let user = client.user(id).await?;
            found(&user.revision, Some(user.updated_at))
        }
        Watched::Provider(id) => {
            let provider = client.provider(id).await?;
            let is = if provider.enabled { "" } else { "is out of use" };
            Found { is: is.to_owned(), ..found(&provider.revision, Some(provider.updated_at)) }
        }
        Watched::Routing => found(&whole(&client.routing().await?)?, None),
        Watched::Suppression(id) => found(&client.suppression(id).await?.id, None),
        Watched::Sending => {
            let overview = client.overview().await?;
            let is = if overview.stopped.is_some() { "is stopped now" } else { "goes on now" };
            let mark = whole(&(&overview.stopped, overview.restored.is_some()))?;
            Found { is: is.to_owned(), ..found(&mark, None) }
        }
    })
}

/// Who changed it last, where the audit says so of this very change.
async fn who(client: &Client, of: &Watched, mut found: Found) -> Found {
    let resource = match of {
        Watched::Message(id) => format!("message/{id}"),
        Watched::Topic(id) => format!("topic/{id}"),
        Watched::Subscriber(_, id) => format!("subscriber/{id}"),
        Watched::Target(id) => format!("target/{id}"),
        Watched::User(id) => format!("user/{id}"),
        Watched::Provider(id) => format!("provider/{id}"),
        Watched::Suppression(id) => format!("suppression/{id}"),
        Watched::Routing | Watched::Sending => return found,
    };
    // Whoever may not read the audit is told of the change all the same.
    let Ok(page) = client.audit(Some(&resource), None, 1).await else { return found };
    let Some(entry) = page.entries.into_iter().next() else { return found };
    let mine = match found.updated {
        Some(updated) => (updated.0 - entry.at.0).abs() <= SAME,
        None => entry.event.ends_with(".delete"),
    };
    if mine {
        found.by = Some(entry.actor.name);
        found.at = Some(entry.at);
    }
    found
}
