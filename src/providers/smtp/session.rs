//! Opens a session: connect, banner, EHLO, STARTTLS, AUTH.

use super::classify::{Step, classify, is_hard_bounce};
use super::hosts::{Encryption, Host};
use super::reply::Reply;
use super::wire::{CutOff, Lost, Stream, Wire};
use crate::domain::delivery::Stage;
use crate::providers::adapter::{Answer, DialogueLine, Verdict};
use crate::providers::dial;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::ClientConfig;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use zeroize::Zeroizing;

/// How long each step may take. RFC 5321 (4.5.3.2) allows servers minutes; these
/// are scaled for a worker that others wait for, and settings can change them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Look-up, TCP and TLS, each.
    pub connect: Duration,
    /// The banner and the reply to EHLO; the RFC: 5 min.
    pub greeting: Duration,
    /// The replies to AUTH, MAIL, RCPT, RSET; the RFC: 5 min.
    pub command: Duration,
    /// The reply to DATA, and each step of writing the content; the RFC: 2 and 3 min.
    pub data: Duration,
    /// The reply to the final dot; the RFC: 10 min. Giving up too early leaves the
    /// mail in doubt.
    pub end: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            greeting: Duration::from_mins(1),
            command: Duration::from_mins(1),
            data: Duration::from_mins(1),
            end: Duration::from_mins(5),
        }
    }
}

impl Timeouts {
    /// The same, but no step longer than this: somebody looks on.
    #[must_use]
    pub fn at_most(self, limit: Duration) -> Self {
        Self {
            connect: self.connect.min(limit),
            greeting: self.greeting.min(limit),
            command: self.command.min(limit),
            data: self.data.min(limit),
            end: self.end.min(limit),
        }
    }
}

/// What a session is opened with.
#[derive(Debug, Clone)]
pub struct Opening {
    /// Tried in order.
    pub hosts: Vec<Host>,
    /// User name and password, if the server wants them.
    pub login: Option<(String, SecretString)>,
    /// Whether the password may travel in clear: when no encryption was chosen
    /// explicitly, not when the server just does not offer it.
    pub clear_login: bool,
    /// Whom TLS trusts.
    pub tls: Arc<ClientConfig>,
    /// Whether private addresses are allowed.
    pub allow_private: bool,
    /// How we call ourselves in EHLO.
    pub hello: String,
    /// How long each step may take.
    pub timeouts: Timeouts,
}

/// What the server says that it can.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an extension that a server offers or not")]
pub struct Capabilities {
    /// Several commands in one write (RFC 2920).
    pub pipelining: bool,
    /// STARTTLS is offered.
    pub starttls: bool,
    /// UTF-8 in addresses and headers (RFC 6531).
    pub smtputf8: bool,
    /// 8-bit content (RFC 6152).
    pub eight_bit: bool,
    /// SIZE is offered; with the limit in bytes, unless it is unlimited.
    pub size: Option<Option<u64>>,
    /// Mechanisms of AUTH, in capitals.
    pub auth: Vec<String>,
}

impl Capabilities {
    /// Reads the reply to EHLO.
    pub fn read(reply: &Reply) -> Self {
        let mut found = Self::default();
        for line in reply.lines().skip(1) {
            let mut words = line.split([' ', '=']).filter(|word| !word.is_empty());
            match words.next().unwrap_or_default().to_ascii_uppercase().as_str() {
                "PIPELINING" => found.pipelining = true,
                "STARTTLS" => found.starttls = true,
                "SMTPUTF8" => found.smtputf8 = true,
                "8BITMIME" => found.eight_bit = true,
                "SIZE" => {
                    found.size =
                        Some(words.next().and_then(|size| size.parse().ok()).filter(|&size| size > 0));
                }
                "AUTH" => found.auth.extend(words.map(str::to_ascii_uppercase)),
                _ => {}
            }
        }
        found
    }
}

/// An open session, between two mails.
#[derive(Debug)]
pub struct Session {
    /// The connection.
    pub wire: Wire,
    /// What the server can.
    pub capabilities: Capabilities,
    /// How many mails went through it.
    pub mails: u32,
    /// A transaction may be open and must be reset first.
    pub dirty: bool,
    /// When it was last used.
    pub used: Instant,
    /// The buffer that heads of mails are written to.
    pub scratch: Vec<u8>,
}

/// Why something did not go on, as the answer that everybody concerned gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What it means.
    pub verdict: Verdict,
    /// Of whom it speaks.
    pub stage: Stage,
    /// The reply's code, or 0.
    pub code: u16,
    /// The reply, or what happened in our words.
    pub text: String,
    /// The address itself is at fault, for good.
    pub bounced: bool,
}

impl Failure {
    /// A negative reply to a step.
    pub fn reply(step: Step, reply: &Reply) -> Self {
        let (verdict, stage) = classify(step, reply);
        let bounced = is_hard_bounce(step, reply);
        Self { verdict, stage, code: reply.code, text: reply.text.clone(), bounced }
    }

