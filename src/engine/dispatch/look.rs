//! What a dispatcher knows of the world: its provider's record, and the lanes.

use super::dispatcher::Dispatcher;
use super::lanes::LaneState;
use super::sheets;
use super::train::Sheet;
use super::worker;
use crate::domain::ids::MessageNo;
use crate::domain::message::Message;
use crate::domain::plan::WaitReason;
use crate::domain::provider::Provider;
use crate::domain::state::MessageState;
use crate::engine::control;
use crate::engine::core::lock;
use crate::engine::error::{EngineError, Result};
use crate::engine::limits::{Pacer, Quota};
use crate::store::StoreError;
use crate::store::dispatch::{Decision, Lane, WaitingFilter};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use tokio::time::Instant;

impl Dispatcher {
    /// Looks at what has changed: the provider's record, and the lanes that somebody touched.
    pub(super) async fn look(&mut self) -> Result<()> {
        let choice = self.core.choice().await?;
        if !self.started || !Arc::ptr_eq(&choice, &self.choice) {
            let new = choice.get(self.desk.no).cloned();
            if !self.started || new != self.provider {
                self.changed(new).await?;
            }
            // Only now: what could not be taken on is taken on with the next look.
            self.choice = choice;
            self.rerouted = false;
            self.started = true;
        }
        let touched = self.desk.take_touched();
        let mut result = if touched.all { self.rescan().await } else { Ok(()) };
        if result.is_ok() {
            result = self.refresh(&touched.messages).await;
        }
        if result.is_err() {
            // Nothing that was asked for is forgotten.
            if touched.all {
                self.desk.touch_all();
            }
            touched.messages.into_iter().for_each(|message| self.desk.touch(message));
        }
        result
    }

    /// Takes on a changed record.
    async fn changed(&mut self, new: Option<Provider>) -> Result<()> {
        let now = Instant::now();
        if let Some(provider) = &new {
            if self.provider.is_none() {
                let stored = self.core.store.usage(provider.no).await?;
                self.quota = Quota::restore(&provider.limits, stored.as_deref(), self.core.clock.now(), now);
                *lock(&self.desk.pacer) = Pacer::new(&provider.limits, now);
            } else {
                self.quota.set(&provider.limits);
                lock(&self.desk.pacer).set(&provider.limits);
            }
            let reconnect = self.provider.as_ref().is_some_and(|old| sheets::differs(old, provider));
            if reconnect {
                self.breaker.reset();
            }
            if reconnect || self.link.is_none() {
                self.disconnect();
            }
            let held = provider.hold.is_some();
            if self.was_held && !held {
                self.breaker.reset();
                // Whoever was put back and is not recorded yet goes with those who are.
                self.verdicts.release(self.core.clock.now());
                self.release(None).await?;
            }
            self.was_held = held;
            if held {
                let refuses = provider.hold.as_ref().is_some_and(|hold| hold.refusal().is_some());
                self.probe_at = refuses.then(|| now + self.probe_wait);
            } else {
                self.probe_at = None;
                self.probe_wait = self.core.config.probe_interval;
                self.refused = None;
                self.verdicts.start_over();
            }
        }
        let before = self.guarded();
        self.provider = new;
        if self.guarded() && !before {
            // Nobody more of its bulk goes out than is with the service already.
            let bulk: Vec<_> = self
                .book
                .lanes
                .values()
                .filter(|lane| lane.sheet.message.is_bulk())
                .map(|lane| lane.key.message)
                .collect();
            for message in bulk {
                self.book.drop_supply(message);
                self.recall(message);
            }
        }
        if self.link.is_some() {
            self.hire();
        }
        self.desk.touch_all();
        Ok(())
    }

    fn disconnect(&mut self) {
        if let Some(link) = self.link.take() {
            self.core.spawn(async move { link.adapter.close().await });
        }
        let lanes: Vec<_> = self.book.lanes.keys().copied().collect();
        for message in lanes {
            self.book.remove(message);
        }
    }

    /// Lets people go who were put back because the provider refused us.
    pub(super) async fn release(&self, message: Option<MessageNo>) -> Result<()> {
        let filter =
            WaitingFilter { message, provider: Some(self.desk.no), why: Some(WaitReason::ProviderRefuses) };
        control::decide_all(&self.core, &filter, Decision::Release, self.core.clock.now()).await?;
        Ok(())
    }

