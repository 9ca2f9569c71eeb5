//! Segments: immutable files of sealed rows with sorted look-ups.
//!
//! ```text
//! blocks of rows
//! per look-up: its leaves, then levels of branches over them
//! branches over the blocks' places
//! footer (numbers, little-endian u64) · CRC-32 · footer bytes u32 · magic
//! ```
//!
//! What is kept in memory of a segment is the topmost level of each look-up, one
//! page at most, so that memory does not grow with the rows; everything else is
//! read at its offset when it is needed, and the system's page cache keeps it.

use std::sync::Arc;

use super::LogError;
use super::block::{Damaged, Layout, Rows};
use super::error::Result;
use super::page::{self, Branch, Pair};
use super::row::{Column, Columns, Row, time};
use crate::store::disk::{File, Files};

const MAGIC: [u8; 8] = *b"heraldlg";
const VERSION: u64 = 1;
const TRAILER: usize = 4 + 4 + 8;

/// The sorted look-ups of a segment; the discriminant is its place in the footer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Index {
    Time,
    Message,
    Target,
    Identifier,
    Provider,
    Outcome,
    MessageOutcome,
}

impl Index {
    pub(super) const ALL: [Index; 7] = [
        Index::Time,
        Index::Message,
        Index::Target,
        Index::Identifier,
        Index::Provider,
        Index::Outcome,
        Index::MessageOutcome,
    ];

    /// The key of a row, given its values by column.
    pub(super) fn key(self, value: impl Fn(Column) -> u64) -> u64 {
        match self {
            Index::Time => value(Column::At),
            Index::Message => value(Column::Message),
            Index::Target => value(Column::Target),
            Index::Identifier => value(Column::Identifier),
            Index::Provider => value(Column::Provider),
            Index::Outcome => value(Column::Outcome),
            Index::MessageOutcome => (value(Column::Message) << 8) | value(Column::Outcome),
        }
    }
}

/// What is known of a segment without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Names the file.
    pub id: u64,
    /// The first row's number.
    pub first: u64,
    /// One more than the last row's number.
    pub end: u64,
    /// How many rows; fewer than the numbers between where retention dropped a part before a merge.
    pub rows: u64,
    /// The file's length in bytes.
    pub bytes: u64,
    /// The earliest time of a row, in milliseconds since 1970 UTC.
    pub earliest: i64,
    /// The latest.
    pub latest: i64,
}

/// The name of a segment's file.
pub(super) fn file_name(id: u64) -> String {
    format!("{id:016x}.log")
}

/// The levels of a look-up: where each begins and how many pages it has, leaves
/// first, and the pairs over the topmost.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) levels: Vec<(u64, u64)>,
    pub(super) root: Vec<Pair>,
}

/// Everything a footer says.
#[derive(Debug)]
pub(super) struct Footer {
    pub(super) page: usize,
    pub(super) first: u64,
    pub(super) end: u64,
    pub(super) rows: u64,
    pub(super) earliest: u64,
    pub(super) latest: u64,
    pub(super) blocks: u64,
    pub(super) places: Tree,
    pub(super) trees: Vec<Tree>,
}

impl Footer {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut numbers = vec![
            VERSION,
            self.page as u64,
            self.first,
            self.end,
            self.rows,
            self.earliest,
            self.latest,
            self.blocks,
        ];
        for tree in std::iter::once(&self.places).chain(&self.trees) {
            numbers.push(tree.levels.len() as u64);
            numbers.extend(tree.levels.iter().flat_map(|(offset, pages)| [*offset, *pages]));
            numbers.push(tree.root.len() as u64);
            numbers.extend(tree.root.iter().flat_map(|(a, b)| [*a, *b]));
        }
        let mut bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        let crc = crc32fast::hash(&bytes);
        let len = bytes.len() as u32;
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes.extend_from_slice(&len.to_le_bytes());
        bytes.extend_from_slice(&MAGIC);
        bytes
    }

    fn from_bytes(bytes: &[u8], crc: u32) -> std::result::Result<Self, Damaged> {
        let short = Damaged("the footer is cut short");
        if crc32fast::hash(bytes) != crc {
            return Err(Damaged("the footer's checksum is wrong"));
        }
        let mut numbers = bytes.as_chunks::<8>().0.iter().map(|n| u64::from_le_bytes(*n));
        let mut next = || numbers.next().ok_or(short);
        if next()? != VERSION {
            return Err(Damaged("it is of an unknown version"));
        }
        let mut footer = Self {
            page: next()? as usize,
            first: next()?,
            end: next()?,
            rows: next()?,
            earliest: next()?,
            latest: next()?,
            blocks: next()?,
            places: Tree::default(),
            trees: Vec::new(),
        };
        for tree in 0..=Index::ALL.len() {
            let mut read = Tree::default();
            for _ in 0..next()? {
                read.levels.push((next()?, next()?));
            }
            for _ in 0..next()? {
                read.root.push((next()?, next()?));
            }
            if tree == 0 {
                footer.places = read;
            } else if read.levels.is_empty() {
                return Err(Damaged("a look-up is missing"));
            } else {
                footer.trees.push(read);
            }
        }
        if footer.page < page::LEAST {
            return Err(Damaged("its pages are too small"));
        }
        Ok(footer)
    }
}

