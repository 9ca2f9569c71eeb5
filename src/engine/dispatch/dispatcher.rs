//! The dispatcher of one provider: its loop.

use super::desk::{Desk, HandingOn};
use super::journal::Open;
use super::lanes::LaneBook;
use super::train::{Done, Link, Sign};
use super::verdicts::{Suspicion, Verdicts};
use crate::domain::delivery::{Outcome, Stage};
use crate::domain::ids::{MessageNo, WindowNo};
use crate::domain::provider::{Limits, Provider};
use crate::domain::time::Timestamp;
use crate::engine::breaker::{Breaker, Permit};
use crate::engine::choice::Choice;
use crate::engine::clock::SLICE;
use crate::engine::conditions::Condition;
use crate::engine::core::{Core, lock};
use crate::engine::error::{EngineError, Result};
use crate::engine::limits::Quota;
use crate::store::StoreError;
use crate::store::history::{LogQuery, StoreHealth};
use crate::store::page::Order;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;
use tokio::time::Instant;

/// How long an outcome is kept back at most because it may speak of us.
const KEPT_BACK: Duration = Duration::from_secs(10);
/// The most people that one decision moves.
pub(super) const STEP: usize = 4096;

/// The dispatcher of one provider.
#[allow(clippy::struct_excessive_bools, reason = "each is a condition of its own; all combinations occur")]
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
    pub(super) open: BTreeMap<WindowNo, Open>,
    /// Recipients that are claimed and have no recorded outcome.
    pub(super) claimed: usize,
    /// The same by message.
    pub(super) claimed_of: BTreeMap<MessageNo, usize>,
    pub(super) last_commit: Instant,
    /// Answers a second, as of late.
    pub(super) rate: f64,
    pub(super) rate_from: (Instant, usize),
    /// How long a commit takes, as of late.
    pub(super) commit_time: Duration,
    /// The service has refused us, and the record does not say so yet.
    pub(super) refused: Option<String>,
    /// It was our credentials that it refused.
    pub(super) misconfigured: bool,
    /// Its recipients go through another.
    pub(super) handing_on: Option<HandingOn>,
    /// The record said so when it was last looked at.
    pub(super) was_held: bool,
    /// A commit has failed: windows may be open that nobody knows of.
    pub(super) unsure: bool,
    /// Since when a streak waits and nobody is asked.
    pub(super) idle_since: Option<Instant>,
    pub(super) probe_at: Option<Instant>,
    pub(super) probe_wait: Duration,
    /// Lanes that were looked at for another provider already, under this choice.
    pub(super) rerouted: bool,
    pub(super) started: bool,
}

impl Dispatcher {
    pub(crate) fn new(core: Arc<Core>, desk: Arc<Desk>) -> Self {
        let now = Instant::now();
        let limits = Limits::default();
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
            claimed_of: BTreeMap::new(),
            last_commit: now - core.config.commit_interval,
            rate: 0.0,
            rate_from: (now, 0),
            commit_time: Duration::ZERO,
            refused: None,
            misconfigured: false,
            handing_on: None,
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
            self.end_row().await?;
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
            self.hand_on(&conditions, now, wall).await?;
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
        // What was kept back for long, a crash would put in doubt.
        let long = self.verdicts.kept_since().is_some_and(|since| now >= since + KEPT_BACK);
        if self.verdicts.kept_back() == 0 || !(self.idle() || long) {
            self.idle_since = None;
        } else if long || now >= *self.idle_since.get_or_insert(now) + self.core.config.commit_interval {
            // Nobody is left who could say whether a streak speaks of us.
            self.end_row().await?;
            return Ok(true);
        }
        self.sleep(&conditions, now, wall).await;
        Ok(true)
    }

    /// Decides for those who were kept back, as far as anybody can tell.
    async fn end_row(&mut self) -> Result<()> {
        let ours = match self.verdicts.suspicion() {
            Suspicion::None => false,
            Suspicion::Sure => true,
            Suspicion::IfNobodyWasAccepted => {
                let query = LogQuery {
                    provider: Some(self.desk.no),
                    outcomes: vec![Outcome::Accepted, Outcome::Delivered, Outcome::Bounced],
                    order: Order::Descending,
                    limit: 1,
                    scan: 50_000,
                    ..LogQuery::default()
                };
                self.core.store.log(query).await?.rows.is_empty()
            }
        };
        if ours {
            let said = self.verdicts.convict();
            if self.refused.is_none() {
                self.refused = Some(said);
                self.misconfigured = false;
            }
        } else {
            self.verdicts.let_go();
        }
        Ok(())
    }

    /// Takes answers in.
    fn collect(&mut self) {
        let now = Instant::now();
        let answers: Vec<Done> = self.desk.take_answers();
        let count = answers.len();
        for done in answers {
            let stage = done.outcome.detail.stage;
            let alone = done.sign == Sign::RefusesUs && stage == Stage::Authentication;
            if let Some(refusal) = self.verdicts.take(done, &mut self.breaker, now, &self.core.chance)
                && self.refused.is_none()
            {
                self.refused = Some(refusal);
                self.misconfigured = alone;
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
        if let Some(since) = self.verdicts.kept_since() {
            sooner(since + KEPT_BACK);
        }
        if !self.book.lanes.is_empty() {
            sooner(now + SLICE);
            if let Some(due) = self.book.next_wait_after(wall) {
                sooner(now + due.since(wall).min(SLICE));
            }
        }
        let until = until.max(now + Duration::from_millis(1));
        let closing = self.core.closing.is_cancelled();
        tokio::select! {
            biased;
            () = self.desk.bell.notified() => {}
            () = tokio::time::sleep_until(until) => {}
            () = self.core.closing.cancelled(), if !closing => {}
        }
        if self.probe_at.is_some_and(|at| at <= Instant::now()) {
            self.probe();
        }
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
            biased;
            () = async { well.await; tokio::time::sleep(Duration::from_millis(50)).await } => {}
            () = tokio::time::sleep(SLICE) => {}
        }
    }
}
