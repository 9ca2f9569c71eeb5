//! Vonage's SMS API: one text message a request.
//!
//! `POST /sms/json`, a form with key and secret in it
//! (<https://developer.vonage.com/en/api/sms>). The answer is always 200; a message has a
//! status of its own for each of its parts
//! (<https://developer.vonage.com/en/messaging/sms/guides/troubleshooting-sms>).
//!
//! Checked: fields, and 40 characters for `client-ref`, in the service's own description of its
//! API (github.com/Nexmo/api-specification, `definitions/sms.yml`); the statuses at
//! developer.vonage.com/api-errors/sms. Unconfirmed: 34.

use super::adapter::{AccountError, Answer, CompileError, Recipient, Rendition, Verdict};
use super::http::{Head, HttpAnswer};
use super::meaning::{self, Meaning, content, credentials, gone, recipient, sender, wait};
use super::service::{Judged, Made, Opening, Protocol};
use super::text::{Sender, Text, bare};
use crate::domain::delivery::Stage;
use crate::domain::gsm::Alphabet;
use crate::domain::plan::BatchKey;
use bytes::Bytes;
use secrecy::{ExposeSecret, SecretString};
use url::form_urlencoded::Serializer;

/// Where Vonage is, unless the account says otherwise.
pub const BASE: &str = "https://rest.nexmo.com";
/// The most characters of a reference of ours.
const REFERENCE: usize = 40;

/// The protocol of Vonage.
#[derive(Debug)]
pub struct Vonage {
    send: Head,
    balance: Head,
    key: String,
    secret: SecretString,
    from: Sender,
    callback: Option<String>,
}

impl Vonage {
    /// Reads the account.
    pub fn new(opening: &Opening<'_>) -> Result<Self, AccountError> {
        let key = opening.account.required("apiKey")?;
        let secret = opening.account.required_secret("apiSecret")?;
        opening.account.required("from")?;
        let from = Sender::read(opening.account, "from", |_| false)?
            .ok_or_else(|| opening.account.invalid("from", "is not set"))?;
        let mut query = Serializer::new(String::new());
        query.append_pair("api_key", &key).append_pair("api_secret", secret.expose_secret());
        let balance = opening.get(&format!("/account/get-balance?{}", query.finish()), [])?;
        let send = opening.head("/sms/json", "application/x-www-form-urlencoded", [])?;
        let callback = opening.account.receipts_url.clone();
        Ok(Self { send, balance, key, secret, from, callback })
    }
}

impl Protocol for Vonage {
    type Content = Text;

    const MEANINGS: &'static [Meaning] = &[
        wait(200, "1"),
        content(200, "2"),
        recipient(200, "3"),
        credentials(200, "4"),
        wait(200, "5"),
        recipient(200, "6"),
        recipient(200, "7"),
        sender(200, "8"),
        // No credit left.
        sender(200, "9"),
        wait(200, "10"),
        credentials(200, "11"),
        content(200, "12"),
        credentials(200, "14"),
        sender(200, "15"),
        content(200, "22"),
        content(200, "23"),
        recipient(200, "29"),
        credentials(200, "32"),
        gone(200, "33"),
        content(200, "34"),
    ];

    fn compile(&self, rendition: &Rendition) -> Result<Text, CompileError> {
        Text::compile(rendition, None)
    }

    fn check(&self, content: &Text, recipient: &Recipient) -> Result<(), Answer> {
        content.check(recipient)
    }

    fn request(&self, content: &Text, to: &[&Recipient], _key: Option<BatchKey>) -> Made<'_> {
        let text = content.of(to[0]);
        let mut form = Serializer::new(String::new());
        form.append_pair("api_key", &self.key);
        form.append_pair("api_secret", self.secret.expose_secret());
        form.append_pair("from", self.from.bare());
        form.append_pair("to", bare(&to[0].address));
        form.append_pair("text", text);
        if Alphabet::of(text) == Alphabet::Ucs2 {
            form.append_pair("type", "unicode");
        }
        if to[0].reference.len() <= REFERENCE {
            form.append_pair("client-ref", &to[0].reference);
        }
        if let Some(callback) = &self.callback {
            form.append_pair("callback", callback);
        }
        Made::new(&self.send, form.finish(), 1)
    }

    fn judge(&self, answer: &HttpAnswer, _to: &[&Recipient]) -> Judged {
        if !answer.status.is_success() {
            return Judged::All(meaning::refused(Self::MEANINGS, answer, ""));
        }
        let body = meaning::json(answer).unwrap_or_default();
        let parts = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let status = |part: &serde_json::Value| meaning::word(&part["status"]);
        let Some(first) = parts.first() else { return Judged::All(meaning::unreadable(answer)) };
        let failed = parts.iter().find(|part| status(part) != "0");
        let Some(failed) = failed else {
            return Judged::All(meaning::accepted(answer, &meaning::word(&first["message-id"]), "accepted"));
        };
        let code = status(failed);
        let text = format!("status {code}: {}", meaning::word(&failed["error-text"]));
        let known = Self::MEANINGS.iter().any(|row| row.code == code);
        // Of a long message some parts may have been taken.
        let some = parts.iter().any(|part| status(part) == "0");
        let (verdict, stage) = match meaning::find(Self::MEANINGS, 200, &code) {
            _ if some => (Verdict::Uncertain, Stage::Response),
            _ if !known => (Verdict::Permanent, Stage::Content),
            found => found,
        };
        Judged::All(Answer::new(verdict, stage, answer.status.as_u16(), meaning::cut(&text)))
    }

    fn probe(&self) -> Made<'_> {
        Made::new(&self.balance, Bytes::new(), 1)
    }
}
