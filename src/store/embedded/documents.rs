//! Documents, steps of operations, and ends of messages that endpoints are to be told.

use super::fail::{Attempt, Fail};
use super::journal::{next_wait, put_waiting, waiting_row};
use super::messages::{current, finish_if_over};
use super::plan::{append_runs, take_off};
use super::record::WaitRow;
use super::table::{Span, Table, View, beginning, everything, key, number_at};
use super::tx::Tx;
use super::waiting::is_active;
use super::{record, unclaimed, waiting};
use crate::domain::ids::{IdentifierNo, MessageNo, ProviderNo};
use crate::domain::message::Progress;
use crate::domain::plan::{LaneKey, Planned, WaitReason, Waiting};
use crate::domain::state::{Event, MessageState};
use crate::domain::time::Timestamp;
use crate::store::documents::{
    Again, CountedAs, DocumentChange, Ended, Expected, OperationReceipt, OperationStep, Shelf,
};
use crate::store::error::StoreError;
use crate::store::page::Order;
use std::collections::BTreeMap;
use std::ops::Bound;

fn document_key(shelf: Shelf, text: &str) -> Vec<u8> {
    key![shelf as u8, text]
}

/// A document.
pub(super) fn document(view: &mut impl View, shelf: Shelf, text: &str) -> Attempt<Option<Vec<u8>>> {
    view.get(Table::Documents, &document_key(shelf, text), record::decode)?.transpose()
}

/// Documents beyond a key.
pub(super) fn page(
    view: &mut impl View,
    shelf: Shelf,
    prefix: &str,
    after: Option<&str>,
    order: Order,
    limit: usize,
) -> Attempt<Vec<(String, Vec<u8>)>> {
    let (from, to) = beginning(&document_key(shelf, prefix));
    let span: Span = match (after.map(|after| document_key(shelf, after)), order) {
        (None, _) => (from, to),
        (Some(after), Order::Ascending) => (Bound::Excluded(after), to),
        (Some(after), Order::Descending) => (from, Bound::Excluded(after)),
    };
    let rows = view.rows(Table::Documents, span, order, limit)?;
    rows.into_iter()
        .map(|(key, bytes)| {
            let text = String::from_utf8(key.get(1..).unwrap_or_default().to_vec());
            let text = text.map_err(|_| Fail::damaged("a document's key is no text".to_owned()))?;
            Ok((text, record::decode(&bytes)?))
        })
        .collect()
}

/// Changes documents, or none of them.
pub(super) fn change(tx: &mut Tx<'_>, changes: &[DocumentChange]) -> Attempt<()> {
    for change in changes {
        let Some(expect) = &change.expect else { continue };
        let found = document(tx, change.shelf, &change.key)?;
        let fits = match expect {
            Expected::Nothing => found.is_none(),
            Expected::Value(value) => found.as_ref() == Some(value),
        };
        if !fits {
            return Err(StoreError::Moved.into());
        }
    }
    for change in changes {
        let key = document_key(change.shelf, &change.key);
        match &change.value {
            Some(value) => tx.put(Table::Documents, &key, value)?,
            None => {
                tx.remove(Table::Documents, &key)?;
            }
        }
    }
    tx.touched.providers |= changes.iter().any(|change| change.shelf == Shelf::Routing);
    tx.touched.documents |= !changes.is_empty();
    Ok(())
}

/// Does a step of an operation.
pub(super) fn operate(tx: &mut Tx<'_>, step: &OperationStep) -> Attempt<OperationReceipt> {
    let known = match tx.state(step.message) {
        Ok(_) => true,
        Err(Fail::Refused(_)) => false,
        Err(fail) => return Err(fail),
    };
    // Looked at before anything is written: a refusal must leave nothing half done.
    let rows = if known { still_waiting(tx, step)? } else { Vec::new() };
    let again = match &step.again {
        Some((run, list)) if known && can_reopen(tx, step.message, *run, list, step.at)? => list.as_slice(),
        _ => &[],
    };
    let unclaimed = match &step.planned {
        Some(set) if known && is_active(&tx.state(step.message)?.state) => {
            unclaimed::still(tx, step.message, set, step.decision)?
        }
        _ => None,
    };
    let planned = unclaimed.as_ref().map_or(0, |found| found.people.len());
    let reached = (rows.len() + again.len() + planned) as u64;
    change(tx, &[(step.progress)(reached)])?;
    for row in &rows {
        waiting::apply(tx, row, step.decision, step.at)?;
    }
    if let Some(found) = unclaimed {
        unclaimed::apply(tx, found, step.decision, step.at)?;
    }
    if !again.is_empty() {
        reopen(tx, step.message, again, step.at)?;
    }
    if reached > 0 {
        finish_if_over(tx, step.message, step.at)?;
    }
    let message = if known { Some(current(tx, step.message)?) } else { None };
    Ok(OperationReceipt { reached, message })
}

