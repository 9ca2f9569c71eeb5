//! The table of provider kinds: what is known of a service before any account
//! with it exists. The API's validation, the console's forms, the sandbox and the
//! table in the README come from it.

use super::super::channel::Channel;
use std::time::Duration;

mod email;
mod own;
mod push;
mod sms;

/// One row of the table.
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
    /// Requests a second, as the service publishes for every account; `None`: it
    /// publishes none, or it depends on the account.
    pub rate: Option<f64>,
    /// The most bytes of one request's body; `None`: the service publishes no limit.
    pub request: Option<usize>,
    /// The most characters of a text message; `None`: the service publishes no limit.
    pub text: Option<usize>,
    /// How long the service remembers an idempotency key; `None`: it has none.
    pub idempotency: Option<Duration>,
    /// The cheap call that checks credentials without sending to anybody; `none: …` where there is none.
    pub check: &'static str,
    /// What the service can report afterwards, by webhook.
    pub receipts: &'static [Receipt],
    /// What proves that such a report comes from the service.
    pub proof: Proof,
    /// Where the service documents what the row says.
    pub source: &'static str,
    /// Whether Herald has an adapter for it yet.
    pub adapter: bool,
}

impl Kind {
    /// Whether the service can be asked if it takes credentials.
    pub fn can_check(&self) -> bool {
        !self.check.starts_with("none")
    }
}

/// What a service reports of a message that it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Receipt {
    /// It arrived.
    Delivered,
    /// It came back.
    Bounced,
    /// The recipient called it unwanted.
    Complained,
    /// The recipient wants no more of them.
    Unsubscribed,
}

impl Receipt {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Bounced => "bounced",
            Self::Complained => "complained",
            Self::Unsubscribed => "unsubscribed",
        }
    }
}

/// What proves that a receipt comes from the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Proof {
    /// There are no receipts.
    None,
    /// A secret of ours in the URL that the service calls.
    Token,
    /// Mailgun: HMAC-SHA256 of timestamp and token.
    Mailgun,
    /// SendGrid: ECDSA on P-256 over timestamp and body.
    SendGrid,
    /// Resend: HMAC-SHA256 over id, timestamp and body, as Svix signs.
    Svix,
    /// Amazon SES: the certificate of Amazon SNS, for one topic.
    Sns,
    /// Twilio: HMAC-SHA1 over the URL and the parameters.
    Twilio,
    /// Vonage: a token in HS256 with a hash of the body.
    Vonage,
    /// Telnyx: Ed25519 over timestamp and body.
    Telnyx,
    /// Plivo: HMAC-SHA256 over the URL, the parameters and a nonce.
    Plivo,
    /// Telesign: HMAC-SHA256 over the body.
    Telesign,
    /// Seven: HMAC-SHA256 over timestamp, nonce, URL and a digest of the body.
    Seven,
}

impl Proof {
    /// The field without which no receipt is taken.
    pub const fn field(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Token => Some("receiptToken"),
            Self::Mailgun => Some("webhookSigningKey"),
            Self::SendGrid | Self::Telnyx => Some("webhookPublicKey"),
            Self::Svix => Some("webhookSecret"),
            Self::Sns => Some("snsTopicArn"),
            Self::Twilio | Self::Plivo | Self::Telesign => Some("receipts"),
            Self::Seven => Some("signingSecret"),
            Self::Vonage => Some("signatureSecret"),
        }
    }

    /// How it works, for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Token => "secret URL",
            Self::Mailgun => "HMAC-SHA256",
            Self::SendGrid => "ECDSA P-256",
            Self::Svix => "HMAC-SHA256 (Svix)",
            Self::Sns => "certificate of Amazon SNS",
            Self::Twilio => "HMAC-SHA1 over the URL",
            Self::Vonage => "JWT, HS256",
            Self::Telnyx => "Ed25519",
            Self::Plivo => "HMAC-SHA256 over the URL",
            Self::Telesign => "HMAC-SHA256 over the body",
            Self::Seven => "HMAC-SHA256 over the request",
        }
    }
}

/// A credential or option of a kind.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools, reason = "each is a column of the table")]
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
    /// Verifies receipts: it is never sent to the service.
    pub proves: bool,
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
    /// Certificates or a key in PEM.
    Pem,
    /// A JSON object, or its text.
    Json,
    /// A template, of any number of lines.
    Template,
}

const fn option(name: &'static str, help: &'static str, required: bool, shape: Shape) -> Field {
    Field { name, help, secret: false, credential: false, required, shape, proves: false }
}

const fn credential(name: &'static str, help: &'static str, required: bool, shape: Shape) -> Field {
    Field { name, help, secret: false, credential: true, required, shape, proves: false }
}

const fn secret(name: &'static str, help: &'static str, required: bool, shape: Shape) -> Field {
    Field { name, help, secret: true, credential: true, required, shape, proves: false }
}

/// A secret that verifies receipts.
const fn proof(name: &'static str, help: &'static str) -> Field {
    Field { proves: true, ..secret(name, help, false, Shape::Text(512)) }
}

const RECEIPT_TOKEN: Field =
    proof("receiptToken", "Takes receipts: 16 or more letters and digits, the end of the URL for them");
const FROM_NAME: Field = option("fromName", "Sender's name", false, Shape::Text(128));
const FROM_EMAIL: Field = option("fromEmail", "Sender's address", true, Shape::Email);
const REPLY_TO_NAME: Field = option("replyToName", "Reply-To name", false, Shape::Text(128));
const REPLY_TO_EMAIL: Field = option("replyToEmail", "Reply-To address", false, Shape::Email);
const ENDPOINT: Field =
    option("endpoint", "Another base URL: a region, a proxy, a sandbox", false, Shape::Url);
const CA: Field = option("ca", "Certificates of an own authority, PEM", false, Shape::Pem);
const SENDER: Field =
    option("from", "Sender: a number in E.164 or up to 11 letters and digits", true, Shape::Text(256));

/// The table of kinds. A new adapter is one file and one row.
pub const KINDS: &[Kind] = &[
    email::SMTP,
    email::MAILGUN,
    email::SENDGRID,
    email::RESEND,
    email::SES,
    sms::TWILIO,
    sms::VONAGE,
    sms::MSG91,
    sms::TELESIGN,
    sms::TEXTMAGIC,
    sms::SINCH,
    sms::PLIVO,
    sms::INFOBIP,
    sms::CLICKATELL,
    sms::TELNYX,
    sms::SEVEN,
    sms::INFORU,
    sms::FAST2SMS,
    push::FCM,
    push::APNS,
    push::WEBPUSH,
    own::HTTP,
    own::SANDBOX,
];

/// The row of a kind.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn rows_are_whole() {
        let mut names = BTreeSet::new();
        for kind in KINDS {
            assert!(names.insert(kind.name), "{} stands twice", kind.name);
            assert!(kind.batch > 0 && kind.concurrency > 0 && !kind.channels.is_empty(), "{}", kind.name);
            assert!(!kind.check.is_empty() && !kind.source.is_empty(), "{}", kind.name);
            let fields: BTreeSet<_> = kind.fields.iter().map(|field| field.name).collect();
            assert_eq!(fields.len(), kind.fields.len(), "{}: a field stands twice", kind.name);
            assert!(kind.fields.iter().all(|field| !field.secret || field.credential), "{}", kind.name);
            assert_eq!(kind.proof == Proof::None, kind.receipts.is_empty(), "{}", kind.name);
            assert!(kind.proof.field().is_none_or(|proof| fields.contains(proof)), "{}", kind.name);
        }
    }
}
