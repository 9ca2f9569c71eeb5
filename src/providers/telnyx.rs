//! Telnyx: one text message a request.
//!
//! `POST /v2/messages`, JSON, a bearer token
//! (<https://developers.telnyx.com/api-reference/messages/send-a-message>). Refusals have codes
//! (<https://developers.telnyx.com/docs/messaging/messages/error-codes>).
//!
//! Checked: 10002 to 10016 at developers.telnyx.com/development/api-fundamentals/api-errors, 40001 to
//! 40013 in the list for messages, 40300 to 40329 in the article of the service's support
//! (<https://support.telnyx.com/en/articles/6505121-telnyx-messaging-error-codes>). Unconfirmed:
//! 20012 and 20100.

use super::adapter::{AccountError, Answer, CompileError, Recipient, Rendition};
use super::http::{Head, HttpAnswer};
use super::meaning::{self, Meaning, content, credentials, recipient, sender, wait};
use super::service::{Judged, Made, Opening, Protocol};
use super::text::{Sender, Text};
use crate::domain::plan::BatchKey;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use serde_json::json;

/// Where Telnyx is, unless the account says otherwise.
pub const BASE: &str = "https://api.telnyx.com";

/// The protocol of Telnyx.
#[derive(Debug)]
pub struct Telnyx {
    send: Head,
    balance: Head,
    from: Sender,
    profile: Option<String>,
    callback: Option<String>,
}

impl Telnyx {
    /// Reads the account.
    pub fn new(opening: &Opening<'_>) -> Result<Self, AccountError> {
        let bearer = opening.bearer("Bearer", "apiKey")?;
        opening.account.required("from")?;
        let from = Sender::read(opening.account, "from", |_| false)?
            .ok_or_else(|| opening.account.invalid("from", "is not set"))?;
        let profile = opening.account.text("messagingProfileId");
        if matches!(from, Sender::Name(_)) && profile.is_none() {
            let problem = "is missing: a sender that is a name needs one";
            return Err(opening.account.invalid("messagingProfileId", problem));
        }
        Ok(Self {
            send: opening.head("/v2/messages", "application/json", [(AUTHORIZATION, bearer.clone())])?,
            balance: opening.get("/v2/balance", [(AUTHORIZATION, bearer)])?,
            from,
            profile,
            callback: opening.account.receipts_url.clone(),
        })
    }
}

impl Protocol for Telnyx {
    type Content = Text;

    const MEANINGS: &'static [Meaning] = &[
        credentials(401, "10009"),
        credentials(0, "10010"),
        wait(429, "10011"),
        // A number that is none, or is not written as it must be: ours was looked at before.
        recipient(0, "10002"),
        recipient(0, "10016"),
        content(0, "10004"),
        content(400, "10015"),
        sender(0, "20012"),
        // No funds.
        sender(0, "20100"),
        recipient(0, "40001"),
        recipient(0, "40004"),
        recipient(0, "40008"),
        recipient(0, "40012"),
        recipient(0, "40300"),
        recipient(0, "40301"),
        recipient(0, "40309"),
        recipient(0, "40310"),
        recipient(0, "40319"),
        content(0, "40302"),
        content(0, "40304"),
        content(0, "40316"),
        content(0, "40322"),
        content(0, "40328"),
        sender(0, "40013"),
        sender(0, "40305"),
        sender(0, "40306"),
        sender(0, "40308"),
        sender(0, "40329"),
        sender(0, "40311"),
        sender(0, "40312"),
        sender(0, "40313"),
        sender(0, "40314"),
        sender(0, "40315"),
        sender(0, "40321"),
        wait(0, "40318"),
        wait(0, "40320"),
    ];

    fn compile(&self, rendition: &Rendition) -> Result<Text, CompileError> {
        Text::compile(rendition, None)
    }

    fn check(&self, content: &Text, recipient: &Recipient) -> Result<(), Answer> {
        content.check(recipient)
    }

    fn request(&self, content: &Text, to: &[&Recipient], _key: Option<BatchKey>) -> Made<'_> {
        let mut body = json!({
            "from": self.from.as_str(),
            "to": to[0].address,
            "text": content.of(to[0]),
            "tags": [to[0].reference],
        });
        if let Some(profile) = &self.profile {
            body["messaging_profile_id"] = json!(profile);
        }
        if let Some(callback) = &self.callback {
            body["webhook_url"] = json!(callback);
        }
        Made::new(&self.send, body.to_string(), 1)
    }

    fn judge(&self, answer: &HttpAnswer, _to: &[&Recipient]) -> Judged {
        let body = meaning::json(answer).unwrap_or_default();
        if !answer.status.is_success() {
            let code = meaning::word(&body["errors"][0]["code"]);
            return Judged::All(meaning::refused(Self::MEANINGS, answer, &code));
        }
        let id = meaning::word(&body["data"]["id"]);
        Judged::All(if id.is_empty() {
            meaning::unreadable(answer)
        } else {
            meaning::accepted(answer, &id, "queued")
        })
    }

    fn probe(&self) -> Made<'_> {
        Made::new(&self.balance, Bytes::new(), 1)
    }
}
