//! Receipts as services send them: whether a request comes from the service, and
//! what it says, one file per service. Nothing here waits or sends; what a scheme
//! needs beside the request (a certificate) is asked for in its answer.
//!
//! What proves a receipt is a column of the table of kinds
//! ([`Proof`](crate::domain::provider::Proof)); services that sign nothing are called
//! at a URL that ends in a secret of the account's, and [`gateways`] is the table of
//! how their reports look.

pub mod certificate;
pub mod gateways;
pub mod mailgun;
pub mod plivo;
pub mod resend;
pub mod sendgrid;
pub mod ses;
pub mod seven;
pub mod telesign;
pub mod telnyx;
pub mod twilio;
pub mod vonage;

use super::adapter::Account;
use crate::domain::provider::Proof;
use crate::domain::receipt::Report;
use crate::domain::time::Timestamp;
use http::HeaderMap;
use ring::hmac;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use std::time::Duration;
use url::Url;

/// The longest body of a request with receipts: SendGrid's largest batches have less.
pub const MOST: usize = 2 * 1024 * 1024;
/// How far a clock may run ahead of ours.
const AHEAD: Duration = Duration::from_mins(5);
/// How old a signature may be that is made anew for each try.
const FRESH: Duration = Duration::from_mins(5);
/// How old one may be that is repeated as it is while the service tries again.
const LATE: Duration = Duration::from_hours(24);

/// A request that says it brings receipts.
#[derive(Debug, Clone, Copy)]
pub struct Incoming<'a> {
    /// The URL that the service called, as it knows it.
    pub url: &'a str,
    /// The secret at the end of the path; empty: there is none.
    pub token: &'a str,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body as it came.
    pub body: &'a [u8],
}

impl Incoming<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn json(&self) -> Result<Value, ReceiptError> {
        serde_json::from_slice(self.body).map_err(|_| ReceiptError::Unreadable("the body is not JSON"))
    }

    /// The fields of a form.
    fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.body)
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect()
    }
}

/// What a request brought that comes from the service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// What it reports, in its order.
    pub reports: Vec<Report>,
    /// What tells this request from every other: one that comes again says nothing new.
    pub once: Option<String>,
    /// It is no report: the service wants to know whether it has the right address, and
    /// this URL is to be fetched to say yes.
    pub confirm: Option<Url>,
}

/// Why nothing of a request is believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// The account has not what receipts are verified with.
    #[error("receipts are not set up: the provider has no {0}")]
    NotSetUp(&'static str),
    /// It does not come from the service.
    #[error("the request is not signed by the service: {0}")]
    Forged(&'static str),
    /// It comes from the service, and too late: it may have been kept and played again.
    #[error("the signature is too old, or from the future")]
    Stale,
    /// It cannot be read.
    #[error("the request cannot be read: {0}")]
    Unreadable(&'static str),
    /// It can be verified only with the certificate that is to be had there.
    #[error("the certificate of the signature is needed")]
    Certificate(Url),
}

/// Verifies and reads a request. `certificate`: what was asked for with
/// [`ReceiptError::Certificate`].
pub fn receive(
    account: &Account,
    incoming: &Incoming<'_>,
    now: Timestamp,
    certificate: Option<&[u8]>,
) -> Result<Received, ReceiptError> {
    let proof = account.provider.kind_row().map_or(Proof::None, |kind| kind.proof);
    match proof {
        Proof::None => Err(ReceiptError::NotSetUp("receipts of its kind")),
        Proof::Token => {
            by_token(account, incoming)?;
            gateways::read(&account.provider.kind, incoming)
        }
        Proof::Mailgun => mailgun::receive(account, incoming, now),
        Proof::SendGrid => sendgrid::receive(account, incoming, now),
        Proof::Svix => resend::receive(account, incoming, now),
        Proof::Sns => ses::receive(account, incoming, now, certificate),
        Proof::Twilio => twilio::receive(account, incoming),
        Proof::Vonage => vonage::receive(account, incoming, now),
        Proof::Telnyx => telnyx::receive(account, incoming, now),
        Proof::Plivo => plivo::receive(account, incoming),
        Proof::Telesign => telesign::receive(account, incoming),
        Proof::Seven => seven::receive(account, incoming, now),
    }
}

/// The field that receipts are verified with.
/// Refuses receipts of a service whose messages ask for none: whoever sends one is not answering us.
fn switched_on(account: &Account) -> Result<(), ReceiptError> {
    if account.provider.takes_receipts() { Ok(()) } else { Err(ReceiptError::NotSetUp("option receipts")) }
}

fn proof(account: &Account, field: &'static str) -> Result<String, ReceiptError> {
    account.text(field).ok_or(ReceiptError::NotSetUp(field))
}

/// The shortest token that is no guess.
const TOKEN: usize = 16;

fn by_token(account: &Account, incoming: &Incoming<'_>) -> Result<(), ReceiptError> {
    let token = account.credentials.get("receiptToken").ok_or(ReceiptError::NotSetUp("receiptToken"))?;
    let token = token.expose_secret();
    if token.len() < TOKEN {
        return Err(ReceiptError::NotSetUp("receiptToken of 16 characters or more"));
    }
    let same = same(token.as_bytes(), incoming.token.as_bytes());
    if same { Ok(()) } else { Err(ReceiptError::Forged("the URL does not end in the receipt token")) }
}

/// Whether two secrets are the same, in a time that tells nothing of them.
fn same(ours: &[u8], theirs: &[u8]) -> bool {
    // The digests are compared, by a key that nobody knows before: how far they agree says nothing.
    let Ok(key) = hmac::Key::generate(hmac::HMAC_SHA256, &ring::rand::SystemRandom::new()) else {
        return false;
    };
    hmac::verify(&key, theirs, hmac::sign(&key, ours).as_ref()).is_ok()
}

/// Whether a signature's time is within what its scheme allows; seconds since 1970.
fn check_time(seconds: &str, now: Timestamp, age: Duration) -> Result<(), ReceiptError> {
    let seconds: i64 = seconds.trim().parse().map_err(|_| ReceiptError::Forged("it has no time"))?;
    let at = Timestamp(seconds.saturating_mul(1000));
    if at > now.plus(AHEAD) || at < now.minus(age) { Err(ReceiptError::Stale) } else { Ok(()) }
}

/// Bytes of hexadecimal digits.
fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

/// A value as a text: numbers and flags in their JSON form, nothing for anything else.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        _ => String::new(),
    }
}

