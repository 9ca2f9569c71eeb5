//! Handing the engine over: a console that ends while something is to be sent
//! starts `herald serve` in a session of its own, and goes when that is well.

use super::args::Global;
use super::engine::RunningEngine;
use super::failure::{Failure, Outcome};
use super::fault;
use super::instance::Instance;
use super::session::attach;
use crate::client::Client;
use crate::settings::Settings;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::time::Instant;

/// How long the new engine may take until it answers.
const PATIENCE: Duration = Duration::from_secs(15);

/// Whether ending the engine now would leave something unsent.
pub async fn has_work(client: &Client) -> Outcome<bool> {
    let overview = client.overview().await?;
    let states = overview.states;
    Ok(states.processing + states.scheduled + states.paused > 0 || overview.waiting > 0)
}

/// Stops the engine of this process and starts one that needs no terminal.
/// `Ok`: it is well, and this process may end. The data directory is safe in
/// either case: a kill at any step leaves a store that the next engine opens.
pub async fn hand_over(
    engine: RunningEngine,
    instance: &Instance,
    settings: &Settings,
    global: &Global,
) -> Outcome<u32> {
    fault::point("handover.begin");
    let lock = engine.stop().await?;
    fault::point("handover.stopped");
    lock.release();
    fault::point("handover.released");
    let mut child = spawn(instance, global)?;
    fault::point("handover.spawned");
    let until = Instant::now() + PATIENCE;
    loop {
        if attach(instance, settings).await?.is_some() {
            fault::point("handover.healthy");
            return Ok(child.id());
        }
        if let Some(status) = child.try_wait()? {
            return Err(Failure::Failed(format!(
                "`herald serve` ended with {status}; see {}",
                instance.log_dir().join("serve.log").display()
            )));
        }
        if Instant::now() >= until {
            // It may still come up; it holds or waits for the lock, so nothing runs twice.
            let _ = child.kill();
            let _ = child.wait();
            return Err(Failure::Failed("`herald serve` did not answer in time".into()));
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

fn spawn(instance: &Instance, global: &Global) -> Outcome<Child> {
    let dir = instance.log_dir();
    std::fs::create_dir_all(&dir)?;
    let log = OpenOptions::new().create(true).append(true).mode(0o600).open(dir.join("serve.log"))?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("serve").arg("--detached").arg("--data-dir").arg(instance.dir());
    if let Some(config) = &global.config {
        command.arg("--config").arg(config);
    }
    for set in &global.set {
        command.arg("--set").arg(set);
    }
    command
        .current_dir(instance.dir())
        .env_remove("HERALD_TEST_KILL_AT")
        .stdin(Stdio::null())
        .stdout(Stdio::from(log.try_clone()?))
        .stderr(Stdio::from(log));
    Ok(command.spawn()?)
}
