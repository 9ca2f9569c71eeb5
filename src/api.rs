//! The HTTP API over the engine: Appwrite's dialect and Herald's own.
//!
//! ```text
//! connection ─ caller (who, through which door) ─ route (a row of the table)
//!   ─ scope ─ body ─ parameters in the declared order ─ use case ─ answer
//! ```
//!
//! The same service answers in this process, on the Unix socket and on TCP;
//! [`Door`] says which, and with it who is believed to be who.

pub mod routes;

mod answer;
mod audit;
mod auth;
mod backup;
mod buckets;
mod call;
mod deliveries;
mod drafts;
mod events;
mod files;
mod filters;
mod health;
mod imports;
mod keys;
mod list;
mod listings;
mod message_detail;
mod messages;
mod metrics;
mod once;
pub mod openapi;
mod operations;
mod overview;
mod params;
mod person_export;
mod persons;
mod present;
mod present_message;
mod providers;
mod queries;
mod rate;
mod receipts;
mod routing;
mod serve;
mod service;
mod shape;
mod stale;
mod suppressions;
mod targets;
mod topics;
mod unsubscribe;
mod untried;
mod upload;
mod users;
mod waiting;
mod webhooks;

pub use auth::{Door, Peer};
pub use serve::{ServeError, Serving, check_listen, serve_socket, serve_tcp};
pub use service::ApiService;

use crate::domain::ids::KeyId;
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::settings::Settings;
use crate::store::catalog::ApiKey;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What the API needs to know of the process that it is in.
pub struct Setup {
    /// The engine.
    pub engine: Engine,
    /// The settings.
    pub settings: Arc<Settings>,
    /// Whether scheduler and dispatch run in this process.
    pub running: bool,
}

/// Requests a second, and at once, with which one address may leave topics.
const LEAVING: (u32, u32) = (20, 200);

/// Requests a second, and at once, with which one address may bring receipts: services come from few
/// addresses, with many at once. A verification costs some tens of microseconds.
const RECEIPTS_FROM: (u32, u32) = (500, 5000);
/// Requests a second, and at once, that are taken of one provider. Only those that it has signed count,
/// so that nobody else uses them up.
const RECEIPTS_OF: (u32, u32) = (1000, 10_000);

/// The API of one engine.
#[derive(Clone)]
pub struct Api {
    pub(crate) app: Arc<App>,
}

/// What every call shares.
pub(crate) struct App {
    pub(crate) engine: Engine,
    pub(crate) settings: Arc<Settings>,
    pub(crate) running: bool,
    pub(crate) started: Timestamp,
    pub(crate) shutdown: watch::Sender<bool>,
    pub(crate) router: service::Tables,
    /// How many requests callers may make; `None`: as many as they like.
    pub(crate) rates: Option<rate::Rates>,
    /// How many requests an address may make to leave topics: mail services post for many people.
    pub(crate) leaving: rate::Rates,
    /// How many requests an address may make to bring receipts.
    pub(crate) receipts_from: rate::Rates,
    /// How many requests with receipts of a provider are taken.
    pub(crate) receipts_of: rate::Rates,
    /// Who follows the event stream.
    pub(crate) seats: drafts::Seats,
    /// Keys whose use is being noted.
    noting: Mutex<HashSet<KeyId>>,
    /// Repeatable calls that are being done.
    pub(crate) in_flight: Mutex<HashSet<[u8; 32]>>,
    /// What the API counts of itself.
    pub(crate) counted: metrics::Counted,
}

impl App {
    /// Notes that a key is used, once a day and beside the request: one that only
    /// reads must not wait for a disk that takes no writes.
    pub(crate) fn note_use(self: &Arc<Self>, key: &ApiKey) {
        if !self.engine.is_use_due(key) || !self.noting().insert(key.id.clone()) {
            return;
        }
        let (app, id) = (Arc::clone(self), key.id.clone());
        tokio::spawn(async move {
            app.engine.note_key_use(&id).await;
            app.noting().remove(&id);
        });
    }

    fn noting(&self) -> MutexGuard<'_, HashSet<KeyId>> {
        self.noting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Api {
    /// The API over an engine.
    pub fn new(setup: Setup) -> Self {
        let started = setup.engine.now();
        let rates = rate::Rates::new(setup.settings.api_rate, setup.settings.api_burst);
        let app = App {
            engine: setup.engine,
            settings: setup.settings,
            running: setup.running,
            started,
            shutdown: watch::Sender::new(false),
            router: service::Tables::new(),
            rates,
            leaving: rate::Rates::each(LEAVING.0, LEAVING.1),
            receipts_from: rate::Rates::each(RECEIPTS_FROM.0, RECEIPTS_FROM.1),
            receipts_of: rate::Rates::each(RECEIPTS_OF.0, RECEIPTS_OF.1),
            seats: drafts::Seats::default(),
            noting: Mutex::default(),
            in_flight: Mutex::default(),
            counted: metrics::Counted::default(),
        };
        Self { app: Arc::new(app) }
    }

    /// The service behind one door; its streams end when the door closes.
    pub(crate) fn behind(&self, peer: Peer, closing: CancellationToken) -> ApiService {
        ApiService::new(Arc::clone(&self.app), peer, closing)
    }

    /// The service for one who was let in elsewhere, by a listener of the caller's own.
    pub fn for_peer(&self, peer: Peer) -> ApiService {
        self.behind(peer, CancellationToken::new())
    }

    /// The service for a client in this process.
    pub fn in_process(&self) -> ApiService {
        self.for_peer(Peer::process())
    }

    /// Becomes true when somebody has asked the process to end.
    pub fn shutdown_requested(&self) -> watch::Receiver<bool> {
        self.app.shutdown.subscribe()
    }
}
