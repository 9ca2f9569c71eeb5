//! Whether the instance is well, and each provider: rates, queues, breaker, limits.

use super::answer::{Answered, ok, text};
use super::call::Call;
use super::present::hold;
use crate::domain::delivery::Outcome as Delivered;
use crate::domain::ids::{ProviderId, ProviderNo};
use crate::domain::message::Progress;
use crate::domain::provider::Provider;
use crate::domain::reason::Why;
use crate::domain::routing::{Failover, Routing};
use crate::domain::state::MessageState;
use crate::domain::time::Timestamp;
use crate::engine::conditions::Condition;
use crate::engine::usecases::{Outcome, Refusal, slow_start};
use crate::engine::{Engine, ProviderHealth as Standing};
use crate::store::StoreError;
use crate::store::history::{LogQuery, StoreHealth};
use crate::store::page::Order;
use crate::wire::ErrorType;
use crate::wire::overview::{Health, QueueSize};
use crate::wire::provider::{BreakerState, GuardHealth, ProviderHealth, QuotaUse, ReceiptHealth};
use crate::wire::routing::{FailoverState, HandingOn};
use std::collections::BTreeMap;
use std::time::Duration;

/// The most due messages that are counted.
const QUEUE: usize = 1_000;

/// The most bounces that are counted.
const BOUNCES: usize = 5_000;

pub(crate) async fn health(call: Call) -> Answered {
    let begun = tokio::time::Instant::now();
    let well = *call.engine().store().health().borrow() == StoreHealth::Well;
    ok(&Health {
        name: "herald".into(),
        ping: begun.elapsed().as_millis() as u64,
        status: if well { "pass".into() } else { "fail".into() },
        version: env!("CARGO_PKG_VERSION").into(),
    })
}

/// How many messages are being planned and sent, or are due: the dialect's queue.
/// With a threshold that is reached, 503, for probes.
pub(crate) async fn queue(call: Call) -> Answered {
    call.only_query(&["threshold"])?;
    let threshold = call.number::<u64>("threshold")?.unwrap_or(u64::MAX);
    let counts = call.engine().store().state_counts().await?;
    let processing = counts[usize::from(MessageState::Processing.code())];
    let due = call.engine().store().upcoming(QUEUE).await?;
    let now = call.engine().now();
    let due = due.iter().filter(|message| message.scheduled_at.is_some_and(|at| at <= now)).count();
    let size = processing + due as u64;
    if size >= threshold {
        let text = format!("Queue size threshold hit: {size} messages wait, the limit is {threshold}");
        return Err(Refusal::new(ErrorType::QueueSize, text));
    }
    ok(&QueueSize { size })
}

pub(crate) async fn ping(_: Call) -> Answered {
    Ok(text("Pong!"))
}

