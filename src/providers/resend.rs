//! Resend: up to 100 mails a request, each whole in itself.
//!
//! `POST /emails/batch`, a JSON array; with attachments `POST /emails`, one mail
//! (<https://resend.com/docs/api-reference/emails/send-batch-emails>). A bearer token.
//! `x-batch-validation: permissive` makes one bad mail fail nobody else
//! (<https://resend.com/changelog/batch-validation-modes>). `Idempotency-Key` lives for 24
//! hours (<https://resend.com/docs/dashboard/emails/idempotency-keys>). Refusals have a
//! name (<https://resend.com/docs/api-reference/errors>).
//!
//! Checked: names and statuses on that page, fields in the service's own description of its API
//! (github.com/resend/resend-openapi). Unconfirmed: that the ids of a batch with errors stand in
//! the order of who is left; where their counts do not add up the answer is uncertain.

use super::adapter::{AccountError, Answer, CompileError, Recipient, Rendition, Verdict};
use super::http::{Head, HttpAnswer};
use super::letter::{self, Post, Sender};
use super::meaning::{self, Meaning, content, credentials, row, sender, wait};
use super::service::{Judged, Made, Opening, Protocol};
use crate::domain::delivery::Stage;
use crate::domain::plan::BatchKey;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

/// Where Resend is, unless the account says otherwise.
pub const BASE: &str = "https://api.resend.com";
/// The header that makes a repeated request harmless.
const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const VALIDATION: HeaderName = HeaderName::from_static("x-batch-validation");

/// The protocol of Resend.
#[derive(Debug)]
pub struct Resend {
    batch: Head,
    single: Head,
    domains: Head,
    sender: Sender,
}

impl Resend {
    /// Reads the account.
    pub fn new(opening: &Opening<'_>) -> Result<Self, AccountError> {
        let bearer = opening.bearer("Bearer", "apiKey")?;
        let sender = Sender::read(opening.account)?;
        let json = "application/json";
        let permissive = (VALIDATION, HeaderValue::from_static("permissive"));
        Ok(Self {
            batch: opening.head("/emails/batch", json, [(AUTHORIZATION, bearer.clone()), permissive])?,
            single: opening.head("/emails", json, [(AUTHORIZATION, bearer.clone())])?,
            domains: opening.get("/domains", [(AUTHORIZATION, bearer)])?,
            sender,
        })
    }

    fn mail(&self, post: &Post, to: &Recipient) -> Value {
        let letter = post.letter(to);
        // It makes a Message-ID of its own; this header keeps copies apart in a mailbox.
        let mut headers = Map::from_iter([("X-Entity-Ref-ID".to_owned(), to.reference.clone().into())]);
        if let Some(link) = &to.unsubscribe {
            let lines = letter::unsubscribe_headers(link);
            headers.extend(lines.into_iter().map(|(name, value)| (name.to_owned(), value.into())));
        }
        let mut mail = json!({
            "from": self.sender.from.header(),
            "to": [letter::address(to)],
            "subject": letter.subject,
            "text": letter.text,
            "headers": headers,
        });
        if let Some(html) = &letter.html {
            mail["html"] = json!(html);
        }
        if let Some(reply_to) = &self.sender.reply_to {
            mail["reply_to"] = json!([reply_to.header()]);
        }
        if !post.files.is_empty() {
            let file = |file: &letter::File| json!({"filename": file.name, "content": file.base64(), "content_type": file.mime});
            mail["attachments"] = post.files.iter().map(file).collect();
        }
        mail
    }
}

impl Protocol for Resend {
    type Content = Post;

    const MEANINGS: &'static [Meaning] = &[
        credentials(401, "missing_api_key"),
        credentials(401, "restricted_api_key"),
        credentials(403, "invalid_api_key"),
        credentials(422, "invalid_access"),
        // The domain is not verified, or only mail to oneself is allowed.
        sender(403, "validation_error"),
        sender(422, "invalid_from_address"),
        sender(422, "invalid_region"),
        content(400, "validation_error"),
        content(422, "validation_error"),
        content(422, "missing_required_field"),
        content(422, "invalid_parameter"),
        content(422, "invalid_attachment"),
        content(400, "invalid_idempotency_key"),
        content(451, "security_error"),
        // An earlier request had this key and was taken, but it was not this one.
        row(409, "invalid_idempotent_request", Verdict::Uncertain, Stage::Response),
        wait(409, "concurrent_idempotent_requests"),
        wait(429, "rate_limit_exceeded"),
        wait(429, "daily_quota_exceeded"),
        wait(429, "monthly_quota_exceeded"),
        wait(500, "application_error"),
        wait(500, "internal_server_error"),
    ];

    fn compile(&self, rendition: &Rendition) -> Result<Post, CompileError> {
        Post::compile(rendition)
    }

    fn check(&self, _content: &Post, recipient: &Recipient) -> Result<(), Answer> {
        Post::check(recipient)
    }

    fn request(&self, post: &Post, to: &[&Recipient], key: Option<BatchKey>) -> Made<'_> {
        // The batch takes no attachments.
        let mut made = if post.files.is_empty() {
            let mails: Vec<Value> = to.iter().map(|to| self.mail(post, to)).collect();
            Made::new(&self.batch, Value::Array(mails).to_string(), to.len())
        } else {
            Made::new(&self.single, self.mail(post, to[0]).to_string(), 1)
        };
        if let Some(key) = key.and_then(|key| meaning::request_key(key, &to[..made.taken])) {
            made.further.insert(KEY, key);
        }
        made
    }

    fn judge(&self, answer: &HttpAnswer, to: &[&Recipient]) -> Judged {
        let body = meaning::json(answer);
        if !answer.status.is_success() {
            let name = body.map(|body| meaning::word(&body["name"])).unwrap_or_default();
            return Judged::All(meaning::refused(Self::MEANINGS, answer, &name));
        }
        let Some(body) = body else { return Judged::All(meaning::unreadable(answer)) };
        if body["id"].is_string() && to.len() == 1 {
            return Judged::All(meaning::accepted(answer, &meaning::word(&body["id"]), "accepted"));
        }
        let none = Vec::new();
        let errors = body["errors"].as_array().unwrap_or(&none);
        let ids = body["data"].as_array().unwrap_or(&none);
        // Who is not among the errors has an id, in the order of the request.
        if ids.len() + errors.len() != to.len() {
            return Judged::All(meaning::unreadable(answer));
        }
        let mut ids = ids.iter();
        let each = (0..to.len()).map(|place| {
            if let Some(error) = errors.iter().find(|error| error["index"] == place) {
                let text = meaning::word(&error["message"]);
                let (verdict, stage) = meaning::find(Self::MEANINGS, 422, "validation_error");
                return Answer::new(verdict, stage, answer.status.as_u16(), meaning::cut(&text));
            }
            match ids.next().map(|one| meaning::word(&one["id"])) {
                Some(id) if !id.is_empty() => meaning::accepted(answer, &id, "accepted"),
                _ => meaning::unreadable(answer),
            }
        });
        Judged::Each(each.collect())
    }

    fn probe(&self) -> Made<'_> {
        Made::new(&self.domains, Bytes::new(), 1)
    }

    fn judge_probe(&self, answer: &HttpAnswer) -> Answer {
        let name = meaning::json(answer).map(|body| meaning::word(&body["name"])).unwrap_or_default();
        // A key that may only send is told so: it is a good one.
        if answer.status.is_success() || name == "restricted_api_key" {
            return meaning::accepted(answer, "", "");
        }
        meaning::refused(Self::MEANINGS, answer, &name)
    }
}
