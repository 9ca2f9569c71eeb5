//! Users, targets and identifiers.

use super::fail::{Attempt, Fail};
use super::record::{AddressRow, TargetRow, decode};
use super::table::{Table, View, beginning, key, number_at};
use super::tx::Tx;
use super::{ids, list, subscriptions, suppressions};
use crate::domain::audit::AuditEntry;
use crate::domain::channel::Channel;
use crate::domain::ids::{IdentifierNo, Revision, TargetId, TargetNo, UserId, UserNo};
use crate::domain::person::{Identifier, Target, User, canonical_address};
use crate::domain::time::Timestamp;
use crate::store::page::{Page, PageRequest};
use crate::store::people::{NewTarget, NewUser, TargetChange};
use crate::store::{RecordKind, Taken};

/// The key of an address.
pub(super) fn address_key(channel: Channel, address: &str) -> Vec<u8> {
    let code = match channel {
        Channel::Email => 1u8,
        Channel::Sms => 2,
        Channel::Push => 3,
    };
    key![code, canonical_address(channel, address).as_str()]
}

/// What is known of an address.
pub(super) fn address(view: &mut impl View, channel: Channel, address: &str) -> Attempt<AddressRow> {
    Ok(view.get(Table::Addresses, &address_key(channel, address), decode)?.transpose()?.unwrap_or_default())
}

/// A user by number.
pub(super) fn user(view: &mut impl View, no: UserNo) -> Attempt<User> {
    let row = view.get(Table::Users, &no.0.to_be_bytes(), decode)?.transpose()?;
    row.ok_or_else(|| Fail::missing(RecordKind::User, no))
}

/// A user by id.
pub(super) fn user_by_id(view: &mut impl View, id: &UserId) -> Attempt<User> {
    let no = ids::resolve(view, RecordKind::User, id.as_str())?;
    user(view, UserNo(no))
}

/// A target by number, if it is there.
pub(super) fn target_row(view: &mut impl View, no: TargetNo) -> Attempt<Option<TargetRow>> {
    view.get(Table::Targets, &no.0.to_be_bytes(), decode)?.transpose()
}

/// A target by number.
pub(super) fn target(view: &mut impl View, no: TargetNo) -> Attempt<Target> {
    Ok(target_row(view, no)?.ok_or_else(|| Fail::missing(RecordKind::Target, no))?.target)
}

/// A target by id.
pub(super) fn target_by_id(view: &mut impl View, id: &TargetId) -> Attempt<Target> {
    let no = ids::resolve(view, RecordKind::Target, id.as_str())?;
    target(view, TargetNo(no))
}

/// A user's targets, in order of number.
pub(super) fn targets_of(view: &mut impl View, user: UserNo) -> Attempt<Vec<Target>> {
    let keys = view.keys(Table::TargetsOf, beginning(&key![user.0]), usize::MAX)?;
    keys.iter().map(|key| target(view, TargetNo(number_at(key, 8)))).collect()
}

/// The ways in which a user itself can be known.
fn own_addresses(user: &User) -> [(Channel, Option<&str>, Taken); 2] {
    [
        (Channel::Email, user.email.as_deref(), Taken::Email),
        (Channel::Sms, user.phone.as_deref(), Taken::Phone),
    ]
}

/// Refuses addresses that another user has.
fn check_own(tx: &mut Tx<'_>, user: &User) -> Attempt<()> {
    for (channel, value, taken) in own_addresses(user) {
        if let Some(value) = value
            && address(tx, channel, value)?.user.is_some_and(|no| no != user.no)
        {
            return Err(Fail::taken(RecordKind::User, taken));
        }
    }
    Ok(())
}

