//! The audit, and what is deleted after its time.

use super::fail::Attempt;
use super::record::{BodyHead, StateRow, decode};
use super::table::{Table, View, beginning, beyond, everything, key, number_at};
use super::tx::Tx;
use crate::domain::audit::AuditEntry;
use crate::domain::ids::MessageNo;
use crate::domain::state::MessageState;
use crate::domain::time::Timestamp;
use crate::store::history::Retention;
use crate::store::page::Order;

/// Rows that one step of retention deletes.
const STEP: usize = 1000;
/// Rows that one step of retention looks at.
const LOOK: usize = 5000;

/// A page of the audit, newest first.
pub(super) fn audit(
    view: &mut impl View,
    resource: Option<&str>,
    after: Option<u64>,
    limit: usize,
) -> Attempt<Vec<(u64, AuditEntry)>> {
    let Some(resource) = resource else {
        let rows =
            view.rows(Table::Audit, beyond(&[], after, Order::Descending), Order::Descending, limit)?;
        return rows.iter().map(|(key, bytes)| Ok((number_at(key, 0), decode(bytes)?))).collect();
    };
    let prefix = key![resource, 0u8];
    let rows =
        view.rows(Table::AuditOf, beyond(&prefix, after, Order::Descending), Order::Descending, limit)?;
    let mut entries = Vec::with_capacity(rows.len());
    for (key, _) in rows {
        let no = number_at(&key, prefix.len());
        let entry = view.get(Table::Audit, &no.to_be_bytes(), decode)?.transpose()?;
        entries.extend(entry.map(|entry| (no, entry)));
    }
    Ok(entries)
}

/// Rewrites what entries of the audit say.
pub(super) fn rewrite_audit(tx: &mut Tx<'_>, entries: &[(u64, AuditEntry)]) -> Attempt<()> {
    for (no, entry) in entries {
        let key = no.to_be_bytes();
        if tx.has(Table::Audit, &key)? {
            tx.put(Table::Audit, &key, entry)?;
        }
    }
    Ok(())
}

/// Deletes audit entries and messages past their time; true: there may be more.
pub(super) fn retain(tx: &mut Tx<'_>, retention: &Retention, now: Timestamp) -> Attempt<bool> {
    tx.keep = Some(crate::store::log::Retention {
        before: Some(now.minus(retention.log_age).0),
        bytes: Some(retention.log_bytes),
    });
    Ok(retain_audit(tx, now.minus(retention.audit_age))?
        | retain_messages(tx, now.minus(retention.message_age))?
        | super::receipts::retain(tx, now)?)
}

fn retain_audit(tx: &mut Tx<'_>, before: Timestamp) -> Attempt<bool> {
    let rows = tx.rows(Table::Audit, everything(), Order::Ascending, STEP)?;
    let mut gone = 0;
    for (key, bytes) in &rows {
        let entry: AuditEntry = decode(bytes)?;
        if entry.at >= before {
            break;
        }
        tx.remove(Table::Audit, key)?;
        tx.remove(Table::AuditOf, &key![entry.resource.as_str(), 0u8, number_at(key, 0)])?;
        gone += 1;
    }
    Ok(gone == STEP)
}

fn retain_messages(tx: &mut Tx<'_>, before: Timestamp) -> Attempt<bool> {
    tx.flush_states()?;
    let ended = [MessageState::Sent, MessageState::Failed, MessageState::Cancelled { by: String::new() }];
    let mut more = false;
    for state in ended {
        // Messages end roughly in the order of their numbers, so the old ones are among the first.
        let keys = tx.keys(Table::ByState, beginning(&key![state.code()]), LOOK)?;
        let mut gone = 0;
        for key in keys {
            let no = MessageNo(number_at(&key, 1));
            let row: &StateRow = tx.state(no)?;
            if row.finished_at.is_none_or(|at| at >= before) {
                continue;
            }
            let head = tx.record::<BodyHead>(Table::Bodies, &no.0.to_be_bytes())?;
            if let Some(head) = head {
                super::messages::remove(tx, no, &head.id)?;
            }
            gone += 1;
            if gone == STEP {
                more = true;
                break;
            }
        }
    }
    Ok(more)
}
