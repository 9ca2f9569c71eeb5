//! The sandbox's own chance: small, seeded, the same on every machine.

use std::hash::Hasher;

/// A generator of evenly spread numbers (`SplitMix64`, Steele et al., OOPSLA 2014).
#[derive(Debug, Clone)]
pub(super) struct Chance {
    state: u64,
}

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next number, from 0 up to but not including 1.
    pub(super) fn next(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        part_of_one(mix(self.state))
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A hash as a number from 0 up to but not including 1.
pub(super) fn part_of_one(hash: u64) -> f64 {
    (hash >> 11) as f64 / (1u64 << 53) as f64
}

/// A hash of `bytes`, even under hostile input, the same in every run.
pub(super) fn hash_of(seed: u64, bytes: &[u8]) -> u64 {
    // SipHash with fixed keys: even enough to count by.
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write_u64(seed);
    hasher.write(bytes);
    hasher.finish()
}
