//! Topics and subscribers.

use super::error::Outcome;
use crate::domain::audit::Actor;
use crate::domain::ids::{Revision, SubscriberId, TargetId, TopicId, TopicNo, check_id};
use crate::domain::topic::{Topic, Totals};
use crate::engine::Engine;
use crate::store::catalog::SubscriberView;

/// A change of a topic; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopicEdit {
    /// The name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Roles that may subscribe.
    pub subscribe: Option<Vec<String>>,
    /// Refused as stale unless it still has this revision.
    pub revision: Option<Revision>,
}

impl Engine {
    /// Creates a topic.
    pub async fn create_topic(
        &self,
        by: &Actor,
        id: &str,
        name: String,
        description: String,
        subscribe: Vec<String>,
    ) -> Outcome<Topic> {
        let id = TopicId::new(self.id_or_new(id))?;
        let audit = self.entry(by, "topic.create", format_args!("topic/{id}"), format!("“{name}” created"));
        let topic = Topic {
            no: TopicNo(0),
            id,
            name,
            subscribe,
            description,
            totals: Totals::default(),
            created: self.now(),
            updated: self.now(),
            revision: Revision(0),
        };
        Ok(self.store().create_topic(topic, audit).await?)
    }

    /// Changes a topic.
    pub async fn edit_topic(&self, by: &Actor, id: &TopicId, edit: TopicEdit) -> Outcome<Topic> {
        let mut topic = self.store().topic(id).await?;
        let mut changed = Vec::new();
        if let Some(name) = edit.name {
            changed.push(format!("name: “{}” → “{name}”", topic.name));
            topic.name = name;
        }
        if let Some(description) = edit.description {
            changed.push("description".to_owned());
            topic.description = description;
        }
        if let Some(subscribe) = edit.subscribe {
            changed.push(format!("roles: {}", subscribe.join(", ")));
            topic.subscribe = subscribe;
        }
        let revision = edit.revision.unwrap_or(topic.revision);
        topic.updated = self.now();
        let audit = self.entry(by, "topic.update", format_args!("topic/{id}"), changed.join("; "));
        Ok(self.store().put_topic(topic, revision, audit).await?)
    }

    /// Deletes a topic with its subscriptions.
    /// With a revision, only while it has that one still.
    pub async fn delete_topic(&self, by: &Actor, id: &TopicId, expect: Option<Revision>) -> Outcome<()> {
        let topic = self.store().topic(id).await?;
        let summary = format!("“{}” deleted with {} subscribers", topic.name, topic.totals.sum());
        let audit = self.entry(by, "topic.delete", format_args!("topic/{id}"), summary);
        Ok(self.store().delete_topic(id, expect, audit).await?)
    }

    /// Subscribes a target to a topic.
    pub async fn subscribe_target(
        &self,
        by: &Actor,
        topic: &TopicId,
        id: &str,
        target: &TargetId,
    ) -> Outcome<SubscriberView> {
        self.store().topic(topic).await?;
        let id = SubscriberId::new(self.id_or_new(id))?;
        let summary = format!("target {target} subscribed to {topic}");
        let audit = self.entry(by, "subscriber.create", format_args!("subscriber/{id}"), summary);
        Ok(self.store().subscribe(topic, id, target, audit).await?)
    }

    /// Ends a subscription.
    pub async fn unsubscribe(&self, by: &Actor, topic: &TopicId, id: &SubscriberId) -> Outcome<()> {
        let view = self.store().subscriber(topic, id).await?;
        let summary = format!("target {} unsubscribed from {topic}", view.target.id);
        let audit = self.entry(by, "subscriber.delete", format_args!("subscriber/{id}"), summary);
        Ok(self.store().unsubscribe(topic, id, audit).await?)
    }
}

/// Whether a text is one of the dialect's roles (facts 1.2).
pub fn is_role(role: &str) -> bool {
    let id = |text: &str| check_id(text).is_ok();
    if role.len() > 128 {
        return false;
    }
    match role.split_once(':') {
        None => matches!(role, "any" | "guests" | "users" | "users/verified" | "users/unverified"),
        Some(("user", rest)) => {
            id(rest.strip_suffix("/verified").or_else(|| rest.strip_suffix("/unverified")).unwrap_or(rest))
        }
        Some(("team", rest)) => {
            rest.split_once('/').map_or_else(|| id(rest), |(team, role)| id(team) && id(role))
        }
        Some(("member", rest)) => id(rest),
        Some(("label", rest)) => !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_of_the_dialect() {
        for good in [
            "any",
            "guests",
            "users",
            "users/verified",
            "users/unverified",
            "user:ana",
            "user:ana/verified",
            "team:a",
            "team:a/owner",
            "member:m1",
            "label:vip",
        ] {
            assert!(is_role(good), "{good}");
        }
        for bad in ["", "*", "role:all", "user:", "user:_a", "team:a/", "label:a-b", "everybody"] {
            assert!(!is_role(bad), "{bad}");
        }
    }
}
