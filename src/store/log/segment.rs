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
use super::block::Damaged;
use super::error::Result;
use super::page::{self, Branch, Pair};
use super::row::{Column, time};
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

impl SegmentInfo {
    /// The name of its file.
    pub fn file_name(&self) -> String {
        file_name(self.id)
    }
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

    pub(super) fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        self.file.read_at(out, offset).map_err(LogError::disk("read a segment"))
    }

    pub(super) fn damaged<T>(&self, result: std::result::Result<T, Damaged>) -> Result<T> {
        result.map_err(LogError::damaged(file_name(self.info.id)))
    }

    /// Reads page `at` of a level into `buffer`.
    pub(super) fn page<'b>(&self, level: (u64, u64), at: usize, buffer: &'b mut Vec<u8>) -> Result<&'b [u8]> {
        let size = self.footer.page;
        if at as u64 >= level.1 {
            return self.damaged(Err(Damaged("a page that is named is missing")));
        }
        buffer.resize(size, 0);
        self.read(level.0 + (at * size) as u64, buffer)?;
        self.damaged(page::open(buffer))
    }

    /// The page of the lowest level that has `wanted`, by way of the branches.
    pub(super) fn locate(&self, tree: &Tree, wanted: Pair, buffer: &mut Vec<u8>) -> Result<usize> {
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
