//! The lanes of one provider: whose turn it is, by deficit round robin.

use super::train::Sheet;
use crate::domain::ids::MessageNo;
use crate::domain::plan::{LaneCursor, LaneKey, WindowSource};
use crate::domain::time::Timestamp;
use crate::store::dispatch::{Candidate, Candidates};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;
use std::sync::Arc;
use tokio::time::Instant;

/// The most lanes that one round passes over.
const LOOKED_AT: usize = 1024;

/// Recipients that were read and not yet claimed.
#[derive(Debug)]
pub(crate) struct Supply {
    pub(crate) source: WindowSource,
    /// How many its run of the plan had.
    pub(crate) of: u32,
    pub(crate) list: VecDeque<Candidate>,
    pub(crate) read: Instant,
}

impl Supply {
    pub(crate) fn new(candidates: Candidates, read: Instant) -> Self {
        Self { source: candidates.source, of: candidates.of, list: candidates.list.into(), read }
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
#[allow(clippy::struct_excessive_bools, reason = "each is a condition of its own; all combinations occur")]
pub(crate) struct LaneState {
    pub(crate) key: LaneKey,
    pub(crate) run: u16,
    pub(crate) sheet: Arc<Sheet>,
    /// The next recipient of the plan that nobody has claimed.
    pub(crate) cursor: LaneCursor,
    /// Nothing of the plan is unclaimed, as far as it is written.
    pub(crate) exhausted: bool,
    /// When the first of those who wait is due.
    next_wait: Option<Timestamp>,
    /// Those who wait are being claimed; they must not be read again before that is done.
    pub(crate) waiting_claimed: bool,
    /// Its turn is the plan's next, then that of those who wait, and so on.
    pub(crate) plan_next: bool,
    pub(crate) supply: Option<Supply>,
    /// The deadline has passed, and who was held because of the provider has been let go.
    pub(crate) let_go: bool,
    deficit: i64,
    /// Its ticket in the line of lanes to be read from; 0: it is not in it.
    dry: u64,
    /// Its ticket in the line of lanes to be claimed from; 0: it is not in it.
    turn: u64,
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
            dry: 0,
            turn: 0,
        }
    }

    /// When the first of those who wait is due.
    pub(crate) fn next_wait(&self) -> Option<Timestamp> {
        self.next_wait
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
    pub(crate) of: u32,
    pub(crate) list: Vec<Candidate>,
}

/// The lanes of one provider. A line may have tickets of lanes that are gone or stand elsewhere by now;
/// the one that the lane itself has is good.
#[derive(Default)]
pub(crate) struct LaneBook {
    pub(crate) lanes: BTreeMap<MessageNo, LaneState>,
    /// Lanes with somebody read, in turn.
    turn: VecDeque<(MessageNo, u64)>,
    /// Lanes to read from, in turn.
    dry: VecDeque<(MessageNo, u64)>,
    /// The last ticket given out.
    ticket: u64,
    /// When whose first waiting recipient is due.
    waits: BTreeSet<(Timestamp, MessageNo)>,
    /// Whose deadline is when.
    deadlines: BTreeSet<(Timestamp, MessageNo)>,
    /// Recipients read in all.
    supplied: usize,
    /// When what was read was last looked through.
    looked: Option<Instant>,
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
        if let Some(deadline) = lane.sheet.message.expires_at {
            self.deadlines.insert((deadline, message));
        }
        self.lanes.insert(message, lane);
        self.thirsty(message);
    }

    /// Forgets a lane.
    pub(crate) fn remove(&mut self, message: MessageNo) {
        if let Some(lane) = self.lanes.remove(&message) {
            self.supplied -= lane.supplied();
            if let Some(due) = lane.next_wait {
                self.waits.remove(&(due, message));
            }
            if let Some(deadline) = lane.sheet.message.expires_at {
                self.deadlines.remove(&(deadline, message));
            }
        }
    }

    /// Notes when the first of those who wait in a lane is due.
    pub(crate) fn set_wait(&mut self, message: MessageNo, due: Option<Timestamp>) {
        let Some(lane) = self.lanes.get_mut(&message) else { return };
        if let Some(old) = std::mem::replace(&mut lane.next_wait, due) {
            self.waits.remove(&(old, message));
        }
        if let Some(due) = due {
            self.waits.insert((due, message));
        }
    }

