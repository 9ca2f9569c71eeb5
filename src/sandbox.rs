//! Servers on loopback that play delivery services, record what arrived and inject faults.
//!
//! Tests and benches send to them, and so does the demo; `herald sandbox` runs them as a
//! process of their own. They speak real protocols: SMTP, and a small HTTP protocol for text
//! messages and push notifications, which is written down here: it is the contract of the
//! `sandbox` provider kind.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use herald::sandbox::{RecipientRule, Sandbox};
//!
//! let sandbox = Sandbox::builder()
//!     .smtp("127.0.0.1:0".parse()?)
//!     .http("127.0.0.1:0".parse()?)
//!     .token("a-token")
//!     .start()
//!     .await?;
//! sandbox.faults().smtp.change(|plan| {
//!     plan.latency.fixed_ms = 20;
//!     plan.recipients.push(RecipientRule::reject("*@bounce.example"));
//! })?;
//! println!("SMTP on {:?}", sandbox.smtp_addr());
//! println!("{} arrived", sandbox.record().arrivals());
//! sandbox.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Sending
//!
//! `POST /send/sms` and `POST /send/push`, HTTP/1.1, with the headers
//! `authorization: Bearer TOKEN`, `content-type: application/json` and optionally
//! `idempotency-key` (1 to 255 bytes). The body is at most 1 MiB of strict JSON, with 1 to 100
//! recipients and no field that is not named here:
//!
//! ```json
//! {"recipients": [{"to": "+4915112345678", "reference": "m1-d7", "text": "…", "from": "Ada"}]}
//! {"recipients": [{"to": "device-token", "reference": "m1-d8", "title": "…", "body": "…", "data": {"k": "v"}}]}
//! ```
//!
//! `to` and `reference` (1 to 256 bytes) are required. An SMS has a `text` that is not empty
//! and may have `from`; a notification has at least one of `title`, `body` and `data` (an
//! object) that is not empty.
//!
//! The answers are JSON. 200 has one result for each recipient, in the order of the request:
//!
//! ```json
//! {"results": [{"to": "…", "status": "accepted", "id": "sb00000000000001"},
//!              {"to": "…", "status": "rejected", "code": "invalid_number", "message": "…"}]}
//! ```
//!
//! | `code` | |
//! | --- | --- |
//! | `invalid_number` | SMS: not E.164, or rejected by a fault |
//! | `invalid_token` | push: empty or longer than 4,096 bytes |
//! | `unregistered` | push: rejected by a fault; the device is gone for good |
//! | any other | whatever a [`RecipientRule`] gives as its `reason` |
//!
//! Every other status has `{"error": {"code": "…", "message": "…"}}`, and nothing of the
//! request was sent. They are checked in this order:
//!
//! | status | `code` | |
//! | --- | --- | --- |
//! | 404 | `not_found` | no such path |
//! | 405 | `method_not_allowed` | with `Allow` |
//! | 401 | `unauthorized` | no token, or a wrong one |
//! | 403 | `suspended` | the account is suspended |
//! | 400 to 599 | by status | a fault: 429 `rate_limited` with `Retry-After`, 500 `internal`, 503 `unavailable`, other 4xx `refused`, other 5xx `failed` |
//! | 400 | `malformed` | wrong content type, broken JSON, a field that is missing, empty, too long or unknown, no recipient or too many |
//! | 413 | `too_large` | more than 1 MiB |
//! | 429 | `rate_limited` | the rate limit, which counts recipients; `Retry-After` in whole seconds |
//! | 409 | `idempotency_mismatch` | the key was used within 24 hours, for the same path, with another body |
//!
//! The same key with the same bytes within 24 hours gets the same 200 again, ids included, and
//! counts once. Only a 200 binds a key.
//!
//! # Services
//!
//! Below the names of their kinds the HTTP address plays Mailgun, Twilio and the other services
//! that Herald has adapters for: an `endpoint` of `http://127.0.0.1:PORT/twilio` is a Twilio.
//! They are strict, each as its documentation says; the secret of every account is the token.
//! The faults of the HTTP side apply to requests that send: a refusal has the shape that the
//! service gives it, with the fault's `reason` as the service's own code, and so has a
//! [`RecipientRule`]; 403 is a suspended account, 429 the rate limit.
//!
//! Below `/http` it plays a gateway of no service, for the kind of that name: what it takes and
//! how it answers is set by the control side, and is by default as [`Gateway`] says.
//!
//! # Push services
//!
//! On the HTTP address too, over HTTP/2 with prior knowledge: FCM below `/fcm` (its token endpoint
//! is `/fcm/token`), APNs below `/apns` (HTTP/2 only) and Web Push (`POST /webpush/…`), each as
//! strict as the real service; see [`push`] for the accounts.
//! The faults and the record are the HTTP server's; a [`RecipientRule`] without a reason means a
//! device that is gone.
//!
//! # Control
//!
//! On the HTTP address, and on an address of its own that no fault touches if one is given
//! ([`Builder::control`]), with the same bearer token:
//!
//! | | |
//! | --- | --- |
//! | `GET /control/faults` | both plans: `{"smtp": …, "http": …}` |
//! | `GET`, `PUT`, `DELETE /control/faults/smtp` (or `http`) | the [`FaultPlan`]: read, replace, clear |
//! | `GET /control/faults/smtp/counts` | [`FaultCounts`] |
//! | `POST /control/faults/smtp/disconnect` | drops all open connections |
//! | `GET`, `PUT`, `DELETE /control/gateway` | the [`Gateway`] that is played below `/http`: read, replace, as at first |
//! | `GET /control/accounts` | the accounts that the push services know, as fields of providers: `{"fcm": …, "apns": …, "webpush": …}` |
//! | `GET`, `DELETE /control/record` | [`Summary`]; forget all |
//! | `GET /control/record/count?recipient=…` or `?reference=…` | `{"count": n}` |
//! | `GET /control/record/copies` | what arrived more than once: `[{"reference", "count"}]` |
//! | `POST /control/record/missing` | `{"recipients": […], "references": […]}`: answers those that have not arrived |
//! | `GET /control/record/seconds` | arrivals of each second: `[{"at", "arrivals"}]` |
//! | `GET /control/record/most?windowMs=1000` | `{"most": n}`: the most within any such window |
//! | `GET /control/receipts` | `{"sendgridPublicKey"}`: what verifies the receipts of the SendGrid here |
//! | `POST /control/receipts` | a [`receipts::ReceiptOrder`]: sends a signed receipt, `{"status": n}` |
//! | `GET /control/record/last?n=20` | the last messages that were kept; `content` in base64 |

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use self::faults::{
    Effect, FaultCounts, FaultError, FaultPlan, Greylist, Latency, Limit, RecipientRule, Rule, ServerFaults,
    Stage, Trickle, When,
};
pub use self::limit::Gcra;
pub use self::record::{Copies, Kept, Kind, Record, Summary};
pub use self::services::{Fields, Gateway};
pub use self::smtp::SmtpTls;
pub use self::timeline::Second;

