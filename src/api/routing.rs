//! How recipients are shared out among providers.

use super::answer::{Answered, ok};
use super::call::Call;
use crate::domain::ids::ProviderId;
use crate::domain::validate::Invalid;
use crate::engine::routing::RoutingEdit;
use crate::wire::routing::{WriteFailover, WriteRouting};

pub(crate) async fn get(call: Call) -> Answered {
    ok(&call.engine().routing().await?)
}

pub(crate) async fn update(call: Call) -> Answered {
    let WriteRouting { order, prefixes } = call.json()?;
    let edit = RoutingEdit { order, prefixes, failover: None };
    ok(&call.engine().edit_routing(call.actor(), edit).await?)
}

pub(crate) async fn failover(call: Call) -> Answered {
    let id: ProviderId = call.id("providerId")?;
    let write: WriteFailover = call.json()?;
    let engine = call.engine();
    engine.store().provider(&id).await?;
    let now = engine.now();
    for (param, allowance) in [("bulk", write.bulk), ("direct", write.direct)] {
        if allowance.is_some_and(|one| one.allowed && one.until.is_some_and(|until| until <= now)) {
            return Err(Invalid::value(param, "Value must end in the future").into());
        }
    }
    let mut failover = engine.routing().await?.failover(&id);
    failover.bulk = write.bulk.unwrap_or(failover.bulk);
    failover.direct = write.direct.unwrap_or(failover.direct);
    let edit = RoutingEdit { failover: Some((id, failover)), ..RoutingEdit::default() };
    ok(&engine.edit_routing(call.actor(), edit).await?)
}
