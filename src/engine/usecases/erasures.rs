//! Forgetting a person, as work that goes on in the background.
//!
//! Who is to be forgotten is sealed in the erasure's record, and goes with the last step. The addresses
//! go first, while whoever asked waits; then every text is looked through, page by page. After a crash
//! it goes on with the page that was not noted as done: looking at it twice changes nothing.

use super::error::{Outcome, Refusal};
use super::persons::Dossier;
use super::redact::{Step, Words};
use crate::domain::audit::Actor;
use crate::domain::channel::Channel;
use crate::domain::ids::ErasureId;
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::store::StoreError;
use crate::store::documents::{DocumentChange, Shelf};
use crate::store::page::Order;
use crate::wire::ErrorType;
use crate::wire::transfer::{Erasure, ErasureList, ErasurePart};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// Pages that are looked at between two notes of how far it has come.
const PAGES: usize = 8;
/// Sentences on what is left; more are only counted.
const LEFT: usize = 1_000;
/// How long erasures that are over are listed.
const KEPT: Duration = Duration::from_hours(24 * 90);
/// Records that are looked at together for those to take up or to remove.
const LISTED: usize = 256;

/// An erasure as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    erasure: Erasure,
    /// Behind which record of the part it goes on.
    after: Option<String>,
    /// Sentences on what is left that found no room.
    unsaid: u64,
    /// Who asked, for the audit.
    actor: Actor,
    /// Who is to be forgotten; empty when it is over.
    sealed: Vec<u8>,
}

/// Who is to be forgotten.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Person {
    addresses: BTreeSet<(Channel, String)>,
    words: Words,
}

impl Person {
    fn of(dossier: Dossier) -> Self {
        let mut addresses: BTreeSet<(Channel, String)> = dossier.addresses.into_iter().collect();
        let mut words = Words::default();
        for user in &dossier.users {
            addresses.extend(user.email.clone().map(|email| (Channel::Email, email)));
            addresses.extend(user.phone.clone().map(|phone| (Channel::Sms, phone)));
            words.add(&user.name);
        }
        for target in &dossier.targets {
            words.add(&target.name);
        }
        addresses.extend(dossier.targets.into_iter().map(|target| (target.channel, target.identifier)));
        for (_, address) in &addresses {
            words.add(address);
        }
        Self { addresses, words }
    }
}

fn broken(error: impl std::fmt::Display) -> StoreError {
    StoreError::Damaged(format!("an erasure's record: {error}"))
}

fn decode(bytes: &[u8]) -> Result<Record, StoreError> {
    serde_json::from_slice(bytes).map_err(broken)
}

fn encode(record: &Record) -> Vec<u8> {
    serde_json::to_vec(record).expect("an erasure has no maps with keys that JSON cannot say")
}

fn sealed_for(id: &ErasureId) -> String {
    format!("erasure/{id}")
}

/// Takes up erasures that were on their way.
pub(crate) async fn recover(engine: &Engine) -> crate::engine::Result<()> {
    let mut after: Option<String> = None;
    loop {
        let store = engine.store();
        let page = store.documents(Shelf::Erasures, "", after.as_deref(), Order::Ascending, LISTED).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = Some(last.clone());
        for (_, bytes) in page {
            let record = decode(&bytes)?;
            if !record.erasure.is_over() {
                start(engine, record.erasure.id);
            }
        }
    }
}

/// Lets an erasure go on until it is over.
fn start(engine: &Engine, id: ErasureId) {
    let own = engine.clone();
    engine.core.spawn(async move {
        while !own.core.closing.is_cancelled() {
            match own.go_on(&id).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(erasure = %id, %error, "the erasure goes on in a second");
                    tokio::select! {
                        biased;
                        () = tokio::time::sleep(Duration::from_secs(1)) => {}
                        () = own.core.closing.cancelled() => return,
                    }
                }
            }
        }
    });
}

impl Engine {
    /// Forgets a person: every address of the user, not only the one that was
    /// named, and every text of the audit, of messages, drafts, operations, alerts and
    /// imports and every name of a file that quotes one of them or the name. Rows of the
    /// log, sealed ones too, refer to the record that is emptied. The addresses are gone when
    /// this returns; the rest goes on by itself.
    pub async fn erase_person(&self, by: &Actor, address: &str) -> Outcome<Erasure> {
        let dossier = self.dossier(address).await?;
        let mut held = !(dossier.users.is_empty() && dossier.targets.is_empty());
        let person = Person::of(dossier);
        let mut count = 0;
        for (channel, address) in &person.addresses {
            let records = self.store().identifiers_of(*channel, address).await?.len();
            let suppressed = self.store().suppressions_of(*channel, address).await?.len();
            count += (records + suppressed) as u64;
        }
        held |= count > 0;
        if !held {
            return Err(Refusal::new(ErrorType::NotFound, "Nothing is held under this address"));
        }
        self.sweep_erasures().await?;
        let id = ErasureId::new(self.new_id())?;
        let erasure = Erasure {
            id: id.clone(),
            by: by.name.clone(),
            created: self.now(),
            finished: None,
            count,
            part: ErasurePart::Addresses,
            looked: 0,
            changed: 0,
            left: vec![
                "what is in uploaded files, and in backups made before, was not looked at".to_owned(),
                "answers kept for repeated calls (Idempotency-Key) go within a day".to_owned(),
            ],
        };
        let secret = SecretString::from(serde_json::to_string(&person).map_err(broken)?);
        let sealed = self.store().seal(&sealed_for(&id), "person", &secret)?;
        let record = Record { erasure, after: None, unsaid: 0, actor: by.clone(), sealed };
        let change = DocumentChange::put(Shelf::Erasures, id.as_str(), encode(&record)).fresh();
        self.store().write_documents(vec![change], None).await?;
        self.go_on(&id).await?;
        start(self, id.clone());
        self.erasure(&id).await
    }

