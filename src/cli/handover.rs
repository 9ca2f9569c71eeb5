//! Handing the engine over: a console that ends while something is to be sent
//! starts `herald serve` in a session of its own, and goes when that is well.

use super::args::Global;
use super::engine::RunningEngine;
use super::failure::{Failure, Outcome};
use super::fault;
use super::instance::{EngineLock, Instance};
use super::session::attach;
use crate::client::Client;
use crate::settings::Settings;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::fs::{File, OpenOptions};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
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

/// Why the engine was not handed over.
pub struct NotHandedOver {
    /// Why.
    pub failure: Failure,
    /// The lock, which this process still holds: nobody else has become the engine.
    pub lock: Option<EngineLock>,
}

/// Stops the engine of this process and starts one that needs no terminal.
/// `Ok`: it is well, and this process may end. The new process holds the lock
/// together with this one from its first moment, so that no third can come between.
/// The data directory is safe in either case: a kill at any step leaves a store
/// that the next engine opens.
pub async fn hand_over(
    engine: RunningEngine,
    instance: &Instance,
    settings: &Settings,
    global: &Global,
) -> Result<u32, NotHandedOver> {
    fault::point("handover.begin");
    let lock = engine.stop().await.map_err(|failure| NotHandedOver { failure, lock: None })?;
    fault::point("handover.stopped");
    match start(&lock, instance, settings, global).await {
        // Closed, not unlocked: the lock is the new engine's as well.
        Ok(pid) => Ok(pid),
        Err(failure) => Err(NotHandedOver { failure, lock: Some(lock) }),
    }
}

/// Starts the new engine and waits until it is well.
async fn start(lock: &EngineLock, instance: &Instance, settings: &Settings, global: &Global) -> Outcome<u32> {
    let mut child = spawn(lock, instance, global)?;
    fault::point("handover.spawned");
    let own = std::process::id();
    let until = Instant::now() + PATIENCE;
    let log = || instance.log_dir().join("serve.log").display().to_string();
    let mut ended = None;
    loop {
        // It writes itself down as the holder as soon as it runs, in a process that its first one starts.
        let heir = instance.holder().filter(|pid| *pid != own);
        if let Some(pid) = heir
            && matches!(attach(instance, settings).await, Ok(Some(_)))
        {
            fault::point("handover.healthy");
            return Ok(pid);
        }
        ended = ended.or(child.try_wait()?);
        let gone = match (ended, heir) {
            (Some(status), _) if !status.success() => Some(status.to_string()),
            (Some(_), Some(pid)) if !lives(pid) => Some("an error".to_owned()),
            _ => None,
        };
        if let Some(how) = gone {
            return Err(Failure::Failed(format!("`herald serve` ended with {how}; see {}", log())));
        }
        if Instant::now() >= until {
            let _ = child.kill();
            let _ = child.wait();
            if let Some(pid) = heir.and_then(|pid| Pid::from_raw(pid.try_into().ok()?)) {
                let _ = kill_process(pid, Signal::KILL);
            }
            return Err(Failure::Failed(format!("`herald serve` did not answer in time; see {}", log())));
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// Whether a process lives.
fn lives(pid: u32) -> bool {
    let pid = pid.try_into().ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid).is_ok())
}

/// The first process of the new engine is in a process group of its own: a terminal that hangs up
/// signals its foreground group, and no other.
fn spawn(lock: &EngineLock, instance: &Instance, global: &Global) -> Outcome<Child> {
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
        .process_group(0)
        .stdin(Stdio::from(lock.share()?))
        .stdout(Stdio::from(log.try_clone()?))
        .stderr(Stdio::from(log));
    Ok(command.spawn()?)
}

/// In the new process: the lock that it was started with, as its standard input. `None`: it was
/// started without one.
pub fn inherited(instance: &Instance) -> Option<File> {
    let file = File::from(std::io::stdin().as_fd().try_clone_to_owned().ok()?);
    instance.shares(&file).then_some(file)
}

/// In the first process of the new engine, which leads a process group and therefore cannot lead a
/// session: starts the second one, which can.
pub fn start_second() -> Outcome {
    Command::new(std::env::current_exe()?).args(std::env::args_os().skip(1)).spawn()?;
    Ok(())
}
