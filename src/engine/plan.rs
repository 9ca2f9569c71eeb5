//! Planning: who gets a message, through which provider, written down in small steps
//! while sending has already begun. Planning resumes from its last target.
//!
//! A target that cannot receive the type is not part of the audience and is not
//! planned. Expired targets and blocked users are planned: they are left out when
//! their batch is built, and that is logged with the reason.

use super::audience::Audience;
use super::choice::Choice;
use super::core::Core;
use super::error::{EngineError, Result};
use crate::domain::channel::Channel;
use crate::domain::delivery::{LogRow, Outcome};
use crate::domain::ids::{MessageNo, ProviderNo};
use crate::domain::message::{Message, Progress};
use crate::domain::plan::{PlanCursor, Planned, RUN_LEN, RetryCursor};
use crate::domain::state::{Event, Hold, MessageState};
use crate::store::dispatch::{PlanStep, RetryStep};
use crate::store::history::LogQuery;
use crate::store::page::Order;
use crate::store::{Store, StoreError};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Recipients by provider.
pub(crate) type Runs = Vec<(ProviderNo, Vec<Planned>)>;

/// Gives every recipient a provider; recipients whose target is gone, or has become one
/// of another type, are left out.
pub(crate) async fn assign(
    core: &Core,
    choice: &Choice,
    channel: Channel,
    recipients: &[Planned],
) -> Result<Runs> {
    let numbers: Vec<_> = recipients.iter().map(|recipient| recipient.target).collect();
    let targets = core.store.targets_by_no(&numbers).await?;
    let mut runs: BTreeMap<ProviderNo, Vec<Planned>> = BTreeMap::new();
    // Nearly everybody has the same pin: nobody is asked twice for the same answer in a row.
    let mut last: Option<(Option<&crate::domain::ids::ProviderId>, ProviderNo)> = None;
    let each = choice.looks_at_addresses(channel);
    for (recipient, target) in recipients.iter().zip(&targets) {
        let Some(target) = target.as_ref().filter(|target| target.channel == channel) else { continue };
        let pinned = target.provider.as_ref();
        let provider = match last {
            Some((pin, provider)) if pin == pinned && !each => provider,
            _ => choice.choose(channel, pinned, &target.identifier),
        };
        last = Some((pinned, provider));
        runs.entry(provider).or_default().push(*recipient);
    }
    Ok(runs.into_iter().collect())
}

/// Starts planning a message; at most so many at the same time as the configuration says.
pub(crate) fn start(core: &Arc<Core>, message: MessageNo) {
    let core = Arc::clone(core);
    core.clone().spawn(async move {
        let Ok(_permit) = core.planners.acquire().await else { return };
        loop {
            if core.closing.is_cancelled() {
                return;
            }
            match plan(&core, message).await {
                // Moved: somebody paused, held or cancelled it; whoever lets it go on starts planning anew.
                Ok(())
                | Err(EngineError::Store(
                    StoreError::Closed
                    | StoreError::NotFound { .. }
                    | StoreError::Moved
                    | StoreError::Transition(_),
                )) => return,
                Err(error) => {
                    tracing::warn!(message = message.0, %error, "planning goes on in a second");
                    tokio::select! {
                        biased;
                        () = tokio::time::sleep(Duration::from_secs(1)) => {}
                        () = core.closing.cancelled() => return,
                    }
                }
            }
        }
    });
}

async fn plan(core: &Arc<Core>, no: MessageNo) -> Result<()> {
    let message = core.store.message_by_no(no).await?;
    if message.state != MessageState::Processing {
        return Ok(());
    }
    if message.progress.planned > 0 {
        // It was held or paused in the middle: whoever is planned already goes on as well.
        for lane in core.store.lanes_of(no).await? {
            core.desk(lane.key.provider).touch(no);
        }
    }
    let cursor = core.store.plan_cursor(no).await?;
    if cursor.done {
        return Ok(());
    }
    if message.run > 1 && message.progress.planned > 0 {
        return replan_failed(core, &message).await;
    }
    if cursor.after.is_none() && !confirmed(core, &message).await? {
        return Ok(());
    }
    write(core, &message, cursor).await
}

