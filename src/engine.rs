//! The use cases, and the machinery that sends: scheduler, plan, dispatch.
//!
//! [`Engine::start`] takes a store, adapters, a clock and a seed, and nothing
//! else of the world, so that the whole engine runs in a test under virtual time.

pub mod breaker;
pub mod chance;
pub mod choice;
pub mod clock;
pub mod conditions;
pub mod config;
pub mod error;
pub mod health;
pub mod limits;
pub mod retry;
pub mod streak;

pub use config::{EngineConfig, Mode};
pub use error::{EngineError, Result};

use crate::domain::time::{Clock, Timestamp};
use crate::providers::adapter::Adapters;
use crate::store::Store;
use chance::Chance;
use std::sync::Arc;

/// What the engine's tasks share.
pub(crate) struct Core {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) adapters: Arc<dyn Adapters>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: EngineConfig,
    pub(crate) chance: Chance,
}

/// A handle to the engine of this process; clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    pub(crate) core: Arc<Core>,
}

impl Engine {
    /// Starts the engine on this store, on the caller's tokio runtime. Equal seeds,
    /// clocks and adapters give equal runs.
    pub async fn start(
        store: Arc<dyn Store>,
        adapters: Arc<dyn Adapters>,
        clock: Arc<dyn Clock>,
        config: EngineConfig,
        seed: u64,
    ) -> Result<Self> {
        let core = Arc::new(Core { store, adapters, clock, config, chance: Chance::new(seed) });
        Ok(Self { core })
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
}
