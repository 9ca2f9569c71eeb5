//! The delivery log: every attempt at every delivery, one row each, in the order
//! it was recorded, with look-ups by whatever people ask for.
//!
//! Rows are numbered by one sequence and only ever appended. The newest, the
//! *tail*, are packed blocks in the main file, written in the transaction that
//! records the outcomes; their columns are also in memory, where look-ups scan
//! them. When the tail is long enough it is *sealed* in the background: written
//! to a file of its own with sorted look-ups, synced, and put in the place of its
//! rows by a later transaction of the writer. Neighbouring segments are merged, so
//! that a look-up asks few. Nothing of this is felt by the writer, whose cost per
//! row does not depend on how many there are.
//!
//! ```text
//! writer:  begin → append, maintain, retain → finish → (commit) → publish
//! readers: snapshot → page
//! ```
//!
//! **A reader sees exactly what its snapshot of the main file has.** Each commit
//! that changes the log writes a generation; the view that belongs to it is known
//! before the commit, and a reader picks the view by the generation that it finds.
//!
//! **A power cut leaves one state or the other.** Which segments there are and
//! where the tail begins stands in the main file alone. A segment is synced, under
//! its final name, before a transaction speaks of it, and removed only after one
//! has committed that does not. Files of which none speaks are removed after a start.
//!
//! Rows name people by numbers only, so erasing a person never touches a segment.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use redb::ReadTransaction;

use crate::store::disk::Files;

mod block;
mod build;
mod candidates;
mod change;
mod error;
mod look;
mod page;
mod reader;
mod row;
mod segment;
mod tail;
mod view;
mod work;

pub use build::LONGEST_PAYLOAD;
pub use change::{Change, Prepared, Retention};
pub use error::{LogError, Result};
pub use look::{Cursor, Filter, Lookup, Order, Page, Query, Snapshot};
pub use row::{Columns, Entry, Row};
pub use segment::SegmentInfo;

use view::{State, View};
use work::{Jobs, Kind};

/// Views kept for readers whose snapshot is a little older.
const VIEWS: usize = 32;

/// Copies what of the log stands in the main file, as `from` sees it, into
/// another main file; the sealed segments are files that the caller copies.
///
/// # Errors
/// The main files'.
pub fn copy_open_part(from: &ReadTransaction, to: &redb::WriteTransaction) -> Result<()> {
    view::copy(from, to)
}

/// Begins a read transaction of the main file.
pub type BeginRead = Arc<dyn Fn() -> std::result::Result<ReadTransaction, redb::Error> + Send + Sync>;

/// How the log works.
#[derive(Clone)]
pub struct Options {
    /// Rows of the tail that make a segment.
    pub seal_rows: u64,
    /// Rows that the tail may have while sealing fails; then appending is refused.
    pub most_rows: u64,
    /// Segments that a look-up may have to ask; merging keeps below.
    pub segments: usize,
    /// Bytes of a page of a look-up; at least 128.
    pub page_bytes: usize,
    /// How long background work rests, in percent of the time that it worked,
    /// unless it has piled up.
    pub rest_percent: u32,
    /// Whether threads of the log's own do the background work; else [`Log::work`] does.
    pub threads: bool,
    /// Called from a background thread when something waits for
    /// [`Change::maintain`]; the writer should commit soon, if only that.
    pub on_ready: Option<Arc<dyn Fn() + Send + Sync>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seal_rows: 256 << 10,
            most_rows: 1 << 20,
            segments: 16,
            page_bytes: 4096,
            rest_percent: 100,
            threads: true,
            on_ready: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("seal_rows", &self.seal_rows)
            .field("most_rows", &self.most_rows)
            .field("segments", &self.segments)
            .field("page_bytes", &self.page_bytes)
            .field("rest_percent", &self.rest_percent)
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

/// The delivery log; see the module.
#[derive(Debug)]
pub struct Log {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// What the writer knows.
#[derive(Debug)]
struct Writer {
    /// The view of the last published commit.
    current: Arc<View>,
    /// Blocks of sealed rows may still be in the main file.
    purge: bool,
    /// Files to be removed after the next commit. What is found at the start, or
    /// after a failed commit, may not be synced yet, and may yet give way to the
    /// commit before, which speaks of them.
    gone: Vec<String>,
}

struct Shared {
    files: Arc<dyn Files>,
    begin: BeginRead,
    options: Options,
    /// Views by generation, oldest first; the last may not have committed yet.
    views: ArcSwap<Vec<Arc<View>>>,
    published: ArcSwap<View>,
    writer: Mutex<Writer>,
    next_file: AtomicU64,
    jobs: Mutex<Jobs>,
    wake: Condvar,
    stop: AtomicBool,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("files", &self.files)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The view of the last published commit.
    fn published(&self) -> Arc<View> {
        self.published.load_full()
    }

    fn publish(&self, view: &Arc<View>) {
        self.published.store(Arc::clone(view));
    }

