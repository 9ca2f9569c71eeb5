//! The audit: Herald's own pages, and the dialect's `/logs` of one resource.

use super::answer::{Answered, ok};
use super::call::Call;
use super::queries::{Cursor, ListQuery};
use crate::domain::audit::AuditEntry;
use crate::domain::validate::Invalid;
use crate::engine::usecases::Outcome;
use crate::wire::history::{Audit, AuditPage, DialectLog};
use crate::wire::list::LogList;

/// The most entries of one page.
const MOST: usize = 1000;

pub(crate) fn entry(no: u64, entry: AuditEntry) -> Audit {
    Audit {
        no,
        at: entry.at,
        actor: entry.actor,
        event: entry.event,
        resource: entry.resource,
        summary: entry.summary,
    }
}

pub(crate) async fn page(call: Call) -> Answered {
    call.only_query(&["resource", "after", "limit"])?;
    let after = call.number("after")?;
    let limit = call.number("limit")?.unwrap_or(50usize).clamp(1, MOST);
    let entries = call.engine().store().audit(call.query("resource"), after, limit).await?;
    let next = entries.last().filter(|_| entries.len() == limit).map(|(no, _)| *no);
    ok(&AuditPage { entries: entries.into_iter().map(|(no, found)| entry(no, found)).collect(), next })
}

fn dialect(entry: AuditEntry) -> DialectLog {
    let by_key = entry.actor.key.is_some();
    DialectLog {
        event: entry.event,
        user_id: entry.actor.key.unwrap_or_default(),
        user_name: entry.actor.name,
        mode: "default".into(),
        user_type: if by_key { "keyProject".into() } else { "admin".into() },
        ip: entry.actor.from,
        time: entry.at,
        country_code: "--".into(),
        ..DialectLog::default()
    }
}

/// The dialect's log of one resource, which must exist.
async fn logs(call: &Call, resource: String) -> Answered {
    call.only_query(&["queries", "total"])?;
    let list = logs_query(call)?;
    let want = (list.offset + list.limit).min(5000);
    let entries = call.engine().store().audit(Some(&resource), None, want).await?;
    let total = if entries.len() < want {
        entries.len()
    } else {
        call.engine().store().audit(Some(&resource), None, 5000).await?.len()
    };
    let logs =
        entries.into_iter().skip(list.offset).take(list.limit).map(|(_, entry)| dialect(entry)).collect();
    let counted = !matches!(call.query("total"), Some("false" | "0"));
    ok(&LogList { total: if counted { total as u64 } else { 0 }, logs, next: None, cut_short: false })
}

/// Only limit and offset (facts 1.3).
fn logs_query(call: &Call) -> Outcome<ListQuery> {
    let list = ListQuery::read(&call.query, &[], false)?;
    let more = !list.predicates.is_empty() || !list.order.is_empty();
    if more || matches!(list.cursor, Some(Cursor::After(_) | Cursor::Before(_))) {
        return Err(Invalid::value("queries", "Invalid query: only limit and offset are allowed here").into());
    }
    Ok(list)
}

pub(crate) async fn of_message(call: Call) -> Answered {
    let message = call.engine().store().message(&call.id("messageId")?).await?;
    logs(&call, format!("message/{}", message.id)).await
}

pub(crate) async fn of_provider(call: Call) -> Answered {
    let provider = call.engine().store().provider(&call.id("providerId")?).await?;
    logs(&call, format!("provider/{}", provider.id)).await
}

pub(crate) async fn of_topic(call: Call) -> Answered {
    let topic = call.engine().store().topic(&call.id("topicId")?).await?;
    logs(&call, format!("topic/{}", topic.id)).await
}

pub(crate) async fn of_subscriber(call: Call) -> Answered {
    let id: crate::domain::ids::SubscriberId = call.id("subscriberId")?;
    logs(&call, format!("subscriber/{id}")).await
}
