//! The suppression list.
//!
//! Records are in order of their numbers. An address is found by a digest that is
//! keyed with a secret of this store, so that erasing a person empties the record
//! and the suppression holds on. For dispatch, what forbids writing to a target
//! stands beside the target: a batch reads one range, and of most batches it is empty.

use super::fail::{Attempt, Fail};
use super::journal::expire_target;
use super::people::address_key;
use super::record::{SuppressedAddress, SuppressionsHead, decode};
use super::table::{Table, View};
use super::tx::Tx;
use super::{ids, list, people, subscriptions};
use crate::domain::audit::{Actor, AuditEntry};
use crate::domain::channel::Channel;
use crate::domain::delivery::{hide_address, show_address};
use crate::domain::ids::{
    IdentifierNo, ProviderId, SuppressionId, SuppressionNo, TargetNo, TopicId, TopicNo,
};
use crate::domain::person::{Identifier, canonical_address};
use crate::domain::plan::{LaneKey, Planned};
use crate::domain::provider::Provider;
use crate::domain::suppression::{Mark, Suppress, Suppression, SuppressionCause, SuppressionSource, forbids};
use crate::domain::time::Timestamp;
use crate::store::RecordKind;
use crate::store::dispatch::ItemOutcome;
use crate::store::page::{Page, PageRequest};
use crate::store::seal::fill;
use crate::store::suppressions::{SuppressReceipt, SuppressionView};
use ring::hmac;

/// The record of the list as a whole.
const HEAD: &[u8] = b"suppressions";

/// The key of an address in the list.
type Digest = [u8; 16];

fn head(view: &mut impl View) -> Attempt<Option<SuppressionsHead>> {
    view.get(Table::Meta, HEAD, decode)?.transpose()
}

/// The list as a whole, unless nothing is on it.
fn used(view: &mut impl View) -> Attempt<Option<SuppressionsHead>> {
    Ok(head(view)?.filter(|head| head.count > 0))
}

fn digest(head: &SuppressionsHead, address: &[u8]) -> Digest {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &head.secret), address);
    let mut digest = [0; 16];
    digest.copy_from_slice(&tag.as_ref()[..16]);
    digest
}

fn of_address(view: &mut impl View, digest: &Digest) -> Attempt<SuppressedAddress> {
    Ok(view.get(Table::SuppressedAddresses, digest, decode)?.transpose()?.unwrap_or_default())
}

fn record(view: &mut impl View, no: SuppressionNo) -> Attempt<Option<Suppression>> {
    view.get(Table::Suppressions, &no.0.to_be_bytes(), decode)?.transpose()
}

/// Writes what is known of an address, and what that means for its target.
fn put_address(tx: &mut Tx<'_>, digest: &Digest, row: &SuppressedAddress) -> Attempt<()> {
    if row.marks.is_empty() {
        tx.remove(Table::SuppressedAddresses, digest)?;
    } else {
        tx.put(Table::SuppressedAddresses, digest, row)?;
    }
    let Some(target) = row.target else { return Ok(()) };
    tx.touched.people = true;
    if row.marks.is_empty() {
        tx.remove(Table::SuppressedTargets, &target.0.to_be_bytes())?;
        return Ok(());
    }
    let marks: Vec<&Mark> = row.marks.iter().map(|(_, mark)| mark).collect();
    tx.put(Table::SuppressedTargets, &target.0.to_be_bytes(), &marks)
}

/// Puts addresses on the list.
pub(super) fn suppress(tx: &mut Tx<'_>, wanted: &[Suppress], audit: &AuditEntry) -> Attempt<SuppressReceipt> {
    let receipt = add(tx, wanted, audit.at)?;
    if !receipt.added.is_empty() {
        let mut audit = audit.clone();
        if let [one] = receipt.added.as_slice() {
            audit.resource = format!("suppression/{}", one.id);
        }
        tx.audit(&audit)?;
    }
    Ok(receipt)
}

