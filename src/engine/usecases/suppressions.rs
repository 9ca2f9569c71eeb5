//! The suppression list: who is put on it and taken off.

use super::error::{Outcome, Refusal};
use super::persons::readings;
use crate::domain::audit::Actor;
use crate::domain::channel::Channel;
use crate::domain::ids::{OperationId, ProviderId, SuppressionId};
use crate::domain::suppression::{Suppress, Suppression, SuppressionCause};
use crate::domain::time::Timestamp;
use crate::domain::validate;
use crate::engine::Engine;
use crate::engine::operations::Listed;
use crate::store::page::PageRequest;
use crate::store::suppressions::{SuppressReceipt, SuppressionView};
use crate::wire::ErrorType;
use std::sync::Arc;

/// The most addresses that one transaction puts on the list, or takes off.
const STEP: usize = 1000;
/// Records that an undo shows.
const SHOWN: usize = 20;

/// What an undo takes back: all that a cause did between two times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undo {
    /// The cause.
    pub cause: SuppressionCause,
    /// Through this provider alone.
    pub provider: Option<ProviderId>,
    /// From then on.
    pub from: Timestamp,
    /// Until then; not with it.
    pub to: Timestamp,
}

impl Undo {
    /// Whether it takes a record back.
    pub fn takes(&self, record: &Suppression) -> bool {
        record.cause == self.cause
            && record.since >= self.from
            && record.since < self.to
            && self.provider.as_ref().is_none_or(|of| record.source.provider.as_ref() == Some(of))
    }

    fn words(&self) -> String {
        let through = self.provider.as_ref().map_or_else(String::new, |id| format!(" through {id}"));
        format!("{}{through} from {} to {}", self.cause, self.from, self.to)
    }

    /// As a filter over the list reads.
    fn filter(&self) -> String {
        let of = self.provider.as_ref().map_or_else(String::new, |id| format!(" provider={id}"));
        format!("cause={}{of} since={} until={}", self.cause.as_str(), self.from, self.to)
    }
}

/// What an undo takes back, or has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Undone {
    /// How many records.
    pub count: u64,
    /// The first of them.
    pub sample: Vec<SuppressionView>,
    /// The operation that it is listed as; `None`: nothing was done.
    pub operation: Option<OperationId>,
    /// When the oldest and the newest of them were put on the list.
    pub span: Option<(Timestamp, Timestamp)>,
}

/// The type of an address that was given without one, and its canonical form.
pub fn read_address(channel: Option<Channel>, address: &str) -> Option<(Channel, String)> {
    let found = readings(address);
    match channel {
        None => found.into_iter().next(),
        Some(Channel::Push) => found.into_iter().find(|(of, _)| *of == Channel::Push).or_else(|| {
            Some((Channel::Push, address.trim().to_owned()))
                .filter(|(_, text)| crate::domain::validate::device_token(text))
        }),
        Some(channel) => found.into_iter().find(|(of, _)| *of == channel),
    }
}

impl Engine {
    /// Puts addresses on the suppression list: what a receipt, a recipient or an
    /// operator says. (Bounces at dispatch are written by the commit that records
    /// them.) An address that is on it already for the same cause and topic stays
    /// as it is. The addresses must be valid for their type.
    pub async fn suppress(&self, by: &Actor, list: Vec<Suppress>) -> Outcome<SuppressReceipt> {
        let mut receipt = SuppressReceipt::default();
        let mut list = list.into_iter().peekable();
        while list.peek().is_some() {
            let step: Vec<_> = list.by_ref().take(STEP).collect();
            let audit = self.entry(by, "suppression.create", "suppression", summary(&step));
            let done = self.store().suppress(step, audit).await?;
            receipt.added.extend(done.added);
            receipt.known += done.known;
        }
        Ok(receipt)
    }

