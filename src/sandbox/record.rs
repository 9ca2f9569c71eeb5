//! What arrived: counted exactly, for millions, and asked for afterwards.
//!
//! An *arrival* is one recipient of one accepted message. Recipients and references
//! (an email's Message-ID, an SMS's or a notification's `reference`) are counted by a
//! 64-bit hash, some 30 bytes each however long they are; with ten million of them,
//! the chance that any two share a hash is below one in 100,000.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::chance::hash_of;
use super::ledger::Ledger;
use super::timeline::{Second, Timeline};

/// Copies are named one by one up to this many; beyond, only counted.
const NAMED_COPIES: usize = 10_000;

/// What kind of message arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A mail over SMTP.
    Email,
    /// A text message.
    Sms,
    /// A push notification.
    Push,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Push => "push",
        }
    }
}

/// A message as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What it is.
    pub kind: Kind,
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// SMTP: the sender of the envelope; else empty.
    pub from: String,
    /// Who gets it.
    pub recipients: Vec<String>,
    /// Message-ID without its angle brackets, or the reference; empty if it has none.
    pub reference: String,
    /// A mail's content, dots unstuffed; else the recipient's part of the request, as JSON.
    pub content: Vec<u8>,
}

/// A reference that arrived more than once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copies {
    /// The Message-ID or reference.
    pub reference: String,
    /// How often it arrived.
    pub count: u32,
}

/// The figures of all that arrived. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Accepted messages: a mail counts once, each recipient of an HTTP request once.
    pub messages: u64,
    /// Accepted recipients.
    pub arrivals: u64,
    /// Arrivals of emails.
    pub email: u64,
    /// Arrivals of text messages.
    pub sms: u64,
    /// Arrivals of push notifications.
    pub push: u64,
    /// Bytes of content.
    pub bytes: u64,
    /// Different recipients.
    pub recipients: u64,
    /// Different references.
    pub references: u64,
    /// References that arrived more than once.
    pub duplicated: u64,
    /// Messages beyond the first of their reference.
    pub surplus: u64,
    /// Messages that bore no reference.
    pub without_reference: u64,
    /// Lines that could not be written to the ledger.
    pub ledger_errors: u64,
    /// When the first came.
    pub first_ms: Option<u64>,
    /// When the last came.
    pub last_ms: Option<u64>,
}

/// The keys are hashes already.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        self.0 = hash_of(self.0, bytes);
    }
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

type Counts = HashMap<u64, u32, BuildHasherDefault<AsIs>>;

/// The record of what arrived at a sandbox.
#[derive(Debug)]
pub struct Record {
    started: Instant,
    started_ms: u64,
    keep: usize,
    inner: Mutex<Inner>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    summary: Summary,
    recipients: Counts,
    references: Counts,
    copies: BTreeMap<u64, Copies>,
    timeline: Timeline,
    kept: VecDeque<Kept>,
    ledger: Option<Ledger>,
}

/// A mail to record.
pub(super) struct Mail<'a> {
    pub(super) from: &'a str,
    pub(super) recipients: &'a [String],
    pub(super) reference: &'a str,
    pub(super) content: &'a [u8],
}

/// A text message or notification to one recipient, to record.
pub(super) struct Note<'a> {
    pub(super) recipient: &'a str,
    pub(super) reference: &'a str,
    /// The bytes of its text, title and body.
    pub(super) size: usize,
}

impl Record {
    /// A record that keeps the content of the last `keep` messages, and appends every
    /// arrival to the ledger if there is one.
    pub(super) fn new(keep: usize, ledger: Option<&Path>) -> std::io::Result<Self> {
        let inner = Inner { ledger: ledger.map(Ledger::open).transpose()?, ..Inner::default() };
        Ok(Self {
            started: Instant::now(),
            started_ms: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64),
            keep,
            inner: Mutex::new(inner),
            arrived: Notify::new(),
        })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a mail; its number, from 1.
    pub(super) fn mail(&self, mail: &Mail<'_>) -> u64 {
        let inner = &mut *self.inner();
        // Under the lock, so that the timeline never goes back.
        let since = self.started.elapsed();
        let at_ms = self.started_ms + since.as_millis() as u64;
        inner.count_message(mail.reference, mail.content.len());
        for recipient in mail.recipients {
            inner.count_arrival(Kind::Email, recipient, since, at_ms);
            if let Some(ledger) = &mut inner.ledger {
                ledger.add(at_ms, Kind::Email, recipient, mail.reference, mail.content.len());
            }
        }
        inner.write_ledger();
        if self.keep > 0 {
            inner.keep(
                self.keep,
                Kept {
                    kind: Kind::Email,
                    at_ms,
                    from: mail.from.to_owned(),
                    recipients: mail.recipients.to_vec(),
                    reference: mail.reference.to_owned(),
                    content: mail.content.to_vec(),
                },
            );
        }
        let number = inner.summary.messages;
        self.arrived.notify_waiters();
        number
    }

