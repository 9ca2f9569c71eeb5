//! People whose provider is gone or switched off go through another one, if there is one.

use super::dispatcher::{Dispatcher, STEP};
use crate::domain::channel::Channel;
use crate::domain::ids::{MessageNo, ProviderNo};
use crate::domain::plan::{LaneCursor, LaneKey, NO_PROVIDER, Planned, RUN_LEN, WindowSource};
use crate::engine::conditions::{Condition, Effect, Phase, effect};
use crate::engine::error::{EngineError, Result};
use crate::engine::plan;
use crate::store::StoreError;
use crate::store::dispatch::Candidates;
use std::sync::Arc;

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
            match self.reroute_lane(message, replans(Phase::Retry)).await {
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

    async fn reroute_lane(&mut self, message: MessageNo, waiting: bool) -> Result<()> {
        let Some(lane) = self.book.lanes.get(&message) else { return Ok(()) };
        let (key, channel) = (lane.key, lane.sheet.message.channel());
        let mut moved = self.reroute_plan(key, channel).await?;
        if waiting && let Some(to) = self.elsewhere(channel) {
            while self.core.store.reassign_waiting(key, to, STEP).await? > 0 {
                moved = true;
            }
            self.core.desk(to).touch(message);
        }
        if moved {
            self.book.remove(message);
            self.desk.touch(message);
        }
        Ok(())
    }

    /// Moves the unclaimed recipients of a lane, a run at a time, each of them looked at once.
    async fn reroute_plan(&mut self, key: LaneKey, channel: Channel) -> Result<bool> {
        let store = Arc::clone(&self.core.store);
        let Some(lane) = store.lanes_of(key.message).await?.into_iter().find(|lane| lane.key == key) else {
            return Ok(false);
        };
        let (mut left, mut cursor) = (lane.progress.untouched(), lane.cursor);
        if left == 0 || !self.somebody_can_go(key, channel, cursor).await? {
            return Ok(false);
        }
        while left > 0 {
            let Some(candidates) = store.candidates(key, cursor, RUN_LEN, false).await? else { break };
            let WindowSource::Plan { len, .. } = candidates.source else { break };
            left = left.saturating_sub(u64::from(len));
            let runs = self.destinations(channel, &planned(&candidates)).await?;
            let providers: Vec<_> = runs.iter().map(|(provider, _)| *provider).collect();
            store.reassign(key, cursor, candidates.source, runs).await?;
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
            (Channel::Push, Some(own)) => self.choice.choose(channel, Some(&own.id)),
            (Channel::Push, None) => NO_PROVIDER,
            _ => self.choice.choose(channel, None),
        };
        (to != NO_PROVIDER && to != self.desk.no).then_some(to)
    }
}

fn planned(candidates: &Candidates) -> Vec<Planned> {
    let each = candidates.list.iter();
    each.map(|candidate| Planned { target: candidate.target, direct: candidate.direct }).collect()
}
