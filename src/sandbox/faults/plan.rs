//! The plan of a server's faults: plain data, in Rust and in JSON.

use serde::{Deserialize, Serialize};

use super::Protocol;

/// What a server does wrong. The default does nothing wrong.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct FaultPlan {
    /// How long every answer takes. A pipelined group of SMTP commands is one answer.
    pub latency: Latency,
    /// Answers come a few bytes at a time.
    pub trickle: Option<Trickle>,
    /// The port is closed: new connections are refused by the system. Open ones live on
    /// (see [`super::ServerFaults::disconnect`]).
    pub refuse_connections: bool,
    /// The account is suspended from now on. SMTP: 535 5.7.8 to AUTH, 550 5.7.1 to MAIL;
    /// HTTP: 403 `suspended`.
    pub suspended: bool,
    /// SMTP: the first try of each recipient is deferred with 450 4.7.1.
    pub greylist: Option<Greylist>,
    /// SMTP: after this many accepted mails, a session is ended with 421 4.7.0 at the next MAIL.
    pub hang_up_after: Option<u64>,
    /// A rate limit. SMTP counts mails and answers 451 4.7.1; HTTP counts recipients and
    /// answers 429 with `Retry-After`.
    pub limit: Option<Limit>,
    /// Faults by stage; the first that applies is taken.
    pub rules: Vec<Rule>,
    /// Recipients that are rejected; the first that applies is taken.
    pub recipients: Vec<RecipientRule>,
}

impl FaultPlan {
    /// Whether a server of this protocol can carry it out.
    pub(super) fn check(&self, protocol: Protocol) -> Result<(), FaultError> {
        let text_ok = |text: &Option<String>| {
            text.as_deref().is_none_or(|t| t.len() <= 400 && !t.chars().any(char::is_control))
        };
        let code_ok = |code: u16| (400..600).contains(&code);
        let when_ok = |when: When| !matches!(when, When::Rate(p) if !(0.0..=1.0).contains(&p));
        if self.limit.is_some_and(|l| !(l.per_second.is_finite() && l.per_second > 0.0) || l.burst == 0) {
            return Err(FaultError::Limit);
        }
        if self.trickle.is_some_and(|t| t.bytes == 0) {
            return Err(FaultError::Trickle);
        }
        for rule in &self.rules {
            let (name, known) = match protocol {
                Protocol::Smtp => ("SMTP", rule.at != Stage::Request),
                Protocol::Http => ("HTTP", matches!(rule.at, Stage::Connect | Stage::Request)),
            };
            if !known {
                return Err(FaultError::Stage(name, rule.at));
            }
            if !when_ok(rule.when) {
                return Err(FaultError::Rate);
            }
            if let Effect::Reply { code, text, reason, .. } = &rule.effect {
                // Some services refuse with a status of success, and a code of their own.
                let within = *code == 200 && reason.is_some() && protocol == Protocol::Http;
                if !within && !code_ok(*code) {
                    return Err(FaultError::Code(*code));
                }
                if !text_ok(text) || !text_ok(reason) {
                    return Err(FaultError::Text);
                }
            }
        }
        for rule in &self.recipients {
            if !when_ok(rule.when) {
                return Err(FaultError::Rate);
            }
            if !code_ok(rule.code) {
                return Err(FaultError::Code(rule.code));
            }
            if !text_ok(&rule.text) || !text_ok(&rule.reason) {
                return Err(FaultError::Text);
            }
        }
        Ok(())
    }
}

/// How long an answer takes: `fixed_ms` and up to `jitter_ms` more, drawn evenly. Milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Latency {
    /// The least, in milliseconds.
    pub fixed_ms: u64,
    /// What may come on top, in milliseconds.
    pub jitter_ms: u64,
}

/// Answers are written `bytes` at a time, `every_ms` milliseconds apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Trickle {
    /// Bytes of one write, at least 1.
    pub bytes: u32,
    /// Milliseconds between two writes.
    pub every_ms: u32,
}

