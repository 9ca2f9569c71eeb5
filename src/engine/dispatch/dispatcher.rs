//! The dispatcher of one provider: its loop.

use super::desk::{Desk, Standing};
use super::lanes::{LaneBook, LaneState, Supply};
use super::sheets;
use super::train::{Done, Link, Sheet};
use super::verdicts::Verdicts;
use super::worker;
use crate::domain::ids::{MessageNo, WindowNo};
use crate::domain::plan::{WaitReason, WindowSource};
use crate::domain::provider::{Provider, ProviderHold};
use crate::domain::state::MessageState;
use crate::domain::time::Timestamp;
use crate::engine::breaker::{Breaker, Permit};
use crate::engine::choice::Choice;
use crate::engine::clock::{SLICE, wall_at};
use crate::engine::conditions::{Condition, Effect, Phase, effect};
use crate::engine::core::{Core, lock};
use crate::engine::error::{EngineError, Result};
use crate::engine::limits::Quota;
use crate::store::StoreError;
use crate::store::dispatch::{Candidates, Decision, Lane, Next, WaitingFilter};
use crate::store::history::StoreHealth;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;
use tokio::time::Instant;

/// What was read longer ago than this is read again before it is claimed.
const FRESH: Duration = Duration::from_secs(1);
/// The most lanes that are read from between two looks at the rest.
const READS: usize = 64;
/// The most people that one decision moves.
pub(super) const STEP: usize = 4096;

/// The dispatcher of one provider.
#[allow(clippy::struct_excessive_bools)]
pub(crate) struct Dispatcher {
    pub(super) core: Arc<Core>,
    pub(super) desk: Arc<Desk>,
    pub(super) book: LaneBook,
    /// The record as last seen; `None`: it does not exist.
    pub(super) provider: Option<Provider>,
    pub(super) choice: Arc<Choice>,
    pub(super) link: Option<Arc<Link>>,
    pub(super) quota: Quota,
    pub(super) breaker: Breaker,
    pub(super) verdicts: Verdicts,
    /// Open windows and how many of each have no recorded outcome.
    pub(super) open: BTreeMap<WindowNo, super::journal::Open>,
    /// Recipients that are claimed and have no recorded outcome.
    pub(super) claimed: usize,
    /// The same by message.
    pub(super) claimed_of: HashMap<MessageNo, usize>,
    pub(super) last_commit: Instant,
    /// Answers a second, as of late.
    pub(super) rate: f64,
    pub(super) rate_from: (Instant, usize),
    /// How long a commit takes, as of late.
    pub(super) commit_time: Duration,
    /// The service has refused us, and the record does not say so yet.
    refused: Option<String>,
    /// The record said so when it was last looked at.
    was_held: bool,
    /// A commit has failed: windows may be open that nobody knows of.
    pub(super) unsure: bool,
    /// Since when a streak waits and nobody is asked.
    idle_since: Option<Instant>,
    probe_at: Option<Instant>,
    probe_wait: Duration,
    /// Lanes that were looked at for another provider already, under this choice.
    pub(super) rerouted: bool,
    started: bool,
}

impl Dispatcher {
    pub(crate) fn new(core: Arc<Core>, desk: Arc<Desk>) -> Self {
        let now = Instant::now();
        let limits = crate::domain::provider::Limits::default();
        Self {
            quota: Quota::restore(&limits, None, core.clock.now(), now),
            breaker: Breaker::new(&core.config),
            verdicts: Verdicts::new(&core.config),
            probe_wait: core.config.probe_interval,
            book: LaneBook::default(),
            provider: None,
            choice: Arc::default(),
            link: None,
            open: BTreeMap::new(),
            claimed: 0,
            claimed_of: HashMap::new(),
            last_commit: now - core.config.commit_interval,
            rate: 0.0,
            rate_from: (now, 0),
            commit_time: Duration::ZERO,
            refused: None,
            was_held: true,
            unsure: false,
            idle_since: None,
            probe_at: None,
            rerouted: false,
            started: false,
            core,
            desk,
        }
    }

