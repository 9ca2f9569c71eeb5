//! All that is held of a person, written as it is read: no part is in memory as a whole that grows with
//! what was sent.

use super::answer::{Answered, stream};
use super::audit::entry;
use super::call::Call;
use super::deliveries::Names;
use super::present;
use crate::domain::delivery::LogRow;
use crate::domain::ids::{IdentifierNo, LogSeq};
use crate::domain::person::Target;
use crate::domain::validate::Invalid;
use crate::engine::Engine;
use crate::engine::usecases::persons::Dossier;
use crate::engine::usecases::{Outcome, Refusal};
use crate::store::catalog::SubscriberView;
use crate::store::history::LogQuery;
use crate::store::page::{Condition, PageRequest};
use crate::store::suppressions::SuppressionView;
use crate::wire::ErrorType;
use crate::wire::suppression::Suppression;
use crate::wire::transfer::Subscription;
use axum::body::Body;
use bytes::Bytes;
use serde::Serialize;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// Topics that are read at once.
const TOPICS: usize = 1000;
/// Rows of the log, or entries of the audit, that are read at once.
const PAGE: usize = 500;
/// Rows of the log that one look passes over at most.
const SCAN: usize = 1_000_000;
/// Pieces that wait for a slow reader.
const BACKLOG: usize = 4;

pub(crate) async fn export(call: Call) -> Answered {
    call.only_query(&["address"])?;
    let address = call.query("address").ok_or(Invalid::Missing("address"))?.to_owned();
    let engine = call.engine().clone();
    let dossier = engine.dossier(&address).await?;
    let held = Held::of(&engine, dossier).await?;
    if held.is_empty() {
        return Err(Refusal::new(ErrorType::NotFound, "Nothing is held under this address"));
    }
    let (pieces, receiver) = mpsc::channel(BACKLOG);
    tokio::spawn(async move {
        let mut out = Pieces { to: pieces, first: true };
        if let Err(Broken::Refused(refusal)) = write(&mut out, &engine, &address, held).await {
            tracing::warn!(error = %refusal, "the export of a person broke off");
            let _ = out.to.send(Err(io::Error::other(refusal.message))).await;
        }
    });
    Ok(stream("application/json", Body::from_stream(ReceiverStream::new(receiver))))
}

/// Who the person is, and where the rest is found: as much as one person has.
struct Held {
    dossier: Dossier,
    suppressions: Vec<Suppression>,
    identifiers: Vec<IdentifierNo>,
}

impl Held {
    async fn of(engine: &Engine, dossier: Dossier) -> Outcome<Self> {
        let store = engine.store();
        let mut addresses = dossier.addresses.clone();
        addresses.extend(dossier.targets.iter().map(|target| (target.channel, target.identifier.clone())));
        addresses.sort();
        addresses.dedup();
        let (mut suppressions, mut identifiers) = (Vec::new(), Vec::new());
        for (channel, address) in &addresses {
            let of = |target: &&Target| target.channel == *channel && target.identifier == *address;
            let target = dossier.targets.iter().find(of);
            for suppression in store.suppressions_of(*channel, address).await? {
                let target = target.map(|target| target.id.clone());
                suppressions.push(super::suppressions::shown(SuppressionView { suppression, target }));
            }
            identifiers.extend(store.identifiers_of(*channel, address).await?.iter().map(|one| one.no));
        }
        Ok(Self { dossier, suppressions, identifiers })
    }

    fn is_empty(&self) -> bool {
        self.dossier.users.is_empty()
            && self.dossier.targets.is_empty()
            && self.suppressions.is_empty()
            && self.identifiers.is_empty()
    }
}

/// Why an export ended early.
enum Broken {
    /// Nobody reads it any more.
    Unread,
    /// Something could not be read.
    Refused(Refusal),
}

impl<E: Into<Refusal>> From<E> for Broken {
    fn from(error: E) -> Self {
        Self::Refused(error.into())
    }
}

/// The document, piece by piece.
struct Pieces {
    to: mpsc::Sender<io::Result<Bytes>>,
    /// Nothing has been written to the list at hand.
    first: bool,
}

impl Pieces {
    async fn text(&mut self, text: impl Into<Bytes>) -> Result<(), Broken> {
        self.to.send(Ok(text.into())).await.map_err(|_| Broken::Unread)
    }

    /// Begins a list under a name.
    async fn list(&mut self, name: &str) -> Result<(), Broken> {
        self.first = true;
        self.text(format!(",\"{name}\":[")).await
    }

    async fn end(&mut self) -> Result<(), Broken> {
        self.text("]").await
    }

    /// Adds to the list.
    async fn items<T: Serialize>(&mut self, items: impl IntoIterator<Item = T>) -> Result<(), Broken> {
        let mut bytes = Vec::new();
        for item in items {
            if !std::mem::take(&mut self.first) {
                bytes.push(b',');
            }
            serde_json::to_writer(&mut bytes, &item).map_err(|error| unwritable(&error))?;
        }
        if bytes.is_empty() { Ok(()) } else { self.text(bytes).await }
    }
}

