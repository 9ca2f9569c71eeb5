//! The tables of the main file, and reading them alike from a snapshot and from
//! a write transaction.
//!
//! Keys are numbers in big-endian order and texts, one after the other, so that
//! their bytes sort as their parts do.

use super::fail::{Attempt, Fail};
use crate::domain::time::Timestamp;
use crate::store::page::Order;
use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, TableDefinition, TableError};
use std::ops::Bound;

/// How redb sees every table.
pub(super) type Definition = TableDefinition<'static, &'static [u8], &'static [u8]>;

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A table of the main file.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(usize)]
        pub(super) enum Table { $($(#[$doc])* $name,)* }

        impl Table {
            /// All of them.
            pub(super) const ALL: &'static [Self] = &[$(Self::$name,)*];
            /// How many there are.
            pub(super) const COUNT: usize = Self::ALL.len();

            /// Its name in the file.
            pub(super) const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

tables! {
    /// Single records: version, counts, flags, the install id.
    Meta = "meta",
    /// (kind, id) → number.
    Ids = "ids",
    /// Number → user.
    Users = "users",
    /// Number → target.
    Targets = "targets",
    /// (user, target).
    TargetsOf = "targets.of",
    /// Number → identifier.
    Identifiers = "identifiers",
    /// (channel, canonical address) → who has it, and all identifiers that stood for it.
    Addresses = "addresses",
    /// Number → topic, without its totals.
    Topics = "topics",
    /// Number → totals.
    Totals = "topics.totals",
    /// (topic, target) → subscription.
    Subscriptions = "subscriptions",
    /// (target, topic).
    Subscribed = "subscribed",
    /// Number → provider.
    Providers = "providers",
    /// (provider, field) → sealed credential.
    Credentials = "credentials",
    /// Provider → the limiter's state.
    Usage = "usage",
    /// Id → key.
    Keys = "keys",
    /// Hash → id.
    KeyHashes = "keys.hashes",
    /// Number → what a message says and to whom.
    Bodies = "messages",
    /// Number → where a message stands.
    States = "messages.states",
    /// (state, message).
    ByState = "messages.by.state",
    /// Number → causes at the end.
    Errors = "messages.errors",
    /// Number → causes so far.
    Causes = "messages.causes",
    /// (due, message).
    Schedule = "schedule",
    /// (message, provider, run) → packed recipients.
    Runs = "runs",
    /// (message, provider) → lane.
    Lanes = "lanes",
    /// (provider, message): lanes with something unclaimed or waiting.
    OpenLanes = "lanes.open",
    /// Number → window.
    Windows = "windows",
    /// Number → who waits.
    Waiting = "waiting",
    /// (message, provider, due, number).
    WaitingDue = "waiting.due",
    /// Number → audit entry.
    Audit = "audit",
    /// (resource, number).
    AuditOf = "audit.of",
    /// Id → import.
    Imports = "imports",
    /// (import, kind, first) → last: numbers that an import made.
    Made = "imports.made",
    /// Number → work that is done in steps.
    Chores = "chores",
}

impl Table {
    /// Its definition.
    pub(super) const fn definition(self) -> Definition {
        TableDefinition::new(self.name())
    }
}

/// Keys of one table from one to another.
pub(super) type Span = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// Everything.
pub(super) fn everything() -> Span {
    (Bound::Unbounded, Bound::Unbounded)
}

/// Every key that begins with `prefix`.
pub(super) fn beginning(prefix: &[u8]) -> Span {
    (Bound::Included(prefix.to_vec()), end_of(prefix))
}

/// Keys that are `prefix` and a number, beyond `number` in the order.
pub(super) fn beyond(prefix: &[u8], number: Option<u64>, order: Order) -> Span {
    let Some(number) = number else { return beginning(prefix) };
    let mut key = prefix.to_vec();
    key.extend_from_slice(&number.to_be_bytes());
    match order {
        Order::Ascending => (Bound::Excluded(key), end_of(prefix)),
        Order::Descending => (Bound::Included(prefix.to_vec()), Bound::Excluded(key)),
    }
}

/// The first key behind all that begin with `prefix`, as an upper bound.
fn end_of(prefix: &[u8]) -> Bound<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.last_mut() {
        if *last < u8::MAX {
            *last += 1;
            return if end.is_empty() { Bound::Unbounded } else { Bound::Excluded(end) };
        }
        end.pop();
    }
    Bound::Unbounded
}

/// A part of a key.
pub(super) trait Part {
    /// Appends the part's bytes.
    fn put(&self, key: &mut Vec<u8>);
}

macro_rules! number_parts {
    ($($ty:ty),*) => {$(
        impl Part for $ty {
            fn put(&self, key: &mut Vec<u8>) {
                key.extend_from_slice(&self.to_be_bytes());
            }
        }
    )*};
}
number_parts!(u8, u16, u32, u64);

impl Part for &str {
    fn put(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(self.as_bytes());
    }
}

impl Part for Timestamp {
    fn put(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(&((self.0 as u64) ^ (1 << 63)).to_be_bytes());
    }
}

/// A key of several parts. Only the last may be a text.
macro_rules! key {
    ($($part:expr),+ $(,)?) => {{
        let mut key = Vec::with_capacity(32);
        $($crate::store::embedded::table::Part::put(&$part, &mut key);)+
        key
    }};
}
pub(super) use key;

/// The number at a place of a key; 0 where the key is too short.
pub(super) fn number_at(key: &[u8], at: usize) -> u64 {
    key.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes)
}

/// The short number at a place of a key; 0 where the key is too short.
pub(super) fn short_at(key: &[u8], at: usize) -> u32 {
    key.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_be_bytes)
}

/// The instant at a place of a key.
pub(super) fn time_at(key: &[u8], at: usize) -> Timestamp {
    Timestamp((number_at(key, at) ^ (1 << 63)) as i64)
}

/// What a scan does with a row; false ends it.
pub(super) type Visit<'v> = &'v mut dyn FnMut(&[u8], &[u8]) -> Attempt<bool>;

/// Something that can be read: a snapshot, or a write transaction with what it
/// has written so far.
pub(super) trait View {
    /// The value of a key.
    fn get<R>(&mut self, table: Table, key: &[u8], read: impl FnOnce(&[u8]) -> R) -> Attempt<Option<R>>;
    /// Visits rows of a span in order.
    fn scan(&mut self, table: Table, span: Span, order: Order, visit: Visit<'_>) -> Attempt<()>;
    /// How many rows a table has.
    fn len(&mut self, table: Table) -> Attempt<u64>;

    /// Whether there is such a key.
    fn has(&mut self, table: Table, key: &[u8]) -> Attempt<bool> {
        Ok(self.get(table, key, |_| ())?.is_some())
    }

    /// At most `limit` rows of a span, as they are.
    fn rows(
        &mut self,
        table: Table,
        span: Span,
        order: Order,
        limit: usize,
    ) -> Attempt<Vec<(Vec<u8>, Vec<u8>)>> {
        let mut rows = Vec::new();
        if limit > 0 {
            self.scan(table, span, order, &mut |key, value| {
                rows.push((key.to_vec(), value.to_vec()));
                Ok(rows.len() < limit)
            })?;
        }
        Ok(rows)
    }

    /// At most `limit` keys of a span.
    fn keys(&mut self, table: Table, span: Span, limit: usize) -> Attempt<Vec<Vec<u8>>> {
        let mut keys = Vec::new();
        if limit > 0 {
            self.scan(table, span, Order::Ascending, &mut |key, _| {
                keys.push(key.to_vec());
                Ok(keys.len() < limit)
            })?;
        }
        Ok(keys)
    }
}

/// Visits rows of an open table.
pub(super) fn visit_rows(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    span: Span,
    order: Order,
    visit: Visit<'_>,
) -> Attempt<()> {
    let bound = |bound: &Bound<Vec<u8>>| match bound {
        Bound::Included(key) => Bound::Included(key.clone()),
        Bound::Excluded(key) => Bound::Excluded(key.clone()),
        Bound::Unbounded => Bound::Unbounded,
    };
    if is_empty(&span) {
        return Ok(());
    }
    let (from, to) = (bound(&span.0), bound(&span.1));
    let mut range =
        table.range::<&[u8]>((from.as_ref().map(Vec::as_slice), to.as_ref().map(Vec::as_slice)))?;
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

/// Whether no key can be in a span; redb refuses those.
fn is_empty((from, to): &Span) -> bool {
    match (from, to) {
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Included(from) | Bound::Excluded(from), Bound::Excluded(to))
        | (Bound::Excluded(from), Bound::Included(to)) => from >= to,
        _ => false,
    }
}

/// A snapshot of the main file. Never held across an await.
pub(super) struct Snapshot {
    txn: ReadTransaction,
    tables: [Option<ReadOnlyTable<&'static [u8], &'static [u8]>>; Table::COUNT],
}

impl Snapshot {
    /// What `txn` sees.
    pub(super) fn new(txn: ReadTransaction) -> Self {
        Self { txn, tables: [const { None }; Table::COUNT] }
    }

    /// The transaction, for the log.
    pub(super) fn transaction(&self) -> &ReadTransaction {
        &self.txn
    }

    fn table(&mut self, table: Table) -> Attempt<Option<&ReadOnlyTable<&'static [u8], &'static [u8]>>> {
        let slot = &mut self.tables[table as usize];
        if slot.is_none() {
            match self.txn.open_table(table.definition()) {
                Ok(open) => *slot = Some(open),
                Err(TableError::TableDoesNotExist(_)) => return Ok(None),
                Err(error) => return Err(Fail::from(error)),
            }
        }
        Ok(slot.as_ref())
    }
}

impl View for Snapshot {
    fn get<R>(&mut self, table: Table, key: &[u8], read: impl FnOnce(&[u8]) -> R) -> Attempt<Option<R>> {
        let Some(table) = self.table(table)? else { return Ok(None) };
        Ok(table.get(key)?.map(|value| read(value.value())))
    }

    fn scan(&mut self, table: Table, span: Span, order: Order, visit: Visit<'_>) -> Attempt<()> {
        match self.table(table)? {
            Some(table) => visit_rows(table, span, order, visit),
            None => Ok(()),
        }
    }

    fn len(&mut self, table: Table) -> Attempt<u64> {
        use redb::ReadableTableMetadata as _;
        Ok(match self.table(table)? {
            Some(table) => table.len()?,
            None => 0,
        })
    }
}
