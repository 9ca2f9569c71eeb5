//! SMTP: one mail for each recipient, over sessions that are kept and pipelined.

pub mod address;
pub mod classify;
pub mod dkim;
pub mod exchange;
pub mod hosts;
pub mod mime;
pub mod reply;
pub mod session;
pub mod wire;

use self::address::Mailbox;
use self::classify::Step;
use self::dkim::Signer;
use self::exchange::{Ended, Mail, Train};
use self::hosts::Encryption;
use self::mime::{CompiledMail, Sender};
use self::session::{Failure, Opening, Session, Timeouts};
use super::adapter::{
    Account, AccountError, Adapter, Answer, Answers, Batch, CompileError, Compiled, Rendition, TestReport,
    Verdict,
};
use super::tls;
use crate::domain::delivery::Stage;
use crate::domain::provider::Kind;
use async_trait::async_trait;
use chrono::Utc;
use lettre::transport::smtp::extension::ClientId;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Sessions that may be lost in a row without a single mail getting through
/// before everybody who is left is put off.
const LOSSES: u8 = 4;
/// Fresh sessions that may be lost on one mail.
const LOSSES_ON_ONE: u8 = 2;
/// How long a step of a test may take: somebody looks on, and waits half a minute at most.
const TRIAL: Duration = Duration::from_secs(8);
/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// How sessions are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sessions {
    /// How long each step may take.
    pub timeouts: Timeouts,
    /// An idle session older than this is not used again. Servers hang up after
    /// some minutes (RFC 5321 wants at least five).
    pub idle: Duration,
    /// The most mails over one session.
    pub mails: u32,
    /// How many recipients make a train.
    pub train: usize,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { timeouts: Timeouts::default(), idle: Duration::from_secs(30), mails: 100, train: 32 }
    }
}

/// The adapter for SMTP servers.
#[derive(Debug)]
pub struct Smtp {
    kind: &'static Kind,
    sender: Sender,
    opening: Opening,
    sessions: Sessions,
    idle: Mutex<Vec<Session>>,
}

impl Smtp {
    /// Makes the adapter from an account. Nothing is connected yet.
    pub fn new(account: &Account, kind: &'static Kind, sessions: Sessions) -> Result<Self, AccountError> {
        let encryption = account.text("encryption");
        let auto_tls = account.flag("autoTLS", true)?;
        let encryption = match encryption.as_deref().map(str::to_ascii_lowercase).as_deref() {
            None | Some("none") if auto_tls => Encryption::Opportunistic,
            None | Some("none") => Encryption::Plain,
            Some("ssl") => Encryption::Implicit,
            Some("tls") => Encryption::StartTls,
            Some(_) => return Err(account.invalid("encryption", "is none of none, ssl and tls")),
        };
        let port = account.port("port", 587)?;
        let hosts = hosts::parse(&account.required("host")?, port, encryption)
            .map_err(|problem| account.invalid("host", problem))?;
        let login = match (account.text("username"), account.text("password")) {
            (Some(user), Some(_)) => {
                if user.contains('\0') {
                    return Err(account.invalid("username", "contains the NUL character"));
                }
                Some((user, account.required_secret("password")?))
            }
            (None, None) => None,
            (Some(_), None) => {
                return Err(account.invalid("password", "is missing, although there is a user name"));
            }
            (None, Some(_)) => {
                return Err(account.invalid("username", "is missing, although there is a password"));
            }
        };
        let authority = account.text("ca");
        let tls = tls::client_config(authority.as_deref())
            .map_err(|error| account.invalid("ca", error.to_string()))?;
        Ok(Self {
            kind,
            sender: sender(account)?,
            opening: Opening {
                hosts,
                login,
                clear_login: encryption == Encryption::Plain,
                tls,
                allow_private: account.allow_private,
                hello: ClientId::default().to_string(),
                timeouts: sessions.timeouts,
            },
            sessions,
            idle: Mutex::new(Vec::new()),
        })
    }

    /// The session that was used last, if it is still good.
    fn kept(&self) -> Option<Session> {
        loop {
            let mut session = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if session.used.elapsed() < self.sessions.idle
                && session.mails < self.sessions.mails
                && session.wire.is_quiet()
            {
                return Some(session);
            }
        }
    }

