//! What is done behind the writer's back: sealing, merging, removing files.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use super::build::{self, Sealer, Style};
use super::error::Result;
use super::segment::{Segment, file_name};
use super::view::{View, open_tail};
use super::{LogError, Shared};
use crate::store::disk::Files;

/// How long a failed job waits before it is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// What a finished segment was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Work {
    /// The oldest rows of the tail.
    Seal,
    /// Segments that follow each other, by id.
    Merge {
        /// Their ids, oldest first.
        parts: Vec<u64>,
    },
}

/// A finished segment that waits for the writer to put it in.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) work: Work,
    pub(super) segment: Arc<Segment>,
}

/// What stands between the writer and the threads.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    /// Finished, and not yet seen in a published commit.
    pub(super) done: Vec<Arc<Done>>,
    /// Files that no commit speaks of any more.
    pub(super) unlink: Vec<String>,
    /// Why the last seal or merge failed, until one succeeds.
    pub(super) failed: Option<String>,
    /// The tail's rows before this are to be sealed, however few.
    pub(super) seal_to: u64,
    sealing: bool,
    merging: bool,
}

/// The two threads: sealing must not wait behind a long merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Seal,
    Merge,
}

impl Shared {
    pub(super) fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs one job of the kind, if one is due; says whether one was.
    pub(super) fn work(&self, kind: Kind) -> Result<bool> {
        let view = self.published();
        let mut jobs = self.jobs();
        match kind {
            Kind::Seal if !jobs.unlink.is_empty() => {
                let gone = std::mem::take(&mut jobs.unlink);
                drop(jobs);
                self.remove(&gone);
                Ok(true)
            }
            Kind::Seal if self.seal_due(&view, &jobs) => {
                jobs.sealing = true;
                drop(jobs);
                let id = self.new_file();
                let result = self.seal(id, &view);
                let mut jobs = self.jobs();
                jobs.sealing = false;
                self.finished(jobs, id, result.map(|segment| (Work::Seal, segment)))
            }
            Kind::Merge => {
                let Some(run) = self.merge_due(&view, &jobs) else { return Ok(false) };
                jobs.merging = true;
                drop(jobs);
                let parts = &view.segments[run];
                let hurry = view.segments.len() > self.options.segments * 3 / 4;
                let id = self.new_file();
                let result = build::merge(&*self.files, id, self.style(hurry), parts);
                let work = Work::Merge { parts: parts.iter().map(|part| part.info.id).collect() };
                let mut jobs = self.jobs();
                jobs.merging = false;
                self.finished(jobs, id, result.map(|segment| (work, segment)))
            }
            Kind::Seal => Ok(false),
        }
    }

    fn seal_due(&self, view: &View, jobs: &Jobs) -> bool {
        let asked = view.tail_rows() > 0 && view.state.tail < jobs.seal_to;
        let waits = jobs.sealing || jobs.done.iter().any(|done| done.work == Work::Seal);
        !waits && (asked || view.tail_rows() >= self.options.seal_rows)
    }

    fn merge_due(&self, view: &View, jobs: &Jobs) -> Option<std::ops::Range<usize>> {
        if jobs.merging || jobs.done.iter().any(|done| done.work != Work::Seal) {
            return None;
        }
        build::due(&view.infos(), self.options.seal_rows, self.options.segments)
    }

    fn finished(
        &self,
        mut jobs: MutexGuard<'_, Jobs>,
        id: u64,
        result: Result<(Work, Segment)>,
    ) -> Result<bool> {
        match result {
            Ok((work, segment)) => {
                jobs.failed = None;
                jobs.done.push(Arc::new(Done { work, segment: Arc::new(segment) }));
                drop(jobs);
                if let Some(ready) = &self.options.on_ready {
                    ready();
                }
                Ok(true)
            }
            Err(error) => {
                jobs.failed = Some(error.to_string());
                drop(jobs);
                build::discard(&*self.files, id);
                Err(error)
            }
        }
    }