    /// Records the accepted recipients of one HTTP request; the number of the first, from 1.
    /// `content` is asked for each note's own, only if it is kept.
    pub(super) fn notes(&self, kind: Kind, notes: &[Note<'_>], content: impl Fn(usize) -> Vec<u8>) -> u64 {
        let inner = &mut *self.inner();
        let since = self.started.elapsed();
        let at_ms = self.started_ms + since.as_millis() as u64;
        let first = inner.summary.messages + 1;
        for (index, note) in notes.iter().enumerate() {
            inner.count_message(note.reference, note.size);
            inner.count_arrival(kind, note.recipient, since, at_ms);
            if let Some(ledger) = &mut inner.ledger {
                ledger.add(at_ms, kind, note.recipient, note.reference, note.size);
            }
            if self.keep > 0 {
                inner.keep(
                    self.keep,
                    Kept {
                        kind,
                        at_ms,
                        from: String::new(),
                        recipients: vec![note.recipient.to_owned()],
                        reference: note.reference.to_owned(),
                        content: content(index),
                    },
                );
            }
        }
        inner.write_ledger();
        self.arrived.notify_waiters();
        first
    }

    /// The figures.
    pub fn summary(&self) -> Summary {
        let inner = self.inner();
        Summary {
            recipients: inner.recipients.len() as u64,
            references: inner.references.len() as u64,
            ..inner.summary.clone()
        }
    }

    /// Accepted recipients so far.
    pub fn arrivals(&self) -> u64 {
        self.inner().summary.arrivals
    }

    /// How often this recipient got something.
    pub fn recipient(&self, address: &str) -> u32 {
        let key = hash_of(0, address.as_bytes());
        self.inner().recipients.get(&key).copied().unwrap_or(0)
    }

    /// How often this Message-ID (with or without its angle brackets) or reference arrived.
    pub fn reference(&self, reference: &str) -> u32 {
        let key = hash_of(0, bare(reference).as_bytes());
        self.inner().references.get(&key).copied().unwrap_or(0)
    }

    /// What arrived more than once, by name; the first 10,000 of them.
    /// [`Summary::duplicated`] counts all.
    pub fn copies(&self) -> Vec<Copies> {
        self.inner().copies.values().cloned().collect()
    }

    /// Those of `addresses` that got nothing.
    pub fn missing_recipients<S: AsRef<str>>(&self, addresses: impl IntoIterator<Item = S>) -> Vec<S> {
        let inner = self.inner();
        addresses
            .into_iter()
            .filter(|a| !inner.recipients.contains_key(&hash_of(0, a.as_ref().as_bytes())))
            .collect()
    }

    /// Those of `references` that have not arrived.
    pub fn missing_references<S: AsRef<str>>(&self, references: impl IntoIterator<Item = S>) -> Vec<S> {
        let inner = self.inner();
        references
            .into_iter()
            .filter(|r| !inner.references.contains_key(&hash_of(0, bare(r.as_ref()).as_bytes())))
            .collect()
    }

    /// Arrivals of each second in which something arrived, in order. Seconds since 1970.
    pub fn per_second(&self) -> Vec<Second> {
        self.inner().timeline.per_second(self.started_ms)
    }

    /// The most arrivals within any window of this length, to the millisecond.
    pub fn most_within(&self, window: Duration) -> u64 {
        self.inner().timeline.most_within(window)
    }

    /// The last messages that were kept, the oldest first; at most `n`.
    pub fn last(&self, n: usize) -> Vec<Kept> {
        let inner = self.inner();
        let skip = inner.kept.len().saturating_sub(n);
        inner.kept.iter().skip(skip).cloned().collect()
    }

    /// Waits until `arrivals` have arrived in all, at most `deadline`; whether they have.
    pub async fn wait_for(&self, arrivals: u64, deadline: Duration) -> bool {
        let arrived = async {
            loop {
                let notified = self.arrived.notified();
                tokio::pin!(notified);
                // Registered before the look, so that nothing falls between.
                notified.as_mut().enable();
                if self.arrivals() >= arrivals {
                    return;
                }
                notified.await;
            }
        };
        tokio::time::timeout(deadline, arrived).await.is_ok()
    }

    /// Forgets all that arrived; the ledger stays as it is.
    pub fn clear(&self) {
        let inner = &mut *self.inner();
        let ledger = inner.ledger.take();
        *inner = Inner { ledger, ..Inner::default() };
    }
}

impl Inner {
    fn count_message(&mut self, reference: &str, size: usize) {
        self.summary.messages += 1;
        self.summary.bytes += size as u64;
        if reference.is_empty() {
            self.summary.without_reference += 1;
            return;
        }
        let key = hash_of(0, reference.as_bytes());
        let count = self.references.entry(key).or_insert(0);
        *count = count.saturating_add(1);
        if *count == 1 {
            return;
        }
        self.summary.surplus += 1;
        self.summary.duplicated += u64::from(*count == 2);
        if let Some(copies) = self.copies.get_mut(&key) {
            copies.count = *count;
        } else if self.copies.len() < NAMED_COPIES {
            self.copies.insert(key, Copies { reference: reference.to_owned(), count: *count });
        }
    }

