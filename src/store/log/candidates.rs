//! The rows that a look-up names, one after another, from the segments and the tail.

use std::ops::Range;
use std::sync::Arc;

use redb::AccessGuard;

use super::LogError;
use super::block::Layout;
use super::error::Result;
use super::look::{Lookup, Order, Query, Snapshot};
use super::page::Pair;
use super::reader::{Postings, Reader};
use super::row::{Column, Columns, Row, ordered};
use super::segment::Index;
use super::tail::{TailRows, TailTimes, Wanted, after, before, find_chunk};

/// Where a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Tail,
    Segment(usize),
}

/// Reads rows, keeping what was read last at hand.
pub(super) struct Rows<'a> {
    snapshot: &'a Snapshot,
    readers: Vec<Option<Reader>>,
    block: Option<(Layout, AccessGuard<'static, &'static [u8]>)>,
    chunk: usize,
}

impl<'a> Rows<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        let readers = snapshot.view.segments.iter().map(|_| None).collect();
        Self { snapshot, readers, block: None, chunk: 0 }
    }

    fn reader(&mut self, at: usize) -> &mut Reader {
        let segment = &self.snapshot.view.segments[at];
        self.readers[at].get_or_insert_with(|| Reader::new(Arc::clone(segment)))
    }

    /// The columns of a row that exists.
    pub(super) fn columns(&mut self, source: Source, seq: u64) -> Result<Columns> {
        match source {
            Source::Tail => {
                let view = &self.snapshot.view;
                let here = view.chunks.get(self.chunk);
                if here.is_none_or(|chunk| !(chunk.first()..chunk.end()).contains(&seq)) {
                    self.chunk = find_chunk(view, seq).unwrap_or_default();
                }
                Ok(view
                    .chunks
                    .get(self.chunk)
                    .map_or_else(Columns::default, |chunk| chunk.columns((seq - chunk.first()) as usize)))
            }
            Source::Segment(at) => {
                let reader = self.reader(at);
                let row = reader.seek(seq)?;
                Ok(row.map_or_else(Columns::default, |row| reader.columns(row)))
            }
        }
    }

    pub(super) fn row(&mut self, source: Source, seq: u64) -> Result<Option<Row>> {
        match source {
            Source::Segment(at) => {
                let reader = self.reader(at);
                Ok(reader.seek(seq)?.and_then(|row| reader.row(row)))
            }
            Source::Tail => {
                if !self.block.as_ref().is_some_and(|(layout, _)| holds(layout, seq)) {
                    self.block = None;
                    let Some(tail) = &self.snapshot.tail else { return Ok(None) };
                    let Some((_, bytes)) = tail.range(..=seq)?.next_back().transpose()? else {
                        return Ok(None);
                    };
                    let layout = Layout::parse(bytes.value()).map_err(LogError::damaged("log.tail"))?;
                    self.block = Some((layout, bytes));
                }
                let found = self.block.as_ref().filter(|(layout, _)| holds(layout, seq));
                Ok(found.map(|(layout, bytes)| {
                    let row = (seq - layout.first) as usize;
                    let payload = layout.payload(bytes.value(), row).to_vec();
                    Row { seq, columns: layout.columns(bytes.value(), row), payload }
                }))
            }
        }
    }
}

fn holds(layout: &Layout, seq: u64) -> bool {
    (layout.first..layout.first + layout.rows as u64).contains(&seq)
}

/// The rows of a look-up, one after another, with where they are and by what key.
pub(super) struct Candidates<'a> {
    pub(super) rows: Rows<'a>,
    back: bool,
    of: Of,
}

enum Of {
    /// In the order of recording: one source after another.
    Recorded { index: Option<(Index, u64)>, within: Range<u64>, sources: Vec<Source>, now: Now },
    /// In the order of time: the nearest of several.
    Timed { heads: Vec<(Pair, Timed)> },
}

