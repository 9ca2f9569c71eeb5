//! Tables as redb has them. Keys and values are bytes for the rest of the store;
//! here it is known which are always of one length. redb keeps no lengths of
//! those, so more of them fit in a page and putting one between others is cheap.

use super::fail::{Attempt, Fail};
use super::table::{Definitions, Span, Table, Visit};
use crate::store::page::Order;
use redb::{
    Key, ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata, TableDefinition, TableError,
    TypeName, Value, WriteTransaction,
};
use std::cmp::Ordering;
use std::ops::Bound;

/// Bytes of any length.
pub(super) type Any = &'static [u8];

/// Bytes, always so many.
#[derive(Debug)]
pub(super) struct Fixed<const N: usize>;

impl<const N: usize> Value for Fixed<N> {
    type SelfType<'a> = &'a [u8];
    type AsBytes<'a> = &'a [u8];

    fn fixed_width() -> Option<usize> {
        Some(N)
    }

    fn from_bytes<'a>(data: &'a [u8]) -> &'a [u8]
    where
        Self: 'a,
    {
        data
    }

    fn as_bytes<'a, 'b: 'a>(value: &'a &'b [u8]) -> &'a [u8]
    where
        Self: 'b,
    {
        value
    }

    fn type_name() -> TypeName {
        TypeName::new(&format!("herald.bytes.{N}"))
    }
}

impl<const N: usize> Key for Fixed<N> {
    fn compare(data1: &[u8], data2: &[u8]) -> Ordering {
        data1.cmp(data2)
    }
}

/// A table that can be read.
pub(super) trait Tree {
    /// Tells `read` the value of a key, if there is one.
    fn get(&self, key: &[u8], read: &mut dyn FnMut(&[u8])) -> Attempt<()>;
    /// Visits rows of a span in order.
    fn scan(&self, span: &Span, order: Order, visit: Visit<'_>) -> Attempt<()>;
    /// How many rows there are.
    fn len(&self) -> Attempt<u64>;
}

/// A table that can be written.
pub(super) trait TreeMut: Tree {
    /// Writes a row.
    fn put(&mut self, key: &[u8], value: &[u8]) -> Attempt<()>;
    /// Removes a row; says whether there was one.
    fn remove(&mut self, key: &[u8]) -> Attempt<bool>;
    /// Removes every row of a span.
    fn remove_span(&mut self, span: &Span) -> Attempt<()>;
}

fn borrowed((from, to): &Span) -> (Bound<&[u8]>, Bound<&[u8]>) {
    (from.as_ref().map(Vec::as_slice), to.as_ref().map(Vec::as_slice))
}

/// Whether no key can be in a span; redb refuses those.
fn is_empty((from, to): &Span) -> bool {
    match (from, to) {
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Included(from) | Bound::Excluded(from), Bound::Excluded(to))
        | (Bound::Excluded(from), Bound::Included(to)) => from >= to,
        _ => false,
    }
}

fn visit<K, V>(table: &impl ReadableTable<K, V>, span: &Span, order: Order, visit: Visit<'_>) -> Attempt<()>
where
    K: Key + for<'a> Value<SelfType<'a> = &'a [u8]> + 'static,
    V: for<'a> Value<SelfType<'a> = &'a [u8]> + 'static,
{
    if is_empty(span) {
        return Ok(());
    }
    let mut range = table.range::<&[u8]>(borrowed(span))?;
    loop {
        let next = match order {
            Order::Ascending => range.next(),
            Order::Descending => range.next_back(),
        };
        let Some(row) = next else { return Ok(()) };
        let (key, value) = row?;
        if !visit(key.value(), value.value())? {
            return Ok(());
        }
    }
}

impl<K, V> Tree for ReadOnlyTable<K, V>
where
    K: Key + for<'a> Value<SelfType<'a> = &'a [u8]> + 'static,
    V: for<'a> Value<SelfType<'a> = &'a [u8]> + 'static,
{
    fn get(&self, key: &[u8], read: &mut dyn FnMut(&[u8])) -> Attempt<()> {
        if let Some(value) = ReadableTable::get(self, key)? {
            read(value.value());
        }
        Ok(())
    }

    fn scan(&self, span: &Span, order: Order, row: Visit<'_>) -> Attempt<()> {
        visit(self, span, order, row)
    }

    fn len(&self) -> Attempt<u64> {
        Ok(ReadableTableMetadata::len(self)?)
    }
}

impl<K, V> Tree for redb::Table<'_, K, V>
where
    K: Key + for<'a> Value<SelfType<'a> = &'a [u8]> + 'static,
    V: for<'a> Value<SelfType<'a> = &'a [u8]> + 'static,
{
    fn get(&self, key: &[u8], read: &mut dyn FnMut(&[u8])) -> Attempt<()> {
        if let Some(value) = ReadableTable::get(self, key)? {
            read(value.value());
        }
        Ok(())
    }

    fn scan(&self, span: &Span, order: Order, row: Visit<'_>) -> Attempt<()> {
        visit(self, span, order, row)
    }

    fn len(&self) -> Attempt<u64> {
        Ok(ReadableTableMetadata::len(self)?)
    }
}

impl<K, V> TreeMut for redb::Table<'_, K, V>
where
    K: Key + for<'a> Value<SelfType<'a> = &'a [u8]> + 'static,
    V: for<'a> Value<SelfType<'a> = &'a [u8]> + 'static,
{
    fn put(&mut self, key: &[u8], value: &[u8]) -> Attempt<()> {
        // A wrong length would be read as something else.
        let fits = |width: Option<usize>, bytes: &[u8]| width.is_none_or(|width| width == bytes.len());
        if !fits(K::fixed_width(), key) || !fits(V::fixed_width(), value) {
            return Err(Fail::damaged(format!("a row of {} and {} bytes", key.len(), value.len())));
        }
        self.insert(key, value)?;
        Ok(())
    }

    fn remove(&mut self, key: &[u8]) -> Attempt<bool> {
        Ok(redb::Table::remove(self, key)?.is_some())
    }

    fn remove_span(&mut self, span: &Span) -> Attempt<()> {
        if !is_empty(span) {
            self.retain_in::<&[u8], _>(borrowed(span), |_, _| false)?;
        }
        Ok(())
    }
}

/// Opens tables of a read transaction.
struct Reading<'a>(&'a ReadTransaction);

