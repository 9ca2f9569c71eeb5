//! Plans and lanes.

use super::fail::{Attempt, Fail};
use super::journal::of_key;
use super::messages::{current, finish_if_over};
use super::record::{LaneRow, StateRow, decode};
use super::table::{Table, View, beginning, key, number_at, short_at};
use super::tx::Tx;
use crate::domain::ids::{MessageNo, ProviderNo, RunNo, TargetNo};
use crate::domain::message::{Message, Progress};
use crate::domain::plan::{
    LaneCursor, LaneKey, NO_PROVIDER, PackedRun, PlanCursor, Planned, RUN_LEN, RetryCursor, WindowSource,
};
use crate::domain::routing::{MoveReason, Moved};
use crate::domain::state::MessageState;
use crate::domain::time::Timestamp;
use crate::store::RecordKind;
use crate::store::dispatch::{Claim, Lane, PlanStep, RetryStep};
use crate::store::error::StoreError;

/// The key of a run.
pub(super) fn run_key(lane: LaneKey, run: RunNo) -> Vec<u8> {
    key![lane.message.0, lane.provider.0, run.0]
}

/// The key of a lane.
pub(super) fn lane_key(lane: LaneKey) -> Vec<u8> {
    key![lane.message.0, lane.provider.0]
}

/// Where planning stands.
pub(super) fn cursor(view: &mut impl View, no: MessageNo) -> Attempt<PlanCursor> {
    let row = view.get(Table::States, &no.0.to_be_bytes(), decode::<StateRow>)?.transpose()?;
    row.map(|row| row.plan).ok_or_else(|| Fail::missing(RecordKind::Message, no))
}

/// Appends runs to the lanes of a message, and counts them as planned.
pub(super) fn append_runs(
    tx: &mut Tx<'_>,
    no: MessageNo,
    runs: &[(ProviderNo, Vec<Planned>)],
) -> Attempt<()> {
    tx.touched.plans = true;
    for (provider, recipients) in runs {
        let lane = LaneKey { message: no, provider: *provider };
        for recipients in recipients.chunks(RUN_LEN) {
            let run = {
                let row = tx.lane_mut(lane)?;
                row.runs += 1;
                RunNo(row.runs - 1)
            };
            tx.put(Table::Runs, &run_key(lane, run), &PackedRun::pack(recipients))?;
            tx.adjust(lane, |p| p.planned += recipients.len() as u64)?;
        }
    }
    Ok(())
}

/// Appends a step of a plan.
pub(super) fn append(tx: &mut Tx<'_>, step: &PlanStep, at: Timestamp) -> Attempt<Message> {
    let row = tx.state(step.message)?;
    let moved = !matches!(row.state, MessageState::Processing) || row.run != step.run;
    if moved || row.plan != step.expect {
        return Err(StoreError::Moved.into());
    }
    append_runs(tx, step.message, &step.runs)?;
    tx.state_mut(step.message)?.plan = step.cursor;
    finish_if_over(tx, step.message, at)?;
    current(tx, step.message)
}

/// A lane as callers see it.
fn describe(view: &mut impl View, lane: LaneKey, row: &LaneRow) -> Attempt<Option<Lane>> {
    let state = view.get(Table::States, &lane.message.0.to_be_bytes(), decode::<StateRow>)?.transpose()?;
    let Some(state) = state else { return Ok(None) };
    let next_wait = if row.progress.waiting() > 0 {
        let first = view.keys(Table::WaitingDue, beginning(&lane_key(lane)), 1)?;
        first.first().map(|key| super::table::time_at(key, 12))
    } else {
        None
    };
    Ok(Some(Lane { key: lane, run: state.run, cursor: row.cursor, progress: row.progress, next_wait }))
}

/// Lanes of a provider with something unclaimed or waiting.
pub(super) fn open_lanes(view: &mut impl View, provider: ProviderNo) -> Attempt<Vec<Lane>> {
    let keys = view.keys(Table::OpenLanes, beginning(&key![provider.0]), usize::MAX)?;
    let mut lanes = Vec::with_capacity(keys.len());
    for key in keys {
        let lane = LaneKey { message: MessageNo(number_at(&key, 4)), provider };
        let row = view.get(Table::Lanes, &lane_key(lane), decode::<LaneRow>)?.transpose()?;
        if let Some(row) = row {
            lanes.extend(describe(view, lane, &row)?);
        }
    }
    Ok(lanes)
}

/// All lanes of a message.
pub(super) fn lanes_of(view: &mut impl View, message: MessageNo) -> Attempt<Vec<Lane>> {
    let rows = view.rows(
        Table::Lanes,
        beginning(&key![message.0]),
        crate::store::page::Order::Ascending,
        usize::MAX,
    )?;
    let mut lanes = Vec::with_capacity(rows.len());
    for (key, bytes) in rows {
        let lane = LaneKey { message, provider: ProviderNo(short_at(&key, 8)) };
        lanes.extend(describe(view, lane, &decode(&bytes)?)?);
    }
    Ok(lanes)
}

/// Moves a lane's cursor over `len` recipients of the run at which it stands.
pub(super) fn advance(tx: &mut Tx<'_>, lane: LaneKey, run: RunNo, len: u32) -> Attempt<()> {
    let of = run_len(tx, lane, run)?.unwrap_or_default();
    let row = tx.lane_mut(lane)?;
    if row.cursor.offset + len < of {
        row.cursor.offset += len;
        return Ok(());
    }
    row.cursor = LaneCursor { run: RunNo(run.0 + 1), offset: 0 };
    pass_empty(tx, lane)
}

