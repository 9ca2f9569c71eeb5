//! Receipts: the index from a service's ids to deliveries, in one span of keys for
//! each day, so that what is added lies close together and a day that is past goes
//! as a whole; and the guards.

use super::fail::{Attempt, Fail};
use super::providers;
use super::record::decode;
use super::table::{Table, View, beginning, everything, key, short_at};
use super::tx::Tx;
use crate::domain::audit::AuditEntry;
use crate::domain::delivery::Outcome;
use crate::domain::guard::{BLOCK, GuardRule, Marks, Tripped};
use crate::domain::ids::{MessageNo, ProviderNo};
use crate::domain::plan::LaneKey;
use crate::domain::receipt::{Accepted, ReceiptCounts, ReceiptKey, Traced, seen};
use crate::domain::time::Timestamp;
use crate::store::dispatch::ItemOutcome;
use crate::store::log::Columns;
use crate::store::page::Order;
use crate::store::receipts::{GuardState, ReceiptEntry, Recorded, Traceable};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::time::Duration;

/// Days for which a delivery waits for receipts: complaints come late.
pub(super) const DAYS: u32 = 14;
const DAY: Duration = Duration::from_hours(24);
/// The most deliveries that one key is looked up to: a request's recipients.
const MOST: usize = 1024;
/// Rows of past days that one step of retention removes.
const STEP: usize = 20_000;
/// Blocks of a guard that are kept: later complaints are of no use to it.
const BLOCKS: u64 = 100_000;

/// A row of the index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum ReceiptRow {
    /// The delivery.
    Delivery(Accepted),
    /// Another key of the same day leads to it.
    See(ReceiptKey),
}

/// A provider's guard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct GuardRow {
    /// Deliveries that were ever counted.
    pub(super) sent: u64,
    /// The first that counts.
    pub(super) from: u64,
    /// It has stopped the bulk.
    pub(super) tripped: Option<Tripped>,
    /// When the last receipt came.
    pub(super) last_receipt: Option<Timestamp>,
}

fn day(at: Timestamp) -> u32 {
    u32::try_from(at.0.div_euclid(DAY.as_millis() as i64)).unwrap_or(0)
}

fn index_key(day: u32, provider: ProviderNo, key: ReceiptKey, target: u64) -> Vec<u8> {
    let mut bytes = key![day, provider.0];
    bytes.extend_from_slice(&key.id);
    bytes.extend_from_slice(&key.tag);
    bytes.extend_from_slice(&target.to_be_bytes());
    bytes
}

/// Counts a window's outcomes for the guard, and notes under which keys receipts find them.
pub(super) fn trace(tx: &mut Tx<'_>, lane: LaneKey, run: u16, items: &[&ItemOutcome]) -> Attempt<()> {
    if !items.iter().any(|item| item.traced.counts || !item.traced.keys.is_empty()) {
        return Ok(());
    }
    let provider = lane.provider;
    let mut guard: GuardRow = tx.record(Table::Guards, &provider.0.to_be_bytes())?.unwrap_or_default();
    let mut bad = Vec::new();
    let mut last = Timestamp(0);
    for item in items {
        let nth = guard.sent;
        let Traced { counts, keys } = &item.traced;
        guard.sent += u64::from(*counts);
        last = last.max(item.at);
        if *counts && item.bounced {
            bad.push(nth);
        }
        let mut keys = keys.iter();
        let Some(first) = keys.next() else { continue };
        let row = ReceiptRow::Delivery(Accepted {
            message: lane.message,
            target: item.target,
            identifier: item.identifier,
            attempt: item.attempt,
            run,
            at: item.at,
            nth,
            seen: 0,
        });
        let (day, target) = (day(item.at), item.target.0);
        tx.put(Table::Receipts, &index_key(day, provider, *first, target), &row)?;
        for other in keys {
            let see = ReceiptRow::See(*first);
            tx.put(Table::Receipts, &index_key(day, provider, *other, target), &see)?;
        }
    }
    tx.put(Table::Guards, &provider.0.to_be_bytes(), &guard)?;
    for nth in bad {
        mark(tx, provider, nth, Outcome::Bounced, last)?;
    }
    Ok(())
}

