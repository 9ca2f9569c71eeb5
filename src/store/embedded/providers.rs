//! Providers, their sealed credentials, and API keys.

use super::fail::{Attempt, Fail};
use super::ids;
use super::receipts;
use super::record::decode;
use super::table::{Table, View, beginning, everything, key};
use super::tx::Tx;
use crate::domain::audit::AuditEntry;
use crate::domain::ids::{KeyId, ProviderId, ProviderNo, Revision};
use crate::domain::provider::{Provider, kind};
use crate::domain::time::Timestamp;
use crate::store::catalog::{ApiKey, Replaced};
use crate::store::error::StoreError;
use crate::store::page::Order;
use crate::store::seal::{SealingKey, mask};
use crate::store::{RecordKind, Taken};
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;

/// Credentials by field.
pub(super) type Credentials = BTreeMap<String, SecretString>;

fn record_name(no: ProviderNo) -> String {
    format!("provider/{no}")
}

fn provider_no(view: &mut impl View, id: &ProviderId) -> Attempt<ProviderNo> {
    Ok(ProviderNo(ids::resolve(view, RecordKind::Provider, id.as_str())? as u32))
}

/// A provider by id.
pub(super) fn provider(view: &mut impl View, id: &ProviderId) -> Attempt<Provider> {
    let no = provider_no(view, id)?;
    by_no(view, no)?.ok_or_else(|| Fail::missing(RecordKind::Provider, id))
}

/// A provider by number, with how its guard stands.
pub(super) fn by_no(view: &mut impl View, no: ProviderNo) -> Attempt<Option<Provider>> {
    let row = view.get(Table::Providers, &no.0.to_be_bytes(), decode::<Provider>)?.transpose()?;
    let Some(mut provider) = row else { return Ok(None) };
    provider.guard = receipts::guard_row(view, no)?.tripped;
    Ok(Some(provider))
}

/// All providers.
pub(super) fn all(view: &mut impl View) -> Attempt<Vec<Provider>> {
    let rows = view.rows(Table::Providers, everything(), Order::Ascending, usize::MAX)?;
    let mut providers = Vec::with_capacity(rows.len());
    for (_, bytes) in rows {
        let mut provider: Provider = decode(&bytes)?;
        provider.guard = receipts::guard_row(view, provider.no)?.tripped;
        providers.push(provider);
    }
    Ok(providers)
}

/// How a provider shows its credentials: secrets masked, the rest as it is.
fn shown(provider: &Provider, credentials: &Credentials) -> BTreeMap<String, String> {
    let is_open = |name: &str| {
        kind(&provider.kind)
            .and_then(|kind| kind.fields.iter().find(|field| field.name == name))
            .is_some_and(|field| !field.secret)
    };
    let show = |(name, value): (&String, &SecretString)| {
        let text = if is_open(name) { value.expose_secret().to_owned() } else { mask(value) };
        (name.clone(), text)
    };
    credentials.iter().map(show).collect()
}

fn write_credentials(
    tx: &mut Tx<'_>,
    sealing: &SealingKey,
    no: ProviderNo,
    credentials: &Credentials,
) -> Attempt<()> {
    // Sealed first: what cannot be sealed must leave nothing half written.
    let sealed = credentials
        .iter()
        .map(|(field, secret)| Ok((field, sealing.seal(&record_name(no), field, secret)?)))
        .collect::<Result<Vec<_>, StoreError>>()?;
    tx.remove_span(Table::Credentials, &beginning(&key![no.0]))?;
    for (field, bytes) in sealed {
        tx.put_raw(Table::Credentials, &key![no.0, field.as_str()], &bytes)?;
    }
    Ok(())
}

/// Creates a provider.
pub(super) fn create(
    tx: &mut Tx<'_>,
    sealing: &SealingKey,
    new: &Provider,
    credentials: &Credentials,
    audit: &AuditEntry,
) -> Attempt<Provider> {
    ids::check_free(tx, RecordKind::Provider, new.id.as_str())?;
    tx.counts.provider += 1;
    tx.touched.providers = true;
    let no = ProviderNo(tx.counts.provider);
    let mut provider = Provider { no, revision: Revision(1), ..new.clone() };
    provider.credentials = shown(&provider, credentials);
    write_credentials(tx, sealing, no, credentials)?;
    ids::assign(tx, RecordKind::Provider, provider.id.as_str(), u64::from(no.0))?;
    tx.put(Table::Providers, &no.0.to_be_bytes(), &provider)?;
    tx.audit(audit)?;
    Ok(provider)
}

