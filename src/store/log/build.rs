//! Writing segments: from rows, and from smaller segments.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::LogError;
use super::block::{Chunk, Packer};
use super::error::Result;
use super::page::{self, Leaf, Pair};
use super::reader::{Postings, Reader};
use super::row::Columns;
use super::segment::{Footer, Index, LONGEST_BLOCK, Segment, SegmentInfo, Tree, file_name, place};
use crate::store::disk::{File, Files};

/// Rows in a block of a segment: few, so that a row far from its neighbours costs little to read.
const BLOCK_ROWS: usize = 128;
/// Payload bytes after which a block is closed early.
const BLOCK_BYTES: usize = 32 << 10;
/// Bytes handed to the system at once.
const WRITE_BYTES: usize = 256 << 10;
/// Bytes after which a file being written is synced, so that the main file's
/// syncs never wait behind a large one of ours.
const SYNC_BYTES: u64 = 4 << 20;

/// The longest payload of a row, in bytes; with it a block is still one that a
/// segment can name.
pub const LONGEST_PAYLOAD: usize = 1 << 20;
const _: () = assert!(BLOCK_BYTES + LONGEST_PAYLOAD + BLOCK_ROWS * 96 < LONGEST_BLOCK);

/// How a segment is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style<'a> {
    /// Bytes of a page.
    pub(super) page: usize,
    /// The part of the time that is slept through, in percent of the time worked.
    pub(super) rest: u32,
    /// Set when the program ends: writing fails then.
    pub(super) stop: &'a AtomicBool,
}

/// A file being written from its beginning to its end.
struct Output<'a> {
    file: Arc<dyn File>,
    buffer: Vec<u8>,
    written: u64,
    unsynced: u64,
    style: Style<'a>,
    since: Instant,
}

impl<'a> Output<'a> {
    fn new(file: Arc<dyn File>, style: Style<'a>) -> Self {
        Self { file, buffer: Vec::new(), written: 0, unsynced: 0, style, since: Instant::now() }
    }

    fn position(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= WRITE_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        if self.style.stop.load(Ordering::Relaxed) {
            let stopped = io::Error::new(io::ErrorKind::Interrupted, "the program is ending");
            return Err(LogError::disk("write a segment")(stopped));
        }
        self.file.write_at(&self.buffer, self.written).map_err(LogError::disk("write a segment"))?;
        self.written += self.buffer.len() as u64;
        self.unsynced += self.buffer.len() as u64;
        self.buffer.clear();
        if self.unsynced >= SYNC_BYTES {
            self.file.sync().map_err(LogError::disk("sync a segment"))?;
            self.unsynced = 0;
        }
        self.pause();
        Ok(())
    }

    /// Leaves the disk and the processor to the others for a while.
    fn pause(&mut self) {
        if self.style.rest > 0 {
            let rest = self.since.elapsed() * self.style.rest / 100;
            std::thread::sleep(rest.min(Duration::from_millis(250)));
            self.since = Instant::now();
        }
    }

    fn finish(mut self) -> Result<u64> {
        self.flush()?;
        self.file.sync().map_err(LogError::disk("sync a segment"))?;
        Ok(self.written)
    }
}

/// Writes branches over `pairs` until one page holds the rest, which becomes the root.
fn branches(out: &mut Output<'_>, page: usize, tree: &mut Tree, mut pairs: Vec<Pair>) -> Result<()> {
    let fanout = page::fanout(page);
    while pairs.len() > fanout {
        let offset = out.position();
        let mut above = Vec::with_capacity(pairs.len().div_ceil(fanout));
        for under in pairs.chunks(fanout) {
            out.put(&page::branch(under, page))?;
            above.push(under[0]);
        }
        tree.levels.push((offset, above.len() as u64));
        pairs = above;
    }
    tree.root = pairs;
    Ok(())
}

/// Writes one look-up from its ascending entries.
fn look_up(
    out: &mut Output<'_>,
    page: usize,
    mut next: impl FnMut() -> Result<Option<Pair>>,
) -> Result<Tree> {
    let (mut leaf, mut firsts, offset) = (Leaf::new(page), Vec::new(), out.position());
    let mut close = |leaf: &mut Leaf, out: &mut Output<'_>| match leaf.finish() {
        Some((bytes, first)) => {
            firsts.push(first);
            out.put(bytes)
        }
        None => Ok(()),
    };
    while let Some(entry) = next()? {
        if !leaf.push(entry) {
            close(&mut leaf, out)?;
            leaf.push(entry);
        }
    }
    close(&mut leaf, out)?;
    let mut tree = Tree { levels: vec![(offset, firsts.len() as u64)], root: Vec::new() };
    branches(out, page, &mut tree, firsts)?;
    Ok(tree)
}

fn temporary(id: u64) -> String {
    format!("{id:016x}.tmp")
}

/// Makes the finished file the segment `id`, durably, and opens it.
fn install(files: &dyn Files, id: u64) -> Result<Segment> {
    files.rename(&temporary(id), &file_name(id)).map_err(LogError::disk("name a segment"))?;
    files.sync_dir().map_err(LogError::disk("sync the directory of segments"))?;
    Segment::open(files, id)
}

