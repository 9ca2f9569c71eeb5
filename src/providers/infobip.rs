//! Infobip: up to 1,000 messages a request, each with a text of its own.
//!
//! `POST /sms/2/text/advanced`, JSON, the scheme `App`; every account has a base URL of its
//! own (<https://www.infobip.com/docs/api/channels/sms/outbound-sms/send-sms-messages>). Each
//! message has a status of a group and an id
//! (<https://www.infobip.com/docs/essentials/response-status-and-error-codes>).
//!
//! Checked there: every id in the table, and the groups. `serviceException` and its texts for a
//! whole request are as in the service's description of its API; `GENERAL_ERROR` is unconfirmed.

use super::adapter::{AccountError, Answer, CompileError, Recipient, Rendition, Verdict};
use super::http::{Head, HttpAnswer};
use super::meaning::{self, Meaning, content, credentials, recipient, row, sender, wait};
use super::service::{Judged, Made, Opening, Protocol};
use super::text::{Sender, Text, bare};
use crate::domain::delivery::Stage;
use crate::domain::plan::BatchKey;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

/// The protocol of Infobip.
#[derive(Debug)]
pub struct Infobip {
    send: Head,
    balance: Head,
    from: Sender,
}

impl Infobip {
    /// Reads the account.
    pub fn new(opening: &Opening<'_>) -> Result<Self, AccountError> {
        let app = opening.bearer("App", "apiKey")?;
        opening.account.required("from")?;
        let from = Sender::read(opening.account, "from", |_| false)?
            .ok_or_else(|| opening.account.invalid("from", "is not set"))?;
        Ok(Self {
            send: opening.head("/sms/2/text/advanced", "application/json", [(AUTHORIZATION, app.clone())])?,
            balance: opening.get("/account/1/balance", [(AUTHORIZATION, app)])?,
            from,
        })
    }
}

impl Protocol for Infobip {
    type Content = Text;

    const MEANINGS: &'static [Meaning] = &[
        content(400, "BAD_REQUEST"),
        credentials(401, "UNAUTHORIZED"),
        credentials(403, "FORBIDDEN"),
        wait(429, "TOO_MANY_REQUESTS"),
        wait(500, "GENERAL_ERROR"),
        // Of one message, by the status's id: undeliverable, rejected.
        recipient(0, "4"),
        recipient(0, "6"),
        recipient(0, "8"),
        recipient(0, "9"),
        recipient(0, "10"),
        sender(0, "11"),
        sender(0, "12"),
        // The sender is on a list that the account blocks; the recipient is.
        sender(0, "13"),
        recipient(0, "14"),
        sender(0, "17"),
        recipient(0, "18"),
        recipient(0, "19"),
        wait(0, "20"),
        wait(0, "21"),
        // A message with this id was sent before: maybe this one.
        row(0, "23", Verdict::Uncertain, Stage::Response),
        content(0, "24"),
        content(0, "25"),
        // Not sent at all.
        wait(0, "31"),
        recipient(0, "51"),
        recipient(0, "52"),
        // Held for fraud.
        recipient(0, "87"),
        // Malformed, or the service is away for now: the text alone says which.
        content(0, "100"),
    ];

    fn compile(&self, rendition: &Rendition) -> Result<Text, CompileError> {
        Text::compile(rendition, None)
    }

    fn check(&self, content: &Text, recipient: &Recipient) -> Result<(), Answer> {
        content.check(recipient)
    }

    fn request(&self, content: &Text, to: &[&Recipient], _key: Option<BatchKey>) -> Made<'_> {
        let message = |to: &&Recipient| {
            json!({
                "from": self.from.bare(),
                "destinations": [{"to": bare(&to.address)}],
                "text": content.of(to),
                "callbackData": to.reference,
            })
        };
        let messages: Vec<Value> = to.iter().map(message).collect();
        Made::new(&self.send, json!({ "messages": messages }).to_string(), to.len())
    }

    fn judge(&self, answer: &HttpAnswer, to: &[&Recipient]) -> Judged {
        let body = meaning::json(answer).unwrap_or_default();
        if !answer.status.is_success() {
            let code = meaning::word(&body["requestError"]["serviceException"]["messageId"]);
            return Judged::All(meaning::refused(Self::MEANINGS, answer, &code));
        }
        let messages = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        if messages.len() != to.len() {
            return Judged::All(meaning::unreadable(answer));
        }
        let each = messages.iter().map(|one| {
            let (group, id) = (meaning::word(&one["status"]["groupId"]), meaning::word(&one["status"]["id"]));
            match group.as_str() {
                // Pending, or delivered already.
                "1" | "3" => meaning::accepted(
                    answer,
                    &meaning::word(&one["messageId"]),
                    meaning::word(&one["status"]["name"]),
                ),
                "2" | "4" | "5" => {
                    let known = Self::MEANINGS.iter().any(|row| row.code == id);
                    let mut refused =
                        meaning::refused(Self::MEANINGS, answer, if known { &id } else { "51" });
                    refused.text = format!("status {id}: {}", meaning::word(&one["status"]["description"]));
                    refused
                }
                _ => meaning::unreadable(answer),
            }
        });
        Judged::Each(each.collect())
    }

    fn probe(&self) -> Made<'_> {
        Made::new(&self.balance, Bytes::new(), 1)
    }
}