/// Notes which addresses a user has, and which it had.
fn index_own(tx: &mut Tx<'_>, old: Option<&User>, new: Option<&User>) -> Attempt<()> {
    for place in 0..2 {
        let of = |user: Option<&User>| {
            user.and_then(|user| {
                let (channel, value, _) = own_addresses(user)[place];
                value.map(|value| address_key(channel, value))
            })
        };
        let (before, after) = (of(old), of(new));
        if before == after {
            continue;
        }
        if let Some(key) = before {
            change_address(tx, &key, |row| row.user = None)?;
        }
        if let (Some(key), Some(user)) = (after, new) {
            change_address(tx, &key, |row| row.user = Some(user.no))?;
        }
    }
    Ok(())
}

/// Changes what is known of an address.
pub(super) fn change_address(
    tx: &mut Tx<'_>,
    key: &[u8],
    change: impl FnOnce(&mut AddressRow),
) -> Attempt<()> {
    let mut row = tx.record::<AddressRow>(Table::Addresses, key)?.unwrap_or_default();
    change(&mut row);
    tx.put(Table::Addresses, key, &row)
}

/// Writes a user that was checked; its addresses are the caller's to note.
pub(super) fn insert_user(tx: &mut Tx<'_>, user: &mut User) -> Attempt<()> {
    tx.counts.user += 1;
    tx.counts.users += 1;
    tx.touched.people = true;
    user.no = UserNo(tx.counts.user);
    ids::assign(tx, RecordKind::User, user.id.as_str(), user.no.0)?;
    tx.put(Table::Users, &user.no.0.to_be_bytes(), user)
}

/// Creates a user and its automatic targets.
pub(super) fn create_user(
    tx: &mut Tx<'_>,
    new: &NewUser,
    audit: &AuditEntry,
) -> Attempt<(User, Vec<Target>)> {
    ids::check_free(tx, RecordKind::User, new.id.as_str())?;
    let mut user = User {
        no: UserNo(0),
        id: new.id.clone(),
        name: new.name.clone(),
        email: new.email.clone(),
        phone: new.phone.clone(),
        enabled: true,
        labels: new.labels.clone(),
        prefs: new.prefs.clone(),
        created: audit.at,
        updated: audit.at,
        revision: Revision(1),
    };
    check_own(tx, &user)?;
    let mut wanted = Vec::new();
    let mut targets = Vec::new();
    for target in &new.targets {
        if let Some(no) = address(tx, target.channel, &target.identifier)?.target {
            targets.push(super::people::target(tx, no)?);
        } else {
            ids::check_free(tx, RecordKind::Target, target.id.as_str())?;
            wanted.push(target);
        }
    }
    insert_user(tx, &mut user)?;
    index_own(tx, None, Some(&user))?;
    for new in wanted {
        targets.push(insert_target(tx, &user, new, audit.at)?);
    }
    tx.audit(audit)?;
    Ok((user, targets))
}

/// Gives a target's address an identifier record; `row` is what is known of the
/// address, and is the caller's to write.
pub(super) fn new_identifier(
    tx: &mut Tx<'_>,
    row: &mut AddressRow,
    channel: Channel,
    address: &str,
    target: TargetNo,
) -> Attempt<IdentifierNo> {
    tx.counts.identifier += 1;
    let no = IdentifierNo(tx.counts.identifier);
    let identifier = Identifier { no, channel, address: address.to_owned(), erased: None };
    tx.put(Table::Identifiers, &no.0.to_be_bytes(), &identifier)?;
    row.target = Some(target);
    row.identifiers.push(no);
    Ok(no)
}

/// Writes a target that was checked.
pub(super) fn insert_target(tx: &mut Tx<'_>, user: &User, new: &NewTarget, at: Timestamp) -> Attempt<Target> {
    let mut row = address(tx, new.channel, &new.identifier)?;
    let target = insert_target_at(tx, user, new, at, &mut row)?;
    tx.put(Table::Addresses, &address_key(new.channel, &new.identifier), &row)?;
    Ok(target)
}

