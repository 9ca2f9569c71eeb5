//! What a provider's dispatcher, its workers and the rest of the engine share.

use super::train::{Done, Train};
use crate::domain::ids::{MessageNo, ProviderNo};
use crate::domain::provider::Limits;
use crate::domain::routing::MoveReason;
use crate::domain::time::Timestamp;
use crate::engine::conditions::Condition;
use crate::engine::core::lock;
use crate::engine::health::Health;
use crate::engine::limits::Pacer;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use tokio::sync::Notify;
use tokio::time::Instant;

/// The desk of one provider: trains go out on one side, answers come in on the other.
pub(crate) struct Desk {
    pub(crate) no: ProviderNo,
    /// Wakes the dispatcher.
    pub(crate) bell: Notify,
    touched: Mutex<Touched>,
    ready: Mutex<Ready>,
    /// Wakes the worker whose turn it is.
    pub(crate) ready_bell: Notify,
    /// Held by the worker whose turn it is to take a train.
    pub(crate) gate: tokio::sync::Mutex<()>,
    pub(crate) pacer: Mutex<Pacer>,
    answers: Mutex<Vec<Done>>,
    /// Recipients that are with the adapter.
    pub(crate) in_hand: AtomicUsize,
    /// A worker waits and there is nothing to take.
    pub(crate) hungry: AtomicBool,
    /// How many workers there should be.
    pub(crate) concurrency: AtomicUsize,
    /// Which workers there are.
    pub(crate) workers: Mutex<Vec<bool>>,
    pub(crate) health: Health,
    pub(crate) standing: Mutex<Standing>,
}

/// What stands between a provider and its recipients, for whoever asks.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Standing {
    pub(crate) condition: Option<Condition>,
    pub(crate) until: Option<Timestamp>,
    pub(crate) cause: String,
    /// Its recipients go through another.
    pub(crate) handing_on: Option<HandingOn>,
    /// The limit a second is what everybody waits for.
    pub(crate) paced: Option<f64>,
    /// How many recipients are claimed without a recorded outcome.
    pub(crate) claimed: usize,
    /// The most of them.
    pub(crate) window: usize,
    /// Recipients of the hour and the day before now that count for the quota.
    pub(crate) used: (u64, u64),
    /// Until when the breaker holds all back, if it is open.
    pub(crate) breaker: Option<Timestamp>,
    /// Since when the breaker is open.
    pub(crate) broken_since: Option<Timestamp>,
    /// The breaker lets one train try.
    pub(crate) probing: bool,
}

/// A provider's recipients go through another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandingOn {
    /// Through which.
    pub to: ProviderNo,
    /// Why.
    pub why: MoveReason,
    /// Since when.
    pub since: Timestamp,
    /// Those of messages to topics.
    pub bulk: bool,
    /// Those of messages straight to people.
    pub direct: bool,
}

/// Lanes to look at again.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    pub(crate) all: bool,
    pub(crate) messages: BTreeSet<MessageNo>,
}

/// Trains ready to go, shared fairly between messages: each line carries how much it has had, and the
/// line that has had least goes next. A line that comes new starts where the others are.
#[derive(Default)]
struct Ready {
    lines: BTreeMap<MessageNo, VecDeque<Train>>,
    /// How much each message has had when its next train goes.
    tags: BTreeMap<MessageNo, u64>,
    turn: BTreeSet<(u64, MessageNo)>,
    /// The tag of the train that went last.
    now: u64,
    recipients: usize,
}

impl Ready {
    fn push(&mut self, train: Train) {
        self.recipients += train.items.len();
        let message = train.sheet.message.no;
        let line = self.lines.entry(message).or_default();
        line.push_back(train);
        if line.len() == 1 {
            let tag = self.tags.entry(message).or_default();
            *tag = self.now.max(*tag);
            self.turn.insert((*tag, message));
        }
    }

