//! Pages: the fixed-size pieces that a segment's look-ups are made of.
//!
//! A leaf of a look-up holds ascending (key, place) entries, where a place is a
//! row's distance from the segment's first: `count u16 · key u64 · place u64`,
//! then per entry the distance to the place before it, or 0, the distance to
//! the key before it and the place. A branch holds pairs of numbers, `count u16`
//! first: the first entry of each page below it. Both end in a CRC-32.

use super::block::Damaged;

/// A (key, place) entry, or a pair in a branch.
pub(super) type Pair = (u64, u64);

const LEAF_HEADER: usize = 2 + 8 + 8;
/// The longest an entry can get: the mark, a key of ten bytes, a place of ten.
const LONGEST: usize = 21;
const CRC: usize = 4;

/// The least size of a page, in bytes, that holds more than one entry of any kind.
pub(super) const LEAST: usize = 128;

/// Pairs in a branch page of `size` bytes.
pub(super) fn fanout(size: usize) -> usize {
    (size - CRC - 2) / 16
}

/// Fills leaves with ascending entries.
#[derive(Debug)]
pub(super) struct Leaf {
    bytes: Vec<u8>,
    size: usize,
    count: u16,
    first: Pair,
    last: Pair,
}

impl Leaf {
    pub(super) fn new(size: usize) -> Self {
        Self { bytes: Vec::with_capacity(size), size, count: 0, first: (0, 0), last: (0, 0) }
    }

    /// Adds an entry that is greater than the last; false where the page is full.
    pub(super) fn push(&mut self, entry: Pair) -> bool {
        if self.count == 0 {
            self.bytes.clear();
            self.bytes.extend_from_slice(&[0; 2]);
            self.bytes.extend_from_slice(&entry.0.to_le_bytes());
            self.bytes.extend_from_slice(&entry.1.to_le_bytes());
            self.first = entry;
        } else {
            if self.bytes.len() + LONGEST + CRC > self.size || self.count == u16::MAX {
                return false;
            }
            if entry.0 == self.last.0 {
                put_varint(&mut self.bytes, entry.1 - self.last.1);
            } else {
                self.bytes.push(0);
                put_varint(&mut self.bytes, entry.0 - self.last.0);
                put_varint(&mut self.bytes, entry.1);
            }
        }
        self.last = entry;
        self.count += 1;
        true
    }

    /// The finished page and its first entry, and an empty leaf; nothing where it is empty.
    pub(super) fn finish(&mut self) -> Option<(&[u8], Pair)> {
        if self.count == 0 {
            return None;
        }
        self.bytes[..2].copy_from_slice(&self.count.to_le_bytes());
        seal(&mut self.bytes, self.size);
        self.count = 0;
        Some((&self.bytes, self.first))
    }
}

/// A page of pairs; at most [`fanout`] of them.
pub(super) fn branch(pairs: &[Pair], size: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size);
    bytes.extend_from_slice(&(pairs.len() as u16).to_le_bytes());
    for (a, b) in pairs {
        bytes.extend_from_slice(&a.to_le_bytes());
        bytes.extend_from_slice(&b.to_le_bytes());
    }
    seal(&mut bytes, size);
    bytes
}

