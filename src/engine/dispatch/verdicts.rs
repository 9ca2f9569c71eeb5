//! Outcomes on their way into the journal, and what they say of the provider.

use super::train::{Done, Sign};
use crate::domain::delivery::Outcome;
use crate::domain::ids::WindowNo;
use crate::domain::plan::WaitReason;
use crate::domain::time::Timestamp;
use crate::engine::breaker::Breaker;
use crate::engine::chance::Chance;
use crate::engine::config::EngineConfig;
use crate::engine::streak::Streak;
use crate::store::dispatch::{ItemOutcome, Next};
use std::collections::BTreeMap;
use tokio::time::Instant;

/// How the answer of a provider begins that refuses us by numbers. It is not probed.
pub(crate) const BY_NUMBERS: &str = "Everybody is refused";

/// Whether the refusals of a row speak of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suspicion {
    /// They do not.
    None,
    /// They do, unless somebody was accepted before.
    IfNobodyWasAccepted,
    /// They do.
    Sure,
}

/// Outcomes that are not recorded yet.
pub(crate) struct Verdicts {
    pending: BTreeMap<WindowNo, Vec<ItemOutcome>>,
    count: usize,
    oldest: Option<Instant>,
    streak: Streak<Done>,
    /// Since when somebody is kept back.
    kept_since: Option<Instant>,
    /// What a refusal of this row said, as long as each of them spoke of us.
    policy: Option<String>,
    /// The row has a refusal that spoke of a recipient.
    personal: bool,
    /// Somebody was accepted in this life of the engine.
    accepted: bool,
}

impl Verdicts {
    pub(crate) fn new(config: &EngineConfig) -> Self {
        Self {
            pending: BTreeMap::new(),
            count: 0,
            oldest: None,
            streak: Streak::new(config.refusals, config.refusal_domains),
            kept_since: None,
            policy: None,
            personal: false,
            accepted: false,
        }
    }

    /// Takes an outcome. `Some`: the provider refuses us, and what it said.
    pub(crate) fn take(
        &mut self,
        mut done: Done,
        breaker: &mut Breaker,
        now: Instant,
        chance: &Chance,
    ) -> Option<String> {
        if let Some(pause) = done.pause {
            breaker.ask_pause(now + pause, &done.outcome.detail.answer);
        }
        let mut refusal = None;
        match done.sign {
            Sign::None => {}
            Sign::Accepted => {
                breaker.success();
                self.accepted = true;
                self.break_row();
            }
            Sign::Answered => breaker.success(),
            Sign::Way => breaker.failure(&done.outcome.detail.answer, now, chance),
            Sign::RefusesUs => refusal = Some(done.outcome.detail.answer.clone()),
            Sign::Refusal | Sign::Policy => {
                breaker.success();
                let said = done.outcome.detail.answer.clone();
                self.personal |= done.sign == Sign::Refusal;
                self.policy = (!self.personal).then(|| said.clone());
                let place = std::mem::take(&mut done.place);
                if let Some(people) = self.streak.refused(&place, done) {
                    self.kept_since = None;
                    for done in people {
                        self.record(put_back(done));
                    }
                    return Some(format!("{BY_NUMBERS}, at several places. Last answer: {said}"));
                }
                self.kept_since.get_or_insert(now);
                while let Some(done) = self.streak.beyond() {
                    self.record(done);
                }
                return None;
            }
        }
        self.record(done);
        refusal
    }

    /// An outcome that goes into the next commit.
    pub(crate) fn record(&mut self, done: Done) {
        self.pending.entry(done.window).or_default().push(done.outcome);
        self.count += 1;
        self.oldest.get_or_insert_with(Instant::now);
    }

    /// Records who was kept back because of a streak: nobody else will say more.
    pub(crate) fn let_go(&mut self) {
        self.kept_since = None;
        for done in self.streak.let_go() {
            self.record(done);
        }
    }

    /// The refusals so far say no more of us.
    fn break_row(&mut self) {
        self.let_go();
        self.streak.broken();
        self.policy = None;
        self.personal = false;
    }

    /// The provider is tried anew: what it said before does not count.
    pub(crate) fn start_over(&mut self) {
        self.break_row();
    }

    /// Whether each refusal of the row spoke of us, and what decides whether that is so.
    pub(crate) fn suspicion(&self) -> Suspicion {
        match &self.policy {
            Some(_) if self.streak.is_empty() => Suspicion::None,
            Some(_) if self.streak.places() > 1 => Suspicion::Sure,
            // One place alone may be one mailing list, unless nobody was ever accepted.
            Some(_) if !self.accepted => Suspicion::IfNobodyWasAccepted,
            _ => Suspicion::None,
        }
    }

    /// Puts those back who are kept back, because the provider refuses us; what it said.
    pub(crate) fn convict(&mut self) -> String {
        self.kept_since = None;
        for done in self.streak.let_go() {
            self.record(put_back(done));
        }
        let said = self.policy.clone().unwrap_or_default();
        format!("{BY_NUMBERS} for a reason that speaks of us. Last answer: {said}")
    }

    /// Those who were put back because the provider refused us, and are not recorded yet, are due.
    pub(crate) fn release(&mut self, at: Timestamp) {
        for outcome in self.pending.values_mut().flatten() {
            if let Next::Wait { due, waiting, .. } = &mut outcome.next
                && waiting.why == WaitReason::ProviderRefuses
            {
                *due = at;
                waiting.why = WaitReason::Retry;
                outcome.detail.retry_at = outcome.detail.retry_at.map(|_| at);
            }
        }
    }

    /// Since when somebody is kept back.
    pub(crate) fn kept_since(&self) -> Option<Instant> {
        self.kept_since
    }

    /// How many are kept back.
    pub(crate) fn kept_back(&self) -> usize {
        self.streak.len()
    }

    /// How many outcomes wait for a commit.
    pub(crate) fn pending(&self) -> usize {
        self.count
    }

    /// Since when the first of them waits.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.oldest
    }

    /// All that wait for a commit.
    pub(crate) fn drain(&mut self) -> Vec<(WindowNo, Vec<ItemOutcome>)> {
        self.count = 0;
        self.oldest = None;
        std::mem::take(&mut self.pending).into_iter().collect()
    }

    /// Takes outcomes back whose commit failed.
    pub(crate) fn restore(&mut self, outcomes: Vec<(WindowNo, Vec<ItemOutcome>)>) {
        for (window, mut items) in outcomes {
            self.count += items.len();
            self.pending.entry(window).or_default().append(&mut items);
        }
        if self.count > 0 {
            self.oldest.get_or_insert_with(Instant::now);
        }
    }
}

/// Somebody who was refused because the provider refuses us: waits until it is well again.
fn put_back(mut done: Done) -> Done {
    let outcome = &mut done.outcome;
    outcome.outcome = Outcome::Transient;
    outcome.detail.retry_at = Some(Timestamp::NEVER);
    outcome.next = Next::Wait {
        due: Timestamp::NEVER,
        waiting: crate::domain::plan::Waiting {
            no: crate::domain::ids::WaitNo(0),
            target: outcome.target,
            identifier: outcome.identifier,
            direct: outcome.direct,
            attempts: outcome.attempt,
            possibly_twice: outcome.detail.possibly_twice,
            why: WaitReason::ProviderRefuses,
            batch: None,
        },
        log: true,
    };
    done
}