/// A recipient is deferred until `after_ms` milliseconds have passed since its first try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Greylist {
    /// Milliseconds since the first try; 0 accepts the second try whenever it comes.
    pub after_ms: u64,
}

/// A rate limit by GCRA: `per_second` on average, at most `burst` at once.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Limit {
    /// Units a second, above zero.
    pub per_second: f64,
    /// Units at once, at least 1. An HTTP request with more recipients never fits.
    pub burst: u32,
}

/// A fault at a stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Rule {
    /// Where it happens.
    pub at: Stage,
    /// How often.
    #[serde(default)]
    pub when: When,
    /// What happens.
    pub effect: Effect,
}

/// Where in a conversation a fault happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    /// A connection has been accepted. SMTP: a refusal comes instead of the banner, and the
    /// connection closes. HTTP: it is the answer to each request to send on this connection.
    Connect,
    /// SMTP: EHLO or HELO.
    Hello,
    /// SMTP: AUTH.
    Auth,
    /// SMTP: MAIL.
    Mail,
    /// SMTP: RCPT.
    Rcpt,
    /// SMTP: DATA, before its 354. A reset here comes when the first bytes of the content have.
    Data,
    /// SMTP: the final dot of the content.
    Content,
    /// HTTP: a request to send.
    Request,
}

/// How often a fault happens.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum When {
    /// Each time.
    #[default]
    Always,
    /// With this probability, 0 to 1. For [`RecipientRule`]s it is a property of the address:
    /// the same address is rejected each time, whatever else goes on.
    Rate(f64),
    /// The next so many times, then never again.
    Next(u64),
    /// Each time but the first so many.
    After(u64),
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Effect {
    /// A refusal: an SMTP reply code or an HTTP status, 400 to 599. SMTP's 421 also closes.
    Reply {
        /// The code.
        code: u16,
        /// The text of an SMTP reply (with its enhanced code), or the message of an HTTP error.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        /// HTTP: seconds of `Retry-After`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u32>,
        /// HTTP: the service's own code of the error; else what it gives for the status.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The connection is reset instead of an answer; nothing is recorded.
    /// HTTP: in the middle of the request.
    Reset,
    /// All is done and recorded, then the connection is reset in the middle of the answer.
    CutAnswer,
    /// All is done and recorded, then the connection is closed without an answer.
    LoseAnswer,
}

impl Effect {
    /// A refusal with the default text.
    pub fn reply(code: u16) -> Self {
        Self::Reply { code, text: None, retry_after: None, reason: None }
    }
}

/// A rejection of recipients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RecipientRule {
    /// Addresses it applies to; `*` stands for any text. Case counts for nothing.
    pub matches: String,
    /// How often.
    #[serde(default)]
    pub when: When,
    /// SMTP: the reply code, 400 to 599.
    #[serde(default = "mailbox_unavailable")]
    pub code: u16,
    /// HTTP: the `code` of the result; default `invalid_number` or `unregistered`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// SMTP: the text with its enhanced code; HTTP: the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl RecipientRule {
    /// Rejects every address that matches, for good.
    pub fn reject(matches: impl Into<String>) -> Self {
        Self {
            matches: matches.into(),
            when: When::Always,
            code: mailbox_unavailable(),
            reason: None,
            text: None,
        }
    }
}

fn mailbox_unavailable() -> u16 {
    550
}

/// A plan that cannot be carried out, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// A probability is not one.
    #[error("a rate must be from 0 to 1")]
    Rate,
    /// A code is no refusal.
    #[error("a refusal's code must be from 400 to 599, not {0}")]
    Code(u16),
    /// The limit admits nothing.
    #[error("a limit needs perSecond above 0 and a burst of at least 1")]
    Limit,
    /// Trickling nothing never ends.
    #[error("trickle needs at least 1 byte")]
    Trickle,
    /// A stage that this server does not have.
    #[error("the {0} server has no stage {1:?}")]
    Stage(&'static str, Stage),
    /// A text would break the protocol.
    #[error("a text must be one line without control characters, at most 400 characters")]
    Text,
}
