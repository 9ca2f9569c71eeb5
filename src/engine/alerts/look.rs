//! What is wrong now.

use super::super::core::Core;
use super::Finding;
use crate::domain::delivery::Outcome as Delivered;
use crate::domain::ids::ProviderNo;
use crate::domain::message::Progress;
use crate::domain::plan::{NO_PROVIDER, WaitReason};
use crate::domain::provider::{Provider, ProviderHold};
use crate::domain::state::{Hold, MessageState};
use crate::domain::time::Timestamp;
use crate::engine::conditions::Condition;
use crate::engine::usecases::Outcome;
use crate::engine::{Engine, ProviderHealth};
use crate::store::StoreError;
use crate::store::dispatch::WaitingFilter;
use crate::store::history::{LogQuery, StoreHealth};
use crate::store::messages::MessageFilter;
use crate::store::page::{Order, PageRequest};
use crate::wire::alert::AlertKind;

/// Answers in a minute from which on their rate of failure says something.
const ANSWERS: u64 = 20;
/// Lanes of a provider that are looked at for who waits longest: the first are the oldest.
const LANES: usize = 64;
/// Rows of the log that are looked at for receipts.
const ROWS: usize = 1000;

fn finding(id: impl Into<String>, kind: AlertKind, text: impl Into<String>) -> Finding {
    Finding { id: id.into(), kind, text: text.into(), since: None, provider: None, webhook: None }
}

/// Looks at everything once.
pub(super) async fn look(core: &Core, engine: &Engine) -> Outcome<Vec<Finding>> {
    let store = &core.store;
    let now = core.clock.now();
    let mut found = Vec::new();
    {
        let flags = core.flags.borrow();
        if let Some((by, since)) = &flags.stopped {
            let text = format!("all sending was stopped by {by}");
            found.push(Finding { since: Some(*since), ..finding("sending", AlertKind::Stopped, text) });
        }
    }
    disk(core, &mut found).await?;
    let health = engine.health().await?;
    let mut progress = Progress::default();
    for provider in store.providers().await? {
        let standing = health.iter().find(|health| health.no == provider.no);
        let (queued, oldest) = queue(core, provider.no).await?;
        progress.add(&queued);
        of_provider(core, &provider, standing, &mut found);
        waits(core, &format!("oldest/{}", provider.id), Some(&provider), oldest, now, &mut found);
        if provider.enabled {
            receipts(core, &provider, now, &mut found).await?;
        }
    }
    let (queued, oldest) = queue(core, NO_PROVIDER).await?;
    progress.add(&queued);
    waits(core, "oldest", None, oldest, now, &mut found);
    // Among those who are held or undecided: nobody else is asked for one by one.
    if progress.held + progress.undecided > 0 {
        let filter = WaitingFilter { why: Some(WaitReason::Uncertain), ..WaitingFilter::default() };
        if !store.waiting(filter, None, 1).await?.is_empty() {
            let text = "nobody knows whether some recipients got their message: decide for them";
            found.push(finding("uncertain", AlertKind::Uncertain, text));
        }
    }
    held(core, &mut found).await?;
    for webhook in engine.webhooks().await?.webhooks {
        if let Some(why) = &webhook.disabled {
            let text = format!("endpoint {} was disabled: {why}", webhook.name);
            found.push(Finding {
                webhook: Some(webhook.id.clone()),
                ..finding(format!("webhook/{}", webhook.id), AlertKind::WebhookDisabled, text)
            });
        }
    }
    Ok(found)
}

async fn disk(core: &Core, found: &mut Vec<Finding>) -> Outcome<()> {
    let health = core.store.health().borrow().clone();
    if let StoreHealth::Suspended { cause, since } = health {
        let text = format!("the store cannot write: {cause}");
        found.push(Finding { since: Some(since), ..finding("disk", AlertKind::Disk, text) });
        return Ok(());
    }
    let stats = core.store.stats().await?;
    let percent = core.config.alerts.disk_percent;
    if stats.disk_total > 0 && stats.disk_free < stats.disk_total / 100 * percent {
        let text = format!("less than {percent} % of the disk is free: {} MiB", stats.disk_free >> 20);
        found.push(finding("disk", AlertKind::Disk, text));
    }
    Ok(())
}

