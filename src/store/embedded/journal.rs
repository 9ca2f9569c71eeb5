//! The journal: outcomes of windows and new claims, in one commit. This is the
//! hot path: what is touched once a recipient is a bit, a counter and a log row.

use super::fail::{Attempt, Fail};
use super::messages::{current, finish_if_over};
use super::plan::{advance, run_len};
use super::receipts::trace;
use super::record::{TargetRow, WaitRow, decode};
use super::table::{Table, View, key};
use super::tx::Tx;
use crate::domain::delivery::Outcome;
use crate::domain::ids::{MessageNo, TargetNo, WaitNo, WindowNo};
use crate::domain::message::Progress;
use crate::domain::plan::{LaneCursor, LaneKey, Window, WindowSource};
use crate::domain::state::MessageState;
use crate::domain::time::Timestamp;
use crate::store::dispatch::{Claim, ItemOutcome, JournalEntry, JournalReceipt, Next};
use crate::store::log::Columns;

/// Records outcomes and claims windows.
pub(super) fn journal(tx: &mut Tx<'_>, entry: &JournalEntry) -> Attempt<JournalReceipt> {
    let mut receipt = JournalReceipt::default();
    let mut messages = Vec::new();
    for (no, items) in entry.outcomes.iter() {
        messages.extend(record(tx, *no, items)?);
    }
    for claim in &entry.claims {
        let granted = if is_claimable(tx, claim)? { Some(grant(tx, claim, entry.at)?) } else { None };
        receipt.windows.push(granted);
    }
    if let Some((provider, state)) = &entry.usage {
        tx.put_raw(Table::Usage, &provider.0.to_be_bytes(), state)?;
    }
    messages.sort_unstable();
    messages.dedup();
    for no in messages {
        if finish_if_over(tx, no, entry.at)? {
            receipt.finished.push(current(tx, no)?);
        }
    }
    Ok(receipt)
}

/// Records outcomes of one window; says of which message.
fn record(tx: &mut Tx<'_>, no: WindowNo, items: &[ItemOutcome]) -> Attempt<Option<MessageNo>> {
    let key = no.0.to_be_bytes();
    // Recorded before, by an entry that was repeated.
    let Some(mut window) = tx.record::<Window>(Table::Windows, &key)? else { return Ok(None) };
    let lane = window.lane;
    let len = window.source.len();
    let active = match tx.state(lane.message) {
        Ok(row) => {
            matches!(
                row.state,
                MessageState::Processing | MessageState::Paused { .. } | MessageState::Held(_)
            )
        }
        Err(Fail::Refused(_)) => return record_orphans(tx, window, items).map(|()| None),
        Err(fail) => return Err(fail),
    };
    let mut change = Progress::default();
    let mut taken_back = 0;
    let mut bounced = Vec::new();
    let mut traced = Vec::new();
    for item in items {
        let index = item.index as usize;
        if index >= len || !window.mark_done(index) {
            continue;
        }
        traced.push(item);
        match &item.next {
            Next::Over => {
                count_over(&mut change, item.outcome);
                log(tx, lane, window.run, item);
            }
            Next::Wait { due, waiting, log: logged } => {
                if *logged {
                    log(tx, lane, window.run, item);
                }
                if active {
                    let mut waiting = waiting.clone();
                    waiting.no = next_wait(tx);
                    let row = WaitRow { lane, due: *due, waiting };
                    row.count_in(&mut change);
                    put_waiting(tx, &row)?;
                } else if item.outcome == Outcome::Uncertain {
                    // Its message has ended meanwhile: nobody tries again, and it may have been taken.
                    change.uncertain += 1;
                } else {
                    taken_back += 1;
                }
            }
        }
        if is_failure(item) {
            let said = if item.detail.answer.is_empty() {
                item.outcome.as_str()
            } else {
                item.detail.answer.as_str()
            };
            tx.note_cause(lane.message, said, item.target)?;
        }
        if item.outcome == Outcome::TargetExpired {
            expire_target(tx, item.target, true, item.at)?;
        }
        if item.bounced && item.next == Next::Over {
            bounced.push(item);
        }
    }
    if let Some(last) = bounced.last() {
        super::suppressions::bounced(tx, lane, &bounced, last.at)?;
    }
    trace(tx, lane, window.run, &traced)?;
    tx.adjust(lane, |p| {
        p.add(&change);
        p.claimed -= taken_back.min(p.claimed);
        p.cancelled += taken_back;
    })?;
    if window.done_count() >= len {
        tx.remove(Table::Windows, &key)?;
    } else {
        tx.put(Table::Windows, &key, &window)?;
    }
    Ok(Some(lane.message))
}

