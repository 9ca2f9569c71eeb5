//! The first screen, causes of failures, and the switches over all sending.

use super::answer::{Answered, ok};
use super::call::Call;
use super::deliveries::Names;
use super::health::{provider_list, queues};
use crate::domain::delivery::{LogRow, Outcome as Delivered, show_address};
use crate::domain::gist::gist;
use crate::domain::ids::{ProviderId, ProviderNo};
use crate::domain::plan::NO_PROVIDER;
use crate::domain::reason::Why;
use crate::domain::state::MessageState;
use crate::engine::Engine;
use crate::engine::usecases::Outcome;
use crate::store::history::{LogQuery, StoreHealth};
use crate::store::messages::MessageFilter;
use crate::store::page::{Order, PageRequest};
use crate::wire::alert::AlertKind;
use crate::wire::overview::{
    Cause, Concern, ErrorGroup, ErrorGroups, Instance, NeedsYou, Overview, SettingRow, StateCounts, Stopped,
    StoreStats, Upcoming,
};
use crate::wire::provider::ProviderHealth;
use std::collections::BTreeMap;
use std::time::Duration;

/// The most rows that causes are counted from.
const CAUSE_ROWS: usize = 5_000;

/// A span of the counts of a cause.
const SPAN: Duration = Duration::from_mins(5);

/// Spans of the counts of a cause: an hour.
const SPANS: usize = 12;

fn states(counts: [u64; 8]) -> StateCounts {
    let [draft, scheduled, held, processing, paused, cancelled, sent, failed] = counts;
    StateCounts { draft, scheduled, held, processing, paused, cancelled, sent, failed }
}

/// An answer with what differs between recipients taken out: digits in runs of
/// more than three, and what stands in angle brackets.
fn shape(answer: &str) -> String {
    let answer = gist(answer);
    let mut out = String::new();
    let mut digits = String::new();
    let mut depth = 0u32;
    for c in answer.lines().next().unwrap_or("").chars().take(200) {
        if c.is_ascii_digit() && depth == 0 {
            digits.push(c);
            continue;
        }
        if !digits.is_empty() {
            out.push_str(if digits.len() > 3 { "…" } else { &digits });
            digits.clear();
        }
        match c {
            '<' => {
                depth += 1;
                if depth == 1 {
                    out.push('…');
                }
            }
            '>' => depth = depth.saturating_sub(1),
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out.push_str(if digits.len() > 3 { "…" } else { &digits });
    show_address(&out, "…").trim().to_owned()
}

async fn causes(engine: &Engine) -> Outcome<Vec<Cause>> {
    let now = engine.now();
    let query = LogQuery {
        outcomes: vec![
            Delivered::Permanent,
            Delivered::Transient,
            Delivered::TargetExpired,
            Delivered::Uncertain,
            Delivered::Bounced,
            Delivered::SoftBounced,
        ],
        since: Some(now.minus(SPAN * SPANS as u32)),
        order: Order::Descending,
        limit: CAUSE_ROWS,
        scan: 50_000,
        ..LogQuery::default()
    };
    let rows: Vec<LogRow> = engine.store().log(query).await?.rows;
    let names = Names::new(engine).await?;
    let mut groups: BTreeMap<(ProviderNo, u16, String), Cause> = BTreeMap::new();
    for row in rows {
        let text = shape(&row.detail.answer);
        let cause =
            groups.entry((row.provider, row.detail.code, text)).or_insert_with_key(|(no, code, text)| {
                Cause {
                    provider_id: names.provider(*no).cloned(),
                    code: *code,
                    text: text.clone(),
                    count: 0,
                    spans: vec![0; SPANS],
                    first: row.at,
                    last: row.at,
                }
            });
        cause.count += 1;
        cause.first = cause.first.min(row.at);
        cause.last = cause.last.max(row.at);
        let ago = (now.since(row.at).as_secs() / SPAN.as_secs()) as usize;
        if let Some(span) = SPANS.checked_sub(1 + ago).and_then(|at| cause.spans.get_mut(at)) {
            *span += 1;
        }
    }
    let mut causes: Vec<_> = groups.into_values().collect();
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.count));
    causes.truncate(20);
    Ok(causes)
}