    /// An erasure.
    pub async fn erasure(&self, id: &ErasureId) -> Outcome<Erasure> {
        let found = self.store().document(Shelf::Erasures, id.as_str()).await?;
        let bytes = found
            .ok_or_else(|| Refusal::new(ErrorType::ErasureNotFound, format!("There is no erasure {id}")))?;
        Ok(decode(&bytes)?.erasure)
    }

    /// The newest erasures, newest first.
    pub async fn erasures(&self, limit: usize) -> Outcome<ErasureList> {
        let found = self.store().documents(Shelf::Erasures, "", None, Order::Descending, limit).await?;
        let erasures = found.iter().map(|(_, bytes)| Ok(decode(bytes)?.erasure)).collect::<Outcome<_>>()?;
        Ok(ErasureList { erasures })
    }

    /// Does the next step and notes it; false: there is none.
    async fn go_on(&self, id: &ErasureId) -> Outcome<bool> {
        let Some(before) = self.store().document(Shelf::Erasures, id.as_str()).await? else {
            return Ok(false);
        };
        let mut record = decode(&before)?;
        if record.erasure.is_over() {
            return Ok(false);
        }
        let secret = self.store().unseal(&sealed_for(id), "person", &record.sealed)?;
        let person: Person = serde_json::from_str(secret.expose_secret()).map_err(broken)?;
        let part = record.erasure.part;
        for _ in 0..PAGES {
            let step = self.step(&record, &person).await?;
            record.erasure.looked += step.looked;
            record.erasure.changed += step.changed;
            for sentence in step.left {
                if record.erasure.left.len() < LEFT {
                    record.erasure.left.push(sentence);
                } else {
                    record.unsaid += 1;
                }
            }
            record.after = step.next;
            if record.after.is_none() {
                record.erasure.part = if person.words.is_empty() { ErasurePart::Done } else { part.next() };
                break;
            }
        }
        let done = record.erasure.part == ErasurePart::Done;
        if done {
            record.erasure.finished = Some(self.now());
            record.sealed = Vec::new();
            if record.unsaid > 0 {
                record.erasure.left.push(format!("{} more that name them", record.unsaid));
            }
        }
        let change = DocumentChange::put(Shelf::Erasures, id.as_str(), encode(&record)).expecting(before);
        match self.store().write_documents(vec![change], None).await {
            // The same step was done twice at once: the other has noted it.
            Err(StoreError::Moved) => Ok(true),
            result => Ok(result.map(|()| !done)?),
        }
    }

    async fn step(&self, record: &Record, person: &Person) -> Outcome<Step> {
        let (words, after) = (&person.words, record.after.as_deref());
        match record.erasure.part {
            ErasurePart::Addresses => self.erase_addresses(&record.actor, person).await,
            ErasurePart::Messages => self.redact_messages(words, after).await,
            ErasurePart::Files => self.redact_files(words, after).await,
            ErasurePart::Imports => self.redact_imports(words).await,
            ErasurePart::Names => self.names_left(words).await,
            ErasurePart::Drafts => self.redact_shelf(words, Shelf::Drafts, after).await,
            ErasurePart::Operations => self.redact_shelf(words, Shelf::Operations, after).await,
            ErasurePart::Alerts => self.redact_shelf(words, Shelf::Alerts, after).await,
            ErasurePart::Webhooks => self.redact_shelf(words, Shelf::WebhookResults, after).await,
            ErasurePart::Audit => self.redact_audit(words, after).await,
            ErasurePart::Done => Ok(Step::default()),
        }
    }

    async fn erase_addresses(&self, by: &Actor, person: &Person) -> Outcome<Step> {
        for (channel, address) in &person.addresses {
            let known = self.store().target_by_address(*channel, address).await?.is_some()
                || !self.store().identifiers_of(*channel, address).await?.is_empty()
                || !self.store().suppressions_of(*channel, address).await?.is_empty();
            if known {
                // The audit must not keep what is being forgotten.
                let summary = format!("one person's {channel} address erased");
                let audit = self.entry(by, "person.erase", "person", summary);
                self.store().erase_address(*channel, address, audit).await?;
            }
        }
        Ok(Step::default())
    }

    /// Removes erasures that were over long ago.
    async fn sweep_erasures(&self) -> Outcome<()> {
        let now: Timestamp = self.now();
        let oldest = self.store().documents(Shelf::Erasures, "", None, Order::Ascending, LISTED).await?;
        let old = |bytes: &[u8]| {
            decode(bytes).is_ok_and(|record| {
                record.erasure.finished.is_some_and(|finished| now.since(finished) > KEPT)
            })
        };
        let gone: Vec<_> = oldest
            .into_iter()
            .filter(|(_, bytes)| old(bytes))
            .map(|(key, _)| DocumentChange::remove(Shelf::Erasures, key))
            .collect();
        if gone.is_empty() { Ok(()) } else { Ok(self.store().write_documents(gone, None).await?) }
    }
}
