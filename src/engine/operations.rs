//! Operations over deliveries: previewed by a filter, confirmed by the number that
//! was shown, done in steps that each commit with their progress.
//!
//! The preview writes down whom it found, so that the operation reaches exactly
//! those: somebody who waits by the number of that wait, somebody whose delivery is
//! over by the run in which it ended. Whoever has moved on since is left alone. After
//! a crash the operation goes on with the first step that was not committed.

mod listed;
mod run;
mod select;

pub(crate) use listed::Listed;
pub(crate) use run::recover;

use super::Engine;
use super::usecases::{Outcome, Refusal};
use crate::domain::audit::Actor;
use crate::domain::ids::{MessageNo, OperationId, ProviderNo, WaitNo};
use crate::domain::provider::Provider;
use crate::domain::time::Timestamp;
use crate::domain::validate::{self, Invalid};
use crate::domain::zone::Zone;
use crate::store::documents::{Again, DocumentChange, PlannedSet, Shelf};
use crate::store::page::Order;
use crate::store::{Store, StoreError};
use crate::wire::ErrorType;
use crate::wire::operation::{
    CreateOperation, Operation, OperationAction, OperationList, OperationPreview, OperationState,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long a preview can be confirmed.
const PREVIEW: Duration = Duration::from_hours(1);
/// How long operations that are over are listed.
const KEPT: Duration = Duration::from_hours(24 * 90);
/// Sets that are written in one transaction.
const SETS: usize = 64;

/// An operation as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) operation: Operation,
    /// How many sets there are of those who are planned: they come first, while they are still unclaimed.
    #[serde(default)]
    pub(super) planned: u32,
    /// How many sets there are of the others.
    pub(super) sets: u32,
    /// The first set that is not done.
    pub(super) next: u32,
    /// The provider to fail over to.
    pub(super) to: Option<ProviderNo>,
    /// Who has confirmed it.
    pub(super) confirmed_by: Option<Actor>,
}

/// People of one message that one step is for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Set {
    pub(super) message: MessageNo,
    pub(super) waiting: Vec<WaitNo>,
    /// The run that had ended, and who of it.
    pub(super) again: Option<(u16, Vec<Again>)>,
}

impl Set {
    fn len(&self) -> u64 {
        (self.waiting.len() + self.again.as_ref().map_or(0, |(_, list)| list.len())) as u64
    }
}

fn set_key(id: &OperationId, number: u32) -> String {
    format!("{id}/{number:08}")
}

fn broken(error: impl std::fmt::Display) -> StoreError {
    StoreError::Damaged(format!("an operation's record: {error}"))
}

fn decode(bytes: &[u8]) -> Result<Record, StoreError> {
    serde_json::from_slice(bytes).map_err(broken)
}

fn encode(record: &Record) -> Vec<u8> {
    serde_json::to_vec(record).expect("an operation has no maps with keys that JSON cannot say")
}

async fn read(store: &dyn Store, id: &OperationId) -> Outcome<(Record, Vec<u8>)> {
    let found = store.document(Shelf::Operations, id.as_str()).await?;
    let bytes = found
        .ok_or_else(|| Refusal::new(ErrorType::OperationNotFound, format!("There is no operation {id}")))?;
    Ok((decode(&bytes)?, bytes))
}

impl Engine {
    /// Looks for whom an operation would be, and writes that down. Nothing is done yet.
    pub async fn preview_operation(
        &self,
        by: &Actor,
        asked: CreateOperation,
        zone: Zone,
    ) -> Outcome<Operation> {
        validate::line("reason", &asked.reason, 0, 512)?;
        let to = self.destination(&asked).await?;
        let found = select::select(self, &asked, to.as_ref(), zone).await?;
        self.sweep_operations().await?;
        let id = OperationId::new(self.new_id())?;
        let planned = u32::try_from(found.planned.len()).unwrap_or(u32::MAX);
        let sets = u32::try_from(found.sets.len()).unwrap_or(u32::MAX);
        let mut changes = Vec::new();
        let each = found.planned.iter().map(postcard::to_stdvec);
        for (bytes, number) in each.chain(found.sets.iter().map(postcard::to_stdvec)).zip(0..) {
            let bytes = bytes.map_err(broken)?;
            changes.push(DocumentChange::put(Shelf::OperationSets, set_key(&id, number), bytes));
            if changes.len() == SETS {
                self.store().write_documents(std::mem::take(&mut changes), None).await?;
            }
        }
        let operation = Operation {
            id: id.clone(),
            action: asked.action,
            filter: asked.filter,
            provider_id: asked.provider_id,
            uncertain: asked.uncertain,
            reason: asked.reason,
            by: by.name.clone(),
            created: self.now(),
            state: OperationState::Previewed,
            preview: found.preview,
            confirmed: None,
            finished: None,
            done: 0,
            moved_on: 0,
        };
        let to = to.map(|provider| provider.no);
        let record = Record { operation, planned, sets, next: 0, to, confirmed_by: None };
        changes.push(DocumentChange::put(Shelf::Operations, id.as_str(), encode(&record)).fresh());
        self.store().write_documents(changes, None).await?;
        Ok(record.operation)
    }

