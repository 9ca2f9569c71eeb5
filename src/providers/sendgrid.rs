//! SendGrid: up to 1,000 recipients a request, each a personalization of its own.
//!
//! `POST /v3/mail/send`, JSON, a bearer token
//! (<https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send>). Texts that
//! differ are put in by substitution, at most 10,000 bytes for each recipient
//! (<https://www.twilio.com/docs/sendgrid/api-reference/mail-send/limitations>).
//! 202 has no body; the id is in `X-Message-Id`. Refusals have texts and fields, no codes; their
//! statuses are those of the reference's “Errors”
//! (<https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/errors>), of which
//! 406 says that `Accept` is missing. Unconfirmed: 415, which the older reference had for a body that is
//! not JSON.

use super::adapter::{AccountError, Answer, CompileError, Recipient, Rendition, Verdict};
use super::http::{Head, HttpAnswer};
use super::letter::{self, Letter, Mailbox, Post, Sender};
use super::meaning::{self, Meaning, content, credentials, sender};
use super::service::{Judged, Made, Opening, Protocol};
use crate::domain::delivery::Stage;
use crate::domain::plan::BatchKey;
use bytes::Bytes;
use chrono::Utc;
use http::HeaderValue;
use http::header::{ACCEPT, AUTHORIZATION};
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use std::time::Duration;

/// Where SendGrid is, unless the account says otherwise.
pub const BASE: &str = "https://api.sendgrid.com";
/// The bytes of one recipient's substitutions.
const SUBSTITUTIONS: usize = 10_000;
/// What our tags begin with. A text that has this in it goes without substitution.
const TAG: &str = "-herald-";
const TEXT: &str = "-herald-text-";
const HTML: &str = "-herald-html-";

/// The protocol of SendGrid.
#[derive(Debug)]
pub struct SendGrid {
    send: Head,
    scopes: Head,
    sender: Sender,
}

impl SendGrid {
    /// Reads the account.
    pub fn new(opening: &Opening<'_>) -> Result<Self, AccountError> {
        let bearer = opening.bearer("Bearer", "apiKey")?;
        let sender = Sender::read(opening.account)?;
        let json = "application/json";
        let ours = [(AUTHORIZATION, bearer), (ACCEPT, HeaderValue::from_static(json))];
        let send = opening.head("/v3/mail/send", json, ours.clone())?;
        Ok(Self { send, scopes: opening.get("/v3/scopes", ours)?, sender })
    }

    /// What is one recipient's own.
    fn personalization(&self, to: &Recipient, letter: &Letter<'_>, substituted: bool) -> Value {
        let mut headers = Map::new();
        headers.insert("Message-ID".to_owned(), self.sender.message_id(to).into());
        if let Some(link) = &to.unsubscribe {
            let lines = letter::unsubscribe_headers(link);
            headers.extend(lines.into_iter().map(|(name, value)| (name.to_owned(), value.into())));
        }
        let mut own = json!({
            "to": [{"email": letter::address(to)}],
            "subject": letter.subject,
            "headers": headers,
            "custom_args": {"reference": to.reference},
        });
        if substituted {
            own["substitutions"] = json!({ TEXT: letter.text });
            if let Some(html) = &letter.html {
                own["substitutions"][HTML] = json!(html);
            }
        }
        own
    }
}

/// Whether a letter can be put in by substitution.
fn substitutes(letter: &Letter<'_>) -> bool {
    let html = letter.html.as_deref().unwrap_or_default();
    let size = letter.text.len() + html.len() + TEXT.len() + HTML.len();
    size <= SUBSTITUTIONS && !letter.text.contains(TAG) && !html.contains(TAG)
}

fn mailbox(mailbox: &Mailbox) -> Value {
    match &mailbox.name {
        Some(name) => json!({"email": mailbox.email, "name": name}),
        None => json!({"email": mailbox.email}),
    }
}

impl Protocol for SendGrid {
    type Content = Post;

