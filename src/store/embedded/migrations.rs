//! From older tables to newer ones: one function for each version.

use super::fail::Attempt;
use super::journal::{of_key, waiting_row};
use super::record::{StateRow, decode};
use super::table::{Table, View as _, beyond, key, number_at};
use super::tx::Tx;
use crate::domain::channel::Channel;
use crate::domain::ids::{Revision, WaitNo};
use crate::domain::message::Progress;
use crate::domain::plan::{PlanCursor, RetryCursor, WaitReason};
use crate::domain::state::MessageState;
use crate::domain::time::Timestamp;
use crate::store::page::Order;
use serde::{Deserialize, Serialize};

/// Rows that are read at once.
const CHUNK: usize = 4096;

/// Counts as version 1 had them.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Progress1([u64; 10]);

/// Where a message stands, as version 1 had it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct StateRow1 {
    state: MessageState,
    channel: Channel,
    scheduled_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    progress: Progress1,
    run: u16,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    updated: Timestamp,
    revision: Revision,
    plan: PlanCursor,
    errors: bool,
}

impl From<Progress1> for Progress {
    fn from(Progress1(old): Progress1) -> Self {
        let [planned, claimed, accepted, failed, skipped, expired, retrying, held, uncertain, cancelled] =
            old;
        Self {
            planned,
            claimed,
            accepted,
            failed,
            skipped,
            expired,
            retrying,
            held,
            uncertain,
            cancelled,
            undecided: 0,
        }
    }
}

impl From<StateRow1> for StateRow {
    fn from(old: StateRow1) -> Self {
        Self {
            state: old.state,
            channel: old.channel,
            scheduled_at: old.scheduled_at,
            expires_at: old.expires_at,
            progress: old.progress.into(),
            run: old.run,
            started_at: old.started_at,
            finished_at: old.finished_at,
            updated: old.updated,
            revision: old.revision,
            plan: old.plan,
            errors: old.errors,
            retry: RetryCursor::default(),
        }
    }
}