fn seal(bytes: &mut Vec<u8>, size: usize) {
    bytes.resize(size - CRC, 0);
    let crc = crc32fast::hash(bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
}

/// The page's content, after its checksum was found right.
pub(super) fn open(page: &[u8]) -> Result<&[u8], Damaged> {
    match page.split_last_chunk::<CRC>() {
        Some((body, crc)) if crc32fast::hash(body) == u32::from_le_bytes(*crc) => Ok(body),
        _ => Err(Damaged("a page's checksum is wrong")),
    }
}

/// The entries of a leaf, appended to `out`.
pub(super) fn entries(body: &[u8], out: &mut Vec<Pair>) -> Result<(), Damaged> {
    let short = Damaged("a page is cut short");
    let header: &[u8; LEAF_HEADER] = body.first_chunk().ok_or(short)?;
    let count = usize::from(u16::from_le_bytes([header[0], header[1]]));
    let mut key = word(&header[2..10]);
    let mut place = word(&header[10..18]);
    let mut rest = &body[LEAF_HEADER..];
    out.reserve(count);
    out.push((key, place));
    for _ in 1..count {
        let step = match rest {
            // Neighbours of one message or outcome are most entries.
            [byte, tail @ ..] if *byte < 0x80 => {
                rest = tail;
                u64::from(*byte)
            }
            _ => varint(&mut rest).ok_or(short)?,
        };
        if step == 0 {
            key = key.wrapping_add(varint(&mut rest).ok_or(short)?);
            place = varint(&mut rest).ok_or(short)?;
        } else {
            place = place.wrapping_add(step);
        }
        out.push((key, place));
    }
    Ok(())
}

/// The pairs of a branch.
pub(super) struct Branch<'a>(&'a [[u8; 16]]);

impl<'a> Branch<'a> {
    pub(super) fn of(body: &'a [u8]) -> Result<Self, Damaged> {
        let short = Damaged("a page is cut short");
        let (count, pairs) = body.split_first_chunk::<2>().ok_or(short)?;
        let pairs = pairs.as_chunks::<16>().0;
        Ok(Self(pairs.get(..usize::from(u16::from_le_bytes(*count))).ok_or(short)?))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn pair(&self, at: usize) -> Pair {
        (word(&self.0[at][..8]), word(&self.0[at][8..]))
    }

    /// Which pair's page has `wanted`: the last that is not greater, else the first.
    pub(super) fn locate(&self, wanted: Pair) -> usize {
        self.0.partition_point(|raw| (word(&raw[..8]), word(&raw[8..])) <= wanted).saturating_sub(1)
    }
}

fn word(bytes: &[u8]) -> u64 {
    let mut wide = [0; 8];
    wide.copy_from_slice(bytes);
    u64::from_le_bytes(wide)
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..70).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7F).checked_shl(shift)?;
        if *byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn leaves_give_back_their_entries(
            entries_in in prop::collection::btree_set((prop_oneof![0..4u64, any::<u64>()], 0..u64::MAX / 2), 1..200),
            size in LEAST..600,
        ) {
            let mut leaf = Leaf::new(size);
            let mut pages = Vec::new();
            for entry in &entries_in {
                if !leaf.push(*entry) {
                    let (page, first) = leaf.finish().unwrap();
                    pages.push((page.to_vec(), first));
                    prop_assert!(leaf.push(*entry));
                }
            }
            let (page, first) = leaf.finish().unwrap();
            pages.push((page.to_vec(), first));
            prop_assert!(leaf.finish().is_none());
            let mut out = Vec::new();
            for (page, first) in &pages {
                prop_assert_eq!(page.len(), size);
                let from = out.len();
                entries(open(page).unwrap(), &mut out).unwrap();
                prop_assert_eq!(out[from], *first);
            }
            prop_assert_eq!(out.into_iter().collect::<BTreeSet<_>>(), entries_in);
        }

        #[test]
        fn a_branch_locates(pairs in prop::collection::btree_set((0..20u64, 0..20u64), 1..30), wanted in (0..22u64, 0..22u64)) {
            let pairs: Vec<Pair> = pairs.into_iter().collect();
            let page = branch(&pairs, 1024);
            let read = Branch::of(open(&page).unwrap()).unwrap();
            let expected = pairs.iter().rposition(|pair| *pair <= wanted).unwrap_or(0);
            prop_assert_eq!(read.locate(wanted), expected);
            prop_assert_eq!(read.pair(expected), pairs[expected]);
            prop_assert_eq!(read.len(), pairs.len());
        }

        #[test]
        fn damage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut out = Vec::new();
            let _ = entries(&bytes, &mut out);
            if let Ok(branch) = Branch::of(&bytes) {
                (0..branch.len()).for_each(|at| { branch.pair(at); });
            }
            prop_assert!(open(&bytes).is_err() || bytes.len() >= 4);
        }
    }
}
