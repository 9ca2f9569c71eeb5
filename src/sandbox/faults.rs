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

/// What a server does wrong. The default does nothing wrong.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct FaultPlan {
    /// How long every answer takes. A pipelined group of SMTP commands is one answer.
    pub latency: Latency,
    /// Answers come a few bytes at a time.
    pub trickle: Option<Trickle>,
    /// The port is closed: new connections are refused by the system. Open ones live on
    /// (see [`ServerFaults::disconnect`]).
    pub refuse_connections: bool,
    /// The account is suspended from now on. SMTP: 535 5.7.8 to AUTH, 550 5.7.1 to MAIL;
    /// HTTP: 403 `suspended`.
    pub suspended: bool,
    /// SMTP: the first try of each recipient is deferred with 450 4.7.1.
    pub greylist: Option<Greylist>,
    /// SMTP: after this many accepted mails, a session is ended with 421 4.7.0 at the next MAIL.
    pub hang_up_after: Option<u64>,
    /// A rate limit. SMTP counts mails and answers 451 4.7.1; HTTP counts recipients and
    /// answers 429 with `Retry-After`.
    pub limit: Option<Limit>,
    /// Faults by stage; the first that applies is taken.
    pub rules: Vec<Rule>,
    /// Recipients that are rejected; the first that applies is taken.
    pub recipients: Vec<RecipientRule>,
}

/// How long an answer takes: `fixed_ms` and up to `jitter_ms` more, drawn evenly. Milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Latency {
    /// The least, in milliseconds.
    pub fixed_ms: u64,
    /// What may come on top, in milliseconds.
    pub jitter_ms: u64,
}

/// Answers are written `bytes` at a time, `every_ms` milliseconds apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Trickle {
    /// Bytes of one write, at least 1.
    pub bytes: u32,
    /// Milliseconds between two writes.
    pub every_ms: u32,
}

/// A recipient is deferred until `after_ms` milliseconds have passed since its first try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Greylist {
    /// Milliseconds since the first try; 0 accepts the second try whenever it comes.
    pub after_ms: u64,
}

/// A rate limit by GCRA: `per_second` on average, at most `burst` at once.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Limit {
    /// Units a second, above zero.
    pub per_second: f64,
    /// Units at once, at least 1. An HTTP request with more recipients never fits.
    pub burst: u32,
}

/// A fault at a stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Rule {
    /// Where it happens.
    pub at: Stage,
    /// How often.
    #[serde(default)]
    pub when: When,
    /// What happens.
    pub effect: Effect,
}

/// Where in a conversation a fault happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    /// A connection has been accepted; SMTP: instead of the banner.
    Connect,
    /// SMTP: EHLO or HELO.
    Hello,
    /// SMTP: AUTH.
    Auth,
    /// SMTP: MAIL.
    Mail,
    /// SMTP: RCPT.
    Rcpt,
    /// SMTP: DATA, before its 354. A reset here comes when the first bytes of the content have.
    Data,
    /// SMTP: the final dot of the content.
    Content,
    /// HTTP: a request to send.
    Request,
}

/// How often a fault happens.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum When {
    /// Each time.
    #[default]
    Always,
    /// With this probability, 0 to 1. For [`RecipientRule`]s it is a property of the address:
    /// the same address is rejected each time, whatever else goes on.
    Rate(f64),
    /// The next so many times, then never again.
    Next(u64),
    /// Each time but the first so many.
    After(u64),
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Effect {
    /// A refusal: an SMTP reply code or an HTTP status, 400 to 599. SMTP's 421 also closes.
    Reply {
        /// The code.
        code: u16,
        /// The text of an SMTP reply (with its enhanced code), or the message of an HTTP error.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        /// HTTP: seconds of `Retry-After`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u32>,
    },
    /// The connection is reset instead of an answer; nothing is recorded.
    /// HTTP: in the middle of the request.
    Reset,
    /// All is done and recorded, then the connection is reset in the middle of the answer.
    CutAnswer,
    /// All is done and recorded, then the connection is closed without an answer.
    LoseAnswer,
}

impl Effect {
    /// A refusal with the default text.
    pub fn reply(code: u16) -> Self {
        Self::Reply { code, text: None, retry_after: None }
    }
}

/// A rejection of recipients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RecipientRule {
    /// Addresses it applies to; `*` stands for any text. Case counts for nothing.
    pub matches: String,
    /// How often.
    #[serde(default)]
    pub when: When,
    /// SMTP: the reply code, 400 to 599.
    #[serde(default = "mailbox_unavailable")]
    pub code: u16,
    /// HTTP: the `code` of the result; default `invalid_number` or `unregistered`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// SMTP: the text with its enhanced code; HTTP: the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl RecipientRule {
    /// Rejects every address that matches, for good.
    pub fn reject(matches: impl Into<String>) -> Self {
        Self {
            matches: matches.into(),
            when: When::Always,
            code: mailbox_unavailable(),
            reason: None,
            text: None,
        }
    }
}

fn mailbox_unavailable() -> u16 {
    550
}

/// A plan that cannot be carried out, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// A probability is not one.
    #[error("a rate must be from 0 to 1")]
    Rate,
    /// A code is no refusal.
    #[error("a refusal's code must be from 400 to 599, not {0}")]
    Code(u16),
    /// The limit admits nothing.
    #[error("a limit needs perSecond above 0 and a burst of at least 1")]
    Limit,
    /// Trickling nothing never ends.
    #[error("trickle needs at least 1 byte")]
    Trickle,
    /// A stage that this server does not have.
    #[error("the {0} server has no stage {1:?}")]
    Stage(&'static str, Stage),
    /// A text would break the protocol.
    #[error("a text must be one line without control characters, at most 400 characters")]
    Text,
}

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
        self.check(&plan)?;
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

    fn check(&self, plan: &FaultPlan) -> Result<(), FaultError> {
        let text_ok = |text: &Option<String>| {
            text.as_deref().is_none_or(|t| t.len() <= 400 && !t.chars().any(char::is_control))
        };
        let code_ok = |code: u16| (400..600).contains(&code);
        let when_ok = |when: When| !matches!(when, When::Rate(p) if !(0.0..=1.0).contains(&p));
        if plan.limit.is_some_and(|l| !(l.per_second.is_finite() && l.per_second > 0.0) || l.burst == 0) {
            return Err(FaultError::Limit);
        }
        if plan.trickle.is_some_and(|t| t.bytes == 0) {
            return Err(FaultError::Trickle);
        }
        for rule in &plan.rules {
            let (name, known) = match self.protocol {
                Protocol::Smtp => ("SMTP", rule.at != Stage::Request),
                Protocol::Http => ("HTTP", matches!(rule.at, Stage::Connect | Stage::Request)),
            };
            if !known {
                return Err(FaultError::Stage(name, rule.at));
            }
            if !when_ok(rule.when) {
                return Err(FaultError::Rate);
            }
            if let Effect::Reply { code, text, .. } = &rule.effect {
                if !code_ok(*code) {
                    return Err(FaultError::Code(*code));
                }
                if !text_ok(text) {
                    return Err(FaultError::Text);
                }
            }
        }
        for rule in &plan.recipients {
            if !when_ok(rule.when) {
                return Err(FaultError::Rate);
            }
            if !code_ok(rule.code) {
                return Err(FaultError::Code(rule.code));
            }
            if !text_ok(&rule.text) || !text_ok(&rule.reason) {
                return Err(FaultError::Text);
            }
        }
        Ok(())
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
