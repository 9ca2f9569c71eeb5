//! Ids at the door and numbers inside.

use super::fail::{Attempt, Fail};
use super::table::{Table, View, key};
use super::tx::Tx;
use crate::domain::ids::{BucketNo, TopicNo};
use crate::store::{RecordKind, Taken};

/// What an id names.
fn code(kind: RecordKind) -> u8 {
    match kind {
        RecordKind::User => 1,
        RecordKind::Target => 2,
        RecordKind::Topic => 3,
        RecordKind::Subscriber => 4,
        RecordKind::Provider => 5,
        RecordKind::Message => 6,
        RecordKind::Key => 7,
        RecordKind::Import => 8,
        RecordKind::Bucket => 9,
        RecordKind::File => 10,
        RecordKind::Suppression => 11,
    }
}

/// The key of an id.
pub(super) fn id_key(kind: RecordKind, id: &str) -> Vec<u8> {
    key![code(kind), id]
}

/// The beginning of the keys of a topic's subscriber ids.
pub(super) fn subscriber_prefix(topic: TopicNo) -> Vec<u8> {
    key![code(RecordKind::Subscriber), topic.0]
}

/// The key of a subscriber's id.
pub(super) fn subscriber_key(topic: TopicNo, id: &str) -> Vec<u8> {
    key![code(RecordKind::Subscriber), topic.0, id]
}

/// The beginning of the keys of a bucket's file ids.
pub(super) fn file_prefix(bucket: BucketNo) -> Vec<u8> {
    key![code(RecordKind::File), bucket.0]
}

/// The key of a file's id.
pub(super) fn file_key(bucket: BucketNo, id: &str) -> Vec<u8> {
    key![code(RecordKind::File), bucket.0, id]
}

/// The number under a key of the table of ids.
pub(super) fn number(view: &mut impl View, key: &[u8]) -> Attempt<Option<u64>> {
    view.get(Table::Ids, key, |value| super::table::number_at(value, 0))
}

/// The number of an id.
pub(super) fn find(view: &mut impl View, kind: RecordKind, id: &str) -> Attempt<Option<u64>> {
    number(view, &id_key(kind, id))
}

/// The number of an id that must be there.
pub(super) fn resolve(view: &mut impl View, kind: RecordKind, id: &str) -> Attempt<u64> {
    find(view, kind, id)?.ok_or_else(|| Fail::missing(kind, id))
}

/// Refuses an id that is taken.
pub(super) fn check_free(tx: &mut Tx<'_>, kind: RecordKind, id: &str) -> Attempt<()> {
    match find(tx, kind, id)? {
        None => Ok(()),
        Some(_) => Err(Fail::taken(kind, Taken::Id)),
    }
}

/// Gives a number to an id.
pub(super) fn assign(tx: &mut Tx<'_>, kind: RecordKind, id: &str, no: u64) -> Attempt<()> {
    tx.put_raw(Table::Ids, &id_key(kind, id), &no.to_be_bytes())
}

/// Frees an id.
pub(super) fn release(tx: &mut Tx<'_>, kind: RecordKind, id: &str) -> Attempt<()> {
    tx.remove(Table::Ids, &id_key(kind, id))?;
    Ok(())
}
