//! What operators do to messages and providers while they are being sent.

mod test;

use super::core::Core;
use super::error::{EngineError, Result};
use super::{Engine, dispatch::sheets};
use crate::domain::audit::{Actor, AuditEntry};
use crate::domain::ids::{MessageId, MessageNo, ProviderId};
use crate::domain::message::Message;
use crate::domain::plan::{Again, WaitReason};
use crate::domain::provider::{Provider, ProviderHold};
use crate::domain::state::{Event, Hold, MessageState};
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::dispatch::{Decision, WaitingFilter};
use std::sync::Arc;

/// The most people that one commit looks at.
const STEP: usize = 4096;

/// Decides for everybody who waits and fits, each looked at once. Says for how many, and which messages
/// ended with that.
pub(crate) async fn decide_all(
    core: &Core,
    filter: &WaitingFilter,
    decision: Decision,
    at: Timestamp,
) -> Result<(u64, Vec<MessageNo>)> {
    let (mut sum, mut finished, mut from) = (0, Vec::new(), None);
    loop {
        let decided = core.store.decide(filter.clone(), decision, from, STEP, at).await?;
        sum += decided.count;
        finished.extend(decided.finished);
        from = decided.next;
        if from.is_none() {
            return Ok((sum, finished));
        }
    }
}

/// An audit entry.
pub(crate) fn audit(
    at: Timestamp,
    actor: &Actor,
    event: &str,
    resource: &str,
    summary: impl Into<String>,
) -> AuditEntry {
    AuditEntry {
        at,
        actor: actor.clone(),
        event: event.to_owned(),
        resource: resource.to_owned(),
        summary: summary.into(),
    }
}

/// Asks a provider that refuses us whether it still does; if it does not, it goes on by itself.
pub(crate) async fn probe(core: &Arc<Core>, provider: Provider) {
    let Ok(link) = sheets::connect(core, &provider).await else { return };
    let report = tokio::select! {
        biased;
        report = link.adapter.test() => report,
        () = core.closing.cancelled() => return,
    };
    link.adapter.close().await;
    if !report.ok {
        return;
    }
    let now = core.clock.now();
    let entry = audit(
        now,
        &Actor::engine(),
        "provider.release",
        &format!("provider/{}", provider.id),
        "takes messages from us again",
    );
    let expect = provider.revision;
    let released = Provider { hold: None, updated: now, ..provider };
    // Whoever has changed it meanwhile knows better.
    if let Err(error) = core.store.put_provider(released, None, expect, entry).await {
        tracing::debug!(%error, "a provider was not released");
    }
    core.touch_all();
}

impl Engine {
    async fn apply(
        &self,
        id: &MessageId,
        event: Event,
        actor: &Actor,
        name: &str,
        summary: String,
    ) -> Result<Message> {
        let core = &self.core;
        let message = core.store.message(id).await?;
        let at = core.clock.now();
        let entry = audit(at, actor, name, &format!("message/{id}"), summary);
        let message = core.store.transition(message.no, event, None, at, Some(entry)).await?;
        if message.state == MessageState::Processing {
            core.enter(message.no);
        } else {
            core.left(message.no);
        }
        core.touch(message.no);
        Ok(message)
    }

    /// Stops a message that is being sent. What is in flight finishes.
    pub async fn pause(&self, id: &MessageId, actor: &Actor) -> Result<Message> {
        let event = Event::Pause { by: actor.name.clone(), at: self.now() };
        self.apply(id, event, actor, "message.pause", "paused".into()).await
    }

    /// Lets a paused message go on.
    pub async fn resume(&self, id: &MessageId, actor: &Actor) -> Result<Message> {
        self.apply(id, Event::Resume, actor, "message.resume", "resumed".into()).await
    }

    /// Ends a message: who was not tried yet is not tried any more.
    pub async fn cancel(&self, id: &MessageId, actor: &Actor) -> Result<Message> {
        let event = Event::Cancel { by: actor.name.clone() };
        self.apply(id, event, actor, "message.cancel", "cancelled".into()).await
    }

    /// Tries the failed recipients of an ended message once more.
    pub async fn retry(&self, id: &MessageId, again: Again, actor: &Actor) -> Result<Message> {
        let message = self.core.store.message(id).await?;
        let now = self.now();
        if message.expires_at.is_some_and(|deadline| deadline <= now) {
            return Err(EngineError::Refused(format!(
                "message {id} was to be sent until {}: nobody is tried after that. Send a copy of it instead",
                message.expires_at.unwrap_or(now)
            )));
        }
        self.apply(
            id,
            Event::Reopen(again),
            actor,
            "message.retry",
            "failed recipients are tried again".into(),
        )
        .await
    }

