//! What the writer, readers and callers share: the main file, the log, and
//! whether the store takes writes.

use super::fail::{Attempt, DiskFailure, Fail};
use super::keyring::Keyring;
use super::memory::Memory;
use super::reserve::Reserve;
use super::rows::Rows;
use super::table::{Snapshot, Table, View as _};
use super::tx::Touched;
use super::{MAIN_FILE, Storage, record, schema, tx};
use crate::domain::delivery::Outcome;
use crate::domain::ids::ProviderNo;
use crate::domain::time::{Clock, Timestamp};
use crate::store::disk::Room;
use crate::store::error::{Result, StoreError};
use crate::store::history::{Changes, StoreHealth};
use crate::store::log::{Log, Retention};
use redb::{Database, ReadableDatabase as _, WriteTransaction};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;
use tokio::sync::watch;

/// The main file is small while it is at most this long, in bytes. Then every
/// commit saves what makes the next opening instant; that costs with the length,
/// so a longer one does it when nothing more waits.
const SMALL: u64 = 2 << 30;

/// The main file while it is open.
type Handle = Arc<RwLock<Option<Database>>>;

/// The main file, which can be opened again.
pub(super) struct Main {
    dir: PathBuf,
    storage: Storage,
    cache_bytes: usize,
    db: Handle,
}

impl Main {
    /// The main file of a directory, not open yet.
    pub(super) fn new(dir: PathBuf, storage: Storage, cache_bytes: usize) -> Self {
        Self { dir, storage, cache_bytes, db: Handle::default() }
    }

    /// What is open, for readers of their own.
    pub(super) fn handle(&self) -> Handle {
        Arc::clone(&self.db)
    }

    fn database(&self) -> Result<Database, redb::DatabaseError> {
        let mut builder = Database::builder();
        builder.set_cache_size(self.cache_bytes);
        match &self.storage {
            Storage::Directory => builder.create(self.dir.join(MAIN_FILE)),
            Storage::Memory(memory) => builder.create_with_backend(Memory::main(memory)),
            Storage::Simulated(disk) => builder.create_with_backend(disk.backend(MAIN_FILE)),
        }
    }

    /// Opens it.
    pub(super) fn open(&self) -> Result<(), redb::DatabaseError> {
        let mut db = self.db.write().unwrap_or_else(PoisonError::into_inner);
        // Closed before it is opened again: it is locked.
        drop(db.take());
        *db = Some(self.database()?);
        Ok(())
    }

    /// Closes it.
    fn close(&self) {
        drop(self.db.write().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Does something with it; `None` while it is closed.
    fn try_with<R>(&self, run: impl FnOnce(&Database) -> Attempt<R>) -> Option<Attempt<R>> {
        self.db.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(run)
    }

    /// Does something with it.
    pub(super) fn with<R>(&self, run: impl FnOnce(&Database) -> Attempt<R>) -> Attempt<R> {
        let closed = || DiskFailure { cause: "the main file is closed".to_owned(), full: false };
        self.try_with(run).unwrap_or_else(|| Err(Fail::Disk(closed())))
    }

    /// Brings an older file to this version, after a copy of it was put beside it.
    pub(super) fn migrate(&self) -> Attempt<()> {
        let found = self.with(schema::version)?;
        if !schema::is_old(found, schema::SCHEMA)? {
            return Ok(());
        }
        let found = found.unwrap_or_default();
        if matches!(self.storage, Storage::Directory) {
            self.close();
            let copy = self.dir.join(format!("{MAIN_FILE}.v{found}"));
            let main = self.dir.join(MAIN_FILE);
            std::fs::copy(&main, &copy)?;
            std::fs::File::open(&copy)?.sync_all()?;
            tracing::info!(copy = %copy.display(), "the store is migrated; this is a copy of the older one");
            self.open()?;
        }
        self.with(|db| schema::migrate(db, found, schema::SCHEMA, schema::MIGRATIONS))
    }

    /// Its length in bytes; 0 where it is not in a directory.
    pub(super) fn bytes(&self) -> u64 {
        match &self.storage {
            Storage::Directory => std::fs::metadata(self.dir.join(MAIN_FILE)).map_or(0, |file| file.len()),
            Storage::Memory(_) | Storage::Simulated(_) => 0,
        }
    }

    /// The room on the disk it is on.
    pub(super) fn room(&self) -> Option<Room> {
        if !matches!(self.storage, Storage::Directory) {
            return None;
        }
        Room::of(&self.dir).ok()
    }
}

/// See the module.
pub(super) struct Shared {
    /// The main file.
    pub(super) main: Main,
    /// The delivery log.
    pub(super) log: Log,
    reserve: Reserve,
    /// Keys that were asked for.
    pub(super) keyring: Keyring,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) changes: watch::Sender<Changes>,
    pub(super) health: watch::Sender<StoreHealth>,
    /// The due time at the head of the schedule, as of the last commit; so that a
    /// tick with nothing due costs no look into the file.
    head: Mutex<Option<Timestamp>>,
    /// Bytes of the main file, looked up now and then.
    length: AtomicU64,
    /// Microseconds that commits took.
    commit_micros: AtomicU64,
    /// Rows of the log by provider and outcome, since the store was opened.
    outcomes: Mutex<BTreeMap<ProviderNo, [u64; Outcome::ALL.len()]>>,
    closing: AtomicBool,
}

impl Shared {
    /// Of an open main file and its log.
    pub(super) fn new(main: Main, log: Log, reserve: Reserve, clock: Arc<dyn Clock>) -> Self {
        Self {
            main,
            log,
            reserve,
            keyring: Keyring::default(),
            clock,
            changes: watch::Sender::new(Changes::default()),
            health: watch::Sender::new(StoreHealth::Well),
            head: Mutex::new(None),
            length: AtomicU64::new(0),
            commit_micros: AtomicU64::new(0),
            outcomes: Mutex::default(),
            closing: AtomicBool::new(false),
        }
    }

