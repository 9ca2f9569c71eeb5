//! Files that are past their time, and contents that no file has.

use super::Engine;
use super::core::Core;
use crate::domain::audit::{Actor, AuditEntry};
use crate::domain::file::{FileRef, StoredFile};
use crate::store::StoreError;
use crate::store::files::FileAges;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How often.
const EVERY: Duration = Duration::from_hours(1);
/// What came in and was last written so long ago belongs to nobody.
const COMING_IN: Duration = Duration::from_hours(2);
/// Files that are looked at in one round.
const ROUND: usize = 10_000;

/// Sweeps at the start, every hour, and when a bucket was deleted.
pub(super) async fn run(core: Arc<Core>) {
    loop {
        if let Err(problem) = sweep(&core).await {
            tracing::warn!(problem, "files could not be swept; tried again within the hour");
        }
        tokio::select! {
            () = core.closing.cancelled() => return,
            () = core.sweeping.notified() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

impl Engine {
    /// Removes files that are past their time and contents that no file has, now.
    /// The engine does the same by itself every hour.
    pub async fn sweep_files(&self) -> Result<(), String> {
        sweep(&self.core).await
    }
}

async fn sweep(core: &Core) -> Result<(), String> {
    let rules = &core.config.files;
    let now = core.clock.now();
    let ages =
        FileAges { unfinished: now.minus(rules.unfinished), whole: rules.age.map(|age| now.minus(age)) };
    let said = |error: StoreError| error.to_string();
    let stale = core.store.stale_files(ages, ROUND).await.map_err(said)?;
    let named = if stale.iter().any(StoredFile::is_whole) {
        core.store.files_in_messages().await.map_err(said)?
    } else {
        BTreeSet::new()
    };
    for file in stale {
        let at = FileRef { bucket: file.bucket.clone(), file: file.id.clone() };
        if named.contains(&at) {
            continue;
        }
        let why = if file.is_whole() { "is past its time" } else { "was never finished" };
        let audit = AuditEntry {
            at: now,
            actor: Actor::engine(),
            event: "file.delete".into(),
            resource: format!("file/{}", file.id),
            summary: format!("“{}” {why}", file.name),
        };
        match core.delete_file(&at, audit).await {
            Ok(_) | Err(StoreError::NotFound { .. }) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    let store = rules.store.clone();
    let digests = tokio::task::spawn_blocking(move || store.digests()).await;
    for digest in digests.map_err(std::io::Error::other).flatten().map_err(|error| error.to_string())? {
        core.drop_content(digest).await?;
    }
    let (store, unfinished) = (rules.store.clone(), rules.unfinished);
    tokio::task::spawn_blocking(move || store.clean(COMING_IN, unfinished, SystemTime::now()))
        .await
        .map_err(std::io::Error::other)
        .flatten()
        .map_err(|error| error.to_string())
}
