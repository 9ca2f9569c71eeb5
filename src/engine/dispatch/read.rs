//! Reading ahead: who could be claimed next.

use super::dispatcher::{Dispatcher, STEP};
use super::lanes::Supply;
use crate::domain::ids::MessageNo;
use crate::domain::plan::{WaitReason, WindowSource};
use crate::domain::time::Timestamp;
use crate::engine::clock::SLICE;
use crate::engine::conditions::Condition;
use crate::engine::control;
use crate::engine::error::Result;
use crate::store::dispatch::{Candidates, Decision, WaitingFilter};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What was read longer ago than this is read again before it is claimed.
const FRESH: Duration = Duration::from_secs(1);
/// The most lanes that are read from between two looks at the rest.
const READS: usize = 64;

impl Dispatcher {
    /// Reads recipients ahead. True: somebody was found.
    pub(super) async fn read(
        &mut self,
        wall: Timestamp,
        conditions: &[Condition],
        now: Instant,
    ) -> Result<bool> {
        if let Some(before) = now.checked_sub(FRESH) {
            self.book.drop_stale(before);
        }
        for message in self.book.waits_due(wall) {
            self.book.thirsty(message);
        }
        let wanted = self.wanted();
        let (mut reads, mut found) = (0, false);
        if !conditions.is_empty() {
            // Only who is too late is let through.
            for message in self.book.late(wall, READS) {
                found |= self.read_lane(message, wall, now, STEP).await?;
            }
            return Ok(found);
        }
        let guarded = self.guarded();
        if guarded {
            for message in self.book.late(wall, READS) {
                found |= self.read_lane(message, wall, now, STEP).await?;
            }
        }
        // Everybody in the line has somebody read, so that each gets its turn; the first ones more.
        let most = wanted.max(STEP) * 4;
        while reads < READS && self.book.supplied() < most {
            let Some(message) = self.book.next_dry() else { break };
            let Some(lane) = self.book.lanes.get(&message) else { continue };
            // It comes into the line again when the guard is lifted.
            if guarded && lane.sheet.message.is_bulk() && !lane.sheet.expired(wall) {
                continue;
            }
            reads += 1;
            let limit = if lane.sheet.expired(wall) {
                STEP
            } else if self.book.supplied() < wanted {
                wanted.min(STEP)
            } else {
                self.train()
            };
            found |= self.read_lane(message, wall, now, limit).await?;
        }
        Ok(found)
    }

    /// Reads from one lane; forgets it when there is nobody and nobody waits.
    async fn read_lane(
        &mut self,
        message: MessageNo,
        wall: Timestamp,
        now: Instant,
        limit: usize,
    ) -> Result<bool> {
        let store = Arc::clone(&self.core.store);
        let Some(lane) = self.book.lanes.get_mut(&message).filter(|lane| lane.supply.is_none()) else {
            return Ok(false);
        };
        if lane.sheet.expired(wall) && !lane.let_go {
            // Whoever was put back because the provider refused us has its deadline, too.
            let filter = WaitingFilter {
                message: Some(message),
                provider: Some(self.desk.no),
                why: Some(WaitReason::ProviderRefuses),
            };
            lane.let_go = true;
            if control::decide_all(&self.core, &filter, Decision::Release, wall).await?.0 > 0 {
                self.book.set_wait(message, Some(wall));
            }
        }
        let Some(lane) = self.book.lanes.get_mut(&message) else { return Ok(false) };
        let (key, person) = (lane.key, lane.sheet.templates.is_some());
        let plan_first = lane.plan_next;
        for plan in [plan_first, !plan_first] {
            let Some(lane) = self.book.lanes.get_mut(&message) else { return Ok(false) };
            let found = if plan && !lane.exhausted {
                let found = store.candidates(key, lane.cursor, limit, person).await?;
                lane.exhausted = found.is_none();
                found
            } else if !plan && lane.waiting_due(wall) {
                // A whole batch is never cut: it is at most as long as the service's limit.
                let whole = self.link.as_ref().map_or(0, |link| link.kind.batch as usize) * 2;
                let most = limit.max(whole);
                let mut found = store.due_waiting(key, wall, most, person).await?;
                if let Some(found) = &mut found {
                    cut_between_batches(found, most);
                } else {
                    let lanes = store.lanes_of(message).await?;
                    let next = lanes.iter().find(|lane| lane.key == key).and_then(|lane| lane.next_wait);
                    // Whoever has come due in between is read in a while, not at once, for ever.
                    self.book.set_wait(message, next.map(|next| next.max(wall.plus(SLICE))));
                }
                found
            } else {
                None
            };
            if let Some(found) = found {
                if let Some(lane) = self.book.lanes.get_mut(&message) {
                    lane.plan_next = !matches!(found.source, WindowSource::Plan { .. });
                }
                self.book.supply(message, Supply::new(found, now));
                return Ok(true);
            }
        }
        let spent = |lane: &super::lanes::LaneState| {
            lane.exhausted && lane.next_wait().is_none() && !lane.waiting_claimed
        };
        if self.book.lanes.get(&message).is_some_and(spent) {
            self.book.remove(message);
        }
        Ok(false)
    }
}

/// Where the list ends because it was full, a batch at its end may go on behind it: that batch is left
/// for the next time.
fn cut_between_batches(found: &mut Candidates, most: usize) {
    let WindowSource::Waiting(waiting) = &mut found.source else { return };
    let Some(last) = waiting.last().and_then(|last| last.batch) else { return };
    if waiting.len() < most {
        return;
    }
    let keep =
        waiting.iter().rposition(|waiting| waiting.batch != Some(last)).map_or(waiting.len(), |at| at + 1);
    waiting.truncate(keep);
    found.list.truncate(keep);
}
