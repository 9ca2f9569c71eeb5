//! What the log consists of at one commit, and its records in the main file.

use std::collections::HashMap;
use std::sync::Arc;

use redb::{ReadTransaction, ReadableTable, TableDefinition, TableError};

use super::LogError;
use super::block::{Chunk, Layout};
use super::error::Result;
use super::segment::{Segment, SegmentInfo};
use crate::store::disk::Files;

/// The open part: packed blocks by the number of their first row.
pub(super) const TAIL: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log.tail");
/// The sealed segments, by the number of their first row.
pub(super) const SEGMENTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log.segments");
/// One record, [`State`].
pub(super) const STATE: TableDefinition<'_, (), &[u8]> = TableDefinition::new("log.state");

const VERSION: u64 = 1;
/// Chunks of the tail are joined up to this many rows, so that many small commits
/// leave few of them.
const CHUNK_ROWS: usize = 4096;

/// Where the log stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct State {
    /// Counts the commits that changed the log, so that readers find the view of their snapshot.
    pub(super) generation: u64,
    /// The first row of the tail; blocks before it are sealed, and garbage.
    pub(super) tail: u64,
    /// The number of the next row.
    pub(super) next: u64,
    /// No segment has this id or a greater one.
    pub(super) next_file: u64,
}

impl State {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        numbers(&[VERSION, self.generation, self.tail, self.next, self.next_file])
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let [_, generation, tail, next, next_file] = record(bytes, "log.state")?;
        Ok(Self { generation, tail, next, next_file })
    }

    /// The state as of `txn`; all zero where nothing was ever appended.
    pub(super) fn read(txn: &ReadTransaction) -> Result<Self> {
        match txn.open_table(STATE) {
            Ok(table) => table.get(())?.map_or(Ok(Self::default()), |raw| Self::from_bytes(raw.value())),
            Err(TableError::TableDoesNotExist(_)) => Ok(Self::default()),
            Err(error) => Err(error.into()),
        }
    }
}

fn numbers(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn record<const N: usize>(bytes: &[u8], place: &'static str) -> Result<[u64; N]> {
    let damaged = |what| LogError::Damaged { place: place.to_owned(), what };
    let mut read = [0; N];
    let (words, _) = bytes.as_chunks::<8>();
    if let Some(version) = words.first().map(|word| u64::from_le_bytes(*word))
        && version > VERSION
    {
        return Err(LogError::Newer { found: version, known: VERSION });
    }
    if words.len() != N {
        return Err(damaged("a record has an impossible length"));
    }
    for (number, word) in read.iter_mut().zip(words) {
        *number = u64::from_le_bytes(*word);
    }
    Ok(read)
}

impl SegmentInfo {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let Self { id, first, end, rows, bytes, earliest, latest } = self;
        numbers(&[VERSION, id, first, end, rows, bytes, earliest as u64, latest as u64])
    }

    fn from_bytes(raw: &[u8]) -> Result<Self> {
        let [_, id, first, end, rows, bytes, earliest, latest] = record(raw, "log.segments")?;
        Ok(Self { id, first, end, rows, bytes, earliest: earliest as i64, latest: latest as i64 })
    }
}

/// The log as of one commit; never changed, only followed by another.
#[derive(Debug, Clone, Default)]
pub(super) struct View {
    pub(super) state: State,
    /// Oldest first, of ascending rows.
    pub(super) segments: Vec<Arc<Segment>>,
    /// The tail's columns, oldest first. The first may begin before the tail does.
    pub(super) chunks: Vec<Arc<Chunk>>,
}