    /// Lets a held message go at its time; one that is already due goes now. Who joined since the
    /// approval is then approved with it.
    pub async fn release(&self, id: &MessageId, actor: &Actor) -> Result<Message> {
        let store = &self.core.store;
        let message = store.message(id).await?;
        let now = self.now();
        let entry = audit(now, actor, "message.release", &format!("message/{id}"), "released");
        if let MessageState::Held(Hold::AudienceGrew { found, .. }) = message.state
            && message.progress.claimed == 0
        {
            let state = message.state.apply(Event::Release)?;
            let scheduled_at = message.scheduled_at.max(Some(now));
            let expect = message.revision;
            let released = Message { state, confirmed: Some(found), scheduled_at, ..message };
            return Ok(store.put_message(released, expect, entry).await?);
        }
        Ok(store.transition(message.no, Event::Release, None, now, Some(entry)).await?)
    }

    /// Takes a message that is due off the schedule and sends it, without a scheduler: for
    /// [`super::Mode::Only`].
    pub async fn send_now(&self, id: &MessageId) -> Result<Message> {
        let core = &self.core;
        let mut message = core.store.message(id).await?;
        core.admit(message.no);
        if message.state == MessageState::Scheduled {
            message = core.store.transition(message.no, Event::Claim, None, core.clock.now(), None).await?;
        }
        if message.state == MessageState::Processing {
            super::recover::recover(core).await?;
        }
        core.touch_all();
        Ok(message)
    }

    /// Decides for the recipients of a message of whom nobody knows whether they were sent to:
    /// release sends to them (maybe for the second time), give up ends them. Says for how many.
    pub async fn decide_uncertain(&self, id: &MessageId, decision: Decision, actor: &Actor) -> Result<u64> {
        let message = self.core.store.message(id).await?;
        let filter =
            WaitingFilter { message: Some(message.no), provider: None, why: Some(WaitReason::Uncertain) };
        self.decide(filter, decision, actor, &format!("message/{id}")).await
    }

    /// Decides for everybody who waits and fits. Says for how many.
    pub async fn decide(
        &self,
        filter: WaitingFilter,
        decision: Decision,
        actor: &Actor,
        resource: &str,
    ) -> Result<u64> {
        let store = &self.core.store;
        let at = self.now();
        let (sum, finished) = decide_all(&self.core, &filter, decision, at).await?;
        let summary = match decision {
            Decision::Release => format!("{sum} recipients released"),
            Decision::FailOver(to) => format!("{sum} recipients moved to provider number {to}"),
            Decision::GiveUp => format!("{sum} recipients given up"),
            Decision::Hold => format!("{sum} recipients held"),
        };
        store.append_audit(audit(at, actor, "queue.decide", resource, summary)).await?;
        for no in finished {
            self.core.left(no);
        }
        self.core.touch_all();
        Ok(sum)
    }

    async fn set_hold(
        &self,
        id: &ProviderId,
        actor: &Actor,
        event: &str,
        summary: &str,
        hold: impl Fn(&Provider, Timestamp) -> Option<ProviderHold>,
    ) -> Result<Provider> {
        loop {
            let provider = self.core.store.provider(id).await?;
            let now = self.now();
            let entry = audit(now, actor, event, &format!("provider/{id}"), summary);
            let expect = provider.revision;
            let hold = hold(&provider, now);
            let changed = Provider { hold, updated: now, ..provider };
            match self.core.store.put_provider(changed, None, expect, entry).await {
                // Somebody was quicker: what was asked for still holds.
                Err(StoreError::Stale { .. }) => {}
                result => {
                    let provider = result?;
                    self.core.desk(provider.no).touch_all();
                    return Ok(provider);
                }
            }
        }
    }

    /// Stops a provider. What is in flight finishes, what is only claimed is put back.
    pub async fn pause_provider(&self, id: &ProviderId, actor: &Actor) -> Result<Provider> {
        self.set_hold(id, actor, "provider.pause", "paused", |_, since| {
            Some(ProviderHold::Paused { by: actor.name.clone(), since })
        })
        .await
    }

    /// Lets a provider go on, whether it was paused, refused us, or its guard stopped its bulk: that
    /// begins to count anew. Who was put back is tried again.
    pub async fn resume_provider(&self, id: &ProviderId, actor: &Actor) -> Result<Provider> {
        let provider = self.core.store.provider(id).await?;
        if let Some(tripped) = provider.guard {
            let entry = audit(
                self.now(),
                actor,
                "provider.resume_bulk",
                &format!("provider/{id}"),
                format!("bulk goes on after {tripped}; the guard counts anew"),
            );
            self.core.store.lift_guard(provider.no, Some(entry)).await?;
        }
        self.set_hold(id, actor, "provider.resume", "resumed", |_, _| None).await
    }
}