fn unwritable(error: &serde_json::Error) -> Refusal {
    Refusal::new(ErrorType::ServerError, format!("The answer cannot be written: {error}"))
}

async fn write(out: &mut Pieces, engine: &Engine, address: &str, held: Held) -> Result<(), Broken> {
    let Held { dossier, suppressions, identifiers } = held;
    let at = serde_json::to_string(&engine.now()).map_err(|error| unwritable(&error))?;
    let address = serde_json::to_string(address).map_err(|error| unwritable(&error))?;
    out.text(format!("{{\"at\":{at},\"address\":{address},\"cutShort\":false")).await?;
    out.list("users").await?;
    for user in dossier.users.iter().cloned() {
        let own = dossier.targets.iter().filter(|target| target.user_no == user.no).cloned().collect();
        out.items([present::user(user, own)]).await?;
    }
    out.end().await?;
    out.list("targets").await?;
    out.items(dossier.targets.iter().cloned().map(present::target)).await?;
    out.end().await?;
    out.list("suppressions").await?;
    out.items(suppressions).await?;
    out.end().await?;
    out.list("subscriptions").await?;
    subscriptions(out, engine, &dossier.targets).await?;
    out.end().await?;
    out.list("deliveries").await?;
    deliveries(out, engine, identifiers).await?;
    out.end().await?;
    out.list("audit").await?;
    for user in &dossier.users {
        audit(out, engine, &format!("user/{}", user.id)).await?;
    }
    for target in &dossier.targets {
        audit(out, engine, &format!("target/{}", target.id)).await?;
    }
    out.end().await?;
    out.text("}").await
}

/// Every topic that one of these targets is subscribed to.
async fn subscriptions(out: &mut Pieces, engine: &Engine, targets: &[Target]) -> Result<(), Broken> {
    let store = engine.store();
    let mut after = None;
    loop {
        let page = store.topics(PageRequest { after, limit: TOPICS, ..PageRequest::default() }).await?;
        for topic in page.items {
            for target in targets {
                // The page begins at this very target, so that it costs one look.
                let no = target.no;
                let only: Condition<SubscriberView> =
                    Arc::new(move |view: &SubscriberView| view.subscriber.target_no == no);
                let request = PageRequest {
                    after: no.0.checked_sub(1),
                    limit: 1,
                    scan: 1,
                    only: Some(only),
                    ..PageRequest::default()
                };
                let found = store.subscribers(&topic.id, request).await?;
                out.items(found.items.into_iter().map(|view| Subscription {
                    topic_id: topic.id.clone(),
                    address: target.identifier.clone(),
                    since: view.subscriber.created,
                }))
                .await?;
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// Rows of one identifier, a page at a time.
struct Rows {
    identifier: IdentifierNo,
    read: VecDeque<LogRow>,
    after: Option<LogSeq>,
    ended: bool,
}

impl Rows {
    /// Reads on until there is a row, or there are no more.
    async fn fill(&mut self, engine: &Engine) -> Outcome<()> {
        while self.read.is_empty() && !self.ended {
            let query = LogQuery {
                identifier: Some(self.identifier),
                after: self.after,
                limit: PAGE,
                scan: SCAN,
                ..LogQuery::default()
            };
            let page = engine.store().log(query).await?;
            (self.after, self.ended) = (page.next, page.next.is_none());
            self.read.extend(page.rows);
        }
        Ok(())
    }
}

/// What was sent to all of the identifiers, oldest first.
async fn deliveries(out: &mut Pieces, engine: &Engine, identifiers: Vec<IdentifierNo>) -> Result<(), Broken> {
    let rows = |identifier| Rows { identifier, read: VecDeque::new(), after: None, ended: false };
    let mut sources: Vec<Rows> = identifiers.into_iter().map(rows).collect();
    loop {
        let mut page = Vec::new();
        while page.len() < PAGE {
            for source in &mut sources {
                source.fill(engine).await?;
            }
            sources.retain(|source| !source.read.is_empty());
            let oldest = sources.iter_mut().min_by_key(|source| source.read.front().map(|row| row.seq));
            let Some(row) = oldest.and_then(|source| source.read.pop_front()) else { break };
            page.push(row);
        }
        if page.is_empty() {
            return Ok(());
        }
        out.items(Names::new(engine).await?.deliveries(engine, page).await?).await?;
    }
}

/// What was done to one of the person's records, newest first.
async fn audit(out: &mut Pieces, engine: &Engine, resource: &str) -> Result<(), Broken> {
    let mut after = None;
    loop {
        let page = engine.store().audit(Some(resource), after, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = Some(*last);
        out.items(page.into_iter().map(|(no, found)| entry(no, found))).await?;
    }
}