/// An open segment. Its file stays readable as long as this lives, also when
/// retention has removed it meanwhile.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) info: SegmentInfo,
    pub(super) footer: Footer,
    file: Arc<dyn File>,
}

impl Segment {
    /// Opens the file of segment `id` and reads its footer.
    pub(super) fn open(files: &dyn Files, id: u64) -> Result<Self> {
        let file = files.open(&file_name(id)).map_err(LogError::disk("open a segment"))?;
        let damaged = |what| LogError::Damaged { place: file_name(id), what };
        let bytes = file.len().map_err(LogError::disk("read a segment's length"))?;
        let Some(trailer_at) = bytes.checked_sub(TRAILER as u64) else {
            return Err(damaged("it is cut short"));
        };
        let mut trailer = [0; TRAILER];
        file.read_at(&mut trailer, trailer_at).map_err(LogError::disk("read a segment"))?;
        let [c0, c1, c2, c3, l0, l1, l2, l3, magic @ ..] = trailer;
        if magic != MAGIC {
            return Err(damaged("it is cut short, or not a segment"));
        }
        let len = u64::from(u32::from_le_bytes([l0, l1, l2, l3]));
        let Some(footer_at) = trailer_at.checked_sub(len) else {
            return Err(damaged("it is cut short"));
        };
        let mut raw = vec![0; len as usize];
        file.read_at(&mut raw, footer_at).map_err(LogError::disk("read a segment"))?;
        let footer = Footer::from_bytes(&raw, u32::from_le_bytes([c0, c1, c2, c3]))
            .map_err(LogError::damaged(file_name(id)))?;
        let info = SegmentInfo {
            id,
            first: footer.first,
            end: footer.end,
            rows: footer.rows,
            bytes,
            earliest: time(footer.earliest),
            latest: time(footer.latest),
        };
        Ok(Self { info, footer, file })
    }

    /// Writes the whole file into another directory and syncs it, but not the directory.
    pub(super) fn copy(&self, to: &dyn Files) -> Result<()> {
        const AT_ONCE: u64 = 1 << 20;
        let copy = to.create(&file_name(self.info.id)).map_err(LogError::disk("create a copied segment"))?;
        let mut buffer = Vec::new();
        let mut offset = 0;
        while offset < self.info.bytes {
            buffer.resize((self.info.bytes - offset).min(AT_ONCE) as usize, 0);
            self.read(offset, &mut buffer)?;
            copy.write_at(&buffer, offset).map_err(LogError::disk("write a copied segment"))?;
            offset += buffer.len() as u64;
        }
        copy.sync().map_err(LogError::disk("sync a copied segment"))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        self.file.read_at(out, offset).map_err(LogError::disk("read a segment"))
    }

    fn damaged<T>(&self, result: std::result::Result<T, Damaged>) -> Result<T> {
        result.map_err(LogError::damaged(file_name(self.info.id)))
    }