/// Failures of the last hours, grouped by cause.
pub(crate) async fn errors(call: Call) -> Answered {
    call.only_query(&["message", "provider", "hours"])?;
    let engine = call.engine();
    let store = engine.store();
    let hours: u64 = call.number("hours")?.unwrap_or(1u64).clamp(1, 24 * 30);
    let span = Duration::from_hours(hours) / SPANS as u32;
    let now = engine.now();
    let mut query = LogQuery {
        outcomes: Delivered::ALL
            .into_iter()
            .filter(|o| o.is_failure() || *o == Delivered::Uncertain)
            .collect(),
        since: Some(now.minus(Duration::from_hours(hours))),
        order: Order::Descending,
        limit: 20_000,
        scan: 200_000,
        ..LogQuery::default()
    };
    if let Some(id) = call.query("message") {
        query.message = Some(store.message(&crate::domain::ids::MessageId::new(id)?).await?.no);
    }
    if let Some(id) = call.query("provider") {
        query.provider = Some(store.provider(&crate::domain::ids::ProviderId::new(id)?).await?.no);
    }
    let page = store.log(query).await?;
    let names = Names::new(engine).await?;
    let mut groups: BTreeMap<(ProviderNo, u16, String), ErrorGroup> = BTreeMap::new();
    let rows = page.rows.len() as u64;
    for row in page.rows {
        let text = shape(&row.detail.answer);
        let key = (row.provider, row.detail.code, text);
        let group = groups.entry(key).or_insert_with_key(|(no, code, text)| ErrorGroup {
            provider_id: names.provider(*no).cloned(),
            code: *code,
            text: text.clone(),
            count: 0,
            first: row.at,
            last: row.at,
            trend: vec![0; SPANS],
        });
        group.count += 1;
        group.first = group.first.min(row.at);
        group.last = group.last.max(row.at);
        let ago = (now.since(row.at).as_millis() / span.as_millis().max(1)) as usize;
        if let Some(part) = SPANS.checked_sub(1 + ago).and_then(|at| group.trend.get_mut(at)) {
            *part += 1;
        }
    }
    let mut errors: Vec<_> = groups.into_values().collect();
    errors.sort_by_key(|group| std::cmp::Reverse(group.count));
    errors.truncate(100);
    ok(&ErrorGroups { errors, rows, cut_short: page.cut_short || page.next.is_some() })
}

fn need(concern: Concern, text: impl Into<String>) -> NeedsYou {
    NeedsYou {
        concern,
        text: text.into(),
        waiting: 0,
        since: None,
        message_id: None,
        provider_id: None,
        reason: None,
    }
}

/// What a provider's standing asks of an operator.
fn provider_need(provider: &ProviderHealth) -> Option<NeedsYou> {
    let why = provider.why.clone()?;
    let (concern, text, since) = match &why.why {
        Why::ProviderRefuses { answer, since, .. } => {
            (Concern::ProviderRefuses, format!("{} refuses us: {answer}", provider.name), Some(*since))
        }
        Why::Breaker { cause, .. } => {
            (Concern::ProviderFails, format!("{} fails: {cause}", provider.name), provider.breaker_since)
        }
        Why::ProviderPaused { by, since, .. } => {
            (Concern::ProviderPaused, format!("{} was paused by {by}", provider.name), Some(*since))
        }
        Why::BulkPaused { cause, since, .. } => (
            Concern::BulkPaused,
            format!("{} sends no bulk: {cause}. Clean the list, then resume it", provider.name),
            Some(*since),
        ),
        _ => return None,
    };
    let text = match &provider.failover.now {
        Some(on) => format!("{text}; {on}"),
        None => text,
    };
    Some(NeedsYou {
        waiting: provider.waiting(),
        since,
        provider_id: Some(provider.id.clone()),
        reason: Some(why),
        ..need(concern, text)
    })
}