enum Now {
    Nothing,
    Tail(TailRows),
    Postings(usize, Postings),
    /// The rows of a segment: the block that comes next, and what is left of this one.
    Blocks {
        at: usize,
        next: Option<usize>,
        seqs: Range<u64>,
    },
}

enum Timed {
    Tail(TailTimes),
    Segment(usize, Postings),
}

impl Timed {
    fn next(&mut self) -> Result<Option<Pair>> {
        match self {
            Timed::Tail(times) => Ok(times.next()),
            Timed::Segment(_, postings) => postings.next(),
        }
    }
}

impl<'a> Candidates<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, query: &Query<'_>) -> Result<Self> {
        let back = query.order == Order::NewestFirst;
        let rows = Rows::new(snapshot);
        let index = match query.lookup {
            Lookup::All => None,
            Lookup::Message(message) => Some((Index::Message, message)),
            Lookup::Target(target) => Some((Index::Target, target)),
            Lookup::Identifier(identifier) => Some((Index::Identifier, identifier)),
            Lookup::Provider(provider) => Some((Index::Provider, u64::from(provider))),
            Lookup::Outcome(outcome) => Some((Index::Outcome, u64::from(outcome))),
            // No row has so great a message, and its key would be another's.
            Lookup::MessageOutcome(message, _) if message >> 56 != 0 => Some((Index::Message, message)),
            Lookup::MessageOutcome(message, outcome) => {
                Some((Index::MessageOutcome, message << 8 | u64::from(outcome)))
            }
            Lookup::Time { from, until } => {
                let heads = timed(snapshot, query, back, from, until)?;
                return Ok(Self { rows, back, of: Of::Timed { heads } });
            }
        };
        let within = match query.after {
            Some(cursor) if back => 0..cursor.seq,
            Some(cursor) => cursor.seq.saturating_add(1)..u64::MAX,
            None => 0..u64::MAX,
        };
        let overlaps = |first: u64, end: u64| first < within.end && end > within.start;
        let mut sources: Vec<Source> = (0..snapshot.view.segments.len())
            .filter(|at| {
                let info = &snapshot.view.segments[*at].info;
                overlaps(info.first, info.end)
            })
            .map(Source::Segment)
            .collect();
        if overlaps(snapshot.view.state.tail, snapshot.view.state.next) {
            sources.push(Source::Tail);
        }
        // Taken from the end.
        if !back {
            sources.reverse();
        }
        Ok(Self { rows, back, of: Of::Recorded { index, within, sources, now: Now::Nothing } })
    }

    pub(super) fn next(&mut self) -> Result<Option<(Source, u64, u64)>> {
        let (back, rows) = (self.back, &mut self.rows);
        match &mut self.of {
            Of::Timed { heads } => {
                let nearest = if back {
                    heads.iter().enumerate().max_by_key(|(_, (pair, _))| *pair)
                } else {
                    heads.iter().enumerate().min_by_key(|(_, (pair, _))| *pair)
                };
                let Some(at) = nearest.map(|(at, _)| at) else { return Ok(None) };
                let ((key, seq), timed) = &mut heads[at];
                let source = match timed {
                    Timed::Tail(_) => Source::Tail,
                    Timed::Segment(at, _) => Source::Segment(*at),
                };
                let found = (source, *key, *seq);
                match timed.next()? {
                    Some(pair) => heads[at].0 = pair,
                    None => drop(heads.swap_remove(at)),
                }
                Ok(Some(found))
            }
            Of::Recorded { index, within, sources, now } => loop {
                let found = match now {
                    Now::Nothing => None,
                    Now::Tail(tail) => tail.next().map(|seq| (Source::Tail, 0, seq)),
                    Now::Postings(at, postings) => {
                        postings.next()?.map(|(key, seq)| (Source::Segment(*at), key, seq))
                    }
                    Now::Blocks { at, next, seqs } => {
                        next_of_blocks(rows.reader(*at), back, within, next, seqs)?
                            .map(|seq| (Source::Segment(*at), 0, seq))
                    }
                };
                if found.is_some() {
                    return Ok(found);
                }
                let Some(source) = sources.pop() else { return Ok(None) };
                let view = &rows.snapshot.view;
                *now = match (source, &index) {
                    (Source::Tail, index) => {
                        let wanted = index.map_or(Wanted::Any, |(index, key)| wanted(index, key));
                        Now::Tail(TailRows::new(Arc::clone(view), wanted, within.clone(), back))
                    }
                    (Source::Segment(at), Some((index, key))) => {
                        let segment = Arc::clone(&view.segments[at]);
                        let (low, high) = ((*key, within.start), (*key, within.end.saturating_sub(1)));
                        Now::Postings(at, Postings::new(segment, *index, low, high, back))
                    }
                    (Source::Segment(at), None) => {
                        let reader = rows.reader(at);
                        let first = if back { within.end.saturating_sub(1) } else { within.start };
                        let next = Some(reader.ordinal_of(first)?);
                        Now::Blocks { at, next, seqs: 0..0 }
                    }
                };
            },
        }
    }
}

