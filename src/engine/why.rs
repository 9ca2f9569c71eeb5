//! Why: one reason for everything that is not over.

use super::Engine;
use super::conditions::Condition;
use super::config::Mode;
use super::core::{Core, lock};
use super::dispatch::desk::Standing;
use super::error::Result;
use crate::domain::delivery::{Outcome, show_address};
use crate::domain::gist::gist;
use crate::domain::guard::Tripped;
use crate::domain::ids::{MessageId, ProviderNo, TargetId, TargetNo};
use crate::domain::message::Message;
use crate::domain::plan::{NO_PROVIDER, WaitReason, Waiting, WindowSource};
use crate::domain::provider::{Provider, ProviderHold};
use crate::domain::reason::Why;
use crate::domain::state::{Hold, MessageState};
use crate::domain::time::Timestamp;
use crate::store::dispatch::Lane;
use crate::store::history::{LogQuery, StoreHealth};
use crate::store::page::Order;

impl Engine {
    /// Why a message stands where it stands; `None`: it is over.
    pub async fn why(&self, id: &MessageId) -> Result<Option<Why>> {
        let message = self.core.store.message(id).await?;
        self.why_of(&message).await
    }

    /// As [`Engine::why`], for a message at hand.
    pub async fn why_of(&self, message: &Message) -> Result<Option<Why>> {
        let core = &self.core;
        if let Some(why) = by_state(core, message) {
            return Ok(why);
        }
        if let Some(why) = by_engine(core) {
            return Ok(Some(why));
        }
        let lanes = core.store.lanes_of(message.no).await?;
        let mut gravest: Option<(u8, Why)> = None;
        for lane in &lanes {
            if let Some(found) = by_lane(core, message, lane).await?
                && gravest.as_ref().is_none_or(|(rank, _)| found.0 < *rank)
            {
                gravest = Some(found);
            }
        }
        Ok(Some(gravest.map_or(Why::Sending, |(_, why)| why)))
    }

    /// Why one delivery stands where it stands; `None`: it is over, or the target is not among the
    /// recipients.
    pub async fn why_delivery(&self, id: &MessageId, target: &TargetId) -> Result<Option<Why>> {
        let core = &self.core;
        let message = core.store.message(id).await?;
        if let Some(why) = by_state(core, &message) {
            return Ok(why);
        }
        let target = core.store.target(target).await?.no;
        let Some((lane, waiting, due)) = waits(core, &message, target).await? else {
            return not_waiting(core, &message, target).await;
        };
        if waiting.why == WaitReason::Uncertain && due == Timestamp::NEVER {
            return Ok(Some(Why::HeldUncertain { count: 1 }));
        }
        if let Some(why) = by_engine(core) {
            return Ok(Some(why));
        }
        if let Some((_, why)) = by_provider(core, &message, lane).await? {
            return Ok(Some(why));
        }
        Ok(Some(retry(core, &message, &waiting, due).await?))
    }
}

/// Reasons that the message's state gives. `Some(None)`: it is over.
#[allow(clippy::option_option, reason = "that it is over is not that the state gives no reason")]
fn by_state(core: &Core, message: &Message) -> Option<Option<Why>> {
    Some(Some(match &message.state {
        MessageState::Draft => Why::Draft,
        MessageState::Scheduled => {
            let due = message.scheduled_at.unwrap_or(message.updated);
            if due <= core.clock.now() {
                return Some(Some(by_engine(core).unwrap_or(Why::Sending)));
            }
            if due.since(message.updated) <= core.config.undo_window {
                Why::UndoWindow { until: due }
            } else {
                Why::Scheduled { at: due }
            }
        }
        MessageState::Held(Hold::Late) => {
            Why::HeldLate { due: message.scheduled_at.unwrap_or(message.updated) }
        }
        MessageState::Held(Hold::AudienceGrew { confirmed, found }) => {
            Why::HeldAudienceGrew { confirmed: *confirmed, found: *found }
        }
        MessageState::Held(Hold::Restored) => Why::HeldRestored,
        MessageState::Held(Hold::Editing { by, since }) => Why::HeldEditing { by: by.clone(), since: *since },
        MessageState::Paused { by, since } => Why::Paused { by: by.clone(), since: *since },
        MessageState::Cancelled { .. } | MessageState::Sent | MessageState::Failed => return Some(None),
        MessageState::Processing => return None,
    }))
}

/// Reasons that hold for everything.
fn by_engine(core: &Core) -> Option<Why> {
    if core.config.mode == Mode::Idle || core.closing.is_cancelled() {
        return Some(Why::NotRunning);
    }
    let flags = core.flags.borrow();
    if let Some((by, since)) = &flags.stopped {
        return Some(Why::Stopped { by: by.clone(), since: *since });
    }
    if flags.restored.is_some() {
        return Some(Why::HeldRestored);
    }
    match &*core.store.health().borrow() {
        StoreHealth::Suspended { cause, .. } => Some(Why::Disk { cause: cause.clone() }),
        StoreHealth::Well => None,
    }
}