    /// Reads page `at` of a level into `buffer`.
    fn page<'b>(&self, level: (u64, u64), at: usize, buffer: &'b mut Vec<u8>) -> Result<&'b [u8]> {
        let size = self.footer.page;
        if at as u64 >= level.1 {
            return self.damaged(Err(Damaged("a page that is named is missing")));
        }
        buffer.resize(size, 0);
        self.read(level.0 + (at * size) as u64, buffer)?;
        self.damaged(page::open(buffer))
    }

    /// The page of the lowest level that has `wanted`, by way of the branches.
    fn locate(&self, tree: &Tree, wanted: Pair, buffer: &mut Vec<u8>) -> Result<usize> {
        let mut at = tree.root.partition_point(|pair| *pair <= wanted).saturating_sub(1);
        for level in tree.levels.iter().skip(1).rev() {
            let body = self.page(*level, at, buffer)?;
            at = at * page::fanout(self.footer.page) + self.damaged(Branch::of(body))?.locate(wanted);
        }
        Ok(at)
    }
}

/// Where a block is: the first row's number, and offset and length in one number.
pub(super) fn place(first: u64, offset: u64, len: usize) -> Pair {
    (first, offset << 24 | len as u64)
}

/// Longest block that [`place`] can name, in bytes.
pub(super) const LONGEST_BLOCK: usize = (1 << 24) - 1;

/// Reads rows and blocks of one segment, keeping the last block and the last
/// page of places, since rows that are asked for together often are together.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) segment: Arc<Segment>,
    block: Vec<u8>,
    layout: Option<Layout>,
    ordinal: usize,
    places: Vec<u8>,
    places_at: Option<usize>,
    buffer: Vec<u8>,
}

impl Reader {
    pub(super) fn new(segment: Arc<Segment>) -> Self {
        Self {
            segment,
            block: Vec::new(),
            layout: None,
            ordinal: 0,
            places: Vec::new(),
            places_at: None,
            buffer: Vec::new(),
        }
    }

    pub(super) fn blocks(&self) -> usize {
        self.segment.footer.blocks as usize
    }

    /// Loads the block that row `seq` would be in, and returns the row's place in it.
    pub(super) fn seek(&mut self, seq: u64) -> Result<Option<usize>> {
        if let Some(row) = self.row_of(seq) {
            return Ok(Some(row));
        }
        let ordinal = self.ordinal_of(seq)?;
        self.load(ordinal)?;
        Ok(self.row_of(seq))
    }

    fn row_of(&self, seq: u64) -> Option<usize> {
        let layout = self.layout.as_ref()?;
        let row = seq.checked_sub(layout.first)? as usize;
        (row < layout.rows).then_some(row)
    }

    /// Which block has row `seq`: the last that does not begin after it, else the first.
    pub(super) fn ordinal_of(&mut self, seq: u64) -> Result<usize> {
        let wanted = (seq, u64::MAX);
        let segment = Arc::clone(&self.segment);
        let tree = &segment.footer.places;
        if tree.levels.is_empty() {
            return Ok(tree.root.partition_point(|pair| *pair <= wanted).saturating_sub(1));
        }
        let at = segment.locate(tree, wanted, &mut self.buffer)?;
        let branch = self.places(at)?;
        Ok(at * page::fanout(segment.footer.page) + branch.locate(wanted))
    }

    fn places(&mut self, at: usize) -> Result<Branch<'_>> {
        if self.places_at != Some(at) {
            self.places_at = None;
            self.segment.page(self.segment.footer.places.levels[0], at, &mut self.places)?;
            self.places_at = Some(at);
        }
        // The checksum was right when the page was read.
        let body = &self.places[..self.places.len() - 4];
        self.segment.damaged(Branch::of(body))
    }

    /// Loads block number `ordinal`, checked, unless it is loaded.
    pub(super) fn load(&mut self, ordinal: usize) -> Result<()> {
        if self.layout.is_some() && self.ordinal == ordinal {
            return Ok(());
        }
        let segment = Arc::clone(&self.segment);
        let fanout = page::fanout(segment.footer.page);
        let missing = Err(Damaged("a block that is named is missing"));
        let pair = if segment.footer.places.levels.is_empty() {
            segment.footer.places.root.get(ordinal).copied()
        } else {
            let branch = self.places(ordinal / fanout)?;
            (ordinal % fanout < branch.len()).then(|| branch.pair(ordinal % fanout))
        };
        let Some((_, packed)) = pair else { return segment.damaged(missing) };
        self.layout = None;
        self.block.resize((packed & LONGEST_BLOCK as u64) as usize, 0);
        segment.read(packed >> 24, &mut self.block)?;
        self.layout = Some(segment.damaged(Layout::checked(&self.block))?);
        self.ordinal = ordinal;
        Ok(())
    }

    /// The loaded block's bytes and layout.
    pub(super) fn block(&self) -> Option<(&[u8], &Layout)> {
        self.layout.as_ref().map(|layout| (self.block.as_slice(), layout))
    }

    /// The numbers of the loaded block's rows.
    pub(super) fn seqs(&self) -> std::ops::Range<u64> {
        self.layout.as_ref().map_or(0..0, |layout| layout.first..layout.first + layout.rows as u64)
    }

    /// The columns of row `row` of the loaded block.
    pub(super) fn columns(&self, row: usize) -> Columns {
        self.layout.as_ref().map_or_else(Columns::default, |layout| layout.columns(&self.block, row))
    }

    /// Row `row` of the loaded block, whole.
    pub(super) fn row(&self, row: usize) -> Option<Row> {
        let layout = self.layout.as_ref()?;
        Some(Row {
            seq: layout.first + row as u64,
            columns: layout.columns(&self.block, row),
            payload: layout.payload(&self.block, row).to_vec(),
        })
    }
}

