//! Look-ups in the tail: scans of its columns in memory.

use std::collections::BinaryHeap;
use std::ops::Range;
use std::sync::Arc;

use super::page::Pair;
use super::row::Column;
use super::view::View;

/// What a row of the tail must have.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted {
    Any,
    Value(Column, u64),
    Both((Column, u64), (Column, u64)),
}

/// The matching rows of the tail, by number.
#[derive(Debug)]
pub(super) struct TailRows {
    view: Arc<View>,
    wanted: Wanted,
    /// Numbers that were not looked at yet.
    left: Range<u64>,
    back: bool,
    /// The chunk that holds the next number to look at, once known.
    chunk: Option<usize>,
}

impl TailRows {
    pub(super) fn new(view: Arc<View>, wanted: Wanted, within: Range<u64>, back: bool) -> Self {
        let start = within.start.max(view.state.tail);
        let end = within.end.min(view.state.next);
        Self { view, wanted, left: start..end, back, chunk: None }
    }

    /// The next number in order.
    pub(super) fn next(&mut self) -> Option<u64> {
        while !self.left.is_empty() {
            let seq = if self.back { self.left.end - 1 } else { self.left.start };
            let at = self.chunk_of(seq)?;
            let chunk = &self.view.chunks[at];
            let rows = self.left.start.max(chunk.first())..self.left.end.min(chunk.end());
            let rows = (rows.start - chunk.first()) as usize..(rows.end - chunk.first()) as usize;
            let found = self.find(at, rows.clone());
            let edge = match (found, self.back) {
                (Some(row), true) => row,
                (Some(row), false) => row + 1,
                (None, true) => rows.start,
                (None, false) => rows.end,
            };
            let edge = chunk.first() + edge as u64;
            if self.back {
                self.left.end = edge;
            } else {
                self.left.start = edge;
            }
            if let Some(row) = found {
                return Some(chunk.first() + row as u64);
            }
        }
        None
    }

    fn chunk_of(&mut self, seq: u64) -> Option<usize> {
        let holds = |at: &usize| {
            self.view.chunks.get(*at).is_some_and(|chunk| (chunk.first()..chunk.end()).contains(&seq))
        };
        let guess = self.chunk.map(|at| if self.back { at.wrapping_sub(1) } else { at + 1 });
        let at =
            self.chunk.filter(holds).or_else(|| guess.filter(holds)).or_else(|| find_chunk(&self.view, seq));
        self.chunk = at;
        at
    }

    fn find(&self, at: usize, mut rows: Range<usize>) -> Option<usize> {
        let chunk = &self.view.chunks[at];
        let seek = |(column, value): (Column, u64), rows: Range<usize>| {
            if self.back {
                chunk.layout.last(chunk.bytes(), column, value, rows)
            } else {
                chunk.layout.first(chunk.bytes(), column, value, rows)
            }
        };
        match self.wanted {
            Wanted::Any if rows.is_empty() => None,
            Wanted::Any => Some(if self.back { rows.end - 1 } else { rows.start }),
            Wanted::Value(column, value) => seek((column, value), rows),
            Wanted::Both(one, other) => loop {
                let row = seek(one, rows.clone())?;
                if chunk.value(other.0, row) == other.1 {
                    return Some(row);
                }
                if self.back {
                    rows.end = row;
                } else {
                    rows.start = row + 1;
                }
            },
        }
    }
}

/// The chunk of the tail that holds row `seq`.
pub(super) fn find_chunk(view: &View, seq: u64) -> Option<usize> {
    let after = view.chunks.partition_point(|chunk| chunk.first() <= seq);
    after.checked_sub(1).filter(|at| seq < view.chunks[*at].end())
}

/// The tail's rows between two (time, number) bounds, both included, in order of
/// time. The clock may jump, so the order is not that of the rows; the nearest are
/// picked some at a time, from the chunks that can have them.
#[derive(Debug)]
pub(super) struct TailTimes {
    view: Arc<View>,
    /// In the order of reading: complemented when reading back, so that the least comes first.
    low: Pair,
    high: Pair,
    back: bool,
    /// The next ones, nearest last.
    ready: Vec<Pair>,
    batch: usize,
    done: bool,
}

impl TailTimes {
    pub(super) fn new(view: Arc<View>, low: Pair, high: Pair, back: bool, batch: usize) -> Self {
        let (low, high) = if back { (turn(high), turn(low)) } else { (low, high) };
        Self { view, low, high, back, ready: Vec::new(), batch: batch.max(64), done: low > high }
    }

    pub(super) fn next(&mut self) -> Option<Pair> {
        if self.ready.is_empty() && !self.done {
            self.refill();
        }
        let pair = self.ready.pop()?;
        Some(if self.back { turn(pair) } else { pair })
    }

    fn refill(&mut self) {
        let mut nearest: BinaryHeap<Pair> = BinaryHeap::with_capacity(self.batch + 1);
        let best = |at: &usize| {
            let chunk = &self.view.chunks[*at];
            if self.back { !chunk.latest() } else { chunk.earliest() }
        };
        let mut order: Vec<usize> = (0..self.view.chunks.len()).collect();
        order.sort_by_key(best);
        for at in order {
            let full = nearest.len() >= self.batch;
            if full && nearest.peek().is_some_and(|worst| best(&at) > worst.0) {
                break;
            }
            let chunk = &self.view.chunks[at];
            let sealed = self.view.state.tail.saturating_sub(chunk.first()) as usize;
            for row in sealed..chunk.rows() {
                let mut pair = (chunk.value(Column::At, row), chunk.first() + row as u64);
                if self.back {
                    pair = turn(pair);
                }
                if pair < self.low || pair > self.high {
                    continue;
                }
                if nearest.len() < self.batch {
                    nearest.push(pair);
                } else if let Some(mut worst) = nearest.peek_mut()
                    && pair < *worst
                {
                    *worst = pair;
                }
            }
        }
        self.done = nearest.len() < self.batch;
        self.ready = nearest.into_sorted_vec();
        if let Some(last) = self.ready.last() {
            match after(*last) {
                Some(low) => self.low = low,
                None => self.done = true,
            }
        }
        self.done |= self.low > self.high;
        self.ready.reverse();
        // Whoever reads on wants many.
        self.batch = self.batch.saturating_mul(4).min(1 << 16);
    }
}

fn turn(pair: Pair) -> Pair {
    (!pair.0, !pair.1)
}

/// The pair after `pair`.
pub(super) fn after(pair: Pair) -> Option<Pair> {
    match pair.1.checked_add(1) {
        Some(second) => Some((pair.0, second)),
        None => pair.0.checked_add(1).map(|first| (first, 0)),
    }
}

/// The pair before `pair`.
pub(super) fn before(pair: Pair) -> Option<Pair> {
    match pair.1.checked_sub(1) {
        Some(second) => Some((pair.0, second)),
        None => pair.0.checked_sub(1).map(|first| (first, u64::MAX)),
    }
}
