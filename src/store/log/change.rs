//! Changing the log: rows appended, segments put in, segments dropped, all within
//! the caller's write transaction and seen by readers once that has committed.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::{Arc, MutexGuard};

use redb::{ReadableTable, WriteTransaction};

use super::block::{Chunk, Layout, Packer};
use super::build::LONGEST_PAYLOAD;
use super::error::Result;
use super::segment::{SegmentInfo, file_name};
use super::view::{SEGMENTS, STATE, TAIL, View};
use super::work::{Done, Work};
use super::{Entry, LogError, Shared, Writer};

/// Rows in a block of the tail at most.
const TAIL_BLOCK_ROWS: usize = 512;
/// Payload bytes after which a block of the tail is closed early.
const TAIL_BLOCK_BYTES: usize = 64 << 10;
/// Blocks of sealed rows removed from the main file in one commit, so that
/// sealing is never felt in a commit.
const PURGE_BLOCKS: usize = 64;

/// What is to be kept of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// Segments whose rows are all earlier (milliseconds since 1970 UTC) go.
    pub before: Option<i64>,
    /// The oldest segments go until the rest is at most this long, in bytes.
    pub bytes: Option<u64>,
}

/// A change to the log within one write transaction. There is one at a time.
/// Dropping it changes nothing; neither does aborting the transaction.
#[derive(Debug)]
pub struct Change<'a> {
    shared: &'a Shared,
    writer: MutexGuard<'a, Writer>,
    view: View,
    changed: bool,
    purged: bool,
    installed: Vec<u64>,
    packer: Packer,
    block: Vec<u8>,
}

/// A change that is written in its transaction; publish it when that has committed.
#[derive(Debug)]
#[must_use = "readers see the change only after publish"]
pub struct Prepared<'a> {
    shared: &'a Shared,
    writer: MutexGuard<'a, Writer>,
    view: Option<Arc<View>>,
    purged: bool,
    installed: Vec<u64>,
}

impl<'a> Change<'a> {
    pub(super) fn new(shared: &'a Shared) -> Self {
        let writer = shared.writer();
        let view = View::clone(&writer.current);
        Self {
            shared,
            writer,
            view,
            changed: false,
            purged: false,
            installed: Vec::new(),
            packer: Packer::default(),
            block: Vec::new(),
        }
    }

    /// The number that the next row gets.
    pub fn next_seq(&self) -> u64 {
        self.view.state.next
    }

