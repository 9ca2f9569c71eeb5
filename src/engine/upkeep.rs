//! What is done again and again beside sending: alerts, and drafts and operations past their time.

use super::Engine;
use super::alerts;
use std::time::Duration;
use tokio::time::Instant;

/// How often what is past its time is removed.
const SWEEP: Duration = Duration::from_hours(1);

/// Runs until the engine closes, a round every `interval`.
pub(crate) async fn run(engine: Engine, interval: Duration) {
    let core = engine.core.clone();
    let mut swept: Option<Instant> = None;
    loop {
        if let Err(error) = alerts::round(&core, &engine).await {
            tracing::debug!(%error, "alerts are looked for later");
        }
        if swept.is_none_or(|at| at.elapsed() >= SWEEP) {
            swept = Some(Instant::now());
            if let Err(error) = sweep(&engine).await {
                tracing::warn!(%error, "what is past its time is removed later");
            }
        }
        tokio::select! {
            biased;
            () = core.closing.cancelled() => return,
            () = tokio::time::sleep(interval) => {}
        }
    }
}

async fn sweep(engine: &Engine) -> super::usecases::Outcome<()> {
    engine.sweep_drafts().await?;
    engine.sweep_operations().await?;
    engine.wipe_replaced_keys().await?;
    Ok(())
}
