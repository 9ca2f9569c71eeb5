//! `herald serve`: the engine and the API without a screen.

use super::args::Serve;
use super::engine::{Doors, RunningEngine};
use super::failure::{Failure, Outcome};
use super::instance::{EngineLock, Instance};
use super::session::attach;
use super::{fault, handover, signals};
use crate::engine::Mode;
use crate::settings::Settings;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long whoever holds the lock and does not answer may take to give it up: a console that hands
/// over, or a command that opened the store for itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs until a signal, or until somebody asks through the socket.
/// `lock`: this process is the engine's already.
pub async fn run(
    instance: Instance,
    settings: Arc<Settings>,
    args: Serve,
    lock: Option<EngineLock>,
) -> Outcome {
    let mut lock = lock;
    if args.detached {
        let inherited = if lock.is_none() { handover::inherited(&instance) } else { None };
        // Fails only for a leader of a process group. Of a console that goes on itself, it is
        // detached already; of a hand-over, it is the first of two processes.
        if rustix::process::setsid().is_err() && inherited.is_some() {
            return handover::start_second();
        }
        // Only the second writes itself down as the holder.
        if let Some(file) = inherited {
            lock = Some(instance.adopt(file)?);
        }
    }
    // From here on: whoever is told to end before it answers ends in an orderly way too.
    let ended = signals::ended();
    let mut hangups = signals::hangups();
    let lock = match lock {
        Some(lock) => lock,
        None => wait_for_lock(&instance, &settings).await?,
    };
    fault::point("serve.locked");
    let dir = instance.dir().to_owned();
    let engine = RunningEngine::start(instance, Arc::clone(&settings), lock, Mode::Full, Doors::Open).await?;
    tracing::info!(dir = %dir.display(), listen = ?settings.listen, "the engine runs");
    let mut asked = engine.api().shutdown_requested();
    let mut ended = std::pin::pin!(ended);
    loop {
        tokio::select! {
            () = &mut ended => {
                tracing::info!("asked to end by a signal");
                break;
            }
            _ = asked.wait_for(|asked| *asked) => {
                tracing::info!("asked to end through the API");
                break;
            }
            () = hangups.next() => engine.reload(),
        }
    }
    engine.stop().await?.release();
    tracing::info!("the engine has ended; nothing is lost");
    Ok(())
}

async fn wait_for_lock(instance: &Instance, settings: &Settings) -> Outcome<EngineLock> {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(lock) = instance.try_lock()? {
            return Ok(lock);
        }
        // An engine that answers will not go away; one that answers in anger is one, too.
        let answers = !matches!(attach(instance, settings).await, Ok(None));
        if answers || Instant::now() >= until {
            let pid = instance.holder().map(|pid| format!(" (process {pid})")).unwrap_or_default();
            return Err(Failure::Unreachable(format!(
                "another Herald{pid} is already the engine of {}: `herald` attaches to it",
                instance.dir().display()
            )));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
