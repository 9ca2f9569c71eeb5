//! Receipts: from a service's request to the delivery's timeline, the suppression
//! list and the guard.
//!
//! A report is looked up by the service's id of the message. One that comes before
//! the outcome of its delivery is recorded waits for that, and where it takes too
//! long the service is told to come again: none is lost. What is recorded is
//! recorded once, whoever repeats it.

use super::Engine;
use super::config::EngineConfig;
use super::core::{Core, lock};
use super::usecases::{Outcome, Refusal};
use crate::domain::audit::Actor;
use crate::domain::delivery::{LogDetail, Outcome as Said, Stage, hide_address};
use crate::domain::ids::{ProviderId, ProviderNo};
use crate::domain::provider::Provider;
use crate::domain::receipt::{Accepted, ReceiptCounts, ReceiptKey, Report};
use crate::domain::suppression::{Suppress, SuppressionCause, SuppressionSource};
use crate::providers::adapter::Account;
use crate::providers::receipts::{Incoming, ReceiptError, Received, receive};
use crate::store::StoreError;
use crate::store::receipts::{ReceiptEntry, Recorded, Traceable};
use crate::wire::ErrorType;
use bytes::Bytes;
use http::HeaderMap;
use ring::digest::{SHA256, digest};
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use url::Url;

/// How long a request waits for an outcome to be recorded.
const WAIT: Duration = Duration::from_secs(5);
/// Requests that wait at the same time; others are told to come again.
const WAITING: usize = 64;
/// What happened longer ago than this is recorded, or is not of ours.
const EARLY: Duration = Duration::from_mins(10);
/// Requests that are remembered, so that one that is repeated costs nothing.
const REMEMBERED: usize = 10_000;
/// How long a certificate is kept, and how many.
const CERTIFICATE: Duration = Duration::from_hours(24);
const CERTIFICATES: usize = 8;

/// The path at which a provider's receipts are taken; `token` proves those of a service that signs
/// nothing, else it is empty.
pub fn path(provider: &ProviderId, token: &str) -> String {
    if token.is_empty() {
        format!("/v1/receipts/{provider}")
    } else {
        format!("/v1/receipts/{provider}/{token}")
    }
}

/// The whole address that a service is told; `None`: nobody knows where the API is reached.
pub fn public_url(config: &EngineConfig, provider: &ProviderId, token: &str) -> Option<String> {
    let base = config.files.public_url.as_ref()?.trim_end_matches('/').trim_end_matches("/v1");
    Some(format!("{base}{}", path(provider, token)))
}

/// The key under which receipts find a delivery.
pub fn key(id: &str, address: &str) -> ReceiptKey {
    let id = id.trim_matches(['<', '>']);
    let mut found = ReceiptKey { id: [0; 8], tag: [0; 2] };
    found.id.copy_from_slice(&digest(&SHA256, id.as_bytes()).as_ref()[..8]);
    found.tag.copy_from_slice(&digest(&SHA256, plain(address).as_bytes()).as_ref()[..2]);
    found
}

/// An address as far as services agree on how it is written: mail in lower case, the digits of a number.
fn plain(address: &str) -> String {
    if address.contains('@') {
        return address.trim().to_lowercase();
    }
    let digits: String = address.chars().filter(char::is_ascii_digit).collect();
    digits.trim_start_matches('0').to_owned()
}

/// What became of the reports of one request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Taken {
    /// They stand in the log now.
    pub recorded: u64,
    /// They were there before.
    pub known: u64,
    /// They are of messages that are not ours, or too old.
    pub unknown: u64,
    /// They say nothing of what became of a message.
    pub ignored: u64,
}

impl Taken {
    fn add(&mut self, other: Self) {
        self.recorded += other.recorded;
        self.known += other.known;
        self.unknown += other.unknown;
        self.ignored += other.ignored;
    }
}

/// What a provider's requests came to since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReceiptTally {
    /// Of those that came from the service.
    pub taken: Taken,
    /// What was recorded, by what it said.
    pub said: ReceiptCounts,
    /// Requests that were not believed.
    pub refused: u64,
}

