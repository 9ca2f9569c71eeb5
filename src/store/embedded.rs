//! The store of one machine: a redb file, the log's segments beside it, and one
//! writer that commits in groups.
//!
//! ```text
//! callers → channel → writer: run the group · write its number · commit · answer
//! readers → snapshot, in a blocking thread, dropped before they answer
//! ```

mod calls;
mod candidates;
mod chores;
mod fail;
mod history;
mod ids;
mod imports;
mod journal;
mod list;
mod memory;
mod messages;
mod people;
mod plain;
mod plan;
mod providers;
mod record;
mod rows;
mod subscriptions;
mod table;
mod tx;
mod waiting;
mod writer;

pub use memory::Memory;

use crate::domain::time::{Clock, SystemClock};
use crate::store::error::{Result, StoreError};
use crate::store::history::{Changes, StoreHealth};
use crate::store::seal::{KeySource, SealingKey, fill};
use fail::{Attempt, DiskFailure, Fail};
use redb::{Database, WriteTransaction};
use rows::Rows;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, mpsc};
use std::time::Duration;
use table::{Snapshot, Table, View as _};
use tokio::sync::watch;
use tx::{Touched, Tx};
use writer::{Class, Operation, Writer};

/// The name of the main file.
const MAIN_FILE: &str = "herald.redb";
/// The name of the reserve.
const RESERVE_FILE: &str = "reserve";
/// The version of the tables; one more with each migration.
const SCHEMA: u32 = 1;
const SCHEMA_KEY: &[u8] = b"schema";
const INSTALL_KEY: &[u8] = b"install";

/// Where the main file is.
#[derive(Debug, Clone, Default)]
pub enum Storage {
    /// In the data directory.
    #[default]
    Directory,
    /// In memory.
    Memory(Memory),
}

/// How commits are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriterMode {
    /// One thread commits groups, this far apart at most while there is work.
    Threaded(Duration),
    /// Each operation commits in its caller, and reads happen there too: for
    /// tests under a paused clock.
    Inline,
}

/// How the store is opened.
#[derive(Clone)]
pub struct Options {
    /// Bytes that redb may cache.
    pub cache_bytes: usize,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// How commits are made.
    pub writer: WriterMode,
    /// Where the main file is.
    pub storage: Storage,
    /// Where the sealing key comes from.
    pub key: KeySource,
    /// Bytes kept free for recording when the disk is full; 0: none.
    pub reserve_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache_bytes: 64 << 20,
            clock: Arc::new(SystemClock),
            writer: WriterMode::Threaded(Duration::from_millis(20)),
            storage: Storage::Directory,
            key: KeySource::Found,
            reserve_bytes: 8 << 20,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("cache_bytes", &self.cache_bytes)
            .field("writer", &self.writer)
            .field("storage", &self.storage)
            .field("reserve_bytes", &self.reserve_bytes)
            .finish_non_exhaustive()
    }
}

impl Options {
    /// A store in memory whose operations commit in their callers: deterministic
    /// under a paused clock. A clone of `memory` opens the same store again.
    pub fn in_memory(memory: Memory, clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            writer: WriterMode::Inline,
            storage: Storage::Memory(memory),
            key: KeySource::Given(SealingKey::fixed([7; 32])),
            reserve_bytes: 0,
            ..Self::default()
        }
    }
}

/// What the writer, readers and callers share.
struct Shared {
    dir: PathBuf,
    storage: Storage,
    cache_bytes: usize,
    clock: Arc<dyn Clock>,
    db: RwLock<Option<Database>>,
    changes: watch::Sender<Changes>,
    health: watch::Sender<StoreHealth>,
    /// Why the reserve is given up, while it is.
    tight: Mutex<Option<String>>,
    reserve_bytes: u64,
    closing: AtomicBool,
}

impl Shared {
    fn database(&self) -> Result<Database, redb::DatabaseError> {
        let mut builder = Database::builder();
        builder.set_cache_size(self.cache_bytes);
        match &self.storage {
            Storage::Directory => builder.create(self.dir.join(MAIN_FILE)),
            Storage::Memory(memory) => builder.create_with_backend(memory.clone()),
        }
    }