/// What a provider's condition says, gravest first: the order in which a reason is chosen.
async fn by_provider(core: &Core, message: &Message, no: ProviderNo) -> Result<Option<(u8, Why)>> {
    let choice = core.choice().await?;
    let Some(provider) = choice.get(no).filter(|provider| provider.enabled && no != NO_PROVIDER) else {
        return Ok(Some((1, Why::NoProvider)));
    };
    match &provider.hold {
        Some(ProviderHold::Refused { answer, since } | ProviderHold::Misconfigured { answer, since }) => {
            let why = Why::ProviderRefuses {
                provider: provider.id.clone(),
                answer: show_address(&gist(answer), "the recipient"),
                since: *since,
            };
            return Ok(Some((2, why)));
        }
        Some(ProviderHold::Paused { by, since }) => {
            let why = Why::ProviderPaused { provider: provider.id.clone(), by: by.clone(), since: *since };
            return Ok(Some((3, why)));
        }
        None => {}
    }
    if let Some(tripped) = provider.guard.filter(|_| message.is_bulk()) {
        return Ok(Some((3, bulk_paused(provider, &tripped))));
    }
    let Some(desk) = core.existing_desk(no) else { return Ok(None) };
    let standing = lock(&desk.standing).clone();
    Ok(by_standing(core, provider, &standing))
}

/// Why a provider's bulk waits.
pub(crate) fn bulk_paused(provider: &Provider, tripped: &Tripped) -> Why {
    Why::BulkPaused { provider: provider.id.clone(), cause: tripped.to_string(), since: tripped.since }
}

fn by_standing(core: &Core, provider: &Provider, standing: &Standing) -> Option<(u8, Why)> {
    let until = standing.until.unwrap_or_else(|| core.clock.now());
    match standing.condition? {
        Condition::Quota => Some((4, Why::Quota { provider: provider.id.clone(), until })),
        Condition::Breaker => {
            let cause = show_address(&standing.cause, "the recipient");
            Some((5, Why::Breaker { provider: provider.id.clone(), until, cause }))
        }
        _ => None,
    }
}

async fn by_lane(core: &Core, message: &Message, lane: &Lane) -> Result<Option<(u8, Why)>> {
    let counts = &lane.progress;
    if counts.open() == 0 {
        return Ok(None);
    }
    let waits_for_provider = counts.untouched() + counts.retrying > 0;
    if waits_for_provider && let Some(found) = by_provider(core, message, lane.key.provider).await? {
        return Ok(Some(found));
    }
    if counts.untouched() + counts.in_flight() > 0 {
        let desk = core.existing_desk(lane.key.provider);
        let paced = desk.and_then(|desk| lock(&desk.standing).paced);
        // Whoever has more than a second's worth to go waits for the limit, not for the machine.
        if let Some(rate) = paced.filter(|rate| counts.untouched() as f64 > *rate)
            && let Some(provider) = core.choice().await?.get(lane.key.provider)
        {
            let why = Why::RateLimit { provider: provider.id.clone(), per_second: rate.into() };
            return Ok(Some((6, why)));
        }
        return Ok(Some((7, Why::Sending)));
    }
    if counts.retrying > 0 {
        let soon = Timestamp(Timestamp::NEVER.0 - 1);
        let first = core.store.due_waiting(lane.key, soon, 1, false).await?;
        if let Some(WindowSource::Waiting(first)) = first.map(|first| first.source)
            && let (Some(waiting), Some(due)) = (first.first(), lane.next_wait)
        {
            return Ok(Some((8, retry(core, message, waiting, due).await?)));
        }
        return Ok(Some((7, Why::Sending)));
    }
    if counts.held > 0
        && let Some((_, why)) = by_provider(core, message, lane.key.provider).await?
    {
        return Ok(Some((2, why)));
    }
    if counts.undecided > 0 {
        return Ok(Some((9, Why::HeldUncertain { count: message.progress.undecided })));
    }
    Ok(Some((7, Why::Sending)))
}

async fn retry(core: &Core, message: &Message, waiting: &Waiting, due: Timestamp) -> Result<Why> {
    let query = LogQuery {
        message: Some(message.no),
        target: Some(waiting.target),
        order: Order::Descending,
        limit: 1,
        scan: 10_000,
        ..LogQuery::default()
    };
    let page = core.store.log(query).await?;
    let Some(row) = page.rows.first() else { return Ok(Why::Sending) };
    let cause = show_address(&row.detail.answer, "the recipient");
    Ok(Why::Retry { attempt: waiting.attempts + 1, at: due, cause })
}

/// Where a target waits in a message's lanes.
async fn waits(
    core: &Core,
    message: &Message,
    target: TargetNo,
) -> Result<Option<(ProviderNo, Waiting, Timestamp)>> {
    let row = core.store.waiting_of(message.no, target).await?;
    Ok(row.map(|row| (row.lane.provider, row.waiting, row.due)))
}

/// A target that waits for nothing: it has been through, or its turn has not come.
async fn not_waiting(core: &Core, message: &Message, target: TargetNo) -> Result<Option<Why>> {
    let query = LogQuery {
        message: Some(message.no),
        target: Some(target),
        order: Order::Descending,
        limit: 1,
        scan: 10_000,
        ..LogQuery::default()
    };
    let page = core.store.log(query).await?;
    let through = page.rows.first().is_some_and(|row| {
        row.run == message.run && !matches!(row.outcome, Outcome::Transient) && row.detail.retry_at.is_none()
    });
    if through {
        return Ok(None);
    }
    if let Some(why) = by_engine(core) {
        return Ok(Some(why));
    }
    for lane in core.store.lanes_of(message.no).await? {
        if lane.progress.untouched() > 0
            && let Some((_, why)) = by_provider(core, message, lane.key.provider).await?
        {
            return Ok(Some(why));
        }
    }
    Ok(Some(Why::Sending))
}