/// What waits at a provider, and since when the oldest of it was due.
async fn queue(core: &Core, no: ProviderNo) -> Outcome<(Progress, Option<Timestamp>)> {
    let (mut progress, mut oldest) = (Progress::default(), None);
    for (place, lane) in core.store.lanes(no).await?.into_iter().enumerate() {
        progress.add(&lane.progress);
        if place >= LANES {
            continue;
        }
        match core.store.message_by_no(lane.key.message).await {
            Ok(message) if message.state == MessageState::Processing => {
                oldest = [oldest, message.started_at.or(message.scheduled_at)].into_iter().flatten().min();
            }
            Ok(_) | Err(StoreError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok((progress, oldest))
}

fn waits(
    core: &Core,
    id: &str,
    provider: Option<&Provider>,
    oldest: Option<Timestamp>,
    now: Timestamp,
    found: &mut Vec<Finding>,
) {
    let Some(oldest) = oldest.filter(|oldest| now.since(*oldest) > core.config.alerts.oldest) else { return };
    let text = match provider {
        Some(provider) => format!("recipients of {} wait since {oldest}", provider.id),
        None => format!("recipients wait since {oldest}, and no provider of their type is enabled"),
    };
    found.push(Finding {
        since: Some(oldest.plus(core.config.alerts.oldest)),
        provider: provider.map(|provider| provider.id.clone()),
        ..finding(id, AlertKind::OldestWaiting, text)
    });
}

fn of_provider(
    core: &Core,
    provider: &Provider,
    standing: Option<&ProviderHealth>,
    found: &mut Vec<Finding>,
) {
    let id = &provider.id;
    let own = |finding: Finding| Finding { provider: Some(id.clone()), ..finding };
    let stopped = match &provider.hold {
        Some(ProviderHold::Paused { by, since }) => Some((format!("{id} was paused by {by}"), Some(*since))),
        Some(_) => Some((format!("{id} refuses us{}", because(standing)), None)),
        None if standing.is_some_and(|standing| standing.condition == Some(Condition::Breaker)) => {
            let since = standing.and_then(|standing| standing.broken_since);
            Some((format!("{id} fails again and again{}", because(standing)), since))
        }
        None => None,
    };
    if let Some((text, since)) = stopped {
        let alert = finding(format!("provider/{id}"), AlertKind::ProviderStopped, text);
        found.push(own(Finding { since, ..alert }));
    }
    if let Some(tripped) = provider.guard {
        let text = format!("{id} sends no bulk: {tripped}; resume it when the list is clean");
        let alert = finding(format!("guard/{id}"), AlertKind::BulkPaused, text);
        found.push(own(Finding { since: Some(tripped.since), ..alert }));
    }
    let Some(standing) = standing else { return };
    let answers: u64 = standing.health.seconds.iter().sum();
    let Some(success) = standing.health.success.filter(|_| answers >= ANSWERS) else { return };
    let failing = 100.0 * (1.0 - success);
    if failing > core.config.alerts.failure_percent as f64 {
        let text = format!(
            "{failing:.0} % of the answers of {id} in the last minute were refusals{}",
            because(Some(standing))
        );
        found.push(own(finding(format!("failures/{id}"), AlertKind::FailureRate, text)));
    }
}

fn because(standing: Option<&ProviderHealth>) -> String {
    standing
        .filter(|standing| !standing.cause.is_empty())
        .map(|standing| format!(": {}", standing.cause))
        .unwrap_or_default()
}

/// A provider whose receipts should come, or used to, and do not.
async fn receipts(core: &Core, provider: &Provider, now: Timestamp, found: &mut Vec<Finding>) -> Outcome<()> {
    let query = |outcomes: Vec<Delivered>| LogQuery {
        outcomes,
        provider: Some(provider.no),
        order: Order::Descending,
        limit: 1,
        scan: ROWS,
        ..LogQuery::default()
    };
    // Set up, and none has ever come: since it was set up, at the latest.
    let set_up = provider.takes_receipts().then_some(provider.updated);
    let Some(last) = core.store.guard(provider.no).await?.last_receipt.or(set_up) else { return Ok(()) };
    let patience = core.config.alerts.receipts;
    if now.since(last) <= patience {
        return Ok(());
    }
    let accepted = LogQuery {
        since: Some(last),
        until: Some(now.minus(patience)),
        limit: ANSWERS as usize,
        ..query(vec![Delivered::Accepted])
    };
    if core.store.log(accepted).await?.rows.len() as u64 == ANSWERS {
        let text = format!("{} accepts messages, and no receipt has come since {last}", provider.id);
        let alert = finding(format!("receipts/{}", provider.id), AlertKind::NoReceipt, text);
        found.push(Finding { since: Some(last), provider: Some(provider.id.clone()), ..alert });
    }
    Ok(())
}

async fn held(core: &Core, found: &mut Vec<Finding>) -> Outcome<()> {
    let code = MessageState::Held(Hold::Late).code();
    let counts = core.store.state_counts().await?;
    if counts.get(usize::from(code)).copied().unwrap_or_default() == 0 {
        return Ok(());
    }
    let request = PageRequest { limit: 1000, order: Order::Descending, ..PageRequest::default() };
    let page = core.store.messages(MessageFilter { states: vec![code] }, request).await?;
    let (mut late, mut others) = (0u64, 0u64);
    for message in &page.items {
        match &message.state {
            MessageState::Held(Hold::Late) => late += 1,
            // Somebody is at it.
            MessageState::Held(Hold::Editing { .. }) => {}
            _ => others += 1,
        }
    }
    if late > 0 {
        let text = format!("{late} messages were due while nothing ran, and are held");
        found.push(finding("late", AlertKind::Late, text));
    }
    if others > 0 {
        found.push(finding(
            "held",
            AlertKind::Held,
            format!("{others} messages are held until somebody releases them"),
        ));
    }
    Ok(())
}