    /// Appends rows in their order and returns their numbers.
    ///
    /// # Errors
    /// [`LogError::Full`] where sealing has failed for so long that the open part
    /// is at its limit; [`LogError::TooLarge`]; the main file's errors. After an
    /// error the transaction must be aborted.
    pub fn append(&mut self, txn: &WriteTransaction, rows: &[Entry<'_>]) -> Result<Range<u64>> {
        let first = self.view.state.next;
        if rows.is_empty() {
            return Ok(first..first);
        }
        if self.view.tail_rows() + rows.len() as u64 > self.shared.options.most_rows
            && let Some(reason) = self.shared.jobs().failed.clone()
        {
            return Err(LogError::Full { reason });
        }
        let mut table = txn.open_table(TAIL)?;
        for row in rows {
            if row.payload.len() > LONGEST_PAYLOAD {
                return Err(LogError::TooLarge("its payload exceeds 1 MiB"));
            }
            if row.columns.message >> 56 != 0 {
                return Err(LogError::TooLarge("its message's number exceeds 56 bits"));
            }
            self.packer.push(&row.columns, row.payload);
            if self.packer.rows() >= TAIL_BLOCK_ROWS || self.packer.payload_bytes() >= TAIL_BLOCK_BYTES {
                self.close(&mut table)?;
            }
        }
        self.close(&mut table)?;
        self.changed = true;
        Ok(first..self.view.state.next)
    }

    fn close(&mut self, table: &mut redb::Table<'_, u64, &'static [u8]>) -> Result<()> {
        if self.packer.rows() == 0 {
            return Ok(());
        }
        let first = self.view.state.next;
        self.block.clear();
        self.packer.pack(first, &mut self.block);
        table.insert(first, self.block.as_slice())?;
        let layout = Layout::parse(&self.block).map_err(LogError::damaged("a new block"))?;
        self.view.state.next += layout.rows as u64;
        self.view.add(Chunk::of(&layout, &self.block))
    }

    /// Puts in the segments that were finished in the background, and removes a
    /// few blocks of sealed rows from the main file. Call it in every commit.
    pub fn maintain(&mut self, txn: &WriteTransaction) -> Result<()> {
        let done: Vec<Arc<Done>> = self.shared.jobs().done.clone();
        for done in done {
            if self.installed.contains(&done.segment.info.id) {
                continue;
            }
            if self.install(txn, &done)? {
                self.changed = true;
                let next_file = &mut self.view.state.next_file;
                *next_file = (*next_file).max(done.segment.info.id + 1);
            }
            self.installed.push(done.segment.info.id);
        }
        if self.writer.purge || !self.installed.is_empty() {
            let mut table = txn.open_table(TAIL)?;
            let sealed: Vec<u64> = table
                .range(..self.view.state.tail)?
                .take(PURGE_BLOCKS)
                .map(|entry| entry.map(|(key, _)| key.value()))
                .collect::<std::result::Result<_, _>>()?;
            for key in &sealed {
                table.remove(key)?;
            }
            self.purged = sealed.len() < PURGE_BLOCKS;
        }
        Ok(())
    }

    /// Puts one segment in the place of what it was made of; false where that is gone meanwhile.
    fn install(&mut self, txn: &WriteTransaction, done: &Done) -> Result<bool> {
        let info = done.segment.info;
        match &done.work {
            Work::Seal => {
                if info.first != self.view.state.tail || info.end > self.view.state.next {
                    return Ok(false);
                }
                self.view.state.tail = info.end;
                self.view.trim();
                self.view.segments.push(Arc::clone(&done.segment));
            }
            Work::Merge { parts } => {
                let position = |id: &u64| self.view.segments.iter().position(|held| held.info.id == *id);
                let Some(at) = parts.first().and_then(position) else { return Ok(false) };
                let run = at..at + parts.len();
                let held = self.view.segments.get(run.clone()).unwrap_or_default();
                if !held.iter().map(|segment| segment.info.id).eq(parts.iter().copied()) {
                    return Ok(false);
                }
                let mut manifest = txn.open_table(SEGMENTS)?;
                for part in self.view.segments.splice(run, [Arc::clone(&done.segment)]) {
                    manifest.remove(part.info.first)?;
                }
            }
        }
        txn.open_table(SEGMENTS)?.insert(info.first, info.to_bytes().as_slice())?;
        Ok(true)
    }

    /// Drops the whole segments that `keep` no longer asks for, and returns them.
    /// What is still in the open part stays; see [`super::Log::request_seal`].
    pub fn retain(&mut self, txn: &WriteTransaction, keep: Retention) -> Result<Vec<SegmentInfo>> {
        let mut bytes: u64 = self.view.segments.iter().map(|segment| segment.info.bytes).sum();
        let mut dropped = Vec::new();
        let mut manifest = txn.open_table(SEGMENTS)?;
        for segment in std::mem::take(&mut self.view.segments) {
            let info = segment.info;
            let old = keep.before.is_some_and(|before| info.latest < before);
            if old || keep.bytes.is_some_and(|most| bytes > most) {
                bytes -= info.bytes;
                manifest.remove(info.first)?;
                dropped.push(info);
            } else {
                self.view.segments.push(segment);
            }
        }
        self.changed |= !dropped.is_empty();
        Ok(dropped)
    }

    /// Writes where the log stands. Then commit the transaction and
    /// [`publish`](Prepared::publish). If the commit fails, it may have happened
    /// all the same: drop what this returned, and [`super::Log::reload`] once the
    /// main file is open again.
    pub fn finish(mut self, txn: &WriteTransaction) -> Result<Prepared<'a>> {
        let view = if self.changed {
            self.view.state.generation += 1;
            txn.open_table(STATE)?.insert((), self.view.state.to_bytes().as_slice())?;
            let view = Arc::new(self.view);
            // Known before the commit, so that whoever reads right after it finds it.
            self.shared.announce(&view);
            Some(view)
        } else {
            None
        };
        let Self { shared, writer, purged, installed, .. } = self;
        Ok(Prepared { shared, writer, view, purged, installed })
    }
}

impl Prepared<'_> {
    /// Makes the change what the next one builds on; call it once the transaction
    /// has committed. Readers that begin after the commit see it already.
    pub fn publish(mut self) {
        if !self.installed.is_empty() {
            self.writer.purge = true;
        } else if self.purged {
            self.writer.purge = false;
        }
        let old = Arc::clone(&self.writer.current);
        if let Some(view) = self.view.take() {
            self.shared.publish(&view);
            self.writer.current = view;
        }
        let mut jobs = self.shared.jobs();
        let current = Arc::clone(&self.writer.current);
        let held: HashSet<u64> = current.segments.iter().map(|segment| segment.info.id).collect();
        let replaced = old.segments.iter().map(|segment| segment.info.id);
        // Made in vain where what it was to replace had gone meanwhile.
        let offered = self.installed.iter().copied();
        let gone = replaced.chain(offered).filter(|id| !held.contains(id)).map(file_name);
        jobs.unlink.extend(gone.chain(std::mem::take(&mut self.writer.gone)));
        jobs.done.retain(|done| !self.installed.contains(&done.segment.info.id));
        drop(jobs);
        self.shared.wake.notify_all();
    }
}
