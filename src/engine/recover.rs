//! After a start: what was claimed and has no recorded outcome is in doubt, and nothing
//! else is. Nobody of it is lost, and nobody is silently sent to twice.

use super::core::Core;
use super::dispatch::train::{Item, local};
use super::error::Result;
use crate::domain::channel::InDoubt;
use crate::domain::delivery::Outcome;
use crate::domain::message::Message;
use crate::domain::plan::{BatchKey, LaneCursor, WaitReason, Window, WindowSource};
use crate::domain::provider::kind;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::dispatch::{Candidate, ItemOutcome, JournalEntry, Next};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many outcomes of doubtful recipients go into one commit.
const STEP: usize = 8192;

/// Decides for every open window, then takes up every message that is being sent.
pub(crate) async fn recover(core: &Arc<Core>) -> Result<()> {
    let windows = core.store.open_windows().await?;
    let mut messages: BTreeMap<_, Option<Message>> = BTreeMap::new();
    let at = core.clock.now();
    let mut entry = JournalEntry { at, ..JournalEntry::default() };
    let mut count = 0;
    for window in windows {
        let no = window.lane.message;
        if !core.admits(no) {
            continue;
        }
        if let std::collections::btree_map::Entry::Vacant(place) = messages.entry(no) {
            place.insert(match core.store.message_by_no(no).await {
                Ok(message) => Some(message),
                Err(StoreError::NotFound { .. }) => None,
                Err(error) => return Err(error.into()),
            });
        }
        let message = messages.get(&no).and_then(Option::as_ref);
        let outcomes = doubtful(core, &window, message, at).await?;
        count += outcomes.len();
        Arc::make_mut(&mut entry.outcomes).push((window.no, outcomes));
        if count >= STEP {
            let full = std::mem::replace(&mut entry, JournalEntry { at, ..JournalEntry::default() });
            core.store.journal(full).await?;
            count = 0;
        }
    }
    if !entry.outcomes.is_empty() {
        core.store.journal(entry).await?;
    }
    for message in core.store.active().await? {
        if !core.admits(message.no) {
            continue;
        }
        for lane in core.store.lanes_of(message.no).await? {
            core.desk(lane.key.provider);
        }
        if message.state == crate::domain::state::MessageState::Processing {
            core.enter(message.no);
        }
    }
    Ok(())
}

/// The recipients of a window who have no recorded outcome, each with its place, and the key with
/// which it went, if it had one.
async fn open_items(core: &Core, window: &Window) -> Result<Vec<(Item, Option<BatchKey>)>> {
    let mut items = Vec::new();
    match &window.source {
        WindowSource::Plan { run, offset, len } => {
            let from = LaneCursor { run: *run, offset: *offset };
            let found = core.store.candidates(window.lane, from, *len as usize, false).await?;
            let list = found.map(|candidates| candidates.list).unwrap_or_default();
            for (index, candidate) in list.into_iter().enumerate() {
                if !window.is_done(index) {
                    items.push((Item { index: index as u32, candidate }, None));
                }
            }
        }
        WindowSource::Waiting(list) => {
            for (index, waiting) in list.iter().enumerate() {
                if window.is_done(index) {
                    continue;
                }
                let candidate = Candidate {
                    target: waiting.target,
                    identifier: waiting.identifier,
                    address: String::new(),
                    skip: None,
                    direct: waiting.direct,
                    attempts: waiting.attempts,
                    possibly_twice: waiting.possibly_twice,
                    moved: None,
                    person: None,
                };
                items.push((Item { index: index as u32, candidate }, waiting.batch));
            }
        }
    }
    Ok(items)
}

/// What becomes of the doubtful recipients of a window.
///
/// A window of a service with idempotency keys is one batch: while the key lives, it is sent again
/// under it, and the service takes it once. Else the message's policy decides.
async fn doubtful(
    core: &Core,
    window: &Window,
    message: Option<&Message>,
    at: Timestamp,
) -> Result<Vec<ItemOutcome>> {
    let items = open_items(core, window).await?;
    let life = match core.choice().await?.get(window.lane.provider) {
        Some(provider) => kind(&provider.kind).and_then(|kind| kind.idempotency),
        None => None,
    };
    let variables = message.is_none_or(|message| message.variables);
    let untouched = window.done_count() == 0 && items.iter().all(|(item, _)| item.candidate.skip.is_none());
    let first = BatchKey { window: window.no, batch: 0, used: window.claimed };
    let had =
        items.first().and_then(|(_, key)| *key).filter(|key| items.iter().all(|(_, had)| *had == Some(*key)));
    let key = Some(had.unwrap_or(first))
        .filter(|key| untouched && !variables && life.is_some_and(|life| at.since(key.used) < life * 9 / 10));
    let policy = message.map_or(InDoubt::Hold, Message::in_doubt);
    let mut outcomes = Vec::with_capacity(items.len());
    for (item, _) in items {
        let attempt = item.attempt();
        let mut detail = local(match (key, policy) {
            (Some(_), _) => "interrupted; sent again under the same key, which the service takes once",
            (None, InDoubt::Resend) => "interrupted; whether it was taken is not known, sent again",
            (None, InDoubt::Hold) => "interrupted; whether it was taken is not known, an operator decides",
        });
        let (due, why) = match (key, policy) {
            (Some(_), _) | (None, InDoubt::Resend) => (at, WaitReason::InDoubt),
            (None, InDoubt::Hold) => (Timestamp::NEVER, WaitReason::Uncertain),
        };
        detail.retry_at = Some(due);
        let mut waiting = item.waiting(attempt, why);
        waiting.possibly_twice |= key.is_none();
        waiting.batch = key;
        let next = Next::Wait { due, waiting, log: true };
        outcomes.push(item.outcome(attempt, Outcome::Uncertain, detail, at, next));
    }
    Ok(outcomes)
}

/// Puts the recipients of a window back that was claimed and certainly never sent.
pub(crate) async fn put_back(core: &Core, window: &Window, at: Timestamp) -> Result<Vec<ItemOutcome>> {
    let items = open_items(core, window).await?;
    let back = items.into_iter().map(|(item, key)| {
        let mut outcome = item.put_back(window.no, at, WaitReason::Retry, at).outcome;
        if let Next::Wait { waiting, .. } = &mut outcome.next {
            waiting.batch = key;
        }
        outcome
    });
    Ok(back.collect())
}
