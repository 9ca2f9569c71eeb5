//! Steps of operations that several tests take.

use crate::world::*;
use herald::domain::ids::OperationId;
use herald::domain::zone::Zone;
use herald::engine::Engine;
use herald::wire::operation::{CreateOperation, Operation, OperationAction};

pub fn ask(action: OperationAction, filter: &str) -> CreateOperation {
    CreateOperation {
        action,
        filter: filter.into(),
        provider_id: None,
        uncertain: false,
        reason: "test".into(),
    }
}

pub async fn preview(engine: &Engine, asked: CreateOperation) -> Operation {
    engine.preview_operation(&actor(), asked, Zone::UTC).await.unwrap()
}

/// The operation, when it is over.
pub async fn done(engine: &Engine, id: &OperationId) -> Operation {
    until("the operation ends", async || engine.operation(id).await.unwrap().is_over()).await;
    engine.operation(id).await.unwrap()
}

pub async fn confirm(engine: &Engine, operation: &Operation) -> Operation {
    engine.confirm_operation(&actor(), &operation.id, operation.preview.count).await.unwrap();
    done(engine, &operation.id).await
}
