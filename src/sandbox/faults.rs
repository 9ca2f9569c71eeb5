//! Faults: what a server of the sandbox does wrong, and when.
//!
//! A [`FaultPlan`] is plain data, so that a test writes it in Rust and a script as
//! JSON through the control API. A server asks its [`ServerFaults`] at every stage.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::chance::{Chance, hash_of, part_of_one};
use super::limit::Gcra;

pub use self::plan::{
    Effect, FaultError, FaultPlan, Greylist, Latency, Limit, RecipientRule, Rule, Stage, Trickle, When,
};

mod plan;

/// How often each fault happened since the server started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FaultCounts {
    /// Requests or mails that the rate limit refused.
    pub limited: u64,
    /// Recipients in the requests that the rate limit refused (SMTP: as `limited`).
    pub limited_recipients: u64,
    /// Recipients that were rejected.
    pub rejected_recipients: u64,
    /// Recipients that were deferred by greylisting.
    pub greylisted: u64,
    /// Refusals because the account is suspended.
    pub suspended: u64,
    /// Sessions ended after their number of mails.
    pub hung_up: u64,
    /// Refusals by a rule.
    pub refused: u64,
    /// Connections reset by a rule.
    pub reset: u64,
    /// Answers cut or lost by a rule.
    pub answers_lost: u64,
}

/// Which protocol a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Smtp,
    Http,
}

/// What the listener does about new and open connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Door {
    /// The port is closed.
    pub(super) closed: bool,
    /// How often all open connections have been dropped.
    pub(super) disconnects: u64,
}

/// A recipient's rejection: what an SMTP reply or an HTTP result needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rejection {
    pub(super) code: u16,
    pub(super) reason: Option<String>,
    pub(super) text: Option<String>,
}

/// The faults of one server: set them while it runs.
#[derive(Debug)]
pub struct ServerFaults {
    protocol: Protocol,
    seed: u64,
    started: Instant,
    state: Mutex<State>,
    /// Bytes in the upper half, milliseconds in the lower; 0 is off. Read on every write.
    trickle: AtomicU64,
    door: watch::Sender<Door>,
}

#[derive(Debug)]
struct State {
    plan: FaultPlan,
    /// How often each rule has been asked, in the order of the plan.
    asked: Vec<u64>,
    asked_recipients: Vec<u64>,
    chance: Chance,
    limit: Option<Gcra>,
    /// First try of each deferred recipient, by the hash of its address.
    first_tries: HashMap<u64, Instant>,
    counts: FaultCounts,
}