use self::faults::Protocol;
use self::http::{Answers, HttpServer};
use self::push::PushState;
use self::smtp::{Credentials, SmtpServer};

mod chance;
mod connection;
mod faults;
mod headers;
mod http;
mod ledger;
mod limit;
mod listener;
pub mod push;
pub mod receipts;
mod record;
mod services;
mod smtp;
mod timeline;

/// The bearer token if none is given.
pub const DEFAULT_TOKEN: &str = "sandbox";
/// The largest mail if no other size is given, in bytes: 25 MiB.
pub const DEFAULT_MAX_SIZE: usize = 25 * 1024 * 1024;
/// How many messages are kept with their content if no other number is given.
pub const DEFAULT_KEEP: usize = 100;
/// How long an idempotency key binds.
const KEYS_LAPSE: Duration = Duration::from_hours(24);

/// Why a sandbox does not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// It would be reachable from other machines.
    #[error("the sandbox listens on loopback only: use 127.0.0.1 or [::1] instead of {0}")]
    NotLoopback(SocketAddr),
    /// No address was given.
    #[error("give the sandbox an SMTP or an HTTP address")]
    NoServer,
    /// A credential would break its protocol.
    #[error("{0} must have 1 to 255 printable ASCII characters")]
    BadSecret(&'static str),
    /// An address cannot be had.
    #[error("cannot listen on {addr}: {source}; choose another port, or 0 for any")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The ledger cannot be written.
    #[error("cannot open the ledger {path}: {source}")]
    Ledger {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

/// The faults of both servers; a clone is the same handle.
#[derive(Debug, Clone)]
pub struct Faults {
    /// Those of the SMTP server.
    pub smtp: Arc<ServerFaults>,
    /// Those of the HTTP server.
    pub http: Arc<ServerFaults>,
}

/// What a sandbox is to be; see [`Sandbox::builder`].
#[derive(Clone)]
#[must_use]
pub struct Builder {
    smtp: Option<SocketAddr>,
    http: Option<SocketAddr>,
    control: Option<SocketAddr>,
    tls: SmtpTls,
    credentials: Option<Credentials>,
    token: String,
    seed: u64,
    ledger: Option<PathBuf>,
    keep: usize,
    max_size: usize,
}

impl Builder {
    /// Plays an SMTP service on this loopback address; port 0 is any.
    pub fn smtp(mut self, addr: SocketAddr) -> Self {
        self.smtp = Some(addr);
        self
    }

    /// How the SMTP server uses TLS; not at all unless told.
    pub fn smtp_tls(mut self, tls: SmtpTls) -> Self {
        self.tls = tls;
        self
    }

    /// The SMTP server wants AUTH with this name and password.
    pub fn credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.credentials = Some(Credentials { user: user.into(), password: password.into() });
        self
    }

    /// Plays SMS and push services on this loopback address; port 0 is any.
    pub fn http(mut self, addr: SocketAddr) -> Self {
        self.http = Some(addr);
        self
    }

    /// The control API on this loopback address too, out of reach of the faults.
    pub fn control(mut self, addr: SocketAddr) -> Self {
        self.control = Some(addr);
        self
    }

    /// The bearer token of the HTTP side; [`DEFAULT_TOKEN`] unless told.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = token.into();
        self
    }

    /// What the faults' chance starts from; 0 unless told.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Appends a line to this file for every arrival: milliseconds since 1970, kind, recipient,
    /// reference and bytes, with tabs between; written before the answer leaves.
    pub fn ledger(mut self, path: impl AsRef<Path>) -> Self {
        self.ledger = Some(path.as_ref().to_owned());
        self
    }

    /// Keeps the content of the last so many messages; [`DEFAULT_KEEP`] unless told.
    pub fn keep(mut self, messages: usize) -> Self {
        self.keep = messages;
        self
    }

    /// The largest mail, in bytes; [`DEFAULT_MAX_SIZE`] unless told.
    pub fn max_size(mut self, bytes: usize) -> Self {
        self.max_size = bytes;
        self
    }

    /// Starts the servers on this tokio runtime. They listen when this returns.
    pub async fn start(self) -> Result<Sandbox, SandboxError> {
        if self.smtp.is_none() && self.http.is_none() {
            return Err(SandboxError::NoServer);
        }
        let printable = |s: &str| (1..=255).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_graphic());
        if !printable(&self.token) {
            return Err(SandboxError::BadSecret("the token"));
        }
        let smtp = listen(self.smtp).await?;
        let http = listen(self.http).await?;
        let control = listen(self.control).await?;
        let record = Record::new(self.keep, self.ledger.as_deref()).map_err(|source| {
            SandboxError::Ledger { path: self.ledger.clone().unwrap_or_default(), source }
        })?;
        let record = Arc::new(record);
        let faults = Faults {
            smtp: ServerFaults::new(Protocol::Smtp, self.seed),
            http: ServerFaults::new(Protocol::Http, self.seed),
        };
        let stop = CancellationToken::new();
        let mut sandbox = Sandbox {
            smtp: smtp.as_ref().map(|(_, addr)| *addr),
            http: http.as_ref().map(|(_, addr)| *addr),
            control: control.as_ref().map(|(_, addr)| *addr),
            faults: faults.clone(),
            record: Arc::clone(&record),
            push: Arc::default(),
            gateway: Arc::default(),
            servers: JoinSet::new(),
            stop: stop.clone().drop_guard(),
        };
        if let Some((listener, _)) = smtp {
            let server = Arc::new(SmtpServer {
                tls: self.tls,
                credentials: self.credentials,
                max_size: self.max_size,
                faults: Arc::clone(&faults.smtp),
                record: Arc::clone(&record),
            });
            sandbox.servers.spawn(listener::run(
                listener,
                Arc::clone(&faults.smtp),
                stop.clone(),
                move |connection, fault| smtp::serve(Arc::clone(&server), connection, fault),
            ));
        }
        let origin = sandbox.http.map(|address| format!("http://{address}")).unwrap_or_default();
        let doors = [
            (http, Arc::clone(&faults.http), true),
            (control, ServerFaults::new(Protocol::Http, self.seed), false),
        ];
        for (listener, own, sends) in doors {
            let Some((listener, _)) = listener else {
                continue;
            };
            let server = Arc::new(HttpServer {
                token: self.token.clone(),
                all_faults: faults.clone(),
                faults: Arc::clone(&own),
                record: Arc::clone(&record),
                answers: Answers::new(KEYS_LAPSE),
                push: Arc::clone(&sandbox.push),
                gateway: Arc::clone(&sandbox.gateway),
                sends,
                origin: origin.clone(),
            });
            sandbox.servers.spawn(listener::run(listener, own, stop.clone(), move |connection, fault| {
                http::serve(Arc::clone(&server), connection, fault)
            }));
        }
        Ok(sandbox)
    }
}

