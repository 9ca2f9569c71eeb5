//! Pages of the delivery log, with the numbers resolved to what people know.

use super::answer::{Answered, ok};
use super::call::Call;
use super::list::{checked_filter, exact};
use crate::domain::filter::CheckedFilter;
use crate::domain::ids::IdentifierNo;
use crate::engine::Engine;
use crate::engine::usecases::Outcome;
use crate::engine::usecases::log_filter::narrow;
pub(crate) use crate::engine::usecases::names::Names;
use crate::engine::usecases::persons::readings;
use crate::store::history::{LogPage, LogQuery};
use crate::store::page::Order;
use crate::wire::delivery::{DeliveryPage, DeliveryRequest};
use crate::wire::fields;

/// The most rows of one page.
pub(crate) const MOST: usize = 1000;

/// The most rows that one page looks at.
const SCAN: u64 = 50_000;

pub(crate) async fn page(call: Call) -> Answered {
    call.only_query(&["message", "target", "address", "filter", "after", "ascending", "limit"])?;
    let request: DeliveryRequest = call.query_as(&["after", "limit"], &["ascending"])?;
    let filter = checked_filter(&call, &fields::DELIVERIES)?;
    let engine = call.engine();
    let store = engine.store();
    let extent = store.log_extent().await?;
    let mut page = DeliveryPage { head: extent.next, since: extent.since, ..DeliveryPage::default() };
    let ascending = request.ascending.unwrap_or(false);
    let limit = request.limit.unwrap_or(50).clamp(1, MOST);
    let mut query = LogQuery {
        order: if ascending { Order::Ascending } else { Order::Descending },
        after: request.after.map(crate::domain::ids::LogSeq),
        scan: SCAN as usize,
        ..LogQuery::default()
    };
    if let Some(id) = &request.message {
        query.message = Some(store.message(id).await?.no);
    }
    if let Some(id) = &request.target {
        query.target = Some(store.target(id).await?.no);
    }
    if !narrow(engine, &filter, &mut query, engine.now()).await? {
        return ok(&page);
    }
    let now = engine.now();
    let mut names = Names::new(engine).await?;
    let records = match request.address.as_deref().map(str::to_owned).or_else(|| one_address(&filter)) {
        Some(address) => Some(identifiers_of(engine, &address).await?),
        None => None,
    };
    loop {
        query.limit = if filter.is_everything() { limit - page.deliveries.len() } else { MOST };
        let found = rows_of(engine, &query, records.as_deref()).await?;
        page.scanned += found.scanned.max(found.rows.len() as u64);
        page.cut_short = found.cut_short;
        page.next = found.next.map(|seq| seq.0);
        for row in names.deliveries(engine, found.rows).await? {
            if page.deliveries.len() == limit {
                // The rest of what was fetched belongs to the next page.
                page.next = page.deliveries.last().map(|last| last.seq);
                break;
            }
            if filter.passes(&row, now) {
                page.deliveries.push(row);
            }
        }
        query.after = page.next.map(crate::domain::ids::LogSeq);
        if page.deliveries.len() >= limit || page.next.is_none() || page.cut_short {
            break;
        }
        if page.scanned >= SCAN {
            page.cut_short = true;
            break;
        }
    }
    ok(&page)
}

/// The one address that a filter asks for, where the address alone leads to its record.
fn one_address(filter: &CheckedFilter) -> Option<String> {
    match filter.required("to")? {
        [operand] => exact(operand),
        _ => None,
    }
}

/// Rows of the log, of these records where some are named: each is looked up by itself, however
/// long the log is.
async fn rows_of(engine: &Engine, query: &LogQuery, records: Option<&[IdentifierNo]>) -> Outcome<LogPage> {
    let store = engine.store();
    let Some(records) = records else { return Ok(store.log(query.clone()).await?) };
    let mut page = LogPage::default();
    let mut more = false;
    for record in records {
        let found = store.log(LogQuery { identifier: Some(*record), ..query.clone() }).await?;
        page.scanned += found.scanned;
        page.cut_short |= found.cut_short;
        more |= found.next.is_some();
        page.rows.extend(found.rows);
    }
    let ascending = query.order == Order::Ascending;
    page.rows.sort_by_key(|row| if ascending { row.seq.0 } else { u64::MAX - row.seq.0 });
    more |= page.rows.len() > query.limit;
    page.rows.truncate(query.limit);
    page.next = page.rows.last().filter(|_| more).map(|row| row.seq);
    Ok(page)
}

/// The records that stand, or once stood, for an address.
async fn identifiers_of(engine: &Engine, address: &str) -> Outcome<Vec<IdentifierNo>> {
    let mut records = Vec::new();
    for (channel, address) in readings(address) {
        records
            .extend(engine.store().identifiers_of(channel, &address).await?.iter().map(|record| record.no));
    }
    Ok(records)
}
