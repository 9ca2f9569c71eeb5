//! How a command reaches the engine: through the socket of the one that runs, or
//! by opening the store itself.

use super::engine::{Doors, RunningEngine, socket_path};
use super::failure::{Failure, Outcome};
use super::instance::Instance;
use crate::client::{Address, Client, Http1};
use crate::engine::Mode;
use crate::settings::Settings;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long a command waits for an engine that is just starting or ending.
const PATIENCE: Duration = Duration::from_secs(10);

/// A way to the engine.
pub enum Session {
    /// Another process is the engine.
    Attached(Client),
    /// This process is, for as long as the command takes.
    Own(Box<RunningEngine>),
}

impl Session {
    /// Attaches to the engine of this data directory, or becomes it in `mode`.
    pub async fn open(
        instance: &Instance,
        settings: &Arc<Settings>,
        mode: Mode,
        doors: Doors,
    ) -> Outcome<Self> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(client) = attach(instance, settings).await? {
                return Ok(Self::Attached(client));
            }
            if let Some(lock) = instance.try_lock()? {
                let engine =
                    RunningEngine::start(instance.clone(), Arc::clone(settings), lock, mode, doors).await?;
                return Ok(Self::Own(Box::new(engine)));
            }
            if Instant::now() >= until {
                let pid = instance.holder().map(|pid| format!(" (process {pid})")).unwrap_or_default();
                return Err(Failure::Unreachable(format!(
                    "another Herald{pid} holds {} and does not answer on its socket: wait for it, or end it",
                    instance.dir().display()
                )));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The client.
    pub fn client(&self) -> Client {
        match self {
            Self::Attached(client) => client.clone(),
            Self::Own(engine) => engine.client(),
        }
    }

    /// Ends it in an orderly way.
    pub async fn close(self) -> Outcome {
        match self {
            Self::Attached(_) => Ok(()),
            Self::Own(engine) => {
                engine.stop().await?.release();
                Ok(())
            }
        }
    }
}

/// A client of the engine that runs, if one answers on the socket and holds the
/// lock. A socket without a lock is stale.
pub async fn attach(instance: &Instance, settings: &Settings) -> Outcome<Option<Client>> {
    if instance.holder().is_none() {
        return Ok(None);
    }
    let client = Client::new(Http1::new(Address::Socket(socket_path(instance, settings)?)));
    match client.health().await {
        Ok(_) => Ok(Some(client)),
        Err(error) if error.is_transport() => Ok(None),
        Err(error) => Err(error.into()),
    }
}