/// Whether the plan has no more people than were shown when it was confirmed; if it has, it is held.
async fn confirmed(core: &Arc<Core>, message: &Message) -> Result<bool> {
    let Some(confirmed) = message.confirmed else { return Ok(true) };
    let allowed = core.config.allowed(confirmed);
    let store = &*core.store;
    let audience = Audience::open(store, message, None).await?;
    let bound = store.audience_bound(&message.topics, message.channel()).await? + audience.named();
    if bound <= allowed {
        return Ok(true);
    }
    let found = audience.count(store).await?;
    if found <= allowed {
        return Ok(true);
    }
    let hold = Event::Hold(Hold::AudienceGrew { confirmed, found });
    store.transition(message.no, hold, Some(message.revision), core.clock.now(), None).await?;
    core.left(message.no);
    Ok(false)
}

async fn write(core: &Arc<Core>, message: &Message, mut cursor: PlanCursor) -> Result<()> {
    let store = &*core.store;
    let mut audience = Audience::open(store, message, cursor.after).await?;
    while !cursor.done {
        if core.closing.is_cancelled() {
            return Ok(());
        }
        let recipients = audience.next(store, RUN_LEN).await?;
        let choice = core.choice().await?;
        let runs = assign(core, &choice, message.channel(), &recipients).await?;
        let done = recipients.len() < RUN_LEN;
        let after = recipients.last().map(|last| last.target).or(cursor.after);
        let next = PlanCursor { after, done };
        let providers: Vec<_> = runs.iter().map(|(provider, _)| *provider).collect();
        let step = PlanStep { message: message.no, run: message.run, expect: cursor, cursor: next, runs };
        let now = store.append_plan(step).await?;
        cursor = next;
        for provider in providers {
            core.desk(provider).touch(message.no);
        }
        core.noticed(&now);
    }
    Ok(())
}

/// How an ended recipient is counted, by its last row.
fn counted(outcome: Outcome) -> Option<Progress> {
    let none = Progress::default();
    match outcome {
        Outcome::Permanent | Outcome::TargetExpired => Some(Progress { failed: 1, ..none }),
        Outcome::Uncertain => Some(Progress { uncertain: 1, ..none }),
        _ => None,
    }
}

/// Plans the failed recipients of earlier runs once more, as the log lists them. The cursor is the log
/// row up to which that is done; it is committed with each step.
async fn replan_failed(core: &Arc<Core>, message: &Message) -> Result<()> {
    let store = &*core.store;
    let RetryCursor { again, row: mut stored } = store.retry_cursor(message.no).await?;
    let mut outcomes = vec![Outcome::Permanent, Outcome::TargetExpired];
    if again.uncertain {
        outcomes.push(Outcome::Uncertain);
    }
    let mut at = stored;
    loop {
        if core.closing.is_cancelled() {
            return Ok(());
        }
        let query = LogQuery {
            message: Some(message.no),
            outcomes: outcomes.clone(),
            after: at,
            limit: RUN_LEN,
            scan: 50_000,
            ..LogQuery::default()
        };
        let page = store.log(query).await?;
        at = page.next;
        let mut recipients = Vec::new();
        let mut before = BTreeMap::new();
        for row in ended_in(store, message.no, message.run, &page.rows).await? {
            if let Some(count) = counted(row.outcome) {
                before.insert(row.target, count);
                recipients.push(again_to(row.target));
            }
        }
        recipients.sort_unstable();
        recipients.dedup_by_key(|recipient| recipient.target);
        let choice = core.choice().await?;
        let runs = match again.provider {
            None => assign_all(core, &choice, message.channel(), &recipients).await?,
            Some(provider) => through(core, &choice, provider, &recipients).await?,
        };
        let mut taken = Progress::default();
        for planned in runs.iter().flat_map(|(_, list)| list) {
            before.get(&planned.target).into_iter().for_each(|count| taken.add(count));
        }
        let providers: Vec<_> = runs.iter().map(|(provider, _)| *provider).collect();
        let done = at.is_none();
        if done || !providers.is_empty() {
            let (no, run, expect) = (message.no, message.run, stored);
            let step = RetryStep { message: no, run, expect, row: at, runs, before: taken, done };
            let now = store.append_retry(step).await?;
            stored = at;
            for provider in providers {
                core.desk(provider).touch(message.no);
            }
            core.noticed(&now);
        }
        if done {
            return Ok(());
        }
    }
}