/// Moves a lane's cursor past runs of which nobody is left: it stands at somebody, or at the end.
pub(super) fn pass_empty(tx: &mut Tx<'_>, lane: LaneKey) -> Attempt<()> {
    loop {
        let (cursor, runs) = {
            let row = tx.lane(lane)?;
            (row.cursor, row.runs)
        };
        if cursor.run.0 >= runs || run_len(tx, lane, cursor.run)?.is_some_and(|of| cursor.offset < of) {
            return Ok(());
        }
        tx.lane_mut(lane)?.cursor = LaneCursor { run: RunNo(cursor.run.0 + 1), offset: 0 };
    }
}

/// How long a run is.
pub(super) fn run_len(view: &mut impl View, lane: LaneKey, run: RunNo) -> Attempt<Option<u32>> {
    // The length is the first field, so the recipients need not be copied.
    view.get(Table::Runs, &run_key(lane, run), decode::<u32>)?.transpose()
}

/// Moves unclaimed recipients from one lane to others.
pub(super) fn reassign(
    tx: &mut Tx<'_>,
    from: &Claim,
    expect: LaneCursor,
    runs: &[(ProviderNo, Vec<Planned>)],
    why: MoveReason,
    at: Timestamp,
) -> Attempt<()> {
    let lane = from.lane;
    let WindowSource::Plan { run, offset, len } = from.source else { return Err(StoreError::Moved.into()) };
    let cursor = tx.lane(lane)?.cursor;
    let Some(of) = run_len(tx, lane, run)? else { return Err(StoreError::Moved.into()) };
    let here = LaneCursor { run, offset };
    if cursor != expect || here != cursor || of != from.of || offset.saturating_add(len) > of {
        return Err(StoreError::Moved.into());
    }
    advance(tx, lane, run, len)?;
    tx.adjust(lane, |p| p.planned -= u64::from(len).min(p.planned))?;
    append_runs(tx, lane.message, runs)?;
    for (to, recipients) in runs {
        for recipient in recipients {
            note_move(tx, lane, recipient.target, *to, why)?;
        }
    }
    finish_if_over(tx, lane.message, at)?;
    Ok(())
}

/// Notes that somebody of a lane goes through another provider, and from which it was taken first.
pub(super) fn note_move(
    tx: &mut Tx<'_>,
    lane: LaneKey,
    target: TargetNo,
    to: ProviderNo,
    why: MoveReason,
) -> Attempt<()> {
    if to == lane.provider || lane.provider == NO_PROVIDER {
        return Ok(());
    }
    let key = of_key(lane.message, target);
    let before = tx.get(Table::Moves, &key, decode::<Moved>)?.transpose()?;
    match before {
        // Back where it was planned.
        Some(before) if before.from == to => tx.remove(Table::Moves, &key).map(drop),
        Some(before) => tx.put(Table::Moves, &key, &Moved { why, ..before }),
        None => tx.put(Table::Moves, &key, &Moved { from: lane.provider, why }),
    }
}

/// Where planning stands of a message that is tried again.
pub(super) fn retry_cursor(view: &mut impl View, no: MessageNo) -> Attempt<RetryCursor> {
    let row = view.get(Table::States, &no.0.to_be_bytes(), decode::<StateRow>)?.transpose()?;
    row.map(|row| row.retry).ok_or_else(|| Fail::missing(RecordKind::Message, no))
}

/// Plans people of an ended run again.
pub(super) fn append_retry(tx: &mut Tx<'_>, step: &RetryStep, at: Timestamp) -> Attempt<Message> {
    let RetryStep { message: no, runs, before, .. } = step;
    let no = *no;
    let row = tx.state(no)?;
    let moved = !matches!(row.state, MessageState::Processing) || row.run != step.run || row.plan.done;
    if moved || row.retry.row != step.expect {
        return Err(StoreError::Moved.into());
    }
    let now = row.progress;
    let enough = before.failed <= now.failed
        && before.expired <= now.expired
        && before.uncertain <= now.uncertain
        && before.cancelled <= now.cancelled;
    if !enough {
        return Err(StoreError::Moved.into());
    }
    let mut lanes = tx.lanes_of(no)?;
    // A lane that takes people again gives up its own first.
    lanes.sort_by_key(|lane| !runs.iter().any(|(provider, _)| *provider == lane.provider));
    take_off_lanes(tx, lanes, *before)?;
    append_runs(tx, no, runs)?;
    let row = tx.state_mut(no)?;
    row.retry.row = step.row;
    row.plan.done = step.done;
    finish_if_over(tx, no, at)?;
    current(tx, no)
}

/// Takes people who are planned again off the counts of their lane, and of others where it has not as many.
pub(super) fn take_off(tx: &mut Tx<'_>, no: MessageNo, first: ProviderNo, before: &Progress) -> Attempt<()> {
    let mut lanes = tx.lanes_of(no)?;
    lanes.sort_by_key(|lane| lane.provider != first);
    take_off_lanes(tx, lanes, *before)
}

fn take_off_lanes(tx: &mut Tx<'_>, lanes: Vec<LaneKey>, mut rest: Progress) -> Attempt<()> {
    for lane in lanes {
        let p = tx.lane(lane)?.progress;
        let failed = p.failed.min(rest.failed);
        let expired = p.expired.min(rest.expired);
        let uncertain = p.uncertain.min(rest.uncertain);
        let cancelled = p.cancelled.min(rest.cancelled);
        if failed + expired + uncertain + cancelled == 0 {
            continue;
        }
        rest.failed -= failed;
        rest.expired -= expired;
        rest.uncertain -= uncertain;
        rest.cancelled -= cancelled;
        tx.adjust(lane, |p| {
            p.failed -= failed;
            p.expired -= expired;
            p.uncertain -= uncertain;
            p.cancelled -= cancelled;
            p.claimed -= failed + expired + uncertain;
            p.planned -= failed + expired + uncertain + cancelled;
        })?;
    }
    Ok(())
}
