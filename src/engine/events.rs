//! What has changed, for whoever watches: coarse, numbered, bounded. A watcher compares
//! and fetches what it shows; one that has slept too long starts over.

use super::core::{Core, lock};
use crate::domain::time::Timestamp;
use crate::store::history::{Changes, StoreHealth};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// How many events are kept.
const KEPT: usize = 1024;
/// At most so often.
const SPACING: Duration = Duration::from_millis(100);

/// Something has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// The place in this instance's sequence.
    pub seq: u64,
    /// When it was noticed.
    pub at: Timestamp,
    /// How far everything has come.
    pub changes: Changes,
    /// What the disk says, while the store takes no writes.
    pub suspended: Option<String>,
    /// All sending is stopped.
    pub stopped: bool,
}

/// What a watcher gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Since {
    /// The events after the position; maybe none.
    Events(Vec<Event>),
    /// The position is of another instance, or too old: fetch everything anew, and go on from here.
    Reset(u64),
}

/// The events of one run of the engine.
pub struct Feed {
    instance: String,
    events: Mutex<VecDeque<Event>>,
    newest: watch::Sender<u64>,
    /// Something outside the store has changed that watchers show.
    touched: Notify,
}

impl Feed {
    pub(crate) fn new(instance: String) -> Self {
        Self { instance, events: Mutex::default(), newest: watch::Sender::new(0), touched: Notify::new() }
    }

    /// The name of this run: a sequence means nothing in another.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// Says that something has changed that no part of the engine writes, such as who watches.
    pub fn touch(&self) {
        self.touched.notify_one();
    }

    /// The newest event's place; changes with each event.
    pub fn newest(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    /// What came after a position.
    pub fn since(&self, instance: &str, seq: u64) -> Since {
        let events = lock(&self.events);
        let newest = *self.newest.borrow();
        let first = events.front().map_or(newest + 1, |event| event.seq);
        if instance != self.instance || seq > newest || seq + 1 < first {
            return Since::Reset(newest);
        }
        Since::Events(events.iter().filter(|event| event.seq > seq).cloned().collect())
    }

    fn push(&self, at: Timestamp, changes: Changes, suspended: Option<String>, stopped: bool) {
        let mut events = lock(&self.events);
        let seq = *self.newest.borrow() + 1;
        if events.len() == KEPT {
            events.pop_front();
        }
        events.push_back(Event { seq, at, changes, suspended, stopped });
        drop(events);
        self.newest.send_replace(seq);
    }
}

/// Turns the store's changes into events, until the engine closes.
pub(crate) async fn run(core: Arc<Core>, feed: Arc<Feed>) {
    let mut changes = core.store.changes();
    let mut health = core.store.health();
    let mut flags = core.flags.subscribe();
    loop {
        let suspended = match &*health.borrow_and_update() {
            StoreHealth::Well => None,
            StoreHealth::Suspended { cause, .. } => Some(cause.clone()),
        };
        let now = *changes.borrow_and_update();
        flags.mark_unchanged();
        feed.push(core.clock.now(), now, suspended, core.stopped());
        tokio::select! {
            biased;
            result = changes.changed() => if result.is_err() { return },
            result = health.changed() => if result.is_err() { return },
            _ = flags.changed() => {}
            () = feed.touched.notified() => {}
            () = core.closing.cancelled() => return,
        }
        tokio::select! {
            biased;
            () = tokio::time::sleep(SPACING) => {}
            () = core.closing.cancelled() => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_lapse_and_instances_differ() {
        let feed = Feed::new("a".into());
        assert_eq!(feed.since("a", 0), Since::Events(vec![]));
        for _ in 0..KEPT + 10 {
            feed.push(Timestamp(0), Changes::default(), None, false);
        }
        let newest = (KEPT + 10) as u64;
        assert_eq!(*feed.newest().borrow(), newest);
        assert_eq!(feed.since("a", 3), Since::Reset(newest));
        assert_eq!(feed.since("b", newest), Since::Reset(newest));
        assert_eq!(feed.since("a", newest + 1), Since::Reset(newest));
        let Since::Events(events) = feed.since("a", newest - 2) else { panic!("they are kept") };
        assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [newest - 1, newest]);
        assert_eq!(feed.since("a", 10), Since::Events(lock(&feed.events).iter().cloned().collect()));
    }
}