fn add(tx: &mut Tx<'_>, wanted: &[Suppress], at: Timestamp) -> Attempt<SuppressReceipt> {
    let mut receipt = SuppressReceipt::default();
    let mut head = head(tx)?.unwrap_or_default();
    if head.last == 0 {
        fill(&mut head.secret).map_err(Fail::Refused)?;
    }
    for request in wanted {
        let address = canonical_address(request.channel, &request.address);
        if address.is_empty() {
            continue;
        }
        let digest = digest(&head, &address_key(request.channel, &address));
        let mut row = of_address(tx, &digest)?;
        row.target = people::address(tx, request.channel, &address)?.target;
        let before = row.marks.len();
        for mark in Mark::of(request) {
            if row.marks.iter().any(|(_, known)| *known == mark) {
                receipt.known += 1;
                continue;
            }
            head.last += 1;
            head.count += 1;
            let no = SuppressionNo(head.last);
            let record = Suppression {
                no,
                id: new_id(at, no)?,
                channel: request.channel,
                address: address.clone(),
                cause: mark.cause,
                topic: mark.topic.clone(),
                since: at,
                source: SuppressionSource {
                    said: hide_address(request.source.said.clone(), &address),
                    ..request.source.clone()
                },
                note: request.note.clone(),
            };
            ids::assign(tx, RecordKind::Suppression, record.id.as_str(), no.0)?;
            tx.put(Table::Suppressions, &no.0.to_be_bytes(), &record)?;
            row.marks.push((no, mark));
            receipt.added.push(record);
        }
        if row.marks.len() > before {
            put_address(tx, &digest, &row)?;
        }
    }
    if !receipt.added.is_empty() {
        tx.put(Table::Meta, HEAD, &head)?;
    }
    Ok(receipt)
}

/// An id that ascends with the number.
fn new_id(at: Timestamp, no: SuppressionNo) -> Attempt<SuppressionId> {
    let micros = u64::try_from(at.0).unwrap_or_default().saturating_mul(1000).saturating_add(no.0 % 1000);
    let id = crate::domain::ids::generate_id(micros, no.0 as u32);
    SuppressionId::new(id).map_err(|error| Fail::damaged(format!("a made id: {error}")))
}

/// Takes records off the list; says how many there were.
pub(super) fn lift(tx: &mut Tx<'_>, wanted: &[SuppressionId], audit: &AuditEntry) -> Attempt<u64> {
    let Some(mut head) = head(tx)? else { return Ok(0) };
    let mut lifted = Vec::new();
    for id in wanted {
        let Some(no) = ids::find(tx, RecordKind::Suppression, id.as_str())?.map(SuppressionNo) else {
            continue;
        };
        let Some(gone) = tx.record::<Suppression>(Table::Suppressions, &no.0.to_be_bytes())? else {
            continue;
        };
        ids::release(tx, RecordKind::Suppression, id.as_str())?;
        tx.remove(Table::Suppressions, &no.0.to_be_bytes())?;
        let digest: Digest =
            match tx.get(Table::SuppressionDigests, &no.0.to_be_bytes(), |bytes| bytes.try_into())? {
                Some(Ok(kept)) => {
                    tx.remove(Table::SuppressionDigests, &no.0.to_be_bytes())?;
                    kept
                }
                _ => digest(&head, &address_key(gone.channel, &gone.address)),
            };
        let mut row = of_address(tx, &digest)?;
        row.marks.retain(|(of, _)| *of != no);
        put_address(tx, &digest, &row)?;
        if let (SuppressionCause::HardBounce, Some(target)) = (gone.cause, row.target) {
            expire_target(tx, target, false, audit.at)?;
        }
        head.count = head.count.saturating_sub(1);
        lifted.push(gone.id);
    }
    if !lifted.is_empty() {
        tx.put(Table::Meta, HEAD, &head)?;
        let mut audit = audit.clone();
        if let [one] = lifted.as_slice() {
            audit.resource = format!("suppression/{one}");
        }
        tx.audit(&audit)?;
    }
    Ok(lifted.len() as u64)
}

