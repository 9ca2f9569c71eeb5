//! Clickatell's One API: up to 100 messages a request, each with a text of its own.
//!
//! `POST /v1/message`, JSON, the bare key in `authorization`
//! (<https://docs.clickatell.com/channels/one-api/one-api-reference/>). Each message is
//! accepted or has an error of its own; 207 says that some were not
//! (<https://www.clickatell.com/developers/api-documentation/one-api-error-messages/>, and the
//! newer “Errors Table” at docs.clickatell.com, which both were looked at for every code).

use super::adapter::{AccountError, Answer, CompileError, Recipient, Rendition};
use super::http::{Head, HttpAnswer};
use super::meaning::{self, Meaning, content, credentials, recipient, sender, wait};
use super::service::{Judged, Made, Opening, Protocol};
use super::text::{Sender, Text, bare};
use crate::domain::plan::BatchKey;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

/// Where Clickatell is, unless the account says otherwise.
pub const BASE: &str = "https://platform.clickatell.com";

/// The protocol of Clickatell.
#[derive(Debug)]
pub struct Clickatell {
    send: Head,
    balance: Head,
    from: Option<Sender>,
}

impl Clickatell {
    /// Reads the account.
    pub fn new(opening: &Opening<'_>) -> Result<Self, AccountError> {
        let key = opening.account.required_secret("apiKey")?;
        let key = opening.secret_header("apiKey", key.expose_secret())?;
        let from = Sender::read(opening.account, "from", |_| false)?;
        Ok(Self {
            send: opening.head("/v1/message", "application/json", [(AUTHORIZATION, key.clone())])?,
            balance: opening.get("/v1/balance", [(AUTHORIZATION, key)])?,
            from,
        })
    }
}

impl Protocol for Clickatell {
    type Content = Text;

    const MEANINGS: &'static [Meaning] = &[
        credentials(401, "1"),
        sender(400, "2"),
        sender(400, "3"),
        credentials(401, "7"),
        wait(500, "18"),
        wait(503, "19"),
        sender(0, "20"),
        content(400, "21"),
        content(400, "22"),
        content(400, "23"),
        content(400, "24"),
        recipient(400, "25"),
        recipient(0, "26"),
        recipient(0, "27"),
        recipient(0, "28"),
        sender(400, "38"),
        sender(400, "39"),
        content(400, "40"),
        wait(400, "43"),
        sender(400, "44"),
        sender(400, "45"),
        // A demonstration account that has ended.
        sender(400, "46"),
        content(400, "100"),
        recipient(400, "101"),
        sender(400, "110"),
        sender(400, "111"),
    ];

    fn compile(&self, rendition: &Rendition) -> Result<Text, CompileError> {
        Text::compile(rendition, None)
    }

    fn check(&self, content: &Text, recipient: &Recipient) -> Result<(), Answer> {
        content.check(recipient)
    }

    fn request(&self, content: &Text, to: &[&Recipient], _key: Option<BatchKey>) -> Made<'_> {
        let message = |to: &&Recipient| {
            let mut message = json!({
                "channel": "sms",
                "to": bare(&to.address),
                "content": content.of(to),
                "clientMessageId": to.reference,
            });
            if let Some(from) = &self.from {
                message["from"] = json!(from.bare());
            }
            message
        };
        let messages: Vec<Value> = to.iter().map(message).collect();
        Made::new(&self.send, json!({ "messages": messages }).to_string(), to.len())
    }

    fn judge(&self, answer: &HttpAnswer, to: &[&Recipient]) -> Judged {
        let body = meaning::json(answer).unwrap_or_default();
        let messages = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        if messages.len() != to.len() {
            let code = meaning::word(&body["error"]["code"]);
            return Judged::All(if answer.status.is_success() {
                meaning::unreadable(answer)
            } else {
                meaning::refused(Self::MEANINGS, answer, &code)
            });
        }
        let each = messages.iter().map(|one| {
            if one["accepted"] == true {
                return meaning::accepted(answer, &meaning::word(&one["apiMessageId"]), "accepted");
            }
            let code = meaning::word(&one["error"]["code"]);
            let mut refused = match Self::MEANINGS.iter().find(|row| row.code == code) {
                Some(row) => Answer::new(row.verdict, row.stage, answer.status.as_u16(), ""),
                None => meaning::unreadable(answer),
            };
            refused.text = format!("error {code}: {}", meaning::word(&one["error"]["description"]));
            refused
        });
        Judged::Each(each.collect())
    }

    fn probe(&self) -> Made<'_> {
        Made::new(&self.balance, Bytes::new(), 1)
    }
}
