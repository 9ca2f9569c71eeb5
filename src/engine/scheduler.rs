//! The scheduler: takes what is due off the schedule, on the minute and at the very time
//! between minutes, in chunks as there is room, oldest first.
//!
//! The wall clock may jump. A claim takes a message off the schedule in the store, so
//! nothing goes twice; nothing is due before the clock says so, so nothing goes early; and
//! nobody sleeps longer than a slice without looking at the clock, so a jump ahead is
//! noticed within a second.

use super::clock::{SLICE, slice, to_the_minute};
use super::core::Core;
use super::error::Result;
use crate::domain::plan::NO_PROVIDER;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Runs until the engine closes.
pub(crate) async fn run(core: Arc<Core>) {
    let mut changes = core.store.changes();
    let mut scheduled = None;
    let mut next_due: Option<Timestamp> = None;
    let mut minute = i64::MIN;
    while !core.closing.is_cancelled() {
        let now = core.clock.now();
        let version = changes.borrow_and_update().schedule;
        let changed = scheduled != Some(version);
        let tick = now.0.div_euclid(60_000) != minute;
        let due = next_due.is_some_and(|due| due <= now);
        let mut full = false;
        if !core.stopped() && (tick || changed || due) {
            match claim(&core, now).await {
                Ok(Claim { next, full: no_room }) => {
                    next_due = next;
                    scheduled = Some(version);
                    minute = now.0.div_euclid(60_000);
                    full = no_room;
                }
                Err(super::EngineError::Store(StoreError::Closed)) => return,
                Err(error) => {
                    tracing::warn!(%error, "the scheduler goes on in a second");
                    tokio::time::sleep(SLICE).await;
                    continue;
                }
            }
        }
        let now = core.clock.now();
        let mut wait = SLICE.min(to_the_minute(now));
        if let Some(due) = next_due.filter(|_| !full && !core.stopped()) {
            wait = wait.min(slice(&*core.clock, due)).max(Duration::from_millis(1));
        }
        tokio::select! {
            biased;
            () = tokio::time::sleep(wait) => {}
            _ = changes.wait_for(|changes| Some(changes.schedule) != scheduled), if !core.stopped() => {}
            () = core.room.notified() => {}
            () = core.closing.cancelled() => return,
        }
    }
}

struct Claim {
    next: Option<Timestamp>,
    /// There was no room for all that is due.
    full: bool,
}

async fn claim(core: &Arc<Core>, now: Timestamp) -> Result<Claim> {
    loop {
        let room = core.config.active_messages.saturating_sub(core.active());
        if room == 0 {
            return Ok(Claim { next: core.store.next_due().await?, full: true });
        }
        let limit = room.min(core.config.claim_chunk);
        let claimed = core.store.claim_due(now, limit, core.config.late_after).await?;
        let count = claimed.messages.len() + claimed.expired.len() + claimed.held.len();
        for message in &claimed.messages {
            if !message.state.is_over() {
                core.enter(message.no);
            }
        }
        if count < limit || core.closing.is_cancelled() {
            return Ok(Claim { next: claimed.next_due, full: false });
        }
    }
}

/// Watches what changes in the store, and tells those whom it concerns.
pub(crate) async fn watch(core: Arc<Core>) {
    let mut changes = core.store.changes();
    let (mut providers, mut plans) = (u64::MAX, changes.borrow().plans);
    let mut last = Instant::now();
    loop {
        let now = *changes.borrow_and_update();
        if now.providers != providers
            && let Ok(choice) = core.choice().await
        {
            for no in choice.all().iter().map(|provider| provider.no).chain([NO_PROVIDER]) {
                core.desk(no).bell.notify_one();
            }
            core.desks().iter().for_each(|desk| desk.bell.notify_one());
            providers = now.providers;
        }
        // What the engine itself plans and releases is told to the desks at once; this finds what
        // others have done, and need not be quick.
        if now.plans != plans && last.elapsed() >= SLICE {
            core.touch_all();
            last = Instant::now();
            plans = now.plans;
        }
        tokio::select! {
            biased;
            result = changes.changed() => if result.is_err() { return },
            () = tokio::time::sleep(SLICE), if now.plans != plans || now.providers != providers => {}
            () = core.closing.cancelled() => return,
        }
    }
}