impl Definitions for Reading<'_> {
    type Opened = Attempt<Option<Box<dyn Tree>>>;

    fn open<K, V>(self, definition: TableDefinition<'static, K, V>) -> Self::Opened
    where
        K: Key + for<'b> Value<SelfType<'b> = &'b [u8]> + 'static,
        V: for<'b> Value<SelfType<'b> = &'b [u8]> + 'static,
    {
        match self.0.open_table(definition) {
            Ok(table) => Ok(Some(Box::new(table))),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Opens tables of a write transaction.
struct Writing<'t>(&'t WriteTransaction);

impl<'t> Definitions for Writing<'t> {
    type Opened = Attempt<Box<dyn TreeMut + 't>>;

    fn open<K, V>(self, definition: TableDefinition<'static, K, V>) -> Self::Opened
    where
        K: Key + for<'b> Value<SelfType<'b> = &'b [u8]> + 'static,
        V: for<'b> Value<SelfType<'b> = &'b [u8]> + 'static,
    {
        Ok(Box::new(self.0.open_table(definition)?))
    }
}

/// A table as a read transaction sees it; `None`: nothing was ever written to it.
pub(super) fn read(txn: &ReadTransaction, table: Table) -> Attempt<Option<Box<dyn Tree>>> {
    table.define(Reading(txn))
}

/// A table of a write transaction.
pub(super) fn write(txn: &WriteTransaction, table: Table) -> Attempt<Box<dyn TreeMut + '_>> {
    table.define(Writing(txn))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use redb::ReadableDatabase as _;
    use std::collections::BTreeSet;

    proptest! {
        /// Spans of prefixes find in fixed keys what they find in a map.
        #[test]
        fn fixed_keys_sort_and_scan_as_bytes(
            rows in proptest::collection::btree_set(proptest::array::uniform16(0u8..4), 0..80),
            from in proptest::collection::vec(0u8..4, 0..17),
            to in proptest::collection::vec(0u8..4, 0..17),
            gone in proptest::collection::vec(0u8..4, 1..4),
        ) {
            let db = redb::Database::builder().create_with_backend(redb::backends::InMemoryBackend::new()).unwrap();
            let mut model: BTreeSet<Vec<u8>> = rows.iter().map(|key| key.to_vec()).collect();
            let txn = db.begin_write().unwrap();
            {
                let mut table = write(&txn, Table::Schedule).unwrap();
                for key in &model {
                    table.put(key, &[]).unwrap();
                }
                prop_assert!(table.put(b"short", &[]).is_err());
                let span = super::super::table::beginning(&gone);
                table.remove_span(&span).unwrap();
                model.retain(|key| !key.starts_with(&gone));
                prop_assert_eq!(table.len().unwrap(), model.len() as u64);
            }
            txn.commit().unwrap();
            let table = read(&db.begin_read().unwrap(), Table::Schedule).unwrap().unwrap();
            let span = (Bound::Included(from.clone()), Bound::Excluded(to.clone()));
            let mut found = Vec::new();
            table.scan(&span, Order::Ascending, &mut |key, _| {
                found.push(key.to_vec());
                Ok(true)
            }).unwrap();
            let expected: Vec<_> = model.iter().filter(|key| **key >= from && **key < to).cloned().collect();
            prop_assert_eq!(found, expected);
        }
    }
}
