//! Blocks: some rows that follow each other, packed by columns.
//!
//! Every column is a base and the differences to it in 0, 1, 2, 4 or 8 bytes
//! each, so that any row's columns are read in place. Layout, little-endian:
//!
//! ```text
//! version u8 · rows u32 · first seq u64 · payload bytes u32
//! 9 × (width u8, base u64)     eight columns, and where each payload ends
//! the columns · the payloads · CRC-32 of all before it
//! ```

use super::row::{COLUMNS, Column, Columns};

const VERSION: u8 = 1;
const ENDS: usize = COLUMNS;
const PLACES: usize = COLUMNS + 1;
const HEADER: usize = 1 + 4 + 8 + 4 + PLACES * 9;

/// Collects rows and packs them. Reused from block to block.
#[derive(Debug, Default)]
pub(super) struct Packer {
    columns: [Vec<u64>; COLUMNS],
    ends: Vec<u64>,
    payload: Vec<u8>,
}

impl Packer {
    pub(super) fn push(&mut self, columns: &Columns, payload: &[u8]) {
        for (column, value) in self.columns.iter_mut().zip(columns.to_values()) {
            column.push(value);
        }
        self.payload.extend_from_slice(payload);
        self.ends.push(self.payload.len() as u64);
    }

    pub(super) fn rows(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of payload collected so far.
    pub(super) fn payload_bytes(&self) -> usize {
        self.payload.len()
    }

    /// Appends the block to `out` and empties the packer.
    pub(super) fn pack(&mut self, first: u64, out: &mut Vec<u8>) {
        let start = out.len();
        out.push(VERSION);
        out.extend_from_slice(&(self.rows() as u32).to_le_bytes());
        out.extend_from_slice(&first.to_le_bytes());
        out.extend_from_slice(&(self.payload.len() as u32).to_le_bytes());
        let mut widths = [0; PLACES];
        let mut bases = [0; PLACES];
        for (place, column) in self.columns.iter().chain([&self.ends]).enumerate() {
            let (mut low, mut high) = (u64::MAX, 0);
            for value in column {
                low = low.min(*value);
                high = high.max(*value);
            }
            bases[place] = low.min(high);
            widths[place] = width(high - bases[place]);
            out.push(widths[place]);
            out.extend_from_slice(&bases[place].to_le_bytes());
        }
        for (place, column) in self.columns.iter().chain([&self.ends]).enumerate() {
            let base = bases[place];
            match widths[place] {
                0 => {}
                1 => out.extend(column.iter().map(|v| (v - base) as u8)),
                2 => out.extend(column.iter().flat_map(|v| ((v - base) as u16).to_le_bytes())),
                4 => out.extend(column.iter().flat_map(|v| ((v - base) as u32).to_le_bytes())),
                _ => out.extend(column.iter().flat_map(|v| (v - base).to_le_bytes())),
            }
        }
        out.extend_from_slice(&self.payload);
        let crc = crc32fast::hash(&out[start..]);
        out.extend_from_slice(&crc.to_le_bytes());
        self.columns.iter_mut().for_each(Vec::clear);
        self.ends.clear();
        self.payload.clear();
    }
}

fn width(span: u64) -> u8 {
    match span {
        0 => 0,
        1..=0xFF => 1,
        0x100..=0xFFFF => 2,
        0x1_0000..=0xFFFF_FFFF => 4,
        _ => 8,
    }
}

/// Where everything is in a block's bytes. It is kept beside the bytes, and every
/// method is given them.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) first: u64,
    pub(super) rows: usize,
    places: [Place; PLACES],
    payload: usize,
    payload_bytes: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Place {
    base: u64,
    width: usize,
    at: usize,
}

/// A block whose bytes cannot have been written by [`Packer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damaged(pub(super) &'static str);

impl Layout {
    /// Reads the layout after checking the block's checksum.
    pub(super) fn checked(bytes: &[u8]) -> Result<Self, Damaged> {
        let Some((body, crc)) = bytes.split_last_chunk::<4>() else {
            return Err(Damaged("a block is cut short"));
        };
        if crc32fast::hash(body) != u32::from_le_bytes(*crc) {
            return Err(Damaged("a block's checksum is wrong"));
        }
        Self::parse(bytes)
    }

    /// Reads the layout of a block that was checked before.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Damaged> {
        let short = Damaged("a block is cut short");
        let header: &[u8; HEADER] = bytes.first_chunk().ok_or(short)?;
        if header[0] != VERSION {
            return Err(Damaged("a block is of an unknown version"));
        }
        let rows = number(&header[1..5]) as usize;
        let first = number(&header[5..13]);
        let payload_bytes = number(&header[13..17]) as usize;
        let mut places = [Place::default(); PLACES];
        let mut at = HEADER;
        for (place, raw) in places.iter_mut().zip(header[17..].chunks_exact(9)) {
            let width = usize::from(raw[0]);
            if !matches!(width, 0 | 1 | 2 | 4 | 8) {
                return Err(Damaged("a block's column has an impossible width"));
            }
            *place = Place { base: number(&raw[1..]), width, at };
            at += width * rows;
        }
        if bytes.len() != at + payload_bytes + 4 {
            return Err(short);
        }
        Ok(Self { first, rows, places, payload: at, payload_bytes })
    }