async fn listen(addr: Option<SocketAddr>) -> Result<Option<(TcpListener, SocketAddr)>, SandboxError> {
    let Some(addr) = addr else {
        return Ok(None);
    };
    if !addr.ip().is_loopback() {
        return Err(SandboxError::NotLoopback(addr));
    }
    let failed = |source| SandboxError::Listen { addr, source };
    let listener = TcpListener::bind(addr).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok(Some((listener, bound)))
}

/// Running servers. They stop when it is dropped.
#[derive(Debug)]
pub struct Sandbox {
    smtp: Option<SocketAddr>,
    http: Option<SocketAddr>,
    control: Option<SocketAddr>,
    faults: Faults,
    record: Arc<Record>,
    push: Arc<PushState>,
    gateway: Arc<Mutex<Gateway>>,
    servers: JoinSet<()>,
    stop: DropGuard,
}

impl Sandbox {
    /// A sandbox with no server yet.
    pub fn builder() -> Builder {
        Builder {
            smtp: None,
            http: None,
            control: None,
            tls: SmtpTls::Off,
            credentials: None,
            token: DEFAULT_TOKEN.to_owned(),
            seed: 0,
            ledger: None,
            keep: DEFAULT_KEEP,
            max_size: DEFAULT_MAX_SIZE,
        }
    }

