//! What stands between a provider and its recipients, and what follows from it.

use super::desk::Standing;
use super::dispatcher::Dispatcher;
use super::train::Train;
use super::verdicts::BY_NUMBERS;
use crate::domain::audit::Actor;
use crate::domain::ids::MessageNo;
use crate::domain::plan::WaitReason;
use crate::domain::provider::{Provider, ProviderHold};
use crate::domain::time::Timestamp;
use crate::engine::breaker::Permit;
use crate::engine::clock::wall_at;
use crate::engine::conditions::{Condition, Effect, Phase, effect};
use crate::engine::control;
use crate::engine::core::lock;
use crate::engine::error::Result;
use crate::store::StoreError;
use crate::store::dispatch::Next;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

impl Dispatcher {
    /// Whether the guard has stopped its bulk.
    pub(super) fn guarded(&self) -> bool {
        self.provider.as_ref().is_some_and(|provider| provider.guard.is_some())
    }

    /// What stands between this provider and its recipients now, the gravest first.
    pub(super) fn conditions(&mut self, now: Instant) -> Vec<Condition> {
        let Some(provider) = &self.provider else { return vec![Condition::Deleted] };
        let mut conditions = Vec::new();
        if !provider.enabled {
            conditions.push(Condition::Disabled);
        }
        match &provider.hold {
            Some(ProviderHold::Refused { .. } | ProviderHold::Misconfigured { .. }) => {
                conditions.push(Condition::Refuses);
            }
            Some(ProviderHold::Paused { .. }) => conditions.push(Condition::Paused),
            None if self.refused.is_some() => conditions.push(Condition::Refuses),
            None => {}
        }
        if self.quota.limited() && self.quota.room(now) == 0 {
            conditions.push(Condition::Quota);
        }
        if matches!(self.breaker.permit(now), Permit::Wait(_)) {
            conditions.push(Condition::Breaker);
        }
        conditions
    }

    pub(super) fn stand(&mut self, conditions: &[Condition], now: Instant) {
        let clock = &*self.core.clock;
        let (until, cause) = match conditions.first() {
            Some(Condition::Quota) => (Some(clock.now().plus(self.quota.opens_in(now))), String::new()),
            Some(Condition::Breaker) => match self.breaker.permit(now) {
                Permit::Wait(until) => (Some(wall_at(clock, until)), self.breaker.cause().to_owned()),
                _ => (None, self.breaker.cause().to_owned()),
            },
            _ => (None, String::new()),
        };
        let until = until.map(|until| Timestamp(until.0.div_euclid(1000) * 1000 + 1000));
        let breaker = match self.breaker.permit(now) {
            Permit::Wait(until) => Some(wall_at(clock, until)),
            Permit::Open | Permit::Probe => None,
        };
        let broken_since = self.breaker.since().map(|since| {
            // To the second: the two clocks never agree to the millisecond.
            Timestamp(wall_at(clock, since).0.div_euclid(1000) * 1000)
        });
        let probing = self.breaker.is_probing();
        let paced = lock(&self.desk.pacer).rate();
        let used = self.quota.used(now);
        let (claimed, window) = (self.claimed, self.window());
        self.desk.stand(Standing {
            condition: conditions.first().copied(),
            handing_on: self.handing_on,
            until,
            cause,
            paced,
            claimed,
            window,
            used,
            breaker,
            broken_since,
            probing,
        });
    }

    /// Takes recipients back that no worker has, where a condition says so.
    pub(super) fn put_back(&mut self, conditions: &[Condition], closing: bool, wall: Timestamp) {
        // The probe is at hand because the breaker is open: it is not taken back for that.
        let probing = self.breaker.is_probing();
        let effects = |wanted| {
            let mut holding =
                conditions.iter().filter(|condition| **condition != Condition::Breaker || !probing);
            holding.any(|condition| effect(*condition, Phase::AtHand) == wanted)
        };
        let held = effects(Effect::Held);
        let waits = effects(Effect::Waits) || effects(Effect::Replanned);
        if self.desk.at_hand() == 0 || !(held || waits || closing || self.core.stopped()) {
            return;
        }
        let (due, why) =
            if held { (Timestamp::NEVER, WaitReason::ProviderRefuses) } else { (wall, WaitReason::Retry) };
        for train in self.desk.take_back() {
            self.put_back_train(&train, due, why, wall);
        }
    }

    /// Takes recipients of a message back that no worker has: it was paused, held or has ended.
    pub(super) fn recall(&mut self, message: MessageNo) {
        let wall = self.core.clock.now();
        for train in self.desk.take_back_of(message) {
            self.put_back_train(&train, wall, WaitReason::Retry, wall);
        }
    }

    fn put_back_train(&mut self, train: &Train, due: Timestamp, why: WaitReason, wall: Timestamp) {
        self.quota.give_back(train.items.len() as u64);
        // A key of an earlier window was used: without it they would be sent to anew.
        let used = train.key.filter(|key| key.window != train.window);
        for item in &train.items {
            let mut done = item.put_back(train.window, due, why, wall);
            if let Next::Wait { waiting, .. } = &mut done.outcome.next {
                waiting.batch = used;
            }
            self.verdicts.record(done);
        }
    }

    /// Notes in the record that the service refuses us, and takes everybody off the desk.
    pub(super) async fn hold(&mut self, answer: &str) -> Result<()> {
        let Some(provider) = self.provider.clone() else {
            self.refused = None;
            return Ok(());
        };
        if provider.hold.is_none() {
            let now = self.core.clock.now();
            let answer = answer.to_owned();
            let hold = if self.misconfigured {
                ProviderHold::Misconfigured { answer, since: now }
            } else {
                ProviderHold::Refused { answer, since: now }
            };
            let audit = control::audit(
                now,
                &Actor::engine(),
                "provider.hold",
                &format!("provider/{}", provider.id),
                format!("refuses us: {}", hold.refusal().map_or("", |(answer, _)| answer)),
            );
            let expect = provider.revision;
            let changed = Provider { hold: Some(hold), updated: now, ..provider };
            match self.core.store.put_provider(changed, None, expect, audit).await {
                Ok(now) => {
                    self.was_held = true;
                    self.probe_at = Some(Instant::now() + self.probe_wait);
                    self.provider = Some(now);
                }
                // Somebody changed it meanwhile: look again, then decide again.
                Err(StoreError::Stale { .. }) => {}
                Err(StoreError::NotFound { .. }) => self.refused = None,
                Err(error) => return Err(error.into()),
            }
        } else {
            self.refused = None;
        }
        Ok(())
    }

    /// Asks a provider that refuses us whether it still does.
    pub(super) fn probe(&mut self) {
        self.probe_wait = (self.probe_wait * 2).min(Duration::from_hours(1));
        self.probe_at = Some(Instant::now() + self.probe_wait);
        let Some(provider) = self.provider.clone().filter(|provider| provider.enabled) else { return };
        let Some((answer, _)) = provider.hold.as_ref().and_then(ProviderHold::refusal) else { return };
        if answer.starts_with(BY_NUMBERS) {
            // Logging in says nothing of what it thinks of us: an operator decides.
            return;
        }
        let core = Arc::clone(&self.core);
        self.core.spawn(async move { control::probe(&core, provider).await });
    }
}
