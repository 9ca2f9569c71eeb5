//! Bulk imports, and taking them back.
//!
//! What an import made is written down as ranges of numbers, which ascend while
//! nobody else makes users, so that a million people cost a few rows.

use super::fail::{Attempt, Fail};
use super::people::{self, address};
use super::record::{AddressRow, SubscriptionRow, decode, encode};
use super::table::{Span, Table, View, beginning, everything, key, number_at, short_at};
use super::tx::Tx;
use super::{ids, subscriptions};
use crate::domain::audit::AuditEntry;
use crate::domain::channel::Channel;
use crate::domain::ids::{ImportId, Revision, SubscriberId, TargetId, TargetNo, TopicId, TopicNo, UserNo};
use crate::domain::person::{User, canonical_address};
use crate::domain::time::Timestamp;
use crate::domain::topic::{Topic, Totals};
use crate::store::page::Order;
use crate::store::people::{ImportCounts, ImportPerson, ImportRecord, NewTarget};
use crate::store::{RecordKind, Taken};
use std::ops::Bound;

/// Refusals that a record keeps; more are only in the answers of the steps.
const MOST_REFUSED: usize = 1000;

/// What an import can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Made {
    User = 1,
    Target = 2,
    Topic = 3,
    /// Keyed by topic and target, a row each: they need not ascend.
    Subscription = 4,
}

/// Begins an import.
pub(super) fn begin(
    tx: &mut Tx<'_>,
    id: &ImportId,
    source: &str,
    audit: &AuditEntry,
) -> Attempt<ImportRecord> {
    if tx.has(Table::Imports, id.as_str().as_bytes())? {
        return Err(Fail::taken(RecordKind::Import, Taken::Id));
    }
    let record = ImportRecord {
        id: id.clone(),
        at: audit.at,
        by: audit.actor.name.clone(),
        source: source.to_owned(),
        counts: ImportCounts::default(),
        undone: None,
    };
    tx.put(Table::Imports, id.as_str().as_bytes(), &record)?;
    tx.audit(audit)?;
    Ok(record)
}

fn import(view: &mut impl View, id: &ImportId) -> Attempt<ImportRecord> {
    let record = view.get(Table::Imports, id.as_str().as_bytes(), decode)?.transpose()?;
    record.ok_or_else(|| Fail::missing(RecordKind::Import, id))
}

fn made_prefix(import: &ImportId, made: Made) -> Vec<u8> {
    key![import.as_str(), 0u8, made as u8]
}

/// Notes that an import made the numbers from `first` to `last`.
fn note(tx: &mut Tx<'_>, import: &ImportId, made: Made, first: u64, last: u64) -> Attempt<()> {
    if first > last {
        return Ok(());
    }
    let mut prefix = made_prefix(import, made);
    let range = tx.rows(Table::Made, beginning(&prefix), Order::Descending, 1)?;
    if let Some((key, value)) = range.first()
        && number_at(value, 0) + 1 == first
    {
        return tx.put_raw(Table::Made, key, &last.to_be_bytes());
    }
    prefix.extend_from_slice(&first.to_be_bytes());
    tx.put_raw(Table::Made, &prefix, &last.to_be_bytes())
}

/// Writes a step of an import. What exists is left as it is.
pub(super) fn step(
    tx: &mut Tx<'_>,
    id: &ImportId,
    people: &[ImportPerson],
    at: Timestamp,
) -> Attempt<ImportCounts> {
    let mut record = import(tx, id)?;
    let mut counts = ImportCounts::default();
    let before = (tx.counts.user, tx.counts.target, tx.counts.topic);
    let mut topics: Vec<(TopicId, TopicNo)> = Vec::new();
    for person in people {
        one(tx, id, person, at, &mut topics, &mut counts)?;
    }
    note(tx, id, Made::User, before.0 + 1, tx.counts.user)?;
    note(tx, id, Made::Target, before.1 + 1, tx.counts.target)?;
    note(tx, id, Made::Topic, u64::from(before.2) + 1, u64::from(tx.counts.topic))?;
    add(&mut record.counts, &counts);
    tx.put(Table::Imports, id.as_str().as_bytes(), &record)?;
    Ok(counts)
}

