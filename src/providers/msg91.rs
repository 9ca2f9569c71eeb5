//! MSG91: text messages by a template that was registered with it, up to 100
//! recipients a request, each with variables of their own.
//!
//! `POST /api/v5/flow`, JSON, the header `authkey`
//! (<https://docs.msg91.com/sms/send-sms>). The text goes into the template's variable
//! `content`, and into `otp`. Refusals have a `type` of `error` and mostly a code
//! (<https://help.msg91.com/article/286-what-are-different-sms-api-error-codes>); those of the
//! account have `hasError` and an `apiError`.
//!
//! Checked: the codes from 101 to 506 in the copy of that list at github.com/tesark/msg91-php
//! (`ERRORCODE.md`), 418 at msg91.com/help/api. Unconfirmed: 201, 400 and 601.

use super::adapter::{AccountError, Answer, CompileError, Recipient, Rendition, Verdict};
use super::http::{Head, HttpAnswer};
use super::meaning::{self, Meaning, content, credentials, recipient, row, sender, wait};
use super::service::{Judged, Made, Opening, Protocol};
use super::text::{Text, bare};
use crate::domain::delivery::Stage;
use crate::domain::plan::BatchKey;
use http::HeaderName;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

/// Where MSG91 is, unless the account says otherwise.
pub const BASE: &str = "https://control.msg91.com";

/// The protocol of MSG91.
#[derive(Debug)]
pub struct Msg91 {
    send: Head,
    sender: String,
    template: String,
}

impl Msg91 {
    /// Reads the account.
    pub fn new(opening: &Opening<'_>) -> Result<Self, AccountError> {
        let key = opening.account.required_secret("authKey")?;
        let sender = opening.account.required("senderId")?;
        let template = opening.account.required("templateId")?;
        let key = opening.secret_header("authKey", key.expose_secret())?;
        let name = HeaderName::from_static("authkey");
        Ok(Self { send: opening.head("/api/v5/flow", "application/json", [(name, key)])?, sender, template })
    }

    fn body(&self, recipients: &[Value]) -> String {
        json!({
            "template_id": self.template,
            "sender": self.sender,
            "short_url": "0",
            "recipients": recipients,
        })
        .to_string()
    }
}

/// The code of a refusal, which may come with a status of success. Where the account is refused,
/// `code` repeats the status and `apiError` has the code.
fn code(body: &Value) -> String {
    match meaning::word(&body["apiError"]) {
        code if code.is_empty() => meaning::word(&body["code"]),
        code => code,
    }
}

/// Whether an answer says that it is a refusal.
fn refuses(body: &Value) -> bool {
    body["type"] == "error" || body["hasError"] == true
}

impl Protocol for Msg91 {
    type Content = Text;

    const MEANINGS: &'static [Meaning] = &[
        content(0, "101"),
        content(0, "102"),
        sender(0, "103"),
        credentials(0, "106"),
        sender(0, "107"),
        credentials(0, "201"),
        recipient(0, "202"),
        sender(0, "203"),
        credentials(0, "207"),
        credentials(0, "208"),
        // No route for the account, or none that takes so few.
        sender(0, "205"),
        sender(0, "209"),
        sender(0, "210"),
        // No balance, an account that has expired or was banned.
        sender(0, "301"),
        sender(0, "302"),
        sender(0, "303"),
        wait(0, "306"),
        content(0, "310"),
        // The same request came twice within ten seconds: maybe the other was ours.
        row(0, "311", Verdict::Uncertain, Stage::Response),
        sender(0, "400"),
        credentials(0, "418"),
        // A demonstration account.
        sender(0, "505"),
        wait(0, "506"),
        wait(0, "601"),
    ];

    fn compile(&self, rendition: &Rendition) -> Result<Text, CompileError> {
        Text::compile(rendition, None)
    }

    fn check(&self, content: &Text, recipient: &Recipient) -> Result<(), Answer> {
        content.check(recipient)
    }

    fn request(&self, content: &Text, to: &[&Recipient], _key: Option<BatchKey>) -> Made<'_> {
        let recipients = to.iter().map(|to| {
            let text = content.of(to);
            json!({"mobiles": bare(&to.address), "content": text, "otp": text, "CRQID": to.reference})
        });
        Made::new(&self.send, self.body(&recipients.collect::<Vec<_>>()), to.len())
    }

    fn judge(&self, answer: &HttpAnswer, _to: &[&Recipient]) -> Judged {
        let body = meaning::json(answer);
        Judged::All(match &body {
            Some(body) if answer.status.is_success() && body["type"] == "success" => {
                meaning::accepted(answer, &meaning::word(&body["message"]), "success")
            }
            Some(body) if answer.status.is_success() && refuses(body) => {
                // Told to be refused, so it was not taken.
                let mut refused = meaning::refused(Self::MEANINGS, answer, &code(body));
                if !Self::MEANINGS.iter().any(|row| row.code == code(body)) {
                    let row = content(0, "");
                    (refused.verdict, refused.stage) = (row.verdict, row.stage);
                }
                refused
            }
            _ if answer.status.is_success() => meaning::unreadable(answer),
            Some(body) => meaning::refused(Self::MEANINGS, answer, &code(body)),
            None => meaning::refused(Self::MEANINGS, answer, ""),
        })
    }

    fn probe(&self) -> Made<'_> {
        // To nobody: the key is looked at first.
        Made::new(&self.send, self.body(&[]), 1)
    }

    fn judge_probe(&self, answer: &HttpAnswer) -> Answer {
        let code = meaning::json(answer).map(|body| code(&body)).unwrap_or_default();
        match answer.status.as_u16() {
            // Of the missing recipients.
            200 | 400 | 422 if code.is_empty() || code == "101" => meaning::accepted(answer, "", ""),
            _ => meaning::refused(Self::MEANINGS, answer, &code),
        }
    }
}
