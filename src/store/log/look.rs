//! Looking things up: pages of rows from a snapshot of the log.

use std::fmt;
use std::sync::Arc;

use redb::ReadOnlyTable;

use super::LogError;
use super::candidates::{Candidates, Rows, Source};
use super::error::Result;
use super::row::{Columns, Row, ordered};
use super::segment::SegmentInfo;
use super::view::View;
use crate::store::disk::Files;

/// Which rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// Every row.
    All,
    /// The rows of a message.
    Message(u64),
    /// The rows of a target.
    Target(u64),
    /// The rows of an identifier.
    Identifier(u64),
    /// The rows of a provider.
    Provider(u32),
    /// The rows with an outcome.
    Outcome(u8),
    /// The rows of a message with an outcome.
    MessageOutcome(u64, u8),
    /// The rows of a time, in the order of time and not in that in which they were
    /// recorded: the two differ where the clock was set.
    Time {
        /// From when on, in milliseconds since 1970 UTC.
        from: i64,
        /// Before when.
        until: i64,
    },
}

/// In which order. That of recording, or for [`Lookup::Time`] that of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The last first.
    #[default]
    NewestFirst,
    /// The first first.
    OldestFirst,
}

/// A row's position in a listing; what comes after it is asked for by [`Query::after`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Cursor {
    /// The row's number.
    pub seq: u64,
    /// The row's time, in milliseconds since 1970 UTC; it counts only for [`Lookup::Time`].
    pub at: i64,
}

/// A condition on a row, given its number and columns.
pub type Filter<'a> = dyn Fn(u64, &Columns) -> bool + 'a;

/// What is asked for.
#[derive(Clone, Copy)]
pub struct Query<'a> {
    /// Which rows, by a sorted look-up.
    pub lookup: Lookup,
    /// In which order.
    pub order: Order,
    /// Only what comes after this in that order.
    pub after: Option<Cursor>,
    /// How many rows at most.
    pub limit: usize,
    /// Of the rows of the look-up, only those that it accepts. They are read one by one.
    pub filter: Option<&'a Filter<'a>>,
    /// How many rows may be read for this page.
    pub examine: usize,
}

impl Query<'_> {
    /// How many rows a page reads at most unless it says otherwise.
    pub const EXAMINE: usize = 50_000;

    /// The newest `limit` rows of `lookup`.
    pub fn new(lookup: Lookup, limit: usize) -> Self {
        Self { lookup, order: Order::NewestFirst, after: None, limit, filter: None, examine: Self::EXAMINE }
    }
}

impl fmt::Debug for Query<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query")
            .field("lookup", &self.lookup)
            .field("order", &self.order)
            .field("after", &self.after)
            .field("limit", &self.limit)
            .field("filter", &self.filter.is_some())
            .field("examine", &self.examine)
            .finish()
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// The rows, in the order that was asked for.
    pub rows: Vec<Row>,
    /// How far it looked; nothing where it looked at everything. Ask with it for what comes after.
    pub next: Option<Cursor>,
    /// How many rows were read.
    pub examined: usize,
}

/// The log as of one commit. It holds the main file's snapshot, so drop it soon.
pub struct Snapshot {
    pub(super) view: Arc<View>,
    pub(super) tail: Option<ReadOnlyTable<u64, &'static [u8]>>,
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("state", &self.view.state).finish_non_exhaustive()
    }
}

impl Snapshot {
    pub(super) fn new(view: Arc<View>, tail: Option<ReadOnlyTable<u64, &'static [u8]>>) -> Self {
        Self { view, tail }
    }

    /// How many rows the log holds.
    pub fn rows(&self) -> u64 {
        self.view.segments.iter().map(|segment| segment.info.rows).sum::<u64>() + self.view.tail_rows()
    }

    /// The number that the next row gets.
    pub fn next_seq(&self) -> u64 {
        self.view.state.next
    }

    /// The first row that is not in a segment yet.
    pub fn tail_seq(&self) -> u64 {
        self.view.state.tail
    }

    /// The segments, oldest first.
    pub fn segments(&self) -> Vec<SegmentInfo> {
        self.view.infos()
    }

    /// Writes the snapshot's segments into another directory, synced; for a copy of
    /// the store, together with the main file as of the same read transaction.
    ///
    /// # Errors
    /// Either disk's. What was written by then stays there.
    pub fn copy_segments(&self, to: &dyn Files) -> Result<()> {
        for segment in &self.view.segments {
            segment.copy(to)?;
        }
        to.sync_dir().map_err(LogError::disk("sync the copy's directory"))
    }

    /// One row by its number; nothing where retention dropped it or it is yet to come.
    pub fn row(&self, seq: u64) -> Result<Option<Row>> {
        let mut rows = Rows::new(self);
        if seq >= self.view.state.tail {
            return if seq < self.view.state.next { rows.row(Source::Tail, seq) } else { Ok(None) };
        }
        let at = self.view.segments.partition_point(|segment| segment.info.end <= seq);
        if at == self.view.segments.len() { Ok(None) } else { rows.row(Source::Segment(at), seq) }
    }

    /// A page of rows.
    ///
    /// # Errors
    /// The disk's, the main file's, and damage, each naming the file.
    pub fn page(&self, query: &Query<'_>) -> Result<Page> {
        let mut page = Page::default();
        let mut candidates = Candidates::new(self, query)?;
        let mut last = None;
        while let Some((source, key, seq)) = candidates.next()? {
            if page.rows.len() >= query.limit || page.examined >= query.examine {
                page.next = last.or(query.after);
                break;
            }
            page.examined += 1;
            let wanted = match query.filter {
                Some(filter) => {
                    let columns = candidates.rows.columns(source, seq)?;
                    last = Some(Cursor { seq, at: columns.at });
                    filter(seq, &columns)
                }
                None => true,
            };
            if wanted {
                let row = candidates.rows.row(source, seq)?.ok_or_else(|| LogError::Damaged {
                    place: format!("row {seq}"),
                    what: "a look-up names it, and it is missing",
                })?;
                debug_assert!(
                    !matches!(query.lookup, Lookup::Time { .. }) || ordered(row.columns.at) == key,
                    "the look-up by time names another time than the row has",
                );
                last = Some(Cursor { seq, at: row.columns.at });
                page.rows.push(row);
            }
        }
        Ok(page)
    }
}
