//! Inforu: one text to up to 100 numbers a request.
//!
//! `POST /api/v2/SMS/SendSms`, JSON, Basic authentication with a token that is encoded
//! already (<https://apidoc.inforu.co.il/>). The answer is 200 with a status.
//!
//! Unconfirmed: the codes, which are those of Inforu's older interface (its document “SMS Gateway
//! Interface”); path, fields, authentication and a `StatusId` of 1 are as clients of this one have
//! them (looked for again in documentation and clients: none lists the codes of this interface). A
//! status that the table lacks is uncertain.

use super::adapter::{AccountError, Answer, CompileError, Recipient, Rendition};
use super::http::{Head, HttpAnswer};
use super::meaning::{self, Meaning, content, credentials, recipient, sender, wait};
use super::service::{Judged, Made, Opening, Protocol};
use super::text::{self, Sender, Text};
use crate::domain::plan::BatchKey;
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

/// Where Inforu is, unless the account says otherwise.
pub const BASE: &str = "https://capi.inforu.co.il";

/// The protocol of Inforu.
#[derive(Debug)]
pub struct Inforu {
    send: Head,
    from: Sender,
}

impl Inforu {
    /// Reads the account.
    pub fn new(opening: &Opening<'_>) -> Result<Self, AccountError> {
        let basic = opening.bearer("Basic", "apiToken")?;
        opening.account.required("from")?;
        let from = Sender::read(opening.account, "from", |_| false)?
            .ok_or_else(|| opening.account.invalid("from", "is not set"))?;
        let send = opening.head("/api/v2/SMS/SendSms", "application/json", [(AUTHORIZATION, basic)])?;
        Ok(Self { send, from })
    }

    fn body(&self, text: &str, phones: &[&str]) -> String {
        let recipients: Vec<Value> = phones.iter().map(|phone| json!({"Phone": phone})).collect();
        let settings = json!({"Sender": self.from.bare()});
        json!({"Data": {"Message": text, "Recipients": recipients, "Settings": settings}}).to_string()
    }
}

impl Protocol for Inforu {
    type Content = Text;

    const MEANINGS: &'static [Meaning] = &[
        wait(200, "-1"),
        credentials(200, "-2"),
        content(200, "-6"),
        content(200, "-9"),
        sender(200, "-13"),
        sender(200, "-14"),
        sender(200, "-15"),
        recipient(200, "-17"),
        recipient(200, "-18"),
        sender(200, "-20"),
        sender(200, "-21"),
        credentials(200, "-22"),
        credentials(200, "-26"),
        recipient(200, "-28"),
        recipient(200, "-29"),
        sender(200, "-90"),
    ];

    fn compile(&self, rendition: &Rendition) -> Result<Text, CompileError> {
        Text::compile(rendition, None)
    }

    fn check(&self, content: &Text, recipient: &Recipient) -> Result<(), Answer> {
        content.check(recipient)
    }

    fn request(&self, content: &Text, to: &[&Recipient], _key: Option<BatchKey>) -> Made<'_> {
        let taken = text::alike(content, &to[..text::distinct(to)]);
        let phones: Vec<&str> = to[..taken].iter().map(|to| to.address.as_str()).collect();
        Made::new(&self.send, self.body(content.of(to[0]), &phones), taken)
    }

    fn judge(&self, answer: &HttpAnswer, _to: &[&Recipient]) -> Judged {
        if !answer.status.is_success() {
            return Judged::All(meaning::refused(Self::MEANINGS, answer, ""));
        }
        let body = meaning::json(answer).unwrap_or_default();
        let status = meaning::word(&body["StatusId"]);
        Judged::All(match status.as_str() {
            "1" => meaning::accepted(
                answer,
                &meaning::word(&body["RequestId"]),
                meaning::word(&body["StatusDescription"]),
            ),
            known if Self::MEANINGS.iter().any(|row| row.code == known) => {
                meaning::refused(Self::MEANINGS, answer, known)
            }
            _ => meaning::unreadable(answer),
        })
    }

    fn probe(&self) -> Made<'_> {
        // To nobody: who asks is looked at first.
        Made::new(&self.send, self.body("-", &[]), 1)
    }

    fn judge_probe(&self, answer: &HttpAnswer) -> Answer {
        let body = meaning::json(answer).unwrap_or_default();
        match meaning::word(&body["StatusId"]).as_str() {
            "-6" | "-18" if answer.status.is_success() => meaning::accepted(answer, "", ""),
            code => meaning::refused(Self::MEANINGS, answer, code),
        }
    }
}