    fn keep(&self, session: Session) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // The oldest are at the front; drop those that nobody will take again.
        let stale = idle.iter().take_while(|kept| kept.used.elapsed() >= self.sessions.idle).count();
        idle.drain(..stale);
        idle.push(session);
    }

    async fn drain(&self, batch: &Batch, mail: &CompiledMail, answers: Answers<'_>) {
        let date = mime::date(Utc::now());
        let train = Train {
            sender: &self.sender,
            mail,
            date: &date,
            timeouts: &self.sessions.timeouts,
            per_session: self.sessions.mails,
        };
        let mut queue = VecDeque::with_capacity(batch.recipients.len());
        for (place, recipient) in batch.recipients.iter().enumerate() {
            match Mailbox::parse(&recipient.address) {
                Some(to) => queue.push_back(Mail { place, to, recipient, losses: 0 }),
                None => answers(
                    place,
                    Answer::new(
                        Verdict::Permanent,
                        Stage::Local,
                        0,
                        "not an address that mail can be sent to",
                    ),
                ),
            }
        }
        let mut losses = 0;
        while !queue.is_empty() {
            let kept = self.kept();
            let fresh = kept.is_none();
            let mut session = match kept {
                Some(session) => session,
                None => match session::open(&self.opening, None).await {
                    Ok(session) => session,
                    Err((failure, _)) => return everybody(&mut queue, &failure, answers),
                },
            };
            let before = queue.len();
            match exchange::run(&mut session, train, &mut queue, answers).await {
                Ended::Done => self.keep(session),
                Ended::Worn => goodbye(session).await,
                Ended::Everybody(failure) => {
                    self.keep(session);
                    return everybody(&mut queue, &failure, answers);
                }
                Ended::Lost(failure) => {
                    if queue.len() < before {
                        losses = 0;
                    } else if fresh {
                        losses += 1;
                        if losses >= LOSSES {
                            return everybody(&mut queue, &failure, answers);
                        }
                        put_off_if_hopeless(&mut queue, &failure, answers);
                    }
                }
            }
        }
    }
}

/// A mail on which fresh sessions break may be what breaks them; it lets the others pass.
fn put_off_if_hopeless(queue: &mut VecDeque<Mail<'_>>, failure: &Failure, answers: Answers<'_>) {
    if let Some(front) = queue.front_mut() {
        front.losses += 1;
        if front.losses >= LOSSES_ON_ONE {
            answers(front.place, failure.answer(Duration::ZERO));
            queue.pop_front();
        }
    }
}

fn everybody(queue: &mut VecDeque<Mail<'_>>, failure: &Failure, answers: Answers<'_>) {
    for mail in queue.drain(..) {
        answers(mail.place, failure.answer(Duration::ZERO));
    }
}

async fn goodbye(mut session: Session) {
    // Courtesy: whether the server hears it changes nothing.
    if session.wire.write(&[b"QUIT\r\n"], GOODBYE).await.is_ok() {
        let _ = session.wire.reply(GOODBYE).await;
    }
    session.wire.shutdown(GOODBYE).await;
}

fn sender(account: &Account) -> Result<Sender, AccountError> {
    let address = |field: &str, address: &str| {
        Mailbox::parse(address)
            .map(|mailbox| Mailbox { text: mailbox.text.into_owned().into(), utf8: mailbox.utf8 })
            .ok_or_else(|| account.invalid(field, "is not a mail address"))
    };
    let from = address("fromEmail", &account.required("fromEmail")?)?;
    let from_name = account.line("fromName")?;
    let reply_to = account.email("replyToEmail")?.map(|email| address("replyToEmail", &email)).transpose()?;
    let reply_name = account.line("replyToName")?;
    let mailer = account.line("mailer")?;
    let mut sender = Sender::new(
        (from_name.as_deref(), &from),
        reply_to.as_ref().map(|mailbox| (reply_name.as_deref(), mailbox)),
        mailer.as_deref(),
    )
    .map_err(|problem| account.invalid("fromEmail", problem))?;
    sender.dkim = signer(account)?.map(Arc::new);
    Ok(sender)
}

/// What signs mail, if the account has a key for it; its domain is the sender's unless it says otherwise.
fn signer(account: &Account) -> Result<Option<Signer>, AccountError> {
    let Some(key) = account.text("dkimKey") else { return Ok(None) };
    let selector = account.required("dkimSelector")?;
    let domain = match account.line("dkimDomain")? {
        Some(domain) => domain,
        None => account.required("fromEmail")?.rsplit('@').next().unwrap_or_default().to_owned(),
    };
    Signer::new(&domain, &selector, &key)
        .map(Some)
        .map_err(|(field, problem)| account.invalid(field, problem.to_string()))
}