async fn needs_you(engine: &Engine, overview: &Overview) -> Outcome<Vec<NeedsYou>> {
    let store = engine.store();
    let mut needs = Vec::new();
    if let Some(cause) = &overview.suspended {
        needs.push(need(Concern::Disk, format!("Nothing can be written: {cause}")));
    }
    if let Some(stopped) = &overview.stopped {
        needs.push(NeedsYou {
            since: Some(stopped.since),
            waiting: overview.waiting,
            ..need(Concern::Stopped, format!("All sending was stopped by {}", stopped.by))
        });
    }
    if let Some(since) = overview.restored {
        needs.push(NeedsYou {
            since: Some(since),
            ..need(Concern::Restored, "This is a restored copy: nothing is sent until you release it")
        });
    }
    needs.extend(overview.providers.iter().filter_map(provider_need));
    let nobody = queues(engine, NO_PROVIDER).await?;
    if nobody.progress.open() > 0 {
        needs.push(NeedsYou {
            waiting: nobody.progress.open(),
            since: nobody.oldest,
            reason: Some(Why::NoProvider.into()),
            ..need(Concern::NoProvider, "Recipients wait, and no provider of their type is enabled")
        });
    }
    for message in store.active().await? {
        let count = message.progress.undecided;
        if count == 0 {
            continue;
        }
        let text = format!("“{}”: {count} uncertain, the answers were lost", message.content.headline());
        needs.push(NeedsYou {
            waiting: count,
            reason: Some(Why::HeldUncertain { count }.into()),
            message_id: Some(message.id),
            ..need(Concern::Uncertain, text)
        });
    }
    let held = PageRequest { limit: 20, order: Order::Descending, ..PageRequest::default() };
    let code = MessageState::Held(crate::domain::state::Hold::Late).code();
    for message in store.messages(MessageFilter { states: vec![code] }, held).await?.items {
        let why = engine.why_of(&message).await?;
        // Since when it is held stands beside it.
        let (since, reason) = match &why {
            Some(Why::HeldEditing { by, since }) => (Some(*since), format!("is held: {by} is editing it")),
            Some(Why::HeldLate { due }) => (Some(*due), "is held: it was due while nothing ran".to_owned()),
            other => (message.scheduled_at, other.as_ref().map(ToString::to_string).unwrap_or_default()),
        };
        needs.push(NeedsYou {
            since,
            reason: why.map(Into::into),
            message_id: Some(message.id.clone()),
            ..need(Concern::Held, format!("“{}” {reason}", message.content.headline()))
        });
    }
    needs.extend(of_alerts(engine, overview, &needs).await?);
    Ok(needs)
}

/// Open alerts about what nothing else here speaks of.
async fn of_alerts(engine: &Engine, overview: &Overview, needs: &[NeedsYou]) -> Outcome<Vec<NeedsYou>> {
    let known = |id: &Option<ProviderId>| id.is_some() && needs.iter().any(|need| need.provider_id == *id);
    let mut out = Vec::new();
    for alert in engine.alerts().await?.alerts {
        let text = match alert.kind {
            AlertKind::Disk if overview.suspended.is_none() => alert.text,
            AlertKind::NoReceipt | AlertKind::WebhookDisabled => alert.text,
            AlertKind::FailureRate if !known(&alert.provider_id) => alert.text,
            AlertKind::OldestWaiting if !known(&alert.provider_id) => match &alert.provider_id {
                Some(id) => {
                    let named = overview.providers.iter().find(|provider| provider.id == *id);
                    let name = named.map_or_else(|| id.to_string(), |provider| provider.name.clone());
                    format!("{name} is late: somebody waits longer than the setting allows")
                }
                // That nobody delivers it is said already.
                None => continue,
            },
            _ => continue,
        };
        let waiting = overview
            .providers
            .iter()
            .find(|provider| {
                alert.kind == AlertKind::OldestWaiting && Some(&provider.id) == alert.provider_id.as_ref()
            })
            .map_or(0, ProviderHealth::waiting);
        out.push(NeedsYou {
            waiting,
            since: Some(alert.since),
            provider_id: alert.provider_id,
            ..need(Concern::Alert, text)
        });
    }
    Ok(out)
}

