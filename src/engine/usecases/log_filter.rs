//! The filter language over the delivery log: what an index serves goes to the
//! store, the rest is looked at row by row.

use super::error::Outcome as Answer;
use crate::domain::delivery::Outcome;
use crate::domain::filter::{CheckedFilter, FieldValue, Operand, Row};
use crate::domain::ids::{MessageId, ProviderId, TargetId};
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::store::history::LogQuery;
use crate::store::{Result as StoreResult, StoreError};
use crate::wire::delivery::Delivery;
use chrono::TimeDelta;

/// The word for every outcome that is a failure.
const FAILED: &str = "failed";

impl Row for Delivery {
    fn value(&self, field: &str) -> FieldValue<'_> {
        let id = |id: Option<&'static str>| id.map_or(FieldValue::Missing, FieldValue::Text);
        match field {
            "outcome" if self.outcome.is_failure() => match self.outcome {
                Outcome::Bounced => FieldValue::Texts(&["bounced", FAILED]),
                Outcome::SoftBounced => FieldValue::Texts(&["soft_bounced", FAILED]),
                Outcome::Transient => FieldValue::Texts(&["transient", FAILED]),
                Outcome::TargetExpired => FieldValue::Texts(&["target_expired", FAILED]),
                _ => FieldValue::Texts(&["permanent", FAILED]),
            },
            "outcome" => FieldValue::Text(self.outcome.as_str()),
            "receipt" if self.outcome.is_receipt() => FieldValue::Text(self.outcome.as_str()),
            "message" => self.message_id.as_ref().map_or(id(None), |id| FieldValue::Text(id.as_str())),
            "provider" => self.provider_id.as_ref().map_or(id(None), |id| FieldValue::Text(id.as_str())),
            "target" => self.target_id.as_ref().map_or(id(None), |id| FieldValue::Text(id.as_str())),
            "to" => FieldValue::Text(&self.address),
            "code" => FieldValue::Number(i64::from(self.code)),
            "answer" => FieldValue::Text(&self.answer),
            "attempt" => FieldValue::Number(i64::from(self.attempt)),
            "run" => FieldValue::Number(i64::from(self.run)),
            "latency" => FieldValue::Duration(TimeDelta::microseconds(i64::from(self.latency_us))),
            "at" => FieldValue::Time(self.at),
            _ => FieldValue::Missing,
        }
    }

    fn search(&self, found: &mut dyn FnMut(&str) -> bool) -> bool {
        found(&self.address)
            || found(&self.headline)
            || found(&self.answer)
            || found(&self.service_id)
            || self.provider_id.as_ref().is_some_and(|id| found(id.as_str()))
    }
}

/// The only id that a field may have, if the filter says so.
fn one_id<'a>(filter: &'a CheckedFilter, field: &str) -> Option<&'a str> {
    match filter.required(field)? {
        [Operand::Id(id)] => Some(id),
        _ => None,
    }
}

/// A record's number; `Some(None)` when nothing bears this id.
fn number<T>(found: StoreResult<T>) -> Answer<Option<T>> {
    match found {
        Ok(record) => Ok(Some(record)),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Puts what an index serves into a query. False: nothing can match.
pub(crate) async fn narrow(
    engine: &Engine,
    filter: &CheckedFilter,
    query: &mut LogQuery,
    now: Timestamp,
) -> Answer<bool> {
    let store = engine.store();
    if let Some(id) = one_id(filter, "message") {
        let Ok(id) = MessageId::new(id) else { return Ok(false) };
        match number(store.message(&id).await)? {
            Some(message) => query.message = Some(message.no),
            None => return Ok(false),
        }
    }
    if let Some(id) = one_id(filter, "target") {
        let Ok(id) = TargetId::new(id) else { return Ok(false) };
        match number(store.target(&id).await)? {
            Some(target) => query.target = Some(target.no),
            None => return Ok(false),
        }
    }
    if let Some(id) = one_id(filter, "provider") {
        let Ok(id) = ProviderId::new(id) else { return Ok(false) };
        match number(store.provider(&id).await)? {
            Some(provider) => query.provider = Some(provider.no),
            None => return Ok(false),
        }
    }
    let outcomes = filter.required("outcome").or_else(|| filter.required("receipt"));
    if let Some(operands) = outcomes {
        query.outcomes = operands
            .iter()
            .flat_map(|operand| match operand {
                Operand::Keyword(word) => Outcome::ALL
                    .into_iter()
                    .filter(|outcome| outcome.as_str() == *word || (*word == FAILED && outcome.is_failure()))
                    .collect(),
                _ => Vec::new(),
            })
            .collect();
    }
    query.since = bound(filter, "since", now).max(query.since);
    query.until = bound(filter, "until", now).or(query.until);
    Ok(true)
}

fn bound(filter: &CheckedFilter, field: &str, now: Timestamp) -> Option<Timestamp> {
    filter.required(field)?.iter().find_map(|operand| operand.instants(now)).map(|(from, _)| from)
}