/// Removes what a failed attempt at segment `id` left. What stays all the same
/// is removed at the next start.
pub(super) fn discard(files: &dyn Files, id: u64) {
    for name in [temporary(id), file_name(id)] {
        if let Err(error) = files.unlink(&name)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::debug!(name, %error, "an unfinished log segment could not be removed yet");
        }
    }
}

/// Seals rows that follow each other into a segment.
pub(super) struct Sealer<'a> {
    files: &'a dyn Files,
    id: u64,
    style: Style<'a>,
    out: Output<'a>,
    first: Option<u64>,
    end: u64,
    packer: Packer,
    block: Vec<u8>,
    places: Vec<Pair>,
    /// The columns of what was written, for the look-ups.
    chunks: Vec<Chunk>,
}

impl<'a> Sealer<'a> {
    pub(super) fn new(files: &'a dyn Files, id: u64, style: Style<'a>) -> Result<Self> {
        let file = files.create(&temporary(id)).map_err(LogError::disk("create a segment"))?;
        Ok(Self {
            files,
            id,
            style,
            out: Output::new(file, style),
            first: None,
            end: 0,
            packer: Packer::default(),
            block: Vec::new(),
            places: Vec::new(),
            chunks: Vec::new(),
        })
    }

    pub(super) fn push(&mut self, seq: u64, columns: &Columns, payload: &[u8]) -> Result<()> {
        self.first.get_or_insert(seq);
        self.end = seq + 1;
        self.packer.push(columns, payload);
        if self.packer.rows() >= BLOCK_ROWS || self.packer.payload_bytes() >= BLOCK_BYTES {
            self.close()?;
        }
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        if self.packer.rows() == 0 {
            return Ok(());
        }
        self.block.clear();
        let first = self.end - self.packer.rows() as u64;
        self.packer.pack(first, &mut self.block);
        self.places.push(place(first, self.out.position(), self.block.len()));
        self.out.put(&self.block)?;
        let layout = super::block::Layout::parse(&self.block).map_err(LogError::damaged("a new block"))?;
        self.chunks.push(Chunk::of(&layout, &self.block));
        Ok(())
    }

    /// Writes the look-ups and makes the segment; at least one row must have been pushed.
    pub(super) fn finish(mut self) -> Result<Segment> {
        self.close()?;
        let first = self.first.unwrap_or_default();
        let mut trees = Vec::new();
        let mut entries: Vec<Pair> = Vec::with_capacity((self.end - first) as usize);
        for index in Index::ALL {
            entries.clear();
            for chunk in &self.chunks {
                let place = chunk.first() - first;
                entries.extend(
                    (0..chunk.rows())
                        .map(|row| (index.key(|column| chunk.value(column, row)), place + row as u64)),
                );
            }
            // Stable, so that rows of a key stay in their order; and they are often in order already.
            entries.sort_by_key(|entry| entry.0);
            let mut sorted = entries.iter().copied();
            trees.push(look_up(&mut self.out, self.style.page, || Ok(sorted.next()))?);
        }
        let footer = Footer {
            page: self.style.page,
            first,
            end: self.end,
            rows: self.end - first,
            earliest: self.chunks.iter().map(Chunk::earliest).min().unwrap_or_default(),
            latest: self.chunks.iter().map(Chunk::latest).max().unwrap_or_default(),
            blocks: self.places.len() as u64,
            places: Tree::default(),
            trees,
        };
        complete(self.files, self.id, self.out, footer, self.places)
    }
}

fn complete(
    files: &dyn Files,
    id: u64,
    mut out: Output<'_>,
    mut footer: Footer,
    places: Vec<Pair>,
) -> Result<Segment> {
    branches(&mut out, footer.page, &mut footer.places, places)?;
    out.put(&footer.to_bytes())?;
    out.finish()?;
    install(files, id)
}

/// Makes one segment of several that follow each other, oldest first. Blocks are
/// copied as they are, after their checksums were found right; look-ups are merged.
pub(super) fn merge(files: &dyn Files, id: u64, style: Style<'_>, parts: &[Arc<Segment>]) -> Result<Segment> {
    let file = files.create(&temporary(id)).map_err(LogError::disk("create a segment"))?;
    let mut out = Output::new(file, style);
    let first = parts.first().map_or(0, |part| part.info.first);
    let mut places = Vec::new();
    for part in parts {
        let mut reader = Reader::new(Arc::clone(part));
        for ordinal in 0..reader.blocks() {
            reader.load(ordinal)?;
            if let Some((bytes, layout)) = reader.block() {
                places.push(place(layout.first, out.position(), bytes.len()));
                out.put(bytes)?;
            }
        }
    }
    let mut trees = Vec::new();
    for index in Index::ALL {
        let mut inputs = Vec::new();
        for part in parts {
            let mut postings = Postings::all(Arc::clone(part), index);
            let next = postings.next()?;
            inputs.push((next, postings));
        }
        trees.push(look_up(&mut out, style.page, || {
            // Parts follow each other, so of equal keys the older part's come first.
            let mut least: Option<(usize, Pair)> = None;
            for (at, (next, _)) in inputs.iter().enumerate() {
                if let Some(entry) = next
                    && least.is_none_or(|(_, least)| entry.0 < least.0)
                {
                    least = Some((at, *entry));
                }
            }
            let Some((at, (key, seq))) = least else { return Ok(None) };
            inputs[at].0 = inputs[at].1.next()?;
            Ok(Some((key, seq - first)))
        })?);
    }
    let footer = Footer {
        page: style.page,
        first,
        end: parts.last().map_or(0, |part| part.info.end),
        rows: parts.iter().map(|part| part.info.rows).sum(),
        earliest: parts.iter().map(|part| part.footer.earliest).min().unwrap_or_default(),
        latest: parts.iter().map(|part| part.footer.latest).max().unwrap_or_default(),
        blocks: places.len() as u64,
        places: Tree::default(),
        trees,
    };
    complete(files, id, out, footer, places)
}

