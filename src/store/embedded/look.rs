//! Pages of the delivery log, for the conditions of a query.

use super::fail::Attempt;
use super::table::View;
use super::{people, rows};
use crate::domain::channel::Channel;
use crate::domain::delivery::LogRow;
use crate::domain::ids::LogSeq;
use crate::domain::time::Timestamp;
use crate::store::history::{LogExtent, LogPage, LogQuery, NEWEST_OF};
use crate::store::log::{Columns, Cursor, Lookup, Order, Query, Snapshot};
use crate::store::page;

/// Which look-up serves a query: the one of its first condition.
fn lookup(query: &LogQuery) -> Lookup {
    let outcome = match query.outcomes.as_slice() {
        [outcome] => Some(outcome.code()),
        _ => None,
    };
    match (query.message, outcome) {
        (Some(message), Some(outcome)) => return Lookup::MessageOutcome(message.0, outcome),
        (Some(message), None) => return Lookup::Message(message.0),
        (None, _) => {}
    }
    if let Some(target) = query.target {
        Lookup::Target(target.0)
    } else if let Some(identifier) = query.identifier {
        Lookup::Identifier(identifier.0)
    } else if let Some(outcome) = outcome {
        Lookup::Outcome(outcome)
    } else if let Some(provider) = query.provider.filter(|_| query.outcomes.is_empty()) {
        Lookup::Provider(provider.0)
    } else if query.since.is_some() || query.until.is_some() {
        Lookup::Time {
            from: query.since.map_or(i64::MIN, |at| at.0),
            until: query.until.map_or(i64::MAX, |at| at.0),
        }
    } else {
        Lookup::All
    }
}

/// Whether the columns of a row meet a query.
fn fits(query: &LogQuery, columns: &Columns) -> bool {
    query.message.is_none_or(|no| columns.message == no.0)
        && query.target.is_none_or(|no| columns.target == no.0)
        && query.identifier.is_none_or(|no| columns.identifier == no.0)
        && query.provider.is_none_or(|no| columns.provider == no.0)
        && query.since.is_none_or(|at| columns.at >= at.0)
        && query.until.is_none_or(|at| columns.at < at.0)
        && (query.outcomes.is_empty()
            || query.outcomes.iter().any(|outcome| outcome.code() == columns.outcome))
}

/// A page.
pub(super) fn page(log: &Snapshot, query: &LogQuery) -> Attempt<LogPage> {
    let mut page = LogPage::default();
    let lookup = lookup(query);
    let mut after = match query.after {
        None => None,
        Some(seq) => {
            // Retention drops the oldest: what is gone lies before everything that is kept.
            let at = match lookup {
                Lookup::Time { .. } => log.row(seq.0)?.map_or(i64::MIN, |row| row.columns.at),
                _ => 0,
            };
            Some(Cursor { seq: seq.0, at })
        }
    };
    let filter = |_: u64, columns: &Columns| fits(query, columns);
    let scan = query.scan.max(1);
    while page.rows.len() < query.limit {
        let left = scan.saturating_sub(page.scanned as usize);
        if left == 0 {
            page.cut_short = true;
            break;
        }
        let found = log.page(&Query {
            lookup,
            order: match query.order {
                page::Order::Ascending => Order::OldestFirst,
                page::Order::Descending => Order::NewestFirst,
            },
            after,
            limit: query.limit - page.rows.len(),
            filter: Some(&filter),
            examine: left,
        })?;
        page.scanned += found.examined as u64;
        after = found.next;
        for row in &found.rows {
            let row: LogRow = rows::read(row)?;
            if query.only.as_ref().is_none_or(|only| only(&row)) {
                page.rows.push(row);
            }
        }
        if after.is_none() {
            break;
        }
    }
    page.next = after.map(|cursor| LogSeq(cursor.seq));
    Ok(page)
}

/// The newest row to an address.
pub(super) fn newest_to(
    view: &mut impl View,
    log: &Snapshot,
    channel: Channel,
    address: &str,
) -> Attempt<Option<LogRow>> {
    let mut newest: Option<LogRow> = None;
    for identifier in people::address(view, channel, address)?.identifiers.iter().rev().take(NEWEST_OF) {
        let found = log.page(&Query::new(Lookup::Identifier(identifier.0), 1))?;
        let Some(row) = found.rows.first() else { continue };
        if newest.as_ref().is_none_or(|known| known.seq.0 < row.seq) {
            newest = Some(rows::read(row)?);
        }
    }
    Ok(newest)
}

/// What the log holds.
pub(super) fn extent(log: &Snapshot) -> Attempt<LogExtent> {
    let oldest = log.page(&Query { order: Order::OldestFirst, ..Query::new(Lookup::All, 1) })?;
    let first = oldest.rows.first();
    let next = log.next_seq();
    Ok(LogExtent {
        first: first.map_or(next, |row| row.seq),
        next,
        since: first.map(|row| Timestamp(row.columns.at)),
    })
}