    fn closed(&self) -> Fail {
        if self.is_closing() {
            StoreError::Closed.into()
        } else {
            let cause = match &*self.health.borrow() {
                StoreHealth::Suspended { cause, .. } => cause.clone(),
                StoreHealth::Well => "the main file is closed".to_owned(),
            };
            StoreError::Suspended { cause }.into()
        }
    }

    fn begin_write(&self) -> Attempt<WriteTransaction> {
        let db = self.db.read().unwrap_or_else(PoisonError::into_inner);
        let db = db.as_ref().ok_or_else(|| {
            Fail::Disk(DiskFailure { cause: "the main file is closed".to_owned(), full: false })
        })?;
        let mut txn = db.begin_write()?;
        txn.set_quick_repair(true);
        Ok(txn)
    }

    fn snapshot(&self) -> Attempt<Snapshot> {
        let db = self.db.read().unwrap_or_else(PoisonError::into_inner);
        let db = db.as_ref().ok_or_else(|| self.closed())?;
        use redb::ReadableDatabase as _;
        Ok(Snapshot::new(db.begin_read()?))
    }

    /// Writes the group's log rows, commits, and says what changed.
    fn commit(&self, txn: WriteTransaction, rows: &Rows, touched: Touched) -> Attempt<()> {
        let next = if rows.is_empty() { None } else { Some(plain::append(&txn, &rows.entries())?) };
        txn.commit()?;
        self.changes.send_modify(|changes| {
            touched.count(changes);
            if let Some(next) = next {
                changes.log = next;
            }
        });
        Ok(())
    }

    /// Whether the log waits for a commit of its own.
    #[allow(clippy::unused_self)]
    fn log_waits(&self) -> bool {
        false
    }

    /// Opens the main file again; true: the group of this number had landed.
    fn mend(&self, failure: &DiskFailure, group: u64) -> Result<bool, DiskFailure> {
        if failure.full {
            self.give_up_reserve(&failure.cause);
        }
        let mut db = self.db.write().unwrap_or_else(PoisonError::into_inner);
        drop(db.take());
        let opened = self.database().map_err(|error| DiskFailure::from(&redb::Error::from(error)))?;
        let landed = {
            use redb::ReadableDatabase as _;
            let txn = opened.begin_read().map_err(|error| DiskFailure::from(&redb::Error::from(error)))?;
            let counts = Snapshot::new(txn).get(Table::Meta, tx::COUNTS, record::decode::<record::Counts>);
            match counts {
                Ok(Some(Ok(counts))) => counts.group == group,
                Ok(None) => false,
                Ok(Some(Err(fail))) | Err(fail) => {
                    return Err(match fail {
                        Fail::Disk(failure) => failure,
                        Fail::Refused(error) => DiskFailure { cause: error.to_string(), full: false },
                    });
                }
            }
        };
        *db = Some(opened);
        Ok(landed && group > 0)
    }

    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    fn tight_cause(&self) -> Option<String> {
        self.tight.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_tight(&self) -> bool {
        self.tight_cause().is_some()
    }

    fn reserve_path(&self) -> Option<PathBuf> {
        (self.reserve_bytes > 0 && matches!(self.storage, Storage::Directory))
            .then(|| self.dir.join(RESERVE_FILE))
    }

    fn give_up_reserve(&self, cause: &str) {
        let Some(path) = self.reserve_path() else { return };
        let mut tight = self.tight.lock().unwrap_or_else(PoisonError::into_inner);
        if tight.is_none() && std::fs::remove_file(&path).is_ok() {
            tracing::warn!(cause, "the disk is full: the reserve is given up, only outcomes are recorded");
            *tight = Some(cause.to_owned());
        }
    }

    /// Takes the reserve; false: there is no space for it.
    fn take_reserve(&self) -> bool {
        let Some(path) = self.reserve_path() else { return true };
        if std::fs::metadata(&path).is_ok_and(|file| file.len() >= self.reserve_bytes) {
            return true;
        }
        // Twice the space, so that taking it does not bring the next failure.
        let free = free_space(&self.dir).map_or(0, |(free, _)| free);
        if free < 2 * self.reserve_bytes {
            return false;
        }
        let written = std::fs::File::create(&path).and_then(|mut file| {
            use std::io::Write as _;
            let zeros = vec![0; 64 << 10];
            let mut left = self.reserve_bytes;
            while left > 0 {
                let len = left.min(zeros.len() as u64);
                file.write_all(&zeros[..len as usize])?;
                left -= len;
            }
            file.sync_all()
        });
        if written.is_err() {
            // What was written of it is given back.
            let _ = std::fs::remove_file(&path);
        }
        written.is_ok()
    }

    /// Takes the reserve back when there is space again.
    fn look_for_space(&self) {
        if self.is_tight() && self.take_reserve() {
            *self.tight.lock().unwrap_or_else(PoisonError::into_inner) = None;
            self.recovered();
        }
    }

    fn shut(&self) {
        self.closing.store(true, Ordering::Relaxed);
        let db = self.db.write().unwrap_or_else(PoisonError::into_inner).take();
        drop(db);
    }
}

/// Free and total bytes of the disk under a path.
fn free_space(path: &Path) -> Option<(u64, u64)> {
    let stat = rustix::fs::statvfs(path).ok()?;
    Some((stat.f_bavail.saturating_mul(stat.f_frsize), stat.f_blocks.saturating_mul(stat.f_frsize)))
}

/// How operations reach the writer.
enum Door {
    Thread { orders: mpsc::Sender<writer::Order>, thread: Mutex<Option<std::thread::JoinHandle<()>>> },
    Inline(Box<tokio::sync::Mutex<Writer>>),
}

/// The store of one machine.
pub struct Embedded {
    shared: Arc<Shared>,
    door: Door,
    sealing: Arc<SealingKey>,
    install_id: String,
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedded").field("dir", &self.shared.dir).finish_non_exhaustive()
    }
}

