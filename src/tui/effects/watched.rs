//! How it stands with what a dialog is about.

use std::collections::HashMap;

use serde::Serialize;

use crate::client::{Client, ClientError, Result};
use crate::domain::ids::TopicId;
use crate::domain::time::Timestamp;
use crate::tui::show;
use crate::tui::watch::{Seen, Standing, Watched};
use crate::wire::message::Message;
use crate::wire::person::Target;
use crate::wire::query::{ListRequest, Query};
use crate::wire::topic::Topic;

/// An entry of the audit belongs to a change that came at most so long after it, in ms.
const SAME: i64 = 1000;

/// Ids that one question names: a query has at most 4,096 characters.
const TOGETHER: usize = 80;

/// Looks at each, and who changed the first of those that are not what they were.
pub(super) async fn watched(client: &Client, seen: &[Seen]) -> Result<Vec<Standing>> {
    let mut known = together(client, seen).await?;
    let mut out = Vec::with_capacity(seen.len());
    let mut told = false;
    for one in seen {
        let mut standing = match known.remove(&one.of) {
            Some(found) => found,
            // It was asked for with the others, and is not among them.
            None if seen.len() > 1 && is_listed(&one.of) => Found::default(),
            None => match look(client, &one.of).await {
                Ok(standing) => standing,
                Err(error) if error.status() == Some(404) => Found::default(),
                Err(error) => return Err(error),
            },
        };
        let differs = one.mark.is_some() && one.mark != standing.mark;
        if !told && standing.by.is_none() && (differs || standing.mark.is_none()) {
            standing = who(client, &one.of, standing).await;
            told = true;
        }
        let Found { mark, is, by, at, .. } = standing;
        out.push(Standing { of: one.of.clone(), mark, is, by, at });
    }
    Ok(out)
}

/// Whether many of its kind are looked at in one question.
fn is_listed(of: &Watched) -> bool {
    matches!(of, Watched::Message(_) | Watched::Topic(_) | Watched::Target(_) | Watched::Subscriber(..))
}

/// Looks at many of a kind in few questions.
async fn together(client: &Client, seen: &[Seen]) -> Result<HashMap<Watched, Found>> {
    let mut known = HashMap::new();
    if seen.len() < 2 {
        return Ok(known);
    }
    let (mut messages, mut topics, mut targets) = (Vec::new(), Vec::new(), Vec::new());
    let mut subscribers: HashMap<&TopicId, Vec<&str>> = HashMap::new();
    for one in seen {
        match &one.of {
            Watched::Message(id) => messages.push(id.as_str()),
            Watched::Topic(id) => topics.push(id.as_str()),
            Watched::Target(id) => targets.push(id.as_str()),
            Watched::Subscriber(topic, id) => subscribers.entry(topic).or_default().push(id.as_str()),
            _ => {}
        }
    }
    let list = |ids: &[&str]| {
        ListRequest::newest(TOGETHER).with(Query::equal("$id", ids.iter().copied())).uncounted()
    };
    for ids in messages.chunks(TOGETHER) {
        let items = client.messages(&list(ids)).await?.into_items();
        known.extend(items.into_iter().map(|one| (Watched::Message(one.id.clone()), of_message(&one))));
    }
    for ids in topics.chunks(TOGETHER) {
        let items = client.topics(&list(ids)).await?.into_items();
        known.extend(items.into_iter().map(|one| (Watched::Topic(one.id.clone()), of_topic(&one))));
    }
    for ids in targets.chunks(TOGETHER) {
        let items = client.targets(&list(ids)).await?.into_items();
        known.extend(items.into_iter().map(|one| (Watched::Target(one.id.clone()), of_target(&one))));
    }
    for (topic, ids) in subscribers {
        for ids in ids.chunks(TOGETHER) {
            let items = client.subscribers(topic, &list(ids)).await?.into_items();
            known.extend(
                items
                    .into_iter()
                    .map(|one| (Watched::Subscriber(topic.clone(), one.id.clone()), found(&one.id, None))),
            );
        }
    }
    Ok(known)
}

fn of_message(message: &Message) -> Found {
    let is = show::stands(message.state);
    Found { is, ..found(&message.revision, Some(message.updated_at)) }
}

fn of_topic(topic: &Topic) -> Found {
    let is = format!("is called “{}”", crate::tui::sanitize::line(&topic.name));
    Found { is, ..found(&topic.revision, Some(topic.updated_at)) }
}

fn of_target(target: &Target) -> Found {
    let is = format!("is {}", crate::tui::sanitize::line(&target.identifier));
    Found { is, ..found(&target.revision, Some(target.updated_at)) }
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
        Watched::Message(id) => of_message(&client.message_detail(id).await?.message),
        Watched::Topic(id) => of_topic(&client.topic(id).await?),
        Watched::Subscriber(topic, id) => found(&client.subscriber(topic, id).await?.id, None),
        Watched::Target(id) => of_target(&client.target(id).await?),
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
