//! Seven: one text to up to 1,000 numbers a request.
//!
//! `POST /api/sms`, a form, the header `x-api-key`; JSON comes back where it is accepted
//! (<https://docs.seven.io/en/rest-api/endpoints/sms>, and the service's own description of its
//! API, github.com/seven-io/api-schemes). The answer has a code, and one for each message
//! (<https://docs.seven.io/en/rest-api/endpoints/sms#response-codes>).
//!
//! Checked: all codes, in the tables of Seven's own clients (github.com/seven-io).

use super::adapter::{AccountError, Answer, CompileError, Recipient, Rendition, Verdict};
use super::http::{Head, HttpAnswer};
use super::meaning::{self, Meaning, content, credentials, recipient, row, sender, wait};
use super::service::{Judged, Made, Opening, Protocol};
use super::text::{self, Sender, Text, bare};
use crate::domain::delivery::Stage;
use crate::domain::plan::BatchKey;
use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderName, HeaderValue};
use secrecy::ExposeSecret;
use serde_json::Value;
use url::form_urlencoded::Serializer;

/// Where Seven is, unless the account says otherwise.
pub const BASE: &str = "https://gateway.seven.io";
const JSON: &str = "application/json";

/// The protocol of Seven.
#[derive(Debug)]
pub struct Seven {
    send: Head,
    balance: Head,
    from: Sender,
    most: Option<usize>,
}

impl Seven {
    /// Reads the account.
    pub fn new(opening: &Opening<'_>) -> Result<Self, AccountError> {
        let key = opening.account.required_secret("apiKey")?;
        let key = opening.secret_header("apiKey", key.expose_secret())?;
        opening.account.required("from")?;
        let from = Sender::read(opening.account, "from", |_| false)?
            .ok_or_else(|| opening.account.invalid("from", "is not set"))?;
        let ours = [(HeaderName::from_static("x-api-key"), key), (ACCEPT, HeaderValue::from_static(JSON))];
        Ok(Self {
            send: opening.head("/api/sms", "application/x-www-form-urlencoded", ours.clone())?,
            balance: opening.get("/api/balance", ours)?,
            from,
            most: opening.kind.text,
        })
    }
}

/// The code of an answer. Some refusals are a number and nothing else.
fn code(body: &Value) -> String {
    if body.is_object() { meaning::word(&body["success"]) } else { meaning::word(body) }
}

impl Protocol for Seven {
    type Content = Text;

    const MEANINGS: &'static [Meaning] = &[
        sender(200, "201"),
        recipient(200, "202"),
        content(200, "301"),
        content(200, "302"),
        content(200, "305"),
        content(200, "308"),
        content(200, "401"),
        // The same text went to the same number within 180 seconds: maybe from us.
        row(200, "402", Verdict::Uncertain, Stage::Recipient),
        recipient(200, "403"),
        sender(200, "500"),
        wait(200, "600"),
        credentials(200, "900"),
        credentials(200, "901"),
        credentials(200, "902"),
        credentials(200, "903"),
    ];

    fn compile(&self, rendition: &Rendition) -> Result<Text, CompileError> {
        Text::compile(rendition, self.most)
    }

    fn check(&self, content: &Text, recipient: &Recipient) -> Result<(), Answer> {
        content.check(recipient)
    }

    fn request(&self, content: &Text, to: &[&Recipient], _key: Option<BatchKey>) -> Made<'_> {
        let taken = text::alike(content, &to[..text::distinct(to)]);
        let numbers: Vec<&str> = to[..taken].iter().map(|to| bare(&to.address)).collect();
        let mut form = Serializer::new(String::new());
        form.append_pair("to", &numbers.join(","));
        form.append_pair("from", self.from.bare());
        form.append_pair("text", content.of(to[0]));
        Made::new(&self.send, form.finish(), taken)
    }

    fn judge(&self, answer: &HttpAnswer, to: &[&Recipient]) -> Judged {
        if !answer.status.is_success() {
            return Judged::All(meaning::refused(Self::MEANINGS, answer, ""));
        }
        let Some(body) = meaning::json(answer) else { return Judged::All(meaning::unreadable(answer)) };
        let code = code(&body);
        let messages = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        if messages.is_empty() {
            let known = Self::MEANINGS.iter().any(|row| row.code == code);
            return Judged::All(if known {
                meaning::refused(Self::MEANINGS, answer, &code)
            } else {
                meaning::unreadable(answer)
            });
        }
        let each = to.iter().map(|to| {
            let ours = |one: &&Value| one["recipient"].as_str().map(bare) == Some(bare(&to.address));
            let Some(one) = messages.iter().find(ours) else { return meaning::unreadable(answer) };
            if one["success"] == true {
                return meaning::accepted(answer, &meaning::word(&one["id"]), "accepted");
            }
            let code = meaning::word(&one["error"]);
            if !Self::MEANINGS.iter().any(|row| row.code == code) {
                return meaning::unreadable(answer);
            }
            let mut refused = meaning::refused(Self::MEANINGS, answer, &code);
            refused.text = format!("error {code}: {}", meaning::word(&one["error_text"]));
            refused
        });
        Judged::Each(each.collect())
    }

    fn probe(&self) -> Made<'_> {
        Made::new(&self.balance, Bytes::new(), 1)
    }

    fn judge_probe(&self, answer: &HttpAnswer) -> Answer {
        let body = meaning::json(answer).unwrap_or_default();
        match code(&body) {
            code if code.starts_with('9') && code.len() == 3 => {
                meaning::refused(Self::MEANINGS, answer, &code)
            }
            _ if answer.status.is_success() => meaning::accepted(answer, "", ""),
            _ => meaning::refused(Self::MEANINGS, answer, ""),
        }
    }
}