/// Deliveries that a key may stand for.
pub(super) fn traced(
    view: &mut impl View,
    provider: ProviderNo,
    wanted: ReceiptKey,
    now: Timestamp,
) -> Attempt<Vec<Traceable>> {
    let today = day(now);
    for back in 0..=DAYS {
        let Some(day) = today.checked_sub(back) else { break };
        let mut prefix = key![day, provider.0];
        prefix.extend_from_slice(&wanted.id);
        let mut tagged = prefix.clone();
        tagged.extend_from_slice(&wanted.tag);
        for prefix in [tagged, prefix] {
            let rows = view.rows(Table::Receipts, beginning(&prefix), Order::Ascending, MOST)?;
            let mut found = Vec::new();
            for (mut place, bytes) in rows {
                let mut row = decode::<ReceiptRow>(&bytes)?;
                if let ReceiptRow::See(first) = row {
                    let target = super::table::number_at(&place, 18);
                    place = index_key(day, provider, first, target);
                    let Some(there) = view.get(Table::Receipts, &place, decode)?.transpose()? else {
                        continue;
                    };
                    row = there;
                }
                if let ReceiptRow::Delivery(accepted) = row {
                    found.push(Traceable { place, accepted });
                }
            }
            if !found.is_empty() {
                return Ok(found);
            }
        }
    }
    Ok(Vec::new())
}

/// Records a receipt.
pub(super) fn record(tx: &mut Tx<'_>, entry: &ReceiptEntry) -> Attempt<Recorded> {
    let Some(ReceiptRow::Delivery(mut accepted)) = tx.record(Table::Receipts, &entry.place)? else {
        return Ok(Recorded::Gone);
    };
    let bit = seen(entry.outcome);
    if accepted.seen & bit != 0 {
        return Ok(Recorded::Known);
    }
    accepted.seen |= bit;
    let columns = Columns {
        at: entry.happened.0,
        message: accepted.message.0,
        target: accepted.target.0,
        identifier: accepted.identifier.0,
        provider: entry.provider.0,
        outcome: entry.outcome.code(),
        attempt: accepted.attempt,
        run: accepted.run,
    };
    tx.log.add(columns, &entry.detail);
    // A message that is gone is counted by nobody.
    let there = match tx.state(accepted.message) {
        Ok(_) => true,
        Err(Fail::Refused(_)) => false,
        Err(fail) => return Err(fail),
    };
    if there {
        let message = accepted.message.0.to_be_bytes();
        let mut counts: ReceiptCounts = tx.record(Table::ReceiptCounts, &message)?.unwrap_or_default();
        counts.add(entry.outcome);
        tx.put(Table::ReceiptCounts, &message, &counts)?;
        tx.touched.messages = true;
    }
    let provider = entry.provider.0.to_be_bytes();
    let mut guard: GuardRow = tx.record(Table::Guards, &provider)?.unwrap_or_default();
    guard.last_receipt = Some(entry.at);
    tx.put(Table::Guards, &provider, &guard)?;
    let nth = accepted.nth;
    tx.put(Table::Receipts, &entry.place, &ReceiptRow::Delivery(accepted))?;
    let tripped = mark(tx, entry.provider, nth, entry.outcome, entry.at)?;
    Ok(Recorded::New { tripped })
}

/// Counts something that came back; `Some`: it was one too many.
fn mark(
    tx: &mut Tx<'_>,
    provider: ProviderNo,
    nth: u64,
    outcome: Outcome,
    now: Timestamp,
) -> Attempt<Option<Tripped>> {
    let key = provider.0.to_be_bytes();
    let Some(mut guard) = tx.record::<GuardRow>(Table::Guards, &key)? else { return Ok(None) };
    if !matches!(outcome, Outcome::Bounced | Outcome::Complained) || nth < guard.from || nth >= guard.sent {
        return Ok(None);
    }
    let block = nth / BLOCK;
    let block_key = key![provider.0, block];
    let mut marks: Marks = tx.record(Table::GuardMarks, &block_key)?.unwrap_or_default();
    if outcome == Outcome::Bounced {
        marks.bounced += 1;
    } else {
        marks.complained += 1;
    }
    tx.put(Table::GuardMarks, &block_key, &marks)?;
    if let Some(past) = block.checked_sub(BLOCKS) {
        let to = Bound::Excluded(key![provider.0, past]);
        tx.remove_span(Table::GuardMarks, &(Bound::Included(key![provider.0, 0u64]), to))?;
    }
    if guard.tripped.is_some() {
        return Ok(None);
    }
    let Some(record) = providers::by_no(tx, provider)? else { return Ok(None) };
    let rule = record.guard_rule();
    let known = blocks(tx, provider, rule.around(block))?;
    let of = |block: u64| known.get(&block).copied().unwrap_or_default();
    let tripped = rule.judge(guard.from, guard.sent, block, of, now);
    if tripped.is_some() {
        guard.tripped = tripped;
        tx.put(Table::Guards, &key, &guard)?;
        tx.touched.providers = true;
    }
    Ok(tripped)
}

