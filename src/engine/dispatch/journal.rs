//! Claims, and the commit that carries them.

use super::dispatcher::{Dispatcher, STEP};
use super::lanes::{LaneState, Portion, Share};
use super::train::{Item, Sheet, Train, local};
use crate::domain::channel::InDoubt;
use crate::domain::delivery::{LogDetail, Outcome};
use crate::domain::ids::{MessageNo, WindowNo};
use crate::domain::plan::{BatchKey, WaitReason, WindowSource};
use crate::domain::time::Timestamp;
use crate::engine::breaker::Permit;
use crate::engine::conditions::{Condition, Effect, Phase, effect};
use crate::engine::error::Result;
use crate::store::dispatch::{Candidate, Claim, ItemOutcome, JournalEntry, Next};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A claim that is asked for, and what its trains will be made of.
pub(super) struct Asked {
    claim: Claim,
    sheet: Arc<Sheet>,
    list: Vec<Candidate>,
    /// The window is a batch of a service with keys.
    keyed: bool,
    /// The key that it had.
    key: Option<BatchKey>,
    /// How many recipients a worker takes at once.
    train: usize,
    expired: bool,
    /// They had a key, and it cannot be used any more.
    lost: bool,
}

impl Dispatcher {
    /// What to claim now.
    pub(super) fn claims(&mut self, conditions: &[Condition], now: Instant, wall: Timestamp) -> Vec<Asked> {
        let train = self.train();
        let may = conditions.iter().all(|condition| {
            effect(*condition, Phase::Planned) == Effect::Finishes
                && effect(*condition, Phase::Retry) == Effect::Finishes
        });
        let mut asked = Vec::new();
        // Who is too late needs no provider, only a row.
        if !self.book.late(wall, 1).is_empty() {
            for portion in self.book.round(STEP, STEP, Share::Turns, |lane| lane.sheet.expired(wall)) {
                asked.push(whole(portion, train, true));
            }
        }
        if !may {
            return asked;
        }
        let room = self.room(now);
        let guarded = self.guarded();
        let open = |lane: &LaneState| !(guarded && lane.sheet.message.is_bulk());
        let mut portions = Vec::new();
        let claimed = &self.claimed_of;
        if room.newcomers > 0 && self.book.supplied() > 0 {
            portions = self.book.round(room.newcomers, train, Share::Once, |lane| {
                open(lane) && !claimed.contains_key(&lane.key.message)
            });
        }
        let taken: usize = portions.iter().map(|portion| portion.list.len()).sum();
        let left = room.all.saturating_sub(taken);
        if left > 0 {
            portions.extend(self.book.round(left, train, Share::Turns, open));
        }
        if portions.is_empty() {
            return asked;
        }
        if self.breaker.permit(now) == Permit::Probe {
            self.breaker.probe();
        }
        let keys = self.link.as_ref().and_then(|link| link.kind.idempotency);
        let count: usize = portions.iter().map(|portion| portion.list.len()).sum();
        for portion in portions {
            split(portion, train, keys, wall, &mut asked);
        }
        if self.quota.limited() {
            self.quota.take(count as u64, now);
        }
        asked
    }

