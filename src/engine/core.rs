//! What the engine's tasks share.

use super::chance::Chance;
use super::choice::Choice;
use super::config::{EngineConfig, Mode};
use super::dispatch::desk::Desk;
use super::error::Result;
use super::plan;
use crate::domain::ids::{MessageNo, ProviderNo};
use crate::domain::message::Message;
use crate::domain::time::Clock;
use crate::providers::adapter::Adapters;
use crate::store::Store;
use crate::store::history::{Changes, Flags};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Takes a lock; what a panicking task left in it is still a valid state here.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the engine's tasks share.
pub(crate) struct Core {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) adapters: Arc<dyn Adapters>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: EngineConfig,
    pub(crate) chance: Chance,
    /// The store's name in references.
    pub(crate) install: String,
    /// Nothing new is planned, claimed or handed over any more.
    pub(crate) closing: CancellationToken,
    /// What is with adapters is given up: the answers count as lost.
    pub(crate) giving_up: CancellationToken,
    /// The store's switches.
    pub(crate) flags: watch::Sender<Flags>,
    pub(crate) planners: Semaphore,
    pub(crate) tracker: TaskTracker,
    /// The scheduler has room again, or something to look at.
    pub(crate) room: Notify,
    pub(crate) changes: watch::Receiver<Changes>,
    /// Held by whoever gives a content to a file, or takes it away.
    pub(crate) files: tokio::sync::Mutex<()>,
    /// Contents may have lost their files.
    pub(crate) sweeping: Notify,
    /// Signs links with which recipients leave topics; read or made at its first use.
    pub(crate) link_key: tokio::sync::OnceCell<super::unsubscribe::LinkKey>,
    /// Receipts that services bring.
    pub(crate) receipts: super::receipts::ReceiptDesk,
    choice: Mutex<(u64, Arc<Choice>)>,
    desks: Mutex<BTreeMap<ProviderNo, Arc<Desk>>>,
    active: Mutex<BTreeSet<MessageNo>>,
    /// With [`Mode::Only`]: the messages that are sent.
    only: Mutex<BTreeSet<MessageNo>>,
}

impl Core {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        adapters: Arc<dyn Adapters>,
        clock: Arc<dyn Clock>,
        config: EngineConfig,
        seed: u64,
        flags: Flags,
    ) -> Arc<Self> {
        Arc::new(Self {
            install: store.install_id(),
            changes: store.changes(),
            adapters,
            clock,
            chance: Chance::new(seed),
            closing: CancellationToken::new(),
            giving_up: CancellationToken::new(),
            flags: watch::Sender::new(flags),
            planners: Semaphore::new(config.planners.max(1)),
            tracker: TaskTracker::new(),
            room: Notify::new(),
            files: tokio::sync::Mutex::default(),
            sweeping: Notify::new(),
            link_key: tokio::sync::OnceCell::new(),
            receipts: super::receipts::ReceiptDesk::default(),
            choice: Mutex::new((u64::MAX, Arc::new(Choice::default()))),
            desks: Mutex::default(),
            active: Mutex::default(),
            only: Mutex::default(),
            store,
            config,
        })
    }

    /// Runs a task of the engine.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(task);
    }

    /// Whether sending is stopped as a whole.
    pub(crate) fn stopped(&self) -> bool {
        let flags = self.flags.borrow();
        flags.stopped.is_some() || flags.restored.is_some()
    }

    /// The providers as they are now.
    pub(crate) async fn choice(&self) -> Result<Arc<Choice>> {
        let version = self.changes.borrow().providers;
        {
            let known = lock(&self.choice);
            if known.0 == version {
                return Ok(Arc::clone(&known.1));
            }
        }
        let routing = super::routing::read(&*self.store).await?.0;
        let fresh = Arc::new(Choice::with(self.store.providers().await?, routing));
        *lock(&self.choice) = (version, Arc::clone(&fresh));
        Ok(fresh)
    }

    /// The desk of a provider; its dispatcher is started with it.
    pub(crate) fn desk(self: &Arc<Self>, no: ProviderNo) -> Arc<Desk> {
        let mut desks = lock(&self.desks);
        if let Some(desk) = desks.get(&no) {
            return Arc::clone(desk);
        }
        let desk = Arc::new(Desk::new(no));
        desks.insert(no, Arc::clone(&desk));
        drop(desks);
        if self.config.mode != Mode::Idle {
            self.spawn(super::dispatch::run(Arc::clone(self), Arc::clone(&desk)));
        }
        desk
    }

    /// The desk of a provider, if there is one.
    pub(crate) fn existing_desk(&self, no: ProviderNo) -> Option<Arc<Desk>> {
        lock(&self.desks).get(&no).cloned()
    }

    /// All desks.
    pub(crate) fn desks(&self) -> Vec<Arc<Desk>> {
        lock(&self.desks).values().cloned().collect()
    }

    /// Everybody looks at this message again.
    pub(crate) fn touch(&self, message: MessageNo) {
        for desk in self.desks() {
            desk.touch(message);
        }
    }

    /// Everybody looks at everything again.
    pub(crate) fn touch_all(&self) {
        for desk in self.desks() {
            desk.touch_all();
        }
        self.room.notify_one();
    }

    /// Takes a message that is processing into planning and dispatch.
    pub(crate) fn enter(self: &Arc<Self>, message: MessageNo) {
        lock(&self.active).insert(message);
        plan::start(self, message);
    }

    /// A message is no longer processing.
    pub(crate) fn left(&self, message: MessageNo) {
        if lock(&self.active).remove(&message) {
            self.room.notify_one();
        }
    }

    /// Looks whether a message has ended.
    pub(crate) fn noticed(&self, message: &Message) {
        if message.state.is_over() {
            self.left(message.no);
        }
    }

    /// How many messages are planned or sent.
    pub(crate) fn active(&self) -> usize {
        lock(&self.active).len()
    }

    /// Admits a message with [`Mode::Only`].
    pub(crate) fn admit(&self, message: MessageNo) {
        lock(&self.only).insert(message);
    }

    /// Whether a message may be sent by this engine.
    pub(crate) fn admits(&self, message: MessageNo) -> bool {
        match self.config.mode {
            Mode::Full => true,
            Mode::Idle => false,
            Mode::Only => lock(&self.only).contains(&message),
        }
    }
}
