//! The suppression list.

use super::answer::{Answered, created, nothing, ok};
use super::call::Call;
use crate::domain::suppression::{Suppress, Suppression as Record, SuppressionCause, SuppressionSource};
use crate::domain::validate::{self, Invalid};
use crate::engine::usecases::Outcome;
use crate::engine::usecases::suppressions::{Undo, read_address};
use crate::store::page::{Condition, Order, PageRequest};
use crate::store::suppressions::SuppressionView;
use crate::wire::suppression::{
    AddedSuppressions, CreateSuppressions, Suppression, SuppressionList, SuppressionParameters,
    UndoSuppressions, UndoneSuppressions,
};
use std::sync::Arc;

/// The most records of one page.
const MOST: usize = 1000;
/// The most addresses of one call.
const ADDRESSES: usize = 10_000;
/// Records and refusals that an answer shows.
const SHOWN: usize = 100;

/// A record as it is shown.
pub(crate) fn shown(view: SuppressionView) -> Suppression {
    let record = view.suppression;
    Suppression {
        id: record.id,
        created_at: record.since,
        provider_type: record.channel,
        address: record.address,
        target_id: view.target,
        cause: record.cause,
        topic_id: record.topic,
        provider_id: record.source.provider,
        message_id: record.source.message,
        said: record.source.said,
        by: record.source.by,
        note: record.note,
    }
}

fn condition(asked: &SuppressionParameters) -> Option<Condition<Record>> {
    let all = SuppressionParameters {
        search: asked.search.clone(),
        address: asked.address.clone(),
        after: asked.after,
        limit: asked.limit,
        ..SuppressionParameters::default()
    };
    if *asked == all {
        return None;
    }
    let asked = asked.clone();
    Some(Arc::new(move |record: &Record| {
        asked.cause.is_none_or(|cause| record.cause == cause)
            && asked.provider_type.is_none_or(|channel| record.channel == channel)
            && (asked.provider_id.is_none() || record.source.provider == asked.provider_id)
            && (asked.topic_id.is_none() || record.topic == asked.topic_id)
            && asked.since.is_none_or(|since| record.since >= since)
            && asked.until.is_none_or(|until| record.since < until)
    }))
}

pub(crate) async fn list(call: Call) -> Answered {
    let asked: SuppressionParameters = call.query_as(&["after", "limit"], &[])?;
    let engine = call.engine();
    let only = condition(&asked);
    if let Some(address) = &asked.address {
        // One address has few records: they are all of the answer.
        let (channel, address) = read_address(asked.provider_type, address)
            .ok_or_else(|| Invalid::value("address", "Value must be a mail address, a number or a token"))?;
        let target = engine.store().target_by_address(channel, &address).await?.map(|target| target.id);
        let found = engine.store().suppressions_of(channel, &address).await?;
        let found = found.into_iter().filter(|record| only.as_ref().is_none_or(|only| only(record)));
        let suppressions: Vec<_> =
            found.map(|suppression| shown(SuppressionView { suppression, target: target.clone() })).collect();
        let total = Some(suppressions.len() as u64);
        return ok(&SuppressionList { total, suppressions, next: None, cut_short: false });
    }
    let page = engine
        .store()
        .suppressions(PageRequest {
            after: asked.after,
            order: Order::Descending,
            limit: asked.limit.unwrap_or(50).clamp(1, MOST),
            search: asked.search.unwrap_or_default(),
            only,
            ..PageRequest::default()
        })
        .await?;
    ok(&SuppressionList {
        total: page.total,
        next: page.next,
        cut_short: page.cut_short,
        suppressions: page.items.into_iter().map(shown).collect(),
    })
}

pub(crate) async fn get(call: Call) -> Answered {
    ok(&shown(call.engine().store().suppression(&call.id("suppressionId")?).await?))
}

fn check(asked: &CreateSuppressions) -> Outcome<()> {
    if asked.addresses.is_empty() {
        return Err(Invalid::Missing("addresses").into());
    }
    if asked.addresses.len() > ADDRESSES {
        let rule = format!("Value must have at most {ADDRESSES} items: send the rest in further calls");
        return Err(Invalid::value("addresses", rule).into());
    }
    if !asked.topics.is_empty() && asked.cause != Some(SuppressionCause::Unsubscribe) {
        return Err(Invalid::value("topics", "Only an unsubscribe is of topics").into());
    }
    validate::line("note", &asked.note, 0, 512)?;
    Ok(())
}

pub(crate) async fn create(call: Call) -> Answered {
    let asked: CreateSuppressions = call.json()?;
    check(&asked)?;
    let engine = call.engine();
    for topic in &asked.topics {
        engine.store().topic(topic).await?;
    }
    let mut answer = AddedSuppressions::default();
    let mut list = Vec::with_capacity(asked.addresses.len());
    for text in asked.addresses {
        let Some((channel, address)) = read_address(asked.provider_type, &text) else {
            answer.refused_count += 1;
            if answer.refused.len() < SHOWN {
                answer.refused.push(text.chars().take(254).collect());
            }
            continue;
        };
        list.push(Suppress {
            channel,
            address,
            cause: asked.cause.unwrap_or(SuppressionCause::Manual),
            topics: asked.topics.clone(),
            source: SuppressionSource { by: call.actor().name.clone(), ..SuppressionSource::default() },
            note: asked.note.clone(),
        });
    }
    if list.is_empty() {
        let rule = "Value must be a mail address, a number with its country code, or a device token";
        return Err(Invalid::value("addresses", rule).into());
    }
    let receipt = engine.suppress(call.actor(), list).await?;
    answer.added = receipt.added.len() as u64;
    answer.known = receipt.known;
    for record in receipt.added.into_iter().take(SHOWN) {
        answer.suppressions.push(shown(engine.store().suppression(&record.id).await?));
    }
    created(&answer)
}

pub(crate) async fn delete(call: Call) -> Answered {
    call.engine().lift(call.actor(), &call.id("suppressionId")?).await?;
    Ok(nothing())
}

pub(crate) async fn undo(call: Call) -> Answered {
    let asked: UndoSuppressions = call.json()?;
    let engine = call.engine();
    let to = asked.to.unwrap_or_else(|| engine.now().plus(std::time::Duration::from_millis(1)));
    if to <= asked.from {
        return Err(Invalid::value("to", "Value must be after `from`").into());
    }
    let undo = Undo { cause: asked.cause, provider: asked.provider_id, from: asked.from, to };
    let undone = match asked.count {
        Some(count) => engine.undo_suppressions(call.actor(), &undo, count, &asked.reason).await?,
        None => engine.preview_undo(&undo).await?,
    };
    ok(&UndoneSuppressions {
        count: undone.count,
        done: asked.count.is_some(),
        suppressions: undone.sample.into_iter().map(shown).collect(),
        to,
        operation: undone.operation,
    })
}
