//! Retention: what is past its time goes, in small steps, after a start and then every hour.

use super::core::Core;
use super::error::Result;
use crate::store::history::Retention;
use std::sync::Arc;
use std::time::Duration;

/// How often it is looked at.
const EVERY: Duration = Duration::from_hours(1);
/// Between two steps others have the store.
const BETWEEN: Duration = Duration::from_millis(20);

/// Runs until the engine closes.
pub(crate) async fn run(core: Arc<Core>, keep: Retention) {
    loop {
        if let Err(error) = retain(&core, keep).await {
            tracing::warn!(%error, "what is past its time is deleted later");
        }
        tokio::select! {
            biased;
            () = core.closing.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn retain(core: &Core, keep: Retention) -> Result<()> {
    while core.store.retain(keep, core.clock.now()).await? {
        tokio::select! {
            biased;
            () = core.closing.cancelled() => return Ok(()),
            () = tokio::time::sleep(BETWEEN) => {}
        }
    }
    Ok(())
}
