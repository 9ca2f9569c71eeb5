//! Telesign: one text message a request.
//!
//! `POST /v1/messaging`, a form with `phone_number`, `message`, `message_type` and
//! `sender_id`; Basic authentication
//! (<https://developer.telesign.com/enterprise/reference/sendsms>). The answer has a
//! `reference_id` and a status code
//! (<https://developer.telesign.com/enterprise/docs/all-status-and-error-codes>).
//!
//! Checked: 290, 11000 to 11017 and 12000 to 12017 in the reference of this request; 10009, 10033,
//! 20002, 30000 to 30015 and 501 in that of `sendsmsverifycode`, where they have a minus in front;
//! 200 to 251 in the list of what callbacks say
//! (<https://developer.telesign.com/enterprise/reference/smscallbacks>). Unconfirmed: 291 to 295. A
//! success with a code that is in neither list is uncertain.

use super::adapter::{AccountError, Answer, CompileError, Recipient, Rendition, Verdict};
use super::http::{Head, HttpAnswer};
use super::meaning::{self, Meaning, content, credentials, recipient, sender, wait};
use super::service::{Judged, Made, Opening, Protocol};
use super::text::{Sender, Text, bare};
use crate::domain::delivery::Stage;
use crate::domain::plan::BatchKey;
use http::header::AUTHORIZATION;
use serde_json::Value;
use url::form_urlencoded::Serializer;

/// Where Telesign is, unless the account says otherwise.
pub const BASE: &str = "https://rest-ww.telesign.com";

/// The protocol of Telesign.
#[derive(Debug)]
pub struct Telesign {
    send: Head,
    from: Sender,
    most: Option<usize>,
    kind: String,
}

impl Telesign {
    /// Reads the account.
    pub fn new(opening: &Opening<'_>) -> Result<Self, AccountError> {
        let customer = opening.account.required("customerId")?;
        let key = opening.account.required_secret("apiKey")?;
        opening.account.required("from")?;
        let from = Sender::read(opening.account, "from", |_| false)?
            .ok_or_else(|| opening.account.invalid("from", "is not set"))?;
        let basic = opening.basic(&customer, &key)?;
        let form = "application/x-www-form-urlencoded";
        Ok(Self {
            send: opening.head("/v1/messaging", form, [(AUTHORIZATION, basic)])?,
            from,
            most: opening.kind.text,
            kind: opening.account.text("messageType").unwrap_or_else(|| "ARN".to_owned()),
        })
    }
}

/// The code of an answer: of its first error, or of its status, which for a request that was not
/// attempted says no more than that. Errors stand with a minus in front of some products' codes.
fn code(body: &Value) -> String {
    let code = match meaning::word(&body["errors"][0]["code"]) {
        code if code.is_empty() => meaning::word(&body["status"]["code"]),
        code => code,
    };
    code.trim_start_matches('-').to_owned()
}

impl Protocol for Telesign {
    type Content = Text;

    const MEANINGS: &'static [Meaning] = &[
        // What is told of the number and the way to it.
        recipient(0, "211"),
        recipient(0, "220"),
        recipient(0, "222"),
        recipient(0, "229"),
        recipient(0, "230"),
        wait(0, "210"),
        // The number: not one, of a country that there is not, or none of a trial account's.
        recipient(0, "11000"),
        recipient(0, "11001"),
        recipient(0, "10033"),
        recipient(0, "12000"),
        // The text, and what goes with it.
        content(0, "231"),
        content(0, "11009"),
        content(0, "11016"),
        content(0, "11017"),
        content(0, "12009"),
        content(0, "12017"),
        sender(0, "11013"),
        // Who asks: another network address, a product that is not enabled, the account, the key.
        credentials(0, "10009"),
        credentials(0, "20002"),
        credentials(0, "30000"),
        sender(0, "30001"),
        credentials(0, "30004"),
        credentials(0, "30005"),
        credentials(0, "30006"),
        credentials(0, "30015"),
        credentials(0, "501"),
    ];

    fn compile(&self, rendition: &Rendition) -> Result<Text, CompileError> {
        Text::compile(rendition, self.most)
    }

    fn check(&self, content: &Text, recipient: &Recipient) -> Result<(), Answer> {
        content.check(recipient)
    }

    fn request(&self, content: &Text, to: &[&Recipient], _key: Option<BatchKey>) -> Made<'_> {
        let mut form = Serializer::new(String::new());
        form.append_pair("phone_number", bare(&to[0].address));
        form.append_pair("message", content.of(to[0]));
        form.append_pair("message_type", &self.kind);
        form.append_pair("sender_id", self.from.bare());
        form.append_pair("external_id", &to[0].reference);
        Made::new(&self.send, form.finish(), 1)
    }

    fn judge(&self, answer: &HttpAnswer, _to: &[&Recipient]) -> Judged {
        let body = meaning::json(answer);
        let code = body.as_ref().map(code).unwrap_or_default();
        if !answer.status.is_success() {
            return Judged::All(meaning::refused(Self::MEANINGS, answer, &code));
        }
        let id = body.as_ref().map(|body| meaning::word(&body["reference_id"])).unwrap_or_default();
        Judged::All(match code.as_str() {
            // Under way, queued, handed over, delivered, or later than usual.
            "200" | "203" | "290" | "291" | "292" | "295" if !id.is_empty() => {
                meaning::accepted(answer, &id, format!("status {code}"))
            }
            known if Self::MEANINGS.iter().any(|row| row.code == known) => {
                meaning::refused(Self::MEANINGS, answer, known)
            }
            _ => Answer::new(Verdict::Uncertain, Stage::Response, 200, meaning::shown(answer)),
        })
    }

    fn probe(&self) -> Made<'_> {
        // Without a number nothing can be sent; who asks is looked at first.
        Made::new(&self.send, "message_type=ARN", 1)
    }

    fn judge_probe(&self, answer: &HttpAnswer) -> Answer {
        let code = meaning::json(answer).as_ref().map(code).unwrap_or_default();
        let (_, stage) = meaning::find(Self::MEANINGS, answer.status.as_u16(), &code);
        match answer.status.as_u16() {
            400 if stage != Stage::Authentication && stage != Stage::Sender => {
                meaning::accepted(answer, "", "")
            }
            _ => meaning::refused(Self::MEANINGS, answer, &code),
        }
    }
}
