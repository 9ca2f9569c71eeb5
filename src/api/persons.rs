//! What is held of a person, forgetting it, and finding anything.

use super::answer::{Answered, ok};
use super::audit::entry;
use super::call::Call;
use super::deliveries::Names;
use super::params::Required;
use super::present;
use crate::domain::person::Target;
use crate::domain::validate::Invalid;
use crate::engine::Engine;
use crate::engine::usecases::Outcome;
use crate::store::catalog::SubscriberView;
use crate::store::page::{Condition, PageRequest};
use crate::store::suppressions::SuppressionView;
use crate::wire::transfer::{Erased, Found, FoundKind, FoundList, PersonExport, Subscription};
use std::sync::Arc;

/// Topics that are read at once.
const TOPICS: usize = 1000;

/// The most deliveries of an export.
const DELIVERIES: usize = 10_000;

pub(crate) async fn export(call: Call) -> Answered {
    call.only_query(&["address"])?;
    let address = call.query("address").ok_or(Invalid::Missing("address"))?;
    let engine = call.engine();
    let store = engine.store();
    let dossier = engine.dossier(address).await?;
    let mut export =
        PersonExport { at: engine.now(), address: address.to_owned(), ..PersonExport::default() };
    let mut addresses = dossier.addresses;
    addresses.extend(dossier.targets.iter().map(|target| (target.channel, target.identifier.clone())));
    addresses.sort();
    addresses.dedup();
    let mut rows = Vec::new();
    for (channel, address) in &addresses {
        let target = dossier.targets.iter().find(|of| of.channel == *channel && of.identifier == *address);
        for suppression in store.suppressions_of(*channel, address).await? {
            let target = target.map(|target| target.id.clone());
            export.suppressions.push(super::suppressions::shown(SuppressionView { suppression, target }));
        }
        for record in store.identifiers_of(*channel, address).await? {
            rows.extend(engine.rows_of(record.no, DELIVERIES + 1).await?);
        }
    }
    rows.sort_by_key(|row| row.seq);
    export.cut_short = rows.len() > DELIVERIES;
    rows.truncate(DELIVERIES);
    export.deliveries = Names::new(engine).await?.deliveries(engine, rows).await?;
    export.subscriptions = subscriptions(engine, &dossier.targets).await?;
    for user in &dossier.users {
        let entries = store.audit(Some(&format!("user/{}", user.id)), None, 1000).await?;
        export.audit.extend(entries.into_iter().map(|(no, found)| entry(no, found)));
    }
    for target in &dossier.targets {
        let entries = store.audit(Some(&format!("target/{}", target.id)), None, 1000).await?;
        export.audit.extend(entries.into_iter().map(|(no, found)| entry(no, found)));
    }
    export.audit.sort_by_key(|entry| entry.no);
    for user in dossier.users {
        let of_user = dossier.targets.iter().filter(|target| target.user_no == user.no).cloned().collect();
        export.users.push(present::user(user, of_user));
    }
    export.targets = dossier.targets.into_iter().map(present::target).collect();
    ok(&export)
}

/// Every topic that one of these targets is subscribed to.
async fn subscriptions(engine: &Engine, targets: &[Target]) -> Outcome<Vec<Subscription>> {
    let store = engine.store();
    let mut list = Vec::new();
    let mut after = None;
    loop {
        let page = store.topics(PageRequest { after, limit: TOPICS, ..PageRequest::default() }).await?;
        for topic in page.items {
            for target in targets {
                // The page begins at this very target, so that it costs one look.
                let no = target.no;
                let only: Condition<SubscriberView> =
                    Arc::new(move |view: &SubscriberView| view.subscriber.target_no == no);
                let request = PageRequest {
                    after: no.0.checked_sub(1),
                    limit: 1,
                    scan: 1,
                    only: Some(only),
                    ..PageRequest::default()
                };
                let found = store.subscribers(&topic.id, request).await?;
                list.extend(found.items.into_iter().map(|view| Subscription {
                    topic_id: topic.id.clone(),
                    address: target.identifier.clone(),
                    since: view.subscriber.created,
                }));
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(list);
        }
    }
}

pub(crate) async fn erase(call: Call) -> Answered {
    let mut params = call.params()?;
    let address = params.text("address", 1, 4096).required("address")?;
    params.finish()?;
    let erased = call.engine().erase_person(call.actor(), &address).await?;
    ok(&Erased { count: erased.count, left: erased.left })
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