async fn upcoming(engine: &Engine) -> Outcome<Vec<Upcoming>> {
    let mut next = Vec::new();
    for message in engine.store().upcoming(5).await? {
        let Some(at) = message.scheduled_at else { continue };
        let channel = message.channel();
        let bound = engine.store().audience_bound(&message.topics, channel).await?;
        next.push(Upcoming {
            headline: message.content.headline().to_owned(),
            channel,
            at,
            audience: message.users.is_empty().then_some(bound + message.targets.len() as u64),
            message_id: message.id,
        });
    }
    Ok(next)
}

async fn build(call: &Call) -> Outcome<Overview> {
    let app = &call.app;
    let engine = &app.engine;
    let store = engine.store();
    let flags = store.flags().await?;
    let stats = store.stats().await?;
    let providers = provider_list(engine).await?;
    let suspended = match &*store.health().borrow() {
        StoreHealth::Well => None,
        StoreHealth::Suspended { cause, .. } => Some(cause.clone()),
    };
    let mut overview = Overview {
        now: engine.now(),
        instance: Instance {
            version: env!("CARGO_PKG_VERSION").into(),
            label: app.settings.label.clone(),
            store: store.install_id(),
            pid: std::process::id(),
            started: app.started,
            running: app.running,
            listen: app.settings.listen.map(|address| address.to_string()).unwrap_or_default(),
            operator: call.actor().name.clone(),
            zone: app.settings.operator_zone.map(|zone| zone.name().to_owned()).unwrap_or_default(),
            undo_s: app.settings.undo.as_secs() as u32,
        },
        states: states(store.state_counts().await?),
        stopped: flags.stopped.map(|(by, since)| Stopped { by, since }),
        restored: flags.restored,
        suspended,
        // A sum of nothing would be -0.
        rate: providers.iter().fold(0.0, |sum, provider| sum + provider.rate),
        waiting: providers.iter().map(ProviderHealth::waiting).sum(),
        oldest: providers.iter().filter_map(|provider| provider.oldest).min(),
        needs_you: Vec::new(),
        next: upcoming(engine).await?,
        causes: causes(engine).await?,
        providers,
        store: StoreStats {
            main_bytes: stats.main_bytes,
            segment_bytes: stats.segment_bytes,
            segments: stats.segments,
            users: stats.users,
            targets: stats.targets,
            topics: stats.topics,
            messages: stats.messages,
            disk_free: stats.disk_free,
            disk_total: stats.disk_total,
        },
        present: app.seats.seen_by(call.actor()),
    };
    overview.needs_you = needs_you(engine, &overview).await?;
    Ok(overview)
}

pub(crate) async fn overview(call: Call) -> Answered {
    ok(&build(&call).await?)
}

pub(crate) async fn stop_sending(call: Call) -> Answered {
    call.engine().stop_sending(call.actor()).await?;
    ok(&build(&call).await?)
}

pub(crate) async fn resume_sending(call: Call) -> Answered {
    call.engine().resume_sending(call.actor()).await?;
    ok(&build(&call).await?)
}

pub(crate) async fn release_restored(call: Call) -> Answered {
    call.engine().release_restored(call.actor()).await?;
    ok(&build(&call).await?)
}

pub(crate) async fn settings(call: Call) -> Answered {
    let rows: Vec<_> = call
        .app
        .settings
        .shown()
        .into_iter()
        .map(|row| SettingRow {
            name: row.name.to_owned(),
            value: row.value,
            origin: row.origin.to_string(),
            help: row.help.to_owned(),
        })
        .collect();
    ok(&rows)
}

/// Asks the process to end in good order; it says so at once and does it then.
pub(crate) async fn shutdown(call: Call) -> Answered {
    let by = call.actor().clone();
    let audit = call.engine().entry(&by, "engine.shutdown", "engine", "asked to end");
    call.engine().store().append_audit(audit).await?;
    call.app.shutdown.send_replace(true);
    Ok(super::answer::nothing())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_to_different_people_have_one_shape() {
        let one = shape("550 5.1.1 <ana@example.com>: no mailbox 4711001");
        assert_eq!(one, shape("550 5.1.1 <bo@example.org>: no mailbox 88123"));
        assert_eq!(one, "550 5.1.1 …: no mailbox …");
    }
}