/// Requests that were taken, and their order.
#[derive(Debug, Default)]
struct Remembered {
    known: HashSet<[u8; 32]>,
    order: VecDeque<[u8; 32]>,
}

/// What is kept in memory for receipts.
#[derive(Debug)]
pub(crate) struct ReceiptDesk {
    remembered: Mutex<Remembered>,
    certificates: Mutex<BTreeMap<String, (Instant, Bytes)>>,
    waiting: Semaphore,
    tallies: Mutex<BTreeMap<ProviderNo, ReceiptTally>>,
}

impl Default for ReceiptDesk {
    fn default() -> Self {
        Self {
            remembered: Mutex::default(),
            certificates: Mutex::default(),
            waiting: Semaphore::new(WAITING),
            tallies: Mutex::default(),
        }
    }
}

impl ReceiptDesk {
    fn knows(&self, once: &[u8; 32]) -> bool {
        lock(&self.remembered).known.contains(once)
    }

    fn remember(&self, once: [u8; 32]) {
        let mut remembered = lock(&self.remembered);
        if remembered.known.insert(once) {
            remembered.order.push_back(once);
        }
        if remembered.order.len() > REMEMBERED
            && let Some(oldest) = remembered.order.pop_front()
        {
            remembered.known.remove(&oldest);
        }
    }

    fn tally(&self, provider: ProviderNo, count: impl FnOnce(&mut ReceiptTally)) {
        count(lock(&self.tallies).entry(provider).or_default());
    }

    async fn certificate(&self, core: &Core, url: &Url, allow_private: bool) -> Result<Bytes, String> {
        let known = lock(&self.certificates).get(url.as_str()).cloned();
        if let Some((_, certificate)) = known.filter(|(since, _)| since.elapsed() < CERTIFICATE) {
            return Ok(certificate);
        }
        let certificate = core.config.outgoing.get(url, allow_private).await?;
        let mut certificates = lock(&self.certificates);
        if certificates.len() >= CERTIFICATES {
            certificates.clear();
        }
        certificates.insert(url.to_string(), (Instant::now(), certificate.clone()));
        Ok(certificate)
    }
}

/// Where somebody's report stands.
enum Found {
    Delivery(Traceable),
    /// Not recorded yet, or not ours: something of the provider is under way.
    Early,
    Unknown,
}