impl View {
    /// Reads the view of a snapshot: opens its segments, save those that `open` has, and packs
    /// the tail's columns.
    pub(super) fn load(
        txn: &ReadTransaction,
        files: &dyn Files,
        open: &HashMap<u64, Arc<Segment>>,
    ) -> Result<Self> {
        let mut view = Self { state: State::read(txn)?, ..Self::default() };
        let manifest = match txn.open_table(SEGMENTS) {
            Ok(table) => Some(table),
            Err(TableError::TableDoesNotExist(_)) => None,
            Err(error) => return Err(error.into()),
        };
        if let Some(manifest) = manifest {
            for entry in manifest.iter()? {
                let info = SegmentInfo::from_bytes(entry?.1.value())?;
                let segment = match open.get(&info.id) {
                    Some(segment) => Arc::clone(segment),
                    None => Arc::new(Segment::open(files, info.id)?),
                };
                if segment.info != info {
                    return Err(LogError::Damaged {
                        place: super::segment::file_name(info.id),
                        what: "it is not the file that the main file speaks of",
                    });
                }
                view.segments.push(segment);
            }
        }
        let mut next = view.state.tail;
        if let Some(tail) = open_tail(txn)? {
            for entry in tail.range(view.state.tail..)? {
                let (_, block) = entry?;
                let layout = Layout::checked(block.value()).map_err(LogError::damaged("log.tail"))?;
                if layout.first != next {
                    break;
                }
                next += layout.rows as u64;
                view.add(Chunk::of(&layout, block.value()))?;
            }
        }
        if next != view.state.next {
            let what = "rows are missing";
            return Err(LogError::Damaged { place: "log.tail".to_owned(), what });
        }
        Ok(view)
    }

    /// Adds rows at the end.
    pub(super) fn add(&mut self, chunk: Chunk) -> Result<()> {
        let mut newer = chunk;
        while let Some(older) = self.chunks.last()
            && older.rows() + newer.rows() <= CHUNK_ROWS
            && older.rows() <= 2 * newer.rows()
        {
            newer = Chunk::join(older, &newer).map_err(LogError::damaged("the open part"))?;
            self.chunks.pop();
        }
        self.chunks.push(Arc::new(newer));
        Ok(())
    }

    /// Forgets the columns of rows that are sealed.
    pub(super) fn trim(&mut self) {
        let tail = self.state.tail;
        self.chunks.retain(|chunk| chunk.end() > tail);
    }

    pub(super) fn tail_rows(&self) -> u64 {
        self.state.next - self.state.tail
    }

    pub(super) fn infos(&self) -> Vec<SegmentInfo> {
        self.segments.iter().map(|segment| segment.info).collect()
    }
}

/// Copies the log's tables.
pub(super) fn copy(from: &ReadTransaction, to: &redb::WriteTransaction) -> Result<()> {
    for definition in [TAIL, SEGMENTS] {
        match from.open_table(definition) {
            Ok(source) => {
                let mut copy = to.open_table(definition)?;
                for row in source.iter()? {
                    let (key, value) = row?;
                    copy.insert(key.value(), value.value())?;
                }
            }
            Err(TableError::TableDoesNotExist(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let state = State::read(from)?;
    to.open_table(STATE)?.insert((), state.to_bytes().as_slice())?;
    Ok(())
}

/// The tail's table as of `txn`, if anything was ever appended.
pub(super) fn open_tail(txn: &ReadTransaction) -> Result<Option<redb::ReadOnlyTable<u64, &'static [u8]>>> {
    match txn.open_table(TAIL) {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_round_trip_and_newer_ones_are_refused() {
        let state = State { generation: 9, tail: 3, next: 77, next_file: 2 };
        assert_eq!(State::from_bytes(&state.to_bytes()).unwrap(), state);
        let info =
            SegmentInfo { id: 1, first: 2, end: 9, rows: 7, bytes: 500, earliest: -5, latest: i64::MAX };
        assert_eq!(SegmentInfo::from_bytes(&info.to_bytes()).unwrap(), info);
        let newer = State::from_bytes(&numbers(&[2, 0])).unwrap_err();
        assert!(matches!(newer, LogError::Newer { found: 2, known: 1 }));
        assert!(matches!(State::from_bytes(&[1; 7]), Err(LogError::Damaged { .. })));
    }
}