/// Records outcomes of a message that was cancelled and deleted while they were under way: they are
/// logged, and nobody counts them any more.
fn record_orphans(tx: &mut Tx<'_>, mut window: Window, items: &[ItemOutcome]) -> Attempt<()> {
    let len = window.source.len();
    let mut traced = Vec::new();
    for item in items {
        let index = item.index as usize;
        let logged = matches!(item.next, Next::Over | Next::Wait { log: true, .. });
        if index < len && window.mark_done(index) && logged {
            log(tx, window.lane, window.run, item);
            traced.push(item);
        }
    }
    trace(tx, window.lane, window.run, &traced)?;
    let key = window.no.0.to_be_bytes();
    // After a restart nobody knows any more who they were: the plan is gone, too.
    if items.is_empty() || window.done_count() >= len {
        tx.remove(Table::Windows, &key)?;
    } else {
        tx.put(Table::Windows, &key, &window)?;
    }
    Ok(())
}

/// Whether an outcome is a cause for which a message can end as failed.
fn is_failure(item: &ItemOutcome) -> bool {
    item.next == Next::Over
        && !item.outcome.is_receipt()
        && !matches!(item.outcome, Outcome::Accepted | Outcome::Skipped)
}

/// Counts somebody who is over.
pub(super) fn count_over(p: &mut Progress, outcome: Outcome) {
    match outcome {
        // A receipt belongs to somebody who was accepted before.
        Outcome::Accepted
        | Outcome::Delivered
        | Outcome::Bounced
        | Outcome::SoftBounced
        | Outcome::Complained
        | Outcome::Unsubscribed => p.accepted += 1,
        Outcome::Transient | Outcome::Permanent | Outcome::TargetExpired => p.failed += 1,
        Outcome::Uncertain => p.uncertain += 1,
        Outcome::Skipped => p.skipped += 1,
        Outcome::Expired => p.expired += 1,
    }
}

fn log(tx: &mut Tx<'_>, lane: LaneKey, run: u16, item: &ItemOutcome) {
    let columns = Columns {
        at: item.at.0,
        message: lane.message.0,
        target: item.target.0,
        identifier: item.identifier.0,
        provider: lane.provider.0,
        outcome: item.outcome.code(),
        attempt: item.attempt,
        run,
    };
    tx.log.add(columns, &item.detail);
}

/// The number of somebody new who waits.
pub(super) fn next_wait(tx: &mut Tx<'_>) -> WaitNo {
    tx.counts.wait += 1;
    WaitNo(tx.counts.wait)
}

/// The key of somebody who waits, by due time.
pub(super) fn due_key(row: &WaitRow) -> Vec<u8> {
    key![row.lane.message.0, row.lane.provider.0, row.due, row.waiting.no.0]
}

/// The key of somebody who waits, by target.
pub(super) fn of_key(message: MessageNo, target: TargetNo) -> Vec<u8> {
    key![message.0, target.0]
}

/// Writes somebody who waits.
pub(super) fn put_waiting(tx: &mut Tx<'_>, row: &WaitRow) -> Attempt<()> {
    let no = row.waiting.no.0.to_be_bytes();
    tx.put(Table::Waiting, &no, row)?;
    tx.put_raw(Table::WaitingOf, &of_key(row.lane.message, row.waiting.target), &no)?;
    tx.put_raw(Table::WaitingDue, &due_key(row), &[])
}