/// Somebody who is tried again. Whether they were named directly is not in the log; leaving a topic then
/// takes nobody out of a retry who was there before.
pub(crate) fn again_to(target: crate::domain::ids::TargetNo) -> Planned {
    Planned { target, direct: true }
}

/// Of rows of the log those with which a recipient ended before a run of the message.
pub(crate) async fn ended_in<'a>(
    store: &dyn Store,
    message: MessageNo,
    run: u16,
    rows: &'a [LogRow],
) -> Result<Vec<&'a LogRow>> {
    let mut ended = Vec::new();
    for row in rows {
        if row.detail.retry_at.is_none() && row.run < run && is_last(store, message, run, row).await? {
            ended.push(row);
        }
    }
    Ok(ended)
}

/// Whether a row of an earlier run is the last of its recipient. Of the run before this one it is: who
/// was tried in it has one end there.
async fn is_last(store: &dyn Store, message: MessageNo, run: u16, row: &LogRow) -> Result<bool> {
    if row.run + 1 == run {
        return Ok(true);
    }
    let query = LogQuery {
        message: Some(message),
        target: Some(row.target),
        order: Order::Descending,
        limit: 1,
        scan: 50_000,
        ..LogQuery::default()
    };
    Ok(store.log(query).await?.rows.first().is_some_and(|last| last.seq == row.seq))
}

/// Everybody whom this provider can reach goes through it; a push token only if it is of the same
/// service. The others stay as they are.
async fn through(core: &Core, choice: &Choice, provider: ProviderNo, recipients: &[Planned]) -> Result<Runs> {
    let Some(to) = choice.get(provider).filter(|_| !recipients.is_empty()) else { return Ok(Runs::new()) };
    let numbers: Vec<_> = recipients.iter().map(|recipient| recipient.target).collect();
    let targets = core.store.targets_by_no(&numbers).await?;
    let reached = recipients.iter().zip(&targets).filter(|(_, target)| {
        target.as_ref().is_some_and(|target| {
            let pin = target.provider.as_ref().and_then(|pin| choice.all().iter().find(|own| own.id == *pin));
            target.channel == to.channel
                && (to.channel != Channel::Push || pin.is_none_or(|pin| pin.kind == to.kind))
        })
    });
    let list: Vec<_> = reached.map(|(recipient, _)| *recipient).collect();
    Ok(if list.is_empty() { Runs::new() } else { vec![(provider, list)] })
}

/// As [`assign`], and who is gone goes to the default: the batch will say why it is left out.
pub(crate) async fn assign_all(
    core: &Core,
    choice: &Choice,
    channel: Channel,
    recipients: &[Planned],
) -> Result<Runs> {
    let mut runs = assign(core, choice, channel, recipients).await?;
    let mut have: Vec<_> =
        runs.iter().flat_map(|(_, list)| list.iter().map(|planned| planned.target)).collect();
    if have.len() < recipients.len() {
        have.sort_unstable();
        let gone = recipients.iter().filter(|planned| have.binary_search(&planned.target).is_err()).copied();
        let to = choice.choose(channel, None, "");
        match runs.iter_mut().find(|(provider, _)| *provider == to) {
            Some((_, list)) => {
                list.extend(gone);
                list.sort_unstable();
            }
            None => runs.push((to, gone.collect())),
        }
    }
    Ok(runs)
}