    /// Where the SMTP server listens.
    pub fn smtp_addr(&self) -> Option<SocketAddr> {
        self.smtp
    }

    /// Where the HTTP server listens.
    pub fn http_addr(&self) -> Option<SocketAddr> {
        self.http
    }

    /// Where the control API listens beside the HTTP server.
    pub fn control_addr(&self) -> Option<SocketAddr> {
        self.control
    }

    /// The faults of both servers.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// What arrived.
    pub fn record(&self) -> &Arc<Record> {
        &self.record
    }

    /// How many access tokens FCM granted, and how many different provider tokens APNs saw.
    pub fn push_tokens(&self) -> (u64, u64) {
        self.push.tokens()
    }

    /// FCM no longer takes the access tokens that it granted.
    pub fn revoke_push_tokens(&self) {
        self.push.revoke();
    }

    /// What is played below `/http` from now on.
    pub fn set_gateway(&self, gateway: Gateway) {
        *self.gateway.lock().unwrap_or_else(PoisonError::into_inner) = gateway;
    }

    /// Closes the ports and drops all connections. The record can still be read.
    ///
    /// When it returns, nothing more is recorded.
    pub async fn shutdown(self) {
        let Self { stop, servers, .. } = self;
        drop(stop);
        servers.join_all().await;
    }
}
