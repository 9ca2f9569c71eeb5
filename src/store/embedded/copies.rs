//! Copies of the store, taken while it runs, and stores made from them.

use super::fail::{Attempt, Fail};
use super::shared::Shared;
use super::table::{Snapshot, Table, get_from};
use super::tree;
use super::{LOG_DIRECTORY, MAIN_FILE, make_directory, tx};
use crate::domain::time::Timestamp;
use crate::store::error::{Result, StoreError};
use crate::store::files::FILES_DIRECTORY;
use crate::store::history::Flags;
use crate::store::log::{LogError, SegmentInfo, copy_open_part};
use crate::store::page::Order;
use crate::store::seal::KEY_FILE;
use redb::Database;
use std::fs;
use std::ops::Bound;
use std::path::Path;

/// Rows written in one commit of a copy, so that memory stays flat.
const COMMIT_ROWS: usize = 50_000;
/// Bytes that the copy's main file may cache.
const CACHE: usize = 16 << 20;

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    let path = path.display().to_string();
    move |error| StoreError::Io(format!("{path}: {error}"))
}

/// Makes an empty directory for a copy; one that has anything in it is refused.
pub(super) fn prepare(to: &Path) -> Result<()> {
    make_directory(to)?;
    if fs::read_dir(to).map_err(io(to))?.next().is_some() {
        return Err(StoreError::Io(format!("{} is not empty: name a new directory", to.display())));
    }
    make_directory(&to.join(FILES_DIRECTORY))?;
    make_directory(&to.join(LOG_DIRECTORY))
}

/// Links or copies sealed segments. `false`: one of them is gone meanwhile.
pub(super) fn segments(from: &Path, to: &Path, segments: &[SegmentInfo]) -> Result<bool> {
    for segment in segments {
        let name = segment.file_name();
        let (source, copy) = (from.join(LOG_DIRECTORY).join(&name), to.join(LOG_DIRECTORY).join(&name));
        // They never change, so a second name serves as a copy on the same disk.
        if fs::hard_link(&source, &copy).is_ok() {
            continue;
        }
        match fs::copy(&source, &copy) {
            Ok(_) => fs::File::open(&copy).and_then(|file| file.sync_all()).map_err(io(&copy))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(io(&copy)(error)),
        }
    }
    sync_directory(&to.join(LOG_DIRECTORY))?;
    Ok(true)
}

/// Links or copies the contents of files; says how many bytes. One that is deleted
/// meanwhile is left out. Uploads that are not whole are not copied.
fn contents(from: &Path, to: &Path) -> Result<u64> {
    let entries = match fs::read_dir(from) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        entries => entries.map_err(io(from))?,
    };
    let mut bytes = 0;
    for entry in entries {
        let entry = entry.map_err(io(from))?;
        let (source, copy) = (entry.path(), to.join(entry.file_name()));
        let Ok(meta) = entry.metadata() else { continue };
        // Contents never change, as segments do not; one from an earlier try is the same.
        if !meta.is_file() || copy.exists() {
            continue;
        }
        match fs::hard_link(&source, &copy).or_else(|_| copy_file(&source, &copy)) {
            Err(_) if !source.exists() => {}
            linked => {
                linked.map_err(io(&copy))?;
                bytes += meta.len();
            }
        }
    }
    sync_directory(to)?;
    Ok(bytes)
}

fn sync_directory(path: &Path) -> Result<()> {
    fs::File::open(path).and_then(|dir| dir.sync_all()).map_err(io(path))
}