fn add(sum: &mut ImportCounts, step: &ImportCounts) {
    sum.users += step.users;
    sum.targets += step.targets;
    sum.subscriptions += step.subscriptions;
    sum.topics += step.topics;
    sum.renamed += step.renamed;
    sum.unchanged += step.unchanged;
    let room = MOST_REFUSED.saturating_sub(sum.refused.len());
    sum.refused.extend(step.refused.iter().take(room).cloned());
}

/// A made id: ascending with the number, so that rows of an import lie together.
fn made_id(at: Timestamp, no: u64) -> String {
    let micros = u64::try_from(at.0).unwrap_or_default().saturating_mul(1000).saturating_add(no % 1000);
    crate::domain::ids::generate_id(micros, no as u32)
}

/// Writes one person.
fn one(
    tx: &mut Tx<'_>,
    import: &ImportId,
    person: &ImportPerson,
    at: Timestamp,
    topics: &mut Vec<(TopicId, TopicNo)>,
    counts: &mut ImportCounts,
) -> Attempt<()> {
    let mut existing = ids::find(tx, RecordKind::User, person.user.as_str())?.map(UserNo);
    // Look first: an address of somebody else refuses the line as a whole.
    let mut known: Vec<(&Channel, &String, AddressRow)> = Vec::with_capacity(person.addresses.len());
    for (channel, value) in &person.addresses {
        let canonical = canonical_address(*channel, value);
        let again =
            |(c, v, _): &(&Channel, &String, _)| *c == channel && canonical_address(**c, v) == canonical;
        if known.iter().any(again) {
            continue;
        }
        let row = address(tx, *channel, value)?;
        let owner = match row.target {
            Some(no) => Some(people::target(tx, no)?.user_no),
            None => row.user,
        };
        if person.derived && existing.is_none() {
            existing = owner;
        }
        if owner.is_some_and(|owner| Some(owner) != existing) {
            let reason = format!("this {channel} address belongs to another user");
            counts.refused.push((person.line, reason));
            return Ok(());
        }
        known.push((channel, value, row));
    }
    let mut changed = existing.is_none();
    let user = match existing {
        Some(no) => existing_user(tx, no, person, at, counts, &mut changed)?,
        None => new_user(tx, person, at, counts)?,
    };
    let mut targets: Vec<(TargetNo, Channel)> = Vec::with_capacity(known.len());
    for (channel, value, mut row) in known {
        if let Some(no) = row.target {
            targets.push((no, *channel));
            continue;
        }
        let provider = person.push_provider.clone().filter(|_| *channel == Channel::Push);
        let id = free_target_id(tx, at)?;
        let identifier = value.clone();
        let new = NewTarget { id, channel: *channel, identifier, provider, name: String::new() };
        let target = people::insert_target_at(tx, &user, &new, at, &mut row)?;
        if [&user.email, &user.phone].into_iter().flatten().any(|own| own == value) {
            row.user = Some(user.no);
        }
        // One write for all that is known of the address: these keys come in no order.
        tx.put(Table::Addresses, &people::address_key(*channel, value), &row)?;
        counts.targets += 1;
        changed = true;
        targets.push((target.no, *channel));
    }
    for topic in &person.topics {
        let topic = find_topic(tx, topic, at, topics, counts)?;
        for (target, channel) in &targets {
            if subscriptions::is_subscribed(tx, topic, *target)? {
                continue;
            }
            let id = SubscriberId::new(made_id(at, target.0))
                .map_err(|error| Fail::damaged(format!("a made id: {error}")))?;
            let row = SubscriptionRow { channel: *channel, id, created: at };
            subscriptions::insert(tx, topic, *target, &row)?;
            if existing.is_some() {
                // Those of people whom the import made go with the people.
                let mut made = made_prefix(import, Made::Subscription);
                made.extend_from_slice(&key![topic.0, target.0]);
                tx.put_raw(Table::Made, &made, &[])?;
            }
            counts.subscriptions += 1;
            changed = true;
        }
    }
    counts.unchanged += u64::from(!changed);
    Ok(())
}

