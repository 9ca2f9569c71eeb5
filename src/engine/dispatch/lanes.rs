//! The lanes of one provider: whose turn it is, by deficit round robin.

use super::train::Sheet;
use crate::domain::ids::MessageNo;
use crate::domain::plan::{LaneCursor, LaneKey, WindowSource};
use crate::domain::time::Timestamp;
use crate::store::dispatch::{Candidate, Candidates};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use tokio::time::Instant;

/// Recipients that were read and not yet claimed.
#[derive(Debug)]
pub(crate) struct Supply {
    pub(crate) source: WindowSource,
    pub(crate) list: VecDeque<Candidate>,
    pub(crate) read: Instant,
}

impl Supply {
    pub(crate) fn new(candidates: Candidates, read: Instant) -> Self {
        Self { source: candidates.source, list: candidates.list.into(), read }
    }

    /// Takes `count` from the front.
    fn take(&mut self, count: usize) -> (WindowSource, Vec<Candidate>) {
        let count = count.min(self.list.len());
        let list: Vec<_> = self.list.drain(..count).collect();
        let source = match &mut self.source {
            WindowSource::Plan { run, offset, len } => {
                let taken = WindowSource::Plan { run: *run, offset: *offset, len: count as u32 };
                *offset += count as u32;
                *len -= count as u32;
                taken
            }
            WindowSource::Waiting(waiting) => WindowSource::Waiting(waiting.drain(..count).collect()),
        };
        (source, list)
    }

    /// The smallest count of at least `count` that does not cut through a keyed batch.
    fn whole(&self, count: usize) -> usize {
        let WindowSource::Waiting(waiting) = &self.source else { return count };
        let mut count = count;
        while count > 0 && count < waiting.len() {
            let (last, next) = (waiting[count - 1].batch, waiting[count].batch);
            if last.is_none() || last != next {
                break;
            }
            count += 1;
        }
        count
    }
}

/// One message's lane through this provider.
#[allow(clippy::struct_excessive_bools)]
pub(crate) struct LaneState {
    pub(crate) key: LaneKey,
    pub(crate) run: u16,
    pub(crate) sheet: Arc<Sheet>,
    /// The next recipient of the plan that nobody has claimed.
    pub(crate) cursor: LaneCursor,
    /// Nothing of the plan is unclaimed, as far as it is written.
    pub(crate) exhausted: bool,
    /// When the first of those who wait is due.
    pub(crate) next_wait: Option<Timestamp>,
    /// Those who wait are being claimed; they must not be read again before that is done.
    pub(crate) waiting_claimed: bool,
    /// Its turn is the plan's next, then that of those who wait, and so on.
    pub(crate) plan_next: bool,
    pub(crate) supply: Option<Supply>,
    /// The deadline has passed, and who was held because of the provider has been let go.
    pub(crate) let_go: bool,
    deficit: i64,
}

impl LaneState {
    pub(crate) fn new(key: LaneKey, run: u16, sheet: Arc<Sheet>) -> Self {
        Self {
            key,
            run,
            sheet,
            cursor: LaneCursor::default(),
            exhausted: false,
            next_wait: None,
            waiting_claimed: false,
            plan_next: true,
            supply: None,
            let_go: false,
            deficit: 0,
        }
    }

    /// Whether somebody waits and is due.
    pub(crate) fn waiting_due(&self, now: Timestamp) -> bool {
        !self.waiting_claimed && self.next_wait.is_some_and(|due| due <= now)
    }

    fn supplied(&self) -> usize {
        self.supply.as_ref().map_or(0, |supply| supply.list.len())
    }
}

/// How often a lane is served in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    /// Once.
    Once,
    /// Until the room is used up.
    Turns,
}

/// What a round takes from one lane.
pub(crate) struct Portion {
    pub(crate) key: LaneKey,
    pub(crate) run: u16,
    pub(crate) sheet: Arc<Sheet>,
    pub(crate) source: WindowSource,
    pub(crate) list: Vec<Candidate>,
}

/// The lanes of one provider.
#[derive(Default)]
pub(crate) struct LaneBook {
    pub(crate) lanes: HashMap<MessageNo, LaneState>,
    /// Lanes with somebody read, in turn.
    turn: VecDeque<MessageNo>,
    /// Lanes to read from, in turn.
    pub(crate) dry: VecDeque<MessageNo>,
    /// Recipients read in all.
    supplied: usize,
}

impl LaneBook {
    /// Recipients read and not claimed.
    pub(crate) fn supplied(&self) -> usize {
        self.supplied
    }

    /// Adds a lane, or takes one anew.
    pub(crate) fn insert(&mut self, lane: LaneState) {
        let message = lane.key.message;
        self.remove(message);
        self.lanes.insert(message, lane);
        self.dry.push_back(message);
    }

