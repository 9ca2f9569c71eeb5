//! `herald topic …`

use super::Desk;
use crate::cli::args::TopicAction;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::{Table, grouped};
use crate::wire::query::{ListRequest, Query};
use crate::wire::topic::{CreateSubscriber, CreateTopic, Subscriber, Topic, UpdateTopic};

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
        TopicAction::Subscribe { id, target } => {
            let target = desk.target(&target).await?;
            let subscriber =
                CreateSubscriber { subscriber_id: "unique()".into(), target_id: target.id.to_string() };
            let made = client.subscribe(&id, &subscriber).await?;
            desk.out.either(&made, |made| format!("{} joined {}", made.target.identifier, made.topic_id))?;
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
