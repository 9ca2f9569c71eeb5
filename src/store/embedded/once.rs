//! Calls that may be repeated: written with what they do, forgotten after a day.

use super::fail::Attempt;
use super::table::{Table, View, everything, key, time_at};
use super::tx::Tx;
use crate::domain::audit::AuditEntry;
use crate::domain::once::{Done, Once, REMEMBERED};
use crate::domain::time::Timestamp;
use crate::store::StoreError;

/// The most that one new call removes of those that are past their time.
const SWEEP: usize = 4;

/// Bytes of an instant in a key.
const INSTANT: usize = 8;

/// A call that was done, whether or not its time is over.
pub(super) fn find(view: &mut impl View, key: &[u8; 32]) -> Attempt<Option<Done>> {
    view.get(Table::Once, key, super::record::decode)?.transpose()
}

/// Writes a call with what it has done; refuses it if it was done before.
pub(super) fn claim(tx: &mut Tx<'_>, once: Once, entry: &AuditEntry) -> Attempt<()> {
    if find(tx, &once.key)?.is_some_and(|done| done.holds(entry.at)) {
        return Err(StoreError::Repeated.into());
    }
    sweep(tx, entry.at)?;
    let done = Done { call: once.call, at: entry.at, resource: entry.resource.clone(), answer: None };
    put(tx, &once.key, &done)
}

fn put(tx: &mut Tx<'_>, key: &[u8; 32], done: &Done) -> Attempt<()> {
    tx.put(Table::Once, key, done)?;
    let mut at = key![done.at];
    at.extend_from_slice(key);
    tx.put_raw(Table::OnceAt, &at, &[])
}

fn sweep(tx: &mut Tx<'_>, now: Timestamp) -> Attempt<()> {
    for at in tx.keys(Table::OnceAt, everything(), SWEEP)? {
        if now.since(time_at(&at, 0)) < REMEMBERED {
            break;
        }
        tx.remove(Table::OnceAt, &at)?;
        if let Some(key) = at.get(INSTANT..)
            && find(tx, key.try_into().unwrap_or(&[0; 32]))?.is_none_or(|done| !done.holds(now))
        {
            tx.remove(Table::Once, key)?;
        }
    }
    Ok(())
}

/// Adds the answer to a call that was done.
pub(super) fn answer(tx: &mut Tx<'_>, key: &[u8; 32], answer: &[u8]) -> Attempt<()> {
    if let Some(done) = find(tx, key)? {
        tx.put(Table::Once, key, &Done { answer: Some(answer.to_vec()), ..done })?;
    }
    Ok(())
}