    /// The provider to fail over to, where that is asked.
    async fn destination(&self, asked: &CreateOperation) -> Outcome<Option<Provider>> {
        match (asked.action, &asked.provider_id) {
            (OperationAction::Unsuppress, _) => {
                let text = "Addresses are taken off the list by undoing suppressions, not by a filter over \
                            deliveries";
                Err(Invalid::value("action", text).into())
            }
            (OperationAction::FailOver, Some(id)) => {
                let provider = self.store().provider(id).await?;
                if !provider.enabled {
                    let text = format!("Provider {id} is disabled: enable it first");
                    return Err(Invalid::value("providerId", text).into());
                }
                Ok(Some(provider))
            }
            (OperationAction::FailOver, None) => Err(Invalid::Missing("providerId").into()),
            (_, None) => Ok(None),
            (action, Some(_)) => {
                let text =
                    format!("To {} goes through no other provider: fail over instead", action.as_str());
                Err(Invalid::value("providerId", text).into())
            }
        }
    }

    /// Lets a previewed operation begin. `count` is what its preview showed.
    pub async fn confirm_operation(&self, by: &Actor, id: &OperationId, count: u64) -> Outcome<Operation> {
        let (mut record, bytes) = read(&**self.store(), id).await?;
        let operation = &mut record.operation;
        let now = self.now();
        if operation.state != OperationState::Previewed {
            return Err(Refusal::not_now(format!("Operation {id} has been confirmed or cancelled already")));
        }
        if now.since(operation.created) > PREVIEW {
            return Err(Refusal::not_now(format!(
                "The preview of operation {id} is more than an hour old: ask for it again"
            )));
        }
        if operation.preview.count != count {
            return Err(Refusal::new(
                ErrorType::Stale,
                format!(
                    "The preview of operation {id} shows {} deliveries, not {count}",
                    operation.preview.count
                ),
            ));
        }
        if count == 0 {
            return Err(Refusal::not_now("There is nobody to do this for"));
        }
        operation.state = OperationState::Running;
        operation.confirmed = Some(now);
        let mut summary = format!(
            "{} {count} deliveries of {} messages (operation {id})",
            operation.action.as_str(),
            operation.preview.messages
        );
        if !operation.reason.is_empty() {
            summary = format!("{summary}: {}", operation.reason);
        }
        record.confirmed_by = Some(by.clone());
        let audit = self.entry(by, "operation.confirm", format_args!("operation/{id}"), summary);
        self.replace(&record, bytes, Some(audit)).await?;
        run::start(&self.core, id.clone());
        Ok(record.operation)
    }

    /// Ends an operation: what it has done stays done.
    pub async fn cancel_operation(&self, by: &Actor, id: &OperationId) -> Outcome<Operation> {
        loop {
            let (mut record, bytes) = read(&**self.store(), id).await?;
            if record.operation.is_over() {
                return Err(Refusal::not_now(format!("Operation {id} is over")));
            }
            record.operation.state = OperationState::Cancelled;
            record.operation.finished = Some(self.now());
            let summary =
                format!("cancelled after {} of {}", record.operation.done, record.operation.preview.count);
            let audit = self.entry(by, "operation.cancel", format_args!("operation/{id}"), summary);
            match self.replace(&record, bytes, Some(audit)).await {
                // A step was quicker.
                Err(StoreError::Moved) => {}
                result => {
                    result?;
                    run::drop_sets(&**self.store(), id).await?;
                    return Ok(record.operation);
                }
            }
        }
    }

    async fn replace(
        &self,
        record: &Record,
        before: Vec<u8>,
        audit: Option<crate::domain::audit::AuditEntry>,
    ) -> Result<(), StoreError> {
        let id = record.operation.id.as_str();
        let change = DocumentChange::put(Shelf::Operations, id, encode(record)).expecting(before);
        self.store().write_documents(vec![change], audit).await
    }

    /// An operation.
    pub async fn operation(&self, id: &OperationId) -> Outcome<Operation> {
        Ok(read(&**self.store(), id).await?.0.operation)
    }

    /// Operations, newest first.
    pub async fn operations(&self, after: Option<&OperationId>, limit: usize) -> Outcome<OperationList> {
        let after = after.map(OperationId::as_str);
        let found = self.store().documents(Shelf::Operations, "", after, Order::Descending, limit).await?;
        let more = found.len() == limit;
        let operations: Vec<_> =
            found.iter().map(|(_, bytes)| Ok(decode(bytes)?.operation)).collect::<Outcome<_>>()?;
        let next = operations.last().filter(|_| more).map(|last| last.id.clone());
        Ok(OperationList { operations, next })
    }

    /// Removes previews that nobody confirmed, and operations that were over long ago.
    pub(crate) async fn sweep_operations(&self) -> Outcome<()> {
        let now = self.now();
        let oldest = self.store().documents(Shelf::Operations, "", None, Order::Ascending, 100).await?;
        for (key, bytes) in oldest {
            let record = decode(&bytes)?;
            let operation = &record.operation;
            let age = now.since(operation.created);
            let lapsed = operation.state == OperationState::Previewed && age > PREVIEW;
            if lapsed || (operation.is_over() && age > KEPT) {
                run::drop_sets(&**self.store(), &operation.id).await?;
                let gone = DocumentChange::remove(Shelf::Operations, key).expecting(bytes);
                match self.store().write_documents(vec![gone], None).await {
                    Err(StoreError::Moved) => {}
                    result => result?,
                }
            }
        }
        Ok(())
    }
}

/// What a preview found.
pub(super) struct Found {
    pub(super) planned: Vec<(MessageNo, PlannedSet)>,
    pub(super) sets: Vec<Set>,
    pub(super) preview: OperationPreview,
}

/// Whether a deadline lies behind.
fn is_past(deadline: Option<Timestamp>, now: Timestamp) -> bool {
    deadline.is_some_and(|deadline| deadline <= now)
}
