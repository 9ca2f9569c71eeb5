//! `herald topic …`

use super::{Desk, text_of};
use crate::cli::args::TopicAction;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::{Table, grouped};
use crate::domain::entries::entries;
use crate::wire::query::{ListRequest, Query};
use crate::wire::topic::{CreateTopic, SubscribedRow, SubscribedTargets, Subscriber, Topic, UpdateTopic};
use std::fmt::Write as _;

/// People of one step: what the API takes at once.
const STEP: usize = 1000;

/// Does one of the actions.
pub async fn run(desk: &Desk, action: TopicAction) -> Outcome {
    let client = &desk.client;
    match action {
        TopicAction::List(page) => {
            let list = client.topics(&desk.list(&page)).await?;
            desk.out.either(&list, |list| table(list.items()))?;
        }
        TopicAction::Create { id, name } => {
            let name = name.unwrap_or_else(|| id.clone());
            let topic = client.create_topic(&CreateTopic { topic_id: id, name, subscribe: None }).await?;
            desk.out.either(&topic, |topic| format!("created topic {}", topic.id))?;
        }
        TopicAction::Show { id } => {
            let topic = client.topic(&id).await?;
            desk.out.either(&topic, |topic| table(std::slice::from_ref(topic)))?;
        }
        TopicAction::Rename { id, name } => {
            let revision = Some(client.topic(&id).await?.revision);
            let change = UpdateTopic { name: Some(name), revision, ..UpdateTopic::default() };
            let topic = client.update_topic(&id, &change).await?;
            desk.out.either(&topic, |topic| format!("topic {} is now called {}", topic.id, topic.name))?;
        }
        TopicAction::Subscribers { id, page } => {
            let list = client.subscribers(&id, &desk.list(&page)).await?;
            desk.out.either(&list, |list| {
                let mut table = Table::new(&["Id", "User", "Type", "Address", "Since"]);
                for subscriber in list.items() {
                    table.row([
                        subscriber.id.as_str(),
                        &subscriber.user_name,
                        subscriber.provider_type.as_str(),
                        &subscriber.target.identifier,
                        &desk.show(subscriber.created_at),
                    ]);
                }
                if table.is_empty() {
                    return format!(
                        "nobody: `herald topic subscribe {id} ADDRESS` or `herald import FILE --topic {id}`"
                    );
                }
                table.render()
            })?;
        }
        TopicAction::Subscribe { id, mut who, file } => {
            if let Some(file) = &file {
                who.extend(entries(&text_of(file)?));
            }
            subscribe(desk, &id, &who).await?;
        }
        TopicAction::Unsubscribe { id, target } => {
            let subscriber = subscriber(desk, &id, &target).await?;
            client.unsubscribe(&id, &subscriber.id).await?;
            desk.out.say(format!("{} left {id}", subscriber.target.identifier))?;
        }
        TopicAction::Delete { id } => {
            client.delete_topic(&id).await?;
            desk.out.say(format!("deleted topic {id}"))?;
        }
    }
    Ok(())
}

/// Subscribes them, and says of each who is not why. What a step that cannot be made was to do is said
/// of each as well, unless nothing is done.
async fn subscribe(desk: &Desk, topic: &str, who: &[String]) -> Outcome {
    if who.is_empty() {
        return Err(Failure::Usage("nobody stands in the list".into()));
    }
    let mut all = SubscribedTargets::default();
    for step in who.chunks(STEP) {
        match desk.client.subscribe_anyone(topic, step.to_vec()).await {
            Ok(done) => {
                all.subscribed += done.subscribed;
                all.known += done.known;
                all.missing += done.missing;
                all.rows.extend(done.rows);
            }
            Err(error) if all.rows.is_empty() => return Err(error.into()),
            Err(error) => {
                let reason = error.to_string();
                let left = &who[all.rows.len()..];
                all.missing += left.len() as u64;
                all.rows.extend(left.iter().map(|who| SubscribedRow {
                    who: who.clone(),
                    reason: reason.clone(),
                    ..SubscribedRow::default()
                }));
                break;
            }
        }
    }
    if let [SubscribedRow { who, reason, .. }] = &all.rows[..]
        && !reason.is_empty()
        && !desk.out.json()
    {
        return Err(Failure::NotFound(format!("{who}: {reason}")));
    }
    desk.out.either(&all, |all| report(topic, all))?;
    match all.missing {
        0 => Ok(()),
        _ if all.subscribed + all.known == 0 => Err(Failure::NotFound("nobody was subscribed".into())),
        missing => {
            let of = grouped(all.rows.len() as u64);
            Err(Failure::Incomplete(format!("{} of {of} were not subscribed", grouped(missing))))
        }
    }
}

/// What became of them: a line in all, and one for each who stands for nobody.
fn report(topic: &str, all: &SubscribedTargets) -> String {
    let mut text = match (&all.rows[..], all.subscribed) {
        ([one], 1) => format!("{} joined {topic}", one.who),
        ([one], 0) if all.known > 0 => format!("{} is in {topic} already", one.who),
        (_, joined) => format!("{} joined {topic}", grouped(joined)),
    };
    if all.rows.len() > 1 && all.known > 0 {
        let were = if all.known == 1 { "was" } else { "were" };
        let _ = write!(text, ", {} {were} there already", grouped(all.known));
    }
    if all.missing > 0 {
        let stand = if all.missing == 1 { "stands" } else { "stand" };
        let _ = write!(text, ", {} {stand} for nobody:", grouped(all.missing));
        for row in all.rows.iter().filter(|row| !row.reason.is_empty()) {
            let _ = write!(text, "\n  {}: {}", row.who, row.reason);
        }
    }
    text
}

/// A subscription by its own id, or by its target's id or address.
async fn subscriber(desk: &Desk, topic: &str, target: &str) -> Outcome<Subscriber> {
    if !target.contains('@') && !target.starts_with('+') {
        match desk.client.subscriber(topic, target).await {
            Err(error) if error.status() == Some(404) => {}
            other => return Ok(other?),
        }
    }
    let target = desk.target(target).await?;
    let list = ListRequest::newest(1).with(Query::equal("targetId", [target.id.as_str()])).uncounted();
    let found = desk.client.subscribers(topic, &list).await?.into_items().into_iter().next();
    found.ok_or_else(|| Failure::NotFound(format!("{} is not in {topic}", target.identifier)))
}

fn table(topics: &[Topic]) -> String {
    if topics.is_empty() {
        return "no topics: `herald topic create ID`, or `herald import FILE --topic ID`".into();
    }
    let mut table = Table::new(&["Id", "Name", "#Email", "#SMS", "#Push"]);
    for topic in topics {
        table.row([
            topic.id.as_str(),
            &topic.name,
            &grouped(topic.email_total),
            &grouped(topic.sms_total),
            &grouped(topic.push_total),
        ]);
    }
    table.render()
}