    /// Records what is pending and claims, in one commit; then the claimed may be sent.
    pub(super) async fn commit(&mut self, asked: Vec<Asked>, now: Instant) -> Result<()> {
        let outcomes = Arc::new(self.verdicts.drain());
        let usage =
            (self.quota.limited() && !asked.is_empty()).then(|| (self.desk.no, self.quota.store(now)));
        let entry = JournalEntry {
            claims: asked.iter().map(|asked| asked.claim.clone()).collect(),
            at: self.core.clock.now(),
            outcomes,
            usage,
        };
        let kept = Arc::clone(&entry.outcomes);
        let claimed = entry.at;
        self.last_commit = now;
        let began = Instant::now();
        let receipt = match self.core.store.journal(entry).await {
            Ok(receipt) => receipt,
            Err(error) => {
                // It may have landed. Outcomes count once, however often they are recorded; windows
                // that nobody knows of are found again before anything else is claimed.
                self.verdicts.restore(Arc::unwrap_or_clone(kept));
                self.unsure = true;
                for asked in asked {
                    self.book.drop_supply(asked.claim.lane.message);
                    self.book.remove(asked.claim.lane.message);
                }
                self.desk.touch_all();
                return Err(error.into());
            }
        };
        self.commit_time = (self.commit_time * 7 + began.elapsed()) / 8;
        self.settle(&kept);
        for (asked, window) in asked.into_iter().zip(receipt.windows) {
            let message = asked.claim.lane.message;
            if let (WindowSource::Waiting(_), Some(lane)) =
                (&asked.claim.source, self.book.lanes.get_mut(&message))
            {
                lane.waiting_claimed = false;
            }
            if let Some(window) = window {
                self.granted(asked, window, claimed);
                continue;
            }
            if !asked.expired {
                self.quota.give_back(asked.list.len() as u64);
            }
            self.book.remove(message);
            self.desk.touch(message);
        }
        for message in &receipt.finished {
            self.core.noticed(message);
        }
        Ok(())
    }

    /// Takes recorded outcomes off what is claimed, and notes who waits until when.
    fn settle(&mut self, recorded: &[(WindowNo, Vec<ItemOutcome>)]) {
        for (window, items) in recorded {
            self.claimed = self.claimed.saturating_sub(items.len());
            let Some(left) = self.open.get_mut(window) else { continue };
            left.count = left.count.saturating_sub(items.len());
            let message = left.message;
            if let Some(count) = self.claimed_of.get_mut(&message) {
                *count = count.saturating_sub(items.len());
                if *count == 0 {
                    self.claimed_of.remove(&message);
                }
            }
            if left.count == 0 {
                self.open.remove(window);
            }
            let first = items.iter().filter_map(|item| match &item.next {
                Next::Wait { due, .. } => Some(*due),
                Next::Over => None,
            });
            let Some(due) = first.min() else { continue };
            // Where everybody goes elsewhere, so does whoever has come back.
            self.rerouted = false;
            match self.book.lanes.get(&message) {
                Some(lane) => {
                    let first = lane.next_wait().map_or(due, |have| have.min(due));
                    self.book.set_wait(message, Some(first));
                }
                None => self.desk.touch(message),
            }
        }
    }

    /// A window is granted: cut it into trains, and let them go. `claimed` is the time in its row,
    /// from which a key is made again after a crash.
    fn granted(&mut self, asked: Asked, window: WindowNo, claimed: Timestamp) {
        let now = self.core.clock.now();
        let Asked { claim, sheet, list, keyed, key, train, expired, lost } = asked;
        self.claimed += list.len();
        *self.claimed_of.entry(claim.lane.message).or_default() += list.len();
        self.open.insert(window, Open { count: list.len(), message: claim.lane.message });
        let mut items = Vec::with_capacity(list.len());
        let mut unsent = 0;
        for (index, mut candidate) in list.into_iter().enumerate() {
            candidate.possibly_twice |= lost;
            let item = Item { index: index as u32, candidate };
            if expired || sheet.expired(now) {
                let done = item.over(window, Outcome::Expired, local("its deadline passed"), now);
                self.verdicts.record(done);
            } else if let Some(reason) = item.candidate.skip {
                unsent += 1;
                let detail = LogDetail { skip: Some(reason), ..local("") };
                self.verdicts.record(item.over(window, Outcome::Skipped, detail, now));
            } else if let Err(problem) = &sheet.compiled {
                unsent += 1;
                let done = match &sheet.link {
                    Some(_) => item.over(window, Outcome::Permanent, local(problem.clone()), now),
                    // It could not be connected: that is no fault of theirs.
                    None => item.put_back(window, Timestamp::NEVER, WaitReason::ProviderRefuses, now),
                };
                self.verdicts.record(done);
            } else if lost && sheet.in_doubt == InDoubt::Hold {
                unsent += 1;
                self.verdicts.record(item.put_back(window, Timestamp::NEVER, WaitReason::Uncertain, now));
            } else {
                items.push(item);
            }
        }
        self.quota.give_back(unsent);
        let key = keyed.then(|| key.unwrap_or(BatchKey { window, batch: 0, used: claimed }));
        let mut items = items.into_iter().peekable();
        while items.peek().is_some() {
            let items: Vec<_> = items.by_ref().take(if key.is_some() { usize::MAX } else { train }).collect();
            self.desk.push(Train { sheet: Arc::clone(&sheet), window, items, key });
        }
    }