/// Removes somebody who waits.
pub(super) fn remove_waiting(tx: &mut Tx<'_>, row: &WaitRow) -> Attempt<()> {
    tx.remove(Table::Waiting, &row.waiting.no.0.to_be_bytes())?;
    tx.remove(Table::WaitingOf, &of_key(row.lane.message, row.waiting.target))?;
    tx.remove(Table::WaitingDue, &due_key(row))?;
    Ok(())
}

/// Marks a target as expired, or not; a target that is gone is left alone.
pub(super) fn expire_target(tx: &mut Tx<'_>, no: TargetNo, expired: bool, at: Timestamp) -> Attempt<()> {
    let key = no.0.to_be_bytes();
    let Some(mut row) = tx.record::<TargetRow>(Table::Targets, &key)? else { return Ok(()) };
    if row.target.expired != expired {
        row.target.expired = expired;
        row.target.updated = at;
        row.target.revision = row.target.revision.next();
        tx.put(Table::Targets, &key, &row)?;
        tx.touched.people = true;
    }
    Ok(())
}

/// Whether a claim holds: its message is being sent in this run, and its
/// recipients are the next of the lane, or still wait.
fn is_claimable(tx: &mut Tx<'_>, claim: &Claim) -> Attempt<bool> {
    if tx.tight || claim.source.is_empty() || tx.flags()?.stopped.is_some() {
        return Ok(false);
    }
    let state = match tx.state(claim.lane.message) {
        Ok(state) => state,
        Err(Fail::Refused(_)) => return Ok(false),
        Err(fail) => return Err(fail),
    };
    if !matches!(state.state, MessageState::Processing) || state.run != claim.run {
        return Ok(false);
    }
    match &claim.source {
        WindowSource::Plan { run, offset, len } => {
            if tx.lane(claim.lane)?.cursor != (LaneCursor { run: *run, offset: *offset }) {
                return Ok(false);
            }
            let of = run_len(tx, claim.lane, *run)?;
            Ok(of.is_some_and(|of| of == claim.of && offset.saturating_add(*len) <= of))
        }
        WindowSource::Waiting(list) => {
            let mut seen = std::collections::HashSet::with_capacity(list.len());
            for waiting in list {
                let row = waiting_row(tx, waiting.no)?;
                if row.is_none_or(|row| row.lane != claim.lane) || !seen.insert(waiting.no) {
                    return Ok(false);
                }
            }
            Ok(true)
        }
    }
}

/// Somebody who waits, by number.
pub(super) fn waiting_row(view: &mut impl View, no: WaitNo) -> Attempt<Option<WaitRow>> {
    view.get(Table::Waiting, &no.0.to_be_bytes(), decode)?.transpose()
}

/// Grants a claim that holds.
fn grant(tx: &mut Tx<'_>, claim: &Claim, at: Timestamp) -> Attempt<WindowNo> {
    let lane = claim.lane;
    let source = match &claim.source {
        WindowSource::Plan { run, len, .. } => {
            advance(tx, lane, *run, *len)?;
            tx.adjust(lane, |p| p.claimed += u64::from(*len))?;
            claim.source.clone()
        }
        WindowSource::Waiting(list) => {
            // The store's own records, not the caller's copies, go into the window.
            let mut own = Vec::with_capacity(list.len());
            let mut waited = Progress::default();
            for waiting in list {
                let Some(row) = waiting_row(tx, waiting.no)? else { continue };
                row.count_in(&mut waited);
                remove_waiting(tx, &row)?;
                own.push(row.waiting);
            }
            tx.adjust(lane, |p| {
                p.retrying = p.retrying.saturating_sub(waited.retrying);
                p.held = p.held.saturating_sub(waited.held);
                p.uncertain = p.uncertain.saturating_sub(waited.uncertain);
                p.undecided = p.undecided.saturating_sub(waited.undecided);
            })?;
            WindowSource::Waiting(own)
        }
    };
    tx.counts.window += 1;
    let no = WindowNo(tx.counts.window);
    let window = Window { no, lane, run: claim.run, source, claimed: at, done: Vec::new() };
    tx.put(Table::Windows, &no.0.to_be_bytes(), &window)?;
    Ok(no)
}
