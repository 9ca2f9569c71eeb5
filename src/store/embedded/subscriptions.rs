//! Topics and their subscribers.

use super::fail::{Attempt, Fail};
use super::record::{Chore, SubscriptionRow, decode};
use super::table::{Table, View, beginning, beyond, key, number_at, short_at};
use super::tx::Tx;
use super::{ids, list, people};
use crate::domain::audit::AuditEntry;
use crate::domain::channel::Channel;
use crate::domain::ids::{Revision, SubscriberId, TargetId, TargetNo, TopicId, TopicNo};
use crate::domain::time::Timestamp;
use crate::domain::topic::{Subscriber, Topic, Totals};
use crate::store::catalog::{Joined, SubscriberView};
use crate::store::page::{Order, Page, PageRequest};
use crate::store::{RecordKind, Taken};

fn with_totals(view: &mut impl View, mut topic: Topic) -> Attempt<Topic> {
    let totals = view.get(Table::Totals, &topic.no.0.to_be_bytes(), decode::<Totals>)?.transpose()?;
    topic.totals = totals.unwrap_or_default();
    let description = view.get(Table::Descriptions, &topic.no.0.to_be_bytes(), |bytes| {
        String::from_utf8_lossy(bytes).into_owned()
    })?;
    topic.description = description.unwrap_or_default();
    Ok(topic)
}

/// The number of a topic that must be there.
pub(super) fn topic_no(view: &mut impl View, id: &TopicId) -> Attempt<TopicNo> {
    Ok(TopicNo(ids::resolve(view, RecordKind::Topic, id.as_str())? as u32))
}

/// A topic by id.
pub(super) fn topic(view: &mut impl View, id: &TopicId) -> Attempt<Topic> {
    let no = topic_no(view, id)?;
    let topic = view.get(Table::Topics, &no.0.to_be_bytes(), decode::<Topic>)?.transpose()?;
    with_totals(view, topic.ok_or_else(|| Fail::missing(RecordKind::Topic, id))?)
}

/// Creates a topic.
pub(super) fn create_topic(tx: &mut Tx<'_>, topic: &Topic, audit: &AuditEntry) -> Attempt<Topic> {
    ids::check_free(tx, RecordKind::Topic, topic.id.as_str())?;
    let topic = insert_topic(tx, topic)?;
    tx.audit(audit)?;
    Ok(topic)
}

/// Writes a topic whose id is free.
pub(super) fn insert_topic(tx: &mut Tx<'_>, topic: &Topic) -> Attempt<Topic> {
    tx.counts.topic += 1;
    tx.counts.topics += 1;
    tx.touched.topics = true;
    let no = TopicNo(tx.counts.topic);
    let topic = Topic { no, totals: Totals::default(), revision: Revision(1), ..topic.clone() };
    ids::assign(tx, RecordKind::Topic, topic.id.as_str(), u64::from(no.0))?;
    tx.put(Table::Topics, &no.0.to_be_bytes(), &topic)?;
    if !topic.description.is_empty() {
        put_description(tx, no, &topic.description)?;
    }
    Ok(topic)
}

fn put_description(tx: &mut Tx<'_>, no: TopicNo, text: &str) -> Attempt<()> {
    if text.is_empty() {
        tx.remove(Table::Descriptions, &no.0.to_be_bytes())?;
        return Ok(());
    }
    tx.put_raw(Table::Descriptions, &no.0.to_be_bytes(), text.as_bytes())
}

/// Replaces name, description and roles of a topic.
pub(super) fn put_topic(
    tx: &mut Tx<'_>,
    new: &Topic,
    expect: Revision,
    audit: &AuditEntry,
) -> Attempt<Topic> {
    let no = topic_no(tx, &new.id)?;
    let old = tx.record::<Topic>(Table::Topics, &no.0.to_be_bytes())?;
    let old = old.ok_or_else(|| Fail::missing(RecordKind::Topic, &new.id))?;
    Fail::unless(RecordKind::Topic, old.revision, Some(expect))?;
    let topic = Topic {
        name: new.name.clone(),
        description: new.description.clone(),
        subscribe: new.subscribe.clone(),
        updated: new.updated,
        revision: expect.next(),
        ..old
    };
    tx.put(Table::Topics, &no.0.to_be_bytes(), &topic)?;
    put_description(tx, no, &topic.description)?;
    tx.audit(audit)?;
    let totals = *tx.totals_mut(no)?;
    Ok(Topic { totals, ..topic })
}

/// Deletes a topic; its subscriptions go in steps.
pub(super) fn delete_topic(
    tx: &mut Tx<'_>,
    id: &TopicId,
    expect: Option<Revision>,
    audit: &AuditEntry,
) -> Attempt<()> {
    let Topic { no, revision, .. } = topic(tx, id)?;
    Fail::unless(RecordKind::Topic, revision, expect)?;
    remove_topic(tx, id, no)?;
    tx.audit(audit)
}