/// One attempt at a copy. `false`: the log's segments changed under it.
pub(super) fn attempt(
    shared: &Shared,
    to: &Path,
    progress: &(dyn Fn(u64, u64) + Send + Sync),
) -> Attempt<bool> {
    let view = shared.snapshot()?;
    let log = match shared.log.at(view.transaction()) {
        Ok(log) => log,
        Err(LogError::Moved) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let sealed = log.segments();
    if !segments(shared.dir(), to, &sealed)? {
        return Ok(false);
    }
    let mut sealed: u64 = sealed.iter().map(|segment| segment.bytes).sum();
    // After the snapshot: what it names is there, unless it was deleted since.
    sealed += contents(&shared.dir().join(FILES_DIRECTORY), &to.join(FILES_DIRECTORY))?;
    let all = sealed + shared.main.bytes();
    let mut done = sealed;
    tables(&view, to, &mut |bytes| {
        done += bytes;
        progress(done.min(all), all);
    })?;
    progress(all, all);
    Ok(true)
}

/// Copies every table that a snapshot sees into a new main file; `count` is told
/// of bytes.
pub(super) fn tables(view: &Snapshot, to: &Path, count: &mut dyn FnMut(u64)) -> Attempt<()> {
    let db = Database::builder().set_cache_size(CACHE).create(to.join(MAIN_FILE))?;
    for table in Table::ALL {
        let Some(source) = tree::read(view.transaction(), *table)? else { continue };
        let mut from = Bound::Unbounded;
        loop {
            let txn = db.begin_write()?;
            let mut written = 0;
            {
                let mut copy = tree::write(&txn, *table)?;
                let span = (from, Bound::Unbounded);
                let mut last = Vec::new();
                source.scan(&span, Order::Ascending, &mut |key, value| {
                    copy.put(key, value)?;
                    count((key.len() + value.len()) as u64);
                    written += 1;
                    last.clear();
                    last.extend_from_slice(key);
                    Ok(written < COMMIT_ROWS)
                })?;
                from = Bound::Excluded(last);
            }
            txn.commit()?;
            if written < COMMIT_ROWS {
                break;
            }
        }
    }
    let mut txn = db.begin_write()?;
    txn.set_quick_repair(true);
    copy_open_part(view.transaction(), &txn)?;
    txn.commit()?;
    db.close()?;
    sync_directory(to)?;
    Ok(())
}

/// Makes a store in `to` from a copy in `from`. What is scheduled in it may have
/// been sent since the copy was taken, so it is marked as restored at `at`, and
/// sends nothing until somebody releases it.
///
/// # Errors
/// Where `to` has a store already, or `from` has none.
pub fn restore(from: &Path, to: &Path, at: Timestamp) -> Result<()> {
    let source = from.join(MAIN_FILE);
    if !source.exists() {
        return Err(StoreError::Io(format!("{} holds no copy of a store", from.display())));
    }
    make_directory(to)?;
    let main = to.join(MAIN_FILE);
    if main.exists() {
        return Err(StoreError::Io(format!(
            "there is a store in {} already: restore into an empty directory",
            to.display()
        )));
    }
    let log = to.join(LOG_DIRECTORY);
    make_directory(&log)?;
    let segments = from.join(LOG_DIRECTORY);
    if segments.exists() {
        for entry in fs::read_dir(&segments).map_err(io(&segments))? {
            let entry = entry.map_err(io(&segments))?;
            let copy = log.join(entry.file_name());
            copy_file(&entry.path(), &copy).map_err(io(&copy))?;
        }
    }
    let files = to.join(FILES_DIRECTORY);
    make_directory(&files)?;
    copies_of(&from.join(FILES_DIRECTORY), &files)?;
    let key = from.join(KEY_FILE);
    if key.exists() {
        copy_file(&key, &to.join(KEY_FILE)).map_err(io(&to.join(KEY_FILE)))?;
    }
    // The main file last and under its name at the end: until then there is no store.
    let partial = to.join("restoring");
    copy_file(&source, &partial).map_err(io(&partial))?;
    mark_restored(&partial, at).map_err(Fail::into_error)?;
    fs::rename(&partial, &main).map_err(io(&main))?;
    sync_directory(&log)?;
    sync_directory(to)
}

fn copy_file(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::copy(from, to)?;
    fs::File::open(to)?.sync_all()
}

/// Copies the files of a directory, if there is one; never links, so that the copy stays as it is.
fn copies_of(from: &Path, to: &Path) -> Result<()> {
    let entries = match fs::read_dir(from) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(io(from))?,
    };
    for entry in entries {
        let entry = entry.map_err(io(from))?;
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let copy = to.join(entry.file_name());
            copy_file(&entry.path(), &copy).map_err(io(&copy))?;
        }
    }
    sync_directory(to)
}

fn mark_restored(main: &Path, at: Timestamp) -> Attempt<()> {
    let db = Database::builder().set_cache_size(CACHE).open(main)?;
    super::schema::is_old(super::schema::version(&db)?, super::schema::SCHEMA)?;
    let mut txn = db.begin_write()?;
    txn.set_quick_repair(true);
    {
        let mut meta = tree::write(&txn, Table::Meta)?;
        let flags = get_from(&*meta, tx::FLAGS, super::record::decode::<Flags>)?.transpose()?;
        let flags = Flags { restored: Some(at), ..flags.unwrap_or_default() };
        meta.put(tx::FLAGS, &super::record::encode(&flags))?;
    }
    txn.commit()?;
    db.close()?;
    Ok(())
}
