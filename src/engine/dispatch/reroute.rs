//! People whose provider is gone or switched off go through another one, if there is one; and, where
//! the operator allows it, those whose provider is down or refuses us.

use super::desk::{Desk, HandingOn};
use super::dispatcher::{Dispatcher, STEP};
use super::lanes::LaneState;
use crate::domain::audit::{Actor, AuditEntry};
use crate::domain::channel::Channel;
use crate::domain::ids::{MessageNo, ProviderNo};
use crate::domain::plan::{LaneCursor, LaneKey, NO_PROVIDER, Planned, RUN_LEN, WindowSource};
use crate::domain::provider::{Provider, ProviderHold};
use crate::domain::routing::MoveReason;
use crate::domain::time::Timestamp;
use crate::engine::conditions::{Condition, Effect, Phase, effect};
use crate::engine::control;
use crate::engine::core::lock;
use crate::engine::error::{EngineError, Result};
use crate::engine::plan;
use crate::store::StoreError;
use crate::store::dispatch::{Candidates, Claim};
use std::sync::Arc;
use tokio::time::Instant;

impl Dispatcher {
    /// Moves everybody who can go elsewhere, once for each change of the providers or the lanes.
    pub(super) async fn reroute(&mut self, conditions: &[Condition]) -> Result<()> {
        let replans =
            |phase| conditions.iter().any(|condition| effect(*condition, phase) == Effect::Replanned);
        if self.rerouted || !replans(Phase::Planned) {
            return Ok(());
        }
        self.rerouted = true;
        let messages: Vec<_> = self.book.lanes.keys().copied().collect();
        for message in messages {
            match self.reroute_lane(message, replans(Phase::Retry), None).await {
                Ok(()) => {}
                // The lane has moved under us: it is looked at again.
                Err(EngineError::Store(StoreError::Moved)) => self.desk.touch(message),
                Err(error) => {
                    self.rerouted = false;
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Moves who can go elsewhere: where a new plan would send each, or all `on` to one provider.
    async fn reroute_lane(&mut self, message: MessageNo, waiting: bool, on: Option<HandingOn>) -> Result<()> {
        let Some(lane) = self.book.lanes.get(&message) else { return Ok(()) };
        let (key, channel) = (lane.key, lane.sheet.message.channel());
        let mut moved = self.reroute_plan(key, channel, on).await?;
        let (to, why) = match on {
            Some(on) => (Some(on.to), on.why),
            None => (self.elsewhere(channel), MoveReason::Gone),
        };
        if waiting && let Some(to) = to {
            let mut from = None;
            loop {
                let walked = self.core.store.reassign_waiting(key, to, why, from, STEP).await?;
                moved |= walked.count > 0;
                from = walked.next;
                if from.is_none() {
                    break;
                }
            }
            self.core.desk(to).touch(message);
        }
        if moved {
            self.book.remove(message);
            self.desk.touch(message);
        }
        Ok(())
    }

    /// While this provider cannot send, its recipients go through the next one, as far as the operator
    /// has allowed that. Who may have got a copy already stays.
    pub(super) async fn hand_on(
        &mut self,
        conditions: &[Condition],
        now: Instant,
        wall: Timestamp,
    ) -> Result<()> {
        let next = self.next_in_line(now, wall);
        let same =
            |a: &HandingOn, b: &HandingOn| (a.to, a.why, a.bulk, a.direct) == (b.to, b.why, b.bulk, b.direct);
        match (&self.handing_on, &next) {
            (Some(old), Some(new)) if same(old, new) => {}
            (None, None) => return Ok(()),
            (old, new) => {
                self.core.store.append_audit(self.said(old.as_ref(), new.as_ref(), wall)).await?;
                self.rerouted = false;
                self.handing_on = next;
                self.stand(conditions, now);
            }
        }
        let held = self.provider.as_ref().is_some_and(|provider| provider.hold.is_some());
        let moves = !self.rerouted && (held || self.breaker.is_down(now));
        let Some(on) = self.handing_on.filter(|_| moves) else { return Ok(()) };
        self.rerouted = true;
        let allowed = |lane: &LaneState| if lane.sheet.message.is_bulk() { on.bulk } else { on.direct };
        let lanes = self.book.lanes.iter().filter(|(_, lane)| allowed(lane));
        let messages: Vec<_> = lanes.map(|(message, _)| *message).collect();
        for message in messages {
            match self.reroute_lane(message, true, Some(on)).await {
                Ok(()) => {}
                Err(EngineError::Store(StoreError::Moved)) => self.desk.touch(message),
                Err(error) => {
                    self.rerouted = false;
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn said(&self, old: Option<&HandingOn>, new: Option<&HandingOn>, at: Timestamp) -> AuditEntry {
        let name = |no| self.choice.get(no).map_or_else(|| no.to_string(), |to| to.id.to_string());
        let id = self.provider.as_ref().map_or_else(String::new, |provider| provider.id.to_string());
        let summary = match (old, new) {
            (_, Some(on)) => format!("{id} {}: its recipients go through {}", on.why.as_str(), name(on.to)),
            (Some(on), None) => format!("recipients of {id} no longer go through {}", name(on.to)),
            (None, None) => String::new(),
        };
        control::audit(at, &Actor::engine(), "provider.failover", &format!("provider/{id}"), summary)
    }

    /// Through whom its recipients go now, if it cannot send and the operator allows it.
    fn next_in_line(&self, now: Instant, wall: Timestamp) -> Option<HandingOn> {
        let provider = self.provider.as_ref().filter(|provider| provider.enabled)?;
        let why = match &provider.hold {
            Some(ProviderHold::Misconfigured { .. }) => MoveReason::Misconfigured,
            Some(ProviderHold::Refused { .. }) => MoveReason::RefusesUs,
            None if self.breaker.is_down(now) => MoveReason::Down,
            // A probe decides; until then nobody is moved, and nothing else is said.
            None if self.breaker.is_tripped() => self.handing_on.map(|on| on.why)?,
            // Whoever has paused it decides what becomes of its recipients.
            Some(ProviderHold::Paused { .. }) | None => return None,
        };
        let allowed = self.choice.routing().failover(&provider.id);
        // What one service thinks of us as a sender, the next soon does.
        let bulk = allowed.bulk.holds(wall) && why != MoveReason::RefusesUs;
        let direct = allowed.direct.holds(wall);
        if !bulk && !direct {
            return None;
        }
        let well = |other: &Provider| {
            let desk = self.core.existing_desk(other.no);
            let ill = |desk: Arc<Desk>| lock(&desk.standing).condition.is_some();
            other.hold.is_none() && !desk.is_some_and(ill)
        };
        let to = self.choice.after(provider, well)?;
        let since = self.handing_on.filter(|on| on.why == why).map_or(wall, |on| on.since);
        Some(HandingOn { to, why, since, bulk, direct })
    }

    /// Moves the unclaimed recipients of a lane, a run at a time, each of them looked at once.
    async fn reroute_plan(&mut self, key: LaneKey, channel: Channel, on: Option<HandingOn>) -> Result<bool> {
        let store = Arc::clone(&self.core.store);
        let Some(lane) = store.lanes_of(key.message).await?.into_iter().find(|lane| lane.key == key) else {
            return Ok(false);
        };
        let (mut left, mut cursor, run) = (lane.progress.untouched(), lane.cursor, lane.run);
        if left == 0 || (on.is_none() && !self.somebody_can_go(key, channel, cursor).await?) {
            return Ok(false);
        }
        while left > 0 {
            let Some(candidates) = store.candidates(key, cursor, RUN_LEN, false).await? else { break };
            let WindowSource::Plan { len, .. } = candidates.source else { break };
            left = left.saturating_sub(u64::from(len));
            let planned = planned(&candidates);
            let (runs, why) = match on {
                Some(on) => (vec![(on.to, planned)], on.why),
                None => (self.destinations(channel, &planned).await?, MoveReason::Gone),
            };
            let providers: Vec<_> = runs.iter().map(|(provider, _)| *provider).collect();
            let from = Claim { lane: key, run, source: candidates.source, of: candidates.of };
            store.reassign(from, cursor, runs, why).await?;
            for provider in providers.into_iter().filter(|provider| *provider != self.desk.no) {
                self.core.desk(provider).touch(key.message);
            }
            let lanes = store.lanes_of(key.message).await?;
            let Some(lane) = lanes.into_iter().find(|lane| lane.key == key) else { break };
            cursor = lane.cursor;
        }
        Ok(true)
    }

    /// Whether anybody of the lane has somewhere to go; reads only.
    async fn somebody_can_go(&self, key: LaneKey, channel: Channel, mut from: LaneCursor) -> Result<bool> {
        if !self
            .choice
            .all()
            .iter()
            .any(|other| other.enabled && other.channel == channel && other.no != self.desk.no)
        {
            return Ok(false);
        }
        while let Some(candidates) = self.core.store.candidates(key, from, RUN_LEN, false).await? {
            let WindowSource::Plan { run, offset, len } = candidates.source else { break };
            let runs = self.destinations(channel, &planned(&candidates)).await?;
            if runs.iter().any(|(provider, _)| *provider != self.desk.no) {
                return Ok(true);
            }
            from = LaneCursor { run, offset: offset + len };
        }
        Ok(false)
    }

    /// Where each of these people goes. Who has nowhere to go stays; who is gone goes with the others,
    /// and the batch will say why it is left out.
    async fn destinations(&self, channel: Channel, planned: &[Planned]) -> Result<plan::Runs> {
        let mut runs = plan::assign_all(&self.core, &self.choice, channel, planned).await?;
        let mut placed: Vec<_> =
            runs.iter().flat_map(|(_, list)| list.iter().map(|planned| planned.target)).collect();
        placed.sort_unstable();
        // Who has nowhere to go stays.
        let mut stay: Vec<_> = planned
            .iter()
            .filter(|planned| placed.binary_search(&planned.target).is_err())
            .copied()
            .collect();
        runs.retain_mut(|(provider, list)| {
            let stays = *provider == NO_PROVIDER || *provider == self.desk.no;
            if stays {
                stay.append(list);
            }
            !stays
        });
        if !stay.is_empty() {
            stay.sort_unstable();
            runs.push((self.desk.no, stay));
        }
        Ok(runs)
    }

    /// Where those go who wait for another attempt: to the default, and with push to another account
    /// of the same service, because their tokens are that service's.
    fn elsewhere(&self, channel: Channel) -> Option<ProviderNo> {
        let own = self.provider.as_ref();
        let to = match (channel, own) {
            (Channel::Push, Some(own)) => self.choice.choose(channel, Some(&own.id), ""),
            (Channel::Push, None) => NO_PROVIDER,
            _ => self.choice.choose(channel, None, ""),
        };
        (to != NO_PROVIDER && to != self.desk.no).then_some(to)
    }
}

fn planned(candidates: &Candidates) -> Vec<Planned> {
    let each = candidates.list.iter();
    each.map(|candidate| Planned { target: candidate.target, direct: candidate.direct }).collect()
}
