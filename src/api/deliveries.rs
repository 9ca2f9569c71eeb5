//! Pages of the delivery log, with the numbers resolved to what people know.

use super::answer::{Answered, ok};
use super::call::Call;
use super::list::checked_filter;
use super::log_filter::narrow;
use crate::domain::delivery::{LogRow, show_address};
use crate::domain::ids::{IdentifierNo, MessageNo, ProviderId, ProviderNo, TargetNo};
use crate::domain::message::Message;
use crate::domain::person::{Identifier, Target};
use crate::engine::Engine;
use crate::engine::usecases::Outcome;
use crate::engine::usecases::persons::readings;
use crate::store::StoreError;
use crate::store::history::LogQuery;
use crate::store::page::Order;
use crate::wire::delivery::{Delivery, DeliveryPage, DeliveryRequest};
use crate::wire::fields;
use std::collections::HashMap;

/// The most rows of one page.
pub(crate) const MOST: usize = 1000;

/// The most rows that one page looks at.
const SCAN: u64 = 50_000;

/// Resolves numbers, each once.
#[derive(Default)]
pub(crate) struct Names {
    messages: HashMap<MessageNo, Option<Message>>,
    providers: HashMap<ProviderNo, ProviderId>,
    targets: HashMap<TargetNo, Option<Target>>,
    identifiers: HashMap<IdentifierNo, Option<Identifier>>,
}

impl Names {
    pub(crate) async fn new(engine: &Engine) -> Outcome<Self> {
        let providers = engine.store().providers().await?;
        let providers = providers.into_iter().map(|provider| (provider.no, provider.id)).collect();
        Ok(Self { providers, ..Self::default() })
    }

    pub(crate) async fn learn(
        &mut self,
        engine: &Engine,
        messages: Vec<MessageNo>,
        targets: Vec<TargetNo>,
        identifiers: Vec<IdentifierNo>,
    ) -> Outcome<()> {
        let store = engine.store();
        for no in messages {
            if self.messages.contains_key(&no) {
                continue;
            }
            let message = match store.message_by_no(no).await {
                Ok(message) => Some(message),
                Err(StoreError::NotFound { .. }) => None,
                Err(error) => return Err(error.into()),
            };
            self.messages.insert(no, message);
        }
        let mut unknown: Vec<_> = targets.into_iter().filter(|no| !self.targets.contains_key(no)).collect();
        unknown.sort_unstable();
        unknown.dedup();
        let found = store.targets_by_no(&unknown).await?;
        self.targets.extend(unknown.into_iter().zip(found));
        let mut unknown: Vec<_> =
            identifiers.into_iter().filter(|no| !self.identifiers.contains_key(no)).collect();
        unknown.sort_unstable();
        unknown.dedup();
        let found = store.identifiers(&unknown).await?;
        self.identifiers.extend(unknown.into_iter().zip(found));
        Ok(())
    }

    pub(crate) fn message(&self, no: MessageNo) -> Option<&Message> {
        self.messages.get(&no)?.as_ref()
    }

    pub(crate) fn target(&self, no: TargetNo) -> Option<&Target> {
        self.targets.get(&no)?.as_ref()
    }

    pub(crate) fn provider(&self, no: ProviderNo) -> Option<&ProviderId> {
        self.providers.get(&no)
    }

    pub(crate) fn address(&self, no: IdentifierNo) -> &str {
        self.identifiers.get(&no).and_then(Option::as_ref).map_or("", |identifier| &identifier.address)
    }

    fn delivery(&self, row: LogRow) -> Delivery {
        let (message, target) = (self.message(row.message), self.target(row.target));
        let address = self.address(row.identifier);
        Delivery {
            seq: row.seq.0,
            at: row.at,
            message_id: message.map(|message| message.id.clone()),
            headline: message.map(|message| message.content.headline().to_owned()).unwrap_or_default(),
            channel: message.map(Message::channel).or_else(|| target.map(|target| target.channel)),
            target_id: target.map(|target| target.id.clone()),
            user_id: target.map(|target| target.user_id.clone()),
            address: address.to_owned(),
            provider_id: self.provider(row.provider).cloned(),
            outcome: row.outcome,
            attempt: row.attempt,
            run: row.run,
            code: row.detail.code,
            answer: show_address(&row.detail.answer, address),
            service_id: row.detail.provider_id,
            stage: row.detail.stage,
            skip: row.detail.skip,
            latency_us: row.detail.latency_us,
            possibly_twice: row.detail.possibly_twice,
            retry_at: row.detail.retry_at,
        }
    }

    /// Rows as the API shows them.
    pub(crate) async fn deliveries(&mut self, engine: &Engine, rows: Vec<LogRow>) -> Outcome<Vec<Delivery>> {
        self.learn(
            engine,
            rows.iter().map(|row| row.message).collect(),
            rows.iter().map(|row| row.target).collect(),
            rows.iter().map(|row| row.identifier).collect(),
        )
        .await?;
        Ok(rows.into_iter().map(|row| self.delivery(row)).collect())
    }
}

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
    if !narrow(&call, &filter, &mut query).await? {
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