/// A time as RFC 3339, or as seconds since 1970 with or without a fraction.
fn time(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => Timestamp::parse(text).or_else(|| seconds(text.parse().ok()?)),
        Value::Number(number) => seconds(number.as_f64()?),
        _ => None,
    }
}

fn seconds(seconds: f64) -> Option<Timestamp> {
    (seconds.is_finite() && (0.0..1e11).contains(&seconds)).then_some(Timestamp((seconds * 1000.0) as i64))
}

/// The enhanced status code (RFC 3463) that stands in a text, as `5.1.1`.
pub fn enhanced(text: &str) -> Option<&str> {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.')).find(|word| {
        let mut parts = word.split('.');
        let class = matches!(parts.next(), Some("2" | "4" | "5"));
        let rest: Vec<_> = parts.collect();
        class && rest.len() == 2 && rest.iter().all(|part| (1..=3).contains(&part.len()))
    })
}

/// Whether a bounce that a service calls permanent says that the address is no good. Where a status
/// code of mail is known, only 5.1.x and 5.2.1 do: a refusal of us as a sender, however permanent,
/// says nothing of the address.
fn permanent(says: bool, status: &str) -> bool {
    match enhanced(status) {
        Some(status) => says && (status.starts_with("5.1.") || status == "5.2.1"),
        None => says,
    }
}

/// The beginning of what a service said: enough for people, bounded for the log.
fn said<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let joined: Vec<_> = parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect();
    joined.join(" · ").chars().take(500).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_speaks_of_the_address_is_permanent() {
        assert_eq!(enhanced("550 5.1.1 <a@b.example>: unknown"), Some("5.1.1"));
        assert_eq!(enhanced("smtp; 550-5.7.1 blocked, see 10.0.0.1"), Some("5.7.1"));
        assert_eq!(enhanced("250 ok at 1.2.3.4"), None);
        assert!(permanent(true, "550 5.1.1 unknown") && permanent(true, "5.2.1") && permanent(true, "gone"));
        assert!(!permanent(true, "550 5.7.1 blocked") && !permanent(true, "5.2.2 full"));
        assert!(!permanent(false, "5.1.1"));
    }

    #[test]
    fn secrets_are_compared_whole() {
        assert!(same(b"abc", b"abc") && !same(b"abc", b"abd") && !same(b"abc", b"abcd") && !same(b"a", b""));
        assert_eq!(unhex("00ff"), Some(vec![0, 255]));
        assert_eq!((unhex("0"), unhex("zz"), unhex("é")), (None, None, None));
    }

    #[test]
    fn times_have_bounds() {
        let now = Timestamp(1_000_000_000);
        assert_eq!(check_time("1000000", now, FRESH), Ok(()));
        assert_eq!(check_time("1000301", now, FRESH), Err(ReceiptError::Stale));
        assert_eq!(check_time("999699", now, FRESH), Err(ReceiptError::Stale));
        assert_eq!(check_time("soon", now, FRESH), Err(ReceiptError::Forged("it has no time")));
    }
}
