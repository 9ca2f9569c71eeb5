//! Work that was promised in one commit and is done in several.

use super::fail::Attempt;
use super::record::Chore;
use super::table::{Table, View, beginning, everything, key, number_at, short_at};
use super::tx::Tx;
use crate::domain::ids::{MessageNo, ProviderNo, WaitNo};
use crate::domain::plan::LaneKey;
use crate::store::page::Order;

/// Rows that one step removes.
const STEP: usize = 2000;

/// One step of the oldest chore.
pub(super) fn step(tx: &mut Tx<'_>) -> Attempt<()> {
    let Some((no, bytes)) = tx.rows(Table::Chores, everything(), Order::Ascending, 1)?.pop() else {
        tx.counts.chores = 0;
        return Ok(());
    };
    let done = match super::record::decode::<Chore>(&bytes)? {
        Chore::Subscriptions(topic) => {
            let prefix = key![topic.0];
            let keys = tx.keys(Table::Subscriptions, beginning(&prefix), STEP)?;
            for key in &keys {
                let target = number_at(key, 4);
                tx.remove(Table::Subscriptions, key)?;
                tx.remove(Table::Subscribed, &key![target, topic.0])?;
            }
            let ids = beginning(&super::ids::subscriber_prefix(topic));
            let id_keys = tx.keys(Table::Ids, ids, STEP)?;
            for key in &id_keys {
                tx.remove(Table::Ids, key)?;
            }
            keys.is_empty() && id_keys.is_empty()
        }
        Chore::Files(bucket) => super::files::drop_files(tx, bucket, STEP)?,
        Chore::Plan(message) => drop_waiting(tx, message, STEP)? && drop_plan(tx, message, STEP)?,
        Chore::Waiting(message) => drop_waiting(tx, message, STEP)?,
    };
    if done {
        tx.remove(Table::Chores, &no)?;
        tx.counts.chores = tx.counts.chores.saturating_sub(1);
    }
    Ok(())
}

/// Removes who waits in a message's lanes; true: nobody is left.
fn drop_waiting(tx: &mut Tx<'_>, message: MessageNo, limit: usize) -> Attempt<bool> {
    let keys = tx.keys(Table::WaitingDue, beginning(&key![message.0]), limit)?;
    for key in &keys {
        tx.remove(Table::WaitingDue, key)?;
        let no = WaitNo(number_at(key, 20));
        if let Some(row) = super::journal::waiting_row(tx, no)? {
            tx.remove(Table::WaitingOf, &super::journal::of_key(message, row.waiting.target))?;
        }
        tx.remove(Table::Waiting, &no.0.to_be_bytes())?;
    }
    Ok(keys.len() < limit)
}

/// Removes runs, then lanes, of a message; true: nothing is left.
pub(super) fn drop_plan(tx: &mut Tx<'_>, message: MessageNo, limit: usize) -> Attempt<bool> {
    let keys = tx.keys(Table::Runs, beginning(&key![message.0]), limit)?;
    for key in &keys {
        tx.remove(Table::Runs, key)?;
    }
    if keys.len() == limit {
        return Ok(false);
    }
    let moves = tx.keys(Table::Moves, beginning(&key![message.0]), limit)?;
    for key in &moves {
        tx.remove(Table::Moves, key)?;
    }
    if moves.len() == limit {
        return Ok(false);
    }
    for key in tx.keys(Table::Lanes, beginning(&key![message.0]), usize::MAX)? {
        tx.remove_lane(LaneKey { message, provider: ProviderNo(short_at(&key, 8)) })?;
    }
    Ok(true)
}