    /// Reads all open lanes.
    async fn rescan(&mut self) -> Result<()> {
        let lanes = self.core.store.lanes(self.desk.no).await?;
        let open: BTreeSet<_> = lanes.iter().map(|lane| lane.key.message).collect();
        let gone: Vec<_> =
            self.book.lanes.keys().filter(|message| !open.contains(message)).copied().collect();
        for message in gone {
            self.book.remove(message);
        }
        for lane in lanes {
            // One that is known is not read anew: whoever pauses or changes its message says so.
            let known = self.book.lanes.get(&lane.key.message).is_some_and(|known| known.run == lane.run);
            if known && lane.progress.untouched() + lane.progress.waiting() > 0 {
                self.update(&lane);
            } else {
                self.take_lane(lane).await?;
            }
        }
        Ok(())
    }

    async fn refresh(&mut self, messages: &BTreeSet<MessageNo>) -> Result<()> {
        for message in messages {
            let lanes = self.core.store.lanes_of(*message).await?;
            if let Some(lane) = lanes.into_iter().find(|lane| lane.key.provider == self.desk.no) {
                self.take_lane(lane).await?;
            } else {
                self.book.remove(*message);
                self.recall(*message);
            }
        }
        Ok(())
    }

    /// Takes a lane as the store has it into the book.
    async fn take_lane(&mut self, lane: Lane) -> Result<()> {
        let message = lane.key.message;
        if !self.core.admits(message) {
            self.book.remove(message);
            return Ok(());
        }
        let now = match self.core.store.message_by_no(message).await {
            Ok(now) => now,
            Err(StoreError::NotFound { .. }) => {
                self.book.remove(message);
                self.recall(message);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        if now.state != MessageState::Processing {
            self.book.remove(message);
            self.recall(message);
            return Ok(());
        }
        let over = lane.progress.untouched() == 0 && lane.next_wait.is_none();
        if over {
            self.book.remove(message);
            return Ok(());
        }
        let known = self.book.lanes.get(&message).is_some_and(|known| known.run == lane.run);
        if !known {
            let sheet = self.sheet(now).await?;
            self.book.insert(LaneState::new(lane.key, lane.run, sheet));
            self.rerouted = false;
        }
        self.update(&lane);
        Ok(())
    }

    /// Brings a known lane up to what the store says of it.
    fn update(&mut self, lane: &Lane) {
        let message = lane.key.message;
        if let Some(known) = self.book.lanes.get_mut(&message) {
            known.cursor = known.cursor.max(lane.cursor);
            if !known.exhausted || lane.progress.untouched() > 0 {
                known.exhausted = false;
                self.rerouted = false;
            }
        }
        self.book.set_wait(message, lane.next_wait);
        self.book.thirsty(message);
    }

    /// A message compiled for this provider. A provider that cannot be connected refuses us.
    async fn sheet(&mut self, message: Message) -> Result<Arc<Sheet>> {
        if self.link.is_none()
            && let Some(provider) = self.provider.clone().filter(|provider| provider.enabled)
        {
            match sheets::connect(&self.core, &provider).await {
                Ok(link) => {
                    self.link = Some(link);
                    self.hire();
                }
                Err(EngineError::Store(error @ (StoreError::Closed | StoreError::Suspended { .. }))) => {
                    return Err(error.into());
                }
                Err(error) => {
                    self.refused = Some(error.to_string());
                    self.misconfigured = true;
                }
            }
        }
        sheets::sheet(&self.core, message, self.link.clone()).await
    }

    /// Brings the number of workers to what the provider allows.
    fn hire(&mut self) {
        let (Some(link), Some(provider)) = (&self.link, &self.provider) else { return };
        let wanted = usize::from(provider.limits.concurrency.unwrap_or(link.kind.concurrency)).max(1);
        self.desk.concurrency.store(wanted, SeqCst);
        let mut workers = lock(&self.desk.workers);
        if workers.len() < wanted {
            workers.resize(wanted, false);
        }
        for slot in 0..wanted {
            if !std::mem::replace(&mut workers[slot], true) {
                self.core.spawn(worker::work(Arc::clone(&self.core), Arc::clone(&self.desk), slot));
            }
        }
        drop(workers);
        self.desk.ready_bell.notify_one();
    }
}