    /// Runs until the engine closes and everything that was handed over is recorded.
    pub(crate) async fn run(mut self) {
        loop {
            match self.step().await {
                Ok(true) => {}
                Ok(false) | Err(EngineError::Store(StoreError::Closed)) => break,
                Err(_) if self.core.giving_up.is_cancelled() => break,
                Err(error) => {
                    tracing::warn!(provider = self.desk.no.0, %error, "dispatch goes on when the store does");
                    self.wait_for_store().await;
                }
            }
        }
        if let Some(link) = &self.link {
            link.adapter.close().await;
        }
    }

    /// One round: look, collect, claim and record, or wait. False: it is over.
    async fn step(&mut self) -> Result<bool> {
        self.look().await?;
        self.collect();
        if let Some(answer) = self.refused.clone() {
            self.hold(&answer).await?;
        }
        let closing = self.core.closing.is_cancelled();
        let now = Instant::now();
        let wall = self.core.clock.now();
        let conditions = self.conditions(now);
        self.stand(&conditions, now);
        self.put_back(&conditions, closing, wall);
        if closing && self.desk.in_hand.load(SeqCst) == 0 && !self.desk.has_answers() {
            self.verdicts.let_go();
            if self.verdicts.pending() > 0 {
                self.commit(Vec::new(), now).await?;
                return Ok(true);
            }
            return Ok(false);
        }
        if self.unsure {
            self.reconcile().await?;
        }
        // On a full disk no claim would be granted; outcomes are.
        let recordable = *self.core.store.health().borrow() == StoreHealth::Well;
        if !closing && recordable && !self.core.stopped() {
            self.reroute(&conditions).await?;
            let read = self.read(wall, &conditions, now).await?;
            let claims = self.claims(&conditions, now, wall);
            if !claims.is_empty() || self.due_to_record(now) {
                self.commit(claims, now).await?;
                return Ok(true);
            }
            if read {
                return Ok(true);
            }
        } else if self.due_to_record(now) {
            self.commit(Vec::new(), now).await?;
            return Ok(true);
        }
        if self.verdicts.kept_back() == 0 || !self.idle() {
            self.idle_since = None;
        } else if now >= *self.idle_since.get_or_insert(now) + self.core.config.commit_interval {
            // Nobody is left who could say whether a streak speaks of us.
            self.verdicts.let_go();
            return Ok(true);
        }
        self.sleep(&conditions, now, wall).await;
        Ok(true)
    }