/// What is said of the addresses that an outcome of dispatch suppresses.
pub(super) fn bounced(tx: &mut Tx<'_>, lane: LaneKey, items: &[&ItemOutcome], at: Timestamp) -> Attempt<()> {
    let provider: Option<ProviderId> =
        tx.record::<Provider>(Table::Providers, &lane.provider.0.to_be_bytes())?.map(|provider| provider.id);
    let message = tx
        .get(Table::Bodies, &lane.message.0.to_be_bytes(), decode::<super::record::BodyHead>)?
        .transpose()?
        .map(|head| head.id);
    let mut wanted = Vec::with_capacity(items.len());
    for item in items {
        let Some(known) = identifier(tx, item.identifier)? else { continue };
        wanted.push(Suppress {
            channel: known.channel,
            address: known.address,
            cause: SuppressionCause::HardBounce,
            topics: Vec::new(),
            source: SuppressionSource {
                provider: provider.clone(),
                message: message.clone(),
                said: item.detail.answer.clone(),
                by: Actor::engine().name,
            },
            note: String::new(),
        });
    }
    let through = provider.map_or_else(String::new, |id| format!(" through {id}"));
    let audit = AuditEntry {
        at,
        actor: Actor::engine(),
        event: "suppression.create".to_owned(),
        resource: "suppression".to_owned(),
        summary: format!("hard bounces{through}: {} suppressed", wanted.len()),
    };
    suppress(tx, &wanted, &audit).map(|_| ())
}

fn identifier(tx: &mut Tx<'_>, no: IdentifierNo) -> Attempt<Option<Identifier>> {
    let found = tx.record::<Identifier>(Table::Identifiers, &no.0.to_be_bytes())?;
    Ok(found.filter(|identifier| !identifier.address.is_empty()))
}

/// A target has an address from now on.
pub(super) fn target_has(tx: &mut Tx<'_>, no: TargetNo, channel: Channel, address: &str) -> Attempt<()> {
    let Some(head) = used(tx)? else { return Ok(()) };
    let digest = digest(&head, &address_key(channel, address));
    let mut row = of_address(tx, &digest)?;
    if row.marks.is_empty() {
        return Ok(());
    }
    row.target = Some(no);
    put_address(tx, &digest, &row)
}

/// A target no longer has an address.
pub(super) fn target_had(tx: &mut Tx<'_>, no: TargetNo, channel: Channel, address: &str) -> Attempt<()> {
    let Some(head) = used(tx)? else { return Ok(()) };
    if !tx.remove(Table::SuppressedTargets, &no.0.to_be_bytes())? {
        return Ok(());
    }
    let digest = digest(&head, &address_key(channel, address));
    let mut row = of_address(tx, &digest)?;
    row.target = None;
    put_address(tx, &digest, &row)
}

/// Empties what names a person in the records of an address; they hold on. Says
/// how many there were. `address` is the key of the table of addresses.
pub(super) fn erase(tx: &mut Tx<'_>, address: &[u8]) -> Attempt<u64> {
    let Some(head) = used(tx)? else { return Ok(0) };
    let digest = digest(&head, address);
    let row = of_address(tx, &digest)?;
    let mut emptied = 0;
    for (no, _) in &row.marks {
        let Some(mut record) = tx.record::<Suppression>(Table::Suppressions, &no.0.to_be_bytes())? else {
            continue;
        };
        if record.address.is_empty() {
            continue;
        }
        record.address.clear();
        record.note.clear();
        record.source.said.clear();
        tx.put(Table::Suppressions, &no.0.to_be_bytes(), &record)?;
        // From here on nothing else leads from the record to its address.
        tx.put_raw(Table::SuppressionDigests, &no.0.to_be_bytes(), &digest)?;
        emptied += 1;
    }
    Ok(emptied)
}

fn view_of(view: &mut impl View, head: &SuppressionsHead, record: Suppression) -> Attempt<SuppressionView> {
    let kept =
        view.get(Table::SuppressionDigests, &record.no.0.to_be_bytes(), |bytes| bytes.try_into().ok())?;
    let digest = match kept.flatten() {
        Some(kept) => kept,
        None => digest(head, &address_key(record.channel, &record.address)),
    };
    let target = match of_address(view, &digest)?.target {
        Some(no) => people::target_row(view, no)?.map(|row| row.target.id),
        None => None,
    };
    let said = show_address(&record.source.said, &record.address);
    let source = SuppressionSource { said, ..record.source };
    Ok(SuppressionView { suppression: Suppression { source, ..record }, target })
}

