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
use crate::domain::delivery::Outcome;
use crate::domain::ids::{MessageNo, ProviderNo};
use crate::domain::message::{Message, Progress};
use crate::domain::plan::{PlanCursor, Planned, RUN_LEN};
use crate::domain::state::{Event, Hold, MessageState};
use crate::store::StoreError;
use crate::store::dispatch::PlanStep;
use crate::store::history::LogQuery;
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
    for (recipient, target) in recipients.iter().zip(&targets) {
        let Some(target) = target.as_ref().filter(|target| target.channel == channel) else { continue };
        let pinned = target.provider.as_ref();
        let provider = match last {
            Some((pin, provider)) if pin == pinned => provider,
            _ => choice.choose(channel, pinned),
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
        Outcome::Expired => Some(Progress { expired: 1, ..none }),
        Outcome::Uncertain => Some(Progress { uncertain: 1, ..none }),
        _ => None,
    }
}

/// Plans the failed recipients of the run before once more, as the log lists them.
///
/// There is no cursor for this. After an interruption, who has been planned already is
/// found by counting: each one was taken off the counts, and rows are read in one order.
async fn replan_failed(core: &Arc<Core>, message: &Message) -> Result<()> {
    let store = &*core.store;
    let before = message.run - 1;
    let ended = [Outcome::Permanent, Outcome::TargetExpired, Outcome::Expired, Outcome::Uncertain];
    let query = |after| LogQuery {
        message: Some(message.no),
        outcomes: ended.to_vec(),
        after,
        limit: RUN_LEN,
        scan: 50_000,
        ..LogQuery::default()
    };
    let final_row = |row: &crate::domain::delivery::LogRow| row.detail.retry_at.is_none();
    let (mut old, mut new, mut after) = (0u64, 0u64, None);
    loop {
        let page = store.log(query(after)).await?;
        for row in page.rows.iter().filter(|row| final_row(row)) {
            if row.run == before {
                old += 1;
            } else if row.run == message.run {
                new += 1;
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let counts = message.progress.failed + message.progress.expired + message.progress.uncertain;
    let mut skip = old.saturating_sub(counts.saturating_sub(new));
    after = None;
    loop {
        if core.closing.is_cancelled() {
            return Ok(());
        }
        let page = store.log(query(after)).await?;
        let mut recipients = Vec::new();
        let mut taken = Progress::default();
        for row in page.rows.iter().filter(|row| final_row(row) && row.run == before) {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            if let Some(count) = counted(row.outcome) {
                taken.add(&count);
                // Whether it was named directly is not in the log; leaving a topic then takes
                // nobody out of a retry who was there before.
                recipients.push(Planned { target: row.target, direct: true });
            }
        }
        recipients.sort_unstable();
        recipients.dedup_by_key(|recipient| recipient.target);
        after = page.next;
        let choice = core.choice().await?;
        let runs = assign_all(core, &choice, message.channel(), &recipients).await?;
        let providers: Vec<_> = runs.iter().map(|(provider, _)| *provider).collect();
        let done = after.is_none();
        if done || !recipients.is_empty() {
            let now = store.append_retry(message.no, message.run, runs, taken, done).await?;
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
        let to = choice.choose(channel, None);
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