    /// The session was lost at a step, and nothing was taken.
    pub fn lost(step: Step, lost: &Lost) -> Self {
        let text = format!("{lost}, at {}; the mail was not handed over", step.command());
        Self { verdict: Verdict::Transient, stage: step.stage(), code: 0, text, bounced: false }
    }

    fn ours(verdict: Verdict, stage: Stage, text: impl Into<String>) -> Self {
        Self { verdict, stage, code: 0, text: text.into(), bounced: false }
    }

    /// As the answer for a recipient.
    pub fn answer(&self, latency: Duration) -> Answer {
        let mut answer = Answer::new(self.verdict, self.stage, self.code, self.text.as_str());
        answer.latency = latency;
        answer.bounced = self.bounced;
        answer
    }
}

/// A failed opening, and what was said until then.
pub type Opened<T> = Result<T, (Failure, Option<Vec<DialogueLine>>)>;

/// Opens a session with the first host that takes us. A host that refuses us for
/// good ends the search only if it is the last one.
pub async fn open(opening: &Opening, mut record: Option<Vec<DialogueLine>>) -> Opened<Session> {
    let mut failure = Failure::ours(Verdict::Refused, Stage::Local, "the provider names no host");
    for host in &opening.hosts {
        match one(opening, host, record).await {
            Ok(session) => return Ok(session),
            Err((failed, said)) => (failure, record) = (failed, said),
        }
    }
    Err((failure, record))
}

async fn one(opening: &Opening, host: &Host, mut record: Option<Vec<DialogueLine>>) -> Opened<Session> {
    let limits = &opening.timeouts;
    let note = |record: &mut Option<Vec<DialogueLine>>, text: String| {
        if let Some(record) = record {
            record.push(DialogueLine { ours: true, text });
        }
    };
    note(&mut record, format!("(connects to {host})"));
    let tcp = match dial::tcp(&host.name, host.port, opening.allow_private, limits.connect).await {
        Ok(tcp) => tcp,
        Err(error) => {
            return Err((Failure::ours(error.verdict(), Stage::Connect, error.to_string()), record));
        }
    };
    let loopback = tcp.peer_addr().is_ok_and(|peer| peer.ip().is_loopback());
    let stream = if host.encryption == Encryption::Implicit {
        note(&mut record, "(agrees on TLS)".to_owned());
        match dial::tls(tcp, &opening.tls, &host.name, limits.connect).await {
            Ok(stream) => Stream::Tls(Box::new(stream)),
            Err(error) => {
                return Err((Failure::ours(error.verdict(), Stage::Connect, error.to_string()), record));
            }
        }
    } else {
        Stream::Plain(tcp)
    };
    let mut wire = Wire::new(stream, record);
    let done = async {
        expect(&mut wire, Step::Banner, limits.greeting).await?;
        let mut capabilities = hello(&mut wire, &opening.hello, limits).await?;
        let wants_tls = match host.encryption {
            Encryption::StartTls if !capabilities.starttls => {
                let text = format!(
                    "{host} does not offer STARTTLS: check the port, or choose ssl (TLS from the first byte)"
                );
                return Err(Failure::ours(Verdict::Refused, Stage::Connect, text));
            }
            Encryption::StartTls => true,
            Encryption::Opportunistic => capabilities.starttls,
            Encryption::Implicit | Encryption::Plain => false,
        };
        if wants_tls {
            start_tls(&mut wire, opening, host).await?;
            capabilities = hello(&mut wire, &opening.hello, limits).await?;
        }
        if let Some((user, password)) = &opening.login {
            if !may_show_password(wire.is_encrypted(), opening.clear_login, loopback) {
                let text = format!(
                    "{host} offers no TLS, and the password is not sent in clear: choose ssl or tls, \
                     or encryption none without autoTLS if that is meant"
                );
                return Err(Failure::ours(Verdict::Refused, Stage::Authentication, text));
            }
            authenticate(&mut wire, &capabilities, (user, password), limits).await?;
        }
        Ok(capabilities)
    };
    match done.await {
        Ok(capabilities) => Ok(Session {
            wire,
            capabilities,
            mails: 0,
            dirty: false,
            used: Instant::now(),
            scratch: Vec::with_capacity(1024),
        }),
        Err(failure) => Err((failure, wire.record.take())),
    }
}

/// A password travels over TLS, on this machine, or in clear by explicit choice.
fn may_show_password(encrypted: bool, chosen: bool, loopback: bool) -> bool {
    encrypted || chosen || loopback
}

/// Says one line, noting it as `shown`, and gives the reply, whatever it is.
pub async fn say(
    wire: &mut Wire,
    step: Step,
    line: &str,
    shown: &str,
    limit: Duration,
) -> Result<Reply, Failure> {
    wire.note(true, shown);
    let written = wire.write(&[line.as_bytes(), b"\r\n"], limit).await;
    if let Err(CutOff { lost, .. }) = written {
        return Err(Failure::lost(step, &lost));
    }
    wire.reply(limit).await.map_err(|lost| Failure::lost(step, &lost))
}

