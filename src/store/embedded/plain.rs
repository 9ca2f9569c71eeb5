//! The log as one plain table.

use super::fail::Attempt;
use super::table::{Snapshot, View, visit_rows};
use crate::store::page::Order;
use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};
use std::ops::Bound;

/// The longest payload of a row, in bytes.
pub(super) const LONGEST_PAYLOAD: usize = 1 << 20;
const LOG: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("log");

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Columns {
    pub(super) at: i64,
    pub(super) message: u64,
    pub(super) target: u64,
    pub(super) identifier: u64,
    pub(super) provider: u32,
    pub(super) outcome: u8,
    pub(super) attempt: u16,
    pub(super) run: u16,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) columns: Columns,
    pub(super) payload: &'a [u8],
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) seq: u64,
    pub(super) columns: Columns,
    pub(super) payload: Vec<u8>,
}

/// Appends, and says what comes next.
pub(super) fn append(txn: &WriteTransaction, rows: &[Entry<'_>]) -> Attempt<u64> {
    let mut table = txn.open_table(LOG)?;
    let mut next = match table.last()? {
        Some((key, _)) => super::table::number_at(key.value(), 0) + 1,
        None => 0,
    };
    for row in rows {
        let mut bytes = super::record::encode(&row.columns);
        bytes.extend_from_slice(row.payload);
        table.insert(next.to_be_bytes().as_slice(), bytes.as_slice())?;
        next += 1;
    }
    Ok(next)
}

/// Visits rows.
pub(super) fn scan(
    txn: &ReadTransaction,
    after: Option<u64>,
    order: Order,
    visit: &mut dyn FnMut(Row) -> Attempt<bool>,
) -> Attempt<()> {
    let Ok(table) = txn.open_table(LOG) else { return Ok(()) };
    let key = after.map(|seq| seq.to_be_bytes().to_vec());
    let span = match (order, key) {
        (_, None) => (Bound::Unbounded, Bound::Unbounded),
        (Order::Ascending, Some(key)) => (Bound::Excluded(key), Bound::Unbounded),
        (Order::Descending, Some(key)) => (Bound::Unbounded, Bound::Excluded(key)),
    };
    visit_rows(&table, span, order, &mut |key, value| {
        let (columns, rest) = postcard::take_from_bytes::<Columns>(&value[1..])
            .map_err(|error| super::fail::Fail::damaged(error.to_string()))?;
        visit(Row { seq: super::table::number_at(key, 0), columns, payload: rest.to_vec() })
    })
}

/// The first and the next place.
pub(super) fn extent(txn: &ReadTransaction) -> Attempt<(u64, u64, Option<i64>)> {
    let mut first = None;
    scan(txn, None, Order::Ascending, &mut |row| {
        first = Some(row);
        Ok(false)
    })?;
    let mut last = None;
    scan(txn, None, Order::Descending, &mut |row| {
        last = Some(row.seq);
        Ok(false)
    })?;
    Ok((
        first.as_ref().map_or(0, |row| row.seq),
        last.map_or(0, |seq| seq + 1),
        first.map(|row| row.columns.at),
    ))
}

#[allow(dead_code)]
fn unused(_: &mut Snapshot)
where
    Snapshot: View,
{
}