    fn pop(&mut self) -> Option<Train> {
        let (tag, message) = self.turn.pop_first()?;
        let line = self.lines.get_mut(&message)?;
        let train = line.pop_front()?;
        self.now = tag;
        let tag = tag + train.items.len() as u64;
        self.tags.insert(message, tag);
        if line.is_empty() {
            self.lines.remove(&message);
        } else {
            self.turn.insert((tag, message));
        }
        if self.tags.len() > 4096 {
            let now = self.now;
            let lines = &self.lines;
            self.tags.retain(|message, tag| *tag > now || lines.contains_key(message));
        }
        self.recipients -= train.items.len();
        Some(train)
    }
}

impl Desk {
    pub(crate) fn new(no: ProviderNo) -> Self {
        Self {
            no,
            bell: Notify::new(),
            touched: Mutex::new(Touched { all: true, messages: BTreeSet::new() }),
            ready: Mutex::default(),
            ready_bell: Notify::new(),
            gate: tokio::sync::Mutex::new(()),
            pacer: Mutex::new(Pacer::new(&Limits::default(), Instant::now())),
            answers: Mutex::default(),
            in_hand: AtomicUsize::new(0),
            hungry: AtomicBool::new(false),
            concurrency: AtomicUsize::new(0),
            workers: Mutex::default(),
            health: Health::default(),
            standing: Mutex::default(),
        }
    }

    /// Look at this message's lane again.
    pub(crate) fn touch(&self, message: MessageNo) {
        lock(&self.touched).messages.insert(message);
        self.bell.notify_one();
    }

    /// Look at everything again.
    pub(crate) fn touch_all(&self) {
        lock(&self.touched).all = true;
        self.bell.notify_one();
    }

    pub(crate) fn take_touched(&self) -> Touched {
        std::mem::take(&mut lock(&self.touched))
    }

    /// Puts a train at the end of its message's line.
    pub(crate) fn push(&self, train: Train) {
        lock(&self.ready).push(train);
        self.hungry.store(false, SeqCst);
        self.ready_bell.notify_one();
    }

    /// The next train: messages take turns.
    pub(crate) fn pop(&self) -> Option<Train> {
        let mut ready = lock(&self.ready);
        let train = ready.pop()?;
        // Under the lock: whoever sees nobody at hand and nobody in hand can rely on it.
        self.in_hand.fetch_add(train.items.len(), SeqCst);
        Some(train)
    }

    /// Takes back everything that no worker has.
    pub(crate) fn take_back(&self) -> Vec<Train> {
        let mut ready = lock(&self.ready);
        ready.recipients = 0;
        ready.turn.clear();
        std::mem::take(&mut ready.lines).into_values().flatten().collect()
    }

    /// Takes back everything of one message that no worker has.
    pub(crate) fn take_back_of(&self, message: MessageNo) -> Vec<Train> {
        let mut ready = lock(&self.ready);
        let Some(line) = ready.lines.remove(&message) else { return Vec::new() };
        let tag = ready.tags.get(&message).copied().unwrap_or_default();
        ready.turn.remove(&(tag, message));
        ready.recipients -= line.iter().map(|train| train.items.len()).sum::<usize>();
        line.into()
    }

    /// Recipients that wait for a worker.
    pub(crate) fn at_hand(&self) -> usize {
        lock(&self.ready).recipients
    }

    /// Hands in answers.
    pub(crate) fn answer(&self, done: &mut Vec<Done>) {
        if done.is_empty() {
            return;
        }
        let mut answers = lock(&self.answers);
        if answers.is_empty() {
            std::mem::swap(&mut *answers, done);
        } else {
            answers.append(done);
        }
        drop(answers);
        self.bell.notify_one();
    }

    pub(crate) fn take_answers(&self) -> Vec<Done> {
        std::mem::take(&mut lock(&self.answers))
    }

    /// Whether answers wait for the dispatcher.
    pub(crate) fn has_answers(&self) -> bool {
        !lock(&self.answers).is_empty()
    }

    /// Says how things stand, if that has changed.
    pub(crate) fn stand(&self, standing: Standing) {
        let mut have = lock(&self.standing);
        if *have != standing {
            *have = standing;
        }
    }
}