impl Embedded {
    /// Opens the store in a directory, or makes it there.
    ///
    /// # Errors
    /// [`StoreError::Locked`], [`StoreError::TooNew`], [`StoreError::Sealed`],
    /// [`StoreError::Damaged`], [`StoreError::Io`].
    pub fn open(dir: &Path, options: Options) -> Result<Self> {
        if matches!(options.storage, Storage::Directory) {
            make_directory(dir)?;
        }
        let shared = Arc::new(Shared {
            dir: dir.to_owned(),
            storage: options.storage,
            cache_bytes: options.cache_bytes,
            clock: options.clock,
            db: RwLock::new(None),
            changes: watch::Sender::new(Changes::default()),
            health: watch::Sender::new(StoreHealth::Well),
            tight: Mutex::new(None),
            reserve_bytes: options.reserve_bytes,
            closing: AtomicBool::new(false),
        });
        let db = shared.database().map_err(|error| match error {
            redb::DatabaseError::DatabaseAlreadyOpen => StoreError::Locked(dir.display().to_string()),
            other => Fail::from(other).into_error(),
        })?;
        let (install_id, fresh) = prepare(&db).map_err(Fail::into_error)?;
        *shared.db.write().unwrap_or_else(PoisonError::into_inner) = Some(db);
        let sealing = match options.key {
            KeySource::Given(key) => key,
            KeySource::Found => {
                let unused = fresh
                    || shared
                        .snapshot()
                        .and_then(|mut view| view.len(Table::Credentials))
                        .map_err(Fail::into_error)?
                        == 0;
                SealingKey::find(dir, unused)?
            }
        };
        let txn = shared.snapshot().map_err(Fail::into_error)?;
        let (_, next, _) = plain::extent(txn.transaction()).map_err(Fail::into_error)?;
        shared.changes.send_modify(|changes| changes.log = next);
        drop(txn);
        if !shared.take_reserve() {
            tracing::warn!("the disk is nearly full: there is no space for the reserve");
            *shared.tight.lock().unwrap_or_else(PoisonError::into_inner) =
                Some("the disk is nearly full".to_owned());
            shared.suspend(&DiskFailure { cause: "the disk is nearly full".to_owned(), full: true });
        }
        let writer = Writer::new(Arc::clone(&shared));
        let door = match options.writer {
            WriterMode::Inline => Door::Inline(Box::new(tokio::sync::Mutex::new(writer))),
            WriterMode::Threaded(longest) => {
                let (orders, receiver) = mpsc::channel();
                let thread = std::thread::Builder::new()
                    .name("store-writer".to_owned())
                    .spawn(move || writer.run(&receiver, longest))
                    .map_err(|error| StoreError::Io(error.to_string()))?;
                Door::Thread { orders, thread: Mutex::new(Some(thread)) }
            }
        };
        Ok(Self { shared, door, sealing: Arc::new(sealing), install_id })
    }