/// Why a provider sends nothing, or slowly, as the engine sees it.
pub(crate) async fn provider_reason(engine: &Engine, id: &ProviderId) -> Outcome<Option<Why>> {
    let provider = match engine.store().provider(id).await {
        Ok(provider) => provider,
        Err(StoreError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    Ok(reason(&provider, &engine.health_of(&provider), engine.now()))
}

fn reason(provider: &Provider, standing: &Standing, now: Timestamp) -> Option<Why> {
    if let Some(why) = hold(provider) {
        return Some(why);
    }
    let (id, until) = (provider.id.clone(), standing.until.unwrap_or(now));
    match standing.condition? {
        Condition::Quota => Some(Why::Quota { provider: id, until }),
        Condition::Breaker => Some(Why::Breaker { provider: id, until, cause: standing.cause.clone() }),
        _ => None,
    }
}

pub(super) struct Queues {
    pub(super) progress: Progress,
    pub(super) next_try: Option<Timestamp>,
    pub(super) oldest: Option<Timestamp>,
}

/// What is queued and waits at a provider.
pub(super) async fn queues(engine: &Engine, no: ProviderNo) -> Outcome<Queues> {
    let mut queues = Queues { progress: Progress::default(), next_try: None, oldest: None };
    for lane in engine.store().lanes(no).await? {
        queues.progress.add(&lane.progress);
        let next = lane.next_wait.filter(|at| *at != Timestamp::NEVER);
        queues.next_try = [queues.next_try, next].into_iter().flatten().min();
        if let Ok(message) = engine.store().message_by_no(lane.key.message).await {
            queues.oldest = [queues.oldest, message.scheduled_at].into_iter().flatten().min();
        }
    }
    Ok(queues)
}

/// Bounces of the last day by provider, as far as the newest tell.
async fn bounced(engine: &Engine) -> Outcome<BTreeMap<ProviderNo, u64>> {
    let query = LogQuery {
        outcomes: vec![Delivered::Bounced],
        since: Some(engine.now().minus(Duration::from_hours(24))),
        order: Order::Descending,
        limit: BOUNCES,
        scan: 50_000,
        ..LogQuery::default()
    };
    let mut counts = BTreeMap::new();
    for row in engine.store().log(query).await?.rows {
        *counts.entry(row.provider).or_default() += 1;
    }
    Ok(counts)
}

fn used(limit: Option<u64>, used: u64) -> Option<QuotaUse> {
    limit.map(|limit| QuotaUse { used, limit })
}

fn breaker(standing: &Standing) -> BreakerState {
    match standing.breaker {
        Some(_) => BreakerState::Open,
        None if standing.probing => BreakerState::Probing,
        None => BreakerState::Closed,
    }
}

/// What a provider may hand on, and whether it does.
fn failover(
    routing: &Routing,
    provider: &Provider,
    standing: Option<&Standing>,
    all: &[Provider],
) -> FailoverState {
    let Failover { bulk, direct } = routing.failover(&provider.id);
    let now = standing.and_then(|standing| standing.handing_on).and_then(|on| {
        let to = all.iter().find(|other| other.no == on.to)?;
        let ends = [(on.bulk, bulk), (on.direct, direct)].into_iter().filter(|(handed, _)| *handed);
        Some(HandingOn {
            to: to.id.clone(),
            why: on.why,
            since: on.since,
            until: ends.map(|(_, allowance)| allowance.until).min().flatten(),
            bulk: on.bulk,
            direct: on.direct,
        })
    });
    FailoverState { bulk, direct, now }
}

/// To whom a provider hands on now, if it does.
pub(crate) async fn hands_on(engine: &Engine, provider: &Provider) -> Outcome<Option<HandingOn>> {
    let (routing, all) = (engine.routing().await?, engine.store().providers().await?);
    Ok(failover(&routing, provider, Some(&engine.health_of(provider)), &all).now)
}

pub(crate) async fn provider_list(engine: &Engine) -> Outcome<Vec<ProviderHealth>> {
    let now = engine.now();
    let standings = engine.health().await?;
    let bounced = bounced(engine).await?;
    let mut list = Vec::new();
    let routing = engine.routing().await?;
    let mut providers = engine.store().providers().await?;
    providers.sort_by_key(|provider| (routing.place(&provider.id), provider.no));
    for provider in providers.clone() {
        let guard = engine.store().guard(provider.no).await?;
        let tally = engine.receipt_tally(provider.no);
        let queues = queues(engine, provider.no).await?;
        let standing = standings.iter().find(|standing| standing.no == provider.no);
        let view = standing.map(|standing| standing.health.clone()).unwrap_or_default();
        list.push(ProviderHealth {
            why: standing
                .map_or_else(|| hold(&provider), |standing| reason(&provider, standing, now))
                .map(Into::into),
            rate: view.per_second,
            success: view.success,
            p50_ms: view.p50_ms.unwrap_or_default(),
            p99_ms: view.p99_ms.unwrap_or_default(),
            in_flight: standing.map_or(0, |standing| standing.in_flight as u64),
            queued: queues.progress.untouched(),
            retrying: queues.progress.retrying,
            held: queues.progress.held,
            undecided: queues.progress.undecided,
            oldest: queues.oldest,
            next_try: queues.next_try,
            accepted: view.accepted_today,
            failed: view.failed_today,
            put_off: view.transient_today,
            bounced: bounced.get(&provider.no).copied().unwrap_or_default(),
            hour: used(provider.limits.per_hour, standing.map_or(0, |standing| standing.used.0)),
            day: used(provider.limits.per_day, standing.map_or(0, |standing| standing.used.1)),
            breaker: standing.map(breaker).unwrap_or_default(),
            breaker_until: standing.and_then(|standing| standing.breaker),
            breaker_since: standing.and_then(|standing| standing.broken_since),
            last_problem: standing.map(|standing| standing.cause.clone()).unwrap_or_default(),
            failover: failover(&routing, &provider, standing, &providers),
            slow_start: slow_start::holds(&provider),
            guard: GuardHealth {
                of: guard.of,
                bounced: guard.bounced,
                complained: guard.complained,
                tripped: guard.tripped,
            },
            receipts: ReceiptHealth {
                taken: provider.takes_receipts(),
                last: guard.last_receipt,
                recorded: tally.taken.recorded,
                repeated: tally.taken.known,
                unknown: tally.taken.unknown,
                refused: tally.refused,
            },
            id: provider.id,
            name: provider.name,
            kind: provider.kind,
            channel: provider.channel,
            enabled: provider.enabled,
            limits: provider.limits,
        });
    }
    Ok(list)
}

pub(crate) async fn providers(call: Call) -> Answered {
    ok(&provider_list(call.engine()).await?)
}