    /// The value of `column` in row `row`.
    pub(super) fn value(&self, bytes: &[u8], column: Column, row: usize) -> u64 {
        self.at(bytes, column as usize, row)
    }

    fn at(&self, bytes: &[u8], place: usize, row: usize) -> u64 {
        let Place { base, width, at } = self.places[place];
        let start = at + row * width;
        base.wrapping_add(match width {
            0 => 0,
            1 => u64::from(bytes[start]),
            _ => number(&bytes[start..start + width]),
        })
    }

    pub(super) fn columns(&self, bytes: &[u8], row: usize) -> Columns {
        let mut values = [0; COLUMNS];
        for (place, value) in values.iter_mut().enumerate() {
            *value = self.at(bytes, place, row);
        }
        Columns::from_values(values)
    }

    /// The payload of row `row`; empty where the block's own figures do not fit.
    pub(super) fn payload<'a>(&self, bytes: &'a [u8], row: usize) -> &'a [u8] {
        let start = if row == 0 { 0 } else { self.at(bytes, ENDS, row - 1) as usize };
        let end = (self.at(bytes, ENDS, row) as usize).min(self.payload_bytes);
        bytes.get(self.payload + start..self.payload + end).unwrap_or_default()
    }

    /// The last row of `rows` whose `column` is `value`.
    pub(super) fn last(&self, bytes: &[u8], column: Column, value: u64, rows: Rows) -> Option<usize> {
        self.seek(bytes, column, value, rows, true)
    }

    /// The first row of `rows` whose `column` is `value`.
    pub(super) fn first(&self, bytes: &[u8], column: Column, value: u64, rows: Rows) -> Option<usize> {
        self.seek(bytes, column, value, rows, false)
    }

    fn seek(&self, bytes: &[u8], column: Column, value: u64, rows: Rows, back: bool) -> Option<usize> {
        let Place { base, width, at } = self.places[column as usize];
        let delta = value.checked_sub(base)?;
        if rows.is_empty() {
            return None;
        }
        if width == 0 {
            return (delta == 0).then_some(if back { rows.end - 1 } else { rows.start });
        }
        if width < 8 && delta >> (width * 8) != 0 {
            return None;
        }
        let raw = &bytes[at + rows.start * width..at + rows.end * width];
        let found = match width {
            1 => find(raw, &[delta as u8], back),
            2 => find(raw, &(delta as u16).to_le_bytes(), back),
            4 => find(raw, &(delta as u32).to_le_bytes(), back),
            _ => find(raw, &delta.to_le_bytes(), back),
        };
        found.map(|row| rows.start + row)
    }

    /// The part of the block before where the payloads end: what [`Chunk`] keeps.
    fn head(&self) -> usize {
        self.places[ENDS].at
    }

    /// The least value of `column`.
    pub(super) fn base(&self, column: Column) -> u64 {
        self.places[column as usize].base
    }
}

/// A range of rows in a block.
pub(super) type Rows = std::ops::Range<usize>;

/// Finds `needle` among values of its width. Whole strides are looked through
/// without a branch a value, which the compiler turns into vector instructions.
fn find<const W: usize>(raw: &[u8], needle: &[u8; W], back: bool) -> Option<usize> {
    const STRIDE: usize = 64;
    let among = |values: &[[u8; W]]| values.iter().fold(0, |hit, value| hit | u8::from(value == needle)) != 0;
    let (values, _) = raw.as_chunks::<W>();
    if back {
        let mut end = values.len();
        for stride in values.rchunks(STRIDE) {
            end -= stride.len();
            if among(stride) {
                return stride.iter().rposition(|value| value == needle).map(|at| end + at);
            }
        }
    } else {
        for (at, stride) in values.chunks(STRIDE).enumerate() {
            if among(stride) {
                return stride.iter().position(|value| value == needle).map(|row| at * STRIDE + row);
            }
        }
    }
    None
}

fn number(bytes: &[u8]) -> u64 {
    let mut wide = [0; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(wide)
}

/// A block's columns without its payloads, in memory.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) layout: Layout,
    bytes: Box<[u8]>,
    latest: u64,
}

impl Chunk {
    /// Keeps the columns of a packed block.
    pub(super) fn of(layout: &Layout, block: &[u8]) -> Self {
        let bytes: Box<[u8]> = block[..layout.head()].into();
        let latest =
            (0..layout.rows).map(|row| layout.value(&bytes, Column::At, row)).max().unwrap_or_default();
        Self { layout: layout.clone(), bytes, latest }
    }