impl ServerFaults {
    pub(super) fn new(protocol: Protocol, seed: u64) -> Arc<Self> {
        Arc::new(Self {
            protocol,
            seed,
            started: Instant::now(),
            state: Mutex::new(State {
                plan: FaultPlan::default(),
                asked: Vec::new(),
                asked_recipients: Vec::new(),
                chance: Chance::new(seed),
                limit: None,
                first_tries: HashMap::new(),
                counts: FaultCounts::default(),
            }),
            trickle: AtomicU64::new(0),
            door: watch::Sender::new(Door::default()),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The plan in force.
    pub fn plan(&self) -> FaultPlan {
        self.state().plan.clone()
    }

    /// Replaces the plan. Its `next` and `after` count from here; the limit and the grey list
    /// keep their state if they have not changed.
    pub fn set(&self, plan: FaultPlan) -> Result<(), FaultError> {
        plan.check(self.protocol)?;
        let closed = plan.refuse_connections;
        let trickle = plan.trickle.map_or(0, |t| u64::from(t.bytes) << 32 | u64::from(t.every_ms));
        {
            let mut state = self.state();
            if plan.limit != state.plan.limit {
                state.limit = plan.limit.map(|l| Gcra::new(l.per_second, l.burst));
            }
            if plan.greylist != state.plan.greylist {
                state.first_tries = HashMap::new();
            }
            state.asked = vec![0; plan.rules.len()];
            state.asked_recipients = vec![0; plan.recipients.len()];
            state.plan = plan;
        }
        self.trickle.store(trickle, Ordering::Relaxed);
        self.door.send_if_modified(|door| {
            let changed = door.closed != closed;
            door.closed = closed;
            changed
        });
        Ok(())
    }

    /// Changes the plan in place. As [`Self::set`].
    pub fn change(&self, edit: impl FnOnce(&mut FaultPlan)) -> Result<(), FaultError> {
        let mut plan = self.plan();
        edit(&mut plan);
        self.set(plan)
    }

    /// No faults from here on.
    pub fn clear(&self) {
        let cleared = self.set(FaultPlan::default());
        debug_assert!(cleared.is_ok());
    }

    /// Drops every open connection, as when the server dies.
    pub fn disconnect(&self) {
        self.door.send_modify(|door| door.disconnects += 1);
    }

    /// How often each fault has happened.
    pub fn counts(&self) -> FaultCounts {
        self.state().counts
    }

    pub(super) fn door(&self) -> watch::Receiver<Door> {
        self.door.subscribe()
    }

    /// Bytes a write and the pause after it, if answers trickle.
    pub(super) fn trickle(&self) -> Option<(usize, Duration)> {
        match self.trickle.load(Ordering::Relaxed) {
            0 => None,
            packed => Some(((packed >> 32) as usize, Duration::from_millis(packed & 0xffff_ffff))),
        }
    }

    /// How long the next answer takes.
    pub(super) fn latency(&self) -> Option<Duration> {
        let mut state = self.state();
        let Latency { fixed_ms, jitter_ms } = state.plan.latency;
        if fixed_ms == 0 && jitter_ms == 0 {
            return None;
        }
        let jitter = (state.chance.next() * jitter_ms as f64 * 1000.0) as u64;
        Some(Duration::from_micros(fixed_ms * 1000 + jitter))
    }

    /// What goes wrong at this stage, if anything.
    pub(super) fn at(&self, here: Stage) -> Option<Effect> {
        let state = &mut *self.state();
        for (rule, asked) in state.plan.rules.iter().zip(&mut state.asked) {
            if rule.at != here {
                continue;
            }
            let nth = *asked;
            *asked += 1;
            if happens(rule.when, nth, || state.chance.next()) {
                match rule.effect {
                    Effect::Reply { .. } => state.counts.refused += 1,
                    Effect::Reset => state.counts.reset += 1,
                    Effect::CutAnswer | Effect::LoseAnswer => state.counts.answers_lost += 1,
                }
                return Some(rule.effect.clone());
            }
        }
        None
    }

    /// Whether this recipient is rejected, and how.
    pub(super) fn rejects(&self, address: &str) -> Option<Rejection> {
        let state = &mut *self.state();
        for (index, rule) in state.plan.recipients.iter().enumerate() {
            if !matches_pattern(&rule.matches, address) {
                continue;
            }
            let nth = state.asked_recipients[index];
            state.asked_recipients[index] += 1;
            if happens(rule.when, nth, || part_of_one(hash_of(self.seed ^ index as u64, address.as_bytes())))
            {
                state.counts.rejected_recipients += 1;
                return Some(Rejection {
                    code: rule.code,
                    reason: rule.reason.clone(),
                    text: rule.text.clone(),
                });
            }
        }
        None
    }

    /// Whether the account is suspended; counts the refusal.
    pub(super) fn suspended(&self) -> bool {
        let mut state = self.state();
        let suspended = state.plan.suspended;
        state.counts.suspended += u64::from(suspended);
        suspended
    }

    /// Whether a session that has delivered `mails` is ended; counts it.
    pub(super) fn hangs_up(&self, mails: u64) -> bool {
        let mut state = self.state();
        let over = state.plan.hang_up_after.is_some_and(|n| mails >= n);
        state.counts.hung_up += u64::from(over);
        over
    }

    /// Asks the rate limit for `cost` units; an error is the time until they would fit.
    pub(super) fn admit(&self, cost: u32) -> Result<(), Duration> {
        let state = &mut *self.state();
        let Some(limit) = &mut state.limit else {
            return Ok(());
        };
        // The clock is read under the lock, so that it never goes back for the limit.
        limit.admit(self.started.elapsed(), cost).inspect_err(|_| {
            state.counts.limited += 1;
            state.counts.limited_recipients += u64::from(cost);
        })
    }

    /// Whether this recipient is deferred by greylisting.
    pub(super) fn defers(&self, address: &str) -> bool {
        let state = &mut *self.state();
        let Some(greylist) = state.plan.greylist else {
            return false;
        };
        let key = hash_of(self.seed, address.as_bytes());
        let now = Instant::now();
        let wait = Duration::from_millis(greylist.after_ms);
        let deferred = match state.first_tries.entry(key) {
            Entry::Occupied(first) => now.duration_since(*first.get()) < wait,
            Entry::Vacant(first) => {
                first.insert(now);
                true
            }
        };
        state.counts.greylisted += u64::from(deferred);
        deferred
    }
}

fn happens(when: When, nth: u64, draw: impl FnOnce() -> f64) -> bool {
    match when {
        When::Always => true,
        When::Rate(p) => draw() < p,
        When::Next(n) => nth < n,
        When::After(n) => nth >= n,
    }
}

/// Whether `text` fits `pattern`, in which `*` stands for any text; ASCII case counts for nothing.
fn matches_pattern(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Where the last star was, and how far the text was then: the only place to go back to.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, t));
            p += 1;
        } else if pattern.get(p).is_some_and(|c| c.eq_ignore_ascii_case(&text[t])) {
            p += 1;
            t += 1;
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            p = at + 1;
            t = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

#[cfg(test)]
mod tests;