/// The next row of a segment in the order of recording.
fn next_of_blocks(
    reader: &mut Reader,
    back: bool,
    within: &Range<u64>,
    next: &mut Option<usize>,
    seqs: &mut Range<u64>,
) -> Result<Option<u64>> {
    loop {
        let seq = if back { seqs.next_back() } else { seqs.next() };
        if seq.is_some() {
            return Ok(seq);
        }
        let Some(ordinal) = *next else { return Ok(None) };
        reader.load(ordinal)?;
        let block = reader.seqs();
        *seqs = block.start.max(within.start)..block.end.min(within.end);
        *next = if back {
            ordinal.checked_sub(1).filter(|_| block.start > within.start)
        } else {
            Some(ordinal + 1).filter(|next| *next < reader.blocks() && block.end < within.end)
        };
    }
}

fn wanted(index: Index, key: u64) -> Wanted {
    match index {
        Index::Time => Wanted::Value(Column::At, key),
        Index::Message => Wanted::Value(Column::Message, key),
        Index::Target => Wanted::Value(Column::Target, key),
        Index::Identifier => Wanted::Value(Column::Identifier, key),
        Index::Provider => Wanted::Value(Column::Provider, key),
        Index::Outcome => Wanted::Value(Column::Outcome, key),
        Index::MessageOutcome => Wanted::Both((Column::Message, key >> 8), (Column::Outcome, key & 0xFF)),
    }
}

/// The sources that have rows of the time, each with its nearest.
fn timed(
    snapshot: &Snapshot,
    query: &Query<'_>,
    back: bool,
    from: i64,
    until: i64,
) -> Result<Vec<(Pair, Timed)>> {
    let Some(latest) = until.checked_sub(1).filter(|latest| from <= *latest) else { return Ok(Vec::new()) };
    let (mut low, mut high) = ((ordered(from), 0), (ordered(latest), u64::MAX));
    if let Some(cursor) = query.after {
        let here = (ordered(cursor.at), cursor.seq);
        let bound = if back { before(here) } else { after(here) };
        match bound {
            Some(bound) if back => high = high.min(bound),
            Some(bound) => low = low.max(bound),
            None => return Ok(Vec::new()),
        }
    }
    if low > high {
        return Ok(Vec::new());
    }
    let view = &snapshot.view;
    let mut sources = Vec::new();
    for (at, segment) in view.segments.iter().enumerate() {
        if segment.footer.earliest <= high.0 && segment.footer.latest >= low.0 {
            let postings = Postings::new(Arc::clone(segment), Index::Time, low, high, back);
            sources.push(Timed::Segment(at, postings));
        }
    }
    sources.push(Timed::Tail(TailTimes::new(Arc::clone(view), low, high, back, query.limit)));
    let mut heads = Vec::new();
    for mut source in sources {
        if let Some(pair) = source.next()? {
            heads.push((pair, source));
        }
    }
    Ok(heads)
}