    /// One chunk of the rows of two that follow each other.
    pub(super) fn join(older: &Self, newer: &Self) -> Result<Self, Damaged> {
        let mut packer = Packer::default();
        for chunk in [older, newer] {
            for row in 0..chunk.rows() {
                packer.push(&chunk.columns(row), &[]);
            }
        }
        let mut block = Vec::new();
        packer.pack(older.first(), &mut block);
        Ok(Self::of(&Layout::parse(&block)?, &block))
    }

    pub(super) fn first(&self) -> u64 {
        self.layout.first
    }

    pub(super) fn end(&self) -> u64 {
        self.layout.first + self.layout.rows as u64
    }

    pub(super) fn rows(&self) -> usize {
        self.layout.rows
    }

    pub(super) fn columns(&self, row: usize) -> Columns {
        self.layout.columns(&self.bytes, row)
    }

    pub(super) fn value(&self, column: Column, row: usize) -> u64 {
        self.layout.value(&self.bytes, column, row)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The latest time in it, in the order of [`super::row::ordered`].
    pub(super) fn latest(&self) -> u64 {
        self.latest
    }

    /// The earliest time in it.
    pub(super) fn earliest(&self) -> u64 {
        self.layout.base(Column::At)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn columns() -> impl Strategy<Value = Columns> {
        (any::<i64>(), 0..1u64 << 56, any::<u64>(), 0..70_000u64, any::<u32>(), 0..4u8, 0..3u16, any::<u16>())
            .prop_map(|(at, message, target, identifier, provider, outcome, attempt, run)| Columns {
                at,
                message,
                target,
                identifier,
                provider,
                outcome,
                attempt,
                run,
            })
    }

    proptest! {
            #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
            #[test]
            fn a_block_gives_back_its_rows(
                rows in prop::collection::vec((columns(), prop::collection::vec(any::<u8>(), 0..40)), 1..60),
                first in 0..u64::MAX / 2,
            ) {
                let mut packer = Packer::default();
                for (columns, payload) in &rows {
                    packer.push(columns, payload);
                }
                let mut bytes = Vec::new();
                packer.pack(first, &mut bytes);
                let layout = Layout::checked(&bytes).unwrap();
                prop_assert_eq!((layout.first, layout.rows), (first, rows.len()));
                let chunk = Chunk::of(&layout, &bytes);
                for (row, (columns, payload)) in rows.iter().enumerate() {
                    prop_assert_eq!(&layout.columns(&bytes, row), columns);
                    prop_assert_eq!(&chunk.columns(row), columns);
                    prop_assert_eq!(layout.payload(&bytes, row), payload.as_slice());
                    let value = u64::from(columns.outcome);
                    let same = |row: &usize| rows[*row].0.outcome == columns.outcome;
                    let all = 0..rows.len();
                    let last = layout.last(&bytes, Column::Outcome, value, all.clone());
                    prop_assert_eq!(last, all.clone().rev().find(same));
                    prop_assert_eq!(layout.first(&bytes, Column::Outcome, value, all.clone()), all.clone().find(same));
                }
                let half = rows.len() / 2;
                if half > 0 {
                    let mut parts = Vec::new();
                    for part in [&rows[..half], &rows[half..]] {
                        for (columns, payload) in part {
     packer.push(columns, payload);
    }
                        let mut bytes = Vec::new();
                        packer.pack(first + if parts.is_empty() { 0 } else { half as u64 }, &mut bytes);
                        parts.push(Chunk::of(&Layout::checked(&bytes).unwrap(), &bytes));
                    }
                    let joined = Chunk::join(&parts[0], &parts[1]).unwrap();
                    prop_assert_eq!((joined.first(), joined.end()), (chunk.first(), chunk.end()));
                    prop_assert_eq!((joined.earliest(), joined.latest()), (chunk.earliest(), chunk.latest()));
                    for (row, (columns, _)) in rows.iter().enumerate() {
                        prop_assert_eq!(&joined.columns(row), columns);
                    }
                }
            }

            #[test]
            fn damage_is_found_and_never_panics(
                rows in prop::collection::vec(columns(), 1..10),
                at in any::<prop::sample::Index>(),
                flip in 1..=255u8,
            ) {
                let mut packer = Packer::default();
                for columns in &rows { packer.push(columns, b"answer"); }
                let mut bytes = Vec::new();
                packer.pack(7, &mut bytes);
                let at = at.index(bytes.len());
                prop_assert!(Layout::checked(&bytes[..at]).is_err());
                bytes[at] ^= flip;
                prop_assert!(Layout::checked(&bytes).is_err());
                if let Ok(layout) = Layout::parse(&bytes) {
                    for row in 0..layout.rows.min(100) {
                        layout.columns(&bytes, row);
                        layout.payload(&bytes, row);
                    }
                }
            }
        }
}