/// Those of a step who still wait, in a message that goes on.
fn still_waiting(tx: &mut Tx<'_>, step: &OperationStep) -> Attempt<Vec<WaitRow>> {
    if !is_active(&tx.state(step.message)?.state) {
        return Ok(Vec::new());
    }
    let mut rows = Vec::with_capacity(step.waiting.len());
    for no in &step.waiting {
        let row = waiting_row(tx, *no)?;
        rows.extend(row.filter(|row| row.lane.message == step.message));
    }
    Ok(rows)
}

/// Whether a message is still as it ended in this run, with at least these counts, and not too old.
fn can_reopen(tx: &mut Tx<'_>, no: MessageNo, run: u16, list: &[Again], at: Timestamp) -> Attempt<bool> {
    let mut before = Progress::default();
    for again in list {
        before.add(&again.counted.one());
    }
    let row = tx.state(no)?;
    Ok(!list.is_empty()
        && matches!(row.state, MessageState::Failed)
        && row.run == run
        && row.expires_at.is_none_or(|deadline| deadline > at)
        && before.failed <= row.progress.failed
        && before.uncertain <= row.progress.uncertain)
}

/// Opens an ended message again, for these people alone.
fn reopen(tx: &mut Tx<'_>, no: MessageNo, list: &[Again], at: Timestamp) -> Attempt<()> {
    super::messages::transition(
        tx,
        no,
        &Event::Reopen(crate::domain::plan::Again::default()),
        None,
        at,
        None,
    )?;
    let mut runs: BTreeMap<ProviderNo, Vec<Planned>> = BTreeMap::new();
    let mut off: BTreeMap<ProviderNo, Progress> = BTreeMap::new();
    let mut doubtful = Vec::new();
    for again in list {
        off.entry(again.lane).or_default().add(&again.counted.one());
        match again.counted {
            CountedAs::Failed => {
                let planned = Planned { target: again.target, direct: again.direct };
                runs.entry(again.provider).or_default().push(planned);
            }
            CountedAs::Uncertain => doubtful.push(*again),
        }
    }
    for (lane, before) in off {
        take_off(tx, no, lane, &before)?;
    }
    let runs: Vec<_> = runs
        .into_iter()
        .map(|(provider, mut list)| {
            list.sort_unstable();
            list.dedup_by_key(|planned| planned.target);
            (provider, list)
        })
        .collect();
    append_runs(tx, no, &runs)?;
    for again in doubtful {
        // They keep the mark that they may have had a copy.
        let lane = LaneKey { message: no, provider: again.provider };
        let waiting = Waiting {
            no: next_wait(tx),
            target: again.target,
            identifier: IdentifierNo(0),
            direct: again.direct,
            attempts: 0,
            possibly_twice: true,
            why: WaitReason::Retry,
            batch: None,
        };
        tx.adjust(lane, |p| {
            p.planned += 1;
            p.claimed += 1;
            p.retrying += 1;
        })?;
        put_waiting(tx, &WaitRow { lane, due: at, waiting })?;
    }
    tx.touched.plans = true;
    tx.state_mut(no)?.plan.done = true;
    Ok(())
}

/// Notes that a run of a message has ended, while there is an endpoint to be told.
pub(super) fn note_end(tx: &mut Tx<'_>, message: MessageNo, run: u16, at: Timestamp) -> Attempt<()> {
    if tx.keys(Table::Documents, beginning(&[Shelf::Webhooks as u8]), 1)?.is_empty() {
        return Ok(());
    }
    let last = tx.rows(Table::Ended, everything(), Order::Descending, 1)?;
    let no = last.first().map_or(0, |(key, _)| number_at(key, 0)) + 1;
    tx.touched.documents = true;
    tx.put(Table::Ended, &no.to_be_bytes(), &(message, run, at))
}

/// Ends of messages that endpoints are to be told.
pub(super) fn ended(view: &mut impl View, limit: usize) -> Attempt<Vec<Ended>> {
    let rows = view.rows(Table::Ended, everything(), Order::Ascending, limit)?;
    rows.iter()
        .map(|(key, bytes)| {
            let (message, run, at) = record::decode::<(MessageNo, u16, Timestamp)>(bytes)?;
            Ok(Ended { no: number_at(key, 0), message, run, at })
        })
        .collect()
}

/// Takes ends off the list, and writes what follows.
pub(super) fn take_ended(tx: &mut Tx<'_>, ends: &[u64], changes: &[DocumentChange]) -> Attempt<()> {
    change(tx, changes)?;
    for no in ends {
        tx.remove(Table::Ended, &no.to_be_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shelves_do_not_overlap() {
        let (from, to) = beginning(&document_key(Shelf::Drafts, ""));
        assert_eq!(from, Bound::Included(vec![3]));
        assert_eq!(to, Bound::Excluded(vec![4]));
    }
}