    /// Forgets a lane.
    pub(crate) fn remove(&mut self, message: MessageNo) {
        if let Some(lane) = self.lanes.remove(&message) {
            self.supplied -= lane.supplied();
            self.turn.retain(|no| *no != message);
            self.dry.retain(|no| *no != message);
        }
    }

    /// Lets a lane be read from, unless it has somebody or is in line.
    pub(crate) fn thirsty(&mut self, message: MessageNo) {
        let idle = self.lanes.get(&message).is_some_and(|lane| lane.supply.is_none());
        if idle && !self.dry.contains(&message) {
            self.dry.push_back(message);
        }
    }

    /// What was read for a lane.
    pub(crate) fn supply(&mut self, message: MessageNo, supply: Supply) {
        let Some(lane) = self.lanes.get_mut(&message) else { return };
        if supply.list.is_empty() {
            return;
        }
        let had = lane.supplied();
        self.supplied = self.supplied - had + supply.list.len();
        lane.supply = Some(supply);
        if had == 0 {
            lane.deficit = 0;
            self.turn.push_back(message);
        }
    }

    /// Forgets what was read for a lane, which is then read from again.
    pub(crate) fn drop_supply(&mut self, message: MessageNo) {
        if let Some(lane) = self.lanes.get_mut(&message)
            && lane.supply.is_some()
        {
            self.supplied -= lane.supplied();
            if let Some(Supply { source: WindowSource::Plan { .. }, .. }) = lane.supply.take() {
                lane.exhausted = false;
            }
            self.turn.retain(|no| *no != message);
            self.thirsty(message);
        }
    }

    /// Forgets what was read too long ago to be true.
    pub(crate) fn drop_stale(&mut self, before: Instant) {
        let stale: Vec<_> = self
            .lanes
            .values()
            .filter(|lane| lane.supply.as_ref().is_some_and(|supply| supply.read < before))
            .map(|lane| lane.key.message)
            .collect();
        for message in stale {
            self.drop_supply(message);
        }
    }

    /// Takes up to `room` recipients: each lane in turn gets `quantum`, and keeps its turn where the
    /// room ends in the middle of it. `only`: which lanes take part.
    pub(crate) fn round(
        &mut self,
        room: usize,
        quantum: usize,
        share: Share,
        only: impl Fn(&LaneState) -> bool,
    ) -> Vec<Portion> {
        let mut left = room as i64;
        let quantum = quantum.max(1) as i64;
        let mut taken: Vec<(MessageNo, usize)> = Vec::new();
        let mut place: HashMap<MessageNo, usize> = HashMap::new();
        let mut aside = VecDeque::new();
        while left > 0 {
            let Some(message) = self.turn.pop_front() else { break };
            let Some(lane) = self.lanes.get_mut(&message) else { continue };
            if !only(lane) || (share == Share::Once && place.contains_key(&message)) {
                aside.push_back(message);
                continue;
            }
            let at = *place.entry(message).or_insert_with(|| {
                taken.push((message, 0));
                taken.len() - 1
            });
            let have = lane.supplied() - taken[at].1;
            if lane.deficit <= 0 {
                // Alone, it needs no turns.
                lane.deficit +=
                    if self.turn.is_empty() && share == Share::Turns { left.max(quantum) } else { quantum };
            }
            let want = lane.deficit.min(left).max(0) as usize;
            let sum = taken[at].1 + want.min(have);
            let sum = lane.supply.as_ref().map_or(sum, |supply| supply.whole(sum));
            let count = (sum - taken[at].1) as i64;
            taken[at].1 = sum;
            left -= count;
            lane.deficit -= count;
            if sum == lane.supplied() {
                // Empty: it is read from again, and starts anew.
                lane.deficit = lane.deficit.min(0);
                self.dry.push_back(message);
            } else if lane.deficit > 0 {
                self.turn.push_front(message);
            } else {
                self.turn.push_back(message);
            }
        }
        self.turn.append(&mut aside);
        taken.into_iter().filter_map(|(message, count)| self.portion(message, count)).collect()
    }

    fn portion(&mut self, message: MessageNo, count: usize) -> Option<Portion> {
        let lane = self.lanes.get_mut(&message)?;
        let supply = lane.supply.as_mut()?;
        let (source, list) = supply.take(count);
        self.supplied -= list.len();
        if supply.list.is_empty() {
            lane.supply = None;
        }
        match &source {
            WindowSource::Plan { run, offset, len } => {
                lane.cursor = LaneCursor { run: *run, offset: offset + len };
            }
            WindowSource::Waiting(_) => lane.waiting_claimed = true,
        }
        if list.is_empty() {
            return None;
        }
        Some(Portion { key: lane.key, run: lane.run, sheet: Arc::clone(&lane.sheet), source, list })
    }
}