/// Replaces a provider.
pub(super) fn put(
    tx: &mut Tx<'_>,
    new: &Provider,
    credentials: Option<&(Credentials, SealingKey)>,
    expect: Revision,
    audit: &AuditEntry,
) -> Attempt<Provider> {
    let old = provider(tx, &new.id)?;
    Fail::unless(RecordKind::Provider, old.revision, Some(expect))?;
    let mut provider = Provider { no: old.no, created: old.created, revision: expect.next(), ..new.clone() };
    match credentials {
        Some((credentials, sealing)) => {
            provider.credentials = shown(&provider, credentials);
            keep_replaced(tx, &old, provider.updated)?;
            write_credentials(tx, sealing, old.no, credentials)?;
        }
        None => provider.credentials = old.credentials,
    }
    provider.guard = old.guard;
    tx.touched.providers = true;
    tx.put(Table::Providers, &old.no.0.to_be_bytes(), &provider)?;
    tx.audit(audit)?;
    Ok(provider)
}

/// Keeps the sealed credentials of a provider whose secrets are being replaced.
fn keep_replaced(tx: &mut Tx<'_>, old: &Provider, at: Timestamp) -> Attempt<()> {
    let fields = kind(&old.kind).map_or(&[][..], |kind| kind.fields);
    // What has no secret is worth nothing, and must not push out what has.
    if !fields.iter().any(|field| field.secret && old.credentials.contains_key(field.name)) {
        return Ok(());
    }
    let prefix = key![old.no.0];
    let sealed = tx.rows(Table::Credentials, beginning(&prefix), Order::Ascending, usize::MAX)?;
    tx.remove_span(Table::Replaced, &beginning(&prefix))?;
    for (key, bytes) in sealed {
        tx.put_raw(Table::Replaced, &key, &bytes)?;
    }
    let (credentials, options) = (old.credentials.clone(), old.options.clone());
    tx.put(Table::Replaced, &prefix, &Replaced { at, credentials, options, door: old.door })
}

/// What the last change of a provider's secrets has replaced.
pub(super) fn replaced(view: &mut impl View, no: ProviderNo) -> Attempt<Option<Replaced>> {
    view.get(Table::Replaced, &key![no.0], decode)?.transpose()
}

/// Puts replaced credentials back into place, and keeps those that they replace.
pub(super) fn roll_back(
    tx: &mut Tx<'_>,
    new: &Provider,
    expect: Revision,
    audit: &AuditEntry,
) -> Attempt<Provider> {
    let old = provider(tx, &new.id)?;
    Fail::unless(RecordKind::Provider, old.revision, Some(expect))?;
    let prefix = key![old.no.0];
    let Some(kept) = replaced(tx, old.no)? else { return Err(StoreError::Moved.into()) };
    let mut sealed = tx.rows(Table::Replaced, beginning(&prefix), Order::Ascending, usize::MAX)?;
    sealed.retain(|(key, _)| key.len() > prefix.len());
    keep_replaced(tx, &old, new.updated)?;
    tx.remove_span(Table::Credentials, &beginning(&prefix))?;
    for (key, bytes) in sealed {
        tx.put_raw(Table::Credentials, &key, &bytes)?;
    }
    let provider = Provider {
        no: old.no,
        created: old.created,
        revision: expect.next(),
        credentials: kept.credentials,
        ..new.clone()
    };
    tx.touched.providers = true;
    tx.put(Table::Providers, &old.no.0.to_be_bytes(), &provider)?;
    tx.audit(audit)?;
    Ok(provider)
}

/// Wipes credentials that were replaced before a time.
pub(super) fn wipe_replaced(tx: &mut Tx<'_>, before: Timestamp) -> Attempt<u64> {
    let mut count = 0;
    let rows = tx.rows(Table::Replaced, everything(), Order::Ascending, usize::MAX)?;
    for (key, bytes) in rows.iter().filter(|(key, _)| key.len() == 4) {
        if decode::<Replaced>(bytes)?.at <= before {
            tx.remove_span(Table::Replaced, &beginning(key))?;
            count += 1;
        }
    }
    Ok(count)
}

