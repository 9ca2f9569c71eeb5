//! Doing what was confirmed, step by step.

use super::super::core::Core;
use super::{Record, Set, decode, encode, set_key};
use crate::domain::audit::Actor;
use crate::domain::ids::{MessageNo, OperationId};
use crate::domain::plan::NO_PROVIDER;
use crate::engine::control::audit;
use crate::engine::error::Result;
use crate::store::dispatch::Decision;
use crate::store::documents::{DocumentChange, OperationStep, PlannedSet, Shelf};
use crate::store::page::Order;
use crate::store::{Store, StoreError};
use crate::wire::operation::{OperationAction, OperationState};
use std::sync::Arc;
use std::time::Duration;

/// Documents that one transaction removes.
const STEP: usize = 256;

/// Takes up operations that were on their way.
pub(crate) async fn recover(core: &Arc<Core>) -> Result<()> {
    let mut after: Option<String> = None;
    loop {
        let page =
            core.store.documents(Shelf::Operations, "", after.as_deref(), Order::Ascending, 256).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = Some(last.clone());
        for (_, bytes) in page {
            let record = decode(&bytes)?;
            if record.operation.state != OperationState::Running {
                continue;
            }
            if record.operation.action == OperationAction::Unsuppress {
                give_up(core, record, bytes).await?;
            } else {
                start(core, record.operation.id);
            }
        }
    }
}

/// Ends an undo of suppressions during which the process ended: who is left on the list is looked for
/// again by whoever asks for it again.
async fn give_up(core: &Core, mut record: Record, before: Vec<u8>) -> Result<()> {
    record.operation.state = OperationState::Cancelled;
    record.operation.finished = Some(core.clock.now());
    let id = record.operation.id.as_str();
    let change = DocumentChange::put(Shelf::Operations, id, encode(&record)).expecting(before);
    match core.store.write_documents(vec![change], None).await {
        Err(StoreError::Moved) => Ok(()),
        result => Ok(result?),
    }
}

/// Lets an operation run until it is over.
pub(super) fn start(core: &Arc<Core>, id: OperationId) {
    let own = Arc::clone(core);
    core.spawn(async move {
        while !own.closing.is_cancelled() {
            match step(&own, &id).await {
                Ok(true) => {}
                Ok(false) | Err(StoreError::Closed) => return,
                // Somebody has cancelled it in between.
                Err(StoreError::Moved) => tracing::debug!(operation = %id, "looked at again"),
                Err(error) => {
                    tracing::warn!(operation = %id, %error, "the operation goes on in a second");
                    tokio::select! {
                        biased;
                        () = tokio::time::sleep(Duration::from_secs(1)) => {}
                        () = own.closing.cancelled() => return,
                    }
                }
            }
        }
    });
}

/// Does the next step; false: there is none.
async fn step(core: &Arc<Core>, id: &OperationId) -> Result<bool, StoreError> {
    let store = &core.store;
    let Some(bytes) = store.document(Shelf::Operations, id.as_str()).await? else { return Ok(false) };
    let record = decode(&bytes)?;
    if record.operation.state != OperationState::Running {
        return Ok(false);
    }
    if record.next >= record.planned.saturating_add(record.sets) {
        finish(core, record, bytes).await?;
        return Ok(false);
    }
    let found = store.document(Shelf::OperationSets, &set_key(id, record.next)).await?;
    let bytes_of_set = found.ok_or_else(|| super::broken("whom it is for is not there"))?;
    let (set, planned) = if record.next < record.planned {
        let (message, planned) =
            postcard::from_bytes::<(MessageNo, PlannedSet)>(&bytes_of_set).map_err(super::broken)?;
        (Set { message, waiting: Vec::new(), again: None }, Some(planned))
    } else {
        (postcard::from_bytes::<Set>(&bytes_of_set).map_err(super::broken)?, None)
    };
    let decision = match record.operation.action {
        OperationAction::Retry | OperationAction::Release => Decision::Release,
        OperationAction::Cancel => Decision::GiveUp,
        OperationAction::Hold => Decision::Hold,
        OperationAction::FailOver => Decision::FailOver(record.to.unwrap_or(NO_PROVIDER)),
        // It is never begun here.
        OperationAction::Unsuppress => return Ok(false),
    };
    let expected = set.len() + planned.as_ref().map_or(0, |set| u64::from(set.people.len));
    let providers: Vec<_> = set
        .again
        .iter()
        .flat_map(|(_, list)| list.iter().map(|again| again.provider))
        .chain(record.to)
        .collect();
    let message = set.message;
    let progress = move |reached: u64| {
        let mut next = record.clone();
        next.next += 1;
        next.operation.done += reached;
        next.operation.moved_on += expected.saturating_sub(reached);
        let key = next.operation.id.as_str().to_owned();
        DocumentChange::put(Shelf::Operations, key, encode(&next)).expecting(bytes.clone())
    };
    let step = OperationStep {
        message,
        waiting: set.waiting,
        planned,
        decision,
        again: set.again,
        progress: Arc::new(progress),
        at: core.clock.now(),
    };
    let receipt = store.operate(step).await?;
    if let Some(now) = receipt.message {
        for provider in providers {
            core.desk(provider);
        }
        if now.state == crate::domain::state::MessageState::Processing {
            core.enter(message);
        }
        core.noticed(&now);
        core.touch(message);
    }
    Ok(true)
}

async fn finish(core: &Core, mut record: Record, before: Vec<u8>) -> Result<(), StoreError> {
    let now = core.clock.now();
    let operation = &mut record.operation;
    operation.state = OperationState::Done;
    operation.finished = Some(now);
    let summary = format!("done for {}; {} had moved on", operation.done, operation.moved_on);
    let by = record.confirmed_by.clone().unwrap_or_else(Actor::engine);
    let entry = audit(now, &by, "operation.done", &format!("operation/{}", operation.id), summary);
    let id = operation.id.clone();
    let change = DocumentChange::put(Shelf::Operations, id.as_str(), encode(&record)).expecting(before);
    core.store.write_documents(vec![change], Some(entry)).await?;
    drop_sets(&*core.store, &id).await
}

/// Forgets whom an operation was for.
pub(super) async fn drop_sets(store: &dyn Store, id: &OperationId) -> Result<(), StoreError> {
    let prefix = format!("{id}/");
    loop {
        let sets = store.documents(Shelf::OperationSets, &prefix, None, Order::Ascending, STEP).await?;
        if sets.is_empty() {
            return Ok(());
        }
        let gone = sets.into_iter().map(|(key, _)| DocumentChange::remove(Shelf::OperationSets, key));
        store.write_documents(gone.collect(), None).await?;
    }
}
