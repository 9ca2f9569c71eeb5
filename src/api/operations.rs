//! Operations over deliveries.

use super::answer::{Answered, created, ok};
use super::call::Call;
use crate::domain::ids::OperationId;
use crate::domain::zone::Zone;
use crate::wire::operation::{ConfirmOperation, CreateOperation};

/// The most operations of one page.
const MOST: usize = 100;

pub(crate) async fn create(call: Call) -> Answered {
    let asked: CreateOperation = call.json()?;
    let zone = call.app.settings.operator_zone.unwrap_or(Zone::UTC);
    created(&call.engine().preview_operation(call.actor(), asked, zone).await?)
}

pub(crate) async fn list(call: Call) -> Answered {
    call.only_query(&["after", "limit"])?;
    let after = call.query("after").map(OperationId::new).transpose()?;
    let limit = call.number("limit")?.unwrap_or(25usize).clamp(1, MOST);
    ok(&call.engine().operations(after.as_ref(), limit).await?)
}

pub(crate) async fn get(call: Call) -> Answered {
    ok(&call.engine().operation(&call.id("operationId")?).await?)
}

pub(crate) async fn confirm(call: Call) -> Answered {
    let id = call.id("operationId")?;
    let ConfirmOperation { count } = call.json()?;
    ok(&call.engine().confirm_operation(call.actor(), &id, count).await?)
}

pub(crate) async fn cancel(call: Call) -> Answered {
    ok(&call.engine().cancel_operation(call.actor(), &call.id("operationId")?).await?)
}
