//! What the engine can be told. The settings table fills it in.

use super::alerts::AlertConfig;
use super::file_store::FileStore;
use crate::domain::channel::Channel;
use crate::domain::provider::{Door, Provider};
use crate::providers::outgoing::{Machine, Outgoing};
use crate::store::history::Retention;
use std::sync::Arc;
use std::time::Duration;

/// How much of the engine runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Scheduler and dispatch.
    #[default]
    Full,
    /// Neither: for one-shot commands that only read and write.
    Idle,
    /// Dispatch alone, and only for messages given to [`super::Engine::send_now`]: for `send --wait`.
    Only,
}

/// What the engine is told of files.
#[derive(Debug, Clone)]
pub struct FileRules {
    /// Where their contents are.
    pub store: FileStore,
    /// The largest file, in bytes.
    pub largest: u64,
    /// The most bytes of all files together; 0: no limit.
    pub all: u64,
    /// The most bytes that one mail may attach.
    pub attached: u64,
    /// An upload that nothing was heard of for so long is given up.
    pub unfinished: Duration,
    /// Files that are older than this, and that no open message names, go; `None`: they stay.
    pub age: Option<Duration>,
    /// Where devices reach the API, without a slash at the end; `None`: nobody said.
    pub public_url: Option<String>,
}

impl Default for FileRules {
    fn default() -> Self {
        Self {
            store: FileStore::default(),
            largest: 30 << 20,
            all: 0,
            attached: 25 << 20,
            unfinished: Duration::from_hours(24),
            age: None,
            public_url: None,
        }
    }
}

/// Numbers of one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByChannel<T> {
    /// Of mail.
    pub email: T,
    /// Of text messages.
    pub sms: T,
    /// Of notifications.
    pub push: T,
}

impl<T: Copy> ByChannel<T> {
    /// The value of a channel.
    pub fn of(&self, channel: Channel) -> T {
        match channel {
            Channel::Email => self.email,
            Channel::Sms => self.sms,
            Channel::Push => self.push,
        }
    }
}

/// What the engine can be told.
#[derive(Clone)]
pub struct EngineConfig {
    /// How much of it runs.
    pub mode: Mode,
    /// The longest time between an outcome and its commit.
    pub commit_interval: Duration,
    /// The most messages that are planned or sent at the same time; the rest stays on the schedule.
    pub active_messages: usize,
    /// The most messages that one claim takes off the schedule.
    pub claim_chunk: usize,
    /// The most messages that are planned at the same time.
    pub planners: usize,
    /// A message due longer ago than this when it is found is held; `None`: it is sent if its deadline allows.
    pub late_after: Option<Duration>,
    /// By how many per cent a plan may exceed the confirmed count.
    pub growth_percent: u64,
    /// By how many recipients a plan may exceed the confirmed count in any case.
    pub growth_recipients: u64,
    /// After how many attempts a recipient has failed. Attempts that say nothing of the recipient
    /// (no connection, not logged in) do not count: the deadline ends those.
    pub attempts: ByChannel<u16>,
    /// The longest wait between two attempts, unless the service asks for more.
    pub retry_cap: Duration,
    /// How many failures to reach a provider in a row open its breaker.
    pub breaker_failures: u32,
    /// The first pause of an open breaker; it doubles with every failed probe.
    pub breaker_base: Duration,
    /// The longest pause of an open breaker.
    pub breaker_cap: Duration,
    /// How many permanent refusals in a row, over [`Self::refusal_domains`], mean that a provider refuses us.
    pub refusals: usize,
    /// Over how many mail domains at least.
    pub refusal_domains: usize,
    /// How often a provider that refuses us is asked whether it still does, at first; doubling up to an hour.
    pub probe_interval: Duration,
    /// A schedule at most this far ahead of the last edit counts as an undo window.
    pub undo_window: Duration,
    /// Whether providers may be on loopback and private networks.
    pub allow_private: bool,
    /// The most steps of the template engine for one rendering.
    pub render_fuel: u64,
    /// The most bytes of one rendering.
    pub render_bytes: usize,
    /// Files: where, how many, how long.
    pub files: FileRules,
    /// Endpoints and commands that are told of what happens.
    pub outgoing: Arc<dyn Outgoing>,
    /// How long a delivery to an endpoint is tried, and an endpoint may fail before it is disabled.
    pub webhook_patience: Duration,
    /// How often alerts are looked for; `None`: never.
    pub upkeep: Option<Duration>,
    /// What alerts are about, and who is told.
    pub alerts: AlertConfig,
    /// What is kept, and how long; `None`: everything.
    pub retention: Option<Retention>,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            mode: Mode::Full,
            commit_interval: Duration::from_millis(20),
            active_messages: 10_000,
            claim_chunk: 2_000,
            planners: 256,
            late_after: None,
            growth_percent: 5,
            growth_recipients: 2,
            attempts: ByChannel { email: 12, sms: 5, push: 6 },
            retry_cap: Duration::from_hours(1),
            breaker_failures: 10,
            breaker_base: Duration::from_secs(1),
            breaker_cap: Duration::from_mins(5),
            refusals: 20,
            refusal_domains: 3,
            probe_interval: Duration::from_mins(1),
            undo_window: Duration::from_mins(1),
            allow_private: false,
            render_fuel: 100_000,
            render_bytes: 256 * 1024,
            files: FileRules::default(),
            outgoing: Arc::new(Machine),
            webhook_patience: Duration::from_hours(72),
            upkeep: None,
            alerts: AlertConfig::default(),
            retention: None,
        }
    }
}

impl std::fmt::Debug for EngineConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineConfig")
            .field("mode", &self.mode)
            .field("commit_interval", &self.commit_interval)
            .finish_non_exhaustive()
    }
}

impl EngineConfig {
    /// Whether a provider's host, and what its service has us fetch, may be at a private address.
    pub fn allows_private(&self, provider: &Provider) -> bool {
        self.allow_private || provider.door == Door::Local
    }

    /// How many recipients a plan may have when so many were confirmed.
    pub fn allowed(&self, confirmed: u64) -> u64 {
        confirmed + (confirmed / 100 * self.growth_percent).max(self.growth_recipients)
    }
}