    /// Takes the reserve and notes where the log stands.
    pub(super) fn begin(&self) -> Attempt<()> {
        let next = self.log.snapshot()?.next_seq();
        self.changes.send_modify(|changes| changes.log = next);
        self.note_head()?;
        self.length.store(self.main.bytes(), Ordering::Relaxed);
        if !self.reserve.take(self.free()) {
            let cause = "the disk is nearly full".to_owned();
            self.reserve.is_missing(&cause);
            self.suspend(&DiskFailure { cause, full: true });
        }
        Ok(())
    }

    /// The due time at the head of the schedule.
    pub(super) fn head(&self) -> Option<Timestamp> {
        *self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_head(&self) -> Attempt<()> {
        let head = super::messages::next_due(&mut self.snapshot()?)?;
        *self.head.lock().unwrap_or_else(PoisonError::into_inner) = head;
        Ok(())
    }

    /// The directory of the files.
    pub(super) fn dir(&self) -> &Path {
        &self.main.dir
    }

    /// Whether the files are in a directory.
    pub(super) fn is_on_disk(&self) -> bool {
        matches!(self.main.storage, Storage::Directory)
    }

    fn free(&self) -> Option<u64> {
        self.main.room().map(|room| room.free)
    }

    /// Begins the transaction of a group.
    pub(super) fn begin_write(&self) -> Attempt<WriteTransaction> {
        self.main.with(|db| Ok(db.begin_write()?))
    }

    /// What readers see now.
    pub(super) fn snapshot(&self) -> Attempt<Snapshot> {
        let read = self.main.try_with(|db| Ok(Snapshot::new(db.begin_read()?)));
        read.unwrap_or_else(|| {
            if self.is_closing() {
                return Err(StoreError::Closed.into());
            }
            let cause = match &*self.health.borrow() {
                StoreHealth::Suspended { cause, .. } => cause.clone(),
                StoreHealth::Well => "the main file is being opened again".to_owned(),
            };
            Err(StoreError::Suspended { cause }.into())
        })
    }

    /// Microseconds that commits took so far.
    pub(super) fn commit_micros(&self) -> u64 {
        self.commit_micros.load(Ordering::Relaxed)
    }

    /// Rows that the log got since the store was opened, by provider and outcome.
    pub(super) fn outcomes(&self) -> BTreeMap<ProviderNo, [u64; Outcome::ALL.len()]> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes a group's log rows, commits, and says what has changed. `idle`: nothing more waits.
    pub(super) fn commit(
        &self,
        mut txn: WriteTransaction,
        rows: &Rows,
        keep: Option<Retention>,
        touched: Touched,
        idle: bool,
    ) -> Attempt<()> {
        let mut change = self.log.begin();
        if !rows.is_empty() {
            change.append(&txn, &rows.entries())?;
        }
        change.maintain(&txn)?;
        if let Some(keep) = keep {
            change.retain(&txn, keep)?;
        }
        let next = change.next_seq();
        let prepared = change.finish(&txn)?;
        // Two phases always: message bodies come from outside, and with one phase a
        // commit is believed because of a checksum that whoever writes them can match.
        txn.set_two_phase_commit(true);
        txn.set_quick_repair(idle || self.length.load(Ordering::Relaxed) <= SMALL);
        let begun = Instant::now();
        txn.commit()?;
        self.commit_micros.fetch_add(begun.elapsed().as_micros() as u64, Ordering::Relaxed);
        prepared.publish();
        if !rows.is_empty() {
            rows.tally(&mut self.outcomes.lock().unwrap_or_else(PoisonError::into_inner));
        }
        if touched.keys {
            self.keyring.forget();
        }
        if touched.schedule {
            // What is durable must not be replayed because it cannot be looked at.
            if let Err(fail) = self.note_head() {
                tracing::warn!(
                    ?fail,
                    "the head of the schedule cannot be read; the next tick looks into the file"
                );
                *self.head.lock().unwrap_or_else(PoisonError::into_inner) = Some(Timestamp(i64::MIN));
            }
        }
        self.changes.send_modify(|changes| {
            touched.count(changes);
            changes.log = next;
            if changes.commits % 256 == 0 {
                self.length.store(self.main.bytes(), Ordering::Relaxed);
            }
        });
        Ok(())
    }

    /// Opens the main file again after a failure; true: the group of this number had landed.
    pub(super) fn mend(&self, failure: &DiskFailure, group: u64) -> Result<bool, DiskFailure> {
        if failure.full {
            self.reserve.give_up(&failure.cause);
        }
        self.main.open().map_err(|error| Fail::from(error).into_failure())?;
        let landed = self.main.with(|db| {
            let mut view = Snapshot::new(db.begin_read()?);
            let counts = view.get(Table::Meta, tx::COUNTS, record::decode::<record::Counts>)?.transpose()?;
            Ok(counts.is_some_and(|counts| counts.group == group && group > 0))
        });
        let landed = landed.map_err(Fail::into_failure)?;
        self.log.reload().map_err(|error| Fail::from(error).into_failure())?;
        self.note_head().map_err(Fail::into_failure)?;
        self.keyring.forget();
        if landed {
            let next = self.log.snapshot().map_err(|error| Fail::from(error).into_failure())?.next_seq();
            // It is not known any more what the group touched, so everything counts as touched.
            let all = Touched {
                people: true,
                topics: true,
                providers: true,
                messages: true,
                schedule: true,
                plans: true,
                documents: true,
                keys: true,
            };
            self.changes.send_modify(|changes| {
                all.count(changes);
                changes.log = next;
            });
        }
        Ok(landed)
    }

    /// Why only what must be recorded is written, while that is so.
    pub(super) fn tight_cause(&self) -> Option<String> {
        self.reserve.cause()
    }

    /// Whether only what must be recorded is written.
    pub(super) fn is_tight(&self) -> bool {
        self.reserve.cause().is_some()
    }

    /// Takes the reserve back when there is space again.
    pub(super) fn look_for_space(&self) {
        if self.is_tight() && self.reserve.take(self.free()) {
            self.recovered();
        }
    }

    /// Whether the store is closed, or about to be.
    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// What waits for the disk is given up, so that the store can close.
    pub(super) fn close_soon(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// Closes the main file.
    pub(super) fn shut(&self) {
        self.close_soon();
        self.main.close();
    }

    /// Says that the store does not take writes.
    pub(super) fn suspend(&self, failure: &DiskFailure) {
        let since = self.clock.now();
        self.health.send_if_modified(|health| match health {
            StoreHealth::Suspended { cause, .. } if *cause == failure.cause => false,
            StoreHealth::Suspended { cause, .. } => {
                cause.clone_from(&failure.cause);
                true
            }
            StoreHealth::Well => {
                tracing::error!(cause = failure.cause, "the store cannot write; it tries again by itself");
                *health = StoreHealth::Suspended { cause: failure.cause.clone(), since };
                true
            }
        });
    }

    /// Says that the store takes writes again, unless its reserve is still given up.
    pub(super) fn recovered(&self) {
        if self.is_tight() {
            return;
        }
        self.health.send_if_modified(|health| {
            let was = *health != StoreHealth::Well;
            if was {
                tracing::info!("the store writes again");
                *health = StoreHealth::Well;
            }
            was
        });
    }
}