/// A user that is there, with the name of the line if it has one.
fn existing_user(
    tx: &mut Tx<'_>,
    no: UserNo,
    person: &ImportPerson,
    at: Timestamp,
    counts: &mut ImportCounts,
    changed: &mut bool,
) -> Attempt<User> {
    let mut user = people::user(tx, no)?;
    if !person.name.is_empty() && user.name != person.name {
        user.name.clone_from(&person.name);
        user.updated = at;
        user.revision = user.revision.next();
        tx.put(Table::Users, &no.0.to_be_bytes(), &user)?;
        tx.touched.people = true;
        counts.renamed += 1;
        *changed = true;
    }
    Ok(user)
}

/// A user that is made for the line.
fn new_user(
    tx: &mut Tx<'_>,
    person: &ImportPerson,
    at: Timestamp,
    counts: &mut ImportCounts,
) -> Attempt<User> {
    let first = |wanted: Channel| {
        let found = person.addresses.iter().find(|(channel, _)| *channel == wanted);
        found.map(|(_, value)| value.clone())
    };
    let mut user = User {
        no: UserNo(0),
        id: person.user.clone(),
        name: person.name.clone(),
        email: first(Channel::Email),
        phone: first(Channel::Sms),
        enabled: true,
        labels: Vec::new(),
        prefs: "{}".to_owned(),
        created: at,
        updated: at,
        revision: Revision(1),
    };
    people::insert_user(tx, &mut user)?;
    counts.users += 1;
    Ok(user)
}

fn free_target_id(tx: &mut Tx<'_>, at: Timestamp) -> Attempt<TargetId> {
    let mut no = tx.counts.target + 1;
    loop {
        let id =
            TargetId::new(made_id(at, no)).map_err(|error| Fail::damaged(format!("a made id: {error}")))?;
        if ids::find(tx, RecordKind::Target, id.as_str())?.is_none() {
            return Ok(id);
        }
        no += 7919;
    }
}

/// The number of a topic, which is made where it is missing.
fn find_topic(
    tx: &mut Tx<'_>,
    id: &TopicId,
    at: Timestamp,
    known: &mut Vec<(TopicId, TopicNo)>,
    counts: &mut ImportCounts,
) -> Attempt<TopicNo> {
    if let Some((_, no)) = known.iter().find(|(other, _)| other == id) {
        return Ok(*no);
    }
    let no = if let Some(no) = ids::find(tx, RecordKind::Topic, id.as_str())? {
        TopicNo(no as u32)
    } else {
        counts.topics += 1;
        let topic = Topic {
            no: TopicNo(0),
            id: id.clone(),
            name: id.to_string(),
            subscribe: vec!["users".to_owned()],
            description: String::new(),
            totals: Totals::default(),
            created: at,
            updated: at,
            revision: Revision(1),
        };
        subscriptions::insert_topic(tx, &topic)?.no
    };
    known.push((id.clone(), no));
    Ok(no)
}

/// Which numbers of a kind an import made, a step of them from `from` on.
fn made_numbers(view: &mut impl View, import: &ImportId, made: Made, limit: usize) -> Attempt<Vec<u64>> {
    let rows = view.rows(Table::Made, beginning(&made_prefix(import, made)), Order::Ascending, limit)?;
    let at = import.as_str().len() + 2;
    let mut numbers = Vec::new();
    for (key, value) in rows {
        for no in number_at(&key, at)..=number_at(&value, 0) {
            if numbers.len() == limit {
                return Ok(numbers);
            }
            numbers.push(no);
        }
    }
    Ok(numbers)
}

/// Forgets that an import made the numbers up to `last`.
fn forget(tx: &mut Tx<'_>, import: &ImportId, made: Made, last: u64) -> Attempt<()> {
    let prefix = made_prefix(import, made);
    let mut upper = prefix.clone();
    upper.extend_from_slice(&last.to_be_bytes());
    let span: Span = (Bound::Included(prefix.clone()), Bound::Included(upper));
    let rows = tx.rows(Table::Made, span, Order::Ascending, usize::MAX)?;
    for (key, value) in rows {
        tx.remove(Table::Made, &key)?;
        let end = number_at(&value, 0);
        if end > last {
            let mut key = prefix.clone();
            key.extend_from_slice(&(last + 1).to_be_bytes());
            tx.put_raw(Table::Made, &key, &end.to_be_bytes())?;
        }
    }
    Ok(())
}