    /// Looks at what has changed: the provider's record, and the lanes that somebody touched.
    async fn look(&mut self) -> Result<()> {
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
        let result = if touched.all { self.rescan().await } else { self.refresh(&touched.messages).await };
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
                *lock(&self.desk.pacer) = crate::engine::limits::Pacer::new(&provider.limits, now);
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
                self.release(None).await?;
            }
            self.was_held = held;
            if held {
                let refuses = matches!(provider.hold, Some(ProviderHold::Refused { .. }));
                self.probe_at = refuses.then(|| now + self.probe_wait);
            } else {
                self.probe_at = None;
                self.probe_wait = self.core.config.probe_interval;
                self.refused = None;
                self.verdicts.start_over();
            }
        }
        self.provider = new;
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
        let at = self.core.clock.now();
        while self.core.store.decide(filter.clone(), Decision::Release, STEP, at).await? > 0 {}
        Ok(())
    }

    /// Reads all open lanes.
    async fn rescan(&mut self) -> Result<()> {
        let lanes = self.core.store.lanes(self.desk.no).await?;
        let gone: Vec<_> = self
            .book
            .lanes
            .keys()
            .filter(|message| !lanes.iter().any(|lane| lane.key.message == **message))
            .copied()
            .collect();
        for message in gone {
            self.book.remove(message);
        }
        for lane in lanes {
            self.take_lane(lane).await?;
        }
        Ok(())
    }

    async fn refresh(&mut self, messages: &std::collections::HashSet<MessageNo>) -> Result<()> {
        for message in messages {
            let lanes = self.core.store.lanes_of(*message).await?;
            match lanes.into_iter().find(|lane| lane.key.provider == self.desk.no) {
                Some(lane) => self.take_lane(lane).await?,
                None => self.book.remove(*message),
            }
        }
        Ok(())
    }

    /// Takes a lane as the store has it into the book.
    async fn take_lane(&mut self, lane: Lane) -> Result<()> {
        let message = lane.key.message;
        let over = lane.progress.untouched() == 0 && lane.next_wait.is_none();
        if !self.core.admits(message) || over {
            self.book.remove(message);
            return Ok(());
        }
        let now = match self.core.store.message_by_no(message).await {
            Ok(now) => now,
            Err(StoreError::NotFound { .. }) => {
                self.book.remove(message);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        if now.state != MessageState::Processing {
            self.book.remove(message);
            return Ok(());
        }
        let known = self.book.lanes.get(&message).filter(|known| known.run == lane.run);
        if known.is_none() {
            let sheet = self.sheet(message).await?;
            self.book.insert(LaneState::new(lane.key, lane.run, sheet));
            self.rerouted = false;
        }
        if let Some(known) = self.book.lanes.get_mut(&message) {
            known.cursor = known.cursor.max(lane.cursor);
            if !known.exhausted || lane.progress.untouched() > 0 {
                known.exhausted = false;
                self.rerouted = false;
            }
            known.next_wait = lane.next_wait;
        }
        self.book.thirsty(message);
        Ok(())
    }

    /// A message compiled for this provider. A provider that cannot be connected refuses us.
    async fn sheet(&mut self, message: MessageNo) -> Result<Arc<Sheet>> {
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
                Err(error) => self.refused = Some(error.to_string()),
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

    /// Takes answers in.
    fn collect(&mut self) {
        let now = Instant::now();
        let answers: Vec<Done> = self.desk.take_answers();
        let count = answers.len();
        for done in answers {
            if let Some(refusal) = self.verdicts.take(done, &mut self.breaker, now, &self.core.chance) {
                self.refused.get_or_insert(refusal);
            }
        }
        let (from, before) = self.rate_from;
        self.rate_from.1 = before + count;
        let span = now - from;
        if span >= Duration::from_millis(100) {
            let rate = (before + count) as f64 / span.as_secs_f64();
            self.rate = if rate > self.rate { rate } else { self.rate * 0.75 + rate * 0.25 };
            self.rate_from = (now, 0);
        }
        if self.idle() {
            self.breaker.probe_again(now);
        }
    }

    /// Nobody is with the adapter, and nobody is about to be.
    fn idle(&self) -> bool {
        self.desk.in_hand.load(SeqCst) == 0 && self.desk.at_hand() == 0 && !self.desk.has_answers()
    }

    /// Notes in the record that the service refuses us, and takes everybody off the desk.
    async fn hold(&mut self, answer: &str) -> Result<()> {
        let Some(provider) = self.provider.clone() else {
            self.refused = None;
            return Ok(());
        };
        if provider.hold.is_none() {
            let now = self.core.clock.now();
            let hold = ProviderHold::Refused { answer: answer.to_owned(), since: now };
            let audit = crate::engine::control::audit(
                now,
                &crate::domain::audit::Actor::engine(),
                "provider.hold",
                &format!("provider/{}", provider.id),
                format!("refuses us: {answer}"),
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

    /// What stands between this provider and its recipients now, the gravest first.
    pub(super) fn conditions(&mut self, now: Instant) -> Vec<Condition> {
        let Some(provider) = &self.provider else { return vec![Condition::Deleted] };
        let mut conditions = Vec::new();
        if !provider.enabled {
            conditions.push(Condition::Disabled);
        }
        match &provider.hold {
            Some(ProviderHold::Refused { .. }) => conditions.push(Condition::Refuses),
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

    fn stand(&mut self, conditions: &[Condition], now: Instant) {
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
        let paced = lock(&self.desk.pacer).rate();
        let (claimed, window) = (self.claimed, self.window());
        self.desk.stand(Standing {
            condition: conditions.first().copied(),
            until,
            cause,
            paced,
            claimed,
            window,
        });
    }

    /// Takes recipients back that no worker has, where a condition says so.
    fn put_back(&mut self, conditions: &[Condition], closing: bool, wall: Timestamp) {
        // The probe is at hand because the breaker is open: it is not taken back for that.
        let probing = self.breaker.is_probing();
        let effects = |wanted| {
            let mut holding =
                conditions.iter().filter(|condition| **condition != Condition::Breaker || !probing);
            holding.any(|condition| effect(*condition, Phase::AtHand) == wanted)
        };
        let held = effects(Effect::Held);
        if self.desk.at_hand() == 0 || !(held || effects(Effect::Waits) || closing || self.core.stopped()) {
            return;
        }
        let (due, why) =
            if held { (Timestamp::NEVER, WaitReason::ProviderRefuses) } else { (wall, WaitReason::Retry) };
        for train in self.desk.take_back() {
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
    }

    /// Reads recipients ahead. True: somebody was found.
    async fn read(&mut self, wall: Timestamp, conditions: &[Condition], now: Instant) -> Result<bool> {
        if let Some(before) = now.checked_sub(FRESH) {
            self.book.drop_stale(before);
        }
        // Who waits and has come due.
        let due: Vec<_> = self
            .book
            .lanes
            .values()
            .filter(|lane| lane.supply.is_none() && lane.waiting_due(wall))
            .map(|lane| lane.key.message)
            .collect();
        for message in due {
            self.book.thirsty(message);
        }
        let wanted = self.wanted();
        let (mut reads, mut found) = (0, false);
        if !conditions.is_empty() {
            // Only who is too late is let through.
            let late =
                self.book.lanes.values().filter(|lane| lane.supply.is_none() && lane.sheet.expired(wall));
            let late: Vec<_> = late.map(|lane| lane.key.message).take(READS).collect();
            for message in late {
                found |= self.read_lane(message, wall, now, STEP).await?;
            }
            return Ok(found);
        }
        // Everybody in the line has somebody read, so that each gets its turn; the first ones more.
        let most = wanted.max(STEP) * 4;
        while reads < READS && self.book.supplied() < most {
            let Some(message) = self.book.dry.pop_front() else { break };
            let Some(lane) = self.book.lanes.get(&message) else { continue };
            reads += 1;
            let limit = if lane.sheet.expired(wall) {
                STEP
            } else if self.book.supplied() < wanted {
                wanted.min(STEP)
            } else {
                self.train()
            };
            found |= self.read_lane(message, wall, now, limit).await?;
        }
        Ok(found)
    }

    /// Reads from one lane; forgets it when there is nobody and nobody waits.
    async fn read_lane(
        &mut self,
        message: MessageNo,
        wall: Timestamp,
        now: Instant,
        limit: usize,
    ) -> Result<bool> {
        let store = Arc::clone(&self.core.store);
        let Some(lane) = self.book.lanes.get_mut(&message) else { return Ok(false) };
        if lane.supply.is_some() {
            return Ok(false);
        }
        if lane.sheet.expired(wall) && !lane.let_go {
            lane.let_go = true;
            // Whoever was put back because the provider refused us has its deadline, too.
            let filter = WaitingFilter {
                message: Some(message),
                provider: Some(self.desk.no),
                why: Some(WaitReason::ProviderRefuses),
            };
            while store.decide(filter.clone(), Decision::Release, STEP, wall).await? > 0 {
                lane.next_wait = Some(wall);
            }
        }
        let (key, person) = (lane.key, lane.sheet.templates.is_some());
        let plan_first = lane.plan_next;
        for plan in [plan_first, !plan_first] {
            let candidates = if plan && !lane.exhausted {
                let found = store.candidates(key, lane.cursor, limit, person).await?;
                lane.exhausted = found.is_none();
                found
            } else if !plan && lane.waiting_due(wall) {
                // A whole batch is never cut: it is at most as long as the service's limit.
                let whole = self.link.as_ref().map_or(0, |link| link.kind.batch as usize) * 2;
                let most = limit.max(whole);
                let mut found = store.due_waiting(key, wall, most, person).await?;
                if let Some(found) = &mut found {
                    cut_between_batches(found, most);
                }
                if found.is_none() {
                    let lanes = store.lanes_of(message).await?;
                    let next = lanes.iter().find(|lane| lane.key == key).and_then(|lane| lane.next_wait);
                    // The same time again would be read again at once, for ever.
                    lane.next_wait = next.filter(|next| *next > wall);
                }
                found
            } else {
                None
            };
            if let Some(candidates) = candidates {
                lane.plan_next = !matches!(candidates.source, WindowSource::Plan { .. });
                self.book.supply(message, Supply::new(candidates, now));
                return Ok(true);
            }
        }
        if lane.exhausted && lane.next_wait.is_none() && !lane.waiting_claimed {
            self.book.remove(message);
        }
        Ok(false)
    }

    /// Sleeps until something is to be done.
    async fn sleep(&mut self, conditions: &[Condition], now: Instant, wall: Timestamp) {
        let mut until = now + Duration::from_hours(1);
        let mut sooner = |at: Instant| until = until.min(at);
        if let Some(at) = self.verdicts.oldest() {
            sooner(at + self.core.config.commit_interval);
        }
        match conditions.first() {
            None => {
                if self.book.supplied() > 0 {
                    let hungry = self.desk.hungry.load(SeqCst);
                    let share = if hungry { 10 } else { 2 };
                    let rested = self.last_commit + self.core.config.commit_interval / share;
                    if rested > now {
                        sooner(rested);
                    } else if lock(&self.desk.pacer).rate().is_some() {
                        sooner(now + lock(&self.desk.pacer).span(1).min(SLICE));
                    }
                }
            }
            Some(Condition::Quota) => sooner(now + self.quota.opens_in(now)),
            Some(Condition::Breaker) => {
                if let Permit::Wait(at) = self.breaker.permit(now) {
                    sooner(at);
                }
            }
            Some(_) => {}
        }
        if let Some(at) = self.probe_at {
            sooner(at);
        }
        if let Some(since) = self.idle_since {
            sooner(since + self.core.config.commit_interval);
        }
        if !self.book.lanes.is_empty() {
            sooner(now + SLICE);
            let next = self.book.lanes.values().filter_map(|lane| lane.next_wait).min();
            if let Some(due) = next.filter(|due| *due > wall) {
                sooner(now + due.since(wall).min(SLICE));
            }
        }
        let until = until.max(now + Duration::from_millis(1));
        let closing = self.core.closing.is_cancelled();
        tokio::select! {
            () = self.desk.bell.notified() => {}
            () = tokio::time::sleep_until(until) => {}
            () = self.core.closing.cancelled(), if !closing => {}
        }
        if self.probe_at.is_some_and(|at| at <= Instant::now()) {
            self.probe();
        }
    }

    /// Asks a provider that refuses us whether it still does.
    fn probe(&mut self) {
        self.probe_wait = (self.probe_wait * 2).min(Duration::from_hours(1));
        self.probe_at = Some(Instant::now() + self.probe_wait);
        let Some(provider) = self.provider.clone().filter(|provider| provider.enabled) else { return };
        let Some(ProviderHold::Refused { answer, .. }) = &provider.hold else { return };
        if answer.starts_with(super::verdicts::BY_NUMBERS) {
            // Logging in says nothing of what it thinks of us: an operator decides.
            return;
        }
        let core = Arc::clone(&self.core);
        self.core.spawn(async move { crate::engine::control::probe(&core, provider).await });
    }

    async fn wait_for_store(&mut self) {
        let mut health = self.core.store.health();
        let well = async {
            while *health.borrow_and_update() != StoreHealth::Well {
                if health.changed().await.is_err() {
                    break;
                }
            }
        };
        tokio::select! {
            () = async { well.await; tokio::time::sleep(Duration::from_millis(50)).await } => {}
            () = tokio::time::sleep(SLICE) => {}
        }
    }
}

/// Where the list ends because it was full, a batch at its end may go on behind it: that batch is left
/// for the next time.
fn cut_between_batches(found: &mut Candidates, most: usize) {
    let WindowSource::Waiting(waiting) = &mut found.source else { return };
    let Some(last) = waiting.last().and_then(|last| last.batch) else { return };
    if waiting.len() < most {
        return;
    }
    let keep =
        waiting.iter().rposition(|waiting| waiting.batch != Some(last)).map_or(waiting.len(), |at| at + 1);
    waiting.truncate(keep);
    found.list.truncate(keep);
}
