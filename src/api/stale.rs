//! Changes of what somebody else has changed meanwhile: what the caller had seen,
//! and, with the refusal, how the record differs from what was asked.

use super::call::{Call, Payload};
use crate::domain::ids::Revision;
use crate::domain::validate::Invalid;
use crate::engine::usecases::Outcome;
use crate::wire::ErrorType;
use crate::wire::error::{Difference, StaleRecord};
use serde::Serialize;
use serde_json::{Map, Value};

/// Where a record keeps fields that a change names flat.
const NESTED: [&str; 3] = ["data", "credentials", "options"];

impl Call {
    /// The revision that the caller has seen: in the body, or in `If-Match`.
    pub(crate) fn expected(&self, given: Option<Revision>) -> Outcome<Option<Revision>> {
        let Some(header) = self.headers.get(http::header::IF_MATCH) else { return Ok(given) };
        let text = header.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(given);
        }
        let bare = text.strip_prefix("W/").unwrap_or(text).trim_matches('"');
        let seen = bare
            .parse()
            .map(Revision)
            .map_err(|_| Invalid::value("If-Match", "Value must be a revision, such as \"7\", or *"))?;
        if given.is_some_and(|given| given != seen) {
            return Err(Invalid::value("If-Match", "Value differs from the revision in the body").into());
        }
        Ok(Some(seen))
    }

    /// What the body asks for, as it stands.
    fn asked(&self) -> Map<String, Value> {
        match &self.body {
            Payload::Whole(bytes) => serde_json::from_slice(bytes).unwrap_or_default(),
            Payload::Stream(_) => Map::new(),
        }
    }
}

/// How a record differs from what was asked. Its credentials are masked, so nothing
/// is said here that the caller may not read.
fn differences(asked: &Map<String, Value>, record: &Value) -> Vec<Difference> {
    let now = |name: &str| {
        let nested = NESTED.iter().filter_map(|part| record.get(part)?.get(name));
        record.get(name).into_iter().chain(nested).next()
    };
    asked
        .iter()
        .filter(|(name, _)| *name != "revision")
        .filter_map(|(name, wanted)| {
            let now = now(name)?;
            (now != wanted).then(|| Difference { field: name.clone(), now: now.clone() })
        })
        .collect()
}

/// Adds to a refusal because of a stale revision how the record stands now, and
/// who changed it last.
pub(crate) async fn explained<T, P, F>(
    call: &Call,
    done: Outcome<T>,
    resource: String,
    current: impl FnOnce() -> F + Send,
) -> Outcome<T>
where
    P: Serialize,
    F: Future<Output = Outcome<P>> + Send,
{
    let mut refusal = match done {
        Err(refusal) if refusal.kind == ErrorType::Stale => refusal,
        other => return other,
    };
    let record = serde_json::to_value(current().await?).unwrap_or_default();
    let last = call.engine().store().audit(Some(&resource), None, 1).await?.into_iter().next();
    let (by, at) = last.map(|(_, entry)| (entry.actor.name, entry.at)).unzip();
    let revision = record.get("revision").and_then(Value::as_u64).unwrap_or_default();
    refusal.stale = Some(Box::new(StaleRecord {
        revision: Revision(u32::try_from(revision).unwrap_or(u32::MAX)),
        by,
        at,
        difference: differences(&call.asked(), &record),
    }));
    Err(refusal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn differences_are_found_where_fields_are_nested() {
        let asked = json!({"name": "b", "subject": "old", "host": "mx", "revision": 3, "unknown": 1});
        let record = json!({
            "name": "a", "data": {"subject": "new"}, "options": {"host": "mx"}, "revision": 5
        });
        let found = differences(asked.as_object().unwrap(), &record);
        let fields: Vec<_> = found.iter().map(|found| (found.field.as_str(), &found.now)).collect();
        assert_eq!(fields, [("name", &json!("a")), ("subject", &json!("new"))]);
    }
}