    /// Seals the oldest rows of the tail, by whole blocks.
    fn seal(&self, id: u64, view: &View) -> Result<Segment> {
        /// Blocks read in one snapshot, so that none is held for long.
        const AT_ONCE: usize = 64;
        let end = view.state.next;
        let mut next = view.state.tail;
        let enough = next + self.options.seal_rows;
        let style = self.style(view.tail_rows() > 2 * self.options.seal_rows);
        let mut sealer = Sealer::new(&*self.files, id, style)?;
        while next < end && next < enough {
            let txn = (self.begin)().map_err(|error| LogError::Main(Box::new(error)))?;
            let before = next;
            if let Some(tail) = open_tail(&txn)? {
                for entry in tail.range(next..end)?.take(AT_ONCE) {
                    let (_, block) = entry?;
                    let bytes = block.value();
                    let layout =
                        super::block::Layout::checked(bytes).map_err(LogError::damaged("log.tail"))?;
                    if layout.first != next || next >= enough {
                        break;
                    }
                    for row in 0..layout.rows {
                        sealer.push(next, &layout.columns(bytes, row), layout.payload(bytes, row))?;
                        next += 1;
                    }
                }
            }
            if next == before {
                let what = "rows that are to be sealed are missing";
                return Err(LogError::Damaged { place: "log.tail".to_owned(), what });
            }
        }
        sealer.finish()
    }

    /// How to write; without pauses where work has piled up.
    fn style(&self, hurry: bool) -> Style<'_> {
        let rest = if hurry { 0 } else { self.options.rest_percent };
        Style { page: self.options.page_bytes, rest, stop: &self.stop }
    }

    fn new_file(&self) -> u64 {
        self.next_file.fetch_add(1, Ordering::Relaxed)
    }

    /// Removes files that nothing speaks of. A failure leaves an orphan, which the next start removes.
    fn remove(&self, names: &[String]) {
        for name in names {
            if let Err(error) = self.files.unlink(name) {
                tracing::debug!(name, %error, "a dropped log segment could not be removed yet");
            }
        }
    }

    /// A thread's life.
    pub(super) fn run(&self, kind: Kind) {
        // Whoever sends or reads goes before a merge, but not before a seal: what waits
        // to be sealed is in memory. Not being allowed to step back is no reason to fail.
        #[cfg(target_os = "linux")]
        if kind == Kind::Merge
            && let Err(error) = rustix::process::setpriority_process(None, 5)
        {
            tracing::debug!(%error, "the log's merging thread keeps its priority");
        }
        loop {
            let wait = match self.work(kind) {
                Ok(true) => None,
                Ok(false) => Some(Duration::from_hours(1)),
                Err(error) => {
                    tracing::warn!(%error, "the delivery log could not be sealed or merged; trying again");
                    Some(RETRY)
                }
            };
            let jobs = self.jobs();
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            if let Some(wait) = wait
                && (wait == RETRY || !self.due(kind, &jobs))
            {
                // Whoever makes work due takes this lock before the notification, so none is missed.
                drop(self.wake.wait_timeout(jobs, wait));
            }
        }
    }

    fn due(&self, kind: Kind, jobs: &Jobs) -> bool {
        let view = self.published();
        match kind {
            Kind::Seal => !jobs.unlink.is_empty() || self.seal_due(&view, jobs),
            Kind::Merge => self.merge_due(&view, jobs).is_some(),
        }
    }
}

/// The files of ours that a crash left, and an id that no file has had: temporary
/// files, and segments of which `view` does not speak.
pub(super) fn left_over(files: &dyn Files, view: &View) -> Result<(Vec<String>, u64)> {
    let held: HashSet<String> = view.segments.iter().map(|s| file_name(s.info.id)).collect();
    let (mut gone, mut unused) = (Vec::new(), 0);
    for name in files.list().map_err(LogError::disk("list the segments"))? {
        let Some((id, "log" | "tmp")) = name.rsplit_once('.') else { continue };
        let Ok(id) = u64::from_str_radix(id, 16) else { continue };
        unused = unused.max(id + 1);
        if !held.contains(&name) {
            gone.push(name);
        }
    }
    Ok((gone, unused))
}
