//! Providers: accounts with delivery services, and the table of their kinds.

use super::channel::Channel;
use super::ids::{ProviderId, ProviderNo, Revision};
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// An account with a delivery service. Credentials are not in it: the store
/// seals them and hands them out only to the engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provider {
    /// The store's number; the lowest enabled one of a channel is its default.
    pub no: ProviderNo,
    /// The id at the door.
    pub id: ProviderId,
    /// How it is called.
    pub name: String,
    /// Which service: a row of the table of kinds, by name.
    pub kind: String,
    /// What it delivers.
    pub channel: Channel,
    /// Whether new plans may choose it.
    pub enabled: bool,
    /// Options by name, as JSON values in text (`"fromEmail"` → `"\"a@b.example\""`).
    pub options: BTreeMap<String, String>,
    /// Names of the credentials that are set, with their masks (`••••1234`).
    pub credentials: BTreeMap<String, String>,
    /// How much may be sent, and how fast.
    pub limits: Limits,
    /// Stopped by an operator, or by the service refusing us.
    pub hold: Option<ProviderHold>,
    /// When the provider was created.
    pub created: Timestamp,
    /// When the provider was last changed.
    pub updated: Timestamp,
    /// One more on every edit.
    pub revision: Revision,
}

impl Provider {
    /// An option's value, if it is set and is a text.
    pub fn option_text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.options.get(name)?).ok()
    }
}

/// Why a provider sends nothing although it is enabled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProviderHold {
    /// An operator paused it.
    Paused {
        /// Who.
        by: String,
        /// When.
        since: Timestamp,
    },
    /// The service refuses us (credentials, account, reputation), so that trying
    /// on would only do harm.
    Refused {
        /// What it said.
        answer: String,
        /// When.
        since: Timestamp,
    },
}

/// How much may go through a provider. `None`: no limit but the machine.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Limits {
    /// Recipients a second.
    pub per_second: Option<f64>,
    /// Recipients in any hour.
    pub per_hour: Option<u64>,
    /// Recipients in any 24 hours.
    pub per_day: Option<u64>,
    /// Requests or sessions at the same time.
    pub concurrency: Option<u16>,
    /// The most recipients that are claimed without a recorded outcome: what a
    /// crash can put in doubt.
    pub window: Option<u32>,
}

/// One row of the table of provider kinds: what is known of a service before any
/// account with it exists. Forms, validation and documentation come from it.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// The name in the API, such as `smtp`.
    pub name: &'static str,
    /// The name for people.
    pub title: &'static str,
    /// What it delivers; the sandbox delivers SMS and push and says which in its options.
    pub channels: &'static [Channel],
    /// Credentials and options, in the order of a form.
    pub fields: &'static [Field],
    /// The most recipients in one request.
    pub batch: u32,
    /// Concurrent requests or sessions unless the provider says otherwise.
    pub concurrency: u16,
    /// How long the service remembers an idempotency key; `None`: it has none.
    pub idempotency: Option<Duration>,
    /// Whether Herald has an adapter for it yet.
    pub adapter: bool,
}

/// A credential or option of a kind.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The parameter's name in the API.
    pub name: &'static str,
    /// What it is, for people.
    pub help: &'static str,
    /// Sealed, masked, never shown.
    pub secret: bool,
    /// Part of `credentials` in the dialect; else of `options`.
    pub credential: bool,
    /// Needed before the provider can be enabled.
    pub required: bool,
    /// What a value looks like.
    pub shape: Shape,
}

/// What a field's value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A text of at most so many characters.
    Text(u16),
    /// A mail address.
    Email,
    /// A TCP port.
    Port,
    /// True or false.
    Flag,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// An http or https URL.
    Url,
    /// A host name or address, maybe several with `;` between (dialect).
    Host,
    /// Certificates in PEM.
    Pem,
}

const fn option(name: &'static str, help: &'static str, required: bool, shape: Shape) -> Field {
    Field { name, help, secret: false, credential: false, required, shape }
}

const fn credential(name: &'static str, help: &'static str, required: bool, shape: Shape) -> Field {
    Field { name, help, secret: false, credential: true, required, shape }
}

const fn secret(name: &'static str, help: &'static str, required: bool, shape: Shape) -> Field {
    Field { name, help, secret: true, credential: true, required, shape }
}

/// The table of kinds. A new adapter is one file and one row.
pub const KINDS: &[Kind] = &[
    Kind {
        name: "smtp",
        title: "SMTP",
        channels: &[Channel::Email],
        fields: &[
            credential("host", "Host name of the mail server", true, Shape::Host),
            credential("port", "Port; 587 if not given", false, Shape::Port),
            credential("username", "User name, if the server wants one", false, Shape::Text(256)),
            secret("password", "Password, if the server wants one", false, Shape::Text(256)),
            option(
                "encryption",
                "none, ssl (TLS from the first byte) or tls (STARTTLS)",
                false,
                Shape::OneOf(&["none", "ssl", "tls"]),
            ),
            option("autoTLS", "With none: STARTTLS where the server offers it", false, Shape::Flag),
            option("mailer", "X-Mailer header", false, Shape::Text(256)),
            option("fromName", "Sender's name", false, Shape::Text(128)),
            option("fromEmail", "Sender's address", true, Shape::Email),
            option("replyToName", "Reply-To name", false, Shape::Text(128)),
            option("replyToEmail", "Reply-To address", false, Shape::Email),
            option("ca", "Certificates of an own authority, PEM", false, Shape::Pem),
        ],
        batch: 1,
        concurrency: 16,
        idempotency: None,
        adapter: true,
    },
    Kind {
        name: "sandbox",
        title: "Sandbox",
        channels: &[Channel::Sms, Channel::Push],
        fields: &[
            option("endpoint", "Where the sandbox listens, as http://127.0.0.1:PORT", true, Shape::Url),
            secret("token", "The sandbox's token", true, Shape::Text(256)),
            option("from", "Sender of SMS", false, Shape::Text(256)),
            option("batch", "true: up to 100 recipients in a request", false, Shape::Flag),
        ],
        batch: 100,
        concurrency: 32,
        idempotency: Some(Duration::from_hours(24)),
        adapter: true,
    },
];

/// The row of a kind.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}