/// Removes a topic.
pub(super) fn remove_topic(tx: &mut Tx<'_>, id: &TopicId, no: TopicNo) -> Attempt<()> {
    ids::release(tx, RecordKind::Topic, id.as_str())?;
    tx.remove(Table::Topics, &no.0.to_be_bytes())?;
    tx.remove(Table::Descriptions, &no.0.to_be_bytes())?;
    tx.remove_totals(no)?;
    tx.counts.topics = tx.counts.topics.saturating_sub(1);
    tx.touched.topics = true;
    tx.chore(&Chore::Subscriptions(no))
}

/// A page of topics.
pub(super) fn topics(view: &mut impl View, request: &PageRequest<Topic>, total: u64) -> Attempt<Page<Topic>> {
    let order = request.order;
    let next = |view: &mut _, after: Option<u64>, limit| {
        let span = match after {
            None => beginning(&[]),
            Some(after) => {
                let mut span = beyond(&[], Some(after), order);
                // Numbers of topics are short.
                let short = (after as u32).to_be_bytes().to_vec();
                match order {
                    Order::Ascending => span.0 = std::ops::Bound::Excluded(short),
                    Order::Descending => span.1 = std::ops::Bound::Excluded(short),
                }
                span
            }
        };
        let rows = View::rows(view, Table::Topics, span, order, limit)?;
        Ok(rows.into_iter().map(|(key, value)| (u64::from(short_at(&key, 0)), value)).collect())
    };
    list::page(
        view,
        request,
        Some(total),
        next,
        |view, _, bytes| with_totals(view, decode(bytes)?).map(Some),
        |topic, search| list::has_word([topic.id.as_str(), topic.name.as_str()], search),
    )
}

fn subscription_key(topic: TopicNo, target: TargetNo) -> Vec<u8> {
    key![topic.0, target.0]
}

/// A subscription.
fn subscription(view: &mut impl View, topic: TopicNo, target: TargetNo) -> Attempt<Option<SubscriptionRow>> {
    view.get(Table::Subscriptions, &subscription_key(topic, target), decode)?.transpose()
}

/// Whether a target is subscribed to a topic.
pub(super) fn is_subscribed(view: &mut impl View, topic: TopicNo, target: TargetNo) -> Attempt<bool> {
    view.has(Table::Subscriptions, &subscription_key(topic, target))
}

/// Writes a subscription that was checked.
pub(super) fn insert(
    tx: &mut Tx<'_>,
    topic: TopicNo,
    target: TargetNo,
    row: &SubscriptionRow,
) -> Attempt<()> {
    tx.put_raw(Table::Ids, &ids::subscriber_key(topic, row.id.as_str()), &target.0.to_be_bytes())?;
    tx.put(Table::Subscriptions, &subscription_key(topic, target), row)?;
    tx.put_raw(Table::Subscribed, &key![target.0, topic.0], &[])?;
    *tx.totals_mut(topic)?.of_mut(row.channel) += 1;
    Ok(())
}

/// Removes a subscription, if it is there.
pub(super) fn remove(tx: &mut Tx<'_>, topic: TopicNo, target: TargetNo) -> Attempt<bool> {
    let Some(row) = subscription(tx, topic, target)? else { return Ok(false) };
    tx.remove(Table::Ids, &ids::subscriber_key(topic, row.id.as_str()))?;
    tx.remove(Table::Subscriptions, &subscription_key(topic, target))?;
    tx.remove(Table::Subscribed, &key![target.0, topic.0])?;
    if tx.has(Table::Topics, &topic.0.to_be_bytes())? {
        let count = tx.totals_mut(topic)?.of_mut(row.channel);
        *count = count.saturating_sub(1);
    }
    Ok(true)
}

/// Removes every subscription of a target.
pub(super) fn remove_all(tx: &mut Tx<'_>, target: TargetNo) -> Attempt<()> {
    for key in tx.keys(Table::Subscribed, beginning(&key![target.0]), usize::MAX)? {
        remove(tx, TopicNo(short_at(&key, 8)), target)?;
    }
    Ok(())
}

/// A target is of another channel now.
pub(super) fn change_channel(tx: &mut Tx<'_>, target: TargetNo, from: Channel, to: Channel) -> Attempt<()> {
    for key in tx.keys(Table::Subscribed, beginning(&key![target.0]), usize::MAX)? {
        let topic = TopicNo(short_at(&key, 8));
        let Some(mut row) = subscription(tx, topic, target)? else { continue };
        row.channel = to;
        tx.put(Table::Subscriptions, &subscription_key(topic, target), &row)?;
        if tx.has(Table::Topics, &topic.0.to_be_bytes())? {
            let totals = tx.totals_mut(topic)?;
            *totals.of_mut(from) = totals.of(from).saturating_sub(1);
            *totals.of_mut(to) += 1;
        }
    }
    Ok(())
}

fn describe(
    view: &mut impl View,
    topic: &TopicId,
    topic_no: TopicNo,
    target_no: TargetNo,
    row: SubscriptionRow,
) -> Attempt<SubscriberView> {
    let target = people::target(view, target_no)?;
    let user_name = people::user(view, target.user_no)?.name;
    let subscriber =
        Subscriber { id: row.id, topic_no, target_no, channel: row.channel, created: row.created };
    Ok(SubscriberView { subscriber, topic: topic.clone(), target, user_name })
}

