//! Pages of the delivery log, with the numbers resolved to what people know.

use super::answer::{Answered, ok};
use super::call::Call;
use super::list::checked_filter;
use crate::domain::ids::IdentifierNo;
use crate::engine::Engine;
use crate::engine::usecases::Outcome;
use crate::engine::usecases::log_filter::narrow;
pub(crate) use crate::engine::usecases::names::Names;
use crate::engine::usecases::persons::readings;
use crate::store::history::LogQuery;
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
    let identifiers = match &request.address {
        Some(address) => Some(identifiers_of(engine, address).await?),
        None => None,
    };
    if let Some(records) = identifiers {
        // One person has few records: each is looked up by itself.
        let mut rows = Vec::new();
        for record in records {
            let of_record = LogQuery { identifier: Some(record), limit, ..query.clone() };
            let found = store.log(of_record).await?;
            page.scanned += found.scanned;
            page.cut_short |= found.cut_short;
            rows.extend(found.rows);
        }
        rows.sort_by_key(|row| if ascending { row.seq.0 } else { u64::MAX - row.seq.0 });
        let more = rows.len() > limit;
        rows.truncate(limit);
        page.next = rows.last().filter(|_| more).map(|row| row.seq.0);
        let deliveries = names.deliveries(engine, rows).await?;
        page.deliveries = deliveries.into_iter().filter(|row| filter.passes(row, now)).collect();
        return ok(&page);
    }
    loop {
        query.limit = if filter.is_everything() { limit - page.deliveries.len() } else { MOST };
        let found = store.log(query.clone()).await?;
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

/// The records that stand, or once stood, for an address.
async fn identifiers_of(engine: &Engine, address: &str) -> Outcome<Vec<IdentifierNo>> {
    let mut records = Vec::new();
    for (channel, address) in readings(address) {
        records
            .extend(engine.store().identifiers_of(channel, &address).await?.iter().map(|record| record.no));
    }
    Ok(records)
}
