//! The engine in this process: the lock, the store, the machinery and its doors.

use super::failure::{Failure, Outcome};
use super::instance::{EngineLock, Instance};
use crate::api::{self, Api, Serving, Setup};
use crate::client::{Client, InProcess};
use crate::domain::time::SystemClock;
use crate::engine::alerts::AlertConfig;
use crate::engine::config::{ByChannel, FileRules};
use crate::engine::file_store::FileStore;
use crate::engine::{Engine, EngineConfig, Mode};
use crate::providers::registry::Registry;
use crate::settings::Settings;
use crate::store::Store;
use crate::store::embedded::{Embedded, Options, WriterMode};
use crate::store::error::StoreError;
use crate::store::files::FILES_DIRECTORY;
use crate::store::history::Retention;
use ring::rand::{SecureRandom, SystemRandom};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How often alerts are looked for.
const UPKEEP: Duration = Duration::from_secs(15);

/// How long requests that were accepted may take to finish at the end.
const CLOSE: Duration = Duration::from_secs(5);

/// The engine of a data directory, while it runs in this process.
pub struct RunningEngine {
    instance: Instance,
    settings: Arc<Settings>,
    lock: EngineLock,
    engine: Engine,
    api: Api,
    doors: Vec<Serving>,
}

/// Where the doors of an engine are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doors {
    /// The socket, and TCP where the settings say so.
    Open,
    /// None: a one-shot command that nobody attaches to.
    Closed,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::NotFound { .. } => Self::NotFound(error.to_string()),
            StoreError::Conflict { .. } | StoreError::Stale { .. } | StoreError::Transition(_) => {
                Self::Refused(error.to_string())
            }
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl RunningEngine {
    /// Becomes the engine of this data directory. The lock is already ours.
    pub async fn start(
        instance: Instance,
        settings: Arc<Settings>,
        lock: EngineLock,
        mode: Mode,
        doors: Doors,
    ) -> Outcome<Self> {
        let dir = instance.store_dir();
        let options = Options {
            cache_bytes: usize::try_from(settings.cache.0).unwrap_or(usize::MAX),
            writer: WriterMode::Threaded(settings.commit_interval),
            ..Options::default()
        };
        let opening = tokio::task::spawn_blocking(move || Embedded::open(&dir, options)).await;
        let store = opening.map_err(|error| Failure::Failed(error.to_string()))??;
        let store: Arc<dyn Store> = Arc::new(store);
        let config = config(&instance, &settings, mode);
        let engine =
            Engine::start(store, Arc::new(Registry::default()), Arc::new(SystemClock), config, seed()?)
                .await
                .map_err(|error| Failure::Failed(error.to_string()))?;
        let api = Api::new(Setup {
            engine: engine.clone(),
            settings: Arc::clone(&settings),
            running: mode == Mode::Full,
        });
        let mut running = Self { instance, settings, lock, engine, api, doors: Vec::new() };
        if doors == Doors::Open
            && let Err(failure) = running.open_doors().await
        {
            // It may be sending already: what is in flight must not become doubtful.
            running.stop().await?.release();
            return Err(failure);
        }
        Ok(running)
    }

    async fn open_doors(&mut self) -> Outcome {
        let failed = |error: api::ServeError| Failure::Failed(error.to_string());
        let socket = socket_path(&self.instance, &self.settings)?;
        // Ours by the lock: what stands there was left behind by an engine that is gone.
        match std::fs::remove_file(&socket) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        self.doors.push(api::serve_socket(&self.api, &socket).map_err(failed)?);
        if let Some(address) = self.settings.listen {
            self.doors.push(api::serve_tcp(&self.api, address).await.map_err(failed)?);
        }
        Ok(())
    }

    /// Reads again what is read from files while it runs: the certificate of the door on TCP.
    pub fn reload(&self) {
        for door in &self.doors {
            if let Err(error) = door.reload() {
                tracing::error!(%error, "the certificate was not read again; the one before stays");
            }
        }
    }

    /// The engine's handle.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The API.
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// A client that calls it without a socket in between.
    pub fn client(&self) -> Client {
        Client::new(InProcess::new(self.api.in_process()))
    }

    /// Stops claiming, finishes what is in flight within the limit of the
    /// settings, closes the doors and the store. The lock comes back, so that
    /// who hands over decides when it is free.
    pub async fn stop(self) -> Outcome<EngineLock> {
        self.engine.drain(self.settings.drain).await;
        super::fault::point("stop.drained");
        for door in self.doors {
            door.close(CLOSE).await;
        }
        super::fault::point("stop.doors");
        let closed = self.engine.store().close().await;
        super::fault::point("stop.closed");
        if let Ok(socket) = socket_path(&self.instance, &self.settings) {
            // A stale socket is harmless: the lock says who is the engine.
            let _ = std::fs::remove_file(socket);
        }
        closed.map_err(|error| {
            Failure::Failed(format!(
                "the engine has ended, and could not write what came last: {error}. What was confirmed is safe; \
                 what was being sent is in doubt, and is decided at the next start"
            ))
        })?;
        Ok(self.lock)
    }
}

/// Where the engine of an instance listens.
pub fn socket_path(instance: &Instance, settings: &Settings) -> Outcome<PathBuf> {
    match &settings.socket {
        Some(path) => Ok(path.clone()),
        None => Ok(instance.socket()?),
    }
}

fn alerts(settings: &Settings) -> AlertConfig {
    let webhook = Some(settings.alerts_webhook.0.as_str()).filter(|text| !text.is_empty()).and_then(|text| {
        let url = url::Url::parse(text).ok().filter(url::Url::has_host);
        if url.is_none() {
            tracing::error!("the setting alerts.webhook is no URL: nobody is told of alerts there");
        }
        url
    });
    AlertConfig {
        installation: settings.label.clone(),
        webhook,
        command: settings.alerts_command.0.split_whitespace().map(str::to_owned).collect(),
        oldest: settings.alerts_oldest,
        failure_percent: settings.alerts_failure_percent,
        disk_percent: settings.alerts_disk_percent,
        receipts: settings.alerts_receipts,
    }
}

fn config(instance: &Instance, settings: &Settings, mode: Mode) -> EngineConfig {
    EngineConfig {
        mode,
        commit_interval: settings.commit_interval,
        late_after: settings.late_after(),
        growth_percent: settings.growth_percent,
        growth_recipients: settings.growth_recipients,
        attempts: ByChannel {
            email: settings.attempts_email,
            sms: settings.attempts_sms,
            push: settings.attempts_push,
        },
        retry_cap: settings.retry_cap,
        undo_window: settings.undo.max(Duration::from_secs(1)),
        allow_private: settings.allow_private,
        files: FileRules {
            store: FileStore::at(instance.store_dir().join(FILES_DIRECTORY)),
            largest: settings.file_size.0,
            all: settings.file_cap.0,
            attached: settings.attachments.0,
            unfinished: settings.upload_age,
            age: (!settings.retention_files.is_zero()).then_some(settings.retention_files),
            public_url: Some(settings.public_url.trim_end_matches('/').to_owned())
                .filter(|url| !url.is_empty()),
        },
        upkeep: Some(UPKEEP),
        alerts: alerts(settings),
        retention: Some(Retention {
            log_age: settings.retention_log,
            log_bytes: settings.retention_log_size.0,
            audit_age: settings.retention_audit,
            message_age: settings.retention_messages,
        }),
        ..EngineConfig::default()
    }
}

fn seed() -> Outcome<u64> {
    let mut bytes = [0; 8];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Failure::Failed("the system gives no random numbers".into()))?;
    Ok(u64::from_le_bytes(bytes))
}
