//! The tables of the main file, and reading them alike from a snapshot and from
//! a write transaction.
//!
//! Keys are numbers in big-endian order and texts, one after the other, so that
//! their bytes sort as their parts do.

use super::fail::Attempt;
use super::tree::{self, Any, Fixed, Tree};
use crate::domain::time::Timestamp;
use crate::store::page::Order;
use redb::{Key, ReadTransaction, TableDefinition, Value};
use std::ops::Bound;

/// Something that is done with the definition of a table: opening it.
pub(super) trait Definitions {
    /// What opening yields.
    type Opened;

    /// Opens it.
    fn open<K, V>(self, definition: TableDefinition<'static, K, V>) -> Self::Opened
    where
        K: Key + for<'b> Value<SelfType<'b> = &'b [u8]> + 'static,
        V: for<'b> Value<SelfType<'b> = &'b [u8]> + 'static;
}

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $key:ty => $value:ty;)*) => {
        /// A table of the main file.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(usize)]
        pub(super) enum Table { $($(#[$doc])* $name,)* }

        impl Table {
            /// All of them.
            pub(super) const ALL: &'static [Self] = &[$(Self::$name,)*];
            /// How many there are.
            pub(super) const COUNT: usize = Self::ALL.len();

            /// Gives its definition to `definitions`.
            pub(super) fn define<D: Definitions>(self, definitions: D) -> D::Opened {
                match self {
                    $(Self::$name => definitions.open::<$key, $value>(TableDefinition::new($text)),)*
                }
            }
        }
    };
}

tables! {
    /// Single records: version, counts, flags, the install id.
    Meta = "meta", Any => Any;
    /// (kind, id) → number.
    Ids = "ids", Any => Fixed<8>;
    /// Number → user.
    Users = "users", Fixed<8> => Any;
    /// Number → target.
    Targets = "targets", Fixed<8> => Any;
    /// (user, target).
    TargetsOf = "targets.of", Fixed<16> => Fixed<0>;
    /// Number → identifier.
    Identifiers = "identifiers", Fixed<8> => Any;
    /// (channel, canonical address) → who has it, and all identifiers that stood for it.
    Addresses = "addresses", Any => Any;
    /// Number → topic, without its totals.
    Topics = "topics", Fixed<4> => Any;
    /// Number → totals.
    Totals = "topics.totals", Fixed<4> => Any;
    /// (topic, target) → subscription.
    Subscriptions = "subscriptions", Fixed<12> => Any;
    /// (target, topic).
    Subscribed = "subscribed", Fixed<12> => Fixed<0>;
    /// Number → provider.
    Providers = "providers", Fixed<4> => Any;
    /// (provider, field) → sealed credential.
    Credentials = "credentials", Any => Any;
    /// (provider, field) → sealed credential that was replaced; (provider) → what else was.
    Replaced = "credentials.replaced", Any => Any;
    /// Provider → the limiter's state.
    Usage = "usage", Fixed<4> => Any;
    /// Id → key.
    Keys = "keys", Any => Any;
    /// Hash → id.
    KeyHashes = "keys.hashes", Fixed<32> => Any;
    /// Number → what a message says and to whom.
    Bodies = "messages", Fixed<8> => Any;
    /// Number → where a message stands.
    States = "messages.states", Fixed<8> => Any;
    /// (state, message).
    ByState = "messages.by.state", Fixed<9> => Fixed<0>;
    /// Number → causes at the end.
    Errors = "messages.errors", Fixed<8> => Any;
    /// Number → causes so far.
    Causes = "messages.causes", Fixed<8> => Any;
    /// (due, message).
    Schedule = "schedule", Fixed<16> => Fixed<0>;
    /// (message, provider, run) → packed recipients.
    Runs = "runs", Fixed<16> => Any;
    /// (message, provider) → lane.
    Lanes = "lanes", Fixed<12> => Any;
    /// (provider, message): lanes with something unclaimed or waiting.
    OpenLanes = "lanes.open", Fixed<12> => Fixed<0>;
    /// Number → window.
    Windows = "windows", Fixed<8> => Any;
    /// Number → who waits.
    Waiting = "waiting", Fixed<8> => Any;
    /// (message, provider, due, number).
    WaitingDue = "waiting.due", Fixed<28> => Fixed<0>;
    /// (message, target) → number of who waits.
    WaitingOf = "waiting.of", Fixed<16> => Fixed<8>;
    /// (message, target) → from which provider it was moved, and why.
    Moves = "moves", Fixed<16> => Any;
    /// Hash → a call that may be repeated.
    Once = "once", Fixed<32> => Any;
    /// (time, hash): the same by time.
    OnceAt = "once.at", Fixed<40> => Fixed<0>;
    /// Number → audit entry.
    Audit = "audit", Fixed<8> => Any;
    /// (resource, number).
    AuditOf = "audit.of", Any => Fixed<0>;
    /// Id → import.
    Imports = "imports", Any => Any;
    /// (import, kind, first) → last: numbers that an import made.
    Made = "imports.made", Any => Any;
    /// Number → work that is done in steps.
    Chores = "chores", Fixed<8> => Any;
    /// (shelf, key) → document.
    Documents = "documents", Any => Any;
    /// (day, provider, digest of a service's id, of the address, target) → delivery.
    Receipts = "receipts", Fixed<26> => Any;
    /// Message → what receipts have said.
    ReceiptCounts = "receipts.counts", Fixed<8> => Any;
    /// Provider → its guard.
    Guards = "guards", Fixed<4> => Any;
    /// (provider, block) → what came back of these deliveries.
    GuardMarks = "guards.marks", Fixed<12> => Any;
    /// Number → end of a message that endpoints are to be told.
    Ended = "ended", Fixed<8> => Any;
    /// Topic → its description, where it has one.
    Descriptions = "topics.descriptions", Fixed<4> => Any;
    /// Number → bucket.
    Buckets = "buckets", Fixed<4> => Any;
    /// (bucket, number) → file.
    Files = "files", Fixed<12> => Any;
    /// (digest, file): who has this content.
    Digests = "files.digests", Any => Fixed<0>;
    /// Number → suppression.
    Suppressions = "suppressions", Fixed<8> => Any;
    /// Digest of an address → its suppressions, and the target that has it.
    SuppressedAddresses = "suppressions.addresses", Fixed<16> => Any;
    /// Number → digest of the address, of suppressions whose address was erased.
    SuppressionDigests = "suppressions.erased", Fixed<8> => Fixed<16>;
    /// Target → what forbids writing to it.
    SuppressedTargets = "suppressions.targets", Fixed<8> => Any;
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

/// A snapshot of the main file. Never held across an await.
pub(super) struct Snapshot {
    txn: ReadTransaction,
    tables: [Option<Box<dyn Tree>>; Table::COUNT],
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

    fn table(&mut self, table: Table) -> Attempt<Option<&dyn Tree>> {
        let slot = &mut self.tables[table as usize];
        if slot.is_none() {
            *slot = tree::read(&self.txn, table)?;
        }
        Ok(slot.as_deref())
    }
}

/// What `read` makes of the value of a key.
pub(super) fn get_from<R>(
    tree: &(impl Tree + ?Sized),
    key: &[u8],
    read: impl FnOnce(&[u8]) -> R,
) -> Attempt<Option<R>> {
    let (mut read, mut made) = (Some(read), None);
    tree.get(key, &mut |value| made = read.take().map(|read| read(value)))?;
    Ok(made)
}

impl View for Snapshot {
    fn get<R>(&mut self, table: Table, key: &[u8], read: impl FnOnce(&[u8]) -> R) -> Attempt<Option<R>> {
        match self.table(table)? {
            Some(table) => get_from(table, key, read),
            None => Ok(None),
        }
    }

    fn scan(&mut self, table: Table, span: Span, order: Order, visit: Visit<'_>) -> Attempt<()> {
        match self.table(table)? {
            Some(table) => table.scan(&span, order, visit),
            None => Ok(()),
        }
    }

    fn len(&mut self, table: Table) -> Attempt<u64> {
        self.table(table)?.map_or(Ok(0), Tree::len)
    }
}
