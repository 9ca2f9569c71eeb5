//! Textmagic: one text to up to 1,000 numbers a request.
//!
//! `POST /api/v2/messages`, a form with `text`, `phones` and `from`; the headers
//! `X-TM-Username` and `X-TM-Key` (<https://docs.textmagic.com/#tag/Outbound-Messages>).
//! The answer has one id for the request; refusals have a status and a text.
//!
//! Checked: headers, fields and answers in the service's own client
//! (github.com/textmagic/textmagic-rest-php-v2). Unconfirmed: 422.

use super::adapter::{AccountError, Answer, CompileError, Recipient, Rendition};
use super::http::{Head, HttpAnswer};
use super::meaning::{self, Meaning, content, credentials};
use super::service::{Judged, Made, Opening, Protocol};
use super::text::{self, Sender, Text, bare};
use crate::domain::plan::BatchKey;
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use secrecy::ExposeSecret;
use url::form_urlencoded::Serializer;

/// Where Textmagic is, unless the account says otherwise.
pub const BASE: &str = "https://rest.textmagic.com";

/// The protocol of Textmagic.
#[derive(Debug)]
pub struct Textmagic {
    send: Head,
    user: Head,
    from: Sender,
}

impl Textmagic {
    /// Reads the account.
    pub fn new(opening: &Opening<'_>) -> Result<Self, AccountError> {
        let name = opening.account.required("username")?;
        let key = opening.account.required_secret("apiKey")?;
        opening.account.required("from")?;
        let from = Sender::read(opening.account, "from", |_| false)?
            .ok_or_else(|| opening.account.invalid("from", "is not set"))?;
        let name = HeaderValue::from_str(&name)
            .map_err(|_| opening.account.invalid("username", "has characters that a header cannot carry"))?;
        let key = opening.secret_header("apiKey", key.expose_secret())?;
        let ours =
            [(HeaderName::from_static("x-tm-username"), name), (HeaderName::from_static("x-tm-key"), key)];
        let form = "application/x-www-form-urlencoded";
        Ok(Self {
            send: opening.head("/api/v2/messages", form, ours.clone())?,
            user: opening.get("/api/v2/user", ours)?,
            from,
        })
    }
}

impl Protocol for Textmagic {
    type Content = Text;

    const MEANINGS: &'static [Meaning] = &[content(400, ""), credentials(401, ""), content(422, "")];

    fn compile(&self, rendition: &Rendition) -> Result<Text, CompileError> {
        Text::compile(rendition, None)
    }

    fn check(&self, content: &Text, recipient: &Recipient) -> Result<(), Answer> {
        content.check(recipient)
    }

    fn request(&self, content: &Text, to: &[&Recipient], _key: Option<BatchKey>) -> Made<'_> {
        // One text a request, and nobody twice in it.
        let taken = text::alike(content, &to[..text::distinct(to)]);
        let phones: Vec<&str> = to[..taken].iter().map(|to| bare(&to.address)).collect();
        let mut form = Serializer::new(String::new());
        form.append_pair("text", content.of(to[0]));
        form.append_pair("phones", &phones.join(","));
        form.append_pair("from", self.from.bare());
        Made::new(&self.send, form.finish(), taken)
    }

    fn judge(&self, answer: &HttpAnswer, _to: &[&Recipient]) -> Judged {
        if !answer.status.is_success() {
            return Judged::All(meaning::refused(Self::MEANINGS, answer, ""));
        }
        let id = meaning::json(answer).map(|body| meaning::word(&body["id"])).unwrap_or_default();
        Judged::All(if id.is_empty() {
            meaning::unreadable(answer)
        } else {
            meaning::accepted(answer, &id, "accepted")
        })
    }

    fn probe(&self) -> Made<'_> {
        Made::new(&self.user, Bytes::new(), 1)
    }
}
