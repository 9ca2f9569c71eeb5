//! The version of the tables, and how older ones become newer ones.

use super::fail::{Attempt, Fail};
use super::migrations;
use super::rows::Rows;
use super::table::{Table, View as _, short_at};
use super::tx::Tx;
use crate::store::error::{Result, StoreError};
use crate::store::seal::fill;
use redb::{Database, ReadableDatabase as _};

/// The version of the tables; one more with each migration.
pub(super) const SCHEMA: u32 = 2;
const SCHEMA_KEY: &[u8] = b"schema";
const INSTALL_KEY: &[u8] = b"install";

/// A migration: from which version to the next.
pub(super) type Migration = (u32, fn(&mut Tx<'_>) -> Attempt<()>);

/// All migrations, in order. Each commits by itself, so that a crash between
/// two continues with the second.
pub(super) const MIGRATIONS: &[Migration] = &[(1, migrations::from_1)];

/// The version of an open file; `None`: it is new.
pub(super) fn version(db: &Database) -> Attempt<Option<u32>> {
    let mut view = super::table::Snapshot::new(db.begin_read()?);
    view.get(Table::Meta, SCHEMA_KEY, |bytes| short_at(bytes, 0))
}

/// Whether a file of this version must be migrated; refuses a newer one.
pub(super) fn is_old(found: Option<u32>, known: u32) -> Attempt<bool> {
    match found {
        Some(found) if found > known => Err(StoreError::TooNew { found, known }.into()),
        Some(found) => Ok(found < known),
        None => Ok(false),
    }
}

/// Brings an open file from a version to a later one.
pub(super) fn migrate(db: &Database, from: u32, to: u32, migrations: &[Migration]) -> Attempt<()> {
    for version in from..to {
        let (_, step) = migrations
            .iter()
            .find(|(of, _)| *of == version)
            .ok_or_else(|| Fail::damaged(format!("nothing is known of version {version}")))?;
        let mut txn = db.begin_write()?;
        txn.set_quick_repair(true);
        let mut tx = Tx::begin(&txn, false, Rows::default())?;
        step(&mut tx)?;
        tx.put_raw(Table::Meta, SCHEMA_KEY, &(version + 1).to_be_bytes())?;
        tx.finish()?;
        drop(tx);
        txn.commit()?;
    }
    Ok(())
}

/// Gives a new file its version and its name; returns the name of any.
pub(super) fn install_id(db: &Database) -> Attempt<String> {
    let mut view = super::table::Snapshot::new(db.begin_read()?);
    let name = view.get(Table::Meta, INSTALL_KEY, |bytes| String::from_utf8_lossy(bytes).into_owned())?;
    drop(view);
    if let Some(name) = name {
        return Ok(name);
    }
    let name = new_install_id()?;
    let mut txn = db.begin_write()?;
    txn.set_quick_repair(true);
    let mut tx = Tx::begin(&txn, false, Rows::default())?;
    tx.put_raw(Table::Meta, SCHEMA_KEY, &SCHEMA.to_be_bytes())?;
    tx.put_raw(Table::Meta, INSTALL_KEY, name.as_bytes())?;
    tx.finish()?;
    drop(tx);
    txn.commit()?;
    Ok(name)
}

/// Eight random characters.
fn new_install_id() -> Result<String> {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0; 8];
    fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use redb::backends::InMemoryBackend;

    fn add_one(tx: &mut Tx<'_>) -> Attempt<()> {
        let count = tx.get(Table::Meta, b"test", |bytes| bytes[0])?.unwrap_or_default();
        tx.put_raw(Table::Meta, b"test", &[count + 1])
    }

    fn double(tx: &mut Tx<'_>) -> Attempt<()> {
        let count = tx.get(Table::Meta, b"test", |bytes| bytes[0])?.unwrap_or_default();
        tx.put_raw(Table::Meta, b"test", &[count * 2])
    }

    #[test]
    fn migrations_run_in_order_and_once() {
        let db = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
        let name = install_id(&db).unwrap();
        assert_eq!((name.len(), install_id(&db).unwrap()), (8, name));
        let steps: &[Migration] = &[(2, double), (1, add_one)];
        assert!(is_old(version(&db).unwrap(), 3).unwrap());
        migrate(&db, 1, 3, steps).unwrap();
        assert_eq!(version(&db).unwrap(), Some(3));
        assert!(!is_old(version(&db).unwrap(), 3).unwrap());
        let mut view = super::super::table::Snapshot::new(db.begin_read().unwrap());
        assert_eq!(view.get(Table::Meta, b"test", |bytes| bytes[0]).unwrap(), Some(2));
        drop(view);
        let newer = is_old(version(&db).unwrap(), SCHEMA).unwrap_err();
        assert!(matches!(newer, Fail::Refused(StoreError::TooNew { found: 3, known: SCHEMA })));
        assert!(migrate(&db, 3, 4, steps).is_err());
    }

    #[test]
    fn every_version_has_a_way_to_the_newest() {
        let from: Vec<u32> = MIGRATIONS.iter().map(|(from, _)| *from).collect();
        assert_eq!(from, (1..SCHEMA).collect::<Vec<_>>());
    }
}