    /// Lanes with somebody who waits and is due.
    pub(crate) fn waits_due(&self, now: Timestamp) -> Vec<MessageNo> {
        let due = self.waits.iter().take_while(|(due, _)| *due <= now).map(|(_, message)| *message);
        due.filter(|message| self.lanes.get(message).is_some_and(|lane| lane.waiting_due(now))).collect()
    }

    /// When the next waiting recipient comes due after now.
    pub(crate) fn next_wait_after(&self, now: Timestamp) -> Option<Timestamp> {
        let after = (now, MessageNo(u64::MAX));
        self.waits.range((Bound::Excluded(after), Bound::Unbounded)).next().map(|(due, _)| *due)
    }

    /// Lanes whose deadline has passed, at most `most`.
    pub(crate) fn late(&self, now: Timestamp, most: usize) -> Vec<MessageNo> {
        let late = self.deadlines.iter().take_while(|(deadline, _)| *deadline <= now);
        late.map(|(_, message)| *message).take(most).collect()
    }

    /// Lets a lane be read from, unless it has somebody or is in line.
    pub(crate) fn thirsty(&mut self, message: MessageNo) {
        let Some(lane) = self.lanes.get_mut(&message) else { return };
        if lane.supply.is_none() && lane.dry == 0 {
            self.ticket += 1;
            lane.dry = self.ticket;
            self.dry.push_back((message, self.ticket));
        }
    }

    /// The next lane to read from.
    pub(crate) fn next_dry(&mut self) -> Option<MessageNo> {
        while let Some((message, ticket)) = self.dry.pop_front() {
            if let Some(lane) = self.lanes.get_mut(&message).filter(|lane| lane.dry == ticket) {
                lane.dry = 0;
                return Some(message);
            }
        }
        None
    }

    /// What was read for a lane.
    pub(crate) fn supply(&mut self, message: MessageNo, supply: Supply) {
        let Some(lane) = self.lanes.get_mut(&message) else { return };
        if supply.list.is_empty() {
            return;
        }
        self.supplied = self.supplied - lane.supplied() + supply.list.len();
        lane.supply = Some(supply);
        if lane.turn == 0 {
            lane.deficit = 0;
            self.ticket += 1;
            lane.turn = self.ticket;
            self.turn.push_back((message, self.ticket));
        }
    }

    /// Forgets what was read for a lane, which is then read from again.
    pub(crate) fn drop_supply(&mut self, message: MessageNo) {
        let Some(lane) = self.lanes.get_mut(&message) else { return };
        self.supplied -= lane.supplied();
        if let Some(Supply { source: WindowSource::Plan { .. }, .. }) = lane.supply.take() {
            lane.exhausted = false;
        }
        self.thirsty(message);
    }

    /// Forgets what was read too long ago to be true.
    pub(crate) fn drop_stale(&mut self, before: Instant) {
        if self.looked.is_some_and(|looked| looked > before) {
            return;
        }
        self.looked = Some(Instant::now());
        let stale = self
            .lanes
            .values()
            .filter(|lane| lane.supply.as_ref().is_some_and(|supply| supply.read < before));
        let stale: Vec<_> = stale.map(|lane| lane.key.message).collect();
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
        let mut place: BTreeMap<MessageNo, usize> = BTreeMap::new();
        let mut aside = VecDeque::new();
        while left > 0 && aside.len() < LOOKED_AT {
            let Some((message, ticket)) = self.turn.pop_front() else { break };
            let Some(lane) = self.lanes.get_mut(&message).filter(|lane| lane.turn == ticket) else {
                continue;
            };
            if lane.supply.is_none() {
                lane.turn = 0;
                continue;
            }
            if !only(lane) || (share == Share::Once && place.contains_key(&message)) {
                aside.push_back((message, ticket));
                continue;
            }
            let at = *place.entry(message).or_insert_with(|| {
                taken.push((message, 0));
                taken.len() - 1
            });
            let have = lane.supplied() - taken[at].1;
            if lane.deficit <= 0 {
                // Alone, it needs no turns.
                let alone = self.turn.is_empty() && share == Share::Turns;
                lane.deficit += if alone { left.max(quantum) } else { quantum };
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
                lane.turn = 0;
            } else if lane.deficit > 0 {
                self.turn.push_front((message, ticket));
            } else {
                self.turn.push_back((message, ticket));
            }
        }
        self.turn.append(&mut aside);
        taken.into_iter().filter_map(|(message, count)| self.portion(message, count)).collect()
    }