    fn count_arrival(&mut self, kind: Kind, recipient: &str, since: Duration, at_ms: u64) {
        let summary = &mut self.summary;
        summary.arrivals += 1;
        match kind {
            Kind::Email => summary.email += 1,
            Kind::Sms => summary.sms += 1,
            Kind::Push => summary.push += 1,
        }
        summary.first_ms.get_or_insert(at_ms);
        summary.last_ms = Some(at_ms);
        let count = self.recipients.entry(hash_of(0, recipient.as_bytes())).or_insert(0);
        *count = count.saturating_add(1);
        self.timeline.add(since);
    }

    fn write_ledger(&mut self) {
        if let Some(ledger) = &mut self.ledger
            && let Err(lost) = ledger.write()
        {
            if self.summary.ledger_errors == 0 {
                tracing::error!(error = %lost.source, "the sandbox cannot write its ledger");
            }
            self.summary.ledger_errors += lost.lines;
        }
    }

    fn keep(&mut self, limit: usize, message: Kept) {
        if self.kept.len() >= limit {
            self.kept.pop_front();
        }
        self.kept.push_back(message);
    }
}

/// A Message-ID without its angle brackets.
pub(super) fn bare(reference: &str) -> &str {
    reference.strip_prefix('<').and_then(|r| r.strip_suffix('>')).unwrap_or(reference)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(record: &Record, to: &[&str], reference: &str) {
        let recipients: Vec<String> = to.iter().map(ToString::to_string).collect();
        record.mail(&Mail { from: "a@example.test", recipients: &recipients, reference, content: b"x" });
    }

    #[test]
    fn counts_recipients_and_references() {
        let record = Record::new(2, None).unwrap();
        mail(&record, &["a@x.test", "b@x.test"], "1@h");
        mail(&record, &["a@x.test"], "2@h");
        mail(&record, &["c@x.test"], "2@h");
        mail(&record, &["c@x.test"], "");
        let summary = record.summary();
        assert_eq!(summary.messages, 4);
        assert_eq!(summary.arrivals, 5);
        assert_eq!(summary.recipients, 3);
        assert_eq!(summary.references, 2);
        assert_eq!((summary.duplicated, summary.surplus, summary.without_reference), (1, 1, 1));
        assert_eq!(record.recipient("a@x.test"), 2);
        assert_eq!(record.reference("<2@h>"), 2);
        assert_eq!(record.reference("3@h"), 0);
        assert_eq!(record.copies(), [Copies { reference: "2@h".into(), count: 2 }]);
        assert_eq!(record.missing_references(["1@h", "<2@h>", "9@h"]), ["9@h"]);
        assert_eq!(record.missing_recipients(["z@x.test", "a@x.test"]), ["z@x.test"]);
        assert_eq!(record.last(9).len(), 2);
        assert_eq!(record.last(1)[0].reference, "");
        record.clear();
        assert_eq!(record.summary(), Summary::default());
    }

    #[tokio::test]
    async fn waits_for_what_comes_and_not_for_ever() {
        let record = Record::new(0, None).unwrap();
        assert!(!record.wait_for(1, Duration::from_millis(5)).await);
        let later = async {
            tokio::task::yield_now().await;
            mail(&record, &["a@x.test"], "1@h");
        };
        let (came, ()) = tokio::join!(record.wait_for(1, Duration::from_secs(30)), later);
        assert!(came);
    }
}
