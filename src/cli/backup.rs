//! `herald backup` and `herald restore`.

use super::args::Backup;
use super::commands::Desk;
use super::failure::{Failure, Outcome};
use super::instance::Instance;
use super::output::{Output, grouped};
use crate::domain::time::{Clock as _, SystemClock};
use crate::store::embedded;
use crate::wire::transfer::BackupRequest;
use std::io::Write;
use std::path::Path;

/// Copies a running store through its engine.
pub async fn backup(desk: &Desk, args: Backup) -> Outcome {
    let directory = std::path::absolute(&args.dir)?;
    let request = BackupRequest { directory: directory.display().to_string(), with_key: args.with_key };
    let mut steps = desk.client.backup(&request).await?;
    while let Some(step) = steps.next().await? {
        if !step.error.is_empty() {
            return Err(Failure::Failed(step.error));
        }
        if desk.out.is_terminal() && step.total > 0 {
            let mut err = std::io::stderr().lock();
            write!(err, "\r\x1b[K{} of {} bytes", grouped(step.bytes), grouped(step.total))?;
            err.flush()?;
        }
        if step.done {
            if desk.out.is_terminal() {
                write!(std::io::stderr().lock(), "\r\x1b[K")?;
            }
            desk.out.either(&step, |step| {
                let key = if args.with_key {
                    "with the sealing key: keep it as safe as the credentials themselves"
                } else {
                    "without the sealing key: keep a copy of it elsewhere, or the credentials must be entered anew"
                };
                format!("copied {} bytes to {}, {key}", grouped(step.bytes), directory.display())
            })?;
            return Ok(());
        }
    }
    Err(Failure::Failed("the copy ended early".into()))
}

/// Puts a copy in place of an empty data directory. Sending is held until released.
pub async fn restore(out: Output, instance: &Instance, from: &Path) -> Outcome {
    let Some(lock) = instance.try_lock()? else {
        return Err(Failure::Refused(format!(
            "an engine runs on {}: end it, or name an empty --data-dir",
            instance.dir().display()
        )));
    };
    let (from, to) = (from.to_owned(), instance.store_dir());
    tokio::task::spawn_blocking(move || embedded::restore(&from, &to, SystemClock.now()))
        .await
        .map_err(|error| Failure::Failed(error.to_string()))??;
    lock.release();
    out.say(format!(
        "restored to {}; nothing is sent until `herald resume-sending`: look at what is held first",
        instance.dir().display()
    ))?;
    Ok(())
}