/// One step of taking an import back; `stayed` counts what was used since.
/// True: there is more.
pub(super) fn undo_step(
    tx: &mut Tx<'_>,
    id: &ImportId,
    limit: usize,
    used: &impl Fn(TargetNo) -> Attempt<bool>,
    stayed: &mut ImportCounts,
) -> Attempt<bool> {
    import(tx, id)?;
    let at = id.as_str().len() + 2;
    let subscriptions_of = beginning(&made_prefix(id, Made::Subscription));
    let keys = tx.keys(Table::Made, subscriptions_of, limit)?;
    for key in &keys {
        subscriptions::remove(tx, TopicNo(short_at(key, at)), TargetNo(number_at(key, at + 4)))?;
        tx.remove(Table::Made, key)?;
    }
    if !keys.is_empty() {
        return Ok(true);
    }
    let targets = made_numbers(tx, id, Made::Target, limit)?;
    for no in &targets {
        let Some(row) = people::target_row(tx, TargetNo(*no))? else { continue };
        // An edited target, or one that something was sent to, has become somebody's own.
        if row.target.revision != Revision(1) || used(row.target.no)? {
            stayed.targets += 1;
        } else {
            people::remove_target(tx, &row.target)?;
        }
    }
    if let Some(last) = targets.last() {
        forget(tx, id, Made::Target, *last)?;
        return Ok(true);
    }
    let users = made_numbers(tx, id, Made::User, limit)?;
    for no in &users {
        let Some(user) = tx.record::<User>(Table::Users, &no.to_be_bytes())? else { continue };
        let has_targets = !tx.keys(Table::TargetsOf, beginning(&key![user.no.0]), 1)?.is_empty();
        if has_targets || user.revision != Revision(1) {
            stayed.users += 1;
        } else {
            people::remove_user(tx, &user)?;
        }
    }
    if let Some(last) = users.last() {
        forget(tx, id, Made::User, *last)?;
        return Ok(true);
    }
    let topics = made_numbers(tx, id, Made::Topic, limit)?;
    for no in &topics {
        let no = TopicNo(*no as u32);
        let Some(topic) = tx.record::<Topic>(Table::Topics, &no.0.to_be_bytes())? else { continue };
        if topic.revision != Revision(1) || tx.totals_mut(no)?.sum() > 0 {
            stayed.topics += 1;
        } else {
            subscriptions::remove_topic(tx, &topic.id, no)?;
        }
    }
    if let Some(last) = topics.last() {
        forget(tx, id, Made::Topic, *last)?;
        return Ok(true);
    }
    Ok(false)
}

/// Notes that an import is undone.
pub(super) fn undone(tx: &mut Tx<'_>, id: &ImportId, audit: &AuditEntry) -> Attempt<()> {
    let mut record = import(tx, id)?;
    record.undone = Some(audit.at);
    tx.put_raw(Table::Imports, id.as_str().as_bytes(), &encode(&record))?;
    tx.audit(audit)
}

/// Replaces the source and the reasons of refusals.
pub(super) fn rewrite(tx: &mut Tx<'_>, new: &ImportRecord) -> Attempt<()> {
    let key = new.id.as_str().as_bytes();
    let Some(mut record) = tx.record::<ImportRecord>(Table::Imports, key)? else { return Ok(()) };
    record.source.clone_from(&new.source);
    // An import that goes on has added some behind them.
    for (old, new) in record.counts.refused.iter_mut().zip(&new.counts.refused) {
        old.clone_from(new);
    }
    tx.put(Table::Imports, key, &record)
}

/// Imports, newest first.
pub(super) fn all(view: &mut impl View, limit: usize) -> Attempt<Vec<ImportRecord>> {
    let rows = view.rows(Table::Imports, everything(), Order::Ascending, usize::MAX)?;
    let mut imports: Vec<ImportRecord> =
        rows.iter().map(|(_, bytes)| decode(bytes)).collect::<Attempt<_>>()?;
    imports.sort_by_key(|record| std::cmp::Reverse(record.at));
    imports.truncate(limit);
    Ok(imports)
}
