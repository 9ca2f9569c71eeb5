//! What is done at once by one call, listed among the operations: who did it, why, to how many, and how
//! far it came where the process ended in between.

use super::{Record, encode};
use crate::domain::audit::Actor;
use crate::domain::ids::OperationId;
use crate::engine::Engine;
use crate::engine::usecases::Outcome;
use crate::engine::usecases::suppressions::Undone;
use crate::store::documents::{DocumentChange, Shelf};
use crate::wire::operation::{Operation, OperationAction, OperationPreview, OperationState};

/// An undo of suppressions on its way.
pub(crate) struct Listed {
    record: Record,
    /// As it is kept.
    kept: Vec<u8>,
}

impl Listed {
    /// Writes down what begins.
    pub(crate) async fn begin(
        engine: &Engine,
        by: &Actor,
        filter: String,
        reason: &str,
        found: &Undone,
    ) -> Outcome<Self> {
        engine.sweep_operations().await?;
        let now = engine.now();
        let preview = OperationPreview {
            count: found.count,
            oldest: found.span.map(|(oldest, _)| oldest),
            newest: found.span.map(|(_, newest)| newest),
            ..OperationPreview::default()
        };
        let operation = Operation {
            id: OperationId::new(engine.new_id())?,
            action: OperationAction::Unsuppress,
            filter,
            provider_id: None,
            uncertain: false,
            reason: reason.to_owned(),
            by: by.name.clone(),
            created: now,
            state: OperationState::Running,
            preview,
            confirmed: Some(now),
            finished: None,
            done: 0,
            moved_on: 0,
        };
        let record =
            Record { operation, planned: 0, sets: 0, next: 0, to: None, confirmed_by: Some(by.clone()) };
        let kept = encode(&record);
        let change = DocumentChange::put(Shelf::Operations, record.operation.id.as_str(), kept.clone());
        engine.store().write_documents(vec![change.fresh()], None).await?;
        Ok(Self { record, kept })
    }

    /// Its id.
    pub(crate) fn id(&self) -> &OperationId {
        &self.record.operation.id
    }

    /// So many are done.
    pub(crate) async fn progress(&mut self, engine: &Engine, done: u64) -> Outcome<()> {
        self.record.operation.done = done;
        self.keep(engine).await
    }

    /// It is through.
    pub(crate) async fn end(mut self, engine: &Engine) -> Outcome<()> {
        let operation = &mut self.record.operation;
        operation.state = OperationState::Done;
        operation.finished = Some(engine.now());
        operation.moved_on = operation.preview.count.saturating_sub(operation.done);
        self.keep(engine).await
    }

    async fn keep(&mut self, engine: &Engine) -> Outcome<()> {
        let next = encode(&self.record);
        let before = std::mem::replace(&mut self.kept, next.clone());
        let change = DocumentChange::put(Shelf::Operations, self.id().as_str(), next).expecting(before);
        engine.store().write_documents(vec![change], None).await?;
        Ok(())
    }
}