    const MEANINGS: &'static [Meaning] = &[
        content(400, ""),
        credentials(401, ""),
        // The key may not send, or the sender is no verified identity.
        sender(403, ""),
        content(413, ""),
        content(415, ""),
        // Not from here: the account's data may not leave its region.
        sender(451, ""),
    ];

    fn compile(&self, rendition: &Rendition) -> Result<Post, CompileError> {
        Post::compile(rendition)
    }

    fn check(&self, _content: &Post, recipient: &Recipient) -> Result<(), Answer> {
        Post::check(recipient)?;
        if recipient.rendered.as_ref().is_some_and(|rendered| rendered.body.is_empty()) {
            let text = "the text is empty, which SendGrid does not take";
            return Err(Answer::new(Verdict::Permanent, Stage::Local, 0, text));
        }
        Ok(())
    }

    fn request(&self, post: &Post, to: &[&Recipient], _key: Option<BatchKey>) -> Made<'_> {
        let first = post.letter(to[0]);
        let substituted = post.personal && substitutes(&first);
        let mut addresses = HashSet::new();
        let mut own = Vec::with_capacity(to.len());
        for recipient in to {
            let letter = post.letter(recipient);
            // One address stands once in a request; what cannot be substituted goes alone.
            let fits = !post.personal || own.is_empty() || (substituted && substitutes(&letter));
            if !fits || !addresses.insert(letter::address(recipient).to_lowercase()) {
                break;
            }
            own.push(self.personalization(recipient, &letter, substituted));
        }
        let taken = own.len();
        let text = if substituted { TEXT } else { &first.text };
        // An empty part is refused: mail in HTML may have no text at all.
        let mut parts = Vec::new();
        if !text.is_empty() {
            parts.push(json!({"type": "text/plain", "value": text}));
        }
        if let Some(html) = &first.html {
            parts.push(json!({"type": "text/html", "value": if substituted { HTML } else { html }}));
        }
        let mut body = json!({
            "from": mailbox(&self.sender.from),
            "personalizations": own,
            "content": parts,
        });
        if let Some(reply_to) = &self.sender.reply_to {
            body["reply_to"] = mailbox(reply_to);
        }
        if !post.files.is_empty() {
            let file = |file: &letter::File| {
                json!({
                    "content": file.base64(),
                    "filename": file.name,
                    "type": file.mime,
                    "disposition": "attachment",
                })
            };
            body["attachments"] = post.files.iter().map(file).collect();
        }
        Made::new(&self.send, body.to_string(), taken)
    }

    fn judge(&self, answer: &HttpAnswer, _to: &[&Recipient]) -> Judged {
        if answer.status == http::StatusCode::ACCEPTED {
            let id = answer.header("x-message-id").unwrap_or_default();
            return Judged::All(meaning::accepted(answer, id, "accepted"));
        }
        let mut refused = meaning::refused(Self::MEANINGS, answer, "");
        // It says when its window ends, in seconds since 1970, and not how long that is.
        let reset = answer.header("x-ratelimit-reset").and_then(|value| value.parse::<i64>().ok());
        if let (429, None, Some(reset)) = (answer.status.as_u16(), refused.retry_after, reset) {
            let left = u64::try_from(reset - Utc::now().timestamp()).unwrap_or(0).min(3600);
            refused.retry_after = Some(Duration::from_secs(left.max(1)));
        }
        Judged::All(refused)
    }

    fn probe(&self) -> Made<'_> {
        Made::new(&self.scopes, Bytes::new(), 1)
    }

    fn judge_probe(&self, answer: &HttpAnswer) -> Answer {
        if !answer.status.is_success() {
            return meaning::refused(Self::MEANINGS, answer, "");
        }
        let scopes = meaning::json(answer).unwrap_or_default();
        let sends = scopes["scopes"].as_array().is_some_and(|all| all.iter().any(|one| one == "mail.send"));
        if sends {
            return meaning::accepted(answer, "", "");
        }
        let text = "the key lacks the scope mail.send";
        Answer::new(Verdict::Refused, Stage::Authentication, answer.status.as_u16(), text)
    }
}