/// Which neighbouring segments to make one of, so that a look-up never has to ask many.
///
/// Four neighbours of a like size become one, so a row is rewritten once per
/// factor of four; when there are still too many, the smallest neighbours do. A
/// segment stops growing at a quarter of all rows (but 16 M), so that retention,
/// which drops whole segments, still drops in steps.
pub(super) fn due(segments: &[SegmentInfo], unit: u64, most: usize) -> Option<std::ops::Range<usize>> {
    const TOGETHER: usize = 4;
    let total: u64 = segments.iter().map(|segment| segment.rows).sum();
    let cap = (total / 4).max(unit.saturating_mul(64));
    let tier = |rows: u64| (rows / unit.max(1)).max(1).ilog(TOGETHER as u64);
    let highest = segments.iter().map(|segment| tier(segment.rows)).max()?;
    for level in 0..=highest {
        let mut start = 0;
        for at in 0..=segments.len() {
            if at < segments.len() && tier(segments[at].rows) <= level {
                continue;
            }
            let run = start..at.min(start + 2 * TOGETHER);
            let rows = segments[run.clone()].iter().map(|segment| segment.rows).sum::<u64>();
            // Only what reaches the next tier: else a large one would be rewritten for each small one.
            let enough = level == 0 || rows >= unit * (TOGETHER as u64).pow(level + 1);
            if run.len() >= TOGETHER && enough && rows <= cap {
                return Some(run);
            }
            start = at + 1;
        }
    }
    if segments.len() + 2 > most {
        let least = (0..segments.len().saturating_sub(1))
            .min_by_key(|at| segments[*at].rows + segments[at + 1].rows)?;
        return Some(least..least + 2);
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::log::row::Column;

    fn info(rows: u64) -> SegmentInfo {
        SegmentInfo { id: 0, first: 0, end: rows, rows, bytes: rows * 100, earliest: 0, latest: 0 }
    }

    /// Seals `seals` units one after another, merging whatever is due in between.
    fn grow(segments: &mut Vec<SegmentInfo>, seals: usize, unit: u64, written: &mut u64) -> usize {
        let mut most = 0;
        for _ in 0..seals {
            segments.push(info(unit));
            most = most.max(segments.len());
            while let Some(run) = due(segments, unit, 16) {
                let rows = segments[run.clone()].iter().map(|segment| segment.rows).sum();
                *written += rows;
                segments.splice(run, [info(rows)]);
            }
        }
        most
    }

    #[test]
    fn a_look_up_touches_at_most_sixteen_up_to_a_thousand_million_rows() {
        let (unit, mut segments, mut written) = (256 << 10, Vec::new(), 0);
        assert!(grow(&mut segments, 40, unit, &mut written) <= 16);
        assert!(written <= 3 * 40 * unit, "10 M rows make {written} rewritten");
        assert!(grow(&mut segments, 4_000, unit, &mut written) <= 16);
        let largest = segments.iter().map(|segment| segment.rows).max().unwrap();
        assert!(largest <= 4_040 * unit / 3, "retention would drop a third or more at once");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn merging_ends_and_keeps_few(rows in prop::collection::vec(1..5_000u64, 0..60)) {
            let mut segments: Vec<_> = rows.iter().copied().map(info).collect();
            while let Some(run) = due(&segments, 100, 16) {
                prop_assert!(run.len() >= 2);
                let rows = segments[run.clone()].iter().map(|segment| segment.rows).sum();
                segments.splice(run, [info(rows)]);
            }
            prop_assert!(segments.len() <= 14);
            prop_assert_eq!(segments.iter().map(|s| s.rows).sum::<u64>(), rows.iter().sum::<u64>());
        }
    }

    #[test]
    fn column_keys_are_those_of_the_rows() {
        let columns = Columns { at: -5, message: 3, outcome: 7, ..Columns::default() };
        let key = |index: Index| index.key(|column: Column| columns.to_values()[column as usize]);
        assert_eq!(key(Index::MessageOutcome), 3 << 8 | 7);
        assert!(key(Index::Time) < 1 << 63);
    }
}
