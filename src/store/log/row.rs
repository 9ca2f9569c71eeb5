//! What a row of the delivery log is.

/// The columns of a row that look-ups and predicates see. Ids are the dense
/// numbers that the store gives, not the strings of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Columns {
    /// When it happened, in milliseconds since 1970 UTC.
    pub at: i64,
    /// The message; below 2^56, since a look-up keeps it beside the outcome.
    pub message: u64,
    /// The target, as a number.
    pub target: u64,
    /// The identifier (address, number, token) as it was then, by the number of its record.
    pub identifier: u64,
    /// The provider, or what the caller writes where there was none.
    pub provider: u32,
    /// The outcome's code.
    pub outcome: u8,
    /// Which try this was, from 1; 0 where nothing was tried.
    pub attempt: u16,
    /// Which run of the plan it belongs to; the low bits where there are more.
    pub run: u16,
}

/// A row to be appended.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The fixed columns.
    pub columns: Columns,
    /// What the caller encoded (the provider's answer, its id, timings); never looked into.
    pub payload: &'a [u8],
}

/// A row as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its place in the log: rows are numbered from 0 in the order they were appended.
    pub seq: u64,
    /// The fixed columns.
    pub columns: Columns,
    /// What the caller encoded.
    pub payload: Vec<u8>,
}

/// One of the columns that have look-ups, by its place in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Column {
    At,
    Message,
    Target,
    Identifier,
    Provider,
    Outcome,
}

/// Columns in a block, the payload's not counted.
pub(super) const COLUMNS: usize = 8;

/// Maps times to unsigned numbers of the same order.
pub(super) fn ordered(at: i64) -> u64 {
    (at as u64) ^ (1 << 63)
}

/// The inverse of [`ordered`].
pub(super) fn time(ordered: u64) -> i64 {
    (ordered ^ (1 << 63)) as i64
}

impl Columns {
    pub(super) fn to_values(self) -> [u64; COLUMNS] {
        [
            ordered(self.at),
            self.message,
            self.target,
            self.identifier,
            u64::from(self.provider),
            u64::from(self.outcome),
            u64::from(self.attempt),
            u64::from(self.run),
        ]
    }

    pub(super) fn from_values(values: [u64; COLUMNS]) -> Self {
        let [at, message, target, identifier, provider, outcome, attempt, run] = values;
        Self {
            at: time(at),
            message,
            target,
            identifier,
            provider: provider as u32,
            outcome: outcome as u8,
            attempt: attempt as u16,
            run: run as u16,
        }
    }
}
