//! Forgetting a person, and finding anything.

use super::answer::{Answered, accepted, ok};
use super::call::Call;
use super::deliveries::Names;
use super::params::Required;

use crate::domain::validate::Invalid;
use crate::wire::transfer::{Found, FoundKind, FoundList};

/// Erasures that are listed.
const ERASURES: usize = 100;

pub(crate) async fn erase(call: Call) -> Answered {
    let mut params = call.params()?;
    let address = params.text("address", 1, 4096).required("address")?;
    params.finish()?;
    accepted(&call.engine().erase_person(call.actor(), &address).await?)
}

pub(crate) async fn erasures(call: Call) -> Answered {
    call.only_query(&[])?;
    ok(&call.engine().erasures(ERASURES).await?)
}

pub(crate) async fn erasure(call: Call) -> Answered {
    ok(&call.engine().erasure(&call.id("erasureId")?).await?)
}

fn found(kind: FoundKind, id: &impl ToString, title: impl Into<String>, detail: impl Into<String>) -> Found {
    Found { kind, id: id.to_string(), parent: None, title: title.into(), detail: detail.into() }
}

pub(crate) async fn find(call: Call) -> Answered {
    call.only_query(&["q"])?;
    let words = call.query("q").ok_or(Invalid::Missing("q"))?;
    if words.chars().count() > 512 {
        return Err(Invalid::value("q", "Value must be no longer than 512 chars").into());
    }
    let engine = call.engine();
    let finds = engine.find(words).await?;
    let mut list = FoundList::default();
    for message in finds.messages {
        let title = message.content.headline().to_owned();
        let progress = &message.progress;
        let detail = format!(
            "{} {}, {} of {} accepted",
            message.channel(),
            message.state,
            progress.accepted,
            progress.planned
        );
        list.found.push(found(FoundKind::Message, &message.id, title, detail));
    }
    for topic in finds.topics {
        list.found.push(found(
            FoundKind::Topic,
            &topic.id,
            topic.name,
            format!("{} subscribers", topic.totals.sum()),
        ));
    }
    for user in finds.users {
        let reach: Vec<_> = [user.email.as_deref(), user.phone.as_deref()].into_iter().flatten().collect();
        let state = if user.enabled { "" } else { "blocked · " };
        list.found.push(found(FoundKind::User, &user.id, user.name, format!("{state}{}", reach.join(" · "))));
    }
    for target in finds.targets {
        let state = if target.expired { "expired" } else { "ok" };
        let detail = format!("{} of user {}, {state}", target.channel, target.user_id);
        list.found.push(Found {
            parent: Some(target.user_id.to_string()),
            ..found(FoundKind::Target, &target.id, target.identifier, detail)
        });
    }
    for view in finds.suppressions {
        let record = super::suppressions::shown(view);
        let said = if record.said.is_empty() { String::new() } else { format!(": {}", record.said) };
        let detail =
            format!("suppressed since {}, {} by {}{said}", record.created_at, record.reason(), record.by);
        list.found.push(Found {
            parent: record.target_id.as_ref().map(ToString::to_string),
            ..found(FoundKind::Suppression, &record.id, record.shown_address(), detail)
        });
    }
    for provider in finds.providers {
        let state = if provider.enabled { "enabled" } else { "disabled" };
        let detail = format!("{} {}, {state}", provider.kind, provider.channel);
        list.found.push(found(FoundKind::Provider, &provider.id, provider.name, detail));
    }
    for key in finds.keys {
        list.found.push(found(FoundKind::Key, &key.id, key.name, key.scopes.join(", ")));
    }
    for import in finds.imports {
        let state = if import.undone.is_some() { "undone" } else { "done" };
        list.found.push(found(
            FoundKind::Import,
            &import.id,
            import.source,
            format!("{state}, {} users made", import.counts.users),
        ));
    }
    for row in Names::new(engine).await?.deliveries(engine, finds.rows).await? {
        list.found.push(Found {
            parent: row.message_id.map(String::from),
            ..found(
                FoundKind::Delivery,
                &row.seq,
                format!("{} → {}", row.headline, row.address),
                format!("{} {}: {}", row.at, row.outcome, row.answer),
            )
        });
    }
    list.searched = match finds.extent.since {
        None => "the delivery log is empty".into(),
        Some(since) if finds.cut_short => {
            format!("the newest {} rows of a delivery log that begins {since}", finds.scanned)
        }
        Some(since) => format!("the delivery log since {since}"),
    };
    ok(&list)
}