/// The entries of a look-up between two bounds, both included, in either order.
#[derive(Debug)]
pub(super) struct Postings {
    segment: Arc<Segment>,
    index: Index,
    low: Pair,
    high: Pair,
    back: bool,
    page: Option<usize>,
    entries: Vec<Pair>,
    left: Rows,
    buffer: Vec<u8>,
}

impl Postings {
    /// Entries whose (key, seq) is in `low..=high`.
    pub(super) fn new(segment: Arc<Segment>, index: Index, low: Pair, high: Pair, back: bool) -> Self {
        // In the file a row is named by its distance from the first.
        let first = segment.info.first;
        let below = low.0 == high.0 && high.1 < first;
        let low = (low.0, low.1.saturating_sub(first));
        let mut high = high;
        if high.1 >= first {
            high.1 -= first;
        } else if high.0 > 0 {
            // No row of that key is old enough, but those of smaller keys may be.
            high = (high.0 - 1, u64::MAX);
        }
        let mut postings = Self {
            segment,
            index,
            low,
            high,
            back,
            page: None,
            entries: Vec::new(),
            left: 0..0,
            buffer: Vec::new(),
        };
        if below || low > high {
            postings.page = Some(usize::MAX);
        }
        postings
    }

    /// Every entry, ascending.
    pub(super) fn all(segment: Arc<Segment>, index: Index) -> Self {
        Self::new(segment, index, (0, 0), (u64::MAX, u64::MAX), false)
    }

    /// The next (key, seq).
    pub(super) fn next(&mut self) -> Result<Option<Pair>> {
        loop {
            let at = if self.back { self.left.next_back() } else { self.left.next() };
            if let Some(at) = at {
                let (key, place) = self.entries[at];
                return Ok(Some((key, self.segment.info.first + place)));
            }
            if !self.turn()? {
                return Ok(None);
            }
        }
    }

    /// Reads the next page that matters; false after the last.
    fn turn(&mut self) -> Result<bool> {
        const DONE: usize = usize::MAX;
        let segment = Arc::clone(&self.segment);
        let tree = &segment.footer.trees[self.index as usize];
        let leaves = tree.levels[0];
        let at = match self.page {
            None => {
                let from = if self.back { self.high } else { self.low };
                segment.locate(tree, from, &mut self.buffer)?
            }
            Some(at) if at != DONE && self.back && at > 0 => at - 1,
            Some(at) if at != DONE && !self.back && at as u64 + 1 < leaves.1 => at + 1,
            Some(_) => return Ok(false),
        };
        self.entries.clear();
        let body = segment.page(leaves, at, &mut self.buffer)?;
        segment.damaged(page::entries(body, &mut self.entries))?;
        let start = self.entries.partition_point(|entry| *entry < self.low);
        let end = self.entries.partition_point(|entry| *entry <= self.high);
        // A bound inside this page means that the pages behind it have nothing more.
        let last = if self.back { start > 0 } else { end < self.entries.len() };
        self.page = Some(if last { DONE } else { at });
        self.left = start..end.max(start);
        Ok(true)
    }
}