    /// Takes one record off the list.
    pub async fn lift(&self, by: &Actor, id: &SuppressionId) -> Outcome<()> {
        let view = self.store().suppression(id).await?;
        let record = view.suppression;
        let mut summary = format!("taken off the list: {}", record.cause);
        if let Some(topic) = &record.topic {
            summary = format!("{summary} from {topic}");
        }
        let audit = self.entry(by, "suppression.delete", format_args!("suppression/{id}"), summary);
        match self.store().lift(vec![id.clone()], audit).await? {
            0 => Err(Refusal::not_found(crate::store::RecordKind::Suppression, id.as_str())),
            _ => Ok(()),
        }
    }

    /// What an undo would take back.
    pub async fn preview_undo(&self, undo: &Undo) -> Outcome<Undone> {
        Ok(self.undoable(undo).await?.1)
    }

    /// Takes back all that a cause did between two times. `count` is what the
    /// preview showed: another number is refused, and nothing is done. It is listed as an
    /// operation, with `reason`.
    pub async fn undo_suppressions(
        &self,
        by: &Actor,
        undo: &Undo,
        count: u64,
        reason: &str,
    ) -> Outcome<Undone> {
        validate::line("reason", reason, 0, 512)?;
        let (ids, mut undone) = self.undoable(undo).await?;
        if undone.count != count {
            let text = format!("There are {} such suppressions now, not {count}: look again", undone.count);
            return Err(Refusal::new(ErrorType::Stale, text));
        }
        if count == 0 {
            return Ok(undone);
        }
        let mut listed = Listed::begin(self, by, undo.filter(), reason, &undone).await?;
        undone.operation = Some(listed.id().clone());
        undone.count = 0;
        let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        for step in ids.chunks(STEP) {
            let done = undone.count + step.len() as u64;
            let summary = format!("{done} of {count} undone: {}{why}", undo.words());
            let audit = self.entry(by, "suppression.undo", "suppression", summary);
            undone.count += self.store().lift(step.to_vec(), audit).await?;
            listed.progress(self, undone.count).await?;
        }
        listed.end(self).await?;
        Ok(undone)
    }

    async fn undoable(&self, undo: &Undo) -> Outcome<(Vec<SuppressionId>, Undone)> {
        let (mut ids, mut undone, mut after) = (Vec::new(), Undone::default(), None);
        loop {
            let wanted = undo.clone();
            let request = PageRequest {
                after,
                limit: STEP,
                only: Some(Arc::new(move |record: &Suppression| wanted.takes(record))),
                ..PageRequest::default()
            };
            let page = self.store().suppressions(request).await?;
            ids.extend(page.items.iter().map(|view| view.suppression.id.clone()));
            for since in page.items.iter().map(|view| view.suppression.since) {
                let (oldest, newest) = undone.span.unwrap_or((since, since));
                undone.span = Some((oldest.min(since), newest.max(since)));
            }
            let room = SHOWN.saturating_sub(undone.sample.len());
            undone.sample.extend(page.items.into_iter().take(room));
            after = page.next;
            if after.is_none() {
                undone.count = ids.len() as u64;
                return Ok((ids, undone));
            }
        }
    }
}

/// What is done, without an address: the audit outlives a person who is erased.
fn summary(list: &[Suppress]) -> String {
    let parts = SuppressionCause::ALL.into_iter().filter_map(|cause| {
        let of: Vec<_> = list.iter().filter(|one| one.cause == cause).collect();
        let first = of.first()?;
        let what = if of.len() == 1 { "1 address".to_owned() } else { format!("{} addresses", of.len()) };
        let mut text = format!("{what} suppressed: {cause}");
        if cause == SuppressionCause::Unsubscribe && !first.topics.is_empty() {
            let topics: Vec<&str> = first.topics.iter().map(AsRef::as_ref).collect();
            text = format!("{text} from {}", topics.join(", "));
        }
        if let Some(provider) = &first.source.provider {
            text = format!("{text}, as {provider} says");
        }
        Some(text)
    });
    parts.collect::<Vec<_>>().join("; ")
}
