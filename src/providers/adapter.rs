//! What every adapter does: compile content once, send it to recipients, and say
//! what became of each.

use crate::domain::channel::Channel;
use crate::domain::content::Content;
use crate::domain::delivery::Stage;
use crate::domain::plan::BatchKey;
use crate::domain::provider::{Kind, Provider};
use crate::domain::time::Timestamp;
use async_trait::async_trait;
use secrecy::SecretString;
use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A provider and its credentials: what an adapter is made from.
#[derive(Debug, Clone)]
pub struct Account {
    /// The provider's record.
    pub provider: Provider,
    /// Credentials by name. Wiped from memory when dropped, never printed.
    pub credentials: BTreeMap<String, SecretString>,
    /// Whether hosts on loopback and private networks are allowed.
    pub allow_private: bool,
    /// Where its receipts are taken, for services that are told with each message.
    pub receipts_url: Option<String>,
}

/// Content as the adapter gets it to compile.
#[derive(Debug, Clone)]
pub struct Rendition {
    /// What the message says. With variables, [`Recipient::rendered`] overrides
    /// the fields that differ.
    pub content: Content,
    /// Whether each recipient has a rendering of its own.
    pub personal: bool,
    /// Mail: the addresses of the cc targets, for the header.
    pub cc: Vec<String>,
    /// Mail: the files, in the order of the content's attachments.
    pub files: Vec<Arc<[u8]>>,
    /// When the message expires: a service need not keep it longer.
    pub expires: Option<Timestamp>,
}

/// Content compiled for one provider: fixed parts, and slots for what differs.
pub type Compiled = Arc<dyn Any + Send + Sync>;

/// What differs between recipients when the message has variables.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rendered {
    /// Mail: the subject; push: the title.
    pub subject: Option<String>,
    /// Mail, SMS, push: the body.
    pub body: String,
}

/// Whom to send to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The address, number or token.
    pub address: String,
    /// Stable for this message and this target, over attempts and restarts: the
    /// local part of the Message-ID, the collapse id, the client's reference.
    /// ASCII letters, digits, `.` and `-`, at most 64.
    pub reference: String,
    /// The rendering for this recipient.
    pub rendered: Option<Box<Rendered>>,
    /// Mail to a topic: the one-click unsubscribe link.
    pub unsubscribe: Option<String>,
}

/// Recipients of one message, handed to an adapter together. For services that
/// take one recipient a request it is a train: sent one after the other, or
/// pipelined, over one connection.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The content.
    pub compiled: Compiled,
    /// The recipients.
    pub recipients: Vec<Recipient>,
    /// For services with idempotency keys.
    pub key: Option<BatchKey>,
}

/// What became of one recipient, in our terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The service took it.
    Accepted,
    /// Refused or not reached for now, and certainly not taken.
    Transient,
    /// Refused for good; speaks of the recipient or the content.
    Permanent,
    /// The address no longer exists.
    TargetExpired,
    /// The service refuses us: credentials, account, reputation. Speaks of no recipient.
    Refused,
    /// It was handed over and the answer was lost.
    Uncertain,
}

/// An adapter's answer for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What became of it.
    pub verdict: Verdict,
    /// SMTP reply code or HTTP status; 0 when there was none.
    pub code: u16,
    /// The whole final reply, or the error in our words.
    pub text: String,
    /// The service's id of the message, if it gives one.
    pub provider_id: String,
    /// Of whom the answer speaks.
    pub stage: Stage,
    /// The service says of the address itself, by its code, that no mail can reach it: it is
    /// suppressed, unless the refusals turn out to speak of us.
    pub bounced: bool,
    /// How long the service asks us to wait.
    pub retry_after: Option<Duration>,
    /// From the first byte to the answer.
    pub latency: Duration,
}

impl Answer {
    /// An answer with a verdict and a text, and nothing else known.
    pub fn new(verdict: Verdict, stage: Stage, code: u16, text: impl Into<String>) -> Self {
        Self {
            verdict,
            code,
            text: text.into(),
            provider_id: String::new(),
            stage,
            bounced: false,
            retry_after: None,
            latency: Duration::ZERO,
        }
    }
}

/// Where answers go, as they come: the recipient's place in the batch, and the answer.
pub type Answers<'a> = &'a mut (dyn FnMut(usize, Answer) + Send);

/// Content that cannot be sent through this provider, whoever the recipient is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CompileError(pub String);

/// An account that an adapter cannot be made from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// A credential or option is missing.
    #[error("provider {provider} has no {field}: set it, then enable the provider")]
    Missing {
        /// The provider's id.
        provider: String,
        /// The credential or option.
        field: String,
    },
    /// A credential or option is unusable.
    #[error("provider {provider}, {field}: {problem}")]
    Invalid {
        /// The provider's id.
        provider: String,
        /// The credential or option.
        field: String,
        /// Why. Never the value of a secret.
        problem: String,
    },
    /// There is no adapter for this kind.
    #[error("there is no adapter for providers of kind {0} yet")]
    NoAdapter(String),
}

/// One line of a test's dialogue; secrets are masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialogueLine {
    /// True: we said it.
    pub ours: bool,
    /// What was said.
    pub text: String,
}

/// What a test of a provider found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestReport {
    /// Whether the service would take a message from us.
    pub ok: bool,
    /// The service answered, and its answer was that it does not take the credentials.
    pub refused: bool,
    /// The conversation, line by line.
    pub dialogue: Vec<DialogueLine>,
    /// In one sentence: the likely cause and what to do, or that it is well.
    pub finding: String,
}

/// The code that speaks one service's protocol for one account. It owns its
/// connections and reuses them; it knows nothing of the store or the engine.
#[async_trait]
pub trait Adapter: Send + Sync + 'static {
    /// The row of the table of kinds.
    fn kind(&self) -> &'static Kind;

    /// How many recipients a worker hands over at once at most: the service's
    /// batch limit, or for single-recipient services the length of a train.
    fn train(&self) -> usize;

    /// Compiles content once, into fixed parts and slots.
    fn compile(&self, rendition: &Rendition) -> Result<Compiled, CompileError>;

    /// Sends to every recipient of the batch and gives exactly one answer for each.
    ///
    /// Cancelling this future loses the answers that it has not given: the caller
    /// treats those recipients as uncertain.
    async fn send(&self, batch: &Batch, answers: Answers<'_>);

    /// Talks to the service without sending to anybody: connects, authenticates.
    async fn test(&self) -> TestReport;

    /// Closes idle connections in an orderly way.
    async fn close(&self);
}

/// Makes adapters from accounts. The engine gets one; tests give their own.
pub trait Adapters: Send + Sync + 'static {
    /// The adapter for an account.
    fn connect(&self, account: &Account, channel: Channel) -> Result<Arc<dyn Adapter>, AccountError>;
}
