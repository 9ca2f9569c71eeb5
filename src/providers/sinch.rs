//! Sinch: up to 1,000 numbers a request, each with a text of its own by parameters.
//!
//! `POST /xms/v1/{service_plan_id}/batches`, JSON, a bearer token
//! (<https://developers.sinch.com/docs/sms/api-reference/sms/batches/sendsms>). One id for
//! the batch; refusals have a status and mostly a code
//! (<https://developers.sinch.com/docs/sms/api-reference/status-codes>; the same list with the former
//! name of the interface at github.com/clxcommunications/sdk-xms-java, `ApiError`).

use super::adapter::{AccountError, Answer, CompileError, Recipient, Rendition};
use super::http::{Head, HttpAnswer};
use super::meaning::{self, Meaning, content, credentials, sender};
use super::service::{Judged, Made, Opening, Protocol};
use super::text::{self, Sender, Text, bare};
use crate::domain::plan::BatchKey;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use serde_json::{Map, Value, json};

/// Where Sinch is, unless the account says otherwise: the United States. Other regions
/// have an address of their own.
pub const BASE: &str = "https://us.sms.api.sinch.com";
/// The most characters of a parameter's value.
const PARAMETER: usize = 1600;

/// The protocol of Sinch.
#[derive(Debug)]
pub struct Sinch {
    send: Head,
    list: Head,
    from: Sender,
    most: Option<usize>,
}

impl Sinch {
    /// Reads the account.
    pub fn new(opening: &Opening<'_>) -> Result<Self, AccountError> {
        let plan = opening.account.required("servicePlanId")?;
        if !plan.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
            return Err(opening.account.invalid("servicePlanId", "is not the id of a service plan"));
        }
        let bearer = opening.bearer("Bearer", "apiToken")?;
        opening.account.required("from")?;
        let from = Sender::read(opening.account, "from", |_| false)?
            .ok_or_else(|| opening.account.invalid("from", "is not set"))?;
        let path = format!("/xms/v1/{plan}/batches");
        Ok(Self {
            send: opening.head(&path, "application/json", [(AUTHORIZATION, bearer.clone())])?,
            list: opening.get(&format!("{path}?page_size=1"), [(AUTHORIZATION, bearer)])?,
            from,
            most: opening.kind.text,
        })
    }
}

impl Protocol for Sinch {
    type Content = Text;

    const MEANINGS: &'static [Meaning] = &[
        content(400, "syntax_invalid_json"),
        content(400, "syntax_invalid_parameter_format"),
        content(400, "syntax_constraint_violation"),
        // A group's id, not a number: of the request, which names none.
        content(403, "unknown_group"),
        sender(403, "unknown_campaign"),
        content(403, "missing_callback_url"),
        credentials(401, ""),
    ];

    fn compile(&self, rendition: &Rendition) -> Result<Text, CompileError> {
        Text::compile(rendition, self.most)
    }

    fn check(&self, content: &Text, recipient: &Recipient) -> Result<(), Answer> {
        content.check(recipient)
    }

    fn request(&self, content: &Text, to: &[&Recipient], _key: Option<BatchKey>) -> Made<'_> {
        let distinct = &to[..text::distinct(to)];
        let alike = text::alike(content, distinct);
        let fits = |to: &&&Recipient| content.of(to).chars().count() <= PARAMETER;
        let own = distinct.iter().take_while(fits).count();
        let mut body = json!({"from": self.from.bare(), "body": content.of(to[0])});
        let taken = if alike < own {
            let texts: Map<String, Value> = distinct[..own]
                .iter()
                .map(|to| (bare(&to.address).to_owned(), content.of(to).into()))
                .collect();
            body["body"] = json!("${text}");
            body["parameters"] = json!({ "text": texts });
            own
        } else {
            alike
        };
        body["to"] = distinct[..taken].iter().map(|to| bare(&to.address)).collect();
        Made::new(&self.send, body.to_string(), taken)
    }

    fn judge(&self, answer: &HttpAnswer, _to: &[&Recipient]) -> Judged {
        let body = meaning::json(answer).unwrap_or_default();
        if !answer.status.is_success() {
            return Judged::All(meaning::refused(Self::MEANINGS, answer, &meaning::word(&body["code"])));
        }
        let id = meaning::word(&body["id"]);
        Judged::All(if id.is_empty() {
            meaning::unreadable(answer)
        } else {
            meaning::accepted(answer, &id, "queued")
        })
    }

    fn probe(&self) -> Made<'_> {
        Made::new(&self.list, Bytes::new(), 1)
    }
}
