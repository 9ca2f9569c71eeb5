//! The use cases, and the machinery that sends: scheduler, plan, dispatch.
//!
//! [`Engine::start`] takes a store, adapters, a clock and a seed, and nothing
//! else of the world, so that the whole engine runs in a test under virtual time.

pub mod alerts;
mod audience;
pub mod breaker;
pub mod chance;
pub mod choice;
pub mod clock;
pub mod conditions;
pub mod config;
pub(crate) mod control;
pub(crate) mod core;
pub(crate) mod dispatch;
pub mod error;
pub mod events;
mod file_link;
pub mod file_store;
pub mod health;
pub mod limits;
pub mod operations;
pub(crate) mod plan;
pub mod preview;
pub mod receipts;
mod recover;
pub mod render;
mod retention;
pub mod retry;
pub mod routing;
mod scheduler;
pub mod stop;
pub mod streak;
mod sweep;
pub mod unsubscribe;
mod upkeep;
pub mod usecases;
pub mod webhooks;
pub(crate) mod why;

pub use config::{EngineConfig, Mode};
pub use dispatch::desk::HandingOn;
pub use error::{EngineError, Result};

use self::core::{Core, lock};
use crate::domain::delivery::show_address;
use crate::domain::gist::gist;
use crate::domain::ids::{ProviderId, ProviderNo};
use crate::domain::provider::Provider;
use crate::domain::time::{Clock, Timestamp};
use crate::providers::adapter::Adapters;
use crate::store::Store;
use conditions::Condition;
use events::Feed;
use health::HealthView;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

/// A handle to the engine of this process; clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    pub(crate) core: Arc<Core>,
    feed: Arc<Feed>,
}

/// How a provider does.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderHealth {
    /// Which.
    pub provider: ProviderId,
    /// Its number.
    pub no: ProviderNo,
    /// What stands between it and its recipients, if anything does.
    pub condition: Option<Condition>,
    /// Until when, if that is known.
    pub until: Option<Timestamp>,
    /// What went wrong last.
    pub cause: String,
    /// Its recipients go through another now.
    pub handing_on: Option<HandingOn>,
    /// Rates, latencies and counts.
    pub health: HealthView,
    /// Recipients that are with the adapter now.
    pub in_flight: usize,
    /// Recipients that are claimed and have no recorded outcome: what a crash would put in doubt.
    pub claimed: usize,
    /// The most of them.
    pub window: usize,
    /// Recipients that count for the quota of the hour and of the day.
    pub used: (u64, u64),
    /// Until when the breaker holds all back, if it is open.
    pub breaker: Option<Timestamp>,
    /// Since when the breaker is open.
    pub broken_since: Option<Timestamp>,
    /// The breaker lets one train try.
    pub probing: bool,
}

impl Engine {
    /// Starts the engine on this store, on the caller's tokio runtime. What an earlier
    /// engine left in doubt is decided before anything is sent. Equal seeds, clocks and
    /// adapters give equal runs.
    pub async fn start(
        store: Arc<dyn Store>,
        adapters: Arc<dyn Adapters>,
        clock: Arc<dyn Clock>,
        config: EngineConfig,
        seed: u64,
    ) -> Result<Self> {
        let flags = store.flags().await?;
        let mode = config.mode;
        if flags.restored.is_some() && mode != Mode::Idle {
            while store.hold_restored(clock.now()).await? > 0 {}
        }
        let core = Core::new(store, adapters, clock, config, seed, flags);
        let instance = format!("{:016x}", core.chance.next() ^ core.clock.now().0 as u64);
        let feed = Arc::new(Feed::new(instance));
        core.spawn(events::run(Arc::clone(&core), Arc::clone(&feed)));
        let engine = Self { core, feed };
        if mode == Mode::Full {
            engine.go().await?;
        }
        if mode != Mode::Idle {
            engine.core.spawn(scheduler::watch(Arc::clone(&engine.core)));
        }
        Ok(engine)
    }

    /// Takes up what the last engine left, and begins to send.
    async fn go(&self) -> Result<()> {
        let core = &self.core;
        recover::recover(core).await?;
        operations::recover(core).await?;
        usecases::erasures::recover(self).await?;
        core.spawn(scheduler::run(Arc::clone(core)));
        core.spawn(webhooks::run(Arc::clone(core)));
        if let Some(keep) = core.config.retention {
            core.spawn(retention::run(Arc::clone(core), keep));
        }
        if core.config.files.store.is_there() {
            core.spawn(sweep::run(Arc::clone(core)));
        }
        if let Some(interval) = core.config.upkeep {
            core.spawn(upkeep::run(self.clone(), interval));
        }
        Ok(())
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.core.store
    }

    /// How the engine was configured.
    pub fn config(&self) -> &EngineConfig {
        &self.core.config
    }

    /// The time by the engine's clock.
    pub fn now(&self) -> Timestamp {
        self.core.clock.now()
    }

    /// A random number from the engine's seed, for ids.
    pub fn random(&self) -> u32 {
        (self.core.chance.next() >> 32) as u32
    }

    /// What has changed, as events.
    pub fn events(&self) -> &Feed {
        &self.feed
    }

    /// Everybody looks at everything again: something was changed in the store without the engine.
    pub fn wake(&self) {
        self.core.touch_all();
    }

    /// How all providers do.
    pub async fn health(&self) -> Result<Vec<ProviderHealth>> {
        let choice = self.core.choice().await?;
        Ok(choice.all().iter().map(|provider| self.health_of(provider)).collect())
    }

    /// How one provider does.
    pub fn health_of(&self, provider: &Provider) -> ProviderHealth {
        let desk = self.core.existing_desk(provider.no);
        let standing = desk.as_ref().map(|desk| lock(&desk.standing).clone()).unwrap_or_default();
        ProviderHealth {
            provider: provider.id.clone(),
            no: provider.no,
            condition: standing.condition,
            until: standing.until,
            handing_on: standing.handing_on,
            cause: show_address(&gist(&standing.cause), "the recipient"),
            health: desk.as_ref().map(|desk| desk.health.view(self.now().0)).unwrap_or_default(),
            in_flight: desk.as_ref().map_or(0, |desk| desk.in_hand.load(SeqCst)),
            claimed: standing.claimed,
            window: standing.window,
            used: standing.used,
            breaker: standing.breaker,
            broken_since: standing.broken_since,
            probing: standing.probing,
        }
    }
}