/// Visits the rows of a table, which may be changed meanwhile.
fn each(
    tx: &mut Tx<'_>,
    table: Table,
    mut visit: impl FnMut(&mut Tx<'_>, &[u8], Vec<u8>) -> Attempt<()>,
) -> Attempt<()> {
    let mut span = super::table::everything();
    loop {
        let rows = tx.rows(table, span, Order::Ascending, CHUNK)?;
        let Some((last, _)) = rows.last() else { return Ok(()) };
        span = (std::ops::Bound::Excluded(last.clone()), std::ops::Bound::Unbounded);
        for (key, bytes) in rows {
            visit(tx, &key, bytes)?;
        }
    }
}

/// Version 2 knows who is undecided, where everybody waits by target, how far a retry is planned, and
/// through which door a provider's host came.
pub(super) fn from_1(tx: &mut Tx<'_>) -> Attempt<()> {
    each(tx, Table::States, |tx, key, bytes| {
        let row: StateRow = decode::<StateRow1>(&bytes)?.into();
        tx.put(Table::States, key, &row)
    })?;
    // New fields that stand at the end, with nothing in them.
    for table in [Table::Lanes, Table::Providers] {
        each(tx, table, |tx, key, mut bytes| {
            bytes.push(0);
            tx.put_raw(table, key, &bytes)
        })?;
    }
    let mut after = None;
    loop {
        let keys = tx.keys(Table::Waiting, beyond(&[], after, Order::Ascending), CHUNK)?;
        let Some(last) = keys.last() else { return Ok(()) };
        after = Some(number_at(last, 0));
        for found in keys {
            let Some(row) = waiting_row(tx, WaitNo(number_at(&found, 0)))? else { continue };
            let target = of_key(row.lane.message, row.waiting.target);
            tx.put_raw(Table::WaitingOf, &target, &found)?;
            let undecided = row.due == Timestamp::NEVER && row.waiting.why == WaitReason::Uncertain;
            // Who waits in a message that has ended is about to be removed, and is counted as cancelled.
            let counted =
                tx.get(Table::States, &key![row.lane.message.0], decode::<StateRow>)?.transpose()?;
            if undecided && counted.is_some_and(|state| !state.state.is_over()) {
                tx.adjust(row.lane, |p| {
                    p.held = p.held.saturating_sub(1);
                    p.uncertain += 1;
                    p.undecided += 1;
                })?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::{LaneRow, WaitRow, encode};
    use super::super::rows::Rows;
    use super::super::schema::{self, MIGRATIONS, SCHEMA};
    use super::super::table::Snapshot;
    use super::*;
    use crate::domain::ids::{IdentifierNo, MessageNo, ProviderNo, TargetNo};
    use crate::domain::plan::{LaneKey, Waiting};
    use redb::backends::InMemoryBackend;
    use redb::{Database, ReadableDatabase as _};

    #[test]
    fn a_store_of_version_1_becomes_one_of_today() {
        let db = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
        schema::install_id(&db).unwrap();
        let old = Progress1([9, 9, 4, 1, 0, 0, 1, 3, 0, 0]);
        let lane = LaneKey { message: MessageNo(7), provider: ProviderNo(2) };
        let state = StateRow1 {
            state: MessageState::Processing,
            channel: Channel::Sms,
            scheduled_at: Some(Timestamp(1)),
            expires_at: None,
            progress: old,
            run: 2,
            started_at: Some(Timestamp(2)),
            finished_at: None,
            updated: Timestamp(3),
            revision: Revision(4),
            plan: PlanCursor { after: Some(TargetNo(5)), done: true },
            errors: false,
        };
        let row = |no: u64, due, why| WaitRow {
            lane,
            due,
            waiting: Waiting {
                no: WaitNo(no),
                target: TargetNo(100 + no),
                identifier: IdentifierNo(1),
                direct: false,
                attempts: 1,
                possibly_twice: true,
                why,
                batch: None,
            },
        };
        let rows = [
            row(1, Timestamp::NEVER, WaitReason::Uncertain),
            row(2, Timestamp(9), WaitReason::Retry),
            row(3, Timestamp::NEVER, WaitReason::ProviderRefuses),
            row(4, Timestamp::NEVER, WaitReason::Uncertain),
        ];
        let txn = db.begin_write().unwrap();
        let mut tx = Tx::begin(&txn, false, Rows::default()).unwrap();
        tx.put(Table::States, &key![7u64], &state).unwrap();
        // A lane's record ended with its counts.
        let mut bytes = encode(&(crate::domain::plan::LaneCursor::default(), 1u32, old));
        tx.put_raw(Table::Lanes, &key![7u64, 2u32], &bytes).unwrap();
        bytes.push(0);
        assert_eq!(decode::<LaneRow>(&bytes).unwrap().progress, old.into());
        for row in &rows {
            tx.put(Table::Waiting, &row.waiting.no.0.to_be_bytes(), row).unwrap();
        }
        tx.finish().unwrap();
        drop(tx);
        txn.commit().unwrap();

        schema::migrate(&db, 1, SCHEMA, MIGRATIONS).unwrap();
        let mut view = Snapshot::new(db.begin_read().unwrap());
        let now = view.get(Table::States, &key![7u64], decode::<StateRow>).unwrap().unwrap().unwrap();
        let p = now.progress;
        assert_eq!((p.planned, p.retrying, p.held, p.uncertain, p.undecided), (9, 1, 1, 2, 2));
        assert_eq!((now.run, now.plan, now.revision), (2, state.plan, Revision(4)));
        let lane = view.get(Table::Lanes, &key![7u64, 2u32], decode::<LaneRow>).unwrap().unwrap().unwrap();
        assert_eq!(lane.progress, p);
        let found = super::super::waiting::of(&mut view, MessageNo(7), TargetNo(103)).unwrap().unwrap();
        assert_eq!(found.waiting.no, WaitNo(3));
    }
}