/// Writes a target that was checked, whose address's row the caller has and writes.
pub(super) fn insert_target_at(
    tx: &mut Tx<'_>,
    user: &User,
    new: &NewTarget,
    at: Timestamp,
    row: &mut AddressRow,
) -> Attempt<Target> {
    tx.counts.target += 1;
    tx.counts.targets += 1;
    tx.touched.people = true;
    let no = TargetNo(tx.counts.target);
    let target = Target {
        no,
        id: new.id.clone(),
        user_no: user.no,
        user_id: user.id.clone(),
        channel: new.channel,
        identifier_no: new_identifier(tx, row, new.channel, &new.identifier, no)?,
        identifier: new.identifier.clone(),
        provider: new.provider.clone(),
        name: new.name.clone(),
        expired: false,
        created: at,
        updated: at,
        revision: Revision(1),
    };
    ids::assign(tx, RecordKind::Target, target.id.as_str(), no.0)?;
    tx.put_raw(Table::TargetsOf, &key![user.no.0, no.0], &[])?;
    let row = TargetRow { target, blocked: !user.enabled };
    tx.put(Table::Targets, &no.0.to_be_bytes(), &row)?;
    suppressions::target_has(tx, no, new.channel, &new.identifier)?;
    Ok(row.target)
}

/// Refuses a target whose id or address is taken.
fn check_target(tx: &mut Tx<'_>, new: &NewTarget) -> Attempt<()> {
    ids::check_free(tx, RecordKind::Target, new.id.as_str())?;
    if address(tx, new.channel, &new.identifier)?.target.is_some() {
        return Err(Fail::taken(RecordKind::Target, Taken::Address));
    }
    Ok(())
}

/// Creates a target of a user.
pub(super) fn create_target(
    tx: &mut Tx<'_>,
    user: &UserId,
    new: &NewTarget,
    audit: &AuditEntry,
) -> Attempt<Target> {
    let user = user_by_id(tx, user)?;
    check_target(tx, new)?;
    let target = insert_target(tx, &user, new, audit.at)?;
    tx.audit(audit)?;
    Ok(target)
}

/// Writes a target in the place of an older one.
fn rewrite_target(tx: &mut Tx<'_>, old: &TargetRow, mut new: TargetRow) -> Attempt<Target> {
    let no = old.target.no;
    let moved = old.target.identifier != new.target.identifier || old.target.channel != new.target.channel;
    if moved {
        let (before, after) = (
            address_key(old.target.channel, &old.target.identifier),
            address_key(new.target.channel, &new.target.identifier),
        );
        if before != after {
            change_address(tx, &before, |row| row.target = row.target.filter(|has| *has != no))?;
        }
        let mut row = tx.record::<AddressRow>(Table::Addresses, &after)?.unwrap_or_default();
        let target = &mut new.target;
        target.identifier_no = new_identifier(tx, &mut row, target.channel, &target.identifier, no)?;
        tx.put(Table::Addresses, &after, &row)?;
        if before != after {
            suppressions::target_had(tx, no, old.target.channel, &old.target.identifier)?;
            suppressions::target_has(tx, no, new.target.channel, &new.target.identifier)?;
        }
        if old.target.channel != new.target.channel {
            subscriptions::change_channel(tx, no, old.target.channel, new.target.channel)?;
        }
    }
    tx.touched.people = true;
    tx.put(Table::Targets, &no.0.to_be_bytes(), &new)?;
    Ok(new.target)
}

/// Refuses an address that another target has.
fn check_address(tx: &mut Tx<'_>, no: TargetNo, channel: Channel, value: &str) -> Attempt<()> {
    match address(tx, channel, value)?.target {
        Some(other) if other != no => Err(Fail::taken(RecordKind::Target, Taken::Address)),
        _ => Ok(()),
    }
}

/// Replaces a target.
pub(super) fn put_target(
    tx: &mut Tx<'_>,
    target: &Target,
    expect: Revision,
    audit: &AuditEntry,
) -> Attempt<Target> {
    let no = TargetNo(ids::resolve(tx, RecordKind::Target, target.id.as_str())?);
    let old = target_row(tx, no)?.ok_or_else(|| Fail::missing(RecordKind::Target, &target.id))?;
    Fail::unless(RecordKind::Target, old.target.revision, Some(expect))?;
    check_address(tx, no, target.channel, &target.identifier)?;
    let new = Target {
        no,
        user_no: old.target.user_no,
        user_id: old.target.user_id.clone(),
        identifier_no: old.target.identifier_no,
        created: old.target.created,
        revision: expect.next(),
        ..target.clone()
    };
    let target = rewrite_target(tx, &old, TargetRow { target: new, blocked: old.blocked })?;
    tx.audit(audit)?;
    Ok(target)
}

