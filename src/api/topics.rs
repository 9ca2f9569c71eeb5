//! Topics and subscribers, in the dialect.

use super::answer::{Answered, created, nothing, ok};
use super::call::Call;
use super::list::{Asked, ListCall, Source, found};
use super::params::{Params, Required};
use super::present;
use super::stale::explained;
use super::targets;
use crate::domain::ids::{SubscriberId, TargetId, TopicId};
use crate::domain::topic::Topic;
use crate::domain::validate::Invalid;
use crate::engine::Engine;
use crate::engine::usecases::Outcome;
use crate::engine::usecases::topics::{TopicEdit, is_role};
use crate::store::Result as StoreResult;
use crate::store::catalog::{Joined, SubscriberView};
use crate::store::page::{Page, PageRequest};
use crate::wire::list::{SubscriberList, TopicList};
use crate::wire::topic::{SubscribeTargets, SubscribedTargets};
use async_trait::async_trait;

/// The longest description.
const DESCRIPTION: usize = 1024;

struct Topics<'a>(&'a Engine);

#[async_trait]
impl Source<Topic> for Topics<'_> {
    async fn fetch(&self, page: PageRequest<Topic>) -> StoreResult<Page<Topic>> {
        self.0.store().topics(page).await
    }

    async fn number(&self, id: String) -> Outcome<u64> {
        Ok(u64::from(self.0.store().topic(&TopicId::new(id)?).await?.no.0))
    }
}

struct Subscribers<'a> {
    engine: &'a Engine,
    topic: &'a TopicId,
}

#[async_trait]
impl Source<SubscriberView> for Subscribers<'_> {
    async fn fetch(&self, page: PageRequest<SubscriberView>) -> StoreResult<Page<SubscriberView>> {
        self.engine.store().subscribers(self.topic, page).await
    }

    async fn number(&self, id: String) -> Outcome<u64> {
        let view = self.engine.store().subscriber(self.topic, &SubscriberId::new(id)?).await?;
        Ok(view.subscriber.target_no.0)
    }

    async fn candidates(&self, asked: &Asked<'_>) -> Outcome<Option<Vec<u64>>> {
        let store = self.engine.store();
        if let Some(ids) = asked.required("targetId", "target") {
            let mut numbers = Vec::with_capacity(ids.len());
            for id in ids {
                let Ok(id) = TargetId::new(id) else { continue };
                numbers.extend(found(store.target(&id).await)?.map(|target| target.no.0));
            }
            return Ok(Some(numbers));
        }
        targets::candidates(self.engine, asked).await
    }
}

pub(crate) async fn list(call: Call) -> Answered {
    let request = ListCall::read::<Topic>(&call)?;
    let found = request.page(&Topics(call.engine())).await?;
    ok(&TopicList {
        total: found.total,
        topics: found.items.into_iter().map(present::topic).collect(),
        next: found.next,
        cut_short: found.cut_short,
    })
}

fn roles(params: &mut Params) -> Outcome<Option<Vec<String>>> {
    let Some(roles) = params.texts("subscribe", 100)? else { return Ok(None) };
    if let Some(bad) = roles.iter().find(|role| !is_role(role)) {
        return Err(Invalid::value("subscribe", format!("`{bad}` is not a role")).into());
    }
    Ok(Some(roles))
}

pub(crate) async fn create(call: Call) -> Answered {
    let mut params = call.params()?;
    let id = params.custom_id("topicId")?;
    let name = params.line("name", 1, 128).required("name")?;
    let subscribe = roles(&mut params)?.unwrap_or_else(|| vec!["users".into()]);
    let description = params.text("description", 0, DESCRIPTION)?.unwrap_or_default();
    params.finish()?;
    let topic = call.engine().create_topic(call.actor(), &id, name, description, subscribe).await?;
    created(&present::topic(topic))
}

pub(crate) async fn get(call: Call) -> Answered {
    ok(&present::topic(call.engine().store().topic(&call.id("topicId")?).await?))
}

pub(crate) async fn update(call: Call) -> Answered {
    let id = call.id("topicId")?;
    let mut params = call.params()?;
    let edit = TopicEdit {
        name: params.line("name", 1, 128)?,
        subscribe: roles(&mut params)?,
        description: params.text("description", 0, DESCRIPTION)?,
        revision: call.expected(params.typed("revision")?)?,
    };
    params.finish()?;
    let done = call.engine().edit_topic(call.actor(), &id, edit).await;
    let now = async || Ok(present::topic(call.engine().store().topic(&id).await?));
    ok(&present::topic(explained(&call, done, format!("topic/{id}"), now).await?))
}

pub(crate) async fn delete(call: Call) -> Answered {
    let id: TopicId = call.id("topicId")?;
    let done = call.engine().delete_topic(call.actor(), &id, call.expected(None)?).await;
    let now = async || Ok(present::topic(call.engine().store().topic(&id).await?));
    explained(&call, done, format!("topic/{id}"), now).await?;
    Ok(nothing())
}

pub(crate) async fn subscribers(call: Call) -> Answered {
    let topic: TopicId = call.id("topicId")?;
    let request = ListCall::read::<SubscriberView>(&call)?;
    let found = request.page(&Subscribers { engine: call.engine(), topic: &topic }).await?;
    ok(&SubscriberList {
        total: found.total,
        subscribers: found.items.into_iter().map(present::subscriber).collect(),
        next: found.next,
        cut_short: found.cut_short,
    })
}

pub(crate) async fn subscribe(call: Call) -> Answered {
    let topic = call.id("topicId")?;
    let mut params = call.params()?;
    let id = params.custom_id("subscriberId")?;
    let target = params.id("targetId").required("targetId")?;
    params.finish()?;
    let target = TargetId::new(target)?;
    let view = call.engine().subscribe_target(call.actor(), &topic, &id, &target).await?;
    created(&present::subscriber(view))
}

/// The most entries of one step, and the longest of them (a push token).
const TARGETS: usize = 1000;
const ENTRY: usize = 4096;

pub(crate) async fn subscribe_targets(call: Call) -> Answered {
    let topic: TopicId = call.id("topicId")?;
    let SubscribeTargets { targets, who } = call.json()?;
    if !(1..=TARGETS).contains(&(targets.len() + who.len())) {
        return Err(Invalid::value("targets", "Value must have 1 to 1000 entries, with those of who").into());
    }
    if who.iter().any(|entry| entry.len() > ENTRY) {
        return Err(Invalid::value("who", "Value must be at most 4096 bytes each").into());
    }
    let mut done = SubscribedTargets::default();
    if !targets.is_empty() {
        for joined in call.engine().subscribe_targets(call.actor(), &topic, targets).await? {
            match joined {
                Joined::Now => done.subscribed += 1,
                Joined::Before => done.known += 1,
                Joined::Missing => done.missing += 1,
            }
        }
    }
    if !who.is_empty() {
        done.rows = call.engine().subscribe_anyone(call.actor(), &topic, who).await?;
        for row in &done.rows {
            done.subscribed += row.subscribed;
            done.known += row.known;
            done.missing += u64::from(!row.reason.is_empty());
        }
    }
    ok(&done)
}

pub(crate) async fn subscriber(call: Call) -> Answered {
    let view = call.engine().store().subscriber(&call.id("topicId")?, &call.id("subscriberId")?).await?;
    ok(&present::subscriber(view))
}

pub(crate) async fn unsubscribe(call: Call) -> Answered {
    call.engine().unsubscribe(call.actor(), &call.id("topicId")?, &call.id("subscriberId")?).await?;
    Ok(nothing())
}
