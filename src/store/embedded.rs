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
mod copies;
mod documents;
mod fail;
mod files;
#[cfg(test)]
mod golden;
mod history;
mod ids;
mod imports;
mod journal;
mod keyring;
mod list;
mod look;
mod memory;
mod messages;
mod migrations;
mod once;
mod people;
mod plan;
mod providers;
mod receipts;
mod record;
mod reserve;
mod rows;
mod schema;
mod shared;
mod subscriptions;
mod suppressions;
mod table;
mod tree;
mod tx;
mod unclaimed;
mod waiting;
mod writer;

pub use copies::restore;
pub use memory::Memory;

use crate::domain::time::{Clock, SystemClock};
use crate::store::disk::{Directory, Files, sim::Disk};
use crate::store::error::{Result, StoreError};
use crate::store::history::StoreHealth;
use crate::store::log::{BeginRead, Log};
use crate::store::seal::{KeySource, Sealing, SealingKey};
use fail::{Attempt, Fail};
use redb::ReadableDatabase as _;
use reserve::Reserve;
use shared::{Main, Shared};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;
use table::{Snapshot, Table, View as _};
use tx::Tx;
use writer::{Class, Operation, Writer};

/// The name of the main file.
const MAIN_FILE: &str = "herald.redb";
/// The directory of the log's segments.
const LOG_DIRECTORY: &str = "log";

/// Where the files are.
#[derive(Debug, Clone, Default)]
pub enum Storage {
    /// In the data directory.
    #[default]
    Directory,
    /// In memory.
    Memory(Memory),
    /// On a simulated disk, which can fail and lose power.
    Simulated(Disk),
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
    /// Rows of the delivery log that are sealed into a segment of their own.
    pub segment_rows: u64,
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
            segment_rows: crate::store::log::Options::default().seal_rows,
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

/// How operations reach the writer.
enum Door {
    Thread { orders: mpsc::Sender<writer::Order>, thread: Mutex<Option<std::thread::JoinHandle<()>>> },
    Inline(Box<tokio::sync::Mutex<Writer>>),
}

/// The store of one machine.
pub struct Embedded {
    shared: Arc<Shared>,
    door: Door,
    sealing: Sealing,
    install_id: String,
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedded").field("dir", &self.shared.dir()).finish_non_exhaustive()
    }
}

impl Embedded {
    /// Opens the store in a directory, or makes it there.
    ///
    /// # Errors
    /// [`StoreError::Locked`], [`StoreError::TooNew`], [`StoreError::Sealed`],
    /// [`StoreError::Damaged`], [`StoreError::Io`].
    pub fn open(dir: &Path, options: Options) -> Result<Self> {
        let files = Places::of(dir, &options.storage)?;
        let main = Main::new(dir.to_owned(), options.storage.clone(), options.cache_bytes);
        main.open().map_err(|error| match error {
            redb::DatabaseError::DatabaseAlreadyOpen => StoreError::Locked(dir.display().to_string()),
            other => Fail::from(other).into_error(),
        })?;
        main.migrate().map_err(Fail::into_error)?;
        let install_id = main.with(schema::install_id).map_err(Fail::into_error)?;
        let (orders, receiver) = mpsc::channel();
        let inline = options.writer == WriterMode::Inline;
        let log = open_log(&main, files.segments, &orders, inline, options.segment_rows)?;
        let reserve = Reserve::new(files.root, options.reserve_bytes);
        let shared = Arc::new(Shared::new(main, log, reserve, options.clock));
        let sealed = shared.snapshot().and_then(|mut view| view.len(Table::Credentials));
        let sealing = Sealing::find(dir, options.key, sealed.map_err(Fail::into_error)? == 0)?;
        shared.begin().map_err(Fail::into_error)?;
        let writer = Writer::new(Arc::clone(&shared));
        let door = match options.writer {
            WriterMode::Inline => Door::Inline(Box::new(tokio::sync::Mutex::new(writer))),
            WriterMode::Threaded(longest) => {
                let thread = std::thread::Builder::new()
                    .name("store-writer".to_owned())
                    .spawn(move || writer.run(&receiver, longest))
                    .map_err(|error| StoreError::Io(error.to_string()))?;
                Door::Thread { orders, thread: Mutex::new(Some(thread)) }
            }
        };
        Ok(Self { shared, door, sealing, install_id })
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
        let (job, answer) = Operation::waiting(class, run);
        match &self.door {
            Door::Thread { orders, .. } => {
                orders.send(writer::Order::Work(job)).map_err(|_| StoreError::Closed)?;
            }
            Door::Inline(writer) => writer.lock().await.inline(job).await,
        }
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// What the disk said last, while the store cannot write at all.
    fn suspended(&self) -> Option<String> {
        match &*self.shared.health.borrow() {
            StoreHealth::Suspended { cause, .. } if !self.shared.is_tight() => Some(cause.clone()),
            _ => None,
        }
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

    /// Runs a reading operation of the log.
    async fn read_log<R: Send + 'static>(
        &self,
        run: impl FnOnce() -> Attempt<R> + Send + 'static,
    ) -> Result<R> {
        self.read(move |_| run()).await
    }

    /// Commits what is pending, as far as the disk takes it, and closes the main file.
    async fn shut(&self) {
        match &self.door {
            Door::Inline(writer) => {
                if *self.shared.health.borrow() != StoreHealth::Well {
                    self.shared.close_soon();
                }
                let _writer = writer.lock().await;
                self.shared.shut();
            }
            Door::Thread { orders, thread } => {
                let (done, closed) = tokio::sync::oneshot::channel();
                // What waits for the disk would wait for ever: the writer hears of it and gives up.
                if orders.send(writer::Order::Close(done)).is_ok() {
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

/// Where the segments and the reserve are.
struct Places {
    segments: Arc<dyn Files>,
    root: Option<Arc<dyn Files>>,
}

impl Places {
    fn of(dir: &Path, storage: &Storage) -> Result<Self> {
        let directory = |path: &Path| {
            Directory::create(path).map_err(|error| StoreError::Io(format!("{}: {error}", path.display())))
        };
        Ok(match storage {
            Storage::Directory => {
                make_directory(dir)?;
                Self {
                    segments: Arc::new(directory(&dir.join(LOG_DIRECTORY))?),
                    root: Some(Arc::new(directory(dir)?)),
                }
            }
            Storage::Memory(memory) => Self { segments: Arc::new(memory.segments.clone()), root: None },
            Storage::Simulated(disk) => {
                Self { segments: Arc::new(disk.clone()), root: Some(Arc::new(disk.clone())) }
            }
        })
    }
}

/// Opens the log that stands partly in the main file.
fn open_log(
    main: &Main,
    segments: Arc<dyn Files>,
    orders: &mpsc::Sender<writer::Order>,
    inline: bool,
    seal_rows: u64,
) -> Result<Log> {
    let db = main.handle();
    let begin: BeginRead = Arc::new(move || {
        let db = db.read().unwrap_or_else(PoisonError::into_inner);
        let db = db.as_ref().ok_or(redb::Error::DatabaseClosed)?;
        Ok(db.begin_read()?)
    });
    let orders = orders.clone();
    let defaults = crate::store::log::Options::default();
    let options = crate::store::log::Options {
        seal_rows,
        most_rows: defaults.most_rows.max(4 * seal_rows),
        threads: !inline,
        // A writer that is gone has nothing to be woken for.
        on_ready: Some(Arc::new(move || drop(orders.send(writer::Order::Wake)))),
        ..defaults
    };
    Log::open(segments, begin, options).map_err(|error| Fail::from(error).into_error())
}
