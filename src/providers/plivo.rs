//! Plivo: one text to up to 1,000 numbers a request.
//!
//! `POST /v1/Account/{auth_id}/Message/`, JSON with `src`, `dst` (numbers with `<` between)
//! and `text`; Basic authentication
//! (<https://www.plivo.com/docs/messaging/api/message/send-a-message/>). The answer has an id
//! for each number, in their order, and the numbers that were none.
//!
//! The codes of receipts are those of <https://www.plivo.com/docs/messaging/api/message/error-codes>:
//! 50 a number that is none or a landline, 70 one that is not active, 200 a reply of STOP.
//! Unconfirmed: 402 and 413, and that ids stand in the order of the numbers; where their counts do
//! not add up the answer is uncertain.

use super::adapter::{AccountError, Answer, CompileError, Recipient, Rendition, Verdict};
use super::http::{Head, HttpAnswer};
use super::meaning::{self, Meaning, content, credentials, sender};
use super::service::{Judged, Made, Opening, Protocol};
use super::text::{self, Sender, Text, bare};
use crate::domain::delivery::Stage;
use crate::domain::plan::BatchKey;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

/// Where Plivo is, unless the account says otherwise.
pub const BASE: &str = "https://api.plivo.com";

/// The protocol of Plivo.
#[derive(Debug)]
pub struct Plivo {
    send: Head,
    account: Head,
    from: Sender,
    most: Option<usize>,
    callback: Option<String>,
}

impl Plivo {
    /// Reads the account.
    pub fn new(opening: &Opening<'_>) -> Result<Self, AccountError> {
        let id = opening.account.required("authId")?;
        if !id.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(opening.account.invalid("authId", "is not an auth id of letters and digits"));
        }
        let token = opening.account.required_secret("authToken")?;
        opening.account.required("from")?;
        let from = Sender::read(opening.account, "from", |_| false)?
            .ok_or_else(|| opening.account.invalid("from", "is not set"))?;
        let basic = opening.basic(&id, &token)?;
        let root = format!("/v1/Account/{id}/");
        let path = format!("{root}Message/");
        Ok(Self {
            send: opening.head(&path, "application/json", [(AUTHORIZATION, basic.clone())])?,
            account: opening.get(&root, [(AUTHORIZATION, basic)])?,
            from,
            most: opening.kind.text,
            callback: opening.account.receipts_url.clone(),
        })
    }
}

impl Protocol for Plivo {
    type Content = Text;

    const MEANINGS: &'static [Meaning] =
        &[content(400, ""), credentials(401, ""), sender(402, ""), content(413, "")];

    fn compile(&self, rendition: &Rendition) -> Result<Text, CompileError> {
        Text::compile(rendition, self.most)
    }

    fn check(&self, content: &Text, recipient: &Recipient) -> Result<(), Answer> {
        content.check(recipient)
    }

    fn request(&self, content: &Text, to: &[&Recipient], _key: Option<BatchKey>) -> Made<'_> {
        // It drops a number that stands twice, and ids would shift.
        let taken = text::alike(content, &to[..text::distinct(to)]);
        let numbers: Vec<&str> = to[..taken].iter().map(|to| bare(&to.address)).collect();
        let mut body = json!({"src": self.from.bare(), "dst": numbers.join("<"), "text": content.of(to[0])});
        if let Some(callback) = &self.callback {
            body["url"] = callback.as_str().into();
            body["method"] = "POST".into();
        }
        Made::new(&self.send, body.to_string(), taken)
    }

    fn judge(&self, answer: &HttpAnswer, to: &[&Recipient]) -> Judged {
        if !answer.status.is_success() {
            return Judged::All(meaning::refused(Self::MEANINGS, answer, ""));
        }
        let body = meaning::json(answer).unwrap_or_default();
        let list = |name: &str| body[name].as_array().cloned().unwrap_or_default();
        let (ids, invalid) = (list("message_uuid"), list("invalid_number"));
        if ids.len() + invalid.len() != to.len() {
            return Judged::All(meaning::unreadable(answer));
        }
        let bad = |to: &Recipient| {
            invalid.iter().filter_map(Value::as_str).any(|number| bare(number) == bare(&to.address))
        };
        let mut ids = ids.iter();
        let each = to.iter().map(|to| {
            if bad(to) {
                let code = answer.status.as_u16();
                return Answer::new(Verdict::Permanent, Stage::Recipient, code, "an invalid number");
            }
            match ids.next().map(meaning::word) {
                Some(id) if !id.is_empty() => meaning::accepted(answer, &id, "queued"),
                _ => meaning::unreadable(answer),
            }
        });
        Judged::Each(each.collect())
    }

    fn probe(&self) -> Made<'_> {
        Made::new(&self.account, Bytes::new(), 1)
    }
}