async fn expect(wire: &mut Wire, step: Step, limit: Duration) -> Result<Reply, Failure> {
    match wire.reply(limit).await {
        Ok(reply) if reply.is_positive() => Ok(reply),
        Ok(reply) => Err(Failure::reply(step, &reply)),
        Err(lost) => Err(Failure::lost(step, &lost)),
    }
}

async fn hello(wire: &mut Wire, name: &str, limits: &Timeouts) -> Result<Capabilities, Failure> {
    let line = format!("EHLO {name}");
    let reply = say(wire, Step::Hello, &line, &line, limits.greeting).await?;
    if reply.is_positive() {
        return Ok(Capabilities::read(&reply));
    }
    if matches!(reply.code, 500 | 502 | 504) {
        // A server from before 1993; it can nothing of what EHLO tells.
        let line = format!("HELO {name}");
        let reply = say(wire, Step::Hello, &line, &line, limits.greeting).await?;
        if reply.is_positive() {
            return Ok(Capabilities::default());
        }
        return Err(Failure::reply(Step::Hello, &reply));
    }
    Err(Failure::reply(Step::Hello, &reply))
}

async fn start_tls(wire: &mut Wire, opening: &Opening, host: &Host) -> Result<(), Failure> {
    let limits = &opening.timeouts;
    let reply = say(wire, Step::StartTls, "STARTTLS", "STARTTLS", limits.command).await?;
    if reply.code != 220 {
        return Err(Failure::reply(Step::StartTls, &reply));
    }
    wire.note(true, "(agrees on TLS)");
    wire.start_tls(async |tcp, ahead| {
        // Text behind the reply was put there by somebody between us and the
        // server, to be read as if it had come encrypted.
        if ahead {
            let text = format!("{host} sent more than the reply to STARTTLS; the session is not safe");
            return Err(Failure::ours(Verdict::Transient, Stage::Connect, text));
        }
        dial::tls(tcp, &opening.tls, &host.name, limits.connect)
            .await
            .map_err(|error| Failure::ours(error.verdict(), Stage::Connect, error.to_string()))
    })
    .await
    .unwrap_or_else(|| {
        Err(Failure::ours(Verdict::Transient, Stage::Connect, "the connection is encrypted already"))
    })
}

async fn authenticate(
    wire: &mut Wire,
    capabilities: &Capabilities,
    (user, password): (&str, &SecretString),
    limits: &Timeouts,
) -> Result<(), Failure> {
    let offers = |mechanism: &str| capabilities.auth.iter().any(|offered| offered == mechanism);
    let encoded = |text: &str| Zeroizing::new(STANDARD.encode(text));
    let reply = if offers("PLAIN") {
        let secret = Zeroizing::new(format!("\0{user}\0{}", password.expose_secret()));
        let line = Zeroizing::new(format!("AUTH PLAIN {}", *encoded(&secret)));
        say(wire, Step::Auth, &line, "AUTH PLAIN ••••", limits.command).await?
    } else if offers("LOGIN") {
        let mut reply = say(wire, Step::Auth, "AUTH LOGIN", "AUTH LOGIN", limits.command).await?;
        for (value, shown) in [(user, "(the user name)"), (password.expose_secret(), "••••")] {
            if reply.code != 334 {
                return Err(Failure::reply(Step::Auth, &reply));
            }
            reply = say(wire, Step::Auth, &encoded(value), shown, limits.command).await?;
        }
        reply
    } else {
        let offered = if capabilities.auth.is_empty() {
            "does not offer AUTH on this connection".to_owned()
        } else {
            format!("offers AUTH by {} only", capabilities.auth.join(", "))
        };
        let text = format!("the server {offered}; Herald knows PLAIN and LOGIN");
        return Err(Failure::ours(Verdict::Refused, Stage::Authentication, text));
    };
    if reply.is_positive() { Ok(()) } else { Err(Failure::reply(Step::Auth, &reply)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown_by_accident() {
        assert!(!may_show_password(false, false, false), "opportunistic TLS that was not offered");
        for (encrypted, chosen, loopback) in
            [(true, false, false), (false, true, false), (false, false, true)]
        {
            assert!(may_show_password(encrypted, chosen, loopback));
        }
    }

    #[test]
    fn what_a_server_can() {
        let text = "250-mx.example.com\n250-PIPELINING\n250-SIZE 10240000\n250-auth=LOGIN plain\n250-STARTTLS\n\
                    250-8BITMIME\n250 SMTPUTF8";
        let read = Capabilities::read(&Reply { code: 250, enhanced: None, text: text.to_owned() });
        assert!(read.pipelining && read.starttls && read.smtputf8 && read.eight_bit);
        assert_eq!(read.size, Some(Some(10_240_000)));
        assert_eq!(read.auth, ["LOGIN", "PLAIN"]);
        let reply = Reply { code: 250, enhanced: None, text: "250-PIPELINING\n250 SIZE 0".to_owned() };
        let read = Capabilities::read(&reply);
        assert!(!read.pipelining, "the first line is a greeting");
        assert_eq!(read.size, Some(None));
    }
}