impl Engine {
    /// Takes a request that says it brings receipts of a provider. `url`: as the service
    /// called it; `token`: what stands behind the provider's id in its path.
    ///
    /// # Errors
    /// `receipt_refused`: it does not come from the service. `receipt_too_early`: some of it is of
    /// deliveries that are being recorded; the service should come again.
    pub async fn take_receipts(
        &self,
        id: &ProviderId,
        url: &str,
        token: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Outcome<Taken> {
        let core = &self.core;
        let provider = core.store.provider(id).await?;
        let desk = &core.receipts;
        let incoming = Incoming { url, token, headers, body };
        let received = match self.verify(&provider, &incoming).await {
            Ok(received) => received,
            Err(refusal) => {
                desk.tally(provider.no, |tally| tally.refused += 1);
                return Err(refusal);
            }
        };
        if let Some(confirm) = &received.confirm {
            let allow_private = core.config.allows_private(&provider);
            core.config.outgoing.get(confirm, allow_private).await.map_err(|problem| {
                Refusal::new(
                    ErrorType::ReceiptEarly,
                    format!("The subscription was not confirmed: {problem}"),
                )
            })?;
            let audit = self.entry(
                &Actor::engine(),
                "provider.receipts",
                format_args!("provider/{id}"),
                "the subscription to receipts was confirmed",
            );
            core.store.append_audit(audit).await?;
        }
        let once = received.once.as_ref().map(|once| {
            let mut of = [0; 32];
            of.copy_from_slice(digest(&SHA256, format!("{} {once}", provider.no).as_bytes()).as_ref());
            of
        });
        let mut taken = Taken::default();
        if once.is_some_and(|once| desk.knows(&once)) {
            taken.known = received.reports.len() as u64;
        } else {
            let mut early = false;
            for report in &received.reports {
                match self.take(&provider, report).await? {
                    Some(one) => taken.add(one),
                    None => early = true,
                }
            }
            if early {
                desk.tally(provider.no, |tally| tally.taken.add(taken));
                return Err(Refusal::new(
                    ErrorType::ReceiptEarly,
                    "Some of it is of messages whose outcome is being recorded: send it again in a while",
                ));
            }
            if let Some(once) = once {
                desk.remember(once);
            }
        }
        desk.tally(provider.no, |tally| tally.taken.add(taken));
        Ok(taken)
    }

    /// What a provider's requests with receipts came to since the start.
    pub fn receipt_tally(&self, provider: ProviderNo) -> ReceiptTally {
        lock(&self.core.receipts.tallies).get(&provider).copied().unwrap_or_default()
    }

    async fn verify(&self, provider: &Provider, incoming: &Incoming<'_>) -> Outcome<Received> {
        let core = &self.core;
        let allow_private = core.config.allows_private(provider);
        let credentials = core.store.credentials(provider.no).await?;
        let account = Account { provider: provider.clone(), credentials, allow_private, receipts_url: None };
        let now = core.clock.now();
        let refused = |error: &ReceiptError| {
            let kind = match error {
                ReceiptError::NotSetUp(_) => ErrorType::ReceiptsNotSetUp,
                ReceiptError::Unreadable(_) => ErrorType::ArgumentInvalid,
                _ => ErrorType::ReceiptRefused,
            };
            Refusal::new(kind, format!("Provider {}: {error}", provider.id))
        };
        match receive(&account, incoming, now, None) {
            Err(ReceiptError::Certificate(url)) => {
                let certificate = core.receipts.certificate(core, &url, allow_private).await;
                let certificate = certificate.map_err(|problem| {
                    let text = format!("The certificate at {url} cannot be had: {problem}");
                    Refusal::new(ErrorType::ReceiptEarly, text)
                })?;
                receive(&account, incoming, now, Some(&certificate)).map_err(|error| refused(&error))
            }
            other => other.map_err(|error| refused(&error)),
        }
    }

    /// Takes one report. `None`: its delivery may be recorded in a while.
    async fn take(&self, provider: &Provider, report: &Report) -> Outcome<Option<Taken>> {
        let none = Taken::default();
        let Some(outcome) = report.outcome() else { return Ok(Some(Taken { ignored: 1, ..none })) };
        let found = match self.find_delivery(provider, report).await? {
            Found::Delivery(found) => found,
            Found::Early => return Ok(None),
            Found::Unknown => return Ok(Some(Taken { unknown: 1, ..none })),
        };
        let core = &self.core;
        let accepted = &found.accepted;
        let known = core.store.identifiers(&[accepted.identifier]).await?;
        let address = known.into_iter().flatten().next().map(|known| known.address).unwrap_or_default();
        let said = hide_address(report.said.clone(), &address);
        // Before it is recorded: repeated, it would be known, and nobody suppressed.
        if !address.is_empty() {
            self.suppress_for(provider, accepted, outcome, &address, &said).await?;
        }
        let now = core.clock.now();
        let happened = report.at.unwrap_or(now).clamp(accepted.at.min(now), now);
        let entry = ReceiptEntry {
            provider: provider.no,
            place: found.place,
            outcome,
            detail: LogDetail {
                answer: said,
                code: report.code,
                provider_id: report.id.clone(),
                stage: Stage::Receipt,
                ..LogDetail::default()
            },
            happened,
            at: now,
        };
        Ok(Some(match core.store.record_receipt(entry).await? {
            Recorded::New { tripped } => {
                core.receipts.tally(provider.no, |tally| tally.said.add(outcome));
                if let Some(tripped) = tripped {
                    tracing::warn!(provider = %provider.id, %tripped, "bulk is stopped");
                    core.desk(provider.no).touch_all();
                }
                Taken { recorded: 1, ..none }
            }
            Recorded::Known => Taken { known: 1, ..none },
            Recorded::Gone => Taken { unknown: 1, ..none },
        }))
    }

    /// The delivery that a report is of; waits for one that is being recorded.
    async fn find_delivery(&self, provider: &Provider, report: &Report) -> Outcome<Found> {
        let core = &self.core;
        let until = Instant::now() + WAIT;
        let mut changes = core.changes.clone();
        let mut seat = None;
        loop {
            let log = changes.borrow_and_update().log;
            // Looked at first: what was under way then and is not found is not ours.
            let recent = report.at.is_none_or(|at| core.clock.now().since(at) < EARLY);
            let windows = if recent { core.store.open_windows().await? } else { Vec::new() };
            let under_way = windows.iter().any(|window| window.lane.provider == provider.no);
            if let Some(found) = self.look_up(provider.no, report).await? {
                return Ok(Found::Delivery(found));
            }
            if !under_way {
                return Ok(Found::Unknown);
            }
            if seat.is_none() {
                seat = core.receipts.waiting.try_acquire().ok();
            }
            if seat.is_none() || Instant::now() >= until {
                return Ok(Found::Early);
            }
            tokio::select! {
                biased;
                () = core.closing.cancelled() => return Ok(Found::Early),
                () = tokio::time::sleep_until(until) => {}
                result = changes.wait_for(|changes| changes.log != log) => if result.is_err() {
                    return Ok(Found::Early);
                },
            }
        }
    }

    async fn look_up(&self, provider: ProviderNo, report: &Report) -> Outcome<Option<Traceable>> {
        for id in [&report.id, &report.reference] {
            if id.is_empty() {
                continue;
            }
            let mut found = self.core.store.traced(provider, key(id, &report.address)).await?;
            if found.len() == 1 {
                return Ok(found.pop());
            }
            let numbers: Vec<_> = found.iter().map(|one| one.accepted.identifier).collect();
            let known = self.core.store.identifiers(&numbers).await?;
            let wanted = plain(&report.address);
            let place = known.iter().position(|known| {
                known.as_ref().is_some_and(|known| !wanted.is_empty() && plain(&known.address) == wanted)
            });
            if let Some(place) = place {
                return Ok(Some(found.swap_remove(place)));
            }
        }
        Ok(None)
    }

    async fn suppress_for(
        &self,
        provider: &Provider,
        accepted: &Accepted,
        outcome: Said,
        address: &str,
        said: &str,
    ) -> Outcome<()> {
        let cause = match outcome {
            Said::Bounced => SuppressionCause::HardBounce,
            Said::Complained => SuppressionCause::Complaint,
            Said::Unsubscribed => SuppressionCause::Unsubscribe,
            _ => return Ok(()),
        };
        let message = match self.store().message_by_no(accepted.message).await {
            Ok(message) => Some(message),
            Err(StoreError::NotFound { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let suppress = Suppress {
            channel: provider.channel,
            address: address.to_owned(),
            cause,
            topics: message.as_ref().map(|message| message.topics.clone()).unwrap_or_default(),
            source: SuppressionSource {
                provider: Some(provider.id.clone()),
                message: message.map(|message| message.id),
                said: said.to_owned(),
                by: "receipt".to_owned(),
            },
            note: String::new(),
        };
        // A replay after somebody was taken off the list must not put them on it again.
        let bit = crate::domain::receipt::seen(outcome);
        if accepted.seen & bit == 0 {
            self.suppress(&Actor::engine(), vec![suppress]).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_as_services_write_them() {
        assert_eq!(key("<a@b>", "Ana@Example.com"), key("a@b", "ana@example.com"));
        assert_eq!(key("x", "+49 151 23"), key("x", "004915123"));
        assert_ne!(key("x", "+4915123").tag, key("x", "+4915124").tag);
        assert_ne!(key("x", "").id, key("y", "").id);
    }
}
