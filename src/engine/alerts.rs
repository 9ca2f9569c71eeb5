//! What needs an operator: looked for in rounds, each thing once, told when it begins
//! and when it is over.
//!
//! An alert is a document from the round that finds it to the round in which whoever
//! is to be told has taken its recovery. So a restart repeats none, and loses none.

mod look;
mod notify;

use super::Engine;
use super::core::Core;
use super::usecases::Outcome;
use crate::domain::audit::Actor;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::documents::{DocumentChange, Shelf};
use crate::store::page::Order;
use crate::wire::alert::{Alert, AlertKind, AlertList, AlertTest};
use crate::wire::history::Audit;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How far before an alert a change may lie to be shown with it.
const BEFORE: Duration = Duration::from_mins(30);
/// Changes that are shown with an alert.
const CHANGES: usize = 10;
/// Rounds for which something must be well before that is told.
const CALM: u8 = 2;
/// Alerts at a time.
const MOST: usize = 1000;

/// What alerts are about, and who is told. The settings fill it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertConfig {
    /// The name of this installation in what is told.
    pub installation: String,
    /// Where what happens to alerts is posted.
    pub webhook: Option<url::Url>,
    /// A program with its arguments that is told on standard input.
    pub command: Vec<String>,
    /// Somebody may wait this long.
    pub oldest: Duration,
    /// So many of a hundred answers may be refusals, of at least twenty in a minute.
    pub failure_percent: u64,
    /// So much of the disk must be free.
    pub disk_percent: u64,
    /// What was accepted may be without any receipt so long.
    pub receipts: Duration,
}

impl Default for AlertConfig {
    fn default() -> Self {
        Self {
            installation: String::new(),
            webhook: None,
            command: Vec::new(),
            oldest: Duration::from_mins(15),
            failure_percent: 20,
            disk_percent: 5,
            receipts: Duration::from_hours(1),
        }
    }
}

/// An alert as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    alert: Alert,
    /// Rounds in a row in which nothing was wrong.
    calm: u8,
    /// Whoever is to be told knows of it.
    told: bool,
}

/// Something that is wrong now.
pub(super) struct Finding {
    pub(super) id: String,
    pub(super) kind: AlertKind,
    pub(super) text: String,
    pub(super) since: Option<Timestamp>,
    pub(super) provider: Option<crate::domain::ids::ProviderId>,
    pub(super) webhook: Option<crate::domain::ids::WebhookId>,
}

fn decode(bytes: &[u8]) -> Result<Record, StoreError> {
    serde_json::from_slice(bytes).map_err(|error| StoreError::Damaged(format!("an alert: {error}")))
}

fn encode(record: &Record) -> Vec<u8> {
    serde_json::to_vec(record).expect("an alert has no maps with keys that JSON cannot say")
}

async fn open(core: &Core) -> Result<BTreeMap<String, (Record, Vec<u8>)>, StoreError> {
    let found = core.store.documents(Shelf::Alerts, "", None, Order::Ascending, MOST).await?;
    found.into_iter().map(|(key, bytes)| Ok((key, (decode(&bytes)?, bytes)))).collect()
}

/// What operators changed before an instant, newest first.
async fn changes(core: &Core, until: Timestamp) -> Result<Vec<Audit>, StoreError> {
    let from = until.minus(BEFORE);
    let entries = core.store.audit(None, None, 500).await?;
    Ok(entries
        .into_iter()
        .filter(|(_, entry)| entry.at >= from && entry.at <= until)
        .filter(|(_, entry)| {
            let about = entry.event.split('.').next().unwrap_or_default();
            entry.actor.name != Actor::engine().name
                && matches!(about, "provider" | "key" | "engine" | "operation" | "queue" | "webhook")
        })
        .take(CHANGES)
        .map(|(no, entry)| Audit {
            no,
            at: entry.at,
            actor: entry.actor,
            event: entry.event,
            resource: entry.resource,
            summary: entry.summary,
        })
        .collect())
}

/// One round: opens, keeps and closes alerts, and tells whoever is to be told.
pub(crate) async fn round(core: &Arc<Core>, engine: &Engine) -> Outcome<()> {
    let mut known = open(core).await?;
    let now = core.clock.now();
    for finding in look::look(core, engine).await? {
        let (mut record, before) = if let Some((record, bytes)) = known.remove(&finding.id) {
            (record, Some(bytes))
        } else {
            let since = finding.since.unwrap_or(now);
            let alert = Alert {
                id: finding.id.clone(),
                kind: finding.kind,
                text: String::new(),
                since,
                provider_id: finding.provider,
                webhook_id: finding.webhook,
                changes: changes(core, since.max(now.minus(BEFORE))).await?,
            };
            (Record { alert, calm: 0, told: false }, None)
        };
        record.calm = 0;
        record.alert.text = finding.text;
        if !record.told {
            record.told = notify::opened(core, &record.alert).await;
        }
        let bytes = encode(&record);
        if before.as_ref() != Some(&bytes) {
            let change = DocumentChange::put(Shelf::Alerts, finding.id, bytes);
            let change = match before {
                Some(before) => change.expecting(before),
                None => change.fresh(),
            };
            core.store.write_documents(vec![change], None).await?;
        }
    }
    for (key, (mut record, before)) in known {
        record.calm = record.calm.saturating_add(1);
        // Whoever was never told that it began need not be told that it is over.
        let over = record.calm >= CALM && (!record.told || notify::recovered(core, &record.alert).await);
        let change = if over {
            DocumentChange::remove(Shelf::Alerts, key)
        } else {
            DocumentChange::put(Shelf::Alerts, key, encode(&record))
        };
        core.store.write_documents(vec![change.expecting(before)], None).await?;
    }
    Ok(())
}

impl Engine {
    /// Tells whoever is told of alerts that this is a test, and says what became of it.
    pub async fn test_alerts(&self, by: &Actor) -> Outcome<AlertTest> {
        let audit = self.entry(by, "alerts.test", "alerts", "whoever is told of alerts was sent a test");
        self.store().append_audit(audit).await?;
        let alert = Alert {
            id: "test".to_owned(),
            kind: AlertKind::Test,
            text: format!("This is a test by {}: nothing is wrong", by.name),
            since: self.now(),
            provider_id: None,
            webhook_id: None,
            changes: Vec::new(),
        };
        Ok(notify::test(&self.core, &alert).await)
    }

    /// Open alerts, the oldest first.
    pub async fn alerts(&self) -> Outcome<AlertList> {
        let mut alerts: Vec<_> = open(&self.core)
            .await?
            .into_values()
            .filter(|(record, _)| record.calm < CALM)
            .map(|(record, _)| record.alert)
            .collect();
        alerts.sort_by_key(|alert| alert.since);
        Ok(AlertList { alerts })
    }
}