/// Subscribes a target to a topic.
pub(super) fn subscribe(
    tx: &mut Tx<'_>,
    topic: &TopicId,
    id: &SubscriberId,
    target: &TargetId,
    at: Timestamp,
    audit: &AuditEntry,
) -> Attempt<SubscriberView> {
    let topic_no = topic_no(tx, topic)?;
    let target = people::target_by_id(tx, target)?;
    if ids::number(tx, &ids::subscriber_key(topic_no, id.as_str()))?.is_some() {
        return Err(Fail::taken(RecordKind::Subscriber, Taken::Id));
    }
    if is_subscribed(tx, topic_no, target.no)? {
        return Err(Fail::taken(RecordKind::Subscriber, Taken::Subscription));
    }
    let row = SubscriptionRow { channel: target.channel, id: id.clone(), created: at };
    insert(tx, topic_no, target.no, &row)?;
    tx.audit(audit)?;
    describe(tx, topic, topic_no, target.no, row)
}

/// Subscribes many targets to a topic.
pub(super) fn subscribe_many(
    tx: &mut Tx<'_>,
    topic: &TopicId,
    targets: &[(SubscriberId, TargetId)],
    audit: &AuditEntry,
) -> Attempt<Vec<Joined>> {
    let topic_no = topic_no(tx, topic)?;
    let mut done = Vec::with_capacity(targets.len());
    for (id, target) in targets {
        let Some(no) = ids::find(tx, RecordKind::Target, target.as_str())? else {
            done.push(Joined::Missing);
            continue;
        };
        let target = people::target(tx, TargetNo(no))?;
        if is_subscribed(tx, topic_no, target.no)? {
            done.push(Joined::Before);
            continue;
        }
        if ids::number(tx, &ids::subscriber_key(topic_no, id.as_str()))?.is_some() {
            return Err(Fail::taken(RecordKind::Subscriber, Taken::Id));
        }
        let row = SubscriptionRow { channel: target.channel, id: id.clone(), created: audit.at };
        insert(tx, topic_no, target.no, &row)?;
        done.push(Joined::Now);
    }
    if done.contains(&Joined::Now) {
        tx.audit(audit)?;
    }
    Ok(done)
}

fn find(view: &mut impl View, topic: &TopicId, id: &SubscriberId) -> Attempt<(TopicNo, TargetNo)> {
    let topic_no = topic_no(view, topic)?;
    let target = ids::number(view, &ids::subscriber_key(topic_no, id.as_str()))?;
    Ok((topic_no, TargetNo(target.ok_or_else(|| Fail::missing(RecordKind::Subscriber, id))?)))
}

/// A subscriber of a topic.
pub(super) fn subscriber(
    view: &mut impl View,
    topic: &TopicId,
    id: &SubscriberId,
) -> Attempt<SubscriberView> {
    let (topic_no, target) = find(view, topic, id)?;
    let row =
        subscription(view, topic_no, target)?.ok_or_else(|| Fail::missing(RecordKind::Subscriber, id))?;
    describe(view, topic, topic_no, target, row)
}

/// Ends a subscription.
pub(super) fn unsubscribe(
    tx: &mut Tx<'_>,
    topic: &TopicId,
    id: &SubscriberId,
    audit: &AuditEntry,
) -> Attempt<()> {
    let (topic_no, target) = find(tx, topic, id)?;
    remove(tx, topic_no, target)?;
    tx.audit(audit)
}

/// A page of a topic's subscribers, by target.
pub(super) fn subscribers(
    view: &mut impl View,
    topic: &TopicId,
    request: &PageRequest<SubscriberView>,
) -> Attempt<Page<SubscriberView>> {
    let Topic { no, totals, .. } = self::topic(view, topic)?;
    list::page(
        view,
        request,
        Some(totals.sum()),
        list::numbered(Table::Subscriptions, key![no.0], request.order),
        |view, target, bytes| describe(view, topic, no, TargetNo(target), decode(bytes)?).map(Some),
        |view, search| {
            let target = &view.target;
            list::has_word(
                [
                    view.subscriber.id.as_str(),
                    target.id.as_str(),
                    target.user_id.as_str(),
                    target.identifier.as_str(),
                    view.user_name.as_str(),
                ],
                search,
            )
        },
    )
}

/// Targets of a topic in order, with their channel.
pub(super) fn members(
    view: &mut impl View,
    topic: TopicNo,
    after: Option<TargetNo>,
    limit: usize,
) -> Attempt<Vec<(TargetNo, Channel)>> {
    let mut members = Vec::with_capacity(limit.min(8192));
    if limit == 0 {
        return Ok(members);
    }
    let span = beyond(&key![topic.0], after.map(|no| no.0), Order::Ascending);
    view.scan(Table::Subscriptions, span, Order::Ascending, &mut |key, value| {
        // The channel comes first, so that nothing else is looked at.
        members.push((TargetNo(number_at(key, 4)), decode::<Channel>(value)?));
        Ok(members.len() < limit)
    })?;
    Ok(members)
}