#[async_trait]
impl Adapter for Smtp {
    fn kind(&self) -> &'static Kind {
        self.kind
    }

    fn train(&self) -> usize {
        self.sessions.train
    }

    fn compile(&self, rendition: &Rendition) -> Result<Compiled, CompileError> {
        Ok(Arc::new(mime::compile(&self.sender, rendition)?))
    }

    async fn send(&self, batch: &Batch, answers: Answers<'_>) {
        match batch.compiled.downcast_ref::<CompiledMail>() {
            Some(mail) => self.drain(batch, mail, answers).await,
            None => {
                for place in 0..batch.recipients.len() {
                    let text = "the content was not compiled for SMTP";
                    answers(place, Answer::new(Verdict::Permanent, Stage::Local, 0, text));
                }
            }
        }
    }

    async fn test(&self) -> TestReport {
        let timeouts = self.opening.timeouts.at_most(TRIAL);
        let opening = Opening { timeouts, ..self.opening.clone() };
        let mut session = match session::open(&opening, Some(Vec::new())).await {
            Ok(session) => session,
            Err((failure, record)) => {
                return TestReport {
                    ok: false,
                    refused: failure.stage == Stage::Authentication && failure.verdict == Verdict::Refused,
                    dialogue: record.unwrap_or_default(),
                    finding: finding(&failure),
                };
            }
        };
        let limit = timeouts.command;
        if self.sender.utf8 && !session.capabilities.smtputf8 {
            session.wire.shutdown(GOODBYE).await;
            return TestReport {
                ok: false,
                refused: false,
                dialogue: session.wire.record.take().unwrap_or_default(),
                finding: format!("Nothing can be sent: {}.", exchange::SENDER_NEEDS_UTF8),
            };
        }
        let line = if self.sender.utf8 {
            format!("MAIL FROM:<{}> SMTPUTF8", self.sender.envelope)
        } else {
            format!("MAIL FROM:<{}>", self.sender.envelope)
        };
        let failure = match session::say(&mut session.wire, Step::Mail, &line, &line, limit).await {
            Ok(reply) if reply.is_positive() => None,
            Ok(reply) => Some(Failure::reply(Step::Mail, &reply)),
            Err(failure) => Some(failure),
        };
        for line in ["RSET", "QUIT"] {
            let _ = session::say(&mut session.wire, Step::Mail, line, line, GOODBYE).await;
        }
        let encrypted = session.wire.is_encrypted();
        session.wire.shutdown(GOODBYE).await;
        TestReport {
            ok: failure.is_none(),
            // It has taken them by now, if there were any.
            refused: false,
            dialogue: session.wire.record.take().unwrap_or_default(),
            finding: match failure {
                Some(failure) => finding(&failure),
                None if encrypted => "The server takes mail from this sender, over TLS.".to_owned(),
                None => {
                    "The server takes mail from this sender, but the connection is not encrypted.".to_owned()
                }
            },
        }
    }

    async fn close(&self) {
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        futures_util::future::join_all(idle.into_iter().map(goodbye)).await;
    }
}

/// In one sentence: what a failed test most likely means, and what to do.
fn finding(failure: &Failure) -> String {
    let cause = match (failure.stage, failure.verdict, failure.code) {
        (Stage::Authentication, Verdict::Refused, 530) => {
            "The server wants a user name and password: set them"
        }
        (Stage::Authentication, Verdict::Refused, 0) => "Signing in is not possible this way",
        (Stage::Authentication, Verdict::Refused, _) => {
            "The server does not take the user name and password: check both; some services want an \
             app password or an API key here"
        }
        (Stage::Authentication, ..) => "Signing in fails for now: try again later",
        (Stage::Sender, Verdict::Refused, _) => {
            "The server does not let this account send as the sender's address: verify the address or its \
             domain with the service"
        }
        (Stage::Greeting, Verdict::Refused, _) => "The server does not talk to this machine",
        (Stage::Greeting, _, 0) => {
            "Something answers, but not as a mail server in clear does: check the port and the encryption \
             (465 is for ssl, 587 and 25 for tls)"
        }
        (Stage::Connect, ..) if failure.text.starts_with("cannot look up") => {
            "The name of the host is not known: check it for a slip"
        }
        (Stage::Connect, ..) if failure.text.contains("InvalidContentType") => {
            "The server does not speak TLS from the first byte on this port: choose tls (587, 25) or none, or \
             take port 465"
        }
        (Stage::Connect, Verdict::Transient, _) => {
            "No connection: check host and port, and whether a firewall blocks outgoing mail"
        }
        (Stage::Connect, ..) => "The connection is not safe or not allowed",
        (_, Verdict::Transient, _) => "The server puts us off for now: try again later",
        _ => "The server refuses us",
    };
    let said = failure.text.lines().last().unwrap_or_default();
    format!("{cause} ({said}).")
}