/// Deletes a provider.
pub(super) fn delete(
    tx: &mut Tx<'_>,
    id: &ProviderId,
    expect: Option<Revision>,
    audit: &AuditEntry,
) -> Attempt<()> {
    let Provider { no, revision, .. } = provider(tx, id)?;
    Fail::unless(RecordKind::Provider, revision, expect)?;
    tx.touched.providers = true;
    ids::release(tx, RecordKind::Provider, id.as_str())?;
    tx.remove_span(Table::Credentials, &beginning(&key![no.0]))?;
    tx.remove_span(Table::Replaced, &beginning(&key![no.0]))?;
    tx.remove(Table::Providers, &no.0.to_be_bytes())?;
    tx.remove(Table::Usage, &no.0.to_be_bytes())?;
    receipts::forget(tx, no)?;
    tx.audit(audit)
}

/// The opened credentials of a provider.
pub(super) fn credentials(
    view: &mut impl View,
    sealing: &Result<SealingKey, StoreError>,
    no: ProviderNo,
) -> Attempt<Credentials> {
    let rows = view.rows(Table::Credentials, beginning(&key![no.0]), Order::Ascending, usize::MAX)?;
    let mut opened = Credentials::new();
    if rows.is_empty() {
        return Ok(opened);
    }
    let sealing = sealing.as_ref().map_err(StoreError::clone)?;
    for (key, sealed) in rows {
        let field = String::from_utf8(key[4..].to_vec())
            .map_err(|_| Fail::damaged(format!("a credential of provider {no} has no name")))?;
        let secret = sealing.open(&record_name(no), &field, &sealed)?;
        opened.insert(field, secret);
    }
    Ok(opened)
}

/// Writes a key.
pub(super) fn create_key(tx: &mut Tx<'_>, new: &ApiKey, audit: &AuditEntry) -> Attempt<()> {
    if tx.has(Table::Keys, new.id.as_str().as_bytes())? || tx.has(Table::KeyHashes, &new.hash)? {
        return Err(Fail::taken(RecordKind::Key, Taken::Id));
    }
    tx.touched.keys = true;
    tx.put(Table::Keys, new.id.as_str().as_bytes(), new)?;
    tx.put_raw(Table::KeyHashes, &new.hash, new.id.as_str().as_bytes())?;
    tx.audit(audit)
}

/// The key with a hash.
pub(super) fn key_by_hash(view: &mut impl View, hash: [u8; 32]) -> Attempt<Option<ApiKey>> {
    let Some(id) = view.get(Table::KeyHashes, &hash, <[u8]>::to_vec)? else { return Ok(None) };
    view.get(Table::Keys, &id, decode)?.transpose()
}

/// All keys, oldest first.
pub(super) fn keys(view: &mut impl View) -> Attempt<Vec<ApiKey>> {
    let rows = view.rows(Table::Keys, everything(), Order::Ascending, usize::MAX)?;
    let mut keys: Vec<ApiKey> = rows.iter().map(|(_, bytes)| decode(bytes)).collect::<Attempt<_>>()?;
    keys.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
    Ok(keys)
}

/// The key with an id.
pub(super) fn find_key(view: &mut impl View, id: &KeyId) -> Attempt<ApiKey> {
    let key = view.get(Table::Keys, id.as_str().as_bytes(), decode)?.transpose()?;
    key.ok_or_else(|| Fail::missing(RecordKind::Key, id))
}

/// Whether a key's use on this day is noted already.
pub(super) fn is_noted(key: &ApiKey, at: Timestamp) -> bool {
    const DAY: i64 = 86_400_000;
    key.accessed.is_some_and(|seen| seen.0.div_euclid(DAY) >= at.0.div_euclid(DAY))
}

/// Notes that a key was used.
pub(super) fn touch_key(tx: &mut Tx<'_>, id: &KeyId, at: Timestamp) -> Attempt<()> {
    let mut key = find_key(tx, id)?;
    if !is_noted(&key, at) {
        key.accessed = Some(at);
        tx.touched.keys = true;
        tx.put(Table::Keys, id.as_str().as_bytes(), &key)?;
    }
    Ok(())
}

/// Deletes a key.
pub(super) fn delete_key(tx: &mut Tx<'_>, id: &KeyId, audit: &AuditEntry) -> Attempt<()> {
    let key = find_key(tx, id)?;
    tx.touched.keys = true;
    tx.remove(Table::Keys, id.as_str().as_bytes())?;
    tx.remove(Table::KeyHashes, &key.hash)?;
    tx.audit(audit)
}