    /// After a commit that failed: windows that are open and unknown here were never sent; their
    /// people are put back.
    pub(super) async fn reconcile(&mut self) -> Result<()> {
        let windows = self.core.store.open_windows().await?;
        let at = self.core.clock.now();
        let mut entry = JournalEntry { at, ..JournalEntry::default() };
        for window in windows {
            let unknown = window.lane.provider == self.desk.no && !self.open.contains_key(&window.no);
            if !unknown || window.done_count() > 0 || !self.core.admits(window.lane.message) {
                continue;
            }
            let outcomes = crate::engine::recover::put_back(&self.core, &window, at).await?;
            Arc::make_mut(&mut entry.outcomes).push((window.no, outcomes));
        }
        if !entry.outcomes.is_empty() {
            let receipt = self.core.store.journal(entry).await?;
            receipt.finished.iter().for_each(|message| self.core.noticed(message));
        }
        self.unsure = false;
        self.desk.touch_all();
        Ok(())
    }
}

/// An open window.
pub(crate) struct Open {
    /// Recipients without a recorded outcome.
    count: usize,
    message: MessageNo,
}

fn claim(portion: &Portion, source: WindowSource) -> Claim {
    Claim { lane: portion.key, run: portion.run, source, of: portion.of }
}

fn whole(portion: Portion, train: usize, expired: bool) -> Asked {
    let claim = claim(&portion, portion.source.clone());
    Asked {
        claim,
        sheet: portion.sheet,
        list: portion.list,
        keyed: false,
        key: None,
        lost: false,
        train,
        expired,
    }
}

/// For a service with idempotency keys, a window is a batch: its members are then the same after a
/// crash. Who must be left out gets a window apart. A key that cannot be used any more leaves its
/// people in doubt.
fn split(portion: Portion, train: usize, life: Option<Duration>, wall: Timestamp, asked: &mut Vec<Asked>) {
    let life = life.filter(|_| !portion.sheet.message.variables);
    let had = |at: usize| match &portion.source {
        WindowSource::Plan { .. } => None,
        WindowSource::Waiting(waiting) => waiting[at].batch,
    };
    let keyed = (0..portion.list.len()).any(|at| had(at).is_some());
    let Some(life) = life.or_else(|| keyed.then_some(Duration::ZERO)) else {
        asked.push(whole(portion, train, false));
        return;
    };
    let mut from = 0;
    while from < portion.list.len() {
        let (key, skip) = (had(from), portion.list[from].skip.is_some());
        let same = |at: usize| {
            at < portion.list.len()
                && had(at) == key
                && (key.is_some() || (portion.list[at].skip.is_some() == skip && at - from < train))
        };
        let mut to = from + 1;
        while same(to) {
            to += 1;
        }
        let list = portion.list[from..to].to_vec();
        let source = match &portion.source {
            WindowSource::Plan { run, offset, .. } => {
                WindowSource::Plan { run: *run, offset: offset + from as u32, len: (to - from) as u32 }
            }
            WindowSource::Waiting(waiting) => WindowSource::Waiting(waiting[from..to].to_vec()),
        };
        // A key that is about to lapse might lapse on the way, and members that must be left out now
        // are missing from the body: that would be another batch.
        let usable = key.filter(|key| {
            wall.since(key.used) < life * 9 / 10 && list.iter().all(|candidate| candidate.skip.is_none())
        });
        let lost = key.is_some() && usable.is_none();
        let claim = claim(&portion, source);
        let keyed = !life.is_zero();
        let sheet = Arc::clone(&portion.sheet);
        asked.push(Asked { claim, sheet, list, keyed, key: usable, lost, train, expired: false });
        from = to;
    }
}
