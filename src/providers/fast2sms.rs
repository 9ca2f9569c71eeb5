//! Fast2SMS: one text to up to 1,000 numbers in India a request.
//!
//! `POST /dev/bulkV2`, JSON, the bare key in `authorization`
//! (<https://docs.fast2sms.com/reference/quick-sms-api>): the route `q` with the text, or
//! with a sender id and a message id the route `dlt`, whose one variable is the text
//! (<https://docs.fast2sms.com/reference/dlt-sms>). Refusals have a status code
//! (<https://docs.fast2sms.com/reference/error-code-list>), which were compared with what clients of the
//! service have copied from that page; unconfirmed: 999. An answer with a code that the table lacks
//! goes by its status.

use super::adapter::{AccountError, Answer, CompileError, Recipient, Rendition, Verdict};
use super::http::{Head, HttpAnswer};
use super::meaning::{self, Meaning, content, credentials, recipient, row, sender};
use super::service::{Judged, Made, Opening, Protocol};
use super::text::{self, Text};
use crate::domain::delivery::Stage;
use crate::domain::gsm::Alphabet;
use crate::domain::plan::BatchKey;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

/// Where Fast2SMS is, unless the account says otherwise.
pub const BASE: &str = "https://www.fast2sms.com";
/// The calling code of India: numbers go without it.
const INDIA: &str = "+91";

/// The protocol of Fast2SMS.
#[derive(Debug)]
pub struct Fast2Sms {
    send: Head,
    wallet: Head,
    /// Sender id and message id of the route `dlt`.
    template: Option<(String, String)>,
}

impl Fast2Sms {
    /// Reads the account.
    pub fn new(opening: &Opening<'_>) -> Result<Self, AccountError> {
        let key = opening.account.required_secret("apiKey")?;
        let key = opening.secret_header("apiKey", key.expose_secret())?;
        let template = match (opening.account.text("senderId"), opening.account.text("messageId")) {
            (Some(sender), Some(message)) => Some((sender, message)),
            (None, None) => None,
            _ => return Err(opening.account.invalid("messageId", "and senderId are set both or neither")),
        };
        Ok(Self {
            send: opening.head("/dev/bulkV2", "application/json", [(AUTHORIZATION, key.clone())])?,
            wallet: opening.get("/dev/wallet", [(AUTHORIZATION, key)])?,
            template,
        })
    }
}

impl Protocol for Fast2Sms {
    type Content = Text;

    const MEANINGS: &'static [Meaning] = &[
        sender(400, "401"),
        content(400, "402"),
        content(400, "403"),
        content(400, "404"),
        content(400, "405"),
        sender(400, "406"),
        content(400, "407"),
        content(400, "408"),
        sender(400, "409"),
        content(400, "410"),
        recipient(400, "411"),
        credentials(401, "412"),
        credentials(401, "413"),
        credentials(400, "414"),
        sender(400, "415"),
        sender(400, "416"),
        content(400, "417"),
        sender(400, "424"),
        sender(400, "425"),
        content(400, "426"),
        sender(400, "500"),
        sender(400, "990"),
        // Several to the same number: maybe one of ours has gone.
        row(400, "995", Verdict::Uncertain, Stage::Recipient),
        sender(400, "996"),
        sender(400, "998"),
        sender(400, "999"),
    ];

    fn compile(&self, rendition: &Rendition) -> Result<Text, CompileError> {
        Text::compile(rendition, None)
    }

    fn check(&self, content: &Text, recipient: &Recipient) -> Result<(), Answer> {
        content.check(recipient)?;
        let national = recipient.address.strip_prefix(INDIA);
        if national.is_some_and(|number| number.len() == 10) {
            return Ok(());
        }
        let text = "this service delivers to mobile numbers in India only";
        Err(Answer::new(Verdict::Permanent, Stage::Local, 0, text))
    }

    fn request(&self, content: &Text, to: &[&Recipient], _key: Option<BatchKey>) -> Made<'_> {
        let taken = text::alike(content, &to[..text::distinct(to)]);
        let numbers: Vec<&str> = to[..taken].iter().map(|to| to.address.trim_start_matches(INDIA)).collect();
        let text = content.of(to[0]);
        let mut body = json!({"numbers": numbers.join(","), "flash": "0"});
        if let Some((sender, message)) = &self.template {
            body["route"] = json!("dlt");
            body["sender_id"] = json!(sender);
            body["message"] = json!(message);
            // A bar would begin the next variable.
            body["variables_values"] = json!(text.replace('|', "/"));
        } else {
            let unicode = Alphabet::of(text) == Alphabet::Ucs2;
            body["route"] = json!("q");
            body["message"] = json!(text);
            body["language"] = json!(if unicode { "unicode" } else { "english" });
        }
        Made::new(&self.send, body.to_string(), taken)
    }

    fn judge(&self, answer: &HttpAnswer, _to: &[&Recipient]) -> Judged {
        let body = meaning::json(answer).unwrap_or_default();
        if answer.status.is_success() && body["return"] == true {
            return Judged::All(meaning::accepted(answer, &meaning::word(&body["request_id"]), "sent"));
        }
        let code = meaning::word(&body["status_code"]);
        Judged::All(if answer.status.is_success() && body["return"] != Value::Bool(false) {
            meaning::unreadable(answer)
        } else {
            meaning::refused(Self::MEANINGS, answer, &code)
        })
    }

    fn probe(&self) -> Made<'_> {
        Made::new(&self.wallet, Bytes::new(), 1)
    }

    fn judge_probe(&self, answer: &HttpAnswer) -> Answer {
        let body = meaning::json(answer).unwrap_or_default();
        if answer.status.is_success() && body["return"] == true {
            return meaning::accepted(answer, "", "");
        }
        meaning::refused(Self::MEANINGS, answer, &meaning::word(&body["status_code"]))
    }
}
