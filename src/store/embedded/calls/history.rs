//! The log, the audit, and the store's own affairs.

use crate::domain::audit::AuditEntry;
use crate::domain::ids::LogSeq;
use crate::domain::time::Timestamp;
use crate::store::embedded::record::decode;
use crate::store::embedded::table::{Table, View as _};
use crate::store::embedded::writer::Class;
use crate::store::embedded::{Embedded, MAIN_FILE, Storage, free_space, history, plain, rows, tx};
use crate::store::error::{Result, StoreError};
use crate::store::history::{
    Changes, Flags, History, LogExtent, LogPage, LogQuery, Retention, StoreHealth, StoreStats,
};
use async_trait::async_trait;
use std::path::Path;
use tokio::sync::watch;

#[async_trait]
impl History for Embedded {
    async fn log(&self, query: LogQuery) -> Result<LogPage> {
        self.read(move |view| {
            let mut page = LogPage::default();
            let after = query.after.map(|seq| seq.0);
            plain::scan(view.transaction(), after, query.order, &mut |row| {
                if page.rows.len() == query.limit || page.scanned >= query.scan.max(1) as u64 {
                    page.cut_short = page.rows.len() < query.limit;
                    return Ok(false);
                }
                page.scanned += 1;
                page.next = Some(LogSeq(row.seq));
                let row = rows::read(&row)?;
                let fits = query.message.is_none_or(|no| row.message == no)
                    && query.target.is_none_or(|no| row.target == no)
                    && query.identifier.is_none_or(|no| row.identifier == no)
                    && (query.outcomes.is_empty() || query.outcomes.contains(&row.outcome))
                    && query.provider.is_none_or(|no| row.provider == no)
                    && query.since.is_none_or(|at| row.at >= at)
                    && query.until.is_none_or(|at| row.at < at)
                    && query.only.as_ref().is_none_or(|only| only(&row));
                if fits {
                    page.rows.push(row);
                }
                Ok(true)
            })?;
            if page.rows.len() < query.limit && !page.cut_short {
                page.next = None;
            }
            Ok(page)
        })
        .await
    }

    async fn log_extent(&self) -> Result<LogExtent> {
        self.read(|view| {
            let (first, next, since) = plain::extent(view.transaction())?;
            Ok(LogExtent { first, next, since: since.map(Timestamp) })
        })
        .await
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

    async fn append_audit(&self, entry: AuditEntry) -> Result<()> {
        self.write(Class::Essential, move |tx| tx.audit(&entry)).await
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
        let dir = self.shared.dir.clone();
        let on_disk = matches!(self.shared.storage, Storage::Directory);
        self.read(move |view| {
            let counts = Self::counts(view)?;
            let (disk_free, disk_total) = free_space(&dir).filter(|_| on_disk).unwrap_or_default();
            let main = std::fs::metadata(dir.join(MAIN_FILE)).ok().filter(|_| on_disk);
            Ok(StoreStats {
                main_bytes: main.map_or(0, |file| file.len()),
                segment_bytes: 0,
                segments: 0,
                users: counts.users,
                targets: counts.targets,
                topics: counts.topics,
                messages: counts.states.iter().sum(),
                disk_free,
                disk_total,
            })
        })
        .await
    }

    async fn retain(&self, retention: Retention, now: Timestamp) -> Result<bool> {
        self.write(Class::Essential, move |tx| history::retain(tx, &retention, now)).await
    }

    async fn backup(
        &self,
        to: &Path,
        _with_key: bool,
        _progress: Box<dyn Fn(u64, u64) + Send + Sync>,
    ) -> Result<()> {
        Err(StoreError::Io(format!("copies to {} are not made yet", to.display())))
    }

    async fn close(&self) -> Result<()> {
        self.shut().await;
        Ok(())
    }
}
