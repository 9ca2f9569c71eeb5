//! Reading segments: rows by their numbers, and the entries of a look-up.

use std::sync::Arc;

use super::block::{Damaged, Layout, Rows};
use super::error::Result;
use super::page::{self, Branch, Pair};
use super::row::{Columns, Row};
use super::segment::{Index, LONGEST_BLOCK, Segment};

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
