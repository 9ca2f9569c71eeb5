//! The delivery log, the audit, changes, and the store's own affairs.

use super::error::Result;
use super::page::{Condition, Order};
use crate::domain::audit::AuditEntry;
use crate::domain::channel::Channel;
use crate::domain::delivery::{LogRow, Outcome};
use crate::domain::ids::{IdentifierNo, LogSeq, MessageNo, ProviderNo, TargetNo};
use crate::domain::once::Done;
use crate::domain::time::Timestamp;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use tokio::sync::watch;

/// Which rows of the log. The conditions hold together; the first that is set in
/// the order message, target, identifier, outcome, provider, time is served by
/// its look-up, the others by scanning what that yields.
#[derive(Clone, Default)]
pub struct LogQuery {
    /// Of one message.
    pub message: Option<MessageNo>,
    /// To one target.
    pub target: Option<TargetNo>,
    /// To one identifier record.
    pub identifier: Option<IdentifierNo>,
    /// With one of these outcomes; empty: with any.
    pub outcomes: Vec<Outcome>,
    /// Through one provider.
    pub provider: Option<ProviderNo>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// A further condition.
    pub only: Option<Condition<LogRow>>,
    /// After (in the order) this row.
    pub after: Option<LogSeq>,
    /// The way.
    pub order: Order,
    /// The most rows.
    pub limit: usize,
    /// The most rows to look at.
    pub scan: usize,
}

/// A page of the log.
#[derive(Debug, Clone, Default)]
pub struct LogPage {
    /// The rows.
    pub rows: Vec<LogRow>,
    /// Continue after this row; `None`: this was the end.
    pub next: Option<LogSeq>,
    /// How many rows were looked at.
    pub scanned: u64,
    /// The scan ended at its bound.
    pub cut_short: bool,
}

/// How many identifier records of an address [`History::newest_to`] asks. An address gets another one
/// when another target gets it, so the newest have the newest rows.
pub const NEWEST_OF: usize = 16;

/// What the log holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogExtent {
    /// The first row that is kept.
    pub first: u64,
    /// The row that comes next.
    pub next: u64,
    /// The time of the first row that is kept.
    pub since: Option<Timestamp>,
}

/// Switches that survive restarts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flags {
    /// All sending is stopped: by whom, since when.
    pub stopped: Option<(String, Timestamp)>,
    /// The store is a restored copy that nobody has released yet.
    pub restored: Option<Timestamp>,
}

/// Whether the store takes writes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum StoreHealth {
    /// It does.
    #[default]
    Well,
    /// It does not, and tries again by itself.
    Suspended {
        /// What the disk says.
        cause: String,
        /// Since when.
        since: Timestamp,
    },
}

/// What has changed, coarsely: readers compare and fetch what they show. Every
/// field is a count that grows with each commit that touches its part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    /// Commits.
    pub commits: u64,
    /// Users and targets.
    pub people: u64,
    /// Topics and subscribers.
    pub topics: u64,
    /// Providers.
    pub providers: u64,
    /// Messages: content, state or progress.
    pub messages: u64,
    /// The schedule: something became due earlier or later.
    pub schedule: u64,
    /// Plans: runs were appended, recipients released.
    pub plans: u64,
    /// The next row of the delivery log.
    pub log: u64,
    /// Operations, drafts, endpoints and alerts.
    #[serde(default)]
    pub documents: u64,
}

/// Sizes and counts, for the console and doctor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreStats {
    /// Microseconds that commits took since the store was opened.
    pub commit_micros: u64,
    /// Rows of the delivery log since the store was opened, by provider and outcome (in the order of
    /// [`Outcome::ALL`]).
    #[serde(default)]
    pub outcomes: BTreeMap<ProviderNo, [u64; Outcome::ALL.len()]>,
    /// Bytes of the main file.
    pub main_bytes: u64,
    /// Bytes of sealed segments.
    pub segment_bytes: u64,
    /// Sealed segments.
    pub segments: u64,
    /// Users.
    pub users: u64,
    /// Targets.
    pub targets: u64,
    /// Topics.
    pub topics: u64,
    /// Messages.
    pub messages: u64,
    /// Free bytes of the disk.
    pub disk_free: u64,
    /// Bytes of the disk.
    pub disk_total: u64,
}

/// What is kept, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Log rows older than this go.
    pub log_age: Duration,
    /// The oldest segments go while the log is larger than this.
    pub log_bytes: u64,
    /// Audit entries older than this go.
    pub audit_age: Duration,
    /// Messages that ended longer ago than this go.
    pub message_age: Duration,
}

/// The log, the audit, and the store's own affairs.
#[async_trait]
pub trait History {
    /// A page of the log.
    async fn log(&self, query: LogQuery) -> Result<LogPage>;
    /// The newest row to each of these addresses, in the order asked, whoever had the address then;
    /// nothing where the log knows of none. Each is a look-up by its identifier records, of which
    /// the newest [`NEWEST_OF`] are asked.
    async fn newest_to(&self, addresses: Vec<(Channel, String)>) -> Result<Vec<Option<LogRow>>>;
    /// What the log holds.
    async fn log_extent(&self) -> Result<LogExtent>;
    /// A page of the audit, newest first, of one resource (`message/ID`) or of
    /// everything; `after`: older than this entry's number. Numbers come with the entries.
    async fn audit(
        &self,
        resource: Option<&str>,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, AuditEntry)>>;
    /// A call that was done, by its key; maybe longer ago than it is remembered.
    async fn done(&self, key: [u8; 32]) -> Result<Option<Done>>;
    /// Keeps the answer to a call that was done.
    async fn answer_done(&self, key: [u8; 32], answer: Vec<u8>) -> Result<()>;
    /// Writes an audit entry that belongs to no record.
    async fn append_audit(&self, entry: AuditEntry) -> Result<()>;
    /// Rewrites what entries say, so that they quote nobody who was erased. Those
    /// that are gone stay gone.
    async fn rewrite_audit(&self, entries: Vec<(u64, AuditEntry)>) -> Result<()>;

    /// What has changed; a receiver that lags sees only the newest.
    fn changes(&self) -> watch::Receiver<Changes>;
    /// Whether the store takes writes.
    fn health(&self) -> watch::Receiver<StoreHealth>;
    /// The switches.
    async fn flags(&self) -> Result<Flags>;
    /// Sets the switches.
    async fn put_flags(&self, flags: Flags, audit: AuditEntry) -> Result<()>;
    /// A name of this store that no other has: eight characters, part of every Message-ID.
    fn install_id(&self) -> String;
    /// Sizes and counts.
    async fn stats(&self) -> Result<StoreStats>;
    /// Deletes what is past its time, in bounded steps; true: there is more.
    async fn retain(&self, retention: Retention, now: Timestamp) -> Result<bool>;
    /// Copies everything, consistently, while running. Never the sealing key
    /// unless `with_key`. `progress` gets bytes done and bytes in all.
    async fn backup(
        &self,
        to: &Path,
        with_key: bool,
        progress: Box<dyn Fn(u64, u64) + Send + Sync>,
    ) -> Result<()>;
    /// Commits what is pending and closes. Later calls fail with `Closed`.
    async fn close(&self) -> Result<()>;
}
