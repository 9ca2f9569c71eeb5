//! Who waits, and decisions about them.

use super::fail::Attempt;
use super::journal::{count_over, of_key, put_waiting, remove_waiting, waiting_row};
use super::messages::finish_if_over;
use super::plan::note_move;
use super::record::{StateRow, WaitRow, decode};
use super::table::{Table, View, beginning, beyond, key, number_at};
use super::tx::Tx;
use crate::domain::delivery::{LogDetail, LogRow, Outcome};
use crate::domain::ids::{LogSeq, MessageNo, ProviderNo, TargetNo, WaitNo};
use crate::domain::plan::{LaneKey, WaitReason, Waiting};
use crate::domain::routing::{MoveReason, Moved};
use crate::domain::state::MessageState;
use crate::domain::time::Timestamp;
use crate::store::dispatch::{Decided, Decision, Place, WaitingFilter, WaitingRow, Walked};
use crate::store::page::Order;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;

/// Rows by number that one page reads at most before it takes the next chunk.
const CHUNK: usize = 1024;

/// Rows that match, in order of number.
fn select(
    view: &mut impl View,
    filter: &WaitingFilter,
    after: Option<u64>,
    limit: usize,
) -> Attempt<Vec<WaitRow>> {
    let mut found = Vec::new();
    let mut alive: HashMap<MessageNo, bool> = HashMap::new();
    let mut after = after;
    let of_message = filter.message.map(|message| numbers_of(view, message, filter.provider, after));
    let mut of_message = of_message.transpose()?.map(BTreeSet::into_iter);
    while found.len() < limit {
        let mut rows: Vec<WaitRow> = Vec::new();
        if let Some(numbers) = &mut of_message {
            for no in numbers.by_ref().take(CHUNK) {
                rows.extend(waiting_row(view, WaitNo(no))?);
            }
        } else {
            for (_, bytes) in
                view.rows(Table::Waiting, beyond(&[], after, Order::Ascending), Order::Ascending, CHUNK)?
            {
                rows.push(decode(&bytes)?);
            }
        }
        let Some(last) = rows.last() else { break };
        after = Some(last.waiting.no.0);
        for row in rows {
            if found.len() < limit && fits(view, filter, &mut alive, &row)? {
                found.push(row);
            }
        }
    }
    Ok(found)
}

/// Whether somebody who waits is meant. Those of a message that has ended are about to be removed.
fn fits(
    view: &mut impl View,
    filter: &WaitingFilter,
    alive: &mut HashMap<MessageNo, bool>,
    row: &WaitRow,
) -> Attempt<bool> {
    let meant = filter.provider.is_none_or(|provider| row.lane.provider == provider)
        && filter.why.is_none_or(|why| row.waiting.why == why);
    if !meant {
        return Ok(false);
    }
    let message = row.lane.message;
    if let Entry::Vacant(entry) = alive.entry(message) {
        let state = view.get(Table::States, &message.0.to_be_bytes(), decode::<StateRow>)?.transpose()?;
        entry.insert(state.is_some_and(|row| is_active(&row.state)));
    }
    Ok(alive[&message])
}

/// Whether recipients of a message in this state can wait.
pub(super) fn is_active(state: &MessageState) -> bool {
    matches!(
        state,
        MessageState::Processing
            | MessageState::Paused { .. }
            | MessageState::Held(_)
            | MessageState::Scheduled
    )
}

/// Numbers of those who wait in a message's lanes, ascending.
fn numbers_of(
    view: &mut impl View,
    message: MessageNo,
    provider: Option<ProviderNo>,
    after: Option<u64>,
) -> Attempt<BTreeSet<u64>> {
    let mut prefix = key![message.0];
    if let Some(provider) = provider {
        prefix.extend_from_slice(&provider.0.to_be_bytes());
    }
    let mut numbers = BTreeSet::new();
    view.scan(Table::WaitingDue, beginning(&prefix), Order::Ascending, &mut |key, _| {
        let no = number_at(key, 20);
        if after.is_none_or(|after| no > after) {
            numbers.insert(no);
        }
        Ok(true)
    })?;
    Ok(numbers)
}