    /// Lets readers find a view; only the writer calls it.
    fn announce(&self, view: &Arc<View>) {
        let mut views = Vec::clone(&self.views.load());
        // One of this generation was of a transaction that was aborted.
        views.retain(|other| other.state.generation < view.state.generation);
        if views.len() >= VIEWS {
            views.remove(0);
        }
        views.push(Arc::clone(view));
        self.views.store(Arc::new(views));
    }
}

impl Log {
    /// Opens the log whose segments are `files` and whose main file `begin` reads.
    ///
    /// Reads the tail and the segments' footers. What a crash left behind is
    /// removed after the first commit.
    ///
    /// # Errors
    /// A disk that fails, damage, or a log that a newer program wrote.
    pub fn open(files: Arc<dyn Files>, begin: BeginRead, options: Options) -> Result<Self> {
        let txn = begin().map_err(|error| LogError::Main(Box::new(error)))?;
        let view = Arc::new(View::load(&txn, &*files, &HashMap::new())?);
        drop(txn);
        let (gone, unused) = work::left_over(&*files, &view)?;
        let next_file = unused.max(view.state.next_file);
        let shared = Arc::new(Shared {
            files,
            begin,
            options,
            views: ArcSwap::from_pointee(vec![Arc::clone(&view)]),
            published: ArcSwap::new(Arc::clone(&view)),
            writer: Mutex::new(Writer { current: view, purge: true, gone }),
            next_file: AtomicU64::new(next_file),
            jobs: Mutex::default(),
            wake: Condvar::new(),
            stop: AtomicBool::new(false),
        });
        let mut log = Self { shared, threads: Vec::new() };
        if log.shared.options.threads {
            for (kind, name) in [(Kind::Seal, "log-seal"), (Kind::Merge, "log-merge")] {
                let shared = Arc::clone(&log.shared);
                let thread = std::thread::Builder::new().name(name.to_owned());
                let thread = thread.spawn(move || shared.run(kind));
                log.threads.push(thread.map_err(LogError::disk("start a background thread"))?);
            }
        }
        Ok(log)
    }

    /// Begins a change; waits for the one before to be finished or dropped. Begin
    /// the write transaction first, and hold both for as short.
    pub fn begin(&self) -> Change<'_> {
        Change::new(&self.shared)
    }

    /// The log as of the last commit.
    ///
    /// # Errors
    /// The main file's, for instance while it is closed.
    pub fn snapshot(&self) -> Result<Snapshot> {
        // The view is missed only if 32 commits happen between beginning the
        // transaction and reading one record from it.
        for _ in 0..100 {
            let txn = (self.shared.begin)().map_err(|error| LogError::Main(Box::new(error)))?;
            match self.at(&txn) {
                Err(LogError::Moved) => {}
                other => return other,
            }
        }
        Err(LogError::Moved)
    }

    /// The log as of `txn`, so that what else is read from `txn` agrees with it.
    ///
    /// # Errors
    /// [`LogError::Moved`] where the log has changed 32 times since `txn` began.
    pub fn at(&self, txn: &ReadTransaction) -> Result<Snapshot> {
        let generation = State::read(txn)?.generation;
        let views = self.shared.views.load();
        let view = views.iter().rev().find(|view| view.state.generation == generation);
        let view = view.ok_or(LogError::Moved)?;
        Ok(Snapshot::new(Arc::clone(view), view::open_tail(txn)?))
    }

    /// Has all rows that are now in the tail sealed, however few, so that retention reaches them.
    pub fn request_seal(&self) {
        let next = self.shared.published().state.next;
        self.shared.jobs().seal_to = next;
        self.shared.wake.notify_all();
    }

    /// Whether something waits for [`Change::maintain`].
    pub fn is_ready(&self) -> bool {
        !self.shared.jobs().done.is_empty()
    }

    /// Rows of the tail over those that make a segment. Sealing takes a fraction of
    /// a microsecond a row, so this grows only while the disk fails or the machine
    /// is taken by others; a writer that can wait should, beyond some 500,000.
    pub fn backlog(&self) -> u64 {
        self.shared.published().tail_rows().saturating_sub(self.shared.options.seal_rows)
    }

    /// Why the last attempt at sealing or merging failed, if it did. The log goes on
    /// recording, and trying, until the tail is at its limit.
    pub fn failure(&self) -> Option<String> {
        self.shared.jobs().failed.clone()
    }

    /// Does one piece of the background work that is due; says whether there was
    /// any. For logs that were opened without threads.
    ///
    /// # Errors
    /// The disk's; the work stays due.
    pub fn work(&self) -> Result<bool> {
        Ok(self.shared.work(Kind::Seal)? || self.shared.work(Kind::Merge)?)
    }

    /// Reads the log's state anew after the main file was closed and opened again,
    /// for instance when a failed commit may have happened. Until then snapshots fail.
    pub fn reload(&self) -> Result<()> {
        let mut writer = self.shared.writer();
        let txn = (self.shared.begin)().map_err(|error| LogError::Main(Box::new(error)))?;
        let known = self.shared.views.load();
        let mut open: HashMap<u64, _> =
            known.iter().flat_map(|view| &view.segments).map(|s| (s.info.id, Arc::clone(s))).collect();
        open.extend(
            self.shared.jobs().done.iter().map(|done| (done.segment.info.id, Arc::clone(&done.segment))),
        );
        let view = Arc::new(View::load(&txn, &*self.shared.files, &open)?);
        let held = |id: &u64| view.segments.iter().any(|segment| segment.info.id == *id);
        let mut jobs = self.shared.jobs();
        jobs.done.retain(|done| !held(&done.segment.info.id));
        let mut gone = std::mem::take(&mut writer.gone);
        let old = writer.current.segments.iter().map(|segment| segment.info.id);
        gone.extend(old.filter(|id| !held(id)).map(segment::file_name));
        self.shared.views.store(Arc::new(vec![Arc::clone(&view)]));
        self.shared.publish(&view);
        *writer = Writer { current: view, purge: true, gone };
        drop(jobs);
        self.shared.wake.notify_all();
        Ok(())
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        // Under the lock, so that a thread about to wait does not miss it.
        drop(self.shared.jobs());
        self.shared.wake.notify_all();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a background thread of the delivery log panicked");
            }
        }
    }
}
