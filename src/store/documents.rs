//! Small documents of Herald's own affairs: operations, drafts, endpoints, what
//! is to be delivered to them, alerts. Whoever writes them decides what is in them.

use super::error::Result;
use super::page::Order;
use crate::domain::audit::AuditEntry;
use crate::domain::ids::{MessageNo, ProviderNo, RunNo, TargetNo, WaitNo};
use crate::domain::message::{Message, Progress};
use crate::domain::plan::PackedRun;
use crate::domain::time::Timestamp;
use async_trait::async_trait;
use secrecy::SecretString;
use std::fmt;
use std::sync::Arc;

/// A shelf: documents of one kind, in order of their keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Shelf {
    /// Operations over deliveries, by id.
    Operations = 1,
    /// Whom operations are for: `operation/number`.
    OperationSets = 2,
    /// Drafts of the composer: `operator/id`.
    Drafts = 3,
    /// Endpoints that are told when a message ends, by id.
    Webhooks = 4,
    /// What is still to be delivered to them: `due/number`.
    WebhookQueue = 5,
    /// What became of deliveries to them: `endpoint/number`.
    WebhookResults = 6,
    /// Alerts, by what they are about.
    Alerts = 7,
    /// How recipients are shared out among providers: one document, `routing`.
    Routing = 8,
    /// People who are being forgotten, and who were, by id.
    Erasures = 9,
    /// Sealed keys that sign links, by what the links are for.
    LinkKeys = 20,
}

/// A change of one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentChange {
    /// Where it is.
    pub shelf: Shelf,
    /// Its key.
    pub key: String,
    /// What it says from now on; `None`: it goes.
    pub value: Option<Vec<u8>>,
    /// What it must say now; `None`: whatever it says.
    pub expect: Option<Expected>,
}

/// What a document must say for a change to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// There is none.
    Nothing,
    /// Exactly this.
    Value(Vec<u8>),
}

impl DocumentChange {
    /// Writes a document, whatever it said.
    pub fn put(shelf: Shelf, key: impl Into<String>, value: Vec<u8>) -> Self {
        Self { shelf, key: key.into(), value: Some(value), expect: None }
    }

    /// Removes a document.
    pub fn remove(shelf: Shelf, key: impl Into<String>) -> Self {
        Self { shelf, key: key.into(), value: None, expect: None }
    }

    /// The same, made only if the document says this now.
    #[must_use]
    pub fn expecting(self, value: Vec<u8>) -> Self {
        Self { expect: Some(Expected::Value(value)), ..self }
    }

    /// The same, made only if there is no such document yet.
    #[must_use]
    pub fn fresh(self) -> Self {
        Self { expect: Some(Expected::Nothing), ..self }
    }
}

/// Somebody whose delivery is over, and who is to be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Again {
    /// The target.
    pub target: TargetNo,
    /// Named directly: leaving the topics does not take it out.
    pub direct: bool,
    /// Through which provider from now on.
    pub provider: ProviderNo,
    /// How the delivery was counted.
    pub counted: CountedAs,
    /// In whose lane it was counted.
    pub lane: ProviderNo,
}

/// How a delivery that is over was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum CountedAs {
    /// As failed.
    Failed,
    /// As uncertain: another copy may be the second.
    Uncertain,
}

impl CountedAs {
    /// One such delivery.
    pub fn one(self) -> Progress {
        match self {
            Self::Failed => Progress { failed: 1, ..Progress::default() },
            Self::Uncertain => Progress { uncertain: 1, ..Progress::default() },
        }
    }
}

/// People of one run of a message's plan, who may be unclaimed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PlannedSet {
    /// In whose lane.
    pub provider: ProviderNo,
    /// The run of the plan.
    pub run: RunNo,
    /// Who of it.
    pub people: PackedRun,
}

/// What an operation does to people of one message.
#[derive(Clone)]
pub struct OperationStep {
    /// Of which message.
    pub message: MessageNo,
    /// Those who wait. Who no longer waits under this number is passed over.
    pub waiting: Vec<WaitNo>,
    /// Those of one run of the plan, if they are still unclaimed.
    pub planned: Option<PlannedSet>,
    /// What is decided for those who wait, and for those who were not claimed yet.
    pub decision: super::dispatch::Decision,
    /// Those whose delivery is over: the message must still be as it ended in
    /// this run, else all of them are passed over.
    pub again: Option<(u16, Vec<Again>)>,
    /// The operation's own document after so many were reached; in the same commit.
    pub progress: Arc<dyn Fn(u64) -> DocumentChange + Send + Sync>,
    /// Now.
    pub at: Timestamp,
}

impl fmt::Debug for OperationStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperationStep")
            .field("message", &self.message)
            .field("waiting", &self.waiting.len())
            .field("planned", &self.planned.as_ref().map(|set| set.people.len))
            .field("decision", &self.decision)
            .field("again", &self.again.as_ref().map(|(_, list)| list.len()))
            .finish_non_exhaustive()
    }
}

/// What a step of an operation did.
#[derive(Debug, Clone)]
pub struct OperationReceipt {
    /// How many it reached.
    pub reached: u64,
    /// The message as it stands; `None`: it is gone.
    pub message: Option<Message>,
}

/// A message that has ended, and of which endpoints have not been told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// The place in the order of ends.
    pub no: u64,
    /// Which message.
    pub message: MessageNo,
    /// Which run of it ended.
    pub run: u16,
    /// When.
    pub at: Timestamp,
}

/// Small documents.
#[async_trait]
pub trait Documents {
    /// A document.
    async fn document(&self, shelf: Shelf, key: &str) -> Result<Option<Vec<u8>>>;
    /// Documents whose keys begin with `prefix`, in the order of their keys, beyond `after`.
    async fn documents(
        &self,
        shelf: Shelf,
        prefix: &str,
        after: Option<&str>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>>;
    /// Changes documents in one transaction. `Err(Moved)`: one of them does not
    /// say what was expected, and nothing is written.
    async fn write_documents(&self, changes: Vec<DocumentChange>, audit: Option<AuditEntry>) -> Result<()>;
    /// Does a step of an operation, and notes its progress, in one transaction.
    /// `Err(Moved)`: the operation's document does not say what was expected.
    async fn operate(&self, step: OperationStep) -> Result<OperationReceipt>;
    /// Ends of messages that endpoints are to be told, oldest first. They are
    /// noted, in the transaction that ends the message, while there is an endpoint.
    async fn ended(&self, limit: usize) -> Result<Vec<Ended>>;
    /// Seals a secret for one field of one record, to be kept in a document.
    fn seal(&self, record: &str, field: &str, secret: &SecretString) -> Result<Vec<u8>>;
    /// Opens what was sealed for this field of this record.
    fn unseal(&self, record: &str, field: &str, sealed: &[u8]) -> Result<SecretString>;
    /// Takes ends off the list, and writes what follows from them, in one transaction.
    async fn take_ended(&self, ends: Vec<u64>, changes: Vec<DocumentChange>) -> Result<()>;
}