/// A page of those who wait.
pub(super) fn page(
    view: &mut impl View,
    filter: &WaitingFilter,
    after: Option<u64>,
    limit: usize,
) -> Attempt<Vec<WaitingRow>> {
    let rows = select(view, filter, after, limit)?;
    Ok(rows
        .into_iter()
        .map(|row| WaitingRow { lane: row.lane, due: row.due, waiting: row.waiting })
        .collect())
}

/// Moves somebody who waits to another lane or another time.
fn relocate(tx: &mut Tx<'_>, row: &WaitRow, lane: LaneKey, due: Timestamp) -> Attempt<()> {
    remove_waiting(tx, row)?;
    let new = WaitRow { lane, due, waiting: row.waiting.clone() };
    if lane == row.lane {
        tx.adjust(lane, |p| {
            row.count_out(p);
            new.count_in(p);
        })?;
    } else {
        tx.adjust(row.lane, |p| {
            row.count_out(p);
            p.planned = p.planned.saturating_sub(1);
            p.claimed = p.claimed.saturating_sub(1);
        })?;
        tx.adjust(lane, |p| {
            p.planned += 1;
            p.claimed += 1;
            new.count_in(p);
        })?;
    }
    tx.touched.plans = true;
    put_waiting(tx, &new)
}

/// How a target waits in a message's lanes.
pub(super) fn of(view: &mut impl View, message: MessageNo, target: TargetNo) -> Attempt<Option<WaitingRow>> {
    let no = view.get(Table::WaitingOf, &of_key(message, target), |bytes| number_at(bytes, 0))?;
    let Some(row) = no.map(|no| waiting_row(view, WaitNo(no))).transpose()?.flatten() else {
        return Ok(None);
    };
    Ok(Some(WaitingRow { lane: row.lane, due: row.due, waiting: row.waiting }))
}

/// The next `limit` of those who wait and could fit, and where the walk goes on. Of one message they
/// come in order of due time, else of number: whoever is moved is then behind the walk or known by
/// its new place.
fn walk(
    view: &mut impl View,
    filter: &WaitingFilter,
    from: Option<&Place>,
    limit: usize,
) -> Attempt<(Vec<WaitRow>, Option<Place>)> {
    let (table, prefix) = match (filter.message, filter.provider) {
        (Some(message), Some(provider)) => (Table::WaitingDue, key![message.0, provider.0]),
        (Some(message), None) => (Table::WaitingDue, key![message.0]),
        (None, _) => (Table::Waiting, Vec::new()),
    };
    let (first, end) = beginning(&prefix);
    let first = from.map_or(first, |place| Bound::Excluded(place.0.clone()));
    let keys = view.keys(table, (first, end), limit.max(1))?;
    let next = if keys.len() < limit.max(1) { None } else { keys.last().cloned().map(Place) };
    let at = if table == Table::WaitingDue { 20 } else { 0 };
    let mut alive: HashMap<MessageNo, bool> = HashMap::new();
    let mut rows = Vec::new();
    for key in keys {
        let Some(row) = waiting_row(view, WaitNo(number_at(&key, at)))? else { continue };
        if fits(view, filter, &mut alive, &row)? {
            rows.push(row);
        }
    }
    Ok((rows, next))
}

/// Decides for those of the next `limit` who fit.
pub(super) fn decide(
    tx: &mut Tx<'_>,
    filter: &WaitingFilter,
    decision: Decision,
    from: Option<&Place>,
    limit: usize,
    at: Timestamp,
) -> Attempt<Decided> {
    tx.flush_states()?;
    let (mut rows, next) = walk(tx, filter, from, limit)?;
    match decision {
        // Those that are due already need no release.
        Decision::Release => rows.retain(|row| row.due > at),
        Decision::FailOver(to) => rows.retain(|row| row.due > at || row.lane.provider != to),
        Decision::GiveUp => {}
        Decision::Hold => rows.retain(|row| row.due != Timestamp::NEVER),
    }
    let mut messages = BTreeSet::new();
    for row in &rows {
        messages.insert(row.lane.message);
        apply(tx, row, decision, at)?;
    }
    let mut decided = Decided { count: rows.len() as u64, next, finished: Vec::new() };
    for message in messages {
        if finish_if_over(tx, message, at)? {
            decided.finished.push(message);
        }
    }
    Ok(decided)
}