    /// Runs an operation in a group, and answers when that is durable.
    async fn write<R: Send + 'static>(
        &self,
        class: Class,
        run: impl FnMut(&mut Tx<'_>) -> Attempt<R> + Send + 'static,
    ) -> Result<R> {
        if self.shared.is_closing() {
            return Err(StoreError::Closed);
        }
        if let StoreHealth::Suspended { cause, .. } = &*self.shared.health.borrow()
            && (class == Class::Growth || !self.shared.is_tight())
        {
            return Err(StoreError::Suspended { cause: cause.clone() });
        }
        let (job, answer) = Operation::new(class, run);
        match &self.door {
            Door::Thread { orders, .. } => {
                orders.send(writer::Order::Work(job)).map_err(|_| StoreError::Closed)?;
            }
            Door::Inline(writer) => writer.lock().await.inline(job).await,
        }
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Runs a reading operation on a snapshot.
    async fn read<R: Send + 'static>(
        &self,
        run: impl FnOnce(&mut Snapshot) -> Attempt<R> + Send + 'static,
    ) -> Result<R> {
        if self.shared.is_closing() {
            return Err(StoreError::Closed);
        }
        let shared = Arc::clone(&self.shared);
        let read = move || shared.snapshot().and_then(|mut view| run(&mut view)).map_err(Fail::into_error);
        match &self.door {
            Door::Inline(_) => read(),
            Door::Thread { .. } => tokio::task::spawn_blocking(read)
                .await
                .map_err(|error| StoreError::Io(format!("a read was interrupted: {error}")))?,
        }
    }

    /// Commits what is pending and closes the main file.
    async fn shut(&self) {
        match &self.door {
            Door::Inline(writer) => {
                let _writer = writer.lock().await;
                self.shared.shut();
            }
            Door::Thread { orders, thread } => {
                let (done, closed) = tokio::sync::oneshot::channel();
                if orders.send(writer::Order::Close(done)).is_ok() {
                    let suspended = *self.shared.health.borrow() != StoreHealth::Well;
                    if suspended {
                        // What waits for the disk would wait for ever.
                        self.shared.closing.store(true, Ordering::Relaxed);
                    }
                    let _ = closed.await;
                }
                let thread = thread.lock().unwrap_or_else(PoisonError::into_inner).take();
                if let Some(thread) = thread {
                    let _ = tokio::task::spawn_blocking(move || thread.join()).await;
                }
            }
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        if let Door::Thread { orders, thread } = &mut self.door {
            let (done, _closed) = tokio::sync::oneshot::channel();
            let _ = orders.send(writer::Order::Close(done));
            if *self.shared.health.borrow() != StoreHealth::Well {
                self.shared.closing.store(true, Ordering::Relaxed);
            }
            if let Some(thread) = thread.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
                let _ = thread.join();
            }
        }
    }
}

/// Makes the data directory, for its owner alone.
fn make_directory(dir: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|error| StoreError::Io(format!("{}: {error}", dir.display())))
}

/// Checks the version of an open file and gives a new one its name; says
/// whether it is new.
fn prepare(db: &Database) -> Attempt<(String, bool)> {
    let txn = db.begin_write()?;
    let mut tx = Tx::begin(&txn, false, Rows::default())?;
    let schema = tx.get(Table::Meta, SCHEMA_KEY, |bytes| table::short_at(bytes, 0))?;
    match schema {
        Some(found) if found > SCHEMA => Err(StoreError::TooNew { found, known: SCHEMA }.into()),
        Some(_) => {
            let name =
                tx.get(Table::Meta, INSTALL_KEY, |bytes| String::from_utf8_lossy(bytes).into_owned())?;
            drop(tx);
            txn.abort()?;
            Ok((name.ok_or_else(|| Fail::damaged("the store has no name"))?, false))
        }
        None => {
            let name = new_install_id()?;
            tx.put_raw(Table::Meta, SCHEMA_KEY, &SCHEMA.to_be_bytes())?;
            tx.put_raw(Table::Meta, INSTALL_KEY, name.as_bytes())?;
            tx.finish()?;
            drop(tx);
            txn.commit()?;
            Ok((name, true))
        }
    }
}

/// Eight random characters.
fn new_install_id() -> Result<String> {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0; 8];
    fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect())
}