    fn portion(&mut self, message: MessageNo, count: usize) -> Option<Portion> {
        let lane = self.lanes.get_mut(&message)?;
        let supply = lane.supply.as_mut()?;
        let (source, list) = supply.take(count);
        let of = supply.of;
        self.supplied -= list.len();
        let empty = supply.list.is_empty();
        if empty {
            lane.supply = None;
        }
        match &source {
            WindowSource::Plan { run, offset, len } => {
                lane.cursor = LaneCursor { run: *run, offset: offset + len };
            }
            WindowSource::Waiting(_) => lane.waiting_claimed = true,
        }
        let (key, run, sheet) = (lane.key, lane.run, Arc::clone(&lane.sheet));
        if empty {
            self.thirsty(message);
        }
        if list.is_empty() {
            return None;
        }
        Some(Portion { key, run, sheet, source, of, list })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::channel::InDoubt;
    use crate::domain::ids::{IdentifierNo, ProviderNo, RunNo, TargetNo};
    use proptest::prelude::*;

    fn lane(no: u64) -> LaneState {
        let sheet = Sheet {
            message: crate::engine::dispatch::train::tests::message(no),
            in_doubt: InDoubt::Resend,
            link: None,
            compiled: Err(String::new()),
            templates: None,
            links: None,
            prefix: String::new(),
        };
        let key = LaneKey { message: MessageNo(no), provider: ProviderNo(1) };
        LaneState::new(key, 1, Arc::new(sheet))
    }

    fn supply(count: usize) -> Supply {
        let candidate = Candidate {
            target: TargetNo(1),
            identifier: IdentifierNo(1),
            address: String::new(),
            skip: None,
            direct: false,
            attempts: 0,
            possibly_twice: false,
            moved: None,
            person: None,
        };
        Supply {
            source: WindowSource::Plan { run: RunNo(0), offset: 0, len: count as u32 },
            of: count as u32,
            list: vec![candidate; count].into(),
            read: Instant::now(),
        }
    }

    proptest! {
        #[test]
        fn lanes_share_whatever_the_rooms_are(
            rooms in proptest::collection::vec(1usize..40, 200..300),
            lanes in 2u64..6,
            quantum in 1usize..20,
        ) {
            let mut book = LaneBook::default();
            let mut had = vec![0usize; lanes as usize];
            for no in 0..lanes {
                book.insert(lane(no));
                book.supply(MessageNo(no), supply(20_000));
                // Twice in line counts once.
                book.remove(MessageNo(no));
                book.insert(lane(no));
                book.supply(MessageNo(no), supply(20_000));
            }
            for room in rooms {
                let portions = book.round(room, quantum, Share::Turns, |_| true);
                let sum: usize = portions.iter().map(|portion| portion.list.len()).sum();
                prop_assert_eq!(sum, room);
                for portion in portions {
                    had[portion.key.message.0 as usize] += portion.list.len();
                }
                let (least, most) = (had.iter().min().unwrap(), had.iter().max().unwrap());
                prop_assert!(most - least <= 2 * quantum, "{:?}", had);
            }
            let left: usize = book.lanes.values().map(LaneState::supplied).sum();
            prop_assert_eq!(left, book.supplied());
        }
    }

    #[test]
    fn an_empty_lane_is_read_from_again() {
        let mut book = LaneBook::default();
        book.insert(lane(1));
        assert_eq!(book.next_dry(), Some(MessageNo(1)));
        assert_eq!(book.next_dry(), None);
        book.supply(MessageNo(1), supply(5));
        assert_eq!(book.round(9, 3, Share::Turns, |_| true)[0].list.len(), 5);
        assert_eq!((book.supplied(), book.next_dry()), (0, Some(MessageNo(1))));
        assert_eq!(book.lanes[&MessageNo(1)].cursor, LaneCursor { run: RunNo(0), offset: 5 });
    }
}