/// Does what was decided for somebody who waits.
pub(super) fn apply(tx: &mut Tx<'_>, row: &WaitRow, decision: Decision, at: Timestamp) -> Attempt<()> {
    let mut row = row.clone();
    match decision {
        Decision::Release => {
            if row.waiting.why == WaitReason::Held {
                row.waiting.why = WaitReason::Retry;
            }
            relocate(tx, &row, row.lane, at)
        }
        Decision::FailOver(to) => {
            let moved = LaneKey { message: row.lane.message, provider: to };
            // Another provider does not know the key.
            row.waiting.batch = row.waiting.batch.filter(|_| moved == row.lane);
            if row.waiting.why == WaitReason::Held {
                row.waiting.why = WaitReason::Retry;
            }
            relocate(tx, &row, moved, at)?;
            note_move(tx, row.lane, row.waiting.target, to, MoveReason::Operator)
        }
        Decision::GiveUp => give_up(tx, &row, at),
        Decision::Hold => {
            if row.waiting.why == WaitReason::Retry {
                row.waiting.why = WaitReason::Held;
            }
            relocate(tx, &row, row.lane, Timestamp::NEVER)
        }
    }
}

fn give_up(tx: &mut Tx<'_>, row: &WaitRow, at: Timestamp) -> Attempt<()> {
    remove_waiting(tx, row)?;
    tx.adjust(row.lane, |p| row.count_out(p))?;
    end(tx, row.lane, &row.waiting, at)
}

/// Ends somebody as it is, with a row of the log. Whoever calls has taken it out of where it stood.
pub(super) fn end(tx: &mut Tx<'_>, lane: LaneKey, waiting: &Waiting, at: Timestamp) -> Attempt<()> {
    let outcome = match waiting.why {
        WaitReason::Uncertain | WaitReason::InDoubt => Outcome::Uncertain,
        WaitReason::Retry | WaitReason::ProviderRefuses | WaitReason::Held => Outcome::Permanent,
    };
    tx.adjust(lane, |p| count_over(p, outcome))?;
    let run = tx.state(lane.message)?.run;
    let answer = "given up by an operator".to_owned();
    tx.note_cause(lane.message, &answer, waiting.target)?;
    tx.log.push(&LogRow {
        seq: LogSeq(0),
        at,
        message: lane.message,
        target: waiting.target,
        identifier: waiting.identifier,
        provider: lane.provider,
        outcome,
        attempt: waiting.attempts,
        run,
        detail: LogDetail { answer, possibly_twice: waiting.possibly_twice, ..LogDetail::default() },
    });
    Ok(())
}

/// Moves those who wait in a lane to another provider's. Who waited until the old one takes messages
/// from us again is due at once.
pub(super) fn reassign(
    tx: &mut Tx<'_>,
    lane: LaneKey,
    moved: Moved,
    to: ProviderNo,
    from: Option<&Place>,
    limit: usize,
    at: Timestamp,
) -> Attempt<Walked> {
    if to == lane.provider {
        return Ok(Walked::default());
    }
    let limit = limit.max(1);
    let (first, end) = beginning(&super::plan::lane_key(lane));
    let first = from.map_or(first, |place| Bound::Excluded(place.0.clone()));
    let keys = tx.keys(Table::WaitingDue, (first, end), limit)?;
    let next = if keys.len() < limit { None } else { keys.last().cloned().map(Place) };
    let mut count = 0;
    for key in &keys {
        let Some(mut row) = waiting_row(tx, WaitNo(number_at(key, 20)))? else { continue };
        if moved.why != MoveReason::Gone && must_stay(&row.waiting) {
            continue;
        }
        row.waiting.batch = None;
        let refused = row.waiting.why == WaitReason::ProviderRefuses;
        let due = if refused { at } else { row.due };
        if refused {
            row.waiting.why = WaitReason::Retry;
        }
        relocate(tx, &row, LaneKey { message: lane.message, provider: to }, due)?;
        note_move(tx, lane, row.waiting.target, to, moved.why)?;
        count += 1;
    }
    Ok(Walked { count, next })
}

/// Whether somebody must not go through another provider by itself: a copy may be on its way, or an
/// operator has said to wait.
fn must_stay(waiting: &Waiting) -> bool {
    waiting.possibly_twice
        || waiting.batch.is_some()
        || matches!(waiting.why, WaitReason::Uncertain | WaitReason::InDoubt | WaitReason::Held)
}
