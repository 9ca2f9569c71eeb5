//! Rows of the delivery log on their way into it.

use super::fail::Attempt;
use crate::domain::delivery::{LogDetail, LogRow, Outcome};
use crate::domain::ids::{IdentifierNo, LogSeq, MessageNo, ProviderNo, TargetNo};
use crate::domain::time::Timestamp;
use crate::store::log::{Columns, Entry, LONGEST_PAYLOAD, Row};
use std::collections::BTreeMap;

/// Rows of a group, in order, their details packed one behind the other.
#[derive(Debug, Default)]
pub(super) struct Rows {
    columns: Vec<(Columns, usize)>,
    bytes: Vec<u8>,
}

/// The version of a row's details.
const VERSION: u8 = 1;
/// Details with why another provider was planned behind them.
const WITH_MOVE: u8 = 2;

impl Rows {
    /// Adds a row; its place is given when the group is written.
    pub(super) fn push(&mut self, row: &LogRow) {
        let columns = Columns {
            at: row.at.0,
            message: row.message.0,
            target: row.target.0,
            identifier: row.identifier.0,
            provider: row.provider.0,
            outcome: row.outcome.code(),
            attempt: row.attempt,
            run: row.run,
        };
        self.add(columns, &row.detail);
    }

    /// Adds a row by its columns.
    pub(super) fn add(&mut self, columns: Columns, detail: &LogDetail) {
        if *detail != LogDetail::default() {
            self.bytes.push(if detail.moved.is_some() { WITH_MOVE } else { VERSION });
            let mut bytes = std::mem::take(&mut self.bytes);
            let limit = LONGEST_PAYLOAD / 2;
            bytes = if detail.answer.len() > limit {
                let mut detail = detail.clone();
                let mut end = limit;
                while !detail.answer.is_char_boundary(end) {
                    end -= 1;
                }
                detail.answer.truncate(end);
                postcard::to_extend(&detail, bytes)
            } else {
                postcard::to_extend(detail, bytes)
            }
            .expect("a detail has an encoding");
            if let Some(moved) = &detail.moved {
                bytes = postcard::to_extend(moved, bytes).expect("a move has an encoding");
            }
            self.bytes = bytes;
        }
        self.columns.push((columns, self.bytes.len()));
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Counts them by provider and outcome, in the order of [`Outcome::ALL`].
    pub(super) fn tally(&self, counts: &mut BTreeMap<ProviderNo, [u64; Outcome::ALL.len()]>) {
        let of = |columns: &Columns| (columns.provider, columns.outcome);
        for run in self.columns.chunk_by(|(a, _), (b, _)| of(a) == of(b)) {
            let (provider, code) = of(&run[0].0);
            let place = Outcome::ALL.iter().position(|outcome| outcome.code() == code);
            if let Some(place) = place {
                counts.entry(ProviderNo(provider)).or_default()[place] += run.len() as u64;
            }
        }
    }

    /// As the log takes them.
    pub(super) fn entries(&self) -> Vec<Entry<'_>> {
        let mut from = 0;
        self.columns
            .iter()
            .map(|(columns, end)| {
                let payload = &self.bytes[from..*end];
                from = *end;
                Entry { columns: *columns, payload }
            })
            .collect()
    }
}

/// A row as it was read.
pub(super) fn read(row: &Row) -> Attempt<LogRow> {
    let Columns { at, message, target, identifier, provider, outcome, attempt, run } = row.columns;
    let damaged = |error| super::fail::Fail::damaged(format!("a row of the log: {error}"));
    let detail = match row.payload.split_first() {
        None => LogDetail::default(),
        Some((&VERSION, rest)) => postcard::from_bytes(rest).map_err(damaged)?,
        Some((&WITH_MOVE, rest)) => {
            let (detail, rest) = postcard::take_from_bytes::<LogDetail>(rest).map_err(damaged)?;
            LogDetail { moved: Some(postcard::from_bytes(rest).map_err(damaged)?), ..detail }
        }
        Some((version, _)) => {
            return Err(super::fail::Fail::damaged(format!("a row of the log has version {version}")));
        }
    };
    Ok(LogRow {
        seq: LogSeq(row.seq),
        at: Timestamp(at),
        message: MessageNo(message),
        target: TargetNo(target),
        identifier: IdentifierNo(identifier),
        provider: ProviderNo(provider),
        outcome: Outcome::from_code(outcome)
            .ok_or_else(|| super::fail::Fail::damaged(format!("a row of the log has outcome {outcome}")))?,
        attempt,
        run,
        detail,
    })
}
