//! The log, the audit, and the store's own affairs.

use crate::domain::audit::AuditEntry;
use crate::domain::channel::Channel;
use crate::domain::delivery::LogRow;
use crate::domain::once::Done;
use crate::domain::time::Timestamp;
use crate::store::embedded::record::decode;
use crate::store::embedded::table::{Table, View as _};
use crate::store::embedded::writer::Class;
use crate::store::embedded::{Embedded, copies, history, look, once, tx};
use crate::store::error::{Result, StoreError};
use crate::store::history::{
    Changes, Flags, History, LogExtent, LogPage, LogQuery, Retention, StoreHealth, StoreStats,
};
use crate::store::seal::KEY_FILE;
use async_trait::async_trait;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;

/// How often a copy is begun anew because segments were merged under it.
const COPY_TRIES: usize = 10;

#[async_trait]
impl History for Embedded {
    async fn log(&self, query: LogQuery) -> Result<LogPage> {
        let shared = Arc::clone(&self.shared);
        // The log reads by a snapshot of its own: it knows which of its views belong to it.
        self.read_log(move || look::page(&shared.log.snapshot()?, &query)).await
    }

    async fn newest_to(&self, addresses: Vec<(Channel, String)>) -> Result<Vec<Option<LogRow>>> {
        let shared = Arc::clone(&self.shared);
        self.read(move |view| {
            let log = shared.log.snapshot()?;
            addresses
                .iter()
                .map(|(channel, address)| look::newest_to(view, &log, *channel, address))
                .collect()
        })
        .await
    }

    async fn log_extent(&self) -> Result<LogExtent> {
        let shared = Arc::clone(&self.shared);
        self.read_log(move || look::extent(&shared.log.snapshot()?)).await
    }

    async fn audit(
        &self,
        resource: Option<&str>,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, AuditEntry)>> {
        let resource = resource.map(str::to_owned);
        self.read(move |view| history::audit(view, resource.as_deref(), after, limit)).await
    }

    async fn done(&self, key: [u8; 32]) -> Result<Option<Done>> {
        self.read(move |view| once::find(view, &key)).await
    }

    async fn answer_done(&self, key: [u8; 32], answer: Vec<u8>) -> Result<()> {
        self.write(Class::Growth, move |tx| once::answer(tx, &key, &answer)).await
    }

    async fn append_audit(&self, entry: AuditEntry) -> Result<()> {
        self.write(Class::Essential, move |tx| tx.audit(&entry)).await
    }

    async fn rewrite_audit(&self, entries: Vec<(u64, AuditEntry)>) -> Result<()> {
        self.write(Class::Essential, move |tx| history::rewrite_audit(tx, &entries)).await
    }

    fn changes(&self) -> watch::Receiver<Changes> {
        self.shared.changes.subscribe()
    }

    fn health(&self) -> watch::Receiver<StoreHealth> {
        self.shared.health.subscribe()
    }

    async fn flags(&self) -> Result<Flags> {
        self.read(|view| Ok(view.get(Table::Meta, tx::FLAGS, decode)?.transpose()?.unwrap_or_default())).await
    }

    async fn put_flags(&self, flags: Flags, audit: AuditEntry) -> Result<()> {
        self.write(Class::Essential, move |tx| {
            tx.flags()?.clone_from(&flags);
            tx.put(Table::Meta, tx::FLAGS, &flags)?;
            tx.audit(&audit)
        })
        .await
    }

    fn install_id(&self) -> String {
        self.install_id.clone()
    }

    async fn stats(&self) -> Result<StoreStats> {
        let shared = Arc::clone(&self.shared);
        self.read(move |view| {
            let counts = Self::counts(view)?;
            let room = shared.main.room().unwrap_or_default();
            let segments = shared.log.snapshot()?.segments();
            Ok(StoreStats {
                commit_micros: shared.commit_micros(),
                outcomes: shared.outcomes(),
                main_bytes: shared.main.bytes(),
                segment_bytes: segments.iter().map(|segment| segment.bytes).sum(),
                segments: segments.len() as u64,
                users: counts.users,
                targets: counts.targets,
                topics: counts.topics,
                messages: counts.states.iter().sum(),
                disk_free: room.free,
                disk_total: room.total,
            })
        })
        .await
    }

    async fn retain(&self, retention: Retention, now: Timestamp) -> Result<bool> {
        let since = self.log_extent().await?.since;
        if since.is_some_and(|at| at < now.minus(retention.log_age)) {
            // Old rows in the open part go with their segment, so it must become one.
            self.shared.log.request_seal();
        }
        self.write(Class::Essential, move |tx| history::retain(tx, &retention, now)).await
    }

    async fn backup(
        &self,
        to: &Path,
        with_key: bool,
        progress: Box<dyn Fn(u64, u64) + Send + Sync>,
    ) -> Result<()> {
        if !self.shared.is_on_disk() {
            return Err(StoreError::Io("a store in memory cannot be copied".to_owned()));
        }
        let key = if with_key { Some(self.sealing.to_open()?) } else { None };
        let (shared, to) = (Arc::clone(&self.shared), to.to_owned());
        let copy = move || {
            copies::prepare(&to)?;
            for _ in 0..COPY_TRIES {
                match copies::attempt(&shared, &to, &*progress) {
                    Ok(true) => {
                        if let Some(key) = &key {
                            key.write(&to.join(KEY_FILE))?;
                        }
                        return Ok(());
                    }
                    // A segment was merged into another before it could be linked.
                    Ok(false) => {}
                    Err(fail) => return Err(fail.into_error()),
                }
            }
            Err(StoreError::Io("the log's segments change too fast to be copied: try again".to_owned()))
        };
        tokio::task::spawn_blocking(copy)
            .await
            .map_err(|error| StoreError::Io(format!("the copy was interrupted: {error}")))?
    }

    async fn close(&self) -> Result<()> {
        self.shut().await;
        match self.suspended() {
            Some(cause) => Err(StoreError::Suspended { cause }),
            None => Ok(()),
        }
    }
}