/// Replaces a user, together with changes of its targets.
pub(super) fn put_user(
    tx: &mut Tx<'_>,
    user: &User,
    expect: Revision,
    changes: &[TargetChange],
    audit: &AuditEntry,
) -> Attempt<User> {
    let old = user_by_id(tx, &user.id)?;
    Fail::unless(RecordKind::User, old.revision, Some(expect))?;
    let new = User { no: old.no, created: old.created, revision: expect.next(), ..user.clone() };
    check_own(tx, &new)?;
    for change in changes {
        match change {
            TargetChange::Create(target) => check_target(tx, target)?,
            TargetChange::Readdress(id, value) => {
                let target = target_by_id(tx, id)?;
                check_address(tx, target.no, target.channel, value)?;
            }
            TargetChange::Delete(id) => {
                target_by_id(tx, id)?;
            }
        }
    }
    tx.touched.people = true;
    tx.put(Table::Users, &new.no.0.to_be_bytes(), &new)?;
    index_own(tx, Some(&old), Some(&new))?;
    for change in changes {
        match change {
            TargetChange::Create(target) => {
                insert_target(tx, &new, target, new.updated)?;
            }
            TargetChange::Readdress(id, value) => {
                let no = TargetNo(ids::resolve(tx, RecordKind::Target, id.as_str())?);
                let old = target_row(tx, no)?.ok_or_else(|| Fail::missing(RecordKind::Target, id))?;
                let mut row = old.clone();
                row.target.identifier.clone_from(value);
                row.target.expired = false;
                row.target.updated = new.updated;
                row.target.revision = row.target.revision.next();
                rewrite_target(tx, &old, row)?;
            }
            TargetChange::Delete(id) => {
                let target = target_by_id(tx, id)?;
                remove_target(tx, &target)?;
            }
        }
    }
    if old.enabled != new.enabled {
        for target in targets_of(tx, new.no)? {
            let row = TargetRow { target, blocked: !new.enabled };
            tx.put(Table::Targets, &row.target.no.0.to_be_bytes(), &row)?;
        }
    }
    tx.audit(audit)?;
    Ok(new)
}

/// Removes a target with its subscriptions.
pub(super) fn remove_target(tx: &mut Tx<'_>, target: &Target) -> Attempt<()> {
    subscriptions::remove_all(tx, target.no)?;
    ids::release(tx, RecordKind::Target, target.id.as_str())?;
    tx.remove(Table::TargetsOf, &key![target.user_no.0, target.no.0])?;
    tx.remove(Table::Targets, &target.no.0.to_be_bytes())?;
    suppressions::target_had(tx, target.no, target.channel, &target.identifier)?;
    change_address(tx, &address_key(target.channel, &target.identifier), |row| {
        row.target = row.target.filter(|no| *no != target.no);
    })?;
    tx.counts.targets = tx.counts.targets.saturating_sub(1);
    tx.touched.people = true;
    Ok(())
}

/// Removes a user with its targets.
pub(super) fn remove_user(tx: &mut Tx<'_>, user: &User) -> Attempt<()> {
    for target in targets_of(tx, user.no)? {
        remove_target(tx, &target)?;
    }
    index_own(tx, Some(user), None)?;
    ids::release(tx, RecordKind::User, user.id.as_str())?;
    tx.remove(Table::Users, &user.no.0.to_be_bytes())?;
    tx.counts.users = tx.counts.users.saturating_sub(1);
    tx.touched.people = true;
    Ok(())
}