fn blocks(
    view: &mut impl View,
    provider: ProviderNo,
    (from, to): (u64, u64),
) -> Attempt<BTreeMap<u64, Marks>> {
    let span = (Bound::Included(key![provider.0, from]), Bound::Included(key![provider.0, to]));
    let rows = view.rows(Table::GuardMarks, span, Order::Ascending, usize::MAX)?;
    rows.iter().map(|(key, bytes)| Ok((super::table::number_at(key, 4), decode(bytes)?))).collect()
}

/// What receipts have said of a message's deliveries.
pub(super) fn counts(view: &mut impl View, message: MessageNo) -> Attempt<ReceiptCounts> {
    let found = view.get(Table::ReceiptCounts, &message.0.to_be_bytes(), decode)?.transpose()?;
    Ok(found.unwrap_or_default())
}

/// A provider's guard as it is kept.
pub(super) fn guard_row(view: &mut impl View, provider: ProviderNo) -> Attempt<GuardRow> {
    Ok(view.get(Table::Guards, &provider.0.to_be_bytes(), decode)?.transpose()?.unwrap_or_default())
}

/// How a provider's guard stands.
pub(super) fn guard(view: &mut impl View, provider: ProviderNo) -> Attempt<GuardState> {
    let row = guard_row(view, provider)?;
    let rule: GuardRule = providers::by_no(view, provider)?.map(|p| p.guard_rule()).unwrap_or_default();
    let counted = row.sent.saturating_sub(row.from);
    let begin = row.sent.saturating_sub(rule.window).max(row.from);
    let known = blocks(view, provider, (begin / BLOCK, row.sent / BLOCK))?;
    let sum = |of: fn(&Marks) -> u32| known.values().map(|marks| u64::from(of(marks))).sum();
    Ok(GuardState {
        counted,
        bounced: sum(|marks| marks.bounced),
        complained: sum(|marks| marks.complained),
        of: row.sent - (begin / BLOCK * BLOCK).max(row.from).min(row.sent),
        tripped: row.tripped,
        last_receipt: row.last_receipt,
    })
}

/// Lifts a provider's guard.
pub(super) fn lift(tx: &mut Tx<'_>, provider: ProviderNo, audit: Option<&AuditEntry>) -> Attempt<()> {
    let key = provider.0.to_be_bytes();
    let mut row = guard_row(tx, provider)?;
    row.from = row.sent;
    row.tripped = None;
    tx.put(Table::Guards, &key, &row)?;
    // What came back before counts no more, not even in the block that goes on.
    tx.remove_span(Table::GuardMarks, &beginning(&key))?;
    tx.touched.providers = true;
    match audit {
        Some(audit) => tx.audit(audit),
        None => Ok(()),
    }
}

/// Forgets a provider's guard.
pub(super) fn forget(tx: &mut Tx<'_>, provider: ProviderNo) -> Attempt<()> {
    tx.remove(Table::Guards, &provider.0.to_be_bytes())?;
    tx.remove_span(Table::GuardMarks, &beginning(&provider.0.to_be_bytes()))
}

/// Removes days that are past; true: there may be more.
pub(super) fn retain(tx: &mut Tx<'_>, now: Timestamp) -> Attempt<bool> {
    let oldest = day(now).saturating_sub(DAYS);
    let keys = tx.keys(Table::Receipts, everything(), STEP)?;
    let mut gone = 0;
    for key in keys.iter().take_while(|key| short_at(key, 0) < oldest) {
        tx.remove(Table::Receipts, key)?;
        gone += 1;
    }
    Ok(gone == STEP)
}