/// A record by id.
pub(super) fn by_id(view: &mut impl View, id: &SuppressionId) -> Attempt<SuppressionView> {
    let no = SuppressionNo(ids::resolve(view, RecordKind::Suppression, id.as_str())?);
    let missing = || Fail::missing(RecordKind::Suppression, id);
    let found = record(view, no)?.ok_or_else(missing)?;
    let head = head(view)?.ok_or_else(missing)?;
    view_of(view, &head, found)
}

/// A page of the list.
pub(super) fn page(
    view: &mut impl View,
    request: &PageRequest<Suppression>,
) -> Attempt<Page<SuppressionView>> {
    let Some(head) = head(view)? else {
        return Ok(Page { items: Vec::new(), total: Some(0), next: None, cut_short: false });
    };
    let page = list::page(
        view,
        request,
        Some(head.count),
        list::numbered(Table::Suppressions, Vec::new(), request.order),
        |_, _, bytes| decode::<Suppression>(bytes).map(Some),
        |record, search| {
            list::has_word([record.address.as_str(), record.note.as_str(), record.id.as_str()], search)
        },
    )?;
    let Page { items, total, next, cut_short } = page;
    let items = items.into_iter().map(|record| view_of(view, &head, record)).collect::<Attempt<_>>()?;
    Ok(Page { items, total, next, cut_short })
}

/// Every record of an address.
pub(super) fn of(view: &mut impl View, channel: Channel, address: &str) -> Attempt<Vec<Suppression>> {
    let Some(head) = used(view)? else { return Ok(Vec::new()) };
    let row = of_address(view, &digest(&head, &address_key(channel, address)))?;
    let mut found = Vec::with_capacity(row.marks.len());
    for (no, _) in row.marks {
        let Some(record) = record(view, no)? else { continue };
        found.push(view_of(view, &head, record)?.suppression);
    }
    Ok(found)
}

/// What forbids writing to a target, of those that a batch is about.
pub(super) struct Forbidding {
    marks: std::collections::HashMap<TargetNo, Vec<Mark>>,
}

impl Forbidding {
    /// What is known of these targets.
    pub(super) fn read(view: &mut impl View, targets: &[TargetNo]) -> Attempt<Self> {
        let mut marks = std::collections::HashMap::new();
        if used(view)?.is_some() {
            super::candidates::read_rows(view, Table::SuppressedTargets, &[], targets, &mut |no, bytes| {
                marks.insert(no, decode::<Vec<Mark>>(bytes)?);
                Ok(())
            })?;
        }
        Ok(Self { marks })
    }

    /// Why a message to these topics does not go to a target.
    pub(super) fn of(
        &self,
        view: &mut impl View,
        topics: &[(TopicNo, TopicId)],
        planned: Planned,
    ) -> Attempt<Option<SuppressionCause>> {
        let Some(marks) = self.marks.get(&planned.target) else { return Ok(None) };
        let mut through = Vec::new();
        if !planned.direct {
            for (no, id) in topics {
                if subscriptions::is_subscribed(view, *no, planned.target)? {
                    through.push(id.clone());
                }
            }
        }
        Ok(forbids(marks, planned.direct, &through))
    }
}

/// Which recipients of an audience would be left out.
pub(super) fn among(
    view: &mut impl View,
    topics: &[TopicId],
    planned: &[Planned],
) -> Attempt<Vec<(TargetNo, SuppressionCause)>> {
    let mut known = Vec::with_capacity(topics.len());
    for id in topics {
        let no = ids::find(view, RecordKind::Topic, id.as_str())?;
        known.extend(no.map(|no| (TopicNo(no as u32), id.clone())));
    }
    let targets: Vec<TargetNo> = planned.iter().map(|planned| planned.target).collect();
    let forbidding = Forbidding::read(view, &targets)?;
    let mut found = Vec::new();
    for planned in planned {
        found.extend(forbidding.of(view, &known, *planned)?.map(|cause| (planned.target, cause)));
    }
    Ok(found)
}