/// Deletes a user.
pub(super) fn delete_user(
    tx: &mut Tx<'_>,
    id: &UserId,
    expect: Option<Revision>,
    audit: &AuditEntry,
) -> Attempt<()> {
    let user = user_by_id(tx, id)?;
    Fail::unless(RecordKind::User, user.revision, expect)?;
    remove_user(tx, &user)?;
    tx.audit(audit)
}

/// Deletes a target.
pub(super) fn delete_target(
    tx: &mut Tx<'_>,
    id: &TargetId,
    expect: Option<Revision>,
    audit: &AuditEntry,
) -> Attempt<()> {
    let target = target_by_id(tx, id)?;
    Fail::unless(RecordKind::Target, target.revision, expect)?;
    remove_target(tx, &target)?;
    tx.audit(audit)
}

/// A page of users.
pub(super) fn users(view: &mut impl View, request: &PageRequest<User>, total: u64) -> Attempt<Page<User>> {
    list::page(
        view,
        request,
        Some(total),
        list::numbered(Table::Users, Vec::new(), request.order),
        |_, _, bytes| decode(bytes).map(Some),
        |user, search| {
            let texts = [user.id.as_str(), user.name.as_str()];
            list::has_word(
                texts.into_iter().chain(user.email.as_deref()).chain(user.phone.as_deref()),
                search,
            )
        },
    )
}

/// A page of targets.
pub(super) fn targets(
    view: &mut impl View,
    request: &PageRequest<Target>,
    total: u64,
) -> Attempt<Page<Target>> {
    list::page(
        view,
        request,
        Some(total),
        list::numbered(Table::Targets, Vec::new(), request.order),
        |_, _, bytes| decode::<TargetRow>(bytes).map(|row| Some(row.target)),
        |target, search| {
            list::has_word(
                [
                    target.id.as_str(),
                    target.name.as_str(),
                    target.identifier.as_str(),
                    target.user_id.as_str(),
                ],
                search,
            )
        },
    )
}

/// Forgets a person; says how many identifier records were emptied.
pub(super) fn erase(tx: &mut Tx<'_>, channel: Channel, value: &str, audit: &AuditEntry) -> Attempt<u64> {
    let row = address(tx, channel, value)?;
    let mut people: Vec<UserNo> = row.user.into_iter().collect();
    if let Some(no) = row.target {
        people.push(target(tx, no)?.user_no);
    }
    people.sort_unstable();
    people.dedup();
    // Every way in which these people were reachable goes with them.
    let mut keys = vec![address_key(channel, value)];
    for no in people {
        let Some(user) = tx.record::<User>(Table::Users, &no.0.to_be_bytes())? else { continue };
        for (channel, value, _) in own_addresses(&user) {
            keys.extend(value.map(|value| address_key(channel, value)));
        }
        for target in targets_of(tx, no)? {
            keys.push(address_key(target.channel, &target.identifier));
        }
        remove_user(tx, &user)?;
    }
    keys.sort_unstable();
    keys.dedup();
    let mut emptied = 0;
    for key in keys {
        let row = tx.record::<AddressRow>(Table::Addresses, &key)?.unwrap_or_default();
        for no in &row.identifiers {
            let Some(mut identifier) = tx.record::<Identifier>(Table::Identifiers, &no.0.to_be_bytes())?
            else {
                continue;
            };
            identifier.address.clear();
            identifier.erased = Some(audit.at);
            tx.put(Table::Identifiers, &no.0.to_be_bytes(), &identifier)?;
            emptied += 1;
        }
        tx.remove(Table::Addresses, &key)?;
        emptied += suppressions::erase(tx, &key)?;
    }
    tx.touched.people = true;
    tx.audit(audit)?;
    Ok(emptied)
}

/// Identifier records by number.
pub(super) fn identifiers(view: &mut impl View, nos: &[IdentifierNo]) -> Attempt<Vec<Option<Identifier>>> {
    nos.iter().map(|no| view.get(Table::Identifiers, &no.0.to_be_bytes(), decode)?.transpose()).collect()
}
